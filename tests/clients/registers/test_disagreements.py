"""What a file alone shows not to fit together, and how that goes with what a node finds."""

from datetime import date

import pytest

from clients.language import using_language
from clients.registers.disagreements import (
    KINDS,
    disagreement_words,
    joined_disagreements,
    kind_name,
    local_disagreements,
)
from clients.registers.reader import Register, RegisterRow
from clients.registers.shipped import find_mapping
from deltacare.v1.entry_pb2 import INSTITUTION_STATE_CLOSED, Institution
from deltacare.v1.registry_service_pb2 import (
    DISAGREEMENT_KIND_CLAIM,
    DISAGREEMENT_KIND_SAME_ADDRESS,
    Disagreement,
    DisagreementKind,
)

TODAY = date(2026, 11, 22)


def found(*homes: Institution) -> list[tuple[str, list[str], str, str, str]]:
    """Return what a register of these institutions shows."""
    register = Register(
        mapping=find_mapping("shanghai"),
        rows=tuple(
            RegisterRow(number=number, institution=home, unread=frozenset())
            for number, home in enumerate(homes, start=2)
        ),
        findings=(),
        row_count=len(homes),
        fields=frozenset(),
    )
    return [
        (kind_name(each), list(each.institution_ids), each.attribute, each.stated, each.claimed)
        for each in local_disagreements(register, today=TODAY)
    ]


def home(number: int, **said: object) -> Institution:
    """Return an institution that nothing is wrong with, but for what is said."""
    return Institution(
        institution_id=f"310000-{number}",
        **{"division_code": "310113102", "name": f"编造{number}（测试用）", **said},  # type: ignore[arg-type]
    )


def test_sites_at_one_address() -> None:
    """By the address, width and spaces aside, or by the coordinates; one group is told once."""
    assert [("SAME_ADDRESS", ["310000-1", "310000-2"], "address", "编造路 1号", "")] == found(
        home(1, address="编造路 1号", longitude_e6=121_000_000, latitude_e6=31_000_000),
        home(2, address="编造路１号", longitude_e6=121_000_000, latitude_e6=31_000_000),
        home(3, address="编造路2号"),
    )
    assert [("SAME_ADDRESS", ["310000-1", "310000-2"], "longitude_e6", "5,6", "")] == found(
        home(1, longitude_e6=5, latitude_e6=6), home(2, longitude_e6=5, latitude_e6=6)
    )


def test_one_place_of_several_addresses() -> None:
    """It is of a kind of its own, with the addresses; spellings of one address are one."""
    place = {"longitude_e6": 5, "latitude_e6": 6}
    homes = [home(2, address="编造路2号", **place), home(1, address="编造路1号", **place)]
    assert [
        ("SAME_PLACE", ["310000-1", "310000-2"], "longitude_e6", "5,6", "编造路1号; 编造路2号")
    ] == found(*homes)
    homes[0].address = "上海市编造路1号"
    assert ["SAME_ADDRESS"] == [kind for kind, *_ in found(*homes)]


def test_one_name() -> None:
    """Two that operate under one name; one that has closed is no second."""
    twins = [home(1, name="编造"), home(2, name=" 编造")]
    assert [("SAME_NAME", ["310000-1", "310000-2"], "name", "编造", "")] == found(*twins)
    twins[1].state = INSTITUTION_STATE_CLOSED
    assert [] == found(*twins)


@pytest.mark.parametrize(
    "said, wanted",
    [
        (
            {"division_code": "310108"},
            ("DIVISION_ABOLISHED", ["310000-1"], "division_code", "310108", "310106"),
        ),
        (
            {"division_code": "310171"},
            ("DIVISION_STATISTICAL", ["310000-1"], "division_code", "310171", ""),
        ),
        (
            {"division_code": "310113", "street": "江湾镇"},
            ("STREET_UNKNOWN", ["310000-1"], "street", "江湾镇", ""),
        ),
    ],
)
def test_divisions(said: dict[str, str], wanted: tuple[object, ...]) -> None:
    """Abolished, with its successor; of statisticians only; a street without a code."""
    assert [wanted] == found(home(1, **said))


def test_what_a_node_found_already() -> None:
    """Nothing is told twice, also where the node found more sites together."""
    wider = Disagreement(kind=DISAGREEMENT_KIND_SAME_ADDRESS, institution_ids=["a", "b", "c"])
    inside = Disagreement(kind=DISAGREEMENT_KIND_SAME_ADDRESS, institution_ids=["a", "b"])
    other = Disagreement(kind=DISAGREEMENT_KIND_SAME_ADDRESS, institution_ids=["a", "d"])
    assert (wider, other) == joined_disagreements([wider], [inside, other])


def test_every_kind_has_its_words() -> None:
    """In both languages, with what to do."""
    numbers = [number for number in DisagreementKind.values() if number]
    assert len(numbers) == len(KINDS)
    for number in numbers:
        each = Disagreement(kind=DisagreementKind.ValueType(number))
        with using_language("zh"):
            chinese = disagreement_words(each)
        assert all(chinese)
        assert all(disagreement_words(each))
        assert chinese != disagreement_words(each)
    assert "CLAIM" == kind_name(Disagreement(kind=DISAGREEMENT_KIND_CLAIM))
