"""The second suite in four log rooms: off unless stated, beside the first, kept and handed on."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import structlog

from deltacare.errors import PeerFault, Reason, Refusal
from deltacare.ids import LogName
from deltacare.keys import NoteSignature
from deltacare.sm2 import Sm2Signer, Sm2VerifierKey
from deltacare.tlog.checkpoint import Checkpoint
from deltacare.tlog.cosignature import cosign
from deltacare.tlog.note import SignedNote
from deltacare.tlog.receipt import Receipt, verify_receipt_by_policy
from deltacare.tlog.suite import cosign_sm2, require_sm2
from deltacare.trust import Federation, SuiteTerm, log_policy, sm2_policy, witness_key_name
from deltacare.v1 import log_service_pb2 as pb
from server.log.signing import Signing
from tests.server.log.test_rotation import reader_of, receipt
from tests.support.federation import PROVINCES, make_trust
from tests.support.nodes import FourNodes, Node, institution, record
from tests.support.rotating import KeyRing, MovableTrust
from tests.support.suite import (
    sm2_signer,
    sm2_signers,
    sm2_witness,
    with_suite_keys,
    with_suite_terms,
)

SHANGHAI, JIANGSU, ZHEJIANG, ANHUI = PROVINCES
REGISTRY = LogName.registry(SHANGHAI)


class Suited:
    """Four nodes of which some sign with SM2 as well.

    Attributes:
        nodes: the nodes.
        trust: what the members state; another can be put in its place.
        rings: the keys held.
    """

    def __init__(self, nodes: FourNodes, trust: MovableTrust, rings: dict[str, KeyRing]) -> None:
        self.nodes = nodes
        self.trust = trust
        self.rings = rings

    @classmethod
    @asynccontextmanager
    async def open(
        cls, directory: Path, *, stated: Iterable[str] = (), held: Iterable[str] = ()
    ) -> AsyncIterator["Suited"]:
        """Bring the nodes up, every log confirmed.

        Args:
            directory: of the databases.
            stated: members whose keys of the suite are stated.
            held: members that hold them.
        """
        trust = MovableTrust(with_suite_keys(make_trust(), stated))
        rings = {province: KeyRing(province) for province in PROVINCES}
        for province in held:
            hold(rings[province], sm2_signers(province))
        async with FourNodes.open(directory, trust=trust, signers=rings.__getitem__) as nodes:
            await nodes.confirmed()
            yield cls(nodes, trust, rings)

    def state(self, federation: Federation) -> None:
        """State another federation, as the next version."""
        self.trust.current = replace(federation, version=self.trust.current.version + 1)


def hold(ring: KeyRing, signers: Iterable[Sm2Signer]) -> None:
    """Install keys."""
    for signer in signers:
        ring.add(signer)


async def newest(node: Node, log: LogName = REGISTRY) -> SignedNote:
    """Return the newest checkpoint that a node shows."""
    request = pb.GetCheckpointRequest(log=str(log))
    found = await node.logs.service.get_checkpoint(request, reader_of(node))
    return SignedNote.from_bytes(found.note)


def sm2_lines(note: SignedNote, keys: Iterable[Sm2VerifierKey]) -> list[NoteSignature]:
    """Return the lines of some keys."""
    return [line for line in note.signatures if any(key.matches(line) for key in keys)]


async def until_signed(node: Node, keys: Sequence[Sm2VerifierKey], log: LogName = REGISTRY) -> None:
    """Wait until a node's newest checkpoint carries a line of each key."""
    loop = asyncio.get_running_loop()
    end_s = loop.time() + 60
    lines: list[NoteSignature] = []
    while True:
        # Before its first one a node has no newest checkpoint.
        with suppress(Refusal):
            lines = sm2_lines(await newest(node, log), keys)
        if len(lines) == len(keys):
            return
        assert loop.time() < end_s, f"{len(lines)} of {len(keys)} lines"
        await asyncio.sleep(0.02)


def keys_of(author: LogName, *witnesses: str) -> list[Sm2VerifierKey]:
    """Return the keys of a log and of some witnesses."""
    log = sm2_signer(str(author)).verifier
    return [log, *(sm2_witness(province).verifier for province in witnesses)]


