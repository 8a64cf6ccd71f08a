"""The views of the Compare page: metrics, curves, importance, disagreement and settings side by side."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import streamlit as st

from app.ui.compare.chosen import Choice
from app.ui.services import get_services
from app.ui.widgets.layout import chart, choice_labels
from app.ui.widgets.models.metrics import metric_label, metric_name, split_metric
from app.ui.widgets.models.runs import short_run
from app.ui.widgets.tables import number_cell, number_format, written
from app.ui.widgets.text import escape_markdown
from core.charts import models as charts_models
from core.domain.models import ModelInfo, ModelSpec, metric_in_words
from core.explain import importance_of_models
from core.metrics import curves, performance
from core.metrics.ranking import rank
from core.metrics.ties import BY_THRESHOLD, METHOD, MetricDifference, SameRows
from core.models.beside import BesideEachOther, Disagreement, disagreement, left_out_words, put_beside
from core.models.leaderboard import DEFAULT_METRIC, is_lower_better, metric_columns, ranking_metric
from core.models.opened import StoredModel
from core.models.standing import difference_texts
from core.training.wording import setting_words
from core.wording import count_text, list_text, metric_text, number_text, percent_text

TIED, BETTER, WORSE = "Tied", "Better", "Worse"
_FEATURES_SHOWN = 12


@st.cache_resource(max_entries=16, show_spinner="Reading the stored predictions")
def _beside(ids: tuple[str, ...], _models: Sequence[ModelInfo]) -> BesideEachOther:
    store = get_services().store
    return put_beside([StoredModel(store, model) for model in _models])


def beside(choice: Choice) -> BesideEachOther:
    """Return the models on the rows that all of them were judged on."""
    return _beside(tuple(model.id for model in choice.models), choice.models)


def head(choice: Choice, found: BesideEachOther) -> None:
    """Say what was compared on which rows, and what could not be."""
    if found.same_rows is not None and len(found.models) > 1:
        first = escape_markdown(choice.names[found.models[0].id])
        common = ", which all of them were judged on, for they held out other rows" if found.n_of else ""
        st.caption(
            f"{count_text(len(found.models), 'model')} on the same rows: **{found.words}**{common}. "
            f"Compared with **{first}**, the first of them."
        )
    if found.left_out:
        way = " *On a file* below compares them on rows of yours." if _are_alike(choice) else ""
        st.warning(
            f"{escape_markdown(left_out_words(found, choice.names))}{way}",
            title="Not comparable on the rows they were judged on",
            icon=":material/call_split:",
        )


def _are_alike(choice: Choice) -> bool:
    """Whether all models can be asked, and predict the same."""
    if not all(model.has_files for model in choice.models):
        return False
    specs = [StoredModel(get_services().store, model).spec for model in choice.models]
    return len({(spec.target, spec.task, spec.classes) for spec in specs}) == 1


def metrics(choice: Choice, found: BesideEachOther) -> None:
    """Draw the metrics of all models, and how far each is from the first one's."""
    differences = found.differences()
    if differences:
        _differences(choice, found, differences)
    # A metric's holdout stands below its cross-validation.
    plain = list(dict.fromkeys(split_metric(name)[1] for name in metric_columns(choice.models)))
    columns = sorted(metric_columns(choice.models), key=lambda name: plain.index(split_metric(name)[1]))
    rows = {metric_label(name): [model.metrics.get(name) for model in choice.models] for name in columns}
    rows["Training (s)"] = [model.training_time_s for model in choice.models]
    rows["Prediction (µs per row)"] = [
        model.predict_time_per_row_s and model.predict_time_per_row_s * 1e6 for model in choice.models
    ]
    names = [choice.names[model.id] for model in choice.models]
    records = [{"metric": label, **dict(zip(names, values, strict=True))} for label, values in rows.items()]
    shown, config = written(records, names)
    config["metric"] = st.column_config.TextColumn("Metric", pinned=True)
    with st.expander("Metrics and times as on the leaderboard", expanded=not differences):
        st.dataframe(
            shown, hide_index=True, column_config=config, key="compare_metrics", placeholder="–", height="content",
            alt="Metrics by model",
        )  # fmt: skip
        if choice.models[0].task == "binary":
            apart = ": last digits may differ from those above" if differences else ""
            st.caption(f"As H2O counts them, by 400 thresholds at most{apart}.")


