"""Reads the fields of policies and budgets, naming every one that is not acceptable.

The same functions run where a province writes and where its partners project what it wrote, so
that both refuse the same. Only form is judged here, and that the division is the author's own.
"""

import itertools
import re
from calendar import monthrange
from collections.abc import Iterable, Sequence

from deltacare.divisions import normalise_division
from deltacare.errors import FieldViolation, Refusal
from deltacare.money import MAX_FEN
from deltacare.v1.entry_pb2 import Budget, Rate, SubsidyPolicy, SubsidyUnit
from deltacare.v1.policy_service_pb2 import Service
from settlement.fields import KIND, REF, SERVICE_DAYS_MAX
from settlement.findings import Problem

__all__ = [
    "BUDGET_FEN_MAX",
    "RATES_MAX",
    "YEARS",
    "budget_faults",
    "policy_faults",
    "service_faults",
]

RATES_MAX = 32
BUDGET_FEN_MAX = 100 * MAX_FEN
YEARS = range(2000, 3000)

_SHARE_MAX = 10_000
_TEXT_CHARS_MAX = 64
_DOCUMENT_CHARS_MAX = 100
_VALUE_CHARS_MAX = 64
_HASH_BYTES = 32
_DIVISION_CHARS = 6

_KIND_FORM = re.compile(KIND)
_REF_FORM = re.compile(REF)
_MONTH_FORM = re.compile("(?:19|2[0-9])[0-9]{2}-(?:0[1-9]|1[0-2])")
_DATE = re.compile("((?:19|2[0-9])[0-9]{2})-([0-9]{2})-([0-9]{2})")
_UNITS = (
    SubsidyUnit.SUBSIDY_UNIT_DAY,
    SubsidyUnit.SUBSIDY_UNIT_MONTH,
    SubsidyUnit.SUBSIDY_UNIT_USE,
)


def _fault(field: str, value: object, description: str, remedy: str = "") -> FieldViolation:
    return FieldViolation(
        field=field,
        value=str(value)[:_VALUE_CHARS_MAX],
        description=description,
        remedy=remedy,
    )


def _is_date(text: str) -> bool:
    match = _DATE.fullmatch(text)
    if match is None:
        return False
    year, month, day = (int(part) for part in match.groups())
    return 1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1]  # noqa: PLR2004 - months


def _kind_faults(kind: str, where: str) -> Iterable[FieldViolation]:
    if not _KIND_FORM.fullmatch(kind):
        problem = Problem.BAD_SUBSIDY_KIND
        yield _fault(f"{where}.subsidy_kind", kind, problem.en, problem.remedy_en)


def _division_faults(division: str, author: str, where: str) -> Iterable[FieldViolation]:
    """Yield what is wrong with a division of the author."""
    is_own = len(division) == _DIVISION_CHARS and division[:2] == author[:2]
    try:
        is_own = is_own and normalise_division(division) == division
    except Refusal:
        is_own = False
    if not is_own:
        yield _fault(
            f"{where}.home_division",
            division,
            f"This is not a division of {author}.",
            "Write the six digits of the own province, or of a city or district in it.",
        )


def _document_faults(body: SubsidyPolicy | Budget, where: str) -> Iterable[FieldViolation]:
    number = body.document_no
    if len(number) > _DOCUMENT_CHARS_MAX or not number.isprintable():
        yield _fault(
            f"{where}.document_no",
            number,
            "It has at most 100 printable characters.",
            "Shorten it.",
        )
    if len(body.document_hash) not in (0, _HASH_BYTES):
        yield _fault(
            f"{where}.document_hash",
            len(body.document_hash),
            "It has not 32 bytes.",
            "Give the SHA-256 of the document, or nothing.",
        )


def _rate_faults(rate: Rate, where: str) -> Iterable[FieldViolation]:
    """Yield what is wrong with one rate: an amount, or a tariff and a share."""
    for name in ("amount_fen", "tariff_fen"):
        value: int = getattr(rate, name)
        if not 0 <= value <= MAX_FEN:
            yield _fault(f"{where}.{name}", value, "It is not 0 to 10^12 fen.")
    has_share = 1 <= rate.share_basis_points <= _SHARE_MAX
    by_amount = rate.amount_fen > 0 and not rate.tariff_fen and not rate.share_basis_points
    by_share = not rate.amount_fen and rate.tariff_fen > 0 and has_share
    if not by_amount and not by_share:
        yield _fault(
            where,
            f"{rate.amount_fen}/{rate.tariff_fen}/{rate.share_basis_points}",
            "A rate is an amount above zero, or a tariff above zero and a share.",
            "Give amount_fen alone, or tariff_fen with share_basis_points from 1 to 10,000.",
        )
    grade = rate.assessment_grade
    if len(grade) > _TEXT_CHARS_MAX or not grade.isprintable():
        yield _fault(f"{where}.assessment_grade", grade, "It has at most 64 printable characters.")


