"""Tests of what counts up to a reach, and of the days on which a certificate is good."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deltacare.times import ServiceMonth
from deltacare.v1 import certification_service_pb2 as cert_pb
from deltacare.v1 import entry_pb2 as pb
from server.certification.facts import Facts, LogFacts
from server.certification.rules import check
from server.certification.standing import (
    certificate_good_days,
    certificate_standing,
    equivalence_standing,
    recognition_suspensions,
)
from server.certification.values import (
    CertificateEventSaid,
    CertificateHistory,
    EquivalenceHistory,
    EventKind,
    RecognitionFacts,
    RecognitionSaid,
)
from server.registry.in_force import agreements_in_force
from server.registry.values import (
    AgreementHistory,
    AgreementVersion,
    AgreementWordSaid,
    EndSaid,
    Reach,
)
from server.supervision.rules import bars_known
from server.supervision.values import MeasureHistory

SH, JS = "310000", "320000"
MONTH = ServiceMonth(year=2026, month=10)
NOW = datetime(2026, 11, 22, tzinfo=UTC)
HASH, AMENDED_HASH = b"1" * 32, b"2" * 32
FIRST = date(2026, 9, 20)

days = st.integers(0, 50).map(lambda offset: FIRST + timedelta(days=offset))
indexes = st.integers(0, 12)
sizes = st.integers(0, 13)


@st.composite
def windows(draw: st.DrawFn) -> tuple[date, date]:
    """Draw a first and a last day."""
    first, last = sorted((draw(days), draw(days)))
    return first, last


@st.composite
def events(draw: st.DrawFn) -> CertificateEventSaid:
    """Draw any event, whether or not the lifecycle would let it pass."""
    kind = draw(st.sampled_from(EventKind))
    effective, until = draw(windows())
    has_end = kind is EventKind.RENEWED or (kind is EventKind.SUSPENDED and draw(st.booleans()))
    return CertificateEventSaid(
        index=draw(indexes),
        kind=kind,
        effective_date=None if kind is EventKind.RENEWED else effective,
        until_date=until if has_end else None,
        reason="CODE",
    )


@st.composite
def all_facts(draw: st.DrawFn) -> Facts:
    """Draw all that a check may look at, at sizes that a night might pin."""
    valid_from, valid_until = draw(windows())
    life = sorted(draw(st.lists(events(), max_size=5)), key=lambda event: event.index)
    agreement_from, agreement_until = draw(windows())
    equivalences = []
    for number in range(draw(st.integers(0, 2))):
        first, last = draw(windows())
        equivalences.append(
            EquivalenceHistory(
                equivalence_id=f"310000-E{number}",
                host=SH,
                index=draw(indexes),
                issuer=JS,
                scheme="S",
                grades=frozenset({draw(st.sampled_from(["三级", "三级", "二级"]))}),
                mapped_scheme="M",
                mapped_grade="G",
                from_date=first,
                until_date=last if draw(st.booleans()) else None,
                agreement_id=draw(st.sampled_from(["310000-A1", "310000-A2"])),
                ends=tuple(
                    EndSaid(index=draw(indexes), from_date=draw(days))
                    for _ in range(draw(st.sampled_from([0, 0, 1, 2])))
                ),
            )
        )
    version = AgreementVersion(
        agreement_id="310000-A1",
        version_hash=HASH,
        author=SH,
        index=draw(indexes),
        parties=draw(st.sampled_from([(SH, JS), (SH, JS), ("310105", "320500")])),
        scopes=frozenset({draw(st.sampled_from([1, 2]))}),
        subsidy_kinds=frozenset(),
        from_date=agreement_from,
        until_date=agreement_until if draw(st.booleans()) else None,
    )
    versions = [version]
    if draw(st.booleans()):
        amended_from, amended_until = draw(windows())
        versions.append(
            replace(
                version,
                version_hash=AMENDED_HASH,
                index=version.index + 1,
                scopes=frozenset({draw(st.sampled_from([1, 2]))}),
                from_date=amended_from,
                until_date=amended_until if draw(st.booleans()) else None,
            )
        )
    words = [
        AgreementWordSaid(
            province=SH, index=each.index, version_hash=each.version_hash, ended_date=None
        )
        for each in versions
    ]
    for place in sorted(draw(st.sets(indexes, max_size=3))):
        meant = draw(st.sampled_from(versions))
        words.append(
            AgreementWordSaid(
                province=JS,
                index=place,
                version_hash=meant.version_hash,
                ended_date=draw(st.one_of(st.none(), days)),
            )
        )
    said = [
        RecognitionSaid(
            host=SH,
            index=draw(indexes),
            is_suspension=draw(st.booleans()),
            effective_date=draw(days),
            reason="CODE",
        )
        for _ in range(draw(st.integers(0, 3)))
    ]
    measures = []
    for number in range(draw(st.sampled_from([0, 0, 1, 2]))):
        first, last = draw(windows())
        measures.append(
            MeasureHistory(
                measure_id=f"M{number}",
                author=draw(st.sampled_from([SH, JS, "330000"])),
                index=draw(indexes),
                kind=draw(st.sampled_from([pb.MEASURE_KIND_BAN, pb.MEASURE_KIND_PENALTY])),
                institution_id="",
                certificate_no="320000-C1",
                from_date=first,
                until_date=last if draw(st.booleans()) else None,
                due_date=None,
                reason="CODE",
                lifts=tuple(
                    EndSaid(index=draw(indexes), from_date=draw(days))
                    for _ in range(draw(st.sampled_from([0, 1, 2])))
                ),
            )
        )
    logs = {}
    for province in (SH, JS):
        size = draw(sizes)
        logs[province] = LogFacts(
            size=size,
            quorum_size=size,
            fresh_time=NOW,
            is_stalled=False,
            is_forked=False,
            is_own=False,
        )
    return Facts(
        certificate_no="320000-C1",
        issuer=JS,
        host=draw(st.sampled_from([SH, "310105", "310104", JS])),
        on_date=FIRST,
        known_time=NOW,
        stale_after=timedelta(days=1),
        logs=logs,
        certificate=CertificateHistory(
            certificate_no="320000-C1",
            issuer=JS,
            index=draw(indexes),
            subject=pb.CERTIFICATE_SUBJECT_CAREGIVER,
            scheme="S",
            grade="三级",
            holder_name_digest=b"d" * 32,
            institution_id="",
            valid_from_date=valid_from,
            valid_until_date=valid_until,
            events=tuple(life),
            division_code=draw(st.sampled_from(["", "320505", "320102"])),
        ),
        recognitions=tuple(said),
        equivalences=tuple(equivalences),
        agreements={"310000-A1": AgreementHistory(versions=tuple(versions), words=tuple(words))},
        holder_matches=None,
        measures=tuple(measures),
    )


def night_facts(facts: Facts) -> RecognitionFacts:
    """Return the same facts as a night loads them, at the same sizes."""
    reaches = {province: log.reach for province, log in facts.logs.items()}
    assert facts.certificate is not None
    standing = certificate_standing(facts.certificate, reaches[JS])
    equivalences = (equivalence_standing(each, reaches[SH]) for each in facts.equivalences)
    return RecognitionFacts(
        certificates={} if standing is None else {"320000-C1": standing},
        suspensions={(SH, "320000-C1"): recognition_suspensions(facts.recognitions, reaches[SH])},
        equivalences={SH: tuple(each for each in equivalences if each is not None)},
        agreements={"310000-A1": agreements_in_force(facts.agreements.values(), reaches)},
        bars={"320000-C1": bars_known(facts.measures, reaches)},
    )


@settings(max_examples=400, deadline=None)
@given(all_facts())
def test_good_days_are_the_days_a_check_finds_valid(facts: Facts) -> None:
    """The night's mask has the bits of exactly those days on which a check answers VALID."""
    expected = 0
    for offset in range(MONTH.days):
        day = MONTH.first_date + timedelta(days=offset)
        if check(replace(facts, on_date=day)).verdict == cert_pb.VERDICT_VALID:
            expected |= 1 << offset
    found = certificate_good_days(night_facts(facts), "320000-C1", place=facts.host, month=MONTH)
    assert expected == found


