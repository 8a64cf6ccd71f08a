"""Train: say what to predict, start, and watch the models come in."""

import streamlit as st

from app.ui import navigation, state, training_form, widgets
from app.ui.errors import guard
from app.ui.services import get_services
from core.plan import MAX_FOLDS, MAX_MODELS, SORT_METRICS
from core.types import ALGORITHMS, TrainingSettings

run_id = st.query_params.get("run")
if run_id:
    from app.ui import run_view

    training_form.forget_form()
    widgets.page_title("Training run", "It goes on when this page is closed; Home and Runs lead back to it.")
    run_view.draw(run_id)
    st.stop()

widgets.page_title("Train", "Choose what to predict. AutoML builds models of several kinds and ranks them.")
with guard():
    services = get_services()
    known = services.datasets.list()
if not known:
    with widgets.empty_state(
        "There is no data to learn from yet", "Bring a file in first, then come back.", icon=":material/model_training:"
    ):
        navigation.link("data", "Open Data")
    st.stop()

training_form.take_links(known)
with st.container(border=True), guard():
    left, right = st.columns([3, 2], gap="large")
    with left:
        dataset = widgets.dataset_picker(services.datasets, key="train_dataset")
        training_form.seed_target(dataset)
        types = {column.name: column.type for column in dataset.schema.columns}
        target = st.selectbox(
            "What to predict (target)",
            dataset.schema.names,
            key="train_target",
            placeholder="Choose a column",
            format_func=lambda name: f"{name}  ({types[name]})",
        )
        recipe = training_form.recipe_picker(services.recipes, dataset)
    if target is None:
        right.caption(
            f"{widgets.count_text(dataset.n_rows, 'row')}, {widgets.count_text(dataset.n_columns, 'column')}. "
            "The target is the column whose value you want to know for rows where nobody knows it yet."
        )
        st.stop()
    digest = dataset.schema.digest()
    facts = training_form.target_facts(services.datasets, dataset.id, digest, target, recipe)
    columns, reasons = training_form.columns_to_learn_from(services.datasets, dataset.id, digest, target, recipe)
    training_form.seed_form(services.datasets, dataset, target, facts, tuple(reasons), recipe)
    with left, st.container(horizontal=True, gap="medium"):
        task = st.segmented_control(
            "Kind of target",
            facts.tasks,
            key="train_task",
            required=True,
            format_func=training_form.TASK_NAMES.__getitem__,
            help=training_form.TASK_HELP,
        )
        positive = None
        if task == "binary":
            positive = st.selectbox(
                "Positive class",
                tuple(facts.counts),
                key="train_positive",
                format_func=facts.class_label,
                help="The class you look for: probabilities, threshold and curves are about it.",
            )
    if facts.guess.is_question:
        left.info(
            f"{widgets.escape_markdown(facts.guess.reason)} Choose above which of the two you mean.",
            title="Classes or amounts?",
            icon=":material/help:",
        )
    with right:
        st.markdown(f"**{widgets.escape_markdown(target)}** in {widgets.count_text(facts.n_rows, 'row')}")
        training_form.target_summary(facts, task)

with st.container(border=True):
    left, right = st.columns([3, 2], gap="large")
    with left:
        ignored = st.multiselect(
            "Columns to leave out",
            columns,
            key="train_ignored",
            placeholder="None",
            help="Ids and columns with one value say nothing about new rows, so they are proposed.",
        )
        training_form.left_out_reasons(reasons, ignored)
    experiment = right.text_input(
        "Experiment",
        key="train_experiment",
        max_chars=120,
        help="The name of the problem: its runs share one leaderboard and one champion.",
    )

with st.container(border=True):
    st.segmented_control(
        "Effort",
        tuple(training_form.PRESETS),
        key="train_preset",
        on_change=training_form.use_preset,
        help="Sets the number of models and folds below.",
    )
    knobs = st.grid(4, min_column_width=180)
    max_models = knobs.number_input(
        "Models, at most", 0, MAX_MODELS, key="train_max_models", on_change="ignore",
        help="Ensembles come on top. 0 means no limit; then give a time.",
    )  # fmt: skip
    max_runtime_secs = knobs.number_input(
        "Time, at most, s", 0, services.settings.max_runtime_cap_s, step=60, key="train_max_runtime",
        on_change="ignore", help="0 means no limit in time.",
    )  # fmt: skip
    nfolds = knobs.number_input(
        "Folds", 2, MAX_FOLDS, key="train_nfolds", on_change="ignore",
        help="Parts for cross-validation: more take longer and measure better.",
    )  # fmt: skip
    holdout = knobs.number_input(
        "Held out, % of rows", 0, 50, step=5, key="train_holdout", on_change="ignore",
        help="Rows that no model sees, for a last honest measure. 0 means none.",
    )  # fmt: skip
    with st.expander("Advanced", icon=":material/tune:", type="compact"):
        algorithms = st.pills(
            "Algorithms", ALGORITHMS, selection_mode="multi", key="train_algorithms", wrap=True, on_change="ignore",
            format_func=training_form.ALGORITHM_NAMES.__getitem__, help="Click one to leave it out.",
        )  # fmt: skip
        more = st.columns(3, vertical_alignment="bottom")
        sort_metric = more[0].selectbox(
            "Sort the leaderboard by", SORT_METRICS[task], key="train_sort_metric", on_change="ignore",
            help="AUTO: AUC for two classes, mean per-class error for several, deviance for numbers.",
        )  # fmt: skip
        seed = more[1].number_input(
            "Seed", 0, 2**31 - 1, key="train_seed", on_change="ignore",
            help="The same seed and number of models give the same result again.",
        )  # fmt: skip
        balance = more[2].toggle(
            "Balance classes", key="train_balance", disabled=task == "regression", on_change="ignore",
            help="Samples rare classes more often; probabilities are corrected afterwards.",
        )  # fmt: skip

if st.button("Start training", key="train_start", type="primary", icon=":material/play_arrow:"):
    settings = TrainingSettings(
        dataset_id=dataset.id, target=target, experiment=experiment.strip(), task=task, positive=positive,
        ignored=tuple(ignored), max_models=max_models, max_runtime_secs=max_runtime_secs, nfolds=nfolds, seed=seed,
        sort_metric=sort_metric, balance_classes=balance and task != "regression", holdout_share=holdout / 100,
        recipe=recipe,
        **training_form.algorithm_settings(algorithms),
    )  # fmt: skip
    with guard(stop=False), st.spinner("Checking and queueing the run"):
        started = services.jobs.submit(settings, key=training_form.submit_key(settings))
        services.engine.start_in_background()
        state.remember("run", started)
        st.rerun()
