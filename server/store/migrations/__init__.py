"""Alembic's migrations, from the first table on; ``upgrade`` brings a database to the newest."""

from sqlalchemy import Connection, text

__all__ = ["upgrade"]

# Any number that no other program of this database uses.
_LOCK_KEY = 310_320_330_340


def upgrade(connection: Connection) -> None:
    """Bring the database to the newest revision, inside the caller's transaction."""
    from alembic import command
    from alembic.config import Config

    if connection.dialect.name == "postgresql":
        # Replicas start together: one migrates and the others find it done.
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
    config = Config()
    config.set_main_option("script_location", "server.store:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
