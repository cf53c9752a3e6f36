"""The message that asks a bank to pay: ISO 20022 pain.001.001.09, one text for the same orders.

Everything in it follows from the payments, the day of execution and the accounts that the members
signed; nothing is drawn or read from a clock, so that a message that was lost can be made again and
compared by its hash, by whoever orders as by the node that keeps the order. Amounts are exact from
fen. Each payment is booked by itself, and charges are the payer's, so that the payee gets every
fen. Files are written elsewhere.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from pyiso20022.pain.pain_001_001_09 import (  # type: ignore[import-untyped]  # ships no types
    pain_001_001_09 as pain,
)
from xsdata.formats.dataclass.serializers import XmlSerializer
from xsdata.formats.dataclass.serializers.config import SerializerConfig
from xsdata.models.datatype import XmlDate, XmlDateTime

from deltacare.errors import Reason, Refusal
from deltacare.times import SHANGHAI, day_start_time
from deltacare.trust import Account
from settlement.bank.payments import end_to_end_id

__all__ = [
    "CURRENCY",
    "PAIN001_NAMESPACE",
    "Instruction",
    "account_at",
    "build_pain001",
    "message_hash",
]

CURRENCY: Final = "CNY"
PAIN001_NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"

_CLEARING_SYSTEM = "CNAPS"  # ISO's external code of China's clearing codes of 12 digits
_ID_HASH_BYTES = 20  # 32 characters of base32; with a letter before it 33 of the 35 of Max35Text
_NAME_CHARS_MAX = 140  # Max140Text
_REMITTANCE_CHARS_MAX = 140
_FEN_EXPONENT = -2
_BASIC_PLANE_MAX = 0xFFFF
# What every bank's system takes in identifiers and remittance (SWIFT's set X, without line ends).
_PLAIN = re.compile(r"[0-9A-Za-z/\-?:().,'+ ]+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One payment of a message.

    Attributes:
        payment_id: 32 characters of base32.
        attempt: 1 to 99.
        payee: Six digits.
        amount_fen: Above zero.
        basis_id: Number of the statement or the advance.
        basis_hash: Its leaf hash, 32 bytes.
        basis_time: When it was stated.
    """

    payment_id: str
    attempt: int
    payee: str
    amount_fen: int
    basis_id: str
    basis_hash: bytes
    basis_time: datetime

    @property
    def end_to_end_id(self) -> str:
        """What names this attempt to both banks."""
        return end_to_end_id(self.payment_id, self.attempt)

    @property
    def remittance(self) -> str:
        """What the payee reads of it: the number and the hash of what is paid."""
        return f"{self.basis_id} {self.basis_hash.hex()}"


def account_at(execution_date: date) -> datetime:
    """Return the instant at which an account must count that takes part on a day: its beginning."""
    return day_start_time(execution_date)


def message_hash(message: bytes) -> bytes:
    """Return what people approve of a message: its SHA-256."""
    return hashlib.sha256(message).digest()


def build_pain001(
    payer: str,
    instructions: Iterable[Instruction],
    *,
    execution_date: date,
    accounts: Mapping[str, Account | None],
) -> bytes:
    """Return the message of payments of one payer and one day.

    Args:
        payer: Six digits.
        instructions: The payments, in any order.
        execution_date: Day on which the bank is asked to pay.
        accounts: By province, the account that the members' signed metadata states for the
            beginning of that day; ``None`` or missing where it states none.

    Raises:
        Refusal: ``RULE_REFUSED``, naming a province without an account, or with one whose holder
            has a name that banks do not take.
    """
    ordered = sorted(instructions, key=lambda each: each.end_to_end_id)
    assert ordered, "a message asks for something"
    assert len({each.end_to_end_id for each in ordered}) == len(ordered), "an attempt is named once"
    held = _accounts(payer, ordered, accounts)
    created = max(each.basis_time for each in ordered)
    document = _document(
        payer,
        ordered,
        execution_date=execution_date,
        created=created,
        accounts=held,
        digest=_digest(payer, ordered, execution_date, created, held),
    )
    return _serialise(document)


# --- What goes in ---------------------------------------------------------------------------------


def _accounts(
    payer: str, instructions: Sequence[Instruction], accounts: Mapping[str, Account | None]
) -> dict[str, Account]:
    """Return the account of everybody who takes part, by province."""
    held: dict[str, Account] = {}
    for province in sorted({payer, *(each.payee for each in instructions)}):
        account = accounts.get(province)
        if account is None:
            raise Refusal(
                Reason.RULE_REFUSED,
                f"The members' signed metadata states no account of {province} for that day. "
                "Have the offices sign one: federation propose --account.",
                details={"code": "NO_ACCOUNT", "province": province},
            )
        if not _is_name(account.holder):
            raise Refusal(
                Reason.RULE_REFUSED,
                f"The holder of the account of {province} has a name that banks do not take. "
                "Have the offices sign it without such characters.",
                details={"code": "ACCOUNT_NAME", "province": province},
            )
        held[province] = account
    for each in instructions:
        assert _PLAIN.fullmatch(each.remittance), "numbers and hashes are plain"
        assert len(each.remittance) <= _REMITTANCE_CHARS_MAX, "an id has room beside its hash"
        assert each.amount_fen > 0, "a payment moves money"
    return held


