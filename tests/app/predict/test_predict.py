"""The Predict page: file in, checked, scored, out again."""

import gc
import io
import re
from types import SimpleNamespace

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pytest

from app.ui.predict import outcome
from app.ui.predict.downloads import format_options
from app.ui.predict.file import flagged_rows_csv
from core.domain.reading import ReadOptions
from core.errors import ScoringProcessError
from core.models.opened import StoredModel
from tests.fixtures_runs import make_home, run_to_end, shown, write_customers
from tests.fixtures_store import add_champion


@pytest.fixture
def customers(tmp_path):
    """Bytes of 60 customers without the target."""
    return write_customers(tmp_path / "new.csv", 60, seed=3, with_target=False).read_bytes()


def upload(app, name: str, data: bytes):
    app.file_uploader(key="predict_upload").upload(name, data).run()
    assert not app.exception, app.exception
    return app


def counted(app):
    """Return the table of rows by predicted label."""
    return next(table.value for table in app.dataframe if {"Prediction", "Rows"} <= set(table.value.columns))


def test_without_a_model_the_next_step_is_training(fresh_home, visit):
    assert "No model to predict with yet" in shown(visit(fresh_home.services, "predict"))


def test_the_champion_is_chosen_with_version_date_and_metric(trained, visit):
    app = visit(trained.services, "predict")
    assert app.selectbox(key="predict_experiment").value == "customers"
    assert app.selectbox(key="predict_model").value == trained.services.store.champion("customers").id
    assert "champion since" in shown(app)


def test_a_file_is_shown_checked_and_scored(trained, visit, customers):
    app = upload(visit(trained.services, "predict"), "new.csv", customers)
    assert len(app.dataframe[0].value) == 5
    assert "All 3 columns" in app.success[0].value
    app.button(key="predict_start").click().run()
    assert not app.exception, app.exception
    counts = counted(app)
    assert counts["Rows"].sum() == 60
    assert app.get("plotly_chart")
    assert "A row is" in shown(app)
    assert app.get("download_button")


def test_a_file_is_read_once_and_checked_once_however_often_the_page_is_drawn(trained, visit, customers, scoring_work):
    lines = customers.decode().splitlines()
    lines[1] = lines[1].replace(lines[1].split(",")[1], "old")
    app = upload(visit(trained.services, "predict"), "new.csv", "\n".join(lines).encode())
    app.file_uploader(key="predict_upload").clear()  # as in a browser, where a received file is gone by the next run
    app.button(key="predict_start").click().run()
    app.segmented_control(key="predict_reasons").set_value(3).run()
    app.button(key="predict_start").click().run()
    assert counted(app)["Rows"].sum() == 60
    file = app.session_state["predict.opened"]
    model = StoredModel(trained.services.store, trained.services.store.champion("customers"))
    assert b"is not a number" in flagged_rows_csv(file, model, trained.services.settings)
    assert scoring_work == {"read": 1, "checked": 1}


def test_the_downloads_hold_every_row(trained, customers, tmp_path):
    from app.ui.predict import downloads as predict_widgets

    source = tmp_path / "new.csv"
    source.write_bytes(customers)
    scored = trained.services.scorer.score_file(source, source.name)
    for suffix, _ in predict_widgets.FORMATS.values():
        data = predict_widgets.result_bytes(scored, suffix, trained.services.settings)
        assert len(data) > 500
        if suffix == ".csv":
            table = pa_csv.read_csv(io.BytesIO(data))
            assert table.num_rows == 60
            assert table.column_names[-3:] == ["prediction", "probability_no", "probability_yes"]


def test_a_missing_column_is_refused_with_the_near_name(trained, visit, customers):
    app = upload(visit(trained.services, "predict"), "new.csv", customers.replace(b"premium", b"Premium "))
    text = app.error[0].value
    assert "premium" in text
    assert "It may be your column" in text
    assert app.button(key="predict_start").disabled


def test_cells_that_cannot_be_read_are_counted_before_scoring(trained, visit, customers):
    lines = customers.decode().splitlines()
    lines[1] = lines[1].replace(lines[1].split(",")[2], "Atlantis")
    app = upload(visit(trained.services, "predict"), "new.csv", "\n".join(lines).encode())
    assert "Atlantis" in app.warning[0].value
    assert not app.button(key="predict_start").disabled


