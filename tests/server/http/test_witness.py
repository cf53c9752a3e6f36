"""The witness's open door: every answer of tlog-witness, and never two histories of one log."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from deltacare.ids import LogName
from deltacare.tlog.checkpoint import SignedCheckpoint
from deltacare.tlog.cosignature import Cosignature, verify_cosignature
from deltacare.tlog.note import SignedNote, only_signature
from deltacare.tlog.submission import Submission, origin_hash
from server.log import tables
from server.log.evidence import EvidenceRow, Wrong, list_evidence
from server.log.offers import Offer
from server.log.store import Head
from tests.support.federation import log_signer, make_keys
from tests.support.http import Door, History, Reply, open_door
from tests.support.nodes import FourNodes, Node, institution, until

AUTHOR, WITNESS = "310000", "320000"
LOG = LogName.registry(AUTHOR)


@asynccontextmanager
async def witness(directory: Path) -> AsyncIterator[tuple[FourNodes, Door]]:
    """Bring the federation up with an open door at one node whose witness is settled."""
    async with FourNodes.open(directory) as nodes, open_door(nodes[WITNESS]) as door:
        await nodes.confirmed()
        await door.settled(LOG)
        yield nodes, door


async def head_of(node: Node, log: LogName = LOG) -> Head:
    """Return the stored head of a log."""
    store = node.logs._store
    return await node.database.read(lambda c: store.head(c, log))


async def evidence_of(node: Node) -> list[EvidenceRow]:
    """Return what is kept as evidence about the log."""
    return await node.database.read(lambda c: list_evidence(c, [LOG], after_id=0, limit=100))


def cosignature(reply: Reply, note: bytes, province: str = WITNESS) -> Cosignature:
    """Return the cosignature of an answer, verified as a client does: line behind checkpoint."""
    assert reply.status == 200, reply.body
    whole = SignedNote.from_bytes(note + reply.body)
    signed = SignedCheckpoint.from_bytes(note, log_signer(LOG).verifier)
    key = make_keys(province).witness.verifier
    line = only_signature(whole, key)
    assert line is not None
    return verify_cosignature(signed.checkpoint, line, key)


async def test_first_next_and_same(tmp_path: Path) -> None:
    """A log is cosigned from nothing, further by proof, and again at the same size."""
    history = History.of(LOG, 40)
    async with witness(tmp_path) as (nodes, door):
        now = nodes.clock.now().replace(microsecond=0)
        for old, size in ((0, 7), (7, 8), (8, 8), (8, 40)):
            submission = history.submission(size, old_size=old)
            reply = await door.post(submission.to_bytes())
            assert now == cosignature(reply, submission.note).time
            assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"
        head = await head_of(nodes[WITNESS])
    assert (40, history.root(40)) == (head.cosigned_size, head.cosigned_root)


async def test_an_empty_log_is_cosigned(tmp_path: Path) -> None:
    """Size zero is a checkpoint like any other, and the next one starts from it."""
    history = History.of(LOG, 3)
    async with witness(tmp_path) as (_, door):
        for size in (0, 3):
            submission = history.submission(size)
            cosignature(await door.post(submission.to_bytes()), submission.note)


async def test_what_was_cosigned_is_served(tmp_path: Path) -> None:
    """Under the hash of the origin, with the signatures of the log and of this witness."""
    history = History.of(LOG, 9)
    path = f"/witness/{origin_hash(str(LOG))}/checkpoint"
    async with witness(tmp_path) as (_, door):
        # The author has its empty log cosigned when it starts, or will have.
        before = await door.get(path)
        assert before.status == 404 or b"\n0\n" in before.body
        submission = history.submission(9)
        line = (await door.post(submission.to_bytes())).body
        reply = await door.get(path)
        assert (200, submission.note + line) == (reply.status, reply.body)
        assert "public, max-age=1" == reply.headers["Cache-Control"]
        assert 404 == (await door.get(f"/witness/{'0' * 64}/checkpoint")).status


async def test_a_conflict_states_the_size(tmp_path: Path) -> None:
    """409 with text/x.tlog.size: another old size, or the same size with another root."""
    history, other = History.of(LOG, 9), History.of(LOG, 9, label="other")
    async with witness(tmp_path) as (_, door):
        replies = [await door.post(history.submission(9, old_size=4).to_bytes())]
        await door.post(history.submission(5).to_bytes())
        replies += [
            await door.post(history.submission(9).to_bytes()),
            await door.post(history.submission(9, old_size=4).to_bytes()),
            await door.post(history.submission(3).to_bytes()),
            await door.post(other.submission(5, old_size=5).to_bytes()),
        ]
    assert [409] * 5 == [reply.status for reply in replies]
    assert [b"0\n", *[b"5\n"] * 4] == [reply.body for reply in replies]
    assert {"text/x.tlog.size"} == {reply.headers["Content-Type"] for reply in replies}


async def test_unknown_logs(tmp_path: Path) -> None:
    """404: strangers, the witness's own log, settlement and audit logs, and what is no name."""
    names = [
        LogName.registry(WITNESS),
        LogName.settlement(AUTHOR, WITNESS),
        LogName.audit(AUTHOR),
        LogName.audit(WITNESS),
        LogName.registry("110000"),
    ]
    async with witness(tmp_path) as (_, door):
        for name in names:
            reply = await door.post(History.of(name, 2).submission(2).to_bytes())
            assert 404 == reply.status, name
        note = History.of(LOG, 2).note(2).replace(str(LOG).encode(), b"example.com/log")
        assert 404 == (await door.post(Submission.of(note).to_bytes())).status


