"""Compares identity numbers: here for own certificates, at the issuer's node for a partner's.

An identity number has few unknown digits for who knows a birthday and a county, so guesses are
counted: of one caller and person, wrong ones within a day, whichever of its certificates they name.
Certificates that nobody issued or whose holder was erased are not counted, both of which the public
log tells as well; all others are, whether a number is kept or not, so that a refusal does not tell
that. Who uses up its guesses by one certificate may learn that another is the same person's; that
costs it a day of that person, and to count by certificate would give guesses for each. Numbers are
compared in constant time and stand in no log, no error and no memory beyond the comparison.
"""

import asyncio
import hmac
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection

from deltacare.errors import DeltacareError, Reason, Refusal, Unavailable
from deltacare.ids import parse_identity_number
from deltacare.v1.personal_service_pb2 import CompareIdentityRequest
from server.log.ports import Clock
from server.personal.ports import CertificateBook, IdentityPeers
from server.personal.vault import Vault
from server.store.database import Database

__all__ = [
    "COMPARE_TIMEOUT_S",
    "WRONG_COMPARISONS_PER_DAY_MAX",
    "Comparer",
    "Guesses",
]

WRONG_COMPARISONS_PER_DAY_MAX = 10
"""Comparisons of one caller and one person that may come out unequal within 24 hours."""

COMPARE_TIMEOUT_S = 5.0
"""Seconds that a check waits for the issuer's node."""

_DAY = timedelta(days=1)
_PERSONS_MAX = 20_000


class Guesses:
    """Counts wrong comparisons in this process's memory.

    Of each caller apart, so that none takes another's away. A restart, and each replica, counts
    anew: a caller then has as many more as there are replicas and restarts in a day, still few
    beside the thousands of numbers that a birthday and a county leave.

    Args:
        per_day_max: How many are let through of one caller and person.
        persons_max: Persons remembered for one caller. When there are more, those whose day is over
            are forgotten; if that is not enough, no comparison of this caller's is let through that
            would need a new one.
    """

    def __init__(
        self,
        *,
        per_day_max: int = WRONG_COMPARISONS_PER_DAY_MAX,
        persons_max: int = _PERSONS_MAX,
    ) -> None:
        self._per_day_max = per_day_max
        self._persons_max = persons_max
        self._begun: dict[str, OrderedDict[str, tuple[datetime, int]]] = {}

    def begin(self, caller: str, person: str, now: datetime) -> Callable[[], None]:
        """Count a comparison as wrong before it is made, so that many at once are counted as well.

        Args:
            caller: Province of the caller, a member: its people and its CA are one.
            person: Whose number it is compared with, whatever certificate was named.
            now: The present moment.

        Returns:
            What takes it back if the numbers are equal.

        Raises:
            Refusal: ``RATE_LIMITED``.
        """
        begun = self._begun.setdefault(caller, OrderedDict())
        _forget(begun, now)
        since, count = begun.get(person, (now, 0))
        if count >= self._per_day_max or (count == 0 and len(begun) >= self._persons_max):
            raise Refusal(
                Reason.RATE_LIMITED,
                "Too many identity numbers were compared with the holder of this certificate and "
                "were others; come back in a day.",
            )
        begun[person] = (since, count + 1)

        def take_back() -> None:
            found = begun.get(person)
            if found is None or found[0] != since:
                return
            if found[1] > 1:
                begun[person] = (since, found[1] - 1)
            else:
                del begun[person]

        return take_back


def _forget(begun: OrderedDict[str, tuple[datetime, int]], now: datetime) -> None:
    """Forget the persons whose day is over; they stand in the order in which they began."""
    while begun:
        since, _ = next(iter(begun.values()))
        if now - since < _DAY:
            return
        begun.popitem(last=False)


class Comparer:
    """Compares for this node; implements ``server.certification.ports.IdentityComparer``.

    Args:
        own: the node's province.
        database: its rows.
        vault: its vault.
        book: which certificates exist.
        peers: the vaults of partners.
        clock: the node's.
        guesses: counts; fresh unless given.
        timeout_s: for a partner's answer.
    """

    def __init__(
        self,
        *,
        own: str,
        database: Database,
        vault: Vault,
        book: CertificateBook,
        peers: IdentityPeers,
        clock: Clock,
        guesses: Guesses | None = None,
        timeout_s: float = COMPARE_TIMEOUT_S,
    ) -> None:
        self._own = own
        self._database = database
        self._vault = vault
        self._book = book
        self._peers = peers
        self._clock = clock
        self._guesses = guesses or Guesses()
        self._timeout_s = timeout_s

    async def same(self, certificate_no: str, issuer: str, identity_number: str) -> bool | None:
        """Return whether an identity number is the holder's; see the port."""
        try:
            if issuer == self._own:
                return await self.same_here(certificate_no, identity_number, caller=self._own)
            request = CompareIdentityRequest(
                certificate_no=certificate_no, identity_number=identity_number
            )
            async with asyncio.timeout(self._timeout_s):
                return (await self._peers.compare_identity(issuer, request)).same
        except (DeltacareError, TimeoutError):
            return None

    async def same_here(self, certificate_no: str, identity_number: str, *, caller: str) -> bool:
        """Return whether an identity number is that of the holder of an own certificate.

        Not so if none is kept.

        Args:
            certificate_no: the certificate.
            identity_number: of who shows it.
            caller: province that asks.

        Raises:
            Refusal: ``INVALID_FIELD``; ``RATE_LIMITED``, after too many that were wrong.
            Unavailable: ``INTERNAL``, if what is kept does not open here.
        """
        number = parse_identity_number(identity_number)

        def read(connection: Connection) -> tuple[str, str]:
            one = (certificate_no,)
            if not self._book.places(connection, self._own, one):
                return "", ""
            if self._vault.erased(connection, self._own, one):
                return "", ""
            holder = self._vault.holder_of(connection, certificate_no)
            kept = self._vault.identity_of(connection, certificate_no)
            # A certificate whose holder is not kept is a person of its own.
            return f"/{certificate_no}" if holder is None else holder, kept or ""

        try:
            person, kept = await self._database.read(read)
        except Refusal as error:
            raise Unavailable(error.reason, error.message) from None
        if not person:
            return False
        # Counted before it is compared, without a pause between.
        take_back = self._guesses.begin(caller, person, self._clock.now())
        is_same = hmac.compare_digest(kept.encode(), number.encode())
        if is_same:
            take_back()
        return is_same
