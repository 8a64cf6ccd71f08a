"""The views of the Explain page that are made of stored predictions: performance, decision, weak spots, fairness."""

import io
import json
import threading

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.ui.explain import overview
from app.ui.widgets.models import checklist
from core.domain.models import ORIGIN_NAMES
from core.errors import EngineUnavailableError
from core.exports.answers import answer
from core.metrics import performance
from core.metrics.calibration import cross_fitted
from core.metrics.policy import Policy
from core.models.decisions import save_policy
from core.models.opened import StoredModel
from core.store.items import Artifact
from core.wording import percent_text
from tests.fixtures_runs import make_home, run_to_end, shown, write_customers


def open_view(visit, services, view: str, **query: str):
    app = visit(services, "explain", **query)
    app.button_group(key="explain_view").set_value(view).run()
    assert not app.exception, app.exception
    return app


def chart_titles(app) -> list[str]:
    """What stands over the charts, without the line below it."""
    return [json.loads(one.proto.spec)["layout"]["title"]["text"].split("<")[0] for one in app.get("plotly_chart")]


def champion(home):
    return home.services.store.champion("customers")


def stored(home, origin="cv"):
    return StoredModel(home.services.store, champion(home)).predictions(origin)


@pytest.fixture(scope="module")
def dead(trained):
    """The trained home with an engine that cannot be used for anything but asking how it is."""

    def refuse(*_args, **_options):
        raise EngineUnavailableError("No Java was found.")

    engine = trained.services.engine
    with pytest.MonkeyPatch.context() as patch:
        for owner in (engine, engine.frames, engine.automl, engine.baselines, engine.models, engine.explanations):
            for name in dir(type(owner)):
                if not name.startswith("_") and (owner, name) != (engine, "status"):
                    patch.setattr(owner, name, refuse)
        yield trained


def test_the_overview_does_not_wait_for_its_checklist(dead, visit, monkeypatch):
    checklists, may_go = dead.services.checklists, threading.Event()
    fill_in = checklists.of

    def fill_in_later(model):
        assert may_go.wait(60)
        return fill_in(model)

    monkeypatch.setattr(checklists, "of", fill_in_later)
    checklist._checks.clear()
    app = visit(dead.services, "explain")
    assert not app.exception, app.exception
    assert "Feature importance" in chart_titles(app)
    assert "The checklist is being filled in." in shown(app)
    may_go.set()
    while "The checklist is being filled in." in shown(app):
        app.run()
    assert not app.exception, app.exception
    assert "Fairness: not known" in shown(app)
    assert "No column gives the target away" in shown(app)


def test_the_checklist_of_many_rows_waits_until_it_is_asked_for(dead, visit, monkeypatch):
    monkeypatch.setattr(overview, "_CHECKED_CELLS", 10)
    checklist._checks.clear()
    app = visit(dead.services, "explain")
    assert "Fairness: not known" not in shown(app)
    app.button(key="explain_checklist").click().run()
    while "The checklist is being filled in." in shown(app):
        app.run()
    assert not app.exception, app.exception
    assert "Fairness: not known" in shown(app)


@pytest.mark.parametrize("kind", ["Summary", "Curves", "Gains and lift", "Calibration", "Separation", "Thresholds"])
@pytest.mark.parametrize("origin", ["cv", "holdout"])
def test_every_look_at_performance_opens_without_an_engine(dead, visit, kind, origin):
    app = open_view(visit, dead.services, "Performance")
    app.button_group(key="explain_origin").set_value(origin).run()
    app.button_group(key="explain_performance").set_value(kind).run()
    assert not app.exception, app.exception
    said = f"Of all pairs of a positive and a negative row ({ORIGIN_NAMES[origin]})"
    assert (said in shown(app)) == (kind == "Summary")
    assert not app.error
    assert app.get("plotly_chart") or app.dataframe


@pytest.mark.parametrize("view", ["Performance", "Decision", "Weak spots", "Fairness"])
def test_explanations_need_not_be_there(own_home, visit, view):
    app = open_view(visit, own_home.services, view)
    assert not app.error
    assert app.get("plotly_chart")