def _differences(choice: Choice, found: BesideEachOther, differences: dict[str, tuple[MetricDifference, ...]]) -> None:
    first = choice.names[found.models[0].id]
    by_threshold = BY_THRESHOLD.get(found.models[0].task, frozenset())
    models = {model.id: model for model in found.models}
    for key, own in differences.items():
        judged = [one for one in own if one.metric not in by_threshold]
        at_own = [one for one in own if one.metric in by_threshold]
        speed = _speed(models[key], found.models[0])
        st.markdown(f":material/balance: {_conclusion(choice.names[key], first, judged, at_own)}{speed}")
    if len(differences) > 1:  # of one difference the table says it all
        _picture(choice, found, differences, first)
    records = [difference_record(choice.names[key], one) for key, own in differences.items() for one in own]
    difference_table(records, key="compare_difference_table", first=first)
    threshold = f" Mean per-class error is that at {_thresholds(choice, found)}." if by_threshold else ""
    st.caption(
        f":small[Method: {METHOD}. Exact over {found.words}, differences of unrounded values; rows are taken as"
        f" independent of each other.{threshold}]"
    )


def _thresholds(choice: Choice, found: BesideEachOther) -> str:
    """Return the models' own thresholds, in words."""
    store = get_services().store
    own = [(choice.names[model.id], StoredModel(store, model).spec.threshold) for model in found.models]
    return "each model's own threshold: " + list_text(
        [f"{name} at {metric_text(value)}" for name, value in own], 8, show=escape_markdown
    )


def _picture(
    choice: Choice, found: BesideEachOther, differences: dict[str, tuple[MetricDifference, ...]], first: str
) -> None:
    known = tuple(one.metric for one in next(iter(differences.values())))
    usual = DEFAULT_METRIC[found.models[0].task]
    metric = st.segmented_control(
        "Metric", known, key="compare_metric", default=usual if usual in known else known[0], required=True, wrap=True,
        label_visibility="collapsed", format_func=choice_labels(metric_name),
    )  # fmt: skip
    rows = [(choice.names[key], one) for key, own in differences.items() for one in own if one.metric == metric]
    figure = charts_models.differences(rows, first, origin=found.words)
    chart(figure, key="compare_differences", alt=f"Difference of {metric_name(metric)} with its interval, by model")


def _conclusion(
    name: str, first: str, own: Sequence[MetricDifference], at_own_threshold: Sequence[MetricDifference]
) -> str:
    """Return in a sentence or two by which metrics a model is better or worse than the first one beyond chance."""
    parts = _clear(own)
    model, other = f"**{escape_markdown(name)}**", escape_markdown(first)
    words = f"{model} is {' and '.join(parts)} than {other}, beyond chance."
    if not parts:
        by = list_text([metric_in_words(one.metric) for one in own], 4)
        words = f"{model} is tied with {other} by {by}: chance could explain the difference."
    if apart := _clear(at_own_threshold):
        words += f" Each at its own threshold, it is {' and '.join(apart)}."
    return words


def _clear(own: Sequence[MetricDifference]) -> list[str]:
    known = {word: [metric_in_words(one.metric) for one in own if verdict(one) == word] for word in (BETTER, WORSE)}
    return [f"{word.lower()} by {list_text(names, 4)}" for word, names in known.items() if names]


def _speed(model: ModelInfo, first: ModelInfo) -> str:
    """Return how long a prediction takes beside the first model's; empty where that was not measured alike."""
    own, other = model.predict_time_per_row_s, first.predict_time_per_row_s
    if not own or not other or model.run_id != first.run_id:  # under another load
        return ""
    own_us, other_us = (number_text(one * 1e6, 2) for one in (own, other))
    return f" :gray[:small[It predicts a row in {own_us} µs, the other in {other_us}.]]"


def difference_record(name: str, found: MetricDifference) -> dict[str, Any]:
    """Return a difference of a metric as `difference_table` takes it."""
    value, interval = difference_texts(found)
    return {
        "model": name,
        "metric": f"{metric_name(found.metric)} {'↓' if is_lower_better(found.metric) else '↑'}",
        "first": found.first,
        "value": found.second,
        "difference": value,
        "interval": interval,
        "verdict": [verdict(found)],
    }


