"""Salts beside the mirror stream are personal data: a purpose lets them out, and each is noted."""

from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import Connection

from deltacare.ids import LogName, Principal
from deltacare.purposes import Purpose
from deltacare.v1.log_service_pb2 import ReadEntriesRequest
from server.edge.call import Call, Disclosed, Disclosures
from tests.server.audit.support import OWN, PARTNER, REGISTRY, projectors
from tests.support.nodes import FourNodes, NoAttachments, Node, institution
from tests.support.ports import START_TIME

SALTED = {0: b"a" * 16, 2: b"c" * 16}


class SomeSalts(NoAttachments):
    """Holds the salts of two entries of every log."""

    def read(
        self, connection: Connection, log: LogName, first_index: int, end_index: int
    ) -> Mapping[int, bytes]:
        """Return those of a range."""
        del connection, log
        return {i: salt for i, salt in SALTED.items() if first_index <= i < end_index}


async def read(node: Node, log: LogName, call: Call) -> dict[int, bytes]:
    """Return the salts that come with the first three entries, and note spans before each part."""
    found: dict[int, bytes] = {}
    request = ReadEntriesRequest(log=str(log), checkpoint_size=3)
    async for part in node.logs.service.read_entries(request, call):
        found.update({each.index: each.salt for each in part.attachments})
    return found


def call(role: str, province: str, purpose: Purpose | None) -> Call:
    """Return a call as the edge makes it."""
    return Call(
        caller=Principal(province=province, role=role, opaque_id="node"),
        method="/deltacare.v1.LogService/ReadEntries",
        now=START_TIME,
        purpose=purpose,
        disclosures=None if purpose is None else Disclosures(),
    )


async def test_salts_need_their_purpose(tmp_path: Path) -> None:
    """A partner gets them for comparing holders, said by their entries; else entries alone."""
    settlement = LogName.settlement(OWN, PARTNER)
    async with FourNodes.solo(
        tmp_path, projectors=projectors, attachments=lambda _: SomeSalts()
    ) as node:
        for log in (REGISTRY, settlement):
            await node.append(log, [institution(f"{OWN}-{n}") for n in range(3)])
        assert {} == await read(node, REGISTRY, call("peer", PARTNER, None))
        mirroring = call("peer", PARTNER, Purpose.HOLDER_CHECK)
        assert SALTED == await read(node, REGISTRY, mirroring)
        assert mirroring.disclosures is not None
        expected = [Disclosed(log=REGISTRY, first_index=0, entry_count=3)]
        assert expected == mirroring.disclosures.spans
        mirroring = call("peer", PARTNER, Purpose.HOLDER_CHECK)
        assert {} == await read(node, settlement, mirroring)
        assert mirroring.disclosures is not None
        assert [] == mirroring.disclosures.spans
        for role in ("system", "auditor"):
            assert {} == await read(node, REGISTRY, call(role, OWN, Purpose.HOLDER_CHECK))