def test_the_page_says_whose_auc_it_shows(dead, visit):
    app = open_view(visit, dead.services, "Performance")
    assert "leaderboard shows H2O's AUC" in shown(app)


def test_a_policy_that_is_saved_makes_the_labels_everywhere(own_home, visit, tmp_path):
    services, model = own_home.services, champion(own_home)
    app = open_view(visit, services, "Decision")
    assert "from training" in shown(app)
    app.button_group(key="explain_rule").set_value("recall").run()
    app.slider(key="explain_wanted_recall").set_value(95).run()
    found = stored(own_home)
    p, truth = found.probability("yes"), found.is_class("yes")
    wanted = max(cut for cut in np.unique(p) if (truth & (p >= cut)).sum() >= 0.95 * truth.sum())
    cards = {metric.label: metric.value for metric in app.metric}
    assert cards["Threshold"] == f"{wanted:.4f}"
    assert cards["Recall"] == f"{100 * (truth & (p >= wanted)).sum() / truth.sum():.1f}%"
    app.text_input(key="explain_policy_why").set_value("miss nobody")
    app.text_input(key="explain_policy_person").set_value("Ann")
    app.button(key="explain_policy_save").click().run()
    assert not app.exception, app.exception
    words = shown(app)
    assert "finds at least 95% of the positive rows" in words.replace("\\", "")
    assert app.dataframe[-1].value["why"].tolist() == ["miss nobody"]
    (entry,) = services.ledger.policies(model.id)
    assert (entry.policy.threshold, entry.person, entry.version) == (wanted, "Ann", model.version)

    source = write_customers(tmp_path / "new.csv", 60, seed=3, with_target=False)
    scored = services.scorer.score_file(source, source.name)
    chance = scored.results["probability_yes"].to_numpy()
    expected = ["yes" if one >= wanted else "no" for one in chance]
    assert list(answer(scored).values()) == expected
    assert "saved by Ann" in scored.summary()["Policy"]
    page = visit(services, "predict")
    page.file_uploader(key="predict_upload").upload("new.csv", source.read_bytes()).run()
    page.button(key="predict_start").click().run()
    by_label = next(one.value for one in page.dataframe if "Prediction" in one.value.columns and "Rows" in one.value)
    counts = dict(by_label[["Prediction", "Rows"]].to_numpy().tolist())
    assert counts["yes"] == expected.count("yes")
    assert "miss nobody" in shown(page)
    assert "predict_download" in {button.key for button in page.get("download_button")}

    save_policy(services.ledger, model, Policy(threshold=0.99, rule="threshold"), why="costs", person="Ann")
    page.run()
    assert "predict_download" not in {
        button.key for button in page.get("download_button")
    }  # the result was made by a policy that is not in force any more


def test_a_calibrated_policy_calibrates_what_is_scored(own_home, visit, tmp_path):
    services = own_home.services
    app = open_view(visit, services, "Decision")
    app.selectbox(key="explain_calibrate").select_index(1).run()
    app.text_input(key="explain_policy_why").set_value("to be taken at its word")
    app.text_input(key="explain_policy_person").set_value("Ann")
    app.button(key="explain_policy_save").click().run()
    assert not app.exception, app.exception
    assert not app.error
    (entry,) = services.ledger.policies(champion(own_home).id)
    source = write_customers(tmp_path / "new.csv", 60, seed=3, with_target=False)
    scored = services.scorer.score_file(source, source.name)
    values = set(np.round(entry.policy.calibration.y, 9))
    assert {round(one, 9) for one in scored.results["probability_yes"].to_pylist()} & values
    total = scored.results["probability_yes"].to_numpy() + scored.results["probability_no"].to_numpy()
    assert total == pytest.approx(1)
    for view in ("Weak spots", "Fairness", "Performance"):
        app = open_view(visit, services, view)
        assert not app.error
    # In cross-validation no row may have helped to fit its own calibration.
    found = StoredModel(services.store, champion(own_home)).predictions("cv")
    truth, p = found.is_class("yes"), found.probability("yes")
    apart = cross_fitted(truth, p, entry.policy.calibration.method)
    table = next(one.value for one in app.dataframe if "Constant, cross-validation" in one.value.columns).set_index(
        "Metric"
    )
    assert float(table.loc["Brier score", "Cross-validation"]) == pytest.approx(np.mean((apart - truth) ** 2), abs=1e-4)
    together = entry.policy.calibration.apply(p)
    assert abs(np.mean((apart - truth) ** 2) - np.mean((together - truth) ** 2)) > 1e-3


