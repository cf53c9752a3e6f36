"""Tests of the check: every verdict from both sides of its edge."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from deltacare.v1 import certification_service_pb2 as cert_pb
from deltacare.v1 import entry_pb2 as pb
from server.certification.facts import Facts, LogFacts, log_age
from server.certification.rules import check, holder_name_digest
from server.certification.values import (
    CertificateEventSaid,
    CertificateHistory,
    EquivalenceHistory,
    EventKind,
    RecognitionSaid,
)
from server.certification.verdicts import RULES
from server.registry.closings import ClosingSaid
from server.registry.values import AgreementHistory, AgreementVersion, AgreementWordSaid, EndSaid
from server.supervision.values import MeasureHistory

SH, JS, ZJ = "310000", "320000", "330000"
NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
DAY = date(2026, 11, 22)
HASH = b"1" * 32
ONE_DAY = timedelta(days=1)

LOG = LogFacts(
    size=100,
    quorum_size=100,
    fresh_time=NOW - timedelta(minutes=1),
    is_stalled=False,
    is_forked=False,
    is_own=False,
)
CERTIFICATE = CertificateHistory(
    certificate_no="320000-C1",
    issuer=JS,
    index=10,
    subject=pb.CERTIFICATE_SUBJECT_CAREGIVER,
    scheme="CAREGIVER_LEVEL",
    grade="三级",
    holder_name_digest=b"d" * 32,
    institution_id="",
    valid_from_date=date(2026, 1, 1),
    valid_until_date=date(2026, 12, 31),
)
EQUIVALENCE = EquivalenceHistory(
    equivalence_id="310000-E1",
    host=SH,
    index=20,
    issuer=JS,
    scheme="CAREGIVER_LEVEL",
    grades=frozenset({"三级"}),
    mapped_scheme="SH_CAREGIVER",
    mapped_grade="中级",
    from_date=date(2026, 1, 1),
    until_date=None,
    agreement_id="310000-A1",
)
VERSION = AgreementVersion(
    agreement_id="310000-A1",
    version_hash=HASH,
    author=SH,
    index=5,
    parties=(SH, JS),
    scopes=frozenset({pb.AGREEMENT_SCOPE_CAREGIVER_QUALIFICATION}),
    subsidy_kinds=frozenset(),
    from_date=date(2026, 1, 1),
    until_date=None,
)
WORDS = (
    AgreementWordSaid(province=SH, index=5, version_hash=HASH, ended_date=None),
    AgreementWordSaid(province=JS, index=6, version_hash=HASH, ended_date=None),
)
AGREEMENT = AgreementHistory(versions=(VERSION,), words=WORDS)
FACTS = Facts(
    certificate_no="320000-C1",
    issuer=JS,
    host=SH,
    on_date=DAY,
    known_time=NOW,
    stale_after=ONE_DAY,
    logs={SH: replace(LOG, is_own=True), JS: LOG, ZJ: LOG},
    certificate=CERTIFICATE,
    recognitions=(),
    equivalences=(EQUIVALENCE,),
    agreements={"310000-A1": AGREEMENT},
    holder_matches=None,
)


def verdict(facts: Facts) -> tuple[str, str]:
    """Return verdict and number of the rule."""
    outcome = check(facts)
    name = cert_pb.Verdict.Name(outcome.verdict).removeprefix("VERDICT_")
    return name, outcome.rule.code[:3]


def with_log(province: str, **changes: object) -> Facts:
    """Return the facts with one log held otherwise."""
    return replace(FACTS, logs={**FACTS.logs, province: replace(FACTS.logs[province], **changes)})


def with_events(*events: CertificateEventSaid, **changes: object) -> Facts:
    """Return the facts with a life of the certificate."""
    return replace(FACTS, certificate=replace(CERTIFICATE, events=events, **changes))


def event(
    kind: EventKind, index: int, effective: date | None = None, until: date | None = None
) -> CertificateEventSaid:
    """Return an event."""
    reason = "" if kind is EventKind.RENEWED else "CODE"
    return CertificateEventSaid(
        index=index, kind=kind, effective_date=effective, until_date=until, reason=reason
    )


def suspended(
    index: int = 50, effective: date = DAY, until: date | None = None
) -> CertificateEventSaid:
    """Return a suspension."""
    return event(EventKind.SUSPENDED, index, effective, until)


def reinstated(index: int = 60, effective: date = DAY) -> CertificateEventSaid:
    """Return a reinstatement."""
    return event(EventKind.REINSTATED, index, effective)


def revoked(index: int = 50, effective: date = DAY) -> CertificateEventSaid:
    """Return a revocation."""
    return event(EventKind.REVOKED, index, effective)


def recognition(index: int, *, is_suspension: bool, effective: date = DAY) -> RecognitionSaid:
    """Return Shanghai's word on the certificate."""
    return RecognitionSaid(
        host=SH, index=index, is_suspension=is_suspension, effective_date=effective, reason="DOUBT"
    )