def difference_table(records: Sequence[dict[str, Any]], *, key: str, first: str) -> None:
    """Draw both values of each metric, then verdict and difference; one model's name stands in the header."""
    text = st.column_config.TextColumn
    shown, _ = written(records, ("first", "value"))
    models = {record["model"] for record in records}
    only = next(iter(models)) if len(models) == 1 else None
    config = {
        "model": st.column_config.TextColumn("Model", pinned=True),
        "metric": st.column_config.TextColumn(
            "Metric", pinned=only is not None, help="↑ higher is better, ↓ lower is better."
        ),
        "first": text(first, alignment="right", help="The model compared with."),
        "value": text(only or "This model", alignment="right"),
        "difference": text("Difference", alignment="right"),
        "interval": st.column_config.TextColumn("95% interval"),
        "verdict": st.column_config.MultiselectColumn(
            "Verdict",
            help=f"Whether {only or 'the model'} is better than {first}, and whether chance could explain it.",
            options=[TIED, BETTER, WORSE],
            color=["gray", "green", "orange"],
            width=114,
        ),
    }
    order = ["model", "metric", "first", "value", "verdict", "difference", "interval"]
    st.dataframe(
        shown, hide_index=True, column_config=config, column_order=order[1:] if only else order, key=key,
        placeholder="–",
        alt="Differences of metrics by model",
    )  # fmt: skip


def verdict(found: MetricDifference) -> str:
    """Return whether a difference is one, and in which direction."""
    if found.is_tied:
        return TIED
    return BETTER if (found.value < 0) == is_lower_better(found.metric) else WORSE


def curves_view(choice: Choice, found: BesideEachOther) -> None:
    """Draw the curves of all models over one another."""
    same = found.same_rows
    if same is None:
        return
    names = [choice.names[model.id] for model in found.models]
    if same.answers[0].task == "regression":
        lines = [(name, one.truth - one.output) for name, one in zip(names, same.answers, strict=True)]
        chart(charts_models.errors_of_models(lines, origin=found.words), key="compare_errors", alt="Errors by model")
        return
    store = get_services().store
    spec = StoredModel(store, found.models[0]).spec
    place = same.answers[0].positive
    if place is None:
        chosen = st.selectbox("Class against the rest", spec.classes, key="compare_class", width=320)
        place = spec.classes.index(chosen)
    truth, name = same.answers[0].truth == place, spec.classes[place]
    if truth.all() or not truth.any():
        st.info("All rows are of one class here, so there is no curve to draw.", icon=":material/info:")
        return
    scores = [(model, one.output[:, place]) for model, one in zip(names, same.answers, strict=True)]
    left, right = st.columns(2)
    with left:
        figure = charts_models.roc_of_models([(one, curves.roc(truth, p)) for one, p in scores], origin=found.words)
        chart(figure, key="compare_roc", alt="ROC curves by model")
    with right:
        gains = [(one, performance.gains(rank(truth, p))) for one, p in scores]
        figure = charts_models.gains_of_models(gains, name, origin=found.words)
        chart(figure, key="compare_gains", alt="Cumulative gains by model")
    reliability = [(one, performance.reliability(truth, p)) for one, p in scores]
    figure = charts_models.calibration_of_models(reliability, name, origin=found.words)
    chart(figure, key="compare_calibration", alt="Calibration by model")


def importance(choice: Choice, found: BesideEachOther) -> None:
    """Draw the importance of features in all models."""
    del found
    store = get_services().store
    item = importance_of_models({choice.names[model.id]: StoredModel(store, model) for model in choice.models})
    if item.data is None:
        st.info(item.reason, icon=":material/info:")
        return
    chart(charts_models.importance_map(item), key="compare_importance", alt="Importance of each feature in each model")
    missing = [name for name in choice.names.values() if name not in item.data.models]
    if missing:
        shown = list_text(missing, 5, show=escape_markdown)
        st.caption(f"Not shown, for it was not measured in this way: {shown}. Explain computes it again.")
    st.caption(f":small[Method: {item.method}]")


