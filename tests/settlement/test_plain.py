"""The way without an engine against the engine: the same of any two files."""

import random
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from settlement import plain
from settlement.core.columns import COLUMNS
from settlement.engine import EngineSettings
from settlement.findings import BadFile
from settlement.grid import Grid, read_grid
from settlement.reconcile import Reconciliation, reconcile
from tests.settlement import oracle
from tests.settlement.nights import plain as without_registers
from tests.settlement.nights import row

Row = dict[str, Any]

PROVINCES = ("310000", "320000", "330000", "340000")
# Some begin like others, and some end in what sorts first and last.
NUMBERS = ("S", "S1", "S1!", "S1~", "S10", "S2", "S" * 8, "S" * 9, "s" * 64, "~" * 64, "!")


def text_of(rows: Sequence[Row], *, line_end: str = "\n", last: str | None = None) -> str:
    """Return a file of the plainest form; `last` ends the last line, by default as the others."""
    lines = [",".join(COLUMNS), *(",".join(str(one[name]) for name in COLUMNS) for one in rows)]
    return line_end.join(lines) + (line_end if last is None else last)


def essence(result: Reconciliation) -> tuple[object, ...]:
    """Return what must not depend on the way."""
    return (result.counts, result.fen, result.bilateral, result.net, result.digest)


def both_ways(folder: Path, home: str | bytes, host: str | bytes) -> Reconciliation:
    """Return what two files come to, known to be the same with and without the engine."""
    paths = folder / "home.csv", folder / "host.csv"
    for path, content in zip(paths, (home, host), strict=True):
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    lines_path = folder / "lines.parquet"
    by_engine = reconcile(*paths, lines_path=lines_path)
    result = reconcile(*paths)
    assert essence(by_engine) == essence(result)
    assert pq.read_table(lines_path).num_rows == sum(result.counts.values())
    return result


def plainly(folder: Path, home: Sequence[Row], host: Sequence[Row], **form: Any) -> Reconciliation:
    """Return the same of rows, of which both files are sure to go the way without an engine."""
    result = both_ways(folder, text_of(home, **form), text_of(host))
    for name in ("home.csv", "host.csv"):
        assert isinstance(read_grid(folder / name), Grid)
    return result


def books(seed: int, count: int, *, odd: float = 0.1) -> tuple[list[Row], list[Row]]:
    """Return the rows of both sides: mostly equal, with everything planted that files can hold."""
    rng = random.Random(seed)
    sides: tuple[list[Row], list[Row]] = ([], [])
    for number in range(count):
        payer, payee = rng.sample(PROVINCES, 2)
        one = row(
            f"S{number}" + "x" * rng.choice((0, 0, 0, 5, 30)),
            home=payer,
            host=payee,
            beneficiary_ref=f"{rng.getrandbits(64):x}"[: rng.randint(1, 16)],
            institution="I" * rng.randint(1, 12),
            subsidy_kind="K" * rng.randint(1, 3),
            service_days=rng.randint(1, 31),
            amount_fen=rng.choice(
                (0, 9, 10, 99_999_999, 100_000_000, 10**12, rng.randint(1, 10**6))
            ),
            caregiver_cert_no="C" * rng.randint(0, 9),
        )
        home, host = [one], [one]
        if rng.random() < odd:
            side = rng.choice((home, host))
            match rng.randrange(6):
                case 0:
                    side.clear()
                case 1:
                    side[0] = {**one, "amount_fen": (one["amount_fen"] + 1) % 10**12}
                case 2:
                    side[0] = {**one, "caregiver_cert_no": "other"}
                case 3:
                    side.append(one)
                case 4:
                    side.append({**one, "beneficiary_ref": "other"})
                case 5:
                    twin = {**one, "settlement_no": one["settlement_no"] + "T"}
                    home.append(twin)
                    host.append(twin)
        sides[0].extend(home)
        sides[1].extend(host)
    for one_side in sides:
        rng.shuffle(one_side)
    return sides


FEW_ROWS = st.lists(
    st.builds(
        lambda number, codes, beneficiary, institution, month, days, fen, caregiver: row(
            number,
            home=codes[0],
            host=codes[1],
            beneficiary_ref=beneficiary,
            institution=institution,
            service_month=month,
            service_days=days,
            amount_fen=fen,
            caregiver_cert_no=caregiver,
        ),
        st.sampled_from(NUMBERS),
        st.sampled_from([("310000", "320000"), ("320000", "310000"), ("310000", "340000")]),
        st.sampled_from(["b", "B" * 40]),
        st.sampled_from(["i", "j"]),
        st.sampled_from(["2026-09", "2026-10"]),
        st.sampled_from([1, 11]),
        st.sampled_from([0, 1, 10**12]),
        st.sampled_from(["", "c"]),
    ),
    min_size=1,
    max_size=12,
)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(
    shared=FEW_ROWS,
    home=FEW_ROWS,
    host=FEW_ROWS,
    line_end=st.sampled_from(["\n", "\r\n"]),
    last=st.sampled_from([None, ""]),
)
def test_any_rows_come_to_the_same_both_ways(
    shared: list[Row], home: list[Row], host: list[Row], line_end: str, last: str | None
) -> None:
    """Copies, conflicts, twins, one-sided rows: counts, sums, flows and digest are the engine's."""
    with TemporaryDirectory() as folder:
        plainly(Path(folder), [*shared, *home], [*host, *shared], line_end=line_end, last=last)


