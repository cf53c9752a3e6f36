"""What verdicts and clearing make of forks and of old cosignatures: neither history is used."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from deltacare.ids import LogName
from deltacare.v1 import clearing_service_pb2 as cpb
from deltacare.v1 import log_service_pb2 as pb
from deltacare.v1.certification_service_pb2 import Verdict
from tests.server.settlement.world import HOME, HOST, World
from tests.support.federation import PROVINCES, make_trust
from tests.support.liars import LyingAuthor
from tests.support.nodes import FourNodes, until
from tests.support.rooms import Rooms, agreement_body, certificate_body, equivalence_body

SHANGHAI, JIANGSU, ZHEJIANG, ANHUI = PROVINCES
ISSUER_LOG = LogName.registry(JIANGSU)
CERTIFICATE = "320000-C1"


async def recognised(rooms: Rooms) -> None:
    """Let Shanghai recognise Jiangsu's caregivers, of whom there is one."""
    await rooms.agree(agreement_body())
    await rooms.declare(SHANGHAI, equivalence_body())
    await rooms.issue(JIANGSU, certificate_body())
    for province in (SHANGHAI, JIANGSU):
        await rooms.spread(province)


async def verdict(rooms: Rooms, province: str) -> tuple[str, int]:
    """Return what a node says of the certificate in Shanghai, and its age."""
    found = await rooms.check(province, CERTIFICATE, on_date="2026-06-01", host=SHANGHAI)
    return Verdict.Name(found.verdict).removeprefix("VERDICT_"), found.age_s


async def lie(nodes: FourNodes, log: LogName, to: str) -> None:
    """Show another history of a log to one partner only, in its author's name."""
    liar = LyingAuthor(log, [b"another history"])
    call = nodes.network.call(log.author, "exchange_checkpoints")
    request = pb.ExchangeCheckpointsRequest(checkpoints=[liar.checkpoint])
    await nodes[to].logs.service.exchange_checkpoints(request, call)


async def test_a_fork_shown_to_one_ends_recognition_at_all(tmp_path: Path) -> None:
    """Anhui alone was shown the other history; every node answers FORK and none uses either."""
    async with Rooms.open(tmp_path) as rooms:
        await recognised(rooms)
        for province in PROVINCES:
            assert await verdict(rooms, province) == ("VALID", 0)
        await lie(rooms.nodes, ISSUER_LOG, ANHUI)
        for province in PROVINCES:
            reader = rooms.nodes[province].logs.reader
            await until(lambda r=reader: r.position(ISSUER_LOG).forked, what=f"{province} is told")
            assert (await verdict(rooms, province))[0] == "FORK"


@pytest.mark.parametrize(
    "log",
    [LogName.settlement(HOST, HOME), LogName.registry(HOST), LogName.registry(HOME)],
    ids=["settlement log", "the host's registry", "the home's registry"],
)
async def test_a_fork_holds_up_the_pair_s_clearing(tmp_path: Path, log: LogName) -> None:
    """Everything else is in place: without the fork the night would be agreed."""
    async with World.open(tmp_path) as world:
        await world.facts()
        await world.both(world.record("S1", 1))
        await world.close(1)
        other = HOME if log.author == HOST else HOST
        await lie(world.nodes, log, other)
        for province in (HOME, HOST):
            reader = world[province].node.logs.reader
            await until(lambda r=reader: r.position(log).forked, what=f"{province} is told")
        await world.run()
        for province in (HOME, HOST):
            night = await world.pair_night(province, 1)
            assert night.state == cpb.PAIR_NIGHT_STATE_WAITING
            assert night.waiting_for == f"FORK {log}"


async def test_an_old_quorum_is_stale_until_it_is_renewed(tmp_path: Path) -> None:
    """Beyond the age that members agreed on nothing rests on it, however fresh the author is."""
    trust = replace(make_trust(), cosignature_age_max_s=3_600)
    async with Rooms.open(tmp_path, trust=trust) as rooms:
        await recognised(rooms)
        assert await verdict(rooms, SHANGHAI) == ("VALID", 0)
        nodes = rooms.nodes
        # Only Shanghai still hears Jiangsu: one cosignature makes no quorum.
        for other in (ZHEJIANG, ANHUI):
            for side in (JIANGSU, SHANGHAI):
                nodes.network.cut(other, side)
        reader = nodes[SHANGHAI].logs.reader
        for minutes, expected in ((60, "VALID"), (1, "STALE")):
            moment = nodes.clock.advance(timedelta(minutes=minutes))
            for author in (JIANGSU, SHANGHAI):
                await nodes[author].logs._author.freshen()
            await until(
                lambda m=moment: reader.position(ISSUER_LOG).fresh_time == m, what="freshness"
            )
            assert (await verdict(rooms, SHANGHAI))[0] == expected
        for other in (ZHEJIANG, ANHUI):
            for side in (JIANGSU, SHANGHAI):
                nodes.network.heal(other, side)
        await nodes[JIANGSU].logs._author.freshen()
        await until(
            lambda: reader.position(ISSUER_LOG).quorum_time == nodes.clock.now(), what="renewal"
        )
        assert (await verdict(rooms, SHANGHAI))[0] == "VALID"


async def test_a_quiet_log_is_renewed_long_before(tmp_path: Path) -> None:
    """At a quarter of the age its author asks again; while all is young nobody is troubled."""
    trust = replace(make_trust(), cosignature_age_max_s=4 * 3_600)
    async with FourNodes.open(tmp_path, trust=trust) as nodes:
        await nodes.confirmed()
        reader = nodes[SHANGHAI].logs.reader
        author = nodes[JIANGSU].logs._author
        await until(lambda: reader.position(ISSUER_LOG).quorum_time is not None, what="a quorum")
        first = reader.position(ISSUER_LOG).quorum_time
        assert first is not None
        for minutes, is_renewed in ((29, False), (32, True)):
            moment = nodes.clock.advance(timedelta(minutes=minutes))
            await author.freshen()
            await until(
                lambda m=moment: reader.position(ISSUER_LOG).fresh_time == m, what="freshness"
            )
            if is_renewed:
                await until(
                    lambda m=moment: reader.position(ISSUER_LOG).quorum_time == m, what="renewal"
                )
            else:
                assert reader.position(ISSUER_LOG).quorum_time == first
