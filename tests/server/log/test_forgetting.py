"""Tests of forgetting: what is old enough goes, what protects or proves stays."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from server.log import tables
from server.log.forgetting import thinnable_freshness
from server.log.history import times_at
from server.retention import RetentionKeeper
from server.store.database import Database
from server.store.migrations import upgrade
from server.store.retention import FRESHNESS_WHOLE_DAYS, REQUESTS_DAYS
from tests.support.ports import START_TIME, ManualClock

NOW = START_TIME
OLD = NOW - timedelta(days=max(FRESHNESS_WHOLE_DAYS, REQUESTS_DAYS) + 2)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A migrated database."""
    opened = Database(f"sqlite:///{tmp_path}/node.db", readers=1)
    try:
        opened.write_now(upgrade)
        yield opened
    finally:
        opened.close()


def keeper(database: Database, rows_per_run_max: int = 10_000) -> RetentionKeeper:
    """Return the keeper of a node."""
    return RetentionKeeper(
        database=database, clock=ManualClock(), rows_per_run_max=rows_per_run_max
    )


def put_requests(database: Database, *rows: tuple[str, datetime, bytes]) -> None:
    """Keep first answers."""
    database.write_now(
        lambda c: c.execute(
            insert(tables.requests),
            [
                {
                    "scope": "310000/sys-1",
                    "method": "/x",
                    "request_id": name,
                    "content_mac": mac,
                    "is_refusal": False,
                    "answer": b"",
                    "created_time": time,
                }
                for name, time, mac in rows
            ],
        )
    )


def kept_requests(database: Database) -> list[str]:
    """Return the ids that are kept."""
    query = select(tables.requests.c.request_id).order_by(tables.requests.c.request_id)
    return database.read_now(lambda c: list(c.execute(query).scalars()))


async def test_requests_are_forgotten_after_their_period(database: Database) -> None:
    """The day decides, to the microsecond; a blinded one stays for ever."""
    edge = NOW - timedelta(days=REQUESTS_DAYS)
    put_requests(
        database,
        ("after", edge, b"m"),
        ("before", edge - timedelta(microseconds=1), b"m"),
        ("blinded", OLD, b""),
    )
    assert (1, 0) == await keeper(database).run_once()
    assert ["after", "blinded"] == kept_requests(database)


async def test_a_run_deletes_at_most_so_many(database: Database) -> None:
    """What is left over goes at the next run."""
    put_requests(database, *((f"r{n:04d}", OLD, b"m") for n in range(1_203)))
    keep = keeper(database, 600)
    assert [(600, 0), (600, 0), (3, 0)] == [await keep.run_once() for _ in range(3)]
    assert [] == kept_requests(database)


def put_freshness(
    database: Database, rows: Sequence[tuple[datetime, datetime | None, datetime | None]]
) -> None:
    """Write down how fresh a log was."""
    database.write_now(
        lambda c: c.execute(
            insert(tables.freshness),
            [
                {"log_id": 1, "stored_time": at, "fresh_time": fresh, "quorum_time": quorum}
                for at, fresh, quorum in rows
            ],
        )
    )


async def test_freshness_is_thinned_to_one_an_hour(database: Database) -> None:
    """Before the edge the first of each hour stays; after it all do."""
    begin = OLD.replace(minute=0, second=0, microsecond=0)
    old = [begin + MINUTE * n for n in range(180)]
    recent = [NOW - HOUR + MINUTE * n for n in range(30)]
    put_freshness(database, [(at, at, at) for at in (*old, *recent)])
    assert (0, 177) == await keeper(database).run_once()
    query = select(tables.freshness.c.stored_time).order_by(tables.freshness.c.stored_time)
    left = database.read_now(lambda c: list(c.execute(query).scalars()))
    assert [*old[::60], *recent] == left
    assert (0, 0) == await keeper(database).run_once()


async def test_thinning_never_makes_a_log_look_fresher(database: Database) -> None:
    """At every past moment the age found is the same or more, by an hour at most; gaps stay."""
    begin = OLD.replace(minute=0, second=0, microsecond=0)
    moments = [begin + MINUTE * n for n in range(240)]
    rows: list[tuple[datetime, datetime | None, datetime | None]] = []
    for n, at in enumerate(moments):
        quorum = None if 70 <= n < 75 else at - HOUR if 100 <= n < 110 else at
        rows.append((at, at, quorum))
    put_freshness(database, rows)
    before = database.read_now(lambda c: [times_at(c, 1, at) for at in moments])
    _, thinned = await keeper(database).run_once()
    assert 200 < thinned < 240
    after = database.read_now(lambda c: [times_at(c, 1, at) for at in moments])
    for at, was, now in zip(moments, before, after, strict=True):
        for then, found in zip(was, now, strict=True):
            if then is None or found is None:
                assert then is found, at
            else:
                assert timedelta(0) <= then - found <= 2 * HOUR, at


def test_other_logs_are_told_apart(database: Database) -> None:
    """The first row of a log is kept whatever the log before it has."""
    begin = OLD.replace(minute=0, second=0, microsecond=0)
    database.write_now(
        lambda c: c.execute(
            insert(tables.freshness),
            [
                {"log_id": log_id, "stored_time": begin, "fresh_time": begin, "quorum_time": None}
                for log_id in (1, 2)
            ],
        )
    )
    assert [] == database.read_now(lambda c: thinnable_freshness(c, before=NOW, limit=9))
