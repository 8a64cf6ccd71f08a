"""``report`` and ``explain``: the report of a model as one HTML file, its explanations as data."""

import argparse
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli.progress import say
from core.errors import ExplanationError, StoreError, UnsupportedFileError, translate
from core.files import atomic_path

if TYPE_CHECKING:  # the services import MLflow, which a `--help` should not wait for
    from core.domain.models import ModelInfo
    from core.services import Services


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("model", metavar="RUN_ID|MODEL", help="a run, for its leader, or the URI of a model")
    parser.add_argument("--out", required=True, metavar="PATH.html", help="the file to write")
    parser.add_argument("--card", action="store_true", help="write the model card alone: one page, without figures")
    parser.add_argument("--anew", action="store_true", help="create it again even if nothing has changed")


def add_explain(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``explain``."""
    parser.add_argument(
        "model", metavar="MODEL", help="URI of a model: models:/NAME@champion, models:/NAME/3 or models:/m-…"
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="the folder to write to")


def explain(args: argparse.Namespace, services: "Services") -> dict[str, Any]:
    """Write the explanations of a model to a folder, computing them when there are none."""
    from core.explain import export
    from core.models.opened import StoredModel
    from core.report import page

    model = services.store.resolve(args.model)
    found = StoredModel(services.store, model).explanations
    if found is None:
        say("Computing the explanations …")
        found = services.explainer.compute(model)
        services.explainer.compare(model.run_id)
    return {"files": [str(path) for path in export(found, Path(args.out), page.explanations_page(found))]}


def check(args: argparse.Namespace) -> None:
    """Refuse a path that cannot be written, before anything is opened.

    UnsupportedFileError if it does not end in .html, or is a folder.
    """
    path = Path(args.out)
    if path.suffix.lower() != ".html" or path.is_dir():
        raise UnsupportedFileError(f"{path.name!r} cannot be a report.", hint="Name a file that ends in .html.")


def report(args: argparse.Namespace, services: "Services") -> dict[str, Any]:
    """Write the report that is stored, or make one when there is none or something changed since.

    ExplanationError if the run has no leader, or the model's files were not stored.
    """
    model = _model(args.model, services)
    say("Writing the report …")
    saved = services.reports.make(model) if args.anew else services.reports.current(model)
    source = services.store.artifact(model.run_id, saved.card if args.card else saved.whole)
    path = Path(args.out)
    with translate({OSError: StoreError}, f"The report cannot be written to {path}."), atomic_path(path) as temporary:
        shutil.copyfile(source, temporary)
    return {
        "model": model.uri,
        "run_id": model.run_id,
        "made_at": saved.made_at,
        "artifact": saved.whole,
        "out": str(path),
    }


def _model(name: str, services: "Services") -> "ModelInfo":
    if name.startswith("models:/"):
        return services.store.resolve(name)
    run = services.store.get_run(name)
    if run.leader_id is None:
        raise ExplanationError("This run has no leader to report on.", hint="Choose a run that has built a model.")
    return services.store.resolve(f"models:/{run.leader_id}")
