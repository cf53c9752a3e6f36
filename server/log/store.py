"""Rows of heads, runs and tiles: the entries and the tree of every log held.

Synchronous and inside the caller's transaction; decides nothing and verifies nothing. What is
signed about a log is in ``server.log.checkpoints``.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, text, update

from deltacare.errors import Reason, Refusal
from deltacare.ids import LogName, all_logs, own_logs
from deltacare.tlog.proof import root_at
from deltacare.tlog.tile import (
    TILE_WIDTH,
    NodesFromTiles,
    Tile,
    decode_entries,
    encode_entries,
    grow,
    partial_tiles,
)
from deltacare.tlog.tree import HASH_BYTES, Frontier
from deltacare.trust import Trust
from server.log import tables

__all__ = ["RUN_BYTES_MAX", "Head", "LogStore", "TileRows", "Tree"]

RUN_BYTES_MAX = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """One row of ``logs``: how far a log is held and what is known of its author's word.

    Attributes:
        log: the log.
        log_id: its id in this database.
        version: grows with every change of the row.
        changed_time: of the last change; never goes back.
        size: entries stored.
        frontier: the tree over them.
        head_size: size of ``head_note``; 0 without one.
        head_note: newest checkpoint whose entries are all stored, the log's signatures only.
        seen_note: newest checkpoint that the stored entries lead to.
        quorum_size: size of the newest checkpoint with a quorum.
        quorum_time: oldest of the newest cosignatures that make that quorum.
        fresh_time: of the author's own newest cosignature.
        projected_size: entries that became rows.
        is_stalled: whether projection stopped at a body that this version does not know.
        is_forked: whether two histories were proven.
        evidence_count: rows of evidence.
        fork_count: those of them that prove a fork.
        cosigned_size: what this node's witness cosigned last.
        cosigned_root: root of that.
        judgement: by which quorum and taints checkpoints were judged; see ``server.log.quorum``.
    """

    log: LogName
    log_id: int
    version: int
    changed_time: datetime
    size: int
    frontier: Frontier
    head_size: int
    head_note: bytes | None
    seen_note: bytes | None
    quorum_size: int
    quorum_time: datetime | None
    fresh_time: datetime | None
    projected_size: int
    is_stalled: bool
    is_forked: bool
    evidence_count: int
    fork_count: int
    cosigned_size: int | None
    cosigned_root: bytes | None
    judgement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A tree's right edge: all that is needed to append to it.

    Attributes:
        frontier: size and roots of complete subtrees.
        partials: by level the bytes of the partial tile, if there is one.
    """

    frontier: Frontier
    partials: Mapping[int, bytes] = field(default_factory=dict)

    def append(self, leaves: Sequence[bytes]) -> tuple["Tree", tuple[Tile, ...]]:
        """Return the grown tree and the tiles to write."""
        growth = grow(self.frontier, self.partials, leaves)
        known = dict(self.partials)
        known.update({tile.level: tile.data for tile in growth.tiles if tile.width < TILE_WIDTH})
        edge = partial_tiles(growth.frontier.size)
        partials = {tile.level: known[tile.level] for tile in edge}
        return Tree(frontier=growth.frontier, partials=partials), growth.tiles


class TileRows:
    """Reads the tiles of one log: a ``deltacare.tlog.tile.TileReader`` over rows."""

    def __init__(self, connection: Connection, log_id: int) -> None:
        self._connection = connection
        self._log_id = log_id

    def read_tile(self, level: int, index: int, width: int, /) -> bytes:
        """Return a tile's hashes as they are stored, which may be more than ``width``."""
        del width
        found = self._connection.execute(
            _SELECT_TILE, {"log_id": self._log_id, "level": level, "tile_index": index}
        ).scalar()
        return bytes(found) if found is not None else b""


_SELECT_TILE = select(tables.log_tiles.c.hashes).where(
    tables.log_tiles.c.log_id == bindparam("log_id"),
    tables.log_tiles.c.level == bindparam("level"),
    tables.log_tiles.c.tile_index == bindparam("tile_index"),
)
# The same words on SQLite and PostgreSQL.
_UPSERT_TILE = text(
    "INSERT INTO log_tiles (log_id, level, tile_index, width, hashes)"
    " VALUES (:log_id, :level, :tile_index, :width, :hashes)"
    " ON CONFLICT (log_id, level, tile_index)"
    " DO UPDATE SET width = excluded.width, hashes = excluded.hashes"
)
_SELECT_RUNS = (
    select(
        tables.log_runs.c.first_index,
        tables.log_runs.c.entry_count,
        tables.log_runs.c.data,
    )
    .where(
        tables.log_runs.c.log_id == bindparam("log_id"),
        tables.log_runs.c.first_index > bindparam("after"),
        tables.log_runs.c.first_index < bindparam("before"),
    )
    .order_by(tables.log_runs.c.first_index)
)
_SELECT_HEADS = select(tables.logs)
_SELECT_HEAD = _SELECT_HEADS.where(tables.logs.c.log_id == bindparam("log_id"))
_LOCK_HEADS = (
    _SELECT_HEADS.where(tables.logs.c.log_id.in_(bindparam("log_ids", expanding=True)))
    .order_by(tables.logs.c.log_id)
    .with_for_update()
)
_INSERT_RUNS = insert(tables.log_runs)
_UPDATE_HEAD = update(tables.logs).where(tables.logs.c.log_id == bindparam("key"))


