"""Keys called bad: what rests on them permits nothing until it is covered again, and says so."""

from datetime import timedelta
from pathlib import Path

import pytest

from deltacare.errors import DeltacareError, PeerFault, Reason
from deltacare.ids import LogName
from deltacare.tlog.receipt import verify_receipt_by_policy
from deltacare.trust import log_policy
from deltacare.v1 import log_service_pb2 as pb
from server.log.judging import judgement
from tests.server.log.test_rotation import Rotating, named, newest_lines, reader_of, receipt
from tests.support.federation import PROVINCES
from tests.support.nodes import Node, institution, until
from tests.support.rotating import with_taint

pytestmark = pytest.mark.long

SHANGHAI, JIANGSU, ZHEJIANG, ANHUI = PROVINCES
REGISTRY = LogName.registry(SHANGHAI)


async def touched(node: Node, log: LogName = REGISTRY) -> list[pb.TouchedEntries]:
    """Return what a node says of a log."""
    request = pb.ListTouchedRequest(log=str(log))
    return list((await node.logs.service.list_touched(request, reader_of(node))).touched)


def ranges(row: pb.TouchedEntries) -> tuple[int, int, int, int]:
    """Return the numbers of a row."""
    return row.first_index, row.survived_index, row.covered_index, row.end_index


async def write(found: Rotating, *numbers: int) -> None:
    """Append to Shanghai's registry and wait until it is under a quorum everywhere."""
    author = found.nodes[SHANGHAI]
    for number in numbers:
        await author.append(REGISTRY, [institution(f"310000-{number}")])
    size = author.logs.reader.position(REGISTRY).size
    for node in found.nodes.nodes.values():
        await node.has_quorum(REGISTRY, size)


async def test_a_bad_log_key(tmp_path: Path) -> None:
    """What a quorum saw before survives; the rest waits for the successor, and is then covered."""
    async with Rotating.open(tmp_path) as found:
        nodes, trust = found.nodes, found.trust
        await write(found, 1, 2, 3)
        bad_time = nodes.clock.advance(timedelta(hours=1))
        nodes.clock.advance(timedelta(hours=1))
        await write(found, 4, 5)
        late = await receipt(nodes[JIANGSU], REGISTRY, 3)
        first = trust.log_keys(REGISTRY)[0].key
        # Jiangsu alone is told, and hears nothing of the successor's signature.
        for other in (SHANGHAI, ZHEJIANG, ANHUI):
            nodes.network.cut(JIANGSU, other)
        for other in (ZHEJIANG, ANHUI):
            nodes.network.cut(SHANGHAI, other)
        now = nodes.clock.advance(timedelta(minutes=1))
        found.replace_log_key(REGISTRY, now)
        trust.current = with_taint(trust.current, first, bad_time)
        reader = nodes[JIANGSU].logs.reader
        await until(lambda: reader.position(REGISTRY).quorum_size == 3, what="the quorum is lost")
        assert reader.position(REGISTRY).size == 5
        (row,) = await touched(nodes[JIANGSU])
        assert (row.key_name, row.key_id) == (str(REGISTRY), first.key_id.hex())
        assert ranges(row) == (0, 3, 3, 5)
        # The policy made since takes what survives, as it was signed; the rest has no receipt.
        for index in range(3):
            got = await receipt(nodes[JIANGSU], REGISTRY, index)
            verify_receipt_by_policy(got.proof, got.entry, log_policy(trust.current, REGISTRY))
        with pytest.raises(DeltacareError) as caught:
            await receipt(nodes[JIANGSU], REGISTRY, 3)
        assert Reason.NO_QUORUM is caught.value.reason
        # Nor is one from before taken: witnesses signed that they saw it after the instant.
        with pytest.raises(PeerFault) as refused:
            verify_receipt_by_policy(late.proof, late.entry, log_policy(trust.current, REGISTRY))
        assert Reason.KEY_NOT_IN_FORCE is refused.value.reason
        for one in PROVINCES:
            for other in PROVINCES:
                if one < other:
                    nodes.network.heal(one, other)
        for node in nodes.nodes.values():
            # Not as before the taint: each has to hear of it first.
            judged = judgement(REGISTRY, trust)
            heads = node.logs._board.heads
            await until(lambda h=heads, j=judged: h[REGISTRY].judgement == j, what="judged anew")
            await node.has_quorum(REGISTRY, 5)
            (row,) = await touched(node)
            assert ranges(row) == (0, 3, 5, 5)
            for index in range(5):
                got = await receipt(node, REGISTRY, index)
                verify_receipt_by_policy(got.proof, got.entry, log_policy(trust.current, REGISTRY))
            assert not node.logs.reader.position(REGISTRY).forked
        assert named(trust.log_keys(REGISTRY)[0]) not in await newest_lines(nodes[ANHUI], REGISTRY)
        await write(found, 6)


