"""Compares identity numbers: here for own certificates, at the issuer's node for a partner's.

An identity number has few unknown digits for who knows a birthday and a county, so guesses are
counted: of one caller and certificate, wrong ones within a day. Numbers are compared in constant
time and stand in no log, no error and no memory beyond the comparison.
"""

import asyncio
import hmac
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta

from deltacare.errors import DeltacareError, Reason, Refusal, Unavailable
from deltacare.ids import parse_identity_number
from deltacare.v1.personal_service_pb2 import CompareIdentityRequest
from server.log.ports import Clock
from server.personal.ports import IdentityPeers
from server.personal.vault import Vault
from server.store.database import Database

__all__ = [
    "COMPARE_TIMEOUT_S",
    "WRONG_COMPARISONS_PER_DAY_MAX",
    "Comparer",
    "Guesses",
]

WRONG_COMPARISONS_PER_DAY_MAX = 10
"""Comparisons of one caller and one certificate that may come out unequal within 24 hours."""

COMPARE_TIMEOUT_S = 5.0
"""Seconds that a check waits for the issuer's node."""

_DAY = timedelta(days=1)
_PAIRS_MAX = 100_000


class Guesses:
    """Counts wrong comparisons in this process's memory.

    Args:
        per_day_max: How many are let through of one caller and certificate.
        pairs_max: Pairs remembered. When there are more, those whose day is over are forgotten; if
            that is not enough, nobody's comparison is let through that would need a new one.
    """

    def __init__(
        self,
        *,
        per_day_max: int = WRONG_COMPARISONS_PER_DAY_MAX,
        pairs_max: int = _PAIRS_MAX,
    ) -> None:
        self._per_day_max = per_day_max
        self._pairs_max = pairs_max
        self._begun: OrderedDict[tuple[str, str], tuple[datetime, int]] = OrderedDict()

    def begin(self, caller: str, certificate_no: str, now: datetime) -> Callable[[], None]:
        """Count a comparison as wrong before it is made, so that many at once are counted as well.

        Args:
            caller: Province of the caller: its people and its CA are one.
            certificate_no: The certificate.
            now: The present moment.

        Returns:
            What takes it back if the numbers are equal.

        Raises:
            Refusal: ``RATE_LIMITED``.
        """
        pair = (caller, certificate_no)
        self._forget(now)
        since, count = self._begun.get(pair, (now, 0))
        if count >= self._per_day_max or (count == 0 and len(self._begun) >= self._pairs_max):
            raise Refusal(
                Reason.RATE_LIMITED,
                "Too many identity numbers were compared with the holder of this certificate and "
                "were others; come back in a day.",
            )
        self._begun[pair] = (since, count + 1)

        def take_back() -> None:
            found = self._begun.get(pair)
            if found is None or found[0] != since:
                return
            if found[1] > 1:
                self._begun[pair] = (since, found[1] - 1)
            else:
                del self._begun[pair]

        return take_back

    def _forget(self, now: datetime) -> None:
        """Forget the pairs whose day is over; they stand in the order in which they began."""
        while self._begun:
            since, _ = next(iter(self._begun.values()))
            if now - since < _DAY:
                return
            self._begun.popitem(last=False)


class Comparer:
    """Compares for this node; implements ``server.certification.ports.IdentityComparer``.

    Args:
        own: the node's province.
        database: its rows.
        vault: its vault.
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
        peers: IdentityPeers,
        clock: Clock,
        guesses: Guesses | None = None,
        timeout_s: float = COMPARE_TIMEOUT_S,
    ) -> None:
        self._own = own
        self._database = database
        self._vault = vault
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
        take_back = self._guesses.begin(caller, certificate_no, self._clock.now())
        try:
            kept = await self._database.read(
                lambda connection: self._vault.identity_of(connection, certificate_no)
            )
        except Refusal as error:
            raise Unavailable(error.reason, error.message) from None
        is_same = hmac.compare_digest((kept or "").encode(), number.encode())
        if is_same:
            take_back()
        return is_same
