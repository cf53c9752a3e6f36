"""LogService: who may read what, limits, and proofs that verify with the kernel."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deltacare.errors import DeltacareError, Reason, Refusal, Unavailable
from deltacare.ids import LogName, Principal
from deltacare.tlog.checkpoint import SignedCheckpoint
from deltacare.tlog.proof import verify_consistency, verify_inclusion
from deltacare.tlog.receipt import verify_receipt
from deltacare.tlog.tree import Frontier, leaf_hash, leaf_hashes, root_of
from deltacare.v1 import log_service_pb2 as pb
from server.edge.call import Call
from server.log.service import LogServicer
from tests.support.federation import make_trust, principal
from tests.support.nodes import FourNodes, Node, institution, until
from tests.support.ports import START_TIME

SHANGHAI, JIANGSU, ZHEJIANG, ANHUI = "310000", "320000", "330000", "340000"
REGISTRY = LogName.registry(SHANGHAI)
SETTLEMENT = LogName.settlement(SHANGHAI, JIANGSU)
PEER = principal(JIANGSU, role="peer", opaque_id="node")
SYSTEM = principal(SHANGHAI)


def call(caller: Principal = SYSTEM, method: str = "Any") -> Call:
    """Return a call as the edge makes it."""
    return Call(caller=caller, method=f"/deltacare.v1.LogService/{method}", now=START_TIME)


@pytest.fixture
async def node(tmp_path: Path, database_url: str) -> AsyncIterator[Node]:
    """One node with 1,300 entries in its registry log and 3 in a settlement log."""
    async with FourNodes.solo(tmp_path, urls={SHANGHAI: database_url}) as found:
        for first in (0, 700, 1_299):
            count = min(1_300, {0: 700, 700: 1_299, 1_299: 1_300}[first]) - first
            rows = [institution(f"310000-{first + n}") for n in range(count)]
            await found.append(REGISTRY, rows)
        await found.append(SETTLEMENT, [institution(f"310000-{n}") for n in range(3)])
        yield found


def service(node: Node) -> LogServicer:
    """Return the service that is tested."""
    return node.logs.service


async def read(node: Node, caller: Principal = SYSTEM, **fields: object) -> list:
    """Return the messages of ReadEntries."""
    request = pb.ReadEntriesRequest(**fields)  # type: ignore[arg-type]
    return [message async for message in service(node).read_entries(request, call(caller))]


async def datas(node: Node, log: LogName, size: int) -> list[bytes]:
    """Return a log's bytes from the database."""
    return list(await node.database.read(lambda c: node.logs.reader.entries(c, log, 0, size)))


async def test_entries_prove_themselves_message_by_message(node: Node) -> None:
    """Each message of at most 1,000 leads to the checkpoint by its consistency proof."""
    messages = await read(node, log=str(REGISTRY), checkpoint_size=1_300)
    known = await datas(node, REGISTRY, 1_300)
    assert [len(message.entries) for message in messages] == [1_000, 300]
    assert [data for message in messages for data in message.entries] == known
    frontier = Frontier.empty()
    for message in messages:
        frontier = frontier.append(leaf_hashes(message.entries))
        verify_consistency(
            tuple(message.consistency_proof),
            old_size=frontier.size,
            old_root=frontier.root,
            size=1_300,
            root=root_of(known),
        )


async def test_entries_of_an_older_checkpoint_are_proven_against_it(node: Node) -> None:
    """A range inside an older tree, with proofs in that tree."""
    (message,) = await read(
        node, log=str(REGISTRY), first_index=100, end_index=650, checkpoint_size=700
    )
    known = await datas(node, REGISTRY, 700)
    assert list(message.entries) == known[100:650]
    old = Frontier.empty().append(leaf_hashes(known[:650]))
    verify_consistency(
        tuple(message.consistency_proof),
        old_size=650,
        old_root=old.root,
        size=700,
        root=root_of(known),
    )


