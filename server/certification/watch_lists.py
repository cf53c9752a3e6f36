"""Keeps what callers watch: a list of certificates for each caller and institution.

A list is in no log and no table but its own, and nobody but its caller is ever told of it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    delete,
    distinct,
    func,
    insert,
    select,
    text,
)

from deltacare.errors import invalid_field
from server.certification.watch_tables import watched
from server.certification.watch_values import Watcher
from server.registry.store import chunks

__all__ = [
    "LISTS_PER_CALLER_MAX",
    "NUMBERS_PER_LIST_MAX",
    "WATCHED_PER_CALLER_MAX",
    "Changed",
    "find_lists",
    "find_watched",
    "institutions_of",
    "is_list_of",
    "put_list",
]

NUMBERS_PER_LIST_MAX = 2_000
LISTS_PER_CALLER_MAX = 2_000
WATCHED_PER_CALLER_MAX = 100_000
"""Over all lists of a caller; one certificate on two lists counts twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What replacing a list changed.

    Attributes:
        added_count: certificates that were not on it.
        removed_count: certificates that are not on it any more.
    """

    added_count: int
    removed_count: int


def put_list(
    connection: Connection, caller: str, institution_id: str, numbers: Collection[str]
) -> Changed:
    """Replace a list; an empty one is removed.

    Args:
        connection: a writing transaction.
        caller: whose list.
        institution_id: the institution it is for.
        numbers: certificates, each once.

    Raises:
        Refusal: ``INVALID_FIELD``, if the caller would watch too much.
    """
    if connection.dialect.name == "postgresql":
        # Another replica may replace a list of the same caller at this moment.
        connection.execute(
            text("SELECT pg_advisory_xact_lock(hashtext(:name))"),
            {"name": f"deltacare watching {caller}"},
        )
    mine = (watched.c.caller == caller, watched.c.institution_id == institution_id)
    before = frozenset(
        number for (number,) in connection.execute(select(watched.c.certificate_no).where(*mine))
    )
    wanted = frozenset(numbers)
    for some in chunks(before - wanted):
        connection.execute(delete(watched).where(*mine, watched.c.certificate_no.in_(some)))
    added = sorted(wanted - before)
    if added:
        connection.execute(
            insert(watched),
            [
                {"caller": caller, "institution_id": institution_id, "certificate_no": number}
                for number in added
            ],
        )
    total, lists = connection.execute(
        select(func.count(), func.count(distinct(watched.c.institution_id))).where(
            watched.c.caller == caller
        )
    ).one()
    if added and total > WATCHED_PER_CALLER_MAX:
        raise invalid_field(
            "list.certificate_nos",
            total,
            f"With it the caller would watch more than {WATCHED_PER_CALLER_MAX:,} certificates.",
            "Remove lists that are not needed.",
        )
    if added and lists > LISTS_PER_CALLER_MAX:
        raise invalid_field(
            "list.institution_id",
            institution_id,
            f"With it the caller would watch more than {LISTS_PER_CALLER_MAX:,} institutions.",
            "Remove lists that are not needed.",
        )
    return Changed(added_count=len(added), removed_count=len(before - wanted))


def find_lists(
    connection: Connection, caller: str, *, after: str, limit: int
) -> Sequence[tuple[str, list[str]]]:
    """Return a caller's lists by institution, each ascending.

    Args:
        connection: a snapshot.
        caller: whose lists.
        after: only those of an institution with a greater id.
        limit: most lists.
    """
    table = watched.c
    names = connection.execute(
        select(table.institution_id)
        .where(table.caller == caller, table.institution_id > after)
        .distinct()
        .order_by(table.institution_id)
        .limit(limit)
    )
    lists: dict[str, list[str]] = {name: [] for (name,) in names}
    for some in chunks(lists):
        query = (
            select(table.institution_id, table.certificate_no)
            .where(table.caller == caller, table.institution_id.in_(some))
            .order_by(table.certificate_no)
        )
        for institution_id, number in connection.execute(query):
            lists[institution_id].append(number)
    return sorted(lists.items())


def is_list_of(watcher: Watcher) -> ColumnElement[bool]:
    """Whether a row of the lists is the watcher's."""
    is_callers = watched.c.caller == watcher.caller
    if not watcher.institution_id:
        return is_callers
    return and_(is_callers, watched.c.institution_id == watcher.institution_id)


def find_watched(
    connection: Connection, watcher: Watcher, *, after: str, limit: int
) -> dict[str, tuple[str, ...]]:
    """Return certificates of a watcher, ascending, each with the institutions of its lists.

    Args:
        connection: a snapshot.
        watcher: whose lists.
        after: only certificates with a greater number.
        limit: most of them.
    """
    number = watched.c.certificate_no
    query = select(number).where(is_list_of(watcher), number > after).distinct()
    rows = connection.execute(query.order_by(number).limit(limit))
    return institutions_of(connection, watcher, [each for (each,) in rows])


def institutions_of(
    connection: Connection, watcher: Watcher, numbers: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """Return by certificate the institutions on whose lists it stands, ascending.

    Args:
        connection: a snapshot in which each stands on a list.
        watcher: whose lists.
        numbers: certificates, each once; the answer keeps their order.
    """
    lists: dict[str, list[str]] = {number: [] for number in numbers}
    for some in chunks(lists):
        query = (
            select(watched.c.certificate_no, watched.c.institution_id)
            .where(is_list_of(watcher), watched.c.certificate_no.in_(some))
            .order_by(watched.c.institution_id)
        )
        for number, institution_id in connection.execute(query):
            lists[number].append(institution_id)
    return {number: tuple(found) for number, found in lists.items()}