class LogStore:
    """The logs of one node's database.

    Args:
        trust: names the logs there are. The members are those of the start; a new one is
            mirrored after a restart.
        province: this node's.
    """

    def __init__(self, trust: Trust, province: str) -> None:
        self.province = province
        own = own_logs(province, trust.provinces)
        shared = (log for log in all_logs(trust.provinces) if log.may_hold(province))
        self.held = tuple(sorted({*shared, *own}))
        self.own = own
        self._ids: dict[LogName, int] = {}
        self._names: dict[int, LogName] = {}

    def open(self, connection: Connection, now: datetime) -> None:
        """Learn the ids of the logs held and give one to those that have none."""
        if connection.dialect.name == "postgresql":
            # Replicas start together: one gives the ids and the others find them.
            connection.execute(text("LOCK TABLE logs IN SHARE ROW EXCLUSIVE MODE"))
        rows = connection.execute(select(tables.logs.c.log_id, tables.logs.c.name)).all()
        self._ids = {LogName.parse(row.name): row.log_id for row in rows}
        free = max(self._ids.values(), default=0)
        for log in self.held:
            if log not in self._ids:
                free += 1
                self._ids[log] = free
                connection.execute(insert(tables.logs), [_new_row(log, free, now)])
        self._names = {log_id: log for log, log_id in self._ids.items()}

    def log_id(self, log: LogName) -> int:
        """Return the id of a log.

        Raises:
            Refusal: ``LOG_NOT_HELD``, if this node does not hold it.
        """
        try:
            return self._ids[log]
        except KeyError:
            raise Refusal(
                Reason.LOG_NOT_HELD,
                f"This node does not hold {log}.",
                details={"log": str(log)},
            ) from None

    def name(self, log_id: int) -> LogName:
        """Return the log of an id."""
        return self._names[log_id]

    def heads(self, connection: Connection) -> dict[LogName, Head]:
        """Return the head of every log held."""
        rows = connection.execute(_SELECT_HEADS).all()
        heads = (_head(row) for row in rows)
        return {head.log: head for head in heads if head.log in self._ids}

    def head(self, connection: Connection, log: LogName) -> Head:
        """Return the head of one log."""
        return _head(connection.execute(_SELECT_HEAD, {"log_id": self.log_id(log)}).one())

    def lock(self, connection: Connection, logs: Iterable[LogName]) -> dict[LogName, Head]:
        """Return the heads of some logs, locked until the transaction ends.

        In order of id, so that two replicas never wait for each other; SQLite has locked the
        whole database by now and ignores the clause.
        """
        ids = [self.log_id(log) for log in logs]
        heads = (_head(row) for row in connection.execute(_LOCK_HEADS, {"log_ids": ids}))
        return {head.log: head for head in heads}

    def save(self, connection: Connection, head: Head, now: datetime) -> Head:
        """Store a changed head, which is locked, and return it as stored."""
        saved = replace(head, version=head.version + 1, changed_time=now)
        connection.execute(_UPDATE_HEAD, [{"key": saved.log_id, **_values(saved)}])
        return saved

    def append_entries(
        self,
        connection: Connection,
        head: Head,
        datas: Sequence[bytes],
        now: datetime,
    ) -> None:
        """Store entries behind those that are there."""
        rows = [
            {
                "log_id": head.log_id,
                "first_index": head.size + offset,
                "entry_count": len(part),
                "data": encode_entries(part),
                "stored_time": now,
            }
            for offset, part in _runs(datas)
        ]
        connection.execute(_INSERT_RUNS, rows)

    def write_tiles(self, connection: Connection, log_id: int, tiles: Iterable[Tile]) -> None:
        """Store tiles in place of their shorter selves."""
        rows = [
            {
                "log_id": log_id,
                "level": tile.level,
                "tile_index": tile.index,
                "width": tile.width,
                "hashes": tile.data,
            }
            for tile in tiles
        ]
        if rows:
            connection.execute(_UPSERT_TILE, rows)

    def tree(self, connection: Connection, head: Head) -> Tree:
        """Return what is needed to append to a log as it was at a head.

        Another replica may have appended since: a tile that grew begins with what it was.
        """
        reader = TileRows(connection, head.log_id)
        partials = {
            tile.level: reader.read_tile(tile.level, tile.index, tile.width)[
                : tile.width * HASH_BYTES
            ]
            for tile in partial_tiles(head.size)
        }
        return Tree(frontier=head.frontier, partials=partials)

    def entries(
        self, connection: Connection, log: LogName, first_index: int, end_index: int
    ) -> list[bytes]:
        """Return the exact bytes of a range of entries, fewer if the log ends before."""
        found: list[bytes] = []
        for start, entries in self._read_runs(connection, log, first_index, end_index):
            found += entries[max(0, first_index - start) : end_index - start]
        return found

    def nodes(self, connection: Connection, log: LogName, size: int) -> NodesFromTiles:
        """Return a reader of the nodes of a log's tree as it was at a size."""
        return NodesFromTiles(TileRows(connection, self.log_id(log)), size=size)

    def root(self, connection: Connection, log: LogName, size: int) -> bytes:
        """Return the root of a log's tree as it was at a size that is held."""
        return root_at(self.nodes(connection, log, size), size=size)

    def size_at(self, connection: Connection, log: LogName, known_time: datetime) -> int:
        """Return how many entries were stored at a past moment."""
        runs = tables.log_runs.c
        query = (
            select(runs.first_index + runs.entry_count)
            .where(runs.log_id == self.log_id(log), runs.stored_time <= known_time)
            .order_by(runs.stored_time.desc(), runs.first_index.desc())
            .limit(1)
        )
        return int(connection.execute(query).scalar() or 0)

    def _read_runs(
        self, connection: Connection, log: LogName, first_index: int, end_index: int
    ) -> Iterator[tuple[int, tuple[bytes, ...]]]:
        """Yield the runs that touch a range: each with the index of its first entry."""
        bounds = {
            "log_id": self.log_id(log),
            "after": first_index - TILE_WIDTH,  # no run is longer
            "before": end_index,
        }
        for row in connection.execute(_SELECT_RUNS, bounds):
            if row.first_index + row.entry_count > first_index:
                yield row.first_index, decode_entries(bytes(row.data), width=row.entry_count)


