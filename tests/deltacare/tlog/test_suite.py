"""The second suite on checkpoints: ignored by who does not ask, demanded by who does."""

from dataclasses import replace
from datetime import timedelta

import pytest

from deltacare.errors import PeerFault, Reason, Refusal
from deltacare.keys import NoteSignature
from deltacare.sm2 import Sm2Signer, Sm2Use
from deltacare.tlog.checkpoint import SignedCheckpoint
from deltacare.tlog.cosignature import verify_cosignatures
from deltacare.tlog.note import SignedNote, verify_note
from deltacare.tlog.policy import Policy, Sm2Policy
from deltacare.tlog.receipt import verify_receipt_by_policy
from deltacare.tlog.suite import (
    cosign_sm2,
    require_sm2,
    sign_checkpoint_sm2,
    verify_cosignature_sm2,
)
from tests.deltacare.builders import NOW, log_signer
from tests.deltacare.sm2_support import LOG, WITNESSES, Shown, shown, sm2_signer

SHOWN = shown()
NOTE = SHOWN.checkpoint.note


def _sm2_lines(evidence: Shown = SHOWN) -> list[NoteSignature]:
    """Return the SM2 lines of a checkpoint: the log's, then the witnesses'."""
    keys = (*evidence.sm2.logs, *evidence.sm2.witnesses.values())
    return [line for key in keys for line in NOTE.signatures if key.matches(line)]


def _with(line: NoteSignature, *, dropping: NoteSignature | None = None) -> SignedNote:
    """Return the note with a line in place of another of its kind, or beside it."""
    rows = [row for row in NOTE.signatures if row is not dropping]
    return SignedNote(text=NOTE.text, signatures=(*rows, line))


def _without(*lines: NoteSignature) -> SignedNote:
    """Return the note without some lines."""
    rows = tuple(row for row in NOTE.signatures if row not in lines)
    return SignedNote(text=NOTE.text, signatures=rows)


def test_who_does_not_ask_passes_over_it() -> None:
    """The first suite gives the same answers with the SM2 lines as without."""
    lines = _sm2_lines()
    assert 3 == len(lines)
    data, plain = NOTE.to_bytes(), _without(*lines).to_bytes()
    assert 3 == len(SignedNote.from_bytes(plain).signatures)
    (log_key,) = SHOWN.policy.logs
    keys = tuple(SHOWN.policy.witnesses.values())
    for each in (data, plain):
        assert (log_key,) == verify_note(SignedNote.from_bytes(each), [log_key])
        signed = SignedCheckpoint.from_bytes(each, log_key)
        assert 2 == len(verify_cosignatures(signed, keys))
    # An SM2 line that does not verify disturbs nobody either.
    broken = replace(lines[0], signature=bytes(64))
    note = _with(broken, dropping=lines[0])
    assert (log_key,) == verify_note(SignedNote.from_bytes(note.to_bytes()), [log_key])


def test_sm2_lines_alone_do_not_suffice() -> None:
    """The second suite stands beside the first, never in its place."""
    note = SignedNote(text=NOTE.text, signatures=tuple(_sm2_lines()))
    require_sm2(note, SHOWN.sm2)
    with pytest.raises(PeerFault, match="No known key"):
        SignedCheckpoint.from_bytes(note.to_bytes(), SHOWN.policy.logs[0])


def test_a_demand_that_is_met() -> None:
    """Which key signed, who saw it, and when."""
    evidence = require_sm2(NOTE, SHOWN.sm2)
    assert SHOWN.checkpoint.checkpoint == evidence.checkpoint
    assert SHOWN.sm2.logs[0] == evidence.log_key
    assert [(name, NOW) for name in WITNESSES] == [
        (c.key.name, c.time) for c in evidence.cosignatures
    ]


