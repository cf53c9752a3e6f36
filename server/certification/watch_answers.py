"""Writes what a stream of alerts says: an entry, a day that came, or where watching stands.

Nothing here reads or decides.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date
from typing import Final

from deltacare.errors import Refusal
from deltacare.ids import LogName
from deltacare.times import parse_date
from deltacare.v1.certification_service_pb2 import (
    CertificateAlert,
    CheckCertificationResponse,
    WatchCursor,
    WatchDay,
)
from server.certification.watch_days import DayChange
from server.certification.watch_values import Cursor, DayPlace
from server.certification.watching import Found

__all__ = [
    "FIRST_DAYS",
    "LAST_DAYS",
    "cursor_answer",
    "day_alert",
    "day_answer",
    "entry_alert",
    "first_day",
]

FIRST_DAYS: Final = {
    "agreement": "from_date",
    "agreement_answer": "effective_date",
    "certificate": "valid_from_date",
    "certificate_reinstatement": "effective_date",
    "certificate_revocation": "effective_date",
    "certificate_suspension": "effective_date",
    "equivalence": "from_date",
    "equivalence_end": "effective_date",
    "institution": "state_date",
    "measure_lift": "effective_date",
    "recognition_resumption": "effective_date",
    "recognition_suspension": "effective_date",
    "supervision_measure": "from_date",
}
"""First day of what a body says, by its name in an entry."""

LAST_DAYS: Final = {
    "agreement": "until_date",
    "certificate": "valid_until_date",
    "certificate_renewal": "valid_until_date",
    "certificate_suspension": "until_date",
    "equivalence": "until_date",
    "supervision_measure": "until_date",
}
"""Last day of what a body says, by its name in an entry."""


def cursor_answer(log: LogName, cursor: Cursor) -> WatchCursor:
    """Return a cursor as the contract has it."""
    return WatchCursor(
        log=str(log),
        next_index=cursor.next_index,
        next_permit_index=cursor.next_permit_index,
        after_certificate_no=cursor.after,
        after_permit_certificate_no=cursor.after_permit,
    )


def day_answer(place: DayPlace) -> WatchDay:
    """Return a place in the days as the contract has it."""
    return WatchDay(
        told_date=place.told_date.isoformat(),
        next_date=place.next_date.isoformat() if place.next_date else "",
        after_certificate_no=place.after,
    )


def entry_alert(
    log: LogName, found: Found, verdicts: Mapping[tuple[str, str], CheckCertificationResponse]
) -> CertificateAlert:
    """Return what is told of an entry.

    Args:
        log: whose it is.
        found: the entry, and what it touches.
        verdicts: what a check says, by certificate and day; the day is empty for the present one.
    """
    begins = first_day(found)
    alert = CertificateAlert(
        body=found.entry.WhichOneof("body") or "",
        effective_date=begins,
        until_date=_day(found, LAST_DAYS),
        entry_time=found.entry.entry_time,
        cursors=[cursor_answer(log, found.cursor)],
    )
    alert.entry.log, alert.entry.index = str(log), found.index
    issued = found.entry.certificate.certificate_no  # empty if it issues none
    for number, institution_ids in found.institutions.items():
        alert.certificates.add(
            certificate_no=number,
            institution_ids=institution_ids,
            verdict=verdicts[number, ""],
            superseded_by="" if number == issued else issued,
            coming_verdict=verdicts.get((number, begins)) if begins else None,
        )
    return alert


def day_alert(day: date, changes: Iterable[DayChange], place: DayPlace) -> CertificateAlert:
    """Return what is told of a day that came.

    Args:
        day: the day.
        changes: whose verdict is another, ascending.
        place: where to go on after this.
    """
    alert = CertificateAlert(day_cursor=day_answer(place))
    for each in changes:
        alert.day = day.isoformat()
        alert.certificates.add(
            certificate_no=each.certificate_no,
            institution_ids=each.institution_ids,
            verdict=each.verdict,
            previous_verdict=each.previous,
        )
    return alert


def first_day(found: Found) -> str:
    """Return the first day of what an entry says, empty if it names none."""
    return _day(found, FIRST_DAYS)


def _day(found: Found, fields: Mapping[str, str]) -> str:
    """Return a day that an entry names, from the field that its body has for it."""
    name = found.entry.WhichOneof("body") or ""
    if name not in fields:
        return ""
    text = str(getattr(getattr(found.entry, name), fields[name]))
    with suppress(Refusal):  # whatever a partner writes ends nobody's stream
        return parse_date(text).isoformat() if text else ""
    return ""
