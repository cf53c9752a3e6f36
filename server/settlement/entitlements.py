"""What services come to: the enrolment, the policy that decides, and the amount, as known now.

For amounts that are about to be filed, for records that wait for home's answer, and with the same
functions that a night's facts are made of. Nothing is kept, and nothing here is a class: a night
judges as of its pins.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from sqlalchemy import Connection, Row

from deltacare.divisions import normalise_division
from deltacare.entitlement import (
    COMPUTATION_VERSION,
    Unit,
    Version,
    deciding_version,
    entitled_fen,
)
from deltacare.times import ServiceMonth
from deltacare.v1.entry_pb2 import SettlementRecord
from deltacare.v1.policy_service_pb2 import ComputedAmount, Service
from server.policy.bodies import versions_by_kind
from server.policy.store import load_policies
from server.settlement.enrolled import StatedEnrolment, deciding_enrolment, stated_enrolments

__all__ = [
    "NOT_ENROLLED",
    "NO_POLICY",
    "NO_RATE",
    "TOO_MANY_DAYS",
    "Asked",
    "Entitlement",
    "Entitlements",
    "asked_of",
    "entitle",
]

NOT_ENROLLED = "NOT_ENROLLED"
NO_POLICY = "NO_POLICY"
NO_RATE = "NO_RATE"
TOO_MANY_DAYS = "TOO_MANY_DAYS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A service, or a record of one.

    Attributes:
        home: Home province.
        host: Host province.
        ref: Pseudonym of the elder.
        kind: Kind of subsidy.
        month: Month of service.
        service_days: Days, or uses.
    """

    home: str
    host: str
    ref: str
    kind: str
    month: ServiceMonth
    service_days: int


def asked_of(record: SettlementRecord | Row[Any]) -> Asked:
    """Return the service that a record is for; its form is good."""
    return Asked(
        home=record.home,
        host=record.host,
        ref=record.beneficiary_ref,
        kind=record.subsidy_kind,
        month=ServiceMonth.parse(record.service_month),
        service_days=record.service_days,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Entitlement:
    """What a service comes to.

    Attributes:
        amount_fen: In fen; 0 if nothing is paid.
        version: The policy that decides; ``None`` if none does.
        home_division: Division in which the elder is registered; ``None`` if not enrolled.
        reason: Why nothing is paid: `TOO_MANY_DAYS`, `NOT_ENROLLED`, `NO_POLICY` or `NO_RATE`;
            else empty.
    """

    amount_fen: int = 0
    version: Version | None = None
    home_division: str | None = None
    reason: str = ""

    def fits(self, amount_fen: int) -> bool:
        """Whether an amount is what the policy comes to, or less where it says at most."""
        if self.version is None or self.reason:
            return False
        is_exact = self.version.tariff.is_exact
        return amount_fen == self.amount_fen if is_exact else amount_fen <= self.amount_fen


def entitle(connection: Connection, asked: Sequence[Asked]) -> list[Entitlement]:
    """Return what each of some services comes to, by what this node knows now.

    An elder who is not enrolled for the kind on as many days as are claimed, for a kind by use on
    one, is paid nothing.

    Args:
        connection: A snapshot.
        asked: The services; queries are made by pair of provinces, not by service.
    """
    elders: dict[tuple[str, str], set[str]] = {}
    for each in asked:
        elders.setdefault((each.home, each.host), set()).add(each.ref)
    stated: dict[tuple[str, str, str], list[StatedEnrolment]] = {}
    for (home, host), refs in sorted(elders.items()):
        for enrolment in stated_enrolments(connection, home, host, refs):
            stated.setdefault((home, host, enrolment.ref), []).append(enrolment)
    versions = {
        home: versions_by_kind(load_policies(connection, home))
        for home in sorted({each.home for each in asked})
    }
    return [
        _entitled(each, stated.get((each.home, each.host, each.ref), ()), versions[each.home])
        for each in asked
    ]


def _entitled(
    asked: Asked, stated: Sequence[StatedEnrolment], versions: Mapping[str, Sequence[Version]]
) -> Entitlement:
    """Return what one service comes to."""
    enrolment = deciding_enrolment(stated, asked.kind, asked.month)
    division, scheme, grade = (
        # What is paid by days is so for who is not enrolled too: as a night takes it.
        (normalise_division(asked.home), "", "") if enrolment is None else enrolment.standing
    )
    version = deciding_version(
        versions.get(asked.kind, ()), home_division=division, month=asked.month
    )
    by_use = version is not None and version.tariff.unit is Unit.USE
    if version is not None and not by_use and asked.service_days > asked.month.days:
        return Entitlement(reason=TOO_MANY_DAYS)
    if enrolment is None:
        return Entitlement(reason=NOT_ENROLLED)
    mask = reduce(
        int.__or__, (each.mask(asked.month) for each in stated if asked.kind in each.kinds), 0
    )
    if mask.bit_count() < (1 if by_use else asked.service_days):
        return Entitlement(home_division=division, reason=NOT_ENROLLED)
    if version is None:
        return Entitlement(home_division=division, reason=NO_POLICY)
    amount = entitled_fen(
        version.tariff,
        scheme=scheme,
        grade=grade,
        service_days=asked.service_days,
        month=asked.month,
    )
    return Entitlement(
        amount_fen=amount or 0,
        version=version,
        home_division=division,
        reason=NO_RATE if amount is None else "",
    )


class Entitlements:
    """Computes amounts for `server.policy`; implements `server.policy.ports.Grants`."""

    def amounts(
        self, connection: Connection, services: Sequence[Service]
    ) -> Sequence[ComputedAmount]:
        """Return the amount of each service, in the order given; their forms are good."""
        asked = [
            Asked(
                home=each.home,
                host=each.host,
                ref=each.beneficiary_ref,
                kind=each.subsidy_kind,
                month=ServiceMonth.parse(each.service_month),
                service_days=each.service_days,
            )
            for each in services
        ]
        return [
            ComputedAmount(
                amount_fen=each.amount_fen,
                policy_index=None if each.version is None else each.version.index,
                computation_version=0 if each.version is None else COMPUTATION_VERSION,
                reason=each.reason,
            )
            for each in entitle(connection, asked)
        ]