def test_rules_are_numbered_in_order_and_say_themselves_twice() -> None:
    """Every rule has its number in order, a text in both languages, and a source."""
    assert [f"R{n:02d}" for n in range(23)] == [rule.code[:3] for rule in RULES]
    for rule in RULES:
        assert rule.zh.endswith("。")
        assert rule.en.endswith(".")
        assert rule.source


def test_recognised() -> None:
    """All is well: the verdict names scheme and grade here, entries in order, and logs."""
    outcome = check(FACTS)
    assert cert_pb.VERDICT_VALID == outcome.verdict
    assert "R22-RECOGNISED" == outcome.rule.code
    assert ("SH_CAREGIVER", "中级") == (outcome.mapped_scheme, outcome.mapped_grade)
    assert ((JS, 10), (SH, 20), (SH, 5), (JS, 6)) == outcome.entries
    assert (JS, SH) == outcome.used


def test_at_home() -> None:
    """At home a certificate counts as what it is, without anybody's agreement."""
    outcome = check(replace(FACTS, host=JS, equivalences=(), agreements={}))
    assert "R14-HOME" == outcome.rule.code
    assert ("CAREGIVER_LEVEL", "三级") == (outcome.mapped_scheme, outcome.mapped_grade)
    assert ((JS, 10),) == outcome.entries
    assert (JS,) == outcome.used


