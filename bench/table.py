"""One table of what this app takes beside what people would take instead, measured on the same work in the same run.

    python -m bench.table [--quick] [--growth] [--minutes M] [--out FOLDER] [SCRIPT …]

Runs the scripts that `bench.rows` names (or those given), and writes `performance.json` and `performance.md` into the
folder of the documentation, with a picture for each growth. Rows that are not measured this time stay as they are. With
`--quick` everything is smaller; with `--minutes` nothing is started that would not end in time. `--draw` only writes
the page and the pictures again.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import psutil

from bench.rows import GROWTHS, ROWS, Figure, Growth, Record, Row, Run
from core.charts import look

ROOT = Path(__file__).resolve().parent.parent
JSON, PAGE = "performance.json", "performance.md"
Results = dict[str, Any]
_SLOWEST_START_S = 900
_HEAD = """# Performance

What this app takes beside what people would take instead, on the same work in the same run. [Figures](figures.md) says
what each goal is for and what was found on the way; here stands what the machine said last.

```
make bench                              # everything, about an hour on two idle cores
make bench BENCH="--quick --minutes 15" # smaller sizes, in a quarter of an hour
make bench BENCH="--growth"             # how times grow
make bench BENCH="scoring pages"        # some scripts only; other rows stay as they are
```

