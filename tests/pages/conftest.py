"""Fixtures of the page tests: homes without Java, and the app opened through its shell."""

from tests.fixtures_runs import fresh_home, own_home, trained, visit
from tests.fixtures_store import migrated_database

__all__ = ["fresh_home", "migrated_database", "own_home", "trained", "visit"]
