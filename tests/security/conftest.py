"""Fixtures of the tests on security: homes whose engine is a small one in memory."""

from tests.fixtures_runs import fresh_home, own_home

__all__ = ["fresh_home", "own_home"]
