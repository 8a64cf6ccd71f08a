"""What is logged with a run, decided here as plain data; `Store.log` is the one place that writes it."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv

from core.domain.training import TrainingSettings
from core.plain import to_json, to_plain

MAX_PARAM_CHARS = 6000  # MLflow's limit


@dataclass(frozen=True)
class Param:
    """A setting of the run; MLflow never lets it change."""

    name: str
    value: str


@dataclass(frozen=True)
class Metric:
    """A number about the run.

    Attributes
    ----------
    timestamp : datetime or None
        When it was measured (UTC); None for now.
    """

    name: str
    value: float
    step: int = 0
    timestamp: datetime | None = None


@dataclass(frozen=True)
class Tag:
    """A word about the run, without the prefix; it may change."""

    name: str
    value: str


@dataclass(frozen=True)
class Artifact:
    """A file of the run.

    Attributes
    ----------
    path : str
        Where it goes among the run's artifacts, with forward slashes; one that is there is replaced.
    data : bytes or Path
        The content, or the file to copy.
    """

    path: str
    data: bytes | Path


RunItem = Param | Metric | Tag | Artifact


def iter_settings(settings: TrainingSettings) -> Iterator[RunItem]:
    """Yield one `Param` for each setting that is given, `settings.json` with all of them, `recipe.json` with a recipe.

    Lists become ``a, b, c``; one that is longer than MLflow allows is cut and ends in the number of its entries.
    """
    for name, value in to_plain(settings).items():
        if value is None or value in ([], {}):
            continue
        if name == "recipe":
            yield from _recipe_items(value)
            continue
        text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
        yield Param(name, _list_text(value) if isinstance(value, list) else _cut(text, "…"))
    yield Artifact("settings.json", to_json(settings, indent=2).encode())


def recipe_label(recipe: Mapping[str, Any]) -> str:
    """Return how the recipe of a run is called: its name and version.

    Examples
    --------
    >>> recipe_label({"name": "customers", "version": 3})
    'customers, version 3'
    """
    version = f", version {recipe['version']}" if recipe.get("version") else ""
    return f"{recipe.get('name') or 'without a name'}{version}"


def _recipe_items(recipe: dict[str, Any]) -> Iterator[RunItem]:
    yield Param("recipe", _cut(recipe_label(recipe), "…"))
    yield Artifact("recipe.json", json.dumps(recipe, ensure_ascii=False, indent=2).encode())


def iter_leaderboard(table: pa.Table) -> Iterator[RunItem]:
    """Yield `leaderboard.csv` from the engine's leaderboard, best model first."""
    buffer = io.BytesIO()
    pa_csv.write_csv(table, buffer)
    yield Artifact("leaderboard.csv", buffer.getvalue())


def iter_events(events: Iterable[tuple[str, str, str]]) -> Iterator[RunItem]:
    """Yield `event_log.csv` from the engine's events: time of day (UTC), stage and message."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(("time", "stage", "message"))
    writer.writerows(events)
    yield Artifact("event_log.csv", buffer.getvalue().encode())


def _list_text(values: list[Any]) -> str:
    texts = [value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in values]
    return _cut(", ".join(texts), f" … ({len(values)} in all; see settings.json)")


def _cut(text: str, ending: str) -> str:
    return text if len(text) <= MAX_PARAM_CHARS else text[: MAX_PARAM_CHARS - len(ending)] + ending
