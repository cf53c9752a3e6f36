"""Approvals: what a person signs, with what key, and what makes two signatures an approval.

A maker and a checker each sign a short text with a key of their own, never with a node's. The text
names everything that the signature is about, so it fits nothing else: what kind of thing, which
one, which word, for which province, in which duty, by whom. It is the same for Ed25519 and for SM2
with SM3. Nodes and offline verifiers judge approvals by the same function; SM2 signatures are
verified without the extra that signing needs, because every node has to come to the same result.

Whose key is whose stands in a registry log (``ApprovalKey``). Which entries must carry approvals,
and what lets a person approve at all, is decided elsewhere.
"""

import enum
import hashlib
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import date

from deltacare import keys, sm2
from deltacare.approval_bodies import AdvanceBody, ClawbackBody, KeyBody, SignedBody
from deltacare.errors import ViolationCollector
from deltacare.ids import parse_opaque_id
from deltacare.times import parse_date

__all__ = [
    "APPROVAL_SIGNATURE_BYTES",
    "ApprovalAlgorithm",
    "ApprovalFault",
    "ApprovalPart",
    "ApprovalSigner",
    "ApprovalSubject",
    "ApprovalWord",
    "Signed",
    "advance_hash",
    "approval_fault",
    "approval_text",
    "clawback_hash",
    "is_approval_signature",
    "key_holds",
    "key_is_withdrawn",
    "read_approval_key",
]

APPROVAL_SIGNATURE_BYTES = 64

_DOMAIN = "deltacare/v1/approval"
_HASH_BYTES = 32
_KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


class ApprovalSubject(enum.StrEnum):
    """What kind of thing is approved."""

    STATEMENT = "STATEMENT"
    """A statement, by its leaf hash."""
    PAYMENT = "PAYMENT"
    """Orders to the bank, by the SHA-256 of their message."""
    ADVANCE = "ADVANCE"
    """An advance, by `advance_hash`."""
    CLAWBACK = "CLAWBACK"
    """A demand for money that was cleared, by `clawback_hash`."""


class ApprovalWord(enum.StrEnum):
    """What is said of it."""

    APPROVED = "APPROVED"
    REFUSED = "REFUSED"


class ApprovalPart(enum.IntEnum):
    """What a person has in an approval, by the numbers of the contract's ``ApprovalDuty``."""

    MAKER = 1
    CHECKER = 2


class ApprovalAlgorithm(enum.StrEnum):
    """With what is signed, as ``ApprovalKey.algorithm`` spells it."""

    ED25519 = "Ed25519"
    SM2 = "SM2"


