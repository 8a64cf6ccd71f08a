"""One model: its name in lists, its card, and the ways on from it."""

import streamlit as st

from app.ui import navigation
from app.ui.widgets.models.metrics import main_metric, metric_cards, metric_label
from app.ui.widgets.text import escape_markdown
from core.domain.models import ModelInfo, model_name
from core.models.leaderboard import NO_BETTER
from core.wording import metric_text


def model_label(model: ModelInfo) -> str:
    """Return a model's name for lists: its own, place or version, and its main metric, as plain text."""
    metric = main_metric(model)
    parts = [model_name(model.model_key), f"version {model.version}" if model.version else None]
    parts += ["champion" if model.is_champion else f"place {model.rank}" if model.rank else None]
    if metric in model.metrics:
        parts.append(f"{metric_label(metric).replace(' · ', ' ')} {metric_text(model.metrics[metric])}")
    return " · ".join(part for part in parts if part)


def shown_name(model: ModelInfo) -> str:
    """Return a model's own name as Markdown."""
    return escape_markdown(model_name(model.model_key))


def model_uri(link: str) -> str:
    """Return the URI that a link's `model` means: an id or a whole URI.

    Examples
    --------
    >>> model_uri("m-1")
    'models:/m-1'
    """
    return link if link.startswith("models:/") else f"models:/{link}"


def model_badges(model: ModelInfo, *, is_named: bool = False) -> None:
    """Draw what is special about a model as badges; beside its `model_label` only what that does not say."""
    with st.container(horizontal=True, gap="xsmall", width="content"):
        if model.is_champion and not is_named:
            st.badge("Champion", icon=":material/trophy:", color="green")
        if model.is_challenger:
            st.badge("Challenger", icon=":material/swords:", color="orange")
        if model.baseline:
            st.badge("Baseline", icon=":material/compare_arrows:", color="violet")
        if model.version and not is_named:
            st.badge(f"Version {model.version}", color="blue")
        if model.no_better:
            st.badge(NO_BETTER, icon=":material/warning:", color="orange", help=model.no_better)
        if not model.has_files and not model.baseline:
            st.badge("Metrics only", color="gray")


def model_card(model: ModelInfo, name: str, champion: ModelInfo | None = None) -> None:
    """Draw one model with its metrics, beside the champion's where they are of the same rows, and the ways on."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{escape_markdown(name)}**", width="content")
            model_badges(model)
        metric_cards(model, champion=champion)
        if model.has_files:
            model_actions(model)
        elif model.baseline:
            st.caption(
                ":material/info: It predicts the same for every row, so there is nothing to score with or to explain."
            )
        else:
            st.caption(
                ":material/info: Only the leader and the next five models of a run keep their files. "
                "This one has metrics, but cannot score or be explained."
            )


def model_actions(model: ModelInfo) -> None:
    """Draw the ways on from a stored model: explain, predict."""
    with st.container(horizontal=True, gap="small"):
        if st.button("Explain", key="leaderboard_explain", icon=":material/lightbulb:"):
            navigation.go("explain", model=model.id)
        if st.button("Predict with it", key="leaderboard_predict", icon=":material/online_prediction:"):
            navigation.go("predict", model=model.id)
