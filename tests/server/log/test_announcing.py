"""Forks, announced: whoever catches an author tells every member, and each checks for itself."""

import shutil
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from deltacare.errors import DeltacareError
from deltacare.ids import LogName
from deltacare.tlog.checkpoint import Checkpoint, SignedCheckpoint
from deltacare.tlog.cosignature import cosign
from deltacare.v1 import log_service_pb2 as pb
from server.edge.call import Call
from server.log.evidence import list_evidence
from server.log.offers import Offer
from tests.support.federation import PROVINCES, log_signer, make_keys, principal
from tests.support.liars import LyingAuthor
from tests.support.nodes import FourNodes, Node, institution, record, until

SHANGHAI, JIANGSU, ZHEJIANG, ANHUI = PROVINCES
REGISTRY = LogName.registry(SHANGHAI)
HONEST = (JIANGSU, ZHEJIANG, ANHUI)


def is_forked(nodes: FourNodes, province: str, log: LogName = REGISTRY) -> bool:
    """Whether a node knows of two histories."""
    return nodes[province].logs.reader.position(log).forked


def is_alarmed(rows: Sequence[dict[str, object]], shown_by: str) -> bool:
    """Whether an alarm names who showed a fork."""
    return any(
        (row["event"], row.get("reason"), row.get("shown_by"))
        == ("log_contradicted", "FORK", shown_by)
        for row in rows
    )


async def spread(nodes: FourNodes, count: int) -> list[bytes]:
    """Append to the registry, wait until all hold it under its quorum, and return the bytes."""
    await nodes.confirmed()
    author = nodes[SHANGHAI]
    await author.append(REGISTRY, [institution(f"310000-{n}") for n in range(count)])
    for node in nodes.nodes.values():
        await node.has_quorum(REGISTRY, count)
    return list(
        await author.database.read(lambda c: author.logs.reader.entries(c, REGISTRY, 0, count))
    )


async def show(nodes: FourNodes, to: str, by: str, **fields: object) -> None:
    """Show a node something in a partner's name."""
    call = nodes.network.call(by, "exchange_checkpoints")
    request = pb.ExchangeCheckpointsRequest(**fields)  # type: ignore[arg-type]  # a test's own
    await nodes[to].logs.service.exchange_checkpoints(request, call)


@pytest.mark.parametrize("size", [3, 5, 9], ids=["shorter", "as long", "longer"])
async def test_one_that_catches_tells_all(
    tmp_path: Path, size: int, quiet: list[dict[str, object]]
) -> None:
    """Two histories shown to one partner alone are known to everybody, the author included."""
    async with FourNodes.open(tmp_path) as nodes:
        datas = await spread(nodes, 5)
        lie = [b"another first entry", *datas[1:], *datas][:size]
        liar = LyingAuthor(REGISTRY, lie, takes_cosignatures=True)
        # Shanghai's node serves its lie to Jiangsu alone; the others have only Jiangsu's word.
        honest = nodes.network.services[SHANGHAI]
        for other in (ZHEJIANG, ANHUI):
            nodes.network.cut(SHANGHAI, other)
        nodes.network.services[SHANGHAI] = liar
        await show(nodes, JIANGSU, SHANGHAI, checkpoints=[liar.checkpoint])
        for province in HONEST:
            await until(lambda p=province: is_forked(nodes, p), what=f"{province} knows")
        nodes.network.services[SHANGHAI] = honest
        await until(lambda: is_forked(nodes, SHANGHAI), what="the author is told")
        for province in HONEST:
            rows = await nodes[province].database.read(
                lambda c: list_evidence(c, [REGISTRY], after_id=0, limit=9)
            )
            proofs = [row for row in rows if row.contradiction is not None]
            assert proofs, "what was proven can be shown on"
            assert nodes[province].logs.reader.position(REGISTRY).size == 5
        assert is_alarmed(quiet, JIANGSU)


