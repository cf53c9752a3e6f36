"""One line of an examination: how it is, what is wrong, on which side, and the command for it.

A value only. How lines are gathered, drawn and turned into an exit code is decided elsewhere.
"""

import enum
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

__all__ = ["Check", "Finding", "Level", "Side", "ago", "well"]


class Level(enum.IntEnum):
    """How it is, the worst last."""

    OK = 0
    WARN = 1
    """It works and will not go on working, or nobody could look."""
    BAD = 2
    """It does not work, or must not."""


class Check(enum.StrEnum):
    """What is looked at, in the order of the report."""

    NODE = "node"
    CLOCK = "clock"
    CERTIFICATES = "certificates"
    TRUST = "trust"
    KEYS = "keys"
    REACHABILITY = "reachability"
    LOGS = "logs"
    COSIGNATURES = "cosignatures"
    DATABASE = "database"
    DISK = "disk"


class Side(enum.StrEnum):
    """Who has to act."""

    OURS = "ours"
    PARTNER = "partner"
    NETWORK = "network"
    """Whoever carries packets between the two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line.

    Attributes:
        check: What was looked at.
        level: How it is.
        code: Stable name of the state, for programs, such as ``CERTIFICATE_EXPIRED``.
        subject: Which file, partner or log; empty where there is one only.
        side: Who has to act; ``None`` if nobody has to.
        province: The partner, where the side is one or the way leads to one.
        zh: What is so, one sentence, in Chinese.
        en: The same in English.
        remedy: The command that mends it, to be run on that side; empty if nothing is wrong.
    """

    check: Check
    level: Level
    code: str
    subject: str = ""
    side: Side | None = None
    province: str = ""
    zh: str
    en: str
    remedy: str = ""

    def __post_init__(self) -> None:
        is_well = self.level is Level.OK
        assert is_well is (self.side is None), "who has to act is said of what is wrong"
        assert is_well is (not self.remedy), "what is wrong has a remedy"
        assert self.side is not Side.PARTNER or self.province, "a partner has a name"

    def plain(self) -> dict[str, Any]:
        """Return the line for JSON, in both languages."""
        return {
            "check": self.check.value,
            "level": self.level.name,
            "code": self.code,
            "subject": self.subject,
            "side": self.side.value if self.side else None,
            "province": self.province or None,
            "zh": self.zh,
            "en": self.en,
            "remedy": self.remedy or None,
        }


def well(check: Check, zh: str, en: str, *, subject: str = "", province: str = "") -> Finding:
    """Return the line of what is as it should be."""
    return Finding(
        check=check,
        level=Level.OK,
        code="OK",
        subject=subject,
        province=province,
        zh=zh,
        en=en,
    )


def ago(age: timedelta) -> tuple[str, str]:
    """Return a span of time as people say it, in Chinese and English; never negative."""
    seconds = max(0, round(age.total_seconds()))
    for size, zh, en in ((86_400, "天", "d"), (3_600, "小时", "h"), (60, "分钟", "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {zh}", f"{seconds // size} {en}"
    return f"{seconds} 秒", f"{seconds} s"
