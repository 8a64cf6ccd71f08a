"""How the Prepare page shows steps: the list with what each does, and one step before and after."""

from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import streamlit as st

from app.ui.prepare import recipe as preparing
from app.ui.widgets.layout import chart
from app.ui.widgets.text import escape_markdown
from core.charts.data import columns as charts
from core.data.profiling.profile import profile_table
from core.domain.columns import Column, Schema
from core.domain.datasets import Dataset
from core.recipes.preview import RecipePreview, StepEffect
from core.wording import count_text, number_text

if TYPE_CHECKING:
    from core.recipes.saved import Recipes, SavedRecipe

EXAMPLE_ROWS = 8
MAX_SHOWN_COLUMNS = 40
_MARK = "background-color: rgba(31, 127, 147, 0.22)"
_CHART_PX = 190


def effect_text(effect: StepEffect) -> str:
    """Return what a step does to the rows, in a few words."""
    if not effect.step.on:
        return "Off"
    facts = []
    rows, (before, after) = effect.n_rows[0] - effect.n_rows[1], effect.n_columns
    if rows:
        facts.append(f"{count_text(rows, 'row')} dropped")
    if cells := effect.changed_cells():
        facts.append(f"{count_text(cells, 'cell')} changed")
    if before != after:
        facts.append(f"{before:,} → {after:,} columns")
    if not facts and effect.made.columns and not effect.changed:
        done = "renamed" if effect.step.kind == "rename" else "replaced"
        facts.append(f"{count_text(len(effect.made.columns), 'column')} {done}")
    return " · ".join(facts) or "Changes nothing here"


def step_row(recipes: "Recipes", saved: "SavedRecipe", dataset: Dataset, place: int, effect: StepEffect) -> None:
    """Draw one step of the list: on or off, what it does, and what can be done with it."""
    step, n_steps = effect.step, len(saved.recipe.steps)
    plain = step.words(effect.learned, str)
    words = step.words(effect.learned, preparing.show_name)
    chosen = preparing.session.get(preparing.PLACE) == place
    # The version is part of the key: after a change every switch starts from what was saved.
    mark = f"{saved.version}_{place}"
    with st.container(border=True, gap="xsmall", key=f"prepare_step_{place}"):
        st.toggle(
            f"{place + 1}. {words}" if step.on else f":gray[{place + 1}. {words}]",
            value=step.on,
            key=f"prepare_on_{mark}",
            on_change=preparing.switch,
            args=(recipes, saved, dataset, place, plain),
            wrap=True,
        )
        if effect.error:
            st.markdown(
                f":small[:red[:material/error: {escape_markdown(effect.error.message)}]]  \n"
                f":small[{escape_markdown(effect.error.hint)}]"
            )
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", wrap=False):
            st.button(
                "Shown" if chosen else "Preview", key=f"prepare_look_{place}", icon=":material/visibility:",
                type="tertiary", disabled=chosen and preparing.session.get(preparing.MODE) == "look",
                on_click=preparing.look, args=(place,), help="See the rows before and after this step.",
            )  # fmt: skip
            st.caption("" if effect.error else effect_text(effect), width="stretch")
            act = {"type": "tertiary", "args": (recipes, saved, dataset, place)}
            st.button(
                "", key=f"prepare_up_{place}", icon=":material/arrow_upward:", disabled=place == 0, help="Move up",
                on_click=preparing.move, type="tertiary", args=(*act["args"], -1, plain),
            )  # fmt: skip
            st.button(
                "", key=f"prepare_down_{place}", icon=":material/arrow_downward:", disabled=place == n_steps - 1,
                help="Move down", on_click=preparing.move, type="tertiary", args=(*act["args"], 1, plain),
            )  # fmt: skip
            st.button(
                "", key=f"prepare_edit_{place}", icon=":material/edit:", help="Edit", type="tertiary",
                on_click=preparing.open_form, args=("edit", place),
            )  # fmt: skip
            st.button(
                "", key=f"prepare_remove_{place}", icon=":material/delete:", help="Remove; undo brings it back",
                on_click=preparing.remove, type="tertiary", args=(*act["args"], plain),
            )  # fmt: skip


def effect_view(effect: StepEffect, *, key: str) -> None:
    """Draw one step before and after: counts, real rows with the changed cells marked, and a distribution."""
    for remark in effect.remarks:
        st.caption(f":orange[:material/warning:] {escape_markdown(remark)}")
    _counts(effect)
    _rows(effect, key=key)
    if effect.made.columns:
        _distributions(effect, key=key)


