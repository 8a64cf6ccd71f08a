"""A scored file from reading to the written result, with the small engine; every number against pandas or by hand."""

import csv
import io
import json
import random
import re
from dataclasses import replace

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import confusion_matrix, f1_score, log_loss, roc_auc_score

from core.data.reading.like import read_like
from core.domain.columns import Column, Schema
from core.domain.models import ModelSpec
from core.domain.reading import ReadOptions
from core.errors import DataError, ExperimentNotFoundError, SchemaMismatchError
from core.exports.answers import answer, labels_json, save, save_labels
from core.exports.tables import EXCEL_CSV, EXCEL_CSV_COMMAS, write_table
from core.exports.template import FILL_IN, HELP, LISTS, make_template
from core.exports.xlsx import MAX_ROWS, write_xlsx
from core.features.case import case_table, usual_value
from core.features.checking import ColumnCheck, FileCheck, Finding
from core.metrics.labels import PREDICTION
from core.metrics.performance import RELIABILITY_BINS
from core.models.decisions import Decision
from core.models.opened import StoredModel
from core.scoring.columns import confusion_of, reliability_of, residuals_of
from core.scoring.result import _typed_column
from tests.core.exports import made
from tests.fixtures_runs import make_home, run_to_end, write_customers


@pytest.fixture
def new_file(tmp_path):
    return write_customers(tmp_path / "new.csv", 60, seed=3, with_target=False)


def score(trained, path, **options):
    return trained.services.scorer.score_file(path, path.name, **options)


# --- what a result holds ----------------------------------------------------------------------------------------------


def test_details_are_rank_decile_trust_after_the_probabilities(trained, new_file):
    scored = score(trained, new_file, details=True)
    assert scored.results.column_names == [
        "prediction", "probability_no", "probability_yes", "rank", "decile", "trust", "trust_note",
    ]  # fmt: skip
    frame = scored.results.to_pandas()
    expected = frame["probability_yes"].rank(method="min", ascending=False)
    assert frame["rank"].tolist() == expected.astype(int).tolist()
    assert scored.check.verdict in ("green", "amber")
    assert scored.check.notes is None, "row by row it is as large as the file"


def test_without_details_the_columns_are_those_of_the_contract(trained, new_file):
    scored = score(trained, new_file)
    assert scored.results.column_names == ["prediction", "probability_no", "probability_yes"]
    assert scored.check is None


def test_with_the_target_in_the_file_predictions_are_set_against_it(trained, tmp_path):
    scored = score(trained, write_customers(tmp_path / "known.csv", 200, seed=9))
    actual = pd.read_csv(tmp_path / "known.csv")["buys"]
    predicted = pd.Series(scored.results["prediction"].to_pylist())
    expected = confusion_matrix(actual, predicted, labels=["no", "yes"])
    found = confusion_of(scored).data
    assert np.array_equal(np.asarray(found.counts), expected)
    p = scored.results["probability_yes"].to_numpy()
    share, mean = calibration_curve(actual == "yes", p, n_bins=RELIABILITY_BINS, strategy="quantile")
    assert [one.observed for one in reliability_of(scored).bins] == pytest.approx(share.tolist())
    assert [one.predicted for one in reliability_of(scored).bins] == pytest.approx(mean.tolist())
    assert scored.metrics["auc"] == pytest.approx(roc_auc_score(actual == "yes", p))
    assert residuals_of(scored).data is None


@pytest.mark.slow
def test_a_file_with_the_weights_of_training_is_measured_with_them(tmp_path, migrated_database):
    home = make_home(tmp_path, migrated_database, n_runs=0)
    run_to_end(home.services, home.settings(weights_column="premium", max_models=1), explain=False)
    frame = pd.read_csv(write_customers(tmp_path / "all.csv", 200, seed=9))
    frame["premium"] = np.random.default_rng(4).gamma(0.5, 0.5, len(frame)).round(3) + 0.001
    frame.loc[:9, "premium"] = [0, -1, np.nan, 0, 0, -2, np.nan, np.nan, 0, 0]
    frame.to_csv(tmp_path / "weighted.csv", index=False)
    scored = score(home, tmp_path / "weighted.csv")
    known = (frame["premium"] > 0).to_numpy()
    truth, w = (frame["buys"] == "yes")[known], frame["premium"][known]
    p, label = (scored.results[name].to_pandas()[known] for name in ("probability_yes", "prediction"))
    assert scored.metrics["auc"] == pytest.approx(roc_auc_score(truth, p, sample_weight=w))
    assert scored.metrics["logloss"] == pytest.approx(log_loss(truth, p, sample_weight=w))
    assert scored.metrics["f1"] == pytest.approx(f1_score(truth, label == "yes", sample_weight=w))
    assert (scored.is_weighted, scored.n_compared) == (True, known.sum())
    said = " ".join(answer(scored, "report")["warnings"])
    assert "weighted by “premium”" in said
    assert "10 rows have no weight above 0 in “premium”: 0 (5), negative (2), missing or no number (3)" in said
    assert "Ignored" not in said.replace("Ignored, because the model does not use them: customer_id.", "")


