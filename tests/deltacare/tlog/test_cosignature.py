"""Cosignatures: what is signed, by whom, and when."""

from datetime import UTC, datetime, timedelta

import pytest

from deltacare.errors import PeerFault, Reason
from deltacare.keys import NoteSignature
from deltacare.tlog.checkpoint import Checkpoint, SignedCheckpoint
from deltacare.tlog.cosignature import (
    cosign,
    cosigned_message,
    verify_cosignature,
    verify_cosignatures,
)
from tests.deltacare.builders import NOW, log_signer, witness_signer

NAME = "deltacare/310000/registry"
CHECKPOINT = Checkpoint(origin=NAME, size=7, root=bytes(range(32)))
SIGNED = SignedCheckpoint.sign(CHECKPOINT, log_signer(NAME))
JIANGSU = witness_signer("320000")
ZHEJIANG = witness_signer("330000")


def test_the_message_of_the_specification() -> None:
    """The example of https://c2sp.org/tlog-cosignature, "Ed25519 signed message"."""
    text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    expected = (
        "cosignature/v1\n"
        "time 1679315147\n"
        "example.com/behind-the-sofa\n"
        "20852163\n"
        "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    )
    assert expected.encode() == cosigned_message(text, 1_679_315_147)


def test_a_cosignature_states_its_time() -> None:
    """The time is rounded down to the second, stands in front and is covered."""
    line = cosign(CHECKPOINT, JIANGSU, time=NOW + timedelta(milliseconds=999))
    assert int(NOW.timestamp()).to_bytes(8, "big") == line.signature[:8]
    assert NOW == verify_cosignature(CHECKPOINT, line, JIANGSU.verifier).time
    later = (int(NOW.timestamp()) + 1).to_bytes(8, "big")
    forged = NoteSignature(name=line.name, key_id=line.key_id, signature=later + line.signature[8:])
    with pytest.raises(PeerFault):
        verify_cosignature(CHECKPOINT, forged, JIANGSU.verifier)


def test_known_witnesses_are_found_on_a_checkpoint() -> None:
    """Cosignatures come back in the order of the keys; strangers are ignored."""
    signed = SIGNED.with_signatures(
        [cosign(CHECKPOINT, witness, time=NOW) for witness in (JIANGSU, ZHEJIANG)]
    )
    signed = SignedCheckpoint.from_bytes(signed.to_bytes(), log_signer(NAME).verifier)
    keys = [ZHEJIANG.verifier, witness_signer("340000").verifier, JIANGSU.verifier]
    assert [ZHEJIANG.verifier, JIANGSU.verifier] == [
        c.key for c in verify_cosignatures(signed, keys)
    ]
    assert () == verify_cosignatures(SIGNED, keys)


def test_a_cosignature_is_of_one_checkpoint() -> None:
    """The same size with another root, or another log, is not what was seen."""
    line = cosign(CHECKPOINT, JIANGSU, time=NOW)
    for other in (
        Checkpoint(origin=NAME, size=7, root=bytes(32)),
        Checkpoint(origin=NAME, size=8, root=CHECKPOINT.root),
        Checkpoint(origin="deltacare/340000/registry", size=7, root=CHECKPOINT.root),
    ):
        with pytest.raises(PeerFault) as caught:
            verify_cosignature(other, line, JIANGSU.verifier)
        assert Reason.BAD_SIGNATURE is caught.value.reason


def test_a_false_line_of_a_known_witness_refuses_the_checkpoint() -> None:
    """A line that claims to be a witness's must be."""
    key = JIANGSU.verifier
    for body in (bytes(72), bytes(64), bytes(8), bytes(73)):
        signed = SIGNED.with_signatures(
            [NoteSignature(name=key.name, key_id=key.key_id, signature=body)]
        )
        with pytest.raises(PeerFault):
            verify_cosignatures(signed, [key])


def test_another_witness_is_not_taken_for_one() -> None:
    """Name and key id must both fit."""
    line = cosign(CHECKPOINT, ZHEJIANG, time=NOW)
    with pytest.raises(PeerFault, match="not in the name"):
        verify_cosignature(CHECKPOINT, line, JIANGSU.verifier)


def test_an_impossible_time_is_refused() -> None:
    """A correctly signed timestamp that no calendar holds is a partner's fault, not a crash."""
    stamp = 2**62
    key = JIANGSU.verifier
    body = stamp.to_bytes(8, "big") + JIANGSU.sign(cosigned_message(CHECKPOINT.to_text(), stamp))
    line = NoteSignature(name=key.name, key_id=key.key_id, signature=body)
    with pytest.raises(PeerFault, match="impossible time"):
        verify_cosignature(CHECKPOINT, line, key)


def test_the_epoch_is_no_time() -> None:
    """A witness without a clock does not cosign."""
    with pytest.raises(AssertionError):
        cosign(CHECKPOINT, JIANGSU, time=datetime(1970, 1, 1, tzinfo=UTC))
