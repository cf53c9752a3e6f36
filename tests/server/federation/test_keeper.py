"""Tests of four nodes that keep their trust: who agrees on what, when, and what nobody can do."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from clients.federation.repository import install
from deltacare.errors import PeerFault, Reason, Refusal
from deltacare.trust import Account
from deltacare.trust.metadata import BYTES_MAX
from deltacare.trust.roles import (
    HOUR_S,
    Role,
    sign,
    timestamp_bytes,
    timestamp_hour,
    verify_timestamp,
)
from deltacare.v1 import federation_service_pb2 as pb
from server.federation.hours import HOURS_KEPT_MAX
from tests.support.tls import until
from tests.support.trusts import FourTrusts, root_file, root_seed, statement, timestamp_seed

SH, JS, ZJ, AH = "310000", "320000", "330000", "340000"
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def forged(nodes: FourTrusts, hour: int, *provinces: str) -> bytes:
    """Return an hour's timestamp over the statement in force at Shanghai, signed by some nodes."""
    data = timestamp_bytes(hour, nodes[SH].room.ledger.newest.snapshot)
    for province in provinces:
        data = sign(data, timestamp_seed(province))
    return data


def events(logs: list[dict[str, object]], event: str) -> list[dict[str, object]]:
    """Return the lines of an event."""
    return [line for line in logs if line["event"] == event]


# Coming into force. -------------------------------------------------------------------------------


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


def claiming(**fields: int) -> Callable[[bytes], bytes]:
    """Return a lie about a node's status."""

    def lie(data: bytes) -> bytes:
        answer = pb.GetTrustStatusResponse.FromString(data)
        for name, value in fields.items():
            setattr(answer, name, value)
        return answer.SerializeToString()

    return lie


# What is refused. ---------------------------------------------------------------------------------


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


# One snapshot an hour. ----------------------------------------------------------------------------


async def ask(nodes: FourTrusts, province: str, hour: int, sha256: str, version: int = 1) -> bytes:
    """Ask a node for its signature as Jiangsu does."""
    request = pb.GetTimestampSignatureRequest(
        hour=hour, snapshot_version=version, snapshot_sha256=bytes.fromhex(sha256)
    )
    node = nodes[province]
    answer = await node.service.get_timestamp_signature(request, node.call(JS))
    return answer.signature


async def test_signs_one_snapshot_an_hour(tmp_path: Path) -> None:
    """A node signs the present hour for one snapshot only, also after it was restarted."""
    nodes = FourTrusts(tmp_path)
    first = nodes[SH].room.ledger.newest.sha256
    hour = nodes.hour
    assert len(await ask(nodes, SH, hour, first)) == 64
    for wrong in (hour - 1, hour + 1, 0, 2**53):
        with pytest.raises(Refusal) as caught:
            await ask(nodes, SH, wrong, first)
        assert (caught.value.reason, caught.value.details) == (
            Reason.RULE_REFUSED,
            {"hour": str(hour)},
        )
    with pytest.raises(Refusal) as caught:
        await ask(nodes, SH, hour, "00" * 32)
    assert caught.value.details["snapshot_version"] == "1"
    await nodes[SH].publish(nodes.next_statement())
    second = nodes[SH].room.ledger.newest.sha256
    for _ in range(2):
        with pytest.raises(Refusal) as caught:
            await ask(nodes, SH, hour, second, 2)
        assert caught.value.details == {"hour": str(hour), "snapshot_version": "1"}
        assert await ask(nodes, SH, hour, first) == await ask(nodes, SH, hour, first)
        nodes[SH].stop()
        nodes[SH].start()
    nodes.advance(HOUR)
    assert len(await ask(nodes, SH, hour + 1, second, 2)) == 64
    with pytest.raises(Refusal):
        await ask(nodes, SH, hour + 1, first)


ROW = {"hour": 1, "sha256": "00" * 32, "version": 1}


NO_SIGNED_HOURS = (
    "",
    "[" * 100_000,
    "null",
    "{}",
    '{"a": 1}',
    '[{"a": 1}]',
    "[1]",
    json.dumps([{**ROW, "more": 1}]),
    json.dumps([{**ROW, "hour": "1"}]),
    json.dumps([{**ROW, "hour": True}]),
    json.dumps([{**ROW, "hour": 1.5}]),
    json.dumps([{**ROW, "hour": -1}]),
    json.dumps([{**ROW, "version": 0}]),
    json.dumps([{**ROW, "sha256": "00"}]),
    json.dumps([{**ROW, "sha256": 0}]),
    json.dumps([ROW, {**ROW, "version": 2}]),
    json.dumps([ROW] * 2),
    json.dumps([ROW]).replace('"hour"', '"hour": 2, "hour"'),
    json.dumps([ROW]).replace("1}", "1" * 5_000 + "}"),
)


