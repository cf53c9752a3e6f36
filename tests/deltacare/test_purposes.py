"""Tests of purposes: a closed list, in two languages, and nothing that was given is repeated."""

import pytest

from deltacare.errors import Reason, Refusal
from deltacare.purposes import PURPOSE_FIELD, Purpose


@pytest.mark.parametrize("purpose", list(Purpose))
def test_every_purpose(purpose: Purpose) -> None:
    """A purpose is its name on the wire, and says what it is in Chinese and English."""
    assert purpose is Purpose.parse(purpose.value)
    assert purpose.name == purpose.value
    assert any("\u4e00" <= char <= "\u9fff" for char in purpose.zh)
    assert purpose.en.isascii()
    assert purpose.en.endswith(".")


@pytest.mark.parametrize(
    "text", ["", "settlement", "SETTLEMENT ", "CURIOSITY", "310101194910010014", "x" * 100_000]
)
def test_what_is_no_purpose(text: str) -> None:
    """Refused by field with those that exist; the text may be personal and is not shown."""
    with pytest.raises(Refusal) as caught:
        Purpose.parse(text)
    assert Reason.INVALID_FIELD is caught.value.reason
    (violation,) = caught.value.violations
    assert (PURPOSE_FIELD, "") == (violation.field, violation.value)
    assert any(purpose in violation.remedy for purpose in Purpose)
    if text.strip():
        assert text not in str(caught.value).replace("SETTLEMENT", "")
