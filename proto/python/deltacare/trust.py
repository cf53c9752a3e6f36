"""Who belongs to the federation and which keys speak for it: one bundle, signed by its members.

A node trusts what enough members have signed with the keys it was given, and nothing that a peer
says about itself. The bundle is canonical JSON in a C2SP signed note. How members agree on a new
one, and how keys are rotated, is not decided here; rooms ask through `Trust`, so that the bundle
can be replaced without them.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Protocol, Self, cast

from deltacare.errors import (
    DeltacareError,
    PeerFault,
    Reason,
    Refusal,
    ViolationCollector,
)
from deltacare.ids import LogKind, LogName, all_logs, parse_province
from deltacare.keys import Algorithm, LogSigner, VerifierKey
from deltacare.times import format_time, parse_date, parse_time
from deltacare.tlog.note import SignedNote, sign_note, verify_note

__all__ = [
    "BUNDLE_BYTES_MAX",
    "MEMBERS_MAX",
    "STALE_AFTER_S_DEFAULT",
    "Member",
    "Trust",
    "TrustBundle",
    "bundle_key_name",
    "witness_key_name",
]

BUNDLE_BYTES_MAX = 1_000_000
MEMBERS_MAX = 34  # provinces, as GB/T 2260 counts them
STALE_AFTER_S_DEFAULT = 86_400
REGISTRY_QUORUM_DEFAULT = 2

_FORMAT = "deltacare/trust-bundle/v1"
_STALE_AFTER_S_MIN, _STALE_AFTER_S_MAX = 600, 31 * 86_400
_VERSION_MAX = 2**31 - 1
_TEXT_CHARS_MAX = 100
_PEM_CHARS_MAX = 65_536
_ENDPOINT = re.compile(r"(?:[0-9A-Za-z](?:[0-9A-Za-z.-]{0,252})|\[[0-9A-Fa-f:]{2,45}\]):[0-9]{1,5}")
_PORT_MAX = 65_535
_PEM = re.compile(
    r"(?:-----BEGIN CERTIFICATE-----\n[0-9A-Za-z+/=\n]+\n-----END CERTIFICATE-----\n?)+", re.ASCII
)

_BUNDLE_FIELDS = (
    "federation",
    "format",
    "issued_time",
    "members",
    "opening_date",
    "registry_quorum",
    "stale_after_s",
    "version",
)
_MEMBER_FIELDS = (
    "bundle_key",
    "ca_pem",
    "endpoint",
    "log_keys",
    "name_en",
    "name_zh",
    "province",
    "witness_key",
)


def witness_key_name(province: str) -> str:
    """Return the name of a province's witness key."""
    return f"deltacare/{province}/witness"


