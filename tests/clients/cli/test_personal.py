"""``deltacare personal``: put from a file, show for a purpose, list disclosures, erase."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from clients.cli.main import main
from clients.filing.persons import read_persons
from settlement.findings import BadFile
from tests.support.persons import NAME, NUMBER, PHONE
from tests.support.wholes import PROVINCES, Wholes

OWN = PROVINCES[0]
SIGNED = ("--maker", "maker-1", "--reviewer", "reviewer-1")
HEADER = "subject_ref,holder_name,identity_number,phone,certificate_nos\n"


def people(directory: Path, *rows: str, header: str = HEADER) -> Path:
    """Write a file of persons."""
    file = directory / "persons.csv"
    file.write_text(header + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return file


def run_alone(*arguments: str) -> tuple[int, str]:
    """Return exit code and everything a command said, without a node."""
    result = CliRunner().invoke(main, ["personal", *arguments], env={"DELTACARE_AS": ""})
    return result.exit_code, result.output


def test_a_file_is_read_under_either_header(tmp_path: Path) -> None:
    """Chinese headings say the same; several certificates are separated by semicolons."""
    row = f"p-1,{NAME},{NUMBER},{PHONE},310000-C1；310000-C2"
    english = read_persons(people(tmp_path, row))
    chinese = read_persons(people(tmp_path, row, header="内部编号,姓名,身份证号,电话,证书编号\n"))
    assert english == chinese
    assert (2, ["310000-C1", "310000-C2"]) == (
        english[0].number,
        list(english[0].record.certificate_nos),
    )


def test_a_bad_file_names_rows_and_no_values(tmp_path: Path) -> None:
    """Every row that cannot be read is named, and nothing of what stands in it."""
    file = people(tmp_path, f",{NAME},{NUMBER},,", f"p-1,{NAME},,,", f"p-1,{NAME},,{PHONE},")
    with pytest.raises(BadFile) as caught:
        read_persons(file)
    said = str(caught.value) + repr(caught.value.findings)
    assert 2 == len(caught.value.findings)
    assert not any(value in said for value in (NAME, NUMBER, PHONE))


@pytest.mark.parametrize(
    "arguments, zh, en",
    [
        (("erase", *SIGNED), "请给出内部编号", "Give the reference"),
        (("erase", "p-1", *SIGNED), "--yes", "Give --yes"),
        (
            ("show", "p-1", "--field", "phone", "--purpose", "DISPUTE", "--basis", "PIPL_99"),
            "PIPL_",
            "There is no such legal basis",
        ),
        (
            ("show", "p-1", "--field", "phone", "--purpose", "FUN", "--basis", "PIPL_45"),
            "没有这一目的",
            "There is no such purpose",
        ),
    ],
)
def test_bad_input_is_told_at_once(arguments: tuple[str, ...], zh: str, en: str) -> None:
    """What cannot be right is refused before a node is asked, with the remedy."""
    for language, words in (("zh", zh), ("en", en)):
        code, said = run_alone(*arguments, "--lang", language)
        assert (2, True) == (code, words in said), said


async def run(nodes: Wholes, name: str, *arguments: str) -> tuple[int, Any, str]:
    """Return exit code, JSON answer and complaint of a command as a client of the node."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "clients.cli", *arguments, "--json", "--lang", "en"),
        *("--as", f"{nodes.directories[OWN]}/clients/{name}"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        stdin=asyncio.subprocess.DEVNULL,
    )
    answer, complaint = await process.communicate()
    assert process.returncode is not None
    text = answer.decode()
    return process.returncode, json.loads(text) if text.strip() else None, complaint.decode()


@pytest.mark.slow
async def test_a_persons_life_at_a_node(tmp_path: Path) -> None:
    """Put, shown, listed for the person, erased, and gone; errors hold no value."""
    async with Wholes.open(tmp_path) as nodes:
        file = people(tmp_path, f"p-1,{NAME},{NUMBER},{PHONE},")
        put = ("personal", "put", str(file), *SIGNED)
        code, said, _ = await run(nodes, "system", *put)
        assert (0, {"created_count": 1, "updated_count": 0}) == (code, said)
        code, said, _ = await run(nodes, "system", *put)
        assert (0, {"created_count": 0, "updated_count": 1}) == (code, said)
        show = ("personal", "show", "p-1", "--purpose", "SUBJECT_REQUEST", "--basis", "PIPL_45")
        code, said, _ = await run(nodes, "system", *show, "--field", "phone")
        assert (0, PHONE, "") == (code, said["values"]["phone"], said["values"]["holder_name"])
        # The person's own list names fields, purpose and basis; the audit log holds no value.
        code, said, _ = await run(nodes, "auditor", "personal", "disclosures", "p-1")
        (row,) = said["disclosures"]
        assert 0 == code
        assert ("system", "SUBJECT_REQUEST", "PIPL_45", ["phone"]) == (
            row["role"],
            row["purpose"],
            row["legal_basis"],
            row["fields"],
        )
        code, said, _ = await run(nodes, "auditor", "audit", "list", "--disclosures")
        assert 4 == len(said["entries"])  # two puts, one disclosure, the list of it
        shown = next(each for each in said["entries"] if each["legal_basis"])
        assert ("p-1", ["phone"], row["entry"]["index"]) == (
            shown["subject_ref"],
            shown["fields"],
            shown["index"],
        )
        assert not any(value in json.dumps(said) for value in (NUMBER, PHONE))
        # What is malformed is refused with its field, and never repeated.
        bad = people(tmp_path, f"p-2,{NAME},{NUMBER[:-1]}Y,not a number,{OWN}-C404")
        code, _, complaint = await run(nodes, "system", "personal", "put", str(bad), *SIGNED)
        assert (2, True) == (code, "row 2 identity_number" in complaint), complaint
        assert "records[" not in complaint
        assert not any(value in complaint for value in (NAME, NUMBER[:-1], "not a number"))
        # A name that the certificate contradicts: by row, rule and remedy, and never repeated.
        days = ("--from", "2026-01-01", "--until", "2027-12-31", "--grade", "三级")
        named = ("--scheme", "CAREGIVER_LEVEL", "--holder", NAME, *days, *SIGNED)
        assert 0 == (await run(nodes, "system", "cert", "issue", f"{OWN}-C25", *named))[0]
        other = people(tmp_path, f"p-3,{NAME},,,", f"p-2,虚构样本·乙某某,,,{OWN}-C25")
        code, _, complaint = await run(nodes, "system", "personal", "put", str(other), *SIGNED)
        assert (1, True, True) == (
            code,
            f"row 3 certificate_nos '{OWN}-C25': P06-OTHER-NAME" in complaint,
            "correct the wrong one" in complaint,
        ), complaint
        assert "乙某某" not in complaint
        # An auditor may not see values, and a clerk not the list.
        assert 1 == (await run(nodes, "auditor", *show, "--field", "phone"))[0]
        assert 1 == (await run(nodes, "clerk", "personal", "disclosures", "p-1"))[0]
        code, said, _ = await run(nodes, "system", "personal", "erase", "p-1", "--yes", *SIGNED)
        # Its entry names nobody: a tag, by which a node restored from an older copy erases again.
        assert (0, [], 1) == (code, said["certificate_nos"], said["appended"]["entry_count"])
        code, _, complaint = await run(nodes, "system", *show, "--field", "phone")
        assert (1, True) == (code, "Nothing is kept" in complaint)
