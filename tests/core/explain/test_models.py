"""Single rows, pairs of features and the models of a run, checked against the definition by brute force."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from core.charts import models as charts_models
from core.domain.models import ModelInfo, model_name
from core.errors import EngineError, ExplanationError
from core.explain import load_comparison
from core.explain.comparison import agreement, importance_map
from core.explain.computed import grids, permutation
from core.explain.sample import draw_sample
from core.explanations.items import OLDER, Dependence, Explanations, Item
from core.explanations.models import FORMAT
from core.explanations.reasons import ALGORITHMS, ITEMS, TASKS, why_not
from core.plain import from_plain, to_plain
from tests import gallery
from tests.fixtures_explain import DAY, KEY, Home

ROOT = Path(__file__).resolve().parents[3]
TASK_CLASSES = {"binary": {"": "yes"}, "multiclass": {"a": "a", "b": "b", "c": "c"}, "regression": {"": "predict"}}


def _plain(home: Home) -> dict[str, list]:
    """Return the sample's columns as the engine gets them."""
    sample = draw_sample(home.datasets, home.spec, np.arange(1200, 1500)).head(1000).table
    columns = {name: sample[name].to_pylist() for name in home.spec.features.names}
    columns["since"] = (sample["since"].cast(pa.int64()).to_numpy() / DAY).tolist()
    return columns


def _score(home: Home, columns: dict[str, list], name: str) -> np.ndarray:
    table = pa.table(
        {key: pa.array(values, pa.string() if key == "city" else pa.float64()) for key, values in columns.items()}
    )
    return home.engine.probabilities(table)[name].to_numpy()


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_single_rows_are_the_predictions_with_the_feature_set(tmp_path: Path, task: str) -> None:
    home = Home(tmp_path, task)
    found = home.compute()
    columns = _plain(home)
    assert [one.feature for one in found.ice.data] == [one.feature for one in found.partial_dependence.data]
    for one in found.ice.data:
        assert one.values == next(d.values for d in found.partial_dependence.data if d.feature == one.feature)
        for each in one.classes:
            output = TASK_CLASSES[task][each.name]
            order = np.argsort(_score(home, columns, output), kind="stable")
            for line in each.lines:
                row = order[round(line.percentile / 100 * 999)]
                single = {key: [values[row]] for key, values in columns.items()}
                expected = [_score(home, {**single, one.feature: [value]}, output)[0] for value in one.values]
                assert line.values == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_two_features_are_set_together(tmp_path: Path, task: str) -> None:
    home = Home(tmp_path, task)
    found = home.compute()
    assert [(one.first, one.second) for one in found.pairs.data] == [("age", "city"), ("age", "paid"), ("city", "paid")]
    columns = {key: values[:150] for key, values in _plain(home).items()}
    for pair in found.pairs.data:
        assert max(len(pair.first_values), len(pair.second_values)) <= grids.PAIR_POINTS
        for each in pair.classes:
            for y, row in zip(pair.second_values, each.mean, strict=True):
                for x, mean in zip(pair.first_values, row, strict=True):
                    changed = {**columns, pair.first: [x] * 150, pair.second: [y] * 150}
                    assert mean == pytest.approx(_score(home, changed, TASK_CLASSES[task][each.name]).mean(), abs=1e-12)
    assert found.pairs.origin == "a sample of 150 training rows"


def test_a_date_is_set_to_days(tmp_path: Path) -> None:
    home = Home(tmp_path, "binary")
    one = next(one for one in home.compute().ice.data if one.feature == "since")
    assert one.kind == "date"
    values = np.array(one.classes[0].lines[5].values)
    step = np.diff(np.log(values / (1 - values)))
    assert step == pytest.approx(np.diff(np.array(one.values)) / 10_000, abs=1e-7)  # milliseconds are the finest


def test_a_refusal_costs_only_these(tmp_path: Path) -> None:
    home = Home(tmp_path, "regression")
    predict = home.engine.mojos.predict

    def refuse(*what):
        # One scoring for each shuffle of a feature, one of the rows as they are, and one for each partial dependence.
        if len(home.engine.mojos.scored) >= 1 + (permutation.SHUFFLES + 1) * 4:
            raise EngineError("Out of luck.")
        return predict(*what)

    home.engine.mojos.predict = refuse
    found = home.compute()
    assert "Out of luck" in found.ice.reason
    assert "Out of luck" in found.pairs.reason
    assert found.partial_dependence.data


