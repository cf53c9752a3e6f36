"""Two whole nodes: an elder's enrolment is disclosed from one to the other, and both note it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from clients.sdk.credentials import Profile
from clients.sdk.node import NodeClient
from clients.sdk.retry import request_id
from deltacare.errors import DeltacareError, Reason
from deltacare.ids import LogName
from deltacare.purposes import PURPOSE_FIELD, Purpose
from deltacare.v1.entry_pb2 import Enrolment, Entry
from deltacare.v1.federation_service_pb2 import (
    ExplainAccessRequest,
    ListPartnerHealthRequest,
)
from deltacare.v1.log_service_pb2 import (
    GetCheckpointRequest,
    ListLogsRequest,
    ReadEntriesRequest,
)
from deltacare.v1.settlement_service_pb2 import (
    CreateEnrolmentsRequest,
    ListRecordsRequest,
    NewEnrolment,
    ResolveEnrolmentRequest,
)
from deltacare.v1.types_pb2 import Duty
from server.app import Node
from server.config import read_config
from tests.support.federated import make_directories

HOME, HOST = "310000", "320000"
DEADLINE_S = 30


@asynccontextmanager
async def running(directory: Path) -> AsyncIterator[Node]:
    """Run a node."""
    node = Node(read_config(directory / "node.toml"))
    try:
        await node.start()
        yield node
    finally:
        await node.stop()


def client_of(directory: Path, role: str) -> NodeClient:
    """Return a client of a node."""
    return NodeClient.of(Profile.load(directory / "clients", name=role))


async def confirmed(client: NodeClient) -> None:
    """Wait until a node may write."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            health = await client.federation.ListPartnerHealth(ListPartnerHealthRequest())
            if not health.unconfirmed_logs:
                return
            await asyncio.sleep(0.05)


async def noted(directory: Path, province: str) -> list[Entry]:
    """Return a node's audit log as its auditor reads it."""
    log = str(LogName.audit(province))
    async with client_of(directory, "auditor") as auditor:
        found = await auditor.log.GetCheckpoint(GetCheckpointRequest(log=log))
        request = ReadEntriesRequest(log=log, checkpoint_size=found.size)
        parts = [part async for part in auditor.log.ReadEntries(request)] if found.size else []
    return [Entry.FromString(data) for part in parts for data in part.entries]


@pytest.mark.slow
async def test_an_elder_is_disclosed_and_both_nodes_note_it(tmp_path: Path) -> None:
    """Enrolled at home, found at the host by an operator; each node's log says for what."""
    directories = make_directories(tmp_path)
    settlement = str(LogName.settlement(HOME, HOST))
    resolve = "/deltacare.v1.SettlementService/ResolveEnrolment"
    async with AsyncExitStack() as stack:
        home = await stack.enter_async_context(running(directories[HOME]))
        await stack.enter_async_context(running(directories[HOST]))
        system = await stack.enter_async_context(client_of(directories[HOME], "system"))
        host = await stack.enter_async_context(client_of(directories[HOST], "system"))
        operator = await stack.enter_async_context(client_of(directories[HOST], "operator"))
        await confirmed(system)
        await confirmed(host)
        # 1. Enrolled, for that purpose only.
        request = CreateEnrolmentsRequest(
            request_id=request_id(),
            duty=Duty(maker="m-1", reviewer="r-1"),
            host=HOST,
            enrolments=[
                NewEnrolment(
                    elder_handle="sample-1",
                    enrolment=Enrolment(
                        enrolment_id="E1",
                        home_division="310101",
                        subsidy_kinds=["CARE_BED"],
                        from_date="2026-01-01",
                    ),
                )
            ],
        )
        with pytest.raises(DeltacareError) as caught:
            await system.settlement.CreateEnrolments(request)
        assert Reason.INVALID_FIELD is caught.value.reason
        created = await system.settlement.CreateEnrolments(
            request, metadata=((PURPOSE_FIELD, Purpose.ENROLMENT),)
        )
        # 2. Found by the host's operator, to place the elder in care.
        asked = ResolveEnrolmentRequest(home=HOME, enrolment_code=created.tickets[0].enrolment_code)
        placing = ((PURPOSE_FIELD, Purpose.CARE_PLACEMENT),)
        found = await operator.settlement.ResolveEnrolment(asked, metadata=placing)
        assert created.tickets[0].beneficiary_ref == found.enrolment.beneficiary_ref
        # 3. What it may not do is denied and explained.
        with pytest.raises(DeltacareError) as caught:
            await operator.settlement.ListRecords(ListRecordsRequest(partner=HOME))
        assert "E00" == caught.value.details["rule"]
        why = await operator.federation.ExplainAccess(ExplainAccessRequest(method="ListRecords"))
        assert (False, "E00", ["E20"]) == (
            why.allowed,
            why.rule.rule,
            [rule.rule for rule in why.others],
        )
        # 4. Both logs say it: who, for whom, what for, which entry, and nothing of the elder.
        enrolling, answering = [e.disclosure for e in await noted(directories[HOME], HOME)]
        assert ("system", "ENROLMENT", "E17") == (
            enrolling.role,
            enrolling.purpose,
            enrolling.rule,
        )
        assert (HOST, "peer", "CARE_PLACEMENT", "E25") == (
            answering.province,
            answering.role,
            answering.purpose,
            answering.rule,
        )
        (asking,) = [e.disclosure for e in await noted(directories[HOST], HOST)]
        assert (HOST, "operator", "CARE_PLACEMENT", "E22", resolve) == (
            asking.province,
            asking.role,
            asking.purpose,
            asking.rule,
            asking.method,
        )
        assert asking.principal == answering.on_behalf_of
        for disclosure in (enrolling, answering, asking):
            (span,) = disclosure.spans
            assert (settlement, 0, 1) == (span.log, span.first_index, span.entry_count)
            assert found.enrolment.beneficiary_ref not in str(disclosure)
        # 5. Home anchors its log where the host mirrors it, unless it just did so by itself.
        await home._audit.anchor()
        registry = str(LogName.registry(HOME))
        async with asyncio.timeout(DEADLINE_S):
            while True:
                held = await host.log.ListLogs(ListLogsRequest())
                sizes = {row.log: row.verified_size for row in held.logs}
                if sizes.get(registry):
                    break
                await asyncio.sleep(0.05)
    # 6. What was counted when the nodes stopped stands there when they are up again.
    async with AsyncExitStack() as stack:
        for directory in directories.values():
            await stack.enter_async_context(running(directory))
        denials = [
            entry.access_denied
            for province in (HOME, HOST)
            for entry in await noted(directories[province], province)
            if entry.HasField("access_denied")
        ]
    assert [
        ("system", "INVALID_FIELD", 1),
        ("operator", "ROLE_NOT_ALLOWED", 1),
    ] == [(each.role, each.reason, each.count) for each in denials]
