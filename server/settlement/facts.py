"""What the registers said when a night was closed: agreements, listings, certificates and money.

Every fact is read at the night's pins, so that both nodes, and anyone who computes the night again
years later, read the same. Days are bits of a month. Only what the rows of the night can meet is
worked out. What a fact means is decided in the rooms below.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, select

from deltacare.divisions import normalise_division
from deltacare.ids import LogName
from deltacare.times import ServiceMonth
from deltacare.v1.entry_pb2 import SubsidyUnit
from server.certification.standing import certificate_good_days
from server.certification.store import load_recognition_facts
from server.registry.in_force import agreement_days, listing_days
from server.registry.store import (
    chunks,
    load_agreements,
    load_closings,
    load_institution_divisions,
    load_listings,
)
from server.settlement import tables
from server.settlement.inputs import Closes
from server.supervision.rules import barred_days
from server.supervision.store import load_bars
from server.supervision.values import Effect
from settlement.night import FACT_SCHEMAS, Facts

__all__ = ["PolicyVersion", "deciding_policy", "load_facts"]

_UNIT_NAMES = {
    SubsidyUnit.SUBSIDY_UNIT_DAY: "DAY",
    SubsidyUnit.SUBSIDY_UNIT_MONTH: "MONTH",
    SubsidyUnit.SUBSIDY_UNIT_USE: "USE",
}
_REFS_ASKED_MAX = 10_000
Cells = Sequence[tuple[Any, ...]]


def load_facts(
    connection: Connection, closes: Closes, pins: Mapping[LogName, int], rows: Iterable[pa.Table]
) -> Facts:
    """Return the registers as pinned, for everything that some rows can meet.

    Args:
        connection: A snapshot.
        closes: Where the two settlement logs end.
        pins: For each registry log the size that counts.
        rows: Tables with the columns of a record.
    """
    listed = list(rows)
    refs = {ref for (ref,) in _cells(listed, ("beneficiary_ref",))}
    enrolments = _enrolments(connection, closes, refs)
    return Facts(
        agreements=_agreements(connection, pins, _cells(listed, _PLACE), enrolments),
        listings=_listings(connection, pins, _cells(listed, _LISTED)),
        caregivers=_caregivers(connection, pins, _cells(listed, _CERTIFIED)),
        enrolments=_facts_table("enrolments", enrolments),
        policies=_policies(connection, pins, _cells(listed, ("home", _KIND, _MONTH))),
    )


_MONTH = "service_month"
_KIND = "subsidy_kind"
_CERTIFICATE = "caregiver_cert_no"
_CERTIFIED = ("host", "institution", _CERTIFICATE, _MONTH)
_LISTED = ("home", "host", "institution", _MONTH)
_PLACE = ("home", "host", "beneficiary_ref", "institution", _KIND, _MONTH)


def _cells(rows: Sequence[pa.Table], names: tuple[str, ...]) -> Cells:
    """Return the distinct combinations of some columns, sorted."""
    parts = [table.select(names) for table in rows]
    distinct = pa.concat_tables(parts).group_by(list(names)).aggregate([])
    return sorted(zip(*(distinct[name].to_pylist() for name in names), strict=True))


def _facts_table(name: str, rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    schema = FACT_SCHEMAS[name]
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.table(arrays, schema=schema)


def _month(text: str) -> ServiceMonth:
    return ServiceMonth(year=int(text[:4]), month=int(text[5:]))


def _enrolments(
    connection: Connection, closes: Closes, refs: Collection[str]
) -> list[tuple[Any, ...]]:
    """Return the enrolments of some elders stated by both as home, one row a kind.

    They are cut off where they end.
    """
    enrolments, ends = tables.enrolment.c, tables.enrolment_end.c
    divisions: dict[str, str] = {}
    found: list[tuple[Any, ...]] = []
    for home, host in closes.authors:
        end_index = closes.indexes[home]
        last_days: dict[str, str] = {}
        query = select(ends.enrolment_id, ends.effective_date).where(
            ends.author == home, ends.partner == host, ends.idx < end_index
        )
        for row in connection.execute(query):
            last_day = (date.fromisoformat(row.effective_date) - timedelta(days=1)).isoformat()
            last_days[row.enrolment_id] = min(last_day, last_days.get(row.enrolment_id, last_day))
        stated = select(
            enrolments.enrolment_id,
            enrolments.beneficiary_ref,
            enrolments.home_division,
            enrolments.subsidy_kinds,
            enrolments.from_date,
            enrolments.until_date,
        ).where(enrolments.author == home, enrolments.partner == host, enrolments.idx < end_index)
        if len(refs) <= _REFS_ASKED_MAX:
            # A few elders are asked for by name; of many, all are read.
            asked = [stated.where(enrolments.beneficiary_ref.in_(some)) for some in chunks(refs)]
        else:
            asked = [stated]
        for each in asked:
            for number, ref, division, kinds, from_date, until_date in connection.execute(each):
                if ref not in refs:
                    continue
                last_day = last_days.get(number, "")
                until = min(filter(None, (until_date, last_day)), default="")
                if until and until < from_date:
                    continue
                if division not in divisions:
                    divisions[division] = normalise_division(division)
                found += [
                    (home, host, ref, divisions[division], kind, from_date, until)
                    for kind in kinds.split(" ")
                ]
    return sorted(found)


def _agreements(
    connection: Connection,
    pins: Mapping[LogName, int],
    cells: Cells,
    enrolments: Sequence[tuple[Any, ...]],
) -> pa.Table:
    """Return the days on which agreements cover the places that meet in a row.

    An institution that no register states is taken to stand somewhere in its province: that it is
    not listed is a class of its own.
    """
    versions = load_agreements(connection, pins)
    places = load_institution_divisions(connection, pins)
    divisions: dict[tuple[str, str, str], set[str]] = {}
    for home, host, ref, division, *_ in enrolments:
        divisions.setdefault((home, host, ref), set()).add(division)
    asked: set[tuple[str, str, str, str, str, str]] = set()
    for home, host, ref, institution, kind, month in cells:
        for division in ("", *divisions.get((home, host, ref), ())):
            asked.add((home, host, division, institution, kind, month))
    found: list[tuple[Any, ...]] = []
    masks: dict[tuple[str, str, str, str, str], int] = {}
    for home, host, division, institution, kind, month in sorted(asked):
        place = places.get(institution) or normalise_division(host)
        key = (home, division, place, kind, month)
        if key not in masks:
            masks[key] = agreement_days(
                versions,
                home=home,
                home_division=division or None,
                host_division=place,
                kind=kind,
                month=_month(month),
            )
        if masks[key]:
            found.append((home, host, division, institution, kind, month, masks[key]))
    return _facts_table("agreements", found)


def _listings(connection: Connection, pins: Mapping[LogName, int], cells: Cells) -> pa.Table:
    """Return the days on which hosts list their institutions for elders of a home province.

    A measure of supervision closes an institution on its days: one of its own province to everyone,
    one of a home province to that province's elders. So does its own register, to everyone, where
    it says that the institution is closed.
    """
    listings = load_listings(connection, pins)
    by_institution: dict[str, list[Any]] = {}
    for listing in listings:
        for institution in listing.institution_ids:
            by_institution.setdefault(institution, []).append(listing)
    asked = {institution for _, _, institution, _ in cells}
    listed = asked.intersection(by_institution)
    measures = load_bars(connection, pins, listed)
    closings = load_closings(connection, pins, listed)
    found: list[tuple[Any, ...]] = []
    for home, host, institution, month in cells:
        mask = listing_days(
            by_institution.get(institution, ()), institution_id=institution, month=_month(month)
        )
        if mask and institution in measures:
            mask &= ~barred_days(
                measures[institution], effect=Effect.UNLISTED, province=home, month=_month(month)
            )
        for closing in closings.get(institution, ()):
            mask &= ~_month(month).mask(closing.from_date, closing.until_date)
        if mask:
            found.append((home, host, institution, month, mask))
    return _facts_table("listings", found)


def _caregivers(connection: Connection, pins: Mapping[LogName, int], cells: Cells) -> pa.Table:
    """Return the days on which certificates are good where the institution stands.

    An institution that no register states is taken to stand somewhere in its province.
    """
    facts = load_recognition_facts(
        connection, pins, {number for _, _, number, _ in cells if number}
    )
    places = load_institution_divisions(connection, pins)
    found: list[tuple[Any, ...]] = []
    for host, institution, number, month in cells:
        place = places.get(institution) or normalise_division(host)
        mask = number and certificate_good_days(facts, number, place=place, month=_month(month))
        if mask:
            found.append((host, institution, number, month, mask))
    return _facts_table("caregivers", found)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVersion:
    """A version of what a home province pays for a kind.

    Attributes:
        index: Place in its registry log.
        from_date: First day.
        until_date: Last day; empty until replaced.
        terms: Unit, rate, cap, exclusive, needs a caregiver.
    """

    index: int
    from_date: str
    until_date: str
    terms: tuple[str, int, int, bool, bool]


def deciding_policy(versions: Iterable[PolicyVersion], month: str) -> PolicyVersion | None:
    """Return the version that decides a month, ``None`` if none is in force.

    It is the one with the latest first day not after the first of the month; of several, the last
    in the log. If that one has ended before, nothing takes its place.
    """
    first_day = f"{month}-01"
    begun = [each for each in versions if each.from_date <= first_day]
    if not begun:
        return None
    newest = max(begun, key=lambda each: (each.from_date, each.index))
    return None if newest.until_date and newest.until_date < first_day else newest


def _policies(connection: Connection, pins: Mapping[LogName, int], cells: Cells) -> pa.Table:
    """Return what home provinces pay, by kind and month."""
    policies = tables.policy.c
    versions: dict[tuple[str, str], list[PolicyVersion]] = {}
    for home in sorted({home for home, _, _ in cells}):
        size = pins.get(LogName.registry(home), 0)
        query = select(tables.policy).where(policies.author == home, policies.idx < size)
        for row in connection.execute(query):
            versions.setdefault((home, row.subsidy_kind), []).append(
                PolicyVersion(
                    index=row.idx,
                    from_date=row.from_date,
                    until_date=row.until_date,
                    terms=(
                        _UNIT_NAMES[row.unit],
                        row.rate_fen,
                        row.cap_fen,
                        bool(row.exclusive),
                        bool(row.needs_caregiver),
                    ),
                )
            )
    found: list[tuple[Any, ...]] = []
    for home, kind, month in cells:
        policy = deciding_policy(versions.get((home, kind), ()), month)
        if policy is not None:
            found.append((home, kind, month, *policy.terms))
    return _facts_table("policies", found)
