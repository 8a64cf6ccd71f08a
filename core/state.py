"""What a home does and holds right now, in numbers, for whoever watches over it. Starts nothing."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from core.backups import last_backup
from core.domain.runs import EngineMemory
from core.engine.protocol import Engine
from core.scoring.kept.log import ScoringLog
from core.settings import Settings
from core.store.mlflow import Store


@dataclass(frozen=True)
class HomeState:
    """A home at one moment.

    Attributes
    ----------
    engine : str
        As in `core.domain.runs.EngineStatus`.
    memory : EngineMemory or None
        The engine's heap; None where none runs, or it does not answer at once.
    runs, scorings : mapping of str to int
        How many there are in each status.
    store_bytes : mapping of str to int
        Size of each database on disk, by file name, with what stands beside it.
    free_bytes : int
        Free space on the disk of the home.
    last_backup : datetime or None
        When the newest copy of Bellwether's own tables was made.
    """

    engine: str
    memory: EngineMemory | None
    runs: Mapping[str, int]
    scorings: Mapping[str, int]
    store_bytes: Mapping[str, int]
    free_bytes: int
    last_backup: datetime | None


def look(settings: Settings, store: Store, log: ScoringLog, engine: Engine) -> HomeState:
    """Return the state of a home; takes some milliseconds, and up to 2 s where the engine is too busy to answer.

    Raises
    ------
    StoreError
        As the store and the ledger.
    """
    return HomeState(
        engine=engine.status().state,
        memory=engine.memory(),
        runs=store.count_runs(),
        scorings=log.count(),
        store_bytes={
            path.name: sum(part.stat().st_size for part in path.parent.glob(f"{path.name}*"))
            for path in (settings.mlruns_dir / "mlflow.db", settings.ledger_path)
        },
        free_bytes=shutil.disk_usage(settings.home).free,
        last_backup=last_backup(settings),
    )
