"""Rows as columns: the same rows as SQL gives, in the same snapshot, on both databases."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    MetaData,
    Select,
    Table,
    Text,
    select,
    text,
)

from server.store.columns import ColumnReader
from server.store.database import Database
from tests.support.postgres import postgres_url as postgres_url  # noqa: PLC0414 - a fixture

NUMBERS = Table(
    "numbers",
    MetaData(),
    Column("side", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
)

FILL = """
WITH RECURSIVE counted(number) AS (
  SELECT 0 UNION ALL SELECT number + 1 FROM counted WHERE number < 69999
)
INSERT INTO numbers (side, number)
SELECT side, number FROM counted, (SELECT 'a' AS side UNION ALL SELECT 'b' AS side) AS sides
"""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database of each kind with 70,000 rows a side, which is more than one batch."""
    url = (
        f"sqlite:///{tmp_path}/a ?%23.db"
        if request.param == "sqlite"
        else str(request.getfixturevalue("postgres_url"))
    )
    made = Database(url)

    def write(connection: Connection) -> None:
        NUMBERS.create(connection)
        connection.execute(text(FILL))

    made.write_now(write)
    yield made
    made.write_now(NUMBERS.drop)
    made.close()


def of_side(side: str) -> Select[tuple[str, int]]:
    """Return the query of one side's rows; the value is written into it."""
    return select(NUMBERS.c.side, NUMBERS.c.number).where(NUMBERS.c.side == side)


async def test_all_rows_of_all_queries_come(database: Database) -> None:
    """Each query's rows come whole, with its place."""

    def work(_: Connection, columns: ColumnReader) -> list[tuple[int, str, int]]:
        queries = [of_side("a"), of_side("b"), of_side("none")]
        return [
            (place, side, number)
            for place, part in columns.read(queries)
            for side, number in zip(
                part["side"].to_pylist(), part["number"].to_pylist(), strict=True
            )
        ]

    found = sorted(await database.read_columns(work))
    assert [
        (place, side, number) for place, side in ((0, "a"), (1, "b")) for number in range(70_000)
    ] == found


async def test_columns_see_what_the_transaction_sees(database: Database) -> None:
    """What is written after it began is in neither."""

    def work(connection: Connection, columns: ColumnReader) -> tuple[int, int]:
        delete = text("DELETE FROM numbers WHERE number >= 5")
        writer = threading.Thread(target=database.write_now, args=(lambda c: c.execute(delete),))
        writer.start()
        writer.join()
        counted = connection.execute(text("SELECT count(*) FROM numbers")).scalar_one()
        return counted, sum(part.num_rows for _, part in columns.read([of_side("a"), of_side("b")]))

    assert (140_000, 140_000) == await database.read_columns(work)


async def test_a_query_that_fails_raises_and_leaves_no_thread(database: Database) -> None:
    """The driver's error comes out, and so does a reader that stops early."""
    before = threading.active_count()

    def fail(_: Connection, columns: ColumnReader) -> None:
        list(columns.read([select(text("nothing FROM nowhere"))]))

    with pytest.raises(Exception, match="nowhere"):
        await database.read_columns(fail)

    def stop(_: Connection, columns: ColumnReader) -> int:
        return next(part.num_rows for _, part in columns.read([of_side("a"), of_side("b")]))

    assert await database.read_columns(stop) > 0
    assert threading.active_count() <= before + 4  # the database's own readers
