"""Tests of verdict files over four nodes: what a node gives, a verifier who trusts none accepts."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from clients.verify.files import Verified, verify_file
from clients.verify.steps import Step, Steps
from clients.verify.trusting import Trusting
from deltacare.errors import Reason, Refusal, Unavailable
from deltacare.evidence import Evidence, VerdictRecord
from deltacare.ids import LogName
from deltacare.tlog.note import SignedNote
from deltacare.tlog.policy import Policy
from deltacare.trust.policies import log_policy
from deltacare.v1 import certification_service_pb2 as cert_pb
from deltacare.v1 import entry_pb2 as pb
from tests.support.federation import PROVINCES
from tests.support.nodes import until
from tests.support.rooms import Rooms, agreement_body, certificate_body, equivalence_body

SH, JS, ZJ, AH = PROVINCES
NUMBER = "320000-C1"
NAME = "示例甲"


def verified(rooms: Rooms, data: bytes, scratch: Path) -> tuple[Verified, list[Step]]:
    """Verify a file by the policies that follow from what the members signed."""
    trust = rooms.nodes.trust
    policies = [
        (str(log), log_policy(trust, log)) for log in map(LogName.registry, trust.provinces)
    ]
    keys = [term.key for p in trust.provinces for term in trust.verdict_keys(p)]
    policies.append(("verdicts", Policy(logs=tuple(keys))))
    path = scratch / "verdict.json"
    path.write_bytes(data)
    steps = Steps()
    now = rooms.nodes.clock.now()
    return verify_file(path, Trusting(policies=tuple(policies), now=now), steps), steps.taken


async def ask(rooms: Rooms, province: str, **fields: object) -> cert_pb.CheckCertificationResponse:
    """Check the certificate and ask for the file."""
    return await rooms.check(province, NUMBER, evidence=True, **fields)


async def test_a_verdict_of_a_node_verifies(four: Rooms, tmp_path: Path) -> None:
    """VALID by an agreement, as the host's node, the issuer's and a third say it."""
    for province, rule in ((SH, "R22"), (JS, "R14"), (AH, "R18")):
        response = await ask(four, province)
        found, steps = verified(four, response.evidence, tmp_path)
        assert found.summary["rule"] == response.rule
        assert response.rule.startswith(rule)
        assert province == found.summary["answered_by"]
        assert [(e.log, e.index) for e in response.entries] == [
            (e["log"], e["index"]) for e in steps[3].facts["decided_by"]
        ]


async def test_another_provinces_question_verifies(four: Rooms, tmp_path: Path) -> None:
    """Anhui's node says what holds in Shanghai, from logs of which it owns none."""
    found, _ = verified(four, (await ask(four, AH, host=SH)).evidence, tmp_path)
    assert ("VALID", SH, AH) == tuple(
        found.summary[name] for name in ("verdict", "host", "answered_by")
    )


async def test_the_whole_life_of_a_certificate_is_in_the_file(four: Rooms, tmp_path: Path) -> None:
    """Suspended and good again, recognition stopped and resumed: all of it is there to be seen."""
    rooms = four.certification
    from tests.support.certifying import say

    await say(
        four,
        JS,
        "suspend_certificate",
        suspension=pb.CertificateSuspension(
            certificate_no=NUMBER, effective_date="2026-10-01", reason="COMPLAINT"
        ),
    )
    await say(
        four,
        JS,
        "reinstate_certificate",
        reinstatement=pb.CertificateReinstatement(
            certificate_no=NUMBER, effective_date="2026-10-09", reason="CLEARED"
        ),
    )
    await say(
        four,
        SH,
        "suspend_recognition",
        suspension=pb.RecognitionSuspension(
            certificate_no=NUMBER, effective_date="2026-10-01", reason="COMPLAINT"
        ),
    )
    await say(
        four,
        SH,
        "resume_recognition",
        resumption=pb.RecognitionResumption(
            certificate_no=NUMBER, effective_date="2026-10-09", reason="CLEARED"
        ),
    )
    await four.spread(JS)
    await four.spread(SH)
    assert rooms
    for day, verdict, count in (
        ("2026-11-22", "VALID", 8),
        ("2026-10-05", "SUSPENDED", 3),
        ("2026-10-20", "VALID", 8),
    ):
        response = await ask(four, SH, on_date=day)
        found, steps = verified(four, response.evidence, tmp_path)
        assert (verdict, count) == (found.summary["verdict"], len(steps[2].facts["entries"]))


async def test_a_revocation_is_shown(four: Rooms, tmp_path: Path) -> None:
    """The file of a revoked certificate holds the revocation, with its receipt."""
    await four.revoke(JS, NUMBER, "2026-11-01")
    await four.spread(JS)
    found, steps = verified(four, (await ask(four, SH)).evidence, tmp_path)
    assert ("REVOKED", "R07-REVOKED") == (found.summary["verdict"], found.summary["rule"])
    assert "FRAUD" == steps[3].facts["reason"]


async def test_the_name_is_in_no_file(four: Rooms, tmp_path: Path) -> None:
    """Only whether a holder was asked for and what came of it."""
    for name, verdict, holder in (
        (NAME, "VALID", "MATCHED"),
        ("示例乙", "HOLDER_MISMATCH", "NOT_MATCHED"),
    ):
        data = (await ask(four, SH, holder_name=name)).evidence
        assert name.encode() not in data
        assert "示例".encode() not in data
        found, steps = verified(four, data, tmp_path)
        assert (verdict, holder) == (found.summary["verdict"], steps[-1].facts["holder"])


