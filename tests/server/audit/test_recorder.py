"""Tests of the audit log: what stands in it, when, and that it cannot lose what was disclosed."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from deltacare.errors import Reason, Refusal, Unavailable
from deltacare.ids import LogName, Principal
from deltacare.tlog.checkpoint import Checkpoint, SignedCheckpoint
from deltacare.v1.entry_pb2 import AccessDenied, AuditAnchor, Disclosure, Entry, EntrySpan
from deltacare.v1.log_service_pb2 import (
    GetCheckpointRequest,
    ListLogsRequest,
    ReadEntriesRequest,
)
from server.audit import tables
from server.audit.projector import last_anchor
from server.audit.recorder import ANCHOR_INTERVAL, AuditRecorder
from server.edge.call import Call
from server.log.ports import Sequencer, Write
from server.log.tables import void_entries
from tests.server.audit.support import (
    AUDIT,
    METHOD,
    OWN,
    PARTNER,
    REGISTRY,
    SPAN,
    denial,
    disclosing,
    noted,
    projectors,
    recorder,
)
from tests.support.federation import log_signer
from tests.support.nodes import FourNodes, Node, until
from tests.support.ports import ManualClock, SeededEntropy

ROOT = Path(__file__).parents[3]


@asynccontextmanager
async def alone(directory: Path) -> AsyncIterator[tuple[Node, AuditRecorder, ManualClock]]:
    """Bring one node up by an operator's word."""
    nodes = FourNodes(directory, projectors=projectors)
    node = nodes[OWN]
    await node.start(write_unconfirmed=True)
    try:
        yield node, recorder(node, nodes.clock), nodes.clock
    finally:
        await node.stop()


async def test_a_disclosure_stands_when_it_may_be_made(tmp_path: Path) -> None:
    """Who, for whom, what for, by which rule, which entries: and nothing of the data."""
    async with alone(tmp_path) as (node, audit, clock):
        await audit.disclose(disclosing(7, clock))
        (entry,) = await noted(node)
        expected = Disclosure(
            province=PARTNER,
            role="peer",
            principal="node",
            on_behalf_of="clerk-7",
            method=METHOD,
            purpose="SETTLEMENT",
            rule="E25",
            spans=[EntrySpan(log=str(SPAN), first_index=7, entry_count=1)],
        )
        assert expected == entry.disclosure
        assert f"node-{OWN}" == entry.maker


async def test_disclosures_at_once_all_stand(tmp_path: Path) -> None:
    """A hundred callers wait together, and each of them is noted."""
    async with alone(tmp_path) as (node, audit, clock):
        await asyncio.gather(*(audit.disclose(disclosing(n, clock)) for n in range(100)))
        found = {entry.disclosure.spans[0].first_index for entry in await noted(node)}
        assert set(range(100)) == found


async def test_denials_wait_for_their_minute(tmp_path: Path) -> None:
    """A flood is one entry with its count, once a minute has passed."""
    async with alone(tmp_path) as (node, audit, clock):
        for _ in range(10_000):
            audit.deny(denial(), clock.now())
        audit.deny(denial("id-2"), clock.now())
        await audit.flush(only_due=True)
        assert [] == await noted(node)
        clock.advance(timedelta(seconds=60))
        await audit.flush(only_due=True)
        first, second = [entry.access_denied for entry in await noted(node)]
        assert ("id-1", 10_000) == (first.principal, first.count)
        assert ("CARE_PLACEMENT", "E00", "ROLE_NOT_ALLOWED") == (
            first.purpose,
            first.rule,
            first.reason,
        )
        assert ("id-2", 1) == (second.principal, second.count)
        await audit.flush()
        assert 2 == len(await noted(node)), "nothing is noted twice"


async def test_what_runs_beside_the_calls(tmp_path: Path) -> None:
    """It appends and anchors by itself, and what was counted last when it stops."""
    async with alone(tmp_path) as (node, audit, clock):
        await audit.start()
        audit.deny(denial(), clock.now())
        clock.advance(timedelta(seconds=61))
        reader = node.logs.reader
        await until(lambda: reader.position(AUDIT).size == 1, what="the denial")
        audit.deny(denial("id-2"), clock.now())
        await audit.stop()
        assert ["id-1", "id-2"] == [e.access_denied.principal for e in await noted(node)]


