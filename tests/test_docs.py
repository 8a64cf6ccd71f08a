"""The documentation keeps up with the code: settings, error codes, pages, commands, examples."""

import ast
import doctest
import importlib
import inspect
import re
from dataclasses import Field, fields
from pathlib import Path

import pytest

from core import errors
from core.settings import Settings
from tests import reference

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
SOURCES = sorted([*ROOT.glob("core/**/*.py"), *ROOT.glob("app/**/*.py")])
PAGES = sorted(ROOT.glob("app/pages/*.py"))
PROSE = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
WITH_EXAMPLES = [path for path in SOURCES if ">>> " in path.read_text(encoding="utf-8")]
CODE = re.compile(r"[a-z]+\.[a-z_]+")
ERRORS = [
    kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.AppError)
]  # fmt: skip


def _row(text: str, first_cell: str) -> str:
    rows = [line for line in text.splitlines() if line.startswith(f"| `{first_cell}` |")]
    assert len(rows) == 1, f"{first_cell} has {len(rows)} rows"
    return rows[0]


def _shown(spec: Field) -> str:
    """Return a setting's default as docs/settings.md shows it."""
    if spec.name == "home":
        return "the repository's folder"
    if isinstance(spec.default, bool):
        return "on" if spec.default else "off"
    if not isinstance(spec.default, str | int | float):
        return "half of the memory"
    if not spec.metadata.get("size"):
        if isinstance(spec.default, str):
            return spec.default or "none"
        return str(spec.default) if isinstance(spec.default, int) else f"{spec.default:g}"
    unit, name = (1024**3, "GiB") if spec.default % 1024**3 == 0 else (1024**2, "MiB")
    return f"{spec.default // unit} {name}"


@pytest.mark.parametrize("spec", fields(Settings), ids=lambda spec: spec.name)
def test_each_setting_is_documented_with_its_default(spec):
    row = _row((DOCS / "settings.md").read_text(encoding="utf-8"), spec.metadata["env"])
    assert row.split("|")[2].strip() == _shown(spec)


def test_no_setting_is_documented_that_does_not_exist():
    listed = re.findall(r"^\| `(BELLWETHER_\w+)`", (DOCS / "settings.md").read_text(encoding="utf-8"), re.MULTILINE)
    known = {spec.metadata["env"] for spec in fields(Settings)}
    assert set(listed) - known == {"BELLWETHER_TEST_DATA", "BELLWETHER_TEST_BROWSER", "BELLWETHER_SOAK"}


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_each_error_is_documented_with_code_and_hint(kind):
    row = _row((DOCS / "errors.md").read_text(encoding="utf-8"), kind.__name__)
    assert f"`{kind.default_code}`" in row
    assert kind.default_hint in row


def _codes(path: Path) -> set[str]:
    """Return the error codes that a file hands over as `code=...` or keeps in a variable `code`."""
    found: list[ast.expr] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), filename=str(path))):
        names = [target.id for target in getattr(node, "targets", []) if isinstance(target, ast.Name)]
        if (isinstance(node, ast.keyword) and node.arg == "code") or "code" in names:
            found.append(node.value)
    texts = {n.value for value in found for n in ast.walk(value) if isinstance(n, ast.Constant)}
    return {text for text in texts if isinstance(text, str) and CODE.fullmatch(text) and not text.endswith("_")}


def test_each_specific_code_is_documented():
    documented = (DOCS / "errors.md").read_text(encoding="utf-8")
    missing = {f"{code} ({path.name})" for path in SOURCES for code in _codes(path) if f"`{code}`" not in documented}
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_each_page_is_in_the_user_guide(page):
    guide = (DOCS / "user-guide.md").read_text(encoding="utf-8")
    assert re.search(rf"(?<![\w/])/{page.stem}\b", guide), f"the guide lacks /{page.stem}"


def test_the_readme_names_only_commands_that_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"`?make ([a-z-]+)", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert {"run", "test"} <= named <= targets


def test_the_reference_of_commands_is_what_the_parsers_say():
    assert (DOCS / "commands.md").read_text(encoding="utf-8") == reference.commands(), "run python -m tests.reference"


