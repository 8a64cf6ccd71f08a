"""What the Data page shows of one dataset below its first rows: types, reading, versions, name."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from app.ui import navigation, state
from app.ui.data import reading, receiving
from app.ui.errors import guard, show
from app.ui.widgets import tables
from app.ui.widgets.models.leaderboard import as_table, table_height
from app.ui.widgets.text import escape_markdown
from core.data.datasets.versions import describe_change
from core.wording import ago_text, bytes_text, count_text

if TYPE_CHECKING:
    import pyarrow as pa

    from core.domain.datasets import Dataset
    from core.services import Services

_ROWS_SHOWN = 14


def types_text(dataset: "Dataset") -> str:
    """Return how many columns are of each type, the most frequent type first, such as ``"7 numeric, 4 category"``."""
    counted = Counter(column.type for column in dataset.schema.columns)
    return ", ".join(f"{number:,} {name}" for name, number in counted.most_common())


def everything(services: "Services") -> None:
    """Draw the list of all datasets, the newest first; a row opens one."""
    known = services.datasets.list()
    if len(known) == 1:
        return
    with st.expander(f"All {len(known):,} datasets", key="data_all_open", on_change="rerun") as opened:
        if opened.open:
            _list(known, services)


def _list(known: "Sequence[Dataset]", services: "Services") -> None:
    runs = Counter(run.settings.dataset_id for run in services.store.list_runs(archived=None))

    def pick() -> None:
        rows = st.session_state["data_all"].selection.rows
        if rows:
            st.session_state["data_select"] = known[rows[0]].id
            state.remember("dataset", known[rows[0]].id)

    records = [
        {
            "name": one.label,
            "rows": one.n_rows,
            "columns": one.n_columns,
            "size": bytes_text(one.size_bytes),
            "added": one.created_at,
            "runs": runs[one.id],
        }
        for one in known
    ]
    number = st.column_config.NumberColumn
    st.dataframe(
        as_table(records),
        key="data_all",
        hide_index=True,
        placeholder="–",
        on_select=pick,
        selection_mode="single-row",
        height=table_height(len(records), _ROWS_SHOWN),
        alt="All datasets, the newest first",
        column_config={
            "name": st.column_config.TextColumn("Dataset", width="large"),
            "rows": number("Rows", format="localized"),
            "columns": number("Columns", format="localized"),
            "size": st.column_config.TextColumn("Size", alignment="right"),
            "added": st.column_config.DatetimeColumn("Added (UTC)", format="D MMM YYYY, HH:mm"),
            "runs": number("Runs", format="localized", help="Trainings on it, of the latest 500."),
        },
    )
    st.caption("Choose a row to open it.")


def types(dataset: "Dataset", preview: "pa.Table", services: "Services") -> None:
    """Draw the columns with their types, which can be changed together."""
    st.caption(tables.TYPE_HELP)
    known = tables.schema_table(dataset, preview)
    edited = st.data_editor(
        known,
        key=f"data_types_{st.session_state.get('data.types_saved', 0)}",
        column_config=tables.SCHEMA_COLUMNS,
        hide_index=True,
        height="content" if len(known) <= _ROWS_SHOWN else 560,
        alt="The columns of the dataset with their types; types and date formats can be changed",
    )
    changes = tables.changed_types(known, edited)
    label = f"Save {count_text(len(changes), 'change')}" if changes else "Save changes"
    if st.button(label, key="data_save_types", type="primary", disabled=not changes):
        with guard(), st.spinner("Changing types"):
            for name, (new_type, date_format) in changes.items():
                services.datasets.set_type(dataset.id, name, new_type, format=date_format)
        st.session_state["data.types_saved"] = st.session_state.get("data.types_saved", 0) + 1
        st.rerun()


def how_it_is_read(dataset: "Dataset", services: "Services") -> None:
    """Draw how the file was read, and read it again with other options as the next version."""
    if dataset.format == "parquet":
        st.markdown("A Parquet file defines how it is read, so there is nothing to choose.")
        return
    prefix = f"data_again_{dataset.id}"
    reading.set_options(prefix, dataset.options)
    options = reading.chosen_options(prefix, dataset.sheet)
    if options.deciding() == dataset.options.deciding():
        st.caption("Change what is wrong. The file is then read again as a new version; this one stays as it is.")
    path = services.datasets.open(dataset.id).original()
    look = receiving.look_once(state.AGAIN_LOOK, path, dataset.file_name, options, services)
    reading.knobs(prefix, look.preview, kind=dataset.format)
    if look.preview is None:
        if look.error:
            show(look.error)
        return
    changed = options.deciding() != dataset.options.deciding()
    if changed:
        st.markdown(f"It would be read as: **{escape_markdown(look.preview.reading.in_words())}**")
        reading.doubts_list(look.preview.doubts)
        reading.first_rows(look.preview, "data_again_rows")
    with st.container(horizontal=True, vertical_alignment="center"):
        label = "Read it again as a new version"
        if st.button(label, key="data_again", type="primary", icon=":material/refresh:", disabled=not changed):
            with guard(stop=False), st.spinner("Reading the file again"):
                added = services.datasets.read_again(dataset.id, options)
                services.ledger.record("add dataset", added.id, detail={"name": added.label, "file": added.file_name})
                reading.forget_options(prefix)
                st.query_params["dataset"] = added.id
                st.rerun()
    reading.raw_rows(look.preview, "data_again_raw")


def versions(dataset: "Dataset", known: Sequence["Dataset"]) -> None:
    """Draw the versions of a dataset, newest first, each with what changed since the one before."""
    if len(known) == 1:
        st.caption(
            "There is one version. Add a file of the same name or the same columns, or read this one differently, "
            "and choose to keep it as a new version."
        )
    older = [*known[1:], None]
    for version, before in zip(known, older, strict=True):
        with st.container(border=True, gap="xsmall"):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.markdown(f"**Version {version.version}**", width="content")
                if version.id == dataset.id:
                    st.badge("shown", color="blue")
                else:
                    navigation.link("data", "Show this version", icon=":material/visibility:", dataset=version.id)
            size = f"{count_text(version.n_rows, 'row')}, {count_text(version.n_columns, 'column')}"
            about = f"{version.file_name} · {size} · {bytes_text(version.size_bytes)} · {ago_text(version.created_at)}"
            st.caption(escape_markdown(about))
            if before is not None:
                changes = " ".join(describe_change(before, version))
                st.markdown(f"Since version {before.version}: {escape_markdown(changes)}")


def manage(dataset: "Dataset", known: Sequence["Dataset"], services: "Services") -> None:
    """Draw what renames a dataset with all its versions, and what deletes the version that is shown."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input("Name", dataset.name, key=f"data_name_{dataset.id}", max_chars=120, width=420)
        if st.button("Rename", key="data_rename", disabled=name.strip() in ("", dataset.name)):
            with guard():
                services.datasets.rename(dataset.id, name)
            st.rerun()
        label = "Delete" if len(known) == 1 else f"Delete version {dataset.version}"
        with st.popover(label, icon=":material/delete:", key="data_delete"):
            others = "" if len(known) == 1 else " The other versions stay."
            st.markdown(f"The file, its types and its profile are removed. This cannot be undone.{others}")
            if st.button("Delete for good", key="data_delete_confirm", type="primary"):
                with guard():
                    users = [run.title for run in services.store.list_runs(dataset_id=dataset.id, archived=None)]
                    services.datasets.delete(dataset.id, used_by=users)
                    services.ledger.record("delete dataset", dataset.id, detail={"name": dataset.label})
                state.forget("dataset")
                st.rerun()
