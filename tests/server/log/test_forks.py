"""Authors that lie: caught by whoever sees it, with both signed checkpoints kept."""

from dataclasses import replace
from pathlib import Path

import pytest

from deltacare.errors import Reason, Refusal, Unavailable
from deltacare.ids import LogName
from deltacare.tlog.checkpoint import Checkpoint, SignedCheckpoint
from deltacare.v1 import log_service_pb2 as pb
from tests.support.federation import log_signer
from tests.support.liars import LyingAuthor
from tests.support.nodes import FAST, FourNodes, institution, until

SHANGHAI, JIANGSU, ZHEJIANG, ANHUI = "310000", "320000", "330000", "340000"
REGISTRY = LogName.registry(SHANGHAI)


async def replace_author(nodes: FourNodes, liar: LyingAuthor) -> None:
    """Take the author down and let a liar answer in its place."""
    await nodes[SHANGHAI].stop()
    nodes.network.services[SHANGHAI] = liar


async def evidence(nodes: FourNodes, province: str) -> list[pb.Evidence]:
    """Return what a node keeps, as a partner is shown it."""
    call = nodes.network.call(ANHUI if province != ANHUI else ZHEJIANG, "list_evidence")
    service = nodes[province].logs.service
    return list((await service.list_evidence(pb.ListEvidenceRequest(), call)).evidence)


async def true_entries(nodes: FourNodes, count: int) -> list[bytes]:
    """Append to the author's log, wait until all hold it, and return the bytes."""
    await nodes.confirmed()
    entries = [institution(f"310000-{n}") for n in range(count)]
    await nodes[SHANGHAI].append(REGISTRY, entries)
    for node in nodes.nodes.values():
        await node.holds(REGISTRY, count)
        await node.has_quorum(REGISTRY, count)
    node = nodes[SHANGHAI]
    return list(await node.database.read(lambda c: node.logs.reader.entries(c, REGISTRY, 0, count)))


def is_forked(nodes: FourNodes, province: str) -> bool:
    """Whether a node knows of two histories."""
    return nodes[province].logs.reader.position(REGISTRY).forked


@pytest.mark.parametrize("size", [3, 5, 9], ids=["shorter", "as long", "longer"])
async def test_a_forked_author_is_caught(
    tmp_path: Path, size: int, quiet: list[dict[str, object]]
) -> None:
    """Whatever the length of the other history, it is refused and proven, and nodes go on."""
    async with FourNodes.open(tmp_path) as nodes:
        datas = await true_entries(nodes, 5)
        lie = [b"another first entry", *datas[1:], *datas][:size]
        liar = LyingAuthor(REGISTRY, lie)
        await replace_author(nodes, liar)
        for province in (JIANGSU, ZHEJIANG, ANHUI):
            await until(lambda p=province: is_forked(nodes, p), what=f"{province} sees the fork")
            assert nodes[province].logs.reader.position(REGISTRY).size == 5
            (found,) = [row for row in await evidence(nodes, province) if row.reason == "FORK"][:1]
            held = SignedCheckpoint.from_bytes(
                found.held_note, nodes.trust.log_keys(REGISTRY)[0].key
            )
            shown = SignedCheckpoint.from_bytes(
                found.shown_note, nodes.trust.log_keys(REGISTRY)[0].key
            )
            # Another partner may have been faster: its proof names the smaller checkpoint first.
            sizes = (5, size) if found.shown_by == SHANGHAI else tuple(sorted((5, size)))
            assert (held.checkpoint.size, shown.checkpoint.size) == sizes
        assert "log_contradicted" in {row["event"] for row in quiet}
        # They go on serving, and writing logs of their own.
        other = LogName.registry(JIANGSU)
        await nodes[JIANGSU].append(other, [institution("320000-1")])
        await nodes[ZHEJIANG].holds(other, 1)


async def test_a_split_view_is_caught_by_gossip(tmp_path: Path) -> None:
    """An author that shows one history to one partner and another to the next is found out."""
    async with FourNodes.open(tmp_path) as nodes:
        datas = await true_entries(nodes, 4)
        nodes.network.isolate(ZHEJIANG)
        liar = LyingAuthor(REGISTRY, [*datas, b"what only Zhejiang is shown"])
        await nodes[SHANGHAI].append(REGISTRY, [institution("310000-9")])
        await nodes[JIANGSU].holds(REGISTRY, 5)
        await replace_author(nodes, liar)
        for province in (JIANGSU, ANHUI):
            nodes.network.cut(SHANGHAI, province)
        nodes.network.heal(SHANGHAI, ZHEJIANG)
        await nodes[ZHEJIANG].holds(REGISTRY, 5)
        assert not is_forked(nodes, ZHEJIANG)
        nodes.network.heal(ZHEJIANG, JIANGSU)
        for province in (ZHEJIANG, JIANGSU):
            await until(lambda p=province: is_forked(nodes, p), what=f"{province} is alarmed")


