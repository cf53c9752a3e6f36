"""Tests of CertificationService over four nodes: issuing, the check and its cache, privacy."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy import Connection, delete, event

from deltacare.errors import Reason, Refusal
from deltacare.ids import LogName, Principal
from deltacare.trust import Federation
from deltacare.v1 import certification_service_pb2 as cert_pb
from deltacare.v1 import entry_pb2 as pb
from deltacare.v1.registry_service_pb2 import ListAgreementsRequest
from server.certification.rules import holder_name_digest
from server.certification.tables import salts
from server.edge.call import Call
from tests.support.nodes import until
from tests.support.rooms import (
    DUTY,
    Rooms,
    agreement_body,
    certificate_body,
    equivalence_body,
    request_id,
)

SH, JS, ZJ, AH = "310000", "320000", "330000", "340000"
JS_LOG = LogName.registry(JS)
NAME = "示例甲"


@pytest.fixture
async def alone(tmp_path: Path) -> AsyncIterator[Rooms]:
    """Jiangsu's node alone."""
    async with Rooms.alone(tmp_path, JS) as opened:
        yield opened


@pytest.fixture
async def four(tmp_path: Path) -> AsyncIterator[Rooms]:
    """Four nodes; Shanghai recognises Jiangsu's caregivers, of whom there is one."""
    async with Rooms.open(tmp_path) as opened:
        await opened.agree(agreement_body())
        await opened.declare(SH, equivalence_body())
        await opened.issue(JS, certificate_body(), holder_name=NAME)
        await opened.spread(SH)
        await opened.spread(JS)
        yield opened


async def refused(awaitable: object) -> Refusal:
    """Return how a call was refused."""
    with pytest.raises(Refusal) as caught:
        await awaitable
    return caught.value


def verdict(response: cert_pb.CheckCertificationResponse) -> str:
    """Return the name of a verdict."""
    return cert_pb.Verdict.Name(response.verdict).removeprefix("VERDICT_")


async def say(rooms: Rooms, province: str, method: str, **fields: object) -> Message:
    """Call a writing method of a node with one body."""
    name = "".join(part.capitalize() for part in method.split("_"))
    request = getattr(cert_pb, f"{name}Request")(request_id=request_id(), duty=DUTY, **fields)
    return await getattr(rooms.certification[province], method)(request, rooms.call(province, name))


def new(body: pb.Certificate, holder_name: str = NAME) -> cert_pb.NewCertificate:
    """Return a certificate to issue."""
    return cert_pb.NewCertificate(certificate=body, holder_name=holder_name)


def institution_certificate(number: str = "320000-S1") -> pb.Certificate:
    """Return a certificate of an institution."""
    return certificate_body(
        number,
        subject=pb.CERTIFICATE_SUBJECT_INSTITUTION,
        scheme="GB_T_37276",
        institution_id="320000-1",
    )


# Issuing and the life after.


async def test_life_of_a_certificate(alone: Rooms) -> None:
    """Each verb adds an event, in order, and the certificate shows all of them."""
    await alone.issue(JS, certificate_body())
    number = "320000-C1"
    await say(
        alone,
        JS,
        "suspend_certificate",
        suspension=pb.CertificateSuspension(
            certificate_no=number, effective_date="2026-10-01", reason="COMPLAINT"
        ),
    )
    await say(
        alone,
        JS,
        "reinstate_certificate",
        reinstatement=pb.CertificateReinstatement(
            certificate_no=number, effective_date="2026-10-09", reason="CLEARED"
        ),
    )
    await say(
        alone,
        JS,
        "renew_certificate",
        renewal=pb.CertificateRenewal(certificate_no=number, valid_until_date="2027-12-31"),
    )
    await alone.revoke(JS, number, "2027-01-01")
    found = await alone.certification[JS].get_certificate(
        cert_pb.GetCertificateRequest(name=f"certificates/{number}"), alone.call(JS)
    )
    assert [
        (0, "issued"),
        (1, "suspended"),
        (2, "reinstated"),
        (3, "renewed"),
        (4, "revoked"),
    ] == [(event.entry.index, event.WhichOneof("event")) for event in found.events]
    assert ("2026-10-01", "", "COMPLAINT") == (
        found.events[1].suspended.effective_date,
        found.events[1].suspended.until_date,
        found.events[1].suspended.reason,
    )
    assert "2027-12-31" == found.events[3].renewed.valid_until_date
    expected = {
        "2026-09-30": "VALID",
        "2026-10-01": "SUSPENDED",
        "2026-10-08": "SUSPENDED",
        "2026-10-09": "VALID",
        "2026-12-31": "VALID",
        "2027-01-01": "REVOKED",
    }
    assert expected == {
        day: verdict(await alone.check(JS, number, on_date=day)) for day in expected
    }


