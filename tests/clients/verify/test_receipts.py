"""Tests of receipts as a third person checks them: every altered byte is refused, with a reason."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from clients.verify.files import verify_file
from clients.verify.steps import Steps
from clients.verify.trusting import Trusting
from deltacare.errors import DeltacareError, PeerFault
from deltacare.evidence import Evidence, EvidenceKind, EvidenceReceipt
from deltacare.ids import LogName
from deltacare.keys import LogSigner, WitnessSigner
from deltacare.tlog.checkpoint import Checkpoint
from deltacare.tlog.cosignature import cosign
from deltacare.tlog.note import SignedNote, sign_note
from deltacare.tlog.policy import Policy
from deltacare.tlog.receipt import Receipt
from tests.clients.verify.altering import one_byte_off
from tests.clients.verify.conftest import Ask, refused
from tests.deltacare.builders import log_signer, seed, witness_signer
from tests.support.evidence import JS, NOW, SH, ZJ, Logs


def signed(receipt: EvidenceReceipt) -> SignedNote:
    """Return the checkpoint of a receipt."""
    return SignedNote.from_bytes(Receipt.from_bytes(receipt.proof).checkpoint)


def with_note(receipt: EvidenceReceipt, note: bytes) -> bytes:
    """Return the evidence file of a receipt under another checkpoint."""
    proof = replace(Receipt.from_bytes(receipt.proof), checkpoint=note).to_bytes()
    return Evidence(
        kind=EvidenceKind.RECEIPT, receipts=(EvidenceReceipt(proof=proof, entry=receipt.entry),)
    ).to_bytes()


def test_a_receipt_verifies(verify: Ask) -> None:
    """Each step says what it relied on: keys by name and id, witnesses with their times."""
    found, steps = verify(Logs().recognised().receipt_evidence(JS, 0).to_bytes())
    assert EvidenceKind.RECEIPT == found.kind
    assert [1, 2, 3, 4] == [step.number for step in steps]
    assert f"key deltacare/{JS}/registry (" in steps[0].lines[0]
    assert [
        (f"deltacare/{SH}/witness", "2026-11-22T08:00:00Z"),
        (f"deltacare/{ZJ}/witness", "2026-11-22T08:00:00Z"),
    ] == [(each["name"], each["time"]) for each in steps[1].facts["cosignatures"]]
    assert (0, 2) == (steps[2].facts["index"], steps[2].facts["size"])
    assert "Issues certificate 320000-C1" in steps[3].lines[0]


def test_every_altered_byte_of_a_receipt_file_is_refused(trusting: Trusting) -> None:
    """All positions, several kinds of change, in the one container."""
    data = Logs().recognised().receipt_evidence(JS, 1).to_bytes()

    def check(changed: bytes) -> None:
        receipt = Evidence.from_bytes(changed).receipts[0]
        trusting.receipt(receipt.proof, receipt.entry)

    check(data)
    count = 0
    for changed in one_byte_off(data, range(len(data))):
        with pytest.raises(PeerFault):
            check(changed)
        count += 1
    assert count > 8 * len(data)


def test_every_altered_byte_of_a_bare_receipt_is_refused(trusting: Trusting) -> None:
    """All positions of the tlog-proof text, and of the entry beside it."""
    receipt = Logs().recognised().receipt(JS, 1)
    for changed in one_byte_off(receipt.proof, range(len(receipt.proof))):
        with pytest.raises(PeerFault):
            trusting.receipt(changed, receipt.entry)
    for changed in one_byte_off(receipt.entry, range(len(receipt.entry))):
        with pytest.raises(PeerFault):
            trusting.receipt(receipt.proof, changed)


def test_a_policy_without_quorum_lets_no_altered_line_pass(tmp_path: Path) -> None:
    """Even where no cosignature is demanded, one that is there must be by a known key."""
    receipt = Logs().recognised().receipt(JS, 0)
    trusting = Trusting.read([Logs().write_policies(tmp_path, quorum=0)], now=NOW)
    assert 2 == len(trusting.receipt(receipt.proof, receipt.entry).seen.cosignatures)
    for changed in one_byte_off(receipt.proof, range(len(receipt.proof))):
        with pytest.raises(PeerFault):
            trusting.receipt(changed, receipt.entry)


def test_a_bare_receipt_is_read_with_its_entry_beside_it(
    tmp_path: Path, trusting: Trusting
) -> None:
    """``x.tlog-proof`` goes with ``x.entry``; without it the file cannot be read."""
    receipt = Logs().recognised().receipt(JS, 0)
    path = tmp_path / "x.tlog-proof"
    path.write_bytes(receipt.proof)
    with pytest.raises(FileNotFoundError):
        verify_file(path, trusting, Steps())
    path.with_suffix(".entry").write_bytes(receipt.entry)
    assert EvidenceKind.RECEIPT == verify_file(path, trusting, Steps()).kind


def test_cut_off_anywhere_it_is_refused(verify: Ask) -> None:
    """A truncated file is never taken, nor one of which too little is left to say what it was."""
    data = Logs().recognised().receipt_evidence(JS, 0).to_bytes()
    said = data.index(b"/v1")
    for end in range(0, len(data), 7):
        reason = "INVALID_FIELD: " if end < said else "BAD_PROOF: "
        assert refused(verify, data[:end]).startswith(reason)


def test_oversized_files_are_not_parsed(verify: Ask) -> None:
    """More than 16 MiB of anything is refused by its size."""
    assert "more than 16777216 bytes" in refused(verify, b"[" * (16 * 1024 * 1024 + 1))


def test_another_logs_key_is_refused(verify: Ask) -> None:
    """A partner's key cannot sign for this log: neither in its own name nor in the log's."""
    receipt = Logs().recognised().receipt(JS, 0)
    note = signed(receipt)
    own = str(LogName.registry(JS))
    impostor = LogSigner(name=own, seed=log_signer(str(LogName.registry(SH))).seed)
    for signer in (log_signer(str(LogName.registry(SH))), impostor):
        forged = SignedNote(
            text=note.text, signatures=(sign_note(note.text, signer), *note.signatures[1:])
        )
        assert refused(verify, with_note(receipt, forged.to_bytes())).startswith("BAD_SIGNATURE: ")


def test_an_unknown_witness_counts_for_nothing(verify: Ask, trusting: Trusting) -> None:
    """It fills no quorum; and unless the verifier ignores such lines, it is refused."""
    logs = Logs().recognised()
    one = logs.receipt(JS, 0, logs.checkpoint(JS, [SH]))
    note = signed(one)
    stranger = WitnessSigner(name="deltacare/990000/witness", seed=seed("stranger"))
    line = cosign(Checkpoint.from_text(note.text), stranger, time=NOW)
    short = with_note(one, note.with_signatures([line]).to_bytes())
    assert refused(verify, short).startswith("NO_QUORUM: ")
    full = logs.receipt(JS, 0)
    more = with_note(full, signed(full).with_signatures([line]).to_bytes())
    assert refused(verify, more).startswith("BAD_SIGNATURE: 1 signature lines")
    _, steps = verify(more, replace(trusting, allow_unknown=True))
    assert [{"name": "deltacare/990000/witness", "id": stranger.verifier.key_id.hex()}] == steps[
        1
    ].facts["ignored"]


def test_one_cosignature_short_is_refused(verify: Ask) -> None:
    """The reason names the log and how many there were."""
    logs = Logs().recognised()
    data = with_note(logs.receipt(JS, 0), logs.checkpoint(JS, [SH]))
    with pytest.raises(DeltacareError) as caught:
        verify(data)
    assert ("NO_QUORUM", "1") == (caught.value.reason.wire, caught.value.details["cosignatures"])


def test_an_authors_own_witness_fills_no_quorum(verify: Ask) -> None:
    """It is known to the verifier by another log's policy, and still does not count here."""
    logs = Logs().recognised()
    data = with_note(logs.receipt(JS, 0), logs.checkpoint(JS, [SH, JS]))
    assert refused(verify, data).startswith("NO_QUORUM: ")


