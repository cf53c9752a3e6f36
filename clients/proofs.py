"""Gathers evidence files from a node: a statement with every receipt that it rests on.

Any node that holds the registry logs can give them. What comes is not verified here; whoever is
handed the file does that, by a policy of his own (`clients.verify`).
"""

from typing import TYPE_CHECKING

from deltacare.errors import Reason, Refusal
from deltacare.evidence import Evidence, EvidenceKind, EvidenceReceipt
from deltacare.v1.clearing_service_pb2 import StandingStatement
from deltacare.v1.log_service_pb2 import GetReceiptRequest
from deltacare.v1.types_pb2 import EntryRef

if TYPE_CHECKING:
    from clients.sdk.node import SyncNodeClient

__all__ = ["receipt_of", "statement_evidence"]


def receipt_of(node: "SyncNodeClient", place: EntryRef) -> EvidenceReceipt:
    """Return the receipt of an entry.

    Raises:
        DeltacareError: ``NO_QUORUM``, while too few partners have cosigned it, or the call's own.
    """
    found = node.log.GetReceipt(GetReceiptRequest(log=place.log, index=place.index))
    return EvidenceReceipt(proof=found.proof, entry=found.entry)


def statement_evidence(node: "SyncNodeClient", standing: StandingStatement) -> Evidence:
    """Return the statement file of a statement as it stands, binding or not.

    Args:
        node: Any that holds the registry logs.
        standing: As ``GetStatement`` answered.

    Raises:
        Refusal: ``NOT_FOUND``, if the node does not hold every result that the statement names.
        DeltacareError: ``NO_QUORUM``, or the call's own.
    """
    named = len(standing.statement.pair_result_hashes)
    if len(standing.results) != named:
        raise Refusal(
            Reason.NOT_FOUND,
            f"The node holds {len(standing.results)} of the {named} results that it names.",
            details={"statement": standing.statement.statement_id},
        )
    if standing.statement.drawdowns and not standing.advances:
        raise Refusal(
            Reason.NOT_FOUND,
            "The node does not hold the advances that the statement draws.",
            details={"statement": standing.statement.statement_id},
        )
    answered = [answer.entry for answer in standing.answers if answer.HasField("entry")]
    keys = {(place.log, place.index): place for answer in standing.answers for place in answer.keys}
    return Evidence(
        kind=EvidenceKind.STATEMENT,
        receipts=tuple(
            receipt_of(node, place)
            for place in (
                standing.entry,
                *standing.results,
                *standing.advances,
                *keys.values(),
                *answered,
            )
        ),
    )
