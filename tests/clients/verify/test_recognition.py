"""The second implementation of recognition against the node's own rules, over generated facts."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clients.verify.recognition import Derived, derive
from clients.verify.said import SaidEntry
from deltacare.errors import PeerFault, Reason
from deltacare.evidence import Place, VerdictRecord
from deltacare.ids import LogName
from deltacare.v1 import entry_pb2 as pb
from server.certification.facts import LogFacts
from tests.support.evidence import AH, JS, NOW, NUMBER, SH, Asked, Logs

# Histories of a property: some in the ordinary tests, many in the slow ones.
LENGTHS = pytest.mark.parametrize("examples", [100, pytest.param(600, marks=pytest.mark.long)])

DAYS = ["2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23", "2026-11-24"]
REASON = "REASON"
# From when an agreement is ended, and when that is said; what names a day that has passed is void.
ENDS = st.sampled_from(DAYS)
TIMES = st.sampled_from([NOW - timedelta(days=2), NOW - timedelta(days=2), NOW])

Saying = Callable[[Logs], object]


def said(logs: Logs, record: VerdictRecord) -> list[SaidEntry]:
    """Return the entries that a verdict names."""
    return [
        SaidEntry(
            place=each.place,
            leaf=each.leaf,
            entry=pb.Entry.FromString(logs.entries[each.place.log.author][each.place.index]),
        )
        for each in record.said
    ]


def stated(record: VerdictRecord) -> Derived:
    """Return what a node said, as the verifier works it out."""
    return Derived(
        verdict=record.verdict,
        rule=record.rule,
        entries=record.entries,
        used=tuple(each.log.author for each in record.logs if each.is_used),
        mapped_scheme=record.mapped_scheme,
        mapped_grade=record.mapped_grade,
        reason=record.reason,
    )


def derived(logs: Logs, asked: Asked) -> tuple[Derived, Derived]:
    """Return what the node said, and what follows from the entries it names."""
    record = logs.record(asked)
    found = derive(record, said(logs, record))
    return stated(record), replace(found, used=tuple(sorted(found.used)))


def _word(kind: str, day: str, until: str) -> dict[str, object]:
    """Return the body of a word on the certificate."""
    if kind == "certificate_renewal":
        body: object = pb.CertificateRenewal(certificate_no=NUMBER, valid_until_date=day)
    elif kind == "certificate_suspension":
        body = pb.CertificateSuspension(
            certificate_no=NUMBER, effective_date=day, until_date=until, reason=f"{REASON}{day}"
        )
    elif kind == "certificate_reinstatement":
        body = pb.CertificateReinstatement(certificate_no=NUMBER, effective_date=day, reason=REASON)
    elif kind == "certificate_revocation":
        body = pb.CertificateRevocation(certificate_no=NUMBER, effective_date=day, reason=REASON)
    elif kind == "recognition_suspension":
        body = pb.RecognitionSuspension(
            certificate_no=NUMBER, effective_date=day, reason=f"{REASON}{day}"
        )
    else:
        body = pb.RecognitionResumption(certificate_no=NUMBER, effective_date=day, reason=REASON)
    return {kind: body}


WORDS = st.tuples(
    st.sampled_from(
        [
            "certificate_renewal",
            "certificate_suspension",
            "certificate_reinstatement",
            "certificate_revocation",
            "recognition_suspension",
            "recognition_resumption",
        ]
    ),
    st.sampled_from(DAYS),
    st.sampled_from(["", *DAYS]),
)


CLOSED, OPERATING = pb.INSTITUTION_STATE_CLOSED, pb.INSTITUTION_STATE_OPERATING
STATES = st.lists(
    st.tuples(
        st.sampled_from([CLOSED, CLOSED, OPERATING, pb.INSTITUTION_STATE_SUSPENDED]),
        st.sampled_from(["", *DAYS]),
    ),
    max_size=4,
)
OTHERS = [f"{JS}-C{number}" for number in (0, 2, 3, 4)]
FOLLOWS = st.tuples(
    st.sampled_from(["", OTHERS[0], NUMBER]),
    st.sampled_from(["", OTHERS[0], NUMBER, OTHERS[1]]),
    st.sampled_from(["", OTHERS[1], OTHERS[2]]),
)


def _follower(number: str, follows: str) -> pb.Certificate:
    """Return a certificate that follows another, or none."""
    return pb.Certificate(
        certificate_no=number,
        subject=pb.CERTIFICATE_SUBJECT_CAREGIVER,
        scheme="CAREGIVER_LEVEL",
        grade="三级",
        valid_from_date=DAYS[0],
        valid_until_date=DAYS[4],
        predecessor_no=follows,
    )


def _state(logs: Logs, states: list[tuple[pb.InstitutionState.ValueType, str]]) -> None:
    """State the institution, but for what would be void: it leaves no row."""
    closed_from: str | None = None  # where the last statement closes it
    for state, day in states:
        body = pb.Institution(
            institution_id=f"{JS}-1", state=state, state_date=day, state_reason=f"{REASON}{day}"
        )
        if state == CLOSED or closed_from is None or (day and day >= closed_from):
            closed_from = day if state == CLOSED else None
            logs.say(JS, institution=body)


@st.composite
def histories(draw: st.DrawFn) -> Logs:
    """Return logs in which much is said of one certificate, in any order."""
    logs = Logs()
    first = draw(st.sampled_from([DAYS[0], DAYS[0], DAYS[0], *DAYS[1:3]]))
    last = draw(st.sampled_from([DAYS[4], DAYS[4], DAYS[4], *DAYS[1:4]]))
    before = draw(st.sampled_from(["", "", f"{JS}-C0"]))
    logs.say(JS, certificate=_follower(f"{JS}-C0", ""))
    logs.say(
        JS,
        certificate=pb.Certificate(
            certificate_no=NUMBER,
            subject=draw(st.sampled_from([1, 2])),
            scheme="CAREGIVER_LEVEL",
            grade=draw(st.sampled_from(["三级", "二级", "一级"])),
            institution_id=draw(st.sampled_from(["", f"{JS}-1"])),
            valid_from_date=first,
            valid_until_date=last,
            division_code=draw(st.sampled_from(["", "320505", "320105"])),
            predecessor_no=before,
        ),
    )
    versions: dict[str, list[bytes]] = {}
    for number in range(draw(st.integers(0, 3))):
        parties = draw(st.sampled_from([(SH, JS), (SH, JS, AH), (SH, AH), ("310105", "320500")]))
        agreement_id = f"{SH}-A{draw(st.integers(1, 2))}"
        chain = versions.setdefault(agreement_id, [])
        proposed = logs.say(
            SH,
            agreement=pb.Agreement(
                agreement_id=agreement_id,
                parties=parties,
                predecessor_hash=chain[-1] if chain else b"",
                scopes=draw(st.sampled_from([(1,), (2,), (1, 2), (3,)])),
                from_date=draw(st.sampled_from(DAYS)),
                until_date=draw(st.sampled_from(["", *DAYS])),
            ),
        )
        chain.append(proposed)
        for author in (JS, AH, SH):
            for _ in range(draw(st.integers(0, 2))):
                word = draw(st.sampled_from([1, 1, 1, 2]))
                logs.say(
                    author,
                    agreement_answer=pb.AgreementAnswer(
                        agreement_id=agreement_id,
                        version_hash=draw(st.sampled_from([*chain, proposed, bytes(32)])),
                        word=word,
                        effective_date=draw(ENDS) if word == pb.AGREEMENT_WORD_ENDED else "",
                    ),
                    time=draw(TIMES),
                )
        logs.say(
            SH,
            equivalence=pb.Equivalence(
                equivalence_id=f"{SH}-E{number}",
                issuer=JS,
                scheme="CAREGIVER_LEVEL",
                grades=draw(st.sampled_from([("三级",), ("三级", "二级")])),
                mapped_scheme="SH",
                mapped_grade=str(number),
                from_date=draw(st.sampled_from(DAYS[:3])),
                until_date=draw(st.sampled_from(["", *DAYS])),
                agreement_id=agreement_id,
            ),
        )
        if draw(st.booleans()):
            logs.say(
                SH,
                equivalence_end=pb.EquivalenceEnd(
                    equivalence_id=f"{SH}-E{number}",
                    effective_date=draw(st.sampled_from(DAYS)),
                    reason=REASON,
                ),
            )
    for number in range(draw(st.sampled_from([0, 0, 1, 2]))):
        author = draw(st.sampled_from([SH, JS, JS, AH]))
        institution = draw(st.sampled_from(["", "", f"{JS}-1", f"{JS}-2"]))
        logs.say(
            author,
            supervision_measure=pb.SupervisionMeasure(
                measure_id=f"{author}-M{number}",
                kind=draw(st.sampled_from([1, 5, 5, 6])),
                institution_id=institution,
                certificate_no=(
                    "" if institution else draw(st.sampled_from([NUMBER, NUMBER, *OTHERS]))
                ),
                from_date=draw(st.sampled_from(DAYS[:3])),
                until_date=draw(st.sampled_from(["", "", *DAYS[2:]])),
                reason=f"{REASON}{number}",
            ),
        )
        if draw(st.booleans()):
            logs.say(
                author,
                measure_lift=pb.MeasureLift(
                    measure_id=f"{author}-M{number}",
                    effective_date=draw(st.sampled_from(DAYS)),
                    reason=REASON,
                ),
            )
    _state(logs, draw(STATES))
    for kind, day, until in draw(st.lists(WORDS, max_size=6)):
        author = SH if kind.startswith("recognition") else JS
        logs.say(author, **_word(kind, day, until))
    # Others of its line, some of another, and some of which is not known enough.
    for number, follows in zip(OTHERS[1:], draw(FOLLOWS), strict=True):
        logs.say(JS, certificate=_follower(number, follows))
    for author in (SH, JS, AH):
        logs.unseen[author] = draw(st.integers(0, min(2, len(logs.entries[author]))))
    change: dict[str, object] = draw(
        st.sampled_from(
            [{}, {}, {}, {"is_stalled": True}, {"is_forked": True}, {"fresh_time": None}]
        )
    )
    whose = draw(st.sampled_from([SH, JS, AH]))
    logs.facts[whose] = lambda facts: replace(facts, **change)
    return logs


def _close(logs: Logs) -> None:
    """Let the certificate be about an institution, and let this and another be closed."""
    issued = pb.Entry.FromString(logs.entries[JS][0])
    issued.certificate.institution_id = f"{JS}-1"
    logs.entries[JS][0] = issued.SerializeToString(deterministic=True)
    for number in (1, 2):
        body = pb.Institution(
            institution_id=f"{JS}-{number}",
            state=CLOSED,
            state_date=DAYS[1],
            state_reason=f"{REASON}{number}",
        )
        logs.say(JS, institution=body)


@LENGTHS
def test_both_implementations_agree(examples: int) -> None:
    """Whatever was said, in whatever order: the same verdict, rule, entries, logs and mapping."""

    @settings(max_examples=examples, deadline=None)
    @given(
        logs=histories(),
        day=st.sampled_from(DAYS),
        host=st.sampled_from([SH, SH, SH, "310105", "310105001", JS, AH]),
        schemes=st.sampled_from([(), (), ("CAREGIVER_LEVEL",), ("OTHER",)]),
        by=st.sampled_from([SH, JS, AH]),
        matches=st.sampled_from([None, None, True, False]),
    )
    def agree(
        *, logs: Logs, day: str, host: str, schemes: tuple[str, ...], by: str, matches: bool | None
    ) -> None:
        asked = Asked(
            host=host,
            on_date=date.fromisoformat(day),
            answered_by=by,
            holder_matches=matches,
            stated_schemes=schemes,
        )
        expected, actual = derived(logs, asked)
        assert expected == actual

    agree()


@LENGTHS
def test_both_agree_on_any_past_moment(examples: int) -> None:
    """Wherever the moment cuts the logs, the file says what was known then, and nothing else."""

    @settings(max_examples=examples, deadline=None)
    @given(
        logs=histories(),
        later=st.fixed_dictionaries({author: st.integers(0, 12) for author in (SH, JS, AH)}),
        day=st.sampled_from(DAYS),
        host=st.sampled_from([SH, SH, SH, "310105", JS]),
        by=st.sampled_from([SH, JS, AH]),
        matches=st.sampled_from([None, None, True, False]),
    )
    def agree(
        *, logs: Logs, later: dict[str, int], day: str, host: str, by: str, matches: bool | None
    ) -> None:
        logs.later = {
            author: min(count, len(logs.entries[author])) for author, count in later.items()
        }
        asked = Asked(
            host=host, on_date=date.fromisoformat(day), answered_by=by, holder_matches=matches
        )
        expected, actual = derived(logs, asked)
        assert expected == actual

    agree()


@st.composite
def agreed(draw: st.DrawFn) -> Logs:
    """Return logs in which one certificate rests on an agreement that is changed and ended."""
    logs = Logs().recognised()
    first = pb.Entry.FromString(logs.entries[SH][0])
    chain = [pb.Entry.FromString(logs.entries[JS][1]).agreement_answer.version_hash]
    for _ in range(draw(st.integers(1, 12))):
        author = draw(st.sampled_from([SH, JS, JS, AH]))
        if author == SH and len(chain) < len(DAYS) and draw(st.booleans()):
            version = pb.Agreement()
            version.CopyFrom(first.agreement)
            version.predecessor_hash = chain[-1]
            version.parties[:] = draw(st.sampled_from([(SH, JS), (SH, JS), (SH, JS, AH)]))
            version.from_date = draw(st.sampled_from(DAYS))
            version.until_date = draw(st.sampled_from(["", "", *DAYS]))
            chain.append(logs.say(SH, agreement=version))
            continue
        word = draw(st.sampled_from([pb.AGREEMENT_WORD_ACCEPTED, pb.AGREEMENT_WORD_ENDED]))
        logs.say(
            author,
            agreement_answer=pb.AgreementAnswer(
                agreement_id="310000-A1",
                version_hash=draw(st.sampled_from([chain[-1], *chain])),
                word=word,
                effective_date=draw(ENDS) if word == pb.AGREEMENT_WORD_ENDED else "",
            ),
            time=draw(TIMES),
        )
    for author in (SH, JS, AH):
        logs.unseen[author] = draw(st.sampled_from([0, 0, 0, 1, 2]))
    return logs


@LENGTHS
def test_both_agree_on_every_day_of_an_agreement(examples: int) -> None:
    """However it was changed and ended: the same verdict on each day, from the same words."""

    @settings(max_examples=examples, deadline=None)
    @given(logs=agreed(), by=st.sampled_from([SH, JS, AH]))
    def agree(*, logs: Logs, by: str) -> None:
        for day in DAYS:
            expected, actual = derived(logs, Asked(on_date=date.fromisoformat(day), answered_by=by))
            assert expected == actual

    agree()


@pytest.mark.parametrize("author", [SH, JS])
def test_an_end_says_nothing_of_the_days_before(author: str) -> None:
    """The day before stays what it was, for whoever asks and whenever; the day itself is over."""
    logs = Logs().recognised()
    _end(logs, author)
    for day, rule in ((21, "R22-RECOGNISED"), (22, "R21-NO-AGREEMENT"), (23, "R21-NO-AGREEMENT")):
        expected, actual = derived(logs, Asked(on_date=date(2026, 11, day)))
        assert (rule, expected) == (expected.rule, actual)


def test_an_end_for_a_day_that_has_passed_is_void() -> None:
    """Nobody takes back a day that has passed; both leave such a word out."""
    logs = Logs().recognised()
    _end(logs, JS, "2026-11-21")
    expected, actual = derived(logs, Asked())
    assert ("R22-RECOGNISED", expected) == (expected.rule, actual)
    # Nor does it count where whoever verifies finds it in a whole log.
    for day in (date(2026, 11, 21), date(2026, 11, 22)):
        record = logs.record(Asked(on_date=day))
        index = len(logs.entries[JS]) - 1
        void = SaidEntry(
            place=Place(log=LogName.registry(JS), index=index),
            leaf=bytes(32),
            entry=pb.Entry.FromString(logs.entries[JS][index]),
        )
        assert "R22-RECOGNISED" == derive(record, [*said(logs, record), void]).rule


def test_an_agreement_is_of_no_matter_before_an_equivalence_names_it() -> None:
    """Between the two there is nothing to recognise by, and the file does not show it."""
    logs = Logs().recognised()
    logs.later[SH] = 1  # the equivalence
    expected, actual = derived(logs, Asked())
    assert ("R18-NO-EQUIVALENCE", expected) == (expected.rule, actual)


@pytest.mark.parametrize(
    "rule, change, asked",
    [
        ("R01-ISSUER", lambda _: None, Asked(certificate_no="510000-C1")),
        ("R02-FORK", lambda logs: _known(logs, JS, is_forked=True), Asked()),
        ("R03-STALE", lambda logs: _known(logs, JS, fresh_time=None), Asked()),
        ("R04-STALLED", lambda logs: _known(logs, JS, is_stalled=True), Asked()),
        ("R05-NOT-FOUND", lambda logs: logs.unseen.update({JS: 2}), Asked()),
        ("R06-HOLDER", lambda _: None, Asked(holder_matches=False)),
        ("R07-REVOKED", lambda logs: _say(logs, "certificate_revocation"), Asked()),
        ("R08-SUSPENDED", lambda logs: _say(logs, "certificate_suspension"), Asked()),
        ("R09-NOT-YET-VALID", lambda _: None, Asked(on_date=date(2025, 12, 31))),
        ("R10-EXPIRED", lambda _: None, Asked(on_date=date(2027, 1, 1))),
        ("R13-CLOSED", _close, Asked()),
        ("R14-HOME", lambda _: None, Asked(host=JS)),
        ("R15-HOST-STALE", lambda logs: _known(logs, SH, is_forked=True), Asked()),
        ("R17-RECOGNITION-SUSPENDED", lambda logs: _say(logs, "recognition_suspension"), Asked()),
        ("R18-NO-EQUIVALENCE", lambda _: None, Asked(host=AH)),
        ("R20-BASIS-STALE", lambda logs: _third(logs, stalled=True), Asked()),
        ("R21-NO-AGREEMENT", lambda logs: _end(logs, JS), Asked()),
        # What a third party has not answered leaves the version before it in force, also where
        # its log is stalled if somebody else has not answered either.
        ("R22-RECOGNISED", lambda logs: _third(logs, stalled=False), Asked()),
        ("R22-RECOGNISED", lambda logs: _third(logs, stalled=True, accepted=False), Asked()),
        ("R22-RECOGNISED", lambda _: None, Asked()),
    ],
)
def test_every_rule_is_worked_out(rule: str, change: Saying, asked: Asked) -> None:
    """Each rule of the node's list decides once, and both say so."""
    logs = Logs().recognised()
    change(logs)
    expected, actual = derived(logs, asked)
    assert (rule, expected) == (expected.rule, actual)


