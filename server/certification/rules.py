"""Is a certificate good in a place, on a date, for a holder? One function over frozen facts.

Pure: no clock, no database. Rules are numbered and run in order, and the first that answers
decides; each says so with its number, and the answer names the entries that decided and the logs
that it rests on. It fails closed: what is stale is never valid, nor is a holder who was asked for
and could not be compared. What restricts counts as far as a log was verified, what permits as far
as a quorum cosigned it. Here is the issuer's half, R00 to R14; what the host says is in
``server.certification.hosting``. Whether the question can be read at all is for the caller.
"""

import hashlib
import hmac
import re
import unicodedata

from deltacare.v1.certification_service_pb2 import (
    VERDICT_EXPIRED,
    VERDICT_FORK,
    VERDICT_HOLDER_MISMATCH,
    VERDICT_NOT_RECOGNISED_HERE,
    VERDICT_NOT_YET_VALID,
    VERDICT_REVOKED,
    VERDICT_STALE,
    VERDICT_SUSPENDED,
    VERDICT_UNKNOWN,
    VERDICT_VALID,
)
from server.certification.facts import Facts, Outcome, bar_on, is_fresh
from server.certification.hosting import recognised
from server.certification.standing import certificate_standing, span_on
from server.certification.values import CertificateStanding
from server.certification.verdicts import (
    R00_TRUST,
    R01_ISSUER,
    R02_FORK,
    R03_STALE,
    R04_STALLED,
    R05_NOT_FOUND,
    R06_HOLDER,
    R07_REVOKED,
    R08_SUSPENDED,
    R09_NOT_YET_VALID,
    R10_EXPIRED,
    R11_SCOPE,
    R12_BARRED,
    R13_CLOSED,
    R14_HOME,
)
from server.registry.closings import closed_on, closings

__all__ = ["SALT_BYTES", "check", "folded_name", "holder_name_digest"]

SALT_BYTES = 16

_NAME_DOMAIN = b"deltacare/v1 holder name\0"
# The dot between the parts of a name is typed in many ways: 买买提·艾力, 买买提•艾力.
_NAME_DOTS = re.compile("[·•‧∙⋅・･.]")


def folded_name(name: str) -> str:
    """Return a name as it is compared: NFKC, case folded, without spaces, one dot between parts.

    So two ways of typing one name agree.
    """
    folded = "".join(unicodedata.normalize("NFKC", name).casefold().split())
    return _NAME_DOTS.sub("·", folded)


def holder_name_digest(salt: bytes, name: str) -> bytes:
    """Return the salted digest of a holder's name, folded: HMAC-SHA-256 under the salt.

    Args:
        salt: 16 bytes.
        name: as written on the certificate.
    """
    assert len(salt) == SALT_BYTES, "a salt has 16 bytes"
    return hmac.digest(salt, _NAME_DOMAIN + folded_name(name).encode(), hashlib.sha256)


def check(facts: Facts) -> Outcome:  # noqa: PLR0911  # one for each group of rules
    """Return the verdict on a certificate, by rules R00 to R22 in order."""
    # R00 to R04: it can be asked at all.
    refused = _refused_before_entries(facts)
    if refused is not None:
        return refused
    log = facts.logs[facts.issuer]
    used = (facts.issuer,)
    # R05: the certificate is there, and a quorum saw it.
    history = facts.certificate
    standing = None if history is None else certificate_standing(history, log.reach)
    if standing is None:
        return Outcome(verdict=VERDICT_UNKNOWN, rule=R05_NOT_FOUND, used=used)
    issued = (facts.issuer, standing.history.index)
    # R06: it is the holder's.
    if facts.holder_matches is False:
        return Outcome(
            verdict=VERDICT_HOLDER_MISMATCH, rule=R06_HOLDER, entries=(issued,), used=used
        )
    # R07 to R10: it is good where it was issued.
    refused = _refused_at_home(facts, standing)
    if refused is not None:
        return refused
    entries = _issue_and_renewal(standing)
    # R11 to R13: its issuer may issue under the scheme, nobody is barred and nothing closed.
    refused = _refused_everywhere(facts, standing)
    if refused is not None:
        return refused
    # R14: that is here.
    if facts.issuer == facts.host_province:
        return Outcome(
            verdict=VERDICT_VALID,
            rule=R14_HOME,
            entries=entries,
            used=used,
            mapped_scheme=standing.history.scheme,
            mapped_grade=standing.history.grade,
        )
    # R15 to R22: the host recognises it.
    return recognised(facts, standing, entries)


