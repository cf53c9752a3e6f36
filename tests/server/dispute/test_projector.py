"""What settlement logs say of disputes, row by row: what is void, and that a rebuild agrees."""

from typing import Any

import pytest
from sqlalchemy import select

from deltacare.errors import ViolationCollector
from deltacare.ids import LogName
from deltacare.v1 import entry_pb2 as epb
from server.dispute import rules, tables
from server.dispute.projector import DisputeProjector
from server.dispute.rules import read_answer, read_closure, read_dispute, read_escalation
from server.registry.rulebook import Rule
from server.store.database import Database
from tests.server.dispute.world import dispute
from tests.server.settlement.world import HOME, HOST
from tests.support.projecting import Book

OWN = LogName.settlement(HOST, HOME)
PARTNERS = LogName.settlement(HOME, HOST)
D1 = f"{HOST}-D1"


def answer(word: int = epb.DISPUTE_WORD_CONTESTED, **changes: Any) -> epb.DisputeAnswer:
    """Return an answer, with changes."""
    body = epb.DisputeAnswer(dispute_id=D1, word=word, reason="AS_FILED")  # type: ignore[arg-type]
    for name, value in changes.items():
        setattr(body, name, value)
    return body


def escalation(level: int = 1, dispute_id: str = D1) -> epb.DisputeEscalation:
    """Return an escalation."""
    return epb.DisputeEscalation(dispute_id=dispute_id, level=level, reason="NO_AGREEMENT")


def closure(outcome: int = epb.DISPUTE_REMEDY_NONE, dispute_id: str = D1) -> epb.DisputeClosure:
    """Return a closure."""
    return epb.DisputeClosure(dispute_id=dispute_id, outcome=outcome, reason="DONE")  # type: ignore[arg-type]


READERS: dict[type, Any] = {
    epb.Dispute: read_dispute,
    epb.DisputeAnswer: read_answer,
    epb.DisputeEscalation: read_escalation,
    epb.DisputeClosure: read_closure,
}


@pytest.mark.parametrize(
    "body, fields",
    [
        (dispute(), []),
        (dispute(note_digest=bytes(32)), []),
        (dispute(dispute_id="D1"), ["dispute_id"]),
        (dispute(settlement_no="S 1"), ["settlement_no"]),
        (dispute(settlement_no=""), ["settlement_no"]),
        (dispute(claim=0), ["claim"]),
        (dispute(claim=99), ["claim"]),
        (dispute(reason="the amount is wrong"), ["reason"]),
        (dispute(note_digest=b"short"), ["note_digest"]),
        (answer(), []),
        (answer(0), ["word"]),
        (answer(99), ["word"]),
        (answer(reason=""), ["reason"]),
        (answer(remedy=epb.DISPUTE_REMEDY_FILE), ["remedy"]),
        (answer(remedy=99), ["remedy", "remedy"]),
        (answer(epb.DISPUTE_WORD_AGREED), ["remedy"]),
        (answer(epb.DISPUTE_WORD_AGREED, remedy=epb.DISPUTE_REMEDY_FILE, reason=""), []),
        (answer(epb.DISPUTE_WORD_AGREED, remedy=99), ["remedy"]),
        (answer(dispute_id="D1"), ["dispute_id"]),
        (escalation(2), []),
        (escalation(0), ["level"]),
        (escalation(3), ["level"]),
        (escalation(2**32 - 1, "D1"), ["dispute_id", "level"]),
        (closure(), []),
        (closure(0), ["outcome"]),
        (closure(99, "x"), ["dispute_id", "outcome"]),
    ],
)
def test_fields(body: Any, fields: list[str]) -> None:
    """Every field that cannot be read is named."""
    bad = ViolationCollector()
    READERS[type(body)](body, "", bad)
    assert fields == [each.field for each in bad.violations]


@pytest.mark.parametrize(
    "log, bodies, voids",
    [
        pytest.param(OWN, [dispute(), closure()], {}, id="all good"),
        pytest.param(LogName.registry(HOST), [dispute()], {0: "D01-WRONG-LOG"}, id="registry"),
        pytest.param(OWN, [dispute(claim=0)], {0: "D02-UNREADABLE"}, id="unreadable"),
        pytest.param(
            LogName.settlement(HOST, "330000"), [dispute()], {0: "D03-WRONG-PAIR"}, id="pair"
        ),
        pytest.param(OWN, [dispute(host=HOME)], {0: "D03-WRONG-PAIR"}, id="pair of one"),
        pytest.param(OWN, [dispute(by=HOME)], {0: "D04-NOT-OWN"}, id="another's number"),
        pytest.param(
            OWN, [dispute(), dispute(number="S2")], {1: "D05-ID-TAKEN"}, id="number taken"
        ),
        pytest.param(OWN, [dispute(), answer()], {1: "D06-OTHER-SIDE"}, id="answers itself"),
        pytest.param(PARTNERS, [answer()], {}, id="answers what may come yet"),
        pytest.param(
            OWN,
            [escalation(1, "330000-D1"), closure(1, "330000-D1")],
            {0: "D07-NO-PARTY", 1: "D07-NO-PARTY"},
            id="a third province's",
        ),
        pytest.param(
            OWN,
            [escalation(), closure(), dispute(), escalation()],
            {0: "D08-NEVER-RAISED", 1: "D08-NEVER-RAISED"},
            id="before it was raised",
        ),
    ],
)
@pytest.mark.parametrize("at_once", [True, False], ids=["one run", "one by one"])
def test_what_is_void(
    database: Database, log: LogName, bodies: list[Any], voids: dict[int, str], *, at_once: bool
) -> None:
    """By the author's own log alone, in whatever runs it comes; and again on a rebuild."""
    book = Book(database, DisputeProjector())
    book.say(log, *bodies, at_once=at_once)
    assert voids == {index: rule for (_, index), rule in book.voids.items()}
    before = rows(database)
    book.voids.clear()
    book.rebuild(log)
    assert voids == {index: rule for (_, index), rule in book.voids.items()}
    assert before == rows(database)


def rows(database: Database) -> list[tuple[object, ...]]:
    """Return every row of the room."""

    def read(connection: Any) -> list[tuple[object, ...]]:
        return [
            tuple(row)
            for table in (tables.raised, tables.word)
            for row in connection.execute(select(table).order_by(table.c.author, table.c.idx))
        ]

    return database.write_now(read)


def test_forgetting_one_log_keeps_the_others(database: Database) -> None:
    """Only what came from the log goes."""
    book = Book(database, DisputeProjector())
    book.say(OWN, dispute())
    book.say(PARTNERS, answer())
    book.rebuild(PARTNERS)
    assert 2 == len(rows(database))


def test_rules_are_numbered() -> None:
    """One number a rule, in order; every rule of the module is listed."""
    codes = [rule.code for rule in rules.RULES]
    assert sorted(set(codes)) == codes
    named = {each for each in vars(rules).values() if isinstance(each, Rule)}
    assert named == set(rules.RULES)
