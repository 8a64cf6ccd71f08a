"""Checks of an installation that start no engine and change nothing."""

import importlib.metadata
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.engine.jvm.external import describe_cluster
from core.engine.jvm.java import find_java
from core.errors import AppError
from core.settings import Settings
from core.sqlite import check_database
from core.wording import bytes_text

_PACKAGES = ("streamlit", "h2o", "mlflow", "pandas", "plotly", "pyarrow")
_MIN_PYTHON = (3, 11)


def checks(settings: Settings) -> list[dict[str, Any]]:
    """Look at Python, packages, Java, folders, disk and databases.

    Returns
    -------
    list of dict
        ``name``, ``ok`` and ``detail`` of each check, in a fixed order.
    """
    probes: tuple[tuple[str, Callable[[Settings], str]], ...] = (
        ("python", _python),
        ("packages", _packages),
        ("java", _java),
        ("data folder", lambda s: _writable(s.data_dir)),
        ("mlruns folder", lambda s: _writable(s.mlruns_dir)),
        ("disk space", _disk),
        ("mlflow database", lambda s: _database(s.mlruns_dir / "mlflow.db")),
        ("bellwether database", lambda s: _database(s.ledger_path)),
        ("engine memory", _memory),
        ("H2O cluster", _cluster),
    )
    results = []
    for name, probe in probes:
        try:
            results.append({"name": name, "ok": True, "detail": probe(settings)})
        except (AppError, OSError, importlib.metadata.PackageNotFoundError) as error:
            hint = f" {error.hint}" if isinstance(error, AppError) else ""
            results.append({"name": name, "ok": False, "detail": f"{error}{hint}"})
    return results


def _python(settings: Settings) -> str:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < _MIN_PYTHON:
        raise OSError(f"Python {version} is too old; 3.11 or newer is needed.")
    return version


def _packages(settings: Settings) -> str:
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)


def _java(settings: Settings) -> str:
    if settings.h2o_url:
        return "not needed: an external cluster is set"
    java = find_java()
    return f"Java {java.version} from {java.source}"


def _writable(folder: Path) -> str:
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not os.access(existing, os.W_OK):
        raise OSError(f"{existing} cannot be written to.")
    return str(folder)


def _disk(settings: Settings) -> str:
    existing = next(parent for parent in (settings.home, *settings.home.parents) if parent.exists())
    free = shutil.disk_usage(existing).free
    if free < settings.min_free_bytes:
        raise OSError(
            f"Only {bytes_text(free)} are free; new work is refused under {bytes_text(settings.min_free_bytes)}."
        )
    return f"{bytes_text(free)} free"


def _database(path: Path) -> str:
    if not path.exists():
        return "not created yet"
    check_database(path)
    return f"{bytes_text(path.stat().st_size)}, intact"


def _cluster(settings: Settings) -> str:
    if not settings.h2o_url:
        return "not used: the engine runs on this machine"
    return describe_cluster(settings)


def _memory(settings: Settings) -> str:
    if settings.h2o_url:
        return "that of the cluster"
    return f"{bytes_text(settings.h2o_memory_bytes)} heap"
