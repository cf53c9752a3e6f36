"""Verifies that advances which a statement draws were paid ahead, and received by who holds them.

Each is named by its leaf hash, so it is the very entry of its payer; what was received is what the
payee reports of its bank under the one id of that payment. Whether another statement draws the same
money is not shown by one file: the payer, who signed both, would have had to approve both.
"""

from collections.abc import Callable, Sequence

from clients.verify.receipt import VerifiedEntry
from clients.verify.words import body_of
from deltacare.errors import PeerFault, Reason
from deltacare.v1.entry_pb2 import PaymentOutcome, Statement
from settlement.core.net import payment_id

__all__ = ["require_received"]


def require_received(
    statement: Statement,
    advances: Sequence[VerifiedEntry],
    reports: Sequence[VerifiedEntry],
    author_of: Callable[[VerifiedEntry], str],
) -> None:
    """Refuse a statement that draws what the file does not show as received.

    Args:
        statement: As proved.
        advances: Proved advances of the file.
        reports: Proved reports of payments.
        author_of: In whose log an entry stands.

    Raises:
        PeerFault: ``BAD_PROOF``, naming the advance.
    """
    by_leaf = {each.proved.leaf: each for each in advances}
    if set(by_leaf) != {each.advance_hash for each in statement.drawdowns}:
        raise _bad("The advances in the file are not exactly those that the statement draws.")
    for drawn in statement.drawdowns:
        found = by_leaf[drawn.advance_hash]
        body = body_of(found.entry)[1]
        if (author_of(found), body.payee) != (drawn.payer, drawn.payee):
            raise _bad(f"{body.advance_id} is no advance of {drawn.payer} to {drawn.payee}.")
        identity = payment_id(drawn.advance_hash, drawn.payer, drawn.payee)
        received = _received(identity, drawn.payee, reports, author_of)
        if drawn.amount_fen > min(received, body.amount_fen):
            raise _bad(f"More is drawn of {body.advance_id} than {drawn.payee} received.")


def _received(
    identity: str,
    payee: str,
    reports: Sequence[VerifiedEntry],
    author_of: Callable[[VerifiedEntry], str],
) -> int:
    """Return what a payee reports as received less returned; each booking counts once."""
    signs = {
        PaymentOutcome.PAYMENT_OUTCOME_BOOKED: 1,
        PaymentOutcome.PAYMENT_OUTCOME_RETURNED: -1,
    }
    booked: dict[bytes, int] = {}
    for each in reports:
        body = body_of(each.entry)[1]
        if author_of(each) == payee and body.payment_id == identity:
            booked.setdefault(body.booking_ref, signs.get(body.outcome, 0) * body.amount_fen)
    return sum(booked.values())


def _bad(message: str) -> PeerFault:
    return PeerFault(Reason.BAD_PROOF, message)
