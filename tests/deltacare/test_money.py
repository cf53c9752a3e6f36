"""Amounts: exact or refused."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltacare.errors import Refusal
from deltacare.money import MAX_FEN, capital_yuan, check_fen, format_yuan, parse_fen, parse_yuan


@pytest.mark.parametrize(
    "text, fen",
    [
        ("0", 0),
        ("1234.50", 123_450),
        ("1,234.50", 123_450),
        ("¥1,234.5", 123_450),
        ("￥ 1234", 123_400),
        (" 12. ", 1_200),
        (".5", 50),
        ("+3", 300),
        ("0.010", 1),
        ("10000000000", MAX_FEN),
        (1234.5, 123_450),
        (0.07, 7),
        (1200, 120_000),
        (1.1e3, 110_000),
    ],
)
def test_yuan_are_read_exactly(text: str | float, fen: int) -> None:
    """Texts and cells that state whole fen are read."""
    assert fen == parse_yuan(text)


@pytest.mark.parametrize(
    "text, said",
    [
        ("", "missing"),
        ("  ", "missing"),
        ("12.345", "fraction of a fen"),
        ("0.001", "fraction of a fen"),
        (0.1 + 0.2, "fraction of a fen"),
        ("1E-3", "dropped the last digits"),
        ("-1", "negative"),
        ("1.23457E+11", "dropped the last digits"),
        ("1.2E+3", "dropped the last digits"),
        ("1.23E+05", "dropped the last digits"),
        ("1e3", "dropped the last digits"),
        ("1.2e-1", "dropped the last digits"),
        ("1e999", "dropped the last digits"),
        ("1e99", "dropped the last digits"),
        ("12,34", "not an amount"),
        ("1234,567", "not an amount"),
        ("1.2.3", "not an amount"),
        ("一百", "not an amount"),
        ("１２", "not an amount"),
        (".", "not an amount"),
        ("1_000", "not an amount"),
        ("0x10", "not an amount"),
        ("nan", "not an amount"),
        (float("nan"), "not an amount"),
        (float("inf"), "not an amount"),
        ("1" * 100, "not an amount"),
        ("10000000000.01", "beyond"),
        (True, "truth value"),
    ],
)
def test_what_is_not_whole_fen_is_refused(text: str | float, said: str) -> None:
    """Every other text or cell is refused, and the refusal says why."""
    with pytest.raises(Refusal, match=said):
        parse_yuan(text, field="amount")


@pytest.mark.parametrize("text", ["-5", "10000000000.01"])
def test_a_refusal_shows_what_was_written(text: str) -> None:
    """Yuan that are refused are shown as yuan, not as the fen they come to."""
    with pytest.raises(Refusal) as caught:
        parse_yuan(text)
    assert [text] == [violation.value for violation in caught.value.violations]


@pytest.mark.parametrize(
    "text, fen", [("123450", 123_450), ("123,450", 123_450), (7.0, 7), (1.2e3, 1_200)]
)
def test_fen_are_read_exactly(text: str | float, fen: int) -> None:
    """A column of fen is read as it stands."""
    assert fen == parse_fen(text)


@pytest.mark.parametrize("text", ["1.5", 1.5, "-3", "1.23457E+9", "1.2E+3", "1e3", "2e-1"])
def test_fractions_and_negatives_of_fen_are_refused(text: str | float) -> None:
    """A column of fen has no fractions and no negatives."""
    with pytest.raises(Refusal):
        parse_fen(text)


def test_negatives_pass_where_they_mean_something() -> None:
    """A position may be negative where the caller says so."""
    assert -150 == parse_yuan("-1.50", allow_negative=True)
    assert -150 == check_fen(-150, allow_negative=True)
    with pytest.raises(Refusal, match="beyond"):
        check_fen(-MAX_FEN - 1, allow_negative=True)


@given(st.integers(-MAX_FEN, MAX_FEN))
def test_what_is_formatted_reads_back(fen: int) -> None:
    """Formatting and reading are inverse to each other."""
    assert fen == parse_yuan(format_yuan(fen), allow_negative=True)


@given(st.integers(0, MAX_FEN))
def test_a_cell_of_yuan_reads_back(fen: int) -> None:
    """A binary number that a spreadsheet stores for an amount is read as that amount."""
    assert fen == parse_yuan(float(Decimal(fen) / 100))


@pytest.mark.parametrize(
    "fen, text", [(0, "0.00"), (5, "0.05"), (-5, "-0.05"), (123_456_789, "1,234,567.89")]
)
def test_yuan_are_grouped(fen: int, text: str) -> None:
    """People read thousands and two decimals."""
    assert text == format_yuan(fen)


@pytest.mark.parametrize(
    "fen, text",
    [
        # 《支付结算办法》 (银发〔1997〕393号), annex 1, rule 3; of two allowed forms
        # the one we write.
        (140_950, "人民币壹仟肆佰零玖元伍角整"),
        (600_714, "人民币陆仟零柒元壹角肆分"),
        (1_640_902, "人民币壹万陆仟肆佰零玖元零贰分"),
        (32_504, "人民币叁佰贰拾伍元零肆分"),
        (168_032, "人民币壹仟陆佰捌拾元叁角贰分"),
        (10_700_053, "人民币壹拾万零柒仟元伍角叁分"),
        # Further zeros and groups.
        (0, "人民币零元整"),
        (5, "人民币伍分"),
        (50, "人民币伍角整"),
        (100, "人民币壹元整"),
        (105, "人民币壹元零伍分"),
        (1_000, "人民币壹拾元整"),
        (1_000_500, "人民币壹万零伍元整"),
        (100_100_100, "人民币壹佰万零壹仟零壹元整"),
        (10_000_000_000, "人民币壹亿元整"),
        (10_000_000_100, "人民币壹亿零壹元整"),
        (100_000_000_000_000, "人民币壹万亿元整"),
        (100_010_000_000_000, "人民币壹万零壹亿元整"),
        (-120, "人民币负壹元贰角整"),
    ],
)
def test_capitals_follow_the_payment_rules(fen: int, text: str) -> None:
    """Vouchers carry the amount in capitals."""
    assert text == capital_yuan(fen)


_DIGIT = {c: i for i, c in enumerate("零壹贰叁肆伍陆柒捌玖")}
_UNIT = {"拾": 10, "佰": 100, "仟": 1_000}


def _read_capitals(text: str) -> int:
    """Return the fen of capitals, read in another way than they were written."""
    total = group = high = digit = 0
    for c in text.removeprefix("人民币").removesuffix("整"):
        if c in _DIGIT:
            digit = _DIGIT[c]
        elif c in _UNIT:
            group, digit = group + digit * _UNIT[c], 0
        elif c == "万":
            high, group, digit = high + (group + digit) * 10_000, 0, 0
        elif c == "亿":
            total, high, group, digit = (high + group + digit) * 10**8, 0, 0, 0
        elif c == "元":
            total, high, group, digit = (total + high + group + digit) * 100, 0, 0, 0
        elif c == "角":
            total, digit = total + digit * 10, 0
        elif c == "分":
            total, digit = total + digit, 0
    return total


@given(st.integers(0, 10**18 - 1))
def test_capitals_say_the_amount(fen: int) -> None:
    """Capitals read back to the amount, and hold no doubled zero."""
    text = capital_yuan(fen)
    assert fen == _read_capitals(text)
    assert "零零" not in text
