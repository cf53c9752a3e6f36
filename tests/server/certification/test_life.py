"""Tests of CertificationService on the life of certificates: renewals, additions, erasure shown."""

import asyncio
import json

import pytest
from sqlalchemy import insert, select

from deltacare.errors import Reason, Refusal
from deltacare.ids import LogName
from deltacare.tlog.tree import leaf_hash
from deltacare.v1 import certification_service_pb2 as cert_pb
from deltacare.v1 import entry_pb2 as pb
from server.certification.tables import certificates
from server.personal.tables import erasures
from tests.support.certifying import (
    addition_body,
    education,
    institution_certificate,
    new,
    refused,
    reinstatement,
    renewal_body,
    revocation,
    say,
    suspension,
    verdict,
)
from tests.support.rooms import (
    DUTY,
    Rooms,
    certificate_body,
    institution_body,
    request_id,
)

SH, JS = "310000", "320000"
JS_LOG = LogName.registry(JS)


async def chain_hash(rooms: Rooms, index: int) -> bytes:
    """Return the leaf hash of an entry of Jiangsu's log."""
    node = rooms.nodes[JS]
    (data,) = await node.database.read(
        lambda connection: node.logs.reader.entries(connection, JS_LOG, index, index + 1)
    )
    return leaf_hash(data)


async def test_a_renewal_names_what_it_prolongs(alone: Rooms) -> None:
    """The node fills in the last hash; a stale one is refused; the chain is in the history."""
    await alone.issue(JS, certificate_body())
    await say(alone, JS, "renew_certificate", renewal=renewal_body("2027-12-31", None))
    issue, first = await chain_hash(alone, 0), await chain_hash(alone, 1)
    stale = pb.CertificateRenewal(
        certificate_no="320000-C1", valid_until_date="2028-12-31", predecessor_hash=issue
    )
    error = await refused(say(alone, JS, "renew_certificate", renewal=stale))
    assert "C27-NOT-THE-LAST" == error.details["rule"]
    stale.predecessor_hash = b"short"
    error = await refused(say(alone, JS, "renew_certificate", renewal=stale))
    assert ["renewal.predecessor_hash"] == [violation.field for violation in error.violations]
    await say(
        alone,
        JS,
        "renew_certificate",
        renewal=renewal_body("2028-12-31", None, reason="ON_TIME", references=[education()]),
    )
    found = await alone.certification[JS].get_certificate(
        cert_pb.GetCertificateRequest(name="certificates/320000-C1"), alone.call(JS)
    )
    assert [(issue, ""), (first, "ON_TIME")] == [
        (event.renewed.predecessor_hash, event.renewed.reason) for event in found.events[1:]
    ]
    assert [education()] == list(found.events[2].renewed.references)


async def test_of_two_who_renew_at_once_one_is_refused(alone: Rooms) -> None:
    """Both mean the same end; whoever comes second is told so, and may look and try again."""
    await alone.issue(JS, certificate_body())
    days = ("2027-06-30", "2027-12-31")
    done = await asyncio.gather(
        *(say(alone, JS, "renew_certificate", renewal=renewal_body(day, None)) for day in days),
        return_exceptions=True,
    )
    (error,) = [each for each in done if isinstance(each, Refusal)]
    assert "C27-NOT-THE-LAST" == error.details["rule"]
    assert 2 == alone.nodes[JS].logs.reader.position(JS_LOG).size


@pytest.mark.parametrize("number", ["320000-C9", "32\0", "x" * 200])
async def test_a_renewal_of_nothing(alone: Rooms, number: str) -> None:
    """An unknown or malformed number is refused as such, whatever the node would fill in."""
    renewal = renewal_body("2027-12-31", None, number)
    error = await refused(say(alone, JS, "renew_certificate", renewal=renewal))
    expected = Reason.NOT_FOUND if number == "320000-C9" else Reason.INVALID_FIELD
    assert expected is error.reason


