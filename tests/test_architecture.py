"""The shape of the code: who may import what, and what no file may hold.

`check_source` judges one file by its text alone, so each rule is also tried on a few lines that break it.
"""

import ast
import dataclasses
import typing
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# One way only: a room imports from itself and from the rooms before it in this list, and of another room only its face:
# the names and modules in the `__all__` of its `__init__`. A module that no entry names belongs to its parent's room.
ORDER = (
    "core.errors", "core.wording", "core.settings", "core.files", "core.locks", "core.processes", "core.sqlite",
    "core.plain", "core.parallel", "core.memory", "core.backups", "core.logs",
    "core.domain",
    "core.data.tables", "core.data.reading", "core.data.relations", "core.data.drift", "core.data.profiling",
    "core.data.datasets",
    "core.metrics", "core.recipes", "core.features", "core.explanations",
    "core.engine", "core.served", "core.store", "core.ledger", "core.access", "core.models", "core.charts",
    "core.cluster_data",
    "core.training", "core.explain", "core.scoring", "core.exports", "core.monitoring", "core.review", "core.report",
    "core.retention", "core.work", "core.state",
    "core.services", "core.cli", "core.__main__",
    "app.ui.widgets.text", "app.ui", "app.ui.widgets", "app.ui.data", "app.ui.explore", "app.ui.explain",
    "app.ui.compare", "app.ui.prepare", "app.ui.predict",
    "app.ui.train", "app.ui.monitor", "app.ui.review", "app.ui.runs", "app.ui.settings", "app.ui.home", "app.pages",
    "app.ui.shell",
    "app.http", "app.main",
)  # fmt: skip

# Packages that only hold rooms: everything in them may be imported.
OPEN = {"app", "app.ui", "core", "core.data"}

# Guarded children are started by path in another process: of core they may import these and their own modules only.
CHILDREN = {
    "core.data.reading.child": (
        "core.errors", "core.files", "core.plain", "core.wording", "core.domain.reading", "core.domain.formats",
    ),
    "core.engine.mojo.child": ("core.errors", "core.memory", "core.engine.encoded", "core.domain.aliases"),
    "core.served.child": (
        "core.errors", "core.plain", "core.settings", "core.domain.models", "core.features", "core.metrics.labels",
        "core.engine.jvm.embedded", "core.engine.mojo.child",
    ),
}  # fmt: skip

# Where a package may be imported, by path prefix; a package that is not listed may be imported anywhere.
ONLY_IN = {
    "h2o": ("core/engine/",),
    "jpype": ("core/engine/mojo/child/", "core/served/child/"),
    # The second is never imported: it is copied into the folders of models, and runs where others open them.
    "mlflow": ("core/store/mlflow.py", "core/served/served_model.py"),
    "sqlite3": ("core/ledger/database.py", "core/sqlite.py"),
    "streamlit": ("app/",),
    "app": ("app/",),
}
NOT_IN_PAGES = {"h2o", "mlflow", "sqlite3", "threading", "subprocess"}
OUTERMOST = ("core/work/worker.py", "app/main.py")  # the two borders where anything may be caught
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
    return [*found, *Tree(root).check()]


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
    package = path.rpartition("/")[0].replace("/", ".")
    for line, name in _imported(tree, package):
        top = name.partition(".")[0]
        allowed = ONLY_IN.get(top)
        if allowed and not path.startswith(allowed):
            yield f"{path}:{line}: {top} may be imported in {', '.join(allowed)} only"
        if path.startswith("app/pages/") and top in NOT_IN_PAGES:
            yield f"{path}:{line}: a page may not import {top}"


def _room(module: str) -> int | None:
    """Return the place of a module's room in `ORDER`, or None."""
    while module:
        if module in ORDER:
            return ORDER.index(module)
        module = module.rpartition(".")[0]
    return None


