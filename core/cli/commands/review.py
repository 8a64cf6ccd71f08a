"""``promote``, ``history`` and ``review``: which model is the champion, and what people say about models."""

import argparse
from typing import TYPE_CHECKING, Any

from core.cli.progress import PERSON

if TYPE_CHECKING:  # the services import MLflow, which a `--help` should not wait for
    from core.domain.champions import ChampionEntry
    from core.services import Services

NO_NOTE = "Promoted on the command line, without a note"


def add_promote(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``promote``."""
    parser.add_argument(
        "model", metavar="MODEL", help="URI of a model: models:/NAME@champion, models:/NAME/3 or models:/m-…"
    )
    parser.add_argument("--note", default=NO_NOTE, metavar="WHY", help="why; kept in the champion history")
    _add_person(parser)


def add_history(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``history``."""
    parser.add_argument("--experiment", required=True, metavar="NAME", help="whose champions")


def add_review(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``review``."""
    parser.add_argument(
        "model", metavar="MODEL", help="URI of a model: models:/NAME@champion, models:/NAME/3 or models:/m-…"
    )
    said = parser.add_mutually_exclusive_group(required=True)
    said.add_argument("--comment", metavar="TEXT", help="say something, in Markdown")
    said.add_argument("--propose", metavar="WHY", help="ask the team to approve it")
    said.add_argument("--approve", metavar="WHY", help="let it be promoted")
    said.add_argument("--reject", metavar="WHY", help="say that it should not be promoted")
    _add_person(parser)


def promote(args: argparse.Namespace, services: "Services") -> dict[str, Any]:
    """Make a model the champion of its experiment."""
    model = services.store.resolve(args.model)
    version = services.reviews.promote(model, args.note, person=_person(args, services))
    return {"experiment": model.experiment, "version": version, "alias": "champion"}


def history(args: argparse.Namespace, services: "Services") -> dict[str, Any]:
    """Return the champions that an experiment had, the newest first."""
    return {"champions": [_champion(entry) for entry in services.reviews.history(args.experiment)]}


def review(args: argparse.Namespace, services: "Services") -> dict[str, Any]:
    """Comment on a model, propose, approve or reject it."""
    model, reviews = services.store.resolve(args.model), services.reviews
    person = _person(args, services)
    for text, say in (
        (args.comment, reviews.comment), (args.propose, reviews.propose), (args.approve, reviews.approve),
        (args.reject, reviews.reject),
    ):  # fmt: skip
        if text is not None:
            say(model, text, person=person)
    found = reviews.of_model(model)
    comments = [
        {"at": entry.at, "person": entry.person, "kind": entry.kind, "text": entry.text} for entry in found.thread
    ]
    return {"model": model.uri, "state": found.state, "comments": comments}


def _add_person(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--person", metavar="NAME", help=f"who you are (default: {PERSON})")


def _person(args: argparse.Namespace, services: "Services") -> str:
    """Return who acts; where two people are needed, nobody is hidden behind the command line."""
    given: str | None = args.person
    return given or ("" if services.settings.four_eyes else PERSON)


def _champion(entry: "ChampionEntry") -> dict[str, Any]:
    return {
        "version": entry.version,
        "model": f"models:/{entry.model_id}" if entry.model_id else None,
        "promoted_at": None if entry.outside else entry.at,
        "person": entry.person,
        "why": entry.why,
        "approved_by": entry.approved_by or None,
        "from_version": entry.from_version,
        "automatic": entry.automatic,
        "outside": entry.outside,
    }
