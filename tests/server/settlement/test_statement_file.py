"""Statement files over four nodes: what a node gives, a verifier who trusts none accepts."""

from pathlib import Path

import pytest

from clients.verify.files import Verified, verify_file
from clients.verify.steps import Step, Steps
from clients.verify.trusting import Trusting
from deltacare.errors import Refusal
from deltacare.evidence import Evidence, EvidenceKind, EvidenceReceipt
from deltacare.ids import LogName
from deltacare.trust.policies import log_policy
from deltacare.v1 import clearing_service_pb2 as cpb
from deltacare.v1.log_service_pb2 import GetReceiptRequest
from deltacare.v1.types_pb2 import EntryRef
from tests.server.settlement.test_statements import propose, standing
from tests.server.settlement.world import HOST, World


async def file_of(world: World, province: str, found: cpb.StandingStatement) -> bytes:
    """Return the statement file as a client puts it together from a node's answers."""

    async def receipt(place: EntryRef) -> EvidenceReceipt:
        got = await world.nodes[province].logs.service.get_receipt(
            GetReceiptRequest(log=place.log, index=place.index), world.call(province)
        )
        return EvidenceReceipt(proof=got.proof, entry=got.entry)

    places = [found.entry, *found.results, *found.advances]
    places += [key for each in found.answers for key in each.keys]
    places += [each.entry for each in found.answers if each.HasField("entry")]
    receipts = tuple([await receipt(place) for place in places])
    return Evidence(kind=EvidenceKind.STATEMENT, receipts=receipts).to_bytes()


def verified(world: World, data: bytes, scratch: Path) -> tuple[Verified, list[Step]]:
    """Verify a file by the policies that follow from what the members signed."""
    trust = world.nodes.trust
    logs = map(LogName.registry, trust.provinces)
    policies = tuple((str(log), log_policy(trust, log)) for log in logs)
    path = scratch / "statement.json"
    path.write_bytes(data)
    steps = Steps()
    trusting = Trusting(policies=policies, now=world.nodes.clock.now())
    return verify_file(path, trusting, steps), steps.taken


async def test_a_statement_of_a_node_verifies(tmp_path: Path) -> None:
    """Any node gives the file; it verifies once all have approved, and says who is missing."""
    async with World.open(tmp_path) as world:
        await world.facts()
        await world.both(*(world.record(f"S{number}", number) for number in range(3)))
        await world.all_nights(1)
        proposed = await propose(world, HOST, 1, 1)
        await world.answer(HOST, proposed.statement_hash)
        found = await standing(world, HOST, f"{HOST}-S1")
        assert list(found.statement.pair_result_hashes) != []
        assert len(found.statement.pair_result_hashes) == len(found.results)
        with pytest.raises(Refusal, match="The approval of"):
            verified(world, await file_of(world, HOST, found), tmp_path)
        for province in world.provinces:
            if province != HOST:
                await world.answer(province, proposed.statement_hash)
        for province in world.provinces:
            found = await standing(world, province, f"{HOST}-S1")
            result, steps = verified(world, await file_of(world, province, found), tmp_path)
            assert proposed.statement_hash.hex() == result.summary["statement_hash"]
            assert len(found.results) == len(steps[4].facts["results"])
        listed = await world[HOST].clearing.list_statements(
            cpb.ListStatementsRequest(), world.call(HOST)
        )
        assert [0] == [len(each.results) for each in listed.statements], "too many for a list"
