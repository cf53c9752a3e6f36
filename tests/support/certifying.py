"""What tests of schemes and certificates share: bodies, their hashes, and short calls.

What is built here is generated and synthetic; no person or institution in it exists.
"""

from collections.abc import Awaitable

import pytest
from google.protobuf.message import Message

from deltacare.errors import Refusal
from deltacare.tlog.tree import leaf_hash
from deltacare.v1 import certification_service_pb2 as cert_pb
from deltacare.v1 import entry_pb2 as pb
from tests.support.projecting import entry_of
from tests.support.rooms import DUTY, Rooms, certificate_body, request_id

__all__ = [
    "NAME",
    "NUMBER",
    "addition_body",
    "certificate",
    "education",
    "equivalence_end",
    "hash_of",
    "institution_certificate",
    "new",
    "refused",
    "reinstatement",
    "renewal_body",
    "resumed",
    "revocation",
    "say",
    "scheme_body",
    "suspension",
    "unrecognised",
    "verdict",
]

NAME = "示例甲"
NUMBER = "320000-C1"


def hash_of(body: Message) -> bytes:
    """Return the leaf hash of a body as ``tests.support.projecting.Book`` says it."""
    return leaf_hash(entry_of(body).SerializeToString(deterministic=True))


def scheme_body(name: str = "JS_CAREGIVER", **changes: object) -> pb.CertificationScheme:
    """Return a scheme of caregivers that a province might state."""
    fields: dict[str, object] = {
        "scheme": name,
        "subject": pb.CERTIFICATE_SUBJECT_CAREGIVER,
        "occupation": "4-10-01-05",
        "grades": ("初级", "中级", "高级"),
        "from_date": "2026-01-01",
        "basis": "JS-2025-1",
    }
    return pb.CertificationScheme(**{**fields, **changes})  # type: ignore[arg-type]  # a test's own


def education(
    reference_no: str = "E1", hours: int = 20, **changes: object
) -> pb.CertificateReference:
    """Return a reference to continuing education."""
    fields: dict[str, object] = {
        "kind": pb.REFERENCE_KIND_CONTINUING_EDUCATION,
        "reference_no": reference_no,
        "completed_date": "2026-05-01",
        "hours": hours,
    }
    return pb.CertificateReference(**{**fields, **changes})  # type: ignore[arg-type]  # likewise


def addition_body(
    *references: pb.CertificateReference, number: str = "320000-C1"
) -> pb.CertificateAddition:
    """Return an addition, of twenty hours unless others are given."""
    return pb.CertificateAddition(certificate_no=number, references=references or (education(),))


def renewal_body(
    until: str, after: Message | None, number: str = "320000-C1", **changes: object
) -> pb.CertificateRenewal:
    """Return a renewal.

    Args:
        until: its last day.
        after: the issue or renewal that it names; ``None`` leaves that to the node.
        number: of the certificate.
        changes: other fields.
    """
    return pb.CertificateRenewal(
        certificate_no=number,
        valid_until_date=until,
        predecessor_hash=b"" if after is None else hash_of(after),
        **changes,  # type: ignore[arg-type]  # a test's own
    )


def institution_certificate(number: str = "320000-S1", **changes: object) -> pb.Certificate:
    """Return a certificate of an institution."""
    fields: dict[str, object] = {
        "subject": pb.CERTIFICATE_SUBJECT_INSTITUTION,
        "scheme": "GB_T_37276",
        "institution_id": "320000-1",
    }
    return certificate_body(number, **{**fields, **changes})


def certificate(number: str = NUMBER, **changes: object) -> pb.Certificate:
    """Return a certificate as it stands in a log."""
    return certificate_body(number, **{"holder_name_digest": b"d" * 32, **changes})


def suspension(day: str, until: str = "", number: str = NUMBER) -> pb.CertificateSuspension:
    """Return a suspension."""
    return pb.CertificateSuspension(
        certificate_no=number, effective_date=day, until_date=until, reason="COMPLAINT"
    )


def reinstatement(day: str, number: str = NUMBER) -> pb.CertificateReinstatement:
    """Return a reinstatement."""
    return pb.CertificateReinstatement(certificate_no=number, effective_date=day, reason="CLEARED")


def revocation(day: str, number: str = NUMBER) -> pb.CertificateRevocation:
    """Return a revocation."""
    return pb.CertificateRevocation(certificate_no=number, effective_date=day, reason="FRAUD")


def equivalence_end(day: str = "2026-10-16") -> pb.EquivalenceEnd:
    """Return the end of an equivalence."""
    return pb.EquivalenceEnd(equivalence_id="310000-E1", effective_date=day, reason="REVIEW")


def unrecognised(day: str, number: str = NUMBER) -> pb.RecognitionSuspension:
    """Return a suspension of recognition."""
    return pb.RecognitionSuspension(certificate_no=number, effective_date=day, reason="DOUBT")


def resumed(day: str, number: str = NUMBER) -> pb.RecognitionResumption:
    """Return a resumption of recognition."""
    return pb.RecognitionResumption(certificate_no=number, effective_date=day, reason="CLEARED")


def new(body: pb.Certificate, holder_name: str = NAME, **given: str) -> cert_pb.NewCertificate:
    """Return a certificate to issue."""
    return cert_pb.NewCertificate(certificate=body, holder_name=holder_name, **given)


def verdict(response: cert_pb.CheckCertificationResponse) -> str:
    """Return the name of a verdict."""
    return cert_pb.Verdict.Name(response.verdict).removeprefix("VERDICT_")


async def refused(awaitable: Awaitable[object]) -> Refusal:
    """Return how a call was refused."""
    with pytest.raises(Refusal) as caught:
        await awaitable
    return caught.value


async def say(rooms: Rooms, province: str, method: str, **fields: object) -> Message:
    """Call a writing method of a node with one body."""
    name = "".join(part.capitalize() for part in method.split("_"))
    request = getattr(cert_pb, f"{name}Request")(request_id=request_id(), duty=DUTY, **fields)
    result: Message = await getattr(rooms.certification[province], method)(
        request, rooms.call(province, name)
    )
    return result
