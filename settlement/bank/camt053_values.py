"""Reads what a camt.053 message says where its versions spell it differently: values, no findings.

Codes, days, amounts, transactions and balances come from the classes that `camt053_xml` built; what
they mean for a payment is read in `settlement.bank.camt053`. A day that no calendar has is refused
like any other bad message.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from deltacare.errors import invalid_field
from deltacare.times import business_date

__all__ = [
    "BOOKED",
    "DEBIT",
    "Transaction",
    "account_number",
    "amount_text",
    "balance_difference",
    "masked",
    "read_code",
    "read_day",
    "read_fen",
    "read_period",
    "read_transactions",
]

BOOKED: Final = "BOOK"
DEBIT: Final = "DBIT"

_OPENING, _CLOSING = ("OPBD", "PRCD"), "CLBD"
_RETURN_CODES = frozenset({"RRTN", "RPCR", "RRCT"})  # sub-families: return, cancellation, reversal
_HOURS_OF_DAY = 24
_FEN_MAX = 10**14  # what a log takes
_VALUE_CHARS_MAX = 80
_REMEDY = "Give the camt.053 file as the bank's system exported it."


def account_number(account: Any) -> str:  # noqa: ANN401  # of either version
    """Return the number of an account."""
    if account.id.othr is not None:
        return str(account.id.othr.id).replace(" ", "")
    return str(account.id.iban or "")


def masked(number: str) -> str:
    """Return the end of a number: enough to see which, too little to pay to."""
    return f"*{number[-4:]}"


def read_code(value: Any) -> str:  # noqa: ANN401  # an enumerated value, a choice or a text
    """Return a code that one version spells as an enumeration, the other as a text or a choice."""
    if value is None:
        return ""
    if hasattr(value, "cd"):
        return read_code(value.cd or value.prtry)
    return str(getattr(value, "value", value))


def read_day(value: Any) -> date | None:  # noqa: ANN401  # a choice of date and instant
    """Return a day, in Asia/Shanghai where an instant is given; ``None`` if there is none.

    Raises:
        Refusal: ``INVALID_FIELD``, if no calendar has it.
    """
    if value is None:
        return None
    if value.dt is not None:
        try:
            return date(value.dt.year, value.dt.month, value.dt.day)
        except ValueError:
            raise _no_day(value.dt) from None
    if value.dt_tm is None:
        return None
    return _business_day(value.dt_tm)


def _business_day(instant: Any) -> date:  # noqa: ANN401  # xsdata's instant
    is_midnight_after = instant.hour == _HOURS_OF_DAY  # so XML Schema may write the end of a day
    try:
        moment = (instant.replace(hour=0) if is_midnight_after else instant).to_datetime()
        moment += timedelta(days=is_midnight_after)
        return business_date(moment) if moment.tzinfo is not None else moment.date()
    except (ValueError, OverflowError):
        raise _no_day(instant) from None


def _no_day(value: object) -> Exception:
    text = "It names a day that no calendar here has."
    return invalid_field("camt.053", str(value)[:_VALUE_CHARS_MAX], text, _REMEDY)


def read_period(statement: Any) -> tuple[date, date] | None:  # noqa: ANN401  # of either version
    """Return the first and last day that a statement covers, if it says so; see ``read_day``."""
    if statement.fr_to_dt is None:
        return None
    return _business_day(statement.fr_to_dt.fr_dt_tm), _business_day(statement.fr_to_dt.to_dt_tm)


def read_fen(amount: Any) -> int | None:  # noqa: ANN401  # of either version
    """Return an amount of CNY in fen; ``None`` if it is no whole number of fen in bounds."""
    fen = Decimal(amount.value).scaleb(2)
    is_whole = fen == fen.to_integral_value()
    return int(fen) if is_whole and 0 < fen <= _FEN_MAX else None


def _sub_family(code: Any) -> str:  # noqa: ANN401  # of either version
    domain = code.domn if code is not None else None
    return "" if domain is None else str(domain.fmly.sub_fmly_cd)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """A transaction of an entry, without what the versions spell differently."""

    end_to_end_id: str
    reference: str
    amount: Any
    direction: str
    is_called_return: bool


def read_transactions(entry: Any) -> list[Transaction]:  # noqa: ANN401  # of either version
    """Return the transactions of an entry, each with its own amount if the bank gives one."""
    found = []
    reversal = bool(entry.rvsl_ind)
    for details in entry.ntry_dtls:
        for each in details.tx_dtls:
            amount = getattr(each, "amt", None)
            if amount is None and each.amt_dtls is not None and each.amt_dtls.tx_amt is not None:
                amount = each.amt_dtls.tx_amt.amt
            codes = {_sub_family(each.bk_tx_cd), _sub_family(entry.bk_tx_cd)}
            named = each.rtr_inf is not None or bool(codes & _RETURN_CODES)
            direction = getattr(each, "cdt_dbt_ind", None) or entry.cdt_dbt_ind
            found.append(
                Transaction(
                    end_to_end_id=((each.refs.end_to_end_id if each.refs else "") or "").strip(),
                    reference=(each.refs.acct_svcr_ref if each.refs else "") or "",
                    amount=amount,
                    direction=read_code(direction),
                    is_called_return=named and not reversal,
                )
            )
    return found


def amount_text(amount: Any) -> str:  # noqa: ANN401  # of either version
    """Return an amount as the bank wrote it."""
    return f"{amount.ccy} {amount.value}"


def _signed(each: Any) -> Decimal:  # noqa: ANN401  # an entry or a balance of either version
    amount = Decimal(each.amt.value)
    return -amount if read_code(each.cdt_dbt_ind) == DEBIT else amount


def _balances(statement: Any) -> Iterator[tuple[str, Decimal]]:  # noqa: ANN401  # of either version
    for each in statement.bal:
        yield read_code(each.tp.cd_or_prtry), _signed(each)


def balance_difference(statement: Any) -> Decimal:  # noqa: ANN401  # of either version
    """Return by how much a statement does not add up; zero if it does, or does not say."""
    balances = dict(_balances(statement))
    opening = next((balances[each] for each in _OPENING if each in balances), None)
    closing = balances.get(_CLOSING)
    if opening is None or closing is None:
        return Decimal(0)
    booked = (each for each in statement.ntry if read_code(each.sts) == BOOKED)
    return closing - opening - sum((_signed(each) for each in booked), Decimal(0))
