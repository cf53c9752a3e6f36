"""States, when a date closes, what only home knows of overlaps: claims to other homes, and holds.

At each close the node looks at the persons of whom something changed since the one before: own
records, reversals and revisions, policies, keys, and what other homes claim. For them it states in
the log with each other home the days that changed, by tags, and holds own records that are beyond
the month (``server.settlement.overlap_rules``). All of it stands in the transaction that closes: it
happened whole or not at all, and nothing is stated twice. What is too much for one close is left to
the next.

One hold stands against a record as long as it is beyond the month. A person ends it once that has
gone (``S31-HOLD-OVERLAP``); should the days come back, so does the hold. Nothing here ends one.
What was cleared is past holding: ``server.settlement.overlap_cleared`` lists it to be reversed.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import structlog
from sqlalchemy import Connection, delete, select, tuple_

from deltacare.errors import Refusal
from deltacare.ids import LogName
from deltacare.times import ServiceMonth
from deltacare.v1.entry_pb2 import Entry, Hold, HoldClass, OverlapClaim, OverlapClaims
from server.log.ports import LogTx
from server.registry.store import chunks
from server.settlement import overlap_tables as tables
from server.settlement import tables as rows
from server.settlement.elders import Elders
from server.settlement.overlap_due import DuePersons, upsert
from server.settlement.overlap_fields import CLAIMS_MAX, DAYS_MAX
from server.settlement.overlap_keys import OverlapKeys
from server.settlement.overlap_look import (
    Cell,
    Claimed,
    Looked,
    OverlapLook,
    Person,
    last_claims,
)
from server.settlement.overlap_rules import (
    Service,
    beyond_by_homes,
    beyond_by_hosts,
    is_apart,
    summed_days,
)
from server.settlement.uuids import node_principal

__all__ = ["BY_HOMES", "BY_HOSTS", "OverlapStating", "beyond", "held_numbers"]

BY_HOSTS = "OVERLAP_BETWEEN_HOSTS"
"""Reason of a hold: days under several pseudonyms of one person are beyond the month."""
BY_HOMES = "OVERLAP_WITH_OTHER_HOME"
"""Reason of a hold: another home province pays for the same days."""

_ORPHANS_MAX = 100_000  # tags that one close takes back
_ENTRIES_MAX = 2_000  # of one log and close; a write brings 10,000 at most

_log = structlog.get_logger("deltacare.settlement")
_alarm = structlog.get_logger("deltacare.alarm")


@dataclass(slots=True)
class _Said:
    """What a close will state."""

    claims: dict[str, dict[int, dict[Claimed, int]]] = field(default_factory=dict)
    holds: dict[str, list[Hold]] = field(default_factory=dict)

    def claim(self, partner: str, year: int, key: Claimed, days: int) -> None:
        self.claims.setdefault(partner, {}).setdefault(year, {})[key] = days

    def is_full(self) -> bool:
        """Whether one more batch of persons may be too much."""
        claims = max(
            (sum(len(each) for each in by_year.values()) for by_year in self.claims.values()),
            default=0,
        )
        holds = max((len(each) for each in self.holds.values()), default=0)
        return claims // CLAIMS_MAX + holds >= _ENTRIES_MAX

    def entries(self, own: str) -> Mapping[LogName, Sequence[Entry]]:
        """Return it as entries: claims, then holds, in a fixed order."""
        maker = node_principal(own).opaque_id
        found: dict[LogName, list[Entry]] = {}
        for partner, by_year in sorted(self.claims.items()):
            log = found.setdefault(LogName.settlement(own, partner), [])
            for year, claims in sorted(by_year.items()):
                log += [Entry(maker=maker, overlap_claims=each) for each in _packed(year, claims)]
        for partner, holds in sorted(self.holds.items()):
            log = found.setdefault(LogName.settlement(own, partner), [])
            log += [Entry(maker=maker, hold=each) for each in holds]
        return {log: entries for log, entries in found.items() if entries}


def _packed(year: int, claims: Mapping[Claimed, int]) -> Iterator[OverlapClaims]:
    """Yield claims of a year as bodies of at most a thousand."""
    ordered = sorted(claims.items())
    for start in range(0, len(ordered), CLAIMS_MAX):
        yield OverlapClaims(
            service_year=year,
            claims=[
                OverlapClaim(tag=tag, month=month, exclusivity_group=group, days=days)
                for (tag, month, group), days in ordered[start : start + CLAIMS_MAX]
            ],
        )


class OverlapStating:
    """What one province, as home, states of overlaps; ``server.settlement.closing.Stating``.

    Args:
        own: The province.
        partners: The other members.
        look: Reads what overlaps are found by.
        elders: Opens identity numbers for tags.
        keys: The own keys.
    """

    def __init__(
        self,
        *,
        own: str,
        partners: Sequence[str],
        look: OverlapLook,
        elders: Elders,
        keys: OverlapKeys,
    ) -> None:
        self._own = own
        self._partners = tuple(partners)
        self._look = look
        self._elders = elders
        self._keys = keys
        self._due = DuePersons(own=own, partners=partners, look=look, keys=keys)

    def entries(self, tx: LogTx, day: date) -> Mapping[LogName, Sequence[Entry]]:
        """Return the claims and holds to state right before a date closes."""
        connection = tx.connection
        if connection.execute(select(tables.elder.c.elder_mac).limit(1)).first() is None:
            return {}
        self._due.gather(connection, day)
        said = _Said()
        while not said.is_full():
            persons = self._due.next_due(connection)
            if not persons:
                break
            self._judge(connection, persons, day, said)
            self._due.done(connection, persons)
        self._take_back(connection, said)
        return said.entries(self._own)

    # --- What is found ----------------------------------------------------------------------------

    def _judge(
        self, connection: Connection, persons: Sequence[Person], day: date, said: _Said
    ) -> None:
        """Find what is to be claimed and held of some persons."""
        looked = self._look.look(connection, persons)
        self._claim(connection, persons, looked, said)
        # Tags that were made just now may be claimed by others already.
        looked = Looked(
            services=looked.services, other_days=self._look.other_days(connection, persons)
        )
        self._note(connection, persons, looked, day)
        self._hold(connection, looked, said)

    def _claim(
        self, connection: Connection, persons: Sequence[Person], looked: Looked, said: _Said
    ) -> None:
        """Compare what is claimed with what was claimed before, home by home and year by year."""
        days = {cell: summed_days(services) for cell, services in looked.services.items()}
        numbers: Mapping[bytes, str] | None = None
        for year in sorted({int(month[:4]) for _, month in persons}):
            months = {person for person in persons if int(person[1][:4]) == year}
            owners = {person for person, _ in months}
            for partner in self._partners:
                pair = self._due.pair(connection, partner, year)
                if pair is None:
                    continue
                if numbers is None:
                    numbers = self._numbers(connection, {person for person, _ in persons})
                tags = self._tags(
                    connection, partner, year, pair=pair, persons=owners, numbers=numbers
                )
                before = last_claims(connection, self._own, partner, year, tags.values())
                for key, count in _claimable(days, months, tags, before).items():
                    if count != before.get(key, 0):
                        said.claim(partner, year, key, count)

    def _numbers(self, connection: Connection, persons: Collection[bytes]) -> Mapping[bytes, str]:
        """Return identity numbers; none if the vault does not open, which must stop no close."""
        try:
            return self._elders.numbers_of(connection, persons)
        except Refusal as refusal:
            _alarm.error("overlap_numbers_unreadable", reason=refusal.reason.wire)
            return {}

    def _tags(
        self,
        connection: Connection,
        partner: str,
        year: int,
        *,
        pair: tuple[bytes, bytes],
        persons: Collection[bytes],
        numbers: Mapping[bytes, str],
    ) -> Mapping[bytes, bytes]:
        """Return the tags of persons with a partner, made now where they were not before."""
        known = tables.tag.c
        found: dict[bytes, bytes] = {}
        for some in chunks(sorted(persons)):
            query = select(known.person_key, known.tag).where(
                known.partner == partner,
                known.service_year == year,
                known.person_key.in_(some),
            )
            found.update((bytes(person), bytes(tag)) for person, tag in connection.execute(query))
        key = self._keys.agree(*pair, own=self._own, other=partner, service_year=year)
        fresh = {
            person: key.tag(numbers[person])
            for person in sorted(persons)
            if person not in found and person in numbers
        }
        values = [
            {"partner": partner, "service_year": year, "tag": tag, "person_key": person}
            for person, tag in fresh.items()
        ]
        upsert(connection, tables.tag, values, "person_key")
        return found | fresh

    def _take_back(self, connection: Connection, said: _Said) -> None:
        """Take back what was claimed under tags that are nobody's any more."""
        tags = tables.tag
        query = (
            select(tags.c.partner, tags.c.service_year, tags.c.tag)
            .where(tags.c.person_key.is_(None))
            .order_by(tags.c.partner, tags.c.service_year, tags.c.tag)
            .limit(_ORPHANS_MAX)
        )
        orphans: dict[tuple[str, int], list[bytes]] = {}
        for partner, year, tag in connection.execute(query):
            orphans.setdefault((partner, year), []).append(bytes(tag))
        for (partner, year), some in orphans.items():
            before = last_claims(connection, self._own, partner, year, some)
            for key, count in before.items():
                if count:
                    said.claim(partner, year, key, 0)
            for few in chunks(some):
                connection.execute(
                    delete(tags).where(
                        tags.c.partner == partner,
                        tags.c.service_year == year,
                        tags.c.tag.in_(few),
                        tags.c.person_key.is_(None),
                    )
                )

    def _note(
        self, connection: Connection, persons: Sequence[Person], looked: Looked, day: date
    ) -> None:
        """Keep what was found beyond the month, in place of what was found before."""
        found: dict[tuple[str, Cell], tuple[int, int]] = {}
        for cell, services in looked.services.items():
            length, own_days = _length(cell), summed_days(services)
            if is_apart(services) and own_days > length:
                found[(self._own, cell)] = (own_days, 0)
            for partner, other_days in looked.other_days.get(cell, {}).items():
                if own_days + other_days > length:
                    found[(partner, cell)] = (own_days, other_days)
        table = tables.overlap
        noticed: dict[tuple[str, Cell], str] = {}
        for some in chunks(persons):
            of_some = tuple_(table.c.person_key, table.c.service_month).in_(some)
            for row in connection.execute(select(table).where(of_some)):
                cell = (bytes(row.person_key), row.service_month, row.exclusivity_group)
                noticed[(row.other_home, cell)] = row.noticed_date
            connection.execute(delete(table).where(of_some))
        values = [
            {
                "other_home": other_home,
                "person_key": cell[0],
                "service_month": cell[1],
                "exclusivity_group": cell[2],
                "own_days": own_days,
                "other_days": other_days,
                "noticed_date": noticed.get((other_home, cell), day.isoformat()),
            }
            for (other_home, cell), (own_days, other_days) in sorted(found.items())
        ]
        upsert(connection, table, values)

    def _hold(self, connection: Connection, looked: Looked, said: _Said) -> None:
        """Hold what is beyond the month and against what no hold stands."""
        wanted = {(each.host, each.settlement_no): reason for each, reason in beyond(looked)}
        held = held_numbers(connection, self._own, wanted)
        for (host, number), reason in sorted(wanted.items()):
            if (host, number) not in held:
                said.holds.setdefault(host, []).append(
                    Hold(
                        settlement_no=number,
                        home=self._own,
                        host=host,
                        hold_class=HoldClass.HOLD_CLASS_OVERLAP,
                        reason=reason,
                    )
                )


