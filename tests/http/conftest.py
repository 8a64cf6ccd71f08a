"""Fixtures of the tests of the HTTP interface: homes without Java, and the app opened through its shell."""

from tests.fixtures_runs import finished_home, fresh_home, open_page, own_home, scoring_work, services, trained, visit

__all__ = ["finished_home", "fresh_home", "open_page", "own_home", "scoring_work", "services", "trained", "visit"]
