"""One base for every error of the project and one enum of the reasons that travel on the wire.

A refusal is worth something only if the caller can tell from it what to do: change the request,
ask someone else, or come back later. So each reason says whether a retry of the same call can
help, and what kind of outcome it is. This module knows no transport: one file at the edge maps
kinds to status codes.
"""

import enum
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Concatenate, ParamSpec, TypeVar

__all__ = [
    "DeltacareError",
    "FieldViolation",
    "Kind",
    "PeerFault",
    "Reason",
    "Refusal",
    "Unavailable",
    "ViolationCollector",
    "invalid_field",
]

_VALUE_SHOWN_CHARS_MAX = 120
_VIOLATIONS_MAX = 1_000

P = ParamSpec("P")
T = TypeVar("T")


class Kind(enum.Enum):
    """What sort of outcome a reason is; the edge maps each to one status code."""

    UNAUTHENTICATED = "unauthenticated"
    DENIED = "denied"
    INVALID = "invalid"
    NOT_FOUND = "not_found"
    EXISTS = "exists"
    PRECONDITION = "precondition"
    EXHAUSTED = "exhausted"
    UNAVAILABLE = "unavailable"
    DEADLINE = "deadline"
    INTERNAL = "internal"


class Reason(enum.Enum):
    """Why a call did not succeed, in order of precedence: of several, the first is reported.

    The name is the wire form (``google.rpc.ErrorInfo.reason``). A reason may be added, never
    renamed.
    """

    # The node cannot or will not look at the call now.
    SHUTTING_DOWN = (1, Kind.UNAVAILABLE, True)
    OVERLOADED = (2, Kind.UNAVAILABLE, True)
    RATE_LIMITED = (3, Kind.EXHAUSTED, True)
    TOO_LARGE = (4, Kind.EXHAUSTED, False)
    UNSUPPORTED_VERSION = (5, Kind.PRECONDITION, False)
    SUITE_NOT_AVAILABLE = (6, Kind.PRECONDITION, False)
    # Who asks.
    UNAUTHENTICATED = (7, Kind.UNAUTHENTICATED, False)
    WRONG_PROVINCE = (8, Kind.DENIED, False)
    ROLE_NOT_ALLOWED = (9, Kind.DENIED, False)
    LOG_NOT_ENTITLED = (10, Kind.DENIED, False)
    # What is asked.
    INVALID_FIELD = (11, Kind.INVALID, False)
    REQUEST_ID_REUSED = (12, Kind.EXISTS, False)
    NOT_FOUND = (13, Kind.NOT_FOUND, False)
    LOG_NOT_HELD = (14, Kind.NOT_FOUND, False)
    ALREADY_EXISTS = (15, Kind.EXISTS, False)
    NOT_AUTHOR = (16, Kind.DENIED, False)
    RULE_REFUSED = (17, Kind.PRECONDITION, False)
    # What a log proves.
    BAD_SIGNATURE = (18, Kind.PRECONDITION, False)
    KEY_NOT_IN_FORCE = (19, Kind.PRECONDITION, False)
    BAD_METADATA = (20, Kind.PRECONDITION, False)
    BAD_PROOF = (21, Kind.PRECONDITION, False)
    FORK = (22, Kind.PRECONDITION, False)
    LOG_STALLED = (23, Kind.PRECONDITION, False)
    STALE = (24, Kind.PRECONDITION, True)
    LOG_NOT_CONFIRMED = (25, Kind.UNAVAILABLE, True)
    NO_QUORUM = (26, Kind.UNAVAILABLE, True)
    # What the world did.
    PEER_UNREACHABLE = (27, Kind.UNAVAILABLE, True)
    DEADLINE_EXCEEDED = (28, Kind.DEADLINE, True)
    INTERNAL = (29, Kind.INTERNAL, False)

    def __init__(self, rank: int, kind: Kind, retryable: bool) -> None:  # noqa: FBT001 - enum row
        self.rank = rank
        self.kind = kind
        self.retryable = retryable

    @property
    def wire(self) -> str:
        """The form that travels: the name of the member."""
        return self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldViolation:
    """One field that was refused, in words that say how to mend it.

    Attributes:
        field: Path of the field from the request, such as ``records[3].amount_fen``.
        value: What was given, shortened; empty where it could be personal data.
        description: What is wrong, one sentence.
        remedy: What to do, one sentence; empty where nothing can be done.
    """

    field: str
    value: str
    description: str
    remedy: str = ""

    def __str__(self) -> str:
        shown = f" ({self.value!r})" if self.value else ""
        remedy = f" {self.remedy}" if self.remedy else ""
        return f"{self.field}{shown}: {self.description}{remedy}"