async def test_signed_hours_that_are_damaged(tmp_path: Path) -> None:
    """A node that cannot read what it signed names the file, and does not go on as if nothing."""
    nodes = FourTrusts(tmp_path)
    path = nodes[SH].directory / "signed-hours.json"
    for value in NO_SIGNED_HOURS:
        path.write_text(f"{value}\n")
        with pytest.raises(Refusal) as caught:
            nodes[SH].start()
        (violation,) = caught.value.violations
        assert (str(path), "trust") == (violation.value, violation.field)
        assert "remove the file" in violation.remedy
    path.write_text(json.dumps([ROW]) + "\n")
    nodes[SH].start()
    assert len(await ask(nodes, SH, nodes.hour, nodes[SH].room.ledger.newest.sha256)) == 64
    nodes[SH].start()


async def test_bad_requests(tmp_path: Path) -> None:
    """What is no hash, path or statement is refused by its name."""
    nodes = FourTrusts(tmp_path)
    for sha256 in ("", "00", "00" * 33):
        with pytest.raises(Refusal) as caught:
            await ask(nodes, SH, nodes.hour, sha256)
        assert caught.value.violations[0].field == "snapshot_sha256"
    node = nodes[SH]
    for path in ("", "x" * 201):
        with pytest.raises(Refusal) as caught:
            await node.service.get_trust_file(pb.GetTrustFileRequest(path=path), node.call())
        assert caught.value.violations[0].field == "path"
    for path in ("2.root.json", "timestamp.json", "../../etc/passwd", "targets/../1.root.json"):
        with pytest.raises(Refusal) as caught:
            await node.service.get_trust_file(pb.GetTrustFileRequest(path=path), node.call())
        assert caught.value.reason is Reason.NOT_FOUND
    for files in ({}, {"a": b""}, {"x" * 201: b""}, {f"{n}.root.json": b"" for n in range(257)}):
        with pytest.raises(Refusal) as caught:
            await node.publish(files)
        assert caught.value.reason is Reason.INVALID_FIELD


async def test_clock_set_back_and_forth(tmp_path: Path) -> None:
    """What was signed for an hour is remembered over any number of hours that a clock can jump."""
    nodes = FourTrusts(tmp_path)
    first = nodes[SH].room.ledger.newest.sha256
    hour = nodes.hour
    await ask(nodes, SH, hour, first)
    nodes.advance(timedelta(days=400))
    with pytest.raises(Refusal):
        await ask(nodes, SH, nodes.hour, first)
    nodes.advance(-timedelta(days=400))
    await nodes[SH].publish(nodes.next_statement())
    second = nodes[SH].room.ledger.newest.sha256
    with pytest.raises(Refusal):
        await ask(nodes, SH, hour, second, 2)
    for _ in range(HOURS_KEPT_MAX - 1):
        nodes.advance(HOUR)
        await ask(nodes, SH, nodes.hour, second, 2)
    nodes.advance(-HOUR * (HOURS_KEPT_MAX - 1))
    with pytest.raises(Refusal):
        await ask(nodes, SH, hour, second, 2)


async def test_key_that_root_does_not_state(tmp_path: Path) -> None:
    """A node without the key that root states for it signs nothing and says so."""
    nodes = FourTrusts(tmp_path)
    nodes[SH].seeds = [timestamp_seed(SH, 2)]
    with pytest.raises(Refusal) as caught:
        await ask(nodes, SH, nodes.hour, nodes[SH].room.ledger.newest.sha256)
    assert caught.value.reason is Reason.KEY_NOT_IN_FORCE
    with capture_logs() as logs:
        await nodes.rounds()
    assert events(logs, "trust_not_signed")[0]["reason"] == "KEY_NOT_IN_FORCE"
    # The others go on, and it takes theirs.
    assert nodes.hours == [nodes.hour] * 4


# Roots. -------------------------------------------------------------------------------------------


