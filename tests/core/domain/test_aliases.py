"""Names that would break the engine get another one there; all others stay."""

import random
from pathlib import Path

import pyarrow as pa
import pytest

from core.domain.aliases import NO_ALIASES, choose_aliases, plain_name
from core.domain.columns import Column, Schema
from core.domain.models import ModelSpec
from core.domain.training import TrainingSettings
from core.engine.encoded import fold, fold_contributions, split_bias
from core.features.engine_input import engine_csv
from core.plain import from_json, to_json

NUMBER = Column("y", "numeric")


def number(name: str) -> Column:
    return Column(name, "numeric")


def category(name: str, *levels: str) -> Column:
    return Column(name, "category", levels=levels)


@pytest.mark.parametrize(
    "name", ["[info]", "[columns]", "[domains]", "# rooms", "#", "BiasTerm", "Intercept", "bw1~a", "predict"]
)
def test_a_column_that_the_engines_files_take_for_something_else_has_an_alias(name: str) -> None:
    assert choose_aliases(Schema((number(name), number("a"))), NUMBER).columns == (name,)
    assert choose_aliases(Schema((number("a"),)), number(name)).columns == (name,)
    assert choose_aliases(Schema((number("a"),)), NUMBER, [name]).columns == (name,)


@pytest.mark.parametrize("name", ["[x]", "a # b", "bias", "info", "größe", "a.b", 'say "x"', "p1", "StdDev"])
def test_all_other_columns_keep_their_names(name: str) -> None:
    assert choose_aliases(Schema((number(name), number("a"))), NUMBER) == NO_ALIASES


@pytest.mark.parametrize(
    ("columns", "aliased"),
    [
        ((category("type", "0", "1"), number("type.1")), ("type.1",)),
        ((category("type", "0", "1"), number("type.2")), ()),
        ((category("type", "0"), number("type.missing(NA)")), ("type.missing(NA)",)),
        ((category("type", "0"), number("type.NA")), ("type.NA",)),
        ((category("a", "b.x", "c"), category("a.b", "x", "y")), ("a.b",)),
        ((category("a", "b.y", "c"), category("a.b", "x", "z")), ()),
        ((category("a", "b.NA"), category("a.b", "x")), ("a.b",)),
        ((category("a.b", "c.d"), number("a.b.c.d"), number("a")), ("a.b.c.d",)),
        ((number("type"), number("type.1")), ()),
        ((Column("type", "category"), number("type.1")), ("type.1",)),
    ],
)
def test_a_column_called_like_another_one_with_a_level_has_an_alias(
    columns: tuple[Column, ...], aliased: tuple[str, ...]
) -> None:
    assert choose_aliases(Schema(columns), NUMBER).columns == aliased


@pytest.mark.parametrize("name", ["predict", "p0", "p1", "p-1.5", "cal_p0", "StdDev", "StdErr", "BiasTerm"])
def test_a_class_called_like_a_column_of_the_answer_has_an_alias(name: str) -> None:
    aliases = choose_aliases(Schema((number("a"),)), category("y", "no", name))
    assert aliases.classes == (name,)
    assert plain_name(aliases.level(name)) == name
    assert aliases.level("no") == "no"


def test_classes_keep_the_engines_order() -> None:
    aliases = choose_aliases(Schema((number("a"),)), category("y", "ant", "predict", "cat"))
    assert aliases.in_frame(("ant", "cat", "predict")) == ("ant", "predict", "cat")


def test_only_the_engines_file_has_the_aliases(tmp_path: Path) -> None:
    schema = Schema((number("BiasTerm"), category("y", "no", "predict")))
    table = pa.table({"BiasTerm": [1.0, 2.0, 3.0], "y": ["no", "predict", None]})
    aliases = choose_aliases(Schema(schema.columns[:1]), schema["y"])
    columns = engine_csv(table, schema, tmp_path / "x.csv", aliases, target="y")
    assert columns == (("bw1~BiasTerm", "Numeric"), ("y", "Enum"))
    assert (tmp_path / "x.csv").read_text() == '1,"no"\n2,"bw1~predict"\n3,\n'


def test_a_feature_like_the_bias_is_not_taken_for_it() -> None:
    alias = "bw1~BiasTerm"
    found = pa.table({"a": [1.0], alias: [2.0], "BiasTerm": [3.0]})
    features, bias = split_bias(fold_contributions(found, {"a": (), alias: ()}))
    assert {name: values.to_pylist() for name, values in features.items()} == {"a": [1.0], "BiasTerm": [2.0]}
    assert bias.to_pylist() == [3.0]


def test_importance_goes_to_the_column_that_earned_it() -> None:
    features = {"type": ("0", "1"), "bw1~type.1": ()}
    assert fold([("type.1", 3.0), ("bw1~type.1", 1.0)], features) == (("type", 1.0), ("type.1", 1 / 3))


def test_settings_have_the_engines_names() -> None:
    asked = TrainingSettings(
        dataset_id="d", target="[info]", experiment="e", task="regression", weights_column="#w",
        monotone_constraints={"BiasTerm": 1, "a": -1},
    )  # fmt: skip
    aliases = choose_aliases(Schema((number("BiasTerm"), number("a"))), number("[info]"), ["#w"])
    found = aliases.settings(asked)
    assert (found.target, found.weights_column) == ("bw2~[info]", "bw3~#w")
    assert found.monotone_constraints == {"bw1~BiasTerm": 1, "a": -1}


def test_a_spec_keeps_its_aliases_and_older_ones_have_none() -> None:
    features = Schema((number("BiasTerm"),))
    spec = ModelSpec(
        task="regression", target="y", target_column=NUMBER, features=features,
        aliases=choose_aliases(features, NUMBER),
    )  # fmt: skip
    assert from_json(ModelSpec, to_json(spec).encode()) == spec
    older = to_json(spec).replace(', "aliases": {"columns": ["BiasTerm"], "classes": []}', "")
    assert from_json(ModelSpec, older.encode()).aliases == NO_ALIASES


def test_names_made_at_random_never_meet_in_the_engine() -> None:
    chance, parts = random.Random(3), ("a", "b", "NA", "1", "BiasTerm", "#", "[info]", "bw1~", "missing(NA)")

    def name() -> str:
        return ".".join(chance.choices(parts, k=chance.randint(1, 3)))

    for _ in range(300):
        names = sorted({name() for _ in range(6)})
        columns = [category(n, name(), name()) if chance.random() < 0.5 else number(n) for n in names]
        aliases = choose_aliases(Schema(tuple(columns)), NUMBER)
        encoded: list[str] = []
        for column in columns:
            own, levels = aliases.column(column.name), {*(column.levels or ()), "missing(NA)", "NA"}
            encoded += [own, *(f"{own}.{level}" for level in levels if column.type == "category")]
            assert plain_name(own) == column.name
        assert len(encoded) == len(set(encoded)), encoded
