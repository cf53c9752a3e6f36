"""Tests of four nodes that keep their trust: when they agree, whatever network and clocks do."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from clients.federation.repository import install
from deltacare.errors import PeerFault
from deltacare.trust.roles import (
    HOUR_S,
    sign,
    timestamp_bytes,
    timestamp_hour,
    verify_timestamp,
)
from deltacare.v1 import federation_service_pb2 as pb
from tests.server.federation.support import (
    AH,
    HOUR,
    JS,
    MINUTE,
    SH,
    ZJ,
    ask,
    claiming,
    events,
    forged,
)
from tests.support.tls import until
from tests.support.trusts import FourTrusts, root_file, statement, timestamp_seed


async def test_first_start(tmp_path: Path) -> None:
    """Before two nodes have signed an hour, trust is stale; with one partner up it is not."""
    nodes = FourTrusts(tmp_path)
    for province in (ZJ, AH, JS):
        nodes[province].stop()
    await nodes.rounds()
    now = nodes[SH].clock.now()
    assert nodes[SH].hour is None
    assert nodes[SH].room.trust.stale_since(now) == nodes.federation.issued_time
    assert [p.code for p in (await nodes[SH].status()).problems] == ["TRUST_NEVER_CONFIRMED"]
    nodes[JS].start()
    await nodes.rounds(SH, times=1)
    assert nodes[SH].hour == nodes.hour
    assert nodes[SH].room.trust.stale_since(now) is None
    assert list((await nodes[SH].status()).problems) == []


async def test_change_takes_effect_at_the_next_hour(tmp_path: Path) -> None:
    """What is published at one node is in force at all after the next full hour, and not before."""
    nodes = FourTrusts(tmp_path)
    nodes.advance(30 * MINUTE)
    await nodes.rounds()
    answer = await nodes[ZJ].publish(nodes.next_statement())
    assert (answer.snapshot_version, answer.trust_version) == (2, 2)
    assert answer.effective_time.ToDatetime(UTC) == datetime(2026, 11, 22, 9, tzinfo=UTC)
    nodes.advance(29 * MINUTE)
    await nodes.rounds()
    assert nodes.versions == [1, 1, 1, 1]
    assert {(await node.status()).newest_snapshot_version for node in nodes.nodes.values()} == {2}
    nodes.advance(MINUTE)
    changes: list[int] = []
    nodes[AH].room.trust.on_change(lambda: changes.append(nodes[AH].version))
    await nodes.rounds()
    assert nodes.versions == [2, 2, 2, 2]
    assert changes == [2]
    again = await nodes[ZJ].publish(
        statement(nodes.federation, now=nodes[ZJ].clock.now() - HOUR / 2)
    )
    assert not again.HasField("effective_time")


def install_running(nodes: FourTrusts, province: str, files: dict[str, bytes]) -> None:
    """Install files into a node's directory as a person does, whether the node runs or not."""
    install(nodes[province].directory.parent, {"1.root.json": root_file(), **files})


async def test_installed_while_it_runs(tmp_path: Path) -> None:
    """What people install into a running node's directory takes effect like anything published."""
    nodes = FourTrusts(tmp_path)
    for node in nodes.nodes.values():
        await node.keeper.start()
    try:
        await until(lambda: nodes.hours == [nodes.hour] * 4)
        install_running(nodes, ZJ, nodes.next_statement())
        await until(lambda: {n.room.ledger.newest.version for n in nodes.nodes.values()} == {2})
        assert (await nodes[ZJ].status()).HasField("pending_time")
        assert nodes.versions == [1] * 4
        nodes.advance(HOUR)
        await until(lambda: nodes.versions == [2] * 4)
    finally:
        for node in nodes.nodes.values():
            await node.keeper.stop()


async def test_installed_and_published(tmp_path: Path) -> None:
    """What lies in the directory already is known to whoever publishes it, or something else."""
    nodes = FourTrusts(tmp_path)
    await nodes.rounds()
    first = nodes.next_statement()
    second = statement(replace(nodes.federation, stale_after_s=7_200), now=nodes[SH].clock.now())
    install_running(nodes, SH, first)
    with capture_logs() as logs, pytest.raises(PeerFault) as caught:
        await nodes[SH].publish(second)
    assert caught.value.details["fault"] == "OTHER_CONTENT"
    assert len(events(logs, "trust_signed_twice")) == 1
    assert (await nodes[SH].publish(first)).snapshot_version == 2


