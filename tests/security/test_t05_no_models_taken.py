"""T05, T12: people hand in tables and recipes, never models; nothing that is stored runs when it is read."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from core.domain.formats import READABLE_EXTENSIONS

ROOT = Path(__file__).resolve().parents[2]
MODELS = {"jar", "java", "mojo", "pkl", "pickle", "joblib", "onnx", "h5", "pmml", "bin"}
# What each page may take in; text of Python as it stands in the code.
TAKEN = {"list(READABLE_EXTENSIONS)", "['json']"}
RUNS_CODE = re.compile(
    r"^\s*(?:import|from) (?:cloudpickle|dill|joblib|marshal|pickle|shelve)\b"
    r"|(?<![\w.])(?:eval|exec)\(|\b(?:load_model|import_mojo|upload_mojo|read_pickle)\(",
    re.MULTILINE,
)
# The stored binary goes back into the engine for explanations; the file that others open is one of theirs.
ENGINE_UPLOAD = ["core/engine/rest/models.py"]


def sources() -> Iterator[tuple[str, str]]:
    for path in sorted([*ROOT.glob("core/**/*.py"), *ROOT.glob("app/**/*.py")]):
        yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


def test_every_upload_names_the_endings_it_takes_and_none_is_of_a_model():
    uploaders = {path: ast.parse(text) for path, text in sources() if "file_uploader(" in text}
    assert len(uploaders) >= 4
    for path, tree in uploaders.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "file_uploader":
                kinds = {word.arg: ast.unparse(word.value) for word in node.keywords}
                assert kinds.get("type") in TAKEN, path
    assert not MODELS & {ending.lstrip(".").lower() for ending in READABLE_EXTENSIONS}


def test_nothing_stored_is_unpickled_and_no_model_of_others_is_loaded():
    found = {path: RUNS_CODE.findall(text) for path, text in sources()}
    assert {path: names for path, names in found.items() if names} == {}
    assert RUNS_CODE.findall("import pickle\nmlflow.pyfunc.load_model(uri)\neval(text)") == [
        "import pickle", "load_model(", "eval(",
    ]  # fmt: skip


def test_a_model_reaches_the_engine_from_the_store_alone():
    assert [path for path, text in sources() if "Models.upload" in text] == ENGINE_UPLOAD
