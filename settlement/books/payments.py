"""What one payment does to the books: balances as a function of what was asked, ordered and shown.

A payment may come back, come twice, or come in part; so nothing here adds a posting to the ones
before. The balances follow from four figures, and an event books the difference between before and
after. Whatever order entries arrive in, the same figures leave the same balances, and they sum to
zero with what asked for the payment.

Until the payee's bank shows the money, payable and receivable stand on both sides alike; what has
left the payer's bank meanwhile is in transit (below zero if the payee's bank was read first).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from settlement.books import accounts
from settlement.books.events import Ordered, PaymentDue, Shown

__all__ = ["PaymentBooks"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentBooks:
    """A payment as one of its two ends books it.

    Attributes:
        payment: What is to be paid; its amount is 0 until what asks for it is booked.
        is_advance: It pays an advance.
        debited_fen: What the payer's bank shows as paid less returned.
        credited_fen: What the payee's bank shows as received less returned.
        orders: Amount of each attempt that was ordered.
        seen: Attempts of which the payer's bank has shown a booking.
    """

    payment: PaymentDue
    is_advance: bool
    debited_fen: int = 0
    credited_fen: int = 0
    orders: Mapping[int, int] = field(default_factory=dict)
    seen: frozenset[int] = frozenset()

    def after(self, event: Ordered | Shown) -> "PaymentBooks":
        """Return the payment after an order or a booking of it."""
        if isinstance(event, Ordered):
            return replace(self, orders={**self.orders, event.attempt: event.amount_fen})
        fen = -event.amount_fen if event.returned else event.amount_fen
        if event.by_payer:
            return replace(
                self, debited_fen=self.debited_fen + fen, seen=self.seen | {event.attempt}
            )
        return replace(self, credited_fen=self.credited_fen + fen)

    def asked(self, amount_fen: int) -> "PaymentBooks":
        """Return the payment once it is asked for."""
        payment = self.payment
        return replace(
            self,
            payment=PaymentDue(
                payment_id=payment.payment_id,
                payer=payment.payer,
                payee=payment.payee,
                amount_fen=amount_fen,
            ),
        )

    @property
    def _open_fen(self) -> int:
        """What the payee has still to receive."""
        return self.payment.amount_fen - min(self.credited_fen, self.payment.amount_fen)

    @property
    def _surplus_fen(self) -> int:
        """What the payee received beyond what was asked."""
        return max(0, self.credited_fen - self.payment.amount_fen)

    @property
    def _ordered_fen(self) -> int:
        """How much of what is open is under way: the last order, or what the bank made of it."""
        attempt = max(self.orders, default=0)
        if attempt and attempt not in self.seen:
            under_way = self.orders[attempt]
        else:
            under_way = max(0, self.debited_fen - self.credited_fen)
        return min(under_way, max(0, self._open_fen))

    def balances(self, own: str) -> dict[str, int]:
        """Return the balances that the payment brings to one end's accounts, zeros left out.

        Args:
            own: Payer or payee.
        """
        paid_fen = self.payment.amount_fen - self._open_fen
        if own == self.payment.payer:
            partner = self.payment.payee
            found = {
                accounts.BANK: -self.debited_fen,
                accounts.with_partner(accounts.IN_TRANSIT, partner): self.debited_fen
                - self.credited_fen,
                accounts.with_partner(accounts.PAYABLE, partner, accounts.ORDERED): (
                    -self._ordered_fen
                ),
                accounts.with_partner(accounts.PAYABLE, partner, accounts.DUE): self._ordered_fen
                - self._open_fen,
                accounts.with_partner(accounts.SURPLUS_PAID, partner): self._surplus_fen,
            }
            heading, sign = accounts.ADVANCES_PAID, 1
        else:
            partner = self.payment.payer
            found = {
                accounts.BANK: self.credited_fen,
                accounts.with_partner(accounts.RECEIVABLE, partner, accounts.DUE): self._open_fen,
                accounts.with_partner(accounts.SURPLUS_HELD, partner): -self._surplus_fen,
            }
            heading, sign = accounts.ADVANCES_HELD, -1
        if self.is_advance:
            # What asks for an advance is the advance itself: it is granted, then received.
            found[accounts.with_partner(heading, partner, accounts.GRANTED)] = sign * self._open_fen
            found[accounts.with_partner(heading, partner, accounts.PAID)] = sign * paid_fen
        return {account: fen for account, fen in found.items() if fen}
