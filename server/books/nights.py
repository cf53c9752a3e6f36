"""Events of agreed nights and of what own records reserve, gathered from the projections.

A night counts once both results stand in the registry logs and this node has closed its lines. What
ended by the last such night with a partner never changes again, so its sums are kept in memory and
only later days are asked of the database.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from deltacare.ids import LogName
from server.books.sources import Entries
from server.books.sums import (
    ClearedSum,
    ReservedSum,
    cleared_sums,
    held_sums,
    reserved_sums,
)
from server.settlement import tables
from server.settlement.cache import last_agreed_date
from server.settlement.results import load_results
from settlement.books.events import BudgetKey, Cleared, Event, Reservation, Source

__all__ = ["AgreedNights", "NightSums", "agreed_nights", "night_events"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreedNights:
    """The agreed nights of the own pairs.

    Attributes:
        results: By partner and date, the own result and then the partner's; closed here.
        gross: By date, payer and payee, what the results state, in fen.
        pending: Partner and date of those that this node has still to compute and close.
    """

    results: Mapping[tuple[str, str], tuple[Source, Source]]
    gross: Mapping[tuple[str, str, str], int]
    pending: Sequence[tuple[str, str]]


def agreed_nights(connection: Connection, own: str, ends: Mapping[str, int]) -> AgreedNights:
    """Return the nights of the own pairs on which both results agree.

    Args:
        connection: A snapshot.
        own: The own province.
        ends: By log, how many entries count.
    """
    nights = tables.night.c
    closed = {
        (row.partner, row.business_date)
        for row in connection.execute(
            select(nights.partner, nights.business_date).where(nights.agreed == tables.NIGHT_AGREED)
        )
    }
    found: dict[tuple[str, str], tuple[Source, Source]] = {}
    gross: dict[tuple[str, str, str], int] = {}
    pending: list[tuple[str, str]] = []
    for night in load_results(
        connection, lambda province: ends.get(str(LogName.registry(province)), 0), province=own
    ):
        attempt = night.agreed_attempt
        if not attempt:
            continue
        partner = night.higher if night.lower == own else night.lower
        key = (partner, night.business_date)
        if key not in closed:
            pending.append(key)
            continue
        mine, other = (night.by_author[each][attempt] for each in (own, partner))
        found[key] = tuple(  # type: ignore[assignment]  # two of them
            Source(
                log=str(LogName.registry(each.author)), index=each.index, entry_hash=each.leaf_hash
            )
            for each in (mine, other)
        )
        body = mine.body
        gross[night.business_date, night.lower, night.higher] = body.lower_pays_fen
        gross[night.business_date, night.higher, night.lower] = body.higher_pays_fen
    return AgreedNights(results=found, gross=gross, pending=pending)


@dataclass(slots=True)
class _Final:
    """Sums of a pair that never change again."""

    until_date: str
    cleared: list[ClearedSum]
    reserved: list[ReservedSum]


@dataclass(slots=True)
class NightSums:
    """The sums of every pair, as far as they are final in memory."""

    _final: dict[str, _Final] = field(default_factory=dict)

    def read(
        self, connection: Connection, own: str, partner: str
    ) -> tuple[list[ClearedSum], list[ReservedSum]]:
        """Return the sums of a pair, those of later days from the database."""
        agreed = last_agreed_date(connection, partner) or ""
        known = self._final.get(partner)
        if known is None or known.until_date > agreed:  # its nights are being worked out again
            known = _Final("", [], [])
        cleared = known.cleared + cleared_sums(connection, own, partner, after=known.until_date)
        reserved = known.reserved + reserved_sums(connection, own, partner, after=known.until_date)
        self._final[partner] = _Final(
            agreed,
            [each for each in cleared if each.business_date <= agreed],
            [each for each in reserved if each.business_date <= agreed],
        )
        return cleared, reserved + held_sums(connection, own, partner)


def night_events(
    connection: Connection,
    own: str,
    partners: Sequence[str],
    nights: AgreedNights,
    *,
    sums: NightSums,
    entries: Entries,
) -> Iterator[Event]:
    """Yield what nights cleared with each partner, and what own records reserved and released.

    Args:
        connection: A snapshot.
        own: The own province.
        partners: The others.
        nights: Those that are agreed.
        sums: Kept from call to call.
        entries: Kept from call to call.
    """
    for partner in partners:
        cleared, reserved = sums.read(connection, own, partner)
        yield from _cleared(nights, own, partner, cleared)
        yield from _reserved(
            connection, own, partner, nights=nights, entries=entries, sums=reserved
        )


def _cleared(
    nights: AgreedNights, own: str, partner: str, sums: Sequence[ClearedSum]
) -> Iterator[Event]:
    """Yield one event for each night, direction, kind and way."""
    grouped: dict[tuple[str, str, str, str, bool], dict[BudgetKey, int]] = defaultdict(dict)
    for each in sums:
        key = (each.business_date, each.home, each.host, each.subsidy_kind, each.back)
        place = (each.year, each.division)
        grouped[key][place] = grouped[key].get(place, 0) + each.fen
    for (day, home, host, kind, back), amounts in sorted(grouped.items()):
        sources = nights.results.get((partner, day))
        amount_fen = sum(amounts.values())
        if sources is None or not amount_fen:
            continue
        yield Cleared(
            event_date=day,
            sources=sources,
            home=home,
            host=host,
            subsidy_kind=kind,
            back=back,
            amount_fen=amount_fen,
            amounts=dict(sorted(amounts.items())) if home == own else {},
        )


def _reserved(
    connection: Connection,
    own: str,
    partner: str,
    *,
    nights: AgreedNights,
    entries: Entries,
    sums: Sequence[ReservedSum],
) -> Iterator[Event]:
    """Yield one event for each day, kind and way; what an open day brings waits for its close."""
    log = LogName.settlement(own, partner)
    closes = tables.day_close.c
    indexes = {
        row.business_date: row.idx
        for row in connection.execute(
            select(closes.business_date, closes.idx).where(
                closes.author == own, closes.partner == partner
            )
        )
    }
    grouped: dict[tuple[str, str, bool, bool], dict[BudgetKey, int]] = defaultdict(dict)
    for each in sums:
        key = (each.business_date, each.subsidy_kind, each.released, each.by_night)
        place = (each.year, each.division)
        grouped[key][place] = grouped[key].get(place, 0) + each.fen
    for (day, kind, released, by_night), amounts in sorted(grouped.items()):
        found = {place: fen for place, fen in sorted(amounts.items()) if fen}
        if not found:
            continue
        if by_night:
            sources = nights.results.get((partner, day))
        elif day in indexes:
            sources = (entries.source(connection, log, indexes[day]),)  # type: ignore[assignment]
        else:
            sources = None
        if sources is not None:
            yield Reservation(
                event_date=day,
                sources=sources,
                partner=partner,
                subsidy_kind=kind,
                released=released,
                amounts=found,
            )
