"""What strangers and liars send: refused by name or left alone, and nothing breaks or leaks."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from deltacare.errors import DeltacareError, Reason, Refusal
from deltacare.ids import LogName
from deltacare.keys import NoteSignature, WitnessSigner
from deltacare.tlog.checkpoint import Checkpoint, SignedCheckpoint
from deltacare.tlog.cosignature import cosign
from deltacare.tlog.note import SignedNote, sign_note
from deltacare.tlog.tree import root_of
from deltacare.v1 import log_service_pb2 as pb
from server.edge.call import Call
from server.log import tables
from server.log.offers import Offer
from tests.support.federation import PROVINCES, log_signer, make_keys
from tests.support.liars import LyingAuthor
from tests.support.nodes import FourNodes, Node, institution, until

SHANGHAI, JIANGSU, ZHEJIANG, ANHUI = PROVINCES
REGISTRY = LogName.registry(SHANGHAI)


class Recorder(LyingAuthor):
    """A liar that keeps the cosignatures it is handed."""

    def __init__(self, datas: Sequence[bytes]) -> None:
        super().__init__(REGISTRY, datas, takes_cosignatures=True)
        self.handed: list[bytes] = []

    async def add_cosignature(
        self, request: pb.AddCosignatureRequest, _call: Call
    ) -> pb.AddCosignatureResponse:
        """Keep what is handed over."""
        self.handed.append(request.note)
        return pb.AddCosignatureResponse()


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """One of two histories, whoever serves it."""

    datas: Sequence[bytes]
    server: str

    def offer(self, size: int) -> Offer:
        """Return a checkpoint of it that asks to be cosigned."""
        checkpoint = Checkpoint(origin=str(REGISTRY), size=size, root=root_of(self.datas[:size]))
        note = SignedCheckpoint.sign(checkpoint, log_signer(REGISTRY)).to_bytes()
        return Offer(log=REGISTRY, size=size, note=note, is_asked=True, province=self.server)


async def test_two_replicas_cosign_one_history(tmp_path: Path, database_url: str) -> None:
    """Many tasks at two replicas of a witness are asked for two histories at once."""
    count = 12
    histories = [
        History(datas=[b"%s %d" % (name, n) for n in range(count)], server=server)
        for name, server in ((b"one", SHANGHAI), (b"another", JIANGSU))
    ]
    urls = {ANHUI: database_url}
    nodes = FourNodes(tmp_path, urls=urls)
    twin = FourNodes(tmp_path, urls=urls)[ANHUI]
    twin._network = nodes.network
    replicas = (nodes[ANHUI], twin)
    servers = {history.server: Recorder(history.datas) for history in histories}
    try:
        for replica in replicas:
            await replica.start()
            for partner in (JIANGSU, ZHEJIANG):
                replica.logs._confirmations.confirm(REGISTRY, partner)
        nodes.network.services.update(servers)
        offers = [history.offer(size) for size in range(1, count + 1) for history in histories]
        await asyncio.gather(
            *(
                replicas[(n + shift) % 2].logs._mirror.take(offer)
                for n, offer in enumerate(offers)
                for shift in (0, 1)
            )
        )
        rows = tables.cosignatures.c
        signed = await replicas[0].database.read(
            lambda c: c.execute(
                tables.checkpoints.select()
                .join(
                    tables.cosignatures,
                    (tables.checkpoints.c.log_id == rows.log_id)
                    & (tables.checkpoints.c.size == rows.size),
                )
                .where(rows.witness == f"deltacare/{ANHUI}/witness")
            ).all()
        )
        roots = {
            (name, size): root_of(history.datas[:size])
            for name, history in enumerate(histories)
            for size in range(1, count + 1)
        }
        found = set()
        handed = [note for server in servers.values() for note in server.handed]
        for note in [*(bytes(row.note) for row in signed), *handed]:
            checkpoint = Checkpoint.from_text(SignedNote.from_bytes(note).text)
            if checkpoint.size:
                found |= {
                    name for name in (0, 1) if roots[name, checkpoint.size] == checkpoint.root
                }
        assert len(found) == 1, "exactly one history carries the witness's name"
        await until(
            lambda: all(r.logs.reader.position(REGISTRY).forked for r in replicas), what="the fork"
        )
    finally:
        for node in (twin, *nodes.nodes.values()):
            await node.stop()


async def ready(nodes: FourNodes) -> tuple[Node, list[bytes]]:
    """Write three entries and return a partner that holds them, and their bytes."""
    await nodes.confirmed()
    await nodes[SHANGHAI].append(REGISTRY, [institution(f"310000-{n}") for n in range(3)])
    node = nodes[JIANGSU]
    await node.has_quorum(REGISTRY, 3)
    await nodes[SHANGHAI].has_quorum(REGISTRY, 3)
    return node, await node.database.read(
        lambda c: list(node.logs.reader.entries(c, REGISTRY, 0, 3))
    )


def note_of(log: LogName, size: int, root: bytes, signer: object = None) -> bytes:
    """Return a checkpoint signed in any log's name by any key."""
    text = Checkpoint(origin=str(log), size=size, root=root).to_text()
    line = sign_note(text, signer or log_signer(log))  # type: ignore[arg-type]  # a test's own
    return SignedNote(text=text, signatures=(line,)).to_bytes()


