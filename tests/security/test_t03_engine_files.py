"""T03: the engine reads and writes no files by name, not even for those who know its password."""

import ast
from pathlib import Path

import pytest

from core.engine.h2o import H2OEngine
from core.errors import EngineError
from core.settings import ROOT
from tests.fixtures_engine import Trained

DENIED = ("/etc/passwd", "/etc/ssl/openssl.cnf", str(Path.home() / ".ssh" / "id_rsa"), str(ROOT / "core" / "config.py"))
# What would make the engine itself open a file or a database.
FORBIDDEN = ("import_file", "import_sql", "export_file", "save_model", "ImportFiles", "ImportSQLTable", "Models.bin")


@pytest.mark.engine
@pytest.mark.parametrize("path", DENIED)
def test_import_by_name_is_denied(engine: H2OEngine, path: str) -> None:
    with pytest.raises(EngineError, match="denied"):
        engine._server.client().get("/3/ImportFiles", path=path)


@pytest.mark.engine
def test_export_by_name_is_denied(engine: H2OEngine, trained: Trained, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    with pytest.raises(EngineError, match="denied"):
        engine._server.client().post(f"/3/Frames/{trained.frame}/export", path=str(target), force=True)
    assert not target.exists()


def test_our_code_never_asks_for_it() -> None:
    for path in (ROOT / "core" / "engine").rglob("*.py"):
        if path.name == "imports.py":  # where an external cluster may: tests/security/test_t26_cluster_addresses.py
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            words = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
            name = getattr(node, "attr", getattr(node, "id", ""))
            assert not [word for word in FORBIDDEN if word in words or word == name], (path.name, words or name)
