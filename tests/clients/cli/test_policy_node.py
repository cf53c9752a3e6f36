"""Policies, budgets and amounts at a running node, as staff state and read them."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from clients.cli.main import main
from clients.demo.processes import Nodes
from deltacare.times import business_date
from tests.support.processes import running_nodes

pytestmark = pytest.mark.slow

HOME, DISTRICT = "340000", "340104"
PROVINCES = ("310000", "320000", "330000", HOME)
SIGNED = ("--maker", "city-1", "--reviewer", "city-2")
RATES = "grade,amount_yuan,tariff_yuan,share_percent\n三级,,3000,50\n,800.00,,\n"


class Office:
    """Runs commands as the system of one province."""

    def __init__(self, nodes: Nodes, directory: Path) -> None:
        self._profile = str(nodes.node_directory(HOME) / "clients" / "system")
        self.directory = directory

    def said(self, *arguments: str, code: int = 0, language: str = "en") -> str:
        """Return what a command prints."""
        given = (*arguments, "--as", self._profile)
        result = CliRunner().invoke(main, given, env={"DELTACARE_LANG": language})
        assert code == result.exit_code, result.output
        return result.output

    def run(self, *arguments: str) -> Any:
        """Return the JSON answer of a command."""
        return json.loads(self.said(*arguments, "--json"))


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Start four nodes, and wait until the home's takes writes."""
    opening = business_date(datetime.now(UTC)) - timedelta(days=2)
    directory = tmp_path_factory.mktemp("nodes")
    with running_nodes(directory, PROVINCES, opening_date=opening) as made:
        yield Office(made, tmp_path_factory.mktemp("office"))


def test_a_policy_with_rates_by_grade(office: Office) -> None:
    """Rates come from a file, the document by its hash; both are listed."""
    rates, document = office.directory / "rates.csv", office.directory / "document.pdf"
    rates.write_text(RATES, encoding="utf-8")
    document.write_bytes(b"generated document")
    office.said(
        *("settle", "policy", "publish", "CARE_BED", "--unit", "month", "--rates", str(rates)),
        *("--cap", "2000", "--from", "2026-01-01", "--division", DISTRICT, "--prorated"),
        *("--scheme", "GB_T_42195", "--budgeted", "--exclusivity-group", "CARE"),
        *("--document-no", "示例〔2026〕1号", "--document", str(document), *SIGNED),
    )
    (found,) = office.run("settle", "policy", "list", "--home", HOME)["policies"]
    stated = found["policy"]
    assert hashlib.sha256(b"generated document").hexdigest() == stated["document_hash"]
    assert [("", "80000"), ("三级", "0")] == [
        (each["assessment_grade"], str(each["amount_fen"])) for each in stated["rates"]
    ]
    for language, words in (("en", ("prorated", "budget")), ("zh", ("折算", "预算"))):
        said = office.said("settle", "policy", "list", language=language)
        assert all(word in said for word in words)


def test_a_version_of_the_same_day_takes_the_place(office: Office) -> None:
    """Which one counts is said where it is stated and where they are listed; 0 withdraws."""
    publish = ("settle", "policy", "publish", "BATH", "--unit", "use", "--from", "2026-01-01")
    first = office.run(*publish, "--rate", "30", "--cap", "300", *SIGNED)
    index = int(first["appended"]["first_index"])
    assert [] == first["replaces"]
    other = office.run(*publish, "--rate", "1", "--cap", "9", "--division", DISTRICT, *SIGNED)
    assert [] == other["replaces"]
    said = office.said(*publish, "--rate", "0", "--cap", "0", *SIGNED)
    assert f"takes the place of index {index}" in said
    stated = {
        int(each["entry"]["index"]): each["replaced_by"]
        for each in office.run("settle", "policy", "list", "--home", HOME)["policies"]
        if each["policy"]["subsidy_kind"] == "BATH"
    }
    last = max(stated)
    assert {index: last, index + 1: None, last: None} == stated
    assert f"replaced by index {last}" in office.said("settle", "policy", "list")
    assert f"已由序号 {last} 取代" in office.said("settle", "policy", "list", language="zh")


def test_budgets(office: Office) -> None:
    """A budget is stated and listed with what is left; one of another province is refused."""
    publish = ("settle", "budget", "publish")
    office.said(*publish, DISTRICT, "2026", "CARE_BED", "--amount", "120000.50", *SIGNED)
    (found,) = office.run("settle", "budget", "list", "--year", "2026")["budgets"]
    assert "12000050" == str(found["budget"]["amount_fen"])
    assert "120,000.50" in office.said("settle", "budget", "list", language="zh")
    refused = office.said(
        *publish, "310101", "2026", "CARE_BED", "--amount", "1", *SIGNED, code=2, language="zh"
    )
    assert "不是 340000 的区划" in refused
    assert "45.00" in office.said(
        *publish, DISTRICT, "2026", "CARE_BED", "--amount", "1.005", *SIGNED, code=2
    )
