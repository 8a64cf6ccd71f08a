"""What a command says while it works: lines on stderr, so that stdout holds its answer alone."""

import sys
from collections.abc import Iterable

from core.domain.runs import RunInfo

PERSON = "command line"  # who acted, in the audit


def say(text: str) -> None:
    """Write one line."""
    print(text, file=sys.stderr, flush=True)


def tell(warnings: Iterable[str]) -> None:
    """Write what was guessed, left out or renamed in a file, a line for each."""
    for warning in warnings:
        say(warning)


def show(run: RunInfo) -> None:
    """Say how far a run is."""
    say(f"[{run.status}] {run.progress:4.0%} {run.n_models} models  {run.stage}")
