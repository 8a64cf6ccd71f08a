"""What an endpoint answers: labels by id, records, a report; of many rows the same as of few."""

import json
import math
from dataclasses import replace

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.errors import DataError
from core.exports.answers import answer, check_words, labels_json, save, save_labels
from core.features.checking import FileCheck, Finding
from core.features.matching import ColumnCheck
from tests.core.exports.made import SOURCE, model, scored

RESULTS = {"prediction": ["no", "yes", "no"], "probability_yes": [0.25, 0.75, 0.125]}
MANY = 240  # more than are answered one by one
ODD = ('say "hi"', "back\\slash", "line\nbreak", "ünï\u2028", "\x01", "plain")


def many(labels, ids):
    """Return a result of many rows."""
    source = pa.table({"x": ["1"] * MANY}) if ids is None else pa.table({"id": pa.array(ids, pa.string())})
    return scored({"prediction": labels}, source, id_column=None if ids is None else "id")


def test_many_labels_are_the_json_that_few_are():
    labels = [ODD[row % len(ODD)] for row in range(MANY)]
    plain = [str(row) for row in range(MANY)]
    odd = [f"{ODD[row % len(ODD)]}{row}" for row in range(MANY)]
    for ids in (plain, odd):
        text = labels_json(many(labels, ids)).decode()
        assert list(json.loads(text).items()) == list(zip(ids, labels, strict=True))
        assert text == json.dumps(dict(zip(ids, labels, strict=True)), ensure_ascii=False)
    assert json.loads(labels_json(many(labels, None))) == labels


def test_many_whole_numbers_are_numbers_and_a_missing_id_is_called_null():
    labels = list(range(MANY))
    ids = [None, *map(str, range(1, MANY))]
    assert json.loads(labels_json(many(labels, ids))) == dict(zip(["null", *ids[1:]], labels, strict=True))
    assert labels_json(many(labels, None)) == json.dumps(labels).encode()


def test_many_labels_in_several_pieces_are_one_list():
    pieces = pa.chunked_array([["a"] * 100, pa.array([], pa.string()), ["b"] * (MANY - 100)])
    result = many(["x"] * MANY, None)
    result = replace(result, results=result.results.set_column(0, "prediction", pieces))
    assert json.loads(labels_json(result)) == ["a"] * 100 + ["b"] * (MANY - 100)


def test_many_predicted_numbers_are_written_with_all_their_digits():
    numbers = [row / 7 for row in range(MANY)]
    assert json.loads(labels_json(many(numbers, None))) == numbers


@pytest.mark.parametrize("n_rows", [3, MANY])
def test_ids_that_repeat_cannot_name_the_rows(n_rows):
    source = pa.table({"id": ["7"] * 2 + [str(row) for row in range(100, 98 + n_rows)]})
    result = scored({"prediction": ["no"] * n_rows}, source)
    with pytest.raises(DataError) as caught:
        labels_json(result)
    assert caught.value.code == "predict.ids_repeat"
    assert len(answer(result, "records")) == n_rows


def test_records_have_the_id_first_as_a_number_where_it_is_one():
    mixed = SOURCE.set_column(0, "id", [["7", "008", "x"]])
    assert answer(scored(RESULTS, mixed), "records") == [
        {"id": 7, "prediction": "no", "probability_yes": 0.25},
        {"id": "008", "prediction": "yes", "probability_yes": 0.75},
        {"id": "x", "prediction": "no", "probability_yes": 0.125},
    ]
    assert answer(scored(RESULTS, SOURCE.drop_columns("id"), id_column=None), "records")[1] == {
        "prediction": "yes", "probability_yes": 0.75,
    }  # fmt: skip


def test_an_unknown_shape_is_refused_and_an_empty_one_is_none():
    assert answer(scored(RESULTS), "") == {"7": "no", "8": "yes", "9": "no"}
    with pytest.raises(DataError) as caught:
        answer(scored(RESULTS), "tables")
    assert caught.value.code == "predict.shape"


def test_a_report_has_the_records_and_all_that_is_known_of_the_scoring():
    finding = Finding(verdict="amber", code="cells.unseen", text="2 cells", column="city", count=2)
    check = FileCheck(n_rows=3, columns=ColumnCheck((), {}, ()), renamed=(), findings=(finding,))
    result = replace(
        scored(RESULTS, about=model(version=4)), warnings=("note",), metrics={"auc": 0.5, "r2": math.nan}, check=check
    )
    report = answer(result, "report")
    assert report["predictions"] == answer(result, "records")
    assert (report["model"], report["experiment"], report["version"]) == (result.model.uri, "sales", 4)
    assert (report["rows"], report["threshold"]) == (3, 0.5)
    assert report["warnings"] == ["note"]
    assert report["metrics"] == {"auc": 0.5, "r2": None}
    assert report["check"] == check_words(check)
    assert report["check"]["verdict"] == "amber"
    (told,) = report["check"]["findings"]
    assert (told["code"], told["column"], told["count"]) == ("cells.unseen", "city", 2)
    bare = answer(scored(RESULTS), "report")
    assert (bare["check"], bare["metrics"], bare["version"]) == (None, {}, None)


def test_labels_are_saved_as_they_are_answered(tmp_path):
    save_labels(scored(RESULTS), tmp_path / "labels.json")
    assert (tmp_path / "labels.json").read_text() == '{"7": "no", "8": "yes", "9": "no"}\n'


def test_a_result_is_saved_by_its_suffix_with_numbers_but_for_csv(tmp_path):
    odd = SOURCE.set_column(1, "age", [["033", "51", "40"]])
    result = scored(RESULTS, odd)
    for suffix in ("parquet", "csv", "CSV", "xlsx"):
        assert 0 <= save(result, tmp_path / f"out.{suffix}") < 60
    assert pq.read_table(tmp_path / "out.parquet")["age"].to_pylist() == [33, 51, 40]
    for suffix in ("csv", "CSV"):
        assert (tmp_path / f"out.{suffix}").read_text().splitlines()[1] == "7,033,Bonn,2026-01-01,a,no,0.25"
    book = openpyxl.load_workbook(tmp_path / "out.xlsx")
    assert book.sheetnames == ["Predictions", "Summary", "Data dictionary", "Model card"]
    told = dict(book["Summary"].iter_rows(min_row=2, values_only=True))
    assert told["Rows"] == "3"
    assert "Sheets" not in told
    save(result, tmp_path / "few.csv", keep="id")
    assert (tmp_path / "few.csv").read_text().splitlines()[0] == "id,prediction,probability_yes"
