"""Which cosignatures make a quorum, as of when; when they are asked for again; who signs."""

from datetime import datetime, timedelta

import pytest

from deltacare.errors import Reason, Refusal
from deltacare.ids import LogName
from deltacare.keys import VerifierKey
from deltacare.trust import Federation
from server.log.quorum import Line, is_doubted, judgement, quorum_time, untainted_time
from server.log.renewal import is_worth_renewing, renewal_due
from server.log.requests import is_kept
from server.log.signing import Signing
from tests.support.federation import PROVINCES, log_signer, make_keys, make_trust
from tests.support.ports import START_TIME
from tests.support.rotating import (
    KeyRing,
    later_log_signer,
    later_witness_signer,
    with_key,
    with_taint,
    with_until,
)

SHANGHAI, JIANGSU, ZHEJIANG, ANHUI = PROVINCES
REGISTRY = LogName.registry(SHANGHAI)
NOW = START_TIME
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
FIRST, LATER = log_signer(REGISTRY).verifier, later_log_signer(REGISTRY).verifier


def key(province: str) -> VerifierKey:
    """Return a witness's first key."""
    return make_keys(province).witness.verifier


def line(witness: str | VerifierKey, hours_ago: float) -> Line:
    """Return a cosignature so long ago."""
    by = key(witness) if isinstance(witness, str) else witness
    return Line(name=by.name, key_id=by.key_id, time=NOW - hours_ago * HOUR)


def at(
    *lines: Line, trust: Federation | None = None, by: VerifierKey = FIRST, now: datetime = NOW
) -> datetime | None:
    """Return as of when the lines make a quorum."""
    return quorum_time(lines, [by.key_id], log=REGISTRY, trust=trust or make_trust(), now=now)


def test_the_oldest_of_the_newest_two() -> None:
    """Of three partners the second newest counts; the author and strangers never do."""
    lines = [line(JIANGSU, 3), line(ZHEJIANG, 1), line(ANHUI, 2)]
    assert at(*lines) == NOW - 2 * HOUR
    assert at(*lines[:2]) == NOW - 3 * HOUR
    assert at(lines[0]) is None
    assert at(lines[0], line(SHANGHAI, 1)) is None
    assert at(lines[0], line(later_witness_signer(ANHUI).verifier, 1)) is None
    assert at() is None


def test_a_province_counts_once_by_its_newest_line() -> None:
    """Old and new key of one witness are one partner."""
    new = later_witness_signer(ANHUI)
    trust = with_key(make_trust(), new, from_time=NOW - 2 * HOUR)
    both = [line(ANHUI, 3), line(new.verifier, 1)]
    assert at(*both, trust=trust) is None
    assert at(*both, line(JIANGSU, 2), trust=trust) == NOW - 2 * HOUR


def test_an_audit_log_asks_nobody() -> None:
    """It is held by its author alone."""
    audit = LogName.audit(SHANGHAI)
    assert quorum_time([], [], log=audit, trust=make_trust(), now=NOW) == NOW


def test_a_log_key_that_is_over_needs_a_quorum_of_its_time() -> None:
    """One line that is too late makes the quorum too small, unless the successor signed too."""
    trust = with_until(
        with_key(make_trust(), later_log_signer(REGISTRY), from_time=NOW - 2 * HOUR),
        FIRST,
        NOW - 2 * HOUR,
    )
    early, late = line(JIANGSU, 3), line(ANHUI, 1)
    assert at(early, line(ZHEJIANG, 4), late, trust=trust) == NOW - 4 * HOUR
    assert at(early, late, trust=trust) is None
    assert at(early, late, trust=trust, by=LATER) == NOW - 3 * HOUR


def test_a_bad_witness_and_a_bad_log_key() -> None:
    """Neither counts for what a thief may have signed."""
    lines = [line(JIANGSU, 3), line(ANHUI, 5)]
    trust = with_key(make_trust(), later_witness_signer(ANHUI), from_time=NOW)
    assert at(*lines, trust=trust) is not None
    assert at(*lines, trust=with_taint(trust, key(ANHUI), NOW)) is None
    bad = with_key(make_trust(), later_log_signer(REGISTRY), from_time=NOW)
    assert at(*lines, trust=with_taint(bad, FIRST, NOW - 2 * HOUR)) == NOW - 5 * HOUR
    assert at(*lines, trust=with_taint(bad, FIRST, NOW - 3 * HOUR)) is None
    assert at(*lines, trust=with_taint(bad, FIRST, NOW - 3 * HOUR + SECOND)) is not None


def test_doubt() -> None:
    """Only while no other key of the log signed."""
    trust = with_key(make_trust(), later_log_signer(REGISTRY), from_time=NOW)
    bad = with_taint(trust, FIRST, NOW)
    assert not is_doubted([FIRST.key_id], log=REGISTRY, trust=trust)
    assert is_doubted([FIRST.key_id], log=REGISTRY, trust=bad)
    assert not is_doubted([FIRST.key_id, LATER.key_id], log=REGISTRY, trust=bad)


def test_what_changes_the_judgement() -> None:
    """Quorum and taints; a new key or an end does not."""
    first = make_trust()
    trust = with_key(first, later_log_signer(REGISTRY), from_time=NOW)
    trust = with_until(trust, FIRST, NOW + HOUR)
    assert judgement(REGISTRY, first) == judgement(REGISTRY, trust)
    trust = with_key(trust, later_witness_signer(ANHUI), from_time=NOW)
    changed = {
        judgement(REGISTRY, made)
        for made in (
            trust,
            with_taint(trust, FIRST, NOW),
            with_taint(trust, FIRST, NOW - HOUR),
            with_taint(trust, key(ANHUI), NOW),
            make_trust(registry_quorum=3),
        )
    }
    assert len(changed) == 5


