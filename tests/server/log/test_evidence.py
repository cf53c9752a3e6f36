"""What is kept as evidence when a partner sends more of it than anybody needs."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection

from deltacare.errors import Refusal
from deltacare.ids import LogName
from deltacare.tlog.checkpoint import Checkpoint, SignedCheckpoint
from deltacare.tlog.cosignature import cosign
from deltacare.tlog.note import SignedNote
from deltacare.tlog.proof import consistency_proof
from deltacare.trust import witness_key_name
from deltacare.v1 import log_service_pb2 as pb
from server.edge.call import Call
from server.log.evidence import (
    FORKS_PER_LOG_MAX,
    REFUSED_MAX,
    REFUSED_NOTE_BYTES_MAX,
    EvidenceRow,
    Wrong,
    add_evidence,
    list_evidence,
)
from server.log.offers import Offer
from tests.support.federation import PROVINCES, log_signer, make_keys, principal
from tests.support.liars import LyingAuthor, with_junk
from tests.support.nodes import FourNodes, Node, institution, until

pytestmark = pytest.mark.long

SHANGHAI, JIANGSU, ZHEJIANG, ANHUI = PROVINCES
REGISTRY = LogName.registry(SHANGHAI)
PAGE_BYTES_MAX = 2 * 1024 * 1024 + 16 * 1024  # as the contract says, and what frames the rows


def forged(number: int, *, log: LogName = REGISTRY) -> bytes:
    """Return a checkpoint in a log's name that its key did not sign, each another one."""
    signer = replace(log_signer(log), seed=b"x" * 32)
    checkpoint = Checkpoint(origin=str(log), size=1_000 + number, root=b"r" * 32)
    return SignedCheckpoint.sign(checkpoint, signer).to_bytes()


async def show_note(node: Node, note: bytes, by: str) -> None:
    """Let a node deal with a note that a partner showed."""
    offer = Offer(log=REGISTRY, size=1_000, note=note, is_asked=False, province=by)
    assert (await node.logs._mirror.take(offer)).name == "REFUSED"


async def rows_of(node: Node, log: LogName = REGISTRY) -> list[EvidenceRow]:
    """Return what is kept about a log."""
    return await node.database.read(lambda c: list_evidence(c, [log], after_id=0, limit=9_999))


def alarms(rows: list[dict[str, object]], log: LogName, wrong: Wrong) -> list[object]:
    """Return who showed what alarms were raised for."""
    return [
        row["shown_by"]
        for row in rows
        if (row["event"], row.get("log"), row.get("reason"))
        == ("log_contradicted", str(log), wrong.value)
    ]


def fork_count(node: Node) -> int:
    """Return how many forks of the log the health of a node names."""
    rows = [row for partner in node.logs.health().partners for row in partner.logs]
    return next(row.fork_count for row in rows if row.log == REGISTRY)


async def spread(nodes: FourNodes, count: int) -> list[bytes]:
    """Append to the registry, wait until all hold it, and return the bytes."""
    await nodes.confirmed()
    author = nodes[SHANGHAI]
    await author.append(REGISTRY, [institution(f"310000-{n}") for n in range(count)])
    for node in nodes.nodes.values():
        await node.has_quorum(REGISTRY, count)
    return list(
        await author.database.read(lambda c: author.logs.reader.entries(c, REGISTRY, 0, count))
    )