async def test_who_has_not_signed(tmp_path: Path) -> None:
    """403: another log's key, a signature that was altered, none in the log's name."""
    foreign = History(LOG, [b"x"], signer=log_signer(LogName.registry("330000")))
    note = History.of(LOG, 1).note(1)
    head, _, line = note.rpartition(b" ")
    data = bytearray(base64.b64decode(line.strip()))
    data[-1] ^= 1
    altered = head + b" " + base64.b64encode(bytes(data)) + b"\n"
    async with witness(tmp_path) as (nodes, door):
        with pytest.raises(AssertionError):
            foreign.note(1)  # our own code refuses to sign another log's name
        renamed = note.replace(b"\xe2\x80\x94 " + str(LOG).encode(), b"\xe2\x80\x94 someone")
        for wrong in (altered, renamed):
            assert 403 == (await door.post(Submission.of(wrong).to_bytes())).status
        assert not (await head_of(nodes[WITNESS])).cosigned_size


async def test_proofs_that_do_not_verify(tmp_path: Path) -> None:
    """422: none, too many, another's; a proof from nothing; and no evidence of anything."""
    history = History.of(LOG, 20)
    async with witness(tmp_path) as (nodes, door):
        wrong = Submission.of(history.note(5), proof=[bytes(32)])
        assert 422 == (await door.post(wrong.to_bytes())).status
        await door.post(history.submission(5).to_bytes())
        right = history.submission(20, old_size=5).proof
        for proof in ((), right[:-1], (*right, bytes(32)), (bytes(32), *right[1:])):
            wrong = Submission.of(history.note(20), old_size=5, proof=proof)
            assert 422 == (await door.post(wrong.to_bytes())).status
        wrong = Submission.of(history.note(5), old_size=5, proof=[bytes(32)])
        assert 422 == (await door.post(wrong.to_bytes())).status
        assert 5 == (await head_of(nodes[WITNESS])).cosigned_size
        assert [] == await evidence_of(nodes[WITNESS])


async def test_an_empty_tree_has_one_root(tmp_path: Path) -> None:
    """422 for a signed size of zero with a root that the empty tree does not have."""
    text = f"{LOG}\n0\n{base64.b64encode(bytes(32)).decode()}\n"
    line = _sign(text)
    async with witness(tmp_path) as (_, door):
        assert 422 == (await door.post(f"old 0\n\n{text}\n{line}".encode())).status