class _Slow:
    """A sequencer whose answers are late: what it was given is stored before the caller knows."""

    def __init__(self, sequencer: Sequencer) -> None:
        self._sequencer = sequencer
        self.stored, self.go_on = asyncio.Event(), asyncio.Event()

    async def submit(self, write: Write) -> bytes:
        """Append at once; answer when told to."""
        answer = await self._sequencer.submit(write)
        self.stored.set()
        await self.go_on.wait()
        return answer


async def test_a_node_that_stops_notes_nothing_twice(tmp_path: Path) -> None:
    """Not even what is stored already while its answer is still on the way."""
    async with alone(tmp_path) as (node, _, clock):
        slow = _Slow(node.logs.sequencer)
        audit = AuditRecorder(
            province=OWN,
            sequencer=slow,
            reader=node.logs.reader,
            clock=clock,
            entropy=SeededEntropy("slow"),
        )
        await audit.start()
        audit.deny(denial(), clock.now())
        clock.advance(timedelta(seconds=61))
        await slow.stored.wait()
        stopping = asyncio.create_task(audit.stop())
        await asyncio.sleep(0)
        slow.go_on.set()
        await stopping
        assert ["id-1"] == [e.access_denied.principal for e in await noted(node)]


async def test_an_unconfirmed_node_discloses_nothing(tmp_path: Path) -> None:
    """Until partners have confirmed its logs; denials are counted meanwhile and kept then."""
    nodes = FourNodes(tmp_path, projectors=projectors)
    node = nodes[OWN]
    await node.start()
    try:
        audit = recorder(node, nodes.clock)
        with pytest.raises(Unavailable) as caught:
            await audit.disclose(disclosing(1, nodes.clock))
        assert Reason.LOG_NOT_CONFIRMED is caught.value.reason
        audit.deny(denial(), nodes.clock.now())
        await audit.flush()
        assert [] == await noted(node)
        for partner in ("320000", "330000", "340000"):
            await nodes[partner].start()
        await node.confirmed()
        await audit.disclose(disclosing(2, nodes.clock))
        await audit.flush()
        kinds = [entry.WhichOneof("body") for entry in await noted(node)]
        assert ["disclosure", "access_denied"] == kinds
    finally:
        for each in nodes.nodes.values():
            await each.stop()


@pytest.mark.slow
async def test_nothing_disclosed_lacks_its_entry_after_a_kill(tmp_path: Path) -> None:
    """SIGKILL in the middle of disclosing: every one that was let out stands in the log."""
    for kill_after in (3, 14, 8):
        directory = tmp_path / str(kill_after)
        directory.mkdir()
        disclosed = _disclose_and_kill(directory, kill_after)
        assert len(disclosed) >= kill_after
        async with alone(directory) as (node, audit, clock):
            found = {entry.disclosure.spans[0].first_index for entry in await noted(node)}
            assert disclosed <= found
            await audit.disclose(disclosing(999_999, clock))