def test_extra_columns_are_named_and_the_target_gives_metrics(trained, visit, tmp_path):
    data = write_customers(tmp_path / "known.csv", 80, seed=5).read_bytes()
    app = upload(visit(trained.services, "predict"), "known.csv", data)
    assert "predictions are compared with it" in shown(app)
    app.button(key="predict_start").click().run()
    (auc,) = (metric for metric in app.metric if metric.label.startswith("AUC") and "this file" in metric.label)
    assert auc.delta, "beside what was promised"
    chances = app.dataframe[-1].value["probability_yes"].tolist()
    assert chances == sorted(chances, reverse=True)
    assert "probability_no" not in app.dataframe[-1].value
    app.segmented_control(key="predict_order").set_value("As in the file").run()
    assert app.dataframe[-1].value["probability_yes"].tolist() != chances


def test_a_file_with_weights_says_how_much_each_row_counts(tmp_path, migrated_database, visit):
    home = make_home(tmp_path, migrated_database, n_runs=0)
    run_to_end(home.services, home.settings(weights_column="premium", max_models=1), explain=False)
    data = write_customers(tmp_path / "known.csv", 80, seed=5).read_bytes()
    app = upload(visit(home.services, "predict"), "known.csv", data)
    app.button(key="predict_start").click().run()
    assert "80 of 80 rows. The metrics are weighted by “premium”; the figures below count each row once." in shown(app)


def test_a_file_that_cannot_be_read_says_why(trained, visit):
    app = upload(visit(trained.services, "predict"), "empty.csv", b"a,b\n")
    assert "file.no_rows" in app.error[0].value


def test_a_process_that_dies_is_said_with_a_hint(trained, visit, customers, monkeypatch):
    def die(*args, **kwargs):
        raise ScoringProcessError("The process that scores ended.")

    monkeypatch.setattr(trained.services.engine.mojos, "predict", die)
    app = upload(visit(trained.services, "predict"), "new.csv", customers)
    app.button(key="predict_start").click().run()
    assert "scoring.process" in app.error[0].value
    assert "Download predictions" not in [button.proto.label for button in app.get("download_button")]


def test_another_model_can_be_chosen_by_link(trained, visit):
    other = trained.services.store.models(run_id=trained.runs[0].run_id)[1]
    app = visit(trained.services, "predict", model=other.id)
    assert app.selectbox(key="predict_model").value == other.id
    assert "not the champion" in shown(app)


def test_the_session_keeps_no_file_in_memory(trained, visit, customers):
    app = upload(visit(trained.services, "predict"), "new.csv", customers)
    kept = app.session_state["predict.opened"]
    model = StoredModel(trained.services.store, trained.services.store.champion("customers"))
    path = kept.read(model).path
    assert path.is_relative_to(trained.services.settings.work_dir)
    assert path.is_file()
    gc.collect()
    assert not kept._sources


def test_the_sample_offers_its_file(tmp_path, migrated_database, visit):
    from core.data.datasets.samples import SAMPLE_EXPERIMENT, SAMPLE_TARGET

    home = make_home(tmp_path, migrated_database, n_runs=0)
    sample = home.services.sample_dataset()
    settings = home.settings(
        dataset_id=sample.id, target=SAMPLE_TARGET, experiment=SAMPLE_EXPERIMENT, ignored=(), max_models=1
    )
    assert run_to_end(home.services, settings, explain=False).status == "finished"
    app = visit(home.services, "predict")
    app.button(key="predict_sample").click().run()
    assert not app.exception, app.exception
    app.button(key="predict_start").click().run()
    assert counted(app)["Rows"].sum() == 500


def test_a_dataset_that_fits_is_scored_without_an_upload(own_home, visit, tmp_path):
    services = own_home.services
    fits = services.datasets.add(write_customers(tmp_path / "march.csv", 40, seed=5), "march.csv")
    other = tmp_path / "other.csv"
    other.write_text("height,width\n1,2\n3,4\n")
    services.datasets.add(other, "other.csv")
    app = visit(services, "predict")
    choice = app.selectbox(key="predict_dataset")
    assert choice.options == [fits.label]  # neither what has other columns, nor what the model learned from
    choice.select(fits.id).run()
    assert not app.exception, app.exception
    assert app.selectbox(key="predict_dataset").value is None  # ready for another one
    app.button(key="predict_start").click().run()
    assert counted(app)["Rows"].sum() == 40
    assert services.datasets.open(fits.id).original().is_file()


def test_a_dataset_is_scored_as_it_was_read(own_home, visit, tmp_path):
    services = own_home.services
    path = tmp_path / "months.xlsx"
    with pd.ExcelWriter(path) as book:
        pd.DataFrame({"note": ["nothing here"]}).to_excel(book, sheet_name="About", index=False)
        may = pd.read_csv(write_customers(tmp_path / "may.csv", 30, seed=6))
        may.to_excel(book, sheet_name="May", index=False, startrow=3)
    dataset = services.datasets.add(path, "months.xlsx", options=ReadOptions(sheet="May", header_row=4))
    app = visit(services, "predict")
    app.selectbox(key="predict_dataset").select(dataset.id).run()
    assert not app.exception, app.exception
    app.button(key="predict_start").click().run()
    assert counted(app)["Rows"].sum() == 30
    _, scored = app.session_state["predict.scored"]
    expected = services.scorer.score_file(tmp_path / "may.csv", "may.csv", model_uri=scored.model.uri)
    assert scored.results["probability_yes"].to_pylist() == expected.results["probability_yes"].to_pylist()