def test_a_thousand_signatures_are_refused(verify: Ask) -> None:
    """The note is refused for their number before any is verified."""
    receipt = Logs().recognised().receipt(JS, 0)
    note = signed(receipt)
    lines = b"".join(note.signatures[0].to_line().encode() for _ in range(1_000))
    data = with_note(receipt, f"{note.text}\n".encode() + lines)
    assert refused(verify, data).startswith("BAD_SIGNATURE: ")


def test_base64_has_one_spelling(verify: Ask) -> None:
    """Stray bits, missing padding and line breaks are refused, in proof, entry and signatures."""
    data = Logs().recognised().receipt_evidence(JS, 1).to_bytes()
    text = data.decode()
    at = text.index("==") - 1
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    stray = text[:at] + alphabet[alphabet.index(text[at]) + 1] + text[at + 1 :]
    for changed in (stray, text.replace("==", "", 1), text.replace("==", "==\\n", 1)):
        assert refused(verify, changed.encode()).startswith("BAD_")


def test_a_time_still_to_come_is_refused(verify: Ask) -> None:
    """A witness that signs tomorrow's date proves nothing of when it saw the entry."""
    logs = Logs().recognised()
    later = logs.checkpoint(JS, time=NOW + timedelta(minutes=6))
    data = with_note(logs.receipt(JS, 0), later)
    assert "states a time that has not come" in refused(verify, data)
    soon = logs.checkpoint(JS, time=NOW + timedelta(minutes=4))
    verify(with_note(logs.receipt(JS, 0), soon))


