"""Tests of the table of rights: every method has a row, and every cell an answer."""

import pkgutil
from collections.abc import Iterator

import pytest
from google.protobuf import descriptor_pool

from deltacare import v1
from deltacare.errors import Reason, Refusal
from deltacare.ids import Principal
from deltacare.v1 import (
    certification_service_pb2,
    clearing_service_pb2,
    federation_service_pb2,
    log_service_pb2,
    registry_service_pb2,
    settlement_service_pb2,
)
from deltacare.v1.clearing_service_pb2 import AnswerStatementRequest
from deltacare.v1.types_pb2 import Duty
from server.edge.rights import RIGHTS, Rights, Role, check_duty

FILES = (
    certification_service_pb2,
    clearing_service_pb2,
    federation_service_pb2,
    log_service_pb2,
    registry_service_pb2,
    settlement_service_pb2,
)
STANDARD = (
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/List",
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
)
OWN = "310000"
OTHER = "320000"
RIGHTS_HERE = Rights(OWN)


def contract_methods() -> Iterator[str]:
    """Yield the full name of every method of the contract, from its descriptors."""
    for file in FILES:
        for service in file.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                yield f"/{service.full_name}/{method.name}"


def caller(role: str, province: str = OWN) -> Principal:
    """Return a caller."""
    return Principal(province=province, role=role, opaque_id="id-1")


def refusal(principal: Principal, method: str) -> Refusal | None:
    """Return why a call is refused, or nothing if it is let in."""
    try:
        RIGHTS_HERE.check(principal, method)
    except Refusal as error:
        return error
    return None


def test_every_service_of_the_contract_is_walked() -> None:
    """No service file of the contract is left out of these tests."""
    found = {name for _, name, _ in pkgutil.iter_modules(v1.__path__)}
    services = {name for name in found if name.endswith("_service_pb2")}
    assert services == {file.__name__.rpartition(".")[2] for file in FILES}


def test_every_method_has_a_row() -> None:
    """The table names every method of the contract, and nothing that does not exist."""
    assert sorted(RIGHTS) == sorted([*contract_methods(), *STANDARD])


@pytest.mark.parametrize("method", [*contract_methods(), *STANDARD])
def test_every_cell_has_an_answer(method: str) -> None:
    """For each role a call is let in exactly where the table says so, else refused by name."""
    for role in Role:
        province = OTHER if role is Role.PEER else OWN
        refused = refusal(caller(role, province), method)
        if role in RIGHTS[method]:
            assert refused is None
        else:
            assert refused is not None
            assert refused.reason is Reason.ROLE_NOT_ALLOWED
            assert dict(refused.details) == {"role": str(role), "method": method}
            assert str(role) in refused.message
            assert method in refused.message


@pytest.mark.parametrize("method", [*contract_methods(), *STANDARD])
def test_province_of_the_caller(method: str) -> None:
    """People and systems ask their own node only; peers come from other provinces only."""
    for role in RIGHTS[method]:
        province = OWN if role is Role.PEER else OTHER
        refused = refusal(caller(role, province), method)
        assert refused is not None
        assert refused.reason is Reason.WRONG_PROVINCE


def test_unknown_is_denied() -> None:
    """A method without a row and a role without a column are denied."""
    for principal, method in [
        (caller("system"), "/deltacare.v1.LogService/Erase"),
        (caller("root"), "/deltacare.v1.FederationService/Ping"),
    ]:
        refused = refusal(principal, method)
        assert refused is not None
        assert refused.reason is Reason.ROLE_NOT_ALLOWED


def test_administrators_see_no_business() -> None:
    """Nothing of registers, certificates and money is an administrator's."""
    allowed = {name.split("/")[1] for name in RIGHTS_HERE.methods(caller("administrator"))}
    assert allowed == {
        "deltacare.v1.FederationService",
        "deltacare.v1.LogService",
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }
    logs = {n for n in RIGHTS_HERE.methods(caller("administrator")) if "LogService" in n}
    assert logs == {
        "/deltacare.v1.LogService/ListEvidence",
        "/deltacare.v1.LogService/ListLogs",
    }


def test_auditors_write_nothing() -> None:
    """No method that an auditor may call takes a request id: none of them writes."""
    pool = descriptor_pool.Default()
    for name in RIGHTS_HERE.methods(caller("auditor")):
        if name.startswith("/deltacare."):
            _, service, method = name.split("/")
            request = pool.FindServiceByName(service).methods_by_name[method].input_type
            assert "request_id" not in request.fields_by_name


def test_methods_agree_with_the_checks() -> None:
    """What a caller is told it may call is what it may call."""
    for role in Role:
        for province in (OWN, OTHER):
            principal = caller(role, province)
            expected = tuple(m for m in sorted(RIGHTS) if refusal(principal, m) is None)
            assert RIGHTS_HERE.methods(principal) == expected


def test_reviewer_signs_for_itself() -> None:
    """Who is no system must be the reviewer that the request names; a system names its staff."""
    request = AnswerStatementRequest(duty=Duty(maker="id-2", reviewer="id-1"))
    check_duty(caller("reviewer"), request)
    request.duty.reviewer = "id-3"
    check_duty(caller("system"), request)
    with pytest.raises(Refusal) as caught:
        check_duty(caller("reviewer"), request)
    assert caught.value.reason is Reason.ROLE_NOT_ALLOWED
    assert caught.value.details["field"] == "duty.reviewer"