async def test_installed_but_refused(tmp_path: Path) -> None:
    """A node that runs asks of what was installed what it asks of partners, and says no aloud."""
    nodes = FourTrusts(tmp_path)
    await nodes.rounds()
    now = nodes[SH].clock.now()
    ahead = replace(nodes.federation, version=2, issued_time=now + timedelta(days=1))
    install_running(nodes, SH, statement(ahead, now=now))
    with capture_logs() as logs:
        await nodes.rounds(SH)
    (alarm,) = events(logs, "trust_installed_refused")
    assert (alarm["version"], alarm["reason"]) == (2, "BAD_METADATA")
    assert nodes[SH].room.ledger.newest.version == 1
    assert nodes[SH].hour == nodes.hour
    nodes.advance(timedelta(days=1))
    await nodes.rounds()
    assert nodes[SH].room.ledger.newest.version == 2
    # One that expired is no better.
    nodes[SH].stop()
    old = replace(ahead, version=3)
    install_running(nodes, JS, statement(ahead, now=now))
    install_running(nodes, JS, statement(old, now=now - timedelta(days=2_000)))
    with capture_logs() as logs:
        await nodes.rounds(JS)
    assert events(logs, "trust_installed_refused")[0]["version"] == 3


async def test_published_at_the_last_moment(tmp_path: Path) -> None:
    """Who is asked to sign what it has not seen fetches it from who asks, and signs it."""
    nodes = FourTrusts(tmp_path)
    await nodes.rounds()
    await nodes[SH].publish(nodes.next_statement())
    nodes.advance(HOUR)
    await nodes.rounds(SH, times=1)
    assert (nodes[SH].version, nodes[SH].hour) == (2, nodes.hour)
    assert {node.room.ledger.newest.version for node in nodes.nodes.values()} == {2}
    await nodes.rounds(times=1)
    assert nodes.versions == [2, 2, 2, 2]


async def test_two_cannot_hold_the_others_back(tmp_path: Path) -> None:
    """Two members that go on confirming the old statement keep it for themselves only."""
    nodes = FourTrusts(tmp_path)
    await nodes.rounds()
    old = nodes[ZJ].room.ledger.newest.snapshot
    await nodes[SH].publish(nodes.next_statement())
    await nodes.rounds()
    nodes.advance(HOUR)
    stale = timestamp_bytes(nodes.hour, old)
    for province in (ZJ, AH):
        stale = sign(stale, timestamp_seed(province))
    for province in (ZJ, AH):
        nodes.lies[province, "timestamp.json"] = lambda _: stale
        nodes.lies[province, "signature"] = lambda _: b""
        nodes.lies[province, "status"] = claiming(timestamp_hour=nodes.hour)
    await nodes.rounds(SH, JS)
    assert (nodes[SH].version, nodes[JS].version) == (2, 2)


async def test_any_two_nodes_sign_the_same_bytes(tmp_path: Path) -> None:
    """What two pairs made apart from each other differs in signatures only."""
    nodes = FourTrusts(tmp_path)
    nodes.cut([SH, JS], [ZJ, AH])
    await nodes.rounds()
    assert nodes.hours == [nodes.hour] * 4
    root = nodes[SH].room.ledger.newest_root
    found = {
        verify_timestamp(root, node.room.store.read("timestamp.json"))
        for node in nodes.nodes.values()
    }
    assert len(found) == 1


async def test_one_node_alone_makes_nothing(tmp_path: Path) -> None:
    """A node without partners does not advance, and its own signature alone is not accepted."""
    nodes = FourTrusts(tmp_path)
    await nodes.rounds()
    first = nodes.hour
    nodes.cut([SH], [JS, ZJ, AH])
    nodes.advance(HOUR)
    await nodes.rounds()
    assert nodes.hours == [first, first + 1, first + 1, first + 1]
    nodes.broken.clear()
    nodes.advance(HOUR)
    for province in (JS, ZJ, AH):
        nodes[province].stop()
    alone = forged(nodes, nodes.hour, SH)
    nodes[JS].start()
    nodes.lies[JS, "timestamp.json"] = lambda _: alone
    nodes.lies[JS, "signature"] = lambda _: b""
    nodes.lies[JS, "status"] = claiming(timestamp_hour=nodes.hour)
    await nodes.rounds(SH)
    assert nodes[SH].hour == first
    assert nodes[SH].keeper.partners[JS].reason == "BAD_METADATA"


