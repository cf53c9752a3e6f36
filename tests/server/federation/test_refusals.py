"""Tests of what nobody can make four nodes trust: the future, the past, too little, too much."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from deltacare.errors import PeerFault, Reason
from deltacare.trust import Account
from deltacare.trust.metadata import BYTES_MAX
from deltacare.trust.roles import (
    Role,
    sign,
    timestamp_bytes,
)
from tests.server.federation.support import AH, HOUR, JS, MINUTE, SH, ZJ, claiming, events, forged
from tests.support.trusts import FourTrusts, root_seed, statement, timestamp_seed


@pytest.mark.parametrize("beyond", [2, 24, 2**53], ids=["two", "a day", "2**53"])
async def test_from_the_future(tmp_path: Path, beyond: int) -> None:
    """A timestamp of an hour that has not come is refused before it is remembered, by any number.

    Of 2**53 not even two colluding nodes can make the others believe, so they freeze nobody.
    """
    nodes = FourTrusts(tmp_path)
    await nodes.rounds()
    first = nodes.hour
    nodes.cut([SH], [ZJ, AH])
    nodes.advance(HOUR)
    hour = nodes.hour + beyond if beyond < 2**53 else beyond
    data = _timestamp_of(nodes, hour, JS, ZJ)
    nodes.lies[JS, "timestamp.json"] = lambda _: data
    nodes.lies[JS, "status"] = claiming(timestamp_hour=hour)
    nodes.lies[JS, "signature"] = lambda _: b""
    await nodes.rounds(SH)
    assert nodes[SH].hour == first
    assert nodes[SH].keeper.partners[JS].reason == "BAD_METADATA"
    assert nodes[SH].room.trust.state.is_from_future
    nodes.lies.clear()
    await nodes.rounds(SH)
    assert nodes[SH].hour == first + 1


def _timestamp_of(nodes: FourTrusts, hour: int, *provinces: str) -> bytes:
    """Return a timestamp of any number, as long as the forms let one be written."""
    if hour < 2**31:
        return forged(nodes, hour, *provinces)
    data = forged(nodes, nodes.hour + 1)
    return data.replace(
        f'"version": {nodes.hour + 1}'.encode(), f'"version": {hour}'.encode()
    ).replace(f'"version":{nodes.hour + 1}'.encode(), f'"version":{hour}'.encode())


async def test_rollback_of_the_statement(tmp_path: Path) -> None:
    """A timestamp of this hour over an older statement than the one in force is refused."""
    nodes = FourTrusts(tmp_path)
    await nodes.rounds()
    old = nodes[SH].room.ledger.newest.snapshot
    await nodes[SH].publish(nodes.next_statement())
    await nodes.rounds()
    nodes.advance(HOUR)
    await nodes.rounds()
    assert nodes.versions == [2, 2, 2, 2]
    nodes.advance(HOUR)
    data = timestamp_bytes(nodes.hour, old)
    for province in (JS, ZJ):
        data = sign(data, timestamp_seed(province))
    nodes.cut([SH], [ZJ, AH])
    nodes.lies[JS, "timestamp.json"] = lambda _: data
    nodes.lies[JS, "status"] = claiming(timestamp_hour=nodes.hour)
    nodes.lies[JS, "signature"] = lambda _: b""
    await nodes.rounds(SH)
    assert (nodes[SH].version, nodes[SH].hour) == (2, nodes.hour - 1)
    assert nodes[SH].keeper.partners[JS].reason == "BAD_METADATA"


async def test_rollback_survives_a_restart(tmp_path: Path) -> None:
    """A restarted node starts from what was in force, and takes back neither hour nor version."""
    nodes = FourTrusts(tmp_path)
    await nodes.rounds()
    old = nodes[SH].room.store.read("timestamp.json")
    await nodes[SH].publish(nodes.next_statement())
    await nodes.rounds()
    nodes.advance(HOUR)
    await nodes.rounds()
    hour = nodes.hour
    nodes[SH].stop()
    nodes[SH].start()
    assert (nodes[SH].version, nodes[SH].hour) == (2, hour)
    assert nodes[SH].room.trust.stale_since(nodes[SH].clock.now()) is None
    # Even with the newest timestamp lost, the TUF client remembers what it has seen.
    (nodes[SH].directory / "timestamp.json").write_bytes(old)
    nodes[SH].stop()
    nodes[SH].start()
    assert (nodes[SH].version, nodes[SH].hour) == (1, hour - 1)
    nodes.cut([SH], [ZJ, AH])
    nodes.advance(HOUR)
    data = timestamp_bytes(hour + 1, nodes[SH].room.ledger.known(1).snapshot)
    for province in (JS, ZJ):
        data = sign(data, timestamp_seed(province))
    nodes.lies[JS, "timestamp.json"] = lambda _: data
    nodes.lies[JS, "status"] = claiming(timestamp_hour=hour + 1)
    nodes.lies[JS, "signature"] = lambda _: b""
    await nodes.rounds(SH)
    assert (nodes[SH].version, nodes[SH].hour) == (1, hour - 1)
    nodes.lies.clear()
    await nodes.rounds(SH)
    assert (nodes[SH].version, nodes[SH].hour) == (2, hour + 1)


@pytest.mark.parametrize(
    "signers", [[SH, JS], [SH, SH, SH], []], ids=["two", "one three times", "nobody"]
)
async def test_too_few_signatures(tmp_path: Path, signers: list[str]) -> None:
    """A statement that fewer than three offices signed is taken from nobody."""
    nodes = FourTrusts(tmp_path)
    await nodes.rounds()
    now = nodes[SH].clock.now()
    following = replace(nodes.federation, version=2, issued_time=now)
    files = statement(following, now=now, signers=[root_seed(p) for p in signers])
    with pytest.raises(PeerFault) as caught:
        await nodes[SH].publish(files)
    assert (caught.value.reason, caught.value.details["fault"]) == (
        Reason.BAD_METADATA,
        "TOO_FEW_SIGNATURES",
    )
    for path, data in files.items():
        nodes.lies[JS, path] = lambda _, data=data: data
    nodes.lies[JS, "status"] = claiming(newest_snapshot_version=2)
    with capture_logs() as logs:
        await nodes.rounds(SH)
    assert nodes[SH].room.ledger.newest.version == 1
    assert nodes[SH].keeper.partners[JS].reason == "BAD_METADATA"
    (alarm,) = events(logs, "trust_metadata_refused")
    assert (alarm["partner"], alarm["fault"]) == (JS, "TOO_FEW_SIGNATURES")


async def test_succession_is_asked_of_what_enough_signed(tmp_path: Path) -> None:
    """Not even all offices together can drop a member's key: nodes do not take it."""
    nodes = FourTrusts(tmp_path)
    members = nodes.federation.members
    other = replace(members[0], name_en="Renamed")
    good = nodes.next_statement(members=(other, *members[1:]))
    bad = replace(nodes.federation, opening_date=nodes.federation.opening_date + timedelta(days=1))
    with pytest.raises(PeerFault) as caught:
        await nodes[SH].publish(statement(bad, now=nodes[SH].clock.now()))
    assert caught.value.details["fault"] == "SUCCESSION"
    assert (await nodes[SH].publish(good)).snapshot_version == 2


