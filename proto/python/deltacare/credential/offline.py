"""Judges a phone certificate by a bundle that was verified: the same verdicts, without a network.

Fail closed: a list that ran out, a bundle that is too old, a clock that runs behind the bundle, or
a place that the list does not have is ``STALE``; a kind of certificate that the bundle does not
name is ``NOT_RECOGNISED_HERE``; a holder who was asked for and is not shown is ``HOLDER_MISMATCH``.
A bundle's validity in time is decided here and nowhere else.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from deltacare.credential.bundle import BundleContent, ClassAnswer, NumberAnswer
from deltacare.credential.certificate import (
    PhoneCertificate,
    Question,
    ShownCertificate,
    open_certificate,
)
from deltacare.credential.jws import VerifyingKey
from deltacare.credential.kinds import KindTable, KindWithoutOffice
from deltacare.credential.status_list import Status, StatusListToken
from deltacare.errors import PeerFault
from deltacare.times import business_date

__all__ = ["OfflineVerdict", "TrustedBundle", "TrustedKey", "check_offline", "same_name"]

# Clocks of honest machines differ by seconds; minutes are somebody's mistake or lie.
_AHEAD_MAX = timedelta(minutes=5)
_SECOND = timedelta(seconds=1)
# The dot between the parts of a name is typed in many ways.
_NAME_DOTS = re.compile("[·•‧∙⋅・･.]")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedKey:
    """A key whose entry stands in its issuer's log, by the verifier's own policy.

    Attributes:
        key: The key.
        from_date: First day on which it signs.
        until_date: Last day; ``None`` while nothing replaces it.
    """

    key: VerifyingKey
    from_date: date
    until_date: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedBundle:
    """A bundle of which everything that is used was verified.

    Attributes:
        content: What the node says.
        keys: By issuer and id.
        lists: By issuer and number.
        faults: Why keys or lists of an issuer are not trusted, by issuer.
    """

    content: BundleContent
    keys: Mapping[str, Mapping[str, TrustedKey]]
    lists: Mapping[tuple[str, int], StatusListToken]
    faults: Mapping[str, PeerFault]
    _classes: KindTable = field(init=False, repr=False)
    _numbers: dict[str, list[NumberAnswer]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Index the answers."""
        numbers: dict[str, list[NumberAnswer]] = {}
        for other in self.content.numbers:
            numbers.setdefault(other.certificate_no, []).append(other)
        object.__setattr__(self, "_classes", KindTable(self.content.classes))
        object.__setattr__(self, "_numbers", numbers)

    def key(self, issuer: str, key_id: str, *, on_date: date) -> VerifyingKey | None:
        """Return a key that signs on a day; implements ``IssuerKeys``."""
        found = self.keys.get(issuer, {}).get(key_id)
        if found is None or on_date < found.from_date:
            return None
        return None if found.until_date is not None and on_date > found.until_date else found.key

    def about_number(self, certificate_no: str, day: date) -> NumberAnswer | None:
        """Return what is said of one certificate on a day."""
        found = self._numbers.get(certificate_no, ())
        return next((each for each in found if each.from_date <= day <= each.until_date), None)

    def about_class(self, kind: KindWithoutOffice, division: str, day: date) -> ClassAnswer | None:
        """Return what is said of a kind of certificates that an office issued, on a day."""
        return self._classes.on(kind, division, day)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineVerdict:
    """The answer.

    Attributes:
        verdict: Name of the verdict.
        rule: The rule that decided.
        shown: What the certificate says; ``None`` if it does not verify.
        on_date: Day for which it was asked: today.
        list_age_s: Seconds since the status list was signed; ``None`` if there is none.
        bundle_age_s: Seconds since the bundle was made.
        mapped_scheme: Scheme it counts as; with ``VALID``.
        mapped_grade: Grade it counts as; with ``VALID``.
        reason: Code of the reason that was given, if any.
        fault: Why it does not verify; ``None`` if it does.
    """

    verdict: str
    rule: str
    shown: ShownCertificate | None
    on_date: date
    list_age_s: int | None
    bundle_age_s: int
    mapped_scheme: str = ""
    mapped_grade: str = ""
    reason: str = ""
    fault: PeerFault | None = None

    @property
    def is_valid(self) -> bool:
        """Whether a person may be let to work on it."""
        return self.verdict == "VALID"


def same_name(shown: str, asked: str) -> bool:
    """Whether two ways of typing a name are one; the same folding as the digest in the log.

    What has nothing but blanks is nobody's name.
    """
    folded = _folded(asked)
    return bool(folded) and _folded(shown) == folded


def _folded(name: str) -> str:
    return _NAME_DOTS.sub("·", "".join(unicodedata.normalize("NFKC", name).casefold().split()))


