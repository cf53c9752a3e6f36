"""The first part of the demonstration: registers, listings, agreements, policies, equivalences."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from clients.demo.federation import DemoFailed, Federation, gather_all
from clients.demo.plan import INSTITUTIONS_USED
from clients.demo.scenario import (
    AGREED_KINDS,
    KINDS,
    PAIRS,
    PROVINCES,
    SCHEME,
    TREATY_KIND_OUTSIDE,
    cap_fen,
    rate_fen,
)
from clients.registers.files import load_register
from clients.registers.reader import Register
from clients.registers.shipped import find_mapping
from clients.registers.streets import load_streets
from clients.sample.generator import sample_rows, sample_streets_csv
from clients.sample.registers import sample_register
from deltacare.divisions import city_of
from deltacare.times import ServiceMonth
from deltacare.v1.certification_service_pb2 import PublishEquivalenceRequest
from deltacare.v1.entry_pb2 import (
    AGREEMENT_SCOPE_CAREGIVER_QUALIFICATION,
    AGREEMENT_SCOPE_INSTITUTION_STANDARD,
    AGREEMENT_SCOPE_SUBSIDY,
    AGREEMENT_WORD_ACCEPTED,
    INSTITUTION_STATE_CLOSED,
    Agreement,
    AgreementAnswer,
    Budget,
    ControlTotals,
    Equivalence,
    Institution,
    Listing,
    SubsidyPolicy,
)
from deltacare.v1.policy_service_pb2 import PublishBudgetRequest, PublishSubsidyPolicyRequest
from deltacare.v1.registry_service_pb2 import (
    AnswerAgreementRequest,
    BatchUpsertInstitutionsRequest,
    CountInstitutionsRequest,
    ListAgreementsRequest,
    ProposeAgreementRequest,
    PublishListingRequest,
)

__all__ = [
    "Calendar",
    "Institutions",
    "agree",
    "count_institutions",
    "load_registers",
    "publish_equivalences",
    "publish_policies",
    "read_registers",
]

_BATCH_MAX = 1_000
_REGISTER_PROVINCE = PROVINCES[0]
# Facts hold long before the month, so that every day of it is covered.
_BUDGET_FEN = 10**11  # a year of one kind; enough for a million records
_BEFORE = timedelta(days=730)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The dates of a demonstration, all from the day on which it runs.

    Attributes:
        today: Business date.
        opening: First date that is closed.
        closed: Dates that are closed, in order.
        month: Month of service.
        facts_from: First day on which what is set up holds.
    """

    today: date
    opening: date
    closed: tuple[date, ...]
    month: ServiceMonth
    facts_from: date

    @classmethod
    def of(cls, today: date, *, dates: int) -> "Calendar":
        """Return the calendar: the last date closed is the day before yesterday."""
        opening = today - timedelta(days=dates + 1)
        month = ServiceMonth.of(opening.replace(day=1) - timedelta(days=1))
        return cls(
            today=today,
            opening=opening,
            closed=tuple(opening + timedelta(days=offset) for offset in range(dates)),
            month=month,
            facts_from=month.first_date - _BEFORE,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Institutions:
    """A province's institutions as the demonstration uses them.

    Attributes:
        listed: Ids of those open to elders from outside that records name.
        unlisted: Id of one that is not.
        districts: Six-digit codes in which elders live.
    """

    listed: tuple[str, ...]
    unlisted: str
    districts: tuple[str, ...]


def read_registers(path: Path | None, *, today: date) -> dict[str, Register]:
    """Return each province's register: a file for the first, the sample's parts for the others.

    Args:
        path: Register of Shanghai, or ``None`` for the sample.
        today: No institution was founded later.

    Raises:
        BadFile: If the file is no register.
        DemoFailed: If it has too few institutions of Shanghai to go on.
    """
    registers = {}
    with TemporaryDirectory(prefix="deltacare-registers-") as directory:
        table = Path(directory) / "streets.csv"
        table.write_bytes(sample_streets_csv())
        streets = load_streets(table)
        for province in PROVINCES:
            sample = sample_register(province)
            written = Path(directory) / sample.file_name
            written.write_bytes(sample.data)
            given = path if province == _REGISTER_PROVINCE else None
            registers[province] = load_register(
                given or written,
                mapping=find_mapping(sample.mapping),
                today=today,
                province=province,
                # The sample's streets are not all that a real register names.
                streets=None if given else streets,
            )
    for province, register in registers.items():
        count = len(_open(register))
        if count <= INSTITUTIONS_USED:
            raise DemoFailed(
                f"The register of {province} has {count} open institutions that can be taken; the "
                f"demonstration needs {INSTITUTIONS_USED + 1}."
            )
    return registers


def _open(register: Register) -> list[Institution]:
    """Return the institutions that are not closed: only these can be listed."""
    return [each for each in register.institutions if each.state != INSTITUTION_STATE_CLOSED]


async def load_registers(
    federation: Federation, registers: Mapping[str, Register], calendar: Calendar
) -> dict[str, Institutions]:
    """State every province's institutions and list all but the last of each."""

    async def load(province: str) -> Institutions:
        registry = federation.nodes[province].registry
        duty = federation.duty(province, "registry")
        # Who takes over stands before those that name it.
        rows = sorted(
            registers[province].institutions,
            key=lambda each: each.state == INSTITUTION_STATE_CLOSED,
        )
        for first in range(0, len(rows), _BATCH_MAX):
            request = BatchUpsertInstitutionsRequest(
                request_id=federation.request_id("institutions", province, first),
                duty=duty,
                institutions=rows[first : first + _BATCH_MAX],
            )
            upserted = await federation.write(registry.BatchUpsertInstitutions, request)
            federation.note(upserted.appended)
        homes = _open(registers[province])
        ids = [row.institution_id for row in homes]
        published = await federation.write(
            registry.PublishListing,
            PublishListingRequest(
                request_id=federation.request_id("listing", province),
                duty=duty,
                listing=Listing(
                    listing_id=f"{province}-L{calendar.month.year}-1",
                    institution_ids=ids[:-1],
                    from_date=calendar.facts_from.isoformat(),
                    totals=ControlTotals(
                        institution_count=len(homes) - 1,
                        city_count=len({city_of(row.division_code) for row in homes[:-1]} - {None}),
                        approved_beds=sum(row.approved_beds for row in homes[:-1]),
                    ),
                ),
            ),
        )
        federation.note(published.appended)
        districts = sorted({row["district_code"] for row in sample_rows(province=province)})
        return Institutions(
            listed=tuple(ids[:INSTITUTIONS_USED]), unlisted=ids[-1], districts=tuple(districts)
        )

    return await federation.each(load)


async def count_institutions(
    federation: Federation, registers: Mapping[str, Register]
) -> tuple[dict[str, int], dict[str, int]]:
    """Return institutions and beds by province, as every node counts them.

    Raises:
        DemoFailed: If a node counts otherwise than the registers say.
    """
    expected = {
        province: (len(register.institutions), register.beds)
        for province, register in registers.items()
    }

    async def count(province: str) -> dict[str, tuple[int, int]]:
        counted = await federation.nodes[province].registry.CountInstitutions(
            CountInstitutionsRequest()
        )
        return {row.province: (row.institution_count, row.approved_beds) for row in counted.counts}

    for province, counts in (await federation.each(count)).items():
        if counts != expected:
            raise DemoFailed(f"{province} counts {counts}, the registers say {expected}.")
    return (
        {province: homes for province, (homes, _) in expected.items()},
        {province: beds for province, (_, beds) in expected.items()},
    )


def agreement_id(pair: tuple[str, str], calendar: Calendar) -> str:
    """Return the id of a pair's agreement."""
    return f"{pair[0]}-A{calendar.month.year}-{pair[1][:2]}"


async def agree(federation: Federation, calendar: Calendar) -> None:
    """Have every pair conclude an agreement: the lower proposes, the higher accepts.

    Raises:
        DemoFailed: If a node does not see all of them in force.
    """

    async def propose(pair: tuple[str, str]) -> bytes:
        low = pair[0]
        request = ProposeAgreementRequest(
            request_id=federation.request_id("agreement", *pair),
            duty=federation.duty(low, "registry"),
            agreement=Agreement(
                agreement_id=agreement_id(pair, calendar),
                parties=pair,
                scopes=[
                    AGREEMENT_SCOPE_INSTITUTION_STANDARD,
                    AGREEMENT_SCOPE_CAREGIVER_QUALIFICATION,
                    AGREEMENT_SCOPE_SUBSIDY,
                ],
                subsidy_kinds=AGREED_KINDS,
                from_date=calendar.facts_from.isoformat(),
            ),
        )
        proposed = await federation.write(federation.nodes[low].registry.ProposeAgreement, request)
        federation.note(proposed.appended)
        return proposed.version_hash

    async def accept(pair: tuple[str, str], version_hash: bytes) -> None:
        high = pair[1]
        request = AnswerAgreementRequest(
            request_id=federation.request_id("acceptance", *pair),
            duty=federation.duty(high, "registry"),
            answer=AgreementAnswer(
                agreement_id=agreement_id(pair, calendar),
                version_hash=version_hash,
                word=AGREEMENT_WORD_ACCEPTED,
            ),
        )
        accepted = await federation.write(federation.nodes[high].registry.AnswerAgreement, request)
        federation.note(accepted.appended)
        federation.mark("agreement", accepted.appended.log, accepted.appended.first_index)

    versions = await gather_all(propose(pair) for pair in PAIRS)
    await federation.everybody_holds()
    await gather_all(accept(pair, version) for pair, version in zip(PAIRS, versions, strict=True))
    await federation.everybody_holds()

    async def in_force(province: str) -> int:
        listed = await federation.nodes[province].registry.ListAgreements(ListAgreementsRequest())
        return sum(standing.in_force for standing in listed.agreements)

    for province, count in (await federation.each(in_force)).items():
        if count != len(PAIRS):
            raise DemoFailed(f"{province} sees {count} agreements in force, not {len(PAIRS)}.")


async def publish_policies(federation: Federation, calendar: Calendar) -> None:
    """Have every province say what it pays, and what it may spend on it in the year."""

    async def publish(province: str) -> None:
        for kind in (*KINDS, TREATY_KIND_OUTSIDE):
            request = PublishSubsidyPolicyRequest(
                request_id=federation.request_id("policy", province, kind.code),
                duty=federation.duty(province, "policy"),
                policy=SubsidyPolicy(
                    subsidy_kind=kind.code,
                    unit=kind.unit,
                    rate_fen=rate_fen(province, kind),
                    cap_fen=cap_fen(province, kind, calendar.month),
                    exclusivity_group=kind.exclusivity_group,
                    needs_caregiver=kind.needs_caregiver,
                    from_date=calendar.facts_from.isoformat(),
                ),
            )
            published = await federation.write(
                federation.nodes[province].policy.PublishSubsidyPolicy, request
            )
            federation.note(published.appended)
            granted = await federation.write(
                federation.nodes[province].policy.PublishBudget,
                PublishBudgetRequest(
                    request_id=federation.request_id("budget", province, kind.code),
                    duty=federation.duty(province, "policy"),
                    budget=Budget(
                        home_division=province,
                        year=calendar.month.year,
                        subsidy_kind=kind.code,
                        amount_fen=_BUDGET_FEN,
                    ),
                ),
            )
            federation.note(granted.appended)

    await federation.each(publish)


async def publish_equivalences(
    federation: Federation, calendar: Calendar, grades: tuple[str, ...]
) -> None:
    """Have every province recognise some grades of every other, on the basis of the agreement."""

    async def publish(host: str) -> None:
        async def one(issuer: str) -> None:
            pair = (min(host, issuer), max(host, issuer))
            request = PublishEquivalenceRequest(
                request_id=federation.request_id("equivalence", host, issuer),
                duty=federation.duty(host, "certification"),
                equivalence=Equivalence(
                    equivalence_id=f"{host}-E{calendar.month.year}-{issuer[:2]}",
                    issuer=issuer,
                    scheme=SCHEME,
                    grades=grades,
                    mapped_scheme=SCHEME,
                    mapped_grade=grades[0],
                    from_date=calendar.facts_from.isoformat(),
                    agreement_id=agreement_id(pair, calendar),
                ),
            )
            published = await federation.write(
                federation.nodes[host].certification.PublishEquivalence, request
            )
            federation.note(published.appended)

        await asyncio.gather(*(one(issuer) for issuer in PROVINCES if issuer != host))

    await federation.each(publish)