def junk_lines(count: int) -> tuple[NoteSignature, ...]:
    """Return signature lines by keys that nobody knows."""
    return tuple(
        NoteSignature(name=f"stranger-{n}", key_id=n.to_bytes(4, "big"), signature=b"s" * 64)
        for n in range(count)
    )


async def test_hostile_checkpoints_change_nothing(tmp_path: Path) -> None:
    """Whatever is shown, what is held stays, and only a true contradiction marks the log."""
    async with FourNodes.open(tmp_path) as nodes:
        node, datas = await ready(nodes)
        foreign = log_signer(LogName.registry(ANHUI))
        true = note_of(REGISTRY, 3, root_of(datas))
        parsed = SignedNote.from_bytes(true)
        thousand = true + b"".join(line.to_line().encode() for line in junk_lines(1_000))
        cases = {
            "a partner's key for another's log": note_of(REGISTRY, 9, b"r" * 32, foreign),
            "a thousand signatures": thousand,
            "cut off": true[:-5],
            "not UTF-8": b"\xff" + true,
            "another base64": true.replace(b"=\n", b"\n", 1),
            "no note at all": b"",
            "a huge size": note_of(REGISTRY, 2**63 - 1, b"r" * 32),
            "two lines by the log": replace(
                parsed, signatures=(*parsed.signatures, *parsed.signatures)
            ).to_bytes(),
            "another log's text": note_of(LogName.registry(ANHUI), 3, b"r" * 32),
        }
        for case, note in cases.items():
            offer = Offer(log=REGISTRY, size=9, note=note, is_asked=True, province=SHANGHAI)
            outcome = await node.logs._mirror.take(offer)
            assert outcome.name in ("REFUSED", "FAILED"), case
        position = node.logs.reader.position(REGISTRY)
        assert (position.size, position.quorum_size, position.forked) == (3, 3, False)
        # Within the limits strangers' lines are ignored, and not kept.
        noisy = replace(parsed, signatures=(*parsed.signatures, *junk_lines(90))).to_bytes()
        offer = Offer(log=REGISTRY, size=3, note=noisy, is_asked=False, province=ANHUI)
        assert (await node.logs._mirror.take(offer)).name == "HELD"
        request = pb.GetCheckpointRequest(log=str(REGISTRY))
        call = nodes.network.call(ANHUI, "get_checkpoint")
        kept = await node.logs.service.get_checkpoint(request, call)
        assert b"stranger" not in kept.note
        # It is written on, and goes on.
        await nodes[SHANGHAI].append(REGISTRY, [institution("310000-9")])
        await node.has_quorum(REGISTRY, 4)


