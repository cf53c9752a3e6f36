"""The ground a node stands on: its database and the disks below it.

Judges what was measured; opens no database and no directory.
"""

import enum
from dataclasses import dataclass
from pathlib import Path

from server.doctor.findings import Check, Finding, Level, Side, well

__all__ = [
    "BYTES_BAD",
    "BYTES_WARN",
    "Access",
    "DatabaseSeen",
    "Volume",
    "check_database",
    "check_disk",
]

BYTES_WARN = 5 * 1024**3
"""A month of full load fits into this."""

BYTES_BAD = 512 * 1024**2
"""Below this the next large commit may fail."""


class Access(enum.Enum):
    """How far one got into a database."""

    READ = "READ"
    ABSENT = "ABSENT"
    """There is no file yet: the node never ran."""
    UNREACHABLE = "UNREACHABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSeen:
    """What was found of a database.

    Attributes:
        place: File, or host and database; never a password.
        access: How far one got.
        said: What stood in the way, short.
        damage: What the integrity check found; empty if nothing; ``None`` if there is no check.
        revision: Of its tables; ``None`` if there are none.
        newest: Revision that this program knows as its newest.
        is_known: Whether this program knows the revision.
        size_bytes: Of the whole.
    """

    place: str
    access: Access
    said: str = ""
    damage: tuple[str, ...] | None = None
    revision: str | None = None
    newest: str = ""
    is_known: bool = True
    size_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A file system that a part of the node lies on.

    Attributes:
        what: Which part.
        path: Where.
        free_bytes: That the node may use.
        total_bytes: Of all.
    """

    what: str
    path: Path
    free_bytes: int
    total_bytes: int


def check_database(seen: DatabaseSeen, *, directory: str) -> list[Finding]:
    """Return how the database is: reached, whole, and of this version.

    Args:
        seen: What was found.
        directory: Of the node.
    """
    serve = f"deltacare node serve {directory}"
    if seen.access is Access.ABSENT:
        return [
            _finding(
                Level.WARN,
                "DATABASE_ABSENT",
                "数据库文件不存在：节点尚未运行过，或文件被移走。",
                "There is no database file: the node never ran, or the file was moved.",
                serve,
                subject=seen.place,
            )
        ]
    if seen.access is Access.UNREACHABLE:
        said = f" {seen.said}" if seen.said else ""
        return [
            _finding(
                Level.BAD,
                "DATABASE_UNREACHABLE",
                f"数据库无法读取。{said}".strip(),
                f"The database cannot be read.{said}",
                f"grep database_url {directory}/node.toml && pg_isready"
                if ":" in seen.place
                else f"ls -l {seen.place}",
                subject=seen.place,
            )
        ]
    found: list[Finding] = []
    if seen.damage:
        found.append(
            _finding(
                Level.BAD,
                "DATABASE_DAMAGED",
                f"完整性检查未通过：{seen.damage[0]}。请停止节点并恢复备份，缺失的记录会由伙伴补回。",
                f"The integrity check failed: {seen.damage[0]}. Stop the node and restore the "
                "backup; partners give back what it lacks.",
                f"cp BACKUP {seen.place} && rm -f {seen.place}-wal {seen.place}-shm && {serve}",
                subject=seen.place,
            )
        )
    if not seen.is_known:
        found.append(
            _finding(
                Level.BAD,
                "DATABASE_NEWER",
                f"表结构版本 {seen.revision} 比本程序新。",
                f"Its tables are of revision {seen.revision}, which this program does not know.",
                "pip install --upgrade deltacare",
                subject=seen.place,
            )
        )
    elif seen.revision != seen.newest:
        found.append(
            _finding(
                Level.WARN,
                "DATABASE_OLDER",
                f"表结构版本为 {seen.revision or '无'}，本程序为 {seen.newest}；启动时会升级。",
                f"Its tables are of revision {seen.revision or 'none'}, this program's are "
                f"{seen.newest}; the next start brings them up.",
                serve,
                subject=seen.place,
            )
        )
    if found:
        return found
    mebibytes = seen.size_bytes / 1024**2
    whole_zh = "，完整" if seen.damage is not None else ""
    whole_en = ", whole" if seen.damage is not None else ""
    return [
        well(
            Check.DATABASE,
            f"可读{whole_zh}，版本 {seen.newest}，{mebibytes:,.1f} MiB。",
            f"Readable{whole_en}, revision {seen.newest}, {mebibytes:,.1f} MiB.",
            subject=seen.place,
        )
    ]


def check_disk(volume: Volume) -> Finding:
    """Return whether a file system has room.

    Args:
        volume: As measured.
    """
    free_zh = f"余 {volume.free_bytes / 1024**3:,.1f} / {volume.total_bytes / 1024**3:,.1f} GiB"
    free_en = (
        f"{volume.free_bytes / 1024**3:,.1f} of {volume.total_bytes / 1024**3:,.1f} GiB are free"
    )
    if volume.free_bytes >= BYTES_WARN:
        return well(Check.DISK, f"{free_zh}。", f"{free_en}.", subject=volume.what)
    is_bad = volume.free_bytes < BYTES_BAD
    return Finding(
        check=Check.DISK,
        level=Level.BAD if is_bad else Level.WARN,
        code="DISK_FULL" if is_bad else "DISK_SMALL",
        subject=volume.what,
        side=Side.OURS,
        zh=f"{volume.path}：{free_zh}。",
        en=f"{volume.path}: {free_en}.",
        remedy=f"df -h {volume.path} && du -xh -d1 {volume.path} | sort -h",
    )


def _finding(level: Level, code: str, zh: str, en: str, remedy: str, *, subject: str) -> Finding:
    return Finding(
        check=Check.DATABASE,
        level=level,
        code=code,
        subject=subject,
        side=Side.OURS,
        zh=zh,
        en=en,
        remedy=remedy,
    )
