"""Tests of what the federation's statements said at a past moment."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from server.federation.stated import StatedHistory
from tests.server.federation.support import HOUR, JS, SH, ZJ
from tests.support.trusts import FourTrusts, root_seed, statement


async def test_each_moment_by_the_statement_issued_before_it(tmp_path: Path) -> None:
    """A statement counts from its issue, once it is in force here; before the first, the first."""
    nodes = FourTrusts(tmp_path)
    await nodes.rounds()
    first_time = nodes.federation.issued_time
    stated = StatedHistory(nodes[SH].room.ledger)
    assert stated.at(JS, nodes[SH].clock.now()) == frozenset()
    nodes.advance(HOUR)
    now = nodes[SH].clock.now()
    members = tuple(
        replace(each, schemes=("CAREGIVER_LEVEL",)) if each.province == JS else each
        for each in nodes.federation.members
    )
    nodes.federation = replace(nodes.federation, version=2, issued_time=now, members=members)
    await nodes[SH].publish(
        statement(nodes.federation, now=now, signers=[root_seed(SH), root_seed(JS), root_seed(ZJ)])
    )
    # Known, and not yet in force.
    assert stated.at(JS, now) == frozenset()
    await nodes.rounds()
    nodes.advance(HOUR)
    await nodes.rounds()
    assert nodes.versions == [2, 2, 2, 2]
    for moment, expected in (
        (now + HOUR, {"CAREGIVER_LEVEL"}),
        (now, {"CAREGIVER_LEVEL"}),
        (now - timedelta(microseconds=1), set()),
        (first_time - timedelta(days=1), set()),
    ):
        assert stated.at(JS, moment) == frozenset(expected)
        assert stated.at(ZJ, moment) == frozenset()
