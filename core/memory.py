"""Large arrays go back to the system once nobody needs them; docs/decisions/0026-memory-goes-back.md has figures."""

import ctypes
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Final

_POOL: Final = "ARROW_DEFAULT_MEMORY_POOL"
_MMAP_THRESHOLD, _ARENA_MAX = -3, -8  # glibc's malloc.h
_LARGE_BYTES: Final = 1_000_000
_ARENAS: Final = 2


def give_back() -> None:
    """Let Arrow take its memory from the C library, and that return what is large at once.

    To be called before pyarrow is imported. A pool that the environment names stays. Other C libraries than glibc are
    left as they are.
    """
    os.environ.setdefault(_POOL, "system")
    if sys.platform != "linux":
        return
    with suppress(OSError, AttributeError):  # another C library
        library = ctypes.CDLL("libc.so.6")
        library.mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)
        library.mallopt(_ARENA_MAX, _ARENAS)


def leave_out_pandas() -> None:
    """Let Arrow work without pandas, which it loads with the first array that it makes: half a second and 40 MB.

    For a process that gives Arrow no objects of pandas. To be called before that first array, while nothing else is
    imported. `import pandas` and `to_pandas` work afterwards as ever.
    """
    import pyarrow as pa

    if "pandas" in sys.modules:
        return
    sys.meta_path.insert(0, _WithoutPandas)
    try:
        pa.array([])  # it looks for pandas once
    finally:
        sys.meta_path.remove(_WithoutPandas)


class _WithoutPandas(MetaPathFinder):
    """Says that there is no pandas."""

    @classmethod
    def find_spec(cls, name: str, path: Sequence[str] | None, target: ModuleType | None = None, /) -> ModuleSpec | None:
        if name == "pandas":
            raise ModuleNotFoundError("No module named 'pandas'", name=name)
        return None
