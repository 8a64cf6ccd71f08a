"""Saved recipes: every change is a version, none is lost, whoever writes at the same time."""

import json
import os
import threading
from pathlib import Path

import pytest

from core.errors import RecipeError, RecipeNotFoundError
from core.recipes.recipe import Recipe, read_step
from core.recipes.saved import Recipes, example_recipes, read_recipe_file, recipe_json
from core.settings import Settings

DROP = read_step({"kind": "drop", "columns": ["id"]})
SCALE = read_step({"kind": "min_max", "columns": ["age"]})
CLIP = read_step({"kind": "clip", "column": "age", "low": 18})


@pytest.fixture
def recipes(settings: Settings) -> Recipes:
    return Recipes(settings)


def first(recipes: Recipes, name: str = "mine"):
    return recipes.save(Recipe(name=name, dataset="sales", steps=(DROP,)), based_on=None, change="drop id")


def longer(recipes: Recipes, saved, step):
    return recipes.save(saved.recipe.with_steps((*saved.recipe.steps, step)), based_on=saved.version)


def kinds(saved) -> list[str]:
    return [step.kind for step in saved.recipe.steps]


def test_versions_are_files_of_their_own_that_are_recipes(recipes, settings):
    one = first(recipes)
    two = longer(recipes, one, SCALE)
    assert (one.version, two.version, two.parent) == (1, 2, 1)
    assert recipes.names() == ("mine",)
    assert recipes.get("mine") == two
    assert recipes.get("mine", 1) == one
    assert recipes.versions("mine") == (2, 1)
    files = sorted(path.name for path in settings.recipes_dir.glob("mine-*/v*.json"))
    assert files == ["v0001.json", "v0002.json"]
    path = next(settings.recipes_dir.glob("mine-*/v0002.json"))
    assert read_recipe_file(path.read_bytes()) == two.recipe
    assert path.stat().st_mode & 0o777 == 0o600


def test_undo_and_redo_walk_along_what_was_made_from_what(recipes):
    one = first(recipes)
    two = longer(recipes, one, SCALE)
    assert recipes.undo("mine", based_on=2) == one
    assert recipes.get("mine") == one
    assert recipes.redo("mine", based_on=1) == two
    recipes.undo("mine", based_on=2)
    three = longer(recipes, one, CLIP)
    assert (three.version, three.parent, kinds(three)) == (3, 1, ["drop", "clip"])
    assert recipes.undo("mine", based_on=3) == one
    # The branch made last is the one to go forward to; the other one is still there.
    assert recipes.redo("mine", based_on=1) == three
    assert recipes.restore("mine", 2, based_on=3) == two
    assert recipes.get("mine") == two


def test_there_is_an_end_to_undo_and_redo(recipes):
    first(recipes)
    for act in (recipes.undo, recipes.redo):
        with pytest.raises(RecipeError) as caught:
            act("mine", based_on=1)
        assert caught.value.code == "recipe.no_version"


def test_a_change_of_what_somebody_else_changed_is_refused_and_nothing_lost(recipes):
    one = first(recipes)
    two = longer(recipes, one, SCALE)
    for act in (
        lambda: longer(recipes, one, CLIP),
        lambda: recipes.restore("mine", 1, based_on=1),
    ):
        with pytest.raises(RecipeError) as caught:
            act()
        assert caught.value.code == "recipe.conflict"
    assert recipes.get("mine") == two


def test_names_are_taken_once_and_may_be_anything(recipes):
    names = ["mine", "Mine!", "../../etc/passwd", "数据", "a/b", "." * 5, "x" * 120]
    for name in names:
        first(recipes, name)
    assert set(recipes.names()) == set(names)
    assert all(recipes.get(name).recipe.name == name for name in names)
    with pytest.raises(RecipeError) as caught:
        first(recipes)
    assert caught.value.code == "recipe.name_taken"
    with pytest.raises(RecipeError) as caught:
        first(recipes, " \n")
    assert caught.value.code == "recipe.name_empty"


def test_nothing_is_written_outside_the_folder(recipes, settings):
    first(recipes, "../../escaped")
    written = list(settings.home.rglob("*.json"))
    assert all(path.is_relative_to(settings.recipes_dir) for path in written)


