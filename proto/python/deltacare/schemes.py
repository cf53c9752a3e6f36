"""Schemes of certification as data: the country's here, a province's in its registry log.

A scheme says whom its certificates are about, which grades there are and in which order, what their
numbers look like, for how long they may be good, and who may issue. The schemes of the country are
national standards; a province may state one of its own under another name, and under a national
name only what narrows it. Pure: which statements there are and which certificate is judged is for
others.

The national standards, with the day from which each applies:

- 养老护理员国家职业技能标准(2019年版), occupation 4-10-01-05, promulgated by 人力资源社会保障部 and
  民政部 in 人社厅发〔2019〕92号: five levels, 五级/初级工 to 一级/高级技师. Certificates of earlier
  versions, which had other levels, are issued under a scheme that their province states.
- GB/T 37276-2018 养老机构等级划分与评定: grades 一级 to 五级, the fifth being the highest.
- GB 38600-2019 养老机构服务安全基本规范: service safety, mandatory.
- GB/T 35796-2017 养老机构服务质量基本规范: quality of service.
- GB/T 29353-2012 养老机构基本规范: management and basic service.
- JGJ 450-2018 老年人照料设施建筑设计标准: facility.

The last four are met or not: they have the one grade 符合. None of them numbers certificates or
limits for how long these are good; a province that does states it.
"""

import enum
from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final

__all__ = [
    "CONFORMS",
    "NATIONAL",
    "Scheme",
    "Subject",
    "months_later",
    "national_on",
    "scheme_on",
    "widened_field",
]


class Subject(enum.IntEnum):
    """Whom certificates of a scheme are about: ``CertificateSubject`` of the contract."""

    CAREGIVER = 1
    INSTITUTION = 2


CONFORMS: Final = "符合"
"""The grade of a standard that is met or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """One version of a scheme.

    Attributes:
        name: ``CAREGIVER_LEVEL``.
        subject: value of ``CertificateSubject``.
        occupation: of a caregiver's, by the national classification; else empty.
        grades: from the lowest to the highest.
        number_pattern: of the number after the province (``deltacare.patterns``); empty means any.
        validity_months_max: longest time for which a certificate is good; 0 means any.
        issuing_divisions: who may issue; none means all of the province.
        renewal_hours_min: hours of continuing education that a renewal needs; 0 means none.
        from_date: first day.
        until_date: last day; ``None`` means until replaced.
        basis: code of the standard or document.
    """

    name: str
    subject: int
    occupation: str
    grades: tuple[str, ...]
    number_pattern: str = ""
    validity_months_max: int = 0
    issuing_divisions: tuple[str, ...] = ()
    renewal_hours_min: int = 0
    from_date: date
    until_date: date | None = None
    basis: str

    def holds(self, day: date) -> bool:
        """Whether a day lies in its time."""
        return self.from_date <= day and (self.until_date is None or day <= self.until_date)

    def is_within(self, wider: "Scheme") -> bool:
        """Whether it allows nothing that another one does not."""
        return widened_field(self, wider) is None


def _institution(name: str, grades: tuple[str, ...], from_date: date, basis: str) -> Scheme:
    return Scheme(
        name=name,
        subject=Subject.INSTITUTION,
        occupation="",
        grades=grades,
        from_date=from_date,
        basis=basis,
    )


NATIONAL: Mapping[str, Scheme] = MappingProxyType(
    {
        scheme.name: scheme
        for scheme in (
            Scheme(
                name="CAREGIVER_LEVEL",
                subject=Subject.CAREGIVER,
                occupation="4-10-01-05",
                grades=("五级", "四级", "三级", "二级", "一级"),
                from_date=date(2019, 9, 25),
                basis="GZB-4-10-01-05-2019",
            ),
            _institution("GB_38600", (CONFORMS,), date(2022, 1, 1), "GB-38600-2019"),
            _institution("GB_T_29353", (CONFORMS,), date(2013, 5, 1), "GB-T-29353-2012"),
            _institution("GB_T_35796", (CONFORMS,), date(2017, 12, 29), "GB-T-35796-2017"),
            _institution(
                "GB_T_37276",
                ("一级", "二级", "三级", "四级", "五级"),
                date(2019, 7, 1),
                "GB-T-37276-2018",
            ),
            _institution("JGJ_450", (CONFORMS,), date(2018, 10, 1), "JGJ-450-2018"),
        )
    }
)
"""The schemes of the whole country, by name."""


def national_on(name: str, day: date) -> Scheme | None:
    """Return the country's scheme of a name if it holds on a day."""
    scheme = NATIONAL.get(name)
    return scheme if scheme is not None and scheme.holds(day) else None


def scheme_on(versions: Iterable[Scheme], name: str, day: date) -> Scheme | None:
    """Return what a province's scheme of a name is on a day.

    Its version with the latest first day not after that day decides; of several, the last said. If
    there is none, or it has ended, the country's does.

    Args:
        versions: what the province stated, in the order of its log; other names are passed over.
        name: of the scheme.
        day: first day of a certificate, or of the time by which a renewal prolongs it.

    Returns:
        ``None`` if neither the province nor the country has such a scheme that day.
    """
    decides: Scheme | None = None
    for version in versions:
        if version.name != name or version.from_date > day:
            continue
        if decides is None or version.from_date >= decides.from_date:
            decides = version
    if decides is not None and decides.holds(day):
        return decides
    return national_on(name, day)


def months_later(day: date, months: int) -> date:
    """Return the last day of a time of so many months that runs from a day.

    That is the day of the same number in the last month, or that month's end: the first day is not
    counted (民法典 第二百零一条、第二百零二条).
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def widened_field(scheme: Scheme, wider: Scheme) -> str | None:
    """Return in which field a scheme allows what another does not; ``None`` if in none.

    Args:
        scheme: a province's under a national name.
        wider: the country's of that name.
    """
    asks_less = {
        "subject": scheme.subject != wider.subject,
        "occupation": scheme.occupation != wider.occupation,
        "grades": not _is_part(scheme.grades, wider.grades),
        "number_pattern": bool(wider.number_pattern)
        and scheme.number_pattern != wider.number_pattern,
        "validity_months_max": bool(wider.validity_months_max)
        and not 0 < scheme.validity_months_max <= wider.validity_months_max,
        "issuing_divisions": bool(wider.issuing_divisions)
        and not (
            scheme.issuing_divisions
            and set(scheme.issuing_divisions) <= set(wider.issuing_divisions)
        ),
        "renewal_hours_min": scheme.renewal_hours_min < wider.renewal_hours_min,
        "from_date": scheme.from_date < wider.from_date,
        "until_date": wider.until_date is not None
        and (scheme.until_date is None or scheme.until_date > wider.until_date),
    }
    return next((name for name, is_wider in asks_less.items() if is_wider), None)


def _is_part(grades: tuple[str, ...], all_grades: tuple[str, ...]) -> bool:
    """Whether grades are some of others, in the same order."""
    rest = iter(all_grades)
    return all(grade in rest for grade in grades)
