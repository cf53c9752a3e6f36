"""Identifiers: what may stand in a record, an entry or a certificate, and how it is spelled.

Each parser takes a text from outside and returns the one canonical spelling or a value; what it
refuses it names by field, with a remedy. Nothing here looks anything up: that an identifier is
well formed says nothing about whether it exists.
"""

import enum
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import permutations
from typing import Self
from uuid import UUID

from deltacare.errors import invalid_field

__all__ = [
    "BENEFICIARY_REF_BYTES",
    "SETTLEMENT_NO_CHARS_MAX",
    "CertificateNumber",
    "InstitutionId",
    "LogKind",
    "LogName",
    "Principal",
    "all_logs",
    "are_two_persons",
    "own_logs",
    "parse_beneficiary_ref",
    "parse_identity_number",
    "parse_opaque_id",
    "parse_province",
    "parse_request_id",
    "parse_settlement_no",
    "parse_uscc",
]

SETTLEMENT_NO_CHARS_MAX = 64
BENEFICIARY_REF_BYTES = 16

_PROVINCE = re.compile(r"[1-9][0-9]0000", re.ASCII)
_SETTLEMENT_NO = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}", re.ASCII)
_REQUEST_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
_BENEFICIARY_REF = re.compile(r"[0-9a-f]{32}", re.ASCII)
_REGISTER_NUMBER = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z-]{0,30}[0-9A-Za-z])?", re.ASCII)
_CERTIFICATE = re.compile(r"[0-9A-Z](?:[0-9A-Z-]{0,30}[0-9A-Z])?", re.ASCII)
_ROLE = re.compile(r"[a-z](?:[a-z0-9-]{0,30}[a-z0-9])?", re.ASCII)
# One spelling: who could write an id in capital letters as well would pass as two persons.
_OPAQUE_ID = re.compile(r"[0-9a-z](?:[0-9a-z_.-]{0,62}[0-9a-z])?", re.ASCII)
_SPREADSHEET_NUMBER = re.compile(r"[0-9.]+[eE]\+?[0-9]+", re.ASCII)

# ISO 7064 MOD 11-2 as GB 11643-1999 applies it: 2^(17-i) mod 11 for position i.
_IDENTITY = re.compile(r"[1-9][0-9]{16}[0-9X]", re.ASCII)
_IDENTITY_WEIGHTS = tuple(pow(2, 17 - i, 11) for i in range(17))
_IDENTITY_CHECK = "10X98765432"
_IDENTITY_YEAR_MIN = 1850

# GB 32100-2015 with amendment 1 of 2016: the authorities that register, by first character.
# python-stdnum knows the digits only.
_USCC = re.compile(r"[1-9ANY][1-9][0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}", re.ASCII)

_TRUST_DOMAIN = "deltacare"
_SPIFFE_PREFIX = f"spiffe://{_TRUST_DOMAIN}/"
_SPIFFE_SEGMENTS = 3


def parse_province(text: str, *, field: str = "province") -> str:
    """Return a province's six-digit code, such as ``310000``.

    Raises:
        Refusal: ``INVALID_FIELD``, if it is no province-level code in six digits.
    """
    if not _PROVINCE.fullmatch(text):
        raise invalid_field(
            field, text, "This is not the code of a province.", "Write six digits, such as 310000."
        )
    return text


def parse_settlement_no(text: str, *, field: str = "settlement_no") -> str:
    """Return a settlement number as it was given.

    Args:
        text: 1 to 64 letters, digits, hyphens and underscores, the first a letter or digit. Case
            counts.
        field: The name that a refusal gives.

    Raises:
        Refusal: ``INVALID_FIELD``, if it is anything else.
    """
    if not _SETTLEMENT_NO.fullmatch(text):
        remedy = "Use 1 to 64 letters, digits, hyphens and underscores."
        if _SPREADSHEET_NUMBER.fullmatch(text):
            remedy = "The spreadsheet turned it into a number: format the column as text."
        raise invalid_field(field, text, "This is not a settlement number.", remedy)
    return text


def parse_request_id(text: str, *, field: str = "request_id") -> str:
    """Return a request id as a UUID in lower case with hyphens.

    Raises:
        Refusal: ``INVALID_FIELD``, if it is no UUID in that form, or the one of all zeros.
    """
    if not _REQUEST_ID.fullmatch(text) or not UUID(text).int:
        raise invalid_field(
            field, text, "This is not a UUID.", "Send a fresh random UUID with each new request."
        )
    return text.lower()


def parse_beneficiary_ref(text: str, *, field: str = "beneficiary_ref") -> str:
    """Return the pseudonym of an elder: 128 random bits as 32 lower-case hexadecimal digits.

    Raises:
        Refusal: ``INVALID_FIELD``, if it is anything else. The value is not repeated, because a
            caller may have put an identity number there.
    """
    if not _BENEFICIARY_REF.fullmatch(text):
        raise invalid_field(
            field,
            "",
            "This is not a beneficiary reference.",
            "Use the 32 hexadecimal digits that the enrolment gave; never an identity number.",
        )
    return text


