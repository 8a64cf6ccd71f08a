"""``retention``: what has outlived its time, named or removed."""

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from core.cli.progress import PERSON

if TYPE_CHECKING:  # the services import MLflow, which a `--help` should not wait for
    from core.services import Services


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``retention``."""
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--dry-run", action="store_true", help="say what would go, and change nothing (the default)")
    how.add_argument("--apply", action="store_true", help="remove it now, as the app does by itself")


def retention(args: argparse.Namespace, services: "Services") -> dict[str, Any]:
    """Return what has outlived its time, kind by kind; with ``--apply`` it is gone."""
    found = services.retention.apply(person=PERSON) if args.apply else services.retention.plan()
    return {"applied": args.apply, "expired": [asdict(one) for one in found]}
