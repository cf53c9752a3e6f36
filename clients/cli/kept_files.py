"""Files that are kept for years, such as verdicts: each is written whole, and none is replaced.

Whether a name is free is asked before anybody is asked for what will stand in the file, so that
nothing is done in vain; and once more where it is written. What may be replaced, such as the
results of a roster, is written elsewhere.
"""

import os
import tempfile
from pathlib import Path

from clients.cli.failures import InputRefused
from clients.cli.output import require_folder
from clients.language import tr

__all__ = ["VERDICT_SUFFIX", "keep_file", "require_free", "require_free_folder"]

VERDICT_SUFFIX = ".verdict"
"""What the names of a roster's verdict files end in."""


def require_free(path: Path) -> None:
    """Refuse to write a file to be kept where there is one, or no directory.

    Raises:
        InputRefused: If so.
    """
    require_folder(path)
    if path.exists() or path.is_symlink():
        raise _taken(path)


def require_free_folder(directory: Path) -> None:
    """Refuse to keep a roster's verdict files among those of another check.

    Raises:
        InputRefused: If the directory holds one.
    """
    if not directory.is_dir():
        return
    held = min((path.name for path in directory.glob(f"*{VERDICT_SUFFIX}")), default=None)
    if held is not None:
        raise InputRefused(
            tr(
                f"{directory} 中已有结论文件（{held}），不予覆盖或混存；请另给一个目录。",
                f"{directory} holds verdict files ({held}): none is overwritten, nor are others "
                "put among them. Name another directory.",
            )
        )


def keep_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, and never over another.

    Args:
        path: Its name.
        data: What it holds.

    Raises:
        InputRefused: If there is one by that name meanwhile.
        OSError: If it cannot be written.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    written = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(written)
        except FileExistsError:
            raise _taken(path) from None
        except OSError:
            # A file system without second names, such as that of a memory stick.
            if path.exists() or path.is_symlink():
                raise _taken(path) from None
            written.replace(path)
    finally:
        written.unlink(missing_ok=True)


def _taken(path: Path) -> InputRefused:
    return InputRefused(
        tr(
            f"{path} 已存在，不予覆盖；请另给一个文件名。",
            f"{path} is there already and is not overwritten; name another file.",
        )
    )
