"""Small pieces that several pages share."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import streamlit as st

from app.ui import navigation, state
from core.domain.datasets import Dataset
from core.domain.models import ORIGIN_NAMES, ModelInfo, Origin
from core.domain.runs import RunInfo, RunStatus
from core.domain.training import Task

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from streamlit.elements.lib.mutable_tab_container import TabContainer

    from core.data.datasets.registry import Datasets

_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$&^=\"'])")
# Streamlit and GitHub-flavoured Markdown look for icons, emoji, addresses and mail in plain text too: an invisible
# word joiner keeps them from finding any.
_AUTOMATIC = re.compile(r"(:|@|www(?=\\?\.))(?=\S)", re.IGNORECASE)
_JOINER = "\u2060"
T = TypeVar("T")
_CHART = {"displayModeBar": False, "displaylogo": False}
_HEADLINES: dict[Task, tuple[str, str]] = {
    "binary": ("auc", "AUC"),
    "multiclass": ("logloss", "Log loss"),
    "regression": ("rmse", "RMSE"),
}

ENGINE_LOOK: dict[str, tuple[str, str, str]] = {
    "stopped": (":material/bedtime:", "Engine asleep", "It starts by itself when it is needed."),
    "starting": (
        ":blue[:material/progress_activity:]",
        "Engine starting",
        "This takes some seconds; longer while the machine is busy.",
    ),
    "ready": (":green[:material/check_circle:]", "Engine ready", ""),
    "failed": (":red[:material/error:]", "Engine not available", ""),
}
STATUS_LOOK: dict[RunStatus, tuple[str, str, Literal["gray", "blue", "green", "red", "orange"]]] = {
    "queued": ("Queued", ":material/schedule:", "gray"),
    "running": ("Running", ":material/progress_activity:", "blue"),
    "finished": ("Finished", ":material/check_circle:", "green"),
    "failed": ("Failed", ":material/error:", "red"),
    "cancelled": ("Cancelled", ":material/cancel:", "orange"),
}


def escape_markdown(text: object) -> str:
    """Return text from data so that Markdown shows it as it is: no links, images, icons, formulas or line breaks.

    Examples
    --------
    >>> escape_markdown("[x](y)*")
    '\\\\[x\\\\]\\\\(y\\\\)\\\\*'
    """
    plain = " ".join(str(text).split())
    return _AUTOMATIC.sub(rf"\1{_JOINER}", _SPECIAL.sub(r"\\\1", plain))


# --- words for numbers ------------------------------------------------------------------------------------------------


def bytes_text(n_bytes: float) -> str:
    """Return a size in the unit that reads best.

    Examples
    --------
    >>> bytes_text(532), bytes_text(3_200_000), bytes_text(2 * 1024**3)
    ('532 B', '3.1 MiB', '2.0 GiB')
    """
    for unit in ("B", "KiB", "MiB", "GiB"):
        if n_bytes < 1024:
            return f"{n_bytes:,.0f} B" if unit == "B" else f"{n_bytes:,.1f} {unit}"
        n_bytes /= 1024
    return f"{n_bytes:,.1f} TiB"


def duration_text(seconds: float) -> str:
    """Return a duration in words.

    Examples
    --------
    >>> duration_text(0.42), duration_text(83), duration_text(7262)
    ('0.4 s', '1 min 23 s', '2 h 1 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def ago_text(when: datetime, now: datetime | None = None) -> str:
    """Return how long ago something was, in words; the date when it is more than a week.

    Examples
    --------
    >>> ago_text(datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 1, 3, tzinfo=UTC))
    '3 hours ago'
    """
    seconds = ((now or datetime.now(UTC)) - when).total_seconds()
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        count = int(seconds // size)
        if count >= 1:
            return when.strftime("%d %b %Y") if unit == "day" and count > 7 else f"{count} {unit}{'s'[: count > 1]} ago"
    return "just now"


def count_text(count: int, noun: str, plural: str | None = None) -> str:
    """Return a count with its noun.

    Examples
    --------
    >>> count_text(1, "row"), count_text(12345, "row")
    ('1 row', '12,345 rows')
    """
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def metric_text(value: float | None) -> str:
    """Return a metric with four significant digits; a dash when there is none."""
    return "–" if value is None else f"{value:,.4g}"


# --- pieces -----------------------------------------------------------------------------------------------------------


def page_title(title: str, caption: str) -> None:
    """Draw the head of a page: its title and one sentence on what it is for."""
    st.title(title, anchor=False)
    st.caption(caption)


def empty_state(message: str, hint: str, *, icon: str) -> st.delta_generator.DeltaGenerator:
    """Draw what stands where nothing is yet, with the next step; returns the box, for a link or button."""
    box = st.container(border=True, horizontal_alignment="center", gap="small")
    with box:
        st.space("small")
        st.markdown(f":gray[{icon}]  **{message}**", text_alignment="center")
        st.caption(hint, text_alignment="center")
        rest = st.container(horizontal_alignment="center")
        st.space("xsmall")
    return rest


def status_badge(status: RunStatus) -> None:
    """Draw a run's status."""
    label, icon, color = STATUS_LOOK[status]
    st.badge(label, icon=icon, color=color)


def metric_with_origin(label: str, value: float | None, origin: Origin, *, help: str | None = None) -> None:  # noqa: A002
    """Draw a metric that says where it was measured: cross-validation, holdout or training."""
    st.metric(f"{escape_markdown(label)} :gray[:small[{ORIGIN_NAMES[origin]}]]", metric_text(value), help=help)


def headline_metric(model: ModelInfo) -> str:
    """Return a model's most told metric with its origin, as Markdown: the holdout's where there is one."""
    name, label = _HEADLINES[model.task]
    origin: Origin = "holdout" if f"holdout_{name}" in model.metrics else "cv"
    value = model.metrics.get(f"{origin}_{name}")
    return f"{label} **{metric_text(value)}** ({ORIGIN_NAMES[origin]})"


def run_row(run: RunInfo) -> None:
    """Draw one run in a line or two: what it is, how far it is, when it was."""
    with st.container(gap="xxsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            name = escape_markdown(run.experiment)
            navigation.link("train", f"**{name}**", icon=":material/arrow_forward:", run=run.run_id)
            status_badge(run.status)
        parts = [escape_markdown(run.dataset_name), count_text(run.n_models, "model"), ago_text(run.created_at)]
        st.caption(" · ".join(parts))
        if run.status == "running":
            st.progress(min(max(run.progress, 0.0), 1.0), text=escape_markdown(run.stage or "Training"))
        elif run.error:
            st.markdown(f":red[:small[{escape_markdown(run.error['message'])}]]")


def champion_row(model: ModelInfo) -> None:
    """Draw the model in use of one experiment, with the ways on from it."""
    with st.container(gap="xxsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f":material/trophy: **{escape_markdown(model.experiment)}**", width="content")
            st.badge(f"version {model.version}", color="blue")
        st.caption(f"{escape_markdown(model.algo)} · {headline_metric(model)} · {ago_text(model.created_at)}")
        with st.container(horizontal=True, gap="small"):
            navigation.link("predict", "Predict", model=model.id)
            navigation.link("explain", "Explain", model=model.id)


def dataset_picker(datasets: "Datasets", *, key: str, label: str = "Dataset") -> Dataset | None:
    """Draw a choice of dataset that follows links and the other pages; None when there is no dataset."""
    known = {dataset.id: dataset for dataset in datasets.list()}
    wanted = st.query_params.get("dataset")
    if wanted and wanted not in known:
        st.warning("The dataset of this link is not here any more.", icon=":material/link_off:")
        state.forget("dataset")
    state.seed(key, "dataset", tuple(known))
    if not known:
        return None
    chosen = st.selectbox(label, tuple(known), key=key, format_func=lambda dataset_id: known[dataset_id].label)
    state.remember("dataset", chosen)
    return known[chosen]


def is_dark() -> bool:
    """Whether the browser shows the dark theme."""
    return st.context.theme.type == "dark"


def choice_label(label: str) -> str:
    """Return the label of a tab or of an option in a row of options, as Markdown that can be read when it is chosen.

    Streamlit writes what is chosen in the accent colour. The accent of the dark theme has to be dark enough for the
    white text on buttons, so it is too dark for text: there the label keeps the text colour, and the accent's frame,
    tint or line says what is chosen.
    """
    if not is_dark():
        return label
    return f':color[{label}]{{foreground="{st.get_option("theme.dark.textColor")}"}}'


def choice_labels(names: Mapping[T, str] | Callable[[T], str]) -> Callable[[T], str]:
    """Return the ``format_func`` of pills or a segmented control from the names of its options."""
    name = names if callable(names) else names.__getitem__
    return lambda option: choice_label(name(option))


def tabs(*labels: str, key: str) -> "Sequence[TabContainer]":
    """Draw tabs; only what is under the open one (``.open``) needs to be drawn."""
    return st.tabs([choice_label(label) for label in labels], key=key, on_change="rerun")


def chart(figure: "go.Figure", *, key: str, alt: str) -> None:
    """Draw a figure in the theme that is shown."""
    st.plotly_chart(_in_theme(figure), key=key, theme=None, alt=alt, config=_CHART)


def clickable_chart(figure: "go.Figure", *, key: str, alt: str) -> "list[dict[str, Any]]":
    """Draw a figure whose points can be clicked; returns those that are."""
    event = st.plotly_chart(
        _in_theme(figure), key=key, theme=None, alt=alt, config=_CHART, on_select="rerun", selection_mode="points"
    )
    return event.selection.points


def _in_theme(figure: "go.Figure") -> "go.Figure":
    from core.charts import look  # with Plotly, which whoever has a figure has loaded

    return look.apply(figure, dark=is_dark())


def warnings_list(warnings: Sequence[str]) -> None:
    """Draw what a reader noticed, each in a line."""
    if warnings:
        text = "\n".join(f"- {escape_markdown(warning)}" for warning in warnings)
        st.warning(text, title=count_text(len(warnings), "remark") + " on this file", icon=":material/info:")


def download_row(files: Sequence[tuple[str, bytes, str, str]], *, key: str) -> None:
    """Draw download buttons side by side; each file is (label, content, file name, MIME type)."""
    with st.container(horizontal=True):
        for number, (label, content, file_name, mime) in enumerate(files):
            st.download_button(
                label, content, file_name, mime, key=f"{key}_{number}", icon=":material/download:", on_click="ignore"
            )
