"""Institutions as values: who owns each attribute, how an attribute is written, when two agree.

A register speaks for what its authority owns. What anybody else says of an institution is a claim:
it is kept beside the statement and never replaces it. This module names the owner of every
attribute of ``deltacare.v1.Institution``, gives each attribute one written form, so that claims
and statements can be compared as text, and says whether two such texts mean the same. It knows no
log, no rule and no file.

Written forms: text as it stands; whole numbers in digits; dates as ``2026-11-22``; divisions in
their canonical code; enumerated values by their name without the prefix that all of them share
(``PRIVATE_PRIVATE``); facilities as kinds, ``:INSURED`` behind those where insurance pays, and
successors as ids, both ascending and separated by commas; grades as ``SCHEME=grade``, ascending
and separated by semicolons.
"""

import enum
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from deltacare.divisions import normalise_division
from deltacare.errors import invalid_field
from deltacare.ids import InstitutionId, parse_uscc
from deltacare.times import parse_date

__all__ = [
    "ATTRIBUTES",
    "Attribute",
    "Authority",
    "InstitutionMessage",
    "fold_text",
    "parse_value",
    "same_value",
    "value_of",
]

_INSURED = ":INSURED"
_SCHEME = re.compile(r"[A-Z0-9_]{1,64}", re.ASCII)
_REASON = re.compile(r"[A-Z0-9_]{1,64}", re.ASCII)
_NUMBER = re.compile(r"0|[1-9][0-9]{0,5}", re.ASCII)
_DEGREES_E6 = re.compile(r"0|-?[1-9][0-9]{0,8}", re.ASCII)
_POSTCODE = re.compile(r"[0-9]{6}", re.ASCII)
_GRADE_CHARS_MAX = 32
# Between the parts of a name (示例之家·东园), in the forms in which keyboards and fonts have it:
# one register sets it and another leaves it out.
_NO_DOTS = dict.fromkeys(map(ord, "\u00b7\u2022\u2027\u2219\u22c5\u30fb"))


InstitutionMessage = Any
"""A ``deltacare.v1.Institution``: generated code is not imported here, a test compares the two."""


