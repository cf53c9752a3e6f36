"""How payments, accounts and findings of bank statements are shown: words, tables, lines."""

import shlex
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clients.cli.output import print_table, say, yuan
from clients.language import tr
from clients.plain import enum_name

if TYPE_CHECKING:
    from clients.paying.orders import AccountSeen
    from settlement.bank.findings import BankFinding

__all__ = [
    "account_lines",
    "action_words",
    "draw_payments",
    "finding_lines",
    "finding_plain",
    "kept_lines",
    "say_accounts",
    "state_words",
]

_STATES = {
    "DUE": ("应付未付", "due"),
    "ORDERED": ("已下指令", "ordered"),
    "UNKNOWN": ("结果未知", "unknown"),
    "DEBITED": ("已扣款，收款方未见", "debited, not seen to arrive"),
    "PAID": ("已付清", "paid"),
    "RETURNED": ("已退回", "returned"),
    "PARTIAL": ("部分付款", "paid in part"),
    "OVERPAID": ("多付", "overpaid"),
}
_ACTIONS = {
    "ORDER": ("下达付款指令：settle pay order", "order it: settle pay order"),
    "READ_BANK_STATEMENT": (
        "付款方读取对账单：settle confirm",
        "payer reads its bank statement: settle confirm",
    ),
    "ASK_BANK": ("询问银行，切勿重付", "ask the bank; do not pay again"),
    "PAYEE_READ_BANK_STATEMENT": (
        "收款方读取对账单：settle confirm",
        "payee reads its bank statement: settle confirm",
    ),
    "ORDER_AGAIN": (
        "查明原因后重付：settle pay order",
        "find out why, then order it again: settle pay order",
    ),
    "ORDER_REST": ("补付余额：settle pay order", "order the rest: settle pay order"),
    "RETURN_SURPLUS": (
        "收款方退回多付部分，注明同一 EndToEndId",
        "payee returns the surplus under the same EndToEndId",
    ),
}
_ID_CHARS_SHOWN = 8


def state_words(payment: Any) -> str:  # noqa: ANN401  # a message
    """Return where a payment stands, in words."""
    state = enum_name(payment, "state")
    return tr(*_STATES.get(state, (state, state)))


def action_words(code: str) -> str:
    """Return what to do next, in words; empty if nothing."""
    return tr(*_ACTIONS.get(code, (code, code)))


def draw_payments(payments: Iterable[Any]) -> None:
    """Draw payments: what is due, where it stands, whose move it is."""
    print_table(
        [
            tr("付款", "payment"),
            tr("依据", "basis"),
            tr("付款方", "payer"),
            tr("收款方", "payee"),
            tr("应付（元）", "due, yuan"),
            tr("已扣（元）", "debited"),
            tr("已收（元）", "credited"),
            tr("状态", "state"),
            tr("责任方", "whose move"),
            tr("下一步", "next"),
        ],
        [
            (
                f"{each.payment_id[:_ID_CHARS_SHOWN]}-{each.attempt:02d}",
                each.basis_id,
                each.payer,
                each.payee,
                yuan(each.amount_fen),
                yuan(each.debited_fen),
                yuan(each.credited_fen),
                state_words(each),
                each.owner,
                action_words(each.next_action),
            )
            for each in payments
        ],
        numbers=(4, 5, 6),
    )


def account_lines(seen: "AccountSeen") -> list[str]:
    """Return what a person compares before money goes into an account."""
    account = seen.account
    since = account.from_time.date().isoformat()
    holder, number, bank = account.holder, account.number, account.bank_code
    lines = [
        tr(
            f"{seen.province}  {holder}  账号 {number}  行号 {bank}  自 {since} 起",
            f"{seen.province}  {holder}  account {number}  bank {bank}  since {since}",
        )
    ]
    if seen.before is not None:
        old = seen.before.number
        lines.append(
            tr(
                f"注意：{seen.province} 的账户自上次付款后已变更，原账号 {old}；"
                "请电话核实后再签名。",
                f"Look: the account of {seen.province} has changed since it was last paid; it was "
                f"{old}. Ask by telephone before you sign.",
            )
        )
    return lines


def kept_lines(hashes: Sequence[str], day: date, file: Path | None) -> list[str]:
    """Return, for each message that was ordered for a day, the command that writes it again."""
    if not hashes:
        return []
    name = "FILE" if file is None else shlex.quote(str(file))
    return [
        tr(
            f"{day} 已下指令的报文重新写出：",
            f"What was ordered for {day} is written again by:",
        ),
        *(
            f"  deltacare settle pay message {name} --execution-date {day} --hash {each}"
            for each in hashes
        ),
    ]


def say_accounts(accounts: Sequence["AccountSeen"]) -> None:
    """Tell a person into which accounts money goes, changes loudly."""
    for each in accounts:
        say("\n".join(account_lines(each)))


def finding_plain(finding: "BankFinding") -> dict[str, Any]:
    """Return a finding as JSON."""
    return {
        "problem": finding.problem.name,
        "is_reported": finding.problem.is_reported,
        "place": finding.place,
        "end_to_end_id": finding.end_to_end_id,
        "value": finding.value,
        "description": tr(finding.problem.zh, finding.problem.en),
        "remedy": tr(finding.problem.remedy_zh, finding.problem.remedy_en),
    }


def finding_lines(findings: Iterable["BankFinding"]) -> list[str]:
    """Return findings in words, each with its remedy."""
    lines = []
    for each in findings:
        where = tr(f"分录 {each.place} ", f"entry {each.place} ") if each.place else ""
        facts = " ".join(part for part in (each.end_to_end_id, each.value) if part)
        problem = each.problem
        lines.append(
            f"{where}{facts}".strip()
            + tr(f"：{problem.zh}{problem.remedy_zh}", f": {problem.en} {problem.remedy_en}")
        )
    return lines