def bundle_key_name(province: str) -> str:
    """Return the name of the key with which a province consents to a bundle."""
    return f"deltacare/{province}/bundle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One province of the federation.

    Attributes:
        province: Six digits.
        name_zh: Its name in Chinese.
        name_en: Its name in English.
        endpoint: ``host:port`` at which its node answers.
        ca_pem: Certificates of the CAs that vouch for callers of this province, and no other.
        log_keys: By log name the vkey of each log it writes, type 0x01.
        witness_key: The vkey it cosigns with, type 0x04.
        bundle_key: The vkey it signs bundles with, type 0x01.
    """

    province: str
    name_zh: str
    name_en: str
    endpoint: str
    ca_pem: str
    log_keys: Mapping[str, str]
    witness_key: str
    bundle_key: str


class Trust(Protocol):
    """What rooms may ask about the federation."""

    @property
    def provinces(self) -> tuple[str, ...]:
        """The members' codes, ascending."""
        ...

    @property
    def opening_date(self) -> date:
        """The first business date that settlement logs close."""
        ...

    @property
    def stale_after_s(self) -> int:
        """The age in seconds beyond which what rests on a log is stale."""
        ...

    def member(self, province: str) -> Member:
        """Return a member; ``NOT_FOUND`` if there is none."""
        ...

    def log_key(self, log: LogName) -> VerifierKey:
        """Return the key of a log; ``NOT_FOUND`` if no member writes it."""
        ...

    def witness_key(self, province: str) -> VerifierKey:
        """Return the key a member cosigns with; ``NOT_FOUND`` if there is no such member."""
        ...

    def witnesses(self, log: LogName) -> tuple[str, ...]:
        """Return the partners whose cosignatures count for a log, ascending."""
        ...

    def quorum(self, log: LogName) -> int:
        """Return how many of its witnesses must have cosigned a checkpoint of a log."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustBundle:
    """The federation as its members signed it; implements `Trust`.

    Attributes:
        federation: Its name.
        version: Number of the bundle, from 1; a later bundle has a higher one.
        issued_time: When it was written.
        opening_date: The first business date that settlement logs close.
        members: By province, ascending.
        registry_quorum: How many partners must cosign a registry log.
        stale_after_s: Seconds, 600 to 31 days.
    """

    federation: str
    version: int
    issued_time: datetime
    opening_date: date
    members: tuple[Member, ...]
    registry_quorum: int = REGISTRY_QUORUM_DEFAULT
    stale_after_s: int = STALE_AFTER_S_DEFAULT
    _members: Mapping[str, Member] = field(init=False, repr=False, compare=False)
    _log_keys: Mapping[LogName, VerifierKey] = field(init=False, repr=False, compare=False)
    _witness_keys: Mapping[str, VerifierKey] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the keys; a bundle that contradicts itself does not come into being.

        Raises:
            Refusal: ``INVALID_FIELD``, naming every field that is wrong.
        """
        bad = ViolationCollector()
        for index, member in enumerate(self.members):
            bad.take(parse_province, member.province, field=f"members[{index}].province")
        bad.raise_if_any()
        _check_bundle(self, bad)
        log_keys: dict[LogName, VerifierKey] = {}
        witness_keys: dict[str, VerifierKey] = {}
        for index, member in enumerate(self.members):
            _check_member(member, self.provinces, f"members[{index}]", bad)
        bad.raise_if_any()
        seen: dict[bytes, str] = {}
        for index, member in enumerate(self.members):
            for key in _keys_of(member):
                other = seen.setdefault(key.public_key, key.name)
                if other != key.name:
                    where = f"members[{index}]"
                    bad.note(where, key.name, f"The key is also that of {other}.", "Use each once.")
                if key.algorithm is Algorithm.COSIGNATURE_V1:
                    witness_keys[member.province] = key
                elif key.name in member.log_keys:
                    log_keys[LogName.parse(key.name)] = key
        bad.raise_if_any()
        by_province = {member.province: member for member in self.members}
        object.__setattr__(self, "_members", MappingProxyType(by_province))
        object.__setattr__(self, "_log_keys", MappingProxyType(log_keys))
        object.__setattr__(self, "_witness_keys", MappingProxyType(witness_keys))

    @property
    def provinces(self) -> tuple[str, ...]:
        """The members' codes, ascending."""
        return tuple(member.province for member in self.members)

    def member(self, province: str) -> Member:
        """Return a member.

        Raises:
            Refusal: ``NOT_FOUND``, if there is none with that code.
        """
        try:
            return self._members[province]
        except KeyError:
            raise _unknown("province", province) from None

    def log_key(self, log: LogName) -> VerifierKey:
        """Return the key of a log.

        Raises:
            Refusal: ``NOT_FOUND``, if no member writes it.
        """
        try:
            return self._log_keys[log]
        except KeyError:
            raise _unknown("log", str(log)) from None

    def witness_key(self, province: str) -> VerifierKey:
        """Return the key a member cosigns with.

        Raises:
            Refusal: ``NOT_FOUND``, if there is no such member.
        """
        try:
            return self._witness_keys[province]
        except KeyError:
            raise _unknown("province", province) from None

    def witnesses(self, log: LogName) -> tuple[str, ...]:
        """Return the partners whose cosignatures count for a log, ascending."""
        self.log_key(log)
        return tuple(p for p in self.provinces if p != log.author and log.may_hold(p))

    def quorum(self, log: LogName) -> int:
        """Return how many of its witnesses must have cosigned a checkpoint of a log."""
        self.log_key(log)
        return self.registry_quorum if log.kind is LogKind.REGISTRY else 1

    def to_text(self) -> str:
        """Return the text that members sign: canonical JSON on one line, keys in order."""
        value = {
            "format": _FORMAT,
            "federation": self.federation,
            "version": self.version,
            "issued_time": format_time(self.issued_time),
            "opening_date": self.opening_date.isoformat(),
            "registry_quorum": self.registry_quorum,
            "stale_after_s": self.stale_after_s,
            "members": [
                {
                    name: dict(member.log_keys) if name == "log_keys" else getattr(member, name)
                    for name in _MEMBER_FIELDS
                }
                for member in self.members
            ],
        }
        return _canonical(value)

    def to_note(self, signers: Iterable[LogSigner]) -> bytes:
        """Return the bundle as a note with members' signatures."""
        text = self.to_text()
        signatures = tuple(sign_note(text, signer) for signer in signers)
        return SignedNote(text=text, signatures=signatures).to_bytes()

    @classmethod
    def from_note(cls, data: bytes, *, keys: Iterable[str], threshold: int) -> Self:
        """Return the bundle that enough members have signed.

        1. The note is well formed. 2. At least `threshold` of the pinned keys signed it, each
        under another name and with another key. 3. Its text is the canonical spelling of a bundle
        that does not contradict itself.

        Args:
            data: The note.
            keys: The vkeys, type 0x01, that the caller was given by hand or took from the bundle
                it trusts now.
            threshold: How many of them, at least 1.

        Raises:
            PeerFault: ``BAD_SIGNATURE`` or ``NO_QUORUM``, if the signatures do not suffice, or
                what they sign is no bundle.
            Refusal: ``INVALID_FIELD``, if `keys` themselves are wrong.
        """
        pinned = [
            VerifierKey.from_text(text, algorithm=Algorithm.ED25519, field_name=f"keys[{index}]")
            for index, text in enumerate(keys)
        ]
        _check_pinned(pinned, threshold)
        note = SignedNote.from_bytes(data, bytes_max=BUNDLE_BYTES_MAX)
        signed = verify_note(note, pinned)
        if len(signed) < threshold:
            raise PeerFault(
                Reason.NO_QUORUM,
                f"The trust bundle has {len(signed)} of the {threshold} signatures it needs.",
                details={"signed_by": ", ".join(key.name for key in signed)},
            )
        try:
            return cls._from_text(note.text)
        except Refusal as error:
            raise PeerFault(
                Reason.BAD_SIGNATURE,
                f"What was signed is no trust bundle: {error.message}",
                violations=error.violations,
            ) from None

    @classmethod
    def _from_text(cls, text: str) -> Self:
        value = _json_object(text)
        members_value = value["members"]
        if not isinstance(members_value, list) or len(members_value) > MEMBERS_MAX:
            raise _wrong("members", "It is not a list of at most 34 members.")
        members: list[Member] = []
        for index, row in enumerate(members_value):
            where = f"members[{index}]"
            _require_fields(row, _MEMBER_FIELDS, where)
            log_keys = row["log_keys"]
            if not isinstance(log_keys, dict):
                raise _wrong(f"{where}.log_keys", "It is not an object.")
            texts = {name: row[name] for name in _MEMBER_FIELDS if name != "log_keys"}
            for name, item in {**texts, **log_keys}.items():
                if not isinstance(item, str):
                    raise _wrong(f"{where}.{name}", "It is not a text.")
            members.append(Member(log_keys=MappingProxyType(log_keys), **texts))
        bundle = cls(
            federation=_typed(value, "federation", str),
            version=_typed(value, "version", int),
            issued_time=parse_time(_typed(value, "issued_time", str), field="issued_time"),
            opening_date=parse_date(_typed(value, "opening_date", str), field="opening_date"),
            registry_quorum=_typed(value, "registry_quorum", int),
            stale_after_s=_typed(value, "stale_after_s", int),
            members=tuple(members),
        )
        if bundle.to_text() != text:
            raise _wrong("bundle", "It is not in its canonical spelling.")
        return bundle


