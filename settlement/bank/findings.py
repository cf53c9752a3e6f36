"""What is wrong, or worth a look, in a bank statement: typed, in Chinese and English.

A finding names the entry as the statement numbers it, the ``EndToEndId`` and the value; a problem
says its remedy, and whether the booking is reported all the same: what contradicts itself is not.
"""

import enum
from dataclasses import dataclass

__all__ = ["BankFinding", "BankProblem"]


class BankProblem(enum.Enum):
    """What can be found: whether the booking counts; sentence and remedy in English and Chinese."""

    # --- The statement as a whole
    ACCOUNT_NOT_OURS = (
        False,
        "The statement is of an account that the members' metadata does not state as ours.",
        "Read the statement of our account; a new account is signed by the offices first.",
        "对账单账户不是联盟元数据所载的本省账户。",
        "请读取本省账户的对账单；新账户须先由各省签署。",
    )
    BALANCE_DIFFERS = (
        True,
        "Opening balance and booked entries do not add up to the closing balance.",
        "Ask the bank for the whole statement; what it shows is reported meanwhile.",
        "期初余额加已入账分录不等于期末余额。",
        "请向银行索取完整对账单；所示内容先行登记。",
    )
    # --- A booking that is not reported
    FOREIGN_CURRENCY = (
        False,
        "The booking is not in CNY.",
        "Ask the bank to book the payment in CNY.",
        "入账币种不是人民币。",
        "请与银行核实，应以人民币入账。",
    )
    NOT_WHOLE_FEN = (
        False,
        "The amount is not a whole number of fen above zero.",
        "Ask the bank for a corrected statement.",
        "金额不是大于零的整数分。",
        "请向银行索取更正的对账单。",
    )
    BATCH_SUM = (
        False,
        "The transactions of the entry do not add up to its amount.",
        "Ask the bank for a corrected statement, or for each transaction by itself.",
        "批量分录的明细之和与分录金额不符。",
        "请向银行索取更正的对账单或逐笔明细。",
    )
    NO_REFERENCE = (
        False,
        "The booking has no reference of the bank, so it cannot be told from another.",
        "Ask the bank for statements with its own references (AcctSvcrRef).",
        "入账无银行流水号，无法与他笔区分。",
        "请银行在对账单中给出流水号（AcctSvcrRef）。",
    )
    NO_DATE = (
        False,
        "The booking has no date.",
        "Ask the bank for a corrected statement.",
        "入账无日期。",
        "请向银行索取更正的对账单。",
    )
    RETURN_CONTRADICTS = (
        False,
        "The booking is called a return but goes the way of the payment.",
        "Ask the bank what it booked.",
        "标明为退汇，但方向与付款相同。",
        "请向银行核实该笔入账。",
    )
    UNKNOWN_PAYMENT = (
        False,
        "The EndToEndId has the form of ours, but no binding statement or advance leads to it.",
        "It is not ours, or the node has not received the statement yet: look again later.",
        "EndToEndId 为本系统格式，但无任何生效清算单或预付款与之对应。",
        "并非本方付款，或节点尚未收到清算单；请稍后再试。",
    )
    # --- A booking that is reported, and has to be looked at
    NOT_ORDERED = (
        True,
        "The bank booked an attempt that was never ordered here.",
        "Find out who gave the bank the order.",
        "银行入账了本节点从未指令的一次付款。",
        "请查明是谁向银行下达的指令。",
    )
    WRONG_AMOUNT = (
        True,
        "The amount booked is not the amount ordered.",
        "See settle pay list: the rest is ordered again, a surplus is returned.",
        "入账金额与指令金额不符。",
        "见 settle pay list：不足者补付，多付者退回。",
    )
    DOUBLED = (
        True,
        "The attempt was booked more than once under different references.",
        "Ask the bank; the surplus is returned by the payee.",
        "同一次付款以不同流水号重复入账。",
        "请询问银行；多付部分由收款方退回。",
    )
    RETURNED = (
        True,
        "The payment came back.",
        "Find out why; settle pay order then orders another attempt.",
        "付款被退回。",
        "查明原因后用 settle pay order 重新付款。",
    )
    # --- What is not in it
    MISSING = (
        True,
        "The statement covers the day of execution and does not show the payment.",
        "Read the next statement; if it is not there either, ask the bank. Do not order it again.",
        "对账单已覆盖付款日，但未见该笔付款。",
        "请读取下一份对账单；仍无则询问银行，切勿重复付款。",
    )

    def __init__(self, is_reported: bool, en: str, remedy_en: str, zh: str, remedy_zh: str) -> None:  # noqa: FBT001 - a row of the enumeration
        self.is_reported = is_reported
        self.en = en
        self.remedy_en = remedy_en
        self.zh = zh
        self.remedy_zh = remedy_zh


@dataclass(frozen=True, slots=True, kw_only=True)
class BankFinding:
    """One thing that was found.

    Attributes:
        problem: What.
        place: Statement and entry, such as ``2/17``, both counted from 1; the statement alone where
            it is about the whole.
        end_to_end_id: Of the booking; empty if it is about none.
        value: What was found there, short.
    """

    problem: BankProblem
    place: str
    end_to_end_id: str = ""
    value: str = ""
