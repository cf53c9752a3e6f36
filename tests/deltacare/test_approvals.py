"""Approvals: the bytes that are signed, the form of keys, and every reason why two do not count."""

import hashlib
import sys
from collections.abc import Callable
from datetime import date

import pytest

from deltacare.approvals import (
    ApprovalAlgorithm,
    ApprovalFault,
    ApprovalPart,
    ApprovalSigner,
    ApprovalSubject,
    ApprovalWord,
    advance_hash,
    approval_fault,
    approval_text,
    clawback_hash,
    is_approval_signature,
    key_holds,
    key_is_withdrawn,
    read_approval_key,
)
from deltacare.errors import ViolationCollector
from deltacare.v1.entry_pb2 import (
    Advance,
    Approval,
    ApprovalDuty,
    ApprovalKey,
    Clawback,
)
from tests.deltacare.builders import seed

SH = "310000"
DAY = date(2026, 11, 2)
THING = hashlib.sha256(b"a statement's entry").digest()
ED25519, SM2 = ApprovalAlgorithm.ED25519, ApprovalAlgorithm.SM2
MAKER, CHECKER = ApprovalPart.MAKER, ApprovalPart.CHECKER
WORDS = {"word": ApprovalWord.APPROVED, "province": SH}


def signer(principal: str, algorithm: ApprovalAlgorithm = ED25519) -> ApprovalSigner:
    """Return the test key of a person."""
    return ApprovalSigner(
        principal=principal,
        key_id=f"key-{principal}",
        algorithm=algorithm,
        seed=seed(f"approval {principal}"),
    )


def stated(who: ApprovalSigner, **changes: object) -> ApprovalKey:
    """Return a person's key as its province states it."""
    fields: dict[str, object] = {
        "key_id": who.key_id,
        "principal": who.principal,
        "algorithm": who.algorithm,
        "public_key": who.public_key,
        "from_date": "2026-11-01",
        **changes,
    }
    return ApprovalKey(**fields)  # type: ignore[arg-type]  # a test's own


ONE, TWO, THREE = signer("p-1"), signer("p-2", SM2), signer("p-3")


def sign(who: ApprovalSigner, duty: ApprovalPart, **changes: object) -> Approval:
    """Return a person's signature over the statement."""
    fields: dict[str, object] = {
        "subject": ApprovalSubject.STATEMENT,
        "subject_hash": THING,
        **WORDS,
        **changes,
    }
    made = who.sign(duty=duty, **fields)  # type: ignore[arg-type]  # a test's own
    return Approval(
        principal=made.principal,
        key_id=made.key_id,
        duty=made.duty,  # type: ignore[arg-type]  # the numbers of the contract
        signature=made.signature,
    )


def fault(approvals: list[Approval], **changes: object) -> ApprovalFault | None:
    """Judge the approval of the statement by p-1 and p-2 of Shanghai."""
    keys = {each.key_id: stated(each) for each in (ONE, TWO, THREE)}
    fields: dict[str, object] = {
        "subject": ApprovalSubject.STATEMENT,
        "subject_hash": THING,
        "maker": "p-1",
        "reviewer": "p-2",
        "day": DAY,
        "key_of": keys.get,
        **WORDS,
        **changes,
    }
    return approval_fault(approvals, **fields)  # type: ignore[arg-type]  # a test's own


def test_the_text_that_is_signed() -> None:
    """Seven lines, written out."""
    assert (
        b"deltacare/v1/approval\n"
        b"STATEMENT\n"
        + THING.hex().encode() + b"\nAPPROVED\n310000\nCHECKER\np-2\n"
        == approval_text(
            ApprovalSubject.STATEMENT,
            THING,
            duty=CHECKER,
            principal="p-2",
            **WORDS,  # type: ignore[arg-type]
        )
    )


