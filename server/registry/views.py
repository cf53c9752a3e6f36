"""Shows rows of the registry as the contract has them: what the logs say, newest included.

Nothing here decides: it shows all that was verified, whether or not a quorum saw it.
"""

from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import ColumnElement, Connection, false, func, select

from deltacare.divisions import CHANGES, DivisionLevel, division_level, province_of
from deltacare.ids import LogName
from deltacare.v1.entry_pb2 import (
    AGREEMENT_WORD_ACCEPTED,
    AGREEMENT_WORD_ENDED,
    Agreement,
    Institution,
    Listing,
)
from deltacare.v1.registry_service_pb2 import (
    InstitutionCount,
    InstitutionFilter,
    PublishedListing,
    RegisteredInstitution,
    StandingAgreement,
)
from deltacare.v1.types_pb2 import EntryRef
from server.registry.projector import fold_name
from server.registry.rules import agreement_concerns, agreement_in_force, party_provinces
from server.registry.store import institutions_newest, load_agreement_histories
from server.registry.tables import agreements, institutions, listings
from server.registry.values import AgreementHistory, Reach

__all__ = [
    "count_institutions",
    "find_agreements",
    "find_changes",
    "find_institutions",
    "find_institutions_by_id",
    "find_listings",
]

_SCAN_AGREEMENTS = 200


def entry_ref(author: str, index: int) -> EntryRef:
    """Return the place of an entry in a registry log."""
    return EntryRef(log=str(LogName.registry(author)), index=index)


def _registered(author: str, index: int, body: Institution) -> RegisteredInstitution:
    return RegisteredInstitution(
        name=f"institutions/{body.institution_id}", institution=body, entry=entry_ref(author, index)
    )


def _in_division(connection: Connection, division: str, on_date: date) -> ColumnElement[bool]:
    """Return the condition that an institution lies in a division on a date.

    Codes are of many years, on either side: so the codes in use are compared as divisions, not as
    digits. A division that was merged or split is looked for where its area lies now.
    """
    province = province_of(division)
    table = institutions.c
    if division_level(division) is DivisionLevel.PROVINCE:
        return table.author == province
    areas = CHANGES.resolve(division, on_date)
    codes = connection.execute(
        select(table.division_code)
        .distinct()
        .where(table.author == province, table.superseded_index.is_(None))
    ).scalars()
    inside = [
        code for code in codes if any(CHANGES.contains(area, code, on_date) for area in areas)
    ]
    return table.division_code.in_(inside) if inside else false()


def _conditions(
    connection: Connection, wanted: InstitutionFilter, on_date: date
) -> list[ColumnElement[bool]]:
    """Return what a filter asks of current rows; its division is canonical."""
    table = institutions.c
    conditions: list[ColumnElement[bool]] = [table.superseded_index.is_(None)]
    if wanted.division:
        conditions.append(_in_division(connection, wanted.division, on_date))
    if wanted.name_part:
        conditions.append(table.name_folded.contains(fold_name(wanted.name_part), autoescape=True))
    if wanted.operation_mode:
        conditions.append(table.operation_mode == wanted.operation_mode)
    if wanted.beds_min:
        conditions.append(table.approved_beds >= wanted.beds_min)
    if wanted.beds_max:
        conditions.append(table.approved_beds <= wanted.beds_max)
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
        .where(table.institution_id > after, *_conditions(connection, wanted, on_date))
        .order_by(table.institution_id)
        .limit(limit)
    )
    return [
        _registered(author, index, Institution.FromString(body))
        for author, index, body in connection.execute(query)
    ]


def find_institutions_by_id(
    connection: Connection, institution_ids: Sequence[str]
) -> Mapping[str, RegisteredInstitution]:
    """Return institutions, by id; those that no log states are missing."""
    return {
        institution_id: _registered(institution_id.partition("-")[0], index, body)
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
        .where(*_conditions(connection, wanted, on_date))
        .group_by(table.author)
        .order_by(table.author)
    )
    return [
        InstitutionCount(province=author, institution_count=count, approved_beds=int(beds))
        for author, count, beds in connection.execute(query)
    ]


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
        _registered(author, index, Institution.FromString(body))
        for index, body in connection.execute(query)
    ]


def find_listings(
    connection: Connection, *, province: str, after: str, limit: int
) -> Sequence[PublishedListing]:
    """Return listings by id.

    Args:
        connection: a snapshot.
        province: only of this province; empty means all.
        after: only those with a greater id.
        limit: most rows.
    """
    table = listings.c
    query = select(listings).where(table.listing_id > after)
    if province:
        query = query.where(table.author == province)
    return [
        PublishedListing(
            listing=Listing.FromString(row.body),
            withdrawn_date=row.withdrawn_date or "",
            entry=entry_ref(row.author, row.log_index),
        )
        for row in connection.execute(query.order_by(table.listing_id).limit(limit))
    ]


def find_agreements(
    connection: Connection,
    *,
    division: str,
    on_date: date,
    reaches: Mapping[str, Reach],
    after: str,
    limit: int,
) -> Sequence[StandingAgreement]:
    """Return agreements by id.

    Args:
        connection: a snapshot.
        division: canonical code; only those with a party in or around it; empty means all.
        on_date: day to judge by.
        reaches: up to where the registry logs count, by author.
        after: only those with a greater id.
        limit: most rows.
    """
    table = agreements.c
    found: list[StandingAgreement] = []
    while len(found) < limit:
        query = (
            select(table.agreement_id, table.version_hash, table.body)
            .where(table.superseded_index.is_(None), table.agreement_id > after)
            .order_by(table.agreement_id)
            .limit(_SCAN_AGREEMENTS)
        )
        rows = connection.execute(query).all()
        if not rows:
            break
        after = rows[-1].agreement_id
        histories = load_agreement_histories(connection, [row.agreement_id for row in rows])
        for row in rows:
            body = Agreement.FromString(row.body)
            if not division or agreement_concerns(body.parties, division, on_date):
                history = histories[row.agreement_id]
                found.append(_standing(row.version_hash, body, history, reaches, on_date))
    return found[:limit]


def _standing(
    version_hash: bytes,
    body: Agreement,
    history: AgreementHistory,
    reaches: Mapping[str, Reach],
    on_date: date,
) -> StandingAgreement:
    """Return an agreement with the last word of each province that has a party in it."""
    version = agreement_in_force(history, reaches)
    result = StandingAgreement(
        agreement=body,
        version_hash=version_hash,
        in_force=(
            version is not None
            and version.version_hash == version_hash
            and version.from_date <= on_date
            and (version.until_date is None or on_date <= version.until_date)
        ),
    )
    for province in party_provinces(body.parties):
        said = [word for word in history.words if word.province == province]
        last = max(said, key=lambda word: word.index, default=None)
        if last is None:
            result.words.add(province=province)
        else:
            result.words.add(
                province=province,
                word=AGREEMENT_WORD_ACCEPTED if last.accepted else AGREEMENT_WORD_ENDED,
                version_hash=last.version_hash,
            )
    return result