def check_offline(
    text: str,
    bundle: TrustedBundle,
    *,
    now: datetime,
    holder_name: str = "",
    question: Question | None = None,
) -> OfflineVerdict:
    """Judge a phone certificate today.

    1. Signatures. 2. Age of bundle and list. 3. Holder. 4. Status. 5. Days. 6. What is said of this
    certificate. 7. What is said of its kind.

    Args:
        text: As it was shown.
        bundle: Verified.
        now: The moment.
        holder_name: Who shows it; empty if the holder is not asked for.
        question: What was asked of the phone; ``None`` if nothing was.
    """
    day = business_date(now)
    bundle_age = now - bundle.content.made_time
    fault: PeerFault | None = None
    shown: ShownCertificate | None = None
    listed: StatusListToken | None = None
    # 1. Signatures.
    try:
        shown = open_certificate(text, bundle, now=now, question=question)
    except PeerFault as error:
        fault, found = error, _Found(verdict="BAD_SIGNATURE")
    else:
        certificate = shown.certificate
        listed = bundle.lists.get((certificate.issuer, certificate.list_number))
        found = (
            _stale(bundle, listed, certificate.place, now)  # 2.
            or _of_holder(shown, holder_name)  # 3.
            or _of_certificate(certificate, listed, day)  # 4. and 5.
            or _of_number(bundle, certificate, day)  # 6.
            or _of_kind(bundle, certificate, day)  # 7.
        )
    return OfflineVerdict(
        verdict=found.verdict,
        rule=found.rule,
        shown=shown,
        on_date=day,
        list_age_s=None if listed is None else (now - listed.issued_time) // _SECOND,
        bundle_age_s=bundle_age // _SECOND,
        mapped_scheme=found.mapped_scheme,
        mapped_grade=found.mapped_grade,
        reason=found.reason,
        fault=fault,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What one step decided."""

    verdict: str
    rule: str = ""
    mapped_scheme: str = ""
    mapped_grade: str = ""
    reason: str = ""


def _stale(
    bundle: TrustedBundle, listed: StatusListToken | None, place: int, now: datetime
) -> _Found | None:
    """Return STALE if the node's word or the issuer's list is too old, or the clock is behind."""
    content = bundle.content
    age = now - content.made_time
    is_fresh = (
        -_AHEAD_MAX <= age <= timedelta(seconds=content.stale_after_s)
        and listed is not None
        and listed.issued_time - _AHEAD_MAX <= now < listed.expires_time
        # Or the list is older than the certificate.
        and listed.status(place) is not None
    )
    return None if is_fresh else _Found(verdict="STALE", rule="R03-STALE")


def _of_holder(shown: ShownCertificate, asked: str) -> _Found | None:
    """Return HOLDER_MISMATCH if the name asked for is not shown, or is another."""
    if not asked or same_name(shown.holder_name or "", asked):
        return None
    return _Found(verdict="HOLDER_MISMATCH", rule="R06-HOLDER")


def _of_certificate(
    certificate: PhoneCertificate, listed: StatusListToken | None, day: date
) -> _Found | None:
    """Return what the list and the certificate's own days say against it."""
    assert listed is not None, "what has no list is stale"
    status = listed.status(certificate.place)
    if status == Status.INVALID:
        return _Found(verdict="REVOKED", rule="R07-REVOKED")
    if status != Status.VALID:  # 3 as well: what this version does not know is not good
        return _Found(verdict="SUSPENDED", rule="R08-SUSPENDED")
    if day < certificate.valid_from_date:
        return _Found(verdict="NOT_YET_VALID", rule="R09-NOT-YET-VALID")
    if day > certificate.valid_until_date:
        return _Found(verdict="EXPIRED", rule="R10-EXPIRED")
    return None


def _of_number(bundle: TrustedBundle, certificate: PhoneCertificate, day: date) -> _Found | None:
    """Return what the node says against this certificate."""
    found = bundle.about_number(certificate.certificate_no, day)
    if found is None:
        return None
    return _Found(verdict=found.verdict, rule=found.rule, reason=found.reason)


def _of_kind(bundle: TrustedBundle, certificate: PhoneCertificate, day: date) -> _Found:
    """Return what the node says of certificates of this kind; by default denied."""
    kind = KindWithoutOffice(
        issuer=certificate.issuer,
        subject=certificate.subject,
        scheme=certificate.scheme,
        grade=certificate.grade,
    )
    found = bundle.about_class(kind, certificate.division, day)
    if found is None:
        return _Found(verdict="NOT_RECOGNISED_HERE", rule="R18-NO-EQUIVALENCE")
    return _Found(
        verdict=found.verdict,
        rule=found.rule,
        mapped_scheme=found.mapped_scheme,
        mapped_grade=found.mapped_grade,
    )
