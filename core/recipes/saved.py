"""Saved recipes: each in a folder of its own under `data/recipes/`, every change a new file, none ever written over.

``<folder>/v0001.json`` … are the versions; each names the one it was made from, so undo goes back there.
``current.json`` says which version holds. A version can be handed to ``python -m core train --recipe`` as it is.
"""

import hashlib
import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from core.data.datasets.folder import clean_name
from core.errors import DataError, RecipeError, RecipeNotFoundError
from core.files import atomic_path
from core.locks import FileLock
from core.recipes.recipe import Recipe, Step, read_step
from core.settings import ROOT, Settings
from core.wording import bytes_text

MAX_FILE_BYTES: Final = 1024**2
_VERSION_FILE = re.compile(r"v(\d{4,9})\.json")
_CURRENT = "current.json"
_EXAMPLES = ROOT / "data" / "samples" / "recipes"
_LOCK = "lock"
_WORD = re.compile(r"[^a-z0-9]+")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class SavedRecipe:
    """One saved version."""

    recipe: Recipe
    parent: int | None
    change: str
    person: str
    saved_at: datetime

    @property
    def version(self) -> int:
        """Its number, from 1."""
        return int(self.recipe.version or 0)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data, a recipe with some facts about it."""
        data = self.recipe.to_dict()
        steps = data.pop("steps")
        about = {"parent": self.parent, "change": self.change, "person": self.person}
        return {**data, **about, "saved_at": self.saved_at.isoformat(), "steps": steps}


class Recipes:
    """The recipes of one home folder; safe to share between threads and processes.

    Where a recipe or a version is named there may be none (`RecipeNotFoundError`), or one that cannot be read or is of
    a newer version (`RecipeError`); what is written may find the disk full (`DiskFullError`).
    """

    def __init__(self, settings: Settings) -> None:
        self._root = settings.recipes_dir

    def names(self) -> tuple[str, ...]:
        """Return the names of all recipes, sorted; also of one whose versions a newer Bellwether wrote."""
        found = []
        for path in self._root.glob(f"*/{_CURRENT}"):
            try:
                name = _read_json(path).get("name")
            except RecipeError:
                _log.warning("The recipe in %s is damaged and is skipped.", path.parent)
                continue
            if isinstance(name, str):
                found.append(name)
        return tuple(sorted(found, key=str.casefold))

    def get(self, name: str, version: int | None = None) -> SavedRecipe:
        """Return a version of a recipe, the one that holds when none is named.

        Raises
        ------
        RecipeError
            If the file cannot be read, or was written by a newer version; it stays as it is.
        """
        folder = self._folder(name)
        path = folder / _file_name(version or self._current(folder, name))
        if not path.is_file():
            raise RecipeNotFoundError(f"The recipe {name!r} has no version {version}.")
        return _read_saved(path)

    def versions(self, name: str) -> tuple[int, ...]:
        """Return the numbers of all versions, the newest first."""
        folder = self._folder(name)
        self._current(folder, name)
        return tuple(sorted(_numbers(folder), reverse=True))

    def save(self, recipe: Recipe, *, based_on: int | None, change: str = "", person: str = "") -> SavedRecipe:
        """Save a recipe as a new version, which then holds.

        Parameters
        ----------
        recipe : Recipe
            Its name says which one.
        based_on : int or None
            The version it was made from; None for a new recipe.
        change : str
            What was changed, in words.

        Raises
        ------
        RecipeError
            If the name is empty or taken, or somebody else saved meanwhile (``recipe.conflict``); nothing is lost.
        DiskFullError
            If there is no space; the version that held still does.
        """
        recipe = replace(recipe, name=_clean_name(recipe.name))
        with self._alone(recipe.name) as folder:
            if based_on is not None:
                self._check_current(folder, recipe.name, based_on)
            elif (folder / _CURRENT).is_file():
                raise RecipeError(
                    f"A recipe called {recipe.name!r} already exists.",
                    hint="Choose another name.",
                    code="recipe.name_taken",
                )
            return self._write(folder, recipe, based_on, change, person)

    def undo(self, name: str, *, based_on: int) -> SavedRecipe:
        """Go back to the version that the current one was made from; errors as `save`."""
        return self._go(name, based_on, self.before(name, based_on), "undo")

    def redo(self, name: str, *, based_on: int) -> SavedRecipe:
        """Go forward again to the newest version made from the current one; errors as `save`."""
        return self._go(name, based_on, self.after(name, based_on), "redo")

    def before(self, name: str, version: int) -> int | None:
        """Return the version that undo would go back to."""
        return self.get(name, version).parent

    def after(self, name: str, version: int) -> int | None:
        """Return the version that redo would go forward to."""
        folder = self._folder(name)
        made = (number for number in sorted(_numbers(folder), reverse=True) if number > version)
        return next(
            (number for number in made if _read_json(folder / _file_name(number)).get("parent") == version), None
        )

    def restore(self, name: str, version: int, *, based_on: int) -> SavedRecipe:
        """Make an earlier or later version the one that holds; errors as `save`."""
        return self._go(name, based_on, version, "restore")

    def delete(self, name: str) -> None:
        """Remove a recipe with all its versions; runs keep their own copy."""
        self._current(self._folder(name), name)
        with self._alone(name) as folder:
            self._current(folder, name)
            # The pointer goes first: without it the recipe is gone, whatever happens next.
            (folder / _CURRENT).unlink()
            for number in _numbers(folder):
                (folder / _file_name(number)).unlink(missing_ok=True)

    def add_step(self, dataset_name: str, step: Mapping[str, Any] | Step, *, person: str = "") -> str:
        """Add a step to the end of a dataset's working recipe, which is named like the dataset and made when needed.

        Returns
        -------
        str
            What was done, in a sentence to show.

        Raises
        ------
        RecipeError
            If the step cannot be read, or the recipe was written by a newer version.
        """
        new = step if isinstance(step, Step) else read_step(step)
        name = _clean_name(dataset_name)
        words = new.words(None, str)
        with self._alone(name) as folder:
            try:
                saved = self.get(name)
            except RecipeNotFoundError:
                first = Recipe(steps=(new,), name=name, dataset=dataset_name)
                self._write(folder, first, None, words, person)
                return f"{words}: added to the new recipe {name!r}."
            if new in saved.recipe.steps:
                return f"{words}: this step is in the recipe {name!r} already."
            longer = saved.recipe.with_steps((*saved.recipe.steps, new))
            self._write(folder, longer, saved.version, words, person)
            return f"{words}: added to the recipe {name!r}."

    # --- inside -------------------------------------------------------------------------------------------------------

    def _folder(self, name: str) -> Path:
        """Return where a recipe lies: readable letters of its name, and a hash that tells names apart."""
        plain = _WORD.sub("-", name.casefold()).strip("-")[:40]
        return self._root / f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:12]}".strip("-")

    def _current(self, folder: Path, name: str) -> int:
        version = _read_json(folder / _CURRENT).get("version") if (folder / _CURRENT).is_file() else None
        if not isinstance(version, int):
            raise RecipeNotFoundError(f"There is no recipe called {name!r}.")
        return version

    def _check_current(self, folder: Path, name: str, based_on: int) -> None:
        current = self._current(folder, name)
        if current != based_on:
            raise RecipeError(
                f"Somebody else changed the recipe {name!r} meanwhile: version {based_on} became version {current}.",
                hint="Load it again, then repeat your change. Nothing was lost: every version is kept.",
                code="recipe.conflict",
            )

    def _write(self, folder: Path, recipe: Recipe, parent: int | None, change: str, person: str) -> SavedRecipe:
        version = max(_numbers(folder), default=0) + 1
        saved = SavedRecipe(
            recipe=replace(recipe, version=version), parent=parent, change=change, person=person,
            saved_at=datetime.now(UTC).replace(microsecond=0),
        )  # fmt: skip
        _write_json(folder / _file_name(version), saved.to_dict())
        self._point(folder, recipe.name, version)
        return saved

    def _go(self, name: str, based_on: int, version: int | None, what: str) -> SavedRecipe:
        if version is None:
            raise RecipeError(f"There is nothing to {what}.", hint="Change the recipe first.", code="recipe.no_version")
        found = self.get(name, version)
        with self._alone(name) as folder:
            self._check_current(folder, name, based_on)
            self._point(folder, name, version)
        return found

    def _point(self, folder: Path, name: str, version: int) -> None:
        _write_json(folder / _CURRENT, {"name": name, "version": version})

    @contextmanager
    def _alone(self, name: str) -> Iterator[Path]:
        """Hold a recipe's lock: changes take milliseconds, so others wait."""
        folder = self._folder(name)
        with FileLock(folder / _LOCK).alone():
            yield folder


