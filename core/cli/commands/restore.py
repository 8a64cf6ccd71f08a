"""``restore``: the daily copies of the databases, listed and put back."""

import argparse
from typing import Any

from core import backups
from core.cli.progress import PERSON
from core.ledger.database import Ledger
from core.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``restore``."""
    parser.add_argument(
        "backups", nargs="*", metavar="BACKUP",
        help=f"file name of a copy, or {backups.LATEST}: the newest whole one of each database; none: list them",
    )  # fmt: skip


def restore(args: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    """List the copies, or put some in the place of the databases; what they replace is kept beside them."""
    if not args.backups:
        return {"backups": [_record(backup) for backup in backups.list_backups(settings)]}
    restored = backups.restore(settings, args.backups)
    ledger = Ledger(settings.ledger_path)
    for one in restored:
        detail = {"backup": one.backup.path.name, "replaced": str(one.replaced or "")}
        ledger.record("restore", one.backup.database.name, person=PERSON, detail=detail)
    return {"restored": [{**_record(one.backup), "replaced": one.replaced} for one in restored]}


def _record(backup: backups.Backup) -> dict[str, Any]:
    return {
        "name": backup.path.name,
        "database": backup.database.name,
        "taken_at": backup.taken_at,
        "size_bytes": backup.size_bytes,
        "damage": backup.damage,
    }
