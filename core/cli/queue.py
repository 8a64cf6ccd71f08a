"""``python -m core cancel``: end a queued or running run, whichever process trains it."""

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the services import MLflow, which a `--help` should not wait for
    from core.services import Services

CANCEL_WAIT_S = 60.0


def add_cancel_arguments(cancel: argparse.ArgumentParser) -> None:
    """Describe the arguments of ``cancel``."""
    cancel.add_argument("run_id", metavar="RUN_ID")


def cancel_run(args: argparse.Namespace, services: "Services", person: str) -> dict[str, Any]:
    """Cancel a run and wait until it has ended; the models it has built are kept.

    A run whose owner was killed is taken up for it. One that has ended already stays as it is.

    Raises
    ------
    RunNotFoundError
        If there is no such run.
    """
    jobs = services.jobs
    jobs.cancel(args.run_id, person=person)
    if not services.store.get_run(args.run_id).is_final:
        jobs.start(until=args.run_id)
    run = jobs.wait(args.run_id, timeout_s=CANCEL_WAIT_S)
    return {
        "run_id": run.run_id,
        "experiment": run.experiment,
        "status": run.status,
        "n_models": run.n_models,
        "leader": f"models:/{run.leader_id}" if run.leader_id else None,
    }
