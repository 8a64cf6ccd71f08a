"""The shape of the code: who may import what, and what no file may hold.

`check_source` judges one file by its text alone, so each rule is also tried on a few lines that break it.
"""

import ast
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# One way only: a module may import from its own layer and the layers above it in this list. A name that ends in `*`
# stands for the parts of one component.
LAYERS = (
    {"config", "errors", "files", "reading", "types"},
    {
        "_ahead", "_alert*", "_binning", "_chart*", "_column*", "_dataset_files", "_drift*", "_ledger_*", "_look",
        "_memory", "_pair_formulas", "_plan_*", "_read_*", "_reader_process", "_recipe_*", "_report_page",
        "_segment_metrics", "_xlsx_writer", "alerts", "associations", "baselines", "calibration", "cells", "charts*",
        "checking",
        "constant_model", "curves", "datasets", "dates", "distinct", "drift", "estimate", "event_words",
        "explanations", "explanations_*", "exports", "fairness", "features", "gaps", "intervals", "leakage",
        "levels", "matching", "measures", "monitor_records", "notations", "number_errors", "one_case", "outcomes",
        "packed", "pairs", "performance", "plain", "plan", "policy", "predictions", "presets", "previews", "profile",
        "profits", "ranking", "read_like", "readers", "recipe", "recipe*", "relations", "report_data", "roles",
        "row_notes", "row_reasons", "run_items", "run_progress", "samples", "schema", "scoring_records", "segments",
        "setting_words", "slices", "template", "timelines", "training_frames", "versions", "words",
    },
    {"engine", "ledger", "ledger_*", "store", "store_*"},
    {
        "access", "answers", "comparison", "decisions", "doctor", "evaluation", "explain", "leaderboard",
        "model_files", "monitor_alerts", "monitoring", "realised", "report", "reproduce", "retraining", "review",
        "score_sheets", "scored", "scored_files", "scoring*", "training", "training_baselines", "training_models",
        "verification",
    },
    {"_queue_*", "inbox", "jobs"},
    {"services"},
    {"data_commands", "queue_commands", "report_commands", "reproduce_commands", "score_commands", "train_options"},
    {"__main__"},
)  # fmt: skip


def _layer(module: str) -> int | None:
    """Return the number of the layer that a module of core is in, or None."""
    for number, names in enumerate(LAYERS):
        if any(fnmatchcase(module, name) for name in names):
            return number
    return None


# Where a package may be imported, by path prefix; a package that is not listed may be imported anywhere.
ONLY_IN = {
    "h2o": ("core/engine/",),
    "mlflow": ("core/store/mlflow.py",),
    "sqlite3": ("core/ledger/database.py", "core/store"),
    "streamlit": ("app/",),
    "app": ("app/",),
}
NOT_IN_PAGES = {"h2o", "mlflow", "sqlite3", "threading", "subprocess"}
OUTERMOST = ("core/work/runs.py", "app/main.py")  # the two borders where anything may be caught
FORBIDDEN_KEYWORDS = {"use_container_width", "unsafe_allow_html", "unsafe_allow_javascript"}


def check_source(path: str, source: str) -> list[str]:
    """Return what breaks a rule in one file; `path` is relative to the repo root, with slashes."""
    tree = ast.parse(source, filename=path)
    found = [*_check_imports(path, tree), *_check_handlers(path, tree), *_check_calls(path, tree)]
    if path.startswith("core/"):
        found += _check_public(path, tree)
    return list(dict.fromkeys(found))


def check_tree(root: Path) -> list[str]:
    """Return what breaks a rule in app/ and core/ below `root`; folders that are not there are fine."""
    found = []
    for path in sorted([*root.glob("core/**/*.py"), *root.glob("app/**/*.py")]):
        relative = path.relative_to(root).as_posix()
        found += check_source(relative, path.read_text(encoding="utf-8"))
        if path.parent == root / "app" and path.name != "main.py":
            found.append(
                f"{relative}: only main.py may lie beside pages/ (such a file can run without the sign-in gate)"
            )
    return found


