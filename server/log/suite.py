"""Rows of the second suite: SM2 lines of logs and witnesses, kept beside what they sign.

Nothing here decides whether a checkpoint counts. Lines are verified before they come here
(`deltacare.tlog.suite_lines`), travel with every note of their checkpoint, and one by a key that
was called bad since stays behind. As long as no member states a key of the suite, nothing is asked
of the database.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

import structlog
from sqlalchemy import Connection, bindparam, select, text

from deltacare.ids import LogName
from deltacare.keys import NoteSignature
from deltacare.sm2 import Sm2Signer, Sm2VerifierKey
from deltacare.tlog.checkpoint import Checkpoint
from deltacare.tlog.suite import cosign_sm2, sign_checkpoint_sm2
from deltacare.tlog.suite_lines import OpenedSuite, SuiteLine
from deltacare.trust import Trust, witness_key_name
from server.log import tables
from server.log.quorum import is_newer
from server.log.store import LogStore
from server.store.schema import UtcTime

__all__ = ["SuiteStore", "cosigned_line", "signed_line", "tell_left_out"]

_log = structlog.get_logger("deltacare.log")

_UPSERT = text(
    "INSERT INTO suite_lines (log_id, size, name, key_id, signature, cosigned_time, stored_time)"
    " VALUES (:log_id, :size, :name, :key_id, :signature, :cosigned_time, :stored_time)"
    " ON CONFLICT (log_id, size, name, key_id) DO UPDATE SET"
    " signature = excluded.signature, cosigned_time = excluded.cosigned_time"
).bindparams(*(bindparam(name, type_=UtcTime()) for name in ("cosigned_time", "stored_time")))
_ROWS = tables.suite_lines.c
_LINES = select(_ROWS.name, _ROWS.key_id, _ROWS.signature, _ROWS.cosigned_time).where(
    _ROWS.log_id == bindparam("log_id"), _ROWS.size == bindparam("size")
)


class SuiteStore:
    """SM2 lines of one node's database.

    Args:
        store: Entries and heads.
        trust: Whose keys count.
    """

    def __init__(self, store: LogStore, trust: Trust) -> None:
        self._store = store
        self._trust = trust

    def signatures(
        self, connection: Connection, log: LogName, size: int
    ) -> tuple[NoteSignature, ...]:
        """Return the lines of a checkpoint, the log's first; none by a key called bad."""
        good = {
            (key.name, key.key_id): rank for rank, key in enumerate(_known_keys(log, self._trust))
        }
        if not good:
            return ()
        rows = connection.execute(_LINES, {"log_id": self._store.log_id(log), "size": size})
        found = [
            NoteSignature(name=row.name, key_id=bytes(row.key_id), signature=bytes(row.signature))
            for row in rows
            if (row.name, bytes(row.key_id)) in good
        ]
        return tuple(sorted(found, key=lambda line: good[line.name, line.key_id]))

    def news(
        self,
        connection: Connection,
        log: LogName,
        size: int,
        lines: Iterable[SuiteLine],
        *,
        clock_time: datetime,
    ) -> Sequence[SuiteLine]:
        """Return the lines that are not stored: of other keys, or by a witness at a later time.

        No two signatures of this suite are equal; a log's first line says all that another would.
        """
        given = tuple(lines)
        if not given:
            return ()
        rows = connection.execute(_LINES, {"log_id": self._store.log_id(log), "size": size})
        held = {(row.name, bytes(row.key_id)): row.cosigned_time for row in rows}
        return [line for line in given if _is_news(line, held, clock_time)]

    def add(
        self,
        connection: Connection,
        log: LogName,
        size: int,
        lines: Iterable[SuiteLine],
        now: datetime,
        *,
        clock_time: datetime,
    ) -> None:
        """Keep verified lines of a stored checkpoint.

        Args:
            connection: Inside its transaction, which has locked the log.
            log: The log.
            size: Of the checkpoint.
            lines: Verified.
            now: The transaction's.
            clock_time: What the clock says.
        """
        new = self.news(connection, log, size, lines, clock_time=clock_time)
        if not new:
            return
        rows = [
            {
                "log_id": self._store.log_id(log),
                "size": size,
                "name": line.key.name,
                "key_id": line.key.key_id,
                "signature": line.signature.signature,
                "cosigned_time": line.time,
                "stored_time": now,
            }
            for line in new
        ]
        connection.execute(_UPSERT, rows)

    def has(self, connection: Connection, log: LogName, size: int, key: Sm2VerifierKey) -> bool:
        """Whether a key's line of a checkpoint is stored."""
        rows = tables.suite_lines.c
        query = select(rows.key_id).where(
            rows.log_id == self._store.log_id(log),
            rows.size == size,
            rows.name == key.name,
            rows.key_id == key.key_id,
        )
        return connection.execute(query).first() is not None


def signed_line(checkpoint: Checkpoint, signer: Sm2Signer) -> SuiteLine:
    """Return an author's line of its own checkpoint."""
    line = sign_checkpoint_sm2(checkpoint, signer)
    return SuiteLine(key=signer.verifier, signature=line, time=None)


def cosigned_line(checkpoint: Checkpoint, signer: Sm2Signer, *, time: datetime) -> SuiteLine:
    """Return a witness's line of a checkpoint that it cosigns.

    Args:
        checkpoint: What it cosigns.
        signer: Its key.
        time: That of the cosignature beside it.
    """
    line = cosign_sm2(checkpoint, signer, time=time)
    return SuiteLine(key=signer.verifier, signature=line, time=time.replace(microsecond=0))


def tell_left_out(suite: OpenedSuite, log: LogName, *, shown_by: str) -> None:
    """Say aloud which lines were left out; an installation without the suite tells of none."""
    if suite.left_out:
        names = ", ".join(suite.left_out)
        _log.warning("suite_line_not_counted", log=str(log), keys=names, shown_by=shown_by)


def _known_keys(log: LogName, trust: Trust) -> list[Sm2VerifierKey]:
    """Return the keys whose lines of a log may leave here."""
    names = [str(log), *(witness_key_name(province) for province in trust.witnesses(log))]
    return [term.key for name in names for term in trust.suite_keys(name) if not term.is_tainted]


def _is_news(
    line: SuiteLine, held: dict[tuple[str, bytes], datetime | None], clock_time: datetime
) -> bool:
    place = (line.key.name, line.key.key_id)
    if place not in held:
        return True
    return line.time is not None and is_newer(line.time, held[place], clock_time)
