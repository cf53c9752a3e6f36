"""Keys replaced under traffic: nobody waits, nothing is lost, and all of it stays verifiable."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest

from deltacare.errors import Reason, Refusal
from deltacare.ids import LogName, own_logs
from deltacare.tlog.checkpoint import SignedCheckpoint
from deltacare.tlog.cosignature import cosign
from deltacare.tlog.note import SignedNote
from deltacare.tlog.receipt import verify_receipt_by_policy
from deltacare.trust import Federation, KeyTerm, log_policy
from deltacare.v1 import log_service_pb2 as pb
from server.edge.call import Call
from tests.support.federation import PROVINCES, make_trust, principal
from tests.support.nodes import FourNodes, Node, institution, record, until
from tests.support.rotating import (
    KeyRing,
    MovableTrust,
    later_log_signer,
    later_witness_signer,
    with_key,
    with_until,
)

pytestmark = pytest.mark.long

SHANGHAI, JIANGSU, ZHEJIANG, ANHUI = PROVINCES
REGISTRY = LogName.registry(SHANGHAI)


class Rotating:
    """Four nodes whose keys can be replaced."""

    def __init__(self, nodes: FourNodes, trust: MovableTrust, rings: Mapping[str, KeyRing]) -> None:
        self.nodes = nodes
        self.trust = trust
        self.rings = rings

    @classmethod
    @asynccontextmanager
    async def open(cls, directory: Path) -> AsyncIterator["Rotating"]:
        """Bring the nodes up, every log confirmed."""
        trust = MovableTrust(make_trust())
        rings = {province: KeyRing(province) for province in PROVINCES}
        async with FourNodes.open(directory, trust=trust, signers=rings.__getitem__) as nodes:
            await nodes.confirmed()
            yield cls(nodes, trust, rings)

    def replace_log_key(self, log: LogName, from_time: datetime) -> None:
        """Install another key of a log, and state it."""
        signer = later_log_signer(log)
        self.rings[log.author].add(signer)
        self.trust.current = with_key(self.trust.current, signer, from_time=from_time)

    def replace_witness_key(self, province: str, from_time: datetime) -> None:
        """Install another key of a witness, and state it."""
        signer = later_witness_signer(province)
        self.rings[province].add(signer)
        self.trust.current = with_key(self.trust.current, signer, from_time=from_time)

    def retire_first_keys(self, until_time: datetime) -> None:
        """State that every first key that has a successor is over."""
        found: Federation = self.trust.current
        for member in found.members:
            for term in member.keys:
                if term is member.terms(term.key.name)[0] and len(member.terms(term.key.name)) > 1:
                    found = with_until(found, term.key, until_time)
        self.trust.current = found


def reader_of(node: Node) -> Call:
    """Return a call of a node's own auditor, who reads every log held."""
    caller = principal(node.province, role="auditor")
    return Call(caller=caller, method="/deltacare.v1.LogService/GetReceipt", now=node._clock.now())


async def receipt(node: Node, log: LogName, index: int) -> pb.Receipt:
    """Return an entry's receipt."""
    request = pb.GetReceiptRequest(log=str(log), index=index)
    return await node.logs.service.get_receipt(request, reader_of(node))


async def newest_lines(node: Node, log: LogName) -> set[str]:
    """Return which keys signed the newest checkpoint, as ``name+id``."""
    request = pb.GetCheckpointRequest(log=str(log))
    found = await node.logs.service.get_checkpoint(request, reader_of(node))
    lines = SignedNote.from_bytes(found.note).signatures
    return {f"{line.name}+{line.key_id.hex()}" for line in lines}


def named(term: KeyTerm) -> str:
    """Return a key as `newest_lines` has it."""
    return f"{term.key.name}+{term.key.key_id.hex()}"


class Load:
    """Writes to every settlement log and every registry until it is told to end."""

    def __init__(self, nodes: FourNodes) -> None:
        pairs = permutations(PROVINCES, 2)
        logs = [*(LogName.settlement(*pair) for pair in pairs), *map(LogName.registry, PROVINCES)]
        self.sizes = dict.fromkeys(logs, 0)
        self._nodes = nodes
        self._is_over = asyncio.Event()
        self._tasks = [asyncio.create_task(self._write(log)) for log in self.sizes]

    async def _write(self, log: LogName) -> None:
        while not self._is_over.is_set():
            size = self.sizes[log]
            entry = (
                record(f"S{size}", home=log.partner, host=log.author)
                if log.partner
                else institution(f"{log.author}-{size}")
            )
            assert await self._nodes[log.author].append(log, [entry]) == size
            self.sizes[log] += 1
            await asyncio.sleep(0.01)

    async def more(self) -> None:
        """Wait until each log has grown; no write may have failed."""
        before = dict(self.sizes)
        await until(
            lambda: (
                all(size > before[log] + 2 for log, size in self.sizes.items())
                or any(task.done() for task in self._tasks)
            ),
            what="more writes",
        )
        assert not any(task.done() for task in self._tasks), "a write failed"

    async def end(self) -> None:
        """Let the writes that are under way come to their answer."""
        self._is_over.set()
        await asyncio.gather(*self._tasks)