class Tree:
    """The modules of core/ and app/ below a folder, and who imports what of whom."""

    def __init__(self, root: Path) -> None:
        self.paths = {}
        for path in sorted([*root.glob("core/**/*.py"), *root.glob("app/**/*.py")]):
            dotted = path.relative_to(root).with_suffix("").as_posix().replace("/", ".")
            self.paths[dotted.removesuffix(".__init__")] = path
        self.sources = {module: ast.parse(path.read_text(encoding="utf-8")) for module, path in self.paths.items()}
        self.root = root

    def package(self, module: str) -> str:
        """Return the package that a module lies in; a package lies in itself."""
        return module if self.paths[module].name == "__init__.py" else module.rpartition(".")[0]

    @cache  # noqa: B019 - a tree lives as long as its test
    def face(self, package: str) -> set[str]:
        """Return the names and modules that a package shows."""
        tree = self.sources.get(package, ast.Module([], []))
        values = [n.value for n in tree.body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "__all__"]
        return {str(name) for value in values for name in ast.literal_eval(value)}

    def imports(self, module: str) -> Iterator[tuple[int, str, str]]:
        """Yield line, module and name (empty for the module itself) of what is imported of our own modules."""
        for line, full in _imported(self.sources[module], self.package(module)):
            base, _, name = full.rpartition(".")
            if full in self.paths:
                yield line, full, ""
            elif base in self.paths:
                yield line, base, name

    def check(self) -> Iterator[str]:
        """Yield the imports against the order, past a face, or out of the guarded child."""
        for module in self.paths:
            where = self.paths[module].relative_to(self.root).as_posix()
            own = _room(module)
            if own is None and module not in OPEN:
                yield f"{where}: no room; add it to ORDER in tests/test_architecture.py"
            for line, target, name in self.imports(module):
                theirs = _room(target)
                if own is not None and theirs is not None and theirs > own:
                    yield f"{where}:{line}: {module} may not import {target}, which comes after it"
                yield from (f"{where}:{line}: {fault}" for fault in self._past_a_face(module, target, name))
                for child, may in CHILDREN.items():
                    if module.startswith(child) and not target.startswith((child, *may)):
                        yield f"{where}:{line}: the guarded child may not import {target}"

    def _past_a_face(self, module: str, target: str, name: str) -> Iterator[str]:
        """Yield each package, from the inside out, that does not show what is imported."""
        package = self.package(target)
        shown = name if target == package else target.removeprefix(f"{package}.")
        while package not in OPEN and not f"{module}.".startswith(f"{package}."):
            if shown and shown not in self.face(package):
                yield f"{module} may not import {target}: {shown!r} is not in the face of {package}"
            package, _, shown = package.rpartition(".")


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
        if ast.unparse(node.func) == "print" and path.startswith("core/") and not path.startswith("core/cli/"):
            yield f"{path}:{node.lineno}: print in core"


def _check_public(path: str, tree: ast.Module) -> Iterator[str]:
    if ast.get_docstring(tree) is None:
        yield f"{path}: no module docstring"
    for node, name in _public(tree.body, ""):
        overload = any(ast.unparse(decorator).endswith("overload") for decorator in node.decorator_list)
        inherited = "." in name and path.startswith("core/recipes/steps/")  # `Step` says what each method does
        if ast.get_docstring(node) is None and not (overload or inherited):
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


def test_a_name_is_that_of_one_class():
    found: dict[str, list[str]] = {}
    for module, tree in Tree(ROOT).sources.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found.setdefault(node.name, []).append(module)
    assert not {name: modules for name, modules in found.items() if len(modules) > 1}


DOC = '"""D."""\n'

BROKEN = [
    pytest.param("core/plain.py", "import streamlit as st", "streamlit may be imported", id="streamlit in core"),
    pytest.param("core/plain.py", "from app.ui import state", "app may be imported", id="core imports app"),
    pytest.param("core/training/trainer.py", "import h2o.automl", "h2o may be imported", id="h2o outside engine"),
    pytest.param("app/ui/shell.py", "from h2o import connect", "h2o may be imported", id="h2o in app"),
    pytest.param("core/engine/jvm/server.py", "import mlflow", "mlflow may be imported", id="mlflow outside store"),
    pytest.param(
        "core/work/worker.py", "def _f():\n    from mlflow import x", "mlflow may be imported", id="lazy import"
    ),
    pytest.param("core/features/x.py", "import sqlite3", "sqlite3 may be imported", id="sqlite3 elsewhere"),
    pytest.param("app/pages/train.py", "import threading", "a page may not import threading", id="thread in page"),
    pytest.param("app/pages/train.py", "from subprocess import run", "a page may not", id="subprocess in page"),
    pytest.param("core/plain.py", "try:\n    f()\nexcept Exception:\n    pass", "except Exception", id="broad"),
    pytest.param("app/ui/x.py", "try:\n    f()\nexcept (OSError, Exception):\n    pass", "except Exc", id="in a tuple"),
    pytest.param("core/work/runs.py", "try:\n    f()\nexcept:\n    pass", "bare except", id="bare"),
    pytest.param(
        "core/work/worker.py", "try:\n    f()\nexcept BaseException:\n    pass", "not raise again", id="swallowed"
    ),
    pytest.param("core/files.py", "with contextlib.suppress(Exception):\n    f()", "suppress(", id="suppress"),
    pytest.param("core/plain.py", "print(1)", "print in core", id="print"),
    pytest.param("app/pages/data.py", "st.x(use_container_width=True)", "use_container_width", id="old width"),
    pytest.param(
        "app/ui/widgets/layout.py", "st.markdown('', unsafe_allow_html=True)", "unsafe_allow_html", id="raw html"
    ),
    pytest.param("core/plain.py", "def f() -> None: ...", "f has no docstring", id="no docstring"),
    pytest.param("core/plain.py", "def f(a) -> None:\n    '''D.'''", "lacks types: a", id="argument"),
    pytest.param("core/plain.py", "def f(*, a, **b) -> int:\n    '''D.'''", "lacks types: a, b", id="keyword only"),
    pytest.param("core/plain.py", "def f():\n    '''D.'''", "lacks types: return", id="return"),
    pytest.param("core/plain.py", "class A:\n    '''D.'''\n    def m(self) -> int: ...", "A.m has no", id="method"),
]


