"""Train: say what to predict, start, and watch the models come in."""

import streamlit as st

from app.ui import navigation, state
from app.ui.errors import guard
from app.ui.services import get_services, warm_engine
from app.ui.train import baselines as training_baselines
from app.ui.train import effort as training_effort
from app.ui.train import form as training_form
from app.ui.train import options as training_options
from app.ui.train import start as training_start
from app.ui.train import target as training_target
from app.ui.widgets import queue as queue_view
from app.ui.widgets.layout import empty_state, page_title, warnings_list
from app.ui.widgets.pickers import dataset_picker, propose_targets
from app.ui.widgets.text import escape_markdown
from core.domain.training import TrainingSettings
from core.training.plan.in_time import within_time
from core.wording import count_text

run_id = st.query_params.get("run")
if run_id:
    from app.ui.runs import run as run_view

    training_form.forget_form()
    page_title(
        "Training run", "What was trained, and how it went. It needs no open page; Home and Runs lead back to it."
    )
    run_view.draw(run_id)
    st.stop()

page_title("Train", "Choose what to predict. AutoML builds models of several kinds and ranks them.")
with guard():
    services = get_services()
    known = services.datasets.list()
if not known:
    with empty_state(
        "No data to learn from yet", "Add a file first, then come back.", icon=":material/model_training:"
    ):
        navigation.link("data", "Open Data")
    st.stop()

training_form.take_links(known)
with guard(stop=False):
    warm_engine()  # ready, or nearly, when the form is filled in
with st.container(border=True), guard():
    left, right = st.columns([3, 2], gap="large")
    with left:
        dataset = dataset_picker(services.datasets, key="train_dataset")
        if dataset is None:  # the last one was deleted a moment ago
            st.rerun()
        training_form.seed_target(services.store, dataset)
        target = training_target.choose_target(dataset)
        recipe = training_form.recipe_picker(services.recipes, dataset)
    if target is None:
        with left:
            propose_targets(services.store, dataset, "Suggested targets:", key="train_likely", sets="train_target")
        right.caption(
            f"{count_text(dataset.n_rows, 'row')}, {count_text(dataset.n_columns, 'column')}. "
            "The target is the column whose value you want to predict for new rows."
        )
        st.stop()
    warnings_list(dataset.warnings)
    digest = dataset.schema.digest()
    alert = training_target.target_spellings(services.datasets, dataset.id, digest, target, recipe)
    if alert:
        training_form.spelling_mend(services.recipes, dataset, alert)
    facts = training_target.target_facts(services.datasets, dataset.id, digest, target, recipe)
    columns, reasons = training_form.columns_to_learn_from(services.datasets, dataset.id, digest, target, recipe)
    training_form.seed_form(services.store, services.datasets, dataset, target, facts, tuple(reasons), recipe)
    with left:
        task, positive = training_target.choose_task(facts)
    with right:
        training_target.target_summary(facts, task)

leaks = st.container(gap="xsmall")
with st.container(border=True):
    left, right = st.columns([3, 2], gap="large")
    with left:
        ignored = training_form.leave_out(columns.names, reasons)
    experiment = right.text_input(
        "Experiment",
        key="train_experiment",
        max_chars=120,
        help="The name of the problem: its runs share one leaderboard and one champion.",
    )

training_effort.seed()
training_options.seed()
with st.container(border=True), guard():
    options = training_effort.effort(services.settings.max_runtime_cap_s)
with st.container(border=True), guard():
    options |= training_effort.judging(services.datasets, dataset, target, task)
    options["baselines"] = training_baselines.choose()
with st.expander("Advanced", key="train_advanced"), guard():
    features = columns.select(name for name in columns.names if name not in ignored)
    classes = tuple(sorted(facts.counts)) if task != "regression" else ()
    has_xgboost = training_start.has_xgboost(services)
    choices = training_options.Choices(
        dataset.schema, features, target, task, classes, options["split"], has_xgboost=has_xgboost
    )
    options |= training_options.advanced(choices)

settings = TrainingSettings(
    dataset_id=dataset.id, target=target, experiment=experiment.strip(), task=task, positive=positive,
    ignored=tuple(ignored), recipe=recipe, **options,
)  # fmt: skip
trained = within_time(settings, dataset, services.settings.engine_threads)
training_start.notes(settings, trained, dataset, services.store)
queue_view.notice(queue_view.queue())
# Pinned below, in sight however long the form is: its values are good as they are.
with st.bottom, st.container(horizontal=True, vertical_alignment="center"):
    started = st.button("Start training", key="train_start", type="primary", icon=":material/play_arrow:")
    with st.container(width="stretch", gap=None), guard(stop=False):
        st.markdown(escape_markdown(training_start.plan_words(trained, features)))
        training_start.what_to_expect(services, trained, dataset)
if started:
    with guard(stop=False), st.spinner("Checking and queueing the run"):
        run_id = services.jobs.submit(settings, key=training_form.submit_key(settings))
        services.engine.start_in_background()
        state.remember("run", run_id)
        st.rerun()
with leaks, guard(stop=False), st.spinner("Looking for columns that give the target away"):
    alerts = training_start.leak_alerts(services.datasets, dataset, target)
    training_start.draw_leaks(alerts, dataset, target, ignored)
