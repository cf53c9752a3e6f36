"""Every attribute of an institution has a Chinese name, and so has every value that is a code."""

import pytest

from clients.language import using_language
from clients.registers.attribute_words import attribute_name, value_words
from clients.registers.mapping import ATTRIBUTES as MAPPED
from deltacare.institutions import ATTRIBUTES
from deltacare.v1.entry_pb2 import Institution


def test_every_attribute_has_its_name() -> None:
    """Of the contract and of mappings; in English the name of the contract is the name."""
    names = {*ATTRIBUTES, *MAPPED, *(field.name for field in Institution.DESCRIPTOR.fields)}
    for name in names:
        with using_language("en"):
            assert name == attribute_name(name)
        with using_language("zh"):
            assert not attribute_name(name).isascii(), name


@pytest.mark.parametrize(
    "attribute", ["operation_mode", "provider_type", "state", "medical_facilities"]
)
def test_every_code_has_its_name(attribute: str) -> None:
    """As they are written, and as they are listed."""
    for code, number in MAPPED[attribute].choices.items():
        with using_language("en"):
            assert code == value_words(attribute, code)
        if number:
            with using_language("zh"):
                assert not value_words(attribute, code).isascii(), code


@pytest.mark.parametrize(
    "attribute, value, expected",
    [
        ("medical_facilities", "CLINIC,MEDICAL_ROOM:INSURED", "诊所、医务室（医保定点）"),
        ("longitude_e6", "118791840", "118.791840°"),
        ("longitude_e6", "121473667,31230525", "121.473667°，31.230525°"),
        ("longitude_e6", "far", "far"),
        ("state", "", ""),
        ("grades", "GB_T_37276=三级", "GB_T_37276=三级"),
        ("approved_beds", "120", "120"),
    ],
)
def test_values(attribute: str, value: str, expected: str) -> None:
    """Lists are listed, coordinates are degrees, all else stands as it is."""
    with using_language("zh"):
        assert expected == value_words(attribute, value)
    with using_language("en"):
        assert value == value_words(attribute, value)
