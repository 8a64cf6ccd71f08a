"""How much the tests notice: single faults are put into modules whose results people rely on, and their tests run.

    python -m tests.mutants [--sample N] [--seed S] [MODULE …]

Prints a line for each module and each fault that nothing noticed, and one JSON object; ends with 1 when fewer than
90% were noticed. Works on a copy, in processes that are forked after the large libraries are loaded. Faults: a
comparison turned or moved onto its border, `and` for `or`, a condition negated, a number one off, a sign or an
operation exchanged, a call left out, nothing returned. Texts are left alone.
"""

import argparse
import ast
import contextlib
import copy
import importlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WANTED = 0.90
# Modules, and the tests that are theirs.
_EXPORTS = ("tests/core/exports", "tests/security/test_t10_formulas.py")
_POLICY = ("tests/core/metrics/test_policy.py", "tests/core/metrics/test_threshold.py")
_SCORING = ("tests/core/scoring/test_scorer.py", "tests/core/scoring/test_result.py")
_HISTORY = ("tests/core/work/test_scorings.py", "tests/core/monitoring/test_monitor.py")
FOCUS = {
    "core/explain/computed/permutation.py": ("tests/core/explain/test_permutation.py",),
    "core/exports/tables.py": _EXPORTS,
    "core/exports/xlsx.py": _EXPORTS,
    "core/exports/answers.py": _EXPORTS,
    "core/exports/sheets.py": ("tests/core/exports/test_sheets.py",),
    "core/exports/side_by_side.py": ("tests/core/exports/test_side_by_side.py",),
    "core/exports/template.py": ("tests/core/exports/test_template.py",),
    "core/features/indicators.py": ("tests/core/features/test_indicators.py",),
    "core/features/checking.py": ("tests/core/features/test_checking.py", "tests/core/features/test_actual.py"),
    "core/data/tables/schema.py": ("tests/core/data/tables/test_schema.py", "tests/core/data/tables/test_few.py"),
    "core/metrics/policy.py": _POLICY,
    "core/metrics/threshold.py": _POLICY,
    "core/metrics/labels.py": ("tests/core/metrics/test_threshold.py",),
    "core/metrics/ties.py": ("tests/core/metrics/test_ties.py",),
    "core/scoring/columns.py": ("tests/core/metrics/test_intervals.py", *_SCORING),
    "core/scoring/known_rows.py": ("tests/core/scoring/test_known_rows.py",),
    "core/scoring/kept/minutes.py": ("tests/http/test_json_lane.py",),
    "core/scoring/opened.py": ("tests/core/scoring/test_opened.py",),
    "core/scoring/outcomes.py": ("tests/core/scoring/test_outcomes.py",),
    "core/scoring/pipeline.py": ("tests/core/scoring/test_scorer.py", "tests/core/work/test_scorings.py"),
    "core/scoring/reason_words.py": ("tests/core/scoring/test_reason_words.py",),
    "core/scoring/reasons.py": ("tests/core/scoring/test_reasons.py",),
    "core/scoring/result.py": _SCORING,
    "core/scoring/kept/saved.py": ("tests/core/scoring/test_saved.py",),
    "core/scoring/scorer.py": _SCORING,
    "core/scoring/kept/summary.py": _HISTORY,
    "core/scoring/swap.py": ("tests/core/scoring/test_swap.py",),
}
_COPIED = ("core", "app", "tests", "data/samples", "docs", "bench", "pyproject.toml", ".streamlit")
_LARGE = (
    "numpy", "pandas", "pyarrow", "pyarrow.compute", "pyarrow.csv", "pyarrow.dataset", "pyarrow.parquet", "openpyxl",
    "scipy.stats", "scipy.special", "sklearn.metrics", "plotly.graph_objects", "psutil", "pytest",
)  # fmt: skip
_TIMES, _LEAST_S = 5, 60  # a fault that makes the tests take so many times as long is noticed
_COMPARE = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_TURNED = {ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt}
_OPERATION = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """A module with one fault in it."""

    line: int
    what: str
    source: str


def mutants(source: str) -> Iterator[Mutant]:
    """Yield every single fault that can be put into a module."""
    tree = ast.parse(source)
    skipped = _skipped(tree)
    for number, node in enumerate(ast.walk(tree)):
        if id(node) in skipped:
            continue
        for kind in range(_n_changes(node)):
            changed = copy.deepcopy(tree)
            target = next(one for place, one in enumerate(ast.walk(changed)) if place == number)
            before = ast.unparse(target)
            after = _change(changed, target, kind)
            yield Mutant(
                node.lineno, f"{before[:70]}  ->  {after[:70]}", ast.unparse(ast.fix_missing_locations(changed))
            )  # type: ignore[attr-defined]


def _skipped(tree: ast.Module) -> set[int]:
    """Return nodes whose change shows nothing: annotations, imports for types, `__all__`, what a decorator is told."""
    found: list[ast.AST] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            found.append(node)
        found += [getattr(node, name) for name in ("annotation", "returns") if getattr(node, name, None) is not None]
        found += getattr(node, "decorator_list", [])
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            found.append(node)
    return {id(inner) for outer in found for inner in ast.walk(outer)}