def test_reasons_name_the_features_that_moved_the_row(trained, new_file):
    scored = score(trained, new_file, reasons=2)
    texts = scored.results["reason_1"].to_pylist()
    assert len(texts) == 60
    features = {text.partition(" = ")[0] for text in texts if text}
    assert features <= {"age", "city", "premium"}
    assert all(" raised it" in text or " lowered it" in text for text in texts if text)
    assert re.fullmatch(r"TreeSHAP, from a usual prediction of \d+\.\d%", scored.reasons_method)
    cities = scored.source["city"].to_pylist()
    said = [(text, city) for text, city in zip(texts, cities, strict=True) if text and text.startswith("city = ")]
    assert said
    assert all(text.startswith(f"city = {city} ") for text, city in said)


@pytest.mark.parametrize("count", [-1, 11])
def test_a_number_of_reasons_that_cannot_be_given_is_refused(trained, new_file, count):
    with pytest.raises(DataError) as caught:
        score(trained, new_file, reasons=count)
    assert caught.value.code == "predict.reasons"


def test_a_named_experiment_asks_for_its_own_champion_alone(trained, monkeypatch):
    services = trained.services
    champion = services.store.champion("customers")
    assert services.scorer.choose_model(None) == champion
    with pytest.raises(ExperimentNotFoundError, match=r"'sales' has no champion\. There is: customers"):
        services.scorer.choose_model(None, "sales")
    monkeypatch.setattr(services.store, "champions", lambda: pytest.fail("asked for all of them"))
    assert services.scorer.choose_model(None, "customers") == champion


def test_what_scores_are_compared_with_is_read_once_and_the_least_used_is_forgotten(trained, monkeypatch):
    scorer, read = trained.services.scorer, []
    champion = trained.services.store.champion("customers")
    monkeypatch.setattr(StoredModel, "promised", lambda model: read.append(model.info.id))

    def ask(number):
        scorer._expected(StoredModel(trained.services.store, replace(champion, id=f"m-{number}")), Decision())

    for number in (*range(32), 0, 32, 0, 1):
        ask(number)
    assert read == [f"m-{number}" for number in (*range(33), 1)]


def test_where_the_dataset_was_deleted_no_other_one_is_read(own_home, tmp_path, monkeypatch):
    services = own_home.services
    services.datasets.delete(own_home.dataset.id, used_by=())
    monkeypatch.setattr(services.datasets, "list", lambda: pytest.fail("read them all"))
    path = write_customers(tmp_path / "new.csv", 20, seed=3, with_target=False)
    assert services.scorer.score_file(path, path.name).n_rows == 20


def test_the_reference_is_stored_at_training_with_the_training_rows_only(trained):
    model = trained.services.store.champion("customers")
    reference = StoredModel(trained.services.store, model).reference
    assert {column.name for column in reference.columns} == {"age", "city", "premium"}
    assert reference.rows == 192  # of 240, a fifth held out


def test_a_remembered_column_is_used_and_said(trained, tmp_path):
    path = write_customers(tmp_path / "other.csv", 30, seed=4, with_target=False)
    path.write_text(path.read_text().replace("premium", "Beitrag", 1))
    with pytest.raises(SchemaMismatchError):
        score(trained, path)
    ledger = trained.services.ledger
    ledger.remember_columns("customers", {"Beitrag": "premium"}, person="ann")
    try:
        scored = score(trained, path)
        assert "“Beitrag” is used as “premium”." in scored.warnings
        assert "Beitrag" in scored.table(as_text=True).column_names, "the file's own names come back"
        ledger.remember_columns("customers", {"Beitrag": "age"})
        assert ledger.columns("customers") == {"Beitrag": "age"}
    finally:
        ledger.forget_columns("customers")
    assert ledger.columns("customers") == {}
    plain = score(trained, write_customers(tmp_path / "same.csv", 30, seed=4, with_target=False))
    assert scored.results.equals(plain.results)