async def every_receipt_verifies(
    nodes: FourNodes, trust: Federation, log: LogName, size: int
) -> None:
    """Check the receipts of all entries of a log at every node that holds it."""
    policy = log_policy(trust, log)
    for province, node in nodes.nodes.items():
        if not log.may_hold(province):
            continue
        await node.has_quorum(log, size)
        for index in range(size):
            got = await receipt(node, log, index)
            verify_receipt_by_policy(got.proof, got.entry, policy)


def no_evidence(nodes: FourNodes) -> None:
    """No node was shown anything that contradicts a log."""
    for node in nodes.nodes.values():
        health = node.logs.health()
        rows = [*health.own, *(row for p in health.partners for row in p.logs)]
        assert [row.log for row in rows if row.evidence_count] == []


async def test_every_log_and_witness_key_is_replaced_under_load(tmp_path: Path) -> None:
    """All 12 pairs write all the while: every write is answered, every receipt verifies."""
    async with Rotating.open(tmp_path) as found:
        nodes = found.nodes
        load = Load(nodes)
        await load.more()
        from_time = nodes.clock.now() + timedelta(hours=1)
        for province in PROVINCES:
            for log in own_logs(province, PROVINCES):
                found.replace_log_key(log, from_time)
            found.replace_witness_key(province, from_time)
        await load.more()
        nodes.clock.advance(timedelta(hours=1))
        await load.more()
        # The old keys end; there was an hour in which either counted.
        found.retire_first_keys(from_time + timedelta(hours=1))
        nodes.clock.advance(timedelta(hours=1))
        await load.more()
        await load.end()
        trust = found.trust.current
        for log, size in load.sizes.items():
            await every_receipt_verifies(nodes, trust, log, size)
            # Its end is vouched for by the new keys alone.
            lines = await newest_lines(nodes[log.author], log)
            old, new = trust.log_keys(log)
            assert (named(old) in lines, named(new) in lines) == (False, True)
            if log.partner:
                assert named(trust.witness_keys(log.partner)[1]) in lines
        no_evidence(nodes)


async def test_the_newest_checkpoint_is_signed_again_by_the_successor(tmp_path: Path) -> None:
    """A quiet log's end carries both keys' lines soon after, everywhere, and is cosigned again."""
    async with Rotating.open(tmp_path) as found:
        nodes, trust = found.nodes, found.trust
        await nodes[SHANGHAI].append(REGISTRY, [institution("310000-1")])
        for node in nodes.nodes.values():
            await node.has_quorum(REGISTRY, 1)
        from_time = nodes.clock.now() + timedelta(minutes=10)
        found.replace_log_key(REGISTRY, from_time)
        before = await newest_lines(nodes[SHANGHAI], REGISTRY)
        nodes.clock.advance(timedelta(minutes=10))
        both = {named(term) for term in trust.log_keys(REGISTRY)}
        for province in (JIANGSU, ZHEJIANG, ANHUI):
            reader = nodes[province].logs.reader
            await until(
                lambda reader=reader: reader.position(REGISTRY).quorum_time == from_time,
                what=f"{province} knows the quorum of the successor's time",
            )
            assert both <= await newest_lines(nodes[province], REGISTRY)
        assert len(both - before) == 1
        # When the first is over, whoever sees the note for the first time takes it.
        found.retire_first_keys(from_time + timedelta(days=1))
        nodes.clock.advance(timedelta(days=2))
        await nodes[ANHUI].stop()
        for path in tmp_path.glob(f"{ANHUI}.db*"):  # noqa: ASYNC240 - a test may block
            path.unlink()
        await nodes[ANHUI].start()
        await nodes[ANHUI].holds(REGISTRY, 1)


async def test_a_replaced_witness_key_signs_at_once(tmp_path: Path) -> None:
    """The author asks for the quorum by keys that are in force, and a province counts once."""
    async with Rotating.open(tmp_path) as found:
        nodes, trust = found.nodes, found.trust
        await nodes[SHANGHAI].append(REGISTRY, [institution("310000-1")])
        author = nodes[SHANGHAI]
        await author.has_quorum(REGISTRY, 1)
        from_time = nodes.clock.now() + timedelta(minutes=10)
        for province in (JIANGSU, ZHEJIANG, ANHUI):
            found.replace_witness_key(province, from_time)
        nodes.clock.advance(timedelta(minutes=10))
        await author.logs._author.freshen()
        new = {named(trust.witness_keys(province)[1]) for province in (JIANGSU, ZHEJIANG, ANHUI)}

        def is_signed() -> bool:
            lines = author.database.read_now(
                lambda c: author.logs._checkpoints.lines(c, REGISTRY, 1)
            )
            return len(new & {f"{line.name}+{line.key_id.hex()}" for line in lines}) >= 2

        await until(is_signed, what="a quorum by the new keys")
        got = await receipt(author, REGISTRY, 0)
        verify_receipt_by_policy(got.proof, got.entry, log_policy(trust.current, REGISTRY))