def _rates_faults(body: SubsidyPolicy, where: str) -> Iterable[FieldViolation]:
    """Yield what is wrong with the rates of a policy as a whole, and with each."""
    rates = list(body.rates)
    if len(rates) > RATES_MAX:
        yield _fault(f"{where}.rates", len(rates), f"There are more than {RATES_MAX} rates.")
        return
    for position, rate in enumerate(rates):
        yield from _rate_faults(rate, f"{where}.rates[{position}]")
    grades = [rate.assessment_grade for rate in rates]
    if any(low >= high for low, high in itertools.pairwise(grades)):
        yield _fault(
            f"{where}.rates",
            ", ".join(grades),
            "The rates are not sorted by grade, each once.",
            "Sort them by the bytes of their grade; leave no grade twice.",
        )
    if any(grades) and not body.assessment_scheme:
        yield _fault(
            f"{where}.assessment_scheme",
            "",
            "The rates name grades of no scheme.",
            "Name the scheme, such as GB_T_42195.",
        )
    if rates and body.rate_fen:
        yield _fault(
            f"{where}.rate_fen",
            body.rate_fen,
            "The rates say what is paid already.",
            "Leave rate_fen 0, or give no rates.",
        )


def policy_faults(body: SubsidyPolicy, author: str, where: str) -> Iterable[FieldViolation]:
    """Yield everything that cannot be read in a policy.

    Args:
        body: The policy.
        author: Home province that states it.
        where: Its path.
    """
    yield from _kind_faults(body.subsidy_kind, where)
    if body.unit not in _UNITS:
        yield _fault(
            f"{where}.unit", body.unit, "A rate is counted by day, month or use.", "Name one."
        )
    for name in ("rate_fen", "cap_fen"):
        value: int = getattr(body, name)
        if not 0 <= value <= MAX_FEN:
            yield _fault(f"{where}.{name}", value, "It is not 0 to 10^12 fen.", "Check the digits.")
    group = body.exclusivity_group
    if group and not _KIND_FORM.fullmatch(group):
        yield _fault(
            f"{where}.exclusivity_group",
            group,
            "This is not the name of a group.",
            "Use 1 to 32 capital letters, digits and underscores.",
        )
    if body.home_division:
        yield from _division_faults(body.home_division, author, where)
    scheme = body.assessment_scheme
    if len(scheme) > _TEXT_CHARS_MAX or not scheme.isprintable():
        yield _fault(
            f"{where}.assessment_scheme", scheme, "It has at most 64 printable characters."
        )
    yield from _rates_faults(body, where)
    if body.prorated and body.unit != SubsidyUnit.SUBSIDY_UNIT_MONTH:
        yield _fault(
            f"{where}.prorated",
            "true",
            "Only a month is paid by its days.",
            "Leave it out, or count by month.",
        )
    yield from _document_faults(body, where)
    yield from _span_faults(body, where)


def _span_faults(body: SubsidyPolicy, where: str) -> Iterable[FieldViolation]:
    """Yield what is wrong with the days on which a policy holds."""
    for name in ("from_date", "until_date"):
        text: str = getattr(body, name)
        if (text or name == "from_date") and not _is_date(text):
            yield _fault(f"{where}.{name}", text, "This is not a date.", "Write 2026-11-22.")
    if _is_date(body.from_date) and _is_date(body.until_date) and body.until_date < body.from_date:
        yield _fault(
            f"{where}.until_date",
            body.until_date,
            "It lies before the first day.",
            "Write a day that does not.",
        )


def service_faults(
    service: Service, own: str, provinces: Sequence[str], where: str
) -> Iterable[FieldViolation]:
    """Yield what is wrong with a service whose amount is asked for.

    Args:
        service: As received.
        own: The node's province.
        provinces: Members.
        where: Its path.
    """
    home, host = service.home, service.host
    if own not in (home, host) or home == host or not {home, host} <= set(provinces):
        yield _fault(
            f"{where}.home",
            f"{home}/{host}",
            f"Home and host are not {own} and a partner.",
            "Ask a node of one of the two.",
        )
    if not _REF_FORM.fullmatch(service.beneficiary_ref):
        yield _fault(
            f"{where}.beneficiary_ref",
            "",
            "This is not a beneficiary reference.",
            "Take it from the enrolment: 32 lower-case hexadecimal digits.",
        )
    yield from _kind_faults(service.subsidy_kind, where)
    if not _MONTH_FORM.fullmatch(service.service_month):
        yield _fault(
            f"{where}.service_month",
            service.service_month,
            "This is not a month.",
            "Write 2026-10.",
        )
    if not 1 <= service.service_days <= SERVICE_DAYS_MAX:
        yield _fault(
            f"{where}.service_days",
            service.service_days,
            f"It is not 1 to {SERVICE_DAYS_MAX}.",
            "Give the days or uses of that month.",
        )


def budget_faults(body: Budget, author: str, where: str) -> Iterable[FieldViolation]:
    """Yield everything that cannot be read in a budget.

    Args:
        body: The budget.
        author: Home province that states it.
        where: Its path.
    """
    yield from _division_faults(body.home_division, author, where)
    yield from _kind_faults(body.subsidy_kind, where)
    if body.year not in YEARS:
        yield _fault(f"{where}.year", body.year, "It is not 2000 to 2999.", "Write 2026.")
    if not 0 <= body.amount_fen <= BUDGET_FEN_MAX:
        yield _fault(
            f"{where}.amount_fen", body.amount_fen, "It is not 0 to 10^14 fen.", "Check the digits."
        )
    yield from _document_faults(body, where)