def test_what_is_not_there(recipes):
    first(recipes)
    for act in (
        lambda: recipes.get("other"),
        lambda: recipes.get("mine", 7),
        lambda: recipes.versions("other"),
        lambda: recipes.delete("other"),
        lambda: recipes.save(Recipe(name="other"), based_on=1),
    ):
        with pytest.raises(RecipeNotFoundError):
            act()


def test_a_deleted_recipe_is_gone_and_its_name_free(recipes):
    longer(recipes, first(recipes), SCALE)
    recipes.delete("mine")
    assert recipes.names() == ()
    assert first(recipes).version == 1
    assert recipes.versions("mine") == (1,)


def test_a_recipe_from_a_newer_version_is_named_and_left_as_it_is(recipes, settings):
    first(recipes)
    path = next(settings.recipes_dir.glob("mine-*/v0001.json"))
    newer = json.loads(path.read_text()) | {"recipe_version": 2, "unheard_of": True}
    path.write_text(json.dumps(newer))
    assert recipes.names() == ("mine",)
    for act in (lambda: recipes.get("mine"), lambda: recipes.add_step("mine", SCALE)):
        with pytest.raises(RecipeError) as caught:
            act()
        assert caught.value.code == "recipe.version"
    assert json.loads(path.read_text()) == newer
    assert recipes.versions("mine") == (1,)


def test_damaged_files_hide_one_recipe_and_no_other(recipes, settings):
    first(recipes), first(recipes, "other")
    next(settings.recipes_dir.glob("mine-*/current.json")).write_text("{")
    assert recipes.names() == ("other",)
    with pytest.raises(RecipeError) as caught:
        recipes.get("mine")
    assert caught.value.code == "recipe.file"


def test_steps_are_added_to_the_working_recipe_of_a_dataset(recipes):
    said = recipes.add_step("sales 2024", {"kind": "drop", "columns": ["id"]})
    assert said == "Drop id: added to the new recipe 'sales 2024'."
    assert recipes.get("sales 2024").recipe.dataset == "sales 2024"
    assert recipes.add_step("sales 2024", SCALE) == "Scale age to 0 … 1: added to the recipe 'sales 2024'."
    assert "already" in recipes.add_step("sales 2024", {"kind": "min_max", "columns": ["age"]})
    saved = recipes.get("sales 2024")
    assert (kinds(saved), saved.version, saved.change) == (["drop", "min_max"], 2, "Scale age to 0 … 1")
    with pytest.raises(RecipeError):
        recipes.add_step("sales 2024", {"kind": "nonsense"})


def test_many_at_once_lose_no_step(settings):
    def add(number: int) -> None:
        Recipes(settings).add_step("busy", {"kind": "drop", "columns": [f"c{number}"]})

    threads = [threading.Thread(target=add, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    saved = Recipes(settings).get("busy")
    assert saved.version == 12
    assert {step.columns[0] for step in saved.recipe.steps} == {f"c{n}" for n in range(12)}


def test_a_full_disk_leaves_the_version_that_held(recipes, monkeypatch):
    one = first(recipes)

    def no_space(self: Path, data: bytes) -> int:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", no_space)
        with pytest.raises(OSError, match="full"):
            longer(recipes, one, SCALE)
    assert recipes.get("mine") == one
    assert longer(recipes, one, SCALE).version == 2


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "recipe.file"),
        (b"\xff\xfe{", "recipe.file"),
        (b"[" * 100_000, "recipe.file"),
        (b" " * (1024**2 + 1), "recipe.file"),
        (b"[1]", "recipe.version"),
        (b'{"recipe_version": 9, "steps": []}', "recipe.version"),
    ],
)
def test_an_uploaded_file_that_is_no_recipe(content, code):
    with pytest.raises(RecipeError) as caught:
        read_recipe_file(content)
    assert caught.value.code == code


def test_a_downloaded_recipe_can_be_uploaded_and_read_by_a_person():
    recipe = Recipe(name="größe", version=2, dataset="sales", steps=(DROP, SCALE.switched(on=False)))
    text = recipe_json(recipe)
    assert read_recipe_file(text) == recipe
    assert '  "name": "größe"' in text.decode()


def test_the_shipped_recipes_can_be_read():
    assert [recipe.dataset for recipe in example_recipes()] == [
        "insurance_cross_sell",
        "Sample: insurance customers (synthetic)",
    ]
