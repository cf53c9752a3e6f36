"""The threat model runs: what ``docs/threats.md`` names must exist, and each row must name some."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

import pytest

from server.edge.limits import Limits
from server.http.limits import HttpLimits

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "threats.md"
ATTACKERS = (
    "A stranger",
    "A client of the own province",
    "An insider of one province",
    "One province's node",
    "Two provinces together",
    "A stolen key",
    "A wrong clock",
    "An old backup, or a crash",
    "The network",
    "A partner who is gone",
    "The supply chain",
)
HEAD = ("threat", "control", "default", "tests")
LIMITS = {"limits": Limits(), "http": HttpLimits()}
LOCKS = sorted(path.name for path in ROOT.glob("requirements*.lock"))

_CODE = re.compile(r"`([^`]+)`")
_LIMIT = re.compile(r"(limits|http)\.([a-z_]+) = ([0-9]+)")
_FILE = re.compile(r"[A-Za-z0-9_./-]+\.[a-z]+|Makefile")
_NODE_ID = re.compile(r"(tests/[a-z0-9_/]+\.py)((?:::[A-Za-z_][A-Za-z0-9_]*)+)(\[[^\]]+\])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One threat.

    Attributes:
        attacker: The heading it stands under.
        threat: What somebody does.
        control: What stands against it.
        default: What holds without a setting.
        tests: What shows it.
    """

    attacker: str
    threat: str
    control: str
    default: str
    tests: str


def rows_of(text: str) -> Iterator[Row]:
    """Yield the rows of the tables of a document."""
    attacker = ""
    for line in text.splitlines():
        if line.startswith("## "):
            attacker = line.removeprefix("## ").partition(" · ")[0]
        if not line.startswith("|"):
            continue
        cells = tuple(cell.strip() for cell in line.strip("|").split("|"))
        if cells == HEAD or not cells[0].strip("-"):
            continue
        assert len(HEAD) == len(cells), line
        yield Row(attacker=attacker, **dict(zip(HEAD, cells, strict=True)))


@cache
def known_tests(path: Path) -> dict[tuple[str, ...], bool]:
    """Return the tests of a module by class and name, and whether each has parameters."""
    found: dict[tuple[str, ...], bool] = {}
    if path.is_file():
        _collect(ast.parse(path.read_text(encoding="utf-8")).body, (), found)
    return found


def _collect(
    body: list[ast.stmt], inside: tuple[str, ...], found: dict[tuple[str, ...], bool]
) -> None:
    for node in body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            _collect(node.body, (*inside, node.name), found)
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if is_function and node.name.startswith("test_"):
            marks = [ast.unparse(mark) for mark in node.decorator_list]
            found[*inside, node.name] = any("parametrize" in mark for mark in marks)


def wrong_with(row: Row) -> list[str]:
    """Return what a row names that is not there, or does not name at all."""
    wrong = [f"no {name}" for name in HEAD if not getattr(row, name)]
    ids = _CODE.findall(row.tests)
    wrong += [] if ids else ["names no test"]
    wrong += [f"no test {each}" for each in ids if not _is_test(each)]
    files = [each for each in _CODE.findall(row.control) if _FILE.fullmatch(each)]
    wrong += [] if files else ["names no file"]
    wrong += [f"no file {each}" for each in files if not (ROOT / each).is_file()]
    for table, name, value in _LIMIT.findall(row.default):
        limits = LIMITS[table]
        known = {item.name: getattr(limits, item.name) for item in fields(limits)}
        if known.get(name) != int(value):
            wrong.append(f"{table}.{name} is {known.get(name)}")
    return wrong


def _is_test(node_id: str) -> bool:
    match = _NODE_ID.fullmatch(node_id)
    if match is None:
        return False
    path, names, parameters = match.groups()
    has_parameters = known_tests(ROOT / path).get(tuple(names.split("::")[1:]))
    return has_parameters is not None and (parameters is None or has_parameters)


ROWS = tuple(rows_of(DOCUMENT.read_text(encoding="utf-8")))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.threat[:40])
def test_what_a_row_names_exists(row: Row) -> None:
    """Its tests, the files of its control, and the limits of its default are the project's."""
    assert [] == wrong_with(row)


def test_every_attacker_has_rows() -> None:
    """Nobody that the model speaks of is left out, and each threat stands once."""
    assert ATTACKERS == tuple(dict.fromkeys(row.attacker for row in ROWS))
    places = [(row.attacker, row.threat) for row in ROWS]
    assert len(set(places)) == len(places)
    assert "## What is not covered" in DOCUMENT.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "cells, expected",
    [
        (("t", "c: `Makefile`", "d", "`tests/test_threats.py::test_every_attacker_has_rows`"), []),
        (("t", "c: `Makefile`", "d", "tests/test_threats.py"), ["names no test"]),
        (
            ("t", "c: `Makefile`", "d", "`tests/test_threats.py::test_gone`"),
            ["no test tests/test_threats.py::test_gone"],
        ),
        (
            ("t", "c: `Makefile`", "d", "`tests/test_gone.py::test_every_attacker_has_rows`"),
            ["no test tests/test_gone.py::test_every_attacker_has_rows"],
        ),
        (
            ("t", "c: `Makefile`", "d", "`tests/test_threats.py::test_every_attacker_has_rows[x]`"),
            ["no test tests/test_threats.py::test_every_attacker_has_rows[x]"],
        ),
        (
            ("t", "c: `Makefile`", "d", "`tests/test_threats.py::test_what_a_row_names_exists[x]`"),
            [],
        ),
        (
            (
                "t",
                "c: `server/gone.py`",
                "d",
                "`tests/test_threats.py::test_every_attacker_has_rows`",
            ),
            ["no file server/gone.py"],
        ),
        (
            ("t", "c", "`limits.calls_at_once_max = 1`", "`tests/x.py`"),
            ["no test tests/x.py", "names no file", "limits.calls_at_once_max is 512"],
        ),
        (
            ("t", "", "", ""),
            ["no control", "no default", "no tests", "names no test", "names no file"],
        ),
    ],
)
def test_the_check_can_fail(cells: tuple[str, ...], expected: list[str]) -> None:
    """A row that names nothing, or something that is not there, is found."""
    row = Row(attacker="a", **dict(zip(HEAD, cells, strict=True)))
    assert expected == wrong_with(row)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_dependency_is_pinned_by_hash(lock: str) -> None:
    """Each package of a lock file has one version and its hashes, and comes from no address."""
    text = (ROOT / lock).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.partition(" #")[0].strip() for line in text.splitlines()]
    packages = [line for line in lines if line and not line.startswith("#")]
    assert len(packages) > 10
    pinned = re.compile(
        r"[A-Za-z0-9._-]+(\[[a-z,-]+\])?==\S+( *; [^#]*?)?( +--hash=sha256:[0-9a-f]{64})+"
    )
    assert [] == [line[:80] for line in packages if not pinned.fullmatch(line)]
    assert "://" not in "".join(packages)