def test_a_receipt_under_a_policy_that_demands_it() -> None:
    """The receipt of a log that signs in both suites passes; without the lines it does not."""
    args = (SHOWN.receipt, SHOWN.entry, SHOWN.policy)
    assert verify_receipt_by_policy(*args).sm2 is None
    verified = verify_receipt_by_policy(*args, sm2=SHOWN.sm2)
    assert verified.sm2 is not None
    assert verified.checkpoint == verified.sm2.checkpoint
    plain = SHOWN.receipt.replace(NOTE.to_bytes(), _without(*_sm2_lines()).to_bytes())
    assert plain != SHOWN.receipt
    verify_receipt_by_policy(plain, SHOWN.entry, SHOWN.policy)
    with pytest.raises(PeerFault, match="SM2"):
        verify_receipt_by_policy(plain, SHOWN.entry, SHOWN.policy, sm2=SHOWN.sm2)


def _reason(note: SignedNote, policy: Sm2Policy = SHOWN.sm2) -> Reason:
    with pytest.raises(PeerFault) as caught:
        require_sm2(note, policy)
    return caught.value.reason


def test_a_missing_line_is_told() -> None:
    """The log's is a missing signature, a witness's a missing cosignature."""
    log, first, second = _sm2_lines()
    assert Reason.BAD_SIGNATURE is _reason(_without(log))
    assert Reason.NO_QUORUM is _reason(_without(first))
    assert Reason.NO_QUORUM is _reason(_without(first, second))
    one = Sm2Policy.of(logs=SHOWN.sm2.logs, witnesses=SHOWN.sm2.witnesses.values(), quorum=1)
    assert 1 == len(require_sm2(_without(first), one).cosignatures)


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_line_in_a_known_name_must_verify(which: int) -> None:
    """Each altered byte of it, a cut, and a second line in the name refuse the note."""
    line = _sm2_lines()[which]
    for at in range(len(line.signature)):
        changed = bytearray(line.signature)
        changed[at] ^= 0x80
        note = _with(replace(line, signature=bytes(changed)), dropping=line)
        assert Reason.BAD_SIGNATURE is _reason(note)
    for other in (line.signature[:-1], line.signature + b"\x00"):
        note = _with(replace(line, signature=other), dropping=line)
        assert Reason.BAD_SIGNATURE is _reason(note)
    assert Reason.BAD_SIGNATURE is _reason(_with(line))


def test_keys_over_time() -> None:
    """A key that the policy does not name is passed over; of several it names, one is enough."""
    newer = Sm2Signer(name=LOG, use=Sm2Use.NOTE, seed=b"\x01" * 32)
    line = sign_checkpoint_sm2(SHOWN.checkpoint.checkpoint, newer)
    assert require_sm2(NOTE, SHOWN.sm2) == require_sm2(_with(line), SHOWN.sm2)
    both = replace(SHOWN.sm2, logs=(newer.verifier, *SHOWN.sm2.logs))
    assert SHOWN.sm2.logs[0] == require_sm2(NOTE, both).log_key
    assert newer.verifier == require_sm2(_with(line, dropping=_sm2_lines()[0]), both).log_key


def test_another_logs_key_is_not_enough() -> None:
    """A key that the policy trusts for another log vouches for that one only."""
    other = sm2_signer("deltacare/320000/registry")
    line = NoteSignature(
        name=other.name,
        key_id=other.verifier.key_id,
        signature=other.sign(NOTE.text.encode()),
    )
    policy = replace(SHOWN.sm2, logs=(other.verifier,))
    assert Reason.BAD_SIGNATURE is _reason(_with(line), policy)


def test_what_is_no_checkpoint_is_refused() -> None:
    """A text that the log's SM2 key did sign, with a fourth line."""
    signer = sm2_signer(LOG)
    text = NOTE.text + "more\n"
    line = NoteSignature(
        name=LOG, key_id=signer.verifier.key_id, signature=signer.sign(text.encode())
    )
    note = SignedNote(text=text, signatures=(line,))
    assert Reason.BAD_SIGNATURE is _reason(
        note, replace(SHOWN.sm2, witnesses={}, groups={}, quorum="none")
    )


def test_a_refusal_does_not_repeat_a_text_of_any_length() -> None:
    """Of the first line of a stranger's note it tells as much as a key's name may have."""
    note = SignedNote(text="x" * 60_000 + "\n", signatures=NOTE.signatures)
    with pytest.raises(PeerFault) as caught:
        require_sm2(note, SHOWN.sm2)
    assert "x" * 255 == caught.value.details["log"]


