"""Reads stated policies as what amounts are computed from."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from deltacare.entitlement import GradeRate, Tariff, Unit, Version
from deltacare.v1.entry_pb2 import SubsidyPolicy, SubsidyUnit
from server.policy.store import StatedPolicy

__all__ = ["tariff_of", "versions_by_kind"]

_UNITS: Mapping[int, Unit] = MappingProxyType(
    {
        SubsidyUnit.SUBSIDY_UNIT_DAY: Unit.DAY,
        SubsidyUnit.SUBSIDY_UNIT_MONTH: Unit.MONTH,
        SubsidyUnit.SUBSIDY_UNIT_USE: Unit.USE,
    }
)


def tariff_of(policy: SubsidyPolicy) -> Tariff:
    """Return what amounts of a policy are computed from."""
    return Tariff(
        unit=_UNITS[policy.unit],
        rate_fen=policy.rate_fen,
        cap_fen=policy.cap_fen,
        scheme=policy.assessment_scheme,
        rates=tuple(
            GradeRate(
                grade=rate.assessment_grade,
                amount_fen=rate.amount_fen,
                tariff_fen=rate.tariff_fen,
                share_basis_points=rate.share_basis_points,
            )
            for rate in policy.rates
        ),
        is_prorated=policy.prorated,
    )


def versions_by_kind(stated: Iterable[StatedPolicy]) -> Mapping[str, list[Version]]:
    """Return the versions that one home province has stated, by kind."""
    found: dict[str, list[Version]] = {}
    for each in stated:
        body = each.body
        found.setdefault(body.subsidy_kind, []).append(
            Version(
                index=each.index,
                home_division=body.home_division or each.author,
                from_date=body.from_date,
                until_date=body.until_date,
                tariff=tariff_of(body),
                exclusivity_group=body.exclusivity_group,
                needs_caregiver=body.needs_caregiver,
                is_budgeted=body.budgeted,
            )
        )
    return found
