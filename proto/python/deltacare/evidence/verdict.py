"""What a node signs of a verdict: the question, the answer, and all that it read.

The text is a C2SP note by the key ``deltacare/<P>/verdicts``: that name, a line that says what
follows, and one line of JSON. The second line keeps it apart from a checkpoint, which has a size
there. The holder's name is not in it: only whether it was asked for, and what came out.

The signature is what absence rests on: that no later revocation was known is the node's word, and
the sizes named here are what it can be held to. What the entries say is proved by their receipts.
"""

import enum
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Self

from deltacare.divisions import normalise_division, province_of
from deltacare.errors import Refusal
from deltacare.evidence.reading import (
    bad,
    read_canonical,
    read_list,
    require,
    require_fields,
)
from deltacare.ids import CertificateNumber, LogKind, LogName, parse_province
from deltacare.keys import LogSigner
from deltacare.times import format_time, parse_date, parse_time
from deltacare.tlog.note import SignedNote, sign_note
from deltacare.tlog.tree import HASH_BYTES, SIZE_MAX
from deltacare.trust import verdict_key_name
from deltacare.trust.documents import canonical

__all__ = ["Holder", "LogRead", "Place", "Said", "VerdictRecord"]

_HEADER = "deltacare/verdict/v1"
_LINES = 3
_LOGS_MAX = 16
_SAID_MAX = 2_000
_SCHEMES_MAX = 256
_COMPARED = ("identity_number", "name")
_TEXT_CHARS_MAX = 256
# Names of the contract's `Verdict`, without its prefix; the kernel loads no protobuf.
_VERDICTS = frozenset(
    {
        "BAD_SIGNATURE",
        "EXPIRED",
        "FORK",
        "HOLDER_MISMATCH",
        "NOT_IN_LOG",
        "NOT_RECOGNISED_HERE",
        "NOT_YET_VALID",
        "REVOKED",
        "STALE",
        "SUSPENDED",
        "UNKNOWN",
        "VALID",
    }
)

_FIELDS = (
    "age_s",
    "certificate_no",
    "compared",
    "entries",
    "holder",
    "host",
    "known_time",
    "logs",
    "mapped_grade",
    "mapped_scheme",
    "on_date",
    "purpose",
    "reason",
    "rule",
    "said",
    "stale_after_s",
    "stated_schemes",
    "trust_version",
    "unconfirmed_since",
    "verdict",
)
_LOG_FIELDS = (
    "checkpoint",
    "forked",
    "fresh_time",
    "log",
    "own",
    "quorum_size",
    "size",
    "stalled",
    "used",
)


