"""The command line: progress on stderr, one JSON object on stdout, exit 0; an expected error on stderr, exit 2."""

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any, TextIO

from core.access.roles import OWNER
from core.cli import doctor
from core.cli.commands import (
    compare,
    data,
    report,
    reproduce,
    restore,
    retention,
    retrain,
    review,
    runs,
    score,
    token,
    train,
)
from core.cli.progress import say
from core.errors import AppError
from core.logs import configure_logs
from core.memory import leave_out_pandas
from core.settings import Settings, load_settings

if TYPE_CHECKING:  # the services import MLflow, which a `--help` should not wait for
    from core.services import Services

Answer = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, or 2 after an expected error."""
    args = _parser().parse_args(argv)
    with _json_on_stdout() as out:
        try:
            settings = load_settings()
            configure_logs(settings)
            result = args.command(args, settings)
        except AppError as error:
            say(f"error[{error.code}]: {error.message}\n{error.hint}")
            return 2
        except KeyboardInterrupt:
            say("Stopped.")
            return 130
        print(json.dumps(result, ensure_ascii=False, default=str), file=out, flush=True)
    return 0


@contextmanager
def _json_on_stdout() -> Iterator[TextIO]:
    """Keep the real stdout for the JSON; whatever a library prints goes to stderr."""
    sys.stdout.flush()
    saved = os.dup(1)
    os.dup2(2, 1)
    try:
        with os.fdopen(os.dup(saved), "w", encoding="utf-8") as out:
            yield out
    finally:
        # fd 1 stays on stderr: libraries print at exit too.
        os.close(saved)


@contextmanager
def _services(settings: Settings, *, scores: bool = False) -> Iterator["Services"]:
    """Build the services, settle what a killed owner left, and close them on a clean end or SIGTERM.

    With `scores` the process that scores starts while the services are imported, which takes as long.
    """
    if scores:
        leave_out_pandas()
    from core.engine.h2o import H2OEngine

    engine = H2OEngine(settings)
    if scores:
        engine.mojos.start()
    from core.services import build

    services = build(settings, engine=engine)
    services.use.share()

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    try:
        services.scorings.settle()
        services.jobs.settle(finish=True)
        yield services.acting_as(lambda: OWNER)  # who may run commands here may do everything
    finally:
        services.close()


def _with_services(
    work: Callable[[argparse.Namespace, "Services"], Answer],
    check: Callable[[argparse.Namespace], None] | None = None,
    *,
    scores: bool = False,
) -> Callable[[argparse.Namespace, Settings], Answer]:
    """Make a command of a function that needs the services; `check` refuses before they are opened."""

    def command(args: argparse.Namespace, settings: Settings) -> Answer:
        if check is not None:
            check(args)
        with _services(settings, scores=scores) as services:
            return work(args, services)

    return command


def _doctor(args: argparse.Namespace, settings: Settings) -> Answer:
    return {"checks": doctor.checks(settings)}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m core", description="Train, score and explain from the command line."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    opened = _with_services
    table = (
        ("train", "Train with AutoML and keep the best models.", train.add_arguments, opened(train.train)),
        (
            "score", "Score a file with a stored model.",
            score.add_arguments, opened(score.score, score.check, scores=True),
        ),
        ("profile", "Describe a file: columns, missing values, alerts.", data.add_profile, data.profile),
        ("runs", "List the runs, newest first.", runs.add_runs, opened(runs.runs)),
        ("cancel", "End a queued or running run; its models are kept.", runs.add_cancel, opened(runs.cancel)),
        ("leaderboard", "List models, best first.", runs.add_leaderboard, opened(runs.leaderboard)),
        (
            "compare", "Compare models on the rows they were judged on, and on a file.",
            compare.add_arguments, opened(compare.compare, compare.check),
        ),
        ("explain", "Write the explanations of a model to a folder.", report.add_explain, opened(report.explain)),
        (
            "report", "Write the report of a model as one HTML file.",
            report.add_arguments, opened(report.report, report.check),
        ),
        ("promote", "Make a model the champion of its experiment.", review.add_promote, opened(review.promote)),
        ("history", "List the champions an experiment had.", review.add_history, opened(review.history)),
        ("review", "Comment on a model, propose, approve or reject it.", review.add_review, opened(review.review)),
        (
            "retrain", "Train an experiment again on newer data; promote what is better.",
            retrain.add_arguments, opened(retrain.retrain),
        ),
        (
            "verify", "Train a run again and check that its leaderboard is the same.",
            reproduce.add_verify, opened(reproduce.verify),
        ),
        (
            "reproduce", "Write a run as a script and a notebook, with the data they need.",
            reproduce.add_reproduce, opened(reproduce.reproduce),
        ),
        (
            "retention", "Say what has outlived its time, or remove it.",
            retention.add_arguments, opened(retention.retention),
        ),
        (
            "restore", "List the daily copies of the databases, or put some back while nothing runs.",
            restore.add_arguments, restore.restore,
        ),
        ("doctor", "Check this installation; nothing is started.", None, _doctor),
    )  # fmt: skip
    for name, text, add_arguments, run in table:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(command=run)
        if add_arguments is not None:
            add_arguments(sub)
    _add_data(commands)
    _add_token(commands)
    return parser


def _add_data(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    text = "Add files as datasets, of any size that the limits allow, and list the datasets."
    actions = commands.add_parser("data", help=text, description=text).add_subparsers(required=True, metavar="ACTION")
    add = actions.add_parser("add", help="Add a file as a dataset or as a version of one.")
    add.set_defaults(command=_with_services(data.add_dataset))
    data.add_arguments(add)
    listed = actions.add_parser("list", help="List the datasets with their versions.")
    listed.set_defaults(command=_with_services(data.list_datasets))


def _add_token(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    text = "Create, list and revoke the tokens with which programs use HTTP where people sign in."
    actions = commands.add_parser("token", help=text, description=text).add_subparsers(required=True, metavar="ACTION")
    create = actions.add_parser("create", help="Create a token; it is shown once.")
    create.set_defaults(command=_with_services(token.create))
    token.add_create(create)
    listed = actions.add_parser("list", help="List the tokens.")
    listed.set_defaults(command=_with_services(token.list_tokens))
    revoke = actions.add_parser("revoke", help="Revoke a token, at once.")
    revoke.set_defaults(command=_with_services(token.revoke))
    token.add_revoke(revoke)