async def test_a_receipt_carries_the_lines_of_author_and_witnesses(tmp_path: Path) -> None:
    """Who does not know the suite passes over them; who demands it finds them, altered or not."""
    async with Suited.open(tmp_path, stated=PROVINCES, held=PROVINCES) as found:
        nodes, trust = found.nodes, found.trust.current
        assert 0 == await nodes[SHANGHAI].append(REGISTRY, [institution("310000-1")])
        keys = keys_of(REGISTRY, JIANGSU, ZHEJIANG, ANHUI)
        for node in nodes.nodes.values():
            await until_signed(node, keys)
            got = await receipt(node, REGISTRY, 0)
            # 1. The first suite, as if the lines were not there.
            policy = log_policy(trust, REGISTRY)
            assert verify_receipt_by_policy(got.proof, got.entry, policy).sm2 is None
            # 2. The second.
            demand = sm2_policy(trust, REGISTRY)
            assert demand is not None
            shown = verify_receipt_by_policy(got.proof, got.entry, policy, sm2=demand).sm2
            assert shown is not None
            assert keys == [shown.log_key, *(each.key for each in shown.cosignatures)]
            # 3. A line that is missing or altered.
            note = SignedNote.from_bytes(Receipt.from_bytes(got.proof).checkpoint)
            for dropped, reason in ((keys[:1], Reason.BAD_SIGNATURE), (keys[2:], Reason.NO_QUORUM)):
                gone = sm2_lines(note, dropped)
                kept = tuple(line for line in note.signatures if line not in gone)
                with pytest.raises(PeerFault) as caught:
                    require_sm2(SignedNote(text=note.text, signatures=kept), demand)
                assert reason is caught.value.reason
            for line in sm2_lines(note, keys):
                altered = replace(
                    line, signature=line.signature[:-1] + bytes([line.signature[-1] ^ 1])
                )
                with pytest.raises(PeerFault) as caught:
                    require_sm2(note.with_signatures([altered]), demand)
                assert Reason.BAD_SIGNATURE is caught.value.reason


async def test_a_settlement_log_is_signed_by_both_sides(tmp_path: Path) -> None:
    """Two members that use the suite need nobody else for the logs between them."""
    async with Suited.open(tmp_path, stated=(SHANGHAI, ANHUI), held=(SHANGHAI, ANHUI)) as found:
        log = LogName.settlement(SHANGHAI, ANHUI)
        entry = record("S1", home=ANHUI, host=SHANGHAI)
        await found.nodes[SHANGHAI].append(log, [entry])
        for province in (SHANGHAI, ANHUI):
            await until_signed(found.nodes[province], keys_of(log, ANHUI), log)
        demand = sm2_policy(found.trust.current, log)
        assert demand is not None
        require_sm2(await newest(found.nodes[ANHUI], log), demand)
        # Its registry has a line of its own and of one witness: no quorum, and no such policy.
        assert sm2_policy(found.trust.current, REGISTRY) is None


async def test_it_is_off_unless_it_is_held_and_stated(tmp_path: Path) -> None:
    """A key that is only held, or only stated, signs nothing."""
    async with Suited.open(tmp_path, stated=(JIANGSU,), held=(SHANGHAI, ZHEJIANG)) as found:
        await found.nodes[SHANGHAI].append(REGISTRY, [institution("310000-1")])
        for node in found.nodes.nodes.values():
            await node.has_quorum(REGISTRY, 1)
        note = await newest(found.nodes[SHANGHAI])
        names = {str(REGISTRY), *(witness_key_name(province) for province in PROVINCES)}
        assert {line.name for line in note.signatures} <= names
        ids = {key.key_id for key in keys_of(REGISTRY, *PROVINCES)}
        assert not ids & {line.key_id for line in note.signatures}


async def test_it_is_switched_on_under_a_quiet_log(tmp_path: Path) -> None:
    """Once keys come into force the newest checkpoint is signed again, without a new entry."""
    async with Suited.open(tmp_path, held=PROVINCES) as found:
        nodes = found.nodes
        await nodes[SHANGHAI].append(REGISTRY, [institution("310000-1")])
        for node in nodes.nodes.values():
            await node.has_quorum(REGISTRY, 1)
        from_time = nodes.clock.now() + timedelta(minutes=10)
        found.state(with_suite_keys(found.trust.current, from_time=from_time))
        assert [] == sm2_lines(await newest(nodes[SHANGHAI]), keys_of(REGISTRY, *PROVINCES))
        nodes.clock.advance(timedelta(minutes=10))
        for node in nodes.nodes.values():
            await until_signed(node, keys_of(REGISTRY, JIANGSU, ZHEJIANG, ANHUI))