def _disclose_and_kill(directory: Path, kill_after: int) -> set[int]:
    """Return what a child disclosed before it was killed."""
    child = Path(__file__).with_name("crash_child.py")
    disclosed: set[int] = set()
    process = subprocess.Popen(
        [sys.executable, str(child), str(directory)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            disclosed.update(_parse(line))
            if len(disclosed) >= kill_after:
                break
    finally:
        process.kill()
        rest, _ = process.communicate()
    for line in rest.splitlines():
        disclosed.update(_parse(line))
    return disclosed


def _parse(line: str) -> set[int]:
    """Return the number that a whole line of the child states, if it states one."""
    match line.split():
        case ["disclosed", number, "."]:
            return {int(number)}
        case _:
            return set()


# --- Anchors --------------------------------------------------------------------------------------


async def voids(node: Node, log: LogName) -> list[tuple[int, str]]:
    """Return what is void in a log at a node."""
    rows = void_entries.c
    log_id = node.logs._store.log_id(log)
    query = select(rows.entry_index, rows.rule).where(rows.log_id == log_id)
    found = await node.database.read(lambda c: c.execute(query.order_by(rows.entry_index)).all())
    return [(row.entry_index, row.rule) for row in found]


async def test_anchors_reach_the_partners(tmp_path: Path) -> None:
    """At most one an hour, only if the log grew; partners hold the signed checkpoint."""
    async with FourNodes.open(tmp_path, projectors=projectors) as nodes:
        await nodes.confirmed()
        node = nodes[OWN]
        audit = recorder(node, nodes.clock)
        assert not await audit.anchor(), "there is nothing to anchor"
        await audit.disclose(disclosing(1, nodes.clock))
        assert await audit.anchor()
        await audit.disclose(disclosing(2, nodes.clock))
        assert not await audit.anchor(), "an hour has not passed"
        nodes.clock.advance(ANCHOR_INTERVAL)
        assert await audit.anchor()
        nodes.clock.advance(ANCHOR_INTERVAL)
        assert not await audit.anchor(), "it did not grow"
        for each in nodes.nodes.values():
            await each.holds(REGISTRY, 2)
            await each.has_quorum(REGISTRY, 2)
            anchor = await each.database.read(lambda c: last_anchor(c, OWN))
            assert anchor is not None
            assert 2 == anchor.checkpoint.size
            assert [] == await voids(each, REGISTRY)
        stated = (await noted(nodes[PARTNER], REGISTRY))[1].audit_anchor.checkpoint
        signed = SignedCheckpoint.from_bytes(stated, log_signer(AUDIT).verifier)
        root = await node.database.read(lambda c: node.logs.reader.root(c, AUDIT, 2))
        assert Checkpoint(origin=str(AUDIT), size=2, root=root) == signed.checkpoint


async def test_anchors_that_shrink_are_void_everywhere(tmp_path: Path) -> None:
    """Smaller, another root, another's log, no note: void by number, at author and partners."""

    def anchor(size: int, fill: int, log: LogName = AUDIT) -> Entry:
        head = Checkpoint(origin=str(log), size=size, root=bytes([fill]) * 32)
        note = SignedCheckpoint.sign(head, log_signer(log)).to_bytes()
        return Entry(maker="node", audit_anchor=AuditAnchor(checkpoint=note))

    async with FourNodes.open(tmp_path, projectors=projectors) as nodes:
        await nodes.confirmed()
        node = nodes[OWN]
        settlement = LogName.settlement(OWN, PARTNER)
        await node.append(settlement, [anchor(1, 1), Entry(access_denied=AccessDenied(count=1))])
        await node.append(
            REGISTRY,
            [
                anchor(5, 1),
                anchor(4, 1),
                anchor(5, 2),
                anchor(9, 1, LogName.audit(PARTNER)),
                Entry(audit_anchor=AuditAnchor(checkpoint=b"no note")),
                Entry(disclosure=Disclosure(province=OWN)),
                anchor(5, 1),
                anchor(6, 1),
            ],
        )
        expected = [
            (1, "A03-ANCHOR-SHRINKS"),
            (2, "A04-ANCHOR-CONTRADICTS"),
            (3, "A02-ANCHOR-UNREADABLE"),
            (4, "A02-ANCHOR-UNREADABLE"),
            (5, "A01-WRONG-LOG"),
        ]
        for each in nodes.nodes.values():
            await each.holds(REGISTRY, 8)
            assert expected == await voids(each, REGISTRY)
            before = await each.database.read(lambda c: c.execute(select(tables.anchors)).all())
            assert [5, 5, 6] == [row.size for row in before]
            await each.logs.rebuild(REGISTRY)
            after = await each.database.read(lambda c: c.execute(select(tables.anchors)).all())
            assert before == after
            assert expected == await voids(each, REGISTRY)
        wrong = [(0, "A01-WRONG-LOG"), (1, "A01-WRONG-LOG")]
        assert wrong == await voids(node, settlement)


async def test_a_log_that_lost_what_was_anchored_is_not_written(tmp_path: Path) -> None:
    """A database from before the last anchor would sign a second history: nothing is disclosed."""
    async with alone(tmp_path) as (node, audit, clock):
        await audit.disclose(disclosing(1, clock))
        head = Checkpoint(origin=str(AUDIT), size=2, root=bytes(32))
        note = SignedCheckpoint.sign(head, log_signer(AUDIT)).to_bytes()
        await node.append(REGISTRY, [Entry(audit_anchor=AuditAnchor(checkpoint=note))])
        with pytest.raises(Unavailable) as caught:
            await audit.disclose(disclosing(2, clock))
        assert Reason.LOG_NOT_CONFIRMED is caught.value.reason
        assert str(AUDIT) == caught.value.details["log"]
        audit.deny(denial(), clock.now())
        await audit.flush()
        assert 1 == len(await noted(node))
        clock.advance(2 * ANCHOR_INTERVAL)
        assert not await audit.anchor(), "it is not anchored smaller"


@pytest.mark.parametrize("held", [0, 2], ids=["nothing is left", "an old copy"])
async def test_a_loss_is_stated_to_everybody(tmp_path: Path, held: int) -> None:
    """On the operator's word for this very anchor the log goes on, and every member holds that."""
    async with FourNodes.open(tmp_path, projectors=projectors) as nodes:
        await nodes.confirmed()
        node, clock = nodes[OWN], nodes.clock
        before = recorder(node, clock)
        for number in range(held):
            await before.disclose(disclosing(number, clock))
        head = Checkpoint(origin=str(AUDIT), size=5, root=bytes(32))
        note = SignedCheckpoint.sign(head, log_signer(AUDIT)).to_bytes()
        await node.append(REGISTRY, [Entry(audit_anchor=AuditAnchor(checkpoint=note))])
        for word in (4, 6):
            with pytest.raises(Unavailable) as caught:
                await recorder(node, clock, accepted_loss_size=word).disclose(disclosing(7, clock))
            assert "accept_loss_of_size = 5" in str(caught.value)
        assert held == len(await noted(node))
        audit = recorder(node, clock, accepted_loss_size=5)
        await asyncio.gather(*(audit.disclose(disclosing(8 + n, clock)) for n in range(4)))
        assert held + 4 == len(await noted(node))
        clock.advance(ANCHOR_INTERVAL)
        assert await audit.anchor(), "it is anchored again"
        for each in nodes.nodes.values():
            await each.has_quorum(REGISTRY, 3)
            stated = (await noted(each, REGISTRY))[1].audit_anchor
            assert (True, held) == (stated.HasField("lost_from_size"), stated.lost_from_size)
            assert [] == await voids(each, REGISTRY)
            anchor = await each.database.read(lambda c: last_anchor(c, OWN))
            assert anchor is not None
            assert held + 4 == anchor.checkpoint.size
        # The word was about that loss; another one needs another.
        head = Checkpoint(origin=str(AUDIT), size=9, root=bytes(32))
        note = SignedCheckpoint.sign(head, log_signer(AUDIT)).to_bytes()
        await node.append(REGISTRY, [Entry(audit_anchor=AuditAnchor(checkpoint=note))])
        with pytest.raises(Unavailable):
            await audit.disclose(disclosing(20, clock))


# --- Who reads it ---------------------------------------------------------------------------------


async def test_only_the_own_auditor_reads_it(tmp_path: Path) -> None:
    """Everybody else is told no more than that; partners neither see nor hold it."""
    async with FourNodes.open(tmp_path, projectors=projectors) as nodes:
        await nodes.confirmed()
        node = nodes[OWN]
        await recorder(node, nodes.clock).disclose(disclosing(1, nodes.clock))
        service = node.logs.service
        request = ReadEntriesRequest(log=str(AUDIT), checkpoint_size=1)

        def call(role: str, province: str = OWN) -> Call:
            caller = Principal(province=province, role=role, opaque_id="id-1")
            return Call(caller=caller, method="/x/y", now=nodes.clock.now())

        (message,) = [part async for part in service.read_entries(request, call("auditor"))]
        assert 1 == len(message.entries)
        listed = await service.list_logs(ListLogsRequest(), call("auditor"))
        assert str(AUDIT) in {row.log for row in listed.logs}
        strangers = [
            call("system"),
            call("administrator"),
            call("clerk"),
            call("peer", PARTNER),
            call("auditor", PARTNER),
        ]
        for stranger in strangers:
            with pytest.raises(Refusal) as caught:
                await service.get_checkpoint(GetCheckpointRequest(log=str(AUDIT)), stranger)
            assert Reason.LOG_NOT_ENTITLED is caught.value.reason
            listed = await service.list_logs(ListLogsRequest(), stranger)
            assert str(AUDIT) not in {row.log for row in listed.logs}
        assert AUDIT not in nodes[PARTNER].logs._store.held
        shown = await service.newest_for(PARTNER)
        assert str(AUDIT) not in {checkpoint.log for checkpoint in shown}


async def test_it_has_its_checkpoint_for_a_verifier(tmp_path: Path) -> None:
    """Its newest checkpoint is served as one that needs no quorum."""
    async with alone(tmp_path) as (node, audit, clock):
        await audit.disclose(disclosing(1, clock))
        await audit.disclose(disclosing(2, clock))
        await node.logs._author.freshen()
        found = await node.database.read(lambda c: node.logs.reader.quorum_checkpoint(c, AUDIT))
        assert found is not None
        assert 2 == SignedCheckpoint.from_bytes(found, log_signer(AUDIT).verifier).checkpoint.size
        assert clock.now().tzinfo is UTC
        assert timedelta(hours=1) == ANCHOR_INTERVAL
