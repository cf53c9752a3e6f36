"""A trust that a test lets go stale: everything else is what the members signed."""

from datetime import datetime
from typing import Any

from deltacare.trust import Federation

__all__ = ["Unconfirmed"]


class Unconfirmed:
    """``deltacare.trust.Trust`` of a node whose timestamps stopped coming.

    Attributes:
        since: from when it is stale; ``None`` while it is not.
    """

    def __init__(self, federation: Federation) -> None:
        self.since: datetime | None = None
        self._federation = federation

    def stale_since(self, now: datetime) -> datetime | None:
        """Return since when nobody confirmed it."""
        del now
        return self.since

    def __getattr__(self, name: str) -> Any:
        return getattr(self._federation, name)
