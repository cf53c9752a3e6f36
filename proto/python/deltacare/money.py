"""Amounts of money as whole fen, read exactly or not at all.

A subsidy that is off by one fen does not reconcile, so nothing here rounds: a text or a cell that
does not say a whole number of fen is refused with the remedy. There is no currency but CNY.
"""

import re
from decimal import Decimal

from deltacare.errors import invalid_field

__all__ = [
    "FEN_PER_YUAN",
    "MAX_FEN",
    "capital_yuan",
    "check_fen",
    "format_yuan",
    "parse_fen",
    "parse_yuan",
]

FEN_PER_YUAN = 100

# Ten billion yuan: far above any subsidy, and nine million such amounts still add up in 64 bits.
MAX_FEN = 1_000_000_000_000

_NUMBER = re.compile(
    r"(?P<sign>[+-]?)(?P<whole>\d{1,3}(?:,\d{3})+|\d*)(?:\.(?P<fraction>\d*))?"
    r"(?:[eE](?P<exponent>[+-]?\d{1,3}))?",
    re.ASCII,
)
_TEXT_CHARS_MAX = 64

_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("", "拾", "佰", "仟")
_GROUPS = ("", "万", "亿", "万亿")
_CAPITAL_FEN_MAX = 10 ** (4 * len(_GROUPS)) * FEN_PER_YUAN


def check_fen(
    value: int,
    *,
    field: str = "amount_fen",
    allow_negative: bool = False,
    written: str | float | None = None,
) -> int:
    """Return `value` if it may stand in a record.

    Args:
        value: Fen.
        field: The name that a refusal gives.
        allow_negative: Whether an amount below zero has a meaning here.
        written: What a refusal shows of it; ``None``: the fen.

    Raises:
        Refusal: ``INVALID_FIELD``, if negative where that means nothing, or beyond ``MAX_FEN``.
    """
    shown = value if written is None else written
    if value < 0 and not allow_negative:
        raise invalid_field(
            field, shown, "The amount is negative.", "File a reversal instead of a negative amount."
        )
    if abs(value) > MAX_FEN:
        raise invalid_field(
            field,
            shown,
            f"The amount is beyond {format_yuan(MAX_FEN)} yuan.",
            "Check that yuan were not entered as fen, or a digit twice.",
        )
    return value


def parse_fen(
    value: str | float, *, field: str = "amount_fen", allow_negative: bool = False
) -> int:
    """Return the fen of a text or spreadsheet cell that states fen.

    Args:
        value: Such as ``"123450"`` or the number of a cell; no text in scientific notation.
        field: The name that a refusal gives.
        allow_negative: Whether an amount below zero has a meaning here.

    Raises:
        Refusal: ``INVALID_FIELD``, if it is not exactly a whole number of fen in range.
    """
    exact = _exact(value, field)
    if exact != exact.to_integral_value():
        raise invalid_field(
            field, value, "The amount has a fraction of a fen.", "State whole fen: 100 to a yuan."
        )
    return check_fen(int(exact), field=field, allow_negative=allow_negative, written=value)


def parse_yuan(
    value: str | float, *, field: str = "amount_yuan", allow_negative: bool = False
) -> int:
    """Return the fen of a text or spreadsheet cell that states yuan.

    Args:
        value: Such as ``"1,234.50"``, ``"¥1234.5"`` or the number of a cell; no text in scientific
            notation.
        field: The name that a refusal gives.
        allow_negative: Whether an amount below zero has a meaning here.

    Raises:
        Refusal: ``INVALID_FIELD``, if it is not exactly a whole number of fen in range.
    """
    exact = _exact(value, field).scaleb(2)
    if exact != exact.to_integral_value():
        raise invalid_field(
            field,
            value,
            "The amount has a fraction of a fen.",
            "State yuan with at most two decimals.",
        )
    return check_fen(int(exact), field=field, allow_negative=allow_negative, written=value)