@pytest.mark.parametrize(
    "method, fields, reason, rule",
    [
        (
            "renew_certificate",
            {"renewal": pb.CertificateRenewal(
                certificate_no="320000-C1", valid_until_date="2026-12-31")},
            Reason.RULE_REFUSED,
            "C06-NOT-LATER",
        ),
        (
            "reinstate_certificate",
            {"reinstatement": pb.CertificateReinstatement(
                certificate_no="320000-C1", effective_date="2026-12-31", reason="CLEARED")},
            Reason.RULE_REFUSED,
            "C07-NOT-SUSPENDED",
        ),
        (
            "revoke_certificate",
            {"revocation": pb.CertificateRevocation(
                certificate_no="310000-C1", effective_date="2026-12-31", reason="FRAUD")},
            Reason.NOT_AUTHOR,
            "C01-NOT-ISSUER",
        ),
        (
            "suspend_certificate",
            {"suspension": pb.CertificateSuspension(
                certificate_no="320000-C9", effective_date="2026-12-31", reason="FRAUD")},
            Reason.NOT_FOUND,
            "C04-UNKNOWN",
        ),
        (
            "publish_equivalence",
            {"equivalence": equivalence_body("320000-E1")},
            Reason.RULE_REFUSED,
            "C09-OWN-ISSUER",
        ),
        (
            "end_equivalence",
            {"end": pb.EquivalenceEnd(
                equivalence_id="320000-E1", effective_date="2026-12-31", reason="REVIEW")},
            Reason.NOT_FOUND,
            "C11-EQUIVALENCE-UNKNOWN",
        ),
        (
            "suspend_recognition",
            {"suspension": pb.RecognitionSuspension(
                certificate_no="320000-C1", effective_date="2026-12-31", reason="DOUBT")},
            Reason.RULE_REFUSED,
            "C13-OWN-CERTIFICATE",
        ),
        (
            "resume_recognition",
            {"resumption": pb.RecognitionResumption(
                certificate_no="310000-C1", effective_date="2026-12-31", reason="CLEARED")},
            Reason.RULE_REFUSED,
            "C14-RECOGNISED",
        ),
    ],
)  # fmt: skip
async def test_rules_refuse(
    alone: Rooms, method: str, fields: dict[str, object], reason: Reason, rule: str
) -> None:
    """A write that breaks a rule is refused with its number, and appends nothing."""
    await alone.issue(JS, certificate_body())
    error = await refused(say(alone, JS, method, **fields))
    assert (reason, rule) == (error.reason, error.details["rule"])
    assert 1 == alone.nodes[JS].logs.reader.position(JS_LOG).size