async def test_without_a_key_in_force_nothing_is_signed(tmp_path: Path) -> None:
    """The write is refused by name, is not kept, and passes when the key is installed."""
    async with Rotating.open(tmp_path) as found:
        nodes = found.nodes
        author = nodes[SHANGHAI]
        signer = later_log_signer(REGISTRY)
        from_time = nodes.clock.now() + timedelta(minutes=10)
        # Stated, but not installed; and the first is over.
        found.trust.current = with_key(found.trust.current, signer, from_time=from_time)
        found.retire_first_keys(from_time)
        nodes.clock.advance(timedelta(minutes=10))
        with pytest.raises(Refusal) as caught:
            await author.append(REGISTRY, [institution("310000-1")])
        assert caught.value.reason is Reason.KEY_NOT_IN_FORCE
        assert author.logs.reader.position(REGISTRY).size == 0
        # Other logs go on.
        log = LogName.settlement(SHANGHAI, JIANGSU)
        await author.append(log, [record("S1", home=JIANGSU, host=SHANGHAI)])
        found.rings[SHANGHAI].add(signer)
        author._requests -= 2  # the same request id as the one that was refused
        assert await author.append(REGISTRY, [institution("310000-1")]) == 0
        await nodes[ANHUI].has_quorum(REGISTRY, 1)


async def test_a_key_before_its_time_is_not_believed_and_no_fork(tmp_path: Path) -> None:
    """An author that signs too early is left alone until the time comes."""
    async with Rotating.open(tmp_path) as found:
        nodes = found.nodes
        signer = later_log_signer(REGISTRY)
        from_time = nodes.clock.now() + timedelta(hours=1)
        found.trust.current = with_key(found.trust.current, signer, from_time=from_time)
        # The author's node believes that the key is in force since long ago.
        long_ago = from_time - timedelta(days=9)
        early = MovableTrust(with_key(make_trust(), signer, from_time=long_ago))
        ring = found.rings[SHANGHAI]
        ring.add(signer)
        await nodes[SHANGHAI].stop()
        nodes[SHANGHAI]._trust = early
        await nodes[SHANGHAI].start()
        await nodes[SHANGHAI].confirmed()
        await nodes[SHANGHAI].append(REGISTRY, [institution("310000-1")])
        service = nodes[JIANGSU].logs.service
        call = nodes.network.call(SHANGHAI, "exchange_checkpoints")
        note = (
            await nodes[SHANGHAI].logs.service.get_checkpoint(
                pb.GetCheckpointRequest(log=str(REGISTRY)), reader_of(nodes[SHANGHAI])
            )
        ).note
        await service.exchange_checkpoints(
            pb.ExchangeCheckpointsRequest(
                checkpoints=[pb.Checkpoint(log=str(REGISTRY), size=1, note=note)]
            ),
            call,
        )
        reader = nodes[JIANGSU].logs.reader
        assert reader.position(REGISTRY).size == 0
        nodes.clock.advance(timedelta(hours=1))
        await nodes[JIANGSU].has_quorum(REGISTRY, 1)
        health = nodes[JIANGSU].logs.health()
        assert [r.log for p in health.partners for r in p.logs if r.evidence_count] == []


async def test_a_cosignature_by_a_key_that_is_over_is_refused(tmp_path: Path) -> None:
    """A partner that signs with its first key after its end is told that it does not count."""
    async with Rotating.open(tmp_path) as found:
        nodes = found.nodes
        author = nodes[SHANGHAI]
        await author.append(REGISTRY, [institution("310000-1")])
        await author.has_quorum(REGISTRY, 1)
        first = found.rings[JIANGSU].witness_signers[0]
        over = nodes.clock.now() - timedelta(minutes=1)
        found.replace_witness_key(JIANGSU, over)
        found.trust.current = with_until(found.trust.current, first.verifier, over)
        wanted = pb.GetCheckpointRequest(log=str(REGISTRY))
        note = (await author.logs.service.get_checkpoint(wanted, reader_of(author))).note
        signed = SignedCheckpoint.from_bytes(note, found.trust.log_keys(REGISTRY)[0].key)
        call = nodes.network.call(JIANGSU, "add_cosignature")
        for time, is_good in ((over, False), (over - timedelta(seconds=1), True)):
            line = cosign(signed.checkpoint, first, time=time)
            shown = SignedNote(
                text=signed.note.text, signatures=(signed.note.signatures[0], line)
            ).to_bytes()
            request = pb.AddCosignatureRequest(log=str(REGISTRY), note=shown)
            if is_good:
                answer = await author.logs.service.add_cosignature(request, call)
                assert answer.quorum
                continue
            with pytest.raises(Refusal, match="in force then") as caught:
                await author.logs.service.add_cosignature(request, call)
            assert caught.value.reason is Reason.BAD_SIGNATURE