def _sign(text: str) -> str:
    """Return a signature line of the log over any text."""
    key = log_signer(LOG)
    blob = base64.b64encode(key.verifier.key_id + key.sign(text.encode())).decode()
    return f"— {LOG} {blob}\n"


async def test_two_histories_at_once(tmp_path: Path) -> None:
    """Fifty requests of two histories at the same time: one history carries this name."""
    histories = [History.of(LOG, 80), History.of(LOG, 80, label="other")]
    sizes = [(number % 2, 10 + number) for number in range(50)]
    bodies = [histories[which].submission(size).to_bytes() for which, size in sizes]
    async with witness(tmp_path) as (nodes, door):
        replies = await asyncio.gather(*(door.post(body) for body in bodies))
        cosigned = [s for s, r in zip(sizes, replies, strict=True) if r.status == 200]
        assert {200, 409} == {reply.status for reply in replies}
        ((winner, floor),) = cosigned
        assert {b"%d\n" % floor} == {reply.body for reply in replies if reply.status == 409}
        # And further from there: the other history never comes back, with its best proof.
        further = [(number % 2, 61 + number // 2) for number in range(20)]
        replies = await asyncio.gather(
            *(door.post(histories[w].submission(s, old_size=floor).to_bytes()) for w, s in further)
        )
        assert {winner} == {
            which for (which, _), r in zip(further, replies, strict=True) if r.status == 200
        }
        head = await head_of(nodes[WITNESS])
        assert head.cosigned_size is not None
        assert head.cosigned_size > floor
        assert histories[winner].root(head.cosigned_size) == head.cosigned_root


@pytest.mark.postgres
async def test_two_replicas_have_one_floor(tmp_path: Path, postgres_url: str) -> None:
    """Two processes' worth of one node over one database: the row's lock decides."""
    histories = [History.of(LOG, 9), History.of(LOG, 9, label="other")]
    async with FourNodes.open(tmp_path, urls={WITNESS: postgres_url}) as nodes:
        second = FourNodes(tmp_path, urls={WITNESS: postgres_url})
        second.network.services.update(nodes.network.services)
        twin = second[WITNESS]
        await twin.start()
        try:
            async with open_door(nodes[WITNESS]) as one, open_door(twin) as two:
                await asyncio.gather(one.settled(LOG), two.settled(LOG))
                bodies = [h.submission(9).to_bytes() for h in histories]
                replies = await asyncio.gather(
                    *((one, two)[n // 2 % 2].post(bodies[n % 2]) for n in range(40))
                )
                cosigned = {n % 2 for n, reply in enumerate(replies) if reply.status == 200}
        finally:
            await twin.stop()
    assert 1 == len(cosigned)


async def test_the_mirror_shares_the_floor(tmp_path: Path) -> None:
    """What was cosigned here binds the mirror; a true history beside it is proof of a fork."""
    forged = History.of(LOG, 3, label="forged")
    async with witness(tmp_path) as (nodes, door):
        reply = await door.post(forged.submission(3).to_bytes())
        cosignature(reply, forged.note(3))
        await nodes[AUTHOR].append(LOG, [institution(f"310000-{n}") for n in range(5)])
        node = nodes[WITNESS]
        await node.holds(LOG, 5)
        await until(lambda: node.logs.reader.position(LOG).forked, what="the fork is known")
        row = next(row for row in await evidence_of(node) if row.wrong is Wrong.FORK)
        assert forged.note(3) + reply.body == row.held_note
        shown = SignedCheckpoint.from_bytes(row.shown_note, log_signer(LOG).verifier)
        assert (5, AUTHOR) == (shown.checkpoint.size, row.shown_by)
        # Neither history is vouched for any more, by any way.
        assert 422 == (await door.post(forged.submission(3, old_size=3).to_bytes())).status
        newest = await node.database.read(
            lambda c: node.logs._checkpoints.newest_by(c, LOG, WITNESS)
        )
        assert newest is None or newest.size == 0


async def test_the_mirrors_floor_binds_here(tmp_path: Path) -> None:
    """What is held cannot be gone round; a signed contradiction is kept once, with both sides."""
    async with witness(tmp_path) as (nodes, door):
        await nodes[AUTHOR].append(LOG, [institution(f"310000-{n}") for n in range(4)])
        node = nodes[WITNESS]
        await node.has_quorum(LOG, 4)
        read = node.logs.reader.entries
        datas = await node.database.read(lambda c: read(c, LOG, 0, 4))
        true = History(LOG, [*datas, b"next"])
        # 1. True checkpoints: the held one again, and one ahead of it.
        assert b"4\n" == (await door.post(true.submission(5).to_bytes())).body
        submission = true.submission(4, old_size=4)
        cosignature(await door.post(submission.to_bytes()), submission.note)
        # 2. Another history of the same size, of a smaller one, and one that only claims to grow.
        forged = History.of(LOG, 6, label="forged")
        assert 409 == (await door.post(forged.submission(4, old_size=4).to_bytes())).status
        assert 422 == (await door.post(forged.submission(6, old_size=4).to_bytes())).status
        assert 422 == (await door.post(true.submission(5, old_size=4).to_bytes())).status
        row = (await evidence_of(node))[0]
        assert ("FORK", "http", forged.note(4)) == (row.wrong.value, row.shown_by, row.shown_note)
        held = SignedCheckpoint.from_bytes(row.held_note, log_signer(LOG).verifier)
        assert (4, true.root(4)) == (held.checkpoint.size, held.checkpoint.root)
        assert 422 == (await door.post(forged.submission(4, old_size=4).to_bytes())).status
        assert 1 == sum(row.shown_by == "http" for row in await evidence_of(node))


async def test_two_checkpoints_ahead_of_the_entries(tmp_path: Path) -> None:
    """Two signed roots of one size are a fork although no entry is held."""
    one, two = History.of(LOG, 6), History.of(LOG, 6, label="other")
    async with witness(tmp_path) as (nodes, door):
        line = (await door.post(one.submission(6).to_bytes())).body
        reply = await door.post(two.submission(6, old_size=6).to_bytes())
        assert (409, b"6\n") == (reply.status, reply.body)
        row = (await evidence_of(nodes[WITNESS]))[0]
        assert (one.note(6) + line, two.note(6)) == (row.held_note, row.shown_note)
        assert 422 == (await door.post(one.submission(6, old_size=6).to_bytes())).status


async def test_the_mirror_is_told(tmp_path: Path) -> None:
    """What is ahead of the entries goes to the mirror, to be fetched, or judged if not proven."""
    history = History.of(LOG, 9)
    async with witness(tmp_path) as (nodes, door):
        offers: list[Offer] = []
        nodes[WITNESS].logs.submissions._offer = offers.append
        await door.post(history.submission(4).to_bytes())
        await door.post(Submission.of(history.note(9), old_size=4).to_bytes())
        await door.post(history.submission(8, old_size=3).to_bytes())
    assert [(4, AUTHOR, False), (9, AUTHOR, False)] == [
        (offer.size, offer.province, offer.is_asked) for offer in offers
    ]


async def test_a_witness_that_may_have_forgotten_waits(tmp_path: Path) -> None:
    """503 with Retry-After until enough partners said what it cosigned before it started."""
    async with FourNodes.solo(tmp_path, WITNESS) as node, open_door(node) as door:
        reply = await door.post(History.of(LOG, 2).submission(2).to_bytes())
        assert (503, "5") == (reply.status, reply.headers["Retry-After"])
        assert (await head_of(node)).cosigned_size is None


async def test_a_repetition_is_not_signed_again(tmp_path: Path) -> None:
    """The same request again within seconds gets the same line; later it gets a new one."""
    history = History.of(LOG, 4)
    again = history.submission(4, old_size=4)
    async with witness(tmp_path) as (nodes, door):
        first = await door.post(history.submission(4).to_bytes())
        nodes.clock.advance(timedelta(seconds=5))
        assert first.body == (await door.post(again.to_bytes())).body
        now = nodes.clock.advance(timedelta(seconds=10)).replace(microsecond=0)
        assert now == cosignature(await door.post(again.to_bytes()), again.note).time


HOSTILE: list[tuple[str, bytes]] = [
    ("nothing", b""),
    ("no empty line", b"old 0\nx"),
    ("no old line", b"\n\n" + History.of(LOG, 1).note(1)),
    ("leading zero", b"old 01\n\n" + History.of(LOG, 1).note(1)),
    ("negative", b"old -1\n\n" + History.of(LOG, 1).note(1)),
    ("arabic digits", "old ١\n\n".encode() + History.of(LOG, 1).note(1)),
    ("beyond 2^63", b"old 9223372036854775808\n\n" + History.of(LOG, 1).note(1)),
    ("digits without end", b"old " + b"9" * 5_000 + b"\n\n" + History.of(LOG, 1).note(1)),
    ("old beyond size", b"old 2\n\n" + History.of(LOG, 1).note(1)),
    ("carriage returns", b"old 0\r\n\r\n" + History.of(LOG, 1).note(1)),
    ("short hash", b"old 0\nAAAA\n\n" + History.of(LOG, 1).note(1)),
    (
        "stray bits",
        b"old 0\n" + b"A" * 42 + b"B=\n\n" + History.of(LOG, 1).note(1),
    ),
    (
        "64 hashes",
        b"old 0\n"
        + (base64.b64encode(bytes(32)) + b"\n") * 64
        + b"\n"
        + History.of(LOG, 1).note(1),
    ),
    (
        "a thousand signatures",
        b"old 0\n\n" + History.of(LOG, 1).note(1) + b"\xe2\x80\x94 x AAAAAAAA\n" * 1_000,
    ),
    ("not UTF-8", b"old 0\n\n" + History.of(LOG, 1).note(1) + b"\xff"),
    ("cut off", b"old 0\n\n" + History.of(LOG, 1).note(1)[:-1]),
    ("no signature", b"old 0\n\n" + History.of(LOG, 1).note(1).partition(b"\n\n")[0] + b"\n"),
]


async def test_hostile_bodies(tmp_path: Path) -> None:
    """400 for each, in one line of text that says what is wrong; the node goes on."""
    async with witness(tmp_path) as (nodes, door):
        for name, body in HOSTILE:
            reply = await door.post(body)
            assert 400 == reply.status, (name, reply)
            assert 1 == reply.body.count(b"\n"), name
            assert len(reply.body) < 400, name
        signed = f"{LOG}\n1\n{base64.b64encode(bytes(32)).decode()}\nextension\n"
        reply = await door.post(f"old 0\n\n{signed}\n{_sign(signed)}".encode())
        assert 400 == reply.status
        assert not (await head_of(nodes[WITNESS])).cosigned_size
        cosignature(
            await door.post(History.of(LOG, 1).submission(1).to_bytes()), History.of(LOG, 1).note(1)
        )


async def test_entries_ahead_of_any_checkpoint_bind_too(tmp_path: Path) -> None:
    """While the mirror catches up, what it holds already contradicts another history."""
    async with witness(tmp_path) as (nodes, door):
        await nodes[AUTHOR].append(LOG, [institution(f"310000-{n}") for n in range(4)])
        node = nodes[WITNESS]
        await node.has_quorum(LOG, 4)
        unsigned = {
            "head_size": 0,
            "head_note": None,
            "cosigned_size": None,
            "cosigned_root": None,
        }
        rows = tables.logs
        await node.database.write(
            lambda c: c.execute(update(rows).where(rows.c.name == str(LOG)).values(**unsigned))
        )
        forged = History.of(LOG, 4, label="forged")
        # 422; or 409, if the author has asked again meanwhile and the checkpoint is back.
        assert (await door.post(forged.submission(4).to_bytes())).status in {409, 422}
        row = next(row for row in await evidence_of(node) if row.wrong is Wrong.FORK)
        assert forged.note(4) == row.shown_note