def _exact(value: str | float, field: str) -> Decimal:
    """Return the number that a text or cell states, without rounding."""
    if isinstance(value, bool):
        raise invalid_field(field, value, "This is a truth value, not an amount.")
    # A cell's binary number is taken as its shortest decimal, which is what a clerk typed.
    text = value if isinstance(value, str) else repr(value)
    text = text.strip().removeprefix("¥").removeprefix("￥").strip()
    remedy = "Write digits with at most one decimal point, such as 1234.50."
    if not text:
        raise invalid_field(field, value, "The amount is missing.", remedy)
    match = _NUMBER.fullmatch(text) if len(text) <= _TEXT_CHARS_MAX else None
    if match is None or not (match["whole"] or match["fraction"]):
        raise invalid_field(field, value, "This is not an amount.", remedy)
    if isinstance(value, str) and match["exponent"]:
        # A spreadsheet shows as many digits as the cell's format has: 1.23E+05 may be 123,450.
        raise invalid_field(
            field,
            value,
            "Scientific notation may have dropped the last digits of the amount.",
            "Write all its digits; in a spreadsheet, format the column as a number or as text.",
        )
    whole, fraction = match["whole"].replace(",", ""), match["fraction"] or ""
    exponent = int(match["exponent"] or "0")
    if abs(exponent) > _TEXT_CHARS_MAX:
        raise invalid_field(field, value, "The exponent is out of range.", remedy)
    sign = -1 if match["sign"] == "-" else 1
    return sign * Decimal(int(whole + fraction)).scaleb(exponent - len(fraction))


def format_yuan(fen: int) -> str:
    """Return an amount as people read it: ``1,234.50``; a minus sign in front where negative."""
    yuan, rest = divmod(abs(fen), FEN_PER_YUAN)
    return f"{'-' if fen < 0 else ''}{yuan:,}.{rest:02d}"


def capital_yuan(fen: int) -> str:
    """Return an amount in the capital characters that Chinese vouchers require.

    Follows 《支付结算办法》 annex 1: 元 is followed by 整 where there is no 角 or 分, a run of
    zeros is one 零, and 零 stands for a missing 角 before 分.

    Args:
        fen: The amount; its absolute value below ten quadrillion yuan.

    Returns:
        Such as ``人民币壹仟贰佰叁拾肆元伍角整``; ``人民币负…`` where negative.
    """
    assert abs(fen) < _CAPITAL_FEN_MAX, "the amount has no capital form"
    yuan, rest = divmod(abs(fen), FEN_PER_YUAN)
    jiao, cents = divmod(rest, 10)
    text = "人民币" + ("负" if fen < 0 else "")
    if yuan or not rest:
        text += (_capital_integer(yuan) or _DIGITS[0]) + "元"
    if not rest:
        return text + "整"
    if jiao:
        text += _DIGITS[jiao] + "角"
    elif yuan:
        text += _DIGITS[0]
    return text + (_DIGITS[cents] + "分" if cents else "整")


def _capital_integer(value: int) -> str:
    """Return a whole number in capitals, empty for zero."""
    text = ""
    pending_zero = False
    groups: list[int] = []
    while value:
        value, group = divmod(value, 10_000)
        groups.append(group)
    for power in range(len(groups) - 1, -1, -1):
        group = groups[power]
        if not group:
            pending_zero = bool(text)
            continue
        for place in range(3, -1, -1):
            digit = group // 10**place % 10
            if digit:
                text += (_DIGITS[0] if pending_zero else "") + _DIGITS[digit] + _PLACES[place]
                pending_zero = False
            else:
                pending_zero = bool(text)
        text += _unit(groups, power)
        pending_zero = pending_zero and power > 0
    return text


def _unit(groups: list[int], power: int) -> str:
    """Return the unit after a group of four digits; 万亿 shares its 亿 with the group below."""
    if power == len(_GROUPS) - 1:
        return "万" if groups[power - 1] else "万亿"
    return _GROUPS[power]
