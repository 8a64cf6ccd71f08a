"""What a result workbook tells beside the predictions: how it looks, what each column is, what the model is."""

from typing import Final

import pyarrow as pa

from core.domain.columns import Column
from core.domain.models import METRIC_NAMES, ORIGIN_NAMES, Origin
from core.exports.tables import Look
from core.metrics.labels import PREDICTION
from core.scoring.result import Scored
from core.wording import day_text, list_text, number_text

Lines = tuple[tuple[str, ...], ...]

DICTIONARY, CARD = "Data dictionary", "Model card"
_MAX_COLOURS: Final = 8
_POSITIVE, _NEGATIVE, _OUTSIDE = "#F7D9A8", "#E8EEF7", "#F6CFCF"
_PASTELS: Final = (
    "#DCE8F8", "#F7D9A8", "#D8EFD9", "#F6CFCF", "#E6DCF3", "#FBF0B8", "#D3EEF0", "#E9E2D8",
)  # fmt: skip
_SHOWN_LEVELS: Final = 30
_HOW_TO_READ: Final = (
    "Metrics of cross-validation and holdout come from rows the model had not seen while learning. They hold for rows "
    "like those of training; the column trust and the check on the sheet Summary tell where rows differ."
)
_RESULTS: Final = {
    PREDICTION: "What the model predicts",
    "prediction_low": "Lower end of the interval around the prediction",
    "prediction_high": "Upper end of the interval around the prediction",
    "rank": "1 is the row with the highest prediction",
    "decile": "1 is the tenth of the rows with the highest predictions, 10 the one with the lowest",
    "trust": "inside: the row is like those the model learned from; outside: see trust_note",
    "trust_note": "What in the row the model does not know",
}


def make_look(scored: Scored, table: pa.Table) -> Look:
    """Return how the workbook of a result looks and which sheets it has.

    Parameters
    ----------
    table : Table
        What the first sheet will hold, from `Scored.table`.
    """
    spec = scored.spec
    probabilities = [f"probability_{name}" for name in spec.classes]
    formats = dict.fromkeys(probabilities, "0.0%") | {"rank": "#,##0"}
    if spec.task == "regression":
        formats |= dict.fromkeys((PREDICTION, "prediction_low", "prediction_high"), "#,##0.00")
    colours: dict[str, dict[str | int, str]] = {"trust": {"outside": _OUTSIDE}, **_label_colours(scored)}
    scales = (f"probability_{spec.positive}",) if spec.task == "binary" else ()
    sheets = {DICTIONARY: _dictionary(scored, table), CARD: _card(scored)}
    return Look(formats=formats, colours=colours, scales=scales, sheets=sheets)


def _label_colours(scored: Scored) -> dict[str, dict[str | int, str]]:
    spec = scored.spec
    if spec.task == "regression" or len(spec.classes) > _MAX_COLOURS:
        return {}
    is_number = pa.types.is_integer(scored.results[PREDICTION].type)
    labels: list[str | int] = [int(name) if is_number else name for name in spec.classes]
    if spec.task == "binary":
        chosen = [_POSITIVE if name == spec.positive else _NEGATIVE for name in spec.classes]
        return {PREDICTION: dict(zip(labels, chosen, strict=True))}
    return {PREDICTION: dict(zip(labels, _PASTELS, strict=False))}


def _dictionary(scored: Scored, table: pa.Table) -> Lines:
    lines = [("Column", "From", "Type", "What it is")]
    own = set(table.column_names) - set(scored.results.column_names)
    for name in table.column_names:
        if name not in own:
            lines.append((name, "prediction", _type_name(table[name].type), _result_words(name)))
            continue
        known = name.removesuffix("_input") if name not in scored.source.column_names else name
        if known in scored.spec.needed:
            column = scored.spec.needed[known]
            lines.append((name, "your file", column.type, _input_words(column)))
        elif known == scored.spec.target:
            lines.append((name, "your file", scored.spec.target_column.type, "What is predicted: the actual value"))
        else:
            lines.append((name, "your file", _type_name(table[name].type), "Not used by the model"))
    return tuple(lines)


def _result_words(name: str) -> str:
    if name.startswith("probability_"):
        return f"Probability that the row is {name.removeprefix('probability_')}, 0 to 1"
    if name.startswith("reason_"):
        return "What moved this prediction most, the strongest first; it says nothing about cause"
    return _RESULTS.get(name, "")


def _input_words(column: Column) -> str:
    if column.levels is None:
        return "Used by the model"
    return f"Used by the model; it knows {list_text(column.levels, _SHOWN_LEVELS)}"


def _type_name(kind: pa.DataType) -> str:
    if pa.types.is_integer(kind):
        return "whole number"
    if pa.types.is_floating(kind):
        return "number"
    return "date" if pa.types.is_temporal(kind) else "text"


def _card(scored: Scored) -> Lines:
    model, spec = scored.model, scored.spec
    version = f"version {model.version}" if model.version else "no version"
    standing = ", the champion" if model.is_champion else ""
    lines = [
        ("About", "Value"),
        ("Problem", spec.experiment),
        ("Model", f"{model.model_key} ({version}{standing})"),
        ("Algorithm", model.algo),
        ("Made", day_text(model.created_at)),
        ("Engine", f"H2O {spec.h2o_version}" if spec.h2o_version else "H2O"),
        ("Learned from", spec.dataset_name),
        ("Target", spec.target),
        ("Task", spec.task),
    ]
    if spec.classes:
        lines.append(("Classes", ", ".join(spec.classes)))
    if spec.positive:
        lines.append(("Positive class", spec.positive))
    lines.append(("Columns it needs", ", ".join(spec.needed.names)))
    for name, value in sorted(model.metrics.items()):
        origin, _, metric = name.partition("_")
        if origin in ("cv", "holdout") and metric in METRIC_NAMES:
            lines.append((f"{METRIC_NAMES[metric]}, {ORIGIN_NAMES[_origin(origin)]}", number_text(value)))
    lines.append(("URI", model.uri))
    lines.append(("How to read it", _HOW_TO_READ))
    return tuple(lines)


def _origin(name: str) -> Origin:
    return "holdout" if name == "holdout" else "cv"
