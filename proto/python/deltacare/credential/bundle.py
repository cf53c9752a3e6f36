"""The offline bundle: all that a gate needs to judge phone certificates without a network.

One JSON file, ``deltacare/offline/v1``. What one node says of it (what its province recognises in
the coming days, which keys sign when, how old each list is) is *content*, and the node's key for
verdicts signs the digest of that. The status lists are their issuers' own tokens, the keys stand
under receipts of their issuers' logs. So the file is trusted for nothing by itself: whoever checks
verifies it by a policy of his own. Nothing here verifies a signature.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime
from typing import Any, Self, TypeVar

from deltacare.errors import Refusal
from deltacare.evidence import EvidenceReceipt
from deltacare.evidence.file import ENTRY_BYTES_MAX
from deltacare.evidence.reading import (
    bad,
    read_canonical,
    read_list,
    require,
    require_bytes,
    require_fields,
)
from deltacare.ids import parse_province
from deltacare.keys import LogSigner
from deltacare.times import format_time, parse_date, parse_time
from deltacare.tlog.note import NOTE_BYTES_MAX, SignedNote, sign_note
from deltacare.tlog.receipt import RECEIPT_BYTES_MAX
from deltacare.trust import verdict_key_name
from deltacare.trust.documents import canonical

__all__ = [
    "ANSWERS_MAX",
    "BUNDLE_BYTES_MAX",
    "KEYS_OF_ISSUER_MAX",
    "BundleContent",
    "BundleKey",
    "BundleList",
    "ClassAnswer",
    "NumberAnswer",
    "OfflineBundle",
    "content_digest",
    "digest_of_text",
    "json_bytes",
]

BUNDLE_BYTES_MAX = 4 * 1024 * 1024 - 1024
"""What one answer of a node can carry; a list of a million certificates takes 50 kB of it."""

ANSWERS_MAX = BUNDLE_BYTES_MAX // 100
"""About kinds, and about single certificates: no more fit, since none is shorter."""

KEYS_OF_ISSUER_MAX = 50
"""Keys of one issuer that a bundle carries, the newest."""

_FORMAT = "deltacare/offline/v1"
_KEYS_MAX = 1_000
_LISTS_MAX = 1_000
_PROVINCES_MAX = 100
_TEXT_CHARS_MAX = 256
_LINES = 4
_VERDICTS = frozenset(
    {
        "EXPIRED",
        "FORK",
        "NOT_RECOGNISED_HERE",
        "NOT_YET_VALID",
        "REVOKED",
        "STALE",
        "SUSPENDED",
        "UNKNOWN",
        "VALID",
    }
)

R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleKey:
    """A key of an issuer; its receipt has the same place in the file.

    Attributes:
        issuer: Province.
        key_id: Name of the key.
        from_date: First day on which it signs.
        until_date: Last day; ``None`` while nothing replaces it.
    """

    issuer: str
    key_id: str
    from_date: date
    until_date: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleList:
    """A status list; its token has the same place in the file.

    Attributes:
        issuer: Province.
        list_number: From 0.
        token_sha256: Of the token, hex.
        fetched_time: When the node had it from the issuer; of its own, when it was signed.
    """

    issuer: str
    list_number: int
    token_sha256: str
    fetched_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassAnswer:
    """What the node's rules say of every certificate of a kind that is itself in order.

    Attributes:
        issuer: Province.
        subject: ``CAREGIVER`` or ``INSTITUTION``.
        scheme: Scheme of the issuer.
        grade: Grade within it.
        division: Office that issued it; a province or city stands for every office within it of
            which the bundle says nothing else (``kinds.KindTable``).
        from_date: First day of this answer.
        until_date: Its last day.
        verdict: Name of the verdict.
        rule: The rule that decided.
        mapped_scheme: Scheme it counts as; with ``VALID``.
        mapped_grade: Grade it counts as; with ``VALID``.
    """

    issuer: str
    subject: str
    scheme: str
    grade: str
    division: str
    from_date: date
    until_date: date
    verdict: str
    rule: str
    mapped_scheme: str
    mapped_grade: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberAnswer:
    """A certificate that does not count although its kind may.

    Attributes:
        certificate_no: The certificate.
        from_date: First day of this answer.
        until_date: Its last day.
        verdict: Name of the verdict, never ``VALID``.
        rule: The rule that decided.
        reason: Code of the reason that was given, if any.
    """

    certificate_no: str
    from_date: date
    until_date: date
    verdict: str
    rule: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleContent:
    """What one node says.

    Attributes:
        host: Its province, where certificates are to count.
        made_time: When it said so.
        stale_after_s: Seconds after which it counts no more.
        trust_version: Version of the federation's statement.
        keys: Of issuers, in the order of the receipts.
        lists: In the order of the tokens.
        classes: Kinds of certificates; what is not among them does not count.
        numbers: Single certificates.
        left_out: Issuers of whom too much would have to be said: nothing of theirs counts, and
            that is no word about any of their certificates.
    """

    host: str
    made_time: datetime
    stale_after_s: int
    trust_version: int
    keys: tuple[BundleKey, ...]
    lists: tuple[BundleList, ...]
    classes: tuple[ClassAnswer, ...]
    numbers: tuple[NumberAnswer, ...]
    left_out: tuple[str, ...] = ()

    def to_value(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        value: dict[str, Any] = _plain(self)
        return value

    @classmethod
    def from_value(cls, value: object) -> Self:
        """Return what JSON says.

        Raises:
            PeerFault: ``BAD_PROOF``.
        """
        row = require_fields(value, [each.name for each in fields(cls)], "The content")
        host = require(row["host"], str, "host")
        parse_province(host, field="host")
        return cls(
            host=host,
            made_time=_time(row["made_time"], "made_time"),
            stale_after_s=_number(row["stale_after_s"], "stale_after_s"),
            trust_version=_number(row["trust_version"], "trust_version"),
            keys=_rows(BundleKey, row["keys"], "keys", items_max=_KEYS_MAX),
            lists=_rows(BundleList, row["lists"], "lists", items_max=_LISTS_MAX),
            classes=_rows(ClassAnswer, row["classes"], "classes", items_max=ANSWERS_MAX),
            numbers=_rows(NumberAnswer, row["numbers"], "numbers", items_max=ANSWERS_MAX),
            left_out=tuple(
                _province(each, f"left_out[{position}]")
                for position, each in enumerate(
                    read_list(row["left_out"], "left_out", items_max=_PROVINCES_MAX)
                )
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineBundle:
    """A bundle, as received: nothing in it is verified yet.

    Attributes:
        content: What the node says.
        note: The node's signed note over the digest of that.
        tokens: Status lists, in the order of the content.
        receipts: Of the entries that state keys, in the order of the content.
    """

    content: BundleContent
    note: bytes
    tokens: tuple[str, ...]
    receipts: tuple[EvidenceReceipt, ...]

    @classmethod
    def signed(
        cls,
        content: BundleContent,
        signer: LogSigner,
        *,
        tokens: tuple[str, ...],
        receipts: tuple[EvidenceReceipt, ...],
    ) -> Self:
        """Return a bundle with the note of the node's key for verdicts."""
        assert signer.name == verdict_key_name(content.host), "a node signs its own bundles"
        text = f"{signer.name}\n{_FORMAT}\n{content_digest(content)}\n"
        note = SignedNote(text=text, signatures=(sign_note(text, signer),)).to_bytes()
        return cls(content=content, note=note, tokens=tokens, receipts=receipts)

    def to_bytes(self) -> bytes:
        """Return the file's bytes."""
        return canonical(
            {
                "content": self.content.to_value(),
                "format": _FORMAT,
                "note": self.note.decode("utf-8"),
                "receipts": [_receipt_value(each) for each in self.receipts],
                "tokens": list(self.tokens),
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return what a file holds.

        Raises:
            PeerFault: ``BAD_PROOF``, if it is not exactly such a file.
        """
        # 1. Size and spelling.
        if len(data) > BUNDLE_BYTES_MAX:
            raise bad(f"The file has more than {BUNDLE_BYTES_MAX} bytes.")
        value = read_canonical(data, "offline bundle")
        if not isinstance(value, dict) or value.get("format") != _FORMAT:
            raise bad(f"This is no offline bundle ({_FORMAT}).")
        row = require_fields(
            value, ("content", "format", "note", "receipts", "tokens"), "The bundle"
        )
        # 2. What the node says.
        try:
            content = BundleContent.from_value(row["content"])
        except Refusal as refusal:
            raise bad(f"The bundle cannot be read: {refusal.message}") from None
        # 3. What others say: as much of it as the content names.
        tokens = read_list(row["tokens"], "tokens", items_max=_LISTS_MAX)
        receipts = read_list(row["receipts"], "receipts", items_max=_KEYS_MAX)
        if (len(tokens), len(receipts)) != (len(content.lists), len(content.keys)):
            raise bad("The bundle has more or fewer lists or keys than its content names.")
        return cls(
            content=content,
            note=_bytes(row["note"], "note", bytes_max=NOTE_BYTES_MAX),
            tokens=tuple(
                require(each, str, f"tokens[{position}]") for position, each in enumerate(tokens)
            ),
            receipts=tuple(
                _receipt(each, f"receipts[{position}]") for position, each in enumerate(receipts)
            ),
        )


def content_digest(content: BundleContent) -> str:
    """Return what a node signs of a bundle: SHA-256 of its content's one spelling, hex."""
    return hashlib.sha256(canonical(content.to_value())).hexdigest()


def json_bytes(part: BundleKey | BundleList | ClassAnswer | NumberAnswer | EvidenceReceipt) -> int:
    """Return how many bytes of a file a part takes, with what parts it from the next."""
    value = _receipt_value(part) if isinstance(part, EvidenceReceipt) else _plain(part)
    return len(canonical(value)) + 1


def digest_of_text(text: str) -> str:
    """Return the digest that a note's text states, once its signature was verified.

    Raises:
        PeerFault: ``BAD_PROOF``, if it is not the text of a bundle.
    """
    lines = text.split("\n")
    if len(lines) != _LINES or lines[3] or lines[1] != _FORMAT:
        raise bad(f"The note is not of an offline bundle ({_FORMAT}).")
    return lines[2]


def _receipt_value(receipt: EvidenceReceipt) -> dict[str, str]:
    return {
        "entry": base64.b64encode(receipt.entry).decode("ascii"),
        "proof": receipt.proof.decode("utf-8"),
    }


def _plain(value: Any) -> Any:  # noqa: ANN401  # any part of the content
    """Return days and instants as texts, and the rest as it is."""
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, date):
        return value.isoformat()
    if is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


def _rows(kind: Callable[..., R], value: object, where: str, *, items_max: int) -> tuple[R, ...]:
    """Return a list of rows of one kind, each with exactly its fields."""
    return tuple(
        _row(kind, each, f"{where}[{position}]")
        for position, each in enumerate(read_list(value, where, items_max=items_max))
    )


def _row(kind: Callable[..., R], value: object, where: str) -> R:
    readers: Mapping[str, Callable[[object, str], object]] = {
        each.name: _READERS.get(each.name, _text)
        for each in fields(kind)  # type: ignore[arg-type]  # a dataclass
    }
    row = require_fields(value, list(readers), where)
    return kind(**{name: read(row[name], f"{where}.{name}") for name, read in readers.items()})


def _text(value: object, where: str) -> str:
    text = require(value, str, where)
    if len(text) > _TEXT_CHARS_MAX:
        raise bad(f"{where} has more than {_TEXT_CHARS_MAX} characters.")
    return text


def _number(value: object, where: str) -> int:
    number = require(value, int, where)
    if not 0 <= number < 2**63:
        raise bad(f"{where} is not a number from 0 to 2^63 - 1.")
    return number


def _day(value: object, where: str) -> date:
    return parse_date(require(value, str, where), field=where)


def _optional_day(value: object, where: str) -> date | None:
    return None if value is None else _day(value, where)


def _last_day(value: object, where: str) -> date | None:
    # Of a key it may be missing, of an answer never; an answer without an end would never be right.
    return _optional_day(value, where) if where.startswith("keys") else _day(value, where)


def _time(value: object, where: str) -> datetime:
    text = require(value, str, where)
    found = parse_time(text, field=where)
    if format_time(found) != text:
        raise bad(f"{where} is not spelled in the one way.")
    return found


def _province(value: object, where: str) -> str:
    return parse_province(require(value, str, where), field=where)


def _verdict(value: object, where: str) -> str:
    text = require(value, str, where)
    if text not in _VERDICTS:
        raise bad(f"{where} is not a verdict that this version knows.")
    return text


_READERS: Mapping[str, Callable[[object, str], object]] = {
    "fetched_time": _time,
    "from_date": _day,
    "issuer": _province,
    "list_number": _number,
    "until_date": _last_day,
    "verdict": _verdict,
}


def _receipt(value: object, where: str) -> EvidenceReceipt:
    row = require_fields(value, ("entry", "proof"), where)
    entry = require_bytes(row["entry"], f"{where}.entry")
    if len(entry) > ENTRY_BYTES_MAX:
        raise bad(f"{where}.entry has more than {ENTRY_BYTES_MAX} bytes.")
    proof = _bytes(row["proof"], f"{where}.proof", bytes_max=RECEIPT_BYTES_MAX)
    return EvidenceReceipt(proof=proof, entry=entry)


def _bytes(value: object, where: str, *, bytes_max: int) -> bytes:
    """Return the bytes of a text; one with half a surrogate pair has none."""
    try:
        data = require(value, str, where).encode()
    except UnicodeEncodeError:
        raise bad(f"{where} is not a text in UTF-8.") from None
    if len(data) > bytes_max:
        raise bad(f"{where} has more than {bytes_max} bytes.")
    return data