def _refused_before_entries(facts: Facts) -> Outcome | None:
    """Return the verdict of rules R00 to R04, if one of them answers."""
    # R00: it is known who may say anything, of own certificates too: their CA, or this node's own
    # membership, may have been withdrawn meanwhile.
    if facts.unconfirmed_since is not None:
        return Outcome(verdict=VERDICT_STALE, rule=R00_TRUST)
    # R01: the issuer is a member.
    log = facts.logs.get(facts.issuer)
    if log is None:
        return Outcome(verdict=VERDICT_UNKNOWN, rule=R01_ISSUER)
    used = (facts.issuer,)
    # R02 to R04: its log can be relied on.
    if log.is_forked:
        return Outcome(verdict=VERDICT_FORK, rule=R02_FORK, used=used)
    if not is_fresh(facts, log):
        return Outcome(verdict=VERDICT_STALE, rule=R03_STALE, used=used)
    if log.is_stalled:
        return Outcome(verdict=VERDICT_STALE, rule=R04_STALLED, used=used)
    return None


def _issue_and_renewal(standing: CertificateStanding) -> tuple[tuple[str, int], ...]:
    """Return the entries that say from when to when a certificate is good."""
    issuer = standing.history.issuer
    places = (standing.history.index, standing.renewal_index)
    return tuple((issuer, index) for index in places if index is not None)


def _refused_at_home(facts: Facts, standing: CertificateStanding) -> Outcome | None:
    """Return the verdict of rules R07 to R10, if one of them answers."""
    day = facts.on_date
    used = (facts.issuer,)
    issued = (facts.issuer, standing.history.index)
    revocation = standing.revocation
    if revocation is not None and revocation.holds(day):
        return Outcome(
            verdict=VERDICT_REVOKED,
            rule=R07_REVOKED,
            entries=(issued, (facts.issuer, revocation.index)),
            used=used,
            reason=revocation.reason,
        )
    suspension = span_on(standing.suspensions, day)
    if suspension is not None:
        return Outcome(
            verdict=VERDICT_SUSPENDED,
            rule=R08_SUSPENDED,
            entries=(issued, (facts.issuer, suspension.index)),
            used=used,
            reason=suspension.reason,
        )
    if day < standing.history.valid_from_date:
        return Outcome(
            verdict=VERDICT_NOT_YET_VALID, rule=R09_NOT_YET_VALID, entries=(issued,), used=used
        )
    if day > standing.valid_until_date:
        entries = _issue_and_renewal(standing)
        return Outcome(verdict=VERDICT_EXPIRED, rule=R10_EXPIRED, entries=entries, used=used)
    return None


def _refused_everywhere(facts: Facts, standing: CertificateStanding) -> Outcome | None:
    """Return the verdict of rules R11 to R13, if one of them answers."""
    issued = (facts.issuer, standing.history.index)
    used = (facts.issuer,)
    if facts.stated_schemes and standing.history.scheme not in facts.stated_schemes:
        return Outcome(
            verdict=VERDICT_NOT_RECOGNISED_HERE, rule=R11_SCOPE, entries=(issued,), used=used
        )
    bar = bar_on(facts, province=facts.issuer, everywhere=True)
    if bar is not None:
        return Outcome(
            verdict=VERDICT_NOT_RECOGNISED_HERE,
            rule=R12_BARRED,
            entries=(issued, (facts.issuer, bar.index)),
            used=used,
            reason=bar.reason,
        )
    # An institution is certified by its own province alone, whose log says that it is closed.
    closing = closed_on(closings(facts.closings, facts.logs[facts.issuer].reach), facts.on_date)
    if closing is not None:
        return Outcome(
            verdict=VERDICT_NOT_RECOGNISED_HERE,
            rule=R13_CLOSED,
            entries=(issued, (facts.issuer, closing.index)),
            used=used,
            reason=closing.reason,
        )
    return None
