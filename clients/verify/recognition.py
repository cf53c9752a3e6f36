"""Is a certificate good? Worked out a second time, from a verdict's entries alone.

A node decides by `server/certification/rules.py` and `hosting.py`, over rows of its database. This
is another implementation of the same numbered rules, written for the entries of one file and one
day: it shares no code with the node's, so that a mistake of one is seen by the other (a test
compares the two over generated facts), and a verifier needs no server. What a node alone can know,
it takes from what the node signed: how far each log was held, how fresh it was, whether the
membership was confirmed, which schemes the members' statement let the issuer issue under, and
whether the holder matched. The issuer's half, R00 to R13, is here.

Pure: no clock, no I/O. Says nothing of signatures; the entries were proved before.
"""

from collections.abc import Sequence

from clients.verify.hosting import HostSide
from clients.verify.said import SaidEntry
from clients.verify.told import Derived, day_of
from deltacare.evidence import Holder, VerdictRecord

__all__ = ["Derived", "derive"]


def derive(record: VerdictRecord, entries: Sequence[SaidEntry]) -> Derived:
    """Return the verdict that follows, by rules R00 to R22 in order.

    Args:
        record: The question, and how far the node held each log.
        entries: All that the node says was said, sorted by place.

    Raises:
        PeerFault: ``BAD_PROOF``, if an entry has no bearing on the question.
    """
    return _Derivation(record, entries).run()


class _Derivation(HostSide):
    """One derivation; used once."""

    def run(self) -> Derived:
        """Return the verdict."""
        return self._log_refuses() or self._home_refuses() or self._host_decides()

    # R00 to R04.

    def _log_refuses(self) -> Derived | None:
        if self._record.unconfirmed_since is not None:
            return Derived(verdict="STALE", rule="R00-TRUST")
        log = self._logs.get(self._issuer)
        if log is None:
            return Derived(verdict="UNKNOWN", rule="R01-ISSUER")
        used = (self._issuer,)
        if log.is_forked:
            return Derived(verdict="FORK", rule="R02-FORK", used=used)
        if not self._is_fresh(log):
            return Derived(verdict="STALE", rule="R03-STALE", used=used)
        if log.is_stalled:
            return Derived(verdict="STALE", rule="R04-STALLED", used=used)
        return None

    # R05 to R13.

    def _home_refuses(self) -> Derived | None:
        used = (self._issuer,)
        issues = self._issues()
        if not issues:
            return Derived(verdict="UNKNOWN", rule="R05-NOT-FOUND", used=used)
        issue = issues[0]  # a number is issued once; another is void
        first = (issue.place,)
        if self._record.holder is Holder.NOT_MATCHED:
            return Derived(verdict="HOLDER_MISMATCH", rule="R06-HOLDER", entries=first, used=used)
        revoked = min(
            self._of("certificate_revocation"),
            key=lambda each: (each.body.effective_date, each.index),
            default=None,
        )
        if revoked is not None and day_of(revoked.body.effective_date) <= self._day:
            return Derived(
                verdict="REVOKED",
                rule="R07-REVOKED",
                entries=(*first, revoked.place),
                used=used,
                reason=revoked.body.reason,
            )
        suspended = self._holding("certificate_suspension", "certificate_reinstatement")
        if suspended is not None:
            return Derived(
                verdict="SUSPENDED",
                rule="R08-SUSPENDED",
                entries=(*first, suspended.place),
                used=used,
                reason=suspended.body.reason,
            )
        return self._outside(issue) or self._nowhere(issue)

    def _nowhere(self, issue: SaidEntry) -> Derived | None:
        """Return the verdict of R11 to R13: no right to issue, barred at home, or closed."""
        used = (self._issuer,)
        stated = self._record.stated_schemes
        if stated and issue.body.scheme not in stated:
            return Derived(
                verdict="NOT_RECOGNISED_HERE", rule="R11-SCOPE", entries=(issue.place,), used=used
            )
        measure = self._barring(issue, self._issuer, is_own=True)
        if measure is not None:
            return Derived(
                verdict="NOT_RECOGNISED_HERE",
                rule="R12-BARRED",
                entries=(issue.place, measure.place),
                used=used,
                reason=measure.body.reason,
            )
        closing = self._closing(issue) if issue.body.institution_id else None
        if closing is not None:
            return Derived(
                verdict="NOT_RECOGNISED_HERE",
                rule="R13-CLOSED",
                entries=(issue.place, closing.place),
                used=used,
                reason=closing.body.state_reason,
            )
        return None

    def _outside(self, issue: SaidEntry) -> Derived | None:
        """Return the verdict of R09 or R10, if the day lies outside the days it is good for."""
        used = (self._issuer,)
        if self._day < day_of(issue.body.valid_from_date):
            return Derived(
                verdict="NOT_YET_VALID",
                rule="R09-NOT-YET-VALID",
                entries=(issue.place,),
                used=used,
            )
        if self._day > self._last_day(issue):
            return Derived(
                verdict="EXPIRED", rule="R10-EXPIRED", entries=self._validity(issue), used=used
            )
        return None