def _runs(datas: Sequence[bytes]) -> Iterator[tuple[int, Sequence[bytes]]]:
    """Yield consecutive parts of at most 256 entries and 1 MiB, with their offsets."""
    start = 0
    while start < len(datas):
        part = datas[start : start + TILE_WIDTH]
        total = sum(map(len, part))
        while total > RUN_BYTES_MAX and len(part) > 1:
            part = part[: len(part) // 2]
            total = sum(map(len, part))
        yield start, part
        start += len(part)


def _new_row(log: LogName, log_id: int, now: datetime) -> dict[str, Any]:
    return {
        "log_id": log_id,
        "name": str(log),
        "version": 0,
        "changed_time": now,
        "size": 0,
        "frontier": Frontier.empty().to_bytes(),
        "head_size": 0,
        "quorum_size": 0,
        "projected_size": 0,
        "is_stalled": False,
        "is_forked": False,
        "evidence_count": 0,
        "fork_count": 0,
        "judgement": "",
    }


def _values(head: Head) -> dict[str, Any]:
    return {
        "version": head.version,
        "changed_time": head.changed_time,
        "size": head.size,
        "frontier": head.frontier.to_bytes(),
        "head_size": head.head_size,
        "head_note": head.head_note,
        "seen_note": head.seen_note,
        "quorum_size": head.quorum_size,
        "quorum_time": head.quorum_time,
        "fresh_time": head.fresh_time,
        "projected_size": head.projected_size,
        "is_stalled": head.is_stalled,
        "is_forked": head.is_forked,
        "evidence_count": head.evidence_count,
        "fork_count": head.fork_count,
        "cosigned_size": head.cosigned_size,
        "cosigned_root": head.cosigned_root,
        "judgement": head.judgement,
    }


def _head(row: Row[Any]) -> Head:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    return Head(
        log=LogName.parse(values.pop("name")),
        frontier=Frontier.from_bytes(bytes(values.pop("frontier"))),
        **{name: _bytes(value) for name, value in values.items()},
    )


def _bytes(value: object) -> Any:  # noqa: ANN401 - whatever a column holds
    return bytes(value) if isinstance(value, memoryview) else value
