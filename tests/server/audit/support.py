"""Nodes with an audit room over their logs, and denials and disclosures as the edge tells them."""

from collections.abc import Sequence

from deltacare.ids import LogName, Principal
from deltacare.purposes import Purpose
from deltacare.v1.entry_pb2 import Entry
from server.audit.projector import AuditProjector
from server.audit.recorder import AuditRecorder
from server.edge.audit import Denial
from server.edge.call import Call, Disclosures
from server.log.ports import Projector
from tests.support.nodes import AnyProjector, Node
from tests.support.ports import ManualClock, SeededEntropy

OWN, PARTNER = "310000", "320000"
AUDIT = LogName.audit(OWN)
REGISTRY = LogName.registry(OWN)
SPAN = LogName.settlement(PARTNER, OWN)
METHOD = "/deltacare.v1.SettlementService/ResolveEnrolment"


def projectors(_province: str) -> list[Projector]:
    """Return the projectors of a node: the room's, and one for all other bodies."""
    others = AnyProjector()
    others.bodies -= AuditProjector.bodies
    return [AuditProjector(), others]


def recorder(
    node: Node, clock: ManualClock, *, accepted_loss_size: int | None = None
) -> AuditRecorder:
    """Return the audit of a node that is up."""
    return AuditRecorder(
        province=node.province,
        sequencer=node.logs.sequencer,
        reader=node.logs.reader,
        clock=clock,
        entropy=SeededEntropy(f"{node.province} audit {accepted_loss_size}"),
        accepted_loss_size=accepted_loss_size,
    )


def denial(opaque_id: str = "id-1") -> Denial:
    """Return a clerk's denial."""
    return Denial(
        caller=Principal(province=OWN, role="clerk", opaque_id=opaque_id),
        method=METHOD,
        purpose=Purpose.CARE_PLACEMENT,
        rule="E00",
        reason="ROLE_NOT_ALLOWED",
        cause="",
    )


def disclosing(number: int, clock: ManualClock) -> Call:
    """Return a call of a partner's node whose answer discloses one entry."""
    call = Call(
        caller=Principal(province=PARTNER, role="peer", opaque_id="node"),
        method=METHOD,
        now=clock.now(),
        purpose=Purpose.SETTLEMENT,
        rule="E25",
        disclosures=Disclosures(),
    )
    call.disclose(SPAN, number, 1)
    call.ask_for(f"clerk-{number}")
    return call


async def noted(node: Node, log: LogName = AUDIT) -> Sequence[Entry]:
    """Return the entries of a log as they are stored."""
    reader = node.logs.reader

    def read(connection: object) -> Sequence[bytes]:
        size = node.logs._store.head(connection, log).size  # type: ignore[arg-type]  # a connection
        return reader.entries(connection, log, 0, size)  # type: ignore[arg-type]  # likewise

    return [Entry.FromString(data) for data in await node.database.read(read)]
