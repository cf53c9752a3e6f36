"""The host's half of the rules, R14 to R22, worked out a second time from a verdict's entries.

Asked after the issuer's half found nothing against the certificate. Shares no code with a node.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from clients.verify.said import SaidEntry
from clients.verify.told import Derived, Told, day_of, stated_on
from deltacare.divisions import contains, province_of
from deltacare.evidence import Place
from deltacare.v1.entry_pb2 import (
    AGREEMENT_SCOPE_CAREGIVER_QUALIFICATION,
    AGREEMENT_SCOPE_INSTITUTION_STANDARD,
    AGREEMENT_WORD_ACCEPTED,
    CERTIFICATE_SUBJECT_CAREGIVER,
    CERTIFICATE_SUBJECT_INSTITUTION,
)

__all__ = ["HostSide"]

_SCOPES = {
    CERTIFICATE_SUBJECT_CAREGIVER: AGREEMENT_SCOPE_CAREGIVER_QUALIFICATION,
    CERTIFICATE_SUBJECT_INSTITUTION: AGREEMENT_SCOPE_INSTITUTION_STANDARD,
}


class HostSide(Told):
    """Rules R14 to R22 over what was told."""

    def _host_decides(self) -> Derived:  # noqa: PLR0911  # one for each rule
        issue = self._issues()[0]
        host, entries = self._host, self._validity(issue)
        if host == self._issuer:
            return Derived(
                verdict="VALID",
                rule="R14-HOME",
                entries=entries,
                used=(self._issuer,),
                mapped_scheme=issue.body.scheme,
                mapped_grade=issue.body.grade,
            )
        used: tuple[str, ...] = (self._issuer, host)
        if not self._is_usable(host):
            return Derived(verdict="STALE", rule="R15-HOST-STALE", entries=entries, used=used)
        measure = self._barring(issue, host, is_own=False)
        if measure is not None:
            return Derived(
                verdict="NOT_RECOGNISED_HERE",
                rule="R16-BARRED-HERE",
                entries=(*entries, measure.place),
                used=used,
                reason=measure.body.reason,
            )
        stopped = self._holding("recognition_suspension", "recognition_resumption")
        if stopped is not None:
            return Derived(
                verdict="NOT_RECOGNISED_HERE",
                rule="R17-RECOGNITION-SUSPENDED",
                entries=(*entries, stopped.place),
                used=used,
                reason=stopped.body.reason,
            )
        concerning = self._concerning(issue)
        if not concerning:
            return Derived(
                verdict="NOT_RECOGNISED_HERE",
                rule="R18-NO-EQUIVALENCE",
                entries=entries,
                used=used,
            )
        applying = [each for each in concerning if issue.body.grade in each.body.grades]
        if not applying:
            return Derived(
                verdict="NOT_RECOGNISED_HERE",
                rule="R19-LEVEL",
                entries=(*entries, concerning[0].place),
                used=used,
            )
        return self._by_equivalences(issue, applying, entries)

    def _by_equivalences(
        self, issue: SaidEntry, applying: Sequence[SaidEntry], entries: tuple[Place, ...]
    ) -> Derived:
        """Return the first answer that is valid; else the first that is stale; else the last."""
        answers: list[Derived] = []
        for equivalence in applying:
            answers.append(self._by_agreement(issue, equivalence, entries))
            if answers[-1].verdict == "VALID":
                break
        found = next(
            (one for verdict in ("VALID", "STALE") for one in answers if one.verdict == verdict),
            answers[-1],
        )
        used = tuple(dict.fromkeys(each for one in answers for each in one.used))
        return replace(found, used=used)

    def _concerning(self, issue: SaidEntry) -> list[SaidEntry]:
        """Return the host's equivalences for issuer and scheme on the day, the newest first."""
        ended = {
            each.body.equivalence_id
            for each in self._of("equivalence_end")
            if day_of(each.body.effective_date) <= self._day
        }
        found = [
            each
            for each in self._of("equivalence")
            if each.body.issuer == self._issuer
            and each.body.scheme == issue.body.scheme
            and each.body.equivalence_id not in ended
            and self._is_within(each.body.from_date, each.body.until_date)
        ]
        return sorted(found, key=lambda each: each.index, reverse=True)

    def _by_agreement(
        self, issue: SaidEntry, equivalence: SaidEntry, entries: tuple[Place, ...]
    ) -> Derived:
        agreement_id = equivalence.body.agreement_id
        entries = (*entries, equivalence.place)
        versions = [
            each
            for each in self._words
            if each.name == "agreement" and each.body.agreement_id == agreement_id
        ]
        # The newest version that all its parties accept for the day and that has begun, if its last
        # day has not passed.
        begun = [each for each in versions if day_of(each.body.from_date) <= self._day]
        newest = next((each for each in reversed(begun) if self._is_accepted(each)), None)
        is_over = newest is None or not self._is_within(
            newest.body.from_date, newest.body.until_date
        )
        version = None if is_over else newest
        # R20: the logs of its parties, and of those of a later one that may be in force instead;
        # if none is in force, of all who were ever named a party.
        needed = {agreement_id[:6]}
        for each in versions:
            log = self._logs.get(each.author)
            if (
                log is not None
                and each.index < log.size
                and (version is None or each is version or self._may_replace(each, version))
            ):
                needed |= set(_provinces(each))
        others = [p for p in sorted(needed - {self._issuer, self._host}) if p in self._logs]
        used = (self._issuer, self._host, *others)
        if not all(self._is_usable(each) for each in others):
            return Derived(verdict="STALE", rule="R20-BASIS-STALE", entries=entries, used=used)
        # R21: it is about this and both places.
        if version is None or not self._carries(version, issue):
            return Derived(
                verdict="NOT_RECOGNISED_HERE", rule="R21-NO-AGREEMENT", entries=entries, used=used
            )
        # R22: so it counts.
        parties = sorted(_provinces(version), key=lambda each: each != version.author)
        words = [self._acceptance(version, each) for each in parties]
        return Derived(
            verdict="VALID",
            rule="R22-RECOGNISED",
            entries=(*entries, *(each.place for each in words if each is not None)),
            used=used,
            mapped_scheme=equivalence.body.mapped_scheme,
            mapped_grade=equivalence.body.mapped_grade,
        )

    def _carries(self, version: SaidEntry, issue: SaidEntry) -> bool:
        body = version.body
        places = (issue.body.division_code or self._issuer, self._record.host)
        return _SCOPES.get(issue.body.subject) in body.scopes and all(
            any(_lies_in(place, party, self._day) for party in body.parties) for place in places
        )

    def _may_replace(self, later: SaidEntry, version: SaidEntry) -> bool:
        """Whether a later version has begun, and all accept it whose logs can be relied on."""
        return (
            later.index > version.index
            and day_of(later.body.from_date) <= self._day
            and all(
                self._acceptance(later, province) is not None
                for province in _provinces(later)
                if province in self._logs and self._is_usable(province)
            )
        )

    def _is_accepted(self, version: SaidEntry) -> bool:
        """Whether a quorum saw a version, and each party accepts it."""
        log = self._logs.get(version.author)
        if log is None or version.index >= log.quorum_size:
            return False
        return all(
            province in self._logs and self._acceptance(version, province) is not None
            for province in _provinces(version)
        )

    def _acceptance(self, version: SaidEntry, province: str) -> SaidEntry | None:
        """Return the word by which a party accepts a version for the day, ``None`` if it does not.

        What it says of other versions matters only if it ends a later one, or one unknown. A word
        that no quorum saw yet can take acceptance away, never give it.
        """
        log = self._logs[province]
        for word in reversed(self._agreement_words(version.body.agreement_id, province)):
            if word.index >= log.size:
                continue
            if _is_end(word):
                if self._has_come(word) and self._is_since(version, _meant(word)):
                    return None
            elif word.index < log.quorum_size and _meant(word) == version.leaf:
                return word
        return None

    def _has_come(self, end: SaidEntry) -> bool:
        """Whether an end's day has come; one for a day before it was said is void."""
        return stated_on(end) <= day_of(end.body.effective_date) <= self._day

    def _is_since(self, version: SaidEntry, version_hash: bytes) -> bool:
        """Whether a hash is that of a version or of a later one; one that is not known is later."""
        earlier = {
            each.leaf
            for each in self._agreement_words(version.body.agreement_id, version.author)
            if each.name == "agreement" and each.index < version.index
        }
        return version_hash not in earlier

    def _agreement_words(self, agreement_id: str, province: str) -> list[SaidEntry]:
        return [
            each
            for each in self._words
            if each.author == province
            and each.name in ("agreement", "agreement_answer")
            and each.body.agreement_id == agreement_id
        ]


def _is_end(said: SaidEntry) -> bool:
    """Whether a word on an agreement ends it."""
    return said.name == "agreement_answer" and said.body.word != AGREEMENT_WORD_ACCEPTED


def _meant(said: SaidEntry) -> bytes:
    """Return the version that a word is about: a proposal is about itself."""
    return said.leaf if said.name == "agreement" else bytes(said.body.version_hash)


def _lies_in(place: str, party: str, day: date) -> bool:
    """Whether a place is, or lies in, the division of a party; never across provinces."""
    return place[:2] == party[:2] and contains(party, place, day)


def _provinces(version: SaidEntry) -> tuple[str, ...]:
    """Return the provinces that have a party, ascending."""
    return tuple(sorted({province_of(party) for party in version.body.parties}))
