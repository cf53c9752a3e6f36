"""One process a node directory: two that write the same logs would sign two histories.

The lock is the operating system's, on a file in the directory, so that it ends with the process
that holds it, however that ends. A database that two directories share is not guarded here.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clients.cli.failures import InputRefused
from clients.language import tr

__all__ = ["LOCK_FILE", "hold_directory"]

LOCK_FILE = "node.lock"

_PRIVATE_MODE = 0o600


@contextmanager
def hold_directory(directory: Path) -> Iterator[None]:
    """Keep every other process off a node's directory while the block runs.

    Args:
        directory: Of the node.

    Raises:
        InputRefused: If another process serves or rebuilds it.
    """
    descriptor = os.open(directory / LOCK_FILE, os.O_RDWR | os.O_CREAT, _PRIVATE_MODE)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "?"
            raise InputRefused(
                tr(
                    f"{directory} 的节点正在运行（进程 {holder}）；请先停止它。",
                    f"The node of {directory} is running (process {holder}); stop it first.",
                )
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
