"""Reasons of a scored file and those of Explain: one function, so the same features, signs and sizes in one order."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from core.errors import DataError
from core.explain.asked import BACKGROUND_ROWS
from core.explain.case.case import Case
from core.explain.case.rows import read_row
from core.features.matching import prepare
from core.scoring import reasons
from core.scoring.reasons import FILE_BACKGROUND_ROWS, Reasoner, Reasons, check_reasons
from tests.fixtures_explain import Home

N_ROWS = 12


def explained(home: Home, n_reasons: int = 4, n_rows: int = N_ROWS) -> tuple[Reasons, pa.Table]:
    """The reasons of the first rows, and what was predicted for them."""
    typed, _ = prepare(home.table.select(home.spec.needed.names).slice(0, n_rows), home.spec)
    raw = home.engine.mojos.predict(home.stored.mojo(), home_rows(typed, home))
    return Reasoner(home.engine, home.datasets).explain(home.stored, typed, raw, n_reasons), raw


def reasons_of(home: Home, n_reasons: int = 4) -> tuple[list[list[str]], str]:
    """The sentences of the first rows, as a scored file has them, and how they were made."""
    found, _ = explained(home, n_reasons)
    return [[text for text in row.values() if text] for row in found.table.to_pylist()], found.method


def home_rows(typed: pa.Table, home: Home):
    from core.features.engine_input import engine_rows

    return engine_rows(typed, home.spec.features)


@pytest.mark.parametrize("task", ["binary", "regression"])
@pytest.mark.parametrize("algo", ["GBM", "GLM", "DeepLearning"])
def test_predict_and_explain_give_the_same_reasons_in_the_same_order(tmp_path: Path, task: str, algo: str) -> None:
    home = Home(tmp_path, task, algo)
    sentences, method = reasons_of(home)
    case = Case(home.engine, home.datasets, home.stored)
    for row in range(N_ROWS):
        one = case.ask(read_row(home.datasets, home.spec, row)[0]).contributions.data
        told = [(text.partition(" = ")[0], " raised it" in text) for text in sentences[row]]
        known = [(name, size > 0) for name, size in zip(one.features, one.points, strict=True)]
        assert told == known[: len(told)]
        assert len(told) >= 2
        for text, size in zip(sentences[row], one.points, strict=False):
            said = float(text.rpartition(" by ")[2].split()[0].replace(",", ""))
            wanted = 100 * abs(size) if task == "binary" else abs(size)
            assert said == pytest.approx(wanted, abs=0.56 if task == "binary" else 0.01 * wanted)
    assert "from a usual prediction of " in method


def test_what_a_forest_counts_for_the_other_class_is_turned_round_in_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path, "binary", "DRF")

    def of_the_other_class(mojo, rows, background=(), *, member=None) -> pa.Table:
        p = home.engine.probabilities(pa.Table.from_batches(list(rows)))["yes"].to_numpy()
        return pa.table({"age": 0.5 - p, "BiasTerm": np.full(len(p), 0.5)})

    monkeypatch.setattr(home.engine.mojos, "contributions", of_the_other_class)
    sentences, _ = reasons_of(home, 1)
    case = Case(home.engine, home.datasets, home.stored)
    for row in range(N_ROWS):
        answer = case.ask(read_row(home.datasets, home.spec, row)[0])
        one = answer.contributions.data
        assert one.scale == "probability"
        assert one.base + sum(one.points) == pytest.approx(answer.predicted["yes"])
        assert (" raised it" in sentences[row][0]) == (one.points[0] > 0) == (answer.predicted["yes"] > 0.5)


@pytest.mark.parametrize("n_rows", [1, 100, 101])
def test_few_rows_are_compared_with_as_many_as_explain_takes_and_more_with_fewer(tmp_path: Path, n_rows: int) -> None:
    home = Home(tmp_path, "binary", "DeepLearning")
    found, _ = explained(home, n_rows=n_rows)
    names = [name for name, *_ in home.engine.calls]
    assert names.index("ensure_ready") < names.index("load_native") < names.index("contributions")
    ((_, frame, background),) = (call for call in home.engine.calls if call[0] == "contributions")
    wanted = BACKGROUND_ROWS if n_rows <= 100 else FILE_BACKGROUND_ROWS
    assert (home.engine.sent[frame].num_rows, home.engine.sent[background].num_rows) == (n_rows, wanted)
    assert found.method.startswith(f"SHAP against a background of {wanted} training rows, from a usual prediction of ")
    assert "highest" not in found.method
    assert found.table.num_rows == n_rows
    assert set(home.engine.deleted) == set(home.engine.sent)


def test_of_very_many_rows_those_with_the_highest_predictions_get_reasons(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path, "binary", "DeepLearning")
    whole, raw = explained(home)
    monkeypatch.setattr(reasons, "BACKGROUND_MAX_ROWS", 5)
    found, _ = explained(home)
    highest = set(np.argsort(-raw["yes"].to_numpy(), kind="stable")[:5].tolist())
    for row, (some, all_of) in enumerate(zip(found.table.to_pylist(), whole.table.to_pylist(), strict=True)):
        assert some == (all_of if row in highest else dict.fromkeys(all_of))
    assert found.method.endswith(", for the 5 rows with the highest predictions only")
    monkeypatch.setattr(reasons, "BACKGROUND_MAX_ROWS", N_ROWS)
    assert explained(home)[0] == whole


@pytest.mark.parametrize(("task", "n_reasons"), [("binary", -1), ("binary", 11), ("multiclass", 1)])
def test_what_cannot_be_had_is_refused_before_any_work(tmp_path: Path, task: str, n_reasons: int) -> None:
    with pytest.raises(DataError) as refused:
        check_reasons(n_reasons, Home(tmp_path, task).spec)
    assert refused.value.code == "predict.reasons"


@pytest.mark.parametrize(("task", "n_reasons"), [("binary", 0), ("binary", 10), ("multiclass", 0), ("regression", 1)])
def test_what_can_be_had_is_not_refused(tmp_path: Path, task: str, n_reasons: int) -> None:
    check_reasons(n_reasons, Home(tmp_path, task).spec)