def test_extra_data_is_not_taken_for_proved(verify: Ask, trusting: Trusting) -> None:
    """A line that nobody signed is refused, or told as such."""
    receipt = Logs().recognised().receipt(JS, 0)
    proof = replace(Receipt.from_bytes(receipt.proof), extra=b"anything").to_bytes()
    data = Evidence(
        kind=EvidenceKind.RECEIPT, receipts=(EvidenceReceipt(proof=proof, entry=receipt.entry),)
    ).to_bytes()
    assert refused(verify, data).startswith("BAD_PROOF: ")
    _, steps = verify(data, replace(trusting, allow_unknown=True))
    assert "8 further bytes are signed by nobody" in steps[2].lines[1]


def test_keys_of_several_times_stand_side_by_side(tmp_path: Path, verify: Ask) -> None:
    """A log's and a witness's later keys are more lines of the same name; old receipts verify."""
    data = Logs().recognised().receipt_evidence(JS, 0).to_bytes()
    log = str(LogName.registry(JS))
    later = LogSigner(name=log, seed=seed("later log"))
    name = f"deltacare/{SH}/witness"
    successor = WitnessSigner(name=name, seed=seed("later witness"))
    text = "\n".join(
        (
            f"log {later.verifier.to_text()}",
            f"log {log_signer(log).verifier.to_text()}",
            f"witness new {successor.verifier.to_text()}",
            f"witness old {witness_signer(SH).verifier.to_text()}",
            f"witness zj {witness_signer(ZJ).verifier.to_text()}",
            "group sh any new old",
            "group both all sh zj",
            "quorum both\n",
        )
    )
    path = tmp_path / "rotated.txt"
    path.write_text(text, encoding="utf-8")
    assert Policy.from_bytes(path.read_bytes()).quorum == "both"
    _, steps = verify(data, Trusting.read([path], now=NOW))
    assert [log_signer(log).verifier.key_id.hex()] == [k["id"] for k in steps[0].facts["keys"]]


def test_every_policy_that_names_a_log_must_be_met(tmp_path: Path, verify: Ask) -> None:
    """A laxer file beside a stricter one does not soften it."""
    logs = Logs().recognised()
    data = with_note(logs.receipt(JS, 0), logs.checkpoint(JS, [SH]))
    strict = logs.write_policies(tmp_path / "strict")
    lax = logs.write_policies(tmp_path / "lax", quorum=0)
    verify(data, Trusting.read([lax], now=NOW))
    for order in ([lax, strict], [strict, lax]):
        by = Trusting.read(order, now=NOW)
        assert refused(verify, data, by).startswith("NO_QUORUM: ")


def test_a_log_that_no_policy_names_is_refused(tmp_path: Path, verify: Ask) -> None:
    """Nothing is trusted that the verifier did not write down."""
    data = Logs().recognised().receipt_evidence(JS, 0).to_bytes()
    only = Logs().write_policies(tmp_path / "p") / "deltacare" / SH / "registry.txt"
    by = Trusting.read([only], now=NOW)
    assert f"names no key of deltacare/{JS}/registry" in refused(verify, data, by)


def test_an_entry_that_cannot_be_read_is_refused(verify: Ask) -> None:
    """What stands in the log and says nothing that this version knows is not called verified."""
    logs = Logs()
    logs.entries[JS].append(b"\xff\xff\xff")
    data = logs.receipt_evidence(JS, 0).to_bytes()
    assert "no entry of deltacare" in refused(verify, data)
