"""Fixtures of the page tests: homes without Java, and the app opened through its shell."""

from tests.fixtures_runs import (
    finished_home,
    fresh_home,
    open_page,
    own_home,
    scoring_work,
    services,
    shared_home,
    trained,
    visit,
)

__all__ = [
    "finished_home",
    "fresh_home",
    "open_page",
    "own_home",
    "scoring_work",
    "services",
    "shared_home",
    "trained",
    "visit",
]
