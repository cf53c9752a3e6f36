"""The demonstration's caregivers: certificates, a verdict of each kind, a revocation with a watch.

Holders' names are invented and say so; they go to the node, which keeps a salted digest of each.
"""

import time
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from clients.demo.federation import DemoFailed, Federation, gather_all, until
from clients.demo.foundations import Calendar
from clients.demo.plan import CAREGIVERS_VALID
from clients.demo.scenario import PROVINCES, SCHEME
from deltacare.v1.certification_service_pb2 import (
    CheckCertificationRequest,
    CheckCertificationResponse,
    IssueCertificatesRequest,
    NewCertificate,
    RevokeCertificateRequest,
    SuspendCertificateRequest,
    Verdict,
)
from deltacare.v1.entry_pb2 import (
    CERTIFICATE_SUBJECT_CAREGIVER,
    Certificate,
    CertificateRevocation,
    CertificateSuspension,
)

__all__ = [
    "GRADES_RECOGNISED",
    "Judged",
    "Revoked",
    "caregiver_no",
    "certificate_no",
    "check_verdicts",
    "issue_certificates",
    "time_revocation",
]

GRADES_RECOGNISED: Final = ("三级", "四级", "二级")
_GRADE: Final = GRADES_RECOGNISED[0]
_GRADE_UNRECOGNISED: Final = "五级"

# Every third caregiver of a host comes from the next province and is recognised there.
_FOREIGN_EVERY = 3