def _imported(tree: ast.AST, package: str) -> Iterator[tuple[int, str]]:
    """Yield line and dotted name of everything imported, also inside functions and for types only."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, *([base] if base else [])])
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def _check_imports(path: str, tree: ast.AST) -> Iterator[str]:
    parts = path.removesuffix(".py").split("/")
    own = parts[1] if parts[0] == "core" and len(parts) > 1 else None
    if own is not None and own != "__init__" and _layer(own) is None:
        yield f"{path}: no layer; add {own!r} to LAYERS in tests/test_architecture.py"
    for line, name in _imported(tree, ".".join(parts[:-1])):
        top = name.partition(".")[0]
        allowed = ONLY_IN.get(top)
        if allowed and not path.startswith(allowed):
            yield f"{path}:{line}: {top} may be imported in {', '.join(allowed)} only"
        if path.startswith("app/pages/") and top in NOT_IN_PAGES:
            yield f"{path}:{line}: a page may not import {top}"
        target = name.split(".")[1] if top == "core" and "." in name else None
        ours, theirs = (_layer(module) if module else None for module in (own, target))
        if ours is not None and theirs is not None and theirs > ours:
            yield f"{path}:{line}: core.{own} may not import core.{target}, which is built on top of it"


def _check_handlers(path: str, tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        names = {kind.id for kind in kinds if isinstance(kind, ast.Name)}
        if node.type is None:
            yield f"{path}:{node.lineno}: bare except"
        if "Exception" in names and path not in OUTERMOST:
            yield f"{path}:{node.lineno}: except Exception outside {', '.join(OUTERMOST)}"
        last = node.body[-1]
        if "BaseException" in names and not (isinstance(last, ast.Raise) and last.exc is None):
            yield f"{path}:{node.lineno}: except BaseException that does not raise again"


def _check_calls(path: str, tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        yield from (
            f"{path}:{node.lineno}: {keyword.arg} is forbidden"
            for keyword in node.keywords
            if keyword.arg in FORBIDDEN_KEYWORDS
        )
        called = ast.unparse(node.func).rpartition(".")[2]
        if called == "suppress" and any(ast.unparse(arg) in {"Exception", "BaseException"} for arg in node.args):
            yield f"{path}:{node.lineno}: suppress(Exception) swallows everything"
        if ast.unparse(node.func) == "print" and path.startswith("core/") and path != "core/__main__.py":
            yield f"{path}:{node.lineno}: print in core"


def _check_public(path: str, tree: ast.Module) -> Iterator[str]:
    module = path.rpartition("/")[2].removesuffix(".py")
    if module.startswith("_") and not module.startswith("__"):
        return
    if ast.get_docstring(tree) is None:
        yield f"{path}: no module docstring"
    for node, name in _public(tree.body, ""):
        overload = any(ast.unparse(decorator).endswith("overload") for decorator in node.decorator_list)
        if ast.get_docstring(node) is None and not overload:
            yield f"{path}:{node.lineno}: {name} has no docstring"
        if isinstance(node, ast.ClassDef):
            continue
        spec = node.args
        arguments = [*spec.posonlyargs, *spec.args, *spec.kwonlyargs, *filter(None, (spec.vararg, spec.kwarg))]
        bare = [arg.arg for arg in arguments if arg.annotation is None and arg.arg not in {"self", "cls"}]
        if node.returns is None:
            bare.append("return")
        if bare:
            yield f"{path}:{node.lineno}: {name} lacks types: {', '.join(bare)}"


def _public(
    body: list[ast.stmt], prefix: str
) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, str]]:
    """Yield public classes, functions and methods with their dotted names."""
    for node in body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or node.name.startswith("_"):
            continue
        yield node, prefix + node.name
        if isinstance(node, ast.ClassDef):
            yield from _public(node.body, f"{prefix}{node.name}.")


def test_the_tree_keeps_every_rule():
    found = check_tree(ROOT)
    assert not found, "\n" + "\n".join(found)


DOC = '"""D."""\n'

BROKEN = [
    pytest.param(
        "core/data/tables/schema.py", "import streamlit as st", "streamlit may be imported", id="streamlit in core"
    ),
    pytest.param(
        "core/data/tables/schema.py", "from app.ui import state", "app may be imported", id="core imports app"
    ),
    pytest.param("core/training/trainer.py", "import h2o.automl", "h2o may be imported", id="h2o outside engine"),
    pytest.param("app/ui/shell.py", "from h2o import connect", "h2o may be imported", id="h2o in app"),
    pytest.param("core/engine/jvm/server.py", "import mlflow", "mlflow may be imported", id="mlflow outside store"),
    pytest.param(
        "core/work/runs.py", "def _f():\n    from mlflow import x", "mlflow may be imported", id="lazy import"
    ),
    pytest.param("core/data/datasets/registry.py", "import sqlite3", "sqlite3 may be imported", id="sqlite3 elsewhere"),
    pytest.param("app/pages/train.py", "import threading", "a page may not import threading", id="thread in page"),
    pytest.param("app/pages/train.py", "from subprocess import run", "a page may not", id="subprocess in page"),
    pytest.param(
        "core/types.py",
        "from core.data.reading.reader import read",
        "may not import core.data.reading.reader",
        id="upwards",
    ),
    pytest.param(
        "core/data/reading/reader.py", "from core import engine", "may not import core.engine", id="from core import"
    ),
    pytest.param(
        "core/data/reading/reader.py",
        "import core.store.mlflow",
        "may not import core.store.mlflow",
        id="import core.x",
    ),
    pytest.param(
        "core/engine/rest/automl.py", "from ..jobs import J", "may not import core.work.runs", id="relative, package"
    ),
    pytest.param(
        "core/ledger/database.py", "from . import services", "may not import core.services", id="relative, module"
    ),
    pytest.param("core/helpers.py", "", "no layer", id="module without layer"),
    pytest.param(
        "core/data/tables/schema.py", "try:\n    f()\nexcept Exception:\n    pass", "except Exception", id="broad"
    ),
    pytest.param("app/ui/x.py", "try:\n    f()\nexcept (OSError, Exception):\n    pass", "except Exc", id="in a tuple"),
    pytest.param("core/work/runs.py", "try:\n    f()\nexcept:\n    pass", "bare except", id="bare"),
    pytest.param(
        "core/work/runs.py", "try:\n    f()\nexcept BaseException:\n    pass", "not raise again", id="swallowed"
    ),
    pytest.param("core/files.py", "with contextlib.suppress(Exception):\n    f()", "suppress(", id="suppress"),
    pytest.param("core/data/tables/schema.py", "print(1)", "print in core", id="print"),
    pytest.param("app/pages/data.py", "st.x(use_container_width=True)", "use_container_width", id="old width"),
    pytest.param(
        "app/ui/widgets/basics.py", "st.markdown('', unsafe_allow_html=True)", "unsafe_allow_html", id="raw html"
    ),
    pytest.param("core/data/tables/schema.py", "def f() -> None: ...", "f has no docstring", id="no docstring"),
    pytest.param("core/data/tables/schema.py", "def f(a) -> None:\n    '''D.'''", "lacks types: a", id="argument"),
    pytest.param(
        "core/data/tables/schema.py", "def f(*, a, **b) -> int:\n    '''D.'''", "lacks types: a, b", id="keyword only"
    ),
    pytest.param("core/data/tables/schema.py", "def f():\n    '''D.'''", "lacks types: return", id="return"),
    pytest.param(
        "core/data/tables/schema.py", "class A:\n    '''D.'''\n    def m(self) -> int: ...", "A.m has no", id="method"
    ),
]


@pytest.mark.parametrize(("path", "source", "expected"), BROKEN)
def test_a_broken_rule_is_seen(path, source, expected):
    found = check_source(path, DOC + source)
    assert len(found) == 1
    assert expected in found[0]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("core/engine/jvm/server.py", "import h2o\nfrom core.errors import EngineError"),
        ("core/store/mlflow.py", "import mlflow\nimport sqlite3"),
        ("core/work/runs.py", "try:\n    f()\nexcept Exception:\n    pass"),
        ("core/__main__.py", "from core.services import build\nprint(build)"),
        ("core/files.py", "try:\n    f()\nexcept BaseException:\n    g()\n    raise"),
        ("core/data/reading/child/separated.py", "def f(a): return a"),
        ("core/data/tables/schema.py", "def _f(a): return a\nclass _A:\n    def m(self): ...\nclass B:\n    '''D.'''"),
        ("app/main.py", "import streamlit\nfrom core.services import build"),
        ("app/pages/train.py", "import streamlit as st\nfrom app.ui import state"),
    ],
)
def test_what_is_allowed_passes(path, source):
    assert check_source(path, DOC + source) == []


def test_a_missing_docstring_of_the_module_is_seen():
    assert check_source("core/data/tables/schema.py", "") == ["core/data/tables/schema.py: no module docstring"]


def test_a_file_beside_pages_is_seen(tmp_path):
    (tmp_path / "app" / "pages").mkdir(parents=True)
    for name in ("main.py", "shell.py", "pages/data.py"):
        (tmp_path / "app" / name).write_text("")
    found = check_tree(tmp_path)
    assert len(found) == 1
    assert "app/shell.py: only main.py" in found[0]


def test_an_empty_tree_passes(tmp_path):
    assert check_tree(tmp_path) == []