@pytest.mark.parametrize(
    "day, reason, rule",
    [
        (DAYS[1], "", "R13-CLOSED"),
        ("", REASON, "R13-CLOSED"),
        (DAYS[0], REASON, "R13-CLOSED"),
        (DAYS[1], REASON, "R22-RECOGNISED"),
    ],
)
def test_what_is_void_opens_nothing(day: str, reason: str, rule: str) -> None:
    """Who sees a whole log passes over a coming back without day or reason, or before the day."""
    logs = Logs().recognised()
    _close(logs)
    record = logs.record(Asked())
    assert [0, 2] == [each.place.index for each in record.said if each.place.log.author == JS]
    body = pb.Institution(
        institution_id=f"{JS}-1",
        state=OPERATING,
        state_date=day,
        state_reason=reason,
    )
    leaf = logs.say(JS, institution=body)
    back = SaidEntry(
        place=Place(log=LogName.registry(JS), index=4),
        leaf=leaf,
        entry=pb.Entry.FromString(logs.entries[JS][4]),
    )
    # As a log would be read that holds it, and everything else that bears on the question.
    longer = logs.record(Asked())
    entries = {each.place: each for each in (*said(logs, longer), *said(logs, record), back)}
    assert rule == derive(longer, [entries[place] for place in sorted(entries)]).rule