def disagreement_view(choice: Choice, found: BesideEachOther) -> None:
    """Draw the rows on which the models disagree most."""
    same = found.same_rows
    if same is None or len(found.models) < 2:
        return
    apart = disagreement(same)
    if apart.same_label is not None:
        st.markdown(f"All of them give the same label to **{percent_text(apart.same_label)}** of the rows.")
    services = get_services()
    spec = StoredModel(services.store, found.models[0]).spec
    rows = found.rows[apart.places]
    columns, shape = _answers(choice, found, same, apart, spec)
    names = [name for name in spec.needed.names if name not in columns][:_FEATURES_SHOWN]
    data = services.datasets.open(spec.dataset_id).typed(names).take(pa.array(rows))
    table = pa.table({"row": rows + 1} | columns | {name: data[name] for name in names})
    what = spec.target if spec.task == "regression" else f"probability of {spec.positive}"
    number = st.column_config.NumberColumn
    config: dict[str, Any] = {
        "row": number("Row", width="small", help="Its place in the dataset, the first is 1."),
        "spread": number("Apart by", format=shape, help=f"Largest minus smallest {what}."),
        "actual": st.column_config.Column("Actual", width="small"),
    }
    config |= {name: number(format=shape) for name in columns if name not in config and spec.task != "multiclass"}
    if spec.task == "regression":
        config["actual"] = number("Actual", width="small", format=shape)
    st.dataframe(
        table,
        hide_index=True,
        placeholder="–",
        column_config=config,
        key="compare_rows",
        alt="Rows on which the models disagree most",
    )
    st.caption(f"The {count_text(len(rows), 'row')} that they disagree on most, of {found.words}.")


def _answers(
    choice: Choice, found: BesideEachOther, same: SameRows, apart: Disagreement, spec: ModelSpec
) -> tuple[dict[str, Any], str]:
    """Return what is true and what each model says of the rows, by column, and the format of its numbers."""
    columns: dict[str, Any] = {"spread": apart.spread}
    classes = np.array(spec.classes, dtype=object)
    truth = same.answers[0].truth[apart.places]
    columns["actual"] = truth if spec.task == "regression" else classes[truth.astype(int)]
    for model, one in zip(found.models, same.answers, strict=True):
        if spec.task == "regression":
            said = one.output[apart.places]
        elif one.positive is not None:
            said = one.output[apart.places, one.positive]
        else:
            said = classes[one.decided[apart.places].astype(int)]
        columns[choice.names[model.id]] = said
    numbers = [name for name, values in columns.items() if values.dtype != object]
    shape = number_format(value for name in numbers for value in columns[name])
    rounded = {name: [number_cell(float(value), shape) for value in columns[name]] for name in numbers}
    return columns | rounded, shape


def settings(choice: Choice, found: BesideEachOther) -> None:
    """Draw the settings of the runs that differ, or all of them; for several runs with the leader's metric."""
    del found
    runs = list(choice.runs.values())
    words = [setting_words(run.settings) | {"Dataset": run.dataset_name} for run in runs]
    labels = list(dict.fromkeys(label for one in words for label in one))
    table = {label: [one.get(label, "") for one in words] for label in labels}
    differing = {label: values for label, values in table.items() if len(set(values)) > 1}
    if len(runs) == 1:
        st.caption("These models are of one run, so they were trained with the same settings.")
    elif choice.kind == "runs":
        _parallel(choice, differing)
    every = st.toggle("Also the settings that are the same", key="compare_all_settings", value=len(runs) == 1)
    shown = table if every else differing
    if not shown:
        st.caption("These runs were trained with the same settings.")
        return
    heads = [f"{place}. {short_run(run)}" for place, run in enumerate(runs, 1)]
    records = [{"setting": label, **dict(zip(heads, values, strict=True))} for label, values in shown.items()]
    st.dataframe(
        records, hide_index=True, placeholder="–", key="compare_settings", alt="Settings by run",
        column_config={"setting": st.column_config.TextColumn("Setting", pinned=True)},
    )  # fmt: skip


def _parallel(choice: Choice, differing: dict[str, list[str]]) -> None:
    metric = ranking_metric(next(iter(choice.runs.values())).settings)
    leaders = {model.run_id: model for model in choice.models}
    places = [place for place, key in enumerate(choice.runs) if key in leaders and metric in leaders[key].metrics]
    if len(places) < 2 or not differing:
        return
    keys = list(choice.runs)
    values = [leaders[keys[place]].metrics[metric] for place in places]
    shown = {label: [own[place] for place in places] for label, own in list(differing.items())[:8]}
    lower = is_lower_better(metric)
    names = [short_run(choice.runs[keys[place]]) for place in places]
    figure = charts_models.settings_of_runs(shown, names, metric_label(metric), values, lower_is_better=lower)
    chart(figure, key="compare_parallel", alt="Settings of the runs and their leaders' metric")