def test_explanations_of_an_older_version_say_so(tmp_path: Path) -> None:
    plain = to_plain(Home(tmp_path, "binary").compute())
    found = from_plain(Explanations, {k: v for k, v in plain.items() if k not in ("ice", "pairs", "members")})
    assert found.ice.reason == found.pairs.reason == found.members.reason == OLDER


# --- more on request --------------------------------------------------------------------------------------------------


def _without(feature: str, found: Explanations) -> tuple[Dependence, ...]:
    return tuple(one for one in found.partial_dependence.data if one.feature != feature)


def test_more_features_are_stored_with_the_others(tmp_path: Path) -> None:
    home = Home(tmp_path, "binary")
    found = home.compute()
    found = replace(found, partial_dependence=replace(found.partial_dependence, data=_without("since", found)))
    said = []
    made = home.explainer.add_features(home.model, found, ["since"], progress=lambda *what: said.append(what))
    assert made.partial_dependence.data[:-1] == found.partial_dependence.data
    assert made.partial_dependence.data[-1].feature == "since"
    assert [one.feature for one in made.ice.data][-1] == "since"
    assert home.stored.explanations == made
    assert said == [(0.0, "Partial dependence on since"), (1.0, "Done")]
    made = home.explainer.add_pair(home.model, made, "since", "city", progress=lambda *_: None)
    assert (made.pairs.data[-1].first, made.pairs.data[-1].second) == ("since", "city")
    assert home.stored.explanations == made


def test_more_needs_no_engine(tmp_path: Path) -> None:
    home = Home(tmp_path, "binary", "StackedEnsemble")
    found = home.compute()
    home.engine.calls.clear()
    made = home.explainer.add_features(
        home.model, replace(found, partial_dependence=Item(())), ["age", "since"], progress=lambda *_: None
    )
    home.explainer.add_pair(home.model, made, "since", "age", progress=lambda *_: None)
    assert {name for name, *_ in home.engine.calls} == {"mojos.predict"}


def test_what_is_cancelled_leaves_nothing_behind(tmp_path: Path) -> None:
    home = Home(tmp_path, "binary")
    found = home.compute()
    home.store.logged.clear()

    class Cancelled(BaseException): ...

    def cancel(share: float, _: str) -> None:
        if share > 0:
            raise Cancelled

    with pytest.raises(Cancelled):
        home.explainer.add_features(home.model, found, ["since", "paid"], progress=cancel)
    assert home.store.logged == []
    assert set(home.engine.sent) <= set(home.engine.deleted)


def test_a_refusal_of_more_is_said(tmp_path: Path) -> None:
    home = Home(tmp_path, "binary")
    found = home.compute()
    home.engine.failing["mojos.predict"] = EngineError("Too many levels.")
    with pytest.raises(ExplanationError, match="Too many levels"):
        home.explainer.add_features(home.model, found, ["since"], progress=lambda *_: None)


# --- models beside each other -----------------------------------------------------------------------------------------


def _second(home: Home, shift: float) -> None:
    """Add a second model whose stored predictions differ."""
    other = replace(home.model, id="m-2", model_key="GLM_1", algo="GLM", rank=2)
    home.store.known = [replace(home.model, rank=1), other]
    details = replace(home.details, key="GLM_1", variable_importance=(("city", 1.0), ("since", 0.3)))
    home.store.put("details/GLM_1.json", json.dumps(asdict(details)).encode())
    import pyarrow.parquet as pq

    table = pq.read_table(home.store.folder / f"predictions/{KEY}/cv.parquet")
    name = "predicted" if home.spec.task == "regression" else f"p_{home.spec.classes[-1]}"
    values = table[name].to_numpy()
    moved = values + shift * np.sin(np.arange(len(values)))
    sink = pa.BufferOutputStream()
    pq.write_table(table.set_column(table.schema.get_field_index(name), name, pa.array(moved)), sink)
    home.store.put("predictions/GLM_1/cv.parquet", sink.getvalue().to_pybytes())
    home.moved, home.values = moved, values