def test_the_texts_behind_the_hashes() -> None:
    """Stated lines, not serialised messages; approvals themselves are not among them."""
    advance = Advance(advance_id="340000-A1", payee=SH, amount_fen=5, approvals=[Approval()])
    lines = b"deltacare/v1/advance\n340000-A1\n310000\n5\n"
    assert hashlib.sha256(lines).digest() == advance_hash(advance)
    clawback = Clawback(
        clawback_id="340000-C1",
        settlement_no="n-1",
        home="340000",
        host=SH,
        amount_fen=7,
        reason="DEATH",
        approvals=[Approval()],
    )
    lines = b"deltacare/v1/clawback\n340000-C1\nn-1\n340000\n310000\n7\nDEATH\n"
    assert hashlib.sha256(lines + b"\n").digest() == clawback_hash(clawback)
    clawback.document_hash = THING
    assert hashlib.sha256(lines + THING.hex().encode() + b"\n").digest() == clawback_hash(clawback)


@pytest.mark.parametrize("algorithm", list(ApprovalAlgorithm))
def test_a_signature_is_over_every_line(
    algorithm: ApprovalAlgorithm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fits its own text and no other, by either algorithm, and is verified without the extra."""
    who = signer("p-1", algorithm)
    approval = sign(who, MAKER)
    monkeypatch.setitem(sys.modules, "gmssl_pyx", None)
    said: dict[str, object] = {
        "subject": ApprovalSubject.STATEMENT,
        "subject_hash": THING,
        "duty": MAKER,
        "principal": "p-1",
        **WORDS,
    }
    others: list[dict[str, object]] = [
        {"subject": ApprovalSubject.ADVANCE},
        {"subject_hash": bytes(32)},
        {"word": ApprovalWord.REFUSED},
        {"province": "320000"},
        {"duty": CHECKER},
        {"principal": "p-2"},
    ]
    assert set(said) == {name for each in others for name in each}

    def fits(**changes: object) -> bool:
        text = approval_text(**{**said, **changes})  # type: ignore[arg-type]  # a test's own
        return is_approval_signature(stated(who), text, approval.signature)

    assert fits()
    assert [] == [each for each in others if fits(**each)]
    for length in (0, 63, 65):
        signature = (approval.signature + b"\x00")[:length]
        text = approval_text(**said)  # type: ignore[arg-type]  # a test's own
        assert not is_approval_signature(stated(who), text, signature)
    unknown = stated(who, algorithm="RSA")
    assert not is_approval_signature(unknown, b"", approval.signature)


def test_two_signatures_of_two_persons_count() -> None:
    """One by Ed25519, one by SM2; the order in which they stand says nothing."""
    pair = [sign(ONE, MAKER), sign(TWO, CHECKER)]
    assert fault(pair) is None
    assert fault(pair[::-1]) is None


@pytest.mark.parametrize(
    "expected, change",
    [
        (ApprovalFault.NOT_TWO, lambda pair: (pair[:1], {})),
        (ApprovalFault.NOT_TWO, lambda pair: (pair[1:], {})),
        (ApprovalFault.NOT_TWO, lambda _: ([], {})),
        (ApprovalFault.NOT_TWO, lambda pair: ([*pair, pair[0]], {})),
        (ApprovalFault.NOT_TWO, lambda pair: ([pair[0], pair[0]], {})),
        (ApprovalFault.NOT_TWO, lambda pair: ([pair[0], sign(TWO, MAKER)], {})),
        (
            ApprovalFault.SAME_PERSON,
            lambda pair: ([pair[0], sign(ONE, CHECKER)], {"reviewer": "p-1"}),
        ),
        (ApprovalFault.SAME_PERSON, lambda pair: ([pair[0], sign(ONE, CHECKER)], {})),
        (ApprovalFault.OTHER_PERSON, lambda pair: ([pair[0], sign(THREE, CHECKER)], {})),
        (ApprovalFault.OTHER_PERSON, lambda pair: (pair, {"maker": "p-2", "reviewer": "p-1"})),
        (ApprovalFault.KEY_UNKNOWN, lambda pair: (pair, {"key_of": lambda _: None})),
        (
            ApprovalFault.KEY_OF_ANOTHER,
            lambda pair: (pair, {"key_of": lambda _: stated(ONE)}),
        ),
        (
            ApprovalFault.KEY_WITHDRAWN,
            lambda pair: (pair, {"key_of": _of(until_date="2026-10-31")}),
        ),
        (
            ApprovalFault.KEY_NOT_IN_TIME,
            lambda pair: (pair, {"key_of": _of(until_date="2026-11-01")}),
        ),
        (
            ApprovalFault.KEY_NOT_IN_TIME,
            lambda pair: (pair, {"key_of": _of(from_date="2026-11-03")}),
        ),
        (ApprovalFault.BAD_SIGNATURE, lambda pair: (pair, {"subject_hash": bytes(32)})),
        (ApprovalFault.BAD_SIGNATURE, lambda pair: (pair, {"province": "320000"})),
        (ApprovalFault.BAD_SIGNATURE, lambda pair: (pair, {"word": ApprovalWord.REFUSED})),
        (
            ApprovalFault.BAD_SIGNATURE,
            lambda pair: (pair, {"subject": ApprovalSubject.PAYMENT}),
        ),
        (
            ApprovalFault.BAD_SIGNATURE,
            lambda pair: (pair, {"key_of": _of(public_key=THREE.public_key, algorithm=ED25519)}),
        ),
    ],
)
def test_why_signatures_do_not_count(
    expected: ApprovalFault,
    change: Callable[[list[Approval]], tuple[list[Approval], dict[str, object]]],
) -> None:
    """Each reason from a pair that counts by one change."""
    approvals, changes = change([sign(ONE, MAKER), sign(TWO, CHECKER)])
    assert expected is fault(approvals, **changes)


def _of(**changes: object) -> Callable[[str], ApprovalKey]:
    """Return a book of keys in which all of them are changed."""
    keys = {each.key_id: stated(each, **changes) for each in (ONE, TWO)}
    return keys.__getitem__


def test_parts_are_numbered_as_in_the_contract() -> None:
    """The kernel reads no generated code, so its numbers are compared here."""
    assert {f"APPROVAL_DUTY_{part.name}": int(part) for part in ApprovalPart} == {
        name: number for name, number in ApprovalDuty.items() if number
    }


def test_a_duty_that_is_not_said_does_not_count() -> None:
    """The unspecified duty, and one of a version to come."""
    pair = [sign(ONE, MAKER), sign(TWO, CHECKER)]
    for duty in (0, 7):
        pair[1].duty = duty  # type: ignore[assignment]  # what another version may send
        assert ApprovalFault.NOT_TWO is fault(pair)


@pytest.mark.parametrize(
    "field, value",
    [
        ("key_id", ""),
        ("key_id", "a/b"),
        ("key_id", "a" * 65),
        ("principal", ""),
        ("principal", "a b"),
        ("principal", "Pay-2"),
        ("algorithm", ""),
        ("algorithm", "ed25519"),
        ("algorithm", "SM2"),
        ("public_key", b""),
        ("public_key", bytes(32)),
        ("public_key", b"\x01" + bytes(31)),
        ("public_key", b"\xff" * 32),
        ("public_key", bytes(33)),
        ("from_date", ""),
        ("from_date", "2026-02-30"),
        ("until_date", "soon"),
    ],
)
def test_keys_that_cannot_be_read(field: str, value: object) -> None:
    """Each field by its name; an Ed25519 key of small order signs for everybody."""
    bad = ViolationCollector()
    read_approval_key(stated(ONE, **{field: value}), "key.", bad)
    assert {f"key.{'public_key' if value == 'SM2' else field}"} == {
        each.field for each in bad.violations
    }


def test_keys_that_can_be_read() -> None:
    """Of both algorithms; a last day before the first is a withdrawal."""
    bad = ViolationCollector()
    for who in (ONE, TWO):
        read_approval_key(stated(who), "", bad)
        withdrawn = stated(who, until_date="2026-10-31")
        read_approval_key(withdrawn, "", bad)
        assert key_is_withdrawn(withdrawn)
        assert not key_is_withdrawn(stated(who))
        assert not key_is_withdrawn(stated(who, until_date="2026-11-01"))
    bad.raise_if_any()


def test_the_days_of_a_key() -> None:
    """Both ends belong to it."""
    key = stated(ONE, until_date="2026-11-03")
    assert [False, True, True, False] == [
        key_holds(key, date.fromisoformat(day))
        for day in ("2026-10-31", "2026-11-01", "2026-11-03", "2026-11-04")
    ]


def test_a_seed_is_never_shown() -> None:
    """A private key does not reach a log line."""
    assert ONE.seed.hex() not in repr(ONE)
    assert repr(ONE.seed) not in repr(ONE)
