"""``python -m core verify`` and ``reproduce``: a run trained again, or written down as a script."""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli.commands.runs import follow
from core.cli.progress import PERSON, say
from core.errors import RunError
from core.files import make_folder

if TYPE_CHECKING:  # the services import MLflow, which a `--help` should not wait for
    from core.services import Services


def add_verify(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``verify``."""
    parser.add_argument("run_id", metavar="RUN_ID", help="the run, as `runs` lists it")


def add_reproduce(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``reproduce``."""
    parser.add_argument("run_id", metavar="RUN_ID", help="the run, as `runs` lists it")
    parser.add_argument("--out", required=True, metavar="DIR", help="the folder to write to")


def verify(args: argparse.Namespace, services: "Services") -> dict[str, Any]:
    """Train a run again, say beforehand why the result may differ, and compare.

    RunNotFoundError, RunError if there is no such run, it has not finished, or the training fails.
    """
    from core.training.proof.verification import check_verifiable, obstacles

    run = services.store.get_run(args.run_id)
    check_verifiable(run)
    services.engine.ensure_ready()
    models = services.store.models(run_id=run.run_id, limit=10_000)
    dataset = services.datasets.find_id(run.settings.dataset_id)
    for reason in obstacles(run, models, dataset, services.engine.describe()):
        say(f"The result may differ. {reason}")
    rerun_id = services.jobs.submit(run.settings, person=PERSON, verifies=run.run_id)
    services.jobs.start(until=rerun_id)
    rerun = follow(services, rerun_id)
    verdict = rerun.verification
    if verdict is None:
        raise RunError(
            "The run did not finish training, so there is nothing to compare.",
            hint="Start it again and let it finish.",
            code="run.not_verifiable",
        )
    services.jobs.wait(rerun_id, until_explained=True)
    return asdict(verdict)


def reproduce(args: argparse.Namespace, services: "Services") -> dict[str, Any]:
    """Write a run's script, notebook and data to a folder."""
    from core.training.proof.reproduce import make_bundle

    run, out = services.store.get_run(args.run_id), Path(args.out)
    make_folder(out)
    bundle = make_bundle(run, services.store, services.datasets, services.settings, out)
    return {"run_id": run.run_id, "files": [str(path) for path in bundle.write(out)]}
