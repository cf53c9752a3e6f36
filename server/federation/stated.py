"""What the federation's statements said at a past moment, of those that this node keeps.

A statement counts from when it was issued until the next one was, among those that were put in
force here. Nodes put one in force at the next full hour, so an answer about a moment within that
hour may rest on the statement that was about to come; nothing older is ever preferred to it.
"""

from datetime import datetime

from deltacare.errors import DeltacareError
from server.federation.ledger import TrustLedger

__all__ = ["StatedHistory"]


class StatedHistory:
    """The schemes that members were let issue under, now and before.

    Args:
        ledger: what this node has verified.
    """

    def __init__(self, ledger: TrustLedger) -> None:
        self._ledger = ledger
        # Of each statement when it was issued and what it says; the newest first.
        self._statements: list[tuple[datetime, dict[str, frozenset[str]]]] = []
        self._version = 0

    def at(self, province: str, known_time: datetime) -> frozenset[str]:
        """Return the schemes that a province was let issue under at a moment; none stand for any.

        Before the first statement that is kept, that one counts.

        Args:
            province: a member now; nothing was stated of it before it was one.
            known_time: the moment.
        """
        if self._ledger.in_force.version != self._version:
            self._read()
        for issued_time, schemes in self._statements:
            if issued_time <= known_time:
                return schemes.get(province, frozenset())
        return self._statements[-1][1].get(province, frozenset())

    def _read(self) -> None:
        """Take in the statements up to the one in force; they never change."""
        newest = self._ledger.in_force
        found = []
        known = newest
        while True:
            federation = known.federation
            found.append(
                (
                    federation.issued_time,
                    {
                        each: frozenset(federation.member(each).schemes)
                        for each in federation.provinces
                    },
                )
            )
            if known.version == 1:
                break
            try:
                known = self._ledger.known(known.version - 1)
            except DeltacareError:
                break  # an older one was never kept here, or is damaged
        self._statements, self._version = found, newest.version