async def test_all_violations_at_once(alone: Rooms) -> None:
    """One refusal names every field of every certificate, never a name, and nothing is kept."""
    certificates = [
        new(certificate_body("32-C1", scheme="level", grade="", valid_from_date="2026-13-01")),
        new(certificate_body("320000-C2"), "x" * 65),
        new(certificate_body("320000-C3"), ""),
        new(certificate_body("320000-C4", holder_name_digest=b"d" * 32)),
        new(certificate_body("320000-C5", valid_until_date="")),
        new(certificate_body("320000-C6", institution_id="320000-1")),
        new(certificate_body("320000-C7")),
        new(certificate_body("320000-C7")),
        new(institution_certificate()),
        new(certificate_body("320000-C8", subject=0), ""),
    ]
    error = await refused(say(alone, JS, "issue_certificates", certificates=certificates))
    assert Reason.INVALID_FIELD is error.reason
    at = "certificates[{}].certificate.{}".format
    assert {
        at(0, "certificate_no"),
        at(0, "scheme"),
        at(0, "grade"),
        at(0, "valid_from_date"),
        "certificates[1].holder_name",
        "certificates[2].holder_name",
        at(3, "holder_name_digest"),
        at(4, "valid_until_date"),
        at(5, "institution_id"),
        at(6, "certificate_no"),
        at(7, "certificate_no"),
        "certificates[8].holder_name",
        at(9, "subject"),
    } == {violation.field for violation in error.violations}
    text = json.dumps([str(error), *map(str, error.violations)], ensure_ascii=False)
    assert NAME not in text
    assert "xxx" not in text
    assert 0 == alone.nodes[JS].logs.reader.position(JS_LOG).size


async def test_numbers_are_issued_once(alone: Rooms) -> None:
    """A batch with numbers that were issued before is refused whole, and they are all named."""
    await alone.issue(JS, certificate_body("320000-C1"), certificate_body("320000-C3"))
    error = await refused(alone.issue(JS, *(certificate_body(f"320000-C{n}") for n in range(1, 5))))
    assert Reason.ALREADY_EXISTS is error.reason
    assert ["320000-C1", "320000-C3"] == [violation.value for violation in error.violations]
    assert 2 == alone.nodes[JS].logs.reader.position(JS_LOG).size


def with_schemes(rooms: Rooms, *schemes: str) -> None:
    """Let the federation state under which schemes Jiangsu issues, and its node know it."""
    federation = rooms.nodes.trust
    assert isinstance(federation, Federation)
    members = [replace(m, schemes=schemes if m.province == JS else ()) for m in federation.members]
    rooms.nodes.trust = replace(federation, members=tuple(members))
    rooms.restarted(JS)


async def test_only_schemes_that_the_federation_states(alone: Rooms) -> None:
    """Nothing is issued or renewed under another; restricting goes on; no scheme means any."""
    await alone.issue(JS, certificate_body("320000-C1"))
    with_schemes(alone, "GB_T_37276")
    error = await refused(
        say(
            alone,
            JS,
            "issue_certificates",
            certificates=[
                new(institution_certificate(), ""),
                new(certificate_body("320000-C2")),
            ],
        )
    )
    assert (Reason.RULE_REFUSED, "C15-SCHEME-NOT-STATED") == (error.reason, error.details["rule"])
    assert [("certificates[1].certificate.scheme", "CAREGIVER_LEVEL")] == [
        (violation.field, violation.value) for violation in error.violations
    ]
    renewal = pb.CertificateRenewal(certificate_no="320000-C1", valid_until_date="2027-12-31")
    error = await refused(say(alone, JS, "renew_certificate", renewal=renewal))
    assert (Reason.RULE_REFUSED, "C15-SCHEME-NOT-STATED") == (error.reason, error.details["rule"])
    assert 1 == alone.nodes[JS].logs.reader.position(JS_LOG).size
    await alone.revoke(JS, "320000-C1", "2026-12-01")
    await alone.issue(JS, institution_certificate())
    with_schemes(alone, "CAREGIVER_LEVEL", "GB_T_37276")
    await alone.issue(JS, certificate_body("320000-C2"))
    assert 4 == alone.nodes[JS].logs.reader.position(JS_LOG).size


async def test_request_id_brings_one_answer(alone: Rooms) -> None:
    """The same batch again gets the first answer, though salts are drawn anew."""
    request = cert_pb.IssueCertificatesRequest(
        request_id=request_id(), duty=DUTY, certificates=[new(certificate_body())]
    )
    call = alone.call(JS, "Issue")
    first = await alone.certification[JS].issue_certificates(request, call)
    assert first == await alone.certification[JS].issue_certificates(request, call)
    assert "VALID" == verdict(await alone.check(JS, "320000-C1", holder_name=NAME))
    request.certificates[0].certificate.grade = "一级"
    error = await refused(alone.certification[JS].issue_certificates(request, call))
    assert Reason.REQUEST_ID_REUSED is error.reason


