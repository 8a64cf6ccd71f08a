"""Generated files whose true values are known: how many columns are read right, said, or silently wrong.

Numbers, dates and ids are written in some forty notations, as people of twelve locales do, with every usual separator
and encoding; the seed is fixed. ``python -m bench.notations [FILES]`` (2,000 unless said) lists what is silently wrong
on stderr.
"""

import csv
import io
import math
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa

from bench.common import report, scratch_services
from core.data.profiling.profile import profile_table
from core.domain.datasets import Dataset
from core.errors import DataError
from core.services import Services

SEED, ROWS, FILES = 20_261_129, 60, 2_000
WANTED = 0.97
SHOWN = 12
# How a locale writes: the mark of thousands, the decimal mark, currencies (before, after), dates.
LOCALES: dict[str, tuple[str, str, tuple[str, str], tuple[str, ...]]] = {
    "en_US": (",", ".", ("$", ""), ("%m/%d/%Y", "%b %d, %Y", "%m/%d/%Y %I:%M %p", "%m/%d/%y")),
    "en_GB": (",", ".", ("£", ""), ("%d/%m/%Y", "%d %b %Y", "%d-%b-%Y")),
    "en_IN": ("2", ".", ("₹", ""), ("%d-%m-%Y", "%d/%m/%Y")),
    "de_DE": (".", ",", ("", " €"), ("%d.%m.%Y", "%d.%m.%Y %H:%M")),
    "de_CH": ("’", ".", ("CHF ", ""), ("%d.%m.%Y",)),
    "de_AT": (" ", ",", ("€ ", ""), ("%d.%m.%Y",)),
    "fr_FR": ("\u202f", ",", ("", " €"), ("%d/%m/%Y", "%d/%m/%Y %H:%M:%S")),
    "es_ES": (".", ",", ("", " €"), ("%d/%m/%Y", "%d-%m-%Y")),
    "pl_PL": ("\u00a0", ",", ("", " zł"), ("%d.%m.%Y", "%Y-%m-%d")),
    "sv_SE": (" ", ",", ("", " kr"), ("%Y-%m-%d",)),
    "pt_BR": (".", ",", ("R$ ", ""), ("%d/%m/%Y",)),
    "ja_JP": (",", ".", ("¥", ""), ("%Y/%m/%d", "%Y年%m月%d日")),
}
DATES = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "iso Z", "iso +02", "iso ms", "%Y%m%d", "%Y%m%dT%H%M%S")
SEPARATORS = (",", ";", "\t", "|", "^", "~")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "cp1252")


@dataclass
class Written:
    """A column: what it means, and how it is written."""

    notation: str
    kind: str
    true: list[Any]
    cells: list[str]


def grouped(whole: int, mark: str) -> str:
    """Return a whole number with a mark of thousands; ``2`` groups as in India."""
    digits = str(whole)
    if mark != "2":
        return f"{whole:,}".replace(",", mark)
    head, tail = digits[:-3], digits[-3:]
    pairs = [head[max(k - 2, 0) : k] for k in range(len(head), 0, -2)][::-1]
    return ",".join([*pairs, tail]) if head else tail


def numbers(rng: random.Random, locale: str) -> Written:
    """Write numbers: whole or not, grouped or not, with a currency, per cent, or the minus of accountants."""
    mark, point, (before, after), _ = LOCALES[locale]
    decimals, is_grouped = rng.choice((0, 1, 2, 2, 3)), rng.random() < 0.6
    size = rng.choice((100, 10_000, 1_000_000))
    form = rng.choice(("plain",) * 5 + ("currency", "code", "percent", "brackets", "trailing", "minus"))
    true, cells = [], []
    for _ in range(ROWS):
        value = round(rng.lognormvariate(0, 1.2) * size, decimals)
        is_negative = form in ("brackets", "trailing", "minus") and rng.random() < 0.3
        whole, _, rest = f"{value:.{decimals}f}".partition(".")
        text = (grouped(int(whole), mark) if is_grouped else whole) + (point + rest if rest else "")
        text = {"currency": f"{before}{text}{after}", "code": f"{text} EUR", "percent": f"{text}%"}.get(form, text)
        if is_negative:
            text = {"brackets": f"({text})", "trailing": f"{text}-", "minus": f"−{text}"}[form]
        true.append(-value if is_negative else value)
        cells.append(text)
    style = f"{'grouped ' if is_grouped else ''}{decimals} decimals, {form}, {locale}"
    return Written(style, "percent" if form == "percent" else "numeric", true, cells)


def dates(rng: random.Random, locale: str) -> Written:
    """Write moments of some years."""
    how = rng.choice(LOCALES[locale][3] if rng.random() < 0.6 else DATES)
    first = datetime(2015, 1, 1)  # noqa: DTZ001 - moments as people write them
    true, cells = [], []
    for _ in range(ROWS):
        moment = first + timedelta(days=rng.randrange(3_500), seconds=rng.randrange(86_400))
        if how == "iso Z":
            text = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        elif how == "iso +02":
            text = moment.replace(tzinfo=timezone(timedelta(hours=2))).isoformat(" ")
            moment -= timedelta(hours=2)
        elif how == "iso ms":
            text = moment.strftime("%Y-%m-%d %H:%M:%S,") + "250"
        else:
            text = moment.strftime(how)
            moment = datetime.strptime(text, how)  # noqa: DTZ007 - what is not written is not meant
        true.append(moment)
        cells.append(text)
    return Written(how, "date", true, cells)