class ApprovalFault(enum.Enum):
    """Why signatures are no approval; the first that applies is named."""

    NOT_TWO = enum.auto()
    """There is not exactly one signature by the maker and one by the checker."""
    SAME_PERSON = enum.auto()
    """Maker and checker are one person."""
    OTHER_PERSON = enum.auto()
    """Who signed is not who answers for the entry in that duty."""
    KEY_UNKNOWN = enum.auto()
    """No earlier entry of the author states the key."""
    KEY_OF_ANOTHER = enum.auto()
    """The key is another person's."""
    KEY_WITHDRAWN = enum.auto()
    """The key was withdrawn before."""
    KEY_NOT_IN_TIME = enum.auto()
    """The key does not sign on that day."""
    BAD_SIGNATURE = enum.auto()
    """The signature is not over this thing, word, province, duty and person, or not by the key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """One person's signature.

    Attributes:
        principal: Opaque id of the person.
        key_id: Name of the key.
        duty: What the person has in it.
        signature: 64 bytes.
    """

    principal: str
    key_id: str
    duty: ApprovalPart
    signature: bytes


# --- What is signed -------------------------------------------------------------------------------


def approval_text(
    subject: ApprovalSubject,
    subject_hash: bytes,
    *,
    word: ApprovalWord,
    province: str,
    duty: ApprovalPart,
    principal: str,
) -> bytes:
    """Return the bytes that one person signs: seven lines of ASCII, each ended by U+000A.

    Domain, kind of thing, its hash in lower-case hexadecimal digits, word, province, duty,
    principal. None of them can hold a line's end, so no two texts have the same bytes.

    Args:
        subject: Kind of thing.
        subject_hash: 32 bytes.
        word: What is said of it.
        province: For which the person speaks.
        duty: What the person has in it.
        principal: Opaque id of the person.
    """
    assert len(subject_hash) == _HASH_BYTES, "what is approved has a hash of 32 bytes"
    return _lines(_DOMAIN, subject, subject_hash.hex(), word, province, duty.name, principal)


def advance_hash(body: AdvanceBody) -> bytes:
    """Return what is signed of an advance.

    SHA-256 over the lines ``deltacare/v1/advance``, id, payee and fen. Not over serialised
    Protobuf, which is not canonical.
    """
    return _hash("deltacare/v1/advance", body.advance_id, body.payee, str(body.amount_fen))


def clawback_hash(body: ClawbackBody) -> bytes:
    """Return what is signed of a demand.

    SHA-256 over the lines ``deltacare/v1/clawback``, id, number, home, host, fen, reason and the
    document's hash in hexadecimal digits, which is an empty line if there is none.
    """
    return _hash(
        "deltacare/v1/clawback",
        body.clawback_id,
        body.settlement_no,
        body.home,
        body.host,
        str(body.amount_fen),
        body.reason,
        body.document_hash.hex(),
    )


def _lines(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _hash(*lines: str) -> bytes:
    return hashlib.sha256(_lines(*lines)).digest()


# --- Keys -----------------------------------------------------------------------------------------


def read_approval_key(body: KeyBody, at: str, bad: ViolationCollector) -> None:
    """Check the form of a key. A last day before the first is no mistake: it withdraws the key.

    Args:
        body: As stated.
        at: Its path, with a dot at the end.
        bad: Takes what is not acceptable.
    """
    if not _KEY_ID.fullmatch(body.key_id):
        bad.note(f"{at}key_id", body.key_id, "It is not 1 to 64 characters of [A-Za-z0-9._-].")
    bad.take(parse_opaque_id, body.principal, field=f"{at}principal")
    is_key = {
        ApprovalAlgorithm.ED25519: keys.is_ed25519_public_key,
        ApprovalAlgorithm.SM2: sm2.is_sm2_public_key,
    }
    if body.algorithm not in list(ApprovalAlgorithm):
        known = " or ".join(ApprovalAlgorithm)
        bad.note(f"{at}algorithm", body.algorithm, "It is not known.", f"Write {known}.")
    elif not is_key[ApprovalAlgorithm(body.algorithm)](body.public_key):
        bad.note(
            f"{at}public_key",
            body.public_key.hex(),
            "It is no public key, or one for which anybody can sign.",
            "Make another key.",
        )
    bad.take(parse_date, body.from_date, field=f"{at}from_date")
    if body.until_date:
        bad.take(parse_date, body.until_date, field=f"{at}until_date")


def key_is_withdrawn(key: KeyBody) -> bool:
    """Whether the last word on a key withdraws it."""
    return bool(key.until_date) and key.until_date < key.from_date


def key_holds(key: KeyBody, day: date) -> bool:
    """Whether a key signs on a day."""
    text = day.isoformat()
    return key.from_date <= text and (not key.until_date or text <= key.until_date)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalSigner:
    """A person's private key. The seed is never shown.

    Args:
        principal: Opaque id of the person.
        key_id: Name of the key.
        algorithm: With what it signs.
        seed: 32 bytes of entropy: the private key itself.

    Raises:
        Refusal: ``SUITE_NOT_AVAILABLE``, for SM2 where this installation cannot sign with it.
    """

    principal: str
    key_id: str
    algorithm: ApprovalAlgorithm
    seed: bytes = field(repr=False)
    public_key: bytes = field(init=False)

    def __post_init__(self) -> None:
        if self.algorithm is ApprovalAlgorithm.SM2:
            public_key = self._sm2().verifier.public_key
        else:
            public_key = keys.ed25519_public_key(self.seed)
        object.__setattr__(self, "public_key", public_key)

    def sign(
        self,
        subject: ApprovalSubject,
        subject_hash: bytes,
        *,
        word: ApprovalWord,
        province: str,
        duty: ApprovalPart,
    ) -> Signed:
        """Return this person's approval of a thing.

        Args:
            subject: Kind of thing.
            subject_hash: 32 bytes, computed by the caller from what the person was shown.
            word: What the person says of it.
            province: For which.
            duty: What the person has in it.
        """
        text = approval_text(
            subject,
            subject_hash,
            word=word,
            province=province,
            duty=duty,
            principal=self.principal,
        )
        if self.algorithm is ApprovalAlgorithm.SM2:
            signature = self._sm2().sign(text)
        else:
            signature = keys.ed25519_sign(self.seed, text)
        return Signed(principal=self.principal, key_id=self.key_id, duty=duty, signature=signature)

    def _sm2(self) -> sm2.Sm2Signer:
        return sm2.Sm2Signer(name=self.key_id, use=sm2.Sm2Use.APPROVAL, seed=self.seed)


# --- What counts ----------------------------------------------------------------------------------


def is_approval_signature(key: KeyBody, text: bytes, signature: bytes) -> bool:
    """Whether bytes are a key's signature over a text; a key that cannot be read signs nothing."""
    if len(signature) != APPROVAL_SIGNATURE_BYTES:
        return False
    if key.algorithm == ApprovalAlgorithm.SM2:
        return sm2.is_sm2_signature(key.public_key, text, signature)
    if key.algorithm == ApprovalAlgorithm.ED25519:
        return keys.is_ed25519_signature(key.public_key, text, signature)
    return False


