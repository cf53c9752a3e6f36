"""Books and reports against running nodes, as finance staff use them."""

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import openpyxl
import pytest
from click.testing import CliRunner
from pypdf import PdfReader

from clients.cli.connection import Connection
from clients.cli.main import main
from clients.cli.settle_books import journal_line
from clients.demo.processes import Nodes
from deltacare.times import business_date
from deltacare.v1 import books_service_pb2 as bpb
from deltacare.v1.entry_pb2 import Budget
from deltacare.v1.policy_service_pb2 import PublishBudgetRequest
from deltacare.v1.types_pb2 import Duty, EntryRef
from tests.support.processes import running_nodes

PROVINCES = ("310000", "320000", "330000", "340000")
JS = "320000"
SIGNED = ("--maker", "pay-1", "--reviewer", "pay-2")
OPENING = business_date(datetime.now(UTC)) - timedelta(days=3)
MONTH = f"{OPENING:%Y-%m}"
WAIT_S_MAX = 60


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Start the four nodes, and wait until they take writes."""
    directory = tmp_path_factory.mktemp("nodes")
    with running_nodes(directory, PROVINCES, opening_date=OPENING) as made:
        profile = str(made.node_directory(JS) / "clients")
        with Connection(profile=profile, node=None, timeout_s=WAIT_S_MAX).open() as node:
            node.policy.PublishBudget(
                PublishBudgetRequest(
                    request_id=str(uuid4()),
                    duty=Duty(maker="pol-1", reviewer="pol-2"),
                    budget=Budget(
                        home_division="320100",
                        year=OPENING.year,
                        subsidy_kind="CARE_BED",
                        amount_fen=100_000_001,
                    ),
                )
            )
        yield made


def run(nodes: Nodes, *arguments: str) -> tuple[int, str, str]:
    """Return exit code, answer and what was said besides."""
    profile = str(nodes.node_directory(JS) / "clients")
    result = CliRunner().invoke(main, [*arguments, "--as", profile])
    assert "Traceback" not in result.stderr, result.stderr
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.long
def test_journal_and_balance(nodes: Nodes) -> None:
    """A budget is a line of the journal, and two accounts of the balance, in both languages."""
    code, out, _ = run(nodes, "settle", "books", "journal", "--json")
    (line,) = json.loads(out)["lines"]
    assert (0, "BUDGET") == (code, line["event"])
    assert 0 == sum(int(each["amount_fen"]) for each in line["postings"])
    code, out, _ = run(nodes, "settle", "books", "journal", "--lang", "zh")
    assert "1,000,000.01" in out
    assert "借方（元）" in out
    code, out, _ = run(nodes, "settle", "books", "balance", "--lang", "zh")
    assert "预算可用（备查）" in out
    assert "合计" in out
    code, out, _ = run(nodes, "settle", "books", "balance", "--json", "--on", "2020-01-01")
    assert [] == json.loads(out).get("balances", [])


@pytest.mark.long
@pytest.mark.parametrize("format_", ["beancount", "hledger"])
def test_export(nodes: Nodes, tmp_path: Path, format_: str) -> None:
    """The file holds the journal and how far each log was read; bean-check takes it."""
    path = tmp_path / f"books.{format_}"
    code, out, _ = run(
        nodes, *("settle", "books", "export", "--format", format_, "--out", str(path), "--json")
    )
    assert (0, 1) == (code, json.loads(out)["lines"])
    text = path.read_text(encoding="utf-8")
    assert f"; deltacare/{JS}/registry " in text
    assert "1000000.01 CNY" in text
    if format_ == "beancount":
        command = [str(Path(sys.executable).with_name("bean-check")), str(path)]
        subprocess.run(command, check=True)


@pytest.mark.long
def test_months(nodes: Nodes) -> None:
    """What may not be closed is refused by its rule, in Chinese, and nothing is closed."""
    code, out, err = run(
        nodes, "settle", "books", "close-month", "2020-01", *SIGNED, "--lang", "zh"
    )
    assert 1 == code
    assert "B02-MONTH-OUT-OF-ORDER" in out + err
    assert "月份须按序结账" in out + err
    code, out, _ = run(nodes, "settle", "books", "months", "--json")
    assert (0, {"month_closes": []}) == (code, json.loads(out))


@pytest.mark.long
@pytest.mark.parametrize("suffix", ["xlsx", "pdf"])
def test_month_report(nodes: Nodes, tmp_path: Path, suffix: str) -> None:
    """The month as a workbook and on paper, Chinese first, with the digest that is printed."""
    path = tmp_path / f"month.{suffix}"
    code, out, _ = run(nodes, "settle", "report", "month", MONTH, "--out", str(path), "--json")
    digest = json.loads(out)["digest"]
    assert (0, 64) == (code, len(digest))
    if suffix == "pdf":
        text = PdfReader(io.BytesIO(path.read_bytes())).pages[0].extract_text()
        assert digest in text
        assert "长三角养老补贴跨省结算" in text
        return
    book = openpyxl.load_workbook(path)
    assert "账簿" in book.sheetnames
    cells = {cell.value for row in book["账簿"].iter_rows() for cell in row}
    book.close()
    assert {digest, 1000000.01} <= cells


@pytest.mark.long
def test_bad_input(nodes: Nodes, tmp_path: Path) -> None:
    """Another ending, no month, no statement: said before anything is written."""
    out = tmp_path / "month.doc"
    code, _, err = run(nodes, "settle", "report", "month", MONTH, "--out", str(out), "--lang", "zh")
    assert (2, True) == (code, ".xlsx 或 .pdf" in err)
    out = tmp_path / "month.pdf"
    code, _, err = run(nodes, "settle", "report", "month", "Nov", "--out", str(out), "--lang", "en")
    assert (2, True) == (code, "is no month" in err)
    code, *_ = run(nodes, "settle", "report", "statement", "310000-S9", "--out", str(out))
    assert (1, False) == (code, out.exists())


def test_journal_line() -> None:
    """A line as a node answers it is the line that the books have."""
    message = bpb.JournalLine(
        book_date="2026-12-01",
        event_date="2026-11-30",
        event="DEBITED",
        subject="P-01",
        partner="310000",
        entry=EntryRef(log="deltacare/320000/registry", index=7),
        entry_hash=b"\1" * 32,
        postings=[
            bpb.Posting(account="Assets:Bank", amount_fen=-5),
            bpb.Posting(account="Assets:InTransit:P310000", amount_fen=5),
        ],
        late=True,
    )
    line: Any = journal_line(message)
    assert ("2026-12-01", "2026-11-30", True, 7) == (
        line.book_date,
        line.event_date,
        line.late,
        line.source.index,
    )
    assert [-5, 5] == [each.fen for each in line.postings]