def _claimable(
    days: Mapping[Cell, int],
    months: Collection[Person],
    tags: Mapping[bytes, bytes],
    before: Mapping[Claimed, int],
) -> Mapping[Claimed, int]:
    """Return what is to be claimed of persons and months of one year: none of what was, if gone.

    Args:
        days: Of every cell.
        months: The persons and months.
        tags: Of those who have one.
        before: What was claimed of them.
    """
    looked_at = {(tags[person], int(month[5:])) for person, month in months if person in tags}
    wanted = {key: 0 for key, count in before.items() if key[:2] in looked_at and count}
    for (person, month, group), count in days.items():
        if person in tags and (person, month) in months:
            wanted[(tags[person], int(month[5:]), group)] = min(count, DAYS_MAX)
    return wanted


def beyond(looked: Looked) -> Iterator[tuple[Service, str]]:
    """Yield the open records to hold, each with the reason."""
    for cell, services in looked.services.items():
        length = _length(cell)
        by_homes = {
            (each.host, each.index)
            for days in looked.other_days.get(cell, {}).values()
            for each in beyond_by_homes(services, days, length)
        }
        by_hosts = {(each.host, each.index) for each in beyond_by_hosts(services, length)}
        for each in services:
            place = (each.host, each.index)
            if place in by_homes:
                yield each, BY_HOMES
            elif place in by_hosts:
                yield each, BY_HOSTS


def _length(cell: Cell) -> int:
    """Return the days of the month of a cell."""
    return ServiceMonth.parse(cell[1]).days


def held_numbers(
    connection: Connection, own: str, keys: Iterable[tuple[str, str]]
) -> frozenset[tuple[str, str]]:
    """Return the settlements that a hold for overlap stands against.

    Args:
        connection: A snapshot, or inside a transaction.
        own: Home, whose holds they are.
        keys: Hosts and numbers of those that are asked about.
    """
    holds = rows.hold.c
    found: set[tuple[str, str]] = set()
    for some in chunks(sorted(keys)):
        query = select(holds.partner, holds.settlement_no).where(
            holds.author == own,
            holds.hold_class == HoldClass.HOLD_CLASS_OVERLAP,
            holds.end_idx.is_(None),
            tuple_(holds.partner, holds.settlement_no).in_(some),
        )
        found.update((host, number) for host, number in connection.execute(query))
    return frozenset(found)
