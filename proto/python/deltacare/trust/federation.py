"""The federation as its members signed it: who belongs to it and which keys speak for it when.

A node trusts what enough members have signed with the keys it was given, and nothing that a peer
says about itself. Rooms ask through `Trust`; the frozen value here is one answer, and the live one
of a node changes while it runs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Protocol, Self

from deltacare.errors import DeltacareError, Reason, Refusal, ViolationCollector
from deltacare.ids import LogKind, LogName, all_logs, parse_province
from deltacare.keys import VerifierKey
from deltacare.sm2 import Sm2VerifierKey
from deltacare.times import format_time, parse_date, parse_time
from deltacare.trust.documents import canonical, read_object, require_type, wrong
from deltacare.trust.members import Member, verdict_key_name, witness_key_name
from deltacare.trust.policies import log_policy, sm2_policy
from deltacare.trust.terms import KeyTerm, SuiteTerm

__all__ = [
    "FEDERATION_PATH",
    "MEMBERS_MAX",
    "STALE_AFTER_S_DEFAULT",
    "Federation",
    "Trust",
    "member_path",
    "policy_path",
    "sm2_policy_path",
]

FEDERATION_PATH = "federation.json"
MEMBERS_MAX = 34  # provinces, as GB/T 2260 counts them
STALE_AFTER_S_DEFAULT = 86_400
COSIGNATURE_AGE_MAX_S_DEFAULT = 86_400
REGISTRY_QUORUM_DEFAULT = 2

_FORMAT = "deltacare/federation/v1"
_FIELDS = (
    "cosignature_age_max_s",
    "federation",
    "format",
    "issued_time",
    "opening_date",
    "provinces",
    "registry_quorum",
    "stale_after_s",
    "version",
)
_AGE_S_MIN, _AGE_S_MAX = 600, 31 * 86_400
_VERSION_MAX = 2**31 - 1
_TEXT_CHARS_MAX = 100


def member_path(province: str) -> str:
    """Return the target path under which a member is stated."""
    return f"members/{province}.json"


def policy_path(log: LogName) -> str:
    """Return the target path of the witness policy of a log."""
    return f"policies/{log}.txt"


def sm2_policy_path(log: LogName) -> str:
    """Return the target path of what can be demanded of the second suite for a log."""
    return f"policies/{log}.sm2.txt"


class Trust(Protocol):
    """What rooms may ask about the federation.

    The answers change while a node runs; nobody keeps one for longer than a call.
    """

    @property
    def version(self) -> int:
        """Number of what the members signed; rises with every change."""
        ...

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

    @property
    def cosignature_age_max_s(self) -> int:
        """The age in seconds up to which a quorum's cosignatures let something new count."""
        ...

    def stale_since(self, now: datetime) -> datetime | None:
        """Return since when nobody confirmed what the members signed; ``None`` while it counts."""
        ...

    def member(self, province: str) -> Member:
        """Return a member; ``NOT_FOUND`` if there is none."""
        ...

    def log_keys(self, log: LogName) -> tuple[KeyTerm, ...]:
        """Return the keys of a log, oldest first; ``NOT_FOUND`` if no member writes it."""
        ...

    def witness_keys(self, province: str) -> tuple[KeyTerm, ...]:
        """Return the keys a member cosigns with; ``NOT_FOUND`` if there is no such member."""
        ...

    def verdict_keys(self, province: str) -> tuple[KeyTerm, ...]:
        """Return the keys a member's node signs verdicts with; ``NOT_FOUND`` likewise."""
        ...

    def suite_keys(self, name: str) -> tuple[SuiteTerm, ...]:
        """Return the keys of the second suite of a log or witness; empty if it has none."""
        ...

    def witnesses(self, log: LogName) -> tuple[str, ...]:
        """Return the partners whose cosignatures count for a log, ascending."""
        ...

    def quorum(self, log: LogName) -> int:
        """Return how many of its witnesses must have cosigned a checkpoint of a log."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Federation:
    """The federation at one version; implements `Trust`.

    Attributes:
        federation: Its name.
        version: Number of the statement, from 1.
        issued_time: When it was written.
        opening_date: The first business date that settlement logs close.
        members: By province, ascending.
        registry_quorum: How many partners must cosign a registry log.
        stale_after_s: Seconds, 600 to 31 days.
        cosignature_age_max_s: Seconds, 600 to 31 days.
    """

    federation: str
    version: int
    issued_time: datetime
    opening_date: date
    members: tuple[Member, ...]
    registry_quorum: int = REGISTRY_QUORUM_DEFAULT
    stale_after_s: int = STALE_AFTER_S_DEFAULT
    cosignature_age_max_s: int = COSIGNATURE_AGE_MAX_S_DEFAULT
    _members: Mapping[str, Member] = field(init=False, repr=False, compare=False)
    _suite_keys: Mapping[str, tuple[SuiteTerm, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the members; a statement that contradicts itself does not come into being.

        Raises:
            Refusal: ``INVALID_FIELD``, naming every field that is wrong.
        """
        bad = ViolationCollector()
        for index, member in enumerate(self.members):
            bad.take(parse_province, member.province, field=f"members[{index}].province")
        bad.raise_if_any()
        _check(self, bad)
        bad.raise_if_any()  # members are judged against the list of members
        seen: dict[bytes, str] = {}
        for member in self.members:
            where = f"members[{member.province}]"
            member.check(self.provinces, where, bad)
            keys: list[VerifierKey | Sm2VerifierKey] = [term.key for term in member.keys]
            keys += [term.key for term in member.suite_keys]
            for key in keys:
                other = seen.setdefault(key.public_key, key.name)
                if other != key.name:
                    text = f"The key is also that of {other}."
                    bad.note(where, key.name, text, "Use each once.")
            if len({key.public_key for key in keys}) != len(keys):
                bad.note(where, "", "A key stands there twice.", "Use each once.")
        bad.raise_if_any()
        by_province = {member.province: member for member in self.members}
        object.__setattr__(self, "_members", MappingProxyType(by_province))
        names = {term.key.name: member for member in self.members for term in member.suite_keys}
        suite_keys = {name: member.suite_terms(name) for name, member in names.items()}
        object.__setattr__(self, "_suite_keys", MappingProxyType(suite_keys))

    @property
    def provinces(self) -> tuple[str, ...]:
        """The members' codes, ascending."""
        return tuple(member.province for member in self.members)

    def stale_since(self, now: datetime) -> datetime | None:
        """Return ``None``: a statement alone does not age; a node's live trust knows its age."""
        del now
        return None  # this is the answer

    def member(self, province: str) -> Member:
        """Return a member.

        Raises:
            Refusal: ``NOT_FOUND``, if there is none with that code.
        """
        try:
            return self._members[province]
        except KeyError:
            raise _unknown("province", province) from None

    def log_keys(self, log: LogName) -> tuple[KeyTerm, ...]:
        """Return the keys of a log, oldest first.

        Raises:
            Refusal: ``NOT_FOUND``, if no member writes it.
        """
        member = self._members.get(log.author)
        terms = member.terms(str(log)) if member is not None else ()
        if not terms:
            raise _unknown("log", str(log))
        return terms

    def witness_keys(self, province: str) -> tuple[KeyTerm, ...]:
        """Return the keys a member cosigns with, oldest first.

        Raises:
            Refusal: ``NOT_FOUND``, if there is no such member.
        """
        return self.member(province).terms(witness_key_name(province))

    def verdict_keys(self, province: str) -> tuple[KeyTerm, ...]:
        """Return the keys a member's node signs verdicts with, oldest first.

        Raises:
            Refusal: ``NOT_FOUND``, if there is no such member.
        """
        return self.member(province).terms(verdict_key_name(province))

    def suite_keys(self, name: str) -> tuple[SuiteTerm, ...]:
        """Return the keys of the second suite of a log or witness, oldest first; often none."""
        return self._suite_keys.get(name, ())

    def witnesses(self, log: LogName) -> tuple[str, ...]:
        """Return the partners whose cosignatures count for a log, ascending."""
        self.log_keys(log)
        return tuple(p for p in self.provinces if p != log.author and log.may_hold(p))

    def quorum(self, log: LogName) -> int:
        """Return how many of its witnesses must have cosigned a checkpoint of a log.

        None for an audit log, which its author alone holds.
        """
        self.log_keys(log)
        match log.kind:
            case LogKind.REGISTRY:
                return self.registry_quorum
            case LogKind.SETTLEMENT:
                return 1
            case LogKind.AUDIT:
                return 0

    def to_documents(self) -> dict[str, bytes]:
        """Return what members sign, by target path: statement, members and witness policies."""
        documents = {
            FEDERATION_PATH: canonical(
                {
                    "format": _FORMAT,
                    "federation": self.federation,
                    "version": self.version,
                    "issued_time": format_time(self.issued_time),
                    "opening_date": self.opening_date.isoformat(),
                    "registry_quorum": self.registry_quorum,
                    "stale_after_s": self.stale_after_s,
                    "cosignature_age_max_s": self.cosignature_age_max_s,
                    "provinces": list(self.provinces),
                }
            )
        }
        for member in self.members:
            documents[member_path(member.province)] = member.to_bytes()
        for log in all_logs(self.provinces):
            documents[policy_path(log)] = log_policy(self, log).to_text().encode()
            sm2 = sm2_policy(self, log)
            if sm2 is not None:
                documents[sm2_policy_path(log)] = sm2.to_text().encode()
        return documents

    @classmethod
    def from_documents(cls, documents: Mapping[str, bytes]) -> Self:
        """Return the federation of its documents, whose signatures the caller has verified.

        Args:
            documents: By target path.

        Raises:
            Refusal: ``INVALID_FIELD``, if one is missing, not canonical, or contradicts another.
        """
        if FEDERATION_PATH not in documents:
            raise wrong(FEDERATION_PATH, "It is missing.")
        value = read_object(
            documents[FEDERATION_PATH], fields=_FIELDS, kind=_FORMAT, where="federation"
        )
        provinces = require_type(value["provinces"], list, "federation.provinces")
        members: list[Member] = []
        for code in provinces[:MEMBERS_MAX]:
            path = member_path(parse_province(require_type(code, str, "federation.provinces")))
            if path not in documents:
                raise wrong(path, "It is missing.")
            members.append(Member.from_bytes(documents[path], where=path))
            if members[-1].province != code:
                raise wrong(path, "It is of another province.")
        federation = cls(
            federation=require_type(value["federation"], str, "federation.federation"),
            version=require_type(value["version"], int, "federation.version"),
            issued_time=parse_time(
                require_type(value["issued_time"], str, "federation.issued_time"),
                field="federation.issued_time",
            ),
            opening_date=parse_date(
                require_type(value["opening_date"], str, "federation.opening_date"),
                field="federation.opening_date",
            ),
            registry_quorum=require_type(
                value["registry_quorum"], int, "federation.registry_quorum"
            ),
            stale_after_s=require_type(value["stale_after_s"], int, "federation.stale_after_s"),
            cosignature_age_max_s=require_type(
                value["cosignature_age_max_s"], int, "federation.cosignature_age_max_s"
            ),
            members=tuple(members),
        )
        expected = federation.to_documents()
        for path in sorted(expected.keys() | documents.keys()):
            if expected.get(path) != documents.get(path):
                raise wrong(path, "It is missing, strange, or contradicts the members.")
        return federation