class DeltacareError(Exception):
    """The base of every error the project raises on purpose.

    Args:
        reason: The wire reason.
        message: One sentence for a person; holds no personal data, SQL or traceback.
        details: Facts for a program, such as the log and the size.
        violations: The refused fields, all of them.
    """

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        details: Mapping[str, str] | None = None,
        violations: Iterable[FieldViolation] = (),
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.details: Mapping[str, str] = MappingProxyType(dict(details or {}))
        self.violations: tuple[FieldViolation, ...] = tuple(violations)

    @property
    def retryable(self) -> bool:
        """Whether the same call can succeed later."""
        return self.reason.retryable

    def __str__(self) -> str:
        return f"{self.reason.wire}: {self.message}"


class Refusal(DeltacareError):  # noqa: N818 - a refusal is not our error
    """The caller's fault: a right, a rule or a field stands against the call."""


class PeerFault(DeltacareError):  # noqa: N818 - a fault is not our error
    """A partner's data does not verify; never the caller's fault, never ours."""


class Unavailable(DeltacareError):  # noqa: N818 - an outage is not our error
    """An outage that passes: the same call can succeed later."""


def invalid_field(field: str, value: object, description: str, remedy: str = "") -> Refusal:
    """Return the refusal of one field, to be raised.

    Args:
        field: Path of the field.
        value: What was given; shortened here. Pass ``""`` for personal data.
        description: What is wrong.
        remedy: What to do.
    """
    shown = str(value)
    if len(shown) > _VALUE_SHOWN_CHARS_MAX:
        shown = shown[: _VALUE_SHOWN_CHARS_MAX - 1] + "…"
    violation = FieldViolation(field=field, value=shown, description=description, remedy=remedy)
    return Refusal(Reason.INVALID_FIELD, str(violation), violations=(violation,))


class ViolationCollector:
    """Gathers what several parsers refuse, so that a caller learns of every bad field at once.

    Used in one call and thrown away; keeps at most 1,000 violations and counts the rest.
    """

    def __init__(self) -> None:
        self._violations: list[FieldViolation] = []
        self.count = 0

    def take(
        self,
        parse: Callable[Concatenate[str, P], T],
        value: str,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T | None:
        """Return ``parse(value, ...)``, or ``None`` after noting what it refused."""
        try:
            return parse(value, *args, **kwargs)
        except Refusal as error:
            if not error.violations:
                raise
            for violation in error.violations:
                self.add(violation)
            return None

    def add(self, violation: FieldViolation) -> None:
        """Note one violation."""
        self.count += 1
        if len(self._violations) < _VIOLATIONS_MAX:
            self._violations.append(violation)

    def note(self, field: str, value: object, description: str, remedy: str = "") -> None:
        """Note one violation from its parts."""
        for violation in invalid_field(field, value, description, remedy).violations:
            self.add(violation)

    @property
    def violations(self) -> tuple[FieldViolation, ...]:
        """What was noted, in the order it was found."""
        return tuple(self._violations)

    def raise_if_any(self) -> None:
        """Raise one refusal that names every violation.

        Raises:
            Refusal: ``INVALID_FIELD``, if anything was noted.
        """
        if not self.count:
            return
        noun = "field is" if self.count == 1 else "fields are"
        raise Refusal(
            Reason.INVALID_FIELD,
            f"{self.count} {noun} not acceptable; first: {self._violations[0]}",
            details={"violations": str(self.count)},
            violations=self._violations,
        )
