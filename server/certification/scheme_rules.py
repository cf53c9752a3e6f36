"""What a province may state of its schemes, and whether a certificate is one of its scheme.

Pure, and part of the rules of lifecycle: they look at the author's own log up to the entry, and at
the schemes of the country, which are part of this program. A certificate is judged by the version
that holds on its first day, a renewal by the one on the first day of the time that it adds.
"""

from collections.abc import Iterable
from datetime import date, timedelta

from deltacare.ids import CertificateNumber
from deltacare.patterns import NumberPattern
from deltacare.schemes import NATIONAL, Scheme, months_later
from deltacare.v1.entry_pb2 import (
    REFERENCE_KIND_CONTINUING_EDUCATION,
    Certificate,
    CertificateReference,
)
from server.registry.rulebook import Rule

__all__ = [
    "SCHEME_RULES",
    "education_hours",
    "field_of",
    "judge_prolonged",
    "judge_statement",
    "judge_under_scheme",
    "prolonged_from",
]

_ONE_DAY = timedelta(days=1)
_DIVISION_PREFIX_CHARS = 2

_SCHEME = "deltacare/v1/entry.proto, CertificationScheme"
_C16_SCHEME_WIDENED = Rule(
    code="C16-SCHEME-WIDENED",
    zh="以国家类别名称发布的本省规定只能收窄：对象、职业不变，等级取其部分且顺序不变，期限不更长，不早于国家标准施行之日。",
    en="Under the name of a national scheme a province states only what narrows it: the same "
    "subject and occupation, some of its grades in their order, no longer time, no earlier day.",
    source=_SCHEME,
)
_C17_SCHEME_DIVISION = Rule(
    code="C17-SCHEME-DIVISION",
    zh="发证机构所在区划须属本省。",
    en="Only divisions of the province itself issue under its scheme.",
    source=_SCHEME,
)
_C18_SCHEME_UNKNOWN = Rule(
    code="C18-SCHEME-UNKNOWN",
    zh="在证书起始之日（续期则为新期限起始之日），国家与本省均无此类别。",
    en="On the first day of the certificate, or of the time by which it is prolonged, neither the "
    "country nor the province has this scheme; state it first.",
    source=_SCHEME,
)
_C19_SUBJECT_OTHER = Rule(
    code="C19-SUBJECT-OTHER",
    zh="该类别的证书对象与此不同。",
    en="The scheme is about another kind of subject.",
    source=_SCHEME,
)
_C20_GRADE_OUTSIDE = Rule(
    code="C20-GRADE-OUTSIDE",
    zh="该类别没有这一等级。",
    en="The scheme has no such grade.",
    source=_SCHEME,
)
_C21_NUMBER_PATTERN = Rule(
    code="C21-NUMBER-PATTERN",
    zh="证书编号不符合该类别的编号格式。",
    en="The number is not of the scheme's pattern.",
    source=_SCHEME,
)
_C22_TOO_LONG = Rule(
    code="C22-TOO-LONG",
    zh="有效期或续期超过该类别的最长期限。",
    en="The certificate or renewal is good for longer than the scheme allows.",
    source=f"{_SCHEME}; 民法典 第二百零一条、第二百零二条",
)
_C23_DIVISION_OUTSIDE = Rule(
    code="C23-DIVISION-OUTSIDE",
    zh="发证机构不在本省。",
    en="The division that issues lies outside the province.",
    source="deltacare/v1/entry.proto, Certificate, division_code",
)
_C24_DIVISION_NOT_NAMED = Rule(
    code="C24-DIVISION-NOT-NAMED",
    zh="该类别未列出此发证机构。",
    en="The scheme does not name the division among those that issue.",
    source=_SCHEME,
)
_C25_HOURS_TOO_FEW = Rule(
    code="C25-HOURS-TOO-FEW",
    zh="自签发或上次续期以来的继续教育学时未达到该类别的要求；同一记录只计一次。",
    en="The hours of continuing education since the issue or last renewal are fewer than the "
    "scheme asks; a reference counts once.",
    source=f"{_SCHEME}, renewal_hours_min",
)

SCHEME_RULES: tuple[Rule, ...] = (
    _C16_SCHEME_WIDENED,
    _C17_SCHEME_DIVISION,
    _C18_SCHEME_UNKNOWN,
    _C19_SUBJECT_OTHER,
    _C20_GRADE_OUTSIDE,
    _C21_NUMBER_PATTERN,
    _C22_TOO_LONG,
    _C23_DIVISION_OUTSIDE,
    _C24_DIVISION_NOT_NAMED,
    _C25_HOURS_TOO_FEW,
)
"""The rules of this module, in order."""

