"""Turns credential entries into rows: keys and status lists as their authors stated them.

Stands after certification's projector: a list's count is judged by the certificates that the same
log had issued before, which that projector has written by then.
"""

from collections.abc import Sequence
from datetime import UTC

from sqlalchemy import Connection, delete, insert, select

from deltacare.ids import LogKind, LogName
from deltacare.v1.entry_pb2 import CredentialKey, StatusList
from server.credential.bodies import read_key, read_list
from server.credential.rules import ListBefore, judge_key, judge_list
from server.credential.store import issued_count, last_list
from server.credential.tables import credential_keys, status_lists
from server.log.ports import LogTx, Sequenced
from server.registry.bodies import is_readable
from server.registry.rulebook import Rule
from server.registry.rules import G01_NOT_REGISTRY, G02_UNREADABLE

__all__ = ["CredentialProjector", "judge_new_key", "judge_new_list"]


def judge_new_key(connection: Connection, author: str, body: CredentialKey) -> Rule | None:
    """Return the rule that a key breaks, by what its author stated before."""
    if not is_readable(read_key, body):
        return G02_UNREADABLE
    known = connection.execute(
        select(credential_keys.c.body)
        .where(credential_keys.c.author == author, credential_keys.c.key_id == body.key_id)
        .limit(1)
    ).scalar()
    before = None if known is None else CredentialKey.FromString(known).public_key
    return judge_key(body, known=before)


def judge_new_list(
    connection: Connection, author: str, index: int, body: StatusList
) -> Rule | None:
    """Return the rule that a status list breaks, by what its author stated before."""
    if not is_readable(read_list, body):
        return G02_UNREADABLE
    before = last_list(connection, author, body.list_number, end_index=index)
    return judge_list(
        body,
        index=index,
        before=(
            None if before is None else ListBefore(log_size=before.log_size, on_date=before.on_date)
        ),
        issued=issued_count(connection, author, body.log_size),
    )


class CredentialProjector:
    """Stores what credential entries say; implements the log room's ``Projector``."""

    bodies = frozenset({"credential_key", "status_list"})

    def project(self, tx: LogTx, log: LogName, entries: Sequence[Sequenced]) -> None:
        """Judge and store consecutive entries of one log."""
        for item in entries:
            rule = self._project(tx, log, item)
            if rule is not None:
                tx.void(log, item.index, rule.code)

    def _project(self, tx: LogTx, log: LogName, item: Sequenced) -> Rule | None:
        """Store one entry, or return what it breaks."""
        if log.kind is not LogKind.REGISTRY:
            return G01_NOT_REGISTRY
        if item.entry.WhichOneof("body") == "credential_key":
            key = item.entry.credential_key
            rule = judge_new_key(tx.connection, log.author, key)
            if rule is None:
                tx.connection.execute(
                    insert(credential_keys).values(
                        author=log.author,
                        log_index=item.index,
                        key_id=key.key_id,
                        body=key.SerializeToString(deterministic=True),
                    )
                )
            return rule
        body = item.entry.status_list
        rule = judge_new_list(tx.connection, log.author, item.index, body)
        if rule is None:
            tx.connection.execute(
                insert(status_lists).values(
                    author=log.author,
                    log_index=item.index,
                    stated_time=item.entry.entry_time.ToDatetime(tzinfo=UTC),
                    list_number=body.list_number,
                    entry_count=body.entry_count,
                    list_hash=body.list_hash,
                    log_size=body.log_size,
                    on_date=body.on_date,
                )
            )
        return rule

    def forget(self, tx: LogTx, log: LogName) -> None:
        """Delete every row that came from a log; partners' tokens came from none and stay."""
        if log.kind is LogKind.REGISTRY:
            for table in (credential_keys, status_lists):
                tx.connection.execute(delete(table).where(table.c.author == log.author))
