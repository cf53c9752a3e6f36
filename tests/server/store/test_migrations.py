"""Migrations make the tables that the code speaks of, on both databases."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from server.log import tables
from server.store.database import Database
from server.store.migrations import upgrade
from server.store.schema import metadata
from tests.support.postgres import postgres_url as postgres_url  # noqa: PLC0414 - a fixture

LOG_TABLES = {
    table.name
    for table in (
        tables.logs,
        tables.log_runs,
        tables.log_tiles,
        tables.checkpoints,
        tables.cosignatures,
        tables.freshness,
        tables.evidence,
        tables.submissions,
        tables.suite_lines,
        tables.void_entries,
        tables.requests,
    )
}


def differences(connection: Connection) -> list[object]:
    """Return how the log room's tables differ from the code's."""

    def is_ours(_thing: object, name: str | None, kind: str, *_: object) -> bool:
        return kind != "table" or name in LOG_TABLES

    context = MigrationContext.configure(connection, opts={"include_object": is_ours})
    return list(compare_metadata(context, metadata))


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_migrated_tables_are_those_of_the_code(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Autogeneration finds nothing to do, and a second upgrade changes nothing."""
    url = (
        f"sqlite:///{tmp_path}/node.db"
        if kind == "sqlite"
        else str(request.getfixturevalue("postgres_url"))
    )
    database = Database(url)
    database.write_now(upgrade)
    database.write_now(upgrade)
    found = database.write_now(differences)
    database.close()
    assert found == []