def test_a_case_from_a_form_scores_as_the_same_row_of_a_file(trained, new_file):
    model = trained.services.store.champion("customers")
    spec = StoredModel(trained.services.store, model).spec
    whole = score(trained, new_file, details=False)
    row = {name: whole.source[name][7].as_py() for name in ("age", "city", "premium")}
    values = {"age": float(row["age"]), "city": row["city"], "premium": float(row["premium"])}
    one = trained.services.scorer.score_table(case_table(values, spec), model, reasons=3)
    assert one.results["probability_yes"][0].as_py() == pytest.approx(
        whole.results["probability_yes"][7].as_py(), abs=1e-12
    )
    assert one.results["trust"].to_pylist() == ["inside"]
    unknown = trained.services.scorer.score_table(case_table({}, spec), model)
    assert unknown.results["trust_note"].to_pylist() == ["3 of 3 values missing"]


def test_usual_values_are_the_median_and_the_most_frequent_level(trained):
    model = trained.services.store.champion("customers")
    spec = StoredModel(trained.services.store, model).spec
    known = {column.name: column for column in StoredModel(trained.services.store, model).reference.columns}
    source = trained.services.datasets.open(spec.dataset_id).typed(["age", "city"]).to_pandas()
    assert usual_value(spec.needed["city"], known["city"]) in source["city"].unique()
    assert abs(usual_value(spec.needed["age"], known["age"]) - source["age"].median()) <= 6


# --- files ------------------------------------------------------------------------------------------------------------


def test_the_workbook_has_the_four_sheets_formats_colours_and_all_rows(trained, new_file, tmp_path):
    scored = score(trained, new_file, details=True, reasons=1)
    save(scored, tmp_path / "out.xlsx")
    book = openpyxl.load_workbook(tmp_path / "out.xlsx")
    assert book.sheetnames == ["Predictions", "Summary", "Data dictionary", "Model card"]
    sheet = book["Predictions"]
    header = [cell.value for cell in sheet[1]]
    assert sheet.max_row == 61
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", f"A1:{sheet.cell(61, len(header)).coordinate}")
    place = header.index("probability_yes") + 1
    assert sheet.cell(2, place).number_format == "0.0%"
    found = [sheet.cell(row, place).value for row in range(2, 62)]
    assert found == pytest.approx(scored.results["probability_yes"].to_pylist())
    ruled = {str(area.sqref) for area in sheet.conditional_formatting}
    letter = sheet.cell(1, header.index("prediction") + 1).column_letter
    assert f"{letter}2:{letter}61" in ruled
    summary = dict(row for row in book["Summary"].iter_rows(values_only=True))
    assert summary["Rows"] == "60"
    n_yes = scored.results["prediction"].to_pylist().count("yes")
    assert summary["Rows predicted yes"] == f"{n_yes} ({100 * n_yes / 60:.1f}%)"
    assert "Drift against training (PSI)" in summary
    dictionary = {row[0]: row for row in book["Data dictionary"].iter_rows(min_row=2, values_only=True)}
    assert set(dictionary) == set(header)
    assert dictionary["city"][1:3] == ("your file", "category")
    assert "Bonn, Oslo and Turin" in dictionary["city"][3]
    card = dict(row for row in book["Model card"].iter_rows(values_only=True))
    assert card["Target"] == "buys"
    assert card["Columns it needs"] == "age, city, premium"


def test_own_columns_can_be_left_out_and_order_is_kept(trained, new_file, tmp_path):
    scored = score(trained, new_file)
    save(scored, tmp_path / "id.csv", keep="id")
    frame = pd.read_csv(tmp_path / "id.csv")
    assert list(frame.columns) == ["customer_id", "prediction", "probability_no", "probability_yes"]
    assert frame["customer_id"].tolist() == list(range(1000, 1060))
    save(scored, tmp_path / "none.parquet", keep="none")
    assert pq.read_table(tmp_path / "none.parquet").column_names == ["prediction", "probability_no", "probability_yes"]


