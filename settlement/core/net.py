"""Netting: what each province owes each, and the fewest payments that settle it.

Plain integers of fen; the caller brings sums, not lines. The three invariants of clearing are
asserted here on every call, because a wrong payment is worse than none: positions sum to zero, the
multilateral result equals the sum of the bilateral one, and there are at most n - 1 payments.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

__all__ = [
    "PAYMENT_ID_CHARS",
    "Payment",
    "bilateral",
    "bilateral_net",
    "multilateral",
    "payment_id",
    "positions",
]

Matrix = dict[tuple[str, str], int]

PAYMENT_ID_CHARS: Final = 32
_PAYMENT_ID_BYTES = 20
_HASH_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Payment:
    """One payment between two provinces.

    Attributes:
        payer: Who pays.
        payee: Who receives.
        fen: How much, above zero.
    """

    payer: str
    payee: str
    fen: int

    def __post_init__(self) -> None:
        assert self.payer != self.payee, "nobody pays itself"
        assert self.fen > 0, "a payment moves money"


def bilateral(flows: Iterable[tuple[str, str, int]]) -> Matrix:
    """Return the gross flow of each ordered pair.

    Args:
        flows: (payer, payee, fen) of netted lines or of sums of them; fen is negative for a
            reversal, which goes the other way.

    Returns:
        Sums by (payer, payee), sorted; a sum is negative where reversals outweigh.
    """
    matrix: Matrix = {}
    for payer, payee, fen in flows:
        assert payer != payee, "a flow has two ends"
        matrix[payer, payee] = matrix.get((payer, payee), 0) + fen
    return dict(sorted(matrix.items()))


def positions(matrix: Mapping[tuple[str, str], int]) -> dict[str, int]:
    """Return received less paid of every province that the matrix names, sorted; sums to zero."""
    net: dict[str, int] = {}
    for (payer, payee), fen in matrix.items():
        net[payer] = net.get(payer, 0) - fen
        net[payee] = net.get(payee, 0) + fen
    assert sum(net.values()) == 0, "positions sum to zero"
    return dict(sorted(net.items()))


def bilateral_net(matrix: Mapping[tuple[str, str], int]) -> tuple[Payment, ...]:
    """Return at most one payment for each pair: the difference of its two gross flows."""
    payments: list[Payment] = []
    for low, high in sorted({(min(pair), max(pair)) for pair in matrix}):
        fen = matrix.get((low, high), 0) - matrix.get((high, low), 0)
        if fen > 0:
            payments.append(Payment(payer=low, payee=high, fen=fen))
        elif fen < 0:
            payments.append(Payment(payer=high, payee=low, fen=-fen))
    payments.sort()
    assert _moved(payments) == _without_zero(positions(matrix)), "payments settle the positions"
    return tuple(payments)


def multilateral(net: Mapping[str, int]) -> tuple[Payment, ...]:
    """Return payments that settle all positions, at most one less than there are parties.

    The largest debtor pays the largest creditor until one of the two is settled; equal amounts are
    taken in the order of their codes, so every party computes the same payments. Each payment
    settles at least one party and the last settles two, hence n - 1.

    Args:
        net: Received less paid by province; sums to zero.
    """
    assert sum(net.values()) == 0, "positions sum to zero"
    open_net = {code: fen for code, fen in sorted(net.items()) if fen}
    party_count = len(open_net)
    payments: list[Payment] = []
    while open_net:
        payer = min(open_net, key=lambda code: (open_net[code], code))
        payee = min(open_net, key=lambda code: (-open_net[code], code))
        fen = min(-open_net[payer], open_net[payee])
        payments.append(Payment(payer=payer, payee=payee, fen=fen))
        for code, change in ((payer, fen), (payee, -fen)):
            open_net[code] += change
            if not open_net[code]:
                del open_net[code]
    payments.sort()
    assert len(payments) <= max(party_count - 1, 0), "at most n - 1 payments"
    assert _moved(payments) == _without_zero(net), "multilateral equals the sum of bilateral"
    return tuple(payments)


def payment_id(statement_leaf_hash: bytes, payer: str, payee: str) -> str:
    """Return the one id under which a payment of a statement is ever made.

    The same statement, payer and payee give the same id on every node and after every restart, so
    a payment cannot be made twice under two names. 32 characters leave room in an `EndToEndId` of
    35 for a hyphen and a two-digit attempt.

    Args:
        statement_leaf_hash: Leaf hash of the statement's entry, 32 bytes.
        payer: Six digits.
        payee: Six digits.

    Returns:
        The first 20 bytes of SHA-256(hash, payer, payee) in base32, 32 characters.
    """
    assert len(statement_leaf_hash) == _HASH_BYTES, "a leaf hash has 32 bytes"
    digest = hashlib.sha256(statement_leaf_hash + payer.encode() + payee.encode()).digest()
    return base64.b32encode(digest[:_PAYMENT_ID_BYTES]).decode()


def _moved(payments: Iterable[Payment]) -> dict[str, int]:
    """Return what each party receives less pays by payments, without zeros."""
    return _without_zero(positions(bilateral((p.payer, p.payee, p.fen) for p in payments)))


def _without_zero(net: Mapping[str, int]) -> dict[str, int]:
    """Return the positions that are not zero."""
    return {code: fen for code, fen in sorted(net.items()) if fen}
