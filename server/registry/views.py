"""Shows rows of the registry as the contract has them: what the logs say, newest included.

Nothing here decides: it shows all that was verified, whether or not a quorum saw it.
"""

from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import ColumnElement, Connection, false, func, select

from deltacare.divisions import CHANGES, DivisionLevel, division_level, province_of
from deltacare.ids import LogName
from deltacare.institutions import fold_text
from deltacare.v1.entry_pb2 import INSTITUTION_STATE_OPERATING, Institution
from deltacare.v1.registry_service_pb2 import (
    InstitutionCount,
    InstitutionFilter,
    InstitutionHistory,
    RegisteredInstitution,
)
from deltacare.v1.types_pb2 import EntryRef
from server.registry.claim_views import find_claims
from server.registry.store import institutions_newest
from server.registry.tables import institutions

__all__ = [
    "conditions_of",
    "count_institutions",
    "divisions_inside",
    "entry_ref",
    "find_changes",
    "find_history",
    "find_institutions",
    "find_institutions_by_id",
    "registered",
]


def entry_ref(author: str, index: int) -> EntryRef:
    """Return the place of an entry in a registry log."""
    return EntryRef(log=str(LogName.registry(author)), index=index)


def registered(author: str, index: int, body: Institution) -> RegisteredInstitution:
    """Return a statement of an institution with its place."""
    return RegisteredInstitution(
        name=f"institutions/{body.institution_id}", institution=body, entry=entry_ref(author, index)
    )


def divisions_inside(connection: Connection, division: str, on_date: date) -> frozenset[str] | None:
    """Return the codes in use that lie in a division on a date; ``None`` if that is a province.

    Codes are of many years, on either side: so the codes in use are compared as divisions, not as
    digits. A division that was merged or split is looked for where its area lies now.
    """
    if division_level(division) is DivisionLevel.PROVINCE:
        return None
    table = institutions.c
    areas = CHANGES.resolve(division, on_date)
    codes = connection.execute(
        select(table.division_code)
        .distinct()
        .where(table.author == province_of(division), table.superseded_index.is_(None))
    ).scalars()
    return frozenset(
        code for code in codes if any(CHANGES.contains(area, code, on_date) for area in areas)
    )


def _in_division(connection: Connection, division: str, on_date: date) -> ColumnElement[bool]:
    """Return the condition that an institution lies in a division on a date."""
    table = institutions.c
    inside = divisions_inside(connection, division, on_date)
    if inside is None:
        return table.author == province_of(division)
    return table.division_code.in_(inside) if inside else false()


def _operates(on_date: date) -> ColumnElement[bool]:
    """Return the condition that an institution takes residents in on a date.

    The newest statement may tell of a state to come: then the one that holds is the newest of those
    whose day has come.
    """
    said = institutions.alias()
    begun = (
        select(said.c.state)
        .where(
            said.c.institution_id == institutions.c.institution_id,
            said.c.author == institutions.c.author,
            said.c.state_date <= on_date.isoformat(),
        )
        .order_by(said.c.log_index.desc())
        .limit(1)
        .correlate(institutions)
    )
    return begun.scalar_subquery() == INSTITUTION_STATE_OPERATING


def conditions_of(
    connection: Connection, wanted: InstitutionFilter, on_date: date
) -> list[ColumnElement[bool]]:
    """Return what a filter asks of current rows; its division is canonical."""
    table = institutions.c
    conditions: list[ColumnElement[bool]] = [table.superseded_index.is_(None)]
    if wanted.division:
        conditions.append(_in_division(connection, wanted.division, on_date))
    if wanted.name_part:
        conditions.append(table.name_folded.contains(fold_text(wanted.name_part), autoescape=True))
    if wanted.operation_mode:
        conditions.append(table.operation_mode == wanted.operation_mode)
    if wanted.beds_min:
        conditions.append(table.approved_beds >= wanted.beds_min)
    if wanted.beds_max:
        conditions.append(table.approved_beds <= wanted.beds_max)
    if wanted.open_beds_min:
        conditions.append(table.open_beds >= wanted.open_beds_min)
        conditions.append(_operates(on_date))
    if wanted.provider_type:
        conditions.append(table.provider_type == wanted.provider_type)
    if wanted.state:
        conditions.append(table.state == wanted.state)
    return conditions


def find_institutions(
    connection: Connection, wanted: InstitutionFilter, *, on_date: date, after: str, limit: int
) -> Sequence[RegisteredInstitution]:
    """Return institutions by id.

    Args:
        connection: a snapshot.
        wanted: which; its division is canonical.
        on_date: date on which divisions are compared.
        after: only those with a greater id.
        limit: most rows.
    """
    table = institutions.c
    query = (
        select(table.author, table.log_index, table.body)
        .where(table.institution_id > after, *conditions_of(connection, wanted, on_date))
        .order_by(table.institution_id)
        .limit(limit)
    )
    return [
        registered(author, index, Institution.FromString(body))
        for author, index, body in connection.execute(query)
    ]


def find_institutions_by_id(
    connection: Connection, institution_ids: Sequence[str]
) -> Mapping[str, RegisteredInstitution]:
    """Return institutions, by id; those that no log states are missing."""
    return {
        institution_id: registered(institution_id.partition("-")[0], index, body)
        for institution_id, (index, body) in institutions_newest(
            connection, institution_ids
        ).items()
    }


def count_institutions(
    connection: Connection, wanted: InstitutionFilter, *, on_date: date
) -> Sequence[InstitutionCount]:
    """Return how many institutions and beds each province has, by province."""
    table = institutions.c
    query = (
        select(table.author, func.count(), func.sum(table.approved_beds))
        .where(*conditions_of(connection, wanted, on_date))
        .group_by(table.author)
        .order_by(table.author)
    )
    return [
        InstitutionCount(province=author, institution_count=count, approved_beds=int(beds))
        for author, count, beds in connection.execute(query)
    ]


def find_history(connection: Connection, institution_id: str) -> InstitutionHistory:
    """Return all that was ever stated of an institution, and the claims that count."""
    table = institutions.c
    query = (
        select(table.author, table.log_index, table.body)
        .where(table.institution_id == institution_id)
        .order_by(table.log_index)
    )
    return InstitutionHistory(
        statements=[
            registered(author, index, Institution.FromString(body))
            for author, index, body in connection.execute(query)
        ],
        claims=find_claims(connection, institution_id=institution_id),
    )


def find_changes(
    connection: Connection, *, author: str, first_index: int, limit: int
) -> Sequence[RegisteredInstitution]:
    """Return what a registry log says of institutions from an index on, in its order."""
    table = institutions.c
    query = (
        select(table.log_index, table.body)
        .where(table.author == author, table.log_index >= first_index)
        .order_by(table.log_index)
        .limit(limit)
    )
    return [
        registered(author, index, Institution.FromString(body))
        for index, body in connection.execute(query)
    ]
