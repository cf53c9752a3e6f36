"""Tests of the attributes of institutions: owners, written forms, and when two values agree."""

import pytest

from deltacare.errors import Reason, Refusal
from deltacare.institutions import (
    ATTRIBUTES,
    Authority,
    fold_text,
    parse_value,
    same_value,
    value_of,
)
from deltacare.v1 import entry_pb2 as pb

FULL = pb.Institution(
    institution_id="310000-1",
    name="示例养老院（一）",
    division_code="310105001",
    street="示例街道",
    address="示例路 1 号",
    postcode="200000",
    approved_beds=120,
    operation_mode=pb.OPERATION_MODE_PUBLIC_PRIVATE,
    established_date="2001-02-03",
    unified_social_credit_code="91310000MA0000000Y",
    longitude_e6=121_473_667,
    latitude_e6=-5,
    state=pb.INSTITUTION_STATE_CLOSED,
    provider_type=pb.PROVIDER_TYPE_NURSING_STATION,
    open_beds=0,
    grades=[
        pb.InstitutionGrade(scheme="SH_STAR", grade="二级", from_date="2024-01-01"),
        pb.InstitutionGrade(scheme="GB_T_37276", grade="三级", from_date="2024-01-01"),
    ],
    medical_facilities=[
        pb.MedicalFacility(kind=pb.MEDICAL_FACILITY_KIND_MEDICAL_ROOM),
        pb.MedicalFacility(kind=pb.MEDICAL_FACILITY_KIND_CLINIC, insured=True),
    ],
    successor_ids=["310000-3", "310000-2"],
    state_date="2026-01-01",
    state_reason="MERGED",
)
WRITTEN = {
    "name": "示例养老院（一）",
    "division_code": "310105001",
    "street": "示例街道",
    "address": "示例路 1 号",
    "postcode": "200000",
    "approved_beds": "120",
    "operation_mode": "PUBLIC_PRIVATE",
    "established_date": "2001-02-03",
    "unified_social_credit_code": "91310000MA0000000Y",
    "longitude_e6": "121473667",
    "latitude_e6": "-5",
    "state": "CLOSED",
    "provider_type": "NURSING_STATION",
    "open_beds": "0",
    "grades": "GB_T_37276=三级;SH_STAR=二级",
    "medical_facilities": "CLINIC:INSURED,MEDICAL_ROOM",
    "successor_ids": "310000-2,310000-3",
    "state_date": "2026-01-01",
    "state_reason": "MERGED",
}


def test_every_attribute_has_one_owner() -> None:
    """Every field of the contract but the id has an owner that owns something, and a source."""
    fields = set(pb.Institution.DESCRIPTOR.fields_by_name) - {"institution_id"}
    assert fields == set(ATTRIBUTES)
    for attribute in ATTRIBUTES.values():
        assert attribute.owner not in (pb.AUTHORITY_UNSPECIFIED, pb.AUTHORITY_DIRECTORY)
        assert attribute.source


@pytest.mark.parametrize(
    "attribute, owner",
    [
        ("approved_beds", pb.AUTHORITY_CIVIL_AFFAIRS),
        ("unified_social_credit_code", pb.AUTHORITY_REGISTRAR),
        ("medical_facilities", pb.AUTHORITY_HEALTH),
        ("street", pb.AUTHORITY_PLACE_NAMES),
    ],
)
def test_owners(attribute: str, owner: int) -> None:
    """Each authority owns what it registers."""
    assert owner == ATTRIBUTES[attribute].owner


def test_names_and_numbers_are_those_of_the_contract() -> None:
    """Every value of the contract's enumerations is known here by its name and number."""
    assert {f"AUTHORITY_{each.name}": each.value for each in Authority} == {
        name: number for name, number in pb.Authority.items() if number
    }
    for attribute, kind, prefix in (
        ("operation_mode", pb.OperationMode, "OPERATION_MODE_"),
        ("state", pb.InstitutionState, "INSTITUTION_STATE_"),
        ("provider_type", pb.ProviderType, "PROVIDER_TYPE_"),
    ):
        for name, number in kind.items():
            body = pb.Institution(**{attribute: number})
            short = name.removeprefix(prefix) if number else ""
            assert short == value_of(body, attribute)
    for name, number in pb.MedicalFacilityKind.items():
        body = pb.Institution(medical_facilities=[pb.MedicalFacility(kind=number)])
        short = name.removeprefix("MEDICAL_FACILITY_KIND_") if number else ""
        assert short == value_of(body, "medical_facilities")


