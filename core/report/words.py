"""A model in sentences that need no statistics: what it does, how good it is, how it decides."""

from markupsafe import Markup

from core.domain.models import ORIGIN_NAMES, Origin
from core.metrics.threshold import Outcomes
from core.models.decisions import saved_words
from core.report.contents import Contents, Judged
from core.report.markup import bold, join, say
from core.wording import number_text, percent_text

ORIGIN_HELP: dict[Origin, str] = {
    "cv": "each row was predicted by a model that was trained without it",
    "holdout": "rows that were kept out of the whole training",
    "train": "the very rows that it learned from: too good to rely on",
}


def what_it_does(contents: Contents) -> Markup:
    """Return what the model says of a row."""
    spec = contents.spec
    of = say("For each row of a table like {name}", name=bold(_dataset_name(contents)))
    if spec.task == "regression":
        return join(of, say(", the model says what number {target} will be.", target=bold(spec.target)))
    if spec.positive is not None:
        other = next(name for name in spec.classes if name != spec.positive)
        words = say(
            ", the model says how probable it is that {target} is {positive} (and not {other}), and decides yes or no.",
            target=bold(spec.target),
            positive=bold(spec.positive),
            other=other,
        )
        return join(of, words)
    words = say(
        ", the model says which of {count} classes {target} is, with a probability for each.",
        count=f"{len(spec.classes):,}",
        target=bold(spec.target),
    )
    return join(of, words)


def how_good(contents: Contents, judged: Judged) -> Markup:
    """Return the actual outcomes on rows that the model had not seen, in counts."""
    seen = say(
        "On {rows} rows that it had not seen ({origin}: {help}), ",
        rows=bold(f"{judged.n_rows:,}"),
        origin=ORIGIN_NAMES[judged.origin],
        help=ORIGIN_HELP[judged.origin],
    )
    if judged.outcomes is not None:
        return join(seen, _in_counts(judged.outcomes, str(contents.spec.positive)))
    if judged.off_half is not None and judged.off_most is not None:
        return join(
            seen,
            say(
                "half of its predictions are off by at most {half}, and nine of ten by at most {most}. It explains "
                "{r2} of the differences between the rows (R²).",
                half=bold(number_text(judged.off_half)),
                most=bold(number_text(judged.off_most)),
                r2=bold(percent_text(judged.metrics["r2"])),
            ),
        )
    most = max(judged.counts.values(), default=0)
    return join(
        seen,
        say(
            "it names the right class for {right} of them. Always naming the most frequent class would be right for "
            "{guess}.",
            right=bold(percent_text(judged.metrics["accuracy"])),
            guess=bold(percent_text(most / judged.n_rows)),
        ),
    )


def how_it_decides(contents: Contents) -> Markup:
    """Return the rule that makes labels, and whose it is."""
    spec, decision = contents.spec, contents.decision
    if spec.task == "regression":
        return Markup("It decides nothing: it says a number, and people decide what to do with it.")
    if spec.positive is None:
        return Markup("The class with the highest probability is the label.")
    if decision.threshold is None:
        return Markup("No threshold was stored, so it gives probabilities and no labels.")
    rule = say(
        "A row counts as {positive} when its probability is at least {threshold}: {words}.",
        positive=bold(spec.positive),
        threshold=bold(f"{decision.threshold:.4g}"),
        words=decision.words,
    )
    if decision.saved is None:
        who = Markup(" Nobody has saved a policy, so this is the threshold stored by training.")
    else:
        who = say(" This policy was {saved}.", saved=saved_words(decision.saved).rstrip("."))
    calibrated = ""
    if decision.calibration is not None:
        calibrated = say(" Probabilities are calibrated first, by {words}.", words=decision.calibration.words)
    return join(rule, who, calibrated)


def explained_at(contents: Contents) -> str:
    """Return which threshold the stored explanations were made at, where the report counts at another one."""
    found, decision = contents.found, contents.decision
    if found is None or found.threshold is None or decision.threshold is None or found.threshold == decision.threshold:
        return ""
    return (
        f"The explanations were stored while the threshold was {found.threshold:.4g} ({found.threshold_origin}). "
        f"Everything in this report that needs a threshold is counted at {decision.threshold:.4g}, the policy saved "
        "since."
    )


def _in_counts(outcomes: Outcomes, positive: str) -> Markup:
    base = (outcomes.true_positive + outcomes.false_negative) / outcomes.n_rows
    if not outcomes.selected:
        return say("it selects none; {base} of them are {name}.", base=bold(percent_text(base)), name=bold(positive))
    return say(
        "it selects {selected} ({share}). {precision} of those selected are {name}; picked at random it would be "
        "{base}. Of all rows that are {name} it finds {recall}.",
        selected=bold(f"{outcomes.selected:,}"),
        share=percent_text(outcomes.selected_share),
        precision=bold(percent_text(outcomes.precision)),
        name=positive,
        base=percent_text(base),
        recall=bold(percent_text(outcomes.recall)),
    )


def _dataset_name(contents: Contents) -> str:
    return contents.dataset.label if contents.dataset else contents.spec.dataset_name