ISSUER_LOG = [
    ("trust stale", replace(FACTS, unconfirmed_since=NOW), ("STALE", "R00")),
    (
        "trust stale, at home",
        replace(FACTS, unconfirmed_since=NOW, host=JS, equivalences=(), agreements={}),
        ("STALE", "R00"),
    ),
    (
        "trust stale, and no member",
        replace(FACTS, unconfirmed_since=NOW, issuer="440000"),
        ("STALE", "R00"),
    ),
    ("forked", with_log(JS, is_forked=True), ("FORK", "R02")),
    ("forked and stale", with_log(JS, is_forked=True, fresh_time=None), ("FORK", "R02")),
    ("never seen", with_log(JS, fresh_time=None), ("STALE", "R03")),
    ("as old as allowed", with_log(JS, fresh_time=NOW - ONE_DAY), ("VALID", "R22")),
    (
        "older than allowed",
        with_log(JS, fresh_time=NOW - ONE_DAY - timedelta(microseconds=1)),
        ("STALE", "R03"),
    ),
    ("from the future", with_log(JS, fresh_time=NOW + ONE_DAY), ("VALID", "R22")),
    ("stalled", with_log(JS, is_stalled=True), ("STALE", "R04")),
    ("entry verified only", with_log(JS, quorum_size=10), ("UNKNOWN", "R05")),
    ("entry under the quorum", with_log(JS, quorum_size=11), ("VALID", "R22")),
]
EXISTENCE = [
    ("issuer no member", replace(FACTS, issuer="440000"), ("UNKNOWN", "R01")),
    ("not there", replace(FACTS, certificate=None), ("UNKNOWN", "R05")),
    ("holder matches", replace(FACTS, holder_matches=True), ("VALID", "R22")),
    ("holder differs", replace(FACTS, holder_matches=False), ("HOLDER_MISMATCH", "R06")),
    (
        "holder differs and revoked",
        replace(with_events(revoked()), holder_matches=False),
        ("HOLDER_MISMATCH", "R06"),
    ),
]
LIFE = [
    ("revoked today", with_events(revoked()), ("REVOKED", "R07")),
    ("revoked tomorrow", with_events(revoked(effective=DAY + ONE_DAY)), ("VALID", "R22")),
    ("revoked and suspended", with_events(suspended(49), revoked()), ("REVOKED", "R07")),
    ("suspended today", with_events(suspended()), ("SUSPENDED", "R08")),
    ("suspended tomorrow", with_events(suspended(effective=DAY + ONE_DAY)), ("VALID", "R22")),
    (
        "suspended until today",
        with_events(suspended(effective=DAY - ONE_DAY, until=DAY)),
        ("SUSPENDED", "R08"),
    ),
    (
        "suspended until yesterday",
        with_events(suspended(effective=DAY - ONE_DAY, until=DAY - ONE_DAY)),
        ("VALID", "R22"),
    ),
    (
        "good again today",
        with_events(suspended(effective=DAY - ONE_DAY), reinstated()),
        ("VALID", "R22"),
    ),
    (
        "good again tomorrow",
        with_events(suspended(), reinstated(effective=DAY + ONE_DAY)),
        ("SUSPENDED", "R08"),
    ),
    (
        "suspended again after that",
        with_events(suspended(effective=DAY - ONE_DAY), reinstated(), suspended(70)),
        ("SUSPENDED", "R08"),
    ),
    ("first day", replace(FACTS, on_date=date(2026, 1, 1)), ("VALID", "R22")),
    ("day before", replace(FACTS, on_date=date(2025, 12, 31)), ("NOT_YET_VALID", "R09")),
    ("last day", replace(FACTS, on_date=date(2026, 12, 31)), ("VALID", "R22")),
    ("day after", replace(FACTS, on_date=date(2027, 1, 1)), ("EXPIRED", "R10")),
    (
        "renewed",
        replace(
            with_events(event(EventKind.RENEWED, 50, until=date(2027, 12, 31))),
            on_date=date(2027, 12, 31),
        ),
        ("VALID", "R22"),
    ),
    (
        "renewal passed",
        replace(
            with_events(event(EventKind.RENEWED, 50, until=date(2027, 12, 31))),
            on_date=date(2028, 1, 1),
        ),
        ("EXPIRED", "R10"),
    ),
]


def at_js(facts: Facts, size: int, quorum_size: int) -> Facts:
    """Return facts with Jiangsu's log held so far."""
    log = replace(facts.logs[JS], size=size, quorum_size=quorum_size)
    return replace(facts, logs={**facts.logs, JS: log})


RENEWED = replace(
    with_events(event(EventKind.RENEWED, 50, until=date(2027, 12, 31))), on_date=date(2027, 6, 1)
)
REINSTATED = with_events(suspended(effective=DAY - ONE_DAY), reinstated())
QUORUM = [
    # What restricts counts as soon as it is verified, what permits waits for the quorum.
    ("revocation verified", at_js(with_events(revoked()), 51, 50), ("REVOKED", "R07")),
    ("revocation not seen", at_js(with_events(revoked()), 50, 50), ("VALID", "R22")),
    ("suspension verified", at_js(with_events(suspended()), 51, 50), ("SUSPENDED", "R08")),
    ("suspension not seen", at_js(with_events(suspended()), 50, 50), ("VALID", "R22")),
    ("reinstatement verified", at_js(REINSTATED, 61, 60), ("SUSPENDED", "R08")),
    ("reinstatement under the quorum", at_js(REINSTATED, 61, 61), ("VALID", "R22")),
    ("renewal verified", at_js(RENEWED, 51, 50), ("EXPIRED", "R10")),
    ("renewal under the quorum", at_js(RENEWED, 51, 51), ("VALID", "R22")),
]


