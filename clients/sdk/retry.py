"""When to try a call again: only where the reason says that it can help, and the time allows.

The same message is sent again, so a write keeps its ``request_id`` and is done once. Pure: the
caller waits.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from deltacare.errors import DeltacareError

__all__ = ["NO_RETRY", "RetryPolicy", "request_id"]

UUID_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how soon.

    Attributes:
        attempts_max: Attempts in all, at least 1.
        delay_first_s: Longest wait before the second attempt; doubles with each.
        delay_max_s: Longest wait of all.
    """

    attempts_max: int = 4
    delay_first_s: float = 0.1
    delay_max_s: float = 2.0

    def delay_s(
        self, error: DeltacareError, *, attempt: int, left_s: float | None, jitter: float
    ) -> float | None:
        """Return how long to wait before the next attempt, ``None`` if there is to be none.

        Args:
            error: How the last attempt ended.
            attempt: Its number, from 1.
            left_s: What remains of the caller's time, ``None`` if it is unlimited.
            jitter: From 0 to 1, so that many clients do not come back together.
        """
        if not error.retryable or attempt >= self.attempts_max:
            return None
        delay_s = min(self.delay_max_s, self.delay_first_s * 2 ** (attempt - 1))
        delay_s *= 0.5 + jitter / 2
        stated = error.details.get("retry_after_ms", "")
        if stated.isdecimal():
            delay_s = max(delay_s, int(stated) / 1_000)
        return None if left_s is not None and delay_s >= left_s else delay_s


NO_RETRY = RetryPolicy(attempts_max=1)


def request_id(entropy: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """Return a fresh request id: a random UUID.

    Args:
        entropy: Returns so many unpredictable bytes.
    """
    return str(UUID(bytes=entropy(UUID_BYTES), version=4))
