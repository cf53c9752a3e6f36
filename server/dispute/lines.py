"""Whether lines are disputed now: what rooms below ask of this one, through a port of theirs."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection

from deltacare.ids import LogName
from server.dispute.states import State
from server.dispute.store import raised_of_line, standings
from server.log.ports import LogReader
from server.registry.values import Reach

__all__ = ["DisputedLines"]

_ALL = 1 << 62


class DisputedLines:
    """The open disputes of hosts; ``server.settlement.clawbacks.Disputed``.

    Args:
        reader: How far each log is held: what gives a dispute up counts under a quorum only.
    """

    def __init__(self, reader: LogReader) -> None:
        self._reader = reader

    def __call__(
        self, connection: Connection, home: str, host: str, numbers: Collection[str]
    ) -> Mapping[str, datetime]:
        """Return those of some settlements of a home with a host that the host disputes, and since.

        Of several disputes of one settlement the last that is open counts.
        """
        raised = [
            each
            for each in raised_of_line(connection, host, home, numbers)
            if (each.home, each.host) == (home, host)
        ]
        found = standings(connection, raised, self._reach)
        since: dict[str, datetime] = {}
        for each, standing in zip(raised, found, strict=True):
            if standing.state is not State.CLOSED:
                last = since.get(each.settlement_no, each.entry_time)
                since[each.settlement_no] = max(last, each.entry_time)
        return since

    def _reach(self, author: str, partner: str) -> Reach:
        log = LogName.settlement(author, partner)
        return Reach(restrict_size=_ALL, permit_size=self._reader.position(log).quorum_size)
