"""Predict: a file in, the same rows with predictions out."""

from functools import partial

import streamlit as st

from app.ui import model_widgets, navigation, predict_widgets, uploads, widgets
from app.ui.errors import guard
from app.ui.services import get_services
from core.readers import READABLE_EXTENSIONS
from core.samples import SAMPLE_EXPERIMENT, SAMPLE_NAME

widgets.page_title("Predict", "Hand in a file and get the same rows back with predictions.")
with guard():
    services = get_services()
    usable = predict_widgets.usable_experiments(services.store)
if not usable:
    with widgets.empty_state(
        "There is no model to predict with yet",
        "Train one first; the leader of the first run is ready to predict at once.",
        icon=":material/online_prediction:",
    ):
        navigation.link("train", "Open Train")
    st.stop()

with guard():
    predict_widgets.seed_model(services.store, usable)
with st.container(border=True):
    st.markdown("**1. Which model**")
    first, second = st.columns(2)
    experiment = first.selectbox("Experiment", usable, key="predict_experiment")
    with guard():
        models = predict_widgets.stored_models(services.store, experiment)
        predict_widgets.seed_choice(models)
    chosen = second.selectbox(
        "Model", tuple(models), key="predict_model", format_func=lambda key: model_widgets.model_label(models[key]),
        help="The champion is the model the team chose. Any stored model can be used instead.",
    )  # fmt: skip
    model = models[chosen]
    with guard():
        spec = services.scorer.spec(model)
        predict_widgets.model_line(model, services.ledger)

with st.container(border=True):
    st.markdown("**2. Your file**")
    received = st.file_uploader(
        f"It needs the same columns as {widgets.escape_markdown(spec.dataset_name)}; the target may be missing",
        type=list(READABLE_EXTENSIONS),
        max_upload_size=max(1, services.settings.max_upload_bytes // 1024**2),
        key="predict_upload",
    )
    if received is not None:
        with guard(stop=False), st.spinner("Receiving the file"):
            predict_widgets.keep_upload(uploads.spill(received, services.settings))
    is_sample = experiment == SAMPLE_EXPERIMENT or spec.dataset_name == SAMPLE_NAME
    if is_sample and st.button(
        "Use the sample file: 500 other customers", key="predict_sample", icon=":material/science:"
    ):
        with guard(stop=False):
            predict_widgets.keep_upload(predict_widgets.sample_upload(services.settings))
    upload = st.session_state.get(predict_widgets.UPLOAD)
    if upload is None:
        st.caption("CSV, Excel or Parquet. The file stays on this machine.")
        st.stop()
    sheet = st.selectbox("Sheet", upload.sheets, key="predict_sheet") if len(upload.sheets) > 1 else None
    with guard(), st.spinner("Reading the file"):
        read = predict_widgets.read_once(upload, sheet, services.settings)
        check, cell_warnings = predict_widgets.check_file(read, spec, str(read.table), sheet, model.id)
    st.caption(
        f"**{widgets.escape_markdown(upload.name)}**: {widgets.count_text(read.info.rows, 'row')}, "
        f"{widgets.count_text(len(read.info.columns), 'column')}. The first five rows:"
    )
    st.dataframe(read.head(), hide_index=True, key="predict_head", alt="The first five rows of the file")
    widgets.warnings_list(read.info.warnings)
    predict_widgets.column_report(check, cell_warnings, spec, read.info.columns)

if st.button(
    f"Predict {widgets.count_text(read.info.rows, 'row')}",
    key="predict_start", type="primary", icon=":material/online_prediction:", disabled=bool(check.missing),
):  # fmt: skip
    st.session_state.pop(predict_widgets.SCORED, None)
    with guard(), st.status("Starting the engine", expanded=False) as progress:
        services.engine.ensure_ready()
        progress.update(label=f"Scoring {widgets.count_text(read.info.rows, 'row')}")
        scored = services.scorer.score_file(upload.path, upload.name, model_uri=model.uri, sheet=sheet)
        st.session_state[predict_widgets.SCORED] = (read, scored)
        took = widgets.duration_text(scored.seconds.get("total", 0.0))
        progress.update(label=f"Scored {widgets.count_text(scored.n_rows, 'row')} in {took}", state="complete")

with guard():
    scored = predict_widgets.current_result(read, model, services.ledger)
if scored is None:
    st.stop()

options = predict_widgets.format_options(scored)
with st.container(horizontal=True, vertical_alignment="bottom"):
    st.subheader("Results", anchor=False, width="stretch")
    file_format = st.segmented_control(
        "File format",
        options,
        key="predict_format",
        default=predict_widgets.default_format(upload.name, options),
        required=True,
        format_func=widgets.choice_labels(str),
        label_visibility="collapsed",
    )
    suffix, mime = predict_widgets.FORMATS[file_format]
    st.download_button(
        "Download predictions",
        partial(predict_widgets.result_bytes, scored, suffix, services.settings),
        predict_widgets.result_name(upload.name, suffix),
        mime,
        key="predict_download",
        type="primary",
        icon=":material/download:",
        on_click="ignore",
    )
widgets.warnings_list(scored.warnings)
left, right = st.columns([2, 3], gap="large")
with left:
    predict_widgets.result_counts(scored)
    st.caption(predict_widgets.decision_text(scored))
with right:
    widgets.chart(predict_widgets.result_figure(scored), key="predict_chart", alt="How the predictions are spread")
if scored.metrics:
    predict_widgets.file_metrics(scored.metrics)
predict_widgets.result_preview(scored)