def approval_fault(
    approvals: Collection[SignedBody],
    *,
    subject: ApprovalSubject,
    subject_hash: bytes,
    word: ApprovalWord,
    province: str,
    maker: str,
    reviewer: str,
    day: date,
    key_of: Callable[[str], KeyBody | None],
) -> ApprovalFault | None:
    """Return why signatures are not the approval of a thing by the two who answer for its entry.

    Args:
        approvals: Of the entry.
        subject: Kind of thing.
        subject_hash: Computed by the caller, not taken from whoever signed.
        word: What is said of it.
        province: Author of the entry.
        maker: Of the entry.
        reviewer: Of the entry.
        day: Day of the entry in Asia/Shanghai.
        key_of: The last word on a key before the entry, in the same log.
    """
    parts = tuple(ApprovalPart)
    by_duty = {each.duty: each for each in approvals}
    if len(approvals) != len(parts) or set(by_duty) != set(parts):
        return ApprovalFault.NOT_TWO
    if maker == reviewer or len({each.principal for each in approvals}) != len(parts):
        return ApprovalFault.SAME_PERSON
    named = {ApprovalPart.MAKER: maker, ApprovalPart.CHECKER: reviewer}
    if any(by_duty[duty].principal != principal for duty, principal in named.items()):
        return ApprovalFault.OTHER_PERSON
    for duty, principal in named.items():
        approval = by_duty[duty]
        text = approval_text(
            subject, subject_hash, word=word, province=province, duty=duty, principal=principal
        )
        fault = _signature_fault(approval, key_of(approval.key_id), text, day)
        if fault is not None:
            return fault
    return None


def _signature_fault(
    approval: SignedBody, key: KeyBody | None, text: bytes, day: date
) -> ApprovalFault | None:
    """Return why one signature does not count."""
    if key is None:
        return ApprovalFault.KEY_UNKNOWN
    if key.principal != approval.principal:
        return ApprovalFault.KEY_OF_ANOTHER
    if key_is_withdrawn(key):
        return ApprovalFault.KEY_WITHDRAWN
    if not key_holds(key, day):
        return ApprovalFault.KEY_NOT_IN_TIME
    is_by_key = is_approval_signature(key, text, approval.signature)
    return None if is_by_key else ApprovalFault.BAD_SIGNATURE