def test_money_moves_the_threshold_and_says_what_it_brings(dead, visit):
    app = open_view(visit, dead.services, "Decision")
    app.button_group(key="explain_rule").set_value("money").run()
    app.number_input(key="explain_money_fp").set_value(-60.0).run()
    assert not app.exception, app.exception
    found = stored(dead)
    p, truth = found.probability("yes"), found.is_class("yes")
    best = max(100 * (truth & (p >= cut)).sum() - 60 * (~truth & (p >= cut)).sum() for cut in [*np.unique(p), 2])
    brought = next(metric.value for metric in app.metric if "1,000 rows" in metric.label)
    assert brought == f"{best * 1000 / len(p):,.0f}"
    assert "On **holdout** rows" in shown(app)


def test_a_request_that_no_threshold_grants_is_said(dead, visit):
    app = open_view(visit, dead.services, "Decision")
    app.button_group(key="explain_rule").set_value("share").run()
    app.slider(key="explain_wanted_share").set_value(1).run()
    words = shown(app)
    found = stored(dead)
    p = found.probability("yes")
    if (p == p.max()).mean() > 0.01:
        assert "policy.unreachable" in words
    else:
        assert not app.error


def test_weak_spots_with_pairs_and_any_rows_by_hand(dead, visit):
    app = open_view(visit, dead.services, "Weak spots")
    app.toggle(key="explain_weak_pairs").set_value(True).run()
    app.button_group(key="explain_weak_metric_binary").set_value("error").run()
    assert not app.exception, app.exception
    assert "By chance alone" in shown(app)
    assert not app.dataframe
    app.session_state["explain_weak_all"] = True
    app.run()
    worse_by = app.dataframe[0].value["Worse by"].tolist()
    assert len(worse_by) > 1
    assert max(worse_by) > 0
    app.session_state["explain.filters"] = {champion(dead).id: ()}
    from core.data.profiling.slices import Filter

    app.session_state["explain.filters"] = {champion(dead).id: (Filter(column="city", levels=("Oslo",)),)}
    app.run()
    assert not app.exception, app.exception
    found = stored(dead)
    city = dead.services.datasets.open(dead.dataset.id).typed(["city"])["city"].take(pa.array(found.rows)).to_pylist()
    inside = np.array([one == "Oslo" for one in city])
    spec = StoredModel(dead.services.store, champion(dead)).spec
    wrong = found.decided(spec.threshold) != found.codes
    cards = {metric.label: metric.value for metric in app.metric}
    assert cards["Rows"] == f"{inside.sum():,}"
    assert next(value for label, value in cards.items() if "these rows" in label) == percent_text(wrong[inside].mean())


def test_rows_are_chosen_by_hand_as_on_explore(dead, visit):
    app = open_view(visit, dead.services, "Weak spots")
    app.session_state["explain_filter"] = True
    app.run()
    app.selectbox(key="explain_filter_column").select("city").run()
    app.multiselect(key="explain_filter_levels_city").select("Oslo").run()
    app.button(key="explain_filter_add").click().run()
    assert app.session_state["explain_filter"] is False  # the form closes after the act
    app.session_state["explain_filter"] = True
    app.run()
    app.selectbox(key="explain_filter_column").select("age").run()
    app.number_input(key="explain_filter_low_age").set_value(40.0).run()
    app.button(key="explain_filter_add").click().run()
    assert not app.exception, app.exception
    city, age = app.session_state["explain.filters"][champion(dead).id]
    assert city.levels == ("Oslo",)
    assert (age.low, age.high is not None) == (40.0, True)
    app.button(key="explain_chip_0").click().run()
    assert app.session_state["explain.filters"][champion(dead).id] == (age,)
    assert any(metric.label == "Rows" for metric in app.metric)


