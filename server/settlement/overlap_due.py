"""Whom a close looks at for overlaps: persons of whom something changed since the close before.

Own records that were filed, revised or reversed, or whose hold was ended; policies; keys; what
other homes claim. The list is kept in the database, so that what one close does not reach is left
to the next. Whose tags are void because a key was replaced is noted here as well. What follows is
in ``server.settlement.overlaps``.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date

import structlog
from sqlalchemy import Connection, delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.sql import Select

from server.policy.store import load_policies
from server.registry.store import chunks
from server.settlement import overlap_tables as tables
from server.settlement import tables as rows
from server.settlement.overlap_keys import OverlapKeys
from server.settlement.overlap_look import OverlapLook, Person

__all__ = ["DuePersons", "upsert"]

_PERSONS_AT_ONCE = 1_000
_RECENT_YEARS = 3

_alarm = structlog.get_logger("deltacare.alarm")


def key_of_year(connection: Connection, author: str, year: int) -> bytes | None:
    """Return the public key that a member uses for a year of service, ``None`` if it has none.

    The last word counts, for the years from the one it names on.
    """
    keys = tables.key.c
    query = (
        select(keys.public_key)
        .where(keys.author == author, keys.from_year <= year)
        .order_by(keys.idx.desc())
        .limit(1)
    )
    found = connection.execute(query).scalar()
    return None if found is None else bytes(found)


def upsert(
    connection: Connection, table: object, values: Sequence[Mapping[str, object]], *changed: str
) -> None:
    """Insert rows, or change some columns of those that are there."""
    insert = sqlite_insert if connection.dialect.name == "sqlite" else postgres_insert
    if not values:
        return
    statement = insert(table)  # type: ignore[arg-type]  # a table of the metadata
    names = [column.name for column in statement.table.primary_key]
    if changed:
        sets = {name: statement.excluded[name] for name in changed}
        statement = statement.on_conflict_do_update(index_elements=names, set_=sets)
    else:
        statement = statement.on_conflict_do_nothing(index_elements=names)
    connection.execute(statement, list(values))


class DuePersons:
    """The list of one province, as home.

    Args:
        own: The province.
        partners: The other members.
        look: How far other homes' claims are held.
        keys: The own keys.
    """

    def __init__(
        self, *, own: str, partners: Sequence[str], look: OverlapLook, keys: OverlapKeys
    ) -> None:
        self._own = own
        self._partners = tuple(partners)
        self._look = look
        self._keys = keys

    def gather(self, connection: Connection, day: date) -> None:
        """Note the persons and months of whom something changed since the last close."""
        for partner in self._partners:
            self._gather_filed(connection, partner)
            self._gather_claims(connection, partner)
        self._gather_policies(connection)
        self._gather_keys(connection, day)

    def _gather_filed(self, connection: Connection, partner: str) -> None:
        """Note whose records were filed, revised, reversed or released since the last close."""
        records, reversals, closes = rows.record.c, rows.reversal.c, rows.day_close.c
        holds = rows.hold.c
        last = (
            select(func.coalesce(func.max(closes.idx), -1))
            .where(closes.author == self._own, closes.partner == partner)
            .scalar_subquery()
        )
        of_log = (records.author == self._own, records.partner == partner)
        revising = rows.record.alias()
        filed = self._persons().where(*of_log, records.idx > last)
        revised = (
            self._persons()
            .join(
                revising,
                (revising.c.author == records.author)
                & (revising.c.partner == records.partner)
                & (revising.c.replaces_idx == records.idx),
            )
            .where(*of_log, revising.c.idx > last, revising.c.replaces_idx.is_not(None))
        )
        withdrawn = (
            self._persons()
            .join(
                rows.reversal,
                (reversals.author == records.author)
                & (reversals.partner == records.partner)
                & (reversals.settlement_no == records.settlement_no),
            )
            .where(*of_log, reversals.idx > last)
        )
        released = (
            self._persons()
            .join(
                rows.hold,
                (holds.author == records.author)
                & (holds.partner == records.partner)
                & (holds.settlement_no == records.settlement_no),
            )
            .where(*of_log, holds.end_idx > last)
        )
        for query in (filed, revised, withdrawn, released):
            self._make_due(connection, query)

    def _gather_claims(self, connection: Connection, partner: str) -> None:
        """Note of whom another home claimed something since this was last asked."""
        name, end = f"claims/{partner}", self._look.held(partner)
        begin = int(_state(connection, name) or 0)
        if begin == end:
            return
        claims, tags = tables.claim.c, tables.tag.c
        query = (
            select(tags.person_key, claims.service_year, claims.month)
            .join(
                tables.tag,
                (tags.partner == claims.author)
                & (tags.service_year == claims.service_year)
                & (tags.tag == claims.tag),
            )
            .where(
                claims.author == partner,
                claims.partner == self._own,
                claims.idx >= begin,
                claims.idx < end,
                tags.person_key.is_not(None),
            )
            .distinct()
        )
        values = [
            {"person_key": person, "service_month": f"{year:04d}-{month:02d}"}
            for person, year, month in connection.execute(query)
        ]
        upsert(connection, tables.due, values)
        _set_state(connection, name, str(end))

    def _gather_policies(self, connection: Connection) -> None:
        """Note who is concerned by policies that were stated since this was last asked."""
        begin = int(_state(connection, "policies") or 0)
        records = rows.record.c
        stated = [each for each in load_policies(connection, self._own) if each.index >= begin]
        for each in stated:
            query = self._persons().where(
                records.author == self._own,
                records.subsidy_kind == each.body.subsidy_kind,
                records.service_month >= each.body.from_date[:7],
            )
            self._make_due(connection, query)
        if stated:
            _set_state(connection, "policies", str(stated[-1].index + 1))

    def _gather_keys(self, connection: Connection, day: date) -> None:
        """Take back the tags of a year whose keys changed, and note whose are to be made."""
        years = set(range(day.year - _RECENT_YEARS + 1, day.year + 1))
        due = select(func.substr(tables.due.c.service_month, 1, 4)).distinct()
        years |= {int(text) for text in connection.execute(due).scalars()}
        records, elders = rows.record.c, tables.elder.c
        for partner in self._partners:
            prefix = f"keys/{partner}/"
            names = select(tables.state.c.name).where(tables.state.c.name.startswith(prefix))
            known = {int(name[len(prefix) :]) for name in connection.execute(names).scalars()}
            for year in sorted(years | known):
                pair = self.pair(connection, partner, year)
                print_ = "" if pair is None else hashlib.sha256(b"".join(pair)).hexdigest()
                if print_ == _state(connection, f"{prefix}{year}"):
                    continue
                _set_state(connection, f"{prefix}{year}", print_)
                connection.execute(
                    update(tables.tag)
                    .where(tables.tag.c.partner == partner, tables.tag.c.service_year == year)
                    .values(person_key=None)
                )
                if pair is not None:
                    query = self._persons().where(
                        elders.subject_ref.is_not(None),
                        records.author == self._own,
                        records.service_month.between(f"{year:04d}-01", f"{year:04d}-12"),
                    )
                    self._make_due(connection, query)

    def pair(self, connection: Connection, partner: str, year: int) -> tuple[bytes, bytes] | None:
        """Return the own and the other's public key for a year, if tags can be made with them."""
        own, other = (key_of_year(connection, each, year) for each in (self._own, partner))
        if own is None or other is None:
            return None
        if not self._keys.holds(own):
            _alarm.error("overlap_key_missing", year=year)
            return None
        return own, other

    def _persons(self) -> Select[tuple[bytes, str]]:
        """Return the persons and months of own records, to which conditions are added."""
        records, refs, elders = rows.record.c, rows.pseudonym.c, tables.elder.c
        return (
            select(elders.person_key, records.service_month)
            .select_from(rows.record)
            .join(rows.pseudonym, refs.beneficiary_ref == records.beneficiary_ref)
            .join(tables.elder, elders.elder_mac == refs.elder_mac)
            .where(records.author == records.home)
            .distinct()
        )

    @staticmethod
    def _make_due(connection: Connection, query: Select[tuple[bytes, str]]) -> None:
        insert = sqlite_insert if connection.dialect.name == "sqlite" else postgres_insert
        statement = insert(tables.due).from_select(["person_key", "service_month"], query)
        connection.execute(statement.on_conflict_do_nothing())

    @staticmethod
    def next_due(connection: Connection) -> list[Person]:
        """Return persons and months that are to be looked at, as many as go at once."""
        due = tables.due.c
        query = select(due.person_key, due.service_month).order_by(
            due.service_month, due.person_key
        )
        found = connection.execute(query.limit(_PERSONS_AT_ONCE))
        return [(bytes(person), month) for person, month in found]

    @staticmethod
    def done(connection: Connection, persons: Sequence[Person]) -> None:
        """Strike persons and months off the list."""
        due = tables.due
        for some in chunks(persons):
            connection.execute(
                delete(due).where(tuple_(due.c.person_key, due.c.service_month).in_(some))
            )


def _state(connection: Connection, name: str) -> str:
    """Return how far something was looked at; empty if it never was."""
    query = select(tables.state.c.value).where(tables.state.c.name == name)
    found: str | None = connection.execute(query).scalar()
    return found or ""


def _set_state(connection: Connection, name: str, value: str) -> None:
    upsert(connection, tables.state, [{"name": name, "value": value}], "value")
