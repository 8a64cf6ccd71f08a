"""Large arrays go back to the system once nobody needs them; docs/decisions/0026-memory-goes-back.md has figures."""

import ctypes
import os
import sys
from contextlib import suppress
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
