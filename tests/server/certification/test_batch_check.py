"""Tests of BatchCheckCertifications: the same verdicts as one by one, faults by row, no names."""

import json
import random
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy import event

from deltacare.errors import Refusal
from deltacare.v1 import certification_service_pb2 as pb
from server.certification.checking_desk import ROWS_MAX
from tests.support.rooms import Rooms, agreement_body, certificate_body, equivalence_body

SH, JS, AH = "310000", "320000", "340000"
NAME, OTHER_NAME = "示例甲", "示例乙"
SEED = 20261122


async def recognised(rooms: Rooms) -> None:
    """Let Shanghai recognise some of Jiangsu's caregivers, one of whom was revoked."""
    await rooms.agree(agreement_body())
    await rooms.declare(SH, equivalence_body())
    bodies = [certificate_body(f"320000-C{serial}") for serial in range(6)]
    bodies.append(certificate_body("320000-C6", grade="五级"))
    bodies.append(certificate_body("320000-C7", valid_from_date="2026-12-01"))
    await rooms.issue(JS, *bodies, holder_name=NAME)
    await rooms.issue(SH, certificate_body("310000-C1"), holder_name=NAME)
    await rooms.revoke(JS, "320000-C3", "2026-06-01")


@pytest.fixture
async def four(tmp_path: Path) -> AsyncIterator[Rooms]:
    """Four nodes; Shanghai recognises some of Jiangsu's caregivers, one of whom was revoked."""
    async with Rooms.laid(tmp_path, recognised) as opened:
        yield opened


async def batch(
    rooms: Rooms, rows: Sequence[pb.CheckRow], **fields: object
) -> pb.BatchCheckCertificationsResponse:
    """Check rows at Shanghai's node."""
    request = pb.BatchCheckCertificationsRequest(rows=rows, **fields)  # type: ignore[arg-type]  # a test's own
    return await rooms.certification[SH].batch_check_certifications(request, rooms.call(SH))


async def one_by_one(
    rooms: Rooms, rows: Sequence[pb.CheckRow], **fields: object
) -> list[pb.CheckCertificationResponse | int]:
    """Check rows by unary calls; of a row that cannot be read the count of its faults."""
    answers: list[pb.CheckCertificationResponse | int] = []
    for row in rows:
        try:
            answers.append(
                await rooms.check(SH, row.certificate_no, holder_name=row.holder_name, **fields)
            )
        except Refusal as refusal:
            answers.append(len(refusal.violations))
    return answers


def drawn(chooser: random.Random, count: int) -> list[pb.CheckRow]:
    """Return rows as rosters have them: known and unknown numbers, names, damage, repetitions."""
    numbers = [f"320000-C{serial}" for serial in range(9)]
    numbers += ["310000-C1", "310000-C2", "340000-C1", "110000-C1", "1.23E17", "", NAME, "320000"]
    names = ["", "", NAME, OTHER_NAME, " ", "x" * 65]
    return [
        pb.CheckRow(certificate_no=chooser.choice(numbers), holder_name=chooser.choice(names))
        for _ in range(count)
    ]


@pytest.mark.parametrize("batch_first", [True, False])
async def test_a_batch_answers_as_single_checks_do(four: Rooms, *, batch_first: bool) -> None:
    """Whatever the rows, day, place and moment: each verdict is the one of a check of its own."""
    chooser = random.Random(SEED)
    known = Timestamp()
    known.FromDatetime(four.nodes.clock.now())
    four.nodes.clock.advance(timedelta(seconds=5))
    await four.revoke(JS, "320000-C4", "2026-01-01")
    await four.spread(JS)
    for fields in (
        {},
        {"on_date": "2026-05-31"},
        {"on_date": "2026-12-31", "host": JS},
        {"known_time": known},
        {"purpose": "WORK", "host": SH},
    ):
        rows = drawn(chooser, 60)
        if batch_first:
            answered = await batch(four, rows, **fields)
            single = await one_by_one(four, rows, **fields)
        else:
            single = await one_by_one(four, rows, **fields)
            answered = await batch(four, rows, **fields)
        assert single == [
            row.verdict if row.HasField("verdict") else len(row.violations) for row in answered.rows
        ]


async def test_a_batch_is_read_in_a_few_statements(four: Rooms) -> None:
    """A thousand rows of a thousand certificates, with names, take no more reads than ten do."""
    statements: list[str] = []
    engine = four.nodes[SH].database._read_engine  # nothing else counts them
    counts = []
    for count in (10, 1_000):
        rows = [
            pb.CheckRow(certificate_no=f"320000-D{count}-{serial}", holder_name=NAME)
            for serial in range(count - 5)
        ]
        rows += [
            pb.CheckRow(certificate_no=f"320000-C{serial}", holder_name=NAME) for serial in range(5)
        ]

        def note(*arguments: object) -> None:
            statements.append(str(arguments[2]))

        event.listen(engine, "before_cursor_execute", note)
        statements.clear()
        answered = await batch(four, rows)
        event.remove(engine, "before_cursor_execute", note)
        counts.append(sum(text.startswith("SELECT") for text in statements))
        assert pb.VERDICT_VALID == answered.rows[-1].verdict.verdict
    assert counts[1] <= counts[0] + 10


async def test_last_days(four: Rooms) -> None:
    """The last day is told of what exists, and of nothing else."""
    answered = await batch(
        four,
        [
            pb.CheckRow(certificate_no=number)
            for number in ("320000-C1", "320000-C3", "320000-X", "110000-C1")
        ],
    )
    assert ["2026-12-31", "2026-12-31", "", ""] == [row.valid_until_date for row in answered.rows]


@pytest.mark.parametrize("count", [0, ROWS_MAX + 1])
async def test_a_batch_has_bounds(four: Rooms, count: int) -> None:
    """No rows, or more than a thousand, are refused."""
    with pytest.raises(Refusal) as caught:
        await batch(four, [pb.CheckRow(certificate_no="320000-C1")] * count)
    assert ["rows"] == [fault.field for fault in caught.value.violations]


@pytest.mark.parametrize(
    "field, value", [("on_date", "tomorrow"), ("host", "110000"), ("purpose", "no code")]
)
async def test_what_all_rows_share_is_refused_whole(four: Rooms, field: str, value: str) -> None:
    """A bad day, place or purpose refuses the call, without a word of its rows."""
    with pytest.raises(Refusal) as caught:
        await batch(four, [pb.CheckRow(certificate_no=NAME)], **{field: value})
    assert [field] == [fault.field for fault in caught.value.violations]
    assert NAME not in str(caught.value)


async def test_a_batch_leaves_no_names(four: Rooms, quiet: list[dict[str, object]]) -> None:
    """Names stand in no log line, and a name in the wrong column in no answer either."""
    four.nodes.clock.advance(timedelta(seconds=1))
    rows = [
        pb.CheckRow(certificate_no="320000-C1", holder_name=NAME),
        pb.CheckRow(certificate_no="320000-C1", holder_name=OTHER_NAME),
        pb.CheckRow(certificate_no=NAME, holder_name="320000-C1"),
    ]
    answered = await batch(four, rows, purpose="WORK")
    assert ["VERDICT_VALID", "VERDICT_HOLDER_MISMATCH", "VERDICT_UNSPECIFIED"] == [
        pb.Verdict.Name(row.verdict.verdict) for row in answered.rows
    ]
    assert answered.rows[2].violations
    for name in (NAME, OTHER_NAME):
        assert name not in str(answered.rows[2].violations)
        assert name not in json.dumps(quiet, ensure_ascii=False, default=str)
    assert 2 == sum(line["event"] == "check" for line in quiet)