def test_models_side_by_side(tmp_path: Path) -> None:
    home = Home(tmp_path, "binary")
    _second(home, 0.3)
    found = home.explainer.compare("r")
    assert found.importance.data.models == (KEY, "GLM_1")
    assert found.importance.data.features == ("city", "age", "since", "paid")
    assert found.importance.data.values == ((0.5, 1.0), (1.0, 0.0), (0.0, 0.3), (0.1, 0.0))
    equal = ((home.values >= 0.4) == (home.moved >= 0.4)).mean()
    assert found.agreement.data.values == ((1.0, pytest.approx(equal)), (pytest.approx(equal), 1.0))
    assert found.agreement.origin == "cross-validation, 1,200 rows"
    assert load_comparison(home.store, "r") == found


def test_importances_that_are_put_side_by_side_were_measured_alike(tmp_path: Path) -> None:
    home = Home(tmp_path, "binary")
    _second(home, 0.3)
    ranked = home.compute().variable_importance
    item = home.explainer.compare("r").importance
    assert item.data.models == (KEY,)  # the other has only what H2O noted itself
    assert dict(zip(item.data.features, item.data.values, strict=True)) == {
        one.feature: (one.importance,) for one in ranked.data
    }
    assert item.origin == ranked.origin
    assert item.method.startswith(ranked.method)


def test_numbers_agree_by_correlation(tmp_path: Path) -> None:
    home = Home(tmp_path, "regression")
    _second(home, 0.8)
    found = home.explainer.compare("r")
    assert found.agreement.data.values[0][1] == pytest.approx(np.corrcoef(home.values, home.moved)[0, 1])


def test_one_model_has_nothing_to_compare_with(tmp_path: Path) -> None:
    home = Home(tmp_path, "binary", "StackedEnsemble")
    found = home.explainer.compare("r")
    assert "none has an importance of its own" in found.importance.reason
    assert "Fewer than two models" in found.agreement.reason


def test_a_constant_answer_correlates_with_nothing() -> None:
    assert agreement([np.ones(3), np.arange(3.0)], is_number=True) == ((1.0, 0.0), (0.0, 1.0))


def test_only_the_first_features_are_mapped() -> None:
    known = {"a": {f"f{number}": number / 30 for number in range(30)}}
    assert importance_map(known).features == tuple(f"f{number}" for number in range(29, 9, -1))


def test_a_damaged_or_newer_comparison_is_told_apart(tmp_path: Path) -> None:
    home = Home(tmp_path, "binary")
    assert load_comparison(home.store, "r") is None
    home.store.put("explanations/models.json", json.dumps({"format": FORMAT + 1}).encode())
    with pytest.raises(ExplanationError, match="newer"):
        load_comparison(home.store, "r")
    for damaged in (b"{", b"[]", b'{"format": 1}'):
        home.store.put("explanations/models.json", damaged)
        with pytest.raises(ExplanationError, match="cannot be read"):
            load_comparison(home.store, "r")


# --- figures ----------------------------------------------------------------------------------------------------------


def test_every_figure_of_the_gallery_escapes_what_comes_from_data(tmp_path: Path) -> None:
    home = Home(tmp_path, "binary", "StackedEnsemble")
    drawn = gallery.figures(home.compute())
    assert {"members", "members_importance", "ice_1", "pairs_1", "pairs_3"} <= set(drawn)
    for figure in drawn.values():
        assert "<b>Ulm" not in figure.to_json().replace("\\u003c", "<")


def test_lines_and_maps_hold_their_numbers(tmp_path: Path) -> None:
    found = Home(tmp_path, "binary").compute()
    age = found.partial_dependence.data[0]
    figure = charts_models.ice(found.ice, "age", predicted="probability of yes", mean=age)
    assert len(figure.data) == len(grids.PERCENTILES) + 1
    assert list(figure.data[0].y) == list(found.ice.data[0].classes[0].lines[0].values)
    assert list(figure.data[-1].y) == list(age.lines[0].mean)
    pair = found.pairs.data[0]
    figure = charts_models.pair_dependence(pair, predicted="probability of yes")
    assert [list(row) for row in figure.data[0].z] == [list(row) for row in pair.classes[0].mean]