# --- the check --------------------------------------------------------------------------------------------------------


def test_a_renamed_column_is_offered_remembered_and_used_for_the_next_file(own_home, visit, tmp_path):
    data = write_customers(tmp_path / "a.csv", 40, seed=3, with_target=False).read_bytes()
    app = upload(visit(own_home.services, "predict"), "a.csv", data.replace(b"premium", b"Premium (EUR)", 1))
    assert "premium" in app.error[0].value
    assert app.button(key="predict_start").disabled
    app.selectbox(key="predict_map_0").set_value("Premium (EUR)")
    app.button(key="predict_map_use").click().run()
    assert not app.exception, app.exception
    assert not app.error
    assert "is used as “premium”" in shown(app)
    assert own_home.services.ledger.columns("customers") == {"Premium (EUR)": "premium"}
    app.button(key="predict_start").click().run()
    assert counted(app)["Rows"].sum() == 40
    app.button(key="predict_forget_columns").click().run()
    assert own_home.services.ledger.columns("customers") == {}
    assert app.error


def test_amber_asks_and_the_flagged_rows_can_be_downloaded(trained, visit, customers):
    lines = customers.decode().splitlines()
    lines[1] = lines[1].replace(lines[1].split(",")[1], "old", 1)
    app = upload(visit(trained.services, "predict"), "new.csv", "\n".join(lines).encode())
    assert "1 cell is not a number" in app.warning[0].value
    assert app.button(key="predict_start").label == "Predict 60 rows anyway"
    labels = [button.proto.label for button in app.get("download_button")]
    assert "Download flagged rows (1)" in labels


def test_reasons_and_trust_are_in_the_preview(trained, visit, customers):
    app = upload(visit(trained.services, "predict"), "new.csv", customers)
    app.segmented_control(key="predict_reasons").set_value(3).run()
    app.button(key="predict_start").click().run()
    assert not app.exception, app.exception
    assert "Reasons are about the probability of “yes”" in shown(app)
    reasons, ranks, trust = {"reason_1", "reason_2", "reason_3"}, {"rank", "decile"}, {"trust", "trust_note"}
    highest = next(table.value for table in app.dataframe if "reason_1" in table.value.columns)
    assert reasons <= set(highest.columns)
    assert not (ranks | trust) & set(highest.columns)  # the order says the first two, and every row is inside
    assert "the columns rank, decile, trust and trust\\_note too" in shown(app)
    app.segmented_control(key="predict_order").set_value("As in the file").run()
    as_sent = next(table.value for table in app.dataframe if "reason_1" in table.value.columns)
    assert ranks | reasons <= set(as_sent.columns)


def test_a_row_that_is_not_like_those_learned_from_is_marked_in_the_preview(trained, visit, customers):
    lines = customers.decode().splitlines()
    lines[1] = lines[1].replace(lines[1].split(",")[1], "old", 1)
    app = upload(visit(trained.services, "predict"), "new.csv", "\n".join(lines).encode())
    app.button(key="predict_start").click().run()
    assert not app.exception, app.exception
    preview = next(table.value for table in app.dataframe if "trust" in table.value.columns)
    assert list(preview["trust"]).count("outside") == 1


def test_one_case_is_predicted_from_a_form_with_its_reasons(trained, visit):
    app = visit(trained.services, "predict")
    app.segmented_control(key="predict_mode").set_value("One case").run()
    assert not app.exception, app.exception
    app.button(key="predict_case_start").click().run()
    assert not app.exception, app.exception
    [said] = [metric for metric in app.metric if "Prediction for" in metric.label]
    found = re.search(
        r"(\d+\.\d)%, (at or above|below) the threshold of (\d+\.\d)%: (yes|no)", shown(app).replace("\\", "")
    )
    assert found, shown(app)
    share, side, threshold, label = found.groups()
    assert label == said.value == ("yes" if side == "at or above" else "no")
    assert float(share) >= float(threshold) if side == "at or above" else float(share) <= float(threshold)
    assert "Why" in shown(app)
    assert "raised it" in shown(app) or "lowered it" in shown(app)


