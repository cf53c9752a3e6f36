"""Tests of CertificationService at an issuer: issuing, the life after, lists, privacy."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection

from deltacare.errors import Reason
from deltacare.ids import LogName, Principal
from deltacare.trust import Federation
from deltacare.v1 import certification_service_pb2 as cert_pb
from deltacare.v1 import entry_pb2 as pb
from server.certification.rules import holder_name_digest
from server.edge.call import Call
from tests.support.certifying import (
    NAME,
    institution_certificate,
    new,
    refused,
    say,
    verdict,
)
from tests.support.rooms import (
    DUTY,
    Rooms,
    certificate_body,
    equivalence_body,
    institution_body,
    request_id,
)

SH, JS = "310000", "320000"
JS_LOG = LogName.registry(JS)


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
    await alone.register(JS, institution_body("320000-1"))
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
    assert 2 == alone.nodes[JS].logs.reader.position(JS_LOG).size
    await alone.revoke(JS, "320000-C1", "2026-12-01")
    await alone.issue(JS, institution_certificate())
    with_schemes(alone, "CAREGIVER_LEVEL", "GB_T_37276")
    await alone.issue(JS, certificate_body("320000-C2"))
    assert 5 == alone.nodes[JS].logs.reader.position(JS_LOG).size


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
    await alone.register(JS, institution_body("320000-1"))
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
    assert [("320000-E1", JS, "", 5)] == [
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
