"""What a leaderboard is read from: the best models, their runs, and more of them where others stand among them."""

import pytest

from core.models.board import open_board
from core.models.judged import judged_on
from core.store.mlflow import Store
from tests.fixtures_store import add_run, make_details

pytestmark = pytest.mark.slow


def add_models(store: Store, *aucs: float, **changes: object) -> str:
    """Store a finished run with one model for each of the values."""
    run_id = add_run(store, **changes)
    for number, auc in enumerate(aucs, 1):
        store.add_model(run_id, make_details(f"GBM_{number}", cv_auc=auc), "binary")
    store.update_run(run_id, n_models=len(aucs))
    store.set_status(run_id, "finished")
    return run_id


def test_an_experiment_without_runs_has_no_board(store: Store):
    assert open_board(store, "sales") is None


def test_a_run_without_models_is_no_choice_but_its_task_says_the_metric(store: Store):
    add_run(store, task="regression", positive=None)
    board = open_board(store, "sales")
    assert (board.runs, board.metric, board.has_all_runs) == ({}, "cv_rmse", True)


def test_the_best_of_an_experiment_are_read_and_it_is_told_that_there_are_more(store: Store):
    first, second = add_models(store, 0.7, 0.9), add_models(store, 0.8)
    board = open_board(store, "sales")
    board.read_models("", 2)
    assert [model.metrics["cv_auc"] for model in board.models] == [0.9, 0.8]
    assert board.is_cut
    assert list(board.runs) == [second, first]
    board.read_models("", 3)
    assert not board.is_cut
    board.read_models(first, 1)  # of one run all of them
    assert [model.metrics["cv_auc"] for model in board.ranked(first, judged_on(board.runs[first].settings), 1)] == [
        0.9, 0.7,
    ]  # fmt: skip


def test_models_judged_on_other_rows_do_not_crowd_out_those_that_can_be_compared(store: Store):
    add_models(store, 0.99, 0.98, 0.97, 0.96, seed=2, holdout_share=0.3)
    own = add_models(store, 0.8, 0.7, seed=1, holdout_share=0.3)
    board = open_board(store, "sales")
    board.read_models("", 1)
    ranked = board.ranked("", judged_on(board.runs[own].settings), 1)
    assert [(model.run_id, model.metrics["cv_auc"]) for model in ranked] == [(own, 0.8)]
    assert board.is_cut  # of the same rows there is one more


def test_a_run_that_is_named_is_read_once_however_old_or_archived_it_is(store: Store):
    add_models(store, 0.8)
    old = add_models(store, 0.7)
    store.archive_run(old)
    board = open_board(store, "sales")
    assert old not in board.runs
    board.add_runs(old, old)
    assert old in board.runs
