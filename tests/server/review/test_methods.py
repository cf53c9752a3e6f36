"""What people file by: every such method of the contract, with what the queue has to know of it."""

from importlib import import_module
from pathlib import Path

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor, MethodDescriptor

from clients.cli.drafting import method_of
from deltacare.v1 import policy_service_pb2, settlement_service_pb2
from server.edge.access_rules import Role
from server.edge.rights import METHODS
from server.review.rules import DRAFTED

ROOT = Path(__file__).parents[3]

# What is filed by systems alone, and why.
NOT_DRAFTED = {
    "/deltacare.v1.ApprovalService/PublishApprovalKey": "two others state a person's key",
    "/deltacare.v1.SettlementService/PublishOverlapKey": "the node makes the key itself",
}
FINANCE = ("Policy", "Settlement", "Dispute", "Clearing", "Payment", "Books", "Approval")
for _name in FINANCE:
    import_module(f"deltacare.v1.{_name.lower()}_service_pb2")


def method(full_name: str) -> MethodDescriptor:
    """Return a method of the contract."""
    service, _, name = full_name.removeprefix("/").partition("/")
    return descriptor_pool.Default().FindServiceByName(service).FindMethodByName(name)


def holds(message: Descriptor, name: str) -> bool:
    """Whether a message, or one within it, has a field."""
    return name in message.fields_by_name or any(
        holds(each.message_type, name) for each in message.fields if each.message_type is not None
    )


def test_every_method_that_names_two_persons() -> None:
    """Whatever finance staff file under a duty waits for a reviewer, or is named here as not."""
    found = {
        f"/{service.full_name}/{each.name}"
        for name in FINANCE
        for service in [descriptor_pool.Default().FindServiceByName(f"deltacare.v1.{name}Service")]
        for each in service.methods
        if "duty" in each.input_type.fields_by_name
    }
    assert found == set(DRAFTED) | set(NOT_DRAFTED)
    assert found <= set(METHODS), "each has a right"


def test_what_is_personal_and_what_is_signed() -> None:
    """The table says of each request what its message says."""
    for full_name, drafted in DRAFTED.items():
        request = method(full_name).input_type
        assert drafted.is_personal == holds(request, "identity_number"), full_name
        assert drafted.is_signed == holds(request, "approvals"), full_name
        assert "appended" in method(full_name).output_type.fields_by_name, full_name
        assert drafted.makers <= {Role.CLERK, Role.PAYER}
        assert drafted.reviewers <= {Role.REVIEWER, Role.PAYER}
        if drafted.is_personal:
            assert drafted.reviewers == {Role.REVIEWER}, "codes follow from that role"


def test_a_node_serves_them_all() -> None:
    """The services that the queue files with are those that a node is put together of."""
    source = (ROOT / "server" / "business.py").read_text()
    for full_name in DRAFTED:
        service = full_name.removeprefix("/").partition("/")[0]
        assert f'"{service}": ' in source, service


def test_a_client_names_the_same_methods() -> None:
    """What the command line submits it submits under the name that the node knows."""
    for request in (
        settlement_service_pb2.FileRecordsRequest(),
        settlement_service_pb2.CreateEnrolmentsRequest(),
        policy_service_pb2.PublishSubsidyPolicyRequest(),
    ):
        assert method_of(request) in DRAFTED