async def test_with_one_partner_lying_beside_the_author(tmp_path: Path) -> None:
    """Both sides carry a quorum; the two honest partners find out at their next contact."""
    async with FourNodes.open(tmp_path) as nodes:
        datas = await spread(nodes, 4)
        # Jiangsu and Zhejiang do not meet; Anhui lies beside Shanghai and signs both histories.
        nodes.network.cut(JIANGSU, ZHEJIANG)
        await nodes[SHANGHAI].stop()
        await nodes[ANHUI].stop()
        anhui = make_keys(ANHUI).witness
        for province, last in ((JIANGSU, b"one end"), (ZHEJIANG, b"another end")):
            liar = LyingAuthor(REGISTRY, [*datas, last], takes_cosignatures=True)
            signed = SignedCheckpoint.from_bytes(liar.note, log_signer(REGISTRY).verifier)
            line = cosign(signed.checkpoint, anhui, time=nodes.clock.now())
            liar.note = signed.with_signatures([line]).to_bytes()
            nodes.network.services[SHANGHAI] = liar
            for other in (JIANGSU, ZHEJIANG):
                (nodes.network.heal if other == province else nodes.network.cut)(SHANGHAI, other)
            await nodes[province].holds(REGISTRY, 5)
            # The author's side has two of three: the liar and the one that was deceived.
            await nodes[province].logs._mirror.take(_offer(REGISTRY, liar, province=SHANGHAI))
            reader = nodes[province].logs.reader
            await until(
                lambda r=reader: r.position(REGISTRY).quorum_size == 5, what="a false quorum"
            )
            assert not is_forked(nodes, province)
        nodes.network.heal(JIANGSU, ZHEJIANG)
        for province in (JIANGSU, ZHEJIANG):
            await until(lambda p=province: is_forked(nodes, p), what=f"{province} knows")
            (row,) = [
                row
                for row in await nodes[province].database.read(
                    lambda c: list_evidence(c, [REGISTRY], after_id=0, limit=9)
                )
                if row.contradiction is not None
            ][:1]
            # Who signed both stands in the evidence.
            witness = anhui.verifier
            for note in (row.held_note, row.shown_note):
                assert witness.name.encode() in note


def _offer(log: LogName, liar: LyingAuthor, *, province: str) -> Offer:
    return Offer(
        log=log, size=liar.checkpoint.size, note=liar.note, is_asked=True, province=province
    )


async def test_a_settlement_fork_is_told_to_members_that_do_not_hold_it(tmp_path: Path) -> None:
    """They verify the two signatures, keep both sides, and show them to their own auditor."""
    log = LogName.settlement(SHANGHAI, JIANGSU)
    async with FourNodes.open(tmp_path) as nodes:
        await nodes.confirmed()
        author = nodes[SHANGHAI]
        await author.append(log, [record("S1", home=JIANGSU, host=SHANGHAI)])
        await nodes[JIANGSU].has_quorum(log, 1)
        liar = LyingAuthor(log, [b"another"])
        await show(nodes, JIANGSU, SHANGHAI, checkpoints=[liar.checkpoint])
        await until(lambda: is_forked(nodes, JIANGSU, log), what="Jiangsu knows")

        for province in (ZHEJIANG, ANHUI):
            await until(
                lambda p=province: nodes[p].database.read_now(
                    lambda c: list_evidence(c, [log], after_id=0, limit=9)
                ),
                what=f"{province} keeps it",
            )
            service = nodes[province].logs.service
            for role, is_told in (("auditor", True), ("system", True), ("clerk", False)):
                caller = principal(province, role=role)
                call = Call(caller=caller, method="/x/L", now=nodes.clock.now())
                answer = await service.list_evidence(pb.ListEvidenceRequest(), call)
                found = [row for row in answer.evidence if row.log == str(log)]
                assert bool(found) is is_told
                for row in found:
                    keys = log_signer(log).verifier
                    held = SignedCheckpoint.from_bytes(row.held_note, keys).checkpoint
                    shown = SignedCheckpoint.from_bytes(row.shown_note, keys).checkpoint
                    assert (held.size, held.root != shown.root) == (shown.size, True)
            # A partner's node is not told of a log that is none of its business.
            call = nodes.network.call(SHANGHAI if province == ANHUI else ANHUI, "list_evidence")
            answer = await service.list_evidence(pb.ListEvidenceRequest(), call)
            assert [row.log for row in answer.evidence] == []


@pytest.mark.parametrize(
    "kind", ["other key", "one note", "no contradiction", "junk", "long", "many"]
)
async def test_a_false_announcement_marks_nothing(tmp_path: Path, kind: str) -> None:
    """A partner's word alone is no proof: the log stays good, and nothing breaks."""
    async with FourNodes.open(tmp_path) as nodes:
        datas = await spread(nodes, 4)
        true = LyingAuthor(REGISTRY, datas)
        shorter = LyingAuthor(REGISTRY, datas[:2])
        stranger = type(log_signer(REGISTRY))(name=str(REGISTRY), seed=b"x" * 32)
        forged = SignedCheckpoint.sign(
            Checkpoint(origin=str(REGISTRY), size=4, root=b"r" * 32), stranger
        ).to_bytes()
        name = str(REGISTRY)
        proof = {
            "other key": pb.ForkProof(
                log=name, first_note=true.note, second_note=forged, root=b"r" * 32
            ),
            "one note": pb.ForkProof(
                log=name, first_note=true.note, second_note=true.note, root=b"r" * 32
            ),
            "no contradiction": pb.ForkProof(
                log=name, first_note=shorter.note, second_note=true.note, root=b"r" * 32
            ),
            "junk": pb.ForkProof(log="junk", first_note=b"\xff", second_note=b"", root=b"r"),
            "long": pb.ForkProof(log=name, first_note=b"x" * 70_000, second_note=true.note),
            "many": pb.ForkProof(
                log=name,
                first_note=shorter.note,
                second_note=true.note,
                root=b"r" * 32,
                hashes=[b"h" * 32] * 1_000,
            ),
        }[kind]
        await show(nodes, JIANGSU, ANHUI, forks=[proof])
        await show(nodes, JIANGSU, ANHUI, forks=[pb.ForkProof(log=name)] * 3)
        with pytest.raises(DeltacareError, match="forks"):
            await show(nodes, JIANGSU, ANHUI, forks=[proof] * 65)
        assert not is_forked(nodes, JIANGSU)
        await nodes[SHANGHAI].append(REGISTRY, [institution("310000-9")])
        await nodes[JIANGSU].has_quorum(REGISTRY, 5)


