"""Data: bring files in, look at them, correct column types, rename and delete."""

import streamlit as st

from app.ui import navigation, state, tables, uploads, widgets
from app.ui.errors import guard
from app.ui.services import get_services
from core.readers import READABLE_EXTENSIONS

_ROWS_SHOWN = 14

widgets.page_title("Data", "Bring a file in. It is read once, kept on this machine and never changed.")
with guard():
    services = get_services()
limit = services.settings.max_upload_bytes
session = st.session_state
left, right = st.columns(2, gap="medium")

received = right.file_uploader(
    "Add a file",
    type=list(READABLE_EXTENSIONS),
    max_upload_size=max(1, limit // 1024**2),
    key="data_upload",
    help="CSV (comma, semicolon or tab, also gzipped), Parquet or an Excel workbook. "
    f"Up to {widgets.bytes_text(limit)}; larger files can be taken in on the command line.",
)
if uploads.is_new(received, "data_upload"):
    with guard(stop=False), st.spinner("Receiving the file"):
        if old := session.pop(state.PENDING_UPLOAD, None):
            old.discard()
        session[state.PENDING_UPLOAD] = uploads.spill(received, services.settings)

pending: uploads.Upload | None = session.get(state.PENDING_UPLOAD)
sheet, wanted = None, pending is not None
if pending and len(pending.sheets) > 1:
    with right.container(horizontal=True, vertical_alignment="bottom"):
        sheet = st.selectbox(f"{pending.name} has {len(pending.sheets)} sheets", pending.sheets, key="data_sheet")
        wanted = st.button("Add this sheet", key="data_add_sheet", type="primary", icon=":material/add:")
if pending and wanted:
    del session[state.PENDING_UPLOAD]
    with guard(stop=False), st.spinner("Reading the file"):
        before = {dataset.id for dataset in services.datasets.list()}
        added = uploads.take_in(pending, services, sheet)
        session["data_select"] = added.id
        state.remember("dataset", added.id)
        news = "Already here as" if added.id in before else "Added"
        st.toast(f"{news} **{widgets.escape_markdown(added.name)}**", icon=":material/check_circle:")

with left, guard():
    dataset = widgets.dataset_picker(services.datasets, key="data_select")
    if dataset is None:
        with widgets.empty_state("No data yet", "Add a file, or start with the sample.", icon=":material/upload_file:"):
            navigation.link("home", "Try it with sample data")
        st.stop()
    origin = f"{dataset.file_name}, sheet {dataset.sheet}" if dataset.sheet else dataset.file_name
    st.caption(f"From {widgets.escape_markdown(origin)}, added {widgets.ago_text(dataset.created_at)}")

with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
    st.metric("Rows", f"{dataset.n_rows:,}", width="content")
    st.metric("Columns", f"{dataset.n_columns:,}", width="content")
    st.metric("Size of the file", widgets.bytes_text(dataset.size_bytes), width="content")
    st.space("stretch")
    navigation.button("explore", "Explore", key="data_explore", primary=True, dataset=dataset.id)
    navigation.button("train", "Train", key="data_train", dataset=dataset.id)
widgets.warnings_list(dataset.warnings)

rows_tab, types_tab, manage_tab = st.tabs(
    ["First rows", "Columns and types", "Rename or delete"], key="data_tabs", on_change="rerun"
)
with guard():
    preview = services.datasets.source(dataset.id).slice(0, tables.PREVIEW_ROWS)

if rows_tab.open:
    with rows_tab:
        st.dataframe(preview, key="data_preview", height=420, hide_index=True, alt="The first rows of the dataset")
        st.caption(f"The first {widgets.count_text(preview.num_rows, 'row')}, as they stand in the file.")

if types_tab.open:
    with types_tab:
        st.caption(tables.TYPE_HELP)
        known = tables.schema_table(dataset, preview)
        edited = st.data_editor(
            known,
            key=f"data_types_{session.get('data.types_saved', 0)}",
            column_config=tables.SCHEMA_COLUMNS,
            hide_index=True,
            height="content" if len(known) <= _ROWS_SHOWN else 560,
            alt="The columns of the dataset with their types; types can be changed",
        )
        changes = tables.changed_types(known, edited)
        label = f"Save {widgets.count_text(len(changes), 'change')}" if changes else "Save changes"
        if st.button(label, key="data_save_types", type="primary", disabled=not changes):
            with guard(), st.spinner("Changing types"):
                for name, new_type in changes.items():
                    services.datasets.set_type(dataset.id, name, new_type)
            session["data.types_saved"] = session.get("data.types_saved", 0) + 1
            st.rerun()

if manage_tab.open:
    with manage_tab, st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input("Name", dataset.name, key=f"data_name_{dataset.id}", max_chars=120, width=420)
        if st.button("Rename", key="data_rename", disabled=name.strip() in ("", dataset.name)):
            with guard():
                services.datasets.rename(dataset.id, name)
            st.rerun()
        with st.popover("Delete", icon=":material/delete:", key="data_delete"):
            st.markdown("The file, its types and its profile are removed. This cannot be undone.")
            if st.button("Delete for good", key="data_delete_confirm", type="primary"):
                with guard():
                    users = [run.name for run in services.store.list_runs(dataset_id=dataset.id)]
                    services.datasets.delete(dataset.id, used_by=users)
                    services.ledger.record("delete dataset", dataset.id, detail={"name": dataset.name})
                state.forget("dataset")
                st.rerun()