async def test_replaced_root_and_timestamp_keys(tmp_path: Path) -> None:
    """A root with a new office's key and a new node's key comes into force with its statement."""
    nodes = FourTrusts(tmp_path)
    await nodes.rounds()
    nodes[AH].seeds = [timestamp_seed(AH), timestamp_seed(AH, 2)]
    now = nodes[SH].clock.now()
    root = root_file(
        2,
        now=now,
        roots={AH: 2},
        timestamps={AH: 2},
        signers=[root_seed(SH), root_seed(JS), root_seed(ZJ)],
    )
    nodes.federation = replace(nodes.federation, version=2, issued_time=now)
    files = statement(
        nodes.federation,
        now=now,
        root_version=2,
        signers=[root_seed(JS), root_seed(ZJ), root_seed(AH, 2)],
    )
    with pytest.raises(PeerFault) as caught:
        await nodes[SH].publish({"2.root.json": root})
    assert caught.value.details["fault"] == "WRONG_LINK"
    await nodes[SH].publish({"2.root.json": root, **files})
    await nodes.rounds()
    nodes.advance(HOUR)
    nodes.cut([SH], [JS, ZJ])
    await nodes.rounds()
    assert nodes.versions == [2, 2, 2, 2]
    assert {(await node.status()).root_version for node in nodes.nodes.values()} == {2}
    # Anhui's lost key signs nothing any more.
    third = replace(nodes.federation, version=3, issued_time=nodes[SH].clock.now())
    with pytest.raises(PeerFault) as caught:
        await nodes[SH].publish(
            statement(
                third,
                now=nodes[SH].clock.now(),
                root_version=2,
                signers=[root_seed(JS), root_seed(ZJ), root_seed(AH)],
            )
        )
    assert caught.value.details["fault"] == "TOO_FEW_SIGNATURES"


async def test_statement_of_an_older_root(tmp_path: Path) -> None:
    """Under a new root nothing is signed by the keys of the old one any more."""
    nodes = FourTrusts(tmp_path)
    now = nodes[SH].clock.now()
    root = root_file(2, now=now, roots={AH: 2}, signers=[root_seed(p) for p in (SH, JS, ZJ)])
    nodes.federation = replace(nodes.federation, version=2, issued_time=now)
    files = statement(
        nodes.federation, now=now, root_version=2, signers=[root_seed(p) for p in (SH, JS, ZJ)]
    )
    await nodes[SH].publish({"2.root.json": root, **files})
    third = replace(nodes.federation, version=3)
    with pytest.raises(PeerFault) as caught:
        await nodes[SH].publish(
            statement(third, now=now, root_version=1, signers=[root_seed(p) for p in (SH, JS, AH)])
        )
    assert caught.value.details["fault"] == "ROLLED_BACK"


@pytest.mark.parametrize(
    "name, roots, signers, fault",
    [
        ("1.root.json", {AH: 2}, [SH, JS, ZJ], "OTHER_CONTENT"),
        ("2.root.json", {SH: 2, JS: 2, ZJ: 2, AH: 2}, [], "TOO_FEW_SIGNATURES"),
        ("3.root.json", {AH: 2}, [SH, JS, ZJ], "WRONG_LINK"),
    ],
    ids=["another first", "all keys new", "one left out"],
)
async def test_roots_that_do_not_follow(
    tmp_path: Path, name: str, roots: dict[str, int], signers: list[str], fault: str
) -> None:
    """A root takes nobody's place, jumps over nobody, and needs those who were there before."""
    nodes = FourTrusts(tmp_path)
    now = nodes[SH].clock.now()
    version = int(name[0])
    seeds = [root_seed(p) for p in signers] or [root_seed(p, 2) for p in roots]
    root = root_file(version, now=now, roots=roots, signers=seeds)
    following = replace(nodes.federation, version=2, issued_time=now)
    files = statement(following, now=now, root_version=version, signers=seeds)
    with pytest.raises(PeerFault) as caught:
        await nodes[SH].publish({name: root, **files})
    assert caught.value.details["fault"] == fault
    assert nodes[SH].room.store.versions() == (1,)
    assert nodes[SH].room.ledger.newest_root.version == 1


async def test_expired_statement(tmp_path: Path) -> None:
    """A statement past its year is neither taken nor kept in force."""
    nodes = FourTrusts(tmp_path)
    await nodes.rounds()
    old = nodes[SH].clock.now() - timedelta(days=366)
    following = replace(nodes.federation, version=2)
    with pytest.raises(PeerFault) as caught:
        await nodes[SH].publish(statement(following, now=old))
    assert caught.value.details["fault"] == "EXPIRED"
    nodes.advance(timedelta(days=336))
    await nodes.rounds()
    codes = [p.code for p in (await nodes[SH].status()).problems]
    assert codes == ["STATEMENT_EXPIRES_SOON"]
    nodes.advance(timedelta(days=30))
    await nodes.rounds()
    assert nodes[SH].room.trust.stale_since(nodes[SH].clock.now()) is not None


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