@given(all_facts(), sizes, sizes)
def test_more_under_quorum_never_restricts_and_more_verified_never_permits(
    facts: Facts, one: int, other: int
) -> None:
    """With the same entries verified, a larger quorum only adds days, of this certificate."""
    assert facts.certificate is not None
    small, large = sorted((one, other))

    def good(reach: Reach) -> int:
        standing = certificate_standing(facts.certificate, reach)
        known = {} if standing is None else {"320000-C1": standing}
        night = RecognitionFacts(certificates=known, suspensions={}, equivalences={})
        return certificate_good_days(night, "320000-C1", place=JS, month=MONTH)

    only_renewals = all(
        event.kind is not EventKind.RENEWED for event in facts.certificate.events
    )  # a drawn renewal may shorten, which the lifecycle would refuse
    if only_renewals:
        less = good(Reach(restrict_size=13, permit_size=small))
        more = good(Reach(restrict_size=13, permit_size=large))
        assert less == less & more
    seen = good(Reach(restrict_size=large, permit_size=13))
    unseen = good(Reach(restrict_size=small, permit_size=13))
    assert seen == seen & unseen


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.booleans(), windows(), st.booleans()), min_size=1, max_size=6))
def test_no_day_under_a_suspension_is_good(
    words: list[tuple[bool, tuple[date, date], bool]],
) -> None:
    """A day for which a suspension was said and that no reinstatement covers is never good.

    A reinstatement said later covers it from its own day on, if the suspension had begun by then.
    """
    history = CertificateHistory(
        certificate_no="320000-C1",
        issuer=JS,
        index=0,
        subject=pb.CERTIFICATE_SUBJECT_CAREGIVER,
        scheme="S",
        grade="三级",
        holder_name_digest=b"d" * 32,
        institution_id="",
        valid_from_date=date(2026, 1, 1),
        valid_until_date=date(2026, 12, 31),
        events=tuple(
            CertificateEventSaid(
                index=index,
                kind=EventKind.SUSPENDED if begins else EventKind.REINSTATED,
                effective_date=first,
                until_date=last if begins and has_end else None,
                reason="CODE",
            )
            for index, (begins, (first, last), has_end) in enumerate(words, 1)
        ),
    )
    recognised = [
        RecognitionSaid(
            host=SH, index=index, is_suspension=begins, effective_date=first, reason="CODE"
        )
        for index, (begins, (first, _), _) in enumerate(words)
    ]
    reach = Reach(restrict_size=9, permit_size=9)
    standing = certificate_standing(history, reach)
    assert standing is not None
    night = RecognitionFacts(certificates={"320000-C1": standing}, suspensions={}, equivalences={})
    good = certificate_good_days(night, "320000-C1", place=JS, month=MONTH)
    unrecognised = recognition_suspensions(recognised, reach)
    for offset in range(MONTH.days):
        day = MONTH.first_date + timedelta(days=offset)
        open_ones = [
            has_end and day > last
            for index, (begins, (first, last), has_end) in enumerate(words)
            if begins
            and first <= day
            and not any(
                not later_begins and first <= over <= day
                for later_begins, (over, _), _ in words[index + 1 :]
            )
        ]
        assert (good >> offset & 1 == 0) == (not all(open_ones)), day
        assert any(span.holds(day) for span in unrecognised) == bool(open_ones), day


