"""The panel of a finished run: downloads, what stands against the same result, training again, the verdict."""

import ast
import io
import json
import zipfile
from dataclasses import replace

import pytest

from core.training.proof.verification import compare_runs
from tests.fixtures_runs import run_to_end, shown


def open_panel(visit, services, run_id: str):
    app = visit(services, "runs", run=run_id)
    assert [item for item in app.expander if item.label in ("Reproduce and verify", "Trained again to verify")]
    app.session_state["run_reproduce"] = True
    app.run()
    assert not app.exception, app.exception
    return app


def test_the_panel_says_that_nothing_stands_against_it(own_home, visit):
    app = open_panel(visit, own_home.services, own_home.runs[0].run_id)
    assert "the same leaderboard, to within a billionth, is expected" in shown(app)
    assert app.button(key="run_verify").label == "Re-run and verify"


def test_the_panel_says_what_stands_against_it(fresh_home, visit):
    run = run_to_end(fresh_home.services, fresh_home.settings(max_runtime_secs=90), explain=False)
    app = open_panel(visit, fresh_home.services, run.run_id)
    assert "limit of 90 s" in shown(app)


def test_the_button_queues_one_run_for_two_tabs(own_home, visit):
    services, run = own_home.services, own_home.runs[0]
    tabs = [open_panel(visit, services, run.run_id) for _ in range(2)]
    for app in tabs:
        app.button(key="run_verify").click().run()
        assert not app.exception, app.exception
    (rerun,) = [other for other in services.store.list_runs() if other.verifies == run.run_id]
    assert rerun.settings == run.settings
    again = open_panel(visit, services, run.run_id)
    assert "being trained again now" in shown(again)
    assert not [button for button in again.button if button.key == "run_verify"]


def test_a_verdict_is_shown_on_both_runs(own_home, visit):
    services, run = own_home.services, own_home.runs[0]
    rerun_id = services.jobs.submit(run.settings, verifies=run.run_id)
    services.jobs.start()
    services.jobs.wait(rerun_id, 60, until_explained=True)
    services.jobs.stop()
    services.jobs.join()
    for run_id, other in ((run.run_id, rerun_id), (rerun_id, run.run_id)):
        app = open_panel(visit, services, run_id)
        assert "agree; the largest difference is 0" in shown(app)
        assert "Verified" in shown(app)
        assert [link for link in app.get("page_link") if other in str(link.proto)], "a link to the other run"
    assert "publishes no version" in shown(app)
    assert not [button for button in app.button if button.key == "run_verify"]


def test_a_difference_is_shown_with_its_reasons_and_numbers(own_home, visit):
    services, run = own_home.services, own_home.runs[0]
    models = services.store.models(run_id=run.run_id)
    first = [model for model in models if model.rank == 1]
    moved = [replace(m, metrics={**m.metrics, "cv_auc": m.metrics["cv_auc"] + 0.01}) for m in first]
    verdict = compare_runs(run.run_id, "b" * 32, models, [*moved, *models[1:]], ["It had a limit in time."])
    services.store.update_run(run.run_id, verification=verdict)
    app = open_panel(visit, services, run.run_id)
    assert "It had a limit in time" in shown(app)
    table = next(frame.value for frame in app.dataframe if "Again" in frame.value.columns)
    assert table["Metric"].tolist() == ["AUC · cross-validation"]
    assert table["Difference"].tolist() == pytest.approx([0.01])


def test_the_downloads_rebuild_the_run(own_home):
    from app.ui.runs.reproduce import _maker

    services, run = own_home.services, own_home.runs[0]
    with zipfile.ZipFile(io.BytesIO(_maker(services, run, "zip")())) as archive:
        assert {"rebuild.py", "rebuild.ipynb", "train.csv", "holdout.csv"} == set(archive.namelist())
    ast.parse(_maker(services, run, "py")())
    assert json.loads(_maker(services, run, "ipynb")())["nbformat"] == 4
    assert not list(services.settings.work_dir.glob("rebuild-*"))


def test_an_unfinished_run_has_no_panel(fresh_home, visit):
    fresh_home.services.engine.dead = True
    run = run_to_end(fresh_home.services, fresh_home.settings(), explain=False)
    app = visit(fresh_home.services, "runs", run=run.run_id)
    assert not [item for item in app.expander if "erify" in item.label]