def test_a_witness_states_its_time() -> None:
    """The time is part of what is signed."""
    head = SHOWN.checkpoint.checkpoint
    signer = sm2_signer(WITNESSES[0], Sm2Use.COSIGNATURE)
    line = cosign_sm2(head, signer, time=NOW)
    assert NOW == verify_cosignature_sm2(head, line, signer.verifier).time
    later = int((NOW + timedelta(seconds=1)).timestamp()).to_bytes(8, "big")
    moved = replace(line, signature=later + line.signature[8:])
    with pytest.raises(PeerFault):
        verify_cosignature_sm2(head, moved, signer.verifier)
    grown = replace(head, size=head.size + 1)
    with pytest.raises(PeerFault):
        verify_cosignature_sm2(grown, line, signer.verifier)
    other = sm2_signer(WITNESSES[1], Sm2Use.COSIGNATURE)
    with pytest.raises(PeerFault, match="not in the name"):
        verify_cosignature_sm2(head, line, other.verifier)


def test_an_impossible_time_is_refused() -> None:
    """A witness that signs the year 292 billion is refused like one that did not sign."""
    head = SHOWN.checkpoint.checkpoint
    signer = sm2_signer(WITNESSES[0], Sm2Use.COSIGNATURE)
    seconds = 2**63 - 1
    signature = signer.sign(f"cosignature/v1\ntime {seconds}\n{head.to_text()}".encode())
    line = NoteSignature(
        name=signer.name,
        key_id=signer.verifier.key_id,
        signature=seconds.to_bytes(8, "big") + signature,
    )
    with pytest.raises(PeerFault, match="impossible time"):
        verify_cosignature_sm2(head, line, signer.verifier)


def test_uses_are_not_mixed() -> None:
    """A log's key cosigns nothing, a witness's signs no log, and nobody signs for another."""
    head = SHOWN.checkpoint.checkpoint
    witness = sm2_signer(WITNESSES[0], Sm2Use.COSIGNATURE)
    with pytest.raises(AssertionError):
        cosign_sm2(head, sm2_signer(LOG), time=NOW)
    with pytest.raises(AssertionError):
        sign_checkpoint_sm2(head, witness)
    with pytest.raises(AssertionError):
        sign_checkpoint_sm2(replace(head, origin="deltacare/320000/registry"), sm2_signer(LOG))


def test_a_policy_of_the_suite_reads_back() -> None:
    """The grammar of tlog-policy, with keys of type 0xff and nothing else."""
    text = SHOWN.sm2.to_text()
    assert SHOWN.sm2 == Sm2Policy.from_bytes(text.encode())
    assert "quorum quorum-group\n" in text


@pytest.mark.parametrize(
    "wrong",
    [
        f"log {log_signer(LOG).verifier.to_text()}\nquorum none\n",
        f"log {sm2_signer(LOG, Sm2Use.COSIGNATURE).verifier.to_text()}\nquorum none\n",
        f"witness w {sm2_signer(LOG).verifier.to_text()}\nquorum w\n",
        f"witness w {sm2_signer(LOG, Sm2Use.APPROVAL).verifier.to_text()}\nquorum w\n",
        f"log {sm2_signer(LOG).verifier.to_text()}\n",
    ],
)
def test_a_policy_takes_keys_of_the_right_use_only(wrong: str) -> None:
    """Keys of the other suite or use, and a missing quorum, are refused by line."""
    with pytest.raises(Refusal, match="policy"):
        Sm2Policy.from_bytes(wrong.encode())


def test_the_two_policies_are_not_taken_for_each_other() -> None:
    """A file of one suite is refused where the other is read."""
    with pytest.raises(Refusal, match="policy line 1"):
        Policy.from_bytes(SHOWN.sm2.to_text().encode())
    with pytest.raises(Refusal, match="policy line 1"):
        Sm2Policy.from_bytes(SHOWN.policy.to_text().encode())
