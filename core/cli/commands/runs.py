"""``runs``, ``cancel`` and ``leaderboard``: what was trained."""

import argparse
from typing import TYPE_CHECKING, Any

from core.cli.progress import PERSON, show
from core.domain.runs import RunInfo
from core.errors import ExperimentNotFoundError, RunError

if TYPE_CHECKING:  # the services import MLflow, which a `--help` should not wait for
    from core.services import Services

CANCEL_WAIT_S = 60.0


def add_runs(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``runs``."""
    parser.add_argument("--experiment", metavar="NAME", help="of one experiment; default: of all of them")


def add_cancel(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``cancel``."""
    parser.add_argument("run_id", metavar="RUN_ID", help="the run, as `runs` lists it")


def add_leaderboard(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``leaderboard``."""
    parser.add_argument("run_id", nargs="?", metavar="RUN_ID", help="of one run; default: of all of them")
    parser.add_argument("--experiment", metavar="NAME", help="of one experiment; default: of all of them")
    parser.add_argument("--limit", type=int, default=200, metavar="N", help="how many models at most, default 200")


def runs(args: argparse.Namespace, services: "Services") -> dict[str, Any]:
    """Return all runs, the newest first."""
    return {"runs": [_record(run) for run in services.store.list_runs(experiment=args.experiment)]}


def cancel(args: argparse.Namespace, services: "Services") -> dict[str, Any]:
    """Cancel a run and wait until it has ended; the models it has built are kept.

    A run whose owner was killed is taken up for it. One that has ended already stays as it is.
    """
    jobs = services.jobs
    jobs.cancel(args.run_id, person=PERSON)
    if not services.store.get_run(args.run_id).is_final:
        jobs.start(until=args.run_id)
    run = _record(jobs.wait(args.run_id, timeout_s=CANCEL_WAIT_S))
    return {key: run[key] for key in ("run_id", "experiment", "status", "n_models", "leader")}


def follow(services: "Services", run_id: str) -> RunInfo:
    """Wait until a run has ended, saying how far it is; Ctrl+C cancels it, and its failure is raised."""
    try:
        run = services.jobs.wait(run_id, on_change=show)
    except KeyboardInterrupt:
        services.jobs.cancel(run_id, person=PERSON)
        raise
    if run.error:
        raise RunError(run.error["message"], hint=run.error["hint"], code=run.error["code"])
    return run


def leaderboard(args: argparse.Namespace, services: "Services") -> dict[str, Any]:
    """Return the best models of a run, an experiment or all, as many as asked for; `total` counts all there are.

    Each says whether it is tied with the leader; the predictions of the best 12 are read for that.
    """
    from core.models.leaderboard import DEFAULT_METRIC, ranking_metric, rows
    from core.models.standing import stand

    store = services.store
    if args.run_id:
        run = store.get_run(args.run_id)
        of_run = store.models(run_id=run.run_id, limit=args.limit)
        standings = stand(store, of_run, ranking_metric(run.settings))
        return {"rows": rows(of_run, standings), "total": store.count_models(run_id=run.run_id)}
    if args.experiment and args.experiment not in store.experiments():
        raise ExperimentNotFoundError(f"There is no experiment {args.experiment!r}.")
    newest = store.models(experiment=args.experiment, limit=1)
    metric = f"cv_{DEFAULT_METRIC[newest[0].task]}" if newest else "cv_auc"
    found = store.models(experiment=args.experiment, sort=metric, limit=args.limit)
    return {"rows": rows(found, stand(store, found, metric)), "total": store.count_models(experiment=args.experiment)}


def _record(run: RunInfo) -> dict[str, Any]:
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
