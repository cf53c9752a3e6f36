"""Files that are whole or not there: written beside their place, flushed, then moved into it."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

__all__ = ["write_atomic"]

_PUBLIC_MODE = 0o644


def write_atomic(path: Path, data: bytes, *, mode: int = _PUBLIC_MODE) -> None:
    """Write a file durably; whoever reads it sees the old content or the new one, whole.

    Args:
        path: Where to; its directory exists.
        data: What.
        mode: Rights of the file.
    """
    descriptor, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(name).unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
