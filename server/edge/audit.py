"""What the edge tells the audit: who was not let in, and whose data is about to leave.

Values and a port. Where they go and how long they wait is for who implements the port; that a
disclosure is durable before its answer is sent, the gate sees to.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from deltacare.ids import Principal
from deltacare.purposes import Purpose
from server.edge.call import Call

__all__ = ["AuditSink", "Denial"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """A call that was not let in; calls that are alike are equal.

    Attributes:
        caller: From the certificate; ``None`` if it names nobody.
        method: Full name.
        purpose: What the caller gave, if it is one that exists.
        rule: Of the rights table; empty if the call was refused elsewhere.
        reason: Wire reason.
        cause: Why a certificate names nobody; nothing that stands in it.
    """

    caller: Principal | None
    method: str
    purpose: Purpose | None
    rule: str
    reason: str
    cause: str


class AuditSink(Protocol):
    """Takes what must not be forgotten."""

    def deny(self, denial: Denial, now: datetime) -> None:
        """Note a denial at once, in memory; never fails and never waits."""
        ...

    async def disclose(self, call: Call) -> None:
        """Return once it is durable what a call discloses.

        Raises:
            Unavailable: It cannot be made durable now; nothing may be disclosed.
        """
        ...
