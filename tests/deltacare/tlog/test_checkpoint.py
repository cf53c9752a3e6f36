"""Checkpoints: the specification's form, and nothing beside it."""

import base64

import pytest

from deltacare.errors import PeerFault, Reason
from deltacare.tlog.checkpoint import CHECKPOINT_BYTES_MAX, Checkpoint, SignedCheckpoint
from deltacare.tlog.note import SignedNote, sign_note
from deltacare.tlog.tree import EMPTY_ROOT, SIZE_MAX
from tests.deltacare.builders import log_signer

NAME = "deltacare/310000/registry"
SIGNER = log_signer(NAME)
ROOT = bytes(range(32))
ROOT_TEXT = base64.b64encode(ROOT).decode()


def _signed(text: str, name: str = NAME) -> bytes:
    """Return any text signed by a log's key."""
    signature = sign_note(text, log_signer(name))
    return SignedNote(text=text, signatures=(signature,)).to_bytes()


def test_the_example_of_the_specification() -> None:
    """The text of https://c2sp.org/tlog-checkpoint is read and written."""
    text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    checkpoint = Checkpoint.from_text(text)
    assert ("example.com/behind-the-sofa", 20_852_163) == (checkpoint.origin, checkpoint.size)
    assert text == checkpoint.to_text()


@pytest.mark.parametrize("size", [1, 256, SIZE_MAX])
def test_a_signed_checkpoint_reads_back(size: int) -> None:
    """What a log signs verifies with its key."""
    signed = SignedCheckpoint.sign(Checkpoint(origin=NAME, size=size, root=ROOT), SIGNER)
    assert signed == SignedCheckpoint.from_bytes(signed.to_bytes(), SIGNER.verifier)


def test_the_empty_log_has_the_empty_root() -> None:
    """Size 0 with its root, and with no other."""
    signed = SignedCheckpoint.sign(Checkpoint(origin=NAME, size=0, root=EMPTY_ROOT), SIGNER)
    assert 0 == SignedCheckpoint.from_bytes(signed.to_bytes(), SIGNER.verifier).checkpoint.size
    with pytest.raises(PeerFault, match="empty tree"):
        Checkpoint.from_text(f"{NAME}\n0\n{ROOT_TEXT}\n")


@pytest.mark.parametrize(
    "text",
    [
        f"{NAME}\n7\n{ROOT_TEXT}\nextension\n",
        f"{NAME}\n7\n",
        f"{NAME}\n7\n{ROOT_TEXT}\n\n",
        f"\n7\n{ROOT_TEXT}\n",
        f"a b\n7\n{ROOT_TEXT}\n",
        f"{NAME}\n07\n{ROOT_TEXT}\n",
        f"{NAME}\n+7\n{ROOT_TEXT}\n",
        f"{NAME}\n-7\n{ROOT_TEXT}\n",
        f"{NAME}\n7 \n{ROOT_TEXT}\n",
        f"{NAME}\n7_0\n{ROOT_TEXT}\n",
        f"{NAME}\n٧\n{ROOT_TEXT}\n",
        f"{NAME}\n\n{ROOT_TEXT}\n",
        f"{NAME}\n{SIZE_MAX + 1}\n{ROOT_TEXT}\n",
        f"{NAME}\n{10**30}\n{ROOT_TEXT}\n",
        f"{NAME}\n7\n{ROOT_TEXT[:-1]}\n",
        f"{NAME}\n7\n{ROOT_TEXT} \n",
        f"{NAME}\n7\n{base64.urlsafe_b64encode(bytes([255]) * 32).decode()}\n",
        f"{NAME}\n7\n{base64.b64encode(ROOT[:31]).decode()}\n",
        f"{NAME}\n7\n{base64.b64encode(ROOT + ROOT).decode()}\n",
        f"{NAME}\n7\n{ROOT_TEXT[:-2]}9=\n",
    ],
)
def test_other_texts_are_refused(text: str) -> None:
    """Extensions, leading zeros, signs, bad base64: refused even if the log's key signed them."""
    with pytest.raises(PeerFault) as caught:
        SignedCheckpoint.from_bytes(_signed(text), SIGNER.verifier)
    assert Reason.BAD_SIGNATURE is caught.value.reason


def test_another_logs_checkpoint_is_refused() -> None:
    """A key signs for its own log only."""
    other = "deltacare/320000/registry"
    text = Checkpoint(origin=other, size=7, root=ROOT).to_text()
    with pytest.raises(PeerFault, match="not of deltacare/310000"):
        SignedCheckpoint.from_bytes(_signed(text), SIGNER.verifier)
    with pytest.raises(PeerFault, match="No known key"):
        SignedCheckpoint.from_bytes(_signed(text, other), SIGNER.verifier)


def test_a_changed_size_does_not_verify() -> None:
    """One digit more and the signature fails."""
    data = SignedCheckpoint.sign(Checkpoint(origin=NAME, size=7, root=ROOT), SIGNER).to_bytes()
    with pytest.raises(PeerFault):
        SignedCheckpoint.from_bytes(data.replace(b"\n7\n", b"\n77\n"), SIGNER.verifier)


def test_every_truncation_is_refused() -> None:
    """No beginning of a checkpoint is one."""
    data = SignedCheckpoint.sign(Checkpoint(origin=NAME, size=7, root=ROOT), SIGNER).to_bytes()
    for length in range(len(data)):
        with pytest.raises(PeerFault):
            SignedCheckpoint.from_bytes(data[:length], SIGNER.verifier)


def test_a_huge_checkpoint_is_refused() -> None:
    """A checkpoint beyond 64 KiB is not read."""
    with pytest.raises(PeerFault, match="bytes"):
        SignedCheckpoint.from_bytes(b"x" * (CHECKPOINT_BYTES_MAX + 1), SIGNER.verifier)
