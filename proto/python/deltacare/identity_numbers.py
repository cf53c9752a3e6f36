"""Finds resident identity numbers inside other texts, so that none gets into a log.

A log forgets nothing and is mirrored, so its author asks before it writes, of every text: ids,
codes, numbers and references, names and addresses too. Nothing is looked up, and nobody's word on
what is in a log already depends on it: an entry is void by its own rules only.

What is sought is narrower than what `parse_identity_number` accepts, because long runs of digits
are often innocent. A number of 18 characters is sought in every window of a run of digits, also
through separators. A random run of digits hits in 1 of about 40,000 windows. A number of 15 digits
(issued until 1999) has no check digit: a random run of just 15 digits hits in 1 of about 60, and so
it is sought only where nobody numbers millions of things by machine. Numbers made of a date or a
time do not begin with the code of a province, those of a province and a date have no county, and
persons born after 2015 are neither elders nor caregivers. A county's code with a date until 2015
and a running number of four digits hits in 1 of 11: whoever numbers like that numbers otherwise.

Telephone numbers are not sought: eleven digits that begin with 13 to 19 stand in 1 of 15 windows
of random digits, so that most long numbers would be refused, and who has one still knows no name.
"""

import re
from datetime import date

from deltacare.errors import Refusal
from deltacare.ids import parse_identity_number

__all__ = ["holds_identity_number"]

_OLD_CHARS = 15
_BIRTH_YEAR_MIN = 1850
_BIRTH_YEAR_MAX = 2015
_OLD_CENTURY = "19"

# GB/T 2260: the provinces, 9 before one for foreigners who reside; 99, of no province, is what
# samples use. A county is never 0000.
_COUNTY = r"(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]|9[1-8]|99)(?!0000)[0-9]{4}"
_LONG = re.compile(rf"(?=({_COUNTY}(?:18|19|20)[0-9]{{9}}[0-9Xx]))", re.ASCII)
_OLD = re.compile(rf"(?<![0-9]){_COUNTY}([0-9]{{6}})[0-9]{{3}}(?![0-9])", re.ASCII)
_WIDE = str.maketrans("０１２３４５６７８９Ｘｘ", "0123456789Xx")
# 15 digits with nothing but separators between: few texts have that, and the rest cost one search.
_ANY_RUN = re.compile(r"[0-9０-９](?:[\s._/\\:·-]*[0-9０-９]){14}")
_SEPARATORS = re.compile(r"[\s._/\\:·-]+")


def holds_identity_number(text: str, *, old_form: bool = True) -> bool:
    """Whether an identity number stands anywhere in a text.

    Args:
        text: Any text.
        old_form: Whether a number of 15 digits counts as well.
    """
    if len(text) < _OLD_CHARS or not _ANY_RUN.search(text):
        return False
    plain = text.translate(_WIDE)
    joined = _SEPARATORS.sub("", plain)
    if any(_is_long(each) for each in _LONG.findall(joined)):
        return True
    spellings = {plain, joined}
    return old_form and any(_has_old(each) for each in spellings)


def _is_long(number: str) -> bool:
    """Whether 18 characters are the number of somebody who may be an elder or a caregiver."""
    if not _BIRTH_YEAR_MIN <= int(number[6:10]) <= _BIRTH_YEAR_MAX:
        return False
    try:
        parse_identity_number(number)
    except Refusal:
        return False
    return True


def _has_old(text: str) -> bool:
    """Whether a run of 15 digits has a date of birth where the old numbers had it."""
    return any(_is_date(_OLD_CENTURY + birth) for birth in _OLD.findall(text))


def _is_date(digits: str) -> bool:
    try:
        date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return False
    return True