@pytest.mark.parametrize("number, bears", [(1, True), (2, False)])
def test_only_the_certificates_own_institution_bears_on_it(number: int, *, bears: bool) -> None:
    """What was stated of another institution has no place in the file."""
    logs = Logs().recognised()
    _close(logs)
    record = logs.record(Asked())
    index = 1 + number
    data = logs.entries[JS][index]
    place = Place(log=LogName.registry(JS), index=index)
    stated_one = SaidEntry(place=place, leaf=b"", entry=pb.Entry.FromString(data))
    entries = {each.place: each for each in (*said(logs, record), stated_one)}
    given = [entries[place] for place in sorted(entries)]
    if bears:
        assert "R13-CLOSED" == derive(record, given).rule
        return
    with pytest.raises(PeerFault) as caught:
        derive(record, given)
    assert Reason.BAD_PROOF == caught.value.reason


@pytest.mark.parametrize(
    "rule, words, unseen",
    [
        # What was ended before it began again, and what no quorum has seen end.
        ("R08-SUSPENDED", ["certificate_reinstatement", "certificate_suspension"], {}),
        ("R22-RECOGNISED", ["certificate_suspension", "certificate_reinstatement"], {}),
        ("R08-SUSPENDED", ["certificate_suspension", "certificate_reinstatement"], {JS: 1}),
        ("R17-RECOGNITION-SUSPENDED", ["recognition_resumption", "recognition_suspension"], {}),
        ("R22-RECOGNISED", ["recognition_suspension", "recognition_resumption"], {}),
        (
            "R17-RECOGNITION-SUSPENDED",
            ["recognition_suspension", "recognition_resumption"],
            {SH: 1},
        ),
        # An agreement is ended, also by a word that no quorum has seen; one cannot be begun so.
        ("R21-NO-AGREEMENT", ["end"], {}),
        ("R21-NO-AGREEMENT", ["end"], {JS: 1}),
        ("R21-NO-AGREEMENT", [], {JS: 1}),
    ],
)
def test_order_and_quorum_decide(rule: str, words: list[str], unseen: dict[str, int]) -> None:
    """What restricts counts as soon as it is said, what permits once a quorum saw it."""
    logs = Logs().recognised()
    for word in words:
        if word == "end":
            _end(logs, JS)
        else:
            _say(logs, word)
    logs.unseen.update(unseen)
    expected, actual = derived(logs, Asked(answered_by=AH))
    assert (rule, expected) == (expected.rule, actual)


