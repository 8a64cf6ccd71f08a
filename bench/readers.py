"""Our reading of generated files against CleverCSV, charset-normalizer, dateparser and Babel: what is right, how long.

They are not installed by ``make setup``: ``pip install --target FOLDER clevercsv charset-normalizer dateparser babel``,
then ``PYTHONPATH=FOLDER python -m bench.readers [FILES]``. See docs/decisions/0031-readers.md.
"""

import importlib
import math
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from bench.common import report, scratch_services
from bench.notations import SEED, Written, judge_file, write

FILES, CELLS = 100, 10


def main() -> None:
    """Write the files and let each library do its part."""
    n_files = int(sys.argv[1]) if len(sys.argv) > 1 else FILES
    names = ("clevercsv", "charset_normalizer", "dateparser", "babel.numbers")
    clever, charset, dateparser, babel = map(importlib.import_module, names)
    rng = random.Random(SEED)
    right: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    with scratch_services() as services, tempfile.TemporaryDirectory() as folder:
        for number in range(n_files):
            path = Path(folder) / f"{number}.csv"
            made, about = write(rng, path)
            locale, separator, encoding = about.split(", ", 2)[0], *about.rsplit(", ", 2)[1:]
            text = path.read_bytes().decode(encoding)

            def count(name: str, of: int, found: int, begun: float) -> None:
                asked[name] += of
                right[name] += found
                seconds[name] += time.monotonic() - begun

            begun = time.monotonic()
            found = clever.Sniffer().sniff(text, verbose=False)
            count("clevercsv: separator", 1, int(found is not None and repr(found.delimiter) == separator), begun)
            begun = time.monotonic()
            best = charset.from_bytes(path.read_bytes()).best()
            count("charset-normalizer: text", 1, int(best is not None and str(best).lstrip("\ufeff") == text), begun)
            begun = time.monotonic()
            verdicts = judge_file(services, path, made)
            count("ours: columns", len(made), verdicts.count("right"), begun)
            for column in made:
                begun = time.monotonic()
                if column.kind == "date":
                    order = {
                        "DATE_ORDER": "MDY" if locale == "en_US" else "YMD" if locale in ("ja_JP", "sv_SE") else "DMY"
                    }
                    how = {"languages": [locale[:2]], "settings": order}
                    read = [dateparser.parse(cell, **how) for cell in column.cells[:CELLS]]
                    fits = all(a is not None and _same(a, b) for a, b in zip(read, column.true, strict=False))
                    count("dateparser, locale told: columns", 1, int(fits), begun)
                elif column.kind in ("numeric", "percent"):
                    count("babel, locale told: columns", 1, int(_babel(babel, column, locale)), begun)
    report(
        bench="readers", files=n_files, right={name: right[name] / asked[name] for name in asked},
        seconds=dict(seconds), cells_of_a_column=CELLS,
    )  # fmt: skip


def _same(found: Any, true: Any) -> bool:
    zone = found.utcoffset()
    plain = found.replace(tzinfo=None)
    return abs(((plain - zone if zone else plain) - true).total_seconds()) < 1


def _babel(babel: Any, column: Written, locale: str) -> bool:
    try:
        read = [float(babel.parse_decimal(cell, locale=locale)) for cell in column.cells[:CELLS]]
    except babel.NumberFormatError:
        return False
    return all(math.isclose(a, b, rel_tol=1e-12) for a, b in zip(read, column.true, strict=False))


if __name__ == "__main__":
    main()
