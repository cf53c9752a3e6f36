"""Reads what overlaps are found by: own live records of persons, and other homes' claims of them.

Set by set, never record by record. It opens no identity number: whose tag is whose was noted when
the tag was made.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, exists, select

from deltacare.divisions import normalise_division
from deltacare.entitlement import deciding_version
from deltacare.ids import LogName
from deltacare.times import ServiceMonth
from server.log.ports import LogReader
from server.policy.bodies import versions_by_kind
from server.policy.store import load_policies
from server.registry.store import chunks
from server.settlement import overlap_tables as tables
from server.settlement import tables as rows
from server.settlement.overlap_rules import Service

__all__ = ["Cell", "Claimed", "Looked", "OverlapLook", "Person", "last_claims"]

Person = tuple[bytes, str]
"""A person and a month of service, ``YYYY-MM``."""

Cell = tuple[bytes, str, str]
"""A person, a month of service and an exclusivity group."""

Claimed = tuple[bytes, int, str]
"""A tag, a month and an exclusivity group."""

_WHOLE = 1 << 62  # beyond the end of any log


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What is known of some persons and months.

    Attributes:
        services: Own live records under kinds that exclude others, by cell.
        other_days: What other homes claim of each cell, by home; above zero.
    """

    services: Mapping[Cell, Sequence[Service]]
    other_days: Mapping[Cell, Mapping[str, int]]


