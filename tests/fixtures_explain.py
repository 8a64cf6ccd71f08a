"""What explanations read and write besides the engine, small enough to hold in one's hand."""

import hashlib
from pathlib import Path

import pyarrow as pa

from core.errors import StoreError


class FakeDatasets:
    """One dataset whose source is typed already."""

    def __init__(self, dataset_id: str, table: pa.Table) -> None:
        self.dataset_id = dataset_id
        self.table = table

    def typed(self, dataset_id: str, columns=None) -> pa.Table:
        assert dataset_id == self.dataset_id
        return self.table.select(list(columns))

    source = typed


class FakeStore:
    """What explanations read and write, as files of one run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.logged: list[list[str]] = []

    def put(self, path: str, data: bytes) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)

    def artifacts(self, run_id: str) -> tuple[str, ...]:
        return tuple(sorted(f.relative_to(self.folder).as_posix() for f in self.folder.rglob("*") if f.is_file()))

    def artifact(self, run_id: str, path: str) -> Path:
        if not (self.folder / path).is_file():
            raise StoreError("The run has no such file.")
        return self.folder / path

    def model_file(self, model_id: str, name: str) -> tuple[Path, str]:
        path = self.folder / name
        return path, hashlib.sha256(path.read_bytes()).hexdigest()

    def log(self, run_id: str, items) -> None:
        items = list(items)
        self.logged.append([item.path for item in items])
        for item in items:
            self.put(item.path, item.data)
