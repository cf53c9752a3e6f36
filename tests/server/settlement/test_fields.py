"""The forms of fields: the fast judgement and the full list of faults say the same."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from deltacare.v1 import entry_pb2 as epb
from server.settlement import fields
from tests.server.settlement.world import HOME, HOST, make_record

CONTENT = (
    "beneficiary_ref",
    "institution",
    "subsidy_kind",
    "service_month",
    "service_days",
    "amount_fen",
    "caregiver_cert_no",
)


def make(**changes: Any) -> epb.SettlementRecord:
    """Return an ordinary record with changes."""
    return make_record("S1", **changes)


def is_sound(record: epb.SettlementRecord) -> bool:
    """Return the fast judgement."""
    content = (getattr(record, name) for name in CONTENT)
    return fields.record_is_sound(record.host, record.settlement_no, *content)


def faults(record: epb.SettlementRecord) -> list[str]:
    """Return the fields that the full judgement names."""
    return [each.field for each in fields.record_faults(record, HOME, HOST, "r")]


def test_an_ordinary_record_is_sound() -> None:
    """Nothing stands against it, with and without a caregiver."""
    for record in (make(), make(caregiver_cert_no="310000-C1"), make(settlement_no="a.B_c-1")):
        assert is_sound(record)
        assert [] == faults(record)


@pytest.mark.parametrize(
    "name,value",
    [
        ("settlement_no", ""),
        ("settlement_no", "x" * 65),
        ("settlement_no", "a b"),
        ("settlement_no", "a\x1fb"),
        ("settlement_no", "a\nb"),
        ("settlement_no", "编号"),
        ("beneficiary_ref", "A" * 32),
        ("beneficiary_ref", "0" * 31),
        ("institution", "320000-1"),
        ("institution", "310000-"),
        ("institution", "310000-1\n"),
        ("subsidy_kind", "bed"),
        ("service_month", "2026-13"),
        ("service_month", "2026-1"),
        ("service_month", "3026-01"),
        ("service_days", 0),
        ("service_days", 1_001),
        ("amount_fen", 0),
        ("amount_fen", -1),
        ("amount_fen", 10**12 + 1),
        ("caregiver_cert_no", "310000-c1"),
        ("caregiver_cert_no", "C1"),
    ],
)
def test_a_malformed_field_is_named(name: str, value: object) -> None:
    """One field that is wrong is the one fault, for both judgements."""
    record = make(**{name: value})
    assert not is_sound(record)
    assert [f"r.{name}"] == faults(record)


RECORDS = st.fixed_dictionaries(
    {
        "settlement_no": st.text(max_size=5),
        "beneficiary_ref": st.sampled_from(["0" * 32, "f" * 32, "", "0" * 33, "０" * 32]),
        "institution": st.text(alphabet="310000-1a\n\x1f", max_size=9),
        "service_month": st.text(alphabet="0123456789-", max_size=8),
        "service_days": st.integers(0, 2**32 - 1),
        "amount_fen": st.integers(-(2**63), 2**63 - 1),
    }
)


@given(changes=RECORDS)
@example(changes={})
def test_both_judgements_agree(changes: dict[str, object]) -> None:
    """A record is sound exactly if no fault can be named."""
    record = make(**changes)
    assert is_sound(record) == (faults(record) == [])


def test_what_may_be_personal_is_not_repeated() -> None:
    """A reference that could be an identity number is not given back."""
    record = make(beneficiary_ref="110101194910010014")
    (fault,) = fields.record_faults(record, HOME, HOST, "r")
    assert "" == fault.value


@pytest.mark.parametrize(
    "changes,expected",
    [
        ({}, []),
        ({"enrolment_id": "a b"}, ["e.enrolment_id"]),
        ({"beneficiary_ref": "x"}, ["e.beneficiary_ref"]),
        ({"home_division": "310101"}, ["e.home_division"]),
        ({"from_date": "2026-02-30"}, ["e.from_date"]),
        ({"until_date": "2025-12-31"}, ["e.until_date"]),
        ({"assessment_grade": "x" * 65}, ["e.assessment_grade"]),
    ],
)
def test_enrolments(changes: dict[str, str], expected: list[str]) -> None:
    """Each malformed field of an enrolment is named."""
    body = epb.Enrolment(
        enrolment_id="E1",
        beneficiary_ref="0" * 32,
        home_division="320106",
        subsidy_kinds=["CARE_BED"],
        from_date="2026-01-01",
    )
    for name, value in changes.items():
        setattr(body, name, value)
    assert expected == [each.field for each in fields.enrolment_faults(body, HOME, "e")]


def test_kinds_of_an_enrolment() -> None:
    """At least one kind, each once and well formed; a new one has no pseudonym yet."""
    body = epb.Enrolment(enrolment_id="E1", home_division="320106", from_date="2026-01-01")
    found = [each.field for each in fields.enrolment_faults(body, HOME, "e", is_new=True)]
    assert ["e.subsidy_kinds"] == found
    body.subsidy_kinds.extend(["CARE_BED", "CARE_BED", "bed"])
    found = [each.field for each in fields.enrolment_faults(body, HOME, "e", is_new=True)]
    assert ["e.subsidy_kinds", "e.subsidy_kinds[2]"] == found