async def test_another_province_does_not_write_here(alone: Rooms) -> None:
    """Whatever the edge lets in, a caller of another province issues nothing."""
    caller = Principal(province=SH, role="system", opaque_id="sys-1")
    call = Call(caller=caller, method="/x/y", now=alone.nodes.clock.now())
    request = cert_pb.IssueCertificatesRequest(
        request_id=request_id(), duty=DUTY, certificates=[new(certificate_body())]
    )
    error = await refused(alone.certification[JS].issue_certificates(request, call))
    assert Reason.WRONG_PROVINCE is error.reason


async def test_digest_and_salt(alone: Rooms) -> None:
    """The log has the digest under a salt of its own for each, and the salt beside it."""
    await alone.issue(JS, certificate_body("320000-C1"), certificate_body("320000-C2"))
    node = alone.nodes[JS]

    def read(connection: Connection) -> tuple[Sequence[bytes], Mapping[int, bytes]]:
        datas = node.logs.reader.entries(connection, JS_LOG, 0, 2)
        return datas, alone.salts[JS].read(connection, JS_LOG, 0, 2)

    datas, salts = await node.database.read(read)
    digests = [pb.Entry.FromString(data).certificate.holder_name_digest for data in datas]
    assert [holder_name_digest(salts[index], NAME) for index in (0, 1)] == digests
    assert 2 == len(set(digests))
    assert not any(NAME.encode() in data or salts[0] in data for data in datas)


async def test_name_is_nowhere(
    alone: Rooms, tmp_path: Path, quiet: list[dict[str, object]]
) -> None:
    """After issuing and checking, neither the database's files nor the log hold the name."""
    await alone.issue(JS, certificate_body())
    await alone.check(JS, "320000-C1", holder_name=NAME, purpose="AUDIT")
    error = await refused(alone.check(JS, "320000-X!", holder_name=NAME))
    files = [path.read_bytes() for path in tmp_path.rglob("*.db*")]  # noqa: ASYNC240  # a few
    assert files
    assert not any(NAME.encode() in data for data in files)
    assert NAME not in json.dumps(quiet, ensure_ascii=False, default=str)
    assert NAME not in str(error)
    assert [("AUDIT", "320000-C1")] == [
        (line["purpose"], line["certificate_no"]) for line in quiet if line["event"] == "check"
    ]


async def test_lists(alone: Rooms) -> None:
    """Certificates and equivalences come in pages by number, by issuer, institution and host."""
    await alone.issue(JS, *(certificate_body(f"320000-C{n}") for n in (3, 1, 2)))
    await alone.issue(JS, institution_certificate())
    await alone.declare(JS, equivalence_body("320000-E1", issuer=SH))

    async def numbers(**asked: object) -> tuple[list[str], str]:
        page = await alone.certification[JS].list_certificates(
            cert_pb.ListCertificatesRequest(**asked), alone.call(JS)
        )
        return [each.certificate.certificate_no for each in page.certificates], page.next_page_token

    everything = ["320000-C1", "320000-C2", "320000-C3", "320000-S1"]
    assert (everything, "") == await numbers(issuer=JS)
    assert ([], "") == await numbers(issuer=SH)
    assert (everything[3:], "") == await numbers(institution_id="320000-1")
    first, token = await numbers(page_size=3)
    assert everything[:3] == first
    assert (everything[3:], "") == await numbers(page_size=3, page_token=token)
    error = await refused(numbers(issuer=JS, page_token=token))
    assert ["page_token"] == [violation.field for violation in error.violations]
    page = await alone.certification[JS].list_equivalences(
        cert_pb.ListEquivalencesRequest(host=JS), alone.call(JS)
    )
    assert [("320000-E1", JS, "", 4)] == [
        (e.equivalence.equivalence_id, e.host, e.ended_date, e.entry.index)
        for e in page.equivalences
    ]


