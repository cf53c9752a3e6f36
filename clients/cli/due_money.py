"""What is due of money: statements, payments, advances, budgets, months of the books."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from clients.cli.due import BOTH, PAYMENT, POLICY, Asker, Point, Topic
from clients.language import tr
from clients.plain import enum_name

__all__ = ["BUDGET_SPENT_PERCENT", "MONEY_TOPICS"]

BUDGET_SPENT_PERCENT = 90
"""From here on a budget is nearly spent: at an even pace it lasts five weeks more."""

_PERCENT = 100

_PAYMENT_WORDS = {
    "ORDER": ("待发出支付指令", "to be ordered"),
    "READ_BANK_STATEMENT": ("待读入银行对账单", "wait for the bank statement"),
    "ASK_BANK": ("银行无记录，须查询", "unknown: ask the bank"),
    "PAYEE_READ_BANK_STATEMENT": (
        "付款方已付，待收款方读入银行对账单",
        "paid; not seen by the payee",
    ),
    "ORDER_AGAIN": ("已退回，可再次支付", "returned: order again"),
    "ORDER_REST": ("只付了一部分，待付余额", "partly paid: order the rest"),
    "RETURN_SURPLUS": ("多付，待退还", "paid too much: return the surplus"),
}
_OVERPAID_WORDS = {
    "READ_BANK_STATEMENT": (
        "多付部分正在退回，待读入银行对账单",
        "the surplus is on its way back, wait for the bank statement",
    ),
    "ASK_BANK": ("须询问银行", "ask the bank"),
    "PAYEE_READ_BANK_STATEMENT": (
        "待收款方读入银行对账单并退回",
        "read the bank statement, then return the surplus",
    ),
    "RETURN_SURPLUS": (
        "待收款方以同一 EndToEndId 退回",
        "the payee returns the surplus under the same EndToEndId",
    ),
}
_ASK = (
    "须询问银行；收款方读入银行对账单后退回",
    "ask the bank; the payee reads its statement and returns the surplus",
)
_ORDER = "deltacare settle pay order --execution-date DATE --key FILE --basis"
_LOOK = "deltacare settle pay list --basis"
_READ = "deltacare settle confirm FILE"
_PAYMENT_COMMANDS = {
    "ORDER": _ORDER,
    "ORDER_AGAIN": _ORDER,
    "ORDER_REST": _ORDER,
    "READ_BANK_STATEMENT": _READ,
    "PAYEE_READ_BANK_STATEMENT": _READ,
}


# --- Statements -----------------------------------------------------------------------------------


def _statements(asker: Asker) -> Iterator[Point]:
    from deltacare.v1.clearing_service_pb2 import ListStatementsRequest

    request = ListStatementsRequest()
    listed = asker.rows(asker.node.clearing.ListStatements, request, "statements")
    for each in listed:
        if enum_name(each, "state") == "PROPOSED":
            yield from _proposed(asker, each)
    yield from _turn(asker, listed.rows)


def _proposed(asker: Asker, standing: Any) -> Iterator[Point]:  # noqa: ANN401  # a message
    silent = [each.province for each in standing.answers if not each.word]
    said = standing.statement
    name = said.statement_id
    if not silent:
        return
    is_ours = asker.own in silent
    yield Point(
        text=tr(
            f"清算单 {name}（{said.from_date} 至 {said.until_date}）待 {', '.join(silent)} 答复",
            f"statement {name} ({said.from_date} to {said.until_date}) waits for "
            f"{', '.join(silent)}",
        )
        + ("" if standing.recomputed else tr("；本节点算出的不同", "; this node computes another")),
        since=said.until_date,
        owner=asker.own if is_ours else silent[0],
        is_due=is_ours,
        roles=PAYMENT,
        command=f"deltacare settle approve {name} --hash {standing.statement_hash.hex()} --key FILE"
        if is_ours
        else f"deltacare settle export {name}",
    )


def _turn(asker: Asker, statements: Sequence[Any]) -> Iterator[Point]:
    """Yield whose turn it is to propose a statement over what is agreed and in none."""
    from clients.cli.nights import agreed_turn

    found = agreed_turn(asker.nights)
    if found is None:
        return
    until_date, turn = found
    free = [
        each.business_date
        for each in asker.nights
        if enum_name(each, "state") == "AGREED"
        and not each.statement_hash
        and each.business_date <= until_date
    ]
    if not free:
        return
    first = min(free)
    number = sum(each.statement.statement_id.startswith(asker.own) for each in statements) + 1
    name = f"{asker.own}-S{until_date[:4]}-{number}"
    yield Point(
        text=tr(
            f"{first} 至 {until_date} 各对均一致，轮到 {turn} 提出清算单",
            f"every pair agrees from {first} to {until_date}: a statement is {turn}'s to propose",
        ),
        since=first,
        owner=turn,
        is_due=turn == asker.own,
        roles=PAYMENT,
        command=f"deltacare settle propose {name} --from {first} --until {until_date}"
        if turn == asker.own
        else "deltacare settle statements",
    )


# --- Payments and advances ------------------------------------------------------------------------


def _payments(asker: Asker) -> Iterator[Point]:
    from clients.cli.output import yuan
    from deltacare.v1.payment_service_pb2 import ListPaymentsRequest

    request = ListPaymentsRequest(province=asker.own)
    groups: dict[tuple[str, str], list[Any]] = {}
    for each in asker.rows(asker.node.payment.ListPayments, request, "payments"):
        if enum_name(each, "state") == "OVERPAID":
            yield _overpaid(asker, each)
        elif each.next_action:
            groups.setdefault((each.next_action, each.owner), []).append(each)
    for (action, owner), some in sorted(groups.items()):
        words = tr(*_PAYMENT_WORDS.get(action, (action, action)))
        total = yuan(sum(each.amount_fen for each in some))
        names = ", ".join(sorted({each.basis_id for each in some}))
        yield Point(
            text=tr(
                f"{len(some)} 笔付款（{names}，{total} 元）：{words}",
                f"{len(some)} payments ({names}, {total} yuan): {words}",
            ),
            count=len(some),
            owner=owner,
            is_due=asker.is_ours(owner),
            roles=PAYMENT,
            command=_payment_command(action if asker.is_ours(owner) else "", some[0].basis_id),
        )


def _overpaid(asker: Asker, payment: Any) -> Point:  # noqa: ANN401  # a message
    """Return what waits of a payment of which more went than is due: of each, for it is a fault."""
    from clients.cli.output import yuan

    action, owner = payment.next_action, payment.owner
    words = tr(*_OVERPAID_WORDS.get(action, (action, action)))
    if action == "PAYEE_READ_BANK_STATEMENT" and payment.payer == asker.own:
        # As long as our bank alone has shown it, the payee may have nothing to return.
        words, owner = tr(*_ASK), BOTH
    surplus = yuan(max(payment.debited_fen, payment.credited_fen) - payment.amount_fen)
    return Point(
        text=tr(
            f"付款 {payment.basis_id}（{payment.payer} → {payment.payee}）"
            f"多付 {surplus} 元：{words}",
            f"payment {payment.basis_id} ({payment.payer} → {payment.payee}) overpaid by {surplus} "
            f"yuan: {words}",
        ),
        owner=owner,
        is_due=asker.is_ours(owner),
        roles=PAYMENT,
        command=_payment_command(action if payment.owner == asker.own else "", payment.basis_id),
    )


def _payment_command(action: str, basis_id: str) -> str:
    """Return the command for what is next of a payment; what shows it where nothing is ours."""
    command = _PAYMENT_COMMANDS.get(action, _LOOK)
    return command if command == _READ else f"{command} {basis_id}"


def _advances(asker: Asker) -> Iterator[Point]:
    from clients.cli.output import yuan
    from deltacare.v1.payment_service_pb2 import ListAdvancesRequest

    request = ListAdvancesRequest(province=asker.own)
    by_payee: dict[str, list[Any]] = {}
    terms_of = {}
    for each in asker.rows(asker.node.payment.ListAdvances, request, "advances"):
        if each.payer == asker.own and each.HasField("terms"):
            by_payee.setdefault(each.advance.payee, []).append(each)
            terms_of[each.advance.payee] = each.terms
    # The first page has them all, whether anything was granted or not.
    first = asker.node.payment.ListAdvances(ListAdvancesRequest(province=asker.own, page_size=1))
    terms_of |= {each.terms.payee: each.terms for each in first.terms if each.payer == asker.own}
    for payee, terms in sorted(terms_of.items()):
        some = by_payee.get(payee, [])
        balance = sum(each.received_fen - each.drawn_fen for each in some)
        coming = sum(max(each.advance.amount_fen - each.received_fen, 0) for each in some)
        if balance + coming >= terms.floor_fen:
            continue
        yield Point(
            text=tr(
                f"在 {payee} 的预付金余额 {yuan(balance)} 元，"
                f"低于约定的 {yuan(terms.floor_fen)} 元",
                f"the advance with {payee} is down to {yuan(balance)} yuan, below "
                f"{yuan(terms.floor_fen)}",
            ),
            owner=asker.own,
            roles=PAYMENT,
            command=f"deltacare settle advance grant ID --payee {payee} --amount YUAN --key FILE",
        )


# --- Budgets and books ----------------------------------------------------------------------------


def _budgets(asker: Asker) -> Iterator[Point]:
    from clients.cli.output import yuan
    from deltacare.v1.policy_service_pb2 import ListBudgetsRequest

    request = ListBudgetsRequest(year=asker.today.year)
    for each in asker.rows(asker.node.policy.ListBudgets, request, "budgets"):
        said = each.budget
        spent = each.reserved_fen + each.consumed_fen
        percent = spent * _PERCENT // said.amount_fen if said.amount_fen else _PERCENT
        if percent < BUDGET_SPENT_PERCENT and not each.held_fen:
            continue
        held = tr(
            f"，因超预算暂缓 {yuan(each.held_fen)} 元", f", {yuan(each.held_fen)} yuan held for it"
        )
        yield Point(
            text=tr(
                f"{said.home_division} {said.year} 年 {said.subsidy_kind} 预算已用 {percent}%，"
                f"余 {yuan(said.amount_fen - spent)} 元",
                f"the budget of {said.home_division} for {said.subsidy_kind} in {said.year} is "
                f"{percent}% spent, {yuan(said.amount_fen - spent)} yuan left",
            )
            + (held if each.held_fen else ""),
            owner=asker.own,
            is_due=bool(each.held_fen),
            roles=POLICY,
            command=f"deltacare settle budget list --year {said.year}",
        )


def _months(asker: Asker) -> Iterator[Point]:
    from deltacare.v1.books_service_pb2 import ListMonthClosesRequest
    from deltacare.v1.settlement_service_pb2 import ListDayClosesRequest

    closes = asker.rows(
        asker.node.books.ListMonthCloses, ListMonthClosesRequest(), "month_closes"
    ).rows
    for each in closes:
        if not each.recomputed:
            month = each.month_close.month
            yield Point(
                text=tr(
                    f"{month} 已关账，但账簿现在算出的摘要不同",
                    f"{month} is closed, and the books give another digest now",
                ),
                since=month,
                owner=asker.own,
                roles=PAYMENT,
                command="deltacare settle books months",
            )
    if closes:
        following = _after(closes[-1].month_close.month)
    else:
        opening = asker.node.settlement.ListDayCloses(ListDayClosesRequest()).opening_date
        following = opening[:7]
    if not following or following >= asker.today.isoformat()[:7]:
        return
    # A month closes once each of its nights is agreed.
    open_dates = sorted(
        each.business_date
        for each in asker.nights
        if asker.own in (each.lower, each.higher)
        and each.business_date[:7] <= following
        and enum_name(each, "state") != "AGREED"
    )
    waits = (
        tr(
            f"；{open_dates[0]} 起尚有对账未一致，先办对账",
            f" once its nights agree, from {open_dates[0]} on",
        )
        if open_dates
        else ""
    )
    yield Point(
        text=tr(f"{following} 的账簿待关账", f"the books of {following} are to be closed") + waits,
        since=_after(following) + "-01",
        owner=asker.own,
        is_due=not open_dates,
        roles=PAYMENT,
        command=f"deltacare settle nights --from {open_dates[0]}"
        if open_dates
        else f"deltacare settle books close-month {following}",
    )


def _after(month: str) -> str:
    """Return the month after one."""
    longest = timedelta(days=31)
    return (date.fromisoformat(f"{month}-01") + longest).isoformat()[:7]


MONEY_TOPICS: tuple[Topic, ...] = (
    Topic(
        name="STATEMENTS",
        zh="清算单",
        en="statements",
        methods=("ClearingService/ListStatements", "ClearingService/ListPairNights"),
        read=_statements,
    ),
    Topic(
        name="PAYMENTS",
        zh="付款",
        en="payments",
        methods=("PaymentService/ListPayments",),
        read=_payments,
    ),
    Topic(
        name="ADVANCES",
        zh="预付金",
        en="advances",
        methods=("PaymentService/ListAdvances",),
        read=_advances,
    ),
    Topic(
        name="BUDGETS",
        zh="预算",
        en="budgets",
        methods=("PolicyService/ListBudgets",),
        read=_budgets,
    ),
    Topic(
        name="MONTHS",
        zh="关账",
        en="months",
        methods=(
            "BooksService/ListMonthCloses",
            "ClearingService/ListPairNights",
            "SettlementService/ListDayCloses",
        ),
        read=_months,
    ),
)
"""In the order in which money goes."""
