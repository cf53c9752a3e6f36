"""Computes a statement anew before a person signs it: its hash, and every sum in it.

What a node shows is compared with what its own entry and nights come to, so that nobody signs a
hash of something else than was on the screen. The logs' proofs are for `clients.verify`.
"""

from collections.abc import Iterable

from clients.plain import enum_name
from clients.verify.statement import require_sums
from deltacare.errors import PeerFault, Reason
from deltacare.tlog.tree import leaf_hash
from deltacare.v1.clearing_service_pb2 import PairNight, StandingStatement
from deltacare.v1.entry_pb2 import Entry

__all__ = ["require_recomputed"]


def require_recomputed(standing: StandingStatement, nights: Iterable[PairNight]) -> None:
    """Compute a statement anew.

    Args:
        standing: As ``GetStatement`` answered.
        nights: Pairs' nights of its window, as the node lists them.

    Raises:
        PeerFault: ``BAD_PROOF``, if the entry has another hash or says something else, a night is
            missing or not agreed, or a sum does not follow.
    """
    statement = standing.statement
    if (
        leaf_hash(standing.entry_bytes) != standing.statement_hash
        or Entry.FromString(standing.entry_bytes).statement != statement
    ):
        raise _bad("The node shows another statement than that of the hash.")
    named = set(statement.pair_result_hashes)
    agreed = [
        night
        for night in nights
        if enum_name(night, "state") == "AGREED" and night.lower_result_hash in named
    ]
    shown = {each.lower_result_hash for each in agreed}
    shown |= {each.higher_result_hash for each in agreed}
    if shown != named:
        raise _bad("The node does not show every agreed night that the statement names.")
    require_sums(statement, [night.lower_result for night in agreed])
    if not standing.recomputed:
        raise _bad("The node computes something else than the statement.")


def _bad(message: str) -> PeerFault:
    return PeerFault(Reason.BAD_PROOF, message)
