"""The chart of accounts: which there are, what they are called, and what each is for.

Names are what beancount and hledger both take: parts of ASCII letters, digits and hyphens, joined
by colons, under one of five roots. What people read (应收, 应付, 在途) stands beside them here and
goes into exports as comments. A debit is above zero and a credit below, whatever the account;
budgets are a set of their own under `Equity:Budget` that balances in itself (memoranda, no money).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

__all__ = [
    "ADVANCES_HELD",
    "ADVANCES_PAID",
    "BANK",
    "BUDGET_APPROPRIATED",
    "BUDGET_AVAILABLE",
    "BUDGET_CONSUMED",
    "BUDGET_RESERVED",
    "CHART",
    "CLEARED",
    "DUE",
    "EXPENSE",
    "GRANTED",
    "INCOME",
    "IN_TRANSIT",
    "ORDERED",
    "PAID",
    "PAYABLE",
    "RECEIVABLE",
    "SURPLUS_HELD",
    "SURPLUS_PAID",
    "AccountKind",
    "account_words",
    "budget",
    "of_kind",
    "with_partner",
]

BANK: Final = "Assets:Bank"
RECEIVABLE: Final = "Assets:Receivable"
IN_TRANSIT: Final = "Assets:InTransit"
ADVANCES_PAID: Final = "Assets:Advances"
SURPLUS_PAID: Final = "Assets:Surplus"
PAYABLE: Final = "Liabilities:Payable"
ADVANCES_HELD: Final = "Liabilities:Advances"
SURPLUS_HELD: Final = "Liabilities:Surplus"
EXPENSE: Final = "Expenses:Subsidy"
INCOME: Final = "Income:PassThrough"
BUDGET_APPROPRIATED: Final = "Equity:Budget:Appropriated"
BUDGET_AVAILABLE: Final = "Equity:Budget:Available"
BUDGET_RESERVED: Final = "Equity:Budget:Reserved"
BUDGET_CONSUMED: Final = "Equity:Budget:Consumed"

# Last parts of accounts with a partner.
CLEARED: Final = "Cleared"
DUE: Final = "Due"
ORDERED: Final = "Ordered"
GRANTED: Final = "Granted"
PAID: Final = "Paid"

_PROVINCE_DIGITS: Final = 2
_CITY_DIGITS: Final = 4
_PARTNER = re.compile(r":P(\d{6})(?=:|$)")
_DIVISION = re.compile(r":D(\d{6})$")
_YEAR = re.compile(r":Y(\d{4})(?=:|$)")
_KIND = re.compile(r":K-([A-Z0-9-]+)(?=:|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountKind:
    """A heading of the chart.

    Attributes:
        name: The account that heads it.
        zh: What it is for, in Chinese.
        en: The same in English.
    """

    name: str
    zh: str
    en: str


CHART: Mapping[str, AccountKind] = MappingProxyType(
    {
        each.name: each
        for each in (
            AccountKind(name=BANK, zh="银行存款", en="Money at the bank"),
            AccountKind(name=RECEIVABLE, zh="应收", en="Owed by another province"),
            AccountKind(
                name=IN_TRANSIT, zh="在途资金", en="Left our bank, not yet shown by the payee's"
            ),
            AccountKind(name=ADVANCES_PAID, zh="预付金（拨出）", en="Paid ahead"),
            AccountKind(name=SURPLUS_PAID, zh="多付应收回", en="Paid too much, to come back"),
            AccountKind(name=PAYABLE, zh="应付", en="Owed to another province"),
            AccountKind(name=ADVANCES_HELD, zh="预付金（收到）", en="Received ahead"),
            AccountKind(name=SURPLUS_HELD, zh="多收应退", en="Received too much, to go back"),
            AccountKind(name=EXPENSE, zh="补贴支出", en="Subsidies that the own province pays"),
            AccountKind(name=INCOME, zh="代收补贴", en="Subsidies passed on to institutions"),
            AccountKind(name=BUDGET_APPROPRIATED, zh="预算批复（备查）", en="Budget, as set"),
            AccountKind(name=BUDGET_AVAILABLE, zh="预算可用（备查）", en="Budget, what is left"),
            AccountKind(name=BUDGET_RESERVED, zh="预算占用（备查）", en="Budget, reserved"),
            AccountKind(name=BUDGET_CONSUMED, zh="预算已用（备查）", en="Budget, consumed"),
        )
    }
)
"""Every heading, by its account."""

_STAGES: Final = {
    CLEARED: ("已清分", "cleared, in no statement yet"),
    DUE: ("待付", "due"),
    ORDERED: ("已指令", "ordered"),
    GRANTED: ("待拨", "granted, not received yet"),
    PAID: ("已拨", "received"),
}


def with_partner(heading: str, partner: str, *rest: str) -> str:
    """Return the account of a heading with another province.

    Args:
        heading: Such as `PAYABLE`.
        partner: Six digits.
        rest: Further parts, such as `DUE`.
    """
    return ":".join((heading, f"P{partner}", *rest))


def of_kind(subsidy_kind: str) -> str:
    """Return the part of an account's name that stands for a kind of subsidy.

    Accounts take no underscore and may begin with no hyphen; kinds have no hyphen, so no two kinds
    meet in one name.
    """
    return f"K-{subsidy_kind.replace('_', '-')}"


def budget(heading: str, year: str, subsidy_kind: str, division: str) -> str:
    """Return an account of a budget, below those of the divisions in which its division lies.

    So the sum of an account and all below it is right for whatever division a budget is set.

    Args:
        heading: Such as `BUDGET_RESERVED`.
        year: Four digits, of service.
        subsidy_kind: The kind.
        division: Six digits.
    """
    wider = dict.fromkeys(
        (division[:_PROVINCE_DIGITS] + "0000", division[:_CITY_DIGITS] + "00", division)
    )
    parts = (f"Y{year}", of_kind(subsidy_kind), *(f"D{each}" for each in wider))
    return ":".join((heading, *parts))


def account_words(account: str, *, lang: str = "zh") -> str:
    """Return what people read for an account: its heading, then whom and what it is with.

    Args:
        account: As in the journal.
        lang: `zh` or `en`.
    """
    heading = next(name for name in CHART if account == name or account.startswith(f"{name}:"))
    index = 0 if lang == "zh" else 1
    words = [CHART[heading].zh if lang == "zh" else CHART[heading].en]
    for pattern in (_PARTNER, _YEAR, _KIND, _DIVISION):
        words += pattern.findall(account)
    last = account.rsplit(":", 1)[-1]
    if last in _STAGES:
        words.append(_STAGES[last][index])
    return " ".join(words)