def test_csv_for_excel_begins_with_a_mark_and_can_have_decimal_commas(trained, new_file, tmp_path):
    scored = score(trained, new_file)
    save(scored, tmp_path / "a.csv", csv=EXCEL_CSV)
    assert (tmp_path / "a.csv").read_bytes().startswith(b"\xef\xbb\xbfcustomer_id,age")
    save(scored, tmp_path / "b.csv", csv=EXCEL_CSV_COMMAS)
    frame = pd.read_csv(tmp_path / "b.csv", sep=";", decimal=",", encoding="utf-8-sig")
    assert frame["probability_yes"].tolist() == pytest.approx(scored.results["probability_yes"].to_pylist(), abs=1e-15)
    assert frame["premium"].tolist() == pytest.approx([float(text) for text in scored.source["premium"].to_pylist()])


def test_a_semicolon_in_a_cell_is_quoted(tmp_path):
    write_table(
        pa.table({"a;b": ["x;y", "1,5", 'q"'], "n": [1.5, None, 2.0]}), tmp_path / "o.csv", csv=EXCEL_CSV_COMMAS
    )
    text = (tmp_path / "o.csv").read_text("utf-8-sig")
    assert list(csv.reader(io.StringIO(text), delimiter=";")) == [
        ["a;b", "n"],
        ["x;y", "1,5"],
        ["1,5", ""],
        ['q"', "2"],
    ]


def test_labels_by_id_as_the_endpoint_answers(trained, new_file, tmp_path):
    scored = score(trained, new_file)
    save_labels(scored, tmp_path / "labels.json")
    assert json.loads((tmp_path / "labels.json").read_text()) == answer(scored)


@pytest.mark.parametrize(
    "ids",
    [
        ['say "hi"', "back\\slash", "line\nbreak", "ünï\u2028", ""],
        ["1", "2", "3", "4", None],
        ["a", "b", "c", "d", "e"],
    ],
)
def test_labels_of_odd_ids_are_json(trained, new_file, ids):
    scored = score(trained, new_file)
    results = scored.results.slice(0, len(ids))
    texts, whole = pa.chunked_array([['"', "b", "\t", '"', "ü"]]), pa.chunked_array([[1, 2, 3, 4, 5]])
    for column in (results[PREDICTION], texts, whole):
        odd = replace(
            scored,
            source=pa.table({"id": pa.array(ids, pa.string())}),
            results=results.set_column(0, PREDICTION, column),
            spec=replace(scored.spec, id_column="id"),
        )
        assert labels_json(odd) == json.dumps(answer(odd), ensure_ascii=False).encode()
    nameless = replace(odd, source=pa.table({"x": ids}), spec=replace(scored.spec, id_column=None))
    assert labels_json(nameless) == json.dumps(answer(nameless)).encode()


@pytest.mark.slow
def test_more_rows_than_a_sheet_holds_are_spread_in_order(tmp_path):
    n_rows = MAX_ROWS + 5
    write_xlsx(pa.table({"n": pa.array(range(n_rows), pa.int32())}), tmp_path / "big.xlsx", None)
    book = openpyxl.load_workbook(tmp_path / "big.xlsx", read_only=True)
    assert book.sheetnames == ["Predictions", "Predictions 2"]
    rest = [row[0] for row in book["Predictions 2"].iter_rows(values_only=True)]
    assert rest == ["n", *range(MAX_ROWS - 1, n_rows)]


