"""The forms of a settlement record's fields: one place for filing and taking.

Values in, problems out. A clerk's file is held to these before anything is sent, and a node holds
every record to them before it appends one and when it reads what a partner appended. Only form is
judged, and that the institution is the host's; what a class names is the night's to judge.
"""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from deltacare.money import MAX_FEN
from settlement.findings import Problem

__all__ = [
    "KIND",
    "NUMBER",
    "REF",
    "SERVICE_DAYS_MAX",
    "record_is_sound",
    "record_problems",
]

SERVICE_DAYS_MAX: Final = 1_000  # uses of a month, for kinds counted by use

_PROVINCE: Final = "[1-9][0-9]0000"
NUMBER: Final = "[A-Za-z0-9._-]{1,64}"
REF: Final = "[0-9a-f]{32}"
KIND: Final = "[A-Z0-9_]{1,32}"
_MONTH: Final = "(?:19|2[0-9])[0-9]{2}-(?:0[1-9]|1[0-2])"

_SEP = "\x1f"
_REGISTER_NO = "[0-9A-Za-z](?:[0-9A-Za-z-]{0,30}[0-9A-Za-z])?"
_CERTIFICATE = f"(?:{_PROVINCE}-[0-9A-Z](?:[0-9A-Z-]{{0,30}}[0-9A-Z])?)?"

# One match over the joined fields costs a quarter of one match a field; the host stands first, so
# that the institution can be held to it.
_SOUND = re.compile(
    _SEP.join(
        (
            f"({_PROVINCE})",
            NUMBER,
            REF,
            rf"\1-{_REGISTER_NO}",
            KIND,
            _MONTH,
            _CERTIFICATE,
        )
    )
)
_FORMS: Final[Mapping[str, tuple[re.Pattern[str], Problem]]] = MappingProxyType(
    {
        "settlement_no": (re.compile(NUMBER), Problem.BAD_SETTLEMENT_NO),
        "beneficiary_ref": (re.compile(REF), Problem.BAD_BENEFICIARY_REF),
        "institution": (re.compile(f"{_PROVINCE}-{_REGISTER_NO}"), Problem.BAD_INSTITUTION),
        "subsidy_kind": (re.compile(KIND), Problem.BAD_SUBSIDY_KIND),
        "service_month": (re.compile(_MONTH), Problem.BAD_MONTH),
        "caregiver_cert_no": (re.compile(_CERTIFICATE), Problem.BAD_CERTIFICATE_NO),
    }
)
# Where a value might be personal it is not repeated.
_SILENT = frozenset({"beneficiary_ref"})


def record_is_sound(  # noqa: PLR0917 - called 20,000 times a second, names cost
    host: str,
    settlement_no: str,
    beneficiary_ref: str,
    institution: str,
    subsidy_kind: str,
    service_month: str,
    service_days: int,
    amount_fen: int,
    caregiver_cert_no: str,
) -> bool:
    """Whether every field of a record has its form; `record_problems` says which has not.

    Stands beside `record_problems` because it runs for each of 20,000 records a second.
    """
    joined = (
        f"{host}{_SEP}{settlement_no}{_SEP}{beneficiary_ref}{_SEP}{institution}"
        f"{_SEP}{subsidy_kind}{_SEP}{service_month}{_SEP}{caregiver_cert_no}"
    )
    return (
        0 < service_days <= SERVICE_DAYS_MAX
        and 0 < amount_fen <= MAX_FEN
        and _SOUND.fullmatch(joined) is not None
    )


def record_problems(
    host: str, texts: Mapping[str, str], *, service_days: int, amount_fen: int
) -> Iterator[tuple[str, str, Problem]]:
    """Yield field, value as it may be shown, and problem of every field without its form.

    Args:
        host: Host province.
        texts: The six fields that are texts, by name.
        service_days: Days or uses.
        amount_fen: Amount.
    """
    for name, (form, problem) in _FORMS.items():
        value = texts[name]
        foreign = name == "institution" and not value.startswith(f"{host}-")
        if foreign or not form.fullmatch(value):
            yield name, "" if name in _SILENT else value, problem
    if not 0 < service_days <= SERVICE_DAYS_MAX:
        yield "service_days", str(service_days), Problem.BAD_DAYS_OR_USES
    if not 0 < amount_fen <= MAX_FEN:
        yield "amount_fen", str(amount_fen), Problem.AMOUNT_OUT_OF_RANGE