def test_fairness_by_a_column_and_by_borders_of_a_number(dead, visit):
    app = open_view(visit, dead.services, "Fairness")
    assert "Not why" in shown(app)
    app.selectbox(key="explain_fair_column").set_value("city").run()
    assert len(app.get("plotly_chart")) == 2
    assert not app.dataframe
    app.button_group(key="explain_fair_kind").set_value("Table").run()
    assert sorted(app.dataframe[0].value["Group"]) == ["Bonn", "Oslo", "Turin"]
    app.selectbox(key="explain_fair_reference").set_value("Bonn").run()
    table = app.dataframe[0].value.set_index("Group")
    judged = table[table["Note"] != "reference"]
    furthest = judged["Ratio"].map(lambda ratio: min(ratio, 1 / ratio)).idxmin()
    for group in (furthest, "Bonn"):
        selected, actual = (percent_text(table.loc[group, name]) for name in ("Selected", "Base rate"))
        assert f"of {group} **{selected}** are selected ({actual} are actually positive)" in shown(app).replace(
            "Of", "of"
        )
    app.button_group(key="explain_fair_kind").set_value("Selection").run()
    titles = [chart_titles(app)]
    app.button_group(key="explain_fair_kind").set_value("Errors").run()
    titles.append(chart_titles(app))
    assert titles == [
        ["Selected", "Actually positive (base rate)"],
        ["True positive rate", "False positive rate"],
    ]
    app.button_group(key="explain_fair_kind").set_value("Table").run()
    app.selectbox(key="explain_fair_column").set_value("age").run()
    app.text_input(key="explain_fair_borders_age").set_value("30, 50").run()
    assert not app.exception, app.exception
    assert app.dataframe[0].value["Group"].tolist() == ["below 30", "30 to below 50", "from 50"]
    app.text_input(key="explain_fair_borders_age").set_value("thirty").run()
    assert "is not a list of numbers" in shown(app)


def test_several_classes_have_no_decision_and_a_class_to_choose(tmp_path, migrated_database, visit):
    home = make_home(tmp_path, migrated_database, n_runs=0)
    run_to_end(home.services, home.settings(target="city", task="multiclass", ignored=("customer_id",)), explain=False)
    app = visit(home.services, "explain")
    assert "Decision" not in app.button_group(key="explain_view").options
    for view in ("Performance", "Weak spots"):
        app.button_group(key="explain_view").set_value(view).run()
        assert not app.exception, app.exception
        assert not app.error
    app.button_group(key="explain_view").set_value("Performance").run()
    assert {"Class", "Recall"} <= set(app.dataframe[1].value.columns)
    app.button_group(key="explain_performance").set_value("Curves").run()
    app.selectbox(key="explain_class").set_value("Turin").run()
    assert "Turin against the rest" in app.get("plotly_chart")[0].proto.spec
    for kind in ("Gains and lift", "Calibration", "Separation", "Thresholds"):
        app.button_group(key="explain_performance").set_value(kind).run()
        assert not app.exception, app.exception
        assert not app.error


@pytest.mark.parametrize("kind", ["By feature", "By size"])
def test_a_number_has_errors_by_feature_and_by_size(tmp_path, migrated_database, visit, kind):
    home = make_home(tmp_path, migrated_database, n_runs=0)
    settings = home.settings(target="premium", task="regression", ignored=())
    run_to_end(home.services, settings, explain=False)
    app = open_view(visit, home.services, "Performance")
    app.button_group(key="explain_performance").set_value(kind).run()
    assert not app.exception, app.exception
    assert not app.error
    assert app.get("plotly_chart")
    app.button_group(key="explain_view").set_value("Weak spots").run()
    assert not app.error