@pytest.mark.parametrize(
    "name, reason",
    [
        ("certificates/320000-C9", Reason.NOT_FOUND),
        ("320000-C1", Reason.INVALID_FIELD),
        ("certificates/x", Reason.INVALID_FIELD),
    ],
)
async def test_get_refuses(alone: Rooms, name: str, reason: Reason) -> None:
    """A name that cannot be read, or that no log has, is refused."""
    request = cert_pb.GetCertificateRequest(name=name)
    error = await refused(alone.certification[JS].get_certificate(request, alone.call(JS)))
    assert reason is error.reason


# The check.


async def test_question_that_cannot_be_read(alone: Rooms) -> None:
    """A question is an error only if it cannot be read, and then every field is named."""
    future = Timestamp()
    future.FromDatetime(alone.nodes.clock.now() + timedelta(seconds=1))
    error = await refused(
        alone.check(
            JS,
            "x",
            holder_name="\n",
            on_date="22.11.2026",
            known_time=future,
            purpose="for work",
            host="440000",
        )
    )
    assert {"certificate_no", "holder_name", "on_date", "known_time", "purpose", "host"} == {
        violation.field for violation in error.violations
    }
    error = await refused(alone.check(JS, "320000-C1", known_time=Timestamp(seconds=-1)))
    assert ["known_time"] == [violation.field for violation in error.violations]


async def test_answer_says_what_it_rests_on(four: Rooms) -> None:
    """The verdict names rule, entries, logs, day, moment, age and what it counts as."""
    response = await four.check(SH, "320000-C1")
    assert ("VALID", "R17-RECOGNISED", SH) == (verdict(response), response.rule, response.host)
    assert [(JS, 1), (SH, 1), (SH, 0), (JS, 0)] == [
        (entry.log.split("/")[1], entry.index) for entry in response.entries
    ]
    assert [(str(JS_LOG), 2, 2), (str(LogName.registry(SH)), 2, 2)] == [
        (log.log, log.verified_size, log.quorum_size) for log in response.logs
    ]
    assert ("SH_CAREGIVER", "中级") == (response.mapped_scheme, response.mapped_grade)
    assert "2026-11-22" == response.on_date
    assert four.nodes.clock.now() == response.known_time.ToDatetime(four.nodes.clock.now().tzinfo)
    assert response == await four.check(SH, "320000-C1"), "the remembered answer is the same"


async def test_each_node_answers_for_any_member(four: Rooms) -> None:
    """At home it counts as it is; where nobody recognises it, it does not; elsewhere as there."""
    verdicts = {
        (checker, host): (await four.check(checker, "320000-C1", host=host)).rule[:3]
        for checker in (SH, JS, ZJ)
        for host in (SH, JS, ZJ)
    }
    assert {
        (checker, host): {SH: "R17", JS: "R11", ZJ: "R14"}[host] for checker, host in verdicts
    } == verdicts


async def test_unknown(four: Rooms) -> None:
    """Neither a number nor an issuer that does not exist is an error."""
    assert "R05-NOT-FOUND" == (await four.check(SH, "320000-C404")).rule
    response = await four.check(SH, "440000-C1")
    assert ("UNKNOWN", "R01-ISSUER", []) == (verdict(response), response.rule, list(response.logs))


async def test_holder(four: Rooms) -> None:
    """A partner compares the name with the salt that came beside the log; without it, never."""
    assert "VALID" == verdict(await four.check(SH, "320000-C1", holder_name=NAME))
    assert "VALID" == verdict(await four.check(SH, "320000-C1", holder_name="示 例 甲"))
    response = await four.check(SH, "320000-C1", holder_name="示例乙")
    assert ("HOLDER_MISMATCH", "R06-HOLDER") == (verdict(response), response.rule)
    assert "VALID" == verdict(await four.check(SH, "320000-C1")), "a name is not remembered"
    node = four.nodes[SH]
    await node.database.write(lambda connection: connection.execute(delete(salts)))
    assert "HOLDER_MISMATCH" == verdict(await four.check(SH, "320000-C1", holder_name=NAME))
    await four.issue(JS, institution_certificate())
    await four.spread(JS)
    response = await four.check(JS, "320000-S1", holder_name=NAME)
    assert "HOLDER_MISMATCH" == verdict(response)