async def test_an_addition_is_kept_once(alone: Rooms) -> None:
    """Sent again it gets the first answer; it is shown, and no verdict changes by it."""
    await alone.issue(JS, certificate_body())
    request = cert_pb.AddToCertificateRequest(
        request_id=request_id(), duty=DUTY, addition=addition_body()
    )
    call = alone.call(JS, "Add")
    first = await alone.certification[JS].add_to_certificate(request, call)
    assert first == await alone.certification[JS].add_to_certificate(request, call)
    assert 2 == alone.nodes[JS].logs.reader.position(JS_LOG).size
    found = await alone.certification[JS].get_certificate(
        cert_pb.GetCertificateRequest(name="certificates/320000-C1"), alone.call(JS)
    )
    assert [addition_body()] == [event.added for event in found.events[1:]]
    assert "VALID" == verdict(await alone.check(JS, "320000-C1"))


async def test_a_batch_may_hold_a_certificate_and_its_follower(alone: Rooms) -> None:
    """A later one of a batch follows an earlier one, not the other way round."""
    lower = certificate_body("320000-C1", grade="四级")
    higher = certificate_body("320000-C2", predecessor_no="320000-C1")
    error = await refused(alone.issue(JS, higher, lower))
    assert [("certificates[0].certificate.predecessor_no", "320000-C1")] == [
        (violation.field, violation.value) for violation in error.violations
    ]
    await alone.issue(JS, lower, higher)
    assert 2 == alone.nodes[JS].logs.reader.position(JS_LOG).size


async def test_places_in_status_lists(alone: Rooms) -> None:
    """Each certificate has the next place, in the order of the log, and keeps it in a rebuild."""
    await alone.issue(JS, *(certificate_body(f"320000-C{n}") for n in (3, 1)))
    await say(alone, JS, "add_to_certificate", addition=addition_body())
    await alone.issue(JS, certificate_body("320000-C2"))
    query = select(certificates.c.certificate_no).order_by(certificates.c.status_index)
    rows = await alone.nodes[JS].database.read(lambda c: c.execute(query).all())
    assert ["320000-C3", "320000-C1", "320000-C2"] == [number for (number,) in rows]


async def test_identity_numbers_get_into_no_log(alone: Rooms) -> None:
    """As a number, a reference or an opaque reference they are refused, and never repeated."""
    person = "99999918500101001"
    person += "10X98765432"[sum(int(c) * pow(2, 17 - i, 11) for i, c in enumerate(person)) % 11]
    given = [
        new(certificate_body(f"320000-{person}")),
        new(certificate_body("320000-C2", references=[education(person)])),
        new(certificate_body("320000-C3"), subject_ref=person),
        new(certificate_body("320000-C4"), identity_number=person),
        new(certificate_body("320000-C5"), subject_ref="P-5", identity_number=person[:-1]),
        new(institution_certificate(), "", subject_ref="P-6"),
    ]
    error = await refused(say(alone, JS, "issue_certificates", certificates=given))
    assert {
        "certificates[0].certificate.certificate_no",
        "certificates[1].certificate.references[0].reference_no",
        "certificates[2].subject_ref",
        "certificates[3].identity_number",
        "certificates[4].identity_number",
        "certificates[5].subject_ref",
    } == {violation.field for violation in error.violations}
    assert person[:17] not in json.dumps([str(error), *map(str, error.violations)])
    await alone.issue(JS, certificate_body())
    addition = addition_body(education(person))
    error = await refused(say(alone, JS, "add_to_certificate", addition=addition))
    assert ["addition.references[0].reference_no"] == [v.field for v in error.violations]
    renewal = renewal_body("2027-12-31", None, references=[education(person)])
    error = await refused(say(alone, JS, "renew_certificate", renewal=renewal))
    assert person[:17] not in json.dumps([str(error), *map(str, error.violations)])


