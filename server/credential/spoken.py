"""Which certificates a bundle has to ask about one by one, because no list and no kind tells.

Only what can bar a certificate at this host on one of the days: the issuer's and the host's own
word, as far as it counts, and while it holds. What a third province says, or what was lifted, names
nobody here; else it could fill the bundles of others. The rules decide about each that is named.
"""

from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import Connection, select

from server.certification.lines import same_line
from server.certification.standing import recognition_suspensions
from server.certification.store import read_recognitions
from server.certification.tables import certificate_events, certificates, recognitions
from server.registry.closings import closings as closed_days
from server.registry.store import chunks, read_closings
from server.registry.tables import closings
from server.registry.values import Reach
from server.supervision.rules import bars, counts_everywhere
from server.supervision.store import load_measures_by_id
from server.supervision.tables import measures
from server.supervision.values import Effect

__all__ = ["spoken_of"]


def spoken_of(
    connection: Connection,
    *,
    own: str,
    issuer: str,
    days: Sequence[date],
    reaches: Mapping[str, Reach],
) -> frozenset[str]:
    """Return an issuer's certificates of which something is said that no status list of today says.

    What the own province says of their recognition, what measures say of them, of others of their
    lines or of the institution that they are about, the closing of that institution, and
    restrictions that begin on one of the days to come.

    Args:
        connection: a snapshot.
        own: the host.
        issuer: whose certificates.
        days: consecutive, the first today.
        reaches: of the registry logs of both.
    """
    subjects = (
        _not_recognised(connection, own, issuer, days, reaches[own])
        | _barred(connection, own, issuer, days, reaches)
        | _closed(connection, issuer, days, reaches[issuer])
        | _changing(connection, issuer, days)
    )
    # Of what is no certificate's number, institutions, those that are about them.
    numbers = set(subjects)
    table = certificates.c
    for some in chunks(subjects):
        query = select(table.certificate_no).where(
            table.institution_id.in_(some), table.institution_id != "", table.author == issuer
        )
        numbers |= set(connection.execute(query).scalars())
    # What a measure says of one certificate, it says of the others of its line.
    numbers |= same_line(connection, numbers) or frozenset()
    known: set[str] = set()
    for some in chunks(numbers):
        query = select(table.certificate_no).where(
            table.certificate_no.in_(some), table.author == issuer
        )
        known |= set(connection.execute(query).scalars())
    return frozenset(known)


def _not_recognised(
    connection: Connection, own: str, issuer: str, days: Sequence[date], reach: Reach
) -> frozenset[str]:
    """Return the certificates whose recognition the host suspended."""
    said, held = recognitions.c, certificates.c
    query = (
        select(said.certificate_no)
        .distinct()
        .join(certificates, held.certificate_no == said.certificate_no)
        .where(said.author == own, said.is_suspension, held.author == issuer)
    )
    words = read_recognitions(connection, connection.execute(query).scalars().all())
    return frozenset(
        number
        for (host, number), word in words.items()
        if host == own
        and any(span.holds(day) for span in recognition_suspensions(word, reach) for day in days)
    )


def _barred(
    connection: Connection,
    own: str,
    issuer: str,
    days: Sequence[date],
    reaches: Mapping[str, Reach],
) -> frozenset[str]:
    """Return against whom measures are by which a certificate does not count at the host."""
    table = measures.c
    rows = connection.execute(
        select(table.measure_id, table.author, table.subject).where(table.author.in_({own, issuer}))
    ).all()
    wanted = [
        row.measure_id
        for row in rows
        # The issuer's against another's is the issuer's own affair.
        if row.author == own or counts_everywhere(row.author, row.subject)
    ]
    return frozenset(
        taken.subject
        for taken in load_measures_by_id(connection, wanted).values()
        if any(
            bar.effect is Effect.NOT_RECOGNISED and any(bar.holds(day) for day in days)
            for bar in bars(taken, reaches[taken.author])
        )
    )


def _closed(
    connection: Connection, issuer: str, days: Sequence[date], reach: Reach
) -> frozenset[str]:
    """Return the institutions that are closed by their register."""
    query = (
        select(closings.c.institution_id)
        .distinct()
        .where(closings.c.author == issuer, closings.c.is_closed)
    )
    said = read_closings(connection, connection.execute(query).scalars().all())
    return frozenset(
        institution_id
        for institution_id, words in said.items()
        if any(each.holds(day) for each in closed_days(words, reach) for day in days)
    )


def _changing(connection: Connection, issuer: str, days: Sequence[date]) -> frozenset[str]:
    """Return the certificates of which something said begins on one of the days to come."""
    table = certificate_events.c
    query = select(table.certificate_no).where(
        table.author == issuer,
        table.effective_date > days[0].isoformat(),
        table.effective_date <= days[-1].isoformat(),
    )
    return frozenset(connection.execute(query).scalars())
