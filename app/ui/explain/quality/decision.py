"""The Decision view of the Explain page: pick the threshold that labels are made by, see what it does, save it."""

from typing import TYPE_CHECKING, Any

import streamlit as st

from app.ui.errors import guard
from app.ui.explain import cached as explain_data
from app.ui.explain.opened import Opened, weights_note
from app.ui.services import get_services
from app.ui.widgets.layout import chart, choice_labels
from app.ui.widgets.models import report as report_view
from app.ui.widgets.models.leaderboard import as_table
from app.ui.widgets.person import person_field, remember_person
from app.ui.widgets.text import escape_markdown
from core.charts import models as charts_models
from core.domain.models import ORIGIN_NAMES, ModelInfo, Origin
from core.metrics.calibration import METHODS
from core.metrics.policy import RULES, Policy, Rule, make_policy
from core.metrics.profits import Money, profit
from core.metrics.threshold import Outcomes, outcomes_at, trade_off
from core.wording import count_text, percent_text

if TYPE_CHECKING:
    from core.metrics.calibration import Method
    from core.metrics.ranking import Ranking

_RULE_HELP = {
    "f1": "The best balance of precision and recall.",
    "recall": "The highest threshold that still finds this share of the positive rows.",
    "precision": "The lowest threshold that is still right this often: it finds the most rows.",
    "share": "The most probable rows, as many as you can act on.",
    "money": "The threshold that brings the most, given what each kind of decision brings or costs.",
    "threshold": "Any threshold you like.",
}
_WANTED = {
    "recall": ("Of the positive rows, find at least", 80),
    "precision": ("Of the rows selected, be right in at least", 50),
    "share": ("Of all rows, act on at most", 20),
}
_SAVED, _SHOWN_FOR = "explain.policy_saved", "explain.policy_shown"


def draw(opened: Opened) -> None:
    """Draw what is in force, what could be, and its consequences."""
    weights_note(opened)
    model = opened.model
    st.caption("Pick a threshold, see what it does to rows that the model had not seen, and save it with the reason.")
    left, right = st.columns([5, 7], gap="large")
    below = st.container()
    with left:
        in_force(model)
        _open_on_policy(model)
        origin = explain_data.origin_choice(model, "pick")
        if origin is None:
            return
        method = _calibration_choice()
        with guard(stop=False):
            ranking = explain_data.ranking(model.id, origin, str(explain_data.spec(model.id).positive), method)
            policy = _choose(model, ranking, origin, method)
            words = explain_data.predictions(model.id, policy.origin).words
            with right:  # below it on a phone: first what it does, then the form
                found = _consequences(model, ranking, policy, method, words)
            with below:
                curve, form = st.columns([7, 5], gap="large")
            with curve:
                _other_thresholds(model, ranking, policy, found, method, words)
            with form:
                _save_form(model, policy)
    history(model)


def in_force(model: ModelInfo) -> None:
    """Draw how labels are made at present."""
    from core.models.decisions import saved_words

    decided = explain_data.decision(model)
    if done := st.session_state.pop(_SAVED, None):
        st.success(escape_markdown(done), icon=":material/check_circle:")
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown("**In force**", width="content")
            st.badge(f"threshold {decided.threshold:.4f}", color="blue")
            st.badge("policy" if decided.saved else "from training", color="green" if decided.saved else "gray")
        parts = [decided.words if decided.saved else f"Chosen in training: {decided.words}"]
        if decided.saved:
            parts.append(saved_words(decided.saved))
        if decided.calibration:
            parts.append(f"probabilities calibrated by {decided.calibration.words}")
        st.caption(f"{escape_markdown('; '.join(parts))}. Used on the Predict page, on the command line and over HTTP.")


def _open_on_policy(model: ModelInfo) -> None:
    """Begin with the policy in force, once per model and policy; what the person changes afterwards stays."""
    saved, session = explain_data.decision(model).saved, st.session_state
    shown_for = (model.id, saved.id if saved else None)
    if session.get(_SHOWN_FOR) == shown_for:
        # Streamlit forgets what another view does not draw; a policy is looked at on the rows it was picked on.
        if saved and explain_data.PICKED_ON not in session and saved.policy.origin in explain_data.origins(model.id):
            session[explain_data.PICKED_ON] = saved.policy.origin
        return
    is_first_model = _SHOWN_FOR not in session and saved is None
    session[_SHOWN_FOR] = shown_for
    if is_first_model:
        return
    policy = saved.policy if saved else None
    rule = policy.rule if policy and policy.rule in RULES else "threshold" if policy else "f1"
    session["explain_rule"] = rule
    session["explain_calibrate"] = _calibrated_words(
        policy.calibration.method if policy and policy.calibration else None
    )
    if policy is None:
        return
    if policy.origin in explain_data.origins(model.id):
        session[explain_data.PICKED_ON] = policy.origin
    if policy.wanted is not None:
        session[f"explain_wanted_{rule}"] = round(100 * policy.wanted)
    if policy.money is not None:
        parts = {"tp": policy.money.true_positive, "fp": policy.money.false_positive,
                 "fn": policy.money.false_negative, "tn": policy.money.true_negative}  # fmt: skip
        session.update({f"explain_money_{name}": float(value) for name, value in parts.items()})
        session["explain_money_unit"] = policy.money.unit
    if rule == "threshold":
        session["explain_threshold"] = min(policy.threshold, 1.0)


