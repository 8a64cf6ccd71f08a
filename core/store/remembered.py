"""What a server was asked a moment ago, so that each of many predictions a second does not ask it all again."""

import threading
import time
from collections.abc import Callable, Hashable
from typing import Final, TypeVar

from cachetools import TTLCache

REMEMBERED_S: Final = 5.0
_MOST: Final = 64
_T = TypeVar("_T")


class Remembered:
    """Answers by key, forgotten after `REMEMBERED_S` and whenever this process writes.

    Parameters
    ----------
    clock : callable, optional
        Returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._found: TTLCache[Hashable, object] = TTLCache(_MOST, REMEMBERED_S, timer=clock)
        self._lock = threading.Lock()
        self._n_cleared = 0

    def get(self, key: tuple[type[_T], *tuple[Hashable, ...]], ask: Callable[[], _T]) -> _T:
        """Return the answer to a key, which begins with its type; `ask` gets it, and its errors are not remembered."""
        with self._lock:
            found, asked_at = self._found.get(key), self._n_cleared
        if isinstance(found, key[0]):
            return found
        answer = ask()
        with self._lock:
            if asked_at == self._n_cleared:  # what was asked before something was written may be old
                self._found[key] = answer
        return answer

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._found.clear()
            self._n_cleared += 1
