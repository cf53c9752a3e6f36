"""Two files: the JSON form, the lines file, and the oracle on whole files."""

import csv
import json
import random
from pathlib import Path
from typing import Any

import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from deltacare.errors import Refusal
from settlement.core.columns import COLUMNS
from settlement.engine import EngineSettings
from settlement.findings import BadFile
from settlement.reconcile import reconcile
from tests.settlement import oracle
from tests.settlement.nights import A, B, plain, row

C = "330000"


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write a settlement file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows({name: one[name] for name in COLUMNS} for one in rows)
    return path


def books(seed: int, count: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return what both sides filed: mostly the same, with each kind of discrepancy planted."""
    rng = random.Random(seed)
    home: list[dict[str, Any]] = []
    host: list[dict[str, Any]] = []
    for number in range(count):
        payer, payee = rng.sample([A, B, C], 2)
        one = row(
            f"S{number:06d}",
            home=payer,
            host=payee,
            beneficiary_ref=f"{rng.getrandbits(128):032x}",
            institution=f"{payee}-{rng.randint(1, 9)}",
            service_days=rng.randint(1, 31),
            amount_fen=rng.randint(0, 10**6),
        )
        dice = rng.random()
        other = dict(one)
        if dice < 0.02:
            other["amount_fen"] += 1
        elif dice < 0.04:
            other["caregiver_cert_no"] = ""
        elif dice < 0.06:
            home.append(dict(one))
        elif dice < 0.08:
            host.append({**one, "service_days": 1, "amount_fen": 7})
        elif dice < 0.10:
            twin = {**one, "settlement_no": one["settlement_no"] + "T"}
            home.append(twin)
            host.append(twin)
        if not 0.10 < dice < 0.12:
            home.append(one)
        if not 0.12 < dice < 0.14:
            host.append(other)
    rng.shuffle(home)
    rng.shuffle(host)
    return home, host


def expected_lines(home: list[dict[str, Any]], host: list[dict[str, Any]]) -> list[oracle.Line]:
    """Return the oracle's lines of two files."""
    sided = [("home", one) for one in home] + [("host", one) for one in host]
    rows = [{"side": side, **one, "position": i} for i, (side, one) in enumerate(sided)]
    for one in rows:
        one["filed_date"] = oracle.date(2000, 1, 1)
    return oracle.night(**plain(rows=rows, business_date=None))


def test_files_equal_the_oracle(tmp_path: Path) -> None:
    """Counts, sums, flows, positions and digest of two files are the oracle's."""
    seed = 7
    home, host = books(seed, 2_000)
    lines = expected_lines(home, host)
    result = reconcile(write(tmp_path / "home.csv", home), write(tmp_path / "host.csv", host))
    shown = json.loads(result.to_json())
    counts: dict[str, int] = {}
    fen: dict[str, dict[str, int]] = {}
    flows: dict[tuple[str, str], int] = {}
    for line in lines:
        name = line.line_class
        counts[name] = counts.get(name, 0) + 1
        sums = fen.setdefault(name, {"home": 0, "host": 0})
        sums["home"] += line.fen[0]
        sums["host"] += line.fen[1]
        pair = line.key[:2]
        flows[pair] = flows.get(pair, 0) + (line.fen[0] if name == "MATCHED" else 0)
    assert counts == shown["counts"]
    assert fen == shown["fen"]
    assert flows == {(f["payer"], f["payee"]): f["fen"] for f in shown["bilateral"]}
    for code, net in shown["net"].items():
        received = sum(value for (_, payee), value in flows.items() if payee == code)
        paid = sum(value for (payer, _), value in flows.items() if payer == code)
        assert received - paid == net
    assert oracle.digest([line.text() for line in lines]).hex() == shown["digest"]
    assert {"read", "match", "classify", "digest", "total"} == set(shown["seconds"])
    assert {"DUP_EXACT", "DUP_CONFLICT", "DUP_SEMANTIC", "HOME_ONLY", "AMOUNT", "FIELD"} <= set(
        counts
    )


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_order_and_threads_do_not_matter(tmp_path: Path, threads: int) -> None:
    """Files in another order, on any number of threads, have the same digest."""
    home, host = books(8, 500)
    first = reconcile(write(tmp_path / "a.csv", home), write(tmp_path / "b.csv", host))
    second = reconcile(
        write(tmp_path / "c.csv", home[::-1]),
        write(tmp_path / "d.csv", host[::-1]),
        settings=EngineSettings(threads=threads),
    )
    assert (first.digest, first.counts, first.fen) == (second.digest, second.counts, second.fen)


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_lines_file(tmp_path: Path, suffix: str) -> None:
    """Every line is written with its class and both sides' columns."""
    home, host = books(9, 300)
    path = tmp_path / f"lines{suffix}"
    result = reconcile(
        write(tmp_path / "a.csv", home), write(tmp_path / "b.csv", host), lines_path=path
    )
    table = pq.read_table(path) if suffix == ".parquet" else pacsv.read_csv(path)
    assert sum(result.counts.values()) == table.num_rows
    found = sorted((str(one["settlement_no"]), one["class"]) for one in table.to_pylist())
    expected = sorted((line.key[2], line.line_class) for line in expected_lines(home, host))
    assert expected == found
    one = next(line for line in table.to_pylist() if line["class"] == "AMOUNT")
    assert one["home_fen"] + 1 == one["host_fen"]
    assert one["home_beneficiary_ref"] == one["host_beneficiary_ref"]


def test_lines_file_of_unknown_kind_is_refused_before_any_work(tmp_path: Path) -> None:
    """A suffix that cannot be written is refused with the remedy."""
    with pytest.raises(Refusal, match=r"\.parquet or \.csv"):
        reconcile(tmp_path / "none.csv", tmp_path / "none.csv", lines_path=tmp_path / "lines.txt")


@pytest.mark.parametrize("place", ["a.csv", "none/lines.csv"])
def test_lines_file_that_would_do_harm_or_fail_is_refused(tmp_path: Path, place: str) -> None:
    """An input is never overwritten, and a folder that is not there is named before any work."""
    path = write(tmp_path / "a.csv", [row()])
    before = path.read_bytes()
    with pytest.raises(Refusal, match="lines"):
        reconcile(path, path, lines_path=tmp_path / place)
    assert before == path.read_bytes()


def test_badly_quoted_text_is_refused_and_never_mended(tmp_path: Path) -> None:
    """A quotation mark inside a field stands for damage: no identifier is changed in silence."""
    path = write(tmp_path / "a.csv", [row("S1")])
    path.write_text(path.read_text(encoding="utf-8").replace("S1", '"S"1', 1), encoding="utf-8")
    with pytest.raises(BadFile):
        reconcile(path, path)


def test_bad_row_stops_everything(tmp_path: Path) -> None:
    """One bad row in one file, and nothing is processed; it is named."""
    good = write(tmp_path / "a.csv", [row()])
    bad = write(tmp_path / "b.csv", [row(), row("S2", amount_fen="-5")])
    with pytest.raises(BadFile) as caught:
        reconcile(good, bad)
    (finding,) = caught.value.findings
    assert ("b.csv", 3, "amount_fen", "-5") == (
        caught.value.file,
        finding.row,
        finding.column,
        finding.value,
    )


def test_both_files_are_told_of(tmp_path: Path) -> None:
    """Where both files are bad, the findings of both come at once, each with its file."""
    first = write(tmp_path / "a.csv", [row(service_days=0)])
    second = write(tmp_path / "b.csv", [row(), row("S2", home="999999")])
    with pytest.raises(BadFile) as caught:
        reconcile(first, second)
    found = [(one.file, one.row, one.column) for one in caught.value.findings]
    assert [("a.csv", 2, "service_days"), ("b.csv", 3, "home")] == found


def test_closed_only(tmp_path: Path) -> None:
    """Whether anything is left to do follows from the classes."""
    same = write(tmp_path / "a.csv", [row()])
    other = write(tmp_path / "b.csv", [row(amount_fen=1)])
    assert reconcile(same, same).matched_only
    assert not reconcile(same, other).matched_only
