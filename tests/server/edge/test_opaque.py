"""No writing request of any service brings an identity number to a log, in whatever field."""

from collections.abc import Iterator

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from deltacare.errors import DeltacareError, Reason, ViolationCollector
from deltacare.v1 import (
    certification_service_pb2,
    clearing_service_pb2,
    credential_service_pb2,
    federation_service_pb2,
    log_service_pb2,
    personal_service_pb2,
    registry_service_pb2,
    settlement_service_pb2,
    supervision_service_pb2,
)
from deltacare.v1.entry_pb2 import InstitutionClaim
from deltacare.v1.registry_service_pb2 import AnswerAgreementRequest, AnswerAgreementResponse
from deltacare.v1.types_pb2 import Duty
from server.edge.call import Call
from server.edge.opaque import HELD_ELSEWHERE, NUMBERED_BY_MACHINES, note_identity_numbers
from tests.support.persons import NUMBER
from tests.support.tls import Scripted, running_edge

FILES = (
    certification_service_pb2,
    clearing_service_pb2,
    credential_service_pb2,
    federation_service_pb2,
    log_service_pb2,
    personal_service_pb2,
    registry_service_pb2,
    settlement_service_pb2,
    supervision_service_pb2,
)
METHODS = [
    method
    for file in FILES
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
    if "request_id" in method.input_type.fields_by_name
]
OLD = "999999500101001"
Steps = tuple[FieldDescriptor, ...]


def texts(descriptor: Descriptor) -> Iterator[Steps]:
    """Yield the way to every text of a message."""
    for field in descriptor.fields:
        if field.type == FieldDescriptor.TYPE_STRING:
            yield (field,)
        elif field.message_type is not None:
            for steps in texts(field.message_type):
                yield (field, *steps)


def fill(message: Message, steps: Steps, text: str) -> str:
    """Put a text where steps lead, and return the path."""
    field, *rest = steps
    at = getattr(message, field.name)
    if not rest:
        if field.is_repeated:
            at.append(text)
            return f"{field.name}[0]"
        setattr(message, field.name, text)
        return str(field.name)
    if field.is_repeated:
        return f"{field.name}[0].{fill(at.add(), tuple(rest), text)}"
    at.SetInParent()
    return f"{field.name}.{fill(at, tuple(rest), text)}"


def test_the_services_that_write() -> None:
    """Every room has methods that write; only records are filed in a stream."""
    services = {method.containing_service.name for method in METHODS}
    assert {
        "CertificationService",
        "ClearingService",
        "CredentialService",
        "PersonalService",
        "RegistryService",
        "SettlementService",
        "SupervisionService",
    } <= services
    streams = {m.name for m in METHODS if m.client_streaming or m.server_streaming}
    assert {"FileRecords"} == streams  # which asks itself, so that each batch gets its answer


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_every_text_of_every_write_is_looked_at(method: object) -> None:
    """Named by its path, never repeated; also the old form, except where machines number."""
    descriptor: Descriptor = method.input_type  # type: ignore[attr-defined]  # a method's
    found = 0
    for steps in texts(descriptor):
        name = steps[-1].name
        for text in (f"320000-C{NUMBER}", f"NO{OLD}"):
            request = GetMessageClass(descriptor)()
            path = fill(request, steps, text)
            bad = ViolationCollector()
            note_identity_numbers(request, bad)
            is_let = name in HELD_ELSEWHERE or (OLD in text and name in NUMBERED_BY_MACHINES)
            assert ([] if is_let else [path]) == [each.field for each in bad.violations]
            assert not any(each.value for each in bad.violations)
            assert all(each.remedy for each in bad.violations)
            assert text not in repr(bad.violations)
            found += 1
    assert found > 0


def test_a_claimed_credit_code_has_a_check_of_its_own() -> None:
    """As a value of that attribute it is not looked at, as one of another it is."""
    for attribute, count in (("unified_social_credit_code", 0), ("name", 1)):
        bad = ViolationCollector()
        note_identity_numbers(InstitutionClaim(attribute=attribute, value=NUMBER), bad)
        assert count == bad.count


async def test_the_gate_refuses_before_any_service_reads() -> None:
    """Over the wire: by path, with a remedy, without the value; the service is never called."""
    seen: list[AnswerAgreementRequest] = []

    async def answer(request: AnswerAgreementRequest, _call: Call) -> AnswerAgreementResponse:
        seen.append(request)
        return AnswerAgreementResponse()

    services = {"deltacare.v1.RegistryService": Scripted(answer_agreement=answer)}
    request = AnswerAgreementRequest(request_id="r", duty=Duty(maker=f"m{NUMBER}", reviewer="id-2"))
    async with running_edge(services) as edge:
        with pytest.raises(DeltacareError) as caught:
            await edge.client("system").registry.AnswerAgreement(request)
    assert Reason.INVALID_FIELD is caught.value.reason
    assert ["duty.maker"] == [each.field for each in caught.value.violations]
    assert NUMBER not in repr((caught.value, caught.value.details, caught.value.violations))
    assert [] == seen