@pytest.mark.parametrize("count", [1, 255, 256, 257, 511, 512, 513])
@pytest.mark.parametrize("odd", [0.0, 0.2, 1.0])
def test_leaves_and_blocks_of_any_size(
    tmp_path: Path, count: int, odd: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where leaves and blocks end changes nothing, with no odd row, some, and nothing else."""
    monkeypatch.setattr(plain, "_BLOCK_LINES", 256)
    plainly(tmp_path, *books(count, count, odd=odd))


def test_files_equal_the_oracle(tmp_path: Path) -> None:
    """The digest is that of the plain dictionary."""
    home, host = books(3, 700)
    sided = [("home", one) for one in home] + [("host", one) for one in host]
    rows = [
        {"side": side, **one, "position": index, "filed_date": date(2000, 1, 1)}
        for index, (side, one) in enumerate(sided)
    ]
    lines = oracle.night(**without_registers(rows=rows, business_date=None))
    expected = oracle.digest([line.text() for line in lines])
    assert expected == plainly(tmp_path, home, host).digest


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_order_and_threads_do_not_matter(tmp_path: Path, threads: int) -> None:
    """Sorted, reversed or shuffled, on any number of threads: the same."""
    home, host = books(4, 3_000)
    expected = essence(plainly(tmp_path, home, host))
    for name, rows in (("home.csv", home[::-1]), ("host.csv", sorted(host, key=str))):
        (tmp_path / name).write_text(text_of(rows), encoding="utf-8")
    paths = tmp_path / "home.csv", tmp_path / "host.csv"
    assert expected == essence(reconcile(*paths, settings=EngineSettings(threads=threads)))


def test_long_numbers_that_differ_anywhere(tmp_path: Path) -> None:
    """Keys too long and too various for one integer sort and match as their bytes do."""
    rng = random.Random(5)
    signs = [chr(code) for code in range(ord("!"), ord("~") + 1) if chr(code) not in '",+']
    rows = [
        row("".join(rng.choices(signs, k=rng.randint(1, 64))), beneficiary_ref=f"b{index}")
        for index in range(900)
    ]
    result = plainly(tmp_path, rows[:-5], rows[:4:-1] + rows[20:23])
    assert result.counts["MATCHED"] > 0
    assert {"MATCHED", "DUP_EXACT", "HOME_ONLY", "HOST_ONLY"} <= set(result.counts)


def test_claims_with_one_hash_are_left_to_the_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where all hashes are the same, nothing is matched here, and the result is what it was."""
    home, host = books(6, 300)
    expected = essence(plainly(tmp_path, home, host))
    monkeypatch.setattr(plain, "_HASH_FACTOR", plain._HASH_FACTOR * 0)
    assert expected == essence(plainly(tmp_path, home, host))


@pytest.mark.parametrize("swapped", [False, True])
def test_claim_of_a_row_on_one_side_spoils_a_match(tmp_path: Path, *, swapped: bool) -> None:
    """A number that one side alone filed makes a suspect of the equal number with its claim."""
    sides = [[row("S1")], [row("S1"), row("S2")]]
    first, second = sides[::-1] if swapped else sides
    assert plainly(tmp_path, first, second).counts == {"DUP_SEMANTIC": 2}


def test_what_is_not_plainest_comes_to_the_same(tmp_path: Path) -> None:
    """Quoted, with a BOM, in GB18030 or beside a file with Chinese in it: the engine takes both."""
    home, host = books(7, 300)
    expected = essence(plainly(tmp_path, home, host))
    text, other = text_of(home), text_of(host)
    for content in (b"\xef\xbb\xbf" + text.encode(), text.replace(",KK,", ',"KK",').encode()):
        assert content != text.encode()
        assert expected == essence(both_ways(tmp_path, content, other))
    chinese = text.replace(",KK,", ",照护,"), other.replace(",KK,", ",照护,")
    spoken = essence(both_ways(tmp_path, *chinese))
    assert spoken == essence(both_ways(tmp_path, chinese[0].encode("gb18030"), chinese[1]))


@pytest.mark.parametrize(
    "content",
    [
        "",
        text_of([row(amount_fen=-1)]),
        # As many commas as there should be, but one of them in another row.
        text_of([row("S1"), row("S2")]).replace("S1,", "S1", 1).replace("S2,", "S2,,", 1),
        text_of([row("S1"), row("S2")]).replace("S1,", "S1,,", 1).replace("S2,", "S2", 1),
    ],
)
def test_bad_files_are_refused_both_ways(tmp_path: Path, content: str) -> None:
    """An empty file or one with a bad row is refused whichever way the other goes."""
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text(text_of([row()]), encoding="utf-8")
    bad.write_text(content, encoding="utf-8")
    for paths in ((good, bad), (bad, good)):
        with pytest.raises(BadFile):
            reconcile(*paths)


def test_one_side_has_nothing_left(tmp_path: Path) -> None:
    """Where all rows of one file are matched, the other's rest is judged alone."""
    matched = row("S", beneficiary_ref="b")
    plainly(tmp_path, [matched], [matched, row("S1", beneficiary_ref="b9", amount_fen=7)])