def test_500_cells_that_look_like_formulas_are_none_in_any_file(trained, tmp_path):
    """T10 over the whole way: read, scored, written, read back."""
    rng = random.Random(10)
    starts, rest = "=+-@\t", "ABC1(),!|\"'; $%5."
    cells = [rng.choice(starts) + "".join(rng.choices(rest, k=rng.randint(0, 9))) for _ in range(440)]
    numbers = [f"{rng.choice('+-')}{rng.randint(1, 999)}" for _ in range(60)]
    texts = [*cells, *numbers]
    path = tmp_path / "evil.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["=cmd()", "age", "city", "premium"])
        writer.writerows([[text, "40", "Bonn", "500"] for text in texts])
    scored = score(trained, path, details=True)
    source = scored.source["=cmd()"].to_pylist()
    for style in ("out.csv", "excel.csv"):
        save(scored, tmp_path / style, csv=EXCEL_CSV_COMMAS if style == "excel.csv" else EXCEL_CSV)
        separator = ";" if style == "excel.csv" else ","
        rows = list(csv.reader(io.StringIO((tmp_path / style).read_text("utf-8-sig")), delimiter=separator))
        assert len(rows) == 501
        for row, text in zip(rows[1:], source, strict=True):
            for cell in row:
                plain = cell.replace(",", ".", 1)
                assert cell[:1] not in ("=", "+", "-", "@", "\t") or _is_number(plain), cell
            # Where numbers become numbers, texts lose the blanks around them.
            kept = text.strip() if style == "excel.csv" else text
            assert row[0] in (kept, f"'{kept}") or _is_number(kept), kept
    save(scored, tmp_path / "out.xlsx")
    book = openpyxl.load_workbook(tmp_path / "out.xlsx")
    for sheet in book.worksheets:
        assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)
    cells = [row[0].value or "" for row in book["Predictions"].iter_rows(min_row=2)]
    assert cells == [text.strip() for text in source]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


# --- reading and the template -----------------------------------------------------------------------------------------


def test_a_file_is_read_with_what_was_said_about_the_training_data(settings, tmp_path):
    settings.work_dir.mkdir(parents=True)
    path = tmp_path / "pipes.csv"
    path.write_text("title\na~b\n1~2\n3~4\n")
    options = ReadOptions(separator="~", header_row=2)
    info, notes = read_like(path, path.name, tmp_path / "o.parquet", settings, options=options, needed=("a", "b"))
    assert info.columns == ("a", "b")
    assert info.rows == 2
    assert "chosen for the training data" in notes[0]


def test_what_was_said_is_dropped_where_it_does_not_fit(settings, tmp_path):
    settings.work_dir.mkdir(parents=True)
    path = tmp_path / "commas.csv"
    path.write_text("a,b\n1,2\n3,4\n")
    options = ReadOptions(separator="~", header_row=2)
    info, notes = read_like(path, path.name, tmp_path / "o.parquet", settings, options=options, needed=("a", "b"))
    assert info.columns == ("a", "b")
    assert info.rows == 2
    assert "detected options" in notes[0]
    assert pq.read_table(tmp_path / "o.parquet")["b"].to_pylist() == ["2", "4"]


def test_the_template_holds_columns_lists_and_help_and_scores_when_filled_in(trained, tmp_path):
    model = trained.services.store.champion("customers")
    stored = StoredModel(trained.services.store, model)
    spec = stored.spec
    path = tmp_path / "template.xlsx"
    path.write_bytes(make_template(spec, stored.reference))
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == [FILL_IN, HELP, LISTS]
    assert book[LISTS].sheet_state == "hidden"
    sheet = book[FILL_IN]
    assert [cell.value for cell in sheet[1]] == ["customer_id", "age", "city", "premium"]
    rules = {
        str(rule.sqref).rstrip("0123456789").split(":")[0][0]: rule for rule in sheet.data_validations.dataValidation
    }
    assert rules["C"].type == "list"
    assert rules["C"].formula1 == "Lists!$A$2:$A$4"
    assert [row[0].value for row in book[LISTS].iter_rows(min_row=2)] == ["Bonn", "Oslo", "Turin"]
    assert rules["B"].type == "decimal"
    sheet.append([1, 40, "Oslo", 512.5])
    sheet.append([2, 30, "Bonn", 480.25])
    book.save(path)
    scored = score(trained, path)
    assert scored.n_rows == 2
    assert scored.source["premium"].to_pylist() == ["512.5", "480.25"]
    assert np.isfinite(scored.results["probability_yes"].to_numpy()).all()


def test_numbers_are_numbers_in_parquet_and_a_column_with_an_odd_cell_keeps_its_text(trained, tmp_path):
    path = write_customers(tmp_path / "odd.csv", 20, seed=5, with_target=False)
    lines = path.read_text().splitlines()
    cells = lines[3].split(",")
    lines[3] = ",".join([cells[0], "old", *cells[2:]])
    path.write_text("\n".join(lines) + "\n")
    save(score(trained, path), tmp_path / "out.parquet")
    table = pq.read_table(tmp_path / "out.parquet")
    assert table["age"][2].as_py() == "old"
    assert table["premium"].to_pylist() == pytest.approx([float(line.split(",")[3]) for line in lines[1:]])
    assert table["customer_id"].to_pylist() == list(range(1000, 1020))


