"""A bank for tests: writes camt.053 statements in both versions with the classes of pyiso20022."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from xsdata.formats.dataclass.serializers import XmlSerializer
from xsdata.models.datatype import XmlDate, XmlDateTime

__all__ = ["Entry", "Transaction", "statement"]


@dataclass(frozen=True, kw_only=True)
class Transaction:
    """A transaction of an entry.

    Attributes:
        end_to_end_id: What names it.
        yuan: Its own amount; ``None`` where the bank gives none.
        reference: The bank's own, of the transaction.
        returned: Whether it carries information about a return.
        direction: Its own; only version 08 has one.
    """

    end_to_end_id: str
    yuan: str | None = None
    reference: str | None = None
    returned: bool = False
    direction: str | None = None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An entry of a statement."""

    yuan: str
    direction: str
    transactions: Sequence[Transaction] = ()
    reference: str | None = "B1"
    number: str | None = None
    status: str = "BOOK"
    currency: str = "CNY"
    reversal: bool | None = None
    sub_family: str = "DMCT"
    day: date | None = field(default=date(2026, 11, 23))


def statement(
    account: str,
    entries: Sequence[Entry],
    *,
    version: str = "08",
    days: tuple[date, date] | None = (date(2026, 11, 23), date(2026, 11, 23)),
    opening: str | None = None,
    closing: str | None = None,
    statement_id: str = "S1",
) -> bytes:
    """Return a statement of one account as XML."""
    name = f"camt_053_001_{version}"
    m = importlib.import_module(f"pyiso20022.camt.{name}.{name}")
    is_old = version == "02"
    made = XmlDateTime(2026, 11, 24, 1, 0, 0)
    account_type = m.CashAccount20 if is_old else m.CashAccount39
    statement_type = m.AccountStatement2 if is_old else m.AccountStatement9
    other = m.GenericAccountIdentification1(id=account)
    period = (
        (m.DateTimePeriodDetails if is_old else m.DateTimePeriod1)(
            fr_dt_tm=XmlDateTime.from_string(f"{days[0]}T00:00:00+08:00"),
            to_dt_tm=XmlDateTime.from_string(f"{days[1]}T23:59:59+08:00"),
        )
        if days
        else None
    )
    body = statement_type(
        id=statement_id,
        cre_dt_tm=made,
        fr_to_dt=period,
        acct=account_type(id=m.AccountIdentification4Choice(othr=other), ccy="CNY"),
        bal=[
            _balance(m, code, yuan, is_old=is_old)
            for code, yuan in (("OPBD", opening), ("CLBD", closing))
            if yuan is not None
        ],
        ntry=[_entry(m, each, is_old=is_old) for each in entries],
    )
    header = (m.GroupHeader42 if is_old else m.GroupHeader81)(msg_id="MSG-1", cre_dt_tm=made)
    message = m.BankToCustomerStatementV02 if is_old else m.BankToCustomerStatementV08
    document = m.Document(bk_to_cstmr_stmt=message(grp_hdr=header, stmt=[body]))
    namespace = f"urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"
    return XmlSerializer().render(document, ns_map={None: namespace}).encode()


def _balance(m: Any, code: str, yuan: str, *, is_old: bool) -> Any:
    kind, choice = (
        (m.BalanceType12, m.BalanceType5Choice)
        if is_old
        else (m.BalanceType13, m.BalanceType10Choice)
    )
    day = m.DateAndDateTimeChoice if is_old else m.DateAndDateTime2Choice
    return (m.CashBalance3 if is_old else m.CashBalance8)(
        tp=kind(cd_or_prtry=choice(cd=m.BalanceType12Code(code) if is_old else code)),
        amt=m.ActiveOrHistoricCurrencyAndAmount(value=Decimal(yuan), ccy="CNY"),
        cdt_dbt_ind=m.CreditDebitCode("CRDT"),
        dt=day(dt=XmlDate(2026, 11, 23)),
    )


def _entry(m: Any, each: Entry, *, is_old: bool) -> Any:
    family = m.BankTransactionCodeStructure6(cd="ICDT", sub_fmly_cd=each.sub_family)
    code = m.BankTransactionCodeStructure4(
        domn=m.BankTransactionCodeStructure5(cd="PMNT", fmly=family)
    )
    day = m.DateAndDateTimeChoice if is_old else m.DateAndDateTime2Choice
    return (m.ReportEntry2 if is_old else m.ReportEntry10)(
        ntry_ref=each.number,
        amt=m.ActiveOrHistoricCurrencyAndAmount(value=Decimal(each.yuan), ccy=each.currency),
        cdt_dbt_ind=m.CreditDebitCode(each.direction),
        rvsl_ind=each.reversal,
        sts=m.EntryStatus2Code(each.status) if is_old else m.EntryStatus1Choice(cd=each.status),
        bookg_dt=day(dt=XmlDate.from_date(each.day)) if each.day else None,
        acct_svcr_ref=each.reference,
        bk_tx_cd=code,
        ntry_dtls=[
            (m.EntryDetails1 if is_old else m.EntryDetails9)(
                tx_dtls=[_transaction(m, one, each, is_old=is_old) for one in each.transactions]
            )
        ]
        if each.transactions
        else [],
    )


def _transaction(m: Any, one: Transaction, entry: Entry, *, is_old: bool) -> Any:
    refs = (m.TransactionReferences2 if is_old else m.TransactionReferences6)(
        acct_svcr_ref=one.reference, end_to_end_id=one.end_to_end_id
    )
    amount = (
        m.ActiveOrHistoricCurrencyAndAmount(value=Decimal(one.yuan), ccy=entry.currency)
        if one.yuan is not None
        else None
    )
    returned = (
        (m.ReturnReasonInformation10 if is_old else m.PaymentReturnReason5)()
        if one.returned
        else None
    )
    if is_old:
        exchange = m.AmountAndCurrencyExchange3(
            tx_amt=m.AmountAndCurrencyExchangeDetails3(amt=amount)
        )
        return m.EntryTransaction2(
            refs=refs, amt_dtls=exchange if amount is not None else None, rtr_inf=returned
        )
    direction = m.CreditDebitCode(one.direction) if one.direction else None
    return m.EntryTransaction10(refs=refs, amt=amount, cdt_dbt_ind=direction, rtr_inf=returned)
