"""What checks are answered from without touching the disk, bounded and never older than the logs.

Two layers. A *verdict* rests on certain logs as far as they were held; it stands while those sizes
stand and none of them grows too old. *Facts* are the rows about one certificate, and those about
equivalences and agreements; when a log grows, whoever wrote it, what its new entries touch is
dropped before anything is answered at the new size. Sizes come from the caller, who compared them
with the database; so another replica's writes are noticed like our own.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from deltacare.ids import LogName
from deltacare.v1.certification_service_pb2 import CheckCertificationResponse
from server.certification.values import CertificateHistory, EquivalenceHistory, RecognitionSaid
from server.log.ports import Position
from server.registry.closings import ClosingSaid
from server.registry.values import AgreementHistory
from server.supervision.values import MeasureHistory

__all__ = ["CertificateFacts", "DeclaredFacts", "FactsCache", "Lru", "StandingVerdict"]

K = TypeVar("K")
V = TypeVar("V")


class Lru(Generic[K, V]):
    """A mapping that forgets what was asked for longest ago.

    Args:
        entries_max: how many it holds.
    """

    def __init__(self, entries_max: int) -> None:
        assert entries_max > 0, "a cache holds something"
        self._entries_max = entries_max
        self._entries: OrderedDict[K, V] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: K) -> V | None:
        """Return what is held, and hold it longer."""
        value = self._entries.get(key)
        if value is not None:
            self._entries.move_to_end(key)
        return value

    def put(self, key: K, value: V) -> None:
        """Hold a value."""
        self._entries[key] = value
        self._entries.move_to_end(key)
        if len(self._entries) > self._entries_max:
            self._entries.popitem(last=False)

    def drop(self, keys: Iterable[K]) -> None:
        """Forget some."""
        for key in keys:
            self._entries.pop(key, None)

    def clear(self) -> None:
        """Forget all."""
        self._entries.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingVerdict:
    """An answer and what it rests on.

    Attributes:
        response: without the moment and the age.
        used: the logs it rests on, as they were held; the issuer's first.
        own: the node's own log, of which no age is asked.
        expires_time: last moment at which none of them is stale; ``None`` if that changes nothing.
    """

    response: CheckCertificationResponse
    used: tuple[tuple[LogName, Position], ...]
    own: LogName
    expires_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFacts:
    """The rows about one certificate.

    Attributes:
        history: what its issuer said; ``None`` if nothing.
        recognitions: what hosts said, by host.
        measures: of supervision, against the certificate, its line or its institution.
        closings: of the institution that it is about.
    """

    history: CertificateHistory | None
    recognitions: Mapping[str, tuple[RecognitionSaid, ...]]
    measures: tuple[MeasureHistory, ...] = ()
    closings: tuple[ClosingSaid, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredFacts:
    """The rows about what provinces declared to each other.

    Attributes:
        equivalences: by host, the newest first.
        agreements: by id.
    """

    equivalences: Mapping[str, tuple[EquivalenceHistory, ...]]
    agreements: Mapping[str, AgreementHistory]


class FactsCache:
    """Facts that hold for certain sizes of the registry logs.

    Args:
        entries_max: most certificates held.
    """

    def __init__(self, entries_max: int) -> None:
        self.certificates: Lru[str, CertificateFacts] = Lru(entries_max)
        self.declared: DeclaredFacts | None = None
        self.sizes: dict[str, int] = {}
        # Counts every change of the sizes: what was read before it may not be kept after it.
        self.generation = 0

    def clear(self) -> None:
        """Forget all."""
        self.certificates.clear()
        self.declared = None

    def advance(self, sizes: Mapping[str, int]) -> None:
        """Hold from now on for these sizes, by author; what they touch was dropped."""
        self.sizes = dict(sizes)
        self.generation += 1
