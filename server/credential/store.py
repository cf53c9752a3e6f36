"""Reads and writes the rows of the credential room, and what it needs of certification's."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, delete, func, insert, select

from deltacare.credential.keys import KeyStated, KeyWindow, key_windows
from deltacare.ids import LogName
from deltacare.v1.entry_pb2 import CredentialKey
from deltacare.v1.types_pb2 import EntryRef
from server.certification.tables import certificate_events, certificates
from server.certification.values import EventKind
from server.credential.tables import credential_keys, partner_tokens, status_lists
from server.registry.store import chunks

__all__ = [
    "ListStated",
    "PartnerToken",
    "issued_count",
    "keep_token",
    "kept_token",
    "key_rows",
    "key_windows_of",
    "last_list",
    "restricted_numbers",
    "status_indexes",
]

_RESTRICTING = (
    int(EventKind.SUSPENDED),
    int(EventKind.REINSTATED),
    int(EventKind.REVOKED),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListStated:
    """What an entry states of a status list.

    Attributes:
        index: place of the entry.
        stated_time: when.
        list_number: from 0.
        entry_count: places in use.
        list_hash: SHA-256 of the list.
        log_size: entries it takes in.
        on_date: day as of which it holds.
    """

    index: int
    stated_time: datetime
    list_number: int
    entry_count: int
    list_hash: bytes
    log_size: int
    on_date: date

    def ref(self, author: str) -> EntryRef:
        """Return where it stands."""
        return EntryRef(log=str(LogName.registry(author)), index=self.index)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerToken:
    """A partner's token as it is kept.

    Attributes:
        token: JWT.
        fetched_time: when it came.
    """

    token: str
    fetched_time: datetime


def last_list(
    connection: Connection,
    author: str,
    list_number: int,
    *,
    until_date: str | None = None,
    end_index: int | None = None,
) -> ListStated | None:
    """Return what was last stated of a list.

    Args:
        connection: a snapshot.
        author: whose.
        list_number: from 0.
        until_date: only of days up to this, ISO 8601.
        end_index: only of entries before this place.
    """
    table = status_lists.c
    query = select(status_lists).where(table.author == author, table.list_number == list_number)
    if until_date is not None:
        query = query.where(table.on_date <= until_date)
    if end_index is not None:
        query = query.where(table.log_index < end_index)
    row = connection.execute(query.order_by(table.log_index.desc()).limit(1)).first()
    if row is None:
        return None
    return ListStated(
        index=row.log_index,
        stated_time=row.stated_time,
        list_number=row.list_number,
        entry_count=row.entry_count,
        list_hash=bytes(row.list_hash),
        log_size=row.log_size,
        on_date=date.fromisoformat(row.on_date),
    )


def key_rows(
    connection: Connection, author: str | None = None
) -> list[tuple[str, int, CredentialKey]]:
    """Return the keys that were stated: author, place and body, in that order."""
    query = select(credential_keys).order_by(credential_keys.c.author, credential_keys.c.log_index)
    if author is not None:
        query = query.where(credential_keys.c.author == author)
    return [
        (row.author, row.log_index, CredentialKey.FromString(row.body))
        for row in connection.execute(query)
    ]


def key_windows_of(
    connection: Connection, author: str, *, permit_size: int | None = None
) -> tuple[KeyWindow, ...]:
    """Return the keys of a province with the days on which they sign.

    Args:
        connection: a snapshot.
        author: the province.
        permit_size: only of entries before this place.
    """
    return key_windows(
        KeyStated(
            index=index,
            key_id=body.key_id,
            public_key=body.public_key,
            from_date=date.fromisoformat(body.from_date),
            until_date=date.fromisoformat(body.until_date) if body.until_date else None,
        )
        for _, index, body in key_rows(connection, author)
        if permit_size is None or index < permit_size
    )


def issued_count(connection: Connection, author: str, size: int | None = None) -> int:
    """Return how many certificates an author has issued.

    Args:
        connection: a snapshot.
        author: the province.
        size: only in so many entries of its log; ``None`` for all.
    """
    table = certificates.c
    if size is None:
        query = select(func.max(table.status_index)).where(table.author == author)
    else:
        # By place: the last issued before the cut has the highest number.
        query = (
            select(table.status_index)
            .where(table.author == author, table.log_index < size)
            .order_by(table.log_index.desc())
            .limit(1)
        )
    last = connection.execute(query).scalar()
    return 0 if last is None else last + 1


def restricted_numbers(
    connection: Connection, author: str, first_index: int, end_index: int
) -> frozenset[str]:
    """Return the certificates of which a run of a log says that they are suspended or revoked."""
    table = certificate_events.c
    query = (
        select(table.certificate_no)
        .distinct()
        .where(
            table.author == author,
            table.log_index >= first_index,
            table.log_index < end_index,
            table.kind.in_(_RESTRICTING),
        )
    )
    return frozenset(connection.execute(query).scalars())


def status_indexes(connection: Connection, numbers: Iterable[str]) -> dict[str, int]:
    """Return the places of certificates among their issuer's, by number."""
    found: dict[str, int] = {}
    for some in chunks(numbers):
        query = select(certificates.c.certificate_no, certificates.c.status_index).where(
            certificates.c.certificate_no.in_(some)
        )
        found.update((row.certificate_no, row.status_index) for row in connection.execute(query))
    return found


def kept_token(connection: Connection, author: str, list_number: int) -> PartnerToken | None:
    """Return a partner's token that was kept."""
    table = partner_tokens.c
    row = connection.execute(
        select(partner_tokens).where(table.author == author, table.list_number == list_number)
    ).first()
    return None if row is None else PartnerToken(token=row.token, fetched_time=row.fetched_time)


def keep_token(connection: Connection, author: str, list_number: int, kept: PartnerToken) -> None:
    """Keep a partner's token in place of the one before it."""
    table = partner_tokens.c
    connection.execute(
        delete(partner_tokens).where(table.author == author, table.list_number == list_number)
    )
    connection.execute(
        insert(partner_tokens).values(
            author=author,
            list_number=list_number,
            fetched_time=kept.fetched_time,
            token=kept.token,
        )
    )