def at_zj(**changes: object) -> Facts:
    """Return facts of a check at Zhejiang's node for Shanghai."""
    logs = {
        **FACTS.logs,
        SH: replace(FACTS.logs[SH], is_own=False, **changes),
        ZJ: replace(LOG, is_own=True),
    }
    return replace(FACTS, logs=logs)


def declared(**changes: object) -> Facts:
    """Return facts with another equivalence."""
    return replace(FACTS, equivalences=(replace(EQUIVALENCE, **changes),))


def agreed(*, words: tuple[AgreementWordSaid, ...] = WORDS, **changes: object) -> Facts:
    """Return facts with another agreement."""
    history = AgreementHistory(versions=(replace(VERSION, **changes),), words=words)
    return replace(FACTS, agreements={"310000-A1": history})


THREE_WORDS = (
    *WORDS,
    AgreementWordSaid(province=ZJ, index=7, version_hash=HASH, ended_date=None),
)
THREE = agreed(words=THREE_WORDS, parties=(SH, JS, "330100"))
HOST = [
    ("host's log elsewhere", at_zj(), ("VALID", "R22")),
    ("host's log stale", at_zj(fresh_time=None), ("STALE", "R15")),
    ("host's log stalled", at_zj(is_stalled=True), ("STALE", "R15")),
    ("host's log forked", at_zj(is_forked=True), ("STALE", "R15")),
    ("own log without age", with_log(SH, fresh_time=None), ("VALID", "R22")),
    ("own log stalled", with_log(SH, is_stalled=True), ("STALE", "R15")),
    (
        "recognition suspended today",
        replace(FACTS, recognitions=(recognition(30, is_suspension=True),)),
        ("NOT_RECOGNISED_HERE", "R17"),
    ),
    (
        "recognition suspended tomorrow",
        replace(
            FACTS, recognitions=(recognition(30, is_suspension=True, effective=DAY + ONE_DAY),)
        ),
        ("VALID", "R22"),
    ),
    (
        "recognition resumed",
        replace(
            FACTS,
            recognitions=(
                recognition(30, is_suspension=True, effective=DAY - ONE_DAY),
                recognition(31, is_suspension=False),
            ),
        ),
        ("VALID", "R22"),
    ),
    ("no equivalence", replace(FACTS, equivalences=()), ("NOT_RECOGNISED_HERE", "R18")),
    ("of another issuer", declared(issuer=ZJ), ("NOT_RECOGNISED_HERE", "R18")),
    ("of another scheme", declared(scheme="OTHER"), ("NOT_RECOGNISED_HERE", "R18")),
    ("of another grade", declared(grades=frozenset({"四级"})), ("NOT_RECOGNISED_HERE", "R19")),
    ("from today", declared(from_date=DAY), ("VALID", "R22")),
    ("from tomorrow", declared(from_date=DAY + ONE_DAY), ("NOT_RECOGNISED_HERE", "R18")),
    ("until today", declared(until_date=DAY), ("VALID", "R22")),
    ("until yesterday", declared(until_date=DAY - ONE_DAY), ("NOT_RECOGNISED_HERE", "R18")),
    (
        "ended today",
        declared(ends=(EndSaid(index=40, from_date=DAY),)),
        ("NOT_RECOGNISED_HERE", "R18"),
    ),
    (
        "ended tomorrow",
        declared(ends=(EndSaid(index=40, from_date=DAY + ONE_DAY),)),
        ("VALID", "R22"),
    ),
    (
        "ended tomorrow, then today",
        declared(
            ends=(
                EndSaid(index=40, from_date=DAY + ONE_DAY),
                EndSaid(index=41, from_date=DAY),
            )
        ),
        ("NOT_RECOGNISED_HERE", "R18"),
    ),
    ("its end not seen", declared(ends=(EndSaid(index=100, from_date=DAY),)), ("VALID", "R22")),
    ("not under the quorum", at_zj(quorum_size=20), ("NOT_RECOGNISED_HERE", "R18")),
]


