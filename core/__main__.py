"""The command line: progress on stderr, one JSON object on stdout, exit 0; an expected error on stderr, exit 2."""

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, TextIO

from core.cli import data as data_commands
from core.cli import queue as queue_commands
from core.cli import report as report_commands
from core.cli import reproduce as reproduce_commands
from core.cli import score as score_commands
from core.cli import train as train_options
from core.domain.runs import RunInfo
from core.errors import AppError, DataError, ExperimentNotFoundError, RunError
from core.settings import Settings, load_settings

if TYPE_CHECKING:  # the services import MLflow, which a `--help` should not wait for
    from core.domain.datasets import Dataset
    from core.services import Services

Command = Callable[[argparse.Namespace, Settings], dict[str, Any]]

_SUFFIXES = (".gz", ".csv", ".tsv", ".txt", ".parquet", ".xlsx", ".xls", ".ods", ".zip")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, or 2 after an expected error.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; those of the process when omitted.
    """
    args = _parser().parse_args(argv)
    with _json_on_stdout() as out:
        try:
            result = args.command(args, load_settings())
        except AppError as error:
            print(f"error[{error.code}]: {error.message}\n{error.hint}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            _say("Stopped.")
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


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@contextmanager
def _services(settings: Settings) -> Iterator["Services"]:
    """Build the services, settle what a killed owner left, and close them on a clean end or SIGTERM."""
    from core.services import build

    services = build(settings)

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    try:
        services.scorings.settle()
        services.jobs.settle(finish=True)
        yield services
    finally:
        services.close()


# --- commands ---------------------------------------------------------------------------------------------------------


def _train(args: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    with _services(settings) as services:
        if not args.no_wait:
            services.engine.start_in_background()
        dataset = _dataset(services, args.data)
        wanted = train_options.read_settings(args, services, dataset, args.experiment or _stem(dataset.file_name))
        if args.no_wait and not services.jobs.has_other_worker():
            raise RunError(
                "No app runs on this home that could take the run.",
                hint="Start it with `make run`, or leave out --no-wait.",
            )
        run_id = services.jobs.submit(wanted, person="command line")
        if args.no_wait:
            return {"run_id": run_id, "experiment": wanted.experiment, "status": "queued"}
        services.jobs.start(until=run_id)
        try:
            run = services.jobs.wait(run_id, on_change=_show_progress)
        except KeyboardInterrupt:
            services.jobs.cancel(run_id, person="command line")
            raise
        if run.error:
            raise RunError(run.error["message"], hint=run.error["hint"], code=run.error["code"])
        result = _run_result(services, run)
        services.jobs.wait(run_id, until_explained=True)
        return result


def _dataset(services: "Services", data: str) -> "Dataset":
    known = services.datasets.find(data)
    if known is not None:
        return known
    path = Path(data)
    if not path.is_file():
        raise DataError(f"{data!r} is neither a file nor a dataset.", hint="Check the path.", code="file.not_found")
    _say(f"Reading {path.name} …")
    return services.datasets.add(path, path.name)


def _stem(file_name: str) -> str:
    name = file_name
    while name.lower().endswith(_SUFFIXES):
        name = name[: name.rindex(".")]
    return name or "experiment"


def _show_progress(run: RunInfo) -> None:
    _say(f"[{run.status}] {run.progress:4.0%} {run.n_models} models  {run.stage}")


def _run_result(services: "Services", run: RunInfo) -> dict[str, Any]:
    models = {model.id: model for model in services.store.models(run_id=run.run_id)}
    leader = models.get(run.leader_id or "")
    metrics: dict[str, dict[str, float]] = {"cv": {}, "holdout": {}}
    for name, value in (leader.metrics if leader else {}).items():
        origin, _, metric = name.partition("_")
        if origin in metrics and not metric.endswith(("_mean", "_sd")):
            metrics[origin][metric] = value
    return {
        "run_id": run.run_id,
        "experiment": run.experiment,
        "status": run.status,
        "leader": None if leader is None else {"model_id": leader.model_key, "algo": leader.algo, "uri": leader.uri},
        "metrics": metrics,
        "n_models": run.n_models,
        "seconds": json.loads(run.tags.get("seconds", "{}")),
    }


def _score(args: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    score_commands.check(args)
    with _services(settings) as services:
        return score_commands.score(args, services)


def _profile(args: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    import tempfile

    from core.data.profiling.profile import profile_source
    from core.data.reading.reader import read_file
    from core.files import make_folder

    path = Path(args.data)
    if not path.is_file():
        raise DataError(f"{args.data!r} is not a file.", hint="Check the path.", code="file.not_found")
    make_folder(settings.work_dir)
    with tempfile.TemporaryDirectory(dir=settings.work_dir, prefix="profile-") as folder:
        out = Path(folder) / "source.parquet"
        read_file(path, path.name, out, settings)
        return profile_source(out, target=args.target).to_dict()


def _data_add(args: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    with _services(settings) as services:
        return data_commands.add_dataset(args, services, _say)


def _data_list(args: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    with _services(settings) as services:
        return data_commands.list_datasets(services)


def _runs(args: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    with _services(settings) as services:
        runs = services.store.list_runs(experiment=args.experiment)
        return {"runs": [_run_record(run) for run in runs]}


def _run_record(run: RunInfo) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "name": run.name,
        "experiment": run.experiment,
        "status": run.status,
        "dataset": run.dataset_name,
        "target": run.settings.target,
        "created_at": run.created_at,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "n_models": run.n_models,
        "leader": f"models:/{run.leader_id}" if run.leader_id else None,
        "error": run.error,
    }


def _cancel(args: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    with _services(settings) as services:
        return queue_commands.cancel_run(args, services, "command line")


def _leaderboard(args: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    from core.models.leaderboard import DEFAULT_METRIC, rows, sort_models

    with _services(settings) as services:
        if args.run_id:
            models = services.store.models(run_id=services.store.get_run(args.run_id).run_id, limit=args.limit)
        else:
            if args.experiment and args.experiment not in services.store.experiments():
                raise ExperimentNotFoundError(f"There is no experiment {args.experiment!r}.")
            found = services.store.models(experiment=args.experiment, limit=10_000)
            metric = f"cv_{DEFAULT_METRIC[found[0].task]}" if found else "cv_auc"
            models = sort_models(found, metric)
        return {"rows": rows(models[: args.limit]), "total": len(models)}


def _explain(args: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    from core import explain

    with _services(settings) as services:
        model = services.store.resolve(args.model)
        found = explain.load(services.store, model)
        if found is None:
            _say("Computing the explanations …")
            found = explain.compute(services.engine, services.store, services.datasets, model)
        return {"files": [str(path) for path in explain.export(found, Path(args.out))]}


def _report(args: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    report_commands.check(args)
    with _services(settings) as services:
        return report_commands.report(args, services, _say)


def _verify(args: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    with _services(settings) as services:
        return reproduce_commands.verify(args.run_id, services, _say, _show_progress)


def _reproduce(args: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    with _services(settings) as services:
        return reproduce_commands.reproduce(args.run_id, Path(args.out), services)


def _promote(args: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    from core.models.champion import promote

    with _services(settings) as services:
        model = services.store.resolve(args.model)
        version = promote(services.store, services.ledger, model, note=args.note, person="command line")
        return {"experiment": model.experiment, "version": version, "alias": "champion"}


def _doctor(args: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    from core.cli.doctor import checks

    return {"checks": checks(settings)}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m core", description="Train, score and explain from the command line."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(
        name: str, run: Callable[[argparse.Namespace, Settings], dict[str, Any]], text: str
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(command=run)
        return sub

    train_options.add_arguments(command("train", _train, "Train with AutoML and keep the best models."))
    score_commands.add_arguments(command("score", _score, "Score a file with a stored model."))
    profile = command("profile", _profile, "Describe a file: columns, missing values, alerts.")
    profile.add_argument("--data", required=True, metavar="PATH")
    profile.add_argument("--target", metavar="COL")
    _add_data(commands)
    runs = command("runs", _runs, "List the runs, newest first.")
    runs.add_argument("--experiment", metavar="NAME")
    queue_commands.add_cancel_arguments(command("cancel", _cancel, "End a queued or running run; its models are kept."))
    board = command("leaderboard", _leaderboard, "List models, best first.")
    board.add_argument("run_id", nargs="?", metavar="RUN_ID")
    board.add_argument("--experiment", metavar="NAME")
    board.add_argument("--limit", type=int, default=200, metavar="N")
    explain = command("explain", _explain, "Write the explanations of a model to a folder.")
    explain.add_argument("model", metavar="MODEL")
    explain.add_argument("--out", required=True, metavar="DIR")
    report_commands.add_arguments(command("report", _report, "Write the report of a model as one HTML file."))
    champion = command("promote", _promote, "Make a model the champion of its experiment.")
    champion.add_argument("model", metavar="MODEL")
    champion.add_argument("--note", default="", metavar="TEXT")
    verify = command("verify", _verify, "Train a run again and say whether its leaderboard comes out the same.")
    verify.add_argument("run_id", metavar="RUN_ID")
    reproduce = command("reproduce", _reproduce, "Write a run as a script and a notebook, with the data they need.")
    reproduce.add_argument("run_id", metavar="RUN_ID")
    reproduce.add_argument("--out", required=True, metavar="DIR")
    command("doctor", _doctor, "Check this installation; starts nothing.")
    return parser


def _add_data(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    text = "Take files in, of any size that the limits allow, and list what is there."
    data = commands.add_parser("data", help=text, description=text).add_subparsers(required=True, metavar="ACTION")
    add = data.add_parser("add", help="Take a file in as a dataset or as a version of one.")
    add.set_defaults(command=_data_add)
    data_commands.add_arguments(add)
    data.add_parser("list", help="List the datasets with their versions.").set_defaults(command=_data_list)


if __name__ == "__main__":
    sys.exit(main())
