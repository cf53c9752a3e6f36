"""Reads what provinces state of their schemes, and shows it as the contract has it.

Which version holds on a day is for ``deltacare.schemes``; which statements are void was decided
when they were projected: a void one left no row.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, select

from deltacare.ids import LogName
from deltacare.schemes import NATIONAL, Scheme
from deltacare.v1.certification_service_pb2 import StandingScheme
from deltacare.v1.entry_pb2 import CertificationScheme
from deltacare.v1.types_pb2 import EntryRef
from server.certification.scheme_bodies import scheme_of, statement_of
from server.certification.tables import schemes
from server.registry.store import chunks

__all__ = ["find_schemes", "read_schemes", "scheme_key"]


def read_schemes(
    connection: Connection, author: str, names: Iterable[str]
) -> dict[str, tuple[Scheme, ...]]:
    """Return all that a province stated of some schemes, by name, in the order of its log."""
    found: dict[str, list[Scheme]] = {}
    for some in chunks(names):
        query = (
            select(schemes.c.body)
            .where(schemes.c.author == author, schemes.c.scheme.in_(some))
            .order_by(schemes.c.log_index)
        )
        for (body,) in connection.execute(query):
            scheme = scheme_of(CertificationScheme.FromString(body))
            found.setdefault(scheme.name, []).append(scheme)
    return {name: tuple(versions) for name, versions in found.items()}


def scheme_key(province: str, name: str) -> str:
    """Return by what schemes are sorted: the country's first, then by province and name."""
    return f"{province or '0'} {name}"


def find_schemes(
    connection: Connection, *, province: str, after: str, limit: int
) -> Sequence[StandingScheme]:
    """Return schemes, of each the newest version.

    Args:
        connection: a snapshot.
        province: only of this one; empty means all, and the country's.
        after: only those with a greater ``scheme_key``.
        limit: most rows.
    """
    found: list[StandingScheme] = []
    if not province:
        found = [
            StandingScheme(scheme=statement_of(NATIONAL[name]))
            for name in sorted(NATIONAL)
            if scheme_key("", name) > after
        ]
    table = schemes.c
    query = select(schemes).order_by(
        table.author, table.scheme, table.from_date.desc(), table.log_index.desc()
    )
    if province:
        query = query.where(table.author == province)
    before = ("", "")
    for row in connection.execute(query):
        if len(found) >= limit:
            break
        this = (row.author, row.scheme)
        if this != before and scheme_key(*this) > after:
            found.append(
                StandingScheme(
                    scheme=CertificationScheme.FromString(row.body),
                    province=row.author,
                    entry=EntryRef(log=str(LogName.registry(row.author)), index=row.log_index),
                )
            )
        before = this
    return found[:limit]
