"""Tests of what does not fit together in the registers."""

from datetime import date

import pytest

from deltacare.addresses import address_key
from deltacare.v1 import registry_service_pb2 as reg_pb
from server.registry.disagreements import (
    Claimed,
    Finding,
    Site,
    claim_findings,
    register_findings,
)

TODAY = date(2026, 11, 22)


def site(number: int = 1, **changes: object) -> Site:
    """Return an institution that agrees with every other."""
    fields: dict[str, object] = {
        "institution_id": f"310000-{number}",
        "name": f"示例养老院{number}",
        "division_code": "310105001",
        "street": "",
        "address": f"示例路{number}号",
        "place": (121_400_000 + number, 31_200_000),
        "is_closed": False,
    }
    return Site(**{**fields, **changes})


def found(*sites: Site, on_date: date = TODAY) -> list[tuple[str, tuple[str, ...], str]]:
    """Return kinds, institutions and attributes."""
    prefix = "DISAGREEMENT_KIND_"
    return [
        (
            reg_pb.DisagreementKind.Name(each.kind).removeprefix(prefix),
            tuple(one.partition("-")[2] for one in each.institution_ids),
            each.attribute,
        )
        for each in register_findings(sites, on_date=on_date)
    ]


def test_what_agrees_is_not_found() -> None:
    """Different sites in divisions of today are nothing to report."""
    assert [] == found(site(1), site(2), site(3, street="示例街道"))


@pytest.mark.parametrize(
    "one, other, same",
    [
        ("上海市徐汇区示例路1号", "示例路1号", True),
        ("示例路１号（甲）", "示例路1号 甲", True),
        ("示例街道示例路1号", "示例路1号", True),
        ("江苏省苏州市昆山市示例路1号", "昆山市示例路1号", True),
        ("示例路1号", "示例路11号", False),
        # A housing estate is no county, a market no city.
        ("长江小区1号", "黄河小区1号", False),
        ("水产市场1号", "花鸟市场1号", False),
    ],
)
def test_addresses(one: str, other: str, *, same: bool) -> None:
    """Two spellings of one address are one; two addresses are two."""
    assert same == (address_key(one, "示例街道") == address_key(other, "示例街道"))


def test_an_address_that_says_nothing_is_none() -> None:
    """A district alone, or nothing at all, is no address that two could share."""
    assert ["", ""] == [address_key("上海市徐汇区", ""), address_key("", "示例街道")]
    assert [] == found(site(1, address=""), site(2, address="上海市徐汇区"))


def test_several_sites_at_one_address() -> None:
    """One address in one county is reported once, with all who stand there, ascending by id."""
    sites = [site(n, address="示例路1号") for n in (3, 1, 2)]
    assert [("SAME_ADDRESS", ("1", "2", "3"), "address")] == found(*sites)
    elsewhere = site(2, address="示例路1号", division_code="310101")
    assert [] == found(sites[1], elsewhere)


def test_several_sites_at_one_place() -> None:
    """One place of whom no other address is known is reported; the same group only once."""
    place = (121_473_667, 31_230_525)
    assert [("SAME_ADDRESS", ("1", "2"), "longitude_e6")] == found(
        site(1, place=place), site(2, place=place, address="")
    )
    assert [("SAME_ADDRESS", ("1", "2"), "address")] == found(
        site(1, place=place, address="示例路9号"), site(2, place=place, address="示例路9号")
    )
    assert [] == found(site(1, place=None), site(2, place=None))


def test_one_place_of_several_addresses() -> None:
    """It is of a kind of its own, with the addresses: perhaps nobody found out where they are."""
    place = (121_473_667, 31_230_525)
    sites = [site(2, place=place, address="示例路9号"), site(1, place=place)]
    (finding,) = register_findings(sites, on_date=TODAY)
    assert (reg_pb.DISAGREEMENT_KIND_SAME_PLACE, "121473667,31230525", "示例路1号; 示例路9号") == (
        finding.kind,
        finding.stated,
        finding.claimed,
    )
    # The county is part of an address, and two of three at one address are that as well.
    elsewhere = site(1, place=place, address="示例路9号", division_code="310101")
    assert [("SAME_PLACE", ("1", "2"), "longitude_e6")] == found(sites[0], elsewhere)
    assert [
        ("SAME_ADDRESS", ("2", "3"), "address"),
        ("SAME_PLACE", ("1", "2", "3"), "longitude_e6"),
    ] == found(*sites, site(3, place=place, address="示例路9号"))


def test_same_name() -> None:
    """One name in whatever width is one name."""
    assert [("SAME_NAME", ("1", "2"), "name")] == found(
        site(1, name="示例养老院（一）"), site(2, name="示例养老院(一)")
    )


def test_the_closed_are_compared_with_nobody() -> None:
    """A closed institution may stand where its successor stands, in a division of its time."""
    closed = site(1, name="示例", address="示例路1号", division_code="310103", is_closed=True)
    assert [] == found(closed, site(2, name="示例", address="示例路1号"))


@pytest.mark.parametrize(
    "code, expected",
    [
        ("310103", "310101"),
        ("310103001", "310101"),
        ("341400", "340100 340200 340500"),
        ("310101", None),
        ("310115", None),
    ],
)
def test_abolished_divisions(code: str, expected: str | None) -> None:
    """A division that is no more is reported with who took it over."""
    findings = register_findings([site(division_code=code)], on_date=TODAY)
    assert ([] if expected is None else [(code, expected)]) == [
        (each.stated, each.claimed) for each in findings
    ]


def test_a_division_is_abolished_from_its_day_on() -> None:
    """卢湾 was no more from 2011-06-08 on."""
    luwan = site(division_code="310103")
    assert [] == found(luwan, on_date=date(2011, 6, 7))
    assert 1 == len(found(luwan, on_date=date(2011, 6, 8)))


def test_codes_of_development_zones() -> None:
    """苏州工业园区 has a code of statisticians, which is no division."""
    zone = site(institution_id="320000-1", division_code="320576")
    assert [("DIVISION_STATISTICAL", ("1",), "division_code")] == found(zone)


def test_streets_without_a_code() -> None:
    """A street that is named, and of which no table knew the code; not where none is named."""
    assert [("STREET_UNKNOWN", ("1",), "street")] == found(
        site(division_code="310105", street="示例镇")
    )
    assert [] == found(site(division_code="310105"))


@pytest.mark.parametrize(
    "attribute, value, stated, kind",
    [
        ("approved_beds", "100", "100", None),
        ("approved_beds", "120", "100", reg_pb.DISAGREEMENT_KIND_CLAIM),
        ("name", "示例(一)", "示例（一）", None),
        ("open_beds", "3", "", reg_pb.DISAGREEMENT_KIND_CLAIM_ONLY),
        ("open_beds", "3", None, reg_pb.DISAGREEMENT_KIND_CLAIM_ONLY),
    ],
)
def test_claims(attribute: str, value: str, stated: str | None, kind: int | None) -> None:
    """A claim is reported that says something else, or something where the owner says nothing."""
    claim = Claimed(
        institution_id="310000-1",
        attribute=attribute,
        author="320000",
        source="MAP",
        value=value,
    )
    known = {} if stated is None else {("310000-1", attribute): stated}
    expected = [
        Finding(
            kind=kind,
            institution_ids=("310000-1",),
            attribute=attribute,
            stated=stated or "",
            claimed=value,
            author="320000",
            source="MAP",
        )
        for kind in (kind,)
        if kind is not None
    ]
    assert expected == claim_findings([claim], known)
