"""All services together: they begin to work whatever the first moment brings, and end in order."""

from collections.abc import Iterator

import pytest

from core.errors import StoreBusyError
from core.ledger.scoring_records import ScoringRequest
from tests.fixtures_runs import Home, write_customers

WAIT_S = 30


@pytest.fixture
def home(own_home: Home) -> Iterator[Home]:
    """A home that is closed at the end."""
    yield own_home
    own_home.services.close()


@pytest.mark.slow
def test_workers_work_though_the_ledger_was_busy_when_they_started(home, tmp_path, monkeypatch):
    services = home.services
    path = write_customers(tmp_path / "new.csv", 60, seed=3, with_target=False)
    scoring_id = services.scorings.submit(path, "new.csv", services.store.champion("customers"), ScoringRequest())
    run_id = services.jobs.submit(home.settings(seed=9))
    calls = {"scorings": 0, "jobs": 0}

    def busy_at_first(name: str, real):
        def settle(**wanted):
            calls[name] += 1
            if calls[name] <= 2:
                raise StoreBusyError("The ledger is busy.")
            return real(**wanted)

        return settle

    monkeypatch.setattr(services.scoring_log, "settle", busy_at_first("scorings", services.scoring_log.settle))
    monkeypatch.setattr(services.jobs, "settle", busy_at_first("jobs", services.jobs.settle))
    services.start()
    assert services.scorings.wait(scoring_id, WAIT_S).status == "finished"
    assert services.jobs.wait(run_id, WAIT_S).status == "finished"
    assert calls == {"scorings": 3, "jobs": 3}


def test_a_close_ends_every_worker(home):
    services = home.services
    services.start()
    assert (services.jobs.is_working, services.scorings.is_working, services.inbox.is_working) == (True, True, False)
    services.close()
    assert not any(worker.is_working for worker in (services.jobs, services.scorings, services.inbox))