BAD_RANGES: list[tuple[dict[str, int], list[str]]] = [
    ({"checkpoint_size": 0}, ["checkpoint_size"]),
    ({"checkpoint_size": 1_301}, ["checkpoint_size"]),
    ({"checkpoint_size": 5, "end_index": 6}, ["end_index"]),
    ({"checkpoint_size": 5, "first_index": 6}, ["first_index"]),
    (
        {"checkpoint_size": 9_999, "end_index": 10_000, "first_index": 10_001},
        ["checkpoint_size", "end_index", "first_index"],
    ),
]


async def test_a_bad_range_is_refused_with_every_field(node: Node) -> None:
    """All violations at once."""
    for fields, bad in BAD_RANGES:
        with pytest.raises(Refusal) as caught:
            await read(node, log=str(REGISTRY), **fields)
        assert caught.value.reason is Reason.INVALID_FIELD
        assert [violation.field for violation in caught.value.violations] == bad


async def test_inclusion_and_consistency_proofs_verify(node: Node) -> None:
    """Proofs of several places and sizes hold in the kernel."""
    known = await datas(node, REGISTRY, 1_300)
    for index, size in [(0, 1), (0, 1_300), (699, 700), (700, 1_299), (1_299, 0)]:
        proof = await service(node).get_inclusion_proof(
            pb.GetInclusionProofRequest(log=str(REGISTRY), index=index, tree_size=size), call()
        )
        assert proof.leaf_hash == leaf_hash(known[index])
        verify_inclusion(
            tuple(proof.hashes),
            leaf=proof.leaf_hash,
            index=index,
            size=proof.tree_size,
            root=root_of(known[: proof.tree_size]),
        )
    for old, new in [(0, 700), (1, 2), (700, 1_300), (1_024, 0), (1_300, 1_300)]:
        found = await service(node).get_consistency_proof(
            pb.GetConsistencyProofRequest(log=str(REGISTRY), old_size=old, new_size=new), call()
        )
        verify_consistency(
            tuple(found.hashes),
            old_size=old,
            old_root=root_of(known[:old]),
            size=found.new_size,
            root=root_of(known[: found.new_size]),
        )


async def test_what_lies_behind_the_end_is_refused(node: Node) -> None:
    """An index or size beyond the log is a bad field, or nothing to find."""
    get = service(node)
    for awaitable in (
        get.get_inclusion_proof(
            pb.GetInclusionProofRequest(log=str(REGISTRY), index=1_300), call()
        ),
        get.get_consistency_proof(
            pb.GetConsistencyProofRequest(log=str(REGISTRY), new_size=1_301), call()
        ),
        get.get_checkpoint(
            pb.GetCheckpointRequest(log=str(REGISTRY), selector=7),
            call(),  # type: ignore[arg-type]
        ),
    ):
        with pytest.raises(Refusal) as caught:
            await awaitable
        assert caught.value.reason is Reason.INVALID_FIELD
    with pytest.raises(Refusal) as caught:
        await get.get_receipt(pb.GetReceiptRequest(log=str(REGISTRY), index=1_300), call())
    assert caught.value.reason is Reason.NOT_FOUND


async def test_a_receipt_waits_for_its_quorum(node: Node) -> None:
    """Without cosignatures there is a checkpoint, but no receipt yet."""
    newest = await service(node).get_checkpoint(pb.GetCheckpointRequest(log=str(REGISTRY)), call())
    signed = SignedCheckpoint.from_bytes(newest.note, make_trust().log_keys(REGISTRY)[0].key)
    assert signed.checkpoint.size == newest.size == 1_300
    with pytest.raises(Unavailable) as caught:
        await service(node).get_receipt(pb.GetReceiptRequest(log=str(REGISTRY)), call())
    assert caught.value.reason is Reason.NO_QUORUM
    with pytest.raises(Refusal) as missing:
        await service(node).get_checkpoint(
            pb.GetCheckpointRequest(log=str(REGISTRY), selector=pb.CHECKPOINT_SELECTOR_QUORUM),
            call(),
        )
    assert missing.value.reason is Reason.NOT_FOUND


