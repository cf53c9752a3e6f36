"""Made-up persons: whoever reads them sees that they are nobody.

The division 999999 exists in no table, so no identity number here can be a person's.
"""

__all__ = ["NAME", "NUMBER", "OTHER_NUMBER", "PHONE", "identity_number"]

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK = "10X98765432"

NAME = "虚构样本·甲某某"
PHONE = "000-0000-99887"


def identity_number(sequence: int, *, birth: str = "19000101") -> str:
    """Return a well-formed identity number of no division."""
    body = f"999999{birth}{sequence:03d}"
    total = sum(int(digit) * weight for digit, weight in zip(body, _WEIGHTS, strict=True))
    return body + _CHECK[total % 11]


NUMBER = identity_number(1)
OTHER_NUMBER = identity_number(2)