def _counts(effect: StepEffect) -> None:
    rows, columns, missing = effect.n_rows, effect.n_columns, effect.missing
    facts = [("Rows", rows), ("Columns", columns)]
    if effect.changed:
        facts.append(("Missing cells", missing))
    with st.container(horizontal=True, gap="medium"):
        for name, (before, after) in facts:
            text = f"{before:,}" if before == after else f"{before:,} → {after:,}"
            st.metric(name, text, width="content")
        if effect.changed:
            st.metric("Cells changed", f"{effect.changed_cells():,}", width="content")


def _rows(effect: StepEffect, *, key: str) -> None:
    table, marked = effect.examples(EXAMPLE_ROWS)
    if not table.num_columns:
        return
    shown = table.select(list(range(min(table.num_columns, MAX_SHOWN_COLUMNS))))
    frame = shown.to_pandas(types_mapper=pd.ArrowDtype)
    marks = pd.DataFrame(marked[:, : shown.num_columns], columns=frame.columns, index=frame.index)
    styled = frame.style.apply(lambda _: marks.map(lambda is_marked: _MARK if is_marked else ""), axis=None)
    st.dataframe(
        styled.format(_cell_text, na_rep="missing"), key=f"{key}_rows", hide_index=True,
        placeholder="–", height="content",
        alt="Rows before and after the step",
    )  # fmt: skip
    if table.num_columns > shown.num_columns:
        st.caption(f"and {count_text(table.num_columns - shown.num_columns, 'more column')}")


def _cell_text(value: object) -> str:
    if isinstance(value, float):
        return number_text(value, 6)
    if isinstance(value, pd.Timestamp):
        return value.strftime("%Y-%m-%d" if value == value.normalize() else "%Y-%m-%d %H:%M:%S")
    return str(value)


def _distributions(effect: StepEffect, *, key: str) -> None:
    names = effect.made.names[:MAX_SHOWN_COLUMNS]
    name = names[0]
    if len(names) > 1:
        name = st.selectbox("Distribution of", names, key=f"{key}_column")
    source = _source(effect, name)
    sides = [("Before", effect.before, effect.schema, source)] if source else []
    sides.append(("After", effect.after, effect.made, name))
    for side, (title, table, schema, column) in zip(st.columns(len(sides)), sides, strict=True):
        with side:
            st.caption(f"{title}: {escape_markdown(column)}")
            _distribution(table, schema[column], key=f"{key}_{title.lower()}")


def _source(effect: StepEffect, name: str) -> str | None:
    """Return the column that a created one comes from, where it is a single one that can be drawn."""
    sources = effect.step.links(effect.learned or {})[name]
    return sources[0] if len(sources) == 1 else None


def _distribution(table: pa.Table, column: Column, *, key: str) -> None:
    described = profile_table(table.select([column.name]), Schema((column,))).columns[0]
    if described.histogram is not None:
        figure = charts.histogram(described)
    elif described.levels:
        figure = charts.levels(described)
    else:
        st.caption("Nothing to draw: " + (" · ".join(map(escape_markdown, described.examples)) or "no values"))
        return
    if described.histogram is not None:
        figure.update_layout(height=_CHART_PX)
    figure.update_xaxes(title_text=None)
    figure.update_yaxes(title_text=None)
    chart(figure, key=f"{key}_chart", alt="Distribution of the column")


def outcome(shown: RecipePreview, dataset: Dataset, *, key: str) -> None:
    """Draw the result of the whole recipe: its columns and the first rows."""
    raw = set(dataset.schema.names)
    made = [name for name in shown.schema.names if name not in raw]
    n_columns = count_text(len(shown.schema.columns), "column")
    size = f"{count_text(shown.n_rows, 'row')}, {n_columns}" + (f", {len(made):,} of them new" if made else "")
    st.header(f"{'Result' if shown.effects else 'Data before any step'} :gray[:small[{size}]]", anchor=False)
    # What is new comes first: there it is seen.
    names = sorted(shown.schema.names, key=lambda name: name not in made)[:MAX_SHOWN_COLUMNS]
    frame = shown.table.select(names).slice(0, EXAMPLE_ROWS).to_pandas(types_mapper=pd.ArrowDtype)
    marks = pd.DataFrame({name: [_MARK if name in made else ""] * len(frame) for name in names}, index=frame.index)
    styled = frame.style.apply(lambda _: marks, axis=None).format(_cell_text, na_rep="missing")
    st.dataframe(
        styled, key=f"{key}_rows", hide_index=True, placeholder="–", height="content", alt="First rows of the result"
    )
    if shown.n_rows < dataset.n_rows:
        st.caption(
            f"Tried on {shown.n_rows:,} of {dataset.n_rows:,} rows, drawn at random. Training fits the recipe on all "
            "training rows."
        )
    elif shown.effects:
        st.caption("Tried on all rows. Training fits the recipe again, on the training rows only.")
