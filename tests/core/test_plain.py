"""One serialiser: what is written comes back equal, older shapes still read, all else is refused with its place."""

import json
import math
import random
import string
import types
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import pytest

from core.data.drift.compare import Drift, Reference
from core.data.profiling.gaps import Gaps
from core.data.profiling.profile import Profile
from core.data.profiling.slices import Filter
from core.data.reading.child.request import ReadResult, Request
from core.data.relations.associations import Associations
from core.data.relations.leakage import Leakage
from core.data.relations.relations import Relation
from core.domain.columns import Column, Schema
from core.domain.datasets import Dataset
from core.domain.models import ModelDetails, ModelInfo, ModelSpec
from core.domain.reading import Reading, ReadOptions
from core.domain.runs import AutoMLJob, AutoMLState
from core.domain.training import TrainingSettings
from core.engine.jvm.jvm import Address
from core.engine.protocol import EngineSize
from core.errors import StoreCorruptError
from core.explanations.items import Explanations
from core.explanations.models import ModelComparison
from core.features.checking import FileCheck
from core.ledger.database import AuditEntry, PolicyEntry
from core.ledger.outcome_records import AlertRule, OutcomeFile, Realised
from core.ledger.scoring_records import ScoringRecord, ScoringSummary
from core.metrics.policy import Policy
from core.models.decisions import Decision
from core.plain import from_json, from_plain, to_json, to_plain
from core.training.proof.verification import Verdict

STORED = (
    Address, AlertRule, ReadResult, Associations, AuditEntry, AutoMLJob, AutoMLState, ModelComparison, Dataset,
    Decision, Drift, EngineSize, Explanations, FileCheck, Filter, Gaps, Leakage, ModelDetails, ModelInfo, ModelSpec,
    OutcomeFile, Policy, PolicyEntry, Profile, ReadOptions, Reading, Realised, Reference, Relation, Request,
    Schema, ScoringRecord, ScoringSummary, TrainingSettings, Verdict,
)  # fmt: skip
T = TypeVar("T")


def some(kind: Any, draw: random.Random) -> Any:
    """Return a value of a type, as its hints have it."""
    base, arguments = get_origin(kind) or kind, get_args(kind)
    if base in (Union, types.UnionType):
        # Row notes hold packed tables, which are stored beside the plain data.
        known = [one for one in arguments if getattr(one, "__name__", "") != "RowNotes"]
        return some(draw.choice(known), draw)
    if base is Literal:
        return draw.choice(arguments)
    if base is tuple and arguments[-1] is not ...:
        return tuple(some(one, draw) for one in arguments)
    if base in (tuple, list):
        return base(some(arguments[0], draw) for _ in range(draw.randint(0, 3)))
    if base in (Mapping, dict):
        return {f"key {place}": some(arguments[1], draw) for place in range(draw.randint(0, 3))}
    if is_dataclass(base):
        meant = dict(zip(getattr(base, "__parameters__", ()), arguments, strict=False))
        hints = get_type_hints(base)
        return base(**{spec.name: some(_meant(hints[spec.name], meant), draw) for spec in fields(base)})
    return {
        str: lambda: "".join(draw.choices(string.printable + "äß€\u2028😀", k=draw.randint(0, 8))),
        int: lambda: draw.randint(-(10**12), 10**12),
        float: lambda: draw.choice((0.0, -1.5, draw.random(), draw.random() * 1e300, 5e-324)),
        bool: lambda: draw.random() < 0.5,
        types.NoneType: lambda: None,
        datetime: lambda: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=draw.randint(0, 10**15)),
    }.get(base, lambda: draw.choice((None, 1, "text", [1, 2.5], {"a": ["b"]})))()


def _meant(hint: Any, meant: Mapping[Any, Any]) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        return Union[tuple(meant.get(one, one) for one in get_args(hint))]  # noqa: UP007 - made of a tuple
    return meant.get(hint, hint)


@pytest.mark.parametrize("kind", STORED, ids=lambda kind: kind.__name__)
def test_what_is_stored_comes_back_as_it_was(kind):
    draw = random.Random(kind.__name__)
    for _ in range(30):
        value = some(kind, draw)
        text = to_json(value)
        assert from_json(kind, text) == value
        # The names in the file are the fields', all of them, so that other versions find what they look for.
        assert list(json.loads(text)) == [spec.name for spec in fields(kind)]


def test_numbers_that_json_lacks_are_null_and_come_back_as_nan():
    @dataclass
    class Two:
        must: float
        may: float | None
        many: tuple[float, ...]

    text = to_json(Two(math.nan, math.inf, (1.0, math.nan)))
    assert text == '{"must": null, "may": null, "many": [1.0, null]}'
    found = from_json(Two, text)
    assert math.isnan(found.must)
    assert found.may is None
    assert found.many[0] == 1.0
    assert math.isnan(found.many[1])