async def test_revocation_counts_before_its_quorum_and_issuing_after(four: Rooms) -> None:
    """Cut off from the other witnesses, Shanghai believes a revocation and no certificate."""
    for province in (ZJ, AH):
        four.nodes.network.isolate(province)
    assert "VALID" == verdict(await four.check(SH, "320000-C1"))
    await four.issue(JS, certificate_body("320000-C2"))
    await four.revoke(JS, "320000-C1", "2026-11-22")
    await four.nodes[SH].holds(JS_LOG, 4)
    position = four.nodes[SH].logs.reader.position(JS_LOG)
    assert (4, 2) == (position.size, position.quorum_size)
    assert "REVOKED" == verdict(await four.check(SH, "320000-C1"))
    assert "UNKNOWN" == verdict(await four.check(SH, "320000-C2"))
    assert "VALID" == verdict(await four.check(JS, "320000-C2")), "of its own log a node asks none"
    for province in (ZJ, AH):
        for other in (SH, JS):
            four.nodes.network.heal(province, other)
    await four.nodes[SH].has_quorum(JS_LOG, 4)
    assert "VALID" == verdict(await four.check(SH, "320000-C2"))
    response = await four.check(SH, "320000-C1", on_date="2026-11-21")
    assert "VALID" == verdict(response)


async def test_what_was_known(four: Rooms) -> None:
    """With a past moment the facts of that moment answer, and the answer says their sizes."""
    before = four.nodes.clock.now()
    four.nodes.clock.advance(timedelta(minutes=5))
    await four.revoke(JS, "320000-C1", "2026-11-01")
    await four.spread(JS)
    moment = Timestamp()
    moment.FromDatetime(before)
    response = await four.check(SH, "320000-C1", known_time=moment)
    assert ("VALID", moment) == (verdict(response), response.known_time)
    assert [2, 2] == [log.verified_size for log in response.logs]
    assert "REVOKED" == verdict(await four.check(SH, "320000-C1"))
    moment.FromDatetime(before - timedelta(days=1))
    response = await four.check(SH, "320000-C1", known_time=moment)
    assert "R03-STALE" == response.rule


async def test_stale_is_never_valid(four: Rooms) -> None:
    """Once the issuer is silent for longer than allowed, a remembered answer turns stale."""
    assert "VALID" == verdict(await four.check(SH, "320000-C1"))
    for other in (SH, ZJ, AH):
        four.nodes.network.cut(JS, other)
    four.nodes.clock.advance(timedelta(days=1))
    response = await four.check(SH, "320000-C1", on_date="2026-11-22")
    assert ("VALID", 86_400) == (verdict(response), response.age_s)
    four.nodes.clock.advance(timedelta(microseconds=1))
    response = await four.check(SH, "320000-C1", on_date="2026-11-22")
    assert ("STALE", "R03-STALE", 86_400) == (verdict(response), response.rule, response.age_s)
    response = await four.check(JS, "320000-C1", on_date="2026-11-22")
    assert ("VALID", 0) == (verdict(response), response.age_s)


async def test_recognition_is_suspended_and_resumed(four: Rooms) -> None:
    """A host's word on one certificate changes its own answer and no other's."""
    await say(
        four,
        SH,
        "suspend_recognition",
        suspension=pb.RecognitionSuspension(
            certificate_no="320000-C1", effective_date="2026-11-22", reason="DOUBT"
        ),
    )
    response = await four.check(SH, "320000-C1")
    assert ("R13-RECOGNITION-SUSPENDED", "DOUBT") == (response.rule, response.reason)
    assert "VALID" == verdict(await four.check(JS, "320000-C1"))
    await say(
        four,
        SH,
        "resume_recognition",
        resumption=pb.RecognitionResumption(
            certificate_no="320000-C1", effective_date="2026-11-22", reason="CLEARED"
        ),
    )
    assert "VALID" == verdict(await four.check(SH, "320000-C1"))