def test_the_earliest_revocation_counts() -> None:
    """For good: a revocation said later, for a later day, gives back no day in between."""
    said = tuple(
        CertificateEventSaid(
            index=index,
            kind=EventKind.REVOKED,
            effective_date=FIRST + timedelta(days=days),
            until_date=None,
            reason="CODE",
        )
        for index, days in ((1, 0), (2, 12))
    )
    history = CertificateHistory(
        certificate_no="320000-C1",
        issuer=JS,
        index=0,
        subject=1,
        scheme="S",
        grade="三级",
        holder_name_digest=b"d" * 32,
        institution_id="",
        valid_from_date=FIRST,
        valid_until_date=FIRST + timedelta(days=20),
        events=said,
    )
    standing = certificate_standing(history, Reach(restrict_size=3, permit_size=3))
    assert standing is not None
    assert standing.revocation is not None
    assert standing.revocation.from_date == FIRST


def test_subject_must_fit() -> None:
    """A caregiver's day is not covered by the certificate of an institution."""
    history = CertificateHistory(
        certificate_no="320000-C1",
        issuer=JS,
        index=0,
        subject=pb.CERTIFICATE_SUBJECT_INSTITUTION,
        scheme="S",
        grade="三级",
        holder_name_digest=b"",
        institution_id="320000-1",
        valid_from_date=FIRST,
        valid_until_date=date(2027, 1, 1),
    )
    standing = certificate_standing(history, Reach(restrict_size=1, permit_size=1))
    assert standing is not None
    facts = RecognitionFacts(certificates={"320000-C1": standing}, suspensions={}, equivalences={})
    assert certificate_good_days(facts, "320000-C1", place=JS, month=MONTH) == 0
    found = certificate_good_days(
        facts, "320000-C1", place=JS, month=MONTH, subject=pb.CERTIFICATE_SUBJECT_INSTITUTION
    )
    assert MONTH.full_mask == found
    assert certificate_good_days(facts, "320000-C2", place=JS, month=MONTH) == 0


