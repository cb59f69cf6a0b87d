"""Gives memory back to the operating system, as far as the C library allows it: glibc does."""

from __future__ import annotations

import ctypes
import gc

LIBRARY = ctypes.CDLL(None)
M_MMAP_THRESHOLD, LARGE_BYTES = -3, 256 * 1024


def keep_large_blocks_apart() -> None:
    """Let each block of LARGE_BYTES be given back as soon as it is freed.

    Otherwise glibc raises this size with each large block that is freed, and keeps what was freed below it.
    """
    if hasattr(LIBRARY, "mallopt"):
        LIBRARY.mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)


def release() -> None:
    """Give unused memory back.

    The errors of a large body are in reference cycles with their tracebacks. They are young: to look at all objects too
    would stop all threads for a second if many states are cached.
    """
    gc.collect(1)
    if hasattr(LIBRARY, "malloc_trim"):
        LIBRARY.malloc_trim(0)
