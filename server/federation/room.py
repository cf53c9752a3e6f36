"""What belongs together of a trust: its files, what they say, what is in force, who signs."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from clients.federation.store import TrustStore
from server.federation.hours import HourSigner
from server.federation.ledger import TrustLedger
from server.federation.trust import LiveTrust

__all__ = ["TrustRoom"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustRoom:
    """The trust of one node.

    Attributes:
        province: Whose node it is.
        store: Its files.
        ledger: What it has verified.
        trust: What is in force; what rooms are given.
        signer: Signs timestamps.
    """

    province: str
    store: TrustStore
    ledger: TrustLedger
    trust: LiveTrust
    signer: HourSigner

    @classmethod
    def open(
        cls,
        store: TrustStore,
        *,
        province: str,
        seeds: Callable[[], Iterable[bytes]],
        now: datetime,
    ) -> Self:
        """Return the trust as it was when the node stopped, or as it was installed.

        Args:
            store: The node's files.
            province: Whose node it is.
            seeds: Returns the timestamp keys that the node holds.
            now: The present instant.

        Raises:
            PeerFault: ``BAD_METADATA``, if a file was altered.
            Refusal: ``INVALID_FIELD``, if nothing was installed; ``NOT_FOUND``, if the province is
                no member.
        """
        ledger = TrustLedger(store)
        timestamp = store.timestamp()
        hour = None if timestamp is None else timestamp.hour
        trust = LiveTrust(ledger.in_force, hour=hour, now=now)
        trust.member(province)
        store.directory.mkdir(parents=True, exist_ok=True)
        signer = HourSigner(
            province=province, directory=store.directory, ledger=ledger, seeds=seeds
        )
        return cls(province=province, store=store, ledger=ledger, trust=trust, signer=signer)