def test_a_generic_record_is_read_as_what_it_is_of():
    @dataclass
    class Box(Generic[T]):
        data: T | None

    @dataclass
    class Shelf:
        box: Box[tuple[Column, ...]]

    shelf = Shelf(Box((Column("a", "numeric"),)))
    assert from_plain(Shelf, to_plain(shelf)) == shelf


# --- what earlier versions wrote --------------------------------------------------------------------------------------

_COLUMN = {"name": "age", "type": "numeric"}


def test_a_dataset_of_before_options_versions_and_readings_still_reads():
    old = {
        "id": "0" * 32, "name": "customers", "file_name": "customers.csv", "n_rows": 3, "n_columns": 1,
        "size_bytes": 9, "created_at": "2025-01-02T03:04:05+00:00", "schema": {"columns": [_COLUMN]}, "format": "csv",
        "sheet": None, "warnings": ["One."],
    }  # fmt: skip
    found = from_plain(Dataset, old)
    assert (found.version, found.options, found.reading, found.warnings) == (1, ReadOptions(), None, ("One.",))
    assert found.schema["age"] == Column("age", "numeric", integer=False, format=None, levels=None, decimal=None)


def test_options_are_stored_as_what_was_said():
    said = ReadOptions(separator=";", types=(("a", "text"),))
    assert said.said() == {"separator": ";", "types": [["a", "text"]]}
    assert from_plain(ReadOptions, said.said()) == said


def test_settings_of_before_most_options_still_read():
    old = {"dataset_id": "0" * 32, "target": "y", "experiment": "e", "task": "binary", "ignored": ["id"], "seed": 7}
    found = from_plain(TrainingSettings, old)
    assert found == TrainingSettings(
        dataset_id="0" * 32, target="y", experiment="e", task="binary", ignored=("id",), seed=7
    )


def test_a_model_of_before_recipes_still_reads():
    old = {
        "task": "binary", "target": "y", "target_column": _COLUMN, "features": {"columns": [_COLUMN]},
        "classes": ["no", "yes"], "positive": "yes", "threshold": 0.25,
    }  # fmt: skip
    found = from_plain(ModelSpec, old)
    assert (found.needed, found.recipe, found.target_recipe) == (found.features, None, None)
    assert found.classes == ("no", "yes")


def test_details_of_before_members_had_weights_still_read():
    found = from_plain(ModelDetails, {"key": "GBM_1", "algo": "GBM", "metrics": {"cv_auc": 1}, "domain": ["no", "yes"]})
    assert (found.member_weights, found.scoring_history, found.domain) == ((), {}, ("no", "yes"))


def test_a_policy_of_before_calibration_still_reads():
    assert from_plain(Policy, {"threshold": 0.5, "rule": "f1"}) == Policy(threshold=0.5, rule="f1")


def test_a_summary_of_before_rows_were_looked_at_still_reads():
    assert from_plain(ScoringSummary, {"task": "regression", "labels": {}}) == ScoringSummary(task="regression")


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "data", "why"),
    [
        (Column, {"name": "a", "type": "numeric", "colour": "m"}, "the field 'colour' is unknown"),
        (Column, {"name": "a"}, "the field 'type' is missing"),
        (Column, {"name": "a", "type": "number"}, "type: 'number' is not one of 'numeric'"),
        (Column, {"name": 1, "type": "id"}, "name: 1 is not str"),
        (Column, {"name": None, "type": "id"}, "name: None is not str"),
        (Column, {"name": "a", "type": "id", "integer": 1}, "integer: 1 is not bool"),
        (Column, {"name": "a", "type": "id", "levels": "ab"}, "levels: "),
        (Column, [], "[] is not an object"),
        (Schema, {"columns": [{"name": "a", "type": "id"}, 7]}, "columns: 7 is not an object"),
        (Schema, {"columns": {"name": "a"}}, "columns: {'name': 'a'} is not a list"),
        (Leakage, {"measure": "AUC", "scores": [["a"]], "formulas": [], "rows": 1}, "scores: ['a'] is not a list of 2"),
        (EngineSize, {"version": "3", "n_nodes": 1.5, "n_threads": 2}, "n_nodes: 1.5 is not int"),
        (EngineSize, {"version": "3", "n_nodes": True, "n_threads": 2}, "n_nodes: True is not int"),
        (AlertRule, {"psi": "high", "loss": 0.1}, "psi: 'high' is not float"),
        (AlertRule, {"psi": 1, "loss": 0.1, "at": "yesterday"}, "at: "),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(kind, data, why):
    with pytest.raises(StoreCorruptError) as caught:
        from_plain(kind, data, what="the file x.json")
    assert caught.value.message.startswith(f"The file x.json cannot be read: {why}")
    assert "newer version" in caught.value.hint


def test_text_that_is_no_json_is_refused():
    with pytest.raises(StoreCorruptError, match="What is stored as Policy cannot be read: it is not JSON"):
        from_json(Policy, "{")