async def test_a_longer_lie_from_a_relay_is_proven_not_believed(tmp_path: Path) -> None:
    """When a partner relays a longer forked history, the fork is judged from its beginning."""
    async with FourNodes.open(tmp_path) as nodes:
        datas = await true_entries(nodes, 4)
        await nodes[SHANGHAI].stop()
        lie = LyingAuthor(REGISTRY, [datas[0], b"another second entry", *datas])
        await nodes[ZHEJIANG].stop()
        nodes.network.services[ZHEJIANG] = lie
        await until(lambda: is_forked(nodes, JIANGSU), what="the relayed fork is proven")
        kept = await evidence(nodes, JIANGSU)
        everywhere = [*kept, *await evidence(nodes, ANHUI)]
    assert {"FORK"} == {found.reason for found in kept}
    # Anhui may have judged it too, and told Jiangsu; but one of them was shown the lie itself.
    shown_by = [found.shown_by for found in kept]
    assert len(shown_by) == len({*shown_by} & {ZHEJIANG, ANHUI})
    assert ZHEJIANG in {found.shown_by for found in everywhere}


async def test_a_bad_copy_is_not_called_a_fork(tmp_path: Path) -> None:
    """Entries that do not hash to the checkpoint say nothing about its author."""
    async with FourNodes.open(tmp_path) as nodes:
        datas = await true_entries(nodes, 4)
        liar = LyingAuthor(REGISTRY, [*datas, b"one more"], garbled=True)
        await replace_author(nodes, liar)
        held = nodes[JIANGSU].logs.health
        await until(
            lambda: any(row.evidence_count for p in held().partners for row in p.logs),
            what="the bad copy is reported",
        )
        (found,) = await evidence(nodes, JIANGSU)
        assert found.reason == "BAD_PROOF"
        assert not is_forked(nodes, JIANGSU)
        assert nodes[JIANGSU].logs.reader.position(REGISTRY).size == 4


async def test_a_note_by_another_key_is_kept_as_evidence(tmp_path: Path) -> None:
    """A checkpoint that the log's key did not sign is refused and kept."""
    async with FourNodes.open(tmp_path) as nodes:
        datas = await true_entries(nodes, 2)
        liar = LyingAuthor(REGISTRY, [*datas, b"one more"])
        stranger = replace(log_signer(REGISTRY), seed=b"x" * 32)
        checkpoint = Checkpoint(origin=str(REGISTRY), size=3, root=b"r" * 32)
        liar.note = SignedCheckpoint.sign(checkpoint, stranger).to_bytes()
        await replace_author(nodes, liar)
        held = nodes[JIANGSU].logs.health
        await until(
            lambda: any(row.evidence_count for p in held().partners for row in p.logs),
            what="the forged note is reported",
        )
        (found,) = await evidence(nodes, JIANGSU)
    assert (found.reason, found.shown_by) == ("BAD_SIGNATURE", SHANGHAI)


async def test_a_node_that_forked_itself_stays_read_only(tmp_path: Path) -> None:
    """An operator made it write over a lost history: partners prove it, it writes no more."""
    async with FourNodes.open(tmp_path) as nodes:
        await true_entries(nodes, 5)
        author = nodes[SHANGHAI]
        await author.stop()
        for path in tmp_path.glob(f"{SHANGHAI}.db*"):  # noqa: ASYNC240 - a test may block
            path.unlink()
        nodes.network.isolate(SHANGHAI)
        for other in (JIANGSU, ZHEJIANG, ANHUI):
            nodes.network.cut(SHANGHAI, other)
        await author.start(write_unconfirmed=True)
        for n in range(7):
            await author.append(REGISTRY, [institution(f"310000-9{n}")])
        for other in (JIANGSU, ZHEJIANG, ANHUI):
            nodes.network.heal(SHANGHAI, other)
        await until(lambda: is_forked(nodes, SHANGHAI), what="it learns of its fork")
        await until(lambda: is_forked(nodes, JIANGSU), what="a partner proves the fork")
        with pytest.raises(Unavailable) as caught:
            await author.append(REGISTRY, [institution("310000-8")])
        assert caught.value.reason is Reason.LOG_NOT_CONFIRMED
        other = LogName.settlement(SHANGHAI, JIANGSU)
        assert author.logs.reader.position(other).forked is False


async def test_a_cosignature_of_another_history_is_refused(tmp_path: Path) -> None:
    """An author that is handed a cosignature of what it never signed keeps the evidence."""
    async with FourNodes.open(tmp_path, settings=FAST) as nodes:
        await true_entries(nodes, 3)
        lie = LyingAuthor(REGISTRY, [b"a", b"b"])
        call = nodes.network.call(JIANGSU, "add_cosignature")
        request = pb.AddCosignatureRequest(log=str(REGISTRY), note=lie.note)
        with pytest.raises(Refusal) as caught:
            await nodes[SHANGHAI].logs.service.add_cosignature(request, call)
    assert caught.value.reason is Reason.BAD_SIGNATURE
