"""Tests of the clock's check: which way it is off, and whose it is."""

from datetime import UTC, datetime, timedelta

import pytest

from server.doctor.clock import ClockReading, check_clock
from server.doctor.findings import Finding, Level, Side

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
PARTNERS = ("320000", "330000", "340000")


def stated(*skews_s: float) -> list[ClockReading]:
    """Return what partners say whose clocks are so many seconds ahead of ours."""
    return [
        ClockReading.of_statement(
            province,
            NOW + timedelta(seconds=skew),
            asked=NOW - timedelta(milliseconds=20),
            answered=NOW + timedelta(milliseconds=20),
        )
        for province, skew in zip(PARTNERS, skews_s, strict=False)
    ]


def rows(found: list[Finding]) -> list[tuple[Level, str, Side | None, str]]:
    """Return what matters of some lines."""
    return [(each.level, each.code, each.side, each.province) for each in found]


@pytest.mark.parametrize(
    "skews, expected",
    [
        ((0.0, 2.0, -2.0), [(Level.OK, "OK", None, "")]),
        ((29.0, 29.0, 29.0), [(Level.OK, "OK", None, "")]),
        ((60.0, 61.0, 62.0), [(Level.WARN, "CLOCK_BEHIND", Side.OURS, "")]),
        ((-60.0, -61.0, -62.0), [(Level.WARN, "CLOCK_AHEAD", Side.OURS, "")]),
        ((3600.0, 3601.0, 0.0), [(Level.BAD, "CLOCK_BEHIND", Side.OURS, "")]),
        ((-3600.0, -3601.0, 0.0), [(Level.BAD, "CLOCK_AHEAD", Side.OURS, "")]),
        ((0.0, 60.0, 0.0), [(Level.WARN, "PARTNER_CLOCK_AHEAD", Side.PARTNER, "330000")]),
        ((0.0, 0.0, -3600.0), [(Level.BAD, "PARTNER_CLOCK_BEHIND", Side.PARTNER, "340000")]),
        (
            (60.0, -60.0, 0.0),
            [
                (Level.WARN, "PARTNER_CLOCK_AHEAD", Side.PARTNER, "320000"),
                (Level.WARN, "PARTNER_CLOCK_BEHIND", Side.PARTNER, "330000"),
            ],
        ),
    ],
)
def test_whose_clock(
    skews: tuple[float, ...], expected: list[tuple[Level, str, Side | None, str]]
) -> None:
    """What most partners show is ours; what one shows alone is its own."""
    assert expected == rows(check_clock(stated(*skews)))


def test_one_partner_alone_is_said() -> None:
    """With one answer it is ours until another one tells, and the line says so."""
    (found,) = check_clock(stated(90.0))
    assert (found.code, found.side) == ("CLOCK_BEHIND", Side.OURS)
    assert "may be the wrong one" in found.en
    assert "只有一家应答" in found.zh


def test_nobody_answers() -> None:
    """Without partners the clock is not called good."""
    assert [(Level.WARN, "CLOCK_NOT_COMPARED", Side.OURS, "")] == rows(check_clock([]))


@pytest.mark.parametrize(
    "age_s, code",
    [(0, "OK"), (149, "OK"), (179, "OK"), (181, "CLOCK_AHEAD"), (-31, "CLOCK_BEHIND")],
)
def test_cosignature_stands_in(age_s: int, code: str) -> None:
    """A cosignature made within the last minutes shows nothing; one from the future does."""
    reading = ClockReading.of_cosignature(
        "320000", NOW - timedelta(seconds=age_s), asked=NOW, answered=NOW
    )
    assert code == check_clock([reading])[0].code


def test_a_slow_answer_is_no_skew() -> None:
    """The time a call took is not held against anybody's clock."""
    reading = ClockReading.of_statement(
        "320000", NOW, asked=NOW - timedelta(seconds=40), answered=NOW + timedelta(seconds=40)
    )
    assert timedelta(0) == reading.skew