def taken(author: str, **changes: object) -> Facts:
    """Return facts with a ban by a province."""
    fields: dict[str, object] = {
        "measure_id": f"{author}-M1",
        "author": author,
        "index": 40,
        "kind": pb.MEASURE_KIND_BAN,
        "institution_id": "",
        "certificate_no": "320000-C1",
        "from_date": DAY,
        "until_date": None,
        "due_date": None,
        "reason": "ABUSE",
    }
    return replace(FACTS, measures=(MeasureHistory(**{**fields, **changes}),))  # type: ignore[arg-type]  # a test's own


def closed(from_date: date, **changes: object) -> Facts:
    """Return the facts of a certificate whose institution is closed, at home."""
    said = ClosingSaid(index=45, is_closed=True, from_date=from_date, reason="MERGED")
    return replace(FACTS, host=JS, closings=(said,), **changes)  # type: ignore[arg-type]  # likewise


LIFTED = {"lifts": (EndSaid(index=50, from_date=DAY),)}
MEASURES = [
    ("no scheme stated", replace(FACTS, stated_schemes=frozenset()), ("VALID", "R22")),
    (
        "this scheme stated",
        replace(FACTS, stated_schemes=frozenset({"CAREGIVER_LEVEL"})),
        ("VALID", "R22"),
    ),
    (
        "another scheme stated",
        replace(FACTS, stated_schemes=frozenset({"OTHER"})),
        ("NOT_RECOGNISED_HERE", "R11"),
    ),
    (
        "another scheme stated, at home",
        replace(FACTS, stated_schemes=frozenset({"OTHER"}), host=JS),
        ("NOT_RECOGNISED_HERE", "R11"),
    ),
    ("barred by its own province", taken(JS), ("NOT_RECOGNISED_HERE", "R12")),
    ("and at home", replace(taken(JS), host=JS), ("NOT_RECOGNISED_HERE", "R12")),
    ("barred from tomorrow", taken(JS, from_date=DAY + ONE_DAY), ("VALID", "R22")),
    (
        "barred until yesterday",
        taken(JS, from_date=DAY - ONE_DAY, until_date=DAY - ONE_DAY),
        ("VALID", "R22"),
    ),
    ("barred until today", taken(JS, until_date=DAY), ("NOT_RECOGNISED_HERE", "R12")),
    ("a measure that bars nobody", taken(JS, kind=pb.MEASURE_KIND_PENALTY), ("VALID", "R22")),
    ("lifted", taken(JS, **LIFTED), ("VALID", "R22")),
    (
        "lift not under the quorum",
        replace(taken(JS, **LIFTED), logs={**FACTS.logs, JS: replace(LOG, quorum_size=50)}),
        ("NOT_RECOGNISED_HERE", "R12"),
    ),
    (
        "measure verified only",
        replace(taken(JS), logs={**FACTS.logs, JS: replace(LOG, size=41, quorum_size=40)}),
        ("NOT_RECOGNISED_HERE", "R12"),
    ),
    (
        "measure not seen",
        replace(taken(JS), logs={**FACTS.logs, JS: replace(LOG, size=40, quorum_size=40)}),
        ("VALID", "R22"),
    ),
    ("barred by the host", taken(SH), ("NOT_RECOGNISED_HERE", "R16")),
    ("its institution is closed", closed(DAY), ("NOT_RECOGNISED_HERE", "R13")),
    ("closed from tomorrow", closed(DAY + ONE_DAY), ("VALID", "R14")),
    ("closed and barred", closed(DAY, measures=taken(JS).measures), ("NOT_RECOGNISED_HERE", "R12")),
    ("barred by another", taken(ZJ), ("VALID", "R22")),
    ("barred by the host, at home", replace(taken(SH), host=JS), ("VALID", "R14")),
]
PLACES = [
    ("in a district", replace(FACTS, host="310105"), ("VALID", "R22")),
    ("in a street", replace(FACTS, host="310105001"), ("VALID", "R22")),
    (
        "agreed by the district itself",
        replace(agreed(parties=("310105", JS)), host="310105"),
        ("VALID", "R22"),
    ),
    ("inside it", replace(agreed(parties=("310105", JS)), host="310105001"), ("VALID", "R22")),
    ("agreed by a district", agreed(parties=("310105", JS)), ("NOT_RECOGNISED_HERE", "R21")),
    (
        "by another district",
        replace(agreed(parties=("310104", JS)), host="310105"),
        ("NOT_RECOGNISED_HERE", "R21"),
    ),
    ("by a city of the issuer", agreed(parties=(SH, "320500")), ("NOT_RECOGNISED_HERE", "R21")),
    (
        "by the city that issued it",
        replace(
            agreed(parties=(SH, "320500")),
            certificate=replace(CERTIFICATE, division_code="320505"),
        ),
        ("VALID", "R22"),
    ),
    (
        "by a district merged before",
        replace(agreed(parties=("310108", JS)), host="310108"),
        ("NOT_RECOGNISED_HERE", "R21"),
    ),
    (
        "in a district merged before",
        replace(agreed(parties=("310106", JS)), host="310108"),
        ("VALID", "R22"),
    ),
]
BASIS = [
    ("third party's log", THREE, ("VALID", "R22")),
    (
        "third party's log stale",
        replace(THREE, logs={**FACTS.logs, ZJ: replace(LOG, fresh_time=None)}),
        ("STALE", "R20"),
    ),
    (
        "third party's log forked",
        replace(THREE, logs={**FACTS.logs, ZJ: replace(LOG, is_forked=True)}),
        ("STALE", "R20"),
    ),
    ("agreement unknown", replace(FACTS, agreements={}), ("NOT_RECOGNISED_HERE", "R21")),
    ("not accepted", agreed(words=WORDS[:1]), ("NOT_RECOGNISED_HERE", "R21")),
    ("in force from today", agreed(from_date=DAY), ("VALID", "R22")),
    ("from tomorrow", agreed(from_date=DAY + ONE_DAY), ("NOT_RECOGNISED_HERE", "R21")),
    ("until today", agreed(until_date=DAY), ("VALID", "R22")),
    ("until yesterday", agreed(until_date=DAY - ONE_DAY), ("NOT_RECOGNISED_HERE", "R21")),
    (
        "of another scope",
        agreed(scopes=frozenset({pb.AGREEMENT_SCOPE_INSTITUTION_STANDARD})),
        ("NOT_RECOGNISED_HERE", "R21"),
    ),
    (
        "without the issuer",
        agreed(words=(WORDS[0], replace(WORDS[1], province=ZJ)), parties=(SH, ZJ)),
        ("NOT_RECOGNISED_HERE", "R21"),
    ),
]
ALL = [*ISSUER_LOG, *EXISTENCE, *LIFE, *QUORUM, *MEASURES, *HOST, *PLACES, *BASIS]


