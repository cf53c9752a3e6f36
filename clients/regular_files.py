"""Files from others: read whole up to a limit, and only if they are files.

Behind a name may be a pipe that nobody writes to, a device without end, or more bytes than there is
memory. What stands in a file is for the reader to judge; so is how much is too much.
"""

import os
import stat
from pathlib import Path

from deltacare.errors import Reason, Refusal

__all__ = ["NotRegular", "read_regular"]


class NotRegular(Refusal):
    """What was given as a file is a directory, a pipe or a device: ``INVALID_FIELD``.

    Args:
        path: Its name.
    """

    def __init__(self, path: Path) -> None:
        self.zh = f"{path} 不是普通文件（而是目录、管道或设备）；请给出文件。"
        self.en = f"{path} is no regular file but a directory, pipe or device; give a file."
        super().__init__(
            Reason.INVALID_FIELD, self.en, details={"path": str(path), "text_zh": self.zh}
        )


def read_regular(path: Path, *, bytes_max: int) -> bytes:
    """Return the bytes of a file; of one that is too large, one more than the limit.

    Args:
        path: The file, or a link to it.
        bytes_max: More than this is too much for the caller.

    Raises:
        OSError: If it cannot be read.
        NotRegular: If it is no file.
    """
    # Nothing waits: a pipe opens at once so, and is looked at before anything is read.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise NotRegular(path)
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            return stream.read(bytes_max + 1)
    finally:
        os.close(descriptor)