# Numbers of the certificates that are not simply valid, after the valid ones.
_SPECIAL = ("revoked", "suspended", "expired", "future", "ungraded", "timed")
_WATCH_EVERY_S: Final = 0.005  # what is timed is shorter than a usual wait
_UNKNOWN_NUMBER = 99_999
_REASON = "DEMONSTRATION"
_TIMED_PROVINCE = PROVINCES[0]
_FILED_PROVINCE = PROVINCES[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A verdict that a node gave.

    Attributes:
        verdict: Such as ``VALID``.
        certificate: Its number.
        checker: Province whose node gave it.
        rule: Rule that decided.
    """

    verdict: str
    certificate: str
    checker: str
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked:
    """A revocation that was timed.

    Attributes:
        certificate: Its number.
        log: Where the revocation stands.
        index: Its entry.
        visible_s: By partner, seconds from the issuer's call until it answered ``REVOKED``.
    """

    certificate: str
    log: str
    index: int
    visible_s: dict[str, float]


def certificate_no(issuer: str, label: str, calendar: Calendar) -> str:
    """Return the number of a certificate by part and order, such as ``valid-3``."""
    part, _, order = label.partition("-")
    if part == "valid":
        number = int(order) + 1
    elif part == "unknown":
        number = _UNKNOWN_NUMBER
    else:
        number = CAREGIVERS_VALID + 1 + _SPECIAL.index(part)
    return f"{issuer}-C{calendar.facts_from.year}{number:05d}"


def caregiver_no(host: str, label: str, calendar: Calendar) -> str:
    """Return the certificate that a record at a host names; empty for none."""
    if not label:
        return ""
    part, _, order = label.partition("-")
    foreign = part == "valid" and int(order) % _FOREIGN_EVERY == 0
    return certificate_no(_next(host) if foreign else host, label, calendar)


def _next(province: str) -> str:
    return PROVINCES[(PROVINCES.index(province) + 1) % len(PROVINCES)]


def _holder(issuer: str, label: str) -> str:
    """Return a holder's name, which nobody can have."""
    return f"样例护理员{issuer[:2]}{label.replace('-', '')}"


def _new(issuer: str, label: str, calendar: Calendar) -> NewCertificate:
    part = label.partition("-")[0]
    first, last = calendar.facts_from, calendar.today + timedelta(days=730)
    if part == "expired":
        last = calendar.month.first_date - timedelta(days=1)
    elif part == "future":
        first = calendar.today + timedelta(days=30)
    return NewCertificate(
        certificate=Certificate(
            certificate_no=certificate_no(issuer, label, calendar),
            subject=CERTIFICATE_SUBJECT_CAREGIVER,
            scheme=SCHEME,
            grade=_GRADE_UNRECOGNISED if part == "ungraded" else _GRADE,
            valid_from_date=first.isoformat(),
            valid_until_date=last.isoformat(),
        ),
        holder_name=_holder(issuer, label),
    )


async def issue_certificates(federation: Federation, calendar: Calendar) -> None:
    """Issue every province's certificates, suspend one and revoke one."""
    labels = [f"valid-{order}" for order in range(CAREGIVERS_VALID)]
    labels += [f"{part}-0" for part in _SPECIAL]

    async def issue(issuer: str) -> None:
        certification = federation.nodes[issuer].certification
        duty = federation.duty(issuer, "certification")
        issued = await federation.write(
            certification.IssueCertificates,
            IssueCertificatesRequest(
                request_id=federation.request_id("certificates", issuer),
                duty=duty,
                certificates=[_new(issuer, label, calendar) for label in labels],
            ),
        )
        suspended = await federation.write(
            certification.SuspendCertificate,
            SuspendCertificateRequest(
                request_id=federation.request_id("suspension", issuer),
                duty=duty,
                suspension=CertificateSuspension(
                    certificate_no=certificate_no(issuer, "suspended-0", calendar),
                    effective_date=calendar.today.isoformat(),
                    reason=_REASON,
                ),
            ),
        )
        before_month = calendar.month.first_date - timedelta(days=1)
        revoked = await federation.write(
            certification.RevokeCertificate,
            _revocation(federation, issuer, "revoked-0", calendar, before_month),
        )
        federation.note(issued.appended, suspended.appended, revoked.appended)

    await federation.each(issue)


def _revocation(
    federation: Federation, issuer: str, label: str, calendar: Calendar, effective: date
) -> RevokeCertificateRequest:
    return RevokeCertificateRequest(
        request_id=federation.request_id("revocation", issuer, label),
        duty=federation.duty(issuer, "certification"),
        revocation=CertificateRevocation(
            certificate_no=certificate_no(issuer, label, calendar),
            effective_date=effective.isoformat(),
            reason=_REASON,
        ),
    )


# What is asked of each issuer's certificates in the next province: expected verdict, which
# certificate, and whether the right holder shows it.
_QUESTIONS = (
    ("VALID", "valid-0", True),
    ("SUSPENDED", "suspended-0", True),
    ("REVOKED", "revoked-0", True),
    ("EXPIRED", "expired-0", True),
    ("NOT_YET_VALID", "future-0", True),
    ("NOT_RECOGNISED_HERE", "ungraded-0", True),
    ("HOLDER_MISMATCH", "valid-1", False),
    ("UNKNOWN", "unknown-0", True),
)


async def check_verdicts(federation: Federation, calendar: Calendar) -> tuple[Judged, ...]:
    """Ask every province of the certificates of another, one for each verdict.

    Raises:
        DemoFailed: If a verdict is another than the one that is due.
    """

    async def ask(issuer: str, due: str, label: str, is_holder: bool) -> Judged:  # noqa: FBT001  # a row of the table
        number = certificate_no(issuer, label, calendar)
        checker = _next(issuer)
        answered = await _check(
            federation,
            checker,
            number,
            _holder(issuer, label) if is_holder else _holder(issuer, "other-0"),
            is_filed=issuer == _FILED_PROVINCE,
        )
        verdict = _verdict(answered)
        if verdict != due:
            raise DemoFailed(
                f"{checker} says {verdict} ({answered.rule}) of {number}; {due} is due."
            )
        if issuer == _FILED_PROVINCE:
            federation.verdicts[f"{verdict}-{number}"] = answered.evidence
        return Judged(verdict=verdict, certificate=number, checker=checker, rule=answered.rule)

    judged = await gather_all(
        ask(issuer, *question) for issuer in PROVINCES for question in _QUESTIONS
    )
    return tuple(judged)


async def time_revocation(federation: Federation, calendar: Calendar) -> Revoked:
    """Revoke a certificate that is good everywhere, and time each partner's first ``REVOKED``.

    Raises:
        DemoFailed: If it was not good before, or a partner does not hear of it.
    """
    issuer = _TIMED_PROVINCE
    number = certificate_no(issuer, "timed-0", calendar)
    partners = [province for province in PROVINCES if province != issuer]
    for partner in partners:
        verdict = _verdict(await _check(federation, partner, number, _holder(issuer, "timed-0")))
        if verdict != "VALID":
            raise DemoFailed(f"{partner} says {verdict} of {number} before it is revoked.")
    begun_s = time.monotonic()

    async def watch(partner: str) -> float:
        async def look() -> float | None:
            answered = await _check(federation, partner, number, "")
            return time.monotonic() - begun_s if _verdict(answered) == "REVOKED" else None

        return await until(f"{partner} to answer REVOKED", look, every_s=_WATCH_EVERY_S)

    revoked = await federation.nodes[issuer].certification.RevokeCertificate(
        _revocation(federation, issuer, "timed-0", calendar, calendar.today)
    )
    federation.note(revoked.appended)
    seconds = await gather_all(watch(partner) for partner in partners)
    return Revoked(
        certificate=number,
        log=revoked.appended.log,
        index=revoked.appended.first_index,
        visible_s=dict(zip(partners, seconds, strict=True)),
    )


async def _check(
    federation: Federation, checker: str, number: str, holder: str, *, is_filed: bool = False
) -> CheckCertificationResponse:
    """Check a certificate, perhaps with the verdict file, which waits for its cosignatures."""
    request = CheckCertificationRequest(
        certificate_no=number, holder_name=holder, evidence=is_filed
    )
    check = federation.nodes[checker].certification.CheckCertification
    return await (federation.write(check, request) if is_filed else check(request))


def _verdict(answered: CheckCertificationResponse) -> str:
    return Verdict.Name(answered.verdict).removeprefix("VERDICT_")