@pytest.mark.parametrize(
    "author, against, unseen, rule",
    [
        # What it follows, what follows it, and what else follows the same.
        (JS, "320000-C0", 0, "R12-BARRED"),
        (JS, "320000-C2", 0, "R12-BARRED"),
        (JS, "320000-C3", 0, "R12-BARRED"),
        (SH, "320000-C3", 0, "R16-BARRED-HERE"),
        # One that no quorum saw restricts all the same; one of another line does not.
        (JS, "320000-C3", 1, "R12-BARRED"),
        (JS, "320000-C4", 0, "R22-RECOGNISED"),
        (AH, "320000-C0", 0, "R22-RECOGNISED"),
    ],
)
def test_a_measure_reaches_the_whole_line(
    author: str, against: str, unseen: int, rule: str
) -> None:
    """Both say that who is barred by one certificate is barred by all; the file shows the links."""
    logs = Logs()
    logs.say(JS, certificate=_follower("320000-C0", ""))
    logs.recognised()
    issued = pb.Entry.FromString(logs.entries[JS][1])
    issued.certificate.predecessor_no = "320000-C0"
    logs.entries[JS][1] = issued.SerializeToString(deterministic=True)
    logs.say(JS, certificate=_follower("320000-C2", NUMBER))
    logs.say(JS, certificate=_follower("320000-C4", ""))
    logs.say(
        author,
        supervision_measure=pb.SupervisionMeasure(
            measure_id=f"{author}-M1",
            kind=pb.MEASURE_KIND_BAN,
            certificate_no=against,
            from_date="2026-11-22",
            reason=REASON,
        ),
    )
    logs.say(JS, certificate=_follower("320000-C3", "320000-C0"))
    logs.unseen[JS] = unseen
    asked = Asked(answered_by=AH)
    expected, actual = derived(logs, asked)
    assert (rule, expected) == (expected.rule, actual)
    before = Asked(answered_by=AH, on_date=date(2026, 11, 21))
    assert ("R22-RECOGNISED",) * 2 == tuple(each.rule for each in derived(logs, before))


