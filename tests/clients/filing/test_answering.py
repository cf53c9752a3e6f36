"""What becomes of each record that waits: by file, by number, by verdict, and once a number."""

import csv
from collections.abc import Sequence
from pathlib import Path

import pytest

from clients.filing.answering import (
    VERDICTS,
    Decision,
    Decisions,
    Line,
    Word,
    confirmations,
    decide,
    read_decisions,
    refusals,
    write_inbox,
)
from deltacare.v1.entry_pb2 import SettlementRecord
from deltacare.v1.settlement_service_pb2 import FiledRecord, JudgedRecord
from deltacare.v1.types_pb2 import Duty, EntryRef
from settlement.findings import BadFile, Problem

DUTY = Duty(maker="mk-1", reviewer="rv-1")
HOME, HOST = "320000", "310000"


def judged(index: int, number: str, verdict: str = "FITS", *, days: int = 20) -> JudgedRecord:
    """Return a record that waits."""
    return JudgedRecord(
        filed=FiledRecord(
            record=SettlementRecord(
                settlement_no=number, home=HOME, host=HOST, service_days=days, amount_fen=days * 10
            ),
            entry=EntryRef(log=f"deltacare/{HOST}/settlement/{HOME}", index=index),
        ),
        verdict=VERDICTS[verdict],
    )


COPIES = (judged(1, "05"), judged(2, "06"), judged(3, "05", "DUPLICATE"))


def decisions(*said: tuple[str, Decision], bulk: bool = True, **refused: str) -> Decisions:
    """Return decisions by number, in bulk and by verdict."""
    lines: dict[str, list[Decision]] = {}
    for number, decision in said:
        lines.setdefault(number, []).append(decision)
    return Decisions(
        lines=lines,
        refused={VERDICTS[name]: reason for name, reason in refused.items()},
        confirms_fitting=bulk,
    )


def named(lines: Sequence[Line]) -> list[tuple[int, str]]:
    """Return by place what becomes of each line."""
    return [
        (
            line.judged.filed.entry.index,
            line.problem
            or ("with another" if line.is_answered else line.word.name if line.word else "left"),
        )
        for line in lines
    ]


def test_copies_are_confirmed_once() -> None:
    """What fits is filed once, and its copies are answered with it, whatever is said of them."""
    for given in (decisions(), decisions(DUPLICATE="TWICE")):
        lines = decide(COPIES, given)
        assert [(1, "CONFIRM"), (2, "CONFIRM"), (3, "with another")] == named(lines)
        (batch,) = confirmations(lines, partner=HOST, duty=DUTY, once=None)
        assert ["05", "06"] == [each.settlement_no for each in batch.records]
        assert [] == refusals(lines, own=HOME, partner=HOST, duty=DUTY, once=None)


def test_a_number_is_refused_once() -> None:
    """A refusal is of a number; its copies go with it."""
    waiting = [judged(1, "05", "AMOUNT"), judged(3, "05", "DUPLICATE")]
    lines = decide(waiting, decisions(AMOUNT="RATE", DUPLICATE="TWICE"))
    assert [(1, "REFUSE"), (3, "with another")] == named(lines)
    (request,) = refusals(lines, own=HOME, partner=HOST, duty=DUTY, once=None)
    assert [("05", "RATE")] == [(each.settlement_no, each.reason) for each in request.refusals]


def test_confirmed_by_number() -> None:
    """Equal copies are one; of a number that says two things, the row is to be named."""
    said = ("05", Decision(row=0, word=Word.CONFIRM, reason="SEEN"))
    lines = decide(COPIES, decisions(said, bulk=False))
    assert [(1, "CONFIRM"), (2, "left"), (3, "with another")] == named(lines)
    differing = [judged(1, "05", "DUPLICATE"), judged(3, "05", "DUPLICATE", days=19)]
    assert [(1, "CONFIRM"), (3, "CONTRADICTS")] == named(decide(differing, decisions(said)))
    at = Decision(row=4, word=Word.CONFIRM, reason="SEEN", entry_index=3)
    assert [(1, "with another"), (3, "CONFIRM")] == named(decide(differing, decisions(("05", at))))


def test_one_number_has_one_answer() -> None:
    """Who confirms one row and refuses its copy is told; the same said twice is said once."""
    confirm = Decision(row=2, word=Word.CONFIRM, reason="SEEN", entry_index=1)
    refuse = Decision(row=4, word=Word.REFUSE, reason="TWICE", entry_index=3)
    lines = decide(COPIES, decisions(("05", confirm), ("05", refuse), bulk=False))
    assert [(1, "CONFIRM"), (2, "left"), (3, "CONTRADICTS")] == named(lines)
    assert [4] == [line.row for line in lines if line.problem]
    again = Decision(row=4, word=Word.CONFIRM, reason="SEEN", entry_index=3)
    lines = decide(COPIES, decisions(("05", confirm), ("05", again), bulk=False))
    assert [(1, "CONFIRM"), (2, "left"), (3, "with another")] == named(lines)


def test_what_was_revised_since() -> None:
    """A decision about a record that waits no more is not carried over to the one that does."""
    old = Decision(row=2, word=Word.CONFIRM, reason="", entry_index=0)
    assert [(1, "CHANGED")] == named(decide([judged(1, "05")], decisions(("05", old), bulk=False)))
    # Of a copy that somebody left alone it is not said.
    here = Decision(row=2, word=Word.CONFIRM, reason="", entry_index=1)
    lines = decide(COPIES, decisions(("05", here), bulk=False))
    assert [(1, "CONFIRM"), (2, "left"), (3, "with another")] == named(lines)


def filled(path: Path, words: Sequence[tuple[str, str]]) -> Path:
    """Fill the decisions of a file that was written."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file)
    for row, (word, reason) in zip(rows, words, strict=True):
        row[header.index("decision")] = word
        row[header.index("reason")] = reason
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def test_a_file_of_copies_is_read_back(tmp_path: Path) -> None:
    """What is written is read: rows are told apart by the entry, not by the number."""
    path = tmp_path / "inbox.csv"
    write_inbox(path, COPIES, is_chinese=False)
    found = read_decisions(filled(path, [("confirm", ""), ("", ""), ("confirm", "COPY")]))
    assert {"05": [(2, 1), (4, 3)]} == {
        number: [(each.row, each.entry_index) for each in said] for number, said in found.items()
    }
    given = Decisions(lines=found, refused={}, confirms_fitting=False)
    assert [(1, "CONFIRM"), (2, "left"), (3, "with another")] == named(decide(COPIES, given))


def test_a_row_that_stands_twice(tmp_path: Path) -> None:
    """The same entry decided twice is refused by row."""
    path = tmp_path / "inbox.csv"
    write_inbox(path, (COPIES[0], COPIES[0]), is_chinese=False)
    with pytest.raises(BadFile) as caught:
        read_decisions(filled(path, [("confirm", ""), ("refuse", "X")]))
    (finding,) = caught.value.findings
    assert (3, "entry_index", Problem.REPEATED_VALUE.en) == (
        finding.row,
        finding.column,
        finding.problem,
    )
