"""The room's tables as migrated are those of the code, on both databases."""

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from server.store.database import Database
from server.store.schema import metadata
from server.supervision import tables

OURS = {table.name for table in (tables.inspections, tables.measures, tables.reports)}


def differences(connection: Connection) -> list[object]:
    """Return how the room's tables differ from the code's."""

    def is_ours(_thing: object, name: str | None, kind: str, *_: object) -> bool:
        return kind != "table" or name in OURS

    context = MigrationContext.configure(connection, opts={"include_object": is_ours})
    return list(compare_metadata(context, metadata))


def test_migrated_tables_are_those_of_the_code(database: Database) -> None:
    """Autogeneration finds nothing to do."""
    assert [] == database.write_now(differences)
