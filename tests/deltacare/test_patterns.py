"""Tests of the patterns of numbers: what they mean, what is refused, and that none runs long."""

import random
import re
import time

import pytest

from deltacare.errors import Refusal
from deltacare.patterns import REPEAT_MAX, NumberPattern


@pytest.mark.parametrize(
    "pattern, fits, fits_not",
    [
        ("C[0-9]{10}", ["C2025000123"], ["C202500012", "C20250001234", "D2025000123", ""]),
        ("C", ["C"], ["", "CC", "c"]),
        ("[A-Z]{2}-[0-9]{2,4}", ["AB-12", "ZZ-1234"], ["AB-1", "AB-12345", "AB12", "A1-12"]),
        ("[0-9A-F-]{0,3}9", ["9", "A-9", "9999"], ["AAAA9", "G9", "99999"]),
        ("[ACE]{1}[-0-9]", ["A-", "C7"], ["B7", "A"]),
        ("[3-5]{2}", ["34"], ["36", "23"]),
        ("[0-9]{32}", ["1" * 32], ["1" * 31, "1" * 33]),
        ("[0-9]{1,8}[0-9]{1,8}7", ["117", "1" * 16 + "7"], ["17", "1" * 17]),
    ],
)
def test_what_a_pattern_means(pattern: str, fits: list[str], fits_not: list[str]) -> None:
    """A pattern means the whole number, by literals, classes and bounded repetitions."""
    read = NumberPattern.parse(pattern)
    assert {**dict.fromkeys(fits, True), **dict.fromkeys(fits_not, False)} == {
        number: read.matches(number) for number in [*fits, *fits_not]
    }


@pytest.mark.parametrize(
    "pattern, why",
    [
        ("", "1 to 128"),
        ("A" * 129, "1 to 128"),
        ("A" * 33, "33 steps"),
        ("(A+)+", "from character 1"),
        ("A*", "from character 2"),
        ("A.", "from character 2"),
        ("A|B", "from character 2"),
        ("^A$", "from character 1"),
        ("[^A]", "from character 1"),
        ("[]", "from character 1"),
        ("[A", "from character 1"),
        ("\\d", "from character 1"),
        ("证", "from character 1"),
        ("A\0", "from character 2"),
        ("a", "from character 1"),
        ("A{}", "from character 2"),
        ("A{,3}", "from character 2"),
        ("A{1,}", "from character 2"),
        ("A{1}{2}", "from character 5"),
        ("A{0}", "1 to 32 times"),
        ("A{33}", "1 to 32 times"),
        ("A{3,2}", "1 to 32 times"),
        ("[0-9]{20}[0-9]{20}", "No number is so long"),
        ("[9-0]", "no range"),
        ("[0-Z]", "no range"),
        ("[A--]", "no range"),
        ("[A-B-C]", "first or last"),
        ("[" + "AB" * 9 + "]", "18 parts"),
    ],
)
def test_what_is_no_pattern(pattern: str, why: str) -> None:
    """Whatever else a regular expression knows is refused, with the place and the remedy."""
    with pytest.raises(Refusal) as caught:
        NumberPattern.parse(pattern, field="scheme.number_pattern")
    (violation,) = caught.value.violations
    assert "scheme.number_pattern" == violation.field
    assert why in violation.description
    assert "[0-9]" in violation.remedy


def test_the_same_as_an_expression_where_both_have_a_meaning() -> None:
    """On patterns and numbers made at random it says what ``re`` says."""
    draw = random.Random(2026)
    atoms = ["A", "-", "7", "[0-9]", "[A-C]", "[A-Z-]", "[0-37]"]
    counts = ["", "{2}", "{0,2}", "{1,3}"]
    agreed = set()
    for _ in range(3_000):
        text = "".join(draw.choice(atoms) + draw.choice(counts) for _ in range(draw.randint(1, 5)))
        number = "".join(draw.choice("AB7-03Z") for _ in range(draw.randint(0, 8)))
        expected = re.fullmatch(text, number) is not None
        assert expected == NumberPattern.parse(text).matches(number), (text, number)
        agreed.add(expected)
    assert {True, False} == agreed


def test_no_pattern_runs_long() -> None:
    """The worst that can be written is matched a thousand times within a second."""
    worst = NumberPattern.parse("[0-9A-Z-]{0,32}" * 7 + "[A-Z]{0,32}")
    number = "9" * (REPEAT_MAX - 1) + "-"
    start = time.perf_counter()
    for _ in range(1_000):
        assert worst.matches(number)
    assert time.perf_counter() - start < 1.0
    assert not worst.matches("9" * (REPEAT_MAX + 1))