def test_what_is_stated_is_written_as_it_is_read() -> None:
    """Every attribute that a register states has a written form, which reads as itself."""
    assert WRITTEN == {name: value_of(FULL, name) for name in ATTRIBUTES}
    for name, written in WRITTEN.items():
        assert written == parse_value(written, attribute=name)


def test_what_is_not_stated_is_empty() -> None:
    """A register that says nothing of an attribute writes nothing; no beds are a statement."""
    bare = pb.Institution(division_code="310105")
    stated = {name: value_of(bare, name) for name in ATTRIBUTES}
    assert {"division_code": "310105", "approved_beds": "0"} == {
        name: written for name, written in stated.items() if written
    }


@pytest.mark.parametrize(
    "attribute, given, read",
    [
        ("division_code", "310105000000", "310105"),
        ("unified_social_credit_code", "91310000ma0000000y", "91310000MA0000000Y"),
        ("medical_facilities", "MEDICAL_ROOM, CLINIC:INSURED", "CLINIC:INSURED,MEDICAL_ROOM"),
        ("grades", "SH_STAR=二级; GB_T_37276=三级", "GB_T_37276=三级;SH_STAR=二级"),
        ("successor_ids", "310000-3,310000-2", "310000-2,310000-3"),
    ],
)
def test_values_have_one_form(attribute: str, given: str, read: str) -> None:
    """However a value is spelled, it is compared in one form."""
    assert read == parse_value(given, attribute=attribute)


@pytest.mark.parametrize(
    "attribute, given",
    [
        ("name", " 示例"),
        ("division_code", "3"),
        ("postcode", "2000"),
        ("approved_beds", "1,200"),
        ("approved_beds", "-1"),
        ("approved_beds", "007"),
        ("operation_mode", "UNSPECIFIED"),
        ("operation_mode", "OPERATION_MODE_PUBLIC_PRIVATE"),
        ("established_date", "2001"),
        ("unified_social_credit_code", "9131"),
        ("longitude_e6", "121.47"),
        ("state", "OPEN"),
        ("provider_type", "1"),
        ("open_beds", "some"),
        ("grades", "三级"),
        ("grades", "GB=" + "级" * 33),
        ("medical_facilities", "CLINIC:PAID"),
        ("medical_facilities", "CLINIC,CLINIC:INSURED"),
        ("successor_ids", "310000"),
        ("state_date", "soon"),
        ("state_reason", "closed"),
    ],
)
def test_what_cannot_be_read(attribute: str, given: str) -> None:
    """A value that is none of its attribute is refused by its field."""
    with pytest.raises(Refusal) as caught:
        parse_value(given, attribute=attribute, field="claims[3].value")
    assert Reason.INVALID_FIELD is caught.value.reason
    assert ["claims[3].value"] == [each.field for each in caught.value.violations]


@pytest.mark.parametrize(
    "attribute, one, other, expected",
    [
        ("name", "示例养老院（一）", "示例养老院(一)", True),
        ("name", "Home A", "HOMEA", True),
        ("name", "示例养老院", "示例敬老院", False),
        ("approved_beds", "100", "100", True),
        ("approved_beds", "100", "101", False),
        ("state_reason", "A", "a", False),
    ],
)
def test_when_two_values_agree(attribute: str, one: str, other: str, *, expected: bool) -> None:
    """What people write may differ in width, case and spaces; codes and numbers may not."""
    assert expected == same_value(attribute, one, other)


def test_folding_is_done_once() -> None:
    """Folding a folded text changes nothing."""
    text = "ＡＢＣ（一） 示例　㎡"
    assert fold_text(text) == fold_text(fold_text(text))