async def test_a_bad_witness_key(tmp_path: Path) -> None:
    """A quorum that had it in it is none, unless the others make one; the successor heals it."""
    async with Rotating.open(tmp_path) as found:
        nodes, trust = found.nodes, found.trust
        # Only Jiangsu and Anhui cosign.
        for other in (SHANGHAI, JIANGSU, ANHUI):
            nodes.network.cut(ZHEJIANG, other)
        author = nodes[SHANGHAI]
        await author.append(REGISTRY, [institution("310000-1"), institution("310000-2")])
        for province in (SHANGHAI, JIANGSU, ANHUI):
            await nodes[province].has_quorum(REGISTRY, 2)
        bad = trust.witness_keys(ANHUI)[0].key
        for other in (SHANGHAI, JIANGSU):
            nodes.network.cut(ANHUI, other)
        now = nodes.clock.advance(timedelta(minutes=5))
        found.replace_witness_key(ANHUI, now)
        trust.current = with_taint(trust.current, bad, now - timedelta(minutes=4))
        reader = nodes[JIANGSU].logs.reader
        await until(lambda: reader.position(REGISTRY).quorum_size == 0, what="the quorum is lost")
        assert reader.position(REGISTRY).size == 2
        (row,) = await touched(nodes[JIANGSU])
        assert (row.key_name, ranges(row)) == (bad.name, (0, 0, 0, 2))
        # Another partner suffices.
        nodes.network.heal(ZHEJIANG, SHANGHAI)
        await nodes[JIANGSU].has_quorum(REGISTRY, 2)
        (row,) = await touched(nodes[JIANGSU])
        assert ranges(row) == (0, 0, 2, 2)
        got = await receipt(nodes[JIANGSU], REGISTRY, 1)
        verify_receipt_by_policy(got.proof, got.entry, log_policy(trust.current, REGISTRY))


async def test_a_bad_witness_key_that_was_not_needed(tmp_path: Path) -> None:
    """Where the other two had cosigned in time nothing is lost."""
    async with Rotating.open(tmp_path) as found:
        nodes, trust = found.nodes, found.trust
        nodes.network.cut(SHANGHAI, ZHEJIANG)
        nodes.network.cut(SHANGHAI, ANHUI)
        nodes.network.drop(JIANGSU, SHANGHAI, "add_cosignature", times=1)
        await nodes[SHANGHAI].append(REGISTRY, [institution("310000-1")])
        nodes.network.heal(SHANGHAI, ZHEJIANG)
        nodes.network.heal(SHANGHAI, ANHUI)

        def witnesses() -> int:
            node = nodes[SHANGHAI]
            lines = node.database.read_now(lambda c: node.logs._checkpoints.lines(c, REGISTRY, 1))
            return len({line.name for line in lines if SHANGHAI not in line.name})

        await nodes[SHANGHAI].logs._author.freshen()
        await until(lambda: witnesses() == 3, what="all three cosigned")
        before = nodes[SHANGHAI].logs.reader.position(REGISTRY)
        # Who signs again when the clock has moved on is known by the later time only.
        nodes.network.isolate(SHANGHAI)
        now = nodes.clock.advance(timedelta(minutes=5))
        found.replace_witness_key(ANHUI, now)
        trust.current = with_taint(trust.current, trust.witness_keys(ANHUI)[0].key, now)
        node = nodes[SHANGHAI]
        judged = node.logs._board.heads
        await until(lambda: "@" in judged[REGISTRY].judgement, what="judged anew")
        assert judged[REGISTRY].quorum_size == 1
        assert node.logs.reader.position(REGISTRY).size == before.size
        (row,) = await touched(node)
        assert ranges(row) == (0, 1, 1, 1)


async def test_taint_is_noticed_at_the_start(tmp_path: Path) -> None:
    """A node that was down when a key was called bad judges before it answers."""
    async with Rotating.open(tmp_path) as found:
        nodes, trust = found.nodes, found.trust
        await write(found, 1)
        mirror = nodes[ANHUI]
        await mirror.stop()
        nodes.network.isolate(ANHUI)
        for other in (SHANGHAI, JIANGSU, ZHEJIANG):
            nodes.network.cut(ANHUI, other)
        now = nodes.clock.advance(timedelta(minutes=5))
        found.replace_log_key(REGISTRY, now)
        first = trust.log_keys(REGISTRY)[0].key
        trust.current = with_taint(trust.current, first, now - timedelta(days=1))
        await mirror.start()
        position = mirror.logs.reader.position(REGISTRY)
        assert (position.size, position.quorum_size, position.quorum_time) == (1, 0, None)


async def test_nothing_bad_touches_nothing(tmp_path: Path) -> None:
    """Without a bad key the list is empty, whichever log is asked for."""
    async with Rotating.open(tmp_path) as found:
        await write(found, 1)
        assert await touched(found.nodes[JIANGSU]) == []
        request = pb.ListTouchedRequest()
        node = found.nodes[JIANGSU]
        answer = await node.logs.service.list_touched(request, reader_of(node))
        assert list(answer.touched) == []
