"""What a model and its report do not tell: in general, and because of how this one was made."""

from collections.abc import Iterator

from markupsafe import Markup

from core.data.relations.leakage import LEAK_SCORE
from core.report.contents import Contents
from core.report.markup import bold, join, say
from core.wording import percent_text

FEW_ROWS = 100


def limits(contents: Contents) -> tuple[Markup, ...]:
    """Return the limits, those that matter most first; a model card has room for the first ones."""
    return (*_too_good(contents), *_of_rows(contents), *_of_judging(contents), *_in_general(contents))


def _too_good(contents: Contents) -> Iterator[Markup]:
    name = {"binary": "auc", "regression": "r2"}.get(contents.model.task)
    unseen = contents.unseen
    if name and unseen and unseen.metrics.get(name, 0.0) >= LEAK_SCORE:
        yield join(
            bold("It may be too good to be true."),
            " A model that is hardly ever wrong often has a column that knows the answer, or is filled in after it. "
            "Explore points at such columns.",
        )
    if contents.model.no_better:
        yield join(bold("It has learned nothing that helps."), f" {contents.model.no_better}")
    if unseen is None:
        yield join(bold("Nobody knows how good it is."), " No predictions on rows that it had not seen were stored.")


def _of_rows(contents: Contents) -> Iterator[Markup]:
    rows = contents.reference.rows if contents.reference else None
    learned = f"the {rows:,} rows" if rows else "the rows"
    yield say(
        "{point} It knows rows like {learned} that it learned from. On others, such as values outside the ranges in "
        "this report, levels that did not occur, or a changed world, nobody has measured it; prediction files mark "
        "rows that differ.",
        point=bold("Only rows like these."),
        learned=learned,
    )
    settings = contents.run.settings
    if settings.split == "random":
        yield join(
            bold("Rows taken at random."),
            " It was judged on rows drawn at random. Where rows belong together, or later ones differ from "
            "earlier ones, it will do worse than shown; a split by group or by time tells.",
        )
    if settings.balance_classes:
        yield join(
            bold("Shifted probabilities."),
            " It was trained on balanced classes, so that its probabilities are not those of the real mix of rows.",
        )


def _of_judging(contents: Contents) -> Iterator[Markup]:
    by_origin = {one.origin: one for one in contents.judged}
    holdout = by_origin.get("holdout")
    if holdout is None and by_origin:
        yield say(
            "{point} No rows were held out of the whole training. The best of {count} models was picked by the same "
            "cross-validation that is shown here, so expect a little less.",
            point=bold("Picked by what it is judged by."),
            count=f"{sum(model.baseline is None for model in contents.models):,}",
        )
    elif holdout is not None and _fewest(holdout.counts, holdout.n_rows) < FEW_ROWS:
        yield say(
            "{point} Only {rows} of the rows held out are of the rarest class, so numbers of the holdout vary much by "
            "chance.",
            point=bold("Few rows to judge by."),
            rows=f"{_fewest(holdout.counts, holdout.n_rows):,}",
        )
    weakness = contents.groups.weakness
    if weakness is not None:
        yield say(
            "{point} Parts of the data with fewer than {rows} rows were not looked at: nobody knows how well it does "
            "there.",
            point=bold("Not small groups."),
            rows=f"{weakness.min_rows:,}",
        )


def _in_general(contents: Contents) -> Iterator[Markup]:
    yield join(
        bold("Not causes."),
        " What the model looks at goes together with the answer. Changing it need not change the answer.",
    )
    if contents.decision.threshold is not None:
        share = contents.unseen.outcomes.selected_share if contents.unseen and contents.unseen.outcomes else None
        now = f" It selected {percent_text(share)} of the rows here;" if share is not None else ""
        yield join(
            bold("Not single cases."),
            f"{now} a probability is about many rows like one, never about that one alone.",
        )


def _fewest(counts: object, n_rows: int) -> int:
    values = list(counts.values()) if isinstance(counts, dict) else []
    return min(values, default=n_rows)
