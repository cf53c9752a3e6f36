"""Reads which certificates follow one another: what a measure against one of them reaches.

Each row names the first certificate of its line, so that a line is read by one index, however long
it is and wherever it branches. How far it counts is for the rules.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, select

from server.certification.tables import certificates
from server.registry.store import chunks

__all__ = ["same_line", "with_lines"]


def with_lines(connection: Connection, numbers: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Yield the rows of certificates and of all others of their lines, beside the one asked for."""
    asked = certificates.alias("asked")
    query = select(
        asked.c.certificate_no.label("asked_no"),
        certificates.c.certificate_no,
        certificates.c.author,
        certificates.c.log_index,
        certificates.c.predecessor_no,
        certificates.c.line_no,
        certificates.c.body,
    ).join_from(asked, certificates, certificates.c.line_no == asked.c.line_no)
    for row in connection.execute(query.where(asked.c.certificate_no.in_(numbers))):
        yield row.asked_no, row


def same_line(
    connection: Connection, numbers: Iterable[str], *, limit: int | None = None
) -> frozenset[str] | None:
    """Return the certificates of the lines of some, these included; ``None`` if beyond the limit.

    Args:
        connection: a snapshot.
        numbers: certificates; what is none is passed over.
        limit: most certificates to name; ``None`` if all are wanted.
    """
    found: set[str] = set()
    asked = certificates.alias("asked")
    for some in chunks(numbers):
        query = (
            select(certificates.c.certificate_no)
            .join_from(asked, certificates, certificates.c.line_no == asked.c.line_no)
            .where(asked.c.certificate_no.in_(some))
            .distinct()
        )
        if limit is not None:
            query = query.limit(limit + 1)
        found.update(connection.execute(query).scalars())
        if limit is not None and len(found) > limit:
            return None
    return frozenset(found)