_FIELDS = {
    _C18_SCHEME_UNKNOWN.code: "scheme",
    _C19_SUBJECT_OTHER.code: "subject",
    _C20_GRADE_OUTSIDE.code: "grade",
    _C22_TOO_LONG.code: "valid_until_date",
    _C23_DIVISION_OUTSIDE.code: "division_code",
    _C24_DIVISION_NOT_NAMED.code: "division_code",
}


def field_of(rule: Rule) -> str:
    """Return the field of a certificate that a rule is about."""
    return _FIELDS.get(rule.code, "certificate_no")


def _is_of(author: str, division_code: str) -> bool:
    return division_code[:_DIVISION_PREFIX_CHARS] == author[:_DIVISION_PREFIX_CHARS]


def judge_statement(author: str, scheme: Scheme) -> Rule | None:
    """Return the rule that a readable statement of a scheme breaks.

    Args:
        author: who says it.
        scheme: what it states.
    """
    national = NATIONAL.get(scheme.name)
    if national is not None and not scheme.is_within(national):
        return _C16_SCHEME_WIDENED
    if not all(_is_of(author, code) for code in scheme.issuing_divisions):
        return _C17_SCHEME_DIVISION
    return None


def judge_under_scheme(author: str, body: Certificate, *, scheme: Scheme | None) -> Rule | None:
    """Return the rule about schemes that a readable certificate breaks.

    Args:
        author: who issues it.
        body: the certificate.
        scheme: the version that holds on its first day; ``None`` if none does.
    """
    if scheme is None:
        return _C18_SCHEME_UNKNOWN
    if body.subject != scheme.subject:
        return _C19_SUBJECT_OTHER
    if body.grade not in scheme.grades:
        return _C20_GRADE_OUTSIDE
    number = CertificateNumber.parse(body.certificate_no).number
    pattern = scheme.number_pattern
    if pattern and not NumberPattern.parse(pattern).matches(number):
        return _C21_NUMBER_PATTERN
    if _is_too_long(scheme, body.valid_from_date, body.valid_until_date):
        return _C22_TOO_LONG
    return _judge_office(author, body.division_code, scheme)


def _judge_office(author: str, division_code: str, scheme: Scheme) -> Rule | None:
    """Return the rule that the division breaks that issues."""
    if division_code and not _is_of(author, division_code):
        return _C23_DIVISION_OUTSIDE
    named = scheme.issuing_divisions
    if named and (division_code or author) not in named:
        return _C24_DIVISION_NOT_NAMED
    return None


def prolonged_from(valid_until: date) -> date:
    """Return the first day of the time that a renewal adds.

    Args:
        valid_until: last day before it.
    """
    return valid_until + _ONE_DAY


def judge_prolonged(
    *,
    subject: int,
    grade: str,
    valid_until: date,
    new_until: str,
    hours: int,
    scheme: Scheme | None,
) -> Rule | None:
    """Return the rule about schemes that a renewal breaks.

    Args:
        subject: of the certificate.
        grade: likewise.
        valid_until: its last day before the renewal.
        new_until: its last day by the renewal.
        hours: of continuing education since the issue or last renewal.
        scheme: the version that holds on the first day that is added; ``None`` if none does.
    """
    if scheme is None:
        return _C18_SCHEME_UNKNOWN
    if subject != scheme.subject:
        return _C19_SUBJECT_OTHER
    if grade not in scheme.grades:
        return _C20_GRADE_OUTSIDE
    if _is_too_long(scheme, valid_until.isoformat(), new_until):
        return _C22_TOO_LONG
    return _C25_HOURS_TOO_FEW if hours < scheme.renewal_hours_min else None


def _is_too_long(scheme: Scheme, from_date: str, until_date: str) -> bool:
    """Whether a time is longer than a scheme allows; it begins with, or after, its first day."""
    if not scheme.validity_months_max:
        return False
    last = months_later(date.fromisoformat(from_date), scheme.validity_months_max)
    return date.fromisoformat(until_date) > last


def education_hours(
    author: str,
    references: Iterable[CertificateReference],
    *,
    counted: frozenset[tuple[str, str]],
) -> tuple[int, frozenset[tuple[str, str]]]:
    """Return the hours of continuing education that references bring, and what is counted with it.

    Args:
        author: who issued the certificate; keeps the register where none is named.
        references: on a certificate, an addition or a renewal.
        counted: references that count already: a second statement of one brings nothing.
    """
    hours = 0
    now = set(counted)
    for each in references:
        key = (each.division_code or author, each.reference_no)
        if each.kind == REFERENCE_KIND_CONTINUING_EDUCATION and key not in now:
            now.add(key)
            hours += each.hours
    return hours, frozenset(now)