async def test_oversized(tmp_path: Path) -> None:
    """A file beyond its limit is refused by its size, whatever it holds."""
    nodes = FourTrusts(tmp_path)
    await nodes.rounds()
    for path, role in (("2.snapshot.json", Role.SNAPSHOT), ("2.root.json", Role.ROOT)):
        nodes.lies.clear()
        nodes.lies[JS, path] = lambda _, size=BYTES_MAX[role] + 1: b"x" * size
        nodes.lies[JS, "status"] = claiming(newest_snapshot_version=2, newest_root_version=2)
        nodes.advance(20 * MINUTE)  # an alarm, and an avoided partner, are not repeated at once
        with capture_logs() as logs:
            await nodes.rounds(SH, times=1)
        (alarm,) = events(logs, "trust_metadata_refused")
        assert alarm["fault"] == "OVERSIZED"
    nodes.lies.clear()
    nodes.advance(HOUR)
    nodes.cut([SH], [ZJ, AH])
    nodes.lies[JS, "timestamp.json"] = lambda _: b"x" * (BYTES_MAX[Role.TIMESTAMP] + 1)
    nodes.lies[JS, "signature"] = lambda _: b""
    nodes.lies[JS, "status"] = claiming(timestamp_hour=nodes.hour)
    await nodes.rounds(SH)
    assert nodes[SH].hour == nodes.hour - 1


