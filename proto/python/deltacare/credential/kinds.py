"""Finds what a bundle says of a kind of certificate: by the office that issued it, or a wider one.

An answer under a province's code speaks of all its offices, one under a city's of all within the
city, unless the bundle has an answer of the same kind for a narrower one. So a bundle does not grow
with the offices that issue. What is not named at all is for whoever asks to deny.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from deltacare.credential.bundle import ClassAnswer

__all__ = ["KindTable", "KindWithoutOffice", "kind_of", "offices"]

_DIVISION = re.compile(r"[1-9][0-9]{5}", re.ASCII)
_PROVINCE_CHARS = 2
_CITY_CHARS = 4


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class KindWithoutOffice:
    """What certificates have in common that rules treat alike, whichever office issued them.

    Attributes:
        issuer: Province.
        subject: ``CAREGIVER`` or ``INSTITUTION``.
        scheme: Scheme of the issuer.
        grade: Grade within it.
    """

    issuer: str
    subject: str
    scheme: str
    grade: str


def offices(issuer: str, division: str) -> tuple[str, ...]:
    """Return a division and those of its issuer that are wider, the narrowest first.

    Args:
        issuer: Province.
        division: Office, six digits; of one elsewhere, or of what is no division, nothing is wider.
    """
    if not _DIVISION.fullmatch(division) or division[:_PROVINCE_CHARS] != issuer[:_PROVINCE_CHARS]:
        return (division,)
    return tuple(dict.fromkeys((division, division[:_CITY_CHARS] + "00", issuer)))


class KindTable:
    """Answers about kinds, to be looked up.

    Args:
        answers: As a bundle has them.
    """

    __slots__ = ("_answers",)

    def __init__(self, answers: Iterable[ClassAnswer]) -> None:
        self._answers: dict[tuple[KindWithoutOffice, str], list[ClassAnswer]] = {}
        for each in answers:
            self._answers.setdefault((kind_of(each), each.division), []).append(each)

    def on(self, kind: KindWithoutOffice, division: str, day: date) -> ClassAnswer | None:
        """Return what is said of certificates that an office issued, on a day.

        The narrowest office that is named decides, also if it has no answer for the day.
        """
        for office in offices(kind.issuer, division):
            found = self._answers.get((kind, office))
            if found is not None:
                return next((e for e in found if e.from_date <= day <= e.until_date), None)
        return None


def kind_of(answer: ClassAnswer) -> KindWithoutOffice:
    """Return what an answer speaks of, whichever office issued it."""
    return KindWithoutOffice(
        issuer=answer.issuer, subject=answer.subject, scheme=answer.scheme, grade=answer.grade
    )