def _check(federation: Federation, bad: ViolationCollector) -> None:
    name = federation.federation
    if not 0 < len(name) <= _TEXT_CHARS_MAX or not name.isprintable():
        bad.note("federation", name, "A federation has a name of 1 to 100 characters.")
    if not 1 <= federation.version <= _VERSION_MAX:
        bad.note("version", federation.version, "A version counts from 1.")
    for field_name in ("stale_after_s", "cosignature_age_max_s"):
        seconds = getattr(federation, field_name)
        if not _AGE_S_MIN <= seconds <= _AGE_S_MAX:
            bad.note(field_name, seconds, "It is not 10 minutes to 31 days.")
    provinces = federation.provinces
    if not 2 <= len(provinces) <= MEMBERS_MAX:  # noqa: PLR2004 - one alone federates with nobody
        bad.note("members", len(provinces), f"A federation has 2 to {MEMBERS_MAX} members.")
    if list(provinces) != sorted(set(provinces)):
        bad.note("members", ", ".join(provinces), "Members stand once each, ascending by code.")
    if not 1 <= federation.registry_quorum < max(2, len(provinces)):
        bad.note("registry_quorum", federation.registry_quorum, "It is not 1 to all partners.")


def _unknown(noun: str, value: str) -> DeltacareError:
    return Refusal(
        Reason.NOT_FOUND, f"The federation has no {noun} {value}.", details={noun: value}
    )