async def test_what_is_signed_again_does_not_hide_what_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log that grows while its last checkpoint is signed again is still asked for by its size."""
    async with Suited.open(tmp_path, held=PROVINCES) as found:
        nodes, author = found.nodes, found.nodes[SHANGHAI].logs._author
        is_begun, may_end, sign = asyncio.Event(), asyncio.Event(), author._signed_twice

        async def held_up(log: LogName, size: int, note: bytes) -> bytes:
            signed = await sign(log, size, note)
            if (log, size) == (REGISTRY, 0):
                is_begun.set()
                await may_end.wait()
            return signed

        monkeypatch.setattr(author, "_signed_twice", held_up)
        # 1. The suite comes into force: the empty log's checkpoint is being signed again.
        found.state(with_suite_keys(found.trust.current))
        await is_begun.wait()
        # 2. An entry comes, and only Jiangsu hears of it.
        for away in (ZHEJIANG, ANHUI):
            nodes.network.cut(SHANGHAI, away)
        await nodes[SHANGHAI].append(REGISTRY, [institution("310000-1")])
        await until_signed(nodes[SHANGHAI], keys_of(REGISTRY, JIANGSU))
        # 3. The others come back when the old checkpoint has been signed.
        may_end.set()
        for away in (ZHEJIANG, ANHUI):
            nodes.network.heal(SHANGHAI, away)
        for node in nodes.nodes.values():
            await until_signed(node, keys_of(REGISTRY, JIANGSU, ZHEJIANG, ANHUI))


async def test_a_node_without_a_key_keeps_and_relays_what_others_sign(tmp_path: Path) -> None:
    """Anhui cannot hear Shanghai, and gets the checkpoint with its lines from the others."""
    three = (SHANGHAI, JIANGSU, ZHEJIANG)
    async with Suited.open(tmp_path, stated=three, held=three) as found:
        nodes = found.nodes
        nodes.network.cut(SHANGHAI, ANHUI)
        await nodes[SHANGHAI].append(REGISTRY, [institution("310000-1")])
        await until_signed(nodes[ANHUI], keys_of(REGISTRY, JIANGSU, ZHEJIANG))


async def test_a_line_that_does_not_verify_is_left_out_loudly(tmp_path: Path) -> None:
    """The cosignature beside it counts all the same."""
    stated = (SHANGHAI, JIANGSU)
    async with Suited.open(tmp_path, stated=stated, held=(SHANGHAI,)) as found:
        nodes = found.nodes
        await nodes[SHANGHAI].append(REGISTRY, [institution("310000-1")])
        author = nodes[SHANGHAI]
        await author.has_quorum(REGISTRY, 1)
        await until_signed(author, keys_of(REGISTRY))
        note = await newest(author)
        now = nodes.clock.now() + timedelta(seconds=1)
        checkpoint = Checkpoint.from_text(note.text)
        good = cosign_sm2(checkpoint, sm2_witness(JIANGSU), time=now)
        bad = replace(good, signature=good.signature[:-1] + bytes([good.signature[-1] ^ 1]))
        plain = cosign(checkpoint, found.rings[JIANGSU].witness_signers[0], time=now)
        for line, kept in ((bad, 0), (good, 1)):
            shown = note.with_signatures([plain, line]).to_bytes()
            with structlog.testing.capture_logs() as logs:
                await author.logs._author.add_cosignature(REGISTRY, shown, JIANGSU)
            told = [each for each in logs if each["event"] == "suite_line_not_counted"]
            assert 1 - kept == len(told)
            after = await newest(author)
            assert kept == len(sm2_lines(after, [sm2_witness(JIANGSU).verifier]))
            assert plain in after.signatures


async def test_a_tainted_key_leaves_the_notes(tmp_path: Path) -> None:
    """Its lines stay behind, and the key that follows signs the same checkpoint."""
    async with Suited.open(tmp_path, stated=PROVINCES, held=PROVINCES) as found:
        nodes = found.nodes
        await nodes[SHANGHAI].append(REGISTRY, [institution("310000-1")])
        everybody = keys_of(REGISTRY, JIANGSU, ZHEJIANG, ANHUI)
        for node in nodes.nodes.values():
            await until_signed(node, everybody)
        now = nodes.clock.now()
        second = sm2_signer(str(REGISTRY), number=2)
        found.rings[SHANGHAI].add(second)
        terms = [
            replace(term, tainted_time=now) if term.key == everybody[0] else term
            for term in found.trust.current.member(SHANGHAI).suite_keys
        ]
        terms.append(SuiteTerm(key=second.verifier, from_time=now))
        found.state(with_suite_terms(found.trust.current, SHANGHAI, tuple(terms)))
        for node in nodes.nodes.values():
            await until_signed(node, [second.verifier, *everybody[1:]])
            assert [] == sm2_lines(await newest(node), everybody[:1])


def test_the_newest_key_in_force_signs() -> None:
    """Chosen as those of the first suite are; none, if none is held or in force."""
    federation = with_suite_keys(make_trust(), (SHANGHAI,))
    ring = KeyRing(SHANGHAI)
    signing = Signing(ring, federation, SHANGHAI)
    now = federation.issued_time
    assert signing.log_suite_signer(REGISTRY, now) is None
    hold(ring, sm2_signers(SHANGHAI))
    first, second = sm2_signer(str(REGISTRY)), sm2_signer(str(REGISTRY), number=2)
    assert first == signing.log_suite_signer(REGISTRY, now)
    assert sm2_witness(SHANGHAI) == signing.witness_suite_signer(now)
    terms = (*federation.member(SHANGHAI).suite_keys, SuiteTerm(key=second.verifier, from_time=now))
    signing = Signing(ring, with_suite_terms(federation, SHANGHAI, terms), SHANGHAI)
    assert first == signing.log_suite_signer(REGISTRY, now)
    ring.add(second)
    assert second == signing.log_suite_signer(REGISTRY, now)
    assert first == signing.log_suite_signer(REGISTRY, now - timedelta(seconds=1))
