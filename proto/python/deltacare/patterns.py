"""Patterns of certificate numbers: a language so small that any of them is safe to run.

A province states the pattern of its numbers in its log, and every other node matches numbers
against it. A regular expression from somebody else's log could run for hours, so this is none:
literals, classes and bounded repetitions, one after another, without groups, alternatives or
backtracking. Matching keeps all places that a prefix of the pattern can reach as the bits of one
integer, so it takes at most `ATOMS_MAX` times `REPEAT_MAX` steps, whatever pattern and number are.

    pattern    = 1 to 32 of: atom, or atom and repetition
    atom       = a literal (capital letter, digit or hyphen) or a class
    class      = "[" 1 to 16 of: character, or character "-" character "]"
    repetition = "{" count "}" or "{" least "," most "}"

`C[0-9]{10}` is a C and ten digits; `[A-Z]{2}-[0-9]{4,8}` two letters, a hyphen, four to eight
digits. A pattern always means the whole number. A hyphen in a class stands first or last.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from string import ascii_uppercase, digits
from typing import Final

from deltacare.errors import Refusal, invalid_field

__all__ = ["ATOMS_MAX", "PATTERN_CHARS_MAX", "REPEAT_MAX", "NumberPattern"]

PATTERN_CHARS_MAX: Final = 128
ATOMS_MAX: Final = 32
REPEAT_MAX: Final = 32
"""As long as a number may be."""

_CLASS_ITEMS_MAX: Final = 16
_ALPHABET: Final = frozenset(ascii_uppercase + digits + "-")
_ALNUM: Final = digits + ascii_uppercase

# Only ever run on a pattern of at most 128 characters; it has no nested repetition.
_TOKEN = re.compile(
    r"(?:\[(?P<cls>[0-9A-Z-]{1,64})\]|(?P<lit>[0-9A-Z-]))"
    r"(?:\{(?P<least>[0-9]{1,2})(?:,(?P<most>[0-9]{1,2}))?\})?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class _Atom:
    """One step of a pattern: so many characters of a set."""

    chars: frozenset[str]
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class NumberPattern:
    """A pattern that was read.

    Attributes:
        text: as it was written.
        atoms: its steps.
    """

    text: str
    atoms: tuple[_Atom, ...]

    @classmethod
    def parse(cls, text: str, *, field: str = "number_pattern") -> "NumberPattern":
        """Return the pattern of a text.

        Raises:
            Refusal: ``INVALID_FIELD``, naming the place from which it cannot be read.
        """
        return _parse(text, field)

    def matches(self, number: str) -> bool:
        """Whether a number as a whole is of this pattern.

        Args:
            number: what stands after the province, such as ``C2025000123``.
        """
        if len(number) > REPEAT_MAX:
            return False
        # Bit i: the steps taken so far can end before the character at i.
        places = 1
        for atom in self.atoms:
            fits = 0
            for at, char in enumerate(number):
                if char in atom.chars:
                    fits |= 1 << at
            for _ in range(atom.least):
                places = (places & fits) << 1
            reached = places
            for _ in range(atom.most - atom.least):
                places = (places & fits) << 1
                if not places:
                    break
                reached |= places
            places = reached
            if not places:
                return False
        return bool(places >> len(number) & 1)


def _refuse(field: str, text: str, why: str) -> Refusal:
    return invalid_field(
        field,
        text[:PATTERN_CHARS_MAX],
        why,
        "Write capital letters, digits, hyphens and classes such as [0-9], each with how often it "
        "stands in braces.",
    )


@lru_cache(maxsize=1024)
def _parse(text: str, field: str) -> NumberPattern:
    """Return the pattern of a text; the same few are asked for again and again."""
    if not 1 <= len(text) <= PATTERN_CHARS_MAX:
        raise _refuse(field, text, f"A pattern has 1 to {PATTERN_CHARS_MAX} characters.")
    atoms: list[_Atom] = []
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise _refuse(field, text, f"It cannot be read from character {at + 1} on.")
        chars = _chars(token["cls"], field, text) if token["cls"] else frozenset(token["lit"])
        least = 1 if token["least"] is None else int(token["least"])
        most = least if token["most"] is None else int(token["most"])
        if not least <= most <= REPEAT_MAX or not most:
            raise _refuse(
                field, text, f"A repetition is 1 to {REPEAT_MAX} times, the least before the most."
            )
        atoms.append(_Atom(chars, least, most))
        at = token.end()
    if len(atoms) > ATOMS_MAX:
        raise _refuse(field, text, f"It has {len(atoms)} steps, not 1 to {ATOMS_MAX}.")
    if sum(atom.least for atom in atoms) > REPEAT_MAX:
        raise _refuse(field, text, f"No number is so long: it has at most {REPEAT_MAX} characters.")
    return NumberPattern(text, tuple(atoms))


def _chars(inside: str, field: str, text: str) -> frozenset[str]:
    """Return the characters of a class.

    Args:
        inside: what stands between its brackets.
        field: for the refusal.
        text: for the refusal.
    """
    chars: set[str] = set()
    items = 0
    at = 0
    while at < len(inside):
        items += 1
        first = inside[at]
        is_range = at + 2 < len(inside) and inside[at + 1] == "-" and first != "-"
        if not is_range:
            if first == "-" and 0 < at < len(inside) - 1:
                raise _refuse(field, text, "A hyphen in a class stands first or last.")
            chars.add(first)
            at += 1
            continue
        last = inside[at + 2]
        if last == "-" or first.isdigit() != last.isdigit() or last < first:
            raise _refuse(field, text, f"{first}-{last} is no range of digits or letters.")
        chars.update(_ALNUM[_ALNUM.index(first) : _ALNUM.index(last) + 1])
        at += 3
    if items > _CLASS_ITEMS_MAX:
        raise _refuse(field, text, f"A class has {items} parts, not 1 to {_CLASS_ITEMS_MAX}.")
    return frozenset(chars)