class Holder(enum.StrEnum):
    """Whether the person who showed a certificate was compared with its holder."""

    NOT_ASKED = "NOT_ASKED"
    MATCHED = "MATCHED"
    NOT_MATCHED = "NOT_MATCHED"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Place:
    """Where an entry stands.

    Attributes:
        log: A registry log.
        index: From 0.
    """

    log: LogName
    index: int

    def __str__(self) -> str:
        return f"{self.log} #{self.index}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An entry that bears on the question, decisive or not.

    Attributes:
        place: Where it stands.
        leaf: Its leaf hash, 32 bytes.
    """

    place: Place
    leaf: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRead:
    """How far the answering node held one member's registry log.

    Attributes:
        log: The log.
        size: Entries verified; what restricts counted below.
        quorum_size: Entries under a quorum; what permits counted below.
        fresh_time: Time in the author's own newest cosignature; ``None`` if never seen.
        is_stalled: It held what the node could not read.
        is_forked: The node held signed evidence of two histories.
        is_own: It is the answering node's own.
        is_used: The answer rests on it.
        checkpoint: Size and root of the cosigned checkpoint beside the verdict; ``None`` if there
            is none.
    """

    log: LogName
    size: int
    quorum_size: int
    fresh_time: datetime | None
    is_stalled: bool
    is_forked: bool
    is_own: bool
    is_used: bool
    checkpoint: tuple[int, bytes] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictRecord:
    """A verdict as the answering node states it.

    Attributes:
        answered_by: Province of the node; in the key's name, not in the text.
        certificate_no: The certificate.
        host: Division where it should count, canonical.
        on_date: Day it should be good for.
        known_time: Moment whose facts were used.
        purpose: Code.
        holder: Whether the holder was compared, and what came out.
        compared: By what: ``identity_number``, ``name``, ascending; empty if it was not.
        verdict: Such as ``VALID``.
        rule: Rule that decided.
        mapped_scheme: Scheme it counts as; set with ``VALID``.
        mapped_grade: Grade it counts as; set with ``VALID``.
        reason: Code that the issuer or host gave, or empty.
        age_s: Age of the issuer's log.
        entries: Entries that decided, in the order of use.
        said: Every entry that bears on the question, sorted by place.
        logs: Registry logs of all members, sorted by name.
        stale_after_s: Age beyond which a log was too old.
        trust_version: Of the membership that the node followed.
        stated_schemes: Those under which the federation let the issuer issue, ascending; none
            stand for any.
        unconfirmed_since: Since when nobody had confirmed the membership; ``None`` if it counted.
    """

    answered_by: str
    certificate_no: str
    host: str
    on_date: date
    known_time: datetime
    purpose: str
    holder: Holder
    compared: tuple[str, ...]
    verdict: str
    rule: str
    mapped_scheme: str
    mapped_grade: str
    reason: str
    age_s: int
    entries: tuple[Place, ...]
    said: tuple[Said, ...]
    logs: tuple[LogRead, ...]
    stale_after_s: int
    trust_version: int
    stated_schemes: tuple[str, ...] = ()
    unconfirmed_since: datetime | None = None

    @property
    def host_province(self) -> str:
        """The province that the host lies in."""
        return province_of(self.host)

    def to_note(self, signer: LogSigner) -> bytes:
        """Return the verdict signed by the answering node's key.

        Args:
            signer: The key ``deltacare/<answered_by>/verdicts``.
        """
        assert signer.name == verdict_key_name(self.answered_by), "a node signs its own verdicts"
        line = canonical(self._value()).decode()
        text = f"{signer.name}\n{_HEADER}\n{line}"
        return SignedNote(text=text, signatures=(sign_note(text, signer),)).to_bytes()

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return the verdict of a note's text, once its signature was verified.

        Raises:
            PeerFault: ``BAD_PROOF``, if it is not exactly such a text.
        """
        lines = text.split("\n")
        if len(lines) != _LINES + 1 or lines[-1] or lines[1] != _HEADER:
            raise bad(f"The note is not a verdict ({_HEADER}).")
        name, _, line, _ = lines
        try:
            return cls._read(name, line)
        except Refusal as refusal:
            raise bad(f"The verdict cannot be read: {refusal.message}") from None

    @classmethod
    def _read(cls, name: str, line: str) -> Self:
        value = require_fields(
            read_canonical(f"{line}\n".encode(), "verdict"), _FIELDS, "The verdict"
        )
        answered_by = parse_province(name.split("/")[1] if name.count("/") else name, field="note")
        if name != verdict_key_name(answered_by):
            raise bad("The note's first line is not the name of a key for verdicts.")
        logs = tuple(
            _read_log(row, f"logs[{i}]")
            for i, row in enumerate(read_list(value["logs"], "logs", items_max=_LOGS_MAX))
        )
        said = tuple(
            _read_said(row, f"said[{i}]")
            for i, row in enumerate(read_list(value["said"], "said", items_max=_SAID_MAX))
        )
        entries = tuple(
            _read_place(row, f"entries[{i}]")
            for i, row in enumerate(read_list(value["entries"], "entries", items_max=_SAID_MAX))
        )
        _require_ascending([each.log for each in logs], "logs")
        _require_ascending([each.place for each in said], "said")
        return cls(
            answered_by=answered_by,
            certificate_no=str(
                CertificateNumber.parse(_text(value, "certificate_no"), field="certificate_no")
            ),
            host=_read_division(_text(value, "host")),
            on_date=parse_date(_text(value, "on_date"), field="on_date"),
            known_time=_read_time(value["known_time"], "known_time"),
            purpose=_text(value, "purpose"),
            holder=_read_enum(value["holder"]),
            compared=_read_compared(value["compared"], value["holder"]),
            verdict=_read_verdict(_text(value, "verdict")),
            rule=_text(value, "rule"),
            mapped_scheme=_text(value, "mapped_scheme"),
            mapped_grade=_text(value, "mapped_grade"),
            reason=_text(value, "reason"),
            age_s=_number(value["age_s"], "age_s"),
            entries=entries,
            said=said,
            logs=logs,
            stale_after_s=_number(value["stale_after_s"], "stale_after_s"),
            trust_version=_number(value["trust_version"], "trust_version"),
            stated_schemes=_read_schemes(value["stated_schemes"]),
            unconfirmed_since=(
                None
                if value["unconfirmed_since"] is None
                else _read_time(value["unconfirmed_since"], "unconfirmed_since")
            ),
        )

    def _value(self) -> Mapping[str, Any]:
        return {
            "age_s": self.age_s,
            "certificate_no": self.certificate_no,
            "compared": list(self.compared),
            "entries": [_place_value(place) for place in self.entries],
            "holder": self.holder.value,
            "host": self.host,
            "known_time": format_time(self.known_time),
            "logs": [_log_value(each) for each in self.logs],
            "mapped_grade": self.mapped_grade,
            "mapped_scheme": self.mapped_scheme,
            "on_date": self.on_date.isoformat(),
            "purpose": self.purpose,
            "reason": self.reason,
            "rule": self.rule,
            "said": [{**_place_value(each.place), "leaf": each.leaf.hex()} for each in self.said],
            "stale_after_s": self.stale_after_s,
            "stated_schemes": list(self.stated_schemes),
            "trust_version": self.trust_version,
            "unconfirmed_since": (
                None if self.unconfirmed_since is None else format_time(self.unconfirmed_since)
            ),
            "verdict": self.verdict,
        }


