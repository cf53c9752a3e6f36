"""How names are searched: folded, and by the ways in which they can be read aloud.

A name is typed as it stands, in part, in full pinyin or by the first letters of its syllables.
Many characters have several readings (长 is ``zhang`` in 长者 and ``chang`` in 长宁), and who types
does not always think of the right one; so a name is kept under several readings, the likeliest
first, up to a bound. Pure but for the table of readings, which is loaded at first use.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import combinations, islice, product
from typing import Any

from deltacare.institutions import fold_text

__all__ = ["NameKeys", "fold_query", "name_fit", "name_keys"]

_PINYIN_MAX = 8
_INITIALS_MAX = 64
# Readings of one character that are looked at; the rest are of old books.
_READINGS_MAX = 3
_CHARACTERS_KEPT = 8_192
_SYLLABLE_BREAK = "'"
_READING_BREAK = " "

NameKeys = tuple[str, str, str]
"""What a name is found by: folded; readings in full; readings by first letters."""


# What the library calls for characters without a reading: it takes a list, its types do not.
_one_by_one: Any = list


def _is_chinese(character: str) -> bool:
    return "\u4e00" <= character <= "\u9fff" or "\u3400" <= character <= "\u4dbf"


@lru_cache(maxsize=_CHARACTERS_KEPT)
def _readings_of(character: str) -> tuple[str, ...]:
    """Return how a character may be read by itself; empty if no table knows it."""
    from pypinyin import Style, pinyin, pinyin_dict

    if not _is_chinese(character) or ord(character) not in pinyin_dict.pinyin_dict:
        return ()
    (readings,) = pinyin(character, style=Style.NORMAL, heteronym=True)
    return tuple(readings)


def _readings(name: str) -> list[tuple[str, ...]]:
    """Return for each character of a folded name how it may be read, the likeliest first.

    Letters and digits are read as they stand; everything else is left out.
    """
    from pypinyin import Style, pinyin

    # Whole phrases tell the likeliest reading. What has none comes back as it is, one by one.
    phrased = [each[0] for each in pinyin(name, style=Style.NORMAL, errors=_one_by_one)]
    found: list[tuple[str, ...]] = []
    for place, character in enumerate(name):
        others = _readings_of(character)
        if others:
            # Were they ever not one for each character, each is read by itself.
            first = phrased[place] if len(phrased) == len(name) else others[0]
            found.append(tuple(dict.fromkeys((first, *others)))[:_READINGS_MAX])
        elif character.isascii() and character.isalnum():
            found.append((character,))
    return found


def _choices(options: Sequence[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """Yield one choice for each place: first the first of all, then with more and more others."""
    first = [each[0] for each in options]
    free = [place for place, each in enumerate(options) if len(each) > 1]
    for changed in range(len(free) + 1):
        for places in combinations(free, changed):
            for others in product(*(options[place][1:] for place in places)):
                chosen = list(first)
                for place, other in zip(places, others, strict=True):
                    chosen[place] = other
                yield tuple(chosen)


def name_keys(name: str) -> NameKeys:
    """Return what a name is found by."""
    folded = fold_text(name)
    readings = _readings(folded)
    if not readings:
        return folded, "", ""
    initials = [tuple(dict.fromkeys(each[0] for each in options)) for options in readings]
    return (
        folded,
        _READING_BREAK.join(
            _SYLLABLE_BREAK.join(each) for each in islice(_choices(readings), _PINYIN_MAX)
        ),
        _READING_BREAK.join("".join(each) for each in islice(_choices(initials), _INITIALS_MAX)),
    )


def fold_query(query: str) -> tuple[str, str]:
    """Return a query as it is compared with folded names, and with readings.

    The second is empty where the query cannot be a reading. Breaks between syllables may be typed
    or left out, and ``ü`` is typed ``v``.
    """
    folded = fold_text(query)
    spoken = folded.replace("ü", "v").replace("'", "").replace("’", "").replace("-", "")
    return folded, spoken if spoken.isascii() and spoken.isalnum() else ""


def _joined(reading: str) -> str:
    """Return a reading without breaks."""
    return reading.replace(_SYLLABLE_BREAK, "")


def _inside(reading: str, spoken: str) -> bool:
    """Whether what was typed begins at a syllable of a reading and runs on from there."""
    whole = _joined(reading)
    start = 0
    for syllable in reading.split(_SYLLABLE_BREAK):
        if whole.startswith(spoken, start):
            return True
        start += len(syllable)
    return False


def name_fit(keys: NameKeys, folded: str, spoken: str) -> int | None:
    """Return how well a query fits a name, 0 for best; ``None`` if it does not.

    Args:
        keys: of the name.
        folded: the query, not empty.
        spoken: the query as a reading; empty if it is none.
    """
    name, pinyin, initials = keys
    if folded in name:
        return 0 if folded == name else 1 if name.startswith(folded) else 2
    if not spoken:
        return None
    short = initials.split(_READING_BREAK)
    full = [each for each in pinyin.split(_READING_BREAK) if spoken in _joined(each)]
    starts = [_joined(each) for each in full if _joined(each).startswith(spoken)]
    if spoken in starts or spoken in short:
        return 3
    if starts or any(each.startswith(spoken) for each in short):
        return 4
    if any(_inside(each, spoken) for each in full):
        return 5
    return 6 if any(spoken in each for each in short) else None