def _is_name(text: str) -> bool:
    """Whether banks take a name: printable, of the basic plane, no space at its ends."""
    return (
        0 < len(text) <= _NAME_CHARS_MAX
        and text == text.strip()
        and text.isprintable()
        and all(ord(each) <= _BASIC_PLANE_MAX for each in text)
    )


def _digest(
    payer: str,
    instructions: Sequence[Instruction],
    execution_date: date,
    created: datetime,
    accounts: Mapping[str, Account],
) -> str:
    """Return the hash of everything that the message says, in base32."""
    lines = ["deltacare/v1/pain001", payer, execution_date.isoformat(), created.isoformat()]
    for province, account in sorted(accounts.items()):
        lines += [province, account.holder, account.bank_code, account.number]
    for each in instructions:
        lines += [each.end_to_end_id, each.payee, str(each.amount_fen), each.remittance]
    digest = hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).digest()
    return base64.b32encode(digest[:_ID_HASH_BYTES]).decode()


# --- The message ----------------------------------------------------------------------------------


def _document(
    payer: str,
    instructions: Sequence[Instruction],
    *,
    execution_date: date,
    created: datetime,
    accounts: Mapping[str, Account],
    digest: str,
) -> pain.Document:
    count = str(len(instructions))
    total = _yuan(sum(each.amount_fen for each in instructions))
    own = accounts[payer]
    whole_second = created.astimezone(SHANGHAI).replace(microsecond=0)
    header = pain.GroupHeader85(
        msg_id=f"M{digest}",
        cre_dt_tm=XmlDateTime.from_datetime(whole_second),
        nb_of_txs=count,
        ctrl_sum=total,
        initg_pty=_party(payer, own),
    )
    payment = pain.PaymentInstruction30(
        pmt_inf_id=f"P{digest}",
        pmt_mtd=pain.PaymentMethod3Code.TRF,
        btch_bookg=False,
        nb_of_txs=count,
        ctrl_sum=total,
        reqd_exctn_dt=pain.DateAndDateTime2Choice(dt=XmlDate.from_date(execution_date)),
        dbtr=_party(payer, own),
        dbtr_acct=_account(own),
        dbtr_agt=_agent(own),
        chrg_br=pain.ChargeBearerType1Code.DEBT,
        cdt_trf_tx_inf=[_transaction(each, accounts[each.payee]) for each in instructions],
    )
    return pain.Document(
        cstmr_cdt_trf_initn=pain.CustomerCreditTransferInitiationV09(
            grp_hdr=header, pmt_inf=[payment]
        )
    )


def _transaction(each: Instruction, account: Account) -> pain.CreditTransferTransaction34:
    amount = pain.ActiveOrHistoricCurrencyAndAmount(value=_yuan(each.amount_fen), ccy=CURRENCY)
    return pain.CreditTransferTransaction34(
        pmt_id=pain.PaymentIdentification6(
            instr_id=each.end_to_end_id, end_to_end_id=each.end_to_end_id
        ),
        amt=pain.AmountType4Choice(instd_amt=amount),
        cdtr_agt=_agent(account),
        cdtr=_party(each.payee, account),
        cdtr_acct=_account(account),
        rmt_inf=pain.RemittanceInformation16(ustrd=[each.remittance]),
    )


def _party(province: str, account: Account) -> pain.PartyIdentification135:
    """Return who takes part: the holder of the account, and the province for which it does."""
    other = pain.GenericOrganisationIdentification1(id=province)
    return pain.PartyIdentification135(
        nm=account.holder,
        id=pain.Party38Choice(org_id=pain.OrganisationIdentification29(othr=[other])),
    )


def _account(account: Account) -> pain.CashAccount38:
    other = pain.GenericAccountIdentification1(id=account.number)
    return pain.CashAccount38(id=pain.AccountIdentification4Choice(othr=other), ccy=CURRENCY)


def _agent(account: Account) -> pain.BranchAndFinancialInstitutionIdentification6:
    system = pain.ClearingSystemIdentification2Choice(cd=_CLEARING_SYSTEM)
    member = pain.ClearingSystemMemberIdentification2(clr_sys_id=system, mmb_id=account.bank_code)
    return pain.BranchAndFinancialInstitutionIdentification6(
        fin_instn_id=pain.FinancialInstitutionIdentification18(clr_sys_mmb_id=member)
    )


def _yuan(fen: int) -> Decimal:
    """Return an amount exactly, with both decimals."""
    return Decimal(fen).scaleb(_FEN_EXPONENT)


def _serialise(document: pain.Document) -> bytes:
    serializer = XmlSerializer(config=SerializerConfig(encoding="UTF-8", indent="  "))
    return serializer.render(document, ns_map={None: PAIN001_NAMESPACE}).encode()
