"""The exports, read by beancount and hledger: accepted, and refused with one fen altered."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from settlement.books.accounts import account_words
from settlement.books.beancount import beancount_text
from settlement.books.hledger import hledger_text
from settlement.books.journal import JournalLine
from settlement.books.months import ClosedMonth
from tests.settlement.books.generated import HOME, HOST, booked, ordered, shown

TITLE = "Books of 320000"
_AMOUNT = re.compile(r"(?<= )(?<!commodity )-?\d+\.\d\d(?= )")


def journal() -> list[JournalLine]:
    """Return two months, the first of them closed, with a late line."""
    ends = {f"deltacare/{HOME}/registry": 31, f"deltacare/{HOST}/registry": 31}
    closed = ClosedMonth(month="2026-11", log_ends=ends)
    return booked(
        ordered(30, 90_001),
        shown(31, 90_001),
        shown(31, 90_001, by_payer=False, day="2026-12-02"),
        closed=(closed,),
    )


def altered(text: str) -> list[str]:
    """Return the text once for each amount in it, that amount raised by a fen."""
    found = []
    for match in _AMOUNT.finditer(text):
        fen = int(match.group().replace(".", "")) + 1
        amount = f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"
        found.append(text[: match.start()] + amount + text[match.end() :])
    return found


def load(text: str) -> list[str]:
    """Return what beancount says against a text, as `bean-check` does."""
    from beancount import loader
    from beancount.ops import validation

    _, errors, _ = loader.load_string(text, extra_validations=validation.HARDCORE_VALIDATIONS)
    return [each.message for each in errors]


def test_bean_check(tmp_path: Path) -> None:
    """`bean-check` accepts the file."""
    path = tmp_path / "books.beancount"
    path.write_text(beancount_text(journal(), title=TITLE), encoding="utf-8")
    command = [str(Path(sys.executable).with_name("bean-check")), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (0, "") == (done.returncode, done.stderr)


def test_beancount_one_fen() -> None:
    """Whichever amount is altered by a fen, of a line or of a balance, beancount refuses it."""
    text = beancount_text(journal(), title=TITLE)
    assert [] == load(text)
    every = altered(text)
    assert len(every) > 60
    assert [] == [each for each in every if not load(each)]


def test_beancount_default_tolerance() -> None:
    """Without our tolerance a balance that is out by a fen passes: that is why it is stated."""
    text = beancount_text(journal(), title=TITLE).replace(" ~ 0 CNY", " CNY")
    text = "\n".join(row for row in text.split("\n") if "tolerance" not in row)
    assert [] != [each for each in altered(text) if not load(each)]


def test_beancount_included() -> None:
    """Options of an included file do not count: the balances refuse a fen by themselves."""
    text = beancount_text(journal(), title=TITLE)
    text = "\n".join(row for row in text.split("\n") if not row.startswith("option"))
    assert [] == [each for each in altered(text) if not load(each)]


def test_beancount_two_against_each_other() -> None:
    """Two amounts of a line altered so that it still sums to zero break a balance."""
    text = beancount_text(journal(), title=TITLE)
    changed = text.replace("Assets:Bank  -900.01 CNY", "Assets:Bank  -900.02 CNY")
    changed = changed.replace(
        "Assets:InTransit:P310000  900.01", "Assets:InTransit:P310000  900.02"
    )
    assert changed != text
    assert load(changed)


def check(text: str, path: Path) -> int:
    """Return how `hledger check --strict` ends."""
    path.write_text(text, encoding="utf-8")
    hledger = shutil.which("hledger")
    assert hledger is not None, "apt-get install hledger"
    command = [hledger, "-f", str(path), "check", "--strict"]
    return subprocess.run(command, capture_output=True, check=False).returncode


@pytest.mark.hledger
def test_hledger(tmp_path: Path) -> None:
    """`hledger check --strict` accepts the file, and refuses any amount altered by a fen."""
    text = hledger_text(journal(), title=TITLE)
    path = tmp_path / "books.journal"
    assert 0 == check(text, path)
    every = altered(text + "\n")
    assert len(every) > 60
    assert [] == [each for each in every if check(each, path) == 0]


@pytest.mark.hledger
def test_hledger_undeclared(tmp_path: Path) -> None:
    """A slip in an account's name is refused."""
    text = hledger_text(journal(), title=TITLE)
    slip = text.replace("    Assets:Bank  -900.01", "    Assets:Bnak  -900.01")
    assert slip != text
    assert 0 != check(slip, tmp_path / "books.journal")


def test_words() -> None:
    """Accounts are read in Chinese and English, with whom and for what."""
    account = "Equity:Budget:Reserved:Y2026:K-CARE-BED:D320000:D320100"
    assert "预算占用（备查） 2026 CARE-BED 320100" == account_words(account)
    assert "Owed to another province 310000 due" == account_words(
        "Liabilities:Payable:P310000:Due", lang="en"
    )
    text = beancount_text(journal(), title=TITLE)
    assert '  zh: "应付 310000 待付"' in text.split("\n")


def test_late_is_said() -> None:
    """A late line says so, and on which day it happened."""
    lines = journal()
    assert [("DEBITED", True), ("CREDITED", False)] == [
        (line.event, line.late) for line in lines if line.book_date >= "2026-12-01"
    ]
    text = beancount_text(
        booked(shown(31, 1), closed=(ClosedMonth(month="2026-11", log_ends={}),)), title=TITLE
    )
    assert "  late: TRUE" in text.split("\n")


def test_empty() -> None:
    """Books without a line are a file that both tools take."""
    assert [] == load(beancount_text([], title=TITLE))
    assert "CNY" in hledger_text([], title=TITLE)