class OverlapLook:
    """Looks at persons, for one province as home.

    Args:
        own: The province.
        partners: The other members.
        reader: How far their logs are held.
    """

    def __init__(self, *, own: str, partners: Sequence[str], reader: LogReader) -> None:
        self._own = own
        self._partners = tuple(partners)
        self._reader = reader

    def look(self, connection: Connection, persons: Collection[Person]) -> Looked:
        """Return what is known of some persons and months now.

        Args:
            connection: A snapshot, or inside a transaction.
            persons: Each with a month.
        """
        return Looked(
            services=self.services(connection, persons),
            other_days=self.other_days(connection, persons),
        )

    # --- Own records ------------------------------------------------------------------------------

    def services(
        self, connection: Connection, persons: Collection[Person]
    ) -> Mapping[Cell, Sequence[Service]]:
        """Return the own live records of persons and months under kinds that exclude others."""
        records, refs, elders = rows.record.c, rows.pseudonym.c, tables.elder.c
        reversals = rows.reversal.c
        is_reversed = exists().where(
            reversals.author == records.author,
            reversals.partner == records.partner,
            reversals.settlement_no == records.settlement_no,
            reversals.home == records.home,
        )
        # Whose they are is asked here and not there: a planner that is told the author walks
        # through all that was ever filed instead of looking the pseudonyms up.
        query = select(
            records.home,
            records.service_month,
            records.subsidy_kind,
            records.partner,
            records.settlement_no,
            records.idx,
            records.beneficiary_ref,
            records.filed_date,
            records.service_days,
            records.closed_date,
        ).where(
            records.author == records.home,
            records.void_rule.is_(None),
            records.replaced_idx.is_(None),
            ~is_reversed,
        )
        wanted = set(persons)
        group_of = self._groups(connection)
        found: dict[Cell, list[Service]] = {}
        for some in chunks(sorted({person for person, _ in wanted})):
            named = (
                select(refs.beneficiary_ref, elders.person_key)
                .join(rows.pseudonym, refs.elder_mac == elders.elder_mac)
                .where(elders.person_key.in_(some))
            )
            owners = {ref: bytes(person) for ref, person in connection.execute(named)}
            read = [
                row
                for few in chunks(sorted(owners))
                for row in connection.execute(query.where(records.beneficiary_ref.in_(few)))
                if row.home == self._own
                and (owners[row.beneficiary_ref], row.service_month) in wanted
            ]
            divisions = self._divisions(connection, {row.beneficiary_ref for row in read})
            for row in read:
                division = divisions.get((row.partner, row.beneficiary_ref))
                group = group_of(division, row.subsidy_kind, row.service_month)
                if group:
                    cell = (owners[row.beneficiary_ref], row.service_month, group)
                    found.setdefault(cell, []).append(
                        Service(
                            host=row.partner,
                            settlement_no=row.settlement_no,
                            index=row.idx,
                            beneficiary_ref=row.beneficiary_ref,
                            filed_date=row.filed_date,
                            days=row.service_days,
                            closed_date=row.closed_date,
                        )
                    )
        return found

    def _divisions(
        self, connection: Connection, refs: Collection[str]
    ) -> Mapping[tuple[str, str], str]:
        """Return the division of elders by host and pseudonym, as their last enrolment says."""
        enrolments = rows.enrolment.c
        found: dict[tuple[str, str], str] = {}
        for some in chunks(sorted(refs)):
            query = (
                select(
                    enrolments.author,
                    enrolments.partner,
                    enrolments.beneficiary_ref,
                    enrolments.home_division,
                )
                .where(enrolments.beneficiary_ref.in_(some))
                .order_by(enrolments.idx)
            )
            for author, partner, ref, division in connection.execute(query):
                if author == self._own:
                    found[(partner, ref)] = division
        return found

    def _groups(self, connection: Connection) -> Callable[[str | None, str, str], str]:
        """Return what tells the exclusivity group of a kind for an elder's division and month."""
        versions = versions_by_kind(load_policies(connection, self._own))
        known: dict[tuple[str | None, str, str], str] = {}

        def group_of(division: str | None, kind: str, month: str) -> str:
            key = (division, kind, month)
            if key not in known:
                # Who was never enrolled is taken to be registered somewhere in the province.
                version = deciding_version(
                    versions.get(kind, ()),
                    home_division=division or normalise_division(self._own),
                    month=ServiceMonth.parse(month),
                )
                known[key] = version.exclusivity_group if version is not None else ""
            return known[key]

        return group_of

    # --- Other homes ------------------------------------------------------------------------------

    def other_days(
        self, connection: Connection, persons: Collection[Person]
    ) -> Mapping[Cell, Mapping[str, int]]:
        """Return what other homes claim of persons and months, by cell and home; above zero."""
        tags = tables.tag.c
        wanted: dict[bytes, list[str]] = {}
        for person, month in persons:
            wanted.setdefault(person, []).append(month)
        found: dict[Cell, dict[str, int]] = {}
        for partner in self._partners:
            # 1. The tags of the persons with that partner, by year.
            owners: dict[int, dict[bytes, bytes]] = {}
            for some in chunks(sorted(wanted)):
                query = select(tags.service_year, tags.tag, tags.person_key).where(
                    tags.partner == partner, tags.person_key.in_(some)
                )
                for year, tag, person in connection.execute(query):
                    owners.setdefault(year, {})[bytes(tag)] = bytes(person)
            # 2. What the partner claims under them, as far as it is cosigned.
            for year, by_tag in owners.items():
                claims = last_claims(
                    connection, partner, self._own, year, by_tag, end_index=self.held(partner)
                )
                for (tag, month_number, group), days in claims.items():
                    month = f"{year:04d}-{month_number:02d}"
                    person = by_tag[tag]
                    if days and month in wanted[person]:
                        found.setdefault((person, month, group), {})[partner] = days
        return found

    def held(self, partner: str) -> int:
        """Return how many entries of a partner's log with this province are under a quorum."""
        return self._reader.position(LogName.settlement(partner, self._own)).quorum_size


def last_claims(
    connection: Connection,
    author: str,
    partner: str,
    year: int,
    tags: Iterable[bytes],
    *,
    end_index: int = _WHOLE,
) -> Mapping[Claimed, int]:
    """Return the last word of an author on some tags of a year.

    Args:
        connection: A snapshot, or inside a transaction.
        author: Who claims.
        partner: The other province of the log.
        year: Year of service.
        tags: The tags.
        end_index: Only what stands before this place.
    """
    claims = tables.claim.c
    found: dict[Claimed, tuple[int, int]] = {}
    for some in chunks(sorted(tags)):
        query = select(
            claims.tag, claims.month, claims.exclusivity_group, claims.idx, claims.days
        ).where(
            claims.author == author,
            claims.partner == partner,
            claims.service_year == year,
            claims.tag.in_(some),
            claims.idx < end_index,
        )
        for tag, month, group, index, days in connection.execute(query):
            key = (bytes(tag), month, group)
            if index >= found.get(key, (-1, 0))[0]:
                found[key] = (index, days)
    return {key: days for key, (_, days) in found.items()}