def standing_facts(
    parties: tuple[str, ...], *, division_code: str = "", measures: tuple[MeasureHistory, ...] = ()
) -> RecognitionFacts:
    """Return facts of a night at which only the places and the measures are in question."""
    reaches = dict.fromkeys((SH, JS), Reach(restrict_size=9, permit_size=9))
    history = CertificateHistory(
        certificate_no="320000-C1",
        issuer=JS,
        index=0,
        subject=pb.CERTIFICATE_SUBJECT_CAREGIVER,
        scheme="S",
        grade="三级",
        holder_name_digest=b"d" * 32,
        institution_id="",
        valid_from_date=date(2015, 1, 1),
        valid_until_date=date(2030, 1, 1),
        division_code=division_code,
    )
    equivalence = EquivalenceHistory(
        equivalence_id="310000-E1",
        host=SH,
        index=1,
        issuer=JS,
        scheme="S",
        grades=frozenset({"三级"}),
        mapped_scheme="M",
        mapped_grade="G",
        from_date=date(2015, 1, 1),
        until_date=None,
        agreement_id="310000-A1",
    )
    version = AgreementVersion(
        agreement_id="310000-A1",
        version_hash=HASH,
        author=SH,
        index=2,
        parties=parties,
        scopes=frozenset({pb.AGREEMENT_SCOPE_CAREGIVER_QUALIFICATION}),
        subsidy_kinds=frozenset(),
        from_date=date(2015, 1, 1),
        until_date=None,
    )
    standing = certificate_standing(history, reaches[JS])
    standing_equivalence = equivalence_standing(equivalence, reaches[SH])
    assert standing is not None
    assert standing_equivalence is not None
    return RecognitionFacts(
        certificates={"320000-C1": standing},
        suspensions={},
        equivalences={SH: (standing_equivalence,)},
        agreements={"310000-A1": (version,)},
        bars={"320000-C1": bars_known(measures, reaches)},
    )


@pytest.mark.parametrize(
    "parties, division_code, place, is_good",
    [
        ((SH, JS), "", "310105", True),
        (("310105", JS), "", "310105", True),
        (("310105", JS), "", "310105001", True),
        (("310105", JS), "", "310104", False),
        (("310105", JS), "", SH, False),
        ((SH, "320500"), "320505", SH, True),
        ((SH, "320500"), "320102", SH, False),
        ((SH, "320500"), "", SH, False),
    ],
)
def test_a_night_asks_where_it_was_issued_and_where_it_should_count(
    parties: tuple[str, ...], division_code: str, place: str, *, is_good: bool
) -> None:
    """A party covers the office that issued it, and one the place of the institution."""
    facts = standing_facts(parties, division_code=division_code)
    found = certificate_good_days(facts, "320000-C1", place=place, month=MONTH)
    assert found == (MONTH.full_mask if is_good else 0)


def test_a_night_splits_a_month_where_a_district_ends() -> None:
    """闸北区 was merged into 静安区 on 2015-11-04: an agreement of it covers three days more."""
    month = ServiceMonth(year=2015, month=11)
    facts = standing_facts(("310108", JS))
    assert certificate_good_days(facts, "320000-C1", place="310108", month=month) == 0b111


@pytest.mark.parametrize(
    "author, place, expected",
    [
        (JS, JS, 0b1111),
        (JS, SH, 0b1111),
        (SH, JS, MONTH.full_mask),
        (SH, "310105", 0b1111),
        ("330000", SH, MONTH.full_mask),
    ],
)
def test_a_night_knows_who_is_barred_where(author: str, place: str, expected: int) -> None:
    """By the own province everywhere, by a host in that province alone."""
    measure = MeasureHistory(
        measure_id="M1",
        author=author,
        index=3,
        kind=pb.MEASURE_KIND_BAN,
        institution_id="",
        certificate_no="320000-C1",
        from_date=date(2026, 10, 5),
        until_date=None,
        due_date=None,
        reason="CODE",
    )
    facts = standing_facts((SH, JS), measures=(measure,))
    assert expected == certificate_good_days(facts, "320000-C1", place=place, month=MONTH)
