"""``python -m core verify`` and ``reproduce``, with a small engine in memory."""

import json
from argparse import Namespace
from pathlib import Path

import pytest

from core.cli.commands import reproduce as reproduce_commands
from core.errors import RunError, RunNotFoundError
from tests.fixtures_runs import Home, run_to_end

pytestmark = pytest.mark.slow


@pytest.fixture
def home(fresh_home: Home):
    yield fresh_home
    fresh_home.services.jobs.stop()
    fresh_home.services.jobs.join()


def verify(run_id: str, home: Home) -> dict[str, object]:
    return reproduce_commands.verify(Namespace(run_id=run_id), home.services)


def test_verify_trains_again_and_gives_the_verdict_as_plain_data(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_to_end(home.services, home.settings(), explain=False)
    found = verify(run.run_id, home)
    assert json.loads(json.dumps(found)) == found | {"differences": [], "reasons": []}
    assert (found["is_same"], found["largest"], found["run_id"]) == (True, 0.0, run.run_id)
    assert home.services.store.get_run(found["rerun_id"]).verifies == run.run_id
    assert "may differ" not in capsys.readouterr().err


def test_verify_says_beforehand_what_stands_against_it(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    run = run_to_end(home.services, home.settings(max_runtime_secs=75), explain=False)
    found = verify(run.run_id, home)
    said = [line for line in capsys.readouterr().err.splitlines() if "may differ" in line]
    assert ["75 s" in text for text in said] == [True]
    assert len(found["reasons"]) == 1


def test_a_failed_rerun_fails_with_its_own_reason(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_to_end(home.services, home.settings(), explain=False)
    start = home.services.engine.automl.start

    def die(*args: object, **options: object) -> object:
        job = start(*args, **options)
        home.services.engine.dead = True
        return job

    monkeypatch.setattr(home.services.engine.automl, "start", die)
    with pytest.raises(RunError, match="ended"):
        verify(run.run_id, home)
    assert home.services.store.get_run(run.run_id).verification is None


def test_an_unknown_run_is_refused_before_anything_starts(home: Home) -> None:
    with pytest.raises(RunNotFoundError):
        verify("0" * 32, home)


def test_reproduce_writes_what_it_names(home: Home, tmp_path: Path) -> None:
    run = run_to_end(home.services, home.settings(), explain=False)
    found = reproduce_commands.reproduce(
        Namespace(run_id=run.run_id, out=str(tmp_path / "new" / "folder")), home.services
    )
    names = {Path(path).name for path in found["files"]}
    assert names == {"rebuild.py", "rebuild.ipynb", "train.csv", "holdout.csv"}
    assert all(Path(path).is_file() for path in found["files"])