# Time and partitions. -----------------------------------------------------------------------------


async def test_frozen(tmp_path: Path) -> None:
    """A node that is shown one timestamp again and again is stale after 25 hours, not before."""
    nodes = FourTrusts(tmp_path)
    await nodes.rounds()
    first = nodes.hour
    old = nodes[JS].room.store.read("timestamp.json")
    for province in (JS, ZJ, AH):
        nodes.lies[province, "timestamp.json"] = lambda _: old
        nodes.lies[province, "signature"] = lambda _: b""
        nodes.lies[province, "status"] = claiming(timestamp_hour=2**40)
    trust = nodes[SH].room.trust
    for _ in range(24):
        nodes.advance(HOUR)
        await nodes.rounds(SH, times=1)
    assert trust.stale_since(nodes[SH].clock.now()) is None
    nodes.advance(2 * HOUR)
    with capture_logs() as logs:
        await nodes.rounds(SH, times=1)
    now = nodes[SH].clock.now()
    assert nodes[SH].hour == first
    since = trust.stale_since(now)
    assert since == datetime.fromtimestamp(first * HOUR_S, UTC)
    assert now - since == 26 * HOUR
    assert [p.code for p in (await nodes[SH].status()).problems] == [
        "TRUST_STALE",
        "TRUST_NOT_REFRESHED",
        "TIMESTAMP_FROM_FUTURE",
    ]
    assert len(events(logs, "trust_stale")) == 1
    nodes.lies.clear()
    await nodes.rounds()
    assert trust.stale_since(now) is None
    assert list((await nodes[SH].status()).problems) == []


async def test_a_clock_that_most_partners_contradict(tmp_path: Path) -> None:
    """The node whose clock is wrong knows it, and no other thinks so of itself; it passes."""
    nodes = FourTrusts(tmp_path)
    await nodes.rounds()
    wrong = nodes[AH]
    for way in (1, -1):
        wrong.clock.advance(way * timedelta(days=3))
        with capture_logs() as logs:
            await nodes.rounds(times=1)
        assert [AH] == [p for p, node in nodes.nodes.items() if node.keeper.is_clock_off()]
        assert 1 == len(events(logs, "clock_off"))
        wrong.clock.advance(-way * timedelta(days=3))
        assert not wrong.keeper.is_clock_off(), "what was said is of another time"
        await nodes.rounds(times=1)
        assert not wrong.keeper.is_clock_off()


async def test_alarm_long_before_expiry(tmp_path: Path) -> None:
    """Ten minutes without a refresh are an alarm, repeated at most every ten minutes."""
    nodes = FourTrusts(tmp_path)
    await nodes.rounds()
    nodes.cut([SH], [JS, ZJ, AH])
    seen = []
    for _ in range(25):
        nodes.advance(MINUTE)
        with capture_logs() as logs:
            await nodes.rounds(SH, times=1)
        seen.append(len(events(logs, "trust_not_refreshed")))
    assert [minute for minute, count in enumerate(seen, start=1) if count] == [10, 20]
    assert nodes[SH].room.trust.stale_since(nodes[SH].clock.now()) is None
    assert [p.code for p in (await nodes[SH].status()).problems] == ["TRUST_NOT_REFRESHED"]


async def test_partition_and_its_end(tmp_path: Path) -> None:
    """Two halves go on apart for hours, with different statements, and agree when they meet."""
    nodes = FourTrusts(tmp_path)
    await nodes.rounds()
    nodes.cut([SH, JS], [ZJ, AH])
    await nodes[SH].publish(nodes.next_statement())
    for _ in range(6):
        nodes.advance(HOUR)
        await nodes.rounds()
    assert nodes.versions == [2, 2, 1, 1]
    assert nodes.hours == [nodes.hour] * 4
    nodes.broken.clear()
    await nodes.rounds()
    assert nodes.versions == [2, 2, 1, 1]  # the hour is made; what was learnt waits for the next
    nodes.advance(HOUR)
    await nodes.rounds()
    assert nodes.versions == [2, 2, 2, 2]
    assert nodes.hours == [nodes.hour] * 4


