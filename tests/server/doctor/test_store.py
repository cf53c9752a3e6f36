"""Tests of the checks of database and disk."""

from dataclasses import replace
from pathlib import Path

import pytest

from server.doctor.findings import Level
from server.doctor.store import (
    BYTES_BAD,
    BYTES_WARN,
    Access,
    DatabaseSeen,
    Volume,
    check_database,
    check_disk,
)

GOOD = DatabaseSeen(
    place="/n/node.sqlite",
    access=Access.READ,
    damage=(),
    revision="0005",
    newest="0005",
    size_bytes=3 * 1024**2,
)


def test_good() -> None:
    """One line: whole, of this version, and its size."""
    (found,) = check_database(GOOD, directory="/n")
    assert "Readable, whole, revision 0005, 3.0 MiB." == found.en
    (found,) = check_database(replace(GOOD, damage=None), directory="/n")
    assert "Readable, revision 0005, 3.0 MiB." == found.en


@pytest.mark.parametrize(
    "changes, expected",
    [
        ({"access": Access.ABSENT}, [(Level.WARN, "DATABASE_ABSENT")]),
        ({"access": Access.UNREACHABLE}, [(Level.BAD, "DATABASE_UNREACHABLE")]),
        ({"damage": ("page 3 is never used",)}, [(Level.BAD, "DATABASE_DAMAGED")]),
        ({"revision": "0004"}, [(Level.WARN, "DATABASE_OLDER")]),
        ({"revision": None}, [(Level.WARN, "DATABASE_OLDER")]),
        ({"revision": "0099", "is_known": False}, [(Level.BAD, "DATABASE_NEWER")]),
        (
            {"damage": ("x",), "revision": "0004"},
            [(Level.BAD, "DATABASE_DAMAGED"), (Level.WARN, "DATABASE_OLDER")],
        ),
    ],
)
def test_wrong(changes: dict[str, object], expected: list[tuple[Level, str]]) -> None:
    """Each thing that is wrong is a line with a command."""
    found = check_database(
        replace(GOOD, **changes),  # type: ignore[arg-type]  # a test's own
        directory="/n",
    )
    assert expected == [(each.level, each.code) for each in found]
    assert all(each.remedy for each in found)


@pytest.mark.parametrize(
    "free_bytes, level, code",
    [
        (BYTES_WARN, Level.OK, "OK"),
        (BYTES_WARN - 1, Level.WARN, "DISK_SMALL"),
        (BYTES_BAD, Level.WARN, "DISK_SMALL"),
        (BYTES_BAD - 1, Level.BAD, "DISK_FULL"),
        (0, Level.BAD, "DISK_FULL"),
    ],
)
def test_disk(free_bytes: int, level: Level, code: str) -> None:
    """Room for a month, for some commits, or none."""
    volume = Volume(
        what="database", path=Path("/n"), free_bytes=free_bytes, total_bytes=100 * 1024**3
    )
    found = check_disk(volume)
    assert (level, code, "database") == (found.level, found.code, found.subject)
