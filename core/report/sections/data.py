"""Parts of a report: the data that the model learned from, how it was trained, and how to make it again."""

from collections.abc import Iterator

import numpy as np
from markupsafe import Markup

from core.data.drift.compare import ColumnReference
from core.data.relations.binning import show_numbers
from core.domain.columns import Column
from core.domain.datasets import Dataset
from core.recipes.recipe import Recipe
from core.report.contents import Contents
from core.report.markup import beyond_paper, bullets, facts, heading, join, paragraph, say, section, table
from core.training.wording import setting_words
from core.wording import cut_text, day_text, list_text, percent_text

MAX_COLUMNS, MAX_CLASSES = 60, 12
_SHOWN_LEVELS, _PARAMETER_CHARS = 4, 60


def data(contents: Contents) -> Markup:
    """Return what the data is: where it comes from, how much, how much is missing, what was left out."""
    dataset = contents.dataset
    parts: list[str] = [facts(_data_facts(contents))]
    if dataset is None:
        parts.append(paragraph("The dataset has since been deleted; this was stored with the run."))
    parts += [_columns(contents), _left_out(contents)]
    return section("data", "The data", *parts)


def _data_facts(contents: Contents) -> Iterator[tuple[str, str]]:
    dataset, reference = contents.dataset, contents.reference
    yield "Dataset", dataset.label if dataset else contents.spec.dataset_name
    if dataset:
        yield "File", dataset.file_name
        yield "Added", day_text(dataset.created_at)
        yield "Size", f"{dataset.n_rows:,} rows, {dataset.n_columns:,} columns"
    yield "Fingerprint", say("<code>{digits}</code>", digits=contents.spec.dataset_id)
    held_out = next((one.n_rows for one in contents.judged if one.origin == "holdout"), 0)
    if reference:
        yield "Learned from", f"{reference.rows:,} rows"
        cells = sum(column.rows for column in reference.columns)
        missing = sum(column.missing for column in reference.columns)
        share = f"{percent_text(missing / cells)} of the cells in the columns it learned from" if missing else "none"
        yield "Missing", share
    yield "Held out", f"{held_out:,} rows" if held_out else "none"
    if reference and (unused := _unused_rows(dataset, reference.rows, held_out)):
        yield "Rows not used", f"{unused:,}, such as rows without a target or set aside for ensembles"
    for name, words in _periods(contents):
        yield say("Period, {name}", name=name), words
    yield from _class_counts(contents)


def _unused_rows(dataset: Dataset | None, learned: int, held_out: int) -> int:
    return dataset.n_rows - learned - held_out if dataset else 0


def _class_counts(contents: Contents) -> Iterator[tuple[str, str]]:
    if not contents.judged:
        return
    judged = contents.judged[0]
    which = "rows it learned from" if judged.origin == "cv" else "rows held out"
    ranked = sorted(judged.counts.items(), key=lambda pair: -pair[1])
    for name, count in ranked[:MAX_CLASSES]:
        words = f"{count:,} of {judged.n_rows:,} {which} ({percent_text(count / judged.n_rows)})"
        yield say("{target} is {name}", target=contents.spec.target, name=name), words
    if len(ranked) > MAX_CLASSES:
        yield "Other classes", f"{len(ranked) - MAX_CLASSES:,}, none of them more frequent"


def _periods(contents: Contents) -> Iterator[tuple[str, str]]:
    for column in contents.reference.columns if contents.reference else ():
        if column.type == "date" and column.sketch:
            yield column.name, _range(column)


def _range(column: ColumnReference, *, integer: bool = False) -> str:
    ends = np.array([column.sketch[0], column.sketch[-1]])
    low, high = show_numbers(ends, Column(column.name, column.type, integer=integer))
    return f"{low} to {high}"


def _columns(contents: Contents) -> Markup:
    """Return the columns that the model learned from, the most important ones first."""
    reference = contents.reference
    if reference is None:
        return paragraph("Statistics of the training rows were not stored with this run.")
    ranked = [one.feature for one in (contents.found.variable_importance.data or ())] if contents.found else []
    places = {name: place for place, name in enumerate(ranked, 1)}
    columns = sorted(reference.columns, key=lambda column: places.get(column.name, len(places) + 1))
    needed = contents.spec.needed
    rows = [
        (
            column.name,
            column.type,
            _values(column, integer=column.name in needed and needed[column.name].integer),
            percent_text(column.missing / column.rows) if column.rows else "",
            str(places.get(column.name, "")),
        )
        for column in columns[:MAX_COLUMNS]
    ]
    more = len(columns) - MAX_COLUMNS
    return join(
        heading("Columns it learned from"),
        table(("Column", "Type", "Values in the training rows", "Missing", "Importance, place"), rows, words=3),
        paragraph(f"And {more:,} more.", "small") if more > 0 else "",
    )


