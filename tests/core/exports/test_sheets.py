"""What a result workbook tells beside the predictions: how columns look, what each is, what the model is."""

from dataclasses import replace

import pyarrow as pa
import pytest

from core.domain.columns import Column, Schema
from core.exports.sheets import CARD, DICTIONARY, make_look
from tests.core.exports.made import SOURCE, model, scored

BINARY = {"prediction": ["no", "yes", "no"], "probability_no": [0.75, 0.25, 0.9], "probability_yes": [0.25, 0.75, 0.1]}


def look_of(result):
    return make_look(result, result.table(as_text=False))


def dictionary(result):
    lines = look_of(result).sheets[DICTIONARY]
    assert lines[0] == ("Column", "From", "Type", "What it is")
    return {line[0]: line[1:] for line in lines[1:]}


def card(result):
    lines = look_of(result).sheets[CARD]
    assert lines[0] == ("About", "Value")
    return dict(lines[1:])


# --- how it looks -----------------------------------------------------------------------------------------------------


def test_probabilities_are_shares_and_the_positive_one_has_a_scale_and_a_colour_of_its_own():
    look = look_of(scored(BINARY))
    assert look.formats == {"probability_no": "0.0%", "probability_yes": "0.0%", "rank": "#,##0"}
    assert look.scales == ("probability_yes",)
    colours = look.colours["prediction"]
    assert list(colours) == ["no", "yes"]
    assert colours["yes"] != colours["no"]
    turned = look_of(scored(BINARY, positive="no")).colours["prediction"]
    assert turned == {"no": colours["yes"], "yes": colours["no"]}
    assert list(look.colours["trust"]) == ["outside"]


def test_labels_that_are_whole_numbers_are_coloured_as_numbers():
    result = scored({"prediction": [0, 1, 0]}, classes=("0", "1"), positive="1")
    assert list(look_of(result).colours["prediction"]) == [0, 1]


def test_numbers_have_two_digits_and_no_colours():
    results = {"prediction": [1.5, 2.5, 3.5], "prediction_low": [1.0, 2.0, 3.0], "prediction_high": [2.0, 3.0, 4.0]}
    look = look_of(scored(results, task="regression", classes=(), positive=None))
    assert look.formats == {
        "prediction": "#,##0.00", "prediction_low": "#,##0.00", "prediction_high": "#,##0.00", "rank": "#,##0",
    }  # fmt: skip
    assert look.scales == ()
    assert list(look.colours) == ["trust"]


@pytest.mark.parametrize(("n_classes", "n_coloured"), [(3, 3), (8, 8), (9, 0)])
def test_up_to_eight_classes_have_a_colour_each(n_classes, n_coloured):
    names = tuple(f"c{number}" for number in range(n_classes))
    result = scored({"prediction": ["c0", "c1", "c2"]}, task="multiclass", classes=names, positive=None)
    look = look_of(result)
    colours = look.colours.get("prediction", {})
    assert list(colours) == list(names[:n_coloured])
    assert len(set(colours.values())) == n_coloured
    assert look.scales == ()


# --- the dictionary ---------------------------------------------------------------------------------------------------


def test_every_column_is_told_with_its_origin_type_and_meaning():
    results = BINARY | {
        "rank": [2, 1, 3], "trust": ["inside", "outside", "inside"], "reason_1": ["age", "city", "age"],
    }  # fmt: skip
    result = scored(results)
    found = dictionary(result)
    assert list(found) == result.table(as_text=False).column_names
    assert found["id"] == ("your file", "whole number", "Not used by the model")
    assert found["left"] == ("your file", "text", "Not used by the model")
    assert found["age"] == ("your file", "numeric", "Used by the model")
    assert found["at"] == ("your file", "date", "Used by the model")
    assert found["city"] == ("your file", "category", "Used by the model; it knows Bonn and Oslo")
    assert found["prediction"] == ("prediction", "text", "What the model predicts")
    assert found["probability_yes"] == ("prediction", "number", "Probability that the row is yes, 0 to 1")
    assert found["rank"] == ("prediction", "whole number", "1 is the row with the highest prediction")
    assert found["trust"][2].startswith("inside: the row is like those")
    assert found["reason_1"][2].startswith("What moved this prediction most")


def test_the_target_in_the_file_is_told_as_the_actual_value():
    known = SOURCE.append_column("buys", pa.array(["no", "yes", "no"]))
    assert dictionary(scored(BINARY, known))["buys"] == (
        "your file", "category", "What is predicted: the actual value",
    )  # fmt: skip


def test_a_date_the_model_does_not_use_is_a_date():
    dated = SOURCE.append_column("seen", pa.array(["2026-01-01 10:00:00", "2026-02-01 11:00:00", ""]))
    assert dictionary(scored(BINARY, dated))["seen"] == ("your file", "date", "Not used by the model")


def test_an_input_that_had_to_change_its_name_is_told_by_the_one_the_model_knows():
    features = Schema((Column("rank", "numeric"),))
    source = pa.table({"id": ["7", "8", "9"], "rank": ["1.5", "2.5", "3.5"]})
    found = dictionary(scored(BINARY | {"rank": [1, 2, 3]}, source, features=features))
    assert found["rank_input"] == ("your file", "numeric", "Used by the model")
    assert found["rank"] == ("prediction", "whole number", "1 is the row with the highest prediction")


def test_a_column_of_the_file_that_ends_like_that_is_itself():
    source = SOURCE.append_column("age_input", pa.array(["x", "y", "z"]))
    assert dictionary(scored(BINARY, source))["age_input"] == ("your file", "text", "Not used by the model")


# --- the card ---------------------------------------------------------------------------------------------------------


def test_the_card_says_what_the_model_is_and_where_each_number_comes_from():
    about = model(
        version=3, is_champion=True,
        metrics={"cv_auc": 0.81234, "holdout_auc": 0.79, "train_auc": 0.99, "cv_auc_sd": 0.01, "cv_odd": 1.0},
    )  # fmt: skip
    found = card(scored(BINARY, about=about, h2o_version="3.46.0.11"))
    assert list(found.items()) == [
        ("Problem", "sales"),
        ("Model", "GBM_1 (version 3, the champion)"),
        ("Algorithm", "GBM"),
        ("Made", found["Made"]),
        ("Engine", "H2O 3.46.0.11"),
        ("Learned from", "customers.csv"),
        ("Target", "buys"),
        ("Task", "binary"),
        ("Classes", "no, yes"),
        ("Positive class", "yes"),
        ("Columns it needs", "age, city, at"),
        ("AUC, cross-validation", "0.8123"),
        ("AUC, holdout", "0.79"),
        ("URI", about.uri),
        ("How to read it", found["How to read it"]),
    ]
    assert "2026" in found["Made"]
    assert "had not seen" in found["How to read it"]


def test_what_a_model_does_not_have_is_not_told():
    found = card(scored({"prediction": [1.5, 2.5, 3.5]}, task="regression", classes=(), positive=None))
    assert found["Model"] == "GBM_1 (no version)"
    assert found["Engine"] == "H2O"
    assert not {"Classes", "Positive class"} & set(found)


def test_the_sheets_are_those_two():
    result = replace(scored(BINARY), warnings=("x",))
    assert list(look_of(result).sheets) == [DICTIONARY, CARD]