def parse_identity_number(text: str, *, field: str = "identity_number") -> str:
    """Return a resident identity number of 18 characters with its check character in upper case.

    Checks the check character (GB 11643-1999, ISO 7064 MOD 11-2) and that the date of birth is in
    the calendar. The first six digits are not looked up: the county in which an old person was
    registered need not exist in any table of today.

    Raises:
        Refusal: ``INVALID_FIELD``, without repeating the value.
    """
    number = text.strip().upper()
    remedy = "Compare it with the identity card, digit by digit."
    if not _IDENTITY.fullmatch(number):
        raise invalid_field(field, "", "An identity number has 18 characters.", remedy)
    year, month, day = int(number[6:10]), int(number[10:12]), int(number[12:14])
    try:
        date(year, month, day)
    except ValueError:
        raise invalid_field(field, "", "The date of birth does not exist.", remedy) from None
    if year < _IDENTITY_YEAR_MIN:
        raise invalid_field(field, "", "The year of birth is before 1850.", remedy)
    total = sum(int(c) * w for c, w in zip(number[:17], _IDENTITY_WEIGHTS, strict=True))
    if number[17] != _IDENTITY_CHECK[total % 11]:
        raise invalid_field(field, "", "The check character is wrong.", remedy)
    return number


def parse_uscc(text: str, *, field: str = "uscc") -> str:
    """Return a unified social credit code of 18 characters in upper case.

    Checks the alphabet, the registering authority and the check character (GB 32100-2015).

    Raises:
        Refusal: ``INVALID_FIELD``, if it is no such code.
    """
    from stdnum.cn import uscc

    code = text.strip().upper()
    remedy = "Copy the 18 characters from the licence; I, O, S, V and Z are never among them."
    if not _USCC.fullmatch(code):
        raise invalid_field(field, text, "This is not a unified social credit code.", remedy)
    if code[-1] != uscc.calc_check_digit(code[:-1]):
        raise invalid_field(field, text, "The check character is wrong.", remedy)
    return code


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class InstitutionId:
    """An institution: its province and its number in that province's register.

    Attributes:
        province: Six digits.
        number: 1 to 32 letters, digits and inner hyphens, as the register has it.
    """

    province: str
    number: str

    @classmethod
    def parse(cls, text: str, *, field: str = "institution") -> Self:
        """Return the id of a text such as ``310000-137``.

        Raises:
            Refusal: ``INVALID_FIELD``, if it is no such text.
        """
        province, number = _split_number(
            text, _REGISTER_NUMBER, field, "an institution", "310000-137"
        )
        return cls(province=province, number=number)

    def __str__(self) -> str:
        return f"{self.province}-{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class CertificateNumber:
    """A certificate: the province that issued it and its number there.

    Attributes:
        issuer: Six digits.
        number: 1 to 32 capital letters, digits and inner hyphens.
    """

    issuer: str
    number: str

    @classmethod
    def parse(cls, text: str, *, field: str = "certificate_number") -> Self:
        """Return the number of a text such as ``320000-C2025000123``.

        Raises:
            Refusal: ``INVALID_FIELD``, if it is no such text.
        """
        issuer, number = _split_number(
            text, _CERTIFICATE, field, "a certificate", "320000-C2025000123"
        )
        return cls(issuer=issuer, number=number)

    def __str__(self) -> str:
        return f"{self.issuer}-{self.number}"


def _split_number(
    text: str, pattern: re.Pattern[str], field: str, noun: str, example: str
) -> tuple[str, str]:
    province, separator, number = text.partition("-")
    if not (separator and _PROVINCE.fullmatch(province) and pattern.fullmatch(number)):
        raise invalid_field(
            field,
            text,
            f"This is not the number of {noun}.",
            f"Write the province's code, a hyphen and the number, such as {example}.",
        )
    return province, number


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Principal:
    """A caller, as its certificate names it. The opaque id is the person or system; a role is not.

    Attributes:
        province: Six digits.
        role: Lower-case letters, digits and inner hyphens, at most 32.
        opaque_id: At most 64 lower-case letters, digits, inner hyphens, dots and underscores; says
            nothing about the person.
    """

    province: str
    role: str
    opaque_id: str

    @classmethod
    def parse(cls, uri: str, *, field: str = "principal") -> Self:
        """Return the caller of a URI ``spiffe://deltacare/<province>/<role>/<opaque id>``.

        Raises:
            Refusal: ``INVALID_FIELD``, if it is no such URI.
        """
        parts = uri.removeprefix(_SPIFFE_PREFIX).split("/")
        well_formed = (
            uri.startswith(_SPIFFE_PREFIX)
            and len(parts) == _SPIFFE_SEGMENTS
            and _PROVINCE.fullmatch(parts[0])
            and _ROLE.fullmatch(parts[1])
            and _OPAQUE_ID.fullmatch(parts[2])
        )
        if not well_formed:
            raise invalid_field(
                field,
                uri,
                "This is not a caller of this federation.",
                "Use a certificate with spiffe://deltacare/<province>/<role>/<opaque id>.",
            )
        return cls(province=parts[0], role=parts[1], opaque_id=parts[2])

    @property
    def uri(self) -> str:
        """The URI that stands in the certificate."""
        return f"{_SPIFFE_PREFIX}{self.province}/{self.role}/{self.opaque_id}"

    def __str__(self) -> str:
        return self.uri