def _calibrated_words(method: "Method | None") -> str:
    return "as the model gives them" if method is None else f"calibrated: {METHODS[method]}"


def _calibration_choice() -> "Method | None":
    words: dict[str, Method | None] = {_calibrated_words(method): method for method in (None, *METHODS)}
    chosen = st.selectbox(
        "Probabilities",
        tuple(words),
        key="explain_calibrate",
        help="Calibration is fitted on cross-validation predictions and saved with the policy: every later prediction"
        " gives calibrated probabilities. Where it is judged here, no row helped to fit its own.",
    )
    return words[chosen]


def _choose(model: ModelInfo, ranking: "Ranking", origin: Origin, method: "Method | None") -> Policy:
    """Draw the ways to pick a threshold; return the policy picked."""
    st.session_state.setdefault("explain_rule", "f1")
    rule: Rule = st.segmented_control(
        "Pick it by", tuple(RULES), key="explain_rule", required=True, wrap=True, format_func=choice_labels(RULES)
    ) or "f1"  # fmt: skip
    st.caption(_RULE_HELP[rule])
    wanted = money = threshold = None
    if rule in _WANTED:
        words, usual = _WANTED[rule]
        st.session_state.setdefault(f"explain_wanted_{rule}", usual)
        wanted = st.slider(words, 1, 100, key=f"explain_wanted_{rule}", format="%d%%") / 100
    elif rule == "money":
        money = _money()
    elif rule == "threshold":
        now = explain_data.decision(model).threshold or 0.5
        st.session_state.setdefault("explain_threshold", min(now, 1.0))
        threshold = st.number_input("Threshold", 0.0, 1.0, step=0.01, format="%.4f", key="explain_threshold")
    calibration = None if method is None else explain_data.calibration(model.id, method)
    return make_policy(
        ranking, rule, origin=origin, wanted=wanted, money=money, threshold=threshold, calibration=calibration
    )


def _money() -> Money:
    st.caption("What one row brings, below zero for a cost:")
    labels = (
        ("correctly selected", "tp", 100.0), ("wrongly selected", "fp", -10.0),
        ("missed", "fn", 0.0), ("correctly left out", "tn", 0.0),
    )  # fmt: skip
    for _, name, usual in labels:
        st.session_state.setdefault(f"explain_money_{name}", usual)
    st.session_state.setdefault("explain_money_unit", "EUR")
    with st.grid(2, min_column_width=140, gap="small"):
        tp, fp, fn, tn = (st.number_input(words.capitalize(), key=f"explain_money_{name}") for words, name, _ in labels)
    unit = st.text_input("Currency", key="explain_money_unit", max_chars=12)
    return Money(tp, fp, fn, tn, unit=unit.strip())


def _consequences(
    model: ModelInfo, ranking: "Ranking", policy: Policy, method: "Method | None", words: str
) -> Outcomes:
    """Draw what the policy does to the rows it was picked on; return it."""
    spec = explain_data.spec(model.id)
    found = outcomes_at(ranking, policy.threshold)
    _cards(found, policy)
    positive = str(spec.positive)
    f1 = f" F1 is {percent_text(found.f1, 1)}." if policy.rule == "f1" and found.selected else ""
    st.markdown(f"{in_people_words(found, positive)}{f1}")
    _elsewhere(model, policy, method)
    negative = next(name for name in spec.classes if name != positive)
    figure = charts_models.outcome_matrix(found, positive, negative, origin=words)
    chart(figure, key="explain_outcomes", alt="The four kinds of decision at the chosen threshold")
    return found


def in_people_words(found: Outcomes, positive: str) -> str:
    """Return what a threshold does to a hundred rows, as Markdown; empty where it selects none or there are none.

    Examples
    --------
    >>> in_people_words(Outcomes(true_positive=30, false_positive=70, false_negative=10, true_negative=290), "yes")
    'Selects 25% of the rows. 30 of 100 selected are **yes** (10 of 100 overall), and 75% of all **yes** are found.'
    """
    n_positive = found.true_positive + found.false_negative
    if not found.selected or not n_positive:
        return ""
    name = f"**{escape_markdown(positive)}**"
    usual = 100 * n_positive / found.n_rows
    return (
        f"Selects {percent_text(found.selected_share)} of the rows. {100 * found.precision:.0f} of 100 selected are"
        f" {name} ({usual:.0f} of 100 overall), and {percent_text(found.recall)} of all {name} are found."
    )