def ids(rng: random.Random, _: str) -> Written:
    """Write names of rows: digits that no number holds, zeros in front, letters."""
    how = rng.choice(("19 digits", "zeros", "letters", "beyond 2^53", "uint64"))
    make: dict[str, Callable[[int], str]] = {
        "19 digits": lambda k: str(1_234_567_890_123_456_000 + 7 * k),
        "zeros": lambda k: f"{k * 13 + 1:07d}",
        "letters": lambda k: f"C-{k * 31 + 100}",
        "beyond 2^53": lambda k: str(9_007_199_254_740_993 + 2 * k),
        "uint64": lambda k: str(18_446_744_073_709_551_000 + k),
    }
    order = rng.sample(range(ROWS), ROWS)
    cells = [make[how](k) for k in order]
    return Written(how, "text", cells, cells)


def write(rng: random.Random, path: Path) -> tuple[list[Written], str]:
    """Write a file; return its columns and what else is special about it."""
    locale = rng.choice(tuple(LOCALES))
    made = [rng.choice((numbers, numbers, dates, ids))(rng, locale) for _ in range(rng.randrange(2, 5))]
    words = [rng.choice(("north", "south", "Zürich", "east")) for _ in range(ROWS)]
    buffer = io.StringIO()
    separator = rng.choice(SEPARATORS)
    table = csv.writer(buffer, delimiter=separator, lineterminator="\n")
    table.writerow([*(f"c{k}" for k in range(len(made))), "word"])
    table.writerows(zip(*(column.cells for column in made), words, strict=True))
    encoding = rng.choice(ENCODINGS)
    try:
        content = buffer.getvalue().encode(encoding)
    except UnicodeEncodeError:
        encoding, content = "utf-8", buffer.getvalue().encode()
    path.write_bytes(content)
    return made, f"{locale}, {separator!r}, {encoding}"


def judge(column: Written, name: str, found: pa.ChunkedArray, kind: str, said: str) -> str:
    """Return ``right``, ``said`` (asked, warned or an alert) or ``wrong``."""
    if _is_right(column, found, kind):
        return "right"
    return "said" if name in said else "wrong"


def _is_right(column: Written, found: pa.ChunkedArray, kind: str) -> bool:
    values = found.to_pylist()
    if column.kind == "text":
        return kind in ("id", "category", "text") and [str(value) for value in values] == column.true
    if column.kind == "date":
        return kind == "date" and all(_same_moment(a, b) for a, b in zip(values, column.true, strict=True))
    if kind != "numeric":
        # Whole numbers that all differ may be taken for nothing else than what they are.
        return False
    shares = [1.0, 100.0] if column.kind == "percent" else [1.0]
    return any(
        all(
            a is not None and math.isclose(a * share, b, rel_tol=1e-12, abs_tol=1e-9)
            for a, b in zip(values, column.true, strict=True)
        )
        for share in shares
    )


def _same_moment(found: datetime | None, true: datetime) -> bool:
    return found is not None and abs((found.replace(tzinfo=None) - true).total_seconds()) < 1


def look(services: Services, path: Path) -> tuple[Dataset, pa.Table, str]:
    """Take a file in; return it with its rows and everything that is said of it."""
    dataset = services.datasets.add(path, path.name)
    typed = services.datasets.open(dataset.id).typed()
    alerts = profile_table(typed, dataset.schema).alerts
    codes = ("number_as_text", "date_as_text", "date_as_number", "mixed_types")
    said = [*dataset.warnings, *(f"{alert.column}: {alert.message}" for alert in alerts if alert.code in codes)]
    return dataset, typed, "\n".join(said)


def judge_file(services: Services, path: Path, made: list[Written]) -> list[str]:
    """Return the verdict on each column; a file that is refused is told of as a whole."""
    try:
        dataset, typed, said = look(services, path)
    except DataError:
        return ["said"] * len(made)
    services.datasets.delete(dataset.id, used_by=())
    if any(f"c{k}" not in dataset.schema for k in range(len(made))):
        return ["said" if dataset.warnings else "wrong"] * len(made)
    return [judge(column, f"c{k}", typed[f"c{k}"], dataset.schema[f"c{k}"].type, said) for k, column in enumerate(made)]


def main() -> None:
    """Write the files, read them, and count."""
    n_files = int(sys.argv[1]) if len(sys.argv) > 1 else FILES
    rng = random.Random(SEED)
    counts: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    begun = time.monotonic()
    with scratch_services() as services, tempfile.TemporaryDirectory() as folder:
        for number in range(n_files):
            path = Path(folder) / f"{number}.csv"
            made, about = write(rng, path)
            for column, verdict in zip(made, judge_file(services, path, made), strict=True):
                counts[verdict] += 1
                if verdict == "wrong":
                    wrong[f"{column.kind}: {column.notation}"] += 1
                    sys.stderr.write(f"{number} ({about}): {column.notation}: {column.cells[:3]}\n")
                elif verdict == "said":
                    asked[f"{column.kind}: {column.notation}"] += 1
            path.unlink()
    total = sum(counts.values())
    report(
        bench="notations", files=n_files, columns=total, right=counts["right"] / total, said=counts["said"] / total,
        silently_wrong_columns=counts["wrong"], silently_wrong_cells=counts["wrong"] * ROWS,
        wrong=dict(wrong.most_common(SHOWN)), asked=dict(asked.most_common(SHOWN)), seconds=time.monotonic() - begun,
        ok=not counts["wrong"] and counts["right"] / total >= WANTED,
    )  # fmt: skip


if __name__ == "__main__":
    main()
