"""Receipts: the specification's form, and every way in which one does not prove."""

import base64
from datetime import timedelta

import pytest

from deltacare.errors import PeerFault, Reason
from deltacare.keys import VerifierKey
from deltacare.tlog.checkpoint import Checkpoint, SignedCheckpoint
from deltacare.tlog.cosignature import cosign
from deltacare.tlog.policy import Policy
from deltacare.tlog.proof import inclusion_proof
from deltacare.tlog.receipt import (
    RECEIPT_BYTES_MAX,
    Receipt,
    verify_receipt,
    verify_receipt_by_policy,
)
from deltacare.tlog.tree import leaf_hash, root_of
from tests.deltacare.builders import NOW, EntriesReader, log_signer, witness_signer

NAME = "deltacare/310000/registry"
LOG = log_signer(NAME)
ENTRIES = [f"entry {i}".encode() for i in range(11)]
CHECKPOINT = Checkpoint(origin=NAME, size=11, root=root_of(ENTRIES))
PARTNERS = [witness_signer(province) for province in ("320000", "330000", "340000")]
KEYS = [partner.verifier for partner in PARTNERS]


def _receipt(index: int = 4, cosigners: int = 2, extra: bytes | None = None) -> bytes:
    """Return a receipt for an entry, cosigned by some partners a second apart."""
    signed = SignedCheckpoint.sign(CHECKPOINT, LOG).with_signatures(
        cosign(CHECKPOINT, partner, time=NOW + timedelta(seconds=i))
        for i, partner in enumerate(PARTNERS[:cosigners])
    )
    proof = inclusion_proof(EntriesReader(ENTRIES), index=index, size=11)
    return Receipt(index=index, proof=proof, checkpoint=signed.to_bytes(), extra=extra).to_bytes()


def _verify(data: bytes, entry: bytes = ENTRIES[4], quorum: int = 2) -> None:
    verify_receipt(data, entry, log_key=LOG.verifier, witness_keys=KEYS, quorum=quorum)


def test_a_receipt_proves_entry_log_and_witnesses() -> None:
    """Index, leaf, log and the time at which each partner received it."""
    found = verify_receipt(
        _receipt(extra=b"note"), ENTRIES[4], log_key=LOG.verifier, witness_keys=KEYS, quorum=2
    )
    assert (4, CHECKPOINT, leaf_hash(ENTRIES[4])) == (found.index, found.checkpoint, found.leaf)
    assert NOW + timedelta(seconds=1) == found.received_time("deltacare/330000/witness")
    assert found.received_time("deltacare/340000/witness") is None
    assert b"note" == found.extra


@pytest.mark.parametrize("index", range(11))
def test_every_entry_has_its_receipt(index: int) -> None:
    """Also the last one of an odd tree."""
    _verify(_receipt(index), ENTRIES[index])


def test_the_only_entry_has_a_receipt_without_hashes() -> None:
    """A tree of one leaf needs no proof lines."""
    checkpoint = Checkpoint(origin=NAME, size=1, root=root_of(ENTRIES[:1]))
    data = Receipt(
        index=0, proof=(), checkpoint=SignedCheckpoint.sign(checkpoint, LOG).to_bytes()
    ).to_bytes()
    assert data.startswith(b"c2sp.org/tlog-proof@v1\nindex 0\n\ndeltacare/310000/registry\n1\n")
    _verify(data, ENTRIES[0], quorum=0)


def test_the_form_is_that_of_the_specification() -> None:
    """Header, extra, index, hashes, an empty line, the checkpoint verbatim."""
    data = _receipt(extra=b"\x00\xff")
    lines = data.decode().split("\n")
    assert ["c2sp.org/tlog-proof@v1", "extra AP8=", "index 4"] == lines[:3]
    proof = inclusion_proof(EntriesReader(ENTRIES), index=4, size=11)
    assert [base64.b64encode(h).decode() for h in proof] == lines[3:7]
    assert ["", NAME, "11"] == lines[7:10]
    assert data == Receipt.from_bytes(data).to_bytes()


def test_too_few_witnesses_are_no_quorum() -> None:
    """One of two, or two of three, are told apart from a false receipt."""
    with pytest.raises(PeerFault) as caught:
        _verify(_receipt(cosigners=1))
    assert Reason.NO_QUORUM is caught.value.reason
    _verify(_receipt(cosigners=1), quorum=1)
    _verify(_receipt(cosigners=0), quorum=0)


def test_strangers_do_not_make_a_quorum() -> None:
    """Only the verifier's own witnesses count, whoever else signed."""
    keys = [witness_signer("310000").verifier, KEYS[0]]
    with pytest.raises(PeerFault) as caught:
        verify_receipt(
            _receipt(cosigners=3), ENTRIES[4], log_key=LOG.verifier, witness_keys=keys, quorum=2
        )
    assert Reason.NO_QUORUM is caught.value.reason


