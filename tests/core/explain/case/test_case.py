"""One case over a small engine whose answers are known: prediction, reasons, flips, similar rows."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from scipy.special import expit, logit

from core.domain.columns import Column, Schema
from core.engine.protocol import Ensemble, EnsembleMember
from core.errors import (
    DataError,
    EngineDiedError,
    EngineError,
    EngineUnavailableError,
    ExplanationError,
    ScoringProcessError,
)
from core.explain.case import flip
from core.explain.case.case import Case, Goal
from core.explain.case.flip import find_flips
from core.explain.case.rows import RawRows, read_row, telling, to_table, typical
from core.explain.case.similar import similar
from core.explain.points import to_points
from core.metrics.calibration import Calibration
from core.metrics.predictions import read_table
from core.models.decisions import Decision
from tests.fixtures_explain import KEY, N_ROWS, Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path, "binary")


def _case(home: Home, threshold: float | None = None) -> Case:
    decision = None if threshold is None else Decision(threshold)
    return home.explainer.open_case(home.model, decision)


def _row(home: Home, number: int = 0) -> dict:
    return read_row(home.datasets, _case(home).spec, number)[0]


# --- prediction and contributions -------------------------------------------------------------------------------------


def test_the_answer_is_the_models_and_the_parts_add_up_to_it(home: Home) -> None:
    values = {"age": 60.0, "paid": 1, "since": np.datetime64("2015-06-01", "ms").item(), "city": "Bonn"}
    answer = _case(home).ask(values)
    days = (np.datetime64("2015-06-01") - np.datetime64("1970-01-01")).astype(int)
    total = 0.25 + (60 - 45) / 30 + 0.5 + (days - 16_500) / 10_000 + 1.0
    assert answer.predicted["yes"] == pytest.approx(expit(total), abs=1e-12)
    assert (answer.label, answer.remarks) == ("yes", ())
    found = answer.contributions.data
    assert found.scale == "log-odds"
    assert found.features[:2] == ("city", "age")  # 1.0 and 0.5, as large as paid
    assert found.values[0] == "Bonn"
    assert found.bias + sum(found.contributions) == pytest.approx(total, abs=1e-12)
    assert found.base == pytest.approx(expit(0.25))
    assert found.base + sum(found.points) == pytest.approx(expit(total), abs=1e-12)
    # Each keeps its share: points are the contributions at one rate.
    assert np.ptp(np.array(found.points) / np.array(found.contributions)) < 1e-12
    assert answer.contributions.method == "TreeSHAP"


def test_missing_values_and_unseen_levels_are_scored_and_said(home: Home) -> None:
    answer = _case(home).ask({"age": None, "paid": 0, "since": None, "city": "<script>"})
    assert len(answer.remarks) == 1
    assert "city" in answer.remarks[0]
    assert "<script>" in answer.remarks[0]
    (row,) = home.engine.mojos.scored
    assert row.to_pylist() == [{"age": None, "paid": 0.0, "since": None, "city": None}]
    assert row.schema.types == [pa.float64()] * 3 + [pa.dictionary(pa.int32(), pa.string())]
    assert "missing" in answer.contributions.data.values


def test_a_policys_threshold_decides(home: Home) -> None:
    values = _row(home)
    p = _case(home).ask(values, why=False).predicted["yes"]
    assert _case(home, threshold=p).ask(values, why=False).label == "yes"
    assert _case(home, threshold=np.nextafter(p, 1)).ask(values, why=False).label == "no"


def test_a_calibration_moves_probability_and_label_but_not_the_reasons(home: Home) -> None:
    rows = (_row(home, number) for number in range(5, 100))
    values, own = next((row, one) for row in rows if 0.5 < (one := _case(home).ask(row)).predicted["yes"] < 0.9)
    decision = Decision(own.predicted["yes"], calibration=Calibration("platt", slope=1.0, intercept=-1.0))
    case = home.explainer.open_case(home.model, decision)
    answer = case.ask(values)
    assert logit(answer.predicted["yes"]) == pytest.approx(logit(own.predicted["yes"]) - 1)
    assert sum(answer.predicted.values()) == pytest.approx(1)
    assert (own.label, answer.label) == ("yes", "no")
    assert answer.uncalibrated == own.predicted
    assert answer.contributions == own.contributions
    flipped = case.flips(values, ["age", "city", "since"], Goal(label="yes")).found[0]
    assert case.ask({**values, **flipped.changes}).predicted["yes"] >= own.predicted["yes"]


def test_a_glm_is_told_from_the_mean_of_training_rows(tmp_path: Path) -> None:
    home = Home(tmp_path, "binary", "GLM")
    case = _case(home)
    answer = case.ask(_row(home, 20))
    assert answer.contributions.method == "coefficients, counted from their mean over 1,000 training rows"
    ((_, (path, _), n_usual),) = [call for call in home.engine.calls if call[0] == "mojos.contributions"]
    known = case.raw.table["age"].to_pylist()[:1000]
    assert (path.name, n_usual) == ("model.mojo.zip", len(known))
    found = answer.contributions.data
    assert found.bias + sum(found.contributions) == pytest.approx(logit(answer.predicted["yes"]), abs=1e-12)
    ages = np.array([45.0 if age is None else age for age in known])
    age = found.contributions[found.features.index("age")]
    assert age == pytest.approx((_row(home, 20)["age"] - ages.mean()) / 30, abs=1e-12)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("algo", ["GBM", "DRF", "XGBoost", "GLM"])
def test_nothing_of_a_tree_or_a_glm_needs_the_engine(tmp_path: Path, task: str, algo: str) -> None:
    home = Home(tmp_path, task, algo)
    case = _case(home)
    assert not case.needs_engine
    answer = case.ask(_row(home), why=True)
    assert (answer.contributions.data is None) == (task == "multiclass")
    case.scores([_row(home, 1), _row(home, 2)])
    goal = Goal(label=next((name for name in home.spec.classes if name != answer.label), ""), bound=1000.0)
    case.flips(_row(home), ["age", "city"], goal)
    case.similar(_row(home))
    case.close()
    assert {name for name, *_ in home.engine.calls} <= {"mojos.predict", "mojos.contributions"}
    assert home.engine.deleted == []


@pytest.mark.parametrize("algo", ["DeepLearning", "StackedEnsemble"])
def test_only_reasons_of_other_models_start_the_engine(tmp_path: Path, algo: str) -> None:
    home = Home(tmp_path, "binary", algo)
    case = _case(home)
    answer = case.ask(_row(home), why=False)
    case.scores([_row(home, 1)])
    case.flips(_row(home), ["age", "city"], Goal(label="no" if answer.label == "yes" else "yes"))
    assert {name for name, *_ in home.engine.calls} == {"mojos.predict"}
    home.engine.calls.clear()
    assert case.needs_engine
    assert case.ask(_row(home)).contributions.data is not None
    assert [name for name, *_ in home.engine.calls][:2] == ["mojos.predict", "ensure_ready"]
    assert not _case(Home(tmp_path / "several", "multiclass", algo)).needs_engine


MEMBERS_WITH_REASONS = (EnsembleMember("GLM_1", "GLM", 0.4), EnsembleMember("GBM_1", "GBM", 0.6))


def test_an_ensemble_whose_members_add_up_leaves_the_engine_asleep(tmp_path: Path) -> None:
    home = Home(tmp_path, "binary", "StackedEnsemble")
    home.engine.mojos.known_ensemble = Ensemble(MEMBERS_WITH_REASONS, 0.1, adds_up=True)
    case = _case(home)
    assert not case.needs_engine
    item = case.ask(_row(home)).contributions
    assert item.data is not None
    assert "its members' own contributions" in item.method
    assert "1,000 training rows" in item.method
    assert {name for name, *_ in home.engine.calls} == {"mojos.predict", "mojos.contributions"}


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_each_member_of_an_ensemble_is_asked_without_the_engine(tmp_path: Path, task: str) -> None:
    home = Home(tmp_path, task, "StackedEnsemble")
    deep = EnsembleMember("DeepLearning_1", "DeepLearning", -0.1)
    home.engine.mojos.known_ensemble = Ensemble((deep, *MEMBERS_WITH_REASONS), 0.1, adds_up=False)
    case = _case(home)
    gbm, glm, other = case.members(_row(home))
    assert [(one.key, one.weight) for one in (gbm, glm, other)] == [
        ("GBM_1", 0.6), ("GLM_1", 0.4), ("DeepLearning_1", -0.1),
    ]  # fmt: skip
    assert gbm.contributions.method == "TreeSHAP"
    assert glm.contributions.method.startswith("coefficients")
    assert "trees and of GLMs only" in other.contributions.reason
    found = gbm.contributions.data
    assert found.base + sum(found.points) == pytest.approx(gbm.predicted)
    assert {name for name, *_ in home.engine.calls} == {"mojos.predict", "mojos.contributions"}


def test_other_models_have_no_members(home: Home, tmp_path: Path) -> None:
    assert _case(home).members(_row(home)) == ()
    several = Home(tmp_path / "several", "multiclass", "StackedEnsemble")
    assert _case(several).members(_row(several)) == ()
    unknown = Home(tmp_path / "unknown", "binary", "StackedEnsemble")  # another metalearner than a GLM
    assert _case(unknown).members(_row(unknown)) == ()


def test_an_ensemble_is_compared_with_typical_rows_that_stay_in_the_engine(tmp_path: Path) -> None:
    home = Home(tmp_path, "binary", "StackedEnsemble")
    case = _case(home)
    for _ in range(2):
        item = case.ask(_row(home)).contributions
    assert item.method == "SHAP against a background of 100 training rows"
    backgrounds = {call[2] for call in home.engine.calls if call[0] == "contributions"}
    assert len(backgrounds) == 1
    (background,) = backgrounds
    assert home.engine.sent[background].num_rows == 100
    assert background not in home.engine.deleted


def test_a_case_that_is_closed_leaves_nothing_in_the_engine_and_can_be_asked_again(tmp_path: Path) -> None:
    home = Home(tmp_path, "binary", "StackedEnsemble")
    case = _case(home)
    case.close()
    first = case.ask(_row(home)).contributions
    case.close()
    assert set(home.engine.sent) <= set(home.engine.deleted)
    assert home.model.model_key in home.engine.deleted
    assert case.ask(_row(home)).contributions == first
    home.engine.alive = False
    case.close()  # what is gone is not started anew to be cleaned


def test_a_model_that_was_taken_out_meanwhile_is_loaded_again(tmp_path: Path) -> None:
    home = Home(tmp_path, "binary", "DeepLearning")
    case = _case(home)
    tell, refused = home.engine.explanations.contributions, []

    def once(*what, **options):
        if not refused:
            refused.append(what)
            raise EngineError("Object GBM_7 not found.")
        return tell(*what, **options)

    home.engine.contributions = once
    assert case.ask(_row(home)).contributions.data is not None
    assert KEY in home.engine.deleted
    assert sum(call[0] == "load_native" for call in home.engine.calls) == 2


@pytest.mark.parametrize(
    ("algo", "death"),
    [("GBM", ScoringProcessError), ("GLM", EngineUnavailableError), ("StackedEnsemble", EngineDiedError)],
)
def test_a_refusal_is_a_reason_and_a_death_is_an_error(tmp_path: Path, algo: str, death: type[EngineError]) -> None:
    home = Home(tmp_path, "binary", algo)
    call = "contributions" if algo == "StackedEnsemble" else "mojos.contributions"
    home.engine.failing[call] = EngineError("Too many levels.")
    answer = _case(home).ask(_row(home))
    assert "Too many levels" in answer.contributions.reason
    assert 0 < answer.predicted["yes"] < 1
    home.engine.failing[call] = death("It ended.")
    with pytest.raises(death):
        _case(home).ask(_row(home))


def test_several_classes_have_probabilities_and_a_reason(tmp_path: Path) -> None:
    home = Home(tmp_path, "multiclass")
    answer = _case(home).ask(_row(home))
    assert sum(answer.predicted.values()) == pytest.approx(1)
    assert answer.label == max(answer.predicted, key=answer.predicted.get)
    assert "several classes" in answer.contributions.reason


def test_a_number_needs_no_mapping(tmp_path: Path) -> None:
    home = Home(tmp_path, "regression")
    answer = _case(home).ask(_row(home))
    found = answer.contributions.data
    assert (found.scale, answer.label) == ("amount", "")
    assert found.points == found.contributions
    assert found.base + sum(found.points) == pytest.approx(answer.predicted[""])


def _one(sizes: np.ndarray, bias: float) -> pa.Table:
    """The contributions to one prediction, as an engine gives them."""
    return pa.table({f"x{place}": [size] for place, size in enumerate(sizes.tolist())} | {"BiasTerm": [bias]})


@pytest.mark.parametrize("parts", [[3.0, -1.0, 0.2], [1e-9, -1e-9], [0.0], [-40.0, 12.0]])
@pytest.mark.parametrize(("scale", "link"), [("log-odds", expit), ("logarithm of amount", np.exp)])
def test_points_add_up_in_readable_units(parts: list[float], scale: str, link) -> None:
    sizes = np.array(parts)
    predicted = np.array([link(-1.3 + sizes.sum())])
    found = to_points(_one(sizes, -1.3), predicted, number="amount" if link is np.exp else None)
    assert found.scale == scale
    base, points = found.base[0], found.values[0]
    assert base == pytest.approx(link(-1.3))
    assert base + points.sum() == pytest.approx(link(-1.3 + sizes.sum()), rel=1e-9)
    assert (np.sign(points) == np.sign(sizes)).all()


def test_points_are_the_mean_slope_of_the_way() -> None:
    sizes = np.array([2.0, -0.5])
    at = (np.arange(200_000) + 0.5) / 200_000 * sizes.sum()
    slope = (expit(at) * (1 - expit(at))).mean()  # integral of the derivative along the way
    found = to_points(_one(sizes, 0.0), np.array([expit(sizes.sum())]))
    assert found.values[0] == pytest.approx(sizes * slope, rel=1e-8)


# --- rows -------------------------------------------------------------------------------------------------------------


def test_a_row_is_read_as_it_stands(home: Home) -> None:
    values, target = read_row(home.datasets, _case(home).spec, 7)
    assert values["age"] is None
    assert values["city"] == home.table["city"][7].as_py()
    assert target == home.table["answer"][7].as_py()
    with pytest.raises(DataError, match="no row 1,501"):
        read_row(home.datasets, _case(home).spec, N_ROWS)


def test_telling_rows_are_what_their_words_say(home: Home) -> None:
    case = _case(home)
    picks = {pick.words: pick.number for pick in case.picks}
    held = np.arange(1200, N_ROWS)
    p = np.array([case.ask(_row(home, int(row)), why=False).predicted["yes"] for row in held])
    actual = np.array(home.table["answer"].to_pylist())[held]
    assert picks["the highest probability of yes (holdout)"] == held[p.argmax()]
    assert picks["the lowest probability of yes (holdout)"] == held[p.argmin()]
    assert picks["the closest to the threshold (holdout)"] == held[np.abs(p - 0.4).argmin()]
    wrong = (actual == "no") & (p >= 0.4)
    assert picks["the highest probability of yes that was no (holdout)"] == held[wrong][p[wrong].argmax()]
    home.model = replace(home.model, model_key="another")
    assert _case(home).picks == ()


def test_telling_rows_of_several_classes_and_of_numbers(home: Home) -> None:
    three = replace(home.spec, task="multiclass", classes=("a", "b", "c"))
    table = pa.table(
        {
            "row": [0, 1, 2], "actual": ["a", "b", "c"], "p_a": [0.9, 0.8, 0.3], "p_b": [0.05, 0.1, 0.34],
            "p_c": [0.05, 0.1, 0.36],
        }
    )  # fmt: skip
    assert telling(read_table(table, three, "cv"), None) == [
        ("the surest", 0),
        ("the surest mistake", 1),
        ("the least sure", 2),
    ]
    number = replace(home.spec, task="regression")
    table = pa.table({"row": [0, 1, 2], "actual": [1.0, 9.0, 3.0], "predicted": [1.0, 2.0, 3.0]})
    assert dict(telling(read_table(table, number, "cv"), None)) == {
        "the highest prediction": 2, "the lowest prediction": 0, "the middle prediction": 1, "the largest error": 1,
    }  # fmt: skip


# --- similar rows -----------------------------------------------------------------------------------------------------

SCHEMA = Schema((Column("size", "numeric"), Column("kind", "category"), Column("day", "date")))


def _raw(rows: list[tuple]) -> RawRows:
    table = to_table([dict(zip(SCHEMA.names, row, strict=True)) for row in rows], SCHEMA)
    return RawRows(table, SCHEMA, tuple(range(len(rows))), np.arange(len(rows)) + 100)


DAYS = [np.datetime64(f"2020-01-{day:02}", "ms").item() for day in (1, 6, 11)]
ROWS = [(0.0, "a", DAYS[0]), (5.0, "b", DAYS[1]), (10.0, "a", DAYS[2]), (None, None, DAYS[0])]


def test_distances_by_hand() -> None:
    found = similar(_raw(ROWS), {"size": 5.0, "kind": "a", "day": DAYS[0]}, SCHEMA.names, count=4)
    # size: 5/10, 0, 5/10, missing 1; kind: 0, 1, 0, 1; day: 0, 5/10, 1, 0
    assert dict(zip(found.places.tolist(), found.distance.tolist(), strict=True)) == pytest.approx(
        {0: 0.5 / 3, 1: 1.5 / 3, 2: 1.5 / 3, 3: 2 / 3}
    )
    assert found.places.tolist() == [0, 1, 2, 3]


def test_two_missing_values_are_alike_and_the_row_itself_is_left_out() -> None:
    row = {"size": None, "kind": None, "day": DAYS[0]}
    assert similar(_raw(ROWS), row, SCHEMA.names).distance[0] == 0
    assert 3 not in similar(_raw(ROWS), row, SCHEMA.names, leave_out=103).places


def test_what_is_typical_occurs() -> None:
    assert typical(_raw(ROWS)) == {"size": 5.0, "kind": "a", "day": DAYS[1]}
    assert typical(_raw([(None, None, None)])) == {"size": None, "kind": None, "day": None}


# --- flips ------------------------------------------------------------------------------------------------------------


def _grid() -> RawRows:
    rng = np.random.default_rng(1)
    rows = [
        (float(size), str(kind), DAYS[0])
        for size, kind in zip(rng.integers(0, 101, 400), rng.choice(["a", "b", "c"], 400), strict=True)
    ]
    return _raw(rows)


def test_one_change_is_found_and_made_as_small_as_it_can_be() -> None:
    found = find_flips(
        _grid(),
        {"size": 10.0, "kind": "a", "day": DAYS[0]},
        ["size"],
        lambda rows: np.array([r["size"] - 42 for r in rows]),
    )
    (one,) = found.found
    sizes = sorted({row["size"] for row in _grid().table.to_pylist()})
    allowed = [size for size in sizes if size >= 42]
    assert one.changes["size"] in allowed[:3]  # of at most 20 values between, the smallest that flips
    between = [row["size"] for row in _grid().table.to_pylist() if 10 < row["size"] <= one.changes["size"]]
    assert one.cost == pytest.approx(len(between) / 400)
    assert one.reached == one.changes["size"] - 42


def test_a_cheap_level_comes_before_a_dear_number() -> None:
    def progress(rows):
        return np.array([1.0 if r["kind"] == "b" or r["size"] > 95 else -1.0 for r in rows])

    found = find_flips(_grid(), {"size": 1.0, "kind": "a", "day": None}, ["size", "kind"], progress).found
    assert next(dict(one.changes) for one in found) == {"kind": "b"}
    assert [one.cost for one in found] == sorted(one.cost for one in found)


def test_two_columns_together_where_one_is_not_enough() -> None:
    def progress(rows):
        return np.array([(r["size"] >= 50) + (r["kind"] == "c") - 1.5 for r in rows])

    found = find_flips(_grid(), {"size": 1.0, "kind": "a", "day": None}, ["kind", "size"], progress).found
    assert set(found[0].changes) == {"size", "kind"}
    assert found[0].changes["kind"] == "c"
    assert found[0].changes["size"] >= 50


def test_nothing_is_found_where_nothing_flips() -> None:
    scored = []

    def progress(rows):
        scored.extend(rows)
        return np.array([-1.0] * len(rows))

    found = find_flips(_grid(), {"size": 1.0, "kind": "a", "day": None}, SCHEMA.names, progress)
    assert found.found == ()
    assert found.n_tried == len(scored) > 1


def test_columns_that_may_not_change_stay() -> None:
    def progress(rows):
        return np.array([1.0 if r["kind"] == "b" or r["size"] > 60 else r["size"] / 100 - 1 for r in rows])

    found = find_flips(_grid(), {"size": 1.0, "kind": "a", "day": None}, ["size"], progress).found
    assert {name for one in found for name in one.changes} == {"size"}


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_every_flip_is_one(tmp_path: Path, task: str) -> None:
    home = Home(tmp_path, task)
    case = _case(home)
    values = _row(home, 20)
    before = case.ask(values, why=False)
    goal = (
        Goal(bound=before.predicted[""] + 0.3)
        if task == "regression"
        else Goal(
            label=next(name for name in home.spec.classes if name != before.label and name in ("yes", "no", "a", "c"))
        )
    )
    found = case.flips(values, ["age", "city", "paid", "since"], goal).found
    assert found
    for one in found:
        assert 1 <= len(one.changes) <= flip.MAX_CHANGES
        after = case.ask({**values, **one.changes}, why=False)
        assert after.label == goal.label
        if task == "regression":
            assert after.predicted[""] >= goal.bound
    with pytest.raises(ExplanationError, match="that decision already"):
        case.flips({**values, **found[0].changes}, ["age"], goal)


def test_at_the_threshold_the_decision_is_positive(home: Home) -> None:
    values = _row(home)
    p = _case(home).ask(values, why=False).predicted["yes"]
    case = _case(home, threshold=p)
    with pytest.raises(ExplanationError):
        case.flips(values, ["age"], Goal(label="yes"))
    assert case.flips(values, ["age", "city"], Goal(label="no")).found


def test_fractions_keep_their_digits(home: Home) -> None:
    _case(home).ask({"age": 0.1 + 0.2, "paid": 0, "since": None, "city": None}, why=False)
    frame = home.engine.mojos.scored[-1]
    assert frame["age"][0].as_py() == 0.1 + 0.2
