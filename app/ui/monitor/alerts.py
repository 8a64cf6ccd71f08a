"""The head of the Monitor page: key numbers, what the last file shows, and the way to a new training."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import streamlit as st

from app.ui import navigation, state
from app.ui.errors import guard
from app.ui.monitor import schedule
from app.ui.monitor.seen import MOST, Seen
from app.ui.services import get_services, needs
from app.ui.widgets.text import escape_markdown
from core.domain.models import METRIC_NAMES, ORIGIN_NAMES
from core.ledger.outcome_records import MORE_IS_BETTER, UseAlert
from core.wording import ago_text, change_text, count_text, day_text, list_text, metric_text

if TYPE_CHECKING:
    from core.services import Services

_SHOWN = 5


def headline(seen: Seen) -> None:
    """Draw the main numbers."""
    with st.grid(5, min_column_width=160, gap="small"):
        st.metric(
            "Files scored", f"{len(seen.records):,}",
            help=f"The latest {MOST} at most. A file that was scored again by the same model with the same threshold "
            "counts once, by its latest scoring; Predict lists every scoring.",
        )  # fmt: skip
        st.metric("Rows scored", f"{sum(record.n_rows for record in seen.records):,}")
        st.metric("Last file", ago_text(seen.latest.submitted_at))
        st.metric("Files with an alert", f"{len(seen.alerted):,}")
        _realised(seen)


def rules(seen: Seen) -> None:
    """Draw when to raise an alert, and when to train again by itself."""
    with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
        _rule(seen)
        schedule.draw(seen.experiment)


def _realised(seen: Seen) -> None:
    known = seen.known()
    if not known:
        return
    _, record, last = known[-1]
    value, promised = last.value, last.promise
    if value is None:
        return
    name = METRIC_NAMES[last.headline]
    where = f", {ORIGIN_NAMES[last.origin]} promised {metric_text(promised)}" if last.origin else ""
    low, high, is_kept = last.found.low, last.found.high, last.verdict == "kept"
    spread = "" if low is None or high is None else f"; 95% interval {metric_text(low)} to {metric_text(high)}"
    spread += ", so chance explains the difference" if is_kept else ""
    colour: Literal["normal", "inverse", "off"] = "normal" if last.headline in MORE_IS_BETTER else "inverse"
    st.metric(
        f"{name[:1].upper()}{name[1:]} :gray[:small[actual, last with outcomes]]",
        metric_text(value),
        delta=None if promised is None else change_text(value - promised, 2),
        delta_color="off" if is_kept else colour,
        delta_description=f"from {ORIGIN_NAMES[last.origin]}".replace("cross-validation", "CV")
        if last.origin
        else None,
        help=f"On {last.found.n_rows:,} rows of {escape_markdown(record.file_name)}, the last file with known outcomes"
        f"{where}{spread}.",
    )


def _rule(seen: Seen) -> None:
    with (
        st.popover("Alert rule", icon=":material/tune:", key="monitor_rule", width="content"),
        st.form("monitor_rule_form"),
    ):
        st.caption("When should this problem raise an alert?")
        save = needs("monitor.set_rule")
        psi = st.number_input(
            "Drift (PSI) above", 0.01, 100.0, value=seen.rule.psi, step=0.05, key=f"monitor_psi_{seen.experiment}",
            help="Of a feature or of the scores, against training: 0.1 is some change, 0.25 a large one. Differences "
            "that chance explains in a small file raise none.", disabled=save["disabled"],
        )  # fmt: skip
        loss = st.number_input(
            "Metric worse than promised by more than, %", 1.0, 1000.0, value=100 * seen.rule.loss, step=1.0,
            key=f"monitor_loss_{seen.experiment}", help="And by more than chance explains.",
            disabled=save["disabled"],
        )  # fmt: skip
        if seen.rule.at is not None:
            by = f" by {escape_markdown(seen.rule.person)}" if seen.rule.person else ""
            st.caption(f"Set{by} on {day_text(seen.rule.at)}.")
        if st.form_submit_button("Save", key="monitor_rule_save", type="primary", **save):
            with guard(stop=False):
                get_services().monitor.set_rule(seen.experiment, psi=psi, loss=loss / 100)
                st.rerun()


def latest(seen: Seen) -> None:
    """Draw what the last file shows."""
    found = seen.alerts_of(seen.latest.id)
    name = escape_markdown(seen.latest.file_name)
    recent = _recent_alerts(seen)
    if found:
        st.warning(_lines(found), title=f"The last file, {name}, raises {count_text(len(found), 'alert')}",
                   icon=":material/notifications_active:")  # fmt: skip
        return
    is_compared = seen.latest.summary is not None and seen.latest.summary.drift_rows
    said = f"The last file, {name}, " + (
        "looks like the training data" if is_compared else "could not be compared with training: it has too few rows, "
        "or the model was trained before the values of its training data were stored"
    )  # fmt: skip
    if recent:  # it does not undo what a file before it showed
        files, n_alerts = list_text(list(recent), 2, show=escape_markdown), sum(map(len, recent.values()))
        st.warning(f"{said}; before it {files} raised {count_text(n_alerts, 'alert')}.",
                   title="A recent file needs a look", icon=":material/notifications_active:")  # fmt: skip
    elif is_compared:
        st.success(f"{said}.", icon=":material/check_circle:")
    else:
        st.info(f"{said}.", icon=":material/info:")


def _recent_alerts(seen: Seen, *, but_last: bool = False) -> dict[str, tuple[UseAlert, ...]]:
    """Return the alerts of the last few files that raised any, by their names, the oldest first.

    The last file's can be left out: they stand above.
    """
    found: dict[str, tuple[UseAlert, ...]] = {}
    for record in seen.recent:
        if (own := seen.alerts_of(record.id)) and not (but_last and record.id == seen.latest.id):
            found[record.file_name] = (*found.get(record.file_name, ()), *own)
    return found


def train_again(seen: Seen, services: "Services") -> None:
    """Offer a training with the settings of the model in use, more strongly where recent files raise alerts."""
    if seen.champion is None or not seen.champion.has_files:
        return
    recent = _recent_alerts(seen)
    urgent = [alert for own in recent.values() for alert in own]
    n_new = services.retrainer.count_rows(seen.experiment)
    if not urgent and not n_new:
        return
    is_worse = any(alert.kind == "metric" for alert in urgent)
    is_held, has_drifted = bool(seen.known()) and not is_worse, any(alert.kind != "metric" for alert in urgent)
    with st.container(border=True):
        # Columns, since they stand below each other on a telephone.
        left, right = st.columns([1, 1], vertical_alignment="center")
        with left:
            st.markdown("**What to do about it**" if urgent else "**There are new rows to learn from**")
            st.caption(_reason(_recent_alerts(seen, but_last=True), n_new, is_held=is_held, is_worse=is_worse))
        with right, st.container(horizontal=True, horizontal_alignment="right", gap="small"):
            if n_new:
                st.button(
                    "Train with the new outcomes", key="monitor_train_new",
                    icon=":material/add_chart:", type="secondary" if is_held else "primary",
                    on_click=_ask, args=("new",),
                    **needs("retrainer.add_outcomes"),
                )  # fmt: skip
            for view, words, icon, is_wanted in (
                ("Outcomes", "See the outcomes", ":material/fact_check:", is_worse),
                ("Drift", "See the drift", ":material/monitoring:", has_drifted),
                ("Outcomes", "Add actual outcomes", ":material/fact_check:", urgent and not is_worse and not n_new),
            ):
                if is_wanted:
                    is_first = not n_new and view == ("Outcomes" if is_worse else "Drift")
                    st.button(words, key=f"monitor_{words.split()[0].lower()}_{view.lower()}", icon=icon,
                              type="primary" if is_first else "secondary", on_click=_look, args=(view,))  # fmt: skip
            st.button(
                "Train on the same data", key="monitor_train", icon=":material/model_training:",
                type="secondary" if n_new else "tertiary", on_click=_ask, args=("same",),
                **needs("jobs.submit", help="Opens Train with the settings of the model in use; nothing starts yet."),
            )  # fmt: skip
    asked = st.session_state.pop("monitor.train", None)
    if asked is not None:
        _go(seen, services, with_new=asked == "new")


def _look(view: str) -> None:
    st.session_state["monitor_view"] = view


def _ask(what: str) -> None:
    st.session_state["monitor.train"] = what


def _go(seen: Seen, services: "Services", *, with_new: bool) -> None:
    champion = seen.champion
    if champion is None:
        return
    with guard(stop=False), st.spinner("Preparing the training"):
        new = services.retrainer.add_outcomes(champion) if with_new else None
        settings = services.retrainer.settings_of(champion, new.dataset.id if new else None)
        services.datasets.get(settings.dataset_id)
        state.propose_settings(settings)
        navigation.go("train", dataset=settings.dataset_id)


def _reason(earlier: Mapping[str, tuple[UseAlert, ...]], n_new: int, *, is_held: bool, is_worse: bool) -> str:
    """Return what files before the last one raised, and what can be done."""
    alerts = [alert for own in earlier.values() for alert in own]
    parts, found = [], []
    if any(alert.kind == "metric" for alert in alerts):
        found.append("predictions were worse than promised")
    names = list(dict.fromkeys(alert.name for alert in alerts if alert.kind == "feature"))
    if names:
        shown = list_text(names, 3, show=escape_markdown)
        found.append(f"values of {shown} are not distributed as those the model learned from")
    if any(alert.kind == "score" for alert in alerts):
        found.append("scores are distributed differently from those in training")
    if found:
        where = list_text(list(earlier), 2, show=escape_markdown)
        parts.append(f"{where} raised {count_text(len(alerts), 'alert')}: {list_text(found)}.")
    if is_held:
        parts.append("Where actual outcomes of the last files are known, no metric raises an alert.")
    same = "trained on the same data, it would be much the same."
    if n_new:
        rows = count_text(n_new, "row")
        parts.append(f"Up to {rows} whose actual outcome is now known can be added to the training data.")
    elif is_worse:
        parts.append(f"Predictions suffer, so a new model needs newer data: {same}")
    else:
        parts.append(
            "Look at what changed. Actual outcomes tell whether predictions suffer, and are what a new model learns"
            f" from: {same}"
        )
    return " ".join(parts)


def _lines(alerts: tuple[UseAlert, ...]) -> str:
    lines = [f"- {escape_markdown(alert.text)}" for alert in alerts[:_SHOWN]]
    if len(alerts) > _SHOWN:
        lines.append(f"- and {len(alerts) - _SHOWN} more, all under Drift")
    return "\n".join(lines)
