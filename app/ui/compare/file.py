"""One file scored by all models that are compared: who moves, and which model is better on it."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa
import streamlit as st

from app.ui.compare.chosen import Choice
from app.ui.compare.view import difference_record, difference_table
from app.ui.data import uploads
from app.ui.services import get_services
from app.ui.widgets.text import escape_markdown
from core.data.reading.reader import READABLE_EXTENSIONS
from core.metrics.labels import PREDICTION
from core.models.beside import BesideEachOther
from core.scoring.known_rows import seen_warnings
from core.scoring.result import Scored
from core.scoring.swap import SwapSet, changed_rows, swap_set
from core.wording import alike_texts, count_text, number_text, percent_text

if TYPE_CHECKING:
    from core.scoring.opened import OpenedFile

_UPLOAD, _RESULT = "compare.upload", "compare.result"
_SHOWN = 500
UPLOADED = "Upload a file"


def draw(choice: Choice, found: BesideEachOther) -> None:
    """Draw the choice of a file, and what came of scoring it."""
    del found
    models = [model for model in choice.models if model.has_files]
    if len(models) < 2:
        st.info("Fewer than two of these models have files to score with.", icon=":material/info:")
        return
    services = get_services()
    datasets = {dataset.id: dataset for dataset in services.datasets.list()}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "File to score with each of them", (UPLOADED, *datasets), key="compare_file", width=420,
            format_func=lambda key: datasets[key].label if key in datasets else key,
        )  # fmt: skip
        ready = chosen != UPLOADED or _received()
        start = st.button(
            "Score and compare", key="compare_score", type="primary", icon=":material/play_arrow:", disabled=not ready
        )
    st.caption("Nothing is added to the history of predictions: nobody acts on these.")
    key = (chosen, tuple(model.id for model in models))
    if start:
        with st.spinner(f"Scoring with {count_text(len(models), 'model')}"), _opened(chosen) as file:
            first, *others = services.scorer.score_beside(file, models)
            warnings = seen_warnings(services.datasets, services.store, (first, *others), choice.names)
        st.session_state[_RESULT] = (key, first, others, warnings)
    kept = st.session_state.get(_RESULT)
    if kept is None or kept[0] != key:
        return
    _, first, others, warnings = kept
    for text in warnings:
        st.warning(escape_markdown(text), icon=":material/warning:")
    by_name = {choice.names[scored.model.id]: scored for scored in others}
    name = next(iter(by_name))
    if len(by_name) > 1:
        name = st.selectbox("Compared with the first", tuple(by_name), key="compare_second", width=420)
    _swap(choice, first, by_name[name])


def _received() -> bool:
    """Draw the uploader; True once a file is there."""
    settings = get_services().settings
    received = st.file_uploader(
        "File", type=list(READABLE_EXTENSIONS), key="compare_upload", label_visibility="collapsed", width=360
    )
    if received is not None:
        if old := st.session_state.pop(_UPLOAD, None):
            old.discard()
        st.session_state.pop(_RESULT, None)
        st.session_state[_UPLOAD] = uploads.spill(received, settings)
    return _UPLOAD in st.session_state


@contextmanager
def _opened(chosen: str) -> "Iterator[OpenedFile]":
    services = get_services()
    if chosen == UPLOADED:
        upload = st.session_state[_UPLOAD]
        path, name = upload.path, upload.name
    else:
        dataset = services.datasets.open(chosen)
        path, name = dataset.original(), dataset.about.file_name
    with closing(services.scorer.open(path, name)) as file:
        yield file


def _swap(choice: Choice, first: Scored, second: Scored) -> None:
    found = swap_set(first, second)
    one, other = (escape_markdown(choice.names[model.id]) for model in (found.first, found.second))
    if found.n_changed is None:
        counts = {move.after: move.n_rows for move in found.moves}
        st.markdown(
            f"From **{one}** to **{other}**: {counts['higher']:,} of {found.n_rows:,} predictions rise, "
            f"{counts['lower']:,} fall."
        )
    else:
        share = percent_text(found.n_changed / found.n_rows) if found.n_rows else "0%"
        st.markdown(f"From **{one}** to **{other}**: **{found.n_changed:,}** of {found.n_rows:,} rows move ({share}).")
        moves = [{"before": m.before, "after": m.after, "rows": m.n_rows} for m in found.moves]
        config = {
            "before": st.column_config.TextColumn(f"Label by {choice.names[found.first.id]}"),
            "after": st.column_config.TextColumn(f"Label by {choice.names[found.second.id]}"),
            "rows": st.column_config.NumberColumn("Rows", format="localized"),
        }
        if moves:
            st.dataframe(
                moves,
                hide_index=True,
                placeholder="–",
                column_config=config,
                key="compare_moves",
                alt="Rows that move by label",
            )
    if found.differences:
        _better(choice, found)
    else:
        st.caption("The file does not hold the actual values, so which of the two is better cannot be told from it.")
    _changed(choice, first, second)


def _better(choice: Choice, found: SwapSet) -> None:
    if found.profit is not None:
        unit = f" {escape_markdown(found.unit)}" if found.unit else ""
        one = found.profit
        value, low, high = alike_texts(one.value, one.low, one.high)
        st.metric(
            "Profit for 1,000 rows, by the policy in force",
            f"{number_text(one.second)}{unit}",
            f"{value} ({low} to {high}, 95% interval)",
        )
    name = choice.names[found.second.id]
    records = [difference_record(name, one) for one in found.differences]
    st.markdown(f"**On the {found.n_compared:,} rows whose actual value the file holds**")
    difference_table(records, key="compare_file_differences", first=choice.names[found.first.id])


def _changed(choice: Choice, first: Scored, second: Scored) -> None:
    places = pa.array(changed_rows(first, second)[:_SHOWN])
    if not len(places):
        return
    own = first.packed(as_text=True).table().take(places).drop_columns(first.results.column_names)
    names = [choice.names[model.id] for model in (first.model, second.model)]
    results = {}
    for name, scored in zip(names, (first, second), strict=True):
        results[f"{name}: prediction"] = scored.results[PREDICTION].take(places)
        if scored.spec.positive is not None:
            results[f"{name}: {scored.spec.positive}"] = scored.results[f"probability_{scored.spec.positive}"].take(
                places
            )
    with st.expander(f"The rows that move, the furthest first ({len(places):,} shown)"):
        table = pa.table(results | {name: own[name] for name in own.column_names if name not in results})
        st.dataframe(table, hide_index=True, placeholder="–", key="compare_changed", alt="Rows that move")
