"""A file to score, opened: read once, looked at once for each model, and nothing of it left when it is closed."""

import gc
from contextlib import closing
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from core.domain.reading import ReadOptions
from core.errors import DataError, UnfitFileError
from core.ledger.scoring_records import ScoringRequest
from core.models.opened import StoredModel
from tests.fixtures_runs import run_to_end, write_customers


@pytest.fixture
def file(trained, tmp_path):
    with closing(trained.services.scorer.open(write_customers(tmp_path / "new.csv", 60, seed=3), "new.csv")) as opened:
        yield opened


def stored(home):
    """Return the models of a home whose files are kept."""
    store = home.services.store
    return [StoredModel(store, info) for info in store.models(run_id=home.runs[0].run_id) if info.has_files]


def left_in(home):
    return list(home.services.settings.work_dir.iterdir())


def test_a_file_is_read_once_and_checked_once_for_each_of_three_models(trained, file, scoring_work):
    models = stored(trained)
    assert len(models) == 3
    wanted = ScoringRequest(details=True, checked=True)
    for _ in range(2):
        assert all(file.check(model).verdict == "green" for model in models)
        results = [trained.services.scorer.score(file, model.info, wanted) for model in models]
    assert scoring_work == {"read": 1, "checked": 3}
    assert len({scored.model.id for scored in results}) == 3
    assert all(scored.source is results[0].source for scored in results)  # the rows are in memory once
    assert len({record.sha256 for record in trained.services.scoring_log.list()[:3]}) == 1


def test_nothing_is_read_before_it_is_asked_for(trained, file, scoring_work):
    assert file.sha256
    with pytest.raises(DataError, match="99 reasons"):
        trained.services.scorer.score(file, stored(trained)[0].info, ScoringRequest(reasons=99))
    assert not scoring_work
    assert left_in(trained) == []


@pytest.mark.slow
def test_what_was_read_is_removed_when_it_is_closed_or_let_go(trained, file, tmp_path):
    model = stored(trained)[0]
    assert pq.read_table(file.read(model).path).num_rows == 60
    assert file.read(model).head().num_rows == 5
    assert len(left_in(trained)) == 1
    file.close()
    assert left_in(trained) == []
    other = trained.services.scorer.open(file.path, "new.csv")
    other.check(model)
    del other
    gc.collect()
    assert left_in(trained) == []


@pytest.mark.slow
def test_rows_are_not_kept_in_memory_by_a_file_that_lies_open(trained, file):
    model = stored(trained)[0]
    file.check(model)
    gc.collect()
    assert not file._sources
    fitted = file.fit(model)
    assert file.fit(model) is fitted


def test_a_model_whose_data_was_read_in_another_way_reads_the_file_its_own_way(own_home, tmp_path, scoring_work):
    services, (plain, *_) = own_home.services, stored(own_home)
    path = tmp_path / "odd.csv"
    path.write_text(write_customers(tmp_path / "new.csv", 60, seed=3).read_text().replace(",", ";"))
    options = replace(own_home.dataset.options, separator=";")
    said = services.datasets.add(path, "odd.csv", options=replace(options, decimal=","))
    other = StoredModel(services.store, plain.info)
    other.spec = replace(plain.spec, dataset_id=said.id)
    scoring_work.clear()
    file = services.scorer.open(path, "odd.csv")
    assert file.read(plain).warnings == ()
    assert file.read(other).warnings == ("Read with the options chosen for the training data.",)
    assert file.read(plain) is file.read(plain)
    assert scoring_work["read"] == 2
    types_only = services.datasets.add(
        write_customers(tmp_path / "typed.csv", 50, seed=9),
        "typed.csv",
        options=ReadOptions(types=(("age", "numeric"),)),
    )
    third = StoredModel(services.store, plain.info)
    third.spec = replace(plain.spec, dataset_id=types_only.id)
    assert file.read(third) is file.read(plain)  # types say nothing of how a file is read


def test_a_column_can_be_remembered_by_the_name_that_stands_in_the_file(own_home, tmp_path):
    path = tmp_path / "new.csv"
    path.write_text(write_customers(path, 60, seed=3).read_text().replace("premium", '"Bei""trag"'))
    services, model = own_home.services, stored(own_home)[0]
    services.ledger.remember_columns("customers", {'Bei"trag': "premium"})
    file = services.scorer.open(path, "new.csv")
    assert file.check(model).verdict == "green"
    assert file.fit(model).renamed == (("Bei'trag", "premium"),)


def test_a_column_that_is_remembered_meanwhile_is_looked_at_anew(own_home, tmp_path, scoring_work):
    path = tmp_path / "new.csv"
    path.write_text(write_customers(path, 60, seed=3).read_text().replace("premium", "Beitrag"))
    services, model = own_home.services, stored(own_home)[0]
    file = services.scorer.open(path, "new.csv")
    assert file.check(model).verdict == "red"
    with pytest.raises(UnfitFileError):
        services.scorer.score(file, model.info, ScoringRequest(checked=True))
    services.ledger.remember_columns("customers", {"Beitrag": "premium"})
    assert file.check(model).verdict == "green"
    assert scoring_work == {"read": 1, "checked": 2}


def test_the_odd_rows_are_told_under_the_names_of_the_file(own_home, tmp_path):
    path = tmp_path / "new.csv"
    lines = write_customers(path, 60, seed=3).read_text().replace("age", "Alter").splitlines()
    lines[2] = lines[2].replace(lines[2].split(",")[1], "old")
    path.write_text("\n".join(lines) + "\n")
    own_home.services.ledger.remember_columns("customers", {"Alter": "age"})
    file, model = own_home.services.scorer.open(path, "new.csv"), stored(own_home)[0]
    odd = file.check(model).flagged_table(file.fit(model).source).to_pylist()
    assert [(row["row"], row["Alter"], row["what"]) for row in odd] == [(2, "old", "age: “old” is not a number")]


@pytest.mark.slow
def test_a_file_with_two_alike_columns_exchanged_scores_the_same(fresh_home, tmp_path):
    random = np.random.default_rng(2)
    first, second = random.normal(size=120).round(4), random.normal(size=120).round(4)
    y = np.where(2 * first - second > 0, "yes", "no")
    order = {"as trained": ('"disk 5"""', "disk 5'"), "exchanged": ("disk 5'", '"disk 5"""')}
    files = {}
    for name, header in order.items():
        columns = (first, second) if name == "as trained" else (second, first)
        lines = [",".join([*header, "y"]), *(f"{a},{b},{c}" for a, b, c in zip(*columns, y, strict=True))]
        files[name] = tmp_path / f"{name}.csv"
        files[name].write_text("\n".join(lines) + "\n")
    services = fresh_home.services
    data = services.datasets.add(files["as trained"], "as trained.csv")
    settings = fresh_home.settings(dataset_id=data.id, target="y", ignored=(), experiment="alike")
    run = run_to_end(services, settings, explain=False)
    results = {
        name: services.scorer.score_file(path, path.name, model_uri=f"models:/{run.leader_id}", origin="page")
        for name, path in files.items()
    }
    as_trained, exchanged = (results[name].results["probability_yes"].to_pylist() for name in order)
    assert exchanged == as_trained
    assert any("is used as" in warning for warning in results["exchanged"].warnings)
    assert not any("is used as" in warning for warning in results["as trained"].warnings)
    kept = services.scoring_log.result(results["exchanged"].scoring_id)
    assert sorted(kept.renamed) == [("disk 5'", "disk 5'_2"), ("disk 5'_2", "disk 5'")]