def _place_value(place: Place) -> dict[str, Any]:
    return {"index": place.index, "log": str(place.log)}


def _log_value(read: LogRead) -> dict[str, Any]:
    return {
        "checkpoint": (
            None
            if read.checkpoint is None
            else {"root": read.checkpoint[1].hex(), "size": read.checkpoint[0]}
        ),
        "forked": read.is_forked,
        "fresh_time": None if read.fresh_time is None else format_time(read.fresh_time),
        "log": str(read.log),
        "own": read.is_own,
        "quorum_size": read.quorum_size,
        "size": read.size,
        "stalled": read.is_stalled,
        "used": read.is_used,
    }


def _read_place(value: object, where: str) -> Place:
    fields = require_fields(value, ("index", "log"), where)
    return Place(
        log=_read_log_name(fields["log"], where), index=_number(fields["index"], f"{where}.index")
    )


def _read_said(value: object, where: str) -> Said:
    fields = require_fields(value, ("index", "leaf", "log"), where)
    place = Place(
        log=_read_log_name(fields["log"], where), index=_number(fields["index"], f"{where}.index")
    )
    return Said(place=place, leaf=_hash(fields["leaf"], f"{where}.leaf"))


def _read_log(value: object, where: str) -> LogRead:
    fields = require_fields(value, _LOG_FIELDS, where)
    checkpoint: tuple[int, bytes] | None = None
    if fields["checkpoint"] is not None:
        head = require_fields(fields["checkpoint"], ("root", "size"), f"{where}.checkpoint")
        checkpoint = (
            _number(head["size"], f"{where}.checkpoint.size"),
            _hash(head["root"], f"{where}.checkpoint.root"),
        )
    fresh = fields["fresh_time"]
    return LogRead(
        log=_read_log_name(fields["log"], where),
        size=_number(fields["size"], f"{where}.size"),
        quorum_size=_number(fields["quorum_size"], f"{where}.quorum_size"),
        fresh_time=None if fresh is None else _read_time(fresh, f"{where}.fresh_time"),
        is_stalled=require(fields["stalled"], bool, f"{where}.stalled"),
        is_forked=require(fields["forked"], bool, f"{where}.forked"),
        is_own=require(fields["own"], bool, f"{where}.own"),
        is_used=require(fields["used"], bool, f"{where}.used"),
        checkpoint=checkpoint,
    )


def _read_log_name(value: object, where: str) -> LogName:
    name = LogName.parse(require(value, str, where), field=f"{where}.log")
    if name.kind is not LogKind.REGISTRY:
        raise bad(f"{where}.log is not a registry log.")
    return name


def _read_time(value: object, where: str) -> datetime:
    text = require(value, str, where)
    found = parse_time(text, field=where)
    if format_time(found) != text:
        raise bad(f"{where} is not spelled in the one way.")
    return found


def _read_enum(value: object) -> Holder:
    text = require(value, str, "holder")
    if text not in {each.value for each in Holder}:
        raise bad("holder is not NOT_ASKED, MATCHED or NOT_MATCHED.")
    return Holder(text)


def _read_division(text: str) -> str:
    if normalise_division(text, field="host") != text:
        raise bad("host is not spelled in the one way.")
    return text


def _read_compared(value: object, holder: object) -> tuple[str, ...]:
    found = tuple(read_list(value, "compared", items_max=len(_COMPARED)))
    if found != tuple(name for name in _COMPARED if name in found):
        raise bad("compared is not identity_number and name, ascending, each once.")
    if bool(found) != (holder != Holder.NOT_ASKED.value):
        raise bad("compared and holder contradict each other.")
    return found


def _read_schemes(value: object) -> tuple[str, ...]:
    found = read_list(value, "stated_schemes", items_max=_SCHEMES_MAX)
    for position, each in enumerate(found):
        if len(require(each, str, f"stated_schemes[{position}]")) > _TEXT_CHARS_MAX:
            raise bad(f"stated_schemes[{position}] has more than {_TEXT_CHARS_MAX} characters.")
    _require_ascending(found, "stated_schemes")
    return tuple(found)


def _read_verdict(text: str) -> str:
    if text not in _VERDICTS:
        raise bad("verdict is not one that this version knows.")
    return text


def _text(value: Mapping[str, Any], name: str) -> str:
    text = require(value[name], str, name)
    if len(text) > _TEXT_CHARS_MAX:
        raise bad(f"{name} has more than {_TEXT_CHARS_MAX} characters.")
    return text


def _number(value: object, where: str) -> int:
    number = require(value, int, where)
    if not 0 <= number <= SIZE_MAX:
        raise bad(f"{where} is not a number from 0 to 2^63 - 1.")
    return number


def _hash(value: object, where: str) -> bytes:
    text = require(value, str, where)
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != HASH_BYTES or found.hex() != text:
        raise bad(f"{where} is not 64 lower-case hexadecimal digits.")
    return found


def _require_ascending(items: list[Any], where: str) -> None:
    if any(not left < right for left, right in itertools.pairwise(items)):
        raise bad(f"{where} are not sorted, each once.")