ROOMS = {
    "core/__init__.py": "",
    "core/errors.py": "class AppError(Exception): ...",
    "core/domain/__init__.py": '__all__ = ["runs"]',
    "core/domain/runs.py": "class RunInfo: ...",
    "core/domain/hidden.py": "from core.domain.runs import RunInfo",
    "core/engine/__init__.py": '__all__ = ["Engine"]\nfrom core.engine.rest.client import Client\nEngine = Client',
    "core/engine/rest/__init__.py": '__all__ = ["client"]',
    "core/engine/rest/client.py": "from core.engine.rest import inner\nclass Client: ...",
    "core/engine/rest/inner.py": "import core.errors",
    "core/data/__init__.py": "",
    "core/data/reading/__init__.py": '__all__ = ["child"]',
    "core/data/reading/child/__init__.py": "",
    "core/data/reading/child/guard.py": "from core.errors import AppError",
}


@pytest.mark.parametrize(
    ("path", "source", "expected"),
    [
        pytest.param("core/errors.py", "from core.domain.runs import RunInfo", "which comes after it", id="upwards"),
        pytest.param("core/domain/x.py", "from core import engine", "which comes after it", id="from core import"),
        pytest.param("core/domain/x.py", "import core.engine", "which comes after it", id="import core.x"),
        pytest.param("core/domain/x.py", "def f():\n    from core import engine", "which comes after it", id="lazy"),
        pytest.param("core/domain/x.py", "from ..engine import Engine", "which comes after it", id="relative"),
        pytest.param("core/errors.py", "from . import engine", "which comes after it", id="relative, module"),
        pytest.param(
            "core/store/x.py", "from core.domain.hidden import RunInfo", "'hidden' is not in", id="past a face"
        ),
        pytest.param(
            "core/store/x.py", "from core.domain import hidden", "'hidden' is not in", id="module past a face"
        ),
        pytest.param("core/store/x.py", "from core.engine import Client", "'Client' is not in", id="name past a face"),
        pytest.param(
            "core/store/x.py", "from core.engine.rest.client import Client", "'rest' is not in", id="inner room"
        ),
        pytest.param("core/helpers.py", "", "no room", id="module without a room"),
        pytest.param("core/data/reading/child/guard.py", "import core.domain", "guarded child may not", id="child"),
    ],
)
def test_an_import_against_the_order_or_past_a_face_is_seen(tmp_path, path, source, expected):
    for name, text in (ROOMS | {path: source}).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = list(Tree(tmp_path).check())
    assert len(found) == 1, found
    assert expected in found[0]


@pytest.mark.parametrize(("path", "source", "expected"), BROKEN)
def test_a_broken_rule_is_seen(path, source, expected):
    found = check_source(path, DOC + source)
    assert len(found) == 1
    assert expected in found[0]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("core/engine/jvm/server.py", "import h2o\nfrom core.errors import EngineError"),
        ("core/store/mlflow.py", "import mlflow"),
        ("core/sqlite.py", "import sqlite3"),
        ("core/work/worker.py", "try:\n    f()\nexcept Exception:\n    pass"),
        ("core/cli/main.py", "from core.services import build\nprint(build)"),
        ("core/files.py", "try:\n    f()\nexcept BaseException:\n    g()\n    raise"),
        ("core/recipes/steps/levels.py", "class A:\n    '''D.'''\n    def learn(self, a: int) -> int: ..."),
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
    found = [fault for fault in check_tree(tmp_path) if "only main.py" in fault]
    assert len(found) == 1
    assert found[0].startswith("app/shell.py")


def test_every_public_call_of_the_services_is_in_the_table_of_permissions():
    """What is forgotten there is closed to everybody; core/access/permissions.py says what each role may call."""
    from core.access.permissions import CALLS, CLOSED
    from core.services import UNGUARDED, Services

    members = {field.name for field in dataclasses.fields(Services)} - set(UNGUARDED)
    kinds = typing.get_type_hints(Services)
    assert set(CALLS) == members
    for member in members:
        kind = kinds[member]
        public = {name for name in [*dir(kind), *typing.get_type_hints(kind)] if not name.startswith("_")}
        declared = [*CALLS[member], *CLOSED[member]]
        assert sorted(declared) == sorted(public), member


def test_an_empty_tree_passes(tmp_path):
    assert check_tree(tmp_path) == []
