"""Tests of trust's check: too old, ending, not refreshed, behind a partner, waiting."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from server.doctor.findings import Finding, Level, Side
from server.doctor.trust import TrustSeen, check_trust

NOW = datetime(2026, 11, 22, 8, 20, tzinfo=UTC)
HOUR = int(NOW.timestamp()) // 3_600
GOOD = TrustSeen(
    version=7,
    expires={"root": NOW + timedelta(days=3_000), "statement": NOW + timedelta(days=300)},
    timestamp_hour=HOUR,
    timestamp_expires=NOW + timedelta(hours=24, minutes=40),
    refreshed=NOW - timedelta(seconds=20),
    is_running=True,
    partners={"320000": 7, "330000": 7},
    installed_version=7,
    node_version=7,
)


def rows(seen: TrustSeen) -> list[tuple[Level, str, Side | None, str]]:
    """Return what matters of the lines."""
    found: list[Finding] = check_trust(seen, directory="/n", now=NOW)
    return [(each.level, each.code, each.side, each.subject) for each in found]


def test_good() -> None:
    """One line: the version and what ends first."""
    (found,) = check_trust(GOOD, directory="/n", now=NOW)
    assert "Version 7; statement has 300 days left." == found.en


@pytest.mark.parametrize(
    "changes, expected",
    [
        ({"failure": "BAD_METADATA"}, (Level.BAD, "TRUST_UNREADABLE", Side.OURS, "")),
        ({"timestamp_hour": None}, (Level.BAD, "TRUST_NEVER_CONFIRMED", Side.OURS, "timestamp")),
        (
            {"timestamp_hour": HOUR - 25, "timestamp_expires": NOW},
            (Level.BAD, "TRUST_STALE", Side.OURS, "timestamp"),
        ),
        (
            {"refreshed": NOW - timedelta(minutes=11)},
            (Level.WARN, "TRUST_NOT_REFRESHED", Side.OURS, "timestamp"),
        ),
        ({"refreshed": None}, (Level.WARN, "TRUST_NOT_REFRESHED", Side.OURS, "timestamp")),
        (
            {"expires": {"root": NOW + timedelta(days=59)}},
            (Level.WARN, "TRUST_ENDS_SOON", Side.OURS, "root"),
        ),
        ({"expires": {"targets": NOW}}, (Level.BAD, "TRUST_EXPIRED", Side.OURS, "targets")),
        (
            {"partners": {"320000": 8, "330000": 7}},
            (Level.WARN, "TRUST_BEHIND", Side.OURS, "320000"),
        ),
        (
            {"partners": {"320000": 6, "330000": 7}},
            (Level.WARN, "PARTNER_TRUST_BEHIND", Side.PARTNER, "320000"),
        ),
        (
            {"timestamp_hour": HOUR + 2, "problems": (("TRUST_STALE", "旧", "old"),)},
            (
                Level.BAD,
                "TIMESTAMP_KEPT_FROM_FUTURE",
                Side.OURS,
                "/n/trust/timestamp.json",
            ),
        ),
        (
            {"installed_version": 8, "node_version": 7},
            (Level.WARN, "TRUST_NOT_TAKEN_IN", Side.OURS, "/n/trust"),
        ),
        (
            {"problems": (("STATEMENT_SIGNED_TWICE", "坏", "bad"),)},
            (Level.BAD, "STATEMENT_SIGNED_TWICE", Side.OURS, ""),
        ),
        (
            {"problems": (("TIMESTAMP_FROM_FUTURE", "坏", "bad"),)},
            (Level.WARN, "TIMESTAMP_FROM_FUTURE", Side.OURS, ""),
        ),
    ],
)
def test_wrong(changes: dict[str, object], expected: tuple[Level, str, Side, str]) -> None:
    """Each thing that is wrong is one line."""
    assert [expected] == rows(replace(GOOD, **changes))  # type: ignore[arg-type]  # a test's own


def test_a_node_that_does_not_run_is_not_asked_to_refresh() -> None:
    """Without a running node only what lies on disk is judged."""
    assert [(Level.OK, "OK", None, "")] == rows(replace(GOOD, is_running=False, refreshed=None))


def test_what_is_installed_is_compared_with_a_running_node_only() -> None:
    """A node that learned more meanwhile, or does not run, is not behind its directory."""
    for known in (8, None):
        assert [(Level.OK, "OK", None, "")] == rows(replace(GOOD, node_version=known))


def test_a_damaged_timestamp_has_its_own_remedy() -> None:
    """Installing again brings no timestamp back; the nodes make the next one."""
    seen = TrustSeen(failure="damaged", is_timestamp=True)
    (found,) = check_trust(seen, directory="/n", now=NOW)
    assert "rm /n/trust/timestamp.json && deltacare node serve /n" == found.remedy


def test_the_same_problem_is_said_once() -> None:
    """What the node says and the check finds is one line."""
    problem = ("TRUST_STALE", "旧", "old")
    seen = replace(GOOD, timestamp_expires=NOW, problems=(problem,))
    assert ["TRUST_STALE"] == [code for _, code, _, _ in rows(seen)]


def test_pending() -> None:
    """What was signed and waits is told and is nothing wrong."""
    found = check_trust(
        replace(GOOD, pending_time=NOW + timedelta(minutes=40)), directory="/n", now=NOW
    )
    assert ["OK", "OK"] == [each.code for each in found]
    assert "A later version is signed; it takes effect at 2026-11-22 09:00Z." == found[1].en
