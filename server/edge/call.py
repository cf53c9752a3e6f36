"""One call, as a service sees it.

A service method is named after its RPC in snake case and takes ``(request, call)``. Unary methods
are coroutines that return the response; server streams are asynchronous generators; with a client
stream the request is an asynchronous iterator. Failures are ``deltacare.errors`` and nothing else.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from deltacare.ids import LogName, Principal
from deltacare.purposes import Purpose

__all__ = ["Call", "Disclosed", "Disclosures"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosed:
    """Personal data that an answer holds, named by the entries that it belongs to.

    Attributes:
        log: The log.
        first_index: The first entry.
        entry_count: How many.
    """

    log: LogName
    first_index: int
    entry_count: int


@dataclass(slots=True)
class Disclosures:
    """What the next answer of a call discloses, as its service says it.

    Attributes:
        on_behalf_of: Opaque id of whom a partner's node asks for; empty if it asks for itself.
        spans: Entries that the data belongs to.
        subject_ref: The person whose values leave, by the opaque reference of the own system; empty
            if none is meant.
        fields: Names of the fields that leave.
        legal_basis: Code of the basis on which they do; empty if no values of a person leave.
    """

    on_behalf_of: str = ""
    spans: list[Disclosed] = field(default_factory=list)
    subject_ref: str = ""
    fields: tuple[str, ...] = ()
    legal_basis: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Who calls what, when, and why.

    Attributes:
        caller: from the caller's certificate, never from the request.
        method: full name, ``/deltacare.v1.LogService/GetReceipt``.
        now: the node's clock, read once for this call, aware, in UTC.
        purpose: why personal data is asked for; ``None`` where the right that let the call in asks
            for none, and then nothing personal may be answered.
        rule: the rule of the rights table that let it in.
        disclosures: what the next answer discloses; a service adds to it before it answers, and
            the edge makes it durable first. ``None`` where there is no purpose.
    """

    caller: Principal
    method: str
    now: datetime
    purpose: Purpose | None = None
    rule: str = ""
    disclosures: Disclosures | None = None

    def disclose(self, log: LogName, first_index: int, entry_count: int) -> None:
        """Say what the next answer discloses.

        Args:
            log: The log of the entries that the data belongs to.
            first_index: The first of them.
            entry_count: How many.
        """
        assert self.disclosures is not None, "what has no purpose discloses nothing"
        span = Disclosed(log=log, first_index=first_index, entry_count=entry_count)
        self.disclosures.spans.append(span)

    def disclose_person(
        self, subject_ref: str, fields: Iterable[str], *, legal_basis: str = ""
    ) -> None:
        """Say of whom the next answer discloses which fields; never what they hold.

        Args:
            subject_ref: The person.
            fields: Names of fields.
            legal_basis: Code of the basis.
        """
        assert self.disclosures is not None, "what has no purpose discloses nothing"
        self.disclosures.subject_ref = subject_ref
        self.disclosures.fields = tuple(fields)
        self.disclosures.legal_basis = legal_basis

    def ask_for(self, principal: str) -> None:
        """Say for whom a partner's node asks, by that one's opaque id."""
        assert self.disclosures is not None, "what has no purpose discloses nothing"
        self.disclosures.on_behalf_of = principal
