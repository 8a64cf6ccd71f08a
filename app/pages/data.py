"""Data: bring files in, look at them, correct how they are read and their types, keep versions, rename and delete."""

import streamlit as st

from app.ui import navigation, state
from app.ui.data import receiving, remote, uploads
from app.ui.data import tabs as dataset_tabs
from app.ui.errors import guard
from app.ui.explore.alerts import alerts_text
from app.ui.explore.view import get_small_profile
from app.ui.services import get_services
from app.ui.widgets import tables
from app.ui.widgets.layout import empty_state, page_title, tabs, warnings_list
from app.ui.widgets.models.leaderboard import table_height
from app.ui.widgets.pickers import dataset_picker
from app.ui.widgets.text import escape_markdown
from core.data.reading.reader import READABLE_EXTENSIONS
from core.wording import ago_text, bytes_text, count_text, percent_text

_ROWS_SHOWN = 12
page_title("Data", "Your files, as they were read. Each is kept on this machine and never changed.")
with guard():
    services = get_services()
limit = services.settings.max_upload_bytes
session = st.session_state
left, right = st.columns(2, gap="medium")
card = st.empty()

received = right.file_uploader(
    "Add a file",
    type=list(READABLE_EXTENSIONS),
    max_upload_size=max(1, limit // 1024**2),
    key="data_upload",
    help="Text with any separator, also gzipped, Excel (.xlsx, .xls), OpenDocument (.ods) or Parquet; or a zip archive "
    f"of one of them. Up to {bytes_text(limit)}; to take in a larger file, {uploads.COMMAND}.",
)
if received is not None:
    with guard(stop=False), st.spinner("Receiving the file"):
        if old := session.get(state.PENDING_UPLOAD):
            receiving.drop(old)
        session[state.PENDING_UPLOAD] = uploads.spill(received, services.settings)

with right, guard(stop=False):
    if found := remote.add_by_address(services):
        session["data_select"] = found.id
        state.remember("dataset", found.id)

pending: uploads.Upload | None = session.get(state.PENDING_UPLOAD)
if pending:
    before = {dataset.id for dataset in services.datasets.list()}
    with card.container(), guard(stop=False):
        if added := receiving.receive(pending, services):
            session["data_select"] = added.id
            state.remember("dataset", added.id)
            news = "Already here as" if added.id in before else "Added"
            card.empty()
            st.toast(f"{news} **{escape_markdown(added.label)}**", icon=":material/check_circle:")

with left, guard():
    dataset = dataset_picker(services.datasets, key="data_select")
    if dataset is None:
        with empty_state("No data yet", "Add a file, or start with the sample.", icon=":material/upload_file:"):
            navigation.link("home", "Try it with sample data")
        st.stop()
    origin = [dataset.file_name, bytes_text(dataset.size_bytes), f"added {ago_text(dataset.created_at)}"]
    read_as = [dataset.reading.in_words()] if dataset.reading else []
    st.caption(escape_markdown(" · ".join([*origin, *read_as])))
if state.PENDING_UPLOAD in session:
    st.stop()  # one thing at a time: the card asks about a file

profile = None
with guard(stop=False):
    profile = get_small_profile(services.datasets, dataset)
with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
    st.metric("Rows", f"{dataset.n_rows:,}", width="content")
    st.metric("Columns", f"{dataset.n_columns:,}", width="content")
    if profile is not None:
        st.metric("Missing cells", percent_text(profile.missing_share), width="content")
    st.space("stretch")
    navigation.button("explore", "Explore", key="data_explore", primary=True, dataset=dataset.id)
    navigation.button("train", "Train", key="data_train", dataset=dataset.id)
with st.container(horizontal=True, vertical_alignment="center", gap="small"):
    st.caption(dataset_tabs.types_text(dataset), width="content")
    if profile is not None and profile.alerts:
        navigation.link("explore", alerts_text(profile.alerts), icon=":material/info:", dataset=dataset.id)
if dataset.remote:
    remote.show_counted(dataset.remote, dataset.n_rows)
warnings_list(dataset.warnings)

versions = services.datasets.versions(dataset.name)
rows_tab, types_tab, reading_tab, versions_tab, manage_tab = tabs(
    "First rows", "Columns and types", "How it is read", "Versions", "Rename or delete", key="data_tabs"
)
with guard():
    preview = services.datasets.open(dataset.id).head(tables.PREVIEW_ROWS)

if rows_tab.open:
    with rows_tab:
        st.dataframe(
            tables.with_gaps(preview),
            key="data_preview",
            height=table_height(preview.num_rows, _ROWS_SHOWN),
            hide_index=True,
            placeholder="–",
            column_config=tables.number_columns(dataset.schema),
            alt="The first rows of the dataset",
        )
        st.caption(f"The first {count_text(preview.num_rows, 'row')}, as they are in the file; – is an empty cell.")
if types_tab.open:
    with types_tab, guard():
        dataset_tabs.types(dataset, preview, services)
if reading_tab.open:
    with reading_tab, guard():
        dataset_tabs.how_it_is_read(dataset, services)
if versions_tab.open:
    with versions_tab:
        dataset_tabs.versions(dataset, versions)
if manage_tab.open:
    with manage_tab:
        dataset_tabs.manage(dataset, versions, services)
with guard(stop=False):
    dataset_tabs.everything(services)