@pytest.mark.parametrize(
    "facts, expected", [case[1:] for case in ALL], ids=[case[0] for case in ALL]
)
def test_verdict(facts: Facts, expected: tuple[str, str]) -> None:
    """Each fact moves the verdict on one side of its edge and not on the other."""
    assert expected == verdict(facts)


def test_every_verdict_and_rule_is_reached() -> None:
    """The cases above reach every rule, and every verdict that the node itself gives."""
    reached = {verdict(case[1]) for case in ALL} | {verdict(replace(FACTS, host=JS))}
    assert {rule.code[:3] for rule in RULES} == {rule for _, rule in reached}
    elsewhere = {"UNSPECIFIED", "NOT_IN_LOG", "BAD_SIGNATURE"}  # of files that were shown
    names = {name.removeprefix("VERDICT_") for name in cert_pb.Verdict.keys()}  # noqa: SIM118
    assert names - elsewhere == {name for name, _ in reached}


def test_refusal_names_its_entries_and_reason() -> None:
    """A revocation is answered with its entry and the issuer's reason."""
    outcome = check(with_events(revoked()))
    assert (((JS, 10), (JS, 50)), "CODE") == (outcome.entries, outcome.reason)
    outcome = check(replace(FACTS, recognitions=(recognition(30, is_suspension=True),)))
    assert (((JS, 10), (SH, 30)), "DOUBT") == (outcome.entries, outcome.reason)