def test_results_come_into_view_and_a_change_opens_the_steps_again(trained, visit, customers):
    app = upload(visit(trained.services, "predict"), "new.csv", customers)
    assert "Change" not in "".join(one.label for one in app.expander)
    app.button(key="predict_start").click().run()
    assert not app.exception
    answered = [one.label for one in app.expander if "Change" in one.label or "Details" in one.label]
    assert [label.split("**")[1] for label in answered] == ["1. Which model", "2. Your file", "3. Does it fit?"]
    assert "new.csv, 60 rows" in answered[1].replace("\\", "")
    assert "4. Results" in [one.value for one in app.header]
    models = app.selectbox(key="predict_model")
    models.select_index(1 - models.index).run()
    assert "4. Results" not in [one.value for one in app.header]
    assert "Change" not in "".join(one.label for one in app.expander)


def test_the_problem_predicted_last_is_open_and_of_several_unused_ones_the_page_asks(own_home, visit, customers):
    store = own_home.services.store
    add_champion(store, "another")
    app = visit(own_home.services, "predict")
    assert app.selectbox(key="predict_experiment").value is None
    assert not [one for one in app.selectbox if one.key == "predict_model"]
    names = [one.value for one in app.markdown if one.value in ("**another**", "**customers**")]
    app.button(key=f"predict_offer_{names.index('**customers**')}").click().run()
    assert app.selectbox(key="predict_experiment").value == "customers"
    assert not [one for one in app.button if "offer" in (one.key or "")]
    upload(app, "new.csv", customers).button(key="predict_start").click().run()
    assert visit(own_home.services, "predict").selectbox(key="predict_experiment").value == "customers"


def test_a_problem_that_trains_for_the_first_time_is_not_offered(fresh_home, visit):
    run_id = fresh_home.services.jobs.submit(fresh_home.settings())
    app = visit(fresh_home.services, "predict")
    assert not [one for one in app.selectbox if one.key == "predict_experiment"]
    assert f"predict_cancel_{run_id}" in {one.key for one in app.button}
    fresh_home.services.jobs.cancel(run_id)
    assert [one.label for one in app.run().get("page_link")] == ["Open Train"]


def test_the_likely_column_is_used_with_one_click(own_home, visit, customers):
    app = upload(visit(own_home.services, "predict"), "new.csv", customers.replace(b"premium", b"xyz", 1))
    button = app.button(key="predict_use_column")
    assert button.label == "Use column “xyz” as “premium”"
    button.click().run()
    assert "is used as" in shown(app)
    assert not app.button(key="predict_start").disabled


@pytest.mark.parametrize(
    ("file_name", "workbook_first", "first"),
    [("march.xlsx", False, "Excel"), ("march.csv", False, "CSV"), ("march.csv", True, "Excel")],
)
def test_the_form_that_a_file_came_in_is_offered_first(file_name, workbook_first, first):
    options = format_options(SimpleNamespace(n_rows=5), file_name, workbook_first=workbook_first)
    assert (options[0], sorted(options)) == (first, ["CSV", "Excel", "JSON", "Parquet"])


@pytest.mark.parametrize(
    ("predicted", "actual", "words"),
    [
        (["yes"] * 6 + ["no"] * 4, ["yes", "no"] * 5, ""),  # 6 where 5 are: no more than a fifth
        (["yes"] * 8 + ["no"] * 2, ["yes", "no"] * 5, "Selected: 4 of class “yes” and 4 not; missed: 1."),
        (
            ["yes"] * 2 + ["no"] * 8,
            ["yes", "no"] * 5,
            "Selected: 1 of class “yes” and 1 not; missed: 4.",
        ),
        (["yes"] * 8 + ["no"] * 2, ["yes", "yes", *[None] * 8], ""),  # of the two rows that are known both are
        (["yes"] * 8 + ["no"] * 2, ["no"] * 10, ""),
        (["no"] * 10, ["yes", "no"] * 5, "No row is selected, and 5 are “yes”."),
        (
            ["yes"] * 8 + ["no"] * 2,
            ["yes", "no"] * 2 + [None] * 6,
            "Selected with a known outcome: 2 of class",
        ),
    ],
)
@pytest.mark.parametrize("explains", [True, False])
def test_more_or_fewer_selected_rows_than_there_are_is_said_of_the_rows_that_are_known(
    monkeypatch, predicted, actual, words, explains
):
    monkeypatch.setattr(outcome.navigation, "has_page", lambda name: explains)
    scored = SimpleNamespace(
        spec=SimpleNamespace(positive="yes"), results=pa.table({"prediction": predicted}),
        actual=pa.chunked_array([pa.array(actual, pa.string())]),
    )  # fmt: skip
    said = outcome._selected_words(scored)
    assert said.startswith(words) if words else said == ""
    assert ("Explain shows" in said) == (bool(words) and explains)