async def test_away_for_several_statements(tmp_path: Path) -> None:
    """A node that was away takes every statement in between, in their order."""
    nodes = FourTrusts(tmp_path)
    await nodes.rounds()
    nodes[AH].stop()
    for _ in range(3):
        await nodes[SH].publish(nodes.next_statement())
        await nodes.rounds()
        nodes.advance(HOUR)
        await nodes.rounds()
    nodes.advance(30 * HOUR)
    await nodes.rounds()
    nodes[AH].start()
    assert nodes[AH].room.trust.stale_since(nodes[AH].clock.now()) is not None
    await nodes.rounds(AH, times=1)
    assert nodes.versions == [4, 4, 4, 4]
    assert nodes[AH].room.store.versions() == (1, 2, 3, 4)


@pytest.mark.parametrize("days", [1, -1])
async def test_wrong_clock(tmp_path: Path, days: int) -> None:
    """A node whose clock is a day off gets nothing signed and alarms; the others go on."""
    nodes = FourTrusts(tmp_path)
    await nodes.rounds()
    nodes.advance(2 * HOUR)
    await nodes.rounds()
    nodes[SH].clock.advance(timedelta(days=days))
    nodes[SH].stop()
    nodes[SH].start()
    hour = nodes[SH].hour
    alarms = []
    for _ in range(3):
        nodes.advance(HOUR)
        with capture_logs() as logs:
            await nodes.rounds()
        alarms += events(logs, "trust_not_refreshed")
    others = timestamp_hour(nodes[JS].clock.now())
    assert nodes.hours[1:] == [others] * 3
    assert nodes[SH].keeper.partners[JS].clock_ahead_s == -days * 86_400
    assert alarms
    # What partners made is still taken where it is not from the future.
    assert nodes[SH].hour == (others if days > 0 else hour)
    problems = [p.code for p in (await nodes[SH].status()).problems]
    assert "TRUST_NOT_REFRESHED" in problems
    assert ("TIMESTAMP_FROM_FUTURE" in problems) == (days < 0)
    # The clock is set right, and all is well, without waiting for a day.
    nodes[SH].clock.advance(-timedelta(days=days))
    nodes.advance(HOUR)
    await nodes.rounds()
    assert nodes.hours == [nodes.hour] * 4
    assert list((await nodes[SH].status()).problems) == []


async def test_partner_that_calls_is_asked_at_once(tmp_path: Path) -> None:
    """A node that waits for partners does not go on waiting when one of them calls."""
    nodes = FourTrusts(tmp_path)
    keeper = nodes[SH].keeper
    await nodes[SH].status()
    assert not keeper._heard.is_set()
    peer = nodes[SH].call(JS)
    await nodes[SH].service.get_trust_status(pb.GetTrustStatusRequest(), peer)
    assert keeper._heard.is_set()
    keeper._heard.clear()
    await ask(nodes, SH, nodes.hour, nodes[SH].room.ledger.newest.sha256)
    assert keeper._heard.is_set()
    keeper._heard.clear()
    await nodes.rounds()
    await nodes[SH].service.get_trust_status(pb.GetTrustStatusRequest(), peer)
    assert not keeper._heard.is_set()


async def test_runs_by_itself(tmp_path: Path) -> None:
    """Started keepers confirm the trust at once, follow each new hour, and survive a bad round."""
    nodes = FourTrusts(tmp_path)
    for node in nodes.nodes.values():
        await node.keeper.start()
    try:
        await until(lambda: nodes.hours == [nodes.hour] * 4)
        nodes.lies[JS, "status"] = lambda _: 1 // 0  # type: ignore[return-value]  # a surprise
        nodes.advance(HOUR)
        await until(lambda: nodes[JS].hour == nodes.hour)
        nodes.lies.clear()
        await until(lambda: nodes.hours == [nodes.hour] * 4)
    finally:
        for node in nodes.nodes.values():
            await node.keeper.stop()
