"""Netting: positions, bilateral and multilateral payments, and their ids."""

import base64
import hashlib
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.core.net import (
    PAYMENT_ID_CHARS,
    Payment,
    bilateral,
    bilateral_net,
    multilateral,
    payment_id,
    positions,
)

CODES = ("310000", "320000", "330000", "340000")
MATRICES = st.dictionaries(
    st.sampled_from(list(permutations(CODES, 2))), st.integers(-(10**6), 10**12), max_size=12
)


def moved(payments: tuple[Payment, ...]) -> dict[str, int]:
    """Return what payments move, without zeros."""
    net: dict[str, int] = {}
    for payment in payments:
        net[payment.payer] = net.get(payment.payer, 0) - payment.fen
        net[payment.payee] = net.get(payment.payee, 0) + payment.fen
    return {code: fen for code, fen in net.items() if fen}


@given(MATRICES)
def test_positions_sum_to_zero(matrix: dict[tuple[str, str], int]) -> None:
    """Whatever the flows, what all receive less what all pay is nothing."""
    assert sum(positions(matrix).values()) == 0


@given(MATRICES)
def test_both_nettings_settle_every_position(matrix: dict[tuple[str, str], int]) -> None:
    """Bilateral and multilateral payments move the same; the latter are at most n - 1."""
    net = positions(matrix)
    expected = {code: fen for code, fen in net.items() if fen}
    assert expected == moved(bilateral_net(matrix))
    payments = multilateral(net)
    assert expected == moved(payments)
    assert len(payments) <= max(len(expected) - 1, 0)


@given(MATRICES, st.randoms(use_true_random=False))
def test_order_of_flows_does_not_matter(matrix: dict[tuple[str, str], int], random) -> None:  # noqa: ANN001 - hypothesis's own
    """Every party computes the same payments from the flows in any order."""
    flows = [(payer, payee, fen) for (payer, payee), fen in matrix.items()]
    shuffled = random.sample(flows, len(flows))
    assert bilateral(flows) == bilateral(shuffled)
    assert list(bilateral(flows)) == list(bilateral(shuffled))
    assert multilateral(positions(bilateral(flows))) == multilateral(positions(bilateral(shuffled)))


def test_ring_of_debts_needs_no_payment() -> None:
    """Where each owes the next the same, netting leaves nothing to pay."""
    ring = {("310000", "320000"): 5, ("320000", "330000"): 5, ("330000", "310000"): 5}
    assert multilateral(positions(ring)) == ()
    assert len(bilateral_net(ring)) == 3


def test_reversals_can_turn_a_flow() -> None:
    """A gross flow below zero is paid the other way."""
    matrix = bilateral([("310000", "320000", 100), ("310000", "320000", -300)])
    assert {("310000", "320000"): -200} == matrix
    assert (Payment(payer="320000", payee="310000", fen=200),) == bilateral_net(matrix)


def test_known_multilateral() -> None:
    """The largest debtor pays the largest creditor first."""
    net = {"310000": -70, "320000": 40, "330000": 50, "340000": -20}
    expected = (
        Payment(payer="310000", payee="320000", fen=20),
        Payment(payer="310000", payee="330000", fen=50),
        Payment(payer="340000", payee="320000", fen=20),
    )
    assert expected == multilateral(net)


def test_positions_that_do_not_sum_to_zero_are_our_fault() -> None:
    """An unbalanced book is never turned into payments."""
    with pytest.raises(AssertionError, match="sum to zero"):
        multilateral({"310000": 1})


def test_payment_id() -> None:
    """The id is 20 bytes of the hash of statement, payer and payee in base32."""
    leaf = bytes(range(32))
    expected = base64.b32encode(hashlib.sha256(leaf + b"310000320000").digest()[:20]).decode()
    assert expected == payment_id(leaf, "310000", "320000")
    assert len(expected) == PAYMENT_ID_CHARS
    assert expected != payment_id(leaf, "320000", "310000")
