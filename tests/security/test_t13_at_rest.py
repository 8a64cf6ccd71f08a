"""T13: all that a home holds is for its owner alone, and what is deleted takes its files along."""

import os
from pathlib import Path

from core.backups import back_up, restore
from core.settings import Settings
from tests.fixtures_runs import Home, write_customers


def open_to_others(settings: Settings) -> dict[str, str]:
    """Return what others may do with data/, mlruns/ and all below, which should be nothing."""
    found = [path for top in (settings.data_dir, settings.mlruns_dir) for path in (top, *top.rglob("*"))]
    assert len(found) > 40
    return {str(path): oct(path.stat().st_mode & 0o777) for path in found if path.stat().st_mode & 0o077}


def test_t13_everything_is_for_the_owner_alone(own_home: Home, tmp_path: Path):
    services, run = own_home.services, own_home.runs[0]
    before = os.umask(0o022)  # what most systems have: the modes must not depend on the launcher's
    try:
        model = services.store.models(run_id=run.run_id)[0]
        services.explainer.compute(model)
        services.reports.make(model)
        path = write_customers(tmp_path / "new.csv", 40, with_target=False)
        services.scorer.score_file(path, path.name, model_uri=model.uri)
        services.maintain()
        back_up(services.settings.ledger_path, services.settings.mlruns_dir / "backups")
        restore(services.settings, ["latest"])
    finally:
        os.umask(before)
    assert open_to_others(services.settings) == {}


def test_t13_a_deleted_dataset_leaves_nothing_behind(own_home: Home, tmp_path: Path):
    services = own_home.services
    path = write_customers(tmp_path / "more.csv", 60, seed=2)
    more = services.datasets.add(path, path.name)
    folder = services.settings.datasets_dir / more.id
    assert folder.is_dir()
    services.datasets.delete(more.id, used_by=())
    assert not folder.exists()
    left = [path.name for path in services.settings.data_dir.rglob("*") if more.id in str(path)]
    assert left == []
