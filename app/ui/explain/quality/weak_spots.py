"""The Weak spots view of the Explain page: segments with the worst metric, and rows of your choice."""

import streamlit as st

from app.ui.errors import guard
from app.ui.explain import cached as explain_data
from app.ui.explain.opened import Opened, weights_note
from app.ui.explain.quality import row_filter as explain_rows
from app.ui.explain.quality.row_filter import SHARES, name_of, value_text
from app.ui.widgets.layout import chart, choice_labels
from app.ui.widgets.tables import number_cell, number_format
from app.ui.widgets.text import escape_markdown
from core.charts import models as charts_models
from core.metrics.groups.grading import HIGHER_IS_BETTER, Metric
from core.metrics.groups.segments import METHODS, METRICS, Segment, Weakness, explained_words
from core.wording import count_text

_HELP: dict[Metric, str] = {
    "explained": "Higher is better: how much smaller the model's error is than if every row were given the part's own"
    " average (R² of numbers, D² of the log loss of classes). Below 0 that average would be better. Parts with less"
    " error than all rows together are left out. Within parts of a column that the model relies on, less is left to"
    " explain.",
    "logloss": "Lower is better. It is also high where the classes are evenly mixed and nobody could be sure.",
    "auc": "Higher is better: how well the two classes are told apart within the part.",
    "error": "Lower is better. Of two classes it depends on the threshold: it is also high where many rows are selected"
    " though few are of the class.",
    "rmse": "Lower is better; large errors weigh more.",
    "mae": "Lower is better.",
}
SHOWN = 12


def draw(opened: Opened) -> None:
    """Draw the parts of the data where the model is worst."""
    weights_note(opened)
    model = opened.model
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        origin = explain_data.origin_choice(model, "parts")
        if origin is None:
            return
        metric: Metric = st.segmented_control(
            "Metric", METRICS[model.task], key=f"explain_weak_metric_{model.task}", default=METRICS[model.task][0],
            required=True, format_func=choice_labels(name_of),
        )  # fmt: skip
        pairs = st.toggle(
            "Pairs of columns too", key="explain_weak_pairs",
            help="Also the groups of two columns together, of the eight columns by which the metric differs most.",
        )  # fmt: skip
    with guard(stop=False):
        decided = explain_data.decision(model)
        method = explain_data.method_of(decided)
        found = explain_data.weakness(model.id, origin, metric, decided.threshold, method, pairs=pairs)
        _segments(found)
    with guard(stop=False):
        explain_rows.draw(model, origin, metric, decided.threshold, method)


def _segments(found: Weakness) -> None:
    name, is_share = name_of(found.metric), found.metric in SHARES
    worse = [one for one in found.segments if one.gap > 0]
    shown = worse[:SHOWN]
    if not shown:
        st.info(
            f"No part of at least {found.min_rows:,} rows is worse than all rows together.",
            icon=":material/check_circle:",
        )
        st.caption(f"**{name}.** {_HELP[found.metric]}")
        return
    drawn = sorted(shown, key=lambda one: one.value if found.metric in HIGHER_IS_BETTER else -one.value)
    worst = next((one for one in drawn if one.is_clear), drawn[0])
    value, overall = (value_text(found.metric, one) for one in (worst.value, found.overall))
    where = " and ".join(f"{escape_markdown(column)}: {escape_markdown(group)}" for column, group in worst.parts)
    rows = count_text(worst.n_rows, "row")
    said = f"{_lower(name)} {value}, where all rows have {overall}"
    if found.metric == "explained":
        said = explained_words(worst, found.overall)
    st.markdown(f"Worst is **{where}**, {rows}: {said}.")
    figure = charts_models.weak_segments(found, drawn, metric_name=name, is_share=is_share)
    chart(figure, key="explain_weak", alt="Parts of the data with the worst metric, the worst first")
    clear = sum(one.is_clear for one in shown)
    counted = f"{count_text(found.n_looks, 'part')} of at least {found.min_rows:,} rows were measured"
    if found.n_looks > found.n_segments:
        counted += f"; {found.n_segments:,} of them have no less error than all rows"
    which = f"The **{clear:,}** in colour {'is' if clear == 1 else 'are'}"
    which = "All that are drawn are" if clear == len(shown) else which
    chance = f"{which} worse beyond chance." if clear else "None is worse beyond chance."
    st.caption(f"{counted}; the worst {len(shown)} are drawn, with their rows. {chance}")
    with st.expander("How this is measured", key="explain_weak_how"):
        st.markdown(
            f"- **{name}.** {_HELP[found.metric]}\n"
            f"- **Which are drawn.** Those that are worst by the end of their interval that favours the model"
            f" ({METHODS[found.metric]}).\n"
            "- **Chance.** By chance alone the interval of about one part in twenty would miss the value of all rows."
            f" Those in colour are worse even when intervals are widened for all {found.n_looks:,} (Bonferroni)."
        )
    title = f"All {count_text(len(found.segments), 'part')} as a table"
    with st.expander(title, on_change="rerun", key="explain_weak_all") as opened:
        if opened.open:
            _table(found, name)


def _table(found: Weakness, name: str) -> None:
    shape = "percent" if found.metric in SHARES else number_format(one.high for one in found.segments)
    records = [_record(one, name, shape) for one in found.segments]
    st.dataframe(
        records,
        hide_index=True,
        placeholder="–",
        height=380,
        column_config=dict.fromkeys((name, "Low", "High", "Worse by"), st.column_config.NumberColumn(format=shape))
        | {"Rows": st.column_config.NumberColumn(format="localized")},
        key="explain_weak_table",
        alt="All parts, the worst first",
    )


def _lower(name: str) -> str:
    """Return a metric's name inside a sentence: an abbreviation stays as it is."""
    return name if name.isupper() else name[:1].lower() + name[1:]


def _record(one: Segment, name: str, shape: str) -> dict[str, object]:
    return {
        "Part of the data": " and ".join(f"{column}: {group}" for column, group in one.parts),
        "Rows": one.n_rows,
        name: number_cell(one.value, shape),
        "Low": number_cell(one.low, shape),
        "High": number_cell(one.high, shape),
        "Worse by": number_cell(one.gap, shape),
        "Clear": one.is_clear,
    }
