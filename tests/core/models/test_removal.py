"""Deleting a run for good: what goes is named, what is in use stays."""

import pytest

from core.errors import ModelInUseError, RunError, RunNotFoundError
from core.ledger.database import Ledger
from core.models.removal import Removals
from core.settings import Settings
from core.store.mlflow import Store
from tests.fixtures_store import add_champion, add_run, make_details

pytestmark = pytest.mark.slow


@pytest.fixture
def ledger(settings: Settings) -> Ledger:
    return Ledger(settings.data_dir / "bellwether.db")


def test_a_run_goes_with_its_models_and_versions_and_the_ledger_keeps_who(store: Store, ledger: Ledger):
    run_id = add_run(store)
    model_id = store.add_model(run_id, make_details(), "binary")
    store.register(model_id)
    store.set_status(run_id, "finished")
    planned = Removals(store, ledger).plan(store.get_run(run_id))
    assert (planned.n_models, planned.n_files, planned.versions, planned.in_use) == (1, 1, (1,), ())
    assert planned.words() == "1 model with their explanations and reports, 1 file of the run and version 1 of sales"
    Removals(store, ledger).remove(store.get_run(run_id), person="ada")
    with pytest.raises(RunNotFoundError):
        store.get_run(run_id)
    (entry,) = ledger.entries(action="delete run")
    assert (entry.subject, entry.person, entry.detail["versions"]) == (run_id, "ada", [1])


def test_a_champion_a_challenger_and_a_version_with_a_policy_stay(store: Store, ledger: Ledger):
    champion = add_champion(store, "sales")
    with pytest.raises(ModelInUseError, match="champion of sales: promote another model first") as caught:
        Removals(store, ledger).remove(store.get_run(champion.run_id))
    assert "Archive the run" in caught.value.hint
    second = add_run(store)
    store.set_challenger("sales", store.register(store.add_model(second, make_details(), "binary")))
    store.set_status(second, "finished")
    (reason,) = Removals(store, ledger).plan(store.get_run(second)).in_use
    assert reason.startswith("Version 2 is the challenger in sales")
    assert len(store.list_runs()) == 2


def test_a_run_that_waits_is_not_deleted(store: Store, ledger: Ledger):
    with pytest.raises(RunError, match="waits or runs"):
        Removals(store, ledger).remove(store.get_run(add_run(store)))