def _check_bundle(bundle: TrustBundle, bad: ViolationCollector) -> None:
    if not 0 < len(bundle.federation) <= _TEXT_CHARS_MAX or not bundle.federation.isprintable():
        bad.note("federation", bundle.federation, "A federation has a name of 1 to 100 characters.")
    if not 1 <= bundle.version <= _VERSION_MAX:
        bad.note("version", bundle.version, "A version counts from 1.")
    if not _STALE_AFTER_S_MIN <= bundle.stale_after_s <= _STALE_AFTER_S_MAX:
        bad.note("stale_after_s", bundle.stale_after_s, "It is not 10 minutes to 31 days.")
    provinces = bundle.provinces
    if not 2 <= len(provinces) <= MEMBERS_MAX:  # noqa: PLR2004 - one alone federates with nobody
        bad.note("members", len(provinces), f"A federation has 2 to {MEMBERS_MAX} members.")
    if list(provinces) != sorted(set(provinces)):
        bad.note("members", ", ".join(provinces), "Members stand once each, ascending by code.")
    if not 1 <= bundle.registry_quorum < max(2, len(provinces)):
        bad.note("registry_quorum", bundle.registry_quorum, "It is not 1 to all partners.")


def _check_member(
    member: Member, provinces: Sequence[str], where: str, bad: ViolationCollector
) -> None:
    for name in ("name_zh", "name_en"):
        text = getattr(member, name)
        if not 0 < len(text) <= _TEXT_CHARS_MAX or not text.isprintable():
            bad.note(f"{where}.{name}", text, "A name has 1 to 100 printable characters.")
    port = member.endpoint.rpartition(":")[2]
    if not _ENDPOINT.fullmatch(member.endpoint) or not 0 < int(port) <= _PORT_MAX:
        bad.note(f"{where}.endpoint", member.endpoint, "It is not host:port.")
    if len(member.ca_pem) > _PEM_CHARS_MAX or not _PEM.fullmatch(member.ca_pem):
        bad.note(f"{where}.ca_pem", "", "It is not one or more certificates in PEM.")
    expected = {str(log) for log in all_logs(set(provinces)) if log.author == member.province}
    if set(member.log_keys) != expected:
        wrong = ", ".join(sorted(set(member.log_keys) ^ expected))
        bad.note(f"{where}.log_keys", wrong, "These logs are missing or not the member's to write.")
    rows = [(f"log_keys.{name}", name, text) for name, text in member.log_keys.items()]
    rows.append(("bundle_key", bundle_key_name(member.province), member.bundle_key))
    for name, key_name, text in rows:
        _check_key(text, Algorithm.ED25519, key_name, f"{where}.{name}", bad)
    _check_key(
        member.witness_key,
        Algorithm.COSIGNATURE_V1,
        witness_key_name(member.province),
        f"{where}.witness_key",
        bad,
    )