async def test_receipts_verify_offline_from_any_holder(tmp_path: Path) -> None:
    """Author and mirror give receipts that hold against the keys alone."""
    async with FourNodes.open(tmp_path) as nodes:
        await nodes.confirmed()
        await nodes[SHANGHAI].append(REGISTRY, [institution(f"310000-{n}") for n in range(5)])
        trust = nodes.trust
        for province in (SHANGHAI, ANHUI):
            await nodes[province].has_quorum(REGISTRY, 5)
            receipt = await nodes[province].logs.service.get_receipt(
                pb.GetReceiptRequest(log=str(REGISTRY), index=3), call(principal(province))
            )
            verified = verify_receipt(
                receipt.proof,
                receipt.entry,
                log_key=trust.log_keys(REGISTRY)[0].key,
                witness_keys=[trust.witness_keys(p)[0].key for p in trust.witnesses(REGISTRY)],
                quorum=trust.quorum(REGISTRY),
            )
            assert (verified.index, verified.checkpoint.size) == (3, 5)


@pytest.mark.parametrize(
    "caller, readable",
    [
        (SYSTEM, 10),
        (principal(SHANGHAI, role="auditor"), 11),
        (principal(SHANGHAI, role="clerk"), 4),
        (PEER, 6),
        (principal(JIANGSU, role="system"), 4),
        (principal(JIANGSU, role="auditor"), 4),
        (principal("440000", role="peer"), 0),
    ],
    ids=["system", "auditor", "clerk", "peer", "other system", "other auditor", "stranger"],
)
async def test_logs_are_listed_by_entitlement(
    tmp_path: Path, caller: Principal, readable: int
) -> None:
    """Registry logs to members; settlement logs to their two sides and local auditors."""
    async with FourNodes.solo(tmp_path) as node:
        found = await service(node).list_logs(pb.ListLogsRequest(), call(caller))
    names = [row.log for row in found.logs]
    assert len(names) == readable
    assert names == sorted(names)


@pytest.mark.parametrize(
    "caller, log, reason",
    [
        (principal(ZHEJIANG, role="peer"), SETTLEMENT, Reason.LOG_NOT_ENTITLED),
        (principal(JIANGSU, role="system"), SETTLEMENT, Reason.LOG_NOT_ENTITLED),
        (principal(SHANGHAI, role="clerk"), SETTLEMENT, Reason.LOG_NOT_ENTITLED),
        (principal("440000", role="peer"), REGISTRY, Reason.LOG_NOT_ENTITLED),
        (
            principal(ZHEJIANG, role="peer"),
            LogName.settlement(JIANGSU, ZHEJIANG),
            Reason.LOG_NOT_HELD,
        ),
        (SYSTEM, LogName.settlement(JIANGSU, ZHEJIANG), Reason.LOG_NOT_ENTITLED),
    ],
)
async def test_every_read_asks_for_entitlement(
    tmp_path: Path, caller: Principal, log: LogName, reason: Reason
) -> None:
    """No method tells anything of a log that the caller may not read."""
    async with FourNodes.solo(tmp_path) as node:
        get, name = service(node), str(log)

        async def drain(stream: AsyncIterator[object]) -> None:
            async for _ in stream:
                pass

        attempts = [
            get.get_checkpoint(pb.GetCheckpointRequest(log=name), call(caller)),
            get.get_inclusion_proof(pb.GetInclusionProofRequest(log=name), call(caller)),
            get.get_consistency_proof(pb.GetConsistencyProofRequest(log=name), call(caller)),
            get.get_receipt(pb.GetReceiptRequest(log=name), call(caller)),
            read(node, caller, log=name, checkpoint_size=1),
            drain(get.watch_checkpoints(pb.WatchCheckpointsRequest(logs=[name]), call(caller))),
        ]
        reasons = []
        for attempt in attempts:
            with pytest.raises(DeltacareError) as caught:
                await attempt
            reasons.append(caught.value.reason)
    assert reasons == [reason] * len(attempts)


