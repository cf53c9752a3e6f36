"""A check that could be read: what is asked, of which certificate, where, when and of whom.

Holds what a person said of himself for as long as the question lasts; nothing logs or stores it.
"""

from dataclasses import dataclass
from datetime import date, datetime

__all__ = ["Question"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A check that could be read.

    Attributes:
        certificate_no: the certificate.
        issuer: province in its number.
        host: division where it should count, canonical, in a member province.
        on_date: day it should be good for.
        known_time: moment whose facts are used; ``None`` means now.
        holder_name: who shows it; empty if the name is not asked for.
        identity_number: of who shows it, well formed; empty if it is not asked for.
    """

    certificate_no: str
    issuer: str
    host: str
    on_date: date
    known_time: datetime | None
    holder_name: str
    identity_number: str = ""

    @property
    def compared(self) -> tuple[str, ...]:
        """What of the holder is asked for, ascending."""
        asked = (("identity_number", self.identity_number), ("name", self.holder_name))
        return tuple(name for name, value in asked if value)
