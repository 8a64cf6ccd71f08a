"""Rows that were there before: found by id or by their values, and told where models are compared on them."""

from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pytest

from core.scoring.known_rows import not_in, seen_warnings
from tests.fixtures_runs import Home, write_customers


def test_rows_are_known_by_their_id_else_by_all_their_values_as_often_as_they_are_there():
    known = pa.table({"id": ["1", "2"], "city": ["Oslo", "Bonn"]})
    rows = pa.table({"id": ["2", "3", "3"], "city": ["Bonn", "Bonn", "Bonn"]})
    assert not_in(rows, known, "id").tolist() == [False, True, True]
    assert not_in(rows.select(["city"]), known, "id").tolist() == [False, True, True]  # one Bonn is known
    assert not_in(rows, known).tolist() == [False, True, True]


def warnings_of(home: Home, path: Path) -> tuple[str, ...]:
    services = home.services
    models = services.store.models(run_id=home.runs[0].run_id)[:2]
    with closing(services.scorer.open(path, path.name)) as file:
        results = services.scorer.score_beside(file, models)
    return seen_warnings(services.datasets, services.store, results, {model.id: model.algo for model in models})


@pytest.mark.parametrize("has_ids", [True, False])
def test_models_compared_on_rows_they_were_trained_on_are_named_with_how_many_these_are(
    trained: Home, tmp_path: Path, has_ids: bool
):
    """Of the 240 rows 48 were held out: these flatter nobody."""
    old = write_customers(tmp_path / "old.csv").read_text().splitlines()
    new = [f"9{line}" for line in write_customers(tmp_path / "new.csv", seed=11).read_text().splitlines()[1:]]
    lines = [*old, *new] if has_ids else [line.partition(",")[2] for line in (*old, *new)]
    path = tmp_path / "both.csv"
    path.write_text("\n".join(lines) + "\n")
    (text,) = warnings_of(trained, path)
    assert text.startswith("192 of 480 rows of this file are among those that ")
    assert " and " in text.partition("were trained on")[0]


def test_a_new_file_or_one_without_actual_values_flatters_nobody(trained: Home, tmp_path: Path):
    new = write_customers(tmp_path / "new.csv", seed=11)
    path = tmp_path / "others.csv"
    path.write_text("\n".join(f"9{line}" if line[0].isdigit() else line for line in new.read_text().splitlines()))
    assert warnings_of(trained, path) == ()
    assert warnings_of(trained, write_customers(tmp_path / "blind.csv", with_target=False)) == ()


def test_a_dataset_that_was_deleted_leaves_it_unknown(own_home: Home, tmp_path: Path):
    path = write_customers(tmp_path / "old.csv")
    own_home.services.datasets.delete(own_home.dataset.id, used_by=())
    (text,) = warnings_of(own_home, path)
    assert "is not known" in text