def test_columns_that_the_model_does_not_need_keep_digits_and_signs_in_a_workbook():
    table = pa.table(
        {
            "long": ["1234567890123456789", "1234567890123456790"],
            "price": ["$1,000.00", "$5"],
            "groups": ["850", "1.234"],
            "gap": ["1.5", "inf"],
            "plain": ["1.5", "2"],
        }
    )
    spec = ModelSpec(task="regression", target="y", target_column=Column("y", "numeric"), features=Schema(()))
    typed = {name: _typed_column(table.select([name]), spec).to_pylist() for name in table.column_names}
    assert typed == table.to_pydict() | {"plain": [1.5, 2.0]}


def test_a_summary_counts_labels_the_most_frequent_first_and_numbers_findings_from_one():
    said = (("green", "Nothing to look at."), ("amber", "A new city."), ("amber", "Older than all."))
    findings = tuple(Finding(verdict=verdict, code="cells.unseen", text=text) for verdict, text in said)
    one = made.scored({"prediction": ["no", "yes", "yes"], "probability_yes": [0.1, 0.9, 0.8]})
    check = FileCheck(n_rows=3, columns=ColumnCheck(missing=(), near={}, extra=()), renamed=(), findings=findings)
    told = replace(one, check=check).summary()
    assert [name for name in told if name.startswith("Rows predicted")] == ["Rows predicted yes", "Rows predicted no"]
    assert (told["Rows predicted yes"], told["Rows predicted no"]) == ("2 (66.7%)", "1 (33.3%)")
    assert {name: text for name, text in told.items() if name.startswith("Finding")} == {
        "Finding 1": "A new city.", "Finding 2": "Older than all.",
    }  # fmt: skip


def test_rows_are_compared_where_the_file_has_a_target_that_the_model_knows():
    one = made.scored({"prediction": ["no", "yes", "yes"]})
    assert (one.n_compared, one.is_weighted) == (0, False)
    assert replace(one, actual=pa.chunked_array([["yes", None, "no"]])).n_compared == 2


def test_reasons_are_about_the_positive_class_or_the_number():
    assert made.scored({"prediction": ["no"] * 3}).reasons_about == "the probability of “yes”, in percentage points"
    number = made.scored({"prediction": [1.0] * 3}, task="regression", positive=None, target="price")
    assert number.reasons_about == "the predicted price"


def test_ids_that_are_whole_numbers_are_numbers_and_levels_that_are_words_stay_text():
    ids = [str(100_001 + 7 * row) for row in range(60)]
    spec = made.spec(features=Schema((Column("city", "category", levels=("Bonn", "12")),)))
    assert _typed_column(pa.table({"order_id": ids}), spec).to_pylist() == [int(one) for one in ids]
    assert _typed_column(pa.table({"city": ["12", "12"]}), spec).to_pylist() == ["12", "12"]
    codes = made.spec(features=Schema((Column("city", "category", levels=("7", "12")),)))
    assert _typed_column(pa.table({"city": ["12", "12"]}), codes).to_pylist() == [12, 12]


def test_a_summary_of_numbers_counts_no_labels_and_has_six_digits_of_a_metric(trained, new_file):
    scored = replace(score(trained, new_file), metrics={"RMSE": 0.123456789})
    assert scored.summary()["RMSE on this file"] == "0.123457"
    assert any(name.startswith("Rows predicted") for name in scored.summary())
    numbers = replace(scored, spec=replace(scored.spec, task="regression"))
    assert not any(name.startswith("Rows predicted") for name in numbers.summary())


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("age", "order_id"), "order_id"),
        (("age", "ID"), "ID"),
        (("age", "orderId"), "orderId"),
        (("age", "paid"), None),
    ],
)
def test_rows_go_by_a_column_that_is_called_an_id_where_the_model_knows_none(trained, new_file, names, expected):
    scored = score(trained, new_file)
    source = pa.table({name: ["1"] for name in names})
    unknown = replace(scored, spec=replace(scored.spec, id_column=None), source=source)
    assert unknown.id_name == expected
    assert replace(scored, source=source.append_column("customer_id", pa.array(["7"]))).id_name == "customer_id"
