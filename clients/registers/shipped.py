"""Finds the mappings of registers by name or path.

Those of the program lie beside this module as files, as anybody's own do elsewhere: `mapping_file`
reads both alike.
"""

from importlib import resources
from pathlib import Path

from clients.registers.mapping import RegisterMapping
from clients.registers.mapping_faults import bad_mapping
from clients.registers.mapping_file import BYTES_MAX, read_mapping

__all__ = ["find_mapping", "shipped_mappings"]


def shipped_mappings() -> tuple[str, ...]:
    """Return the names of the mappings that come with the program."""
    folder = resources.files("clients.registers") / "mappings"
    names = (entry.name for entry in folder.iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def find_mapping(name: str) -> RegisterMapping:
    """Return a mapping by the name under which it is shipped, or from a file.

    Args:
        name: One of `shipped_mappings`, or a path.

    Raises:
        BadFile: If there is none, or something in it is wrong.
    """
    if name in shipped_mappings():
        data = (resources.files("clients.registers") / "mappings" / f"{name}.toml").read_bytes()
        return read_mapping(data, name=name, file=f"{name}.toml")
    path = Path(name)
    try:
        with path.open("rb") as opened:
            data = opened.read(BYTES_MAX + 1)
    except OSError:
        known = ", ".join(shipped_mappings())
        raise bad_mapping(
            path.name,
            name,
            ("既不是内置的映射，也没有这个文件。", "It is no mapping of the program and no file."),
            (f"内置的有：{known}；或写出文件路径。", f"There are: {known}; or name a file."),
        ) from None
    return read_mapping(data, name=path.stem, file=path.name)
