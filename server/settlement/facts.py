"""What the registers said when a night was closed: agreements, listings, certificates and money.

Every fact is read at the night's pins, so that both nodes, and anyone who computes the night again
years later, read the same. Days are bits of a month. Only what the rows of the night can meet is
worked out. What a fact means is decided in the rooms below.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection

from deltacare.divisions import normalise_division
from deltacare.entitlement import Unit, Version, deciding_version, entitled_fen
from deltacare.ids import LogName
from deltacare.times import ServiceMonth
from server.certification.standing import certificate_good_days
from server.certification.store import load_recognition_facts
from server.policy.bodies import versions_by_kind
from server.policy.store import load_policies
from server.registry.in_force import agreement_days, listing_days
from server.registry.store import (
    load_agreements,
    load_closings,
    load_institution_divisions,
    load_listings,
)
from server.settlement.enrolled import Standing, StatedEnrolment, stated_enrolments
from server.settlement.inputs import Closes
from server.supervision.rules import barred_days
from server.supervision.store import load_bars
from server.supervision.values import Effect
from settlement.core.columns import SEQUENCE_MAX, STANDING_MAX
from settlement.night import FACT_SCHEMAS, Facts

__all__ = ["load_facts"]

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
    stated = [
        each
        for home, host in closes.authors
        for each in stated_enrolments(connection, home, host, refs, end_index=closes.indexes[home])
    ]
    standings = _numbered(stated)
    enrolments = _enrolments(stated, standings)
    return Facts(
        agreements=_agreements(connection, pins, _places(listed, stated)),
        listings=_listings(connection, pins, _cells(listed, _LISTED)),
        caregivers=_caregivers(connection, pins, _cells(listed, _CERTIFIED)),
        enrolments=_facts_table("enrolments", enrolments),
        policies=_policies(connection, pins, _cells(listed, _GRANTED), stated, standings),
    )


_MONTH = "service_month"
_KIND = "subsidy_kind"
_CERTIFICATE = "caregiver_cert_no"
_CERTIFIED = ("host", "institution", _CERTIFICATE, _MONTH)
_LISTED = ("home", "host", "institution", _MONTH)
_GRANTED = ("home", _KIND, _MONTH, "service_days")
_DIVISION = "home_division"
_ELDER = ("home", "host", "beneficiary_ref")
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


def _numbered(stated: Iterable[StatedEnrolment]) -> Mapping[Standing, int]:
    """Return what amounts depend on, numbered from 1 alike at both nodes."""
    found = {each.standing for each in stated}
    assert len(found) <= STANDING_MAX, "a night has fewer standings than bits"
    return {standing: number for number, standing in enumerate(sorted(found), start=1)}


def _enrolments(
    stated: Sequence[StatedEnrolment], standings: Mapping[Standing, int]
) -> list[tuple[Any, ...]]:
    """Return one row an enrolment and kind."""
    found: list[tuple[Any, ...]] = []
    counts: Counter[tuple[str, str, str]] = Counter()
    for each in sorted(stated, key=lambda one: one.index):
        elder = (each.home, each.host, each.ref)
        said = (
            each.from_date,
            each.until_date,
            standings[each.standing],
            min(counts[elder], SEQUENCE_MAX),
        )
        counts[elder] += 1
        found += [(*elder, each.standing[0], kind, *said) for kind in each.kinds]
    return sorted(found)


def _places(rows: Sequence[pa.Table], stated: Sequence[StatedEnrolment]) -> Cells:
    """Return where an elder's division meets an institution, a kind and a month; sorted.

    An empty division stands for any. Worked out over columns: most elders have a cell of their own.
    """
    cells = pa.concat_tables([table.select(_PLACE) for table in rows])
    cells = cells.group_by(list(_PLACE)).aggregate([])
    elders = {(each.home, each.host, each.ref, each.standing[0]) for each in stated}
    names = [*_ELDER, _DIVISION]
    columns = list(zip(*elders, strict=True)) if elders else [()] * len(names)
    divisions = pa.table([pa.array(each, pa.string()) for each in columns], names=names)
    place = ["home", "host", _DIVISION, "institution", _KIND, _MONTH]
    lived = cells.join(divisions, keys=list(_ELDER), join_type="inner").select(place)
    anyone = cells.append_column(_DIVISION, pa.repeat("", cells.num_rows)).select(place)
    return _cells([lived, anyone], tuple(place))


def _agreements(
    connection: Connection,
    pins: Mapping[LogName, int],
    asked: Cells,
) -> pa.Table:
    """Return the days on which agreements cover the places that meet in a row.

    An institution that no register states is taken to stand somewhere in its province: that it is
    not listed is a class of its own.
    """
    versions = load_agreements(connection, pins)
    places = load_institution_divisions(connection, pins)
    found: list[tuple[Any, ...]] = []
    masks: dict[tuple[str, str, str, str, str], int] = {}
    for home, host, division, institution, kind, month in asked:
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


def _policies(
    connection: Connection,
    pins: Mapping[LogName, int],
    cells: Cells,
    stated: Iterable[StatedEnrolment],
    standings: Mapping[Standing, int],
) -> pa.Table:
    """Return what home provinces grant, by standing, kind, month and days or uses.

    Only for standings that some elder has for the kind, and for who is not enrolled (0): of that
    one the province's own policy tells what is needed.
    """
    asked: dict[tuple[str, str], set[Standing]] = {}
    for each in stated:
        for kind in each.kinds:
            asked.setdefault((each.home, kind), set()).add(each.standing)
    versions = {
        home: versions_by_kind(
            load_policies(connection, home, end_index=pins.get(LogName.registry(home), 0))
        )
        for home in sorted({home for home, *_ in cells})
    }
    days: dict[tuple[str, str, str], list[int]] = {}
    for home, kind, month, service_days in cells:
        days.setdefault((home, kind, month), []).append(service_days)
    found: list[tuple[Any, ...]] = []
    for (home, kind, text), counted in days.items():
        month = _month(text)
        deciding: dict[str, Version | None] = {}
        nobody = (normalise_division(home), "", "")
        for standing in (nobody, *sorted(asked.get((home, kind), ()))):
            division, scheme, grade = standing
            if division not in deciding:
                deciding[division] = deciding_version(
                    versions[home].get(kind, ()), home_division=division, month=month
                )
            version = deciding[division]
            if version is None:
                continue
            number = 0 if standing is nobody else standings[standing]
            tariff = version.tariff
            for service_days in counted:
                entitled = entitled_fen(
                    tariff, scheme=scheme, grade=grade, service_days=service_days, month=month
                )
                found.append(
                    (
                        home,
                        number,
                        kind,
                        text,
                        service_days,
                        tariff.unit is Unit.USE,
                        entitled or 0,
                        tariff.cap_fen,
                        version.exclusivity_group,
                        version.needs_caregiver,
                    )
                )
    return _facts_table("policies", found)