def test_what_shows_the_line_cannot_be_left_out() -> None:
    """Without the issues between the two, a measure is against somebody else."""
    logs = Logs().recognised()
    logs.say(JS, certificate=_follower("320000-C2", NUMBER))
    logs.say(JS, certificate=_follower("320000-C3", "320000-C2"))
    logs.say(JS, certificate=_follower("320000-C4", ""))
    logs.say(
        JS,
        supervision_measure=pb.SupervisionMeasure(
            measure_id=f"{JS}-M1",
            kind=pb.MEASURE_KIND_BAN,
            certificate_no="320000-C3",
            from_date="2026-11-22",
            reason=REASON,
        ),
    )
    record = logs.record(Asked())
    entries = said(logs, record)
    assert [0, 2, 3, 5] == [each.index for each in entries if each.author == JS]
    assert "R12-BARRED" == derive(record, entries).rule
    with pytest.raises(PeerFault) as caught:
        derive(record, [each for each in entries if each.index != 2])
    assert Reason.BAD_PROOF == caught.value.reason


def test_a_day_too_old_is_stale() -> None:
    """The limit is the node's, as it signed it."""
    logs = Logs().recognised()
    logs.facts[JS] = lambda facts: replace(
        facts, fresh_time=(facts.fresh_time or date.min) - timedelta(days=2)
    )
    expected, actual = derived(logs, Asked())
    assert ("R03-STALE", expected) == (expected.rule, actual)