class Authority(enum.IntEnum):
    """Who may own an attribute, by the names and numbers of the contract."""

    CIVIL_AFFAIRS = 1
    REGISTRAR = 2
    HEALTH = 3
    PLACE_NAMES = 4
    DIRECTORY = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One attribute of an institution.

    Attributes:
        name: Name of its field in ``Institution``.
        owner: The authority whose word stands.
        source: Why that one.
        parse: Returns a written value in its one form; refuses what cannot be read.
        write: Returns what an institution states, written; empty if it states nothing.
        is_text: Whether people wrote it, so that width, case, spaces and middle dots mean nothing.
    """

    name: str
    owner: Authority
    source: str
    parse: Callable[[str, str], str]
    write: Callable[[InstitutionMessage], str]
    is_text: bool = False


def fold_text(text: str) -> str:
    """Return a text as it is compared: forms unified, case folded, no spaces, no middle dots."""
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_NO_DOTS)
    return "".join(folded.split())


def _text(value: str, field: str) -> str:
    if not value.isprintable() or value != value.strip():
        raise invalid_field(
            field, value, "It holds unprintable characters or begins or ends with a space."
        )
    return value


def _matching(pattern: re.Pattern[str], problem: str, remedy: str) -> Callable[[str, str], str]:
    def parse(value: str, field: str) -> str:
        if not pattern.fullmatch(value):
            raise invalid_field(field, value, problem, remedy)
        return value

    return parse


def _date(value: str, field: str) -> str:
    return parse_date(value, field=field).isoformat()


def _division(value: str, field: str) -> str:
    return normalise_division(value, field=field)


def _uscc(value: str, field: str) -> str:
    return parse_uscc(value, field=field)


_MODES: Mapping[str, int] = MappingProxyType(
    {"PUBLIC_PUBLIC": 1, "PUBLIC_PRIVATE": 2, "PRIVATE_PRIVATE": 3}
)
_STATES: Mapping[str, int] = MappingProxyType({"OPERATING": 1, "SUSPENDED": 2, "CLOSED": 3})
_PROVIDERS: Mapping[str, int] = MappingProxyType(
    {
        "RESIDENTIAL_INSTITUTION": 1,
        "COMMUNITY_CARE_HOME": 2,
        "NURSING_STATION": 3,
        "COMMUNITY_ORGANISATION": 4,
    }
)
_FACILITIES: Mapping[str, int] = MappingProxyType(
    {
        "MEDICAL_ROOM": 1,
        "CLINIC": 2,
        "NURSING_STATION": 3,
        "NURSING_HOSPITAL": 4,
        "HOSPITAL": 5,
        "HEALTH_STATION": 6,
    }
)


def _name_in(names: Mapping[str, int]) -> Callable[[str, str], str]:
    def parse(value: str, field: str) -> str:
        if value not in names:
            known = ", ".join(names)
            raise invalid_field(field, value, "It is not a known value.", f"Use one of {known}.")
        return value

    return parse


def _name_of(names: Mapping[str, int], number: int) -> str:
    return next((name for name, known in names.items() if known == number), "")


def _facilities(value: str, field: str) -> str:
    listed = [each.strip() for each in value.split(",")]
    for each in listed:
        _name_in(_FACILITIES)(each.removesuffix(_INSURED), field)
    if len({each.removesuffix(_INSURED) for each in listed}) != len(listed):
        raise invalid_field(field, value, "A value stands more than once.")
    return ",".join(sorted(listed))


def _write_facilities(body: InstitutionMessage) -> str:
    return ",".join(
        sorted(
            _name_of(_FACILITIES, each.kind) + (_INSURED if each.insured else "")
            for each in body.medical_facilities
        )
    )


def _grades(value: str, field: str) -> str:
    listed = [each.strip() for each in value.split(";")]
    for each in listed:
        scheme, equals, grade = each.partition("=")
        if not (equals and _SCHEME.fullmatch(scheme) and 0 < len(grade) <= _GRADE_CHARS_MAX):
            raise invalid_field(
                field, value, "This is no grade under a scheme.", "Write it as GB_T_37276=三级."
            )
        _text(grade, field)
    return ";".join(sorted(set(listed)))


def _write_grades(body: InstitutionMessage) -> str:
    return ";".join(sorted({f"{each.scheme}={each.grade}" for each in body.grades}))


def _successors(value: str, field: str) -> str:
    listed = [str(InstitutionId.parse(each.strip(), field=field)) for each in value.split(",")]
    return ",".join(sorted(set(listed)))


def _write_place(field: str) -> Callable[[InstitutionMessage], str]:
    """Return a writer of one coordinate: of both at zero, none is known."""

    def write(body: InstitutionMessage) -> str:
        known = body.longitude_e6 or body.latitude_e6
        return str(getattr(body, field)) if known else ""

    return write


_count = _matching(_NUMBER, "It is not a whole number.", "Write digits, such as 120.")
_degrees = _matching(
    _DEGREES_E6, "It is not a whole number.", "Write micro-degrees, such as 121473667."
)

_MEASURES = "《养老机构管理办法》(民政部令第66号)"
_PLACES = "《行政区划管理条例》(国务院令第704号)、《地名管理条例》(国务院令第753号)"
_LICENCE = "GB 32100-2015;登记管理机关核发的证照"
_CLINICS = "《医疗机构管理条例》(国务院令第149号,2022年修订)"


def _own_text(name: str, owner: Authority, source: str) -> Attribute:
    return Attribute(
        name=name,
        owner=owner,
        source=source,
        parse=_text,
        write=lambda body: str(getattr(body, name)),
        is_text=True,
    )


ATTRIBUTES: Mapping[str, Attribute] = MappingProxyType(
    {
        each.name: each
        for each in (
            # The name in the register of eldercare institutions, which need not be the licence's:
            # one licence can run two sites.
            _own_text("name", Authority.CIVIL_AFFAIRS, _MEASURES),
            Attribute(
                name="division_code",
                owner=Authority.PLACE_NAMES,
                source=_PLACES,
                parse=_division,
                write=lambda body: normalise_division(body.division_code),
            ),
            _own_text("street", Authority.PLACE_NAMES, _PLACES),
            _own_text("address", Authority.CIVIL_AFFAIRS, _MEASURES),
            Attribute(
                name="postcode",
                owner=Authority.CIVIL_AFFAIRS,
                source=_MEASURES,
                parse=_matching(_POSTCODE, "A postcode has six digits.", ""),
                write=lambda body: str(body.postcode),
            ),
            Attribute(
                name="approved_beds",
                owner=Authority.CIVIL_AFFAIRS,
                source=_MEASURES,
                parse=_count,
                write=lambda body: str(body.approved_beds),
            ),
            Attribute(
                name="operation_mode",
                owner=Authority.CIVIL_AFFAIRS,
                source=_MEASURES,
                parse=_name_in(_MODES),
                write=lambda body: _name_of(_MODES, body.operation_mode),
            ),
            # Founding and code stand on the licence of the legal person.
            Attribute(
                name="established_date",
                owner=Authority.REGISTRAR,
                source=_LICENCE,
                parse=_date,
                write=lambda body: str(body.established_date),
            ),
            Attribute(
                name="unified_social_credit_code",
                owner=Authority.REGISTRAR,
                source=_LICENCE,
                parse=_uscc,
                write=lambda body: str(body.unified_social_credit_code).strip().upper(),
            ),
            Attribute(
                name="longitude_e6",
                owner=Authority.CIVIL_AFFAIRS,
                source=_MEASURES,
                parse=_degrees,
                write=_write_place("longitude_e6"),
            ),
            Attribute(
                name="latitude_e6",
                owner=Authority.CIVIL_AFFAIRS,
                source=_MEASURES,
                parse=_degrees,
                write=_write_place("latitude_e6"),
            ),
            Attribute(
                name="state",
                owner=Authority.CIVIL_AFFAIRS,
                source=_MEASURES,
                parse=_name_in(_STATES),
                write=lambda body: _name_of(_STATES, body.state),
            ),
            Attribute(
                name="provider_type",
                owner=Authority.CIVIL_AFFAIRS,
                source=_MEASURES,
                parse=_name_in(_PROVIDERS),
                write=lambda body: _name_of(_PROVIDERS, body.provider_type),
            ),
            Attribute(
                name="open_beds",
                owner=Authority.CIVIL_AFFAIRS,
                source=_MEASURES,
                parse=_count,
                write=lambda body: str(body.open_beds) if body.HasField("open_beds") else "",
            ),
            Attribute(
                name="grades",
                owner=Authority.CIVIL_AFFAIRS,
                source="GB/T 37276-2018;民政部门组织的等级评定",
                parse=_grades,
                write=_write_grades,
            ),
            Attribute(
                name="medical_facilities",
                owner=Authority.HEALTH,
                source=_CLINICS,
                parse=_facilities,
                write=_write_facilities,
            ),
            Attribute(
                name="successor_ids",
                owner=Authority.CIVIL_AFFAIRS,
                source=_MEASURES,
                parse=_successors,
                write=lambda body: ",".join(sorted(body.successor_ids)),
            ),
            Attribute(
                name="state_date",
                owner=Authority.CIVIL_AFFAIRS,
                source=_MEASURES,
                parse=_date,
                write=lambda body: str(body.state_date),
            ),
            Attribute(
                name="state_reason",
                owner=Authority.CIVIL_AFFAIRS,
                source=_MEASURES,
                parse=_matching(
                    _REASON,
                    "This is not a code.",
                    "Use 1 to 64 capital letters, digits and underscores.",
                ),
                write=lambda body: str(body.state_reason),
            ),
        )
    }
)
"""Every attribute but the id, by its name, in the order of the contract."""


def parse_value(value: str, *, attribute: str, field: str = "value") -> str:
    """Return what is said of an attribute in the one form in which it is compared.

    Args:
        value: As written; not empty.
        attribute: Its name, one of ``ATTRIBUTES``.
        field: The name that a refusal gives.

    Raises:
        Refusal: ``INVALID_FIELD``, if this is no value of that attribute.
    """
    return ATTRIBUTES[attribute].parse(value, field)


def value_of(institution: InstitutionMessage, attribute: str) -> str:
    """Return what an institution's own register states of an attribute; empty if nothing.

    Args:
        institution: One that can be read: its division is one.
        attribute: Its name, one of ``ATTRIBUTES``.
    """
    return ATTRIBUTES[attribute].write(institution)


def same_value(attribute: str, one: str, other: str) -> bool:
    """Whether two written values of an attribute mean the same."""
    if ATTRIBUTES[attribute].is_text:
        return fold_text(one) == fold_text(other)
    return one == other