def _values(column: ColumnReference, *, integer: bool) -> str:
    if column.type == "category":
        return list_text((level for level, _ in column.levels), _SHOWN_LEVELS)
    return _range(column, integer=integer) if column.sketch else "none"


def _left_out(contents: Contents) -> Markup:
    dataset, spec = contents.dataset, contents.spec
    if dataset is None:
        return Markup()
    reasons = {"text": "free text", "id": "an id"}
    ignored = set(contents.run.settings.ignored)
    settings = contents.run.settings
    special = {settings.split_column: "splits the rows", settings.fold_column: "gives the fold",
               settings.weights_column: "gives each row's weight"}  # fmt: skip
    items = [
        say("{name}: {why}", name=column.name, why=why)
        for column in dataset.schema.columns
        if column.name != spec.target and column.name not in spec.needed
        for why in [
            special.get(column.name)
            or ("left out by choice" if column.name in ignored else reasons.get(column.type, "not used"))
        ]
    ]
    more = [f"and {len(items) - MAX_COLUMNS:,} more"] if len(items) > MAX_COLUMNS else []
    return join(heading("Columns it does not use"), bullets([*items[:MAX_COLUMNS], *more])) if items else Markup()


def training(contents: Contents) -> Markup:
    """Return what was asked of the training, the recipe, and what the model is made of."""
    run = contents.run
    asked = [*setting_words(run.settings).items()]
    took = run.seconds
    if "total" in took:
        asked.append(("Took", f"{took['total']:,.0f} s, of which training {took.get('train', 0):,.0f} s"))
    parts: list[str] = [facts(asked), heading("Recipe"), _recipe(contents)]
    if contents.details.parameters:
        named = [(name, _parameter(value)) for name, value in contents.details.parameters.items() if value]
        title = f"Parameters of the model ({contents.model.algo})"
        parts += [
            heading(title),
            beyond_paper("They are in the file.", say('<div class="small">{}</div>', facts(named))),
        ]
    return section("training", "How it was trained", *parts)


def _parameter(value: str) -> str:
    """Return a parameter's value; H2O writes the largest number where there is no limit."""
    return "no limit" if value.startswith("1.797693134862315") else cut_text(value, _PARAMETER_CHARS)


def _recipe(contents: Contents) -> Markup:
    data = contents.run.settings.recipe
    if data is None:
        return paragraph("None: the model learned from the columns as they are.")
    steps = [" ".join(step.words(None, str).split()) for step in Recipe.from_dict(data).steps if step.on]
    return join(
        paragraph("Fitted on the training rows only, and applied by itself to every file that is scored."),
        bullets(steps) if steps else paragraph("All of its steps are switched off."),
    )


def reproduction(contents: Contents) -> Markup:
    """Return what it takes to make the model again, and whether somebody did."""
    run = contents.run
    found: list[tuple[str, str]] = [
        ("Run", say("<code>{name}</code>", name=run.run_id)),
        ("Script", f"rebuild.py: on the run's page, or python -m core reproduce {run.run_id} --out DIR"),
        ("Data", say("<code>{digits}</code>, first 32 hex digits of the sha256 of the file and how it was read",
                     digits=contents.spec.dataset_id)),
        ("Seed", str(run.settings.seed)),
        ("Versions", ", ".join(f"{name} {version}" for name, version in run.versions.items()) or "not known"),
    ]  # fmt: skip
    if run.engine is not None:
        found.append(("Engine", f"{run.engine.n_nodes} node, {run.engine.n_threads} threads"))
    return section("again", "How to reproduce it", facts(found), _verdict(contents))


def _verdict(contents: Contents) -> Markup:
    verdict = contents.verdict
    if verdict is None:
        return paragraph("Nobody has trained the run again yet to see whether the result is the same.")
    if verdict.is_same:
        return paragraph(
            f"The run was trained again: the same leaderboard. {verdict.n_models} models with {verdict.n_metrics} "
            f"metrics agree; the largest difference is {verdict.largest:.1g}."
        )
    why = bullets(verdict.reasons) if verdict.reasons else paragraph("There is no known reason for it.")
    return join(paragraph("The run was trained again, and its leaderboard was different."), why)