@pytest.mark.parametrize("caller", [SYSTEM, principal(JIANGSU), principal(SHANGHAI, role="peer")])
async def test_partners_alone_exchange_and_cosign(tmp_path: Path, caller: Principal) -> None:
    """ExchangeCheckpoints and AddCosignature are for other members' nodes."""
    async with FourNodes.solo(tmp_path) as node:
        get = service(node)
        for attempt in (
            get.exchange_checkpoints(pb.ExchangeCheckpointsRequest(), call(caller)),
            get.add_cosignature(pb.AddCosignatureRequest(log=str(REGISTRY)), call(caller)),
        ):
            with pytest.raises(Refusal) as caught:
                await attempt
            assert caught.value.reason is Reason.ROLE_NOT_ALLOWED


async def test_a_cosignature_of_another_s_log_goes_elsewhere(tmp_path: Path) -> None:
    """Only the author takes cosignatures; a note that is none is refused."""
    async with FourNodes.solo(tmp_path) as node:
        get = service(node)
        with pytest.raises(Refusal) as caught:
            await get.add_cosignature(
                pb.AddCosignatureRequest(log=str(LogName.registry(JIANGSU)), note=b"x"), call(PEER)
            )
        assert caught.value.reason is Reason.NOT_AUTHOR
        with pytest.raises(Refusal) as caught:
            await get.add_cosignature(
                pb.AddCosignatureRequest(log=str(REGISTRY), note=b"x"), call(PEER)
            )
        assert caught.value.reason is Reason.BAD_SIGNATURE
        note = (await get.get_checkpoint(pb.GetCheckpointRequest(log=str(REGISTRY)), call())).note
        with pytest.raises(Refusal) as caught:
            await get.add_cosignature(
                pb.AddCosignatureRequest(log=str(REGISTRY), note=note), call(PEER)
            )
        assert caught.value.reason is Reason.BAD_SIGNATURE
    assert "not cosigned" in caught.value.message


async def test_too_much_is_refused(tmp_path: Path) -> None:
    """Limits on what an exchange and a page may hold."""
    async with FourNodes.solo(tmp_path) as node:
        get = service(node)
        many = [pb.Checkpoint(log=str(REGISTRY), note=b"x" * 70_000)] * 65
        with pytest.raises(Refusal) as caught:
            await get.exchange_checkpoints(
                pb.ExchangeCheckpointsRequest(checkpoints=many), call(PEER)
            )
        assert len(caught.value.violations) == 65
        with pytest.raises(Refusal) as caught:
            await get.list_evidence(pb.ListEvidenceRequest(page_size=1_001, page_token="x"), call())
        assert [v.field for v in caught.value.violations] == ["page_size", "page_token"]


async def test_evidence_comes_in_pages(tmp_path: Path) -> None:
    """Oldest first, with a token until the last page; and only of logs the caller may read."""
    async with FourNodes.solo(tmp_path) as node:
        get = service(node)
        logs = [REGISTRY, LogName.settlement(ZHEJIANG, SHANGHAI)]
        for number in range(3):
            shown = [
                pb.Checkpoint(log=str(log), size=9, note=f"note {number}".encode()) for log in logs
            ]
            request = pb.ExchangeCheckpointsRequest(checkpoints=shown)
            await get.exchange_checkpoints(
                request, call(principal(ZHEJIANG, role="peer", opaque_id="node"))
            )
        rows = []

        async def all_rows(caller: Principal, size: int) -> list[pb.Evidence]:
            found: list[pb.Evidence] = []
            token = ""
            while True:
                page = await get.list_evidence(
                    pb.ListEvidenceRequest(page_size=size, page_token=token), call(caller)
                )
                found += page.evidence
                token = page.next_page_token
                if not token:
                    return found

        board = node.logs._board.heads
        await until(lambda: sum(head.evidence_count for head in board.values()) == 6)
        rows = await all_rows(SYSTEM, 2)
        notes = [row.shown_note for row in rows if row.log == str(REGISTRY)]
        assert notes == [b"note 0", b"note 1", b"note 2"]
        assert {row.shown_by for row in rows} == {ZHEJIANG}
        assert len(await all_rows(principal(SHANGHAI, role="clerk"), 2)) == 3
