"""Predict: a file or a single case in, the same rows with predictions out."""

import streamlit as st

from app.ui import navigation
from app.ui.errors import guard
from app.ui.predict import case as predict_case
from app.ui.predict import check as predict_check
from app.ui.predict import file as predict_file
from app.ui.predict import history as predict_history
from app.ui.predict import model as predict_model
from app.ui.predict import result as predict_result
from app.ui.predict import steps as predict_steps
from app.ui.services import get_services
from app.ui.widgets import queue as queue_view
from app.ui.widgets import scorings as scorings_view
from app.ui.widgets.layout import empty_state, page_title
from app.ui.widgets.models.card import model_label
from app.ui.widgets.models.problem import problem_line
from app.ui.widgets.text import escape_markdown
from core.ledger.scoring_records import ScoringRequest
from core.wording import count_text, duration_text, list_text

page_title("Predict", "Upload a file and get the same rows back with predictions.")
with guard():
    services = get_services()
    training = services.jobs.queue()
    usable = predict_model.usable_experiments(services.store, {run.experiment for run in training})
if scoring_id := st.query_params.get("scoring"):
    predict_history.open_scoring(scoring_id)
    st.stop()
if not usable and training:
    st.caption("There is no model to predict with yet. This page goes on by itself once one is there.")
    queue_view.draw(training, key="predict")
    st.stop()
if not usable:
    with empty_state(
        "No model to predict with yet",
        "Train one first; the leader of the first run is ready to predict at once.",
        icon=":material/online_prediction:",
    ):
        navigation.link("train", "Open Train")
    st.stop()

if under_way := scorings_view.active():
    st.header("In progress", anchor=False)
    scorings_view.draw(under_way, key="predict")

with guard(stop=False):  # a link to what is not there is said; the page goes on with what there is
    predict_model.seed_model(services.store, usable, predict_model.last_used(services.scoring_log))
mode = predict_case.choose_mode()
answers = predict_steps.done() or (None, None, None)
with predict_steps.step("1. Which model", answers[0]):
    first, second = st.columns(2)
    experiment = first.selectbox(
        "Experiment", usable, index=None, key="predict_experiment", placeholder="Choose what to predict"
    )
    if experiment is None:
        predict_model.offer(services.store, usable)
        st.stop()
    with guard():
        models = predict_model.stored_models(services.store, experiment)
        predict_model.seed_choice(models)
    chosen = second.selectbox(
        "Model", tuple(models), key="predict_model", format_func=lambda key: model_label(models[key]),
        help="The champion is the model the team chose. Any stored model can be used instead.",
    )  # fmt: skip
    model = models[chosen]
    with guard():
        opened = services.scorer.stored(model)
        spec = opened.spec
        predict_model.model_line(model, services.reviews)
        problem_line(experiment, services.problems.find(experiment))

services.engine.mojos.start()  # while the file is chosen
if mode == predict_case.ONE_CASE:
    predict_case.show(model, spec, services)
    st.stop()
if mode == predict_case.HISTORY:
    predict_history.draw(experiment)
    st.stop()

with predict_steps.step("2. Your file", answers[1]):
    upload = predict_file.receive(experiment, spec, services)
    if upload is None:
        st.caption(f"It needs {list_text(spec.needed.names, 30, show=escape_markdown)}.")
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            predict_case.template_button(model, spec, services)
            st.markdown(
                ":gray[:small[The file stays with Bellwether. From a program:]] :small[[HTTP interface](/docs)]"
            )
        st.stop()
    sheet = st.selectbox("Sheet", upload.sheets, key="predict_sheet") if len(upload.sheets) > 1 else None
    with guard(), st.spinner("Reading the file"):
        file = predict_file.open_once(upload, sheet, services)
        n_rows = predict_check.first_rows(file, opened)

with predict_steps.step("3. Does it fit?", answers[2], "Details"), guard():
    check = predict_check.report(file, opened, services)
    n_reasons = predict_check.ask_reasons(spec, n_rows) if check.verdict != "red" else 0
    start = st.button(
        predict_check.start_label(check, n_rows),
        key="predict_start", type="primary", icon=":material/online_prediction:", disabled=check.verdict == "red",
    )  # fmt: skip

wanted = ScoringRequest(sheet=sheet, reasons=n_reasons, details=True)
if start and predict_file.is_long(n_rows, n_reasons, services.settings):
    with guard():
        st.query_params["scoring"] = services.scorings.submit(upload.path, upload.name, model, wanted)
        st.rerun()
if start:
    st.session_state.pop(predict_file.SCORED, None)
    with guard(), st.status(f"Scoring {count_text(n_rows, 'row')}", expanded=False) as progress:
        done = services.scorer.score(file, model, wanted, origin="page")
        st.session_state[predict_file.SCORED] = (file, done)
        took = duration_text(done.seconds.get("total", 0.0))
        progress.update(label=f"Scored {count_text(done.n_rows, 'row')} in {took}", state="complete")
    st.rerun()  # the steps become a line each, the results come into view

with guard():
    scored = predict_steps.current_result(file, model, services.ledger)
if scored is None:
    predict_steps.forget_outdated()
else:
    predict_result.draw(scored, upload.name, services.settings, title="4. Results", workbook_first=upload.is_sample)