def read_recipe_file(content: bytes) -> Recipe:
    """Read a recipe from the bytes of a JSON file.

    RecipeError if it is too large, no JSON, or no recipe that can be read.
    """
    if len(content) > MAX_FILE_BYTES:
        raise RecipeError(f"The file is larger than {bytes_text(MAX_FILE_BYTES)}.", code="recipe.file")
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise RecipeError(
            "The file is not JSON.", hint="Use a file that was downloaded from the Prepare page.", code="recipe.file"
        ) from error
    return Recipe.from_dict(data)


def recipe_json(recipe: Recipe) -> bytes:
    """Return a recipe as a readable JSON file, which `read_recipe_file` reads back."""
    return _pretty(recipe.to_dict())


def example_recipes() -> tuple[Recipe, ...]:
    """Return the recipes that ship with the product, by file name."""
    return tuple(read_recipe_file(path.read_bytes()) for path in sorted(_EXAMPLES.glob("*.json")))


def _clean_name(name: str) -> str:
    try:
        return clean_name(name)
    except DataError as error:
        raise RecipeError("A recipe needs a name.", hint=error.hint, code="recipe.name_empty") from error


def _file_name(version: int) -> str:
    return f"v{version:04d}.json"


def _numbers(folder: Path) -> list[int]:
    return [int(match[1]) for path in folder.glob("v*.json") if (match := _VERSION_FILE.fullmatch(path.name))]


def _read_saved(path: Path) -> SavedRecipe:
    data = _read_json(path)
    recipe = Recipe.from_dict(data)
    try:
        saved_at = datetime.fromisoformat(data["saved_at"])
    except (KeyError, TypeError, ValueError) as error:
        raise RecipeError(f"The file {path.name} of the recipe is damaged.", code="recipe.file") from error
    parent = data.get("parent")
    return SavedRecipe(
        recipe=recipe,
        parent=parent if isinstance(parent, int) else None,
        change=str(data.get("change", "")),
        person=str(data.get("person", "")),
        saved_at=saved_at,
    )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise RecipeError(
            f"The file {path.name} of a recipe is damaged.",
            hint="Restore it from a backup, or delete the folder data/recipes/" + path.parent.name + ".",
            code="recipe.file",
        ) from error
    return data if isinstance(data, dict) else {}


def _write_json(path: Path, data: dict[str, Any]) -> None:
    with atomic_path(path) as temporary:
        temporary.write_bytes(_pretty(data))


def _pretty(data: dict[str, Any]) -> bytes:
    return (json.dumps(data, ensure_ascii=False, indent=2, allow_nan=False) + "\n").encode()