async def test_hostile_cosignatures_are_refused_by_name(tmp_path: Path) -> None:
    """The author tells a partner what is wrong, and nothing else."""
    async with FourNodes.open(tmp_path) as nodes:
        _, datas = await ready(nodes)
        author = nodes[SHANGHAI]
        checkpoint = Checkpoint(origin=str(REGISTRY), size=3, root=root_of(datas))
        signed = SignedCheckpoint.sign(checkpoint, log_signer(REGISTRY))
        now = nodes.clock.now()
        own = make_keys(ANHUI).witness
        other = make_keys(ZHEJIANG).witness
        stranger = WitnessSigner(name=own.name, seed=b"x" * 32)
        future = cosign(checkpoint, own, time=now + timedelta(minutes=6))
        good, others, false = (cosign(checkpoint, k, time=now) for k in (own, other, stranger))
        broken = replace(good, signature=good.signature[:-1] + b"\0")
        lie = LyingAuthor(REGISTRY, [b"a", b"b", b"c"])
        lied = SignedCheckpoint.from_bytes(lie.note, log_signer(REGISTRY).verifier)
        cases: list[tuple[str, bytes, Reason]] = [
            ("no cosignature", signed.to_bytes(), Reason.BAD_SIGNATURE),
            ("a time to come", _with(signed, future), Reason.BAD_SIGNATURE),
            ("broken", _with(signed, broken), Reason.BAD_SIGNATURE),
            ("twice", _with(signed, good, good), Reason.BAD_SIGNATURE),
            ("another's", _with(signed, others), Reason.BAD_SIGNATURE),
            (
                "a stranger",
                _with(signed, false),
                Reason.BAD_SIGNATURE,
            ),
            ("not signed by the log", _with_only(signed, good), Reason.BAD_SIGNATURE),
            ("junk", b"\xff\x00", Reason.BAD_SIGNATURE),
            ("too long", b"x" * 70_000, Reason.INVALID_FIELD),
            (
                "of another history",
                _with(lied, cosign(lied.checkpoint, own, time=now)),
                Reason.FORK,
            ),
        ]
        call = nodes.network.call(ANHUI, "add_cosignature")
        for case, note, reason in cases:
            with pytest.raises(DeltacareError) as caught:
                await author.logs.service.add_cosignature(
                    pb.AddCosignatureRequest(log=str(REGISTRY), note=note), call
                )
            assert caught.value.reason is reason, case
            assert isinstance(caught.value, Refusal), case
            for secret in ("Traceback", "SELECT", "seed"):
                assert secret not in caught.value.message


async def test_truncated_and_oversized_proofs_are_called_bad(tmp_path: Path) -> None:
    """Entries whose proofs do not lead to the checkpoint are not stored, and are no fork."""

    class Mangler(LyingAuthor):
        """Serves the true entries with other proofs."""

        def __init__(self, datas: Sequence[bytes], hashes: list[bytes]) -> None:
            super().__init__(REGISTRY, datas)
            self._hashes = hashes

        async def read_entries(self, request, call):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202 - as inherited
            async for message in super().read_entries(request, call):
                half = len(message.entries) // 2
                del message.entries[half:]
                message.ClearField("consistency_proof")
                message.consistency_proof.extend(self._hashes)
                yield message

    for hashes in ([], [b"h" * 32] * 100, [b"short"], [b""] * 3):
        directory = tmp_path / str(len(hashes))
        directory.mkdir(exist_ok=True)
        async with FourNodes.open(directory) as nodes:
            node, datas = await ready(nodes)
            longer = Mangler([*datas, *(b"%d" % n for n in range(8))], hashes)
            nodes.network.services[SHANGHAI] = longer
            offer = Offer(log=REGISTRY, size=11, note=longer.note, is_asked=True, province=SHANGHAI)
            outcome = await node.logs._mirror.take(offer)
            assert outcome.name == "REFUSED"
            position = node.logs.reader.position(REGISTRY)
            assert (position.size, position.forked) == (3, False)


def _with(signed: SignedCheckpoint, *lines: NoteSignature) -> bytes:
    note = signed.note
    return replace(note, signatures=(*note.signatures, *lines)).to_bytes()


def _with_only(signed: SignedCheckpoint, line: NoteSignature) -> bytes:
    return replace(signed.note, signatures=(line,)).to_bytes()
