"""Making a model the champion: what would change, the reason, and who decides."""

from typing import Any

import streamlit as st

from app.ui.errors import guard
from app.ui.services import get_services
from app.ui.widgets.models.card import shown_name
from app.ui.widgets.models.metrics import metric_name
from app.ui.widgets.person import person_field, remember_person
from app.ui.widgets.tables import written
from app.ui.widgets.text import escape_markdown
from core.domain.models import ORIGIN_NAMES, ModelInfo, metric_in_words
from core.models.leaderboard import is_lower_better, metric_columns
from core.models.standing import difference_texts
from core.review.difference import ChampionDifference, compare_with_champion
from core.wording import list_text, metric_text

_OPEN = "leaderboard.promoting"
DONE = "leaderboard.done"


def button(model: ModelInfo) -> None:
    """Draw the ways to make a model the champion or the challenger."""
    if model.is_champion:
        return
    if not model.is_challenger and st.button(
        "Make it the challenger", key="leaderboard_challenge", icon=":material/swords:", type="tertiary",
        help="The model that the team is considering next: models:/…@challenger names it.",
    ):  # fmt: skip
        with guard(stop=False):
            get_services().reviews.challenge(model)
            st.session_state[DONE] = f"It is the challenger of {model.experiment} now."
            st.rerun()
    if st.button("Promote to champion", key="leaderboard_promote_open", icon=":material/trophy:"):
        _toggle(model)


def _toggle(model: ModelInfo) -> None:
    """Open the form for a model, and note the champion that the person sees now; or close it."""
    if (st.session_state.pop(_OPEN, None) or ("",))[0] != model.id:
        with guard(stop=False):
            st.session_state[_OPEN] = (model.id, get_services().store.champion_version(model.experiment))


def draw(model: ModelInfo) -> None:
    """Draw what a promotion would change, and the form, when it was asked for."""
    opened_for, seen = st.session_state.get(_OPEN) or ("", None)
    if opened_for != model.id or model.is_champion:
        return
    services = get_services()
    with st.container(border=True), guard(stop=False):
        champion = services.store.champion(model.experiment)
        st.markdown("**What changes**")
        if champion is None:
            st.caption("The experiment has no champion yet: predictions will use this model.")
        else:
            _difference(compare_with_champion(services.store, services.ledger, champion, model))
        _form(model, seen)


def _difference(found: ChampionDifference) -> None:
    champion = found.champion
    st.caption(f"Predictions use version {champion.version} ({shown_name(champion)}) now; from then on this model.")
    worse, better = found.worse(), found.better()
    if worse:
        names = list_text([metric_in_words(one.metric) for one in worse], 4)
        st.warning(
            f"On {ORIGIN_NAMES[found.origin or 'cv']}, {found.n_rows:,} rows, beyond chance: {names}.",
            title="It is worse than today's champion", icon=":material/trending_down:",
        )  # fmt: skip
    elif better:
        st.success("Nothing measured is worse beyond chance, and something is better.", icon=":material/trending_up:")
    elif found.differences:
        st.info("No difference to today's champion is beyond chance.", icon=":material/drag_handle:")
    if found.differences:
        records = [_record(one, found) for one in found.differences]
        records, config = written(records, ("Champion", "This model"))
        st.dataframe(
            records,
            hide_index=True, placeholder="–", column_config=config, height="content", key="leaderboard_difference",
            alt="Metrics of the champion and of this model on the same rows, with the interval of the difference",
        )  # fmt: skip
        st.caption(
            f"{ORIGIN_NAMES[found.origin or 'cv'].capitalize()}, {found.n_rows:,} rows that both were judged on; 95%"
            " interval of the difference by a paired bootstrap of the rows (delta method)."
        )
        _moved(found)
    else:
        st.caption(f":material/info: {found.reason} Metrics of the leaderboard, by origin:")
        st.dataframe(_by_origin(found), hide_index=True, placeholder="–", height="content", key="leaderboard_by_origin")


def _record(one: Any, found: ChampionDifference) -> dict[str, object]:
    value, interval = difference_texts(one)
    verdict = "chance explains it" if one.is_tied else "worse" if one in found.worse() else "better"
    return {
        "Metric": metric_name(one.metric),
        "Champion": one.first,
        "This model": one.second,
        "Difference": value,
        "95% interval": interval,
        "Verdict": verdict,
    }


def _moved(found: ChampionDifference) -> None:
    parts = []
    if found.model.task == "binary":
        parts.append(
            f"**Who moves:** {found.gained:,} rows are decided for the positive class that were not before, and"
            f" {found.lost:,} no more, of {found.n_rows:,}."
        )
    elif found.model.task == "multiclass":
        parts.append(f"**Who moves:** {found.gained:,} of {found.n_rows:,} rows get another label.")
    if found.money is not None:
        unit = escape_markdown(found.money.unit) or "profit"
        first, second = found.money.champion, found.money.model
        parts.append(
            f"**Money:** {second.total:,.0f} {unit} for 1,000 rows ({second.low:,.0f} to {second.high:,.0f}), the"
            f" champion {first.total:,.0f} ({first.low:,.0f} to {first.high:,.0f})."
        )
    if parts:
        st.markdown("  \n".join(parts))


def _by_origin(found: ChampionDifference) -> list[dict[str, object]]:
    return [
        {
            "Metric": metric_name(name.partition("_")[2]),
            "Origin": ORIGIN_NAMES["holdout" if name.startswith("holdout_") else "cv"],
            "Champion": metric_text(found.champion.metrics.get(name)),
            "This model": metric_text(found.model.metrics.get(name)),
            "Better": "lower" if is_lower_better(name) else "higher",
        }
        for name in metric_columns([found.champion, found.model])
    ]


def _form(model: ModelInfo, seen: int | None) -> None:
    services = get_services()
    with st.form("leaderboard_promotion", border=False):
        if services.settings.four_eyes:
            st.caption(":material/group: Somebody else than you and who trained it has to have approved this model.")
        note = st.text_input("Why this model", key="leaderboard_note", max_chars=1000)
        person = person_field("leaderboard_promoter")
        with st.container(horizontal=True, gap="small"):
            pressed = st.form_submit_button(
                "Promote", key="leaderboard_promote", type="primary", icon=":material/trophy:"
            )
            stopped = st.form_submit_button("Not now", key="leaderboard_promote_not")
    if stopped:
        st.session_state.pop(_OPEN, None)
        st.rerun()
    if pressed:
        with guard(stop=False):
            # What the person sees from now on is the champion of now, should it be another one.
            st.session_state[_OPEN] = (model.id, services.store.champion_version(model.experiment))
            version = services.reviews.promote(model, note, person=person, instead_of=seen)
            remember_person(person)
            st.session_state.pop(_OPEN, None)
            st.session_state[DONE] = f"Version {version} is now the champion of {model.experiment}."
            st.rerun()