def _check_key(
    text: str, algorithm: Algorithm, name: str, where: str, bad: ViolationCollector
) -> None:
    key = bad.take(VerifierKey.from_text, text, algorithm=algorithm, field_name=where)
    if key is not None and key.name != name:
        bad.note(where, key.name, f"The key's name is not {name}.")


def _check_pinned(pinned: Sequence[VerifierKey], threshold: int) -> None:
    assert threshold >= 1, "a bundle nobody signed is not trusted"
    bad = ViolationCollector()
    if len({key.name for key in pinned}) != len(pinned):
        bad.note("keys", "", "Two pinned keys have one name.", "Pin one key a member.")
    if len({key.public_key for key in pinned}) != len(pinned):
        bad.note("keys", "", "One key is pinned under two names.", "Pin one key a member.")
    if threshold > len(pinned):
        bad.note("threshold", threshold, f"Only {len(pinned)} keys are pinned.")
    bad.raise_if_any()


def _keys_of(member: Member) -> tuple[VerifierKey, ...]:
    texts = (*member.log_keys.values(), member.witness_key, member.bundle_key)
    return tuple(VerifierKey.from_text(text) for text in texts)


def _canonical(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n"


def _json_object(text: str) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) != len(pairs):
            raise ValueError
        return dict(pairs)

    try:
        value = json.loads(text, object_pairs_hook=once)
    except (ValueError, RecursionError):
        raise _wrong("bundle", "It is not JSON with each name once.") from None
    _require_fields(value, _BUNDLE_FIELDS, "bundle")
    if value["format"] != _FORMAT:
        raise _wrong("format", f"It is not {_FORMAT}.")
    return cast("dict[str, Any]", value)


def _require_fields(value: object, names: Sequence[str], where: str) -> None:
    if not isinstance(value, dict) or sorted(value) != list(names):
        raise _wrong(where, f"It is not an object of exactly {', '.join(names)}.")


def _typed(value: Mapping[str, Any], name: str, kind: type[Any]) -> Any:  # noqa: ANN401 - JSON
    item = value[name]
    if type(item) is not kind:
        raise _wrong(name, f"It is not of type {kind.__name__}.")
    return item


def _wrong(where: str, description: str) -> Refusal:
    bad = ViolationCollector()
    bad.note(where, "", description)
    return Refusal(Reason.INVALID_FIELD, f"{where}: {description}", violations=bad.violations)


def _unknown(noun: str, value: str) -> DeltacareError:
    return Refusal(
        Reason.NOT_FOUND, f"The federation has no {noun} {value}.", details={noun: value}
    )