def test_a_holdout_of_one_class_says_so_and_keeps_the_rest(own_home, visit):
    model = champion(own_home)
    table = pa.table({"row": [0, 1, 2], "actual": ["no"] * 3, "p_no": [0.5] * 3, "p_yes": [0.5] * 3})
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    path = f"predictions/{model.model_key}/holdout.parquet"
    own_home.services.store.log(model.run_id, [Artifact(path, buffer.getvalue())])
    app = open_view(visit, own_home.services, "Performance")
    app.button_group(key="explain_origin").set_value("holdout").run()
    assert len(app.get("plotly_chart")) == 1  # the confusion matrix
    app.button_group(key="explain_performance").set_value("Curves").run()
    assert not app.error
    assert "one class" in shown(app)
    assert not app.get("plotly_chart")
    app.button_group(key="explain_performance").set_value("Calibration").run()
    assert not app.error
    app.button_group(key="explain_view").set_value("Decision").run()
    assert app.button_group(key="explain_picked_on").value == "cv"  # a threshold is not picked on what judges it
    app.button_group(key="explain_picked_on").set_value("holdout").run()
    assert not app.exception, app.exception
    assert "policy.unreachable" in shown(app)
    for view in ("Weak spots", "Fairness"):
        app.button_group(key="explain_view").set_value(view).run()
        assert not app.exception, app.exception


def test_a_dataset_that_is_gone_leaves_performance_and_decision(own_home, visit):
    import shutil

    shutil.rmtree(own_home.services.settings.datasets_dir / own_home.dataset.id)
    for view in ("Performance", "Decision"):
        assert not open_view(visit, own_home.services, view).error
    for view in ("Weak spots", "Fairness"):
        assert "dataset.not_found" in open_view(visit, own_home.services, view).error[0].value


def kept_address(app) -> dict[str, str]:
    return dict(app.query_params)


def test_the_address_keeps_the_view_and_what_it_shows(dead, visit):
    app = open_view(visit, dead.services, "Performance")
    app.button_group(key="explain_performance").set_value("Gains and lift").run()
    app.button_group(key="explain_origin").set_value("holdout").run()
    kept = kept_address(app)
    assert kept == {"model": champion(dead).id, "view": "performance", "show": "gains-and-lift", "rows": "holdout"}
    reloaded = visit(dead.services, "explain", **kept)
    assert reloaded.button_group(key="explain_view").value == "Performance"
    assert reloaded.button_group(key="explain_performance").value == "Gains and lift"
    assert reloaded.button_group(key="explain_origin").value == "holdout"
    assert kept_address(reloaded) == kept
    reloaded.button_group(key="explain_view").set_value("Features").run()
    assert kept_address(reloaded) == {"model": champion(dead).id, "view": "features"}
    reloaded.button_group(key="explain_view").set_value("Overview").run()
    assert kept_address(reloaded) == {"model": champion(dead).id}


def test_an_address_that_names_no_view_opens_the_first(dead, visit):
    app = visit(dead.services, "explain", view="nonsense", show="<b>")
    assert not app.exception
    assert app.button_group(key="explain_view").value == "Overview"
    assert "view" not in app.query_params


def test_each_view_says_its_question_and_they_come_in_its_order(dead, visit):
    app = visit(dead.services, "explain")
    assert app.button_group(key="explain_view").options == [
        "Overview", "Performance", "Learning", "Features", "One case", "Weak spots", "Fairness", "Decision", "Models",
        "Report",
    ]  # fmt: skip
    assert [one.value for one in app.header] == ["How good is it, and what does it rely on?"]


def test_calibration_says_what_the_intervals_hold(dead, visit):
    app = visit(dead.services, "explain", view="performance", show="calibration")
    found = performance.reliability(stored(dead).is_class("yes"), stored(dead).probability("yes"))
    held = len(found.bins) - len(found.off)
    words = shown(app)
    assert f"{held} of {len(found.bins)} bins" in words or f"all {held} bins" in words or not found.is_by_chance
    assert performance.calibration_words(found) in words
