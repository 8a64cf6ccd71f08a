"""Reasons of a scored file and those of Explain: one function, so the same features, signs and sizes in one order."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from core.explain.case.case import Case
from core.explain.case.rows import read_row
from core.features.matching import prepare
from core.scoring.reasons import Reasoner
from tests.fixtures_explain import Home

N_ROWS = 12


def reasons_of(home: Home, n_reasons: int = 4) -> tuple[list[list[str]], str]:
    """The sentences of the first rows, as a scored file has them, and how they were made."""
    typed, _ = prepare(home.table.select(home.spec.needed.names).slice(0, N_ROWS), home.spec)
    raw = home.engine.mojos.predict(home.stored.mojo(), home_rows(typed, home))
    found = Reasoner(home.engine, home.datasets).explain(home.stored, typed, raw, n_reasons)
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