def test_an_untainted_quorum_before_an_instant() -> None:
    """The instant itself is too late."""
    lines = [line(JIANGSU, 3), line(ANHUI, 2)]

    def seen(before: datetime) -> datetime | None:
        return untainted_time(lines, log=REGISTRY, trust=make_trust(), before=before)

    assert seen(NOW - 2 * HOUR) is None
    assert seen(NOW - 2 * HOUR + SECOND) == NOW - 3 * HOUR


@pytest.mark.parametrize(
    "ages, is_due",
    [((5, 5, 5), False), ((5, 6), False), ((5, 6.001), True), ((5,), True), ((1, 2, 99), False)],
)
def test_an_author_asks_again_at_a_quarter(ages: tuple[float, ...], *, is_due: bool) -> None:
    """The default age is a day: at six hours of the second newest."""
    lines = [line(p, age) for p, age in zip((JIANGSU, ZHEJIANG, ANHUI), ages, strict=False)]
    assert renewal_due(lines, log=REGISTRY, trust=make_trust(), now=NOW) is is_due


def test_a_replaced_key_makes_old() -> None:
    """The log's, or so many witnesses' that no quorum by keys in force is left."""
    lines = [line(p, 1) for p in (JIANGSU, ZHEJIANG, ANHUI)]
    trust = make_trust()

    def due(made: Federation) -> bool:
        return renewal_due(lines, log=REGISTRY, trust=made, now=NOW)

    assert not due(trust)
    assert due(with_key(trust, later_log_signer(REGISTRY), from_time=NOW))
    assert not due(with_key(trust, later_log_signer(REGISTRY), from_time=NOW - HOUR))
    assert not due(with_key(trust, later_log_signer(REGISTRY), from_time=NOW + SECOND))
    one = with_key(trust, later_witness_signer(ANHUI), from_time=NOW)
    assert not due(one)
    assert due(with_key(one, later_witness_signer(JIANGSU), from_time=NOW))
    audit = LogName.audit(SHANGHAI)
    assert not renewal_due([], log=audit, trust=trust, now=NOW)


def test_a_witness_signs_again_at_an_eighth() -> None:
    """Three hours of a day, or if the log's key was replaced since."""
    trust = make_trust()
    terms = trust.log_keys(REGISTRY)
    assert not is_worth_renewing(NOW - 3 * HOUR, terms, trust=trust, now=NOW)
    assert is_worth_renewing(NOW - 3 * HOUR - SECOND, terms, trust=trust, now=NOW)
    later = with_key(trust, later_log_signer(REGISTRY), from_time=NOW - HOUR).log_keys(REGISTRY)
    assert is_worth_renewing(NOW - HOUR - SECOND, later, trust=trust, now=NOW)
    assert not is_worth_renewing(NOW - HOUR, later, trust=trust, now=NOW)


def test_the_newest_key_in_force_that_is_held_signs() -> None:
    """Not one that is to come, not one that is not installed, never one called bad."""
    ring = KeyRing(SHANGHAI)
    later = later_log_signer(REGISTRY)
    trust = with_key(make_trust(), later, from_time=NOW)

    def signer(made: Federation, when: datetime) -> VerifierKey:
        return Signing(ring, made, SHANGHAI).log_signer(REGISTRY, when).verifier

    assert signer(trust, NOW) == FIRST  # not installed yet
    ring.add(later)
    assert signer(trust, NOW - SECOND) == FIRST
    assert signer(trust, NOW) == LATER
    assert signer(with_taint(trust, LATER, NOW + HOUR), NOW) == FIRST
    over = with_until(make_trust(), FIRST, NOW)
    assert signer(over, NOW - SECOND) == FIRST
    with pytest.raises(Refusal) as caught:
        signer(over, NOW)
    assert caught.value.reason is Reason.KEY_NOT_IN_FORCE
    assert not caught.value.retryable
    assert not is_kept(caught.value)


def test_the_witness_s_keys() -> None:
    """Its own line is known by any key it had, but one that was called bad."""
    ring = KeyRing(ANHUI)
    new = later_witness_signer(ANHUI)
    trust = with_key(make_trust(), new, from_time=NOW)
    signing = Signing(ring, trust, ANHUI)
    assert signing.witness(NOW).verifier == key(ANHUI)
    before = signing.chosen([REGISTRY], NOW)
    ring.add(new)
    assert signing.witness(NOW).verifier == new.verifier
    assert signing.chosen([REGISTRY], NOW) != before
    assert signing.is_own_witness(key(ANHUI))
    assert signing.is_own_witness(new.verifier)
    assert not signing.is_own_witness(key(JIANGSU))
    bad = Signing(ring, with_taint(trust, key(ANHUI), NOW), ANHUI)
    assert not bad.is_own_witness(key(ANHUI))
    with pytest.raises(Refusal) as caught:
        Signing(KeyRing(ANHUI), with_until(make_trust(), key(ANHUI), NOW), ANHUI).witness(NOW)
    assert caught.value.reason is Reason.KEY_NOT_IN_FORCE
