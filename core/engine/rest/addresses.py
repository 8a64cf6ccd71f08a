"""Which addresses a cluster may read from and write to: those under `BELLWETHER_IMPORT_PREFIXES`, and nothing else."""

import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from core.errors import DataError, SettingsError
from core.settings import Settings

_SCHEME = re.compile(r"([a-z][a-z0-9]*)://(.*)", re.DOTALL)
_SCHEMES: Final = ("s3", "s3a", "s3n", "hdfs", "gs")
# Written otherwise by a URL, read otherwise by a shell, a glob or H2O's lists of paths; none is needed in a name.
_ODD = re.compile(r"[\x00-\x1f\x7f%\\?#*\[\]{}<>|;,~$`'\"@]")
_MOST_FILES: Final = 10_000
# H2O lists an object store by the beginning of names: in/sales would be in/sales_of_others/x.csv too.
_BY_BEGINNING: Final = ("s3://", "gs://")
_FORMATS: Final = {".csv": "csv", ".parquet": "parquet"}


def allowed_prefixes(settings: Settings) -> tuple[str, ...]:
    """Return the prefixes of the settings, none when importing by the cluster is off.

    Raises
    ------
    SettingsError
        If one is neither an absolute path nor an address of a kind that H2O reads.
    """
    if not settings.h2o_url:
        return ()  # our own engine opens no file, whatever is set
    found = tuple(part.strip() for part in settings.import_prefixes.split(",") if part.strip())
    for prefix in found:
        scheme, path = _parts(prefix)
        if _ODD.search(prefix) or not _is_plain(path) or (not scheme and path.rstrip("/") == ""):
            raise SettingsError(
                f"BELLWETHER_IMPORT_PREFIXES: {prefix!r} cannot be used.",
                hint="Write absolute paths below /, or addresses such as s3://bucket/folder, separated by commas.",
            )
    return found


def check_address(address: str, settings: Settings) -> str:
    """Return an address that the cluster may use.

    Raises
    ------
    DataError
        Code ``cluster.address`` if it is not plainly under one of the prefixes, or a link leads out of it.
    """
    prefixes = allowed_prefixes(settings)
    if not prefixes:
        raise DataError(
            "Importing by the cluster is off.",
            hint="Set BELLWETHER_H2O_URL and BELLWETHER_IMPORT_PREFIXES (docs/operations.md).",
            code="cluster.import_off",
        )
    scheme, path = _parts(address)
    under = [prefix for prefix in prefixes if _is_under(address, prefix)]
    if _ODD.search(address) or address != address.strip() or not _is_plain(path) or not under:
        raise _refused(prefixes)
    if not scheme and not any(_stays_inside(Path(path), Path(prefix)) for prefix in under):
        raise _refused(prefixes)
    return address


def result_format(address: str) -> str:
    """Return how a result at an address is written, by its ending.

    Raises
    ------
    DataError
        Code ``cluster.format`` if the ending is another one, or H2O would write elsewhere: it takes the address of a
        Parquet file for a path, where ``s3://bucket/x`` becomes ``s3:/bucket/x``.
    """
    found = next((name for ending, name in _FORMATS.items() if address.endswith(ending)), None)
    if found is None:
        raise DataError("The result has to be called .csv or .parquet.", code="cluster.format")
    scheme, _ = _parts(address)
    if found == "parquet" and scheme:
        raise DataError(
            f"H2O writes Parquet to paths of its nodes only, not to {scheme}://.",
            hint="Call the result .csv, or write it to a path that all nodes share.",
            code="cluster.format",
        )
    return found


def found_at(address: str, names: Sequence[str]) -> list[str]:
    """Return which of the names that H2O found for an address are it, or lie in it."""
    if not address.startswith(_BY_BEGINNING):
        return list(names)
    return [name for name in names if name == address] or [name for name in names if _is_under(name, address)]


def _refused(prefixes: tuple[str, ...]) -> DataError:
    return DataError(
        "The cluster may not use this address.",
        hint=f"Allowed is what lies under {', '.join(prefixes)}, written plainly and without links that lead out.",
        code="cluster.address",
    )


def _parts(address: str) -> tuple[str, str]:
    """Return scheme, empty for a path, and what follows it; a scheme that is not known leaves nothing to follow."""
    match = _SCHEME.fullmatch(address)
    if match is None:
        return "", address
    return match[1], f"/{match[2]}" if match[1] in _SCHEMES and match[2] else ""


def _is_plain(path: str) -> bool:
    """Return whether a path is absolute and says one thing only: nothing empty, no ``.`` and no ``..`` on the way."""
    parts = path.removesuffix("/").split("/")
    return path.startswith("/") and all(part not in ("", ".", "..") and part == part.strip() for part in parts[1:])


def _is_under(address: str, prefix: str) -> bool:
    base = prefix.rstrip("/")
    return address == base or address.startswith(f"{base}/")


def _stays_inside(path: Path, prefix: Path) -> bool:
    """Return whether links lead out of the prefix, as far as this machine sees the path; the nodes may see another."""
    inside = Path(os.path.realpath(prefix))
    if not Path(os.path.realpath(path)).is_relative_to(inside):
        return False
    n_files = 0
    for folder, folders, names in os.walk(path):
        for name in (*folders, *names):
            n_files += 1
            if n_files > _MOST_FILES or not Path(os.path.realpath(PurePosixPath(folder, name))).is_relative_to(inside):
                return False
    return True