def _known(logs: Logs, province: str, **change: object) -> None:
    def changed(facts: LogFacts) -> LogFacts:
        return replace(facts, **change)

    logs.facts[province] = changed


def _say(logs: Logs, kind: str) -> None:
    author = SH if kind.startswith("recognition") else JS
    logs.say(author, **_word(kind, "2026-11-22", ""))


def _end(logs: Logs, author: str, day: str = "2026-11-22") -> None:
    """Say that a party ends the agreement, from the day asked about unless another is named."""
    version = pb.Entry.FromString(logs.entries[JS][1]).agreement_answer.version_hash
    ended = pb.AgreementAnswer(
        agreement_id="310000-A1",
        version_hash=version,
        word=pb.AGREEMENT_WORD_ENDED,
        reason=REASON,
        effective_date=day,
    )
    logs.say(author, agreement_answer=ended)


def _third(logs: Logs, *, stalled: bool, accepted: bool = True) -> None:
    """Give the agreement a successor to which Anhui is a party, and has not answered."""
    version = logs.say(
        SH,
        agreement=pb.Agreement(
            agreement_id="310000-A1",
            parties=(SH, JS, AH),
            scopes=(pb.AGREEMENT_SCOPE_CAREGIVER_QUALIFICATION,),
            from_date="2026-01-01",
        ),
    )
    if accepted:
        logs.say(
            JS,
            agreement_answer=pb.AgreementAnswer(
                agreement_id="310000-A1", version_hash=version, word=pb.AGREEMENT_WORD_ACCEPTED
            ),
        )
    _known(logs, AH, is_stalled=stalled)
