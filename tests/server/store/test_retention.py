"""Every table has a retention class, every class a table, and the document says the same."""

from importlib import import_module
from pathlib import Path

from sqlalchemy import inspect

from server.store.database import Database
from server.store.migrations import upgrade
from server.store.retention import RETENTION, RETENTION_CLASSES, retention_markdown
from server.store.schema import metadata

ROOT = Path(__file__).resolve().parents[3]


def test_every_table_has_a_class() -> None:
    """No table is kept without a period and a reason, and none is named that does not exist."""
    for path in sorted((ROOT / "server").glob("*/*tables.py")):
        import_module(f"server.{path.parent.name}.{path.stem}")
    assert sorted(metadata.tables) == sorted(RETENTION)


def test_every_table_of_a_database_has_a_class(tmp_path: Path) -> None:
    """What the migrations make is what has a class, beside the tool's own table of versions."""
    database = Database(f"sqlite:///{tmp_path}/node.db", readers=1)
    try:
        database.write_now(upgrade)
        names = database.read_now(lambda connection: inspect(connection).get_table_names())
    finally:
        database.close()
    assert {*RETENTION, "alembic_version"} == set(names)


def test_every_class_is_used_and_says_all() -> None:
    """A class says period, reason and end in both languages."""
    assert {each.name for each in RETENTION_CLASSES} == {each.name for each in RETENTION.values()}
    for each in RETENTION_CLASSES:
        said = (each.period_zh, each.reason_zh, each.ended_zh)
        assert all(any("\u4e00" <= char <= "\u9fff" for char in text) for text in said), each.name
        assert all((each.period_en, each.reason_en, each.ended_en)), each.name


def test_the_document_is_written_from_it() -> None:
    """`docs/retention.md` is what the program writes."""
    assert (ROOT / "docs" / "retention.md").read_text(encoding="utf-8") == retention_markdown()
