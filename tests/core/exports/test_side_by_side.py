"""Several models on one file: the file's columns once, then each model's own, and what a reader must know of each."""

import pyarrow.parquet as pq
import pytest

from core.errors import DataError
from core.exports.answers import answer
from core.exports.side_by_side import compare_on, model_label
from tests.core.exports.made import SOURCE, model, scored

KNOWN = model(id="m-" + "1" * 32, version=4)
FIRST = scored({"prediction": ["no", "yes", "no"], "probability_yes": [0.25, 0.75, 0.125]}, about=KNOWN)
SECOND = scored({"prediction": ["yes", "yes", "no"], "probability_yes": [0.5, 0.875, 0.0]})
LABEL = SECOND.model.id
NAMES = ["prediction_sales_v4", "probability_yes_sales_v4", f"prediction_{LABEL}", f"probability_yes_{LABEL}"]


def test_models_are_called_by_problem_and_version_or_by_their_id():
    assert (model_label(FIRST.model), model_label(SECOND.model)) == ("sales_v4", "m-" + "0" * 32)


def test_the_files_columns_stand_once_and_each_models_own_follow_in_the_order_asked():
    both = compare_on({"a": FIRST, "b": SECOND})
    table = both.table(as_text=False)
    assert both.first is FIRST
    assert table.column_names == [*SOURCE.column_names, *NAMES]
    assert [table[name].to_pylist() for name in NAMES] == [
        ["no", "yes", "no"], [0.25, 0.75, 0.125], ["yes", "yes", "no"], [0.5, 0.875, 0.0],
    ]  # fmt: skip
    assert table["age"].to_pylist() == [33, 51, 40]
    assert both.table(as_text=True)["age"].to_pylist() == ["33", "51", "40"]
    assert both.table(as_text=False, keep="id").column_names == ["id", *NAMES]


def test_two_names_of_one_model_give_its_columns_once_as_if_asked_alone():
    twice = compare_on({"sales": FIRST, "champion": FIRST})
    assert twice.table(as_text=False).equals(FIRST.table(as_text=False))
    assert twice.table(as_text=True, keep="id").equals(FIRST.table(as_text=True, keep="id"))
    assert not twice.table(as_text=False).equals(FIRST.table(as_text=True))
    assert list(twice.answer()) == ["sales", "champion"]
    assert len(twice.summary()) == len(FIRST.summary())


def test_the_answer_is_each_models_own_by_the_name_asked():
    both = compare_on({"a": FIRST, "b": SECOND})
    assert both.answer() == {"a": {"7": "no", "8": "yes", "9": "no"}, "b": {"7": "yes", "8": "yes", "9": "no"}}
    assert both.answer("records") == {"a": answer(FIRST, "records"), "b": answer(SECOND, "records")}


def test_the_summary_says_of_each_line_which_model_it_is_about():
    told = compare_on({"a": FIRST, "b": SECOND}).summary()
    assert told["sales_v4: Rows predicted no"] == "2 (66.7%)"
    assert told[f"{LABEL}: Rows predicted no"] == "1 (33.3%)"
    assert len(told) == len(FIRST.summary()) + len(SECOND.summary())


def test_a_file_holds_numbers_but_csv_the_texts_of_the_source(tmp_path):
    both = compare_on({"a": FIRST, "b": SECOND})
    both.save(tmp_path / "out.parquet")
    both.save(tmp_path / "out.csv", keep="id")
    assert pq.read_table(tmp_path / "out.parquet").equals(both.table(as_text=False))
    assert (tmp_path / "out.csv").read_text().splitlines() == [
        ",".join(["id", *NAMES]), "7,no,0.25,yes,0.5", "8,yes,0.75,yes,0.875", "9,no,0.125,no,0",
    ]  # fmt: skip


def test_texts_of_the_source_are_kept_as_they_are_in_csv(tmp_path):
    odd = SOURCE.set_column(1, "age", [["033", "51.0", "4e1"]])
    results = {"prediction": ["no", "yes", "no"], "probability_yes": [0.25, 0.75, 0.125]}
    both = compare_on({"a": scored(results, odd, about=KNOWN), "b": scored(results, odd)})
    both.save(tmp_path / "out.csv")
    assert [line.split(",")[1] for line in (tmp_path / "out.csv").read_text().splitlines()] == [
        "age", "033", "51.0", "4e1",
    ]  # fmt: skip


def test_models_that_read_other_rows_are_refused_with_the_counts():
    results = {"prediction": ["no", "yes"], "probability_yes": [0.25, 0.75]}
    with pytest.raises(DataError, match="a 3, b 2") as caught:
        compare_on({"a": FIRST, "b": scored(results, SOURCE.slice(0, 2))})
    assert caught.value.code == "predict.rows_differ"
