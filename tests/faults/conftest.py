"""Fixtures of the core tests: a home whose engine is a small one in memory."""

from tests.fixtures_runs import finished_home, fresh_home, own_home

__all__ = ["finished_home", "fresh_home", "own_home"]