async def test_a_flood_of_false_notes_hides_no_fork(
    tmp_path: Path, quiet: list[dict[str, object]]
) -> None:
    """One partner's nonsense takes no place from a fork, nor from what the others show."""
    async with FourNodes.open(tmp_path) as nodes:
        await spread(nodes, 3)
        node = nodes[JIANGSU]
        for number in range(1_001):
            await show_note(node, forged(number), ZHEJIANG)
        assert fork_count(node) == 0
        await show_note(node, forged(5_000), ANHUI)
        refused = [row.shown_by for row in await rows_of(node)]
        assert refused == [ZHEJIANG] * REFUSED_MAX + [ANHUI]
        assert alarms(quiet, REGISTRY, Wrong.BAD_SIGNATURE) == [ZHEJIANG, ANHUI]

        lies = [LyingAuthor(REGISTRY, [b"another history"]), LyingAuthor(REGISTRY, [b"a third"])]
        for liar in lies:
            await show_note(node, liar.note, SHANGHAI)
        assert node.logs.reader.position(REGISTRY).forked
        forks = [row.shown_note for row in await rows_of(node) if row.wrong is Wrong.FORK]
        assert forks[0] == lies[0].note
        assert lies[1].note in forks
        assert fork_count(node) >= len(lies)
        assert str(REGISTRY) in [proof.log for proof in await node.logs._forks.proofs()]
        # And it is announced.
        for province in (ZHEJIANG, ANHUI):
            reader = nodes[province].logs.reader
            await until(
                lambda r=reader: r.position(REGISTRY).forked,  # type: ignore[misc]  # bound early
                what=f"{province} is told",
            )


async def test_an_author_that_forks_without_end_fills_nothing(
    tmp_path: Path, quiet: list[dict[str, object]]
) -> None:
    """A few rows and one alarm for a log; lines that no member signed are not kept."""
    async with FourNodes.open(tmp_path) as nodes:
        await spread(nodes, 3)
        node = nodes[JIANGSU]
        witness = make_keys(ZHEJIANG).witness
        for number in range(3 * FORKS_PER_LOG_MAX):
            liar = LyingAuthor(REGISTRY, [b"history %d" % number])
            signed = SignedCheckpoint.from_bytes(liar.note, log_signer(REGISTRY).verifier)
            line = cosign(signed.checkpoint, witness, time=nodes.clock.now())
            true = signed.with_signatures([line]).to_bytes()
            # In a name that is known, but by no key that is.
            noisy = with_junk(true, witness_key_name(ANHUI), count=90)
            assert len(noisy) > 40_000
            await show_note(node, noisy, ZHEJIANG)
            if number == 0:
                (row,) = await rows_of(node)
                assert row.shown_note == true
        rows = [row for row in await rows_of(node) if row.wrong is Wrong.FORK]
        assert len(rows) == FORKS_PER_LOG_MAX
        assert fork_count(node) == FORKS_PER_LOG_MAX
        assert max(len(SignedNote.from_bytes(row.shown_note).signatures) for row in rows) == 2
        # One of each node that knows by now.
        assert len(alarms(quiet, REGISTRY, Wrong.FORK)) <= len(PROVINCES)


async def test_a_fork_that_proves_itself_is_kept_beside_those_that_do_not(tmp_path: Path) -> None:
    """The place may be taken by what only who holds the log can judge: others need a proof."""
    async with FourNodes.open(tmp_path) as nodes:
        await spread(nodes, 2)
        node = nodes[JIANGSU]
        blind = [LyingAuthor(REGISTRY, [b"%d" % n]) for n in range(FORKS_PER_LOG_MAX)]

        def keep(connection: Connection) -> None:
            head = node.logs._store.lock(connection, [REGISTRY])[REGISTRY]
            now = nodes.clock.now()
            for liar in blind:
                head = add_evidence(
                    connection, head, Wrong.FORK, shown=liar.note, shown_by=ANHUI, now=now, held=b""
                )
            node.logs._store.save(connection, head, now)

        await node.database.write(keep)
        assert await node.logs._forks.proofs() == []
        liar = LyingAuthor(REGISTRY, [b"another history"])
        await show_note(node, liar.note, SHANGHAI)
        (proof,) = await node.logs._forks.proofs()
        assert liar.note in (proof.first_note, proof.second_note)
        assert proof.root


