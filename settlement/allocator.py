"""Asks the C library to keep freed memory, for a process that reconciles large files and ends.

Reading, joining and sorting a million lines allocates and frees a gigabyte several times over. By
default each round is given back to the system and faulted in again, page by page, which took a
third of the whole time on a virtual machine. It is advice only: where the C library knows no such
settings, nothing happens, and no result depends on it.
"""

import ctypes

__all__ = ["keep_freed_memory"]

# From malloc.h of the GNU C library, with the largest values that it takes.
_M_TRIM_THRESHOLD, _TRIM_BYTES = -1, 2**31 - 1
_M_TOP_PAD, _TOP_PAD_BYTES = -2, 64 * 1024**2
_M_MMAP_THRESHOLD, _MMAP_BYTES = -3, 32 * 1024**2


def keep_freed_memory() -> None:
    """Keep what is freed for the next allocation, for as long as the process lives."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    for setting, value in (
        (_M_TRIM_THRESHOLD, _TRIM_BYTES),
        (_M_TOP_PAD, _TOP_PAD_BYTES),
        (_M_MMAP_THRESHOLD, _MMAP_BYTES),
    ):
        mallopt(setting, value)