async def test_false_announcements_do_not_flood_the_log(
    tmp_path: Path, quiet: list[dict[str, object]]
) -> None:
    """A partner with thousands of forged proofs gets one line a minute, which says how many."""
    async with FourNodes.open(tmp_path) as nodes:
        await nodes.confirmed()

        async def flood(by: str, exchange: int) -> None:
            forks = [pb.ForkProof(log="x", first_note=b"%d-%d" % (exchange, n)) for n in range(64)]
            await show(nodes, JIANGSU, by, forks=forks)

        def told(by: str) -> list[object]:
            rows = [row for row in quiet if row["event"] == "fork_not_proven"]
            return [row["count"] for row in rows if row["shown_by"] == by]

        for exchange in range(10):
            await flood(ANHUI, exchange)
        assert [64] == told(ANHUI)
        await flood(ZHEJIANG, 10)
        assert [64] == told(ZHEJIANG), "another partner has a line of its own"
        nodes.clock.advance(timedelta(seconds=60))
        await flood(ANHUI, 11)
        assert [64, 10 * 64] == told(ANHUI), "what was left out is counted in the next line"
        await flood(ANHUI, 11)
        nodes.clock.advance(timedelta(seconds=60))
        await flood(ANHUI, 11)
        assert [64, 10 * 64] == told(ANHUI), "nothing new is nothing to tell"


async def test_a_node_restored_from_last_week_forks_nothing(tmp_path: Path) -> None:
    """With every log and both roles: it takes back, nobody is alarmed, and all goes on."""
    async with FourNodes.open(tmp_path) as nodes:
        await spread(nodes, 3)
        node = nodes[SHANGHAI]
        logs = [LogName.settlement(SHANGHAI, p) for p in HONEST]
        for log in logs:
            await node.append(log, [record("S1", home=log.partner, host=SHANGHAI)])
            await node.has_quorum(log, 1)
        await node.stop()
        path = Path(node.url.removeprefix("sqlite:///"))
        shutil.copy(path, tmp_path / "last-week.db")
        await node.start()
        await node.confirmed()
        # A week of writing, of mirroring and of cosigning.
        for day in range(7):
            await node.append(REGISTRY, [institution(f"310000-1{day}")])
            for log in logs:
                await node.append(log, [record(f"D{day}", home=log.partner, host=SHANGHAI)])
            for province in HONEST:
                other = LogName.registry(province)
                await nodes[province].append(other, [institution(f"{province}-{day}")])
        for province in HONEST:
            await nodes[province].has_quorum(REGISTRY, 10)
            await node.has_quorum(LogName.registry(province), 7)
        for log in logs:
            await node.has_quorum(log, 8)
        roots = await _roots(node)
        await node.stop()
        _restore(path, tmp_path / "last-week.db")
        await node.start()
        await node.confirmed()
        for log, (size, _) in roots.items():
            await node.holds(log, size)
        assert await _roots(node) == roots
        assert await node.append(REGISTRY, [institution("310000-99")]) == 10
        for log in logs:
            assert await node.append(log, [record("S9", home=log.partner, host=SHANGHAI)]) == 8
        for province in PROVINCES:
            await nodes[province].has_quorum(REGISTRY, 11)
        _no_evidence(nodes)


def _restore(path: Path, copy: Path) -> None:
    """Put an old copy of a stopped node's database back."""
    for suffix in ("-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    shutil.copy(copy, path)


def _no_evidence(nodes: FourNodes) -> None:
    """No node was shown anything that contradicts a log."""
    for node in nodes.nodes.values():
        health = node.logs.health()
        rows = [*health.own, *(row for p in health.partners for row in p.logs)]
        assert [row.log for row in rows if row.evidence_count] == []


async def _roots(node: Node) -> dict[LogName, tuple[int, bytes]]:
    """Return size and root of every log that is shared."""
    held = [log for log in node.logs._store.held if log.kind.value != "audit"]
    sizes = {log: node.logs.reader.position(log).size for log in held}
    return await node.database.read(
        lambda c: {log: (sizes[log], node.logs.reader.root(c, log, sizes[log])) for log in held}
    )
