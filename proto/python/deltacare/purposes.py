"""Why personal data is asked for: a closed list, so that a purpose can be allowed and audited.

Free text would say too much and bind nobody. Which role may ask for which purpose is a right and
stands elsewhere; this module decides nothing.
"""

import enum
from difflib import get_close_matches

from deltacare.errors import invalid_field

__all__ = ["PURPOSE_FIELD", "Purpose"]

PURPOSE_FIELD = "deltacare-purpose"
"""Name under which a caller gives its purpose beside a call."""


class Purpose(enum.StrEnum):
    """Why a caller asks for personal data; the name travels."""

    ENROLMENT = "ENROLMENT"
    CARE_PLACEMENT = "CARE_PLACEMENT"
    SETTLEMENT = "SETTLEMENT"
    DISPUTE = "DISPUTE"
    HOLDER_CHECK = "HOLDER_CHECK"
    CERTIFICATION = "CERTIFICATION"
    SUPERVISION = "SUPERVISION"
    SUBJECT_REQUEST = "SUBJECT_REQUEST"
    ERASURE = "ERASURE"

    @property
    def zh(self) -> str:
        """What it is, in Chinese."""
        return _TEXTS[self][0]

    @property
    def en(self) -> str:
        """What it is, in English."""
        return _TEXTS[self][1]

    @classmethod
    def parse(cls, text: str, *, field: str = PURPOSE_FIELD) -> "Purpose":
        """Return the purpose of a name.

        Raises:
            Refusal: ``INVALID_FIELD``, naming those spelled alike, or all. What was given is not
                repeated: it may hold anything.
        """
        try:
            return cls(text)
        except ValueError:
            near = get_close_matches(text.upper()[:64], list(cls), n=3) or list(cls)
            raise invalid_field(
                field, "", "There is no such purpose.", f"Use one of {', '.join(near)}."
            ) from None


_TEXTS = {
    Purpose.ENROLMENT: ("办理异地备案", "Enrolling an elder with a host."),
    Purpose.CARE_PLACEMENT: ("安排入住与照护", "Placing an elder in care."),
    Purpose.SETTLEMENT: ("办理结算", "Settling care that was given."),
    Purpose.DISPUTE: ("核实异议", "Examining a dispute."),
    Purpose.HOLDER_CHECK: (
        "核对持证人",
        "Comparing the holder of a certificate with the person who shows it.",
    ),
    Purpose.CERTIFICATION: ("办理资格认证", "Certifying a caregiver."),
    Purpose.SUPERVISION: ("实施监管", "Supervising an institution or a caregiver."),
    Purpose.SUBJECT_REQUEST: ("应本人要求", "The person asks for it."),
    Purpose.ERASURE: ("删除个人信息", "Erasing a person's values."),
}