def _other_thresholds(
    model: ModelInfo, ranking: "Ranking", policy: Policy, found: Outcomes, method: "Method | None", words: str
) -> None:
    """Draw what other thresholds would bring, or would do."""
    if policy.money is not None:
        curve = explain_data.profit_curve(
            model.id, policy.origin, str(explain_data.spec(model.id).positive), policy.money, method
        )
        figure = charts_models.profit_curve(curve, origin=words, unit=policy.money.unit, share=found.selected_share)
        chart(figure, key="explain_profit", alt="Profit against the share of rows selected")
        st.caption(
            ":small[The band is the normal 95% interval of a sum: how much other rows of the same kind would differ."
            " The best point was picked on these same rows, so expect a little less, as the other rows show.]"
        )
    elif ranking.n_positive:
        figure = charts_models.trade_off(trade_off(ranking), origin=words, threshold=policy.threshold)
        chart(figure, key="explain_trade_off", alt="Precision, recall, F1 and rows selected over the threshold")


def _cards(found: Outcomes, policy: Policy) -> None:
    with st.grid(4, min_column_width=140, gap="small"):
        st.metric("Threshold", "none" if not found.selected else f"{policy.threshold:.4f}")
        st.metric(
            "Rows selected", percent_text(found.selected_share, 1), help=f"{found.selected:,} of {found.n_rows:,} rows"
        )
        st.metric(
            "Precision", percent_text(found.precision, 1), help="The share of the selected rows that are positive."
        )
        st.metric("Recall", percent_text(found.recall, 1), help="The share of the positive rows that are selected.")
        if policy.money is not None:
            one = profit(found, policy.money).per_thousand()
            st.metric(
                f"{escape_markdown(policy.money.unit) or 'Profit'} :gray[:small[for 1,000 rows]]",
                f"{one.total:,.0f}",
                help=f"95% interval {one.low:,.0f} to {one.high:,.0f}",
            )


def _elsewhere(model: ModelInfo, policy: Policy, method: "Method | None") -> None:
    """Say what the policy does to the predictions that it was not picked on."""
    other = next((origin for origin in explain_data.origins(model.id) if origin != policy.origin), None)
    if other is None:
        return
    positive = str(explain_data.spec(model.id).positive)
    found = outcomes_at(explain_data.ranking(model.id, other, positive, method), policy.threshold)
    text = (
        f"On **{ORIGIN_NAMES[other]}** rows, which had no part in picking it: {percent_text(found.selected_share, 1)}"
        f" selected, precision {percent_text(found.precision, 1)}, recall {percent_text(found.recall, 1)}"
    )
    if policy.money is not None:
        one = profit(found, policy.money).per_thousand()
        text += f", {one.total:,.0f} for 1,000 rows ({one.low:,.0f} to {one.high:,.0f})"
    st.markdown(f":material/fact_check: {text}.")


def _save_form(model: ModelInfo, policy: Policy) -> None:
    with st.form("explain_policy", border=True):
        st.markdown(f"**Save as the policy of {'version ' + str(model.version) if model.version else 'this model'}**")
        is_known = policy.threshold == explain_data.decision(model).threshold and policy.calibration is None
        if is_known:
            st.caption("This threshold is in force already; saving it adds who decided, and why.")
        why = st.text_input("Why, in a few words", key="explain_policy_why", max_chars=500)
        person = person_field("explain_policy_person", "Who decides")
        pressed = st.form_submit_button(
            "Save who decided, and why" if is_known else f"Use {policy.threshold:.4f} from now on",
            key="explain_policy_save", type="secondary" if is_known else "primary", icon=":material/rule:",
        )  # fmt: skip
    if pressed:
        from core.models.decisions import save_policy

        with guard(stop=False):
            save_policy(get_services().ledger, model, policy, why=why.strip(), person=person)
            remember_person(person)
            st.session_state[_SAVED] = f"Saved: labels are made at {policy.threshold:.4f} from now on."
            report_view.remake(model)
            st.rerun()


def history(model: ModelInfo) -> None:
    """Draw the policies that a model had, the one in force first."""
    from core.models.decisions import policy_record

    entries = get_services().ledger.policies(model.id)
    if not entries:
        return
    with st.expander(f"History: {count_text(len(entries), 'policy', 'policies')}"):
        config: dict[str, Any] = {
            "saved": st.column_config.DatetimeColumn("Saved (UTC)", format="D MMM YYYY, HH:mm"),
            "threshold": st.column_config.NumberColumn("Threshold", format="%.4f"),
            "rule": st.column_config.TextColumn("Picked by", width="large"),
            "calibration": "Calibration",
            "person": "Who",
            "why": st.column_config.TextColumn("Why", width="medium"),
            "version": st.column_config.NumberColumn("Version"),
        }
        st.dataframe(
            as_table([policy_record(entry) for entry in entries]),
            hide_index=True, placeholder="–", column_config=config, height="content",
            key="explain_policies", alt="Policies of this model, the one in force first",
        )  # fmt: skip
