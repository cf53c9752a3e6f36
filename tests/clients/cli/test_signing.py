"""What stands against a signature on this machine is said before what is signed is shown."""

from pathlib import Path

import pytest

from clients.approving import ApprovalFile, Thing, create_key, signed_by
from clients.cli.signing import Gathered, Pen
from deltacare.approvals import ApprovalAlgorithm, ApprovalPart, ApprovalSubject, ApprovalWord
from deltacare.errors import Refusal

PASSPHRASE = b"a test's long passphrase"
THING = Thing(subject=ApprovalSubject.STATEMENT, subject_hash=bytes([7]) * 32)
OTHER = Thing(subject=ApprovalSubject.STATEMENT, subject_hash=bytes([8]) * 32)
APPROVED = ApprovalWord.APPROVED


class Shown:
    """Counts how often a thing is shown."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        """Show it."""
        self.count += 1


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a directory with two people's keys, a maker's file and two passphrases."""
    numbers = iter(range(1, 1_000))
    for who in ("p-1", "p-2"):
        signer = create_key(
            tmp_path / f"{who}.key",
            PASSPHRASE,
            principal=who,
            algorithm=ApprovalAlgorithm.ED25519,
            entropy=lambda size: next(numbers).to_bytes(size, "big"),
        )
        if who == "p-1":
            own = signed_by(
                signer, [THING], word=APPROVED, province="310000", part=ApprovalPart.MAKER
            )
            file = ApprovalFile(
                things=(THING,), word=APPROVED, province="310000", approvals=tuple(own)
            )
            file.write(tmp_path / "maker.json")
    (tmp_path / "passphrase").write_bytes(PASSPHRASE + b"\n")
    (tmp_path / "wrong").write_bytes(b"another long passphrase\n")
    return tmp_path


def sign(folder: Path, shown: Shown, *, who: str, passphrase: str, thing: Thing) -> Gathered | None:
    """Sign as a checker."""
    pen = Pen(
        key=folder / f"{who}.key",
        out=None,
        maker_file=folder / "maker.json",
        passphrase_file=folder / passphrase,
        request_id=None,
    )
    return pen.sign([thing], word=APPROVED, province="310000", show=shown)


@pytest.mark.parametrize(
    "who, passphrase, thing, said",
    [
        ("p-1", "passphrase", THING, "one person"),
        ("p-2", "wrong", THING, "passphrase"),
        ("p-2", "passphrase", OTHER, "something else"),
    ],
)
def test_nothing_is_shown_that_is_not_signed(
    folder: Path, who: str, passphrase: str, thing: Thing, said: str
) -> None:
    """The maker's own key, another passphrase, another thing: the refusal comes alone."""
    shown = Shown()
    with pytest.raises(Refusal, match=said):
        sign(folder, shown, who=who, passphrase=passphrase, thing=thing)
    assert 0 == shown.count


def test_what_is_signed_is_shown_once(folder: Path) -> None:
    """The checker sees it, and both signatures are gathered."""
    shown = Shown()
    gathered = sign(folder, shown, who="p-2", passphrase="passphrase", thing=THING)
    assert gathered is not None
    assert ("p-1", "p-2", 1) == (gathered.duty.maker, gathered.duty.reviewer, shown.count)