A row is the median of its repeats, in brackets the least and the most; scripts that run once take medians themselves.
*Small* marks the sizes of `--quick`, which the goals were not made for. The load is that of the machine before the
script began: above 1, other work was in the way. The same as JSON: [performance.json](performance.json).
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, keep, write; 1 when a script failed."""
    args = _parser().parse_args(argv)
    path = args.out / JSON
    results: Results = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"rows": {}, "growth": {}}
    failed: list[str] = []
    if not args.draw:
        deadline = time.monotonic() + 60 * args.minutes if args.minutes else None
        if not args.growth:
            failed += measure_rows(results, _asked(args), deadline, quick=args.quick)
        if args.growth or not args.scripts:
            failed += measure_growth(results, deadline, quick=args.quick)
        path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (args.out / PAGE).write_text(page(results), encoding="utf-8")
    draw(results, args.out / "images")
    _say(table(results))
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scripts", nargs="*", metavar="SCRIPT", help="only rows of these scripts")
    parser.add_argument("--quick", action="store_true", help="smaller sizes")
    parser.add_argument("--growth", action="store_true", help="only how times grow with sizes")
    parser.add_argument("--draw", action="store_true", help="measure nothing; write the page and pictures again")
    parser.add_argument("--minutes", type=float, help="start nothing that would not end in this time")
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="folder to write to (default: docs)")
    return parser


def _asked(args: argparse.Namespace) -> tuple[Row, ...]:
    unknown = set(args.scripts) - {row.run.script for row in ROWS}
    if unknown:
        sys.exit(f"no row is measured by {', '.join(sorted(unknown))}")
    return tuple(row for row in ROWS if not args.scripts or row.run.script in args.scripts)


# --- measuring --------------------------------------------------------------------------------------------------------


def measure_rows(
    results: Results,
    rows: Sequence[Row],
    deadline: float | None,
    *,
    quick: bool,
    execute: Callable[[Run], list[Record] | None] | None = None,
) -> list[str]:
    """Run each script for all of its rows, put what they say into `results`, and return the scripts that failed."""
    failed = []
    wanted: dict[Run, list[Row]] = {}
    for row in rows:
        run = row.quick if quick else row.run
        if run is not None:
            wanted.setdefault(run, []).append(row)
    for run, its_rows in wanted.items():
        if not _fits(run, deadline):
            _say(f"left out, no time: {_name(run)}")
            continue
        taken = _taken()
        printed = [(execute or _execute)(run) for _ in range(run.repeats)]
        records = [one for one in printed if one is not None]
        if len(records) < run.repeats:
            failed.append(run.script)
        for row in its_rows if records else ():
            is_small = quick and row.quick != row.run
            results["rows"][key(row)] = {**figures(row, records), "small": is_small, "run": _name(run), **taken}
    return failed


def measure_growth(
    results: Results,
    deadline: float | None,
    *,
    quick: bool,
    execute: Callable[[Run], list[Record] | None] | None = None,
) -> list[str]:
    """Run what shows how times grow; return the scripts that failed."""
    failed = []
    for growth in GROWTHS:
        points: dict[float, dict[str, float]] = {}
        taken = _taken()
        for run in growth.quick if quick else growth.runs:
            found = (execute or _execute)(run) if _fits(run, deadline) else []
            if found is None:
                failed.append(run.script)
            for record in _matching(found or [], growth.where):
                points[growth.size(record)] = _line_values(growth, record)
        if points:
            in_order = [{"size": size, **points[size]} for size in sorted(points)]
            results["growth"][growth.name] = {"points": in_order, "small": quick, **taken}
    return failed


def _line_values(growth: Growth, record: Record) -> dict[str, float]:
    found = {name: _value(figure, record) for name, figure in growth.lines.items()}
    return {name: value for name, value in found.items() if value is not None}


def figures(row: Row, runs: Sequence[Sequence[Record]]) -> dict[str, Any]:
    """Return what a row shows: medians, least and most, and whether its goal is met, from what each repeat printed."""
    ours, others = [], []
    for records in runs:
        record = next(iter(_matching(records, row.where)), None)
        value = _value(row.ours, record)
        if value is None:
            continue
        ours.append(value)
        if row.other is not None:
            source = record if row.other_where is None else next(iter(_matching(records, row.other_where)), None)
            others.append(_value(row.other, source))
    theirs = [value for value in others if value is not None]
    if not ours:
        return {"ours": None, "other": None, "ok": None}
    mid, other = statistics.median(ours), statistics.median(theirs) if theirs else None
    return {
        "ours": mid, "ours_range": [min(ours), max(ours)], "other": other,
        "other_range": [min(theirs), max(theirs)] if theirs else None, "ok": row.goal.is_met(mid, other),
    }  # fmt: skip


def _matching(records: Sequence[Record], where: Record) -> Iterator[Record]:
    return (record for record in records if all(record.get(name) == value for name, value in where.items()))


def _value(figure: Figure, record: Record | None) -> float | None:
    """Return a figure, or None where the script did not get it: what others do may be missing on a machine."""
    if record is None:
        return None
    try:
        return figure(record)
    except (KeyError, TypeError):
        return None


def _fits(run: Run, deadline: float | None) -> bool:
    return deadline is None or time.monotonic() + run.seconds * run.repeats <= deadline


def _execute(run: Run) -> list[Record] | None:
    """Run a script in a process of its own; return the objects it printed, or None when it failed."""
    begun = time.monotonic()
    _say(f"== {_name(run)}")
    try:
        done = subprocess.run(
            [sys.executable, "-m", f"bench.{run.script}", *run.args],
            cwd=ROOT,
            env={**os.environ, **dict(run.env)},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
            timeout=_SLOWEST_START_S + 5 * run.seconds,
        )
    except subprocess.TimeoutExpired:
        _say(f"{_name(run)} did not end")
        return None
    _say(f"   {time.monotonic() - begun:.0f} s, exit {done.returncode}")
    if done.returncode:
        return None
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def _taken() -> dict[str, Any]:
    return {
        "taken_at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"), "load": round(os.getloadavg()[0], 1),
        "cpus": os.cpu_count(), "memory_gb": round(psutil.virtual_memory().total / 1e9),
    }  # fmt: skip


def _name(run: Run) -> str:
    return " ".join([*(f"{name}={value}" for name, value in run.env), run.script, *run.args])


def key(row: Row) -> str:
    """Return what a row is kept under."""
    return " · ".join(part for part in (row.part, row.what, row.beside) if part)


# --- what is written --------------------------------------------------------------------------------------------------


def page(results: Results) -> str:
    """Return docs/performance.md."""
    parts = [_HEAD, table(results), "## How times grow\n"]
    if not results["growth"]:
        parts.append('Not measured yet: `make bench BENCH="--growth"`.\n')
    parts += [_growth(one, results["growth"][one.name]) for one in GROWTHS if one.name in results["growth"]]
    return "\n".join(parts).rstrip() + "\n"


def table(results: Results) -> str:
    """Return the rows that were measured as a Markdown table."""
    lines = [
        "| what | Bellwether | beside | takes | goal | | measured |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    parts = list(dict.fromkeys(row.part for row in ROWS))
    for row in sorted(ROWS, key=lambda row: parts.index(row.part)):
        found = results["rows"].get(key(row))
        if found is not None:
            lines.append("| " + " | ".join(_cells(row, found)) + " |")
    if len(lines) == 2:
        lines = ["Not measured yet: `make bench`."]
    return "\n".join(lines) + "\n"


def _cells(row: Row, found: dict[str, Any]) -> tuple[str, ...]:
    verdict = {True: "OK", False: "**SHORT**", None: "not measured"}[found["ok"]]
    small = ", small" if found.get("small") else ""
    return (
        f"{row.part}: {row.what}",
        _number(found["ours"], found.get("ours_range"), row.unit),
        row.beside or "–",
        _number(found["other"], found.get("other_range"), row.unit),
        row.goal.words(row.unit),
        verdict,
        f"`{found['run']}`{small}; {found['taken_at'][:10]}, load {found['load']}",
    )


def _number(value: float | None, spread: Sequence[float] | None, unit: str) -> str:
    if value is None:
        return "–"
    low, high = spread or (value, value)
    text = f"{_digits(value)} {unit}"
    return text if low == high else f"{text} ({_digits(low)}–{_digits(high)})"


def _digits(value: float) -> str:
    """Return a number with three digits, grouped by thousands.

    Examples
    --------
    >>> _digits(0.04321), _digits(12.345), _digits(1234.5)
    ('0.043', '12.3', '1,234')
    """
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 1 else f"{value:.3f}"


def _growth(growth: Growth, found: dict[str, Any]) -> str:
    names = list(growth.lines)
    small = " Small sizes." if found["small"] else ""
    lines = [
        f"### {growth.title}\n",
        f"![{growth.title}](images/growth_{growth.name}.png)\n",
        f"Seconds; {found['taken_at'][:10]}, load {found['load']}.{small}\n",
        f"| {growth.axis} | " + " | ".join(names) + " |",
        "| " + " | ".join("---" for _ in range(len(names) + 1)) + " |",
    ]
    for point in found["points"]:
        cells = [_digits(point[name]) if name in point else "–" for name in names]
        lines.append(f"| {point['size']:,.0f} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def figure(growth: Growth, points: Sequence[dict[str, float]]) -> go.Figure:
    """Draw how times grow with a size, both on scales of powers of ten."""
    drawn = look.figure(height=380, width=760, title={"text": growth.title, "x": 0.02, "xanchor": "left"})
    drawn.update_layout(legend={"x": 1, "xanchor": "right", "y": 1.02, "yanchor": "bottom"})
    for name in growth.lines:
        there = [point for point in points if name in point]
        drawn.add_scatter(
            x=[point["size"] for point in there], y=[point[name] for point in there], name=name, mode="lines+markers"
        )
    drawn.update_xaxes(type="log", title=growth.axis, dtick=1)
    drawn.update_yaxes(type="log", title="seconds")
    return look.apply(drawn, dark=False)


def draw(results: Results, folder: Path) -> None:
    """Write a picture of each growth, with the browser of the tests: Plotly alone writes none."""
    found = [one for one in GROWTHS if one.name in results["growth"]]
    if not found:
        return
    from tests.browser.driver import run_browser

    folder.mkdir(parents=True, exist_ok=True)
    with run_browser() as browser:
        tab = browser.new_page(viewport={"width": 780, "height": 400})
        for growth in found:
            tab.set_content(figure(growth, results["growth"][growth.name]["points"]).to_html(include_plotlyjs=True))
            tab.locator(".main-svg").first.wait_for()
            tab.screenshot(path=folder / f"growth_{growth.name}.png")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
