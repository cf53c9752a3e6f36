"""Turns closed months as registry logs state them into rows, by the author's log alone."""

from collections.abc import Sequence
from datetime import UTC

from deltacare.ids import LogKind, LogName
from deltacare.times import ServiceMonth
from deltacare.trust import Trust
from server.books import rules, store
from server.log.ports import LogTx, Sequenced
from server.registry.rulebook import Rule
from server.registry.rules import G01_NOT_REGISTRY

__all__ = ["BooksProjector"]


class BooksProjector:
    """Stores what month closes say; implements the log room's ``Projector``.

    Args:
        trust: The opening date, with whose month books begin.
    """

    bodies = frozenset({"month_close"})

    def __init__(self, *, trust: Trust) -> None:
        self._trust = trust

    def project(self, tx: LogTx, log: LogName, entries: Sequence[Sequenced]) -> None:
        """Judge and store consecutive entries of one log."""
        for item in entries:
            if item.entry.WhichOneof("body") not in self.bodies:
                continue
            rule = self._rule(tx, log, item)
            if rule is not None:
                tx.void(log, item.index, rule.code)
                continue
            body = item.entry.month_close
            store.add_close(tx.connection, log.author, item.index, item.leaf_hash, body)

    def _rule(self, tx: LogTx, log: LogName, item: Sequenced) -> Rule | None:
        """Return what an entry breaks."""
        if log.kind is not LogKind.REGISTRY:
            return G01_NOT_REGISTRY
        body = item.entry.month_close
        if any(True for _ in rules.close_faults(body)):
            return rules.B01_UNREADABLE
        return rules.close_rule(
            body,
            first_month=str(ServiceMonth.of(self._trust.opening_date)),
            before=store.last_close(tx.connection, log.author),
            entry_time=item.entry.entry_time.ToDatetime(tzinfo=UTC),
        )

    def forget(self, tx: LogTx, log: LogName) -> None:
        """Delete every row that came from a log."""
        if log.kind is LogKind.REGISTRY:
            store.forget_closes(tx.connection, log.author)
