"""The check before scoring: each finding on a file made for it, numbers counted by hand."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from core.data.drift.chance import chance_psi, drift_size
from core.data.drift.compare import Reference, compare_column, make_reference, reference_column
from core.data.tables.schema import apply_schema
from core.domain.columns import Column, Schema
from core.domain.models import ModelSpec
from core.errors import UnfitFileError
from core.features.checking import NO_REFERENCE, FileCheck, check, refuse_red, rename_columns
from core.features.matching import fit_notation, prepare
from core.plain import from_json, to_json

N = 400
SPEC = ModelSpec(
    task="binary",
    target="bought",
    target_column=Column("bought", "category", levels=("no", "yes")),
    features=Schema(
        (
            Column("age", "numeric", integer=True),
            Column("city", "category", levels=("Bonn", "Rome", "Turin")),
            Column("since", "date", format="%d/%m/%Y"),
        )
    ),
    classes=("no", "yes"),
    positive="yes",
    id_column="id",
)


def make_file(n_rows: int = N, seed: int = 1, **changes: list[str]) -> pa.Table:
    """Return rows like those of training, as text; whole columns can be given."""
    rng = np.random.default_rng(seed)
    columns = {
        "id": [str(number) for number in range(n_rows)],
        "age": [str(value) for value in rng.integers(18, 81, n_rows)],
        "city": list(rng.choice(["Bonn", "Rome", "Turin"], n_rows, p=[0.5, 0.3, 0.2])),
        "since": [f"{day:02}/03/2024" for day in rng.integers(1, 29, n_rows)],
    }
    return pa.table(columns | changes)


@pytest.fixture(scope="module")
def reference() -> Reference:
    typed = apply_schema(make_file(5000, seed=0), SPEC.needed)
    made = make_reference(lambda names: typed.select(list(names)), SPEC.needed, typed.num_rows)
    return from_json(Reference, to_json(made))


def found(checked: FileCheck, code: str) -> list:
    return [finding for finding in checked.findings if finding.code == code]


def test_a_file_like_training_is_green(reference):
    checked = check(make_file(), SPEC, reference)
    assert checked.verdict == "green"
    assert checked.findings == ()
    assert checked.n_flagged == 0
    assert {column.name for column in checked.drift.columns} == {"age", "city", "since"}


def test_missing_columns_stop_and_the_likely_name_is_offered(reference):
    checked = check(make_file().rename_columns(["id", "AGE ", "city", "since"]), SPEC, reference)
    assert checked.verdict == "red"
    (finding,) = found(checked, "columns.missing")
    assert finding.column == "age"
    assert "“AGE ”" in finding.text
    assert checked.notes is None


def test_a_file_for_another_problem_is_said_as_such(reference):
    checked = check(pa.table({"x": ["1"], "y": ["2"], "city": ["Rome"]}), SPEC, reference)
    assert checked.verdict == "red"
    assert "another problem" in checked.findings[0].text


def test_a_file_without_rows_stops(reference):
    assert check(make_file().slice(0, 0), SPEC, reference).verdict == "red"


def test_red_is_refused_with_every_finding_and_amber_is_not(reference):
    missing = check(make_file().rename_columns(["id", "AGE ", "city", "since"]), SPEC, reference)
    with pytest.raises(UnfitFileError, match="“age” is missing") as caught:
        refuse_red(missing)
    assert (caught.value.code, caught.value.missing) == ("schema.missing_columns", ("age",))
    assert [finding["code"] for finding in caught.value.to_dict()["findings"]] == ["columns.missing", "columns.extra"]
    empty = check(make_file(**{name: [""] * N for name in ("age", "city", "since")}), SPEC, reference)
    with pytest.raises(UnfitFileError) as caught:
        refuse_red(empty)
    assert caught.value.code == "predict.unfit"
    amber = check(make_file(city=["Paris"] * N), SPEC, reference)
    assert amber.verdict == "amber"
    refuse_red(amber)


def test_renamed_columns_are_told(reference):
    source, used = rename_columns(
        make_file().rename_columns(["id", "Alter", "city", "since"]), {"Alter": "age", "x": "city"}
    )
    checked = check(source, SPEC, reference, renamed=used)
    assert used == (("Alter", "age"),)
    assert checked.verdict == "green"
    assert "“Alter” is used as “age”" in found(checked, "columns.renamed")[0].text


def test_a_rename_never_makes_a_name_twice():
    table = pa.table({"a": [1], "b": [2], "c": [3]})
    renamed, used = rename_columns(table, {"a": "x", "b": "x", "c": "b"})
    assert len(set(renamed.column_names)) == 3
    assert len({new for _, new in used}) == len(used)


def test_every_odd_cell_is_counted_and_listed(reference):
    source = make_file()
    ages, cities = source["age"].to_pylist(), source["city"].to_pylist()
    ages[3], ages[5], ages[7] = "old", "130", ""
    cities[4] = cities[6] = cities[8] = "Atlantis"
    cities[9] = "ROME"
    checked = check(make_file(age=ages, city=cities), SPEC, reference)
    assert checked.verdict == "amber"
    assert found(checked, "cells.unreadable")[0].count == 1
    assert found(checked, "cells.outside")[0].count == 1
    assert "18 to 80" in found(checked, "cells.outside")[0].text
    assert found(checked, "cells.unseen")[0].count == 3
    assert "Atlantis (3)" in found(checked, "cells.unseen")[0].text
    assert found(checked, "cells.respelled")[0].count == 1
    assert checked.n_flagged == 5
    odd = checked.flagged_table(make_file(age=ages, city=cities)).to_pydict()
    assert odd["row"] == [4, 5, 6, 7, 9]
    assert odd["what"] == [
        "age: “old” is not a number",
        "city: “Atlantis” was never seen in training",
        "age: “130” is outside 18 to 80",
        "city: “Atlantis” was never seen in training",
        "city: “Atlantis” was never seen in training",
    ]
    assert odd["age"][0] == "old"


@pytest.mark.parametrize(("n_odd", "verdict"), [(1, "green"), (2, "amber")])
def test_odd_values_are_asked_about_from_one_in_two_hundred_rows_on(reference, n_odd, verdict):
    ages, cities = (make_file()[name].to_pylist() for name in ("age", "city"))
    ages[:n_odd], cities[-n_odd:] = ["130"] * n_odd, ["Atlantis"] * n_odd
    checked = check(make_file(age=ages, city=cities), SPEC, reference)
    told = [*found(checked, "cells.outside"), *found(checked, "cells.unseen")]
    assert [(one.count, one.verdict) for one in told] == [(n_odd, verdict)] * 2
    assert checked.n_flagged == 2 * n_odd


def test_a_cell_that_cannot_be_read_is_always_asked_about(reference):
    ages = ["old", *make_file()["age"].to_pylist()[1:]]
    (told,) = found(check(make_file(age=ages), SPEC, reference), "cells.unreadable")
    assert (told.count, told.verdict) == (1, "amber")


def test_nothing_is_flagged_in_a_file_that_cannot_be_scored(reference):
    source = make_file().drop_columns("age")
    checked = check(source, SPEC, reference)
    assert (checked.n_flagged, checked.flagged_table(source).num_rows) == (0, 0)


@pytest.mark.parametrize("dropped", [("age",), ("age", "city"), ("age", "city", "since")])
@pytest.mark.parametrize("n_rows", [N, 0])
def test_what_stops_a_file_is_told_in_full_up_to_two_findings_and_counted_beyond(reference, dropped, n_rows):
    checked = check(make_file().slice(0, n_rows).drop_columns(list(dropped)), SPEC, reference)
    red = [one.text for one in checked.findings if one.verdict == "red"]
    with pytest.raises(UnfitFileError) as caught:
        refuse_red(checked)
    more = {
        1: "",
        2: f" {red[-1]}",
        3: " 2 more findings are red.",
        4: " 3 more findings are red.",
        5: " 4 more findings are red.",
    }[len(red)]
    assert caught.value.message == red[0] + more


def test_trust_says_inside_or_outside_and_why(reference):
    source = make_file()
    ages, cities, since = (source[name].to_pylist() for name in ("age", "city", "since"))
    ages[0], cities[1] = "99", "Atlantis"
    ages[2] = cities[2] = ""
    ages[3] = cities[3] = since[3] = ""
    ages[4] = ""
    file = make_file(age=ages, city=cities, since=since)
    trust = check(file, SPEC, reference).notes.trust(file).slice(0, 6).to_pydict()
    assert trust["trust"] == ["outside", "outside", "outside", "outside", "inside", "inside"]
    assert trust["trust_note"] == [
        "age: “99” is outside 18 to 80",
        "city: “Atlantis” was never seen in training",
        "2 of 3 values missing",
        "3 of 3 values missing",
        None,
        None,
    ]


def test_rows_without_any_value_ask_and_a_file_of_them_stops(reference):
    source = make_file()
    columns = {name: ["", *source[name].to_pylist()[1:]] for name in ("age", "city", "since")}
    assert found(check(make_file(**columns), SPEC, reference), "rows.empty")[0].verdict == "amber"
    empty = {name: [""] * N for name in ("age", "city", "since")}
    assert found(check(make_file(**empty), SPEC, reference), "rows.empty")[0].verdict == "red"


def test_repeated_ids_ask(reference):
    checked = check(make_file(id=["7"] * 3 + [str(number) for number in range(100, 100 + N - 3)]), SPEC, reference)
    assert found(checked, "ids.repeat")[0].count == 2
    assert checked.verdict == "amber"


def test_many_more_gaps_than_in_training_ask(reference):
    ages = ["" if place % 5 == 0 else "30" for place in range(N)]
    (finding,) = found(check(make_file(age=ages), SPEC, reference), "cells.missing")
    assert finding.count == 80
    assert "20%" in finding.text


def test_large_drift_asks_with_the_index(reference):
    checked = check(make_file(city=["Turin"] * N), SPEC, reference)
    (finding,) = found(checked, "drift")
    assert (finding.column, finding.verdict, checked.verdict) == ("city", "amber", "amber")
    was = pd.Series(make_file(5000, seed=0)["city"].to_pylist()).value_counts(normalize=True)
    now = pd.Series({"Bonn": 1e-4, "Rome": 1e-4, "Turin": 1.0})
    psi = float(((now - was) * np.log(now / was)).sum())
    assert checked.drift["city"].psi == pytest.approx(psi, abs=1e-9)
    assert f"PSI {psi:.2f}" in finding.text


def test_a_moderate_drift_is_told_and_not_asked_about(reference):
    cities = ["Bonn"] * 130 + ["Rome"] * 140 + ["Turin"] * 130
    (finding,) = found(check(make_file(city=cities), SPEC, reference), "drift")
    assert (finding.column, finding.verdict, finding.count) == ("city", "green", N)
    assert "somewhat differently" in finding.text


@pytest.mark.slow
def test_unchanged_data_seldom_alarms(reference):
    alarms = 0
    for seed in range(200):
        checked = check(make_file(120, seed=1000 + seed), SPEC, reference)
        alarms += bool(found(checked, "drift"))
    assert alarms <= 10


def test_few_rows_of_many_levels_raise_no_alarm():
    rng = np.random.default_rng(1)
    column = Column("code", "category")
    weights = rng.dirichlet(np.full(150, 0.5))
    draw = lambda n: pa.chunked_array([pa.array([f"c{code}" for code in rng.choice(150, n, p=weights)])])  # noqa: E731
    known = reference_column(draw(20_000), column)
    drifts = [compare_column(known, draw(100)) for _ in range(60)]
    assert max(one.psi for one in drifts) > 0.25, "the plain rule would alarm"
    assert sum(drift_size(one, known) != "stable" for one in drifts) <= 3
    assert chance_psi(known, 100) > chance_psi(known, 10_000)
    assert drift_size(compare_column(known, pa.chunked_array([["c1"] * 100])), known) == "large"


def test_a_model_of_before_references_says_so():
    checked = check(make_file(), SPEC, None)
    assert checked.verdict == "green"
    assert found(checked, "reference.none")[0].text == NO_REFERENCE
    assert checked.drift is None


def test_the_target_and_extra_columns_are_told(reference):
    source = make_file().append_column("bought", pa.array(["no"] * N)).append_column("x", pa.array(["1"] * N))
    codes = {finding.code for finding in check(source, SPEC, reference).findings}
    assert codes == {"columns.extra", "columns.target"}


@pytest.mark.parametrize("written", ["%Y-%m-%d", "%d.%m.%Y"])
def test_dates_written_in_another_way_are_read(written):
    days = pd.date_range("2024-01-02", periods=N)
    source = make_file(since=list(days.strftime(written)))
    fitted, notes = fit_notation(source, SPEC, is_workbook=False)
    assert "since" in notes[0]
    typed, warnings = prepare(source, fitted)
    assert warnings == ("Ignored, because the model does not use them: id.",) or warnings == ()
    assert typed["since"].to_pandas().dt.date.tolist() == list(days.date)


def test_numbers_of_a_workbook_have_points_whatever_training_had():
    spec = ModelSpec(
        task="regression",
        target="y",
        target_column=Column("y", "numeric"),
        features=Schema((Column("price", "numeric", decimal=","),)),
    )
    source = pa.table({"price": ["1.234", "2.5"]})
    fitted, _ = fit_notation(source, spec, is_workbook=True)
    assert prepare(source, fitted)[0]["price"].to_pylist() == [1.234, 2.5]
    assert prepare(pa.table({"price": ["1.234", "2,5"]}), spec)[0]["price"].to_pylist() == [1234.0, 2.5]


@pytest.mark.parametrize("written", ["2024-01-02 07:05:09+02", "02.01.2024 05:05:09 UTC", "20240102T050509Z"])
def test_moments_with_zones_are_scored_in_utc_and_told(written):
    spec = ModelSpec(
        task="regression",
        target="y",
        target_column=Column("y", "numeric"),
        features=Schema((Column("at", "date"),)),
    )
    source = pa.table({"at": [written]})
    fitted, notes = fit_notation(source, spec, is_workbook=False)
    assert str(prepare(source, fitted)[0]["at"][0].as_py()) == "2024-01-02 05:05:09"
    assert any("time zones" in note for note in notes)


def renamed_file(old: str, new: str, **changes: list[str]) -> pa.Table:
    table = make_file(**changes)
    return table.rename_columns([new if name == old else name for name in table.column_names])


@pytest.mark.parametrize("name", ["age", "city", "since"])
def test_the_only_column_left_over_is_proposed_for_the_only_one_missing_when_its_values_fit(reference, name):
    columns = check(renamed_file(name, "xyz"), SPEC, reference).columns
    assert columns.likely == ("xyz", name)


def test_a_column_with_other_values_is_not_proposed(reference):
    far = [str(number) for number in range(100_000, 100_000 + N)]
    assert check(renamed_file("age", "xyz", age=far), SPEC, reference).columns.likely is None
    assert check(renamed_file("city", "xyz", city=["Oslo"] * N), SPEC, reference).columns.likely is None
    assert check(renamed_file("age", "xyz", age=[""] * N), SPEC, reference).columns.likely is None


def test_nothing_is_proposed_where_two_are_left_over_or_missing(reference):
    two = renamed_file("age", "xyz").append_column("more", [[str(30)] * N])
    assert check(two, SPEC, reference).columns.likely is None
    both = make_file().rename_columns(["id", "one", "two", "since"])
    assert check(both, SPEC, reference).columns.likely is None


def test_numbers_are_not_proposed_without_the_values_of_training():
    assert check(renamed_file("age", "xyz"), SPEC, None).columns.likely is None
    assert check(renamed_file("city", "xyz"), SPEC, None).columns.likely == ("xyz", "city")


def test_the_error_says_the_same_as_the_button(reference):
    with pytest.raises(UnfitFileError) as refused:
        refuse_red(check(renamed_file("age", "xyz"), SPEC, reference))
    assert "Use column “xyz” as “age”" in refused.value.hint
