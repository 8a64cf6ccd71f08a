"""Fixtures of the core tests: homes whose engine is a small one in memory."""

from tests.fixtures_runs import finished_home, fresh_home, own_home, scoring_work, shared_home, trained

__all__ = ["finished_home", "fresh_home", "own_home", "scoring_work", "shared_home", "trained"]
