"""Words: the frequent ones of a text column."""

from typing import Final

import pyarrow.compute as pc

from core.data.tables.batches import Load, sample_table
from core.data.tables.roles import as_category

SAMPLE_ROWS: Final = 5_000
MAX_CHARS: Final = 1_000
MAX_WORDS: Final = 20
_PATTERN = r"(?u)\b\w\w+\b"


def count_words(load: Load, column: str, n_rows: int) -> tuple[tuple[tuple[str, int], ...], int]:
    """Count in how many rows each frequent word stands.

    Returns
    -------
    words : tuple of (str, int)
        At most `MAX_WORDS` words in lower case with their rows, most frequent first; English filler words and single
        characters are left out.
    rows : int
        Rows that were looked at: at most about `SAMPLE_ROWS` (fixed seed), the first `MAX_CHARS` characters of each.
    """
    from sklearn.feature_extraction.text import CountVectorizer  # takes a second to load, and is seldom needed

    values = as_category(sample_table(load, [column], n_rows, SAMPLE_ROWS)[column]).drop_null()
    texts = pc.utf8_slice_codeunits(values, 0, MAX_CHARS).to_pylist()
    counter = CountVectorizer(binary=True, stop_words="english", token_pattern=_PATTERN)
    analyse = counter.build_analyzer()
    if not any(analyse(text) for text in texts):
        return (), len(texts)
    rows = counter.fit_transform(texts).sum(axis=0).A1
    counted = sorted(zip(counter.get_feature_names_out().tolist(), rows.tolist(), strict=True), key=_most_first)
    return tuple((word, int(n)) for word, n in counted[:MAX_WORDS]), len(texts)


def _most_first(pair: tuple[str, int]) -> tuple[int, str]:
    return -pair[1], pair[0]
