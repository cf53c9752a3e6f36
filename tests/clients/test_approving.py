"""People's keys in files, and a maker's signature handed to the checker."""

import json
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from clients.approving import ApprovalFile, Thing, create_key, open_key, public_key_of, signed_by
from clients.recomputing import require_recomputed
from deltacare.approvals import (
    ApprovalAlgorithm,
    ApprovalPart,
    ApprovalSigner,
    ApprovalSubject,
    ApprovalWord,
    approval_fault,
)
from deltacare.errors import PeerFault, Refusal
from deltacare.times import business_date
from deltacare.v1 import clearing_service_pb2 as cpb
from deltacare.v1 import entry_pb2 as pb
from deltacare.v1.entry_pb2 import ApprovalKey
from tests.deltacare.builders import NOW
from tests.support.evidence import JS, SH, Logs

PASSPHRASE = b"a test's long passphrase"
THINGS = tuple(
    Thing(subject=ApprovalSubject.PAYMENT, subject_hash=bytes([number]) * 32) for number in (1, 2)
)
APPROVED = ApprovalWord.APPROVED
ED25519, SM2 = ApprovalAlgorithm
DIVERGED = cpb.PAIR_NIGHT_STATE_DIVERGED


def entropy() -> Callable[[int], bytes]:
    """Return a source that never gives the same bytes twice."""
    numbers = count(1)
    return lambda size: next(numbers).to_bytes(size, "big")


SOURCE = entropy()


def made(
    folder: Path, principal: str, algorithm: ApprovalAlgorithm = ED25519
) -> tuple[Path, ApprovalSigner]:
    """Make a person's key."""
    path = folder / f"{principal}.key"
    signer = create_key(path, PASSPHRASE, principal=principal, algorithm=algorithm, entropy=SOURCE)
    return path, signer


@pytest.mark.parametrize("algorithm", list(ApprovalAlgorithm))
def test_a_key_is_sealed_and_opened(tmp_path: Path, algorithm: ApprovalAlgorithm) -> None:
    """By its passphrase alone; what is public stands in clear; nobody else may read the file."""
    path, signer = made(tmp_path, "p-1", algorithm)
    assert signer == open_key(path, PASSPHRASE)
    assert ApprovalKey(
        key_id=signer.key_id,
        principal="p-1",
        algorithm=str(algorithm),
        public_key=signer.public_key,
    ) == public_key_of(path)
    assert signer.seed.hex() not in path.read_text(encoding="utf-8")
    assert 0o600 == path.stat().st_mode & 0o777
    with pytest.raises(Refusal, match="does not open the keys"):
        open_key(path, b"another long passphrase")
    with pytest.raises(Refusal, match="exists already"):
        made(tmp_path, "p-1", algorithm)
    # A second person's key in the same folder is under the same passphrase, and another key.
    assert signer.key_id != made(tmp_path, "p-2")[1].key_id


def test_what_is_no_key(tmp_path: Path) -> None:
    """Another sealed file, an altered name, an id that is none."""
    path, _ = made(tmp_path, "p-1")
    value = json.loads(path.read_text(encoding="utf-8"))
    other = tmp_path / "other.key"
    for change in (
        {"name": "deltacare/310000/registry"},
        {"public": "no"},
        {"name": value["name"].replace("Ed25519", "RSA")},
    ):
        other.write_text(json.dumps({**value, **change}), encoding="utf-8")
        with pytest.raises(Refusal, match="no key for approvals"):
            open_key(other, PASSPHRASE)
    renamed = value["name"].replace(" p-1 ", " p-9 ")
    other.write_text(json.dumps({**value, "name": renamed}), encoding="utf-8")
    with pytest.raises(Refusal, match="does not hold the key that belongs there"):
        open_key(other, PASSPHRASE)
    with pytest.raises(Refusal, match="principal"):
        made(tmp_path, "a b")


def handed(folder: Path, signer: ApprovalSigner) -> Path:
    """Have a maker sign, and return the file."""
    path = folder / "maker.json"
    own = signed_by(signer, THINGS, word=APPROVED, province=SH, part=ApprovalPart.MAKER)
    ApprovalFile(things=THINGS, word=APPROVED, province=SH, approvals=tuple(own)).write(path)
    return path


