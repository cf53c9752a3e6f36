"""What anybody may read: the registry logs held here, as C2SP tlog-tiles.

Checkpoints with a quorum, tiles and bundles of entries up to the newest of those, straight from the
rows, no more than one resource at a time. Registry logs carry no personal data; settlement and
audit logs are unknown here, as if they did not exist. Transport and caching are the caller's.

Source: https://c2sp.org/tlog-tiles
"""

from sqlalchemy import Connection

from deltacare.errors import Reason, Refusal
from deltacare.ids import LogKind, LogName
from deltacare.tlog.resource import TileResource
from deltacare.tlog.tile import TILE_WIDTH, encode_entries, tile_width
from deltacare.tlog.tree import HASH_BYTES
from server.log.checkpoints import CheckpointStore
from server.log.store import LogStore, TileRows
from server.store.database import Database

__all__ = ["PublicLogs"]


class PublicLogs:
    """The registry logs of one node's database, for readers who need no name.

    Args:
        database: this node's.
        store: entries and tiles.
        checkpoints: what is signed about them.
    """

    def __init__(
        self, *, database: Database, store: LogStore, checkpoints: CheckpointStore
    ) -> None:
        self._database = database
        self._store = store
        self._checkpoints = checkpoints

    async def checkpoint(self, name: str) -> bytes:
        """Return the newest checkpoint of a log that has its quorum, with every cosignature known.

        Raises:
            Refusal: ``NOT_FOUND``, if there is no such log here, or no such checkpoint yet.
        """
        log = self._log(name)
        known = await self._database.read(lambda c: self._checkpoints.newest_quorum(c, log))
        if known is None:
            raise _nothing(name)
        return known.note

    async def resource(self, name: str, resource: TileResource) -> bytes:
        """Return a tile or a bundle of entries, whole or its first part.

        Only what the newest checkpoint with a quorum covers: nobody is shown what no partner has
        seen.

        Raises:
            Refusal: ``NOT_FOUND``, if there is no such log here, or it does not reach so far.
        """
        log = self._log(name)
        data = await self._database.read(lambda c: self._read(c, log, resource))
        if data is None:
            raise _nothing(name)
        return data

    def _log(self, name: str) -> LogName:
        try:
            log = LogName.parse(name)
        except Refusal:
            raise _nothing(name) from None
        if log.kind is not LogKind.REGISTRY or log not in self._store.held:
            raise _nothing(name)
        return log

    def _read(self, connection: Connection, log: LogName, resource: TileResource) -> bytes | None:
        known = self._checkpoints.newest_quorum(connection, log)
        size = known.size if known is not None else 0
        index, width = resource.index, resource.width
        if width > tile_width(resource.level or 0, index, size):
            return None
        if resource.level is None:
            first = index * TILE_WIDTH
            return encode_entries(self._store.entries(connection, log, first, first + width))
        rows = TileRows(connection, self._store.log_id(log))
        return rows.read_tile(resource.level, index, width)[: width * HASH_BYTES]


def _nothing(name: str) -> Refusal:
    return Refusal(Reason.NOT_FOUND, "There is nothing here.", details={"log": name[:80]})