async def test_equivalence_and_agreement_end(four: Rooms) -> None:
    """Remembered answers notice the end of an equivalence, and of the agreement under it."""
    assert "R17" == (await four.check(SH, "320000-C1")).rule[:3]
    found = await four.registry[SH].list_agreements(ListAgreementsRequest(), four.call(SH))
    version = found.agreements[0].version_hash
    await four.say(JS, "310000-A1", version, accept=False)
    await four.nodes[SH].holds(JS_LOG, 3)
    assert "R16" == (await four.check(SH, "320000-C1")).rule[:3]
    await four.say(JS, "310000-A1", version)
    await four.spread(JS)
    assert "R17" == (await four.check(SH, "320000-C1")).rule[:3]
    await say(
        four,
        SH,
        "end_equivalence",
        end=pb.EquivalenceEnd(
            equivalence_id="310000-E1", effective_date="2026-11-22", reason="REVIEW"
        ),
    )
    assert "R14" == (await four.check(SH, "320000-C1")).rule[:3]
    assert "R17" == (await four.check(SH, "320000-C1", on_date="2026-11-21")).rule[:3]


async def test_another_replica_writes(alone: Rooms, tmp_path: Path) -> None:
    """What a second process writes into the same database is answered after the next refresh."""
    await alone.issue(JS, certificate_body())
    assert "VALID" == verdict(await alone.check(JS, "320000-C1"))
    async with Rooms.alone(tmp_path, JS) as replica:
        await replica.revoke(JS, "320000-C1", "2026-11-22")

    async def answer() -> str:
        return verdict(await alone.check(JS, "320000-C1"))

    async with asyncio.timeout(20):
        while await answer() != "REVOKED":  # noqa: ASYNC110  # nothing tells us
            await asyncio.sleep(0.01)


async def test_hits_read_no_disk(four: Rooms) -> None:
    """A remembered answer reads nothing; an unrelated entry costs one look at what is new."""
    await four.check(SH, "320000-C1")
    read: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if "SELECT" in statement and "certification_" in statement:
            read.append(statement)

    engine = four.nodes[SH].database._read_engine
    event.listen(engine, "before_cursor_execute", note)
    for _ in range(20):
        assert "VALID" == verdict(await four.check(SH, "320000-C1"))
    assert [] == read
    await four.issue(JS, certificate_body("320000-C2"))
    await four.spread(JS)
    for _ in range(20):
        assert "VALID" == verdict(await four.check(SH, "320000-C1"))
    assert 2 == len(read), "of certificates and of equivalences, what is new; nothing again"
    await four.check(SH, "320000-C2")
    assert 5 == len(read), "a certificate, its events, and what hosts say of it"


async def test_checks_beside_writes_agree_with_the_log(four: Rooms) -> None:
    """Checks that run while certificates are revoked never go back from REVOKED."""
    numbers = [f"320000-C{n}" for n in range(10, 30)]
    await four.issue(JS, *(certificate_body(number) for number in numbers))
    await four.spread(JS)
    last: dict[str, str] = {}
    done = asyncio.Event()

    async def watch() -> None:
        while not done.is_set():
            for number in numbers:
                found = verdict(await four.check(SH, number))
                assert (last.get(number), found) != ("REVOKED", "VALID")
                last[number] = found
            await asyncio.sleep(0)

    watcher = asyncio.create_task(watch())
    for number in numbers:
        await four.revoke(JS, number, "2026-11-22")
    await until(lambda: watcher.done() or set(last.values()) == {"REVOKED"}, what="all are revoked")
    done.set()
    await watcher
    assert dict.fromkeys(numbers, "REVOKED") == last