def test_newest_equivalence_with_a_basis_decides() -> None:
    """Of several equivalences the newest that has its agreement counts; stale speaks louder."""
    newer = replace(
        EQUIVALENCE, equivalence_id="310000-E2", index=30, mapped_grade="高级",
        agreement_id="310000-A2",
    )  # fmt: skip
    both = replace(FACTS, equivalences=(newer, EQUIVALENCE))
    assert "中级" == check(both).mapped_grade
    second = AgreementHistory(versions=(replace(VERSION, agreement_id="310000-A2"),), words=WORDS)
    outcome = check(replace(both, agreements={**FACTS.agreements, "310000-A2": second}))
    assert "高级" == outcome.mapped_grade
    stale = replace(
        THREE,
        equivalences=(EQUIVALENCE, newer),
        logs={**FACTS.logs, ZJ: replace(LOG, fresh_time=None)},
    )
    assert ("STALE", "R20") == verdict(stale)
    assert (JS, SH, ZJ) == check(stale).used


def test_institution_certificates_need_the_institutions_scope() -> None:
    """A standard of an institution rests on an agreement about standards."""
    certificate = replace(
        CERTIFICATE,
        subject=pb.CERTIFICATE_SUBJECT_INSTITUTION,
        holder_name_digest=b"",
        institution_id="320000-1",
    )
    facts = replace(FACTS, certificate=certificate)
    assert ("NOT_RECOGNISED_HERE", "R21") == verdict(facts)
    covered = agreed(scopes=frozenset({pb.AGREEMENT_SCOPE_INSTITUTION_STANDARD}))
    assert ("VALID", "R22") == verdict(replace(covered, certificate=certificate))


def test_age() -> None:
    """Age is now less the author's cosignature, never negative, none of the own log."""
    assert timedelta(minutes=1) == log_age(LOG, NOW)
    assert timedelta(0) == log_age(LOG, NOW - ONE_DAY)
    assert timedelta(0) == log_age(replace(LOG, is_own=True, fresh_time=None), NOW)
    assert NOW - datetime(1970, 1, 1, tzinfo=UTC) == log_age(replace(LOG, fresh_time=None), NOW)


@pytest.mark.parametrize(
    "one, other, agree",
    [
        ("示例甲", "示例甲", True),
        ("示例甲", "示例乙", False),
        ("示 例 甲", "示例甲", True),
        ("示例·甲", "示例•甲", True),
        ("示例·甲", "示例甲", False),
        ("Example A", "EXAMPLE A", True),
    ],
)
def test_name_digest(one: str, other: str, *, agree: bool) -> None:
    """Ways of typing one name agree, other names and other salts do not."""
    salt = bytes(range(16))
    assert agree is (holder_name_digest(salt, one) == holder_name_digest(salt, other))
    assert holder_name_digest(salt, one) != holder_name_digest(bytes(16), one)


def test_name_digest_is_the_contract() -> None:
    """Partners compute the same bytes: HMAC-SHA-256 under the salt."""
    expected = "20509fdd4b1d9973a94e9a4099ec3f0cc3447fa6fbc7138bbf3fa6063750b9e0"
    assert expected == holder_name_digest(bytes(range(16)), "示例甲").hex()
