"""Reads the registry's rows as the values that ``rules`` works on.

The ``load_*`` functions are for a night: they take pins, the size to which each registry log was
closed, and answer what was known then. The others answer what is known now. Logs that are not
pinned count for nothing.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import TypeVar

from sqlalchemy import Connection, select

from deltacare.ids import LogName
from deltacare.v1.entry_pb2 import Agreement, Institution, Listing
from server.registry.closings import Closing, ClosingSaid, closings
from server.registry.in_force import agreements_in_force
from server.registry.tables import (
    agreement_words,
    agreements,
    institutions,
    listing_withdrawals,
    listings,
)
from server.registry.tables import closings as closing_rows
from server.registry.values import (
    AgreementHistory,
    AgreementVersion,
    AgreementWordSaid,
    EndSaid,
    ListingStanding,
    reaches_of,
)

__all__ = [
    "agreement_changed",
    "chunks",
    "closings_touched",
    "institutions_newest",
    "institutions_stated",
    "load_agreement_histories",
    "load_agreements",
    "load_closings",
    "load_institution_divisions",
    "load_listings",
    "optional_date",
    "read_closings",
    "read_withdrawals",
    "version_of",
]

# SQLite takes 32,766 parameters a statement, PostgreSQL 65,535.
_CHUNK_MAX = 1_000

T = TypeVar("T")


def chunks(values: Iterable[T]) -> Iterable[Sequence[T]]:
    """Yield values in runs that fit one statement.

    A text with NUL, which anybody may write into a log, is left out: no row has one, and PostgreSQL
    refuses to look for it.
    """
    listed = tuple(v for v in values if not (isinstance(v, str) and "\0" in v))
    for start in range(0, len(listed), _CHUNK_MAX):
        yield listed[start : start + _CHUNK_MAX]


def optional_date(text: str | None) -> date | None:
    """Return the date of a text that may be missing."""
    return date.fromisoformat(text) if text else None


def version_of(author: str, log_index: int, version_hash: bytes, body: bytes) -> AgreementVersion:
    """Return a version of an agreement from its row."""
    message = Agreement.FromString(body)
    return AgreementVersion(
        agreement_id=message.agreement_id,
        version_hash=version_hash,
        author=author,
        index=log_index,
        parties=tuple(message.parties),
        scopes=frozenset(message.scopes),
        subsidy_kinds=frozenset(message.subsidy_kinds),
        from_date=date.fromisoformat(message.from_date),
        until_date=optional_date(message.until_date),
    )


def load_agreement_histories(
    connection: Connection, agreement_ids: Sequence[str] | None = None
) -> dict[str, AgreementHistory]:
    """Return all that was ever said of agreements, by id.

    Args:
        connection: a snapshot.
        agreement_ids: only these, at most 1,000; ``None`` means all.
    """
    version_query = select(
        agreements.c.author, agreements.c.log_index, agreements.c.version_hash, agreements.c.body
    ).order_by(agreements.c.author, agreements.c.log_index)
    word_query = select(agreement_words).order_by(
        agreement_words.c.author, agreement_words.c.log_index
    )
    if agreement_ids is not None:
        version_query = version_query.where(agreements.c.agreement_id.in_(agreement_ids))
        word_query = word_query.where(agreement_words.c.agreement_id.in_(agreement_ids))
    versions: dict[str, list[AgreementVersion]] = {}
    for author, log_index, version_hash, body in connection.execute(version_query):
        version = version_of(author, log_index, version_hash, body)
        versions.setdefault(version.agreement_id, []).append(version)
    words: dict[str, list[AgreementWordSaid]] = {}
    for row in connection.execute(word_query):
        words.setdefault(row.agreement_id, []).append(
            AgreementWordSaid(
                province=row.author,
                index=row.log_index,
                version_hash=row.version_hash,
                ended_date=optional_date(row.ended_date),
            )
        )
    return {
        agreement_id: AgreementHistory(
            versions=tuple(chain), words=tuple(words.get(agreement_id, ()))
        )
        for agreement_id, chain in versions.items()
    }


def load_agreements(
    connection: Connection, pins: Mapping[LogName, int]
) -> tuple[AgreementVersion, ...]:
    """Return the versions of agreements in force at the pins, each with its days as its window.

    Args:
        connection: a snapshot.
        pins: entries that count of each log; settlement logs are passed over.
    """
    histories = load_agreement_histories(connection)
    return agreements_in_force(histories.values(), reaches_of(pins))


def load_listings(
    connection: Connection, pins: Mapping[LogName, int]
) -> tuple[ListingStanding, ...]:
    """Return the listings published at the pins, with their ends as far as known there, by id.

    Args:
        connection: a snapshot.
        pins: entries that count of each log; settlement logs are passed over.
    """
    standing = []
    for author, reach in sorted(reaches_of(pins).items()):
        withdrawn = read_withdrawals(connection, author=author)
        query = select(listings.c.body).where(
            listings.c.author == author, listings.c.log_index < reach.permit_size
        )
        for (body,) in connection.execute(query.order_by(listings.c.listing_id)):
            message = Listing.FromString(body)
            ends = (
                each.from_date
                for each in withdrawn.get(message.listing_id, ())
                if each.index < reach.restrict_size
            )
            standing.append(
                ListingStanding(
                    listing_id=message.listing_id,
                    institution_ids=frozenset(message.institution_ids),
                    from_date=date.fromisoformat(message.from_date),
                    until_date=optional_date(message.until_date),
                    withdrawn_date=min(ends, default=None),
                )
            )
    return tuple(standing)


def read_withdrawals(
    connection: Connection, *, author: str = "", listing_ids: Collection[str] | None = None
) -> dict[str, tuple[EndSaid, ...]]:
    """Return what withdrew listings, by id, in the order of the log.

    Args:
        connection: a snapshot.
        author: only of this province; empty means all.
        listing_ids: only these; ``None`` means all.
    """
    found: dict[str, tuple[EndSaid, ...]] = {}
    table = listing_withdrawals.c
    query = select(listing_withdrawals).order_by(table.log_index)
    if author:
        query = query.where(table.author == author)
    if listing_ids is not None:
        query = query.where(table.listing_id.in_(listing_ids))
    for row in connection.execute(query):
        end = EndSaid(index=row.log_index, from_date=date.fromisoformat(row.effective_date))
        found[row.listing_id] = (*found.get(row.listing_id, ()), end)
    return found


def read_closings(
    connection: Connection, institution_ids: Iterable[str]
) -> dict[str, tuple[ClosingSaid, ...]]:
    """Return all that closed institutions or opened them again, by id, in the order of the log.

    Args:
        connection: a snapshot.
        institution_ids: those asked for; those that were never closed are missing.
    """
    found: dict[str, list[ClosingSaid]] = {}
    table = closing_rows.c
    for some in chunks(institution_ids):
        query = select(closing_rows).where(table.institution_id.in_(some)).order_by(table.log_index)
        for row in connection.execute(query):
            found.setdefault(row.institution_id, []).append(
                ClosingSaid(
                    index=row.log_index,
                    is_closed=row.is_closed,
                    from_date=date.fromisoformat(row.from_date),
                    reason=row.reason,
                )
            )
    return {institution_id: tuple(said) for institution_id, said in found.items()}


def load_closings(
    connection: Connection, pins: Mapping[LogName, int], institution_ids: Iterable[str]
) -> dict[str, tuple[Closing, ...]]:
    """Return the days on which institutions are closed at the pins of a night, by id.

    Args:
        connection: a snapshot.
        pins: entries that count of each log; settlement logs are passed over.
        institution_ids: those asked for; those that are closed on no day are missing.
    """
    reaches = reaches_of(pins)
    known = {
        institution_id: closings(said, reaches[institution_id[:6]])
        for institution_id, said in read_closings(connection, institution_ids).items()
        if institution_id[:6] in reaches
    }
    return {institution_id: closed for institution_id, closed in known.items() if closed}


def closings_touched(
    connection: Connection, author: str, first_index: int, end_index: int, *, limit: int
) -> frozenset[str] | None:
    """Return the institutions that a run of a registry log closes or opens again.

    Args:
        connection: a snapshot.
        author: whose log.
        first_index: first of the run.
        end_index: one past its last.
        limit: most institutions to name.

    Returns:
        Ids; ``None`` if there are more than the limit.
    """
    table = closing_rows.c
    query = select(table.institution_id).where(
        table.author == author, table.log_index >= first_index, table.log_index < end_index
    )
    found = connection.execute(query.limit(limit + 1)).scalars().all()
    return None if len(found) > limit else frozenset(found)


def load_institution_divisions(
    connection: Connection, pins: Mapping[LogName, int]
) -> dict[str, str]:
    """Return the canonical division code of every institution stated at the pins, by id.

    Args:
        connection: a snapshot.
        pins: entries that count of each log; settlement logs are passed over.
    """
    divisions: dict[str, str] = {}
    table = institutions.c
    for author, reach in sorted(reaches_of(pins).items()):
        query = select(table.institution_id, table.division_code).where(
            table.author == author,
            table.log_index < reach.permit_size,
            (table.superseded_index.is_(None)) | (table.superseded_index >= reach.permit_size),
        )
        divisions.update(
            (row.institution_id, row.division_code) for row in connection.execute(query)
        )
    return divisions


def institutions_newest(
    connection: Connection, institution_ids: Iterable[str]
) -> dict[str, tuple[int, Institution]]:
    """Return the newest statement of each institution with its index in its province's log."""
    newest: dict[str, tuple[int, Institution]] = {}
    table = institutions.c
    for some in chunks(institution_ids):
        query = select(table.institution_id, table.log_index, table.body).where(
            table.institution_id.in_(some), table.superseded_index.is_(None)
        )
        for institution_id, log_index, body in connection.execute(query):
            newest[institution_id] = (log_index, Institution.FromString(body))
    return newest


def institutions_stated(
    connection: Connection, author: str, institution_ids: Iterable[str]
) -> frozenset[str]:
    """Return those institutions that an author's log states at all."""
    found: set[str] = set()
    table = institutions.c
    for some in chunks(institution_ids):
        query = select(table.institution_id).where(
            table.institution_id.in_(some),
            table.author == author,
            table.superseded_index.is_(None),
        )
        found.update(connection.execute(query).scalars())
    return frozenset(found)


def agreement_changed(
    connection: Connection, author: str, first_index: int, end_index: int
) -> bool:
    """Whether a run of a registry log says anything of agreements."""
    query = select(agreement_words.c.log_index).where(
        agreement_words.c.author == author,
        agreement_words.c.log_index >= first_index,
        agreement_words.c.log_index < end_index,
    )
    return connection.execute(query.limit(1)).first() is not None