async def test_an_institution_is_registered_before_it_is_certified(alone: Rooms) -> None:
    """One that the own register never stated gets no certificate; the fault names the field."""
    body = institution_certificate("320000-S7", institution_id="320000-7")
    error = await refused(alone.issue(JS, body))
    assert (Reason.NOT_FOUND, "C32-INSTITUTION-NOT-STATED") == (error.reason, error.details["rule"])
    assert [("certificates[0].certificate.institution_id", "320000-7")] == [
        (violation.field, violation.value) for violation in error.violations
    ]
    await alone.register(JS, institution_body("320000-7"))
    await alone.issue(JS, body)
    assert "VALID" == verdict(await alone.check(JS, "320000-S7"))


async def test_erasure_is_shown_in_the_history(alone: Rooms) -> None:
    """Where a holder was erased the history says so, at its place."""
    await alone.issue(JS, certificate_body())
    await say(alone, JS, "renew_certificate", renewal=renewal_body("2027-12-31", None))
    row = {"author": JS, "certificate_no": "320000-C1", "log_index": 7, "reason": "REQUESTED"}
    await alone.nodes[JS].database.write(lambda c: c.execute(insert(erasures), row))
    found = await alone.certification[JS].get_certificate(
        cert_pb.GetCertificateRequest(name="certificates/320000-C1"), alone.call(JS)
    )
    last = found.events[-1]
    assert (7, ["320000-C1"], "REQUESTED") == (
        last.entry.index,
        list(last.erased.certificate_nos),
        last.erased.reason,
    )


async def verdicts(rooms: Rooms, *days: str) -> list[str]:
    """Return what checks at home say of days."""
    return [verdict(await rooms.check(JS, "320000-C1", on_date=day)) for day in days]


async def test_a_revocation_of_a_wrong_day_is_put_right(alone: Rooms) -> None:
    """Said for 2062 by mistake, it stops neither a suspension nor the revocation that was meant."""
    await alone.issue(JS, certificate_body())
    await say(alone, JS, "revoke_certificate", revocation=revocation("2062-11-22"))
    assert ["VALID"] == await verdicts(alone, "2026-11-22")
    await say(alone, JS, "suspend_certificate", suspension=suspension("2026-11-20"))
    await say(alone, JS, "reinstate_certificate", reinstatement=reinstatement("2026-11-21"))
    await say(alone, JS, "revoke_certificate", revocation=revocation("2026-11-22"))
    days = ("2026-11-19", "2026-11-20", "2026-11-21", "2026-11-22")
    assert ["VALID", "SUSPENDED", "VALID", "REVOKED"] == await verdicts(alone, *days)
    for later in ("2026-11-22", "2026-11-23", "2062-11-22"):
        error = await refused(say(alone, JS, "revoke_certificate", revocation=revocation(later)))
        assert "C05-REVOKED-FOR-GOOD" == error.details["rule"]


async def test_a_reinstatement_leaves_what_begins_later(alone: Rooms) -> None:
    """It ends the suspensions that hold on its day; one of another case that is to come stands."""
    await alone.issue(JS, certificate_body())
    await say(alone, JS, "suspend_certificate", suspension=suspension("2026-11-01"))
    await say(alone, JS, "suspend_certificate", suspension=suspension("2026-12-01", "2026-12-20"))
    await say(alone, JS, "reinstate_certificate", reinstatement=reinstatement("2026-11-20"))
    days = ("2026-11-19", "2026-11-20", "2026-11-30", "2026-12-01", "2026-12-20", "2026-12-21")
    expected = ["SUSPENDED", "VALID", "VALID", "SUSPENDED", "SUSPENDED", "VALID"]
    assert expected == await verdicts(alone, *days)
    await say(alone, JS, "reinstate_certificate", reinstatement=reinstatement("2026-12-01"))
    assert ["VALID", "VALID"] == await verdicts(alone, "2026-12-01", "2026-12-10")
