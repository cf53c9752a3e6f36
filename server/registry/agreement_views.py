"""Shows agreements as the contract has them, and who has one with whom.

Nothing here decides: what is in force is asked of ``in_force``.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from sqlalchemy import Connection, select

from deltacare.v1.entry_pb2 import AGREEMENT_WORD_ACCEPTED, AGREEMENT_WORD_ENDED, Agreement
from deltacare.v1.registry_service_pb2 import AgreementCell, StandingAgreement
from server.registry.in_force import (
    agreement_concerns,
    agreements_in_force,
    holds_on,
    matrix_cells,
    party_provinces,
    versions_in_force,
)
from server.registry.store import load_agreement_histories
from server.registry.tables import agreements
from server.registry.values import AgreementHistory, AgreementVersion, Reach

__all__ = ["find_agreements", "find_matrix"]

_SCAN_AGREEMENTS = 200


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
            select(table.agreement_id, table.version_hash)
            .where(table.superseded_index.is_(None), table.agreement_id > after)
            .order_by(table.agreement_id)
            .limit(_SCAN_AGREEMENTS)
        )
        rows = connection.execute(query).all()
        if not rows:
            break
        after = rows[-1].agreement_id
        ids = [row.agreement_id for row in rows]
        histories = load_agreement_histories(connection, ids)
        bodies = {
            version_hash: Agreement.FromString(body)
            for version_hash, body in connection.execute(
                select(table.version_hash, table.body).where(table.agreement_id.in_(ids))
            )
        }
        for row in rows:
            history = histories[row.agreement_id]
            standing = _standing(row.version_hash, bodies, history, reaches, on_date)
            parties = (*standing.agreement.parties, *standing.in_force_version.parties)
            if not division or agreement_concerns(parties, division, on_date):
                found.append(standing)
    return found[:limit]


def _standing(
    version_hash: bytes,
    bodies: Mapping[bytes, Agreement],
    history: AgreementHistory,
    reaches: Mapping[str, Reach],
    on_date: date,
) -> StandingAgreement:
    """Return an agreement with the last word of each province that has a party in it."""
    numbers = {each.version_hash: place for place, each in enumerate(history.versions, 1)}
    spans = versions_in_force(history, reaches)
    version = next((span for span in spans if holds_on(span, on_date)), None)
    result = StandingAgreement(
        agreement=bodies[version_hash],
        version_hash=version_hash,
        version_number=numbers[version_hash],
        in_force=version is not None,
    )
    if version is not None:
        result.in_force_version.CopyFrom(bodies[version.version_hash])
        result.in_force_number = numbers[version.version_hash]
        later = (span.from_date for span in spans if span.from_date > version.from_date)
        result.replaced_date = min((day.isoformat() for day in later), default="")
        result.ended_date = _ended_date(bodies[version.version_hash], version, spans)
    parties = (*result.agreement.parties, *result.in_force_version.parties)
    for province in party_provinces(parties):
        said = [word for word in history.words if word.province == province]
        last = max(said, key=lambda word: word.index, default=None)
        if last is None:
            result.words.add(province=province)
        else:
            result.words.add(
                province=province,
                word=AGREEMENT_WORD_ENDED if last.ended_date else AGREEMENT_WORD_ACCEPTED,
                version_hash=last.version_hash,
                version_number=numbers.get(last.version_hash, 0),
                effective_date=last.ended_date.isoformat() if last.ended_date else "",
            )
    return result


def _ended_date(
    body: Agreement, version: AgreementVersion, spans: Sequence[AgreementVersion]
) -> str:
    """Return the first day without a version because a party ended it, empty if none did.

    Args:
        body: the version as it was accepted.
        version: with the days on which it is in force as its window.
        spans: of all versions.
    """
    if version.until_date is None or version.until_date.isoformat() == body.until_date:
        return ""
    following = version.until_date + timedelta(days=1)
    is_replaced = any(span.from_date == following and span.index > version.index for span in spans)
    return "" if is_replaced else following.isoformat()


def find_matrix(
    connection: Connection,
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    scope: int,
    on_date: date,
    reaches: Mapping[str, Reach],
) -> Sequence[AgreementCell]:
    """Return who has an agreement with whom, in the order of rows and columns.

    Args:
        connection: a snapshot.
        rows: canonical codes.
        columns: canonical codes.
        scope: only agreements with this scope; 0 means any.
        on_date: day to judge by.
        reaches: up to where the registry logs count, by author.
    """
    histories = load_agreement_histories(connection)
    versions = [
        version
        for version in agreements_in_force(histories.values(), reaches)
        if holds_on(version, on_date) and (not scope or scope in version.scopes)
    ]
    cells = matrix_cells(versions, rows=rows, columns=columns, on_date=on_date)
    return [
        AgreementCell(row_division=row, column_division=column, agreement_ids=cells[row, column])
        for row in rows
        for column in columns
        if (row, column) in cells
    ]
