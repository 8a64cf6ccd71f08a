"""F06: many clients in many processes submit at once and two processes work: each run runs once and in order."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from core.settings import ROOT
from tests.fixtures_engine import wait_for
from tests.fixtures_runs import Home

pytestmark = [pytest.mark.soak, pytest.mark.slow]

CLIENTS, EACH = (10, 5) if os.environ.get("BELLWETHER_SOAK") else (3, 3)
ALL_S, LINES_S = 600.0, 10.0
CLIENT = Path(__file__).with_name("queue_client.py")


@pytest.fixture
def clients(fresh_home: Home) -> Iterator[list[subprocess.Popen]]:
    """Processes that are ready to submit; the first two also work on the queue."""
    started = []
    for number in range(CLIENTS):
        role = "worker" if number < 2 else "client"
        command = [sys.executable, str(CLIENT), str(fresh_home.services.settings.home), fresh_home.dataset.id]
        started.append(
            subprocess.Popen(
                [*command, str(number + 1), str(EACH), role],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
    yield started
    for process in started:
        process.communicate("\n", timeout=60)
        assert process.returncode == 0


def test_f06_each_of_many_runs_runs_once_in_order(fresh_home: Home, clients: list[subprocess.Popen]) -> None:
    for process in clients:
        assert process.stdout.readline() == "ready\n"
    for process in clients:
        process.stdin.write("\n")
        process.stdin.flush()
    for process in clients:
        assert process.stdout.readline() == "submitted\n"
    store, n_runs = fresh_home.services.store, CLIENTS * EACH
    runs = wait_for(store.list_runs, lambda runs: all(run.is_final for run in runs), ALL_S)[::-1]
    assert len(runs) == len({run.settings.seed for run in runs}) == n_runs
    assert {run.status for run in runs} == {"finished"}
    for before, after in pairwise(runs):
        assert before.created_at <= after.created_at
        assert before.ended_at <= after.started_at
    # The last run's line in the activity follows its status.
    ledger = fresh_home.services.ledger
    entries = wait_for(
        lambda: ledger.entries(action="run finished", limit=10_000), lambda entries: len(entries) >= n_runs, LINES_S
    )
    assert Counter(entry.subject for entry in entries) == Counter(run.run_id for run in runs)
    assert all(len(store.models(run_id=run.run_id)) == 1 for run in runs)
