"""Four provinces' books of one statement: netted in two ways, paid, and nothing left over."""

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from settlement.books.balances import trial_balance
from settlement.books.events import Cleared, Event, Netted, PaymentDue, Shown
from settlement.books.journal import book, claims
from settlement.core import net
from tests.settlement.books.generated import KIND, source

PROVINCES = ("310000", "320000", "330000", "340000")
PAIRS = tuple(permutations(PROVINCES, 2))
FLOWS = st.lists(st.integers(-1_000_000, 10_000_000), min_size=len(PAIRS), max_size=len(PAIRS)).map(
    lambda amounts: dict(zip(PAIRS, amounts, strict=True))
)


def payments(matrix: dict[tuple[str, str], int], *, multilateral: bool) -> list[PaymentDue]:
    """Return what a statement asks for."""
    found = net.multilateral(net.positions(matrix)) if multilateral else net.bilateral_net(matrix)
    return [
        PaymentDue(
            payment_id=f"{each.payer}{each.payee}",
            payer=each.payer,
            payee=each.payee,
            amount_fen=each.fen,
        )
        for each in found
    ]


def events(
    own: str, matrix: dict[tuple[str, str], int], due: list[PaymentDue], *, paid: bool
) -> list[Event]:
    """Return what one province books."""
    found: list[Event] = []
    for number, ((home, host), fen) in enumerate(sorted(matrix.items())):
        if own in (home, host) and fen:
            found.append(
                Cleared(
                    event_date="2026-11-02",
                    sources=source(number, home),
                    home=home,
                    host=host,
                    subsidy_kind=KIND,
                    back=fen < 0,
                    amount_fen=abs(fen),
                    amounts={("2026", own): abs(fen)} if own == home else {},
                )
            )
    mine = [each for each in due if own in (each.payer, each.payee)]
    found.append(
        Netted(
            event_date="2026-11-09",
            sources=source(50, "310000"),
            statement_id="310000-S1",
            from_date="2026-11-01",
            until_date="2026-11-07",
            flows={pair: fen for pair, fen in matrix.items() if own in pair},
            payments=tuple(mine),
            drawn={},
        )
    )
    if paid:
        found += [
            Shown(
                event_date="2026-11-10",
                sources=source(60 + number, each.payer if by_payer else each.payee),
                payment=each,
                attempt=1,
                by_payer=by_payer,
                returned=False,
                amount_fen=each.amount_fen,
                is_advance=False,
            )
            for number, each in enumerate(mine)
            for by_payer in (True, False)
        ]
    return found


@given(matrix=FLOWS, multilateral=st.booleans(), paid=st.booleans())
def test_four_books(matrix: dict[tuple[str, str], int], *, multilateral: bool, paid: bool) -> None:
    """Every claim is the other's debt; once all is paid each bank moved by the position alone."""
    due = payments(matrix, multilateral=multilateral)
    nets = {}
    for own in PROVINCES:
        lines, findings = book(
            events(own, matrix, due, paid=paid),
            own,
            first_month="2026-11",
            gross={("2026-11-02", *pair): fen for pair, fen in matrix.items() if own in pair},
        )
        assert [] == findings
        nets[own] = trial_balance(lines, "2026-11-30").net
    for one, other in PAIRS:
        assert claims(nets[one], other) == claims(nets[other], one)[::-1]
        if paid:
            assert (0, 0) == claims(nets[one], other)
    positions = net.positions(matrix)
    for own in PROVINCES:
        assert (positions[own] if paid else 0) == nets[own].get("Assets:Bank", 0)
        open_fen = sum(claims(nets[own], other)[0] for other in PROVINCES)
        owed_fen = sum(claims(nets[own], other)[1] for other in PROVINCES)
        assert (0 if paid else positions[own]) == open_fen - owed_fen
