"""Time and randomness that tests control: ``server.log.ports.Clock`` and ``Entropy``."""

import hashlib
from datetime import UTC, datetime, timedelta

__all__ = ["START_TIME", "ManualClock", "SeededEntropy"]

START_TIME = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


class ManualClock:
    """A clock that stands still until it is moved. The same one serves a whole federation."""

    def __init__(self, now: datetime = START_TIME) -> None:
        self._now = now

    def now(self) -> datetime:
        """Return the instant that was set."""
        return self._now

    def advance(self, duration: timedelta) -> datetime:
        """Move on, and return the new instant."""
        self._now += duration
        return self._now


class SeededEntropy:
    """Bytes that follow from a seed: SHA-256 over the seed and a counter."""

    def __init__(self, seed: str = "deltacare") -> None:
        self._seed = seed.encode()
        self._count = 0

    def token(self, size: int) -> bytes:
        """Return the next bytes."""
        found = b""
        while len(found) < size:
            self._count += 1
            found += hashlib.sha256(self._seed + self._count.to_bytes(8, "big")).digest()
        return found[:size]
