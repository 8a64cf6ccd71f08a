"""The part of Bellwether that a model is scored by, in one file, so that the model needs no Bellwether around it."""

import ast
import io
import py_compile
import tempfile
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

LIBRARY: Final = "bellwether.zip"
START: Final = "core.served.child.server"
MODEL_CODE: Final = Path(__file__).parent / "served_model.py"
_ROOT: Final = Path(__file__).resolve().parents[2]
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # the same sources make the same file


@cache
def packed_library() -> bytes:
    """Return a zip archive of `core.served.child.server` and every module of ours that it needs.

    Each is there as source, and compiled for the Python that runs now; another one compiles the source itself.
    """
    found: dict[str, Path] = {}
    waiting = [START]
    while waiting:
        module = waiting.pop()
        path = _path(module)
        if module not in found and path is not None:
            found[module] = path
            waiting += _imported(path.read_bytes())
            waiting.append(module.rpartition(".")[0])
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(found.values()):
            name, source = path.relative_to(_ROOT).as_posix(), path.read_bytes()
            file.writestr(zipfile.ZipInfo(name, _EPOCH), source, zipfile.ZIP_DEFLATED)
            file.writestr(zipfile.ZipInfo(f"{name}c", _EPOCH), _compiled(name, path), zipfile.ZIP_DEFLATED)
    return archive.getvalue()


def _compiled(name: str, path: Path) -> bytes:
    """Return a module as a `.pyc` holds it that goes by the source's hash, which nobody looks at (PEP 552)."""
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    with tempfile.TemporaryDirectory() as folder:
        compiled = Path(folder, "module.pyc")
        py_compile.compile(str(path), str(compiled), name, doraise=True, invalidation_mode=unchecked)
        return compiled.read_bytes()


def _path(module: str) -> Path | None:
    """Return the file of one of our modules; None for others, and for names that are no modules."""
    if module.partition(".")[0] != "core":
        return None
    path = _ROOT.joinpath(*module.split("."))
    return next((file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file()), None)


def _imported(source: bytes) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