async def test_the_past_can_be_asked_again(four: Rooms, tmp_path: Path) -> None:
    """A verdict with the facts of an earlier moment verifies under today's checkpoints."""
    then = four.nodes.clock.now()
    four.nodes.clock.advance(timedelta(minutes=5))
    await four.revoke(JS, NUMBER, "2026-11-01")
    await four.spread(JS)
    request = cert_pb.CheckCertificationRequest(certificate_no=NUMBER, evidence=True)
    request.known_time.FromDatetime(then)
    response = await four.certification[SH].check_certification(request, four.call(SH))
    found, _ = verified(four, response.evidence, tmp_path)
    assert "VALID" == found.summary["verdict"]
    now, _ = verified(four, (await ask(four, SH)).evidence, tmp_path)
    assert "REVOKED" == now.summary["verdict"]


async def test_the_past_before_each_entry_verifies(tmp_path: Path) -> None:
    """Agreed, then issued, then recognised: the file of every moment between them verifies."""
    async with Rooms.open(tmp_path) as rooms:
        reader, log = rooms.nodes[SH].logs.reader, LogName.registry(JS)
        await until(lambda: reader.position(log).fresh_time, what="the issuer's log is current")
        moments = [rooms.nodes.clock.now()]
        for step in (
            lambda: rooms.agree(agreement_body()),
            lambda: rooms.issue(JS, certificate_body()),
            lambda: rooms.declare(SH, equivalence_body()),
        ):
            rooms.nodes.clock.advance(timedelta(minutes=1))
            await step()
            for province in (SH, JS):
                await rooms.spread(province)
            moments.append(rooms.nodes.clock.now())
        rules = []
        for then in moments:
            request = cert_pb.CheckCertificationRequest(certificate_no=NUMBER, evidence=True)
            request.known_time.FromDatetime(then)
            response = await rooms.certification[SH].check_certification(request, rooms.call(SH))
            found, _ = verified(rooms, response.evidence, tmp_path)
            rules.append(str(found.summary["rule"])[:3])
    assert ["R05", "R05", "R18", "R22"] == rules


async def test_unknown_and_foreign_certificates_have_files_too(four: Rooms, tmp_path: Path) -> None:
    """Nothing was said, and the node signs that, with how far it looked."""
    for number in ("320000-C99", "510000-C1"):
        response = await four.check(SH, number, evidence=True)
        found, steps = verified(four, response.evidence, tmp_path)
        assert ("UNKNOWN", 0) == (found.summary["verdict"], len(steps[2].facts["entries"]))


async def test_a_file_is_made_only_if_it_is_wanted(four: Rooms) -> None:
    """A plain check carries none, whether it was remembered or not, nor is one remembered."""
    assert b"" != (await ask(four, SH)).evidence
    assert b"" == (await four.check(SH, NUMBER)).evidence
    assert b"" == (await four.check(SH, NUMBER)).evidence


async def test_the_file_waits_for_the_quorum(tmp_path: Path) -> None:
    """A node alone knows that its certificate is good, and cannot prove it to anybody yet."""
    async with Rooms.alone(tmp_path, JS) as rooms:
        await rooms.issue(JS, certificate_body())
        assert cert_pb.VERDICT_VALID == (await rooms.check(JS, NUMBER)).verdict
        with pytest.raises(Unavailable) as caught:
            await ask(rooms, JS)
    assert Reason.NO_QUORUM is caught.value.reason
    assert {"log": "deltacare/320000/registry", "index": "0"} == caught.value.details


async def test_a_node_without_its_key_signs_no_verdict(four: Rooms) -> None:
    """It answers, and refuses the file with the reason."""
    files = four.certification[SH]._room.files
    files._signers = replace(files._signers, verdict_signers=())  # type: ignore[type-var]
    with pytest.raises(Refusal) as caught:
        await ask(four, SH)
    assert Reason.KEY_NOT_IN_FORCE is caught.value.reason
    assert cert_pb.VERDICT_VALID == (await four.check(SH, NUMBER)).verdict


async def test_the_record_names_what_was_read(four: Rooms) -> None:
    """Sizes, freshness, membership's version, and the leaf hash of all that was said."""
    evidence = Evidence.from_bytes((await ask(four, SH, purpose="AUDIT")).evidence)
    record = VerdictRecord.from_text(SignedNote.from_bytes(evidence.note).text)
    assert ("AUDIT", four.nodes.trust.version) == (record.purpose, record.trust_version)
    assert list(PROVINCES) == [each.log.author for each in record.logs]
    assert [True, True, False, False] == [each.is_used for each in record.logs]
    assert 4 == len(record.said) == len(evidence.receipts)
    assert all(each.size >= each.quorum_size > 0 for each in record.logs if each.is_used)


async def test_measures_are_in_the_file(four: Rooms, tmp_path: Path) -> None:
    """By the host, by the own province, and lifted: the verifier works out the same each time."""
    measure = pb.SupervisionMeasure(
        measure_id="310000-M1",
        kind=pb.MEASURE_KIND_BAN,
        certificate_no=NUMBER,
        from_date="2026-11-01",
        reason="ABUSE",
    )
    await four.take(SH, measure)
    await four.spread(SH)
    found, steps = verified(four, (await ask(four, SH, host="310105")).evidence, tmp_path)
    assert ("R16-BARRED-HERE", "310105") == (found.summary["rule"], found.summary["host"])
    assert "ABUSE" == steps[3].facts["reason"]
    measure.measure_id = "320000-M1"
    await four.take(JS, measure)
    await four.spread(JS)
    for province in (SH, JS, ZJ):
        found, _ = verified(four, (await ask(four, province)).evidence, tmp_path)
        assert "R12-BARRED" == found.summary["rule"]
    for province in (SH, JS):
        await four.lift(province, f"{province}-M1", "2026-11-20")
        await four.spread(province)
    found, _ = verified(four, (await ask(four, SH)).evidence, tmp_path)
    assert "R22-RECOGNISED" == found.summary["rule"]
