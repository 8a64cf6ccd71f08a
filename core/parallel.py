"""Work on several parts of one thing at once, the results in order; for work outside Python's lock, as Arrow's is."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

T = TypeVar("T")
R = TypeVar("R")

N_WORKERS: Final = min(4, os.cpu_count() or 1)
FEW_ROWS: Final = 2_000


def iter_ahead(work: Callable[[T], R], items: Iterable[T], *, n_rows: int = FEW_ROWS) -> Iterator[R]:
    """Yield the result of each item in order; at most `N_WORKERS` and one are done and not fetched yet.

    Parameters
    ----------
    n_rows : int
        How long each item is: with fewer than `FEW_ROWS` rows, starting a thread takes longer than the work.

    Examples
    --------
    >>> list(iter_ahead(len, ["a", "bb", "ccc"]))
    [1, 2, 3]
    """
    if N_WORKERS == 1 or n_rows < FEW_ROWS:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(N_WORKERS, thread_name_prefix="ahead") as pool:
        waiting: deque[Future[R]] = deque()
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > N_WORKERS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