async def test_one_proof_is_kept_of_a_log_that_is_not_held(
    tmp_path: Path, quiet: list[dict[str, object]]
) -> None:
    """However many forks its author signs, with whatever lines, the disk stays as it is."""
    log = LogName.settlement(SHANGHAI, JIANGSU)
    async with FourNodes.open(tmp_path) as nodes:
        await nodes.confirmed()
        node = nodes[ANHUI]
        datas = [b"%d" % n for n in range(5)]
        longer = LyingAuthor(log, datas)
        shorter = SignedCheckpoint.from_bytes(
            LyingAuthor(log, datas[:1]).note, log_signer(log).verifier
        )
        call = nodes.network.call(ZHEJIANG, "exchange_checkpoints")
        for number in range(40):
            first = with_junk(LyingAuthor(log, [b"lie %d" % number]).note, "stranger", count=90)
            second = with_junk(longer.note, str(log), count=90)
            proof = pb.ForkProof(
                log=str(log),
                first_note=first,
                second_note=second,
                root=shorter.checkpoint.root,
                hashes=consistency_proof(longer._nodes, old_size=1, size=5),
            )
            await node.logs.service.exchange_checkpoints(
                pb.ExchangeCheckpointsRequest(forks=[proof]), call
            )
        (row,) = await rows_of(node, log)
        assert row.held_note == LyingAuthor(log, [b"lie 0"]).note
        assert row.shown_note == longer.note
        assert row.contradiction is not None
        told = (ANHUI, ZHEJIANG, JIANGSU, SHANGHAI)
        assert 1 <= len(alarms(quiet, log, Wrong.FORK)) <= len(told)
        assert [p.log for p in await node.logs._forks.proofs()] == [str(log)]


async def test_evidence_is_listed_however_much_there_is(tmp_path: Path) -> None:
    """Notes that did not verify are cut, pages fit a message, and a reason asks for less."""
    async with FourNodes.solo(tmp_path) as node:
        logs = [log for log in node.logs._store.held if log.author != SHANGHAI]
        junk = [b"%d " % n + b"x" * 60_000 for n in range(REFUSED_MAX)]

        def keep(connection: Connection) -> None:
            for log, head in node.logs._store.lock(connection, logs).items():
                now = head.changed_time
                for note in junk:
                    for by in (ZHEJIANG, ANHUI):
                        head = add_evidence(  # noqa: PLW2901 - each leads to the next
                            connection,
                            head,
                            Wrong.BAD_SIGNATURE,
                            shown=note,
                            shown_by=by,
                            now=now,
                        )
                    if note == junk[50]:
                        lie = LyingAuthor(log, [b"a lie"]).note
                        head = add_evidence(  # noqa: PLW2901 - as above
                            connection, head, Wrong.FORK, shown=lie, shown_by=ANHUI, now=now
                        )
                node.logs._store.save(connection, head, now)

        await node.database.write(keep)
        call = Call(
            caller=principal(SHANGHAI, role="auditor"), method="/x/L", now=node._clock.now()
        )

        async def listed(**fields: object) -> tuple[list[pb.Evidence], int]:
            found: list[pb.Evidence] = []
            token, pages = "", 0
            while True:
                page = await node.logs.service.list_evidence(
                    pb.ListEvidenceRequest(page_token=token, **fields),  # type: ignore[arg-type]
                    call,
                )
                assert page.ByteSize() <= PAGE_BYTES_MAX
                found += page.evidence
                pages += 1
                token = page.next_page_token
                if not token:
                    return found, pages

        everything, pages = await listed(page_size=1_000)
        assert len(everything) == len(logs) * (2 * REFUSED_MAX + 1)
        assert pages > 1
        assert max(len(row.shown_note) for row in everything) == REFUSED_NOTE_BYTES_MAX
        forks, pages = await listed(reason="FORK")
        assert ([row.log for row in forks], pages) == ([str(log) for log in logs], 1)
        with pytest.raises(Refusal) as caught:
            await listed(reason="FORKS")
        assert [v.field for v in caught.value.violations] == ["reason"]
