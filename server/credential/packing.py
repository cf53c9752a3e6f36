"""Fits what is said of issuers into what one message carries, so that none takes another's room.

Each issuer has an equal share of the room, and those who need more share what the others leave. Of
whoever does not fit in it, the kinds that need most are said to be stale; if that is not enough,
the issuer is left out by name. Pure: sizes in, a choice out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from deltacare.credential.bundle import ClassAnswer, NumberAnswer, json_bytes
from deltacare.credential.kinds import KindWithoutOffice, kind_of
from server.credential.answers import Said
from server.credential.kinds import stale_answer

__all__ = ["Fitted", "Part", "fit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What could be said of an issuer.

    Attributes:
        issuer: Province.
        lists_bytes: What its lists take.
        said: Of kinds and certificates.
        days: On which.
    """

    issuer: str
    lists_bytes: int
    said: Said
    days: Sequence[date]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """What is said of an issuer.

    Attributes:
        classes: Of kinds.
        numbers: Of single certificates.
        stale_kinds: Kinds of which too much would have to be said.
    """

    classes: tuple[ClassAnswer, ...]
    numbers: tuple[NumberAnswer, ...]
    stale_kinds: tuple[KindWithoutOffice, ...] = ()


def fit(parts: Iterable[Part], *, free_bytes: int) -> Mapping[str, Fitted]:
    """Return what is said of the issuers of whom enough can be said; the others are missing.

    Args:
        parts: one for each issuer.
        free_bytes: what all may take together.
    """
    sized = sorted(
        ((_size(part), part) for part in parts if part.said.numbers is not None),
        key=lambda each: (each[0], each[1].issuer),
    )
    found: dict[str, Fitted] = {}
    for place, (size, part) in enumerate(sized):
        # Whoever came before needs no more than whoever comes after: what they leave is shared.
        fitted = _fit_one(part, size, free_bytes // (len(sized) - place))
        if fitted is not None:
            taken, found[part.issuer] = fitted
            free_bytes -= taken
    return found


def _size(part: Part) -> int:
    said = part.said
    return part.lists_bytes + said.numbers_bytes + sum(said.classes_bytes.values())


def _fit_one(part: Part, size: int, share: int) -> tuple[int, Fitted] | None:
    """Return what fits into a share, and what that takes."""
    numbers, sizes = part.said.numbers, part.said.classes_bytes
    assert numbers is not None, "what cannot be said at all was left out"
    if size <= share:
        return size, Fitted(classes=part.said.classes, numbers=numbers)
    stale: list[KindWithoutOffice] = []
    for kind in sorted(sizes, key=lambda each: (-sizes[each], each)):
        stale.append(kind)
        size -= sizes[kind] - json_bytes(stale_answer(kind, part.days))
        if size <= share:
            break
    else:
        return None
    left = frozenset(stale)
    classes = [each for each in part.said.classes if kind_of(each) not in left]
    classes += [stale_answer(kind, part.days) for kind in sorted(stale)]
    return size, Fitted(classes=tuple(classes), numbers=numbers, stale_kinds=tuple(sorted(stale)))
