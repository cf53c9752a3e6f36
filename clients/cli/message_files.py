"""The file of a message: readable by its owner alone, whole or not there, never over another.

Its bytes are on the disk under a hidden name before anything is ordered, and get their own name
after: a full disk is noticed while nothing has happened yet, and nobody can send the bank a message
that is not in the log.
"""

import hashlib
import os
from collections.abc import Container
from pathlib import Path
from typing import Self

from clients.cli.failures import InputRefused
from clients.language import tr

__all__ = ["PreparedFile"]

_MODE = 0o600
_BYTES_MAX = 16 * 1024 * 1024


class PreparedFile:
    """A message on its way to its name.

    Args:
        path: Where it shall stand.
        message: Its bytes.
    """

    def __init__(self, path: Path, message: bytes) -> None:
        self.path = path
        self._message = message
        self._part = path.with_name(f".{path.name}.part")

    @classmethod
    def left_over(cls, path: Path, kept: Container[bytes]) -> "tuple[Self, bytes | None]":
        """Return a message that is in the log and whose file an earlier run left at or before it.

        Args:
            path: Where a message is to stand.
            kept: Hashes of messages that are in the log.

        Returns:
            The file, and the hash of its message; ``None`` with a file of nothing if there is none.
        """
        found = cls(path, b"")
        for each in (found._part, path):
            if each.is_file() and not each.is_symlink() and each.stat().st_size <= _BYTES_MAX:
                message = each.read_bytes()
                digest = hashlib.sha256(message).digest()
                if digest in kept:
                    return cls(path, message), digest
        return found, None

    def is_there(self) -> bool:
        """Whether these bytes have their name already.

        Raises:
            InputRefused: If something else has it.
        """
        if self._has_name():
            return True
        if not self.path.exists() and not self.path.is_symlink():
            return False
        raise InputRefused(
            tr(
                f"{self.path} 已存在且内容不同，不予覆盖；请另给一个文件名。",
                f"{self.path} is there already with other content and is not overwritten; name "
                "another file.",
            )
        )

    def _has_name(self) -> bool:
        if self.path.is_symlink() or not self.path.is_file():
            return False
        size = self.path.stat().st_size
        return size == len(self._message) and self.path.read_bytes() == self._message

    def prepare(self) -> None:
        """Write the bytes under the hidden name; what an earlier run left there is replaced."""
        self._part.unlink(missing_ok=True)
        handle = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
        with os.fdopen(handle, "wb") as file:
            file.write(self._message)
            file.flush()
            os.fsync(file.fileno())

    def finish(self) -> None:
        """Give the file its name, which nothing else may have; what has it already is done.

        Raises:
            InputRefused: If something else got the name meanwhile.
        """
        if self.is_there():
            self._part.unlink(missing_ok=True)
            return
        try:
            self.path.hardlink_to(self._part)
        except FileExistsError:
            self.is_there()
        except OSError:
            # A file system without second names, such as that of a memory stick.
            if not self.is_there():
                self._part.replace(self.path)
        self._part.unlink(missing_ok=True)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