async def test_garbage(tmp_path: Path) -> None:
    """A partner that serves rubbish for everything is noted, and the others suffice."""
    nodes = FourTrusts(tmp_path)
    await nodes.rounds()
    rubbish = [b"", b"{", b"[]", b"null", b'{"signed": 1, "signatures": []}', b"\xff" * 100]
    await nodes[ZJ].publish(nodes.next_statement())
    for data in rubbish:
        for path in ("1.snapshot.json", "2.snapshot.json", "2.targets.json", "2.root.json"):
            nodes.lies[JS, path] = lambda _, data=data: data
        nodes.lies[JS, "timestamp.json"] = lambda _, data=data: data
        nodes.lies[JS, "signature"] = lambda _, data=data: data
        nodes.lies[JS, "status"] = claiming(
            newest_snapshot_version=2**63, newest_root_version=2**63, timestamp_hour=2**63
        )
        nodes.advance(HOUR)
        await nodes.rounds(SH, ZJ)
        assert (nodes[SH].hour, nodes[SH].version) == (nodes.hour, 2)
        assert nodes[SH].keeper.partners[JS].reason in {"BAD_METADATA", "BAD_SIGNATURE"}


async def test_two_statements_of_one_version(tmp_path: Path) -> None:
    """Offices that signed two statements of one version are found out; the first one stays."""
    nodes = FourTrusts(tmp_path)
    await nodes.rounds()
    first = nodes.next_statement()
    second = statement(replace(nodes.federation, stale_after_s=7_200), now=nodes[SH].clock.now())
    await nodes[SH].publish(first)
    with capture_logs() as logs, pytest.raises(PeerFault) as caught:
        await nodes[SH].publish(second)
    assert caught.value.details["fault"] == "OTHER_CONTENT"
    (alarm,) = events(logs, "trust_signed_twice")
    assert alarm["signers"] == [SH, JS, ZJ, AH]
    # A partner that was shown the other one is found out as well.
    nodes.advance(20 * MINUTE)
    nodes.cut([SH], [JS, ZJ, AH])
    await nodes[JS].publish(second)
    nodes.broken.clear()
    with capture_logs() as logs:
        await nodes.rounds(SH, times=1)
    assert len(events(logs, "trust_signed_twice")) == 1
    assert nodes[SH].keeper.partners[JS].reason == "BAD_METADATA"


async def test_pending_that_the_others_never_had(tmp_path: Path) -> None:
    """Whoever alone holds one of two statements of one version takes the one put in force."""
    nodes = FourTrusts(tmp_path)
    await nodes.rounds()
    first = nodes.next_statement()
    second = statement(replace(nodes.federation, stale_after_s=7_200), now=nodes[SH].clock.now())
    nodes.cut([SH], [JS, ZJ, AH])
    await nodes[SH].publish(first)
    await nodes[JS].publish(second)
    await nodes.rounds()
    nodes.broken.clear()
    await nodes.rounds()
    codes = {p.code for p in (await nodes[SH].status()).problems}
    assert codes == {"STATEMENT_SIGNED_TWICE"}
    nodes.advance(HOUR)
    with capture_logs() as logs:
        await nodes.rounds()
    assert len(events(logs, "trust_pending_replaced")) == 1
    assert nodes.versions == [2] * 4
    assert {node.room.ledger.newest.sha256 for node in nodes.nodes.values()} == {
        nodes[JS].room.ledger.newest.sha256
    }
    nodes.advance(HOUR)
    await nodes.rounds()
    assert nodes.hours == [nodes.hour] * 4
    assert [list((await node.status()).problems) for node in nodes.nodes.values()] == [[]] * 4
    nodes[SH].stop()
    nodes[SH].start()
    assert nodes[SH].room.ledger.in_force.sha256 == nodes[JS].room.ledger.in_force.sha256


