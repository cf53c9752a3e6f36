"""Rows of one author that supersede each other, gathered for a run of entries and written at once.

The one way in which this room's tables change: a row comes with its index, and is ended by a later
index. Nothing is ever deleted but by a rebuild.
"""

from typing import Any

from sqlalchemy import Connection, Table, bindparam, insert, update

__all__ = ["Rows"]


class Rows:
    """What a run of entries adds to one table with ``author``, ``log_index``, ``superseded_index``.

    Args:
        table: the table.
        author: whose log it is.
    """

    def __init__(self, table: Table, author: str) -> None:
        self._table = table
        self._author = author
        self._new: dict[int, dict[str, Any]] = {}
        self._ended: list[dict[str, Any]] = []

    def add(self, index: int, *, replaces: int | None, **columns: Any) -> None:  # noqa: ANN401  # values of columns
        """Take in a row.

        Args:
            index: place of its entry.
            replaces: place of the row that it supersedes, of this run or stored; ``None`` if none.
            columns: the rest of the row.
        """
        if replaces is not None:
            earlier = self._new.get(replaces)
            if earlier is not None:
                earlier["superseded_index"] = index
            else:
                self._ended.append({"old_index": replaces, "new_index": index})
        self._new[index] = {
            "author": self._author,
            "log_index": index,
            "superseded_index": None,
            **columns,
        }

    def flush(self, connection: Connection) -> None:
        """Write what was taken in: first what ends, so that only one row is ever current."""
        table = self._table
        if self._ended:
            connection.execute(
                update(table)
                .where(table.c.author == self._author, table.c.log_index == bindparam("old_index"))
                .values(superseded_index=bindparam("new_index")),
                self._ended,
            )
        if self._new:
            connection.execute(insert(table), list(self._new.values()))