def test_another_entry_is_not_proved() -> None:
    """One bit of the entry and the proof fails."""
    with pytest.raises(PeerFault) as caught:
        _verify(_receipt(), ENTRIES[4] + b" ")
    assert Reason.BAD_PROOF is caught.value.reason


def test_another_log_is_not_trusted() -> None:
    """A receipt of a log that the verifier did not name proves nothing."""
    key = log_signer("deltacare/320000/registry").verifier
    with pytest.raises(PeerFault, match="not trusted"):
        verify_receipt(_receipt(), ENTRIES[4], log_key=key, witness_keys=KEYS, quorum=0)


def test_a_refusal_does_not_repeat_a_text_of_any_length() -> None:
    """Of the first line of a stranger's note it tells as much as a key's name may have."""
    data = _receipt().replace(f"\n\n{NAME}\n".encode(), b"\n\n" + b"x" * 60_000 + b"\n")
    with pytest.raises(PeerFault, match="not trusted") as caught:
        _verify(data)
    assert "x" * 255 == caught.value.details["log"]


def test_a_key_of_the_same_name_does_not_pass() -> None:
    """A verifier goes by key, not by name."""
    key = VerifierKey(name=NAME, algorithm=LOG.verifier.algorithm, public_key=KEYS[0].public_key)
    with pytest.raises(PeerFault) as caught:
        verify_receipt(_receipt(), ENTRIES[4], log_key=key, witness_keys=KEYS, quorum=0)
    assert Reason.BAD_SIGNATURE is caught.value.reason


def test_a_receipt_is_judged_by_a_policy() -> None:
    """A verifier's own file decides: its log, its witnesses, its quorum."""
    policy = Policy.from_bytes(
        Policy.of(logs=[LOG.verifier], witnesses=KEYS, quorum=2).to_text().encode()
    )
    assert 4 == verify_receipt_by_policy(_receipt(), ENTRIES[4], policy).index
    with pytest.raises(PeerFault) as caught:
        verify_receipt_by_policy(_receipt(cosigners=1), ENTRIES[4], policy)
    assert Reason.NO_QUORUM is caught.value.reason


@pytest.mark.parametrize(
    "old, new",
    [
        (b"c2sp.org/tlog-proof@v1\n", b""),
        (b"tlog-proof@v1", b"tlog-proof@v2"),
        (b"tlog-proof@v1", b"tlog-proof@v1 "),
        (b"index 4", b"index 04"),
        (b"index 4", b"index -4"),
        (b"index 4", b"index 5"),
        (b"index 4", b"index 11"),
        (b"index 4", b"index 9223372036854775808"),
        (b"index 4\n", b""),
        (b"index 4", b"Index 4"),
        (b"index 4", b"index  4"),
        (b"index 4\n", b"index 4\nextra AAAA\n"),
        (b"index 4\n", b"extra AAA\nindex 4\n"),
        (b"index 4\n", b"extra AAAA\nextra AAAA\nindex 4\n"),
        (b"index 4\n", b"extra \xc3\xa9\nindex 4\n"),
        (b"index 4\n", b"index 4\n" + base64.b64encode(bytes(31)) + b"\n"),
        (b"index 4\n", b"index 4\n" + (base64.b64encode(bytes(32)) + b"\n") * 65),
        (b"index 4\n", b"index 4\n" + base64.b64encode(bytes(32)) + b"\n"),
        (b"=\n\ndelta", b"=\ndelta"),
        (b"=\n\ndelta", b"=\n\n\ndelta"),
        (b"\n11\n", b"\n12\n"),
        (b"\n11\n", b"\n011\n"),
        (b"\n", b"\r\n"),
    ],
)
def test_malformed_receipts_are_refused(old: bytes, new: bytes) -> None:
    """Another spelling, order, number or length: refused."""
    data = _receipt()
    assert old in data
    with pytest.raises(PeerFault):
        _verify(data.replace(old, new, 1) if old != b"\n" else data.replace(old, new))


def test_every_truncation_is_refused() -> None:
    """No beginning of a receipt is one, once the needed witnesses are cut off."""
    data = _receipt()
    for length in range(len(data)):
        with pytest.raises(PeerFault):
            _verify(data[:length])


def test_a_huge_receipt_is_refused() -> None:
    """A file beyond the limit is not read."""
    with pytest.raises(PeerFault, match="bytes"):
        _verify(b"x" * (RECEIPT_BYTES_MAX + 1))
