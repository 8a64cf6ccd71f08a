"""``retrain``: for cron or Airflow, an experiment trained again on newer data and promoted where it is better."""

import argparse
from typing import TYPE_CHECKING, Any

from core.cli.commands.runs import follow
from core.cli.progress import PERSON, say, tell

if TYPE_CHECKING:  # the services import MLflow, which a `--help` should not wait for
    from core.domain.runs import RunInfo
    from core.domain.training import TrainingSettings
    from core.review.retraining import Retrained
    from core.services import Services


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--experiment", required=True, metavar="NAME", help="the one to train again")
    parser.add_argument(
        "--promote", choices=("if-better", "never"), default="if-better",
        help="default if-better: beyond chance on rows that neither has seen, with nothing in the checklist against it",
    )  # fmt: skip
    parser.add_argument("--note", default="", metavar="WHY", help="kept in the champion history, or with the model")
    parser.add_argument("--person", metavar="NAME", help=f"who it is done for (default: {PERSON})")


def retrain(args: argparse.Namespace, services: "Services") -> dict[str, Any]:
    """Train the champion's settings on the newest data, and compare."""
    run_id, person = None, args.person or PERSON

    def train(settings: "TrainingSettings") -> "RunInfo":
        nonlocal run_id
        services.engine.start_in_background()
        run_id = services.jobs.submit(settings, person=person)
        services.jobs.start(until=run_id)
        return follow(services, run_id)

    done = services.retraining.retrain(args.experiment, train, promote=args.promote, note=args.note, person=person)
    say(done.note)
    tell(done.warnings)
    if run_id is not None:
        services.jobs.wait(run_id, until_explained=True)
    return _record(done)


def _record(done: "Retrained") -> dict[str, Any]:
    found = done.difference
    return {
        "experiment": done.experiment,
        "run_id": done.run.run_id if done.run else None,
        "champion": done.champion.uri,
        "challenger": done.challenger.uri if done.challenger else None,
        "rows": {"trained": done.n_trained, "new": done.n_new, "compared": done.n_compared},
        "compared_on": done.compared_on,
        "metric": found.metric if found else None,
        "from": found.first if found else None,
        "to": found.second if found else None,
        "low": found.low if found else None,
        "high": found.high if found else None,
        "better": done.is_better,
        "checklist": [
            {"topic": one.topic, "title": one.title, "state": one.state, "text": one.text} for one in done.checks
        ],
        "promoted": done.result == "promoted",
        "result": done.result,
        "version": done.version,
        "note": done.note,
        "warnings": list(done.warnings),
    }
