"""The machine's clock against the partners': who is off, and which way.

A partner's answer bounds the difference of the two clocks: it was written between our question and
its arrival. Where a partner states no time, its newest own cosignature stands in, which is up to a
minute old. If most partners say the same of us, it is our clock; if one alone does, it is its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from deltacare.tlog.opening import CLOCK_SKEW_S_MAX
from server.doctor.findings import Check, Finding, Level, Side, ago, well

__all__ = ["COSIGNATURE_SLACK", "SKEW_MAX", "ClockReading", "check_clock"]

SKEW_MAX = timedelta(seconds=30)
"""By so much clocks may differ without anybody being told."""

COSIGNATURE_SLACK = timedelta(seconds=150)
"""How old a node's newest own cosignature may be: it makes one a minute, and may miss one."""

_REMEDY = "timedatectl set-ntp true && timedatectl status"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockReading:
    """Bounds of a partner's clock less ours.

    Attributes:
        province: The partner.
        least: The smallest difference that its answer allows.
        most: The largest.
    """

    province: str
    least: timedelta
    most: timedelta

    @classmethod
    def of_statement(
        cls, province: str, stated: datetime, *, asked: datetime, answered: datetime
    ) -> "ClockReading":
        """Return the bounds from a time that a partner states as its present.

        Args:
            province: The partner.
            stated: Its present, in whole seconds or finer.
            asked: Our present when the question left.
            answered: Our present when the answer had come.
        """
        return cls(
            province=province,
            least=stated - answered,
            most=stated + timedelta(seconds=1) - asked,
        )

    @classmethod
    def of_cosignature(
        cls, province: str, cosigned: datetime, *, asked: datetime, answered: datetime
    ) -> "ClockReading":
        """Return the bounds from the newest cosignature that a partner made on its own log."""
        return cls(
            province=province,
            least=cosigned - answered,
            most=cosigned + COSIGNATURE_SLACK - asked,
        )

    @property
    def skew(self) -> timedelta:
        """By how much the partner's clock is surely ahead; negative if behind, zero if neither."""
        if self.least > timedelta(0):
            return self.least
        return min(self.most, timedelta(0))


def check_clock(readings: Sequence[ClockReading]) -> list[Finding]:
    """Return how our clock and the partners' agree.

    Args:
        readings: Of every partner that answered.
    """
    if not readings:
        return [
            Finding(
                check=Check.CLOCK,
                level=Level.WARN,
                code="CLOCK_NOT_COMPARED",
                side=Side.OURS,
                zh="没有伙伴应答，无法核对本机时钟。",
                en="No partner answered, so the clock could not be compared.",
                remedy="timedatectl status",
            )
        ]
    ahead = [reading for reading in readings if reading.skew > SKEW_MAX]
    behind = [reading for reading in readings if reading.skew < -SKEW_MAX]
    found: list[Finding] = []
    for off, is_ours_ahead in ((ahead, False), (behind, True)):
        if 2 * len(off) > len(readings):
            found.append(_ours(off, len(readings), is_ahead=is_ours_ahead))
        else:
            found.extend(_theirs(reading) for reading in off)
    if found:
        return found
    names = ", ".join(reading.province for reading in readings)
    seconds = int(SKEW_MAX.total_seconds())
    return [
        well(
            Check.CLOCK,
            f"与 {names} 的时钟相差不到 {seconds} 秒。",
            f"Within {seconds} s of the clocks of {names}.",
        )
    ]


def _ours(off: Sequence[ClockReading], count: int, *, is_ahead: bool) -> Finding:
    """Return that our clock is off, as most partners say."""
    skews = sorted(abs(reading.skew) for reading in off)
    zh, en = ago(skews[len(skews) // 2])
    alone_zh = "（只有一家应答，也可能是它的钟不准）" if count == 1 else ""
    alone_en = " (one partner answered: its clock may be the wrong one)" if count == 1 else ""
    way_zh = "快" if is_ahead else "慢"
    return Finding(
        check=Check.CLOCK,
        level=_level(skews[len(skews) // 2]),
        code="CLOCK_AHEAD" if is_ahead else "CLOCK_BEHIND",
        side=Side.OURS,
        zh=f"本机时钟{way_zh}约 {zh}，{len(off)}/{count} 家伙伴可证{alone_zh}。",
        en=f"This machine's clock is {en} {'ahead' if is_ahead else 'behind'}, as {len(off)} of "
        f"{count} partners show{alone_en}.",
        remedy=_REMEDY,
    )


def _theirs(reading: ClockReading) -> Finding:
    """Return that a partner's clock is off: the others agree with ours."""
    is_ahead = reading.skew > timedelta(0)
    zh, en = ago(abs(reading.skew))
    return Finding(
        check=Check.CLOCK,
        level=_level(abs(reading.skew)),
        code="PARTNER_CLOCK_AHEAD" if is_ahead else "PARTNER_CLOCK_BEHIND",
        subject=reading.province,
        side=Side.PARTNER,
        province=reading.province,
        zh=f"{reading.province} 的时钟{'快' if is_ahead else '慢'}约 {zh}。",
        en=f"The clock of {reading.province} is {en} {'ahead' if is_ahead else 'behind'}.",
        remedy=_REMEDY,
    )


def _level(skew: timedelta) -> Level:
    """Beyond what is believed of a partner, what is signed is refused."""
    return Level.BAD if skew.total_seconds() > CLOCK_SKEW_S_MAX else Level.WARN
