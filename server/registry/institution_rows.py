"""What an author's registry log says of its institutions, and what a run of entries adds."""

from collections.abc import Collection
from datetime import date
from typing import Any

from sqlalchemy import Connection, insert, select

from deltacare.divisions import normalise_division
from deltacare.v1.entry_pb2 import INSTITUTION_STATE_CLOSED, Institution
from server.registry.bodies import is_readable, read_institution
from server.registry.closings import ClosingSaid
from server.registry.names import name_keys
from server.registry.rows import Rows
from server.registry.rulebook import Rule
from server.registry.rules import G02_UNREADABLE, judge_institution, judge_institution_change
from server.registry.store import chunks, read_closings
from server.registry.tables import closings, institutions
from server.registry.values import InstitutionStanding

__all__ = ["InstitutionRows", "standing_of"]


def standing_of(index: int, body: Institution) -> InstitutionStanding:
    """Return what rules look at of a readable statement."""
    return InstitutionStanding(
        index=index,
        state=body.state,
        state_date=body.state_date,
        successor_ids=tuple(body.successor_ids),
        division_code=normalise_division(body.division_code),
        approved_beds=body.approved_beds,
    )


class InstitutionRows:
    """The institutions of one author within a transaction.

    Args:
        connection: of the transaction.
        author: whose log it is.
        ids: of those that the entries to come refer to.

    Attributes:
        standing: what the log says so far of those of them that it stated, by id.
        closed: what it says so far of closing them, by id.
    """

    def __init__(self, connection: Connection, author: str, ids: Collection[str]) -> None:
        self._author = author
        self._rows = Rows(institutions, author)
        self._closings: list[dict[str, Any]] = []
        self.standing: dict[str, InstitutionStanding] = {}
        self.closed: dict[str, tuple[ClosingSaid, ...]] = {
            # Nobody but its own register closes an institution.
            institution_id: said
            for institution_id, said in read_closings(connection, ids).items()
            if institution_id.startswith(author)
        }
        table = institutions.c
        for some in chunks(ids):
            query = select(table.institution_id, table.log_index, table.body).where(
                table.institution_id.in_(some),
                table.author == author,
                table.superseded_index.is_(None),
            )
            for institution_id, log_index, body in connection.execute(query):
                self.standing[institution_id] = standing_of(log_index, Institution.FromString(body))

    def judge(self, body: Institution) -> Rule | None:
        """Return the first rule that a statement breaks."""
        if not is_readable(read_institution, body):
            return G02_UNREADABLE
        rule = judge_institution(self._author, body)
        return rule or judge_institution_change(body, standing=self.standing)

    def apply(self, index: int, body: Institution, *, stated_date: date) -> None:
        """Take in a statement that breaks no rule.

        Args:
            index: its place.
            body: the statement.
            stated_date: business date on which it was stated.
        """
        before = self.standing.get(body.institution_id)
        self._note_closing(index, body, before, stated_date)
        now = standing_of(index, body)
        self.standing[body.institution_id] = now
        name_folded, name_pinyin, name_initials = name_keys(body.name)
        has_place = bool(body.longitude_e6 or body.latitude_e6)
        self._rows.add(
            index,
            replaces=None if before is None else before.index,
            institution_id=body.institution_id,
            division_code=now.division_code,
            name_folded=name_folded,
            name_pinyin=name_pinyin,
            name_initials=name_initials,
            operation_mode=body.operation_mode,
            provider_type=body.provider_type,
            approved_beds=body.approved_beds,
            open_beds=body.open_beds if body.HasField("open_beds") else None,
            state=body.state,
            state_date=body.state_date,
            longitude_e6=body.longitude_e6 if has_place else None,
            latitude_e6=body.latitude_e6 if has_place else None,
            body=body.SerializeToString(deterministic=True),
        )

    def _note_closing(
        self, index: int, body: Institution, before: InstitutionStanding | None, stated_date: date
    ) -> None:
        """Take in that a statement closes its institution, or opens it again."""
        is_closed = body.state == INSTITUTION_STATE_CLOSED
        was_closed = before is not None and before.state == INSTITUTION_STATE_CLOSED
        if not is_closed and not was_closed:
            return
        known_date = before.state_date if before is not None and was_closed else ""
        if is_closed and body.state_date and body.state_date == known_date:
            return  # said again with the same day, as when its beds change
        said = ClosingSaid(
            index=index,
            is_closed=is_closed,
            from_date=date.fromisoformat(body.state_date) if body.state_date else stated_date,
            reason=body.state_reason,
        )
        before_it = self.closed.get(body.institution_id, ())
        self.closed[body.institution_id] = (*before_it, said)
        self._closings.append(
            {
                "author": self._author,
                "log_index": index,
                "institution_id": body.institution_id,
                "is_closed": is_closed,
                "from_date": said.from_date.isoformat(),
                "reason": said.reason,
            }
        )

    def flush(self, connection: Connection) -> None:
        """Write what was taken in."""
        self._rows.flush(connection)
        if self._closings:
            connection.execute(insert(closings), self._closings)
