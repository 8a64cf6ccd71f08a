"""H2O's event log in plain words: the messages of a real run of 3.46.0.11, and what is not known."""

import pytest

from core.training.events import PlainEvent, algorithm_words, plain_events

REAL = (
    ("12:33:18", "Workflow", "Project: run_e14b016e95d3459ebc9f8a4c8b5ae02c"),
    ("12:33:18", "Validation", "Setting stopping tolerance adaptively based on the training frame: 0.0141"),
    ("12:33:18", "Validation", "Build control seed: 1"),
    (
        "12:33:18",
        "DataImport",
        "training frame: Frame key: AutoML_1_training_frame_ba17    cols: 11    rows: 5000  chunks: 1    size: 56784",
    ),
    ("12:33:18", "DataImport", "validation frame: NULL"),
    ("12:33:18", "DataImport", "leaderboard frame: NULL"),
    ("12:33:18", "DataImport", "blending frame: NULL"),
    ("12:33:18", "DataImport", "response column: Response"),
    ("12:33:18", "DataImport", "fold column: null"),
    ("12:33:18", "DataImport", "weights column: null"),
    ("12:33:18", "Workflow", "Loading execution steps: [{XGBoost : [def_2 (1g, 10w), def_1 (2g, 10w)]}]"),
    ("12:33:18", "Workflow", "AutoML job created: 2026.11.24 12:33:18.474"),
    ("12:33:18", "Workflow", "AutoML build started: 2026.11.24 12:33:18.762"),
    ("12:33:18", "ModelTraining", "AutoML: starting XGBoost_1_AutoML_1_20261124_123318 model training"),
    ("12:33:56", "ModelTraining", "New leader: XGBoost_1_AutoML_1_20261124_123318, auc: 0.8356337676313463"),
    (
        "12:35:04",
        "ModelTraining",
        "No base models, due to timeouts or the exclude_algos option. Skipping StackedEnsemble",
    ),
    ("12:35:04", "ModelTraining", "AutoML: starting StackedEnsemble_BestOfFamily_1_AutoML_1_20261124_1 model training"),
    ("12:35:15", "Workflow", "Actual modeling steps: [{XGBoost : [def_2 (1g, 10w)]}]"),
    ("12:35:15", "Workflow", "AutoML build stopped: 2026.11.24 12:35:15.603"),
    ("12:35:15", "Workflow", "AutoML build done: built 8 models"),
    ("12:35:15", "Workflow", "AutoML duration:  1 min 56.841 sec"),
)


def test_a_whole_log_becomes_a_short_story():
    assert plain_events(REAL) == (
        PlainEvent("12:33:18", "step", "The engine has the data: 5,000 rows."),
        PlainEvent("12:33:18", "step", "The training started."),
        PlainEvent("12:33:18", "model", "Building XGBoost_1: gradient boosted trees (XGBoost)."),
        PlainEvent("12:33:56", "leader", "XGBoost_1 leads now: AUC 0.8356."),
        PlainEvent("12:35:04", "model", "Building StackedEnsemble_BestOfFamily_1: an ensemble of the models so far."),
        PlainEvent("12:35:15", "end", "The engine is done: it built 8 models besides ensembles."),
        PlainEvent("12:35:15", "end", "Building them took 1 min 56 s."),
    )


@pytest.mark.parametrize(
    ("message", "kind", "words"),
    [
        (
            "AutoML: starting GBM_grid_1_AutoML_2_2026 hyperparameter search",
            "model",
            "better settings: gradient boosted",
        ),
        ("New leader: GLM_1_AutoML_2_2026, mean_per_class_error: 0.2512345", "leader", "mean per-class error 0.2512."),
        ("New leader: GLM_1_AutoML_2_2026, rmse: 12345.678", "leader", "RMSE 12,346."),
        ("AutoML: hit the max_models limit; skipping DRF def_1", "remark", "As many models as were asked for"),
        ("AutoML: out of time; skipping DeepLearning grid_2", "remark", "DeepLearning grid_2 was left out"),
        ("AutoML job cancelled; skipping GBM def_1", "remark", "The training was stopped"),
        ("AutoML: XGBoost is not available; skipping it.", "remark", "XGBoost cannot run on this machine"),
        ("Disabling Algo: DeepLearning as requested by the user.", "remark", "DeepLearning is left out, as asked."),
        ("DRF_1_AutoML_1_2026 [DRF def_1] failed: out of bins", "remark", "DRF_1 could not be built: out of bins"),
        ("Aborting AutoML after too many consecutive model failures", "end", "The engine gave up"),
        ("weights column: weight [x]", "step", "Rows count by the column weight [x]."),
        ("Something that a later H2O says", "remark", "Something that a later H2O says"),
    ],
)
def test_each_kind_of_message(message, kind, words):
    (event,) = plain_events([("10:00:00", "ModelTraining", message)])
    assert event.kind == kind
    assert words in event.words


def test_the_same_words_twice_in_a_row_are_told_once():
    skipped = [("10:00:00", "ModelTraining", f"AutoML: hit the max_models limit; skipping {n}") for n in range(5)]
    assert len(plain_events(skipped)) == 1


def test_each_algorithm_has_words():
    from core.domain.training import ALGORITHMS

    assert all(algorithm_words(f"{name}_1") != "a model" for name in ALGORITHMS)