def test_each_argument_of_a_command_is_explained():
    said = re.findall(r"^\| `([^`]+)` \| (.*) \|$", reference.commands(), re.MULTILINE)
    assert len(said) > 100
    assert not [argument for argument, text in said if not text.strip()]


def test_the_reference_of_http_is_what_the_description_says():
    page = (DOCS / "http.md").read_text(encoding="utf-8")
    assert page == reference.http(page), "run python -m tests.reference"


def test_the_readme_leads_to_each_page_of_the_documentation():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert not [
        page.name for page in (*DOCS.glob("*.md"), *DOCS.glob("*.ipynb")) if f"](docs/{page.name}" not in readme
    ]


@pytest.mark.parametrize("page", PROSE, ids=lambda page: page.stem)
def test_links_lead_to_files_and_headings_that_exist(page):
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        path, _, anchor = link.partition("#")
        if link.startswith(("http:", "https:", "mailto:")):
            continue
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in _anchors(target)):
            broken.append(link)
    assert not broken


def _anchors(page: Path) -> set[str]:
    """Return what headings of a page can be linked by, as GitHub makes it of them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_how_to_change_it_names_files_and_folders_that_exist():
    for page in ("changing.md", "architecture.md"):
        named = re.findall(r"`((?:core|app|tests|docs|bench)/[\w./]*)`", (DOCS / page).read_text(encoding="utf-8"))
        assert named or page == "architecture.md"
        assert not [path for path in named if not (ROOT / path).exists()]


def _defined(tree: ast.Module) -> set[str]:
    targets = [node.targets for node in tree.body if isinstance(node, ast.Assign)]
    named = {node.target for node in tree.body if isinstance(node, ast.AnnAssign)} | {
        t for each in targets for t in each
    }
    kinds = (ast.ClassDef, ast.FunctionDef)
    return {node.name for node in tree.body if isinstance(node, kinds)} | {ast.unparse(target) for target in named}


def test_how_files_are_read_names_tests_that_exist():
    named = set(re.findall(r"`(test_\w+)` \|$", (DOCS / "files.md").read_text("utf-8"), re.M))
    known = {
        name
        for path in (ROOT / "tests" / "core" / "data").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text("utf-8"), re.M)
    }
    assert len(named) > 20
    assert named <= known


@pytest.mark.parametrize(("page", "letter", "most"), [("security.md", "T", 25), ("operations.md", "F", 20)])
def test_each_threat_and_fault_has_a_row_with_a_figure_a_measurement_and_a_test(page, letter, most):
    text = (DOCS / page).read_text(encoding="utf-8")
    for number in range(1, most + 1):
        name = f"{letter}{number:02}"
        rows = [line for line in text.splitlines() if line.startswith(f"| {name} |")]
        assert len(rows) == 1, name
        cells = [cell.strip() for cell in rows[0].strip("|").split("|")]
        assert len(cells) == 5, name
        assert all(cells), name
        tests = re.findall(r"`(tests/[\w/]+\.py)`", cells[4])
        assert tests, name
        assert not [path for path in tests if not (ROOT / path).exists()], name


def test_what_somebody_looks_for_is_in_one_room():
    rows = re.findall(
        r"^\| (Where .*|Which .*) \| `(.*)` \| `(.*)` \|$", (DOCS / "changing.md").read_text("utf-8"), re.M
    )
    assert len(rows) >= 20
    places = {path: _defined(ast.parse(path.read_text(encoding="utf-8"))) for path in SOURCES}
    for question, room, name in rows:
        found = {path.parent.relative_to(ROOT).as_posix() for path, names in places.items() if name in names}
        assert found == {room}, question


def test_every_room_is_in_the_list_of_rooms():
    listed = (DOCS / "architecture.md").read_text(encoding="utf-8")
    rooms = {path.parent.relative_to(ROOT / "core").as_posix() for path in ROOT.glob("core/*/**/__init__.py")}
    assert not {room for room in rooms - {"data"} if f"`{room}`" not in listed}


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_in_docstrings_hold(path):
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_each_decision_has_a_number_of_its_own_and_says_it():
    records = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    numbers = [path.name[:4] for path in records]
    assert len(set(numbers)) == len(numbers)
    for path in records:
        assert path.read_text(encoding="utf-8").startswith(f"# {path.name[:4]}. "), path.name