def test_two_sign_one_after_the_other(tmp_path: Path) -> None:
    """The maker's file and the checker's key make approvals that count, one for each thing."""
    (_, one), (_, two) = made(tmp_path, "p-1"), made(tmp_path, "p-2", SM2)
    file = ApprovalFile.read(handed(tmp_path, one))
    duty, both = file.completed(two, THINGS, word=APPROVED, province=SH)
    assert ("p-1", "p-2") == (duty.maker, duty.reviewer)
    keys = {
        each.key_id: ApprovalKey(
            key_id=each.key_id,
            principal=each.principal,
            algorithm=str(each.algorithm),
            public_key=each.public_key,
            from_date="2026-01-01",
        )
        for each in (one, two)
    }
    assert [None, None] == [
        approval_fault(
            approvals,
            subject=thing.subject,
            subject_hash=thing.subject_hash,
            word=APPROVED,
            province=SH,
            maker="p-1",
            reviewer="p-2",
            day=business_date(NOW),
            key_of=keys.get,
        )
        for thing, approvals in zip(THINGS, both, strict=True)
    ]
    for said in (
        {"things": THINGS[:1]},
        {"things": THINGS[::-1]},
        {"word": ApprovalWord.REFUSED},
        {"province": JS},
    ):
        asked: dict[str, Any] = {"things": THINGS, "word": APPROVED, "province": SH, **said}
        with pytest.raises(Refusal, match="signed something else"):
            file.completed(two, asked.pop("things"), **asked)
    with pytest.raises(Refusal, match="one person"):
        file.completed(one, THINGS, word=APPROVED, province=SH)
    with pytest.raises(Refusal, match="exists already"):
        handed(tmp_path, one)


def test_what_is_no_approval_file(tmp_path: Path) -> None:
    """Every value of another type or missing; nothing but a refusal that names the file."""
    _, one = made(tmp_path, "p-1")
    path = handed(tmp_path, one)
    good = json.loads(path.read_text(encoding="utf-8"))
    ApprovalFile.read(path)
    first = good["approvals"][0]
    wrong: list[Any] = [
        [],
        {},
        {**good, "format": "x"},
        {**good, "more": 1},
        {**good, "word": "PERHAPS"},
        {**good, "things": 5},
        {**good, "things": good["things"][:1]},
        {**good, "things": [{"subject": "CAKE", "hash": "00"}] * 2},
        {**good, "approvals": []},
        {**good, "approvals": [first, {**first, "principal": "p-2"}]},
        {**good, "approvals": [{**first, "signature": "not base64!"}] * 2},
        {**good, "approvals": [{**first, "principal": 5}] * 2},
    ]
    for bad in wrong:
        path.write_text(json.dumps(bad), encoding="utf-8")
        with pytest.raises(Refusal, match="no file of a maker's approval"):
            ApprovalFile.read(path)
    path.write_bytes(b"\xff" * 10)
    with pytest.raises(Refusal, match="no file of a maker's approval"):
        ApprovalFile.read(path)
    with pytest.raises(Refusal, match="cannot be read"):
        ApprovalFile.read(tmp_path / "missing.json")


# --- What a person is shown is computed anew ------------------------------------------------------


def shown() -> tuple[cpb.StandingStatement, list[cpb.PairNight]]:
    """Return a statement and its nights as a node shows them."""
    logs = Logs().settled(answers=())
    data = logs.entries[SH][2]
    from deltacare.tlog.tree import leaf_hash

    standing = cpb.StandingStatement(
        statement=pb.Entry.FromString(data).statement,
        statement_hash=leaf_hash(data),
        entry_bytes=data,
        recomputed=True,
    )
    nights = [
        cpb.PairNight(
            lower=SH,
            higher=JS,
            state=cpb.PAIR_NIGHT_STATE_AGREED,
            lower_result=pb.Entry.FromString(logs.entries[SH][number]).pair_result,
            lower_result_hash=leaf_hash(logs.entries[SH][number]),
            higher_result_hash=leaf_hash(logs.entries[JS][number]),
        )
        for number in range(2)
    ]
    return standing, nights


def test_what_is_shown_is_what_is_signed() -> None:
    """The hash is that of the entry, the entry says what is shown, and the nights come to it."""
    require_recomputed(*shown())
    changes: list[tuple[str, Callable[[Any, Any], Any]]] = [
        ("than that of the hash", lambda s, _: setattr(s, "statement_hash", bytes(32))),
        ("than that of the hash", lambda s, _: setattr(s.statement.payments[0], "amount_fen", 1)),
        ("every agreed night", lambda _, nights: nights.pop()),
        ("every agreed night", lambda _, n: setattr(n[0], "state", DIVERGED)),
        ("The bilateral", lambda _, n: setattr(n[0].lower_result, "lower_pays_fen", 5)),
        ("computes something else", lambda s, _: setattr(s, "recomputed", False)),
    ]
    for wanted, change in changes:
        standing, nights = shown()
        change(standing, nights)
        with pytest.raises(PeerFault, match=wanted):
            require_recomputed(standing, nights)
