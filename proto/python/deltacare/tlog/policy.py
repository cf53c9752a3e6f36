"""C2SP tlog-policy: the text in which a verifier says which logs and witnesses it trusts.

Written for people to keep beside their receipts and for tools that are not ours; read when
`deltacare verify` is given one. It says nothing about how keys came to be trusted.

A demand for the second suite is a second text in the same grammar, with keys of that suite only:
tools that are not ours refuse keys and words they do not know, so both in one file would make it
useless to them.

Keys that were called bad stand in comments of one grammar, ``# deltacare: tainted log VKEY since
TIME`` or ``tainted witness``. Tools that are not ours pass over them and so trust these keys with
nothing; our readers let survive what a quorum had cosigned before that time, and refuse a comment
that begins with ``deltacare:`` and is not of this grammar.

Source: https://c2sp.org/tlog-policy
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Protocol, Self, TypeVar

from deltacare.errors import invalid_field
from deltacare.keys import Algorithm, VerifierKey
from deltacare.sm2 import Sm2Use, Sm2VerifierKey
from deltacare.times import format_time, parse_time

__all__ = ["POLICY_BYTES_MAX", "Group", "Policy", "PolicyKey", "PolicyOf", "Sm2Policy", "Tainted"]

POLICY_BYTES_MAX = 1_000_000

_NONE = "none"
_ROWS_MAX = 1_000
_NAME = re.compile(r"[^\x00-\x20\x7f#][^\x00-\x20\x7f]*")
_THRESHOLD = re.compile(r"[1-9][0-9]{0,3}", re.ASCII)
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
# Whoever writes this means us; misspelt, it must not be passed over like another comment.
_OURS = re.compile(r"[ \t]*#[# \t]*deltacare[ \t]*:", re.IGNORECASE)
_TAINTED = "# deltacare: tainted"


class PolicyKey(Protocol):
    """What a policy needs of a verifier key of any suite."""

    @property
    def name(self) -> str:
        """Of the log or witness."""
        ...

    @property
    def key_id(self) -> bytes:
        """The four bytes that stand in its lines."""
        ...

    @property
    def public_key(self) -> bytes:
        """The key itself."""
        ...

    def to_text(self) -> str:
        """Return the vkey text."""
        ...


K = TypeVar("K", bound=PolicyKey)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A named set of witnesses or groups, and how many of them must have cosigned.

    Attributes:
        threshold: 1 to the number of members.
        members: Names defined before it.
    """

    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tainted(Generic[K]):
    """A key that its owner called bad.

    Attributes:
        key: Of a log or a witness.
        since: The instant from which its owner no longer answers for it.
    """

    key: K
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyOf(Generic[K]):
    """Which logs and witnesses are trusted, and which of them suffice, by keys of one suite.

    Attributes:
        logs: Keys of logs.
        witnesses: Keys of witnesses by name.
        groups: Groups by name, each after what it names.
        quorum: The name of a witness or group; ``none`` if no cosignature is needed.
        tainted_logs: Keys of logs that were called bad: not trusted but for what survives.
        tainted_witnesses: Keys of witnesses that were called bad: they count for nothing.
    """

    logs: tuple[K, ...]
    witnesses: Mapping[str, K] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    quorum: str = _NONE
    tainted_logs: tuple[Tainted[K], ...] = ()
    tainted_witnesses: tuple[Tainted[K], ...] = ()

    @classmethod
    def of(cls, *, logs: Iterable[K], witnesses: Iterable[K], quorum: int) -> Self:
        """Return the policy that any `quorum` of some witnesses suffice.

        Args:
            logs: Keys of the logs.
            witnesses: Keys of the witnesses; each goes by its key's name.
            quorum: How many of them; 0 for ``quorum none``.
        """
        named = {key.name: key for key in witnesses}
        distinct = {key.public_key for key in named.values()}
        assert len(distinct) == len(named), "witnesses have keys of their own"
        if not quorum:
            return cls(logs=tuple(logs), witnesses=named)
        assert quorum <= len(named), "a quorum is among the witnesses"
        group = Group(threshold=quorum, members=tuple(named))
        return cls(
            logs=tuple(logs), witnesses=named, groups={"quorum-group": group}, quorum="quorum-group"
        )

    def is_met(self, cosigners: Iterable[K]) -> bool:
        """Whether the keys that cosigned a checkpoint satisfy the quorum."""
        if self.quorum == _NONE:
            return True
        signed = set(cosigners)
        met = {name: key in signed for name, key in self.witnesses.items()}
        for name, group in self.groups.items():
            met[name] = sum(met[member] for member in group.members) >= group.threshold
        return met[self.quorum]

    @property
    def log_keys(self) -> tuple[K, ...]:
        """The known keys of logs, those called bad among them."""
        return (*self.logs, *(each.key for each in self.tainted_logs))

    @property
    def witness_keys(self) -> tuple[K, ...]:
        """The known keys of witnesses, those called bad among them."""
        return (*self.witnesses.values(), *(each.key for each in self.tainted_witnesses))

    def survives(self, cosigned: Iterable[tuple[K, datetime]], *, before: datetime) -> bool:
        """Whether what a bad key signed counts: a quorum had cosigned it before an instant.

        At least one witness, also where no quorum is asked: somebody else must have seen it.

        Args:
            cosigned: Keys of witnesses that cosigned, each with the time it states.
            before: The instant from which the key is bad.
        """
        early = {key for key, time in cosigned if time < before}
        return not early.isdisjoint(self.witnesses.values()) and self.is_met(early)

    def to_text(self) -> str:
        """Return the policy's text."""
        lines = [f"log {key.to_text()}" for key in self.logs]
        lines += _tainted_lines("log", self.tainted_logs)
        lines += _tainted_lines("witness", self.tainted_witnesses)
        lines += [f"witness {name} {key.to_text()}" for name, key in self.witnesses.items()]
        lines += [
            f"group {name} {group.threshold} {' '.join(group.members)}"
            for name, group in self.groups.items()
        ]
        return "\n".join([*lines, f"quorum {self.quorum}"]) + "\n"

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return the policy of a file that its user wrote or was given.

        Raises:
            Refusal: ``INVALID_FIELD``, naming the line.
        """
        if len(data) > POLICY_BYTES_MAX:
            raise invalid_field("policy", "", f"The file has more than {POLICY_BYTES_MAX} bytes.")
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            raise invalid_field(
                "policy", "", "The file is not UTF-8.", "Save it as UTF-8."
            ) from None
        reader = _Reader(cls._log_key, cls._witness_key)
        for number, line in enumerate(text.split("\n"), start=1):
            reader.read(f"policy line {number}", line)
        if reader.quorum is None:
            raise invalid_field(
                "policy", "", "There is no quorum line.", "Add one, such as quorum none."
            )
        return cls(
            logs=tuple(reader.logs),
            witnesses=reader.witnesses,
            groups=reader.groups,
            quorum=reader.quorum,
            tainted_logs=tuple(reader.tainted_logs),
            tainted_witnesses=tuple(reader.tainted_witnesses),
        )

    @staticmethod
    def _log_key(text: str, where: str) -> K:
        raise NotImplementedError

    @staticmethod
    def _witness_key(text: str, where: str) -> K:
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(PolicyOf[VerifierKey]):
    """Which logs and witnesses are trusted, and which of them suffice.

    The keys of logs are of type 0x01, those of witnesses of type 0x04.
    """

    @staticmethod
    def _log_key(text: str, where: str) -> VerifierKey:
        return VerifierKey.from_text(text, algorithm=Algorithm.ED25519, field_name=where)

    @staticmethod
    def _witness_key(text: str, where: str) -> VerifierKey:
        return VerifierKey.from_text(text, algorithm=Algorithm.COSIGNATURE_V1, field_name=where)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sm2Policy(PolicyOf[Sm2VerifierKey]):
    """What a verifier demands of the second suite besides its `Policy`; never in its place.

    The keys are of type 0xff: of logs for notes, of witnesses for cosignatures.
    """

    @staticmethod
    def _log_key(text: str, where: str) -> Sm2VerifierKey:
        return Sm2VerifierKey.from_text(text, use=Sm2Use.NOTE, field_name=where)

    @staticmethod
    def _witness_key(text: str, where: str) -> Sm2VerifierKey:
        return Sm2VerifierKey.from_text(text, use=Sm2Use.COSIGNATURE, field_name=where)


def _tainted_lines(kind: str, tainted: Iterable[Tainted[K]]) -> list[str]:
    return [f"{_TAINTED} {kind} {t.key.to_text()} since {format_time(t.since)}" for t in tainted]


class _Reader(Generic[K]):
    """Reads a policy line by line; a line may name only what came before.

    Args:
        log_key: Reads the key of a log.
        witness_key: Reads the key of a witness.
    """

    def __init__(
        self, log_key: Callable[[str, str], K], witness_key: Callable[[str, str], K]
    ) -> None:
        self._log_key = log_key
        self._witness_key = witness_key
        self.logs: list[K] = []
        self.witnesses: dict[str, K] = {}
        self.groups: dict[str, Group] = {}
        self.quorum: str | None = None
        self.tainted_logs: list[Tainted[K]] = []
        self.tainted_witnesses: list[Tainted[K]] = []
        self._used: set[str] = set()

    def read(self, where: str, line: str) -> None:
        """Take one line, without its newline."""
        if _FORBIDDEN.search(line):
            raise invalid_field(where, "", "The line holds a control character.")
        words = [word for word in re.split(r"[ \t]+", line) if word]
        if not words:
            return
        if words[0].startswith("#"):
            if _OURS.match(line):
                self._comment(where, line, words)
            return
        self._make_room(where)
        match words:
            case ["log", vkey] | ["log", vkey, _]:
                self._log(where, vkey)
            case ["witness", name, vkey] | ["witness", name, vkey, _]:
                self._witness(where, name, vkey)
            case ["group", name, threshold, *members] if members:
                self._group(where, name, threshold, members)
            case ["quorum", name]:
                self._quorum(where, name)
            case _:
                raise invalid_field(
                    where,
                    line,
                    "This is not a line of a policy.",
                    "Lines begin with log, witness, group or quorum.",
                )

    def _comment(self, where: str, line: str, words: list[str]) -> None:
        """Take a comment that is addressed to us."""
        self._make_room(where)
        match words:
            case ["#", "deltacare:", "tainted", "log", vkey, "since", time]:
                self._tainted_log(where, vkey, time)
            case ["#", "deltacare:", "tainted", "witness", vkey, "since", time]:
                self._tainted_witness(where, vkey, time)
            case _:
                raise invalid_field(
                    where,
                    line,
                    "This comment is addressed to deltacare, and does not say what it may.",
                    "Write # deltacare: tainted log VKEY since TIME, or witness for log.",
                )

    def _make_room(self, where: str) -> None:
        known = (self.logs, self.witnesses, self.groups, self.tainted_logs, self.tainted_witnesses)
        if sum(map(len, known)) >= _ROWS_MAX:
            raise invalid_field(where, "", f"The policy has more than {_ROWS_MAX} definitions.")

    def _log(self, where: str, vkey: str) -> None:
        key = self._log_key(vkey, where)
        self._one_log(where, vkey, key)
        self.logs.append(key)

    def _tainted_log(self, where: str, vkey: str, time: str) -> None:
        key = self._log_key(vkey, where)
        self._one_log(where, vkey, key)
        self.tainted_logs.append(Tainted(key=key, since=parse_time(time, field=where)))

    def _one_log(self, where: str, vkey: str, key: K) -> None:
        known = [*self.logs, *(each.key for each in self.tainted_logs)]
        if any(key.public_key == other.public_key for other in known):
            raise invalid_field(where, vkey, "The log's key stands there twice.")

    def _witness(self, where: str, name: str, vkey: str) -> None:
        key = self._witness_key(vkey, where)
        self._define(where, name)
        self._one_witness(where, vkey, key)
        self.witnesses[name] = key

    def _tainted_witness(self, where: str, vkey: str, time: str) -> None:
        key = self._witness_key(vkey, where)
        self._one_witness(where, vkey, key)
        self.tainted_witnesses.append(Tainted(key=key, since=parse_time(time, field=where)))

    def _one_witness(self, where: str, vkey: str, key: K) -> None:
        known = [*self.witnesses.values(), *(each.key for each in self.tainted_witnesses)]
        if any(key.public_key == other.public_key for other in known):
            raise invalid_field(where, vkey, "The witness's key stands there twice.")

    def _group(self, where: str, name: str, threshold: str, members: list[str]) -> None:
        for member in members:
            self._known(where, member)
            if member in self._used:
                raise invalid_field(where, member, "A name may be a member once.")
            self._used.add(member)
        if threshold in ("any", "all"):
            needed = 1 if threshold == "any" else len(members)
        elif _THRESHOLD.fullmatch(threshold) and int(threshold) <= len(members):
            needed = int(threshold)
        else:
            raise invalid_field(
                where, threshold, "This is not a threshold.", f"Write any, all or 1-{len(members)}."
            )
        self._define(where, name)
        self.groups[name] = Group(threshold=needed, members=tuple(members))

    def _quorum(self, where: str, name: str) -> None:
        if self.quorum is not None:
            raise invalid_field(where, name, "There is a second quorum line.")
        if name != _NONE:
            self._known(where, name)
        self.quorum = name

    def _define(self, where: str, name: str) -> None:
        if name == _NONE or not _NAME.fullmatch(name):
            raise invalid_field(where, name, "This cannot name a witness or group.")
        if name in self.witnesses or name in self.groups:
            raise invalid_field(where, name, "The name is defined twice.")

    def _known(self, where: str, name: str) -> None:
        if name not in self.witnesses and name not in self.groups:
            raise invalid_field(
                where, name, "The name is not defined.", "Define it on a line before."
            )
