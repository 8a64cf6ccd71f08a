"""``profile``, ``data add`` and ``data list``: files described or taken in, as large as the limits allow."""

import argparse
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli.progress import PERSON, say, tell
from core.domain.formats import BOOK_FORMATS
from core.domain.reading import ENCODINGS, ReadOptions, column_called
from core.errors import DataError
from core.files import scratch
from core.plain import to_plain
from core.settings import Settings

if TYPE_CHECKING:  # the services import MLflow, which a `--help` should not wait for
    import pyarrow as pa

    from core.data.tables.schema import Inferred
    from core.domain.datasets import Dataset
    from core.services import Services

_SEPARATOR_NAMES = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|", "pipe": "|", "space": " ", "\\t": "\t"}
_QUOTE_NAMES = {"double": '"', "single": "'", "none": ""}


def add_arguments(add: argparse.ArgumentParser) -> None:
    """Describe the arguments of ``data add``."""
    add.add_argument("path", metavar="PATH", help="the file to take in")
    add.add_argument(
        "--on-cluster",
        action="store_true",
        help="PATH is an address that the H2O cluster reads itself; no row is copied",
    )
    name = add.add_mutually_exclusive_group()
    name.add_argument("--name", metavar="NAME", help="default: the file's name without its extension")
    name.add_argument("--as-version-of", metavar="NAME", help="add it as the next version of a dataset")
    add.add_argument("--sheet", metavar="NAME", help="sheet of a workbook")
    add.add_argument("--separator", metavar="CHAR", help=f"a character, or one of {', '.join(_SEPARATOR_NAMES)}")
    add.add_argument("--encoding", metavar="NAME", help=", ".join(ENCODINGS))
    add.add_argument("--quote", choices=tuple(_QUOTE_NAMES), help="what text is quoted with")
    add.add_argument("--decimal", metavar="CHAR", help="a point or a comma")
    add.add_argument("--header-row", type=int, metavar="N", help="line of the file or row of the sheet; 0: no header")
    add.add_argument("--header-rows", type=int, metavar="N", help="number of header rows")
    add.add_argument("--skip-footer", type=int, metavar="N", help="rows at the end to leave out")
    add.add_argument(
        "--type", action="append", default=[], metavar="COL=TYPE", help="such as city=text, day=date:%%d.%%m.%%Y"
    )


def add_profile(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``profile``."""
    parser.add_argument("--data", required=True, metavar="PATH", help="the file to describe")
    parser.add_argument("--target", metavar="COL", help="the column to predict: adds relations and leaks")


def profile(args: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    """Describe a file that is not taken in."""
    from core.data.datasets.folder import type_remarks
    from core.data.profiling.profile import profile_source
    from core.data.reading.reader import read_file

    path = _file(args.data)
    with scratch(settings, "profile-") as folder:
        out = folder / "source.parquet"
        info = read_file(path, path.name, out, settings)
        warnings = list(info.warnings)

        def look(part: "pa.Table", types: "Inferred") -> None:
            doubts, remarks = type_remarks(part, types, info)
            warnings.extend((*remarks, *doubts))

        target = args.target and column_called(args.target, info.columns, info.renamed)
        found = profile_source(out, target=target, is_workbook=info.format in BOOK_FORMATS, look=look)
        tell(warnings)
        return {**to_plain(found), "warnings": warnings}


def _file(name: str) -> Path:
    path = Path(name)
    if not path.is_file():
        raise DataError(f"{name!r} is not a file.", hint="Check the path.", code="file.not_found")
    return path


def add_dataset(args: argparse.Namespace, services: "Services") -> dict[str, Any]:
    """Take a file in, or the address of data that stays with the cluster."""
    if args.on_cluster:
        say("The cluster reads the data …")
        begun = time.monotonic()
        added = services.cluster_data.add(args.path, name=args.name, version_of=args.as_version_of, person=PERSON)
        return {**_record(added), "seconds": {"total": time.monotonic() - begun}}
    path = _file(args.path)
    options = ReadOptions(
        separator=_SEPARATOR_NAMES.get(args.separator, args.separator),
        encoding=args.encoding,
        quote=None if args.quote is None else _QUOTE_NAMES[args.quote],
        decimal=args.decimal,
        sheet=args.sheet,
        header_row=args.header_row,
        n_header_rows=args.header_rows,
        skip_footer=args.skip_footer,
        types=tuple(map(_type, args.type)),
    )
    say(f"Reading {path.name} …")
    begun, before = time.monotonic(), {dataset.id for dataset in services.datasets.list()}
    dataset = services.datasets.add(path, path.name, name=args.name, options=options, version_of=args.as_version_of)
    is_new = dataset.id not in before
    if is_new:
        detail = {"name": dataset.label, "file": dataset.file_name}
        services.ledger.record("add dataset", dataset.id, person=PERSON, detail=detail)
    tell(dataset.warnings)
    seconds = {"total": time.monotonic() - begun}
    return {**_record(dataset), "is_new": is_new, "warnings": list(dataset.warnings), "seconds": seconds}


def list_datasets(args: argparse.Namespace, services: "Services") -> dict[str, Any]:
    """Return all datasets, the newest first."""
    return {"datasets": list(_records(services.datasets.list()))}


def _records(datasets: Iterable["Dataset"]) -> Iterable[dict[str, Any]]:
    return map(_record, datasets)


def _record(dataset: "Dataset") -> dict[str, Any]:
    return {
        "id": dataset.id,
        "name": dataset.name,
        "version": dataset.version,
        "file": dataset.file_name,
        "rows": dataset.n_rows,
        "columns": [{"name": column.name, "type": column.type} for column in dataset.schema.columns],
        "size_bytes": dataset.size_bytes,
        "created_at": dataset.created_at,
        "read_as": dataset.reading.in_words() if dataset.reading else None,
        "options": dataset.options.said(),
        "on_cluster": to_plain(dataset.remote),
    }


def _type(text: str) -> tuple[str, str]:
    column, equals, kind = text.rpartition("=")
    if not equals:
        raise DataError(
            f"--type {text!r} is not of the form COLUMN=TYPE.", hint="Write it as age=numeric.", code="schema.type"
        )
    return column, kind
