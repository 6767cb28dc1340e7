"""Freed arrays stay with the process, so that the next ones of their size need no new memory from the system.

glibc, Linux's usual C library, takes what is larger than 128 KiB from the system and gives it back as soon as it is
free; every page of the next array is then a fault and 4 KiB of zeros, which takes several times as long as to compute
with it. But it learns: once a block of nearly 32 MiB was freed, blocks up to that size come from its own heap, of which
up to twice as much may lie idle. No page of that block is touched. Other C libraries are not told anything.
"""

import numpy as np

MOST = 32 << 20  # bytes: of larger blocks glibc learns nothing


def keep_freed() -> None:
    """Let the C library keep what is freed from now on."""
    np.empty(MOST - (1 << 16), np.uint8)