async def test_what_was_in_force_is_not_replaced(tmp_path: Path) -> None:
    """Two halves, each with its own version 2 in force, keep it until version 3 ends that."""
    nodes = FourTrusts(tmp_path)
    await nodes.rounds()
    first = nodes.next_statement()
    second = statement(replace(nodes.federation, stale_after_s=7_200), now=nodes[SH].clock.now())
    nodes.cut([SH, JS], [ZJ, AH])
    await nodes[SH].publish(first)
    await nodes[ZJ].publish(second)
    nodes.advance(HOUR)
    await nodes.rounds()
    assert nodes.versions == [2] * 4
    nodes.broken.clear()
    nodes.advance(HOUR)
    await nodes.rounds()
    held = [node.room.ledger.in_force.sha256 for node in nodes.nodes.values()]
    assert held[0] == held[1] != held[2] == held[3]
    for node in nodes.nodes.values():
        assert [p.code for p in (await node.status()).problems] == ["STATEMENT_SIGNED_TWICE"]
    # As published: with the statement that it was proposed on, which one half never had.
    await nodes[SH].publish({**first, **nodes.next_statement()})
    nodes.advance(HOUR)
    await nodes.rounds()
    nodes.advance(HOUR)
    await nodes.rounds()
    assert nodes.versions == [3] * 4
    assert len({node.room.ledger.in_force.sha256 for node in nodes.nodes.values()}) == 1
    assert [list((await node.status()).problems) for node in nodes.nodes.values()] == [[]] * 4


async def test_statement_from_the_future(tmp_path: Path) -> None:
    """A statement issued ahead of the clock is not believed, or it would forbid later ones."""
    nodes = FourTrusts(tmp_path)
    await nodes.rounds()
    now = nodes[SH].clock.now()
    ahead = replace(nodes.federation, version=2, issued_time=now + timedelta(days=400))
    with pytest.raises(PeerFault) as caught:
        await nodes[SH].publish(statement(ahead, now=now))
    assert caught.value.details["rules"] == "T12"
    assert (await nodes[SH].publish(nodes.next_statement())).snapshot_version == 2


async def test_account_without_notice(tmp_path: Path) -> None:
    """A backdated account is taken by no node; one that a node missed is, once two confirmed it."""
    nodes = FourTrusts(tmp_path)
    await nodes.rounds()
    nodes.advance(timedelta(days=2))
    await nodes.rounds()
    now = nodes[SH].clock.now()

    def bringing(issued: datetime) -> dict[str, bytes]:
        account = Account(
            holder="x",
            number="1" * 12,
            bank_code="2" * 12,
            from_time=issued + timedelta(days=1),
        )
        first, *others = nodes.federation.members
        members = (replace(first, accounts=(account,)), *others)
        new = replace(nodes.federation, version=2, issued_time=issued, members=members)
        return statement(new, now=now)

    with pytest.raises(PeerFault) as caught:
        await nodes[SH].publish(bringing(now - timedelta(days=1)))
    assert caught.value.details["rules"] == "T13"
    nodes[AH].stop()
    await nodes[SH].publish(bringing(now))
    await nodes.rounds()
    nodes.advance(20 * HOUR)
    await nodes.rounds()
    nodes[AH].start()
    await nodes.rounds(AH, times=1)
    assert nodes.versions == [2] * 4


@pytest.mark.parametrize("is_restarted", [False, True])
async def test_kept_from_the_future(tmp_path: Path, *, is_restarted: bool) -> None:
    """A timestamp kept while two clocks were ahead counts for nothing and holds up no real one."""
    nodes = FourTrusts(tmp_path)
    await nodes.rounds()
    node = nodes[SH]
    for province in (SH, JS):
        nodes[province].clock.advance(30 * 24 * HOUR)
    nodes.cut([SH, JS], [ZJ, AH])
    await nodes.rounds()
    kept = node.room.store.read("timestamp.json")
    for province in (SH, JS):
        nodes[province].clock.advance(-30 * 24 * HOUR)
    if is_restarted:
        node.stop()
        node.start()
    now = node.clock.now()
    assert node.room.trust.stale_since(now) is not None
    codes = [p.code for p in (await node.status()).problems]
    assert "TIMESTAMP_KEPT_FROM_FUTURE" in codes
    assert "TIMESTAMP_FROM_FUTURE" not in codes
    nodes.broken.clear()
    await nodes.rounds()
    assert nodes.hours == [nodes.hour] * 4
    assert node.room.trust.stale_since(now) is None
    assert (node.directory / "timestamp.from-the-future.json").read_bytes() == kept
    await nodes[ZJ].publish(nodes.next_statement())
    await nodes.rounds()
    nodes.advance(HOUR)
    await nodes.rounds()
    assert nodes.versions == [2] * 4
    assert list((await node.status()).problems) == []
