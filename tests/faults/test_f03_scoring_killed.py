"""F03 for scorings: the process that scores a file is killed, or ended in order; nothing of the file is lost."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core.ledger.scoring_records import ScoringRequest
from core.settings import ROOT
from tests.fixtures_runs import write_customers

SCORER = Path(__file__).with_name("killed_scorer.py")
WAIT_S = 60


@pytest.fixture
def scorer(own_home, tmp_path):
    """A process at the prediction of a file, the id of the scoring, and the id of one that waits behind it."""
    services = own_home.services
    path = write_customers(tmp_path / "new.csv", 60, seed=3, with_target=False)
    model = services.store.champion("customers")
    first, second = (services.scorings.submit(path, f"{n}.csv", model, ScoringRequest()) for n in (1, 2))
    process = subprocess.Popen(
        [sys.executable, str(SCORER), str(services.settings.home)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "scoring\n"
    yield process, first, second
    if process.poll() is None:
        process.kill()
    process.stdout.close()
    process.wait(WAIT_S)


def test_a_killed_scoring_is_interrupted_and_started_again(own_home, scorer):
    process, first, second = scorer
    scorings, log = own_home.services.scorings, own_home.services.scoring_log
    scorings.settle()
    assert log.get(first).status == "running", "its process lives"
    process.kill()
    process.wait(WAIT_S)
    scorings.settle()
    record = log.get(first)
    assert (record.status, record.error["code"]) == ("interrupted", "scoring.interrupted")
    scorings.again(first)
    scorings.start()
    assert scorings.wait(first, WAIT_S).status == "finished"
    assert scorings.wait(second, WAIT_S).status == "finished"
    scorings.stop()
    scorings.join()
    assert [entry.subject for entry in own_home.services.ledger.entries(action="score again")] == [first]


def test_an_orderly_end_lets_it_wait_for_the_next_start(own_home, scorer):
    process, first, second = scorer
    process.send_signal(signal.SIGTERM)
    process.wait(WAIT_S)
    scorings, log = own_home.services.scorings, own_home.services.scoring_log
    assert [log.get(one).status for one in (first, second)] == ["queued", "queued"]
    scorings.start()
    assert scorings.wait(first, WAIT_S).status == "finished"
    assert scorings.wait(second, WAIT_S).status == "finished"
    scorings.stop()
    scorings.join()
