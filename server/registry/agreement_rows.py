"""What registry logs say of agreements, and what a run of one author's entries adds."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import Connection, insert, select

from deltacare.v1.entry_pb2 import AGREEMENT_WORD_ACCEPTED, Agreement, AgreementAnswer
from server.registry.bodies import is_readable, read_agreement, read_answer
from server.registry.fields import numbered_id_province
from server.registry.rows import Rows
from server.registry.rulebook import Rule
from server.registry.rules import G02_UNREADABLE, judge_agreement, judge_answer, judge_end
from server.registry.store import chunks
from server.registry.tables import agreement_words, agreements

__all__ = ["AgreementRows"]


class AgreementRows:
    """Agreements within a transaction, and one author's words on them.

    Args:
        connection: of the transaction.
        author: whose log it is.
        ids: of agreements that the entries to come refer to.
    """

    def __init__(self, connection: Connection, author: str, ids: Iterable[str]) -> None:
        self._author = author
        self._versions = Rows(agreements, author)
        self._words: list[dict[str, Any]] = []
        self._newest: dict[str, tuple[int, bytes, tuple[str, ...]]] = {}
        table = agreements.c
        for some in chunks(ids):
            query = select(table.agreement_id, table.log_index, table.version_hash, table.body)
            query = query.where(table.agreement_id.in_(some), table.superseded_index.is_(None))
            for row in connection.execute(query):
                parties = tuple(Agreement.FromString(row.body).parties)
                self._newest[row.agreement_id] = (row.log_index, row.version_hash, parties)

    def judge_version(self, body: Agreement) -> Rule | None:
        """Return the first rule that a version breaks."""
        if not is_readable(read_agreement, body):
            return G02_UNREADABLE
        newest = self._newest.get(body.agreement_id)
        return judge_agreement(self._author, body, newest_hash=newest[1] if newest else None)

    def judge_answer(
        self, body: AgreementAnswer, *, stated_date: date, writing: bool
    ) -> Rule | None:
        """Return the first rule that an answer breaks; see ``RegistryState.judge``."""
        if not is_readable(read_answer, body):
            return G02_UNREADABLE
        rule = None
        if writing or numbered_id_province(body.agreement_id) == self._author:
            newest = self._newest.get(body.agreement_id)
            rule = judge_answer(
                self._author,
                body,
                newest_hash=newest[1] if newest else None,
                parties=newest[2] if newest else (),
            )
        return rule or judge_end(body, stated_date=stated_date)

    def propose(self, index: int, leaf_hash: bytes, body: Agreement) -> None:
        """Take in a version that breaks no rule, which its author accepts by it."""
        newest = self._newest.get(body.agreement_id)
        self._newest[body.agreement_id] = (index, leaf_hash, tuple(body.parties))
        self._versions.add(
            index,
            replaces=newest[0] if newest else None,
            agreement_id=body.agreement_id,
            version_hash=leaf_hash,
            body=body.SerializeToString(deterministic=True),
        )
        self._say(index, body.agreement_id, leaf_hash, ended_date=None)

    def answer(self, index: int, body: AgreementAnswer) -> None:
        """Take in an answer that breaks no rule."""
        ended_date = None if body.word == AGREEMENT_WORD_ACCEPTED else body.effective_date
        self._say(index, body.agreement_id, body.version_hash, ended_date=ended_date)

    def _say(
        self, index: int, agreement_id: str, version_hash: bytes, *, ended_date: str | None
    ) -> None:
        self._words.append(
            {
                "author": self._author,
                "log_index": index,
                "agreement_id": agreement_id,
                "version_hash": version_hash,
                "ended_date": ended_date,
            }
        )

    def flush(self, connection: Connection) -> None:
        """Write what was taken in."""
        self._versions.flush(connection)
        if self._words:
            connection.execute(insert(agreement_words), self._words)
