"""The table of `make bench`: what is measured, how repeats are put together, and that docs/performance.md shows it."""

import importlib.util
import json
from pathlib import Path

import pytest

from bench import table
from bench.rows import GROWTHS, ROWS, Goal, Row, Run, at

ROOT = Path(__file__).resolve().parent.parent
RUN, SMALL = Run("scoring", repeats=3), Run("scoring", ("10",), repeats=2)
ROW = Row(
    "Part", "what", RUN, SMALL, at("ours_s"), Goal("ratio", 0.5), beside="theirs", other=at("other.s"),
    where={"bench": "this"},
)  # fmt: skip


def printed(ours: float, other: float | None) -> list[dict]:
    found = {"bench": "this", "ours_s": ours} | ({} if other is None else {"other": {"s": other}})
    return [{"bench": "that", "ours_s": 1e6}, found]


@pytest.mark.parametrize(
    ("goal", "ours", "other", "met"),
    [
        (Goal("most", 2), 2, None, True),
        (Goal("most", 2), 2.01, None, False),
        (Goal("least", 2), 2, None, True),
        (Goal("least", 2), 1.99, None, False),
        (Goal("ratio", 0.5), 1, 2, True),
        (Goal("ratio", 0.5), 1.01, 2, False),
        (Goal("times", 2), 1, 2, True),
        (Goal("times", 2), 1, 1.99, False),
        (Goal("ratio", 0.5), 1, None, None),
        (Goal("times", 2), 1, None, None),
    ],
)
def test_a_goal_is_met_on_its_border_and_not_beyond(goal, ours, other, met):
    assert goal.is_met(ours, other) is met


def test_a_row_shows_the_median_of_its_repeats_with_the_least_and_the_most():
    found = table.figures(ROW, [printed(1, 4), printed(3, 8), printed(2, 6)])
    assert found == {"ours": 2, "ours_range": [1, 3], "other": 6, "other_range": [4, 8], "ok": True}


def test_what_the_other_way_did_not_get_is_said_and_never_a_success():
    found = table.figures(ROW, [printed(1, None)])
    assert (found["other"], found["ok"]) == (None, None)
    assert table.figures(ROW, [[{"bench": "that"}]])["ours"] is None


def test_a_script_runs_as_often_as_it_says_and_once_for_all_of_its_rows():
    asked: list[Run] = []

    def execute(run: Run) -> list[dict]:
        asked.append(run)
        return printed(len(asked), 10)

    results: dict = {"rows": {"kept": {"ours": 1}}, "growth": {}}
    other = Row("Part", "other", RUN, None, at("ours_s"), Goal("most", 1), where={"bench": "this"})
    assert table.measure_rows(results, [ROW, other], None, quick=False, execute=execute) == []
    assert asked == [RUN, RUN, RUN]
    assert results["rows"]["kept"] == {"ours": 1}
    assert results["rows"]["Part · what · theirs"]["ours"] == 2
    assert results["rows"]["Part · other"]["ok"] is False


def test_quick_takes_the_small_sizes_says_so_and_leaves_out_what_has_none():
    results: dict = {"rows": {}, "growth": {}}
    none = Row("Part", "large only", RUN, None, at("ours_s"), Goal("most", 1))
    table.measure_rows(results, [ROW, none], None, quick=True, execute=lambda _: printed(1, 4))
    assert list(results["rows"]) == ["Part · what · theirs"]
    assert results["rows"]["Part · what · theirs"]["small"]
    assert results["rows"]["Part · what · theirs"]["run"] == "scoring 10"


def test_nothing_is_started_that_would_not_end_in_time():
    results: dict = {"rows": {}, "growth": {}}
    table.measure_rows(results, [ROW], 0.0, quick=True, execute=lambda _: pytest.fail("it was started"))
    assert not results["rows"]


def test_a_script_that_fails_is_named_and_what_was_measured_before_stays():
    results: dict = {"rows": {"Part · what · theirs": {"ours": 7}}, "growth": {}}
    assert table.measure_rows(results, [ROW], None, quick=True, execute=lambda _: None) == ["scoring"]
    assert results["rows"]["Part · what · theirs"] == {"ours": 7}


def test_growth_keeps_its_points_in_order_of_their_size():
    growth = GROWTHS[0]
    sizes = iter((30, 10, 20))

    def execute(_: Run) -> list[dict]:
        return [{"bench": "score_files", "rows": size, "csv_s": size / 10, "bare_s": 1} for size in sizes]

    results: dict = {"rows": {}, "growth": {}}
    table.measure_growth(results, None, quick=True, execute=execute)
    assert list(results["growth"]) == [growth.name]
    points = results["growth"][growth.name]["points"]
    assert [(one["size"], one["Bellwether"], one["bare engine with join"]) for one in points] == [
        (10, 1, 1), (20, 2, 1), (30, 3, 1),
    ]  # fmt: skip
    drawn = table.figure(growth, points)
    assert [list(trace.x) for trace in drawn.data] == [[10, 20, 30], [10, 20, 30]]
    assert drawn.layout.xaxis.type == drawn.layout.yaxis.type == "log"


def test_the_page_says_what_is_short_and_how_it_was_measured():
    row = ROWS[0]
    taken = {"taken_at": "2026-01-02 03:04 UTC", "load": 0.1, "small": False, "run": "pages"}
    found = {"ours": 4.2, "ours_range": [4.1, 4.3], "other": None, "other_range": None, "ok": False}
    page = table.page({"rows": {table.key(row): found | taken}, "growth": {}})
    assert f"| {row.part}: {row.what} | 4.20 s (4.10–4.30) | – | – | ≤ 4 s | **SHORT** |" in page
    assert "`pages`; 2026-01-02, load 0.1" in page


def test_every_row_has_a_script_and_a_name_of_its_own():
    runs = [row.run for row in ROWS] + [row.quick for row in ROWS if row.quick]
    runs += [run for growth in GROWTHS for run in (*growth.runs, *growth.quick)]
    for run in runs:
        assert importlib.util.find_spec(f"bench.{run.script}"), run.script
    assert len({table.key(row) for row in ROWS}) == len(ROWS)


def test_the_short_table_takes_a_quarter_of_an_hour():
    runs = {row.quick for row in ROWS if row.quick}
    assert sum(run.seconds * run.repeats for run in runs) <= 15 * 60


def test_the_page_is_what_was_measured():
    results = json.loads((ROOT / "docs" / table.JSON).read_text(encoding="utf-8"))
    assert (ROOT / "docs" / table.PAGE).read_text(encoding="utf-8") == table.page(results), "make bench BENCH=--draw"