def parse_opaque_id(text: str, *, field: str = "principal_id") -> str:
    """Return the opaque id of a principal without its role.

    Raises:
        Refusal: ``INVALID_FIELD``, if it is no such id.
    """
    if not _OPAQUE_ID.fullmatch(text):
        raise invalid_field(
            field,
            text,
            "This is not the opaque id of a principal.",
            "Use 1 to 64 lower-case letters, digits, inner hyphens, dots and underscores.",
        )
    return text


def are_two_persons(maker: str, reviewer: str) -> bool:
    """Whether who made an entry and who reviewed it are named, each in its form, and are two."""
    is_named = _OPAQUE_ID.fullmatch(maker) and _OPAQUE_ID.fullmatch(reviewer)
    return bool(is_named) and maker != reviewer


class LogKind(enum.Enum):
    """The kinds of logs a province writes."""

    REGISTRY = "registry"
    SETTLEMENT = "settlement"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogName:
    """A log, named by who writes it and, for settlements, for whom.

    Attributes:
        author: The province that writes it.
        kind: What it holds.
        partner: For settlements the other province; empty for a registry.
    """

    author: str
    kind: LogKind
    partner: str = ""

    def __post_init__(self) -> None:
        assert _PROVINCE.fullmatch(self.author), "a province writes a log"
        if self.kind is LogKind.SETTLEMENT:
            assert _PROVINCE.fullmatch(self.partner), "a settlement log is for a partner"
            assert self.partner != self.author, "nobody settles with itself"
        else:
            assert not self.partner, "a registry is for every member, an audit log for its author"

    @classmethod
    def registry(cls, author: str) -> Self:
        """Return the registry log of a province."""
        return cls(author=author, kind=LogKind.REGISTRY)

    @classmethod
    def audit(cls, author: str) -> Self:
        """Return the log in which a province's node notes denials and disclosures."""
        return cls(author=author, kind=LogKind.AUDIT)

    @classmethod
    def settlement(cls, author: str, partner: str) -> Self:
        """Return the settlement log that a province writes for a partner."""
        return cls(author=author, kind=LogKind.SETTLEMENT, partner=partner)

    @classmethod
    def parse(cls, text: str, *, field: str = "log") -> Self:
        """Return the log of a name such as ``deltacare/P/registry``.

        The others are ``deltacare/P/settlement/Q`` and ``deltacare/P/audit``.

        Raises:
            Refusal: ``INVALID_FIELD``, if it is no such name.
        """
        match text.split("/"):
            case ["deltacare", author, "registry"] if _PROVINCE.fullmatch(author):
                return cls.registry(author)
            case ["deltacare", author, "audit"] if _PROVINCE.fullmatch(author):
                return cls.audit(author)
            case ["deltacare", author, "settlement", partner] if (
                _PROVINCE.fullmatch(author) and _PROVINCE.fullmatch(partner) and author != partner
            ):
                return cls.settlement(author, partner)
        raise invalid_field(
            field,
            text,
            "This is not the name of a log.",
            "Write deltacare/310000/registry or deltacare/310000/settlement/320000.",
        )

    def __str__(self) -> str:
        if self.kind is LogKind.SETTLEMENT:
            return f"{_TRUST_DOMAIN}/{self.author}/settlement/{self.partner}"
        return f"{_TRUST_DOMAIN}/{self.author}/{self.kind.value}"

    def __lt__(self, other: "LogName") -> bool:
        return str(self) < str(other)

    def may_hold(self, province: str) -> bool:
        """Whether a member may hold this log.

        A registry every one, a settlement log its two sides, an audit log its author.
        """
        return self.kind is LogKind.REGISTRY or province in (self.author, self.partner)


def all_logs(provinces: Iterable[str]) -> tuple[LogName, ...]:
    """Return every log that members share: a registry each, settlements for each other member."""
    return _all_logs(tuple(sorted(provinces)))


@lru_cache(maxsize=64)
def _all_logs(members: tuple[str, ...]) -> tuple[LogName, ...]:
    registries = [LogName.registry(author) for author in members]
    settlements = [LogName.settlement(a, b) for a, b in permutations(members, 2)]
    return tuple(sorted(registries + settlements))


def own_logs(province: str, provinces: Iterable[str]) -> tuple[LogName, ...]:
    """Return every log that a member writes: those it shares, and its audit log."""
    shared = [log for log in all_logs(provinces) if log.author == province]
    return tuple(sorted([*shared, LogName.audit(province)]))