@pytest.mark.slow
def test_the_waterfall_ends_at_the_prediction_and_stays_inside(tmp_path: Path) -> None:
    from core.explain.case.rows import read_row

    home = Home(tmp_path, "binary")
    case = home.explainer.open_case(home.model)
    for number in range(40):
        answer = case.ask(read_row(home.datasets, case.spec, number)[0])
        figure = charts_models.waterfall(answer.contributions, predicted="probability of yes")
        (bars,) = [trace for trace in figure.data if trace.type == "bar"]
        ends = np.array(bars.base) + np.array(bars.x)
        assert ends[-1] == pytest.approx(answer.predicted["yes"])
        assert (ends >= 0).all()
        assert (ends <= 1).all()
    own = charts_models.waterfall(answer.contributions, predicted="probability of yes", in_points=False)
    (bars,) = [trace for trace in own.data if trace.type == "bar"]
    assert sum(bars.x) == pytest.approx(sum(answer.contributions.data.contributions))


def test_the_front_is_what_no_model_beats() -> None:
    rng = np.random.default_rng(4)
    models = [
        ModelInfo(
            id=f"m-{n}",
            model_key=f"GBM_{n}_AutoML_1",
            algo="GBM",
            run_id="r",
            experiment="e",
            task="binary",
            created_at=None,
            metrics={"cv_auc": float(auc)},
            predict_time_per_row_s=float(time),
        )
        for n, (auc, time) in enumerate(rng.random((30, 2)) + 0.01)
    ]
    front = {
        m.model_key
        for m in models
        if not any(
            o.predict_time_per_row_s <= m.predict_time_per_row_s
            and o.metrics["cv_auc"] >= m.metrics["cv_auc"]
            and o is not m
            for o in models
        )
    }
    figure = charts_models.pareto(models, "cv_auc")
    named = {text for trace in figure.data[1:] for text in trace.text or () if text}
    assert named == {model_name(key) for key in front}


# --- the table of reasons ---------------------------------------------------------------------------------------------


def reasons_table() -> str:
    """Return the whole table as Markdown: a row per explanation and task, a column per algorithm."""
    reasons: dict[str, int] = {}
    lines = [f"| explanation | task | {' | '.join(ALGORITHMS)} |", "|---|---|" + "---|" * len(ALGORITHMS)]
    for item, words in ITEMS.items():
        for task in TASKS:
            cells = []
            for algo in ALGORITHMS:
                reason = why_not(item, task, algo)
                cells.append(f"no ({reasons.setdefault(reason, len(reasons) + 1)})" if reason else "yes")
            lines.append(f"| {words} | {task} | {' | '.join(cells)} |")
    notes = [f'{number}. "{reason}"' for reason, number in reasons.items()]
    return "\n".join([*lines, "", *notes])


def test_the_table_in_the_docs_is_the_one_in_the_code() -> None:
    text = (ROOT / "docs" / "explanations.md").read_text(encoding="utf-8")
    assert reasons_table() in text


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("algo", ["GBM", "StackedEnsemble"])
def test_reasons_shown_are_those_of_the_table(tmp_path: Path, task: str, algo: str) -> None:
    found = Home(tmp_path, task, algo).compute()
    for item in ("variable_importance", "members", "shap_summary", "partial_dependence", "pairs", "ice"):
        assert getattr(found, item).reason == why_not(item, task, algo)
    for item in ("confusion", "roc", "precision_recall", "residuals"):
        assert getattr(found, item)["cv"].reason == why_not(item, task, algo)


def test_every_rule_is_about_a_known_item() -> None:
    for item in ITEMS:
        for task in TASKS:
            for algo in ALGORITHMS:
                assert isinstance(why_not(item, task, algo), str)
    assert why_not("members", "binary", "GBM")
    assert not why_not("members", "binary", "StackedEnsemble")