def _n_changes(node: ast.AST) -> int:
    """Return how many faults can be put into one place."""
    if isinstance(node, ast.Compare):
        return 2 if type(node.ops[0]) in _TURNED else int(type(node.ops[0]) in _COMPARE)
    if isinstance(node, ast.Constant):
        return (
            1
            if isinstance(node.value, bool)
            else 2
            if isinstance(node.value, int)
            else int(isinstance(node.value, float))
        )
    if isinstance(node, ast.BinOp):
        return int(type(node.op) in _OPERATION and not _has_text(node))
    if isinstance(node, ast.Expr):
        return int(isinstance(node.value, ast.Call))
    if isinstance(node, ast.Return):
        return int(node.value is not None and not (isinstance(node.value, ast.Constant) and node.value.value is None))
    return int(
        isinstance(node, ast.BoolOp | ast.If | ast.IfExp)
        or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not))
    )


def _has_text(node: ast.BinOp) -> bool:
    return any(
        isinstance(one, ast.JoinedStr) or (isinstance(one, ast.Constant) and isinstance(one.value, str))
        for one in (node.left, node.right)
    )


def _change(tree: ast.Module, node: ast.AST, kind: int) -> str:
    """Put a fault into a node of a tree; return how it reads then."""
    if isinstance(node, ast.Compare):
        node.ops[0] = (_TURNED if kind else _COMPARE)[type(node.ops[0])]()
    elif isinstance(node, ast.Constant):
        value = node.value
        node.value = not value if isinstance(value, bool) else value + (1, -1)[kind]  # type: ignore[operator]
    elif isinstance(node, ast.BinOp):
        node.op = _OPERATION[type(node.op)]()
    elif isinstance(node, ast.BoolOp):
        node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    elif isinstance(node, ast.If | ast.IfExp):
        node.test = ast.UnaryOp(ast.Not(), node.test)
        return f"{'if' if isinstance(node, ast.If) else '… if'} {ast.unparse(node.test)}"
    elif isinstance(node, ast.Return | ast.Expr):
        node.value = ast.Constant(None)
    elif isinstance(node, ast.UnaryOp):
        return _replace(tree, node, node.operand)
    return ast.unparse(node)


def _replace(tree: ast.Module, old: ast.AST, new: ast.expr) -> str:
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, name, new)
            elif isinstance(value, list) and any(one is old for one in value):
                value[next(place for place, one in enumerate(value) if one is old)] = new
    return ast.unparse(new)


# --- running ----------------------------------------------------------------------------------------------------------


def passes(folder: Path, tests: tuple[str, ...], timeout_s: float) -> bool:
    """Whether the tests pass in a process of their own, in time."""
    pid = os.fork()
    if pid == 0:
        os.setsid()
        os._exit(_run_tests(folder, tests))
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.05)
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return False


def _run_tests(folder: Path, tests: tuple[str, ...]) -> int:
    import pytest

    os.chdir(folder)
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    for name in [name for name in sys.modules if name.partition(".")[0] in ("core", "app", "tests", "bench")]:
        del sys.modules[name]
    sys.path[:] = [str(folder), *(path for path in sys.path if path not in ("", str(ROOT)))]
    sys.dont_write_bytecode = True
    mark = "not slow and not engine and not server and not browser and not soak"
    return int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", mark, *tests]))


def check(folder: Path, module: str, sample: int, seed: int) -> dict[str, object]:
    """Put faults into one module of the copy, one after the other, and say which ones its tests did not notice."""
    path, tests = folder / module, FOCUS[module]
    source = path.read_text(encoding="utf-8")
    begun = time.monotonic()
    if not passes(folder, tests, 3600):
        sys.exit(f"{module}: its tests fail without a fault")
    timeout_s = max(_LEAST_S, _TIMES * (time.monotonic() - begun))
    every = list(mutants(source))
    tried = sorted(random.Random(seed).sample(every, min(sample, len(every))), key=lambda one: one.line)
    survivors = []
    for one in tried:
        path.write_text(one.source, encoding="utf-8")
        if passes(folder, tests, timeout_s):
            survivors.append(f"{module}:{one.line}: {one.what}")
            _say(f"  survived {survivors[-1]}")
    path.write_text(source, encoding="utf-8")
    killed = len(tried) - len(survivors)
    _say(f"{module}: {killed} of {len(tried)} noticed, {len(every)} possible, {time.monotonic() - begun:.0f} s")
    return {"module": module, "tried": len(tried), "killed": killed, "possible": len(every), "survivors": survivors}


def main() -> int:
    """Check the modules."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"of {', '.join(FOCUS)}")
    parser.add_argument("--sample", type=int, default=20, help="faults for each module, default 20")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    for name in _LARGE:
        importlib.import_module(name)
    with tempfile.TemporaryDirectory(prefix="bellwether-mutants-") as name:
        folder = Path(name)
        for part in _COPIED:
            _copy(ROOT / part, folder / part)
        found = [check(folder, module, args.sample, args.seed) for module in args.modules or FOCUS]
    n_tried, n_killed = (sum(int(str(one[key])) for one in found) for key in ("tried", "killed"))
    print(json.dumps({"tried": n_tried, "killed": n_killed, "share": round(n_killed / n_tried, 3), "modules": found}))
    return int(n_killed < WANTED * n_tried)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "images"))
    else:
        with contextlib.suppress(FileNotFoundError):
            shutil.copyfile(source, target)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
