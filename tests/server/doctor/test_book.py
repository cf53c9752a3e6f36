"""Tests of reading a node's database beside the node: whole, damaged, of other versions."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from deltacare.ids import LogName
from deltacare.keys import WitnessSigner
from deltacare.tlog.tree import EMPTY_ROOT
from deltacare.trust import KeyTerm, witness_key_name
from server.doctor.book import Book
from server.doctor.files import NodeFiles
from server.doctor.findings import Check, Level, Side
from server.doctor.store import Access, check_database
from server.store.database import Database
from server.store.migrations import upgrade
from tests.server.doctor.conftest import INSTITUTIONS, Examined
from tests.support.federation import make_trust, seed

OURS, THEIRS = "310000", "320000"
LOG = LogName.registry(OURS)


def present() -> datetime:
    """Return the present instant."""
    return datetime.now(tz=UTC)


@pytest.fixture
def copied(examined: Examined, tmp_path: Path) -> Examined:
    """Return the nodes, ours by a copy of its directory that may be spoilt."""
    examined.until_well()
    copy = tmp_path / OURS
    shutil.copytree(examined.ours, copy, ignore=shutil.ignore_patterns("node.sqlite*"))
    with (
        closing(sqlite3.connect(examined.ours / "node.sqlite")) as source,
        closing(sqlite3.connect(copy / "node.sqlite")) as target,
    ):
        source.backup(target)
    return replace(examined, ours=copy)


def change(nodes: Examined, sql: str) -> None:
    """Change our database."""
    with closing(sqlite3.connect(nodes.ours / "node.sqlite")) as connection, connection:
        assert connection.execute(sql).rowcount > 0


def codes(nodes: Examined, check: Check) -> list[tuple[Level, str, Side | None]]:
    """Return the lines of a check that want somebody to act."""
    return [
        (each.level, each.code, each.side)
        for each in nodes.report().findings
        if each.check is check and each.level
    ]


def test_logs(copied: Examined) -> None:
    """Every log held is read with its size, its root and who cosigned it."""
    files = NodeFiles.of(copied.ours)
    federation = files.trust().statement.federation
    book = Book(files.config.database_url)
    logs = {held.log: held for held in book.logs(federation, now=present())}
    assert {
        LOG,
        LogName.audit(OURS),
        LogName.settlement(OURS, THEIRS),
        LogName.registry(THEIRS),
        LogName.settlement(THEIRS, OURS),
    } == set(logs)
    held = logs[LOG]
    assert INSTITUTIONS == held.size
    assert held.root == book.root(LOG, INSTITUTIONS)
    assert {OURS, THEIRS} == set(held.cosigned)
    assert EMPTY_ROOT == book.root(LOG, 0)
    assert held.root != book.root(LOG, 1)
    book.close()


def test_a_bad_key_cosigned_nothing(copied: Examined) -> None:
    """Cosignatures by a key that its owner declared bad are not counted."""
    files = NodeFiles.of(copied.ours)
    federation = files.trust().statement.federation
    name = witness_key_name(THEIRS)
    member = federation.member(THEIRS)
    (term,) = member.terms(name)
    now = term.from_time + timedelta(days=1)
    successor = WitnessSigner(name=name, seed=seed("successor")).verifier
    spoilt = replace(
        member,
        keys=(
            *(each for each in member.keys if each != term),
            replace(term, tainted_time=now),
            KeyTerm(key=successor, from_time=now),
        ),
    )
    members = (federation.member(OURS), spoilt)
    book = Book(files.config.database_url)
    stated = replace(federation, members=members)
    logs = {held.log: held for held in book.logs(stated, now=present())}
    book.close()
    assert {OURS} == set(logs[LOG].cosigned)


def test_nothing_is_written(copied: Examined) -> None:
    """Reading leaves the file as it is, and writing is impossible."""
    path = copied.ours / "node.sqlite"
    before = path.read_bytes()
    book = Book(f"sqlite:///{path}")
    seen = book.look()
    assert (Access.READ, ()) == (seen.access, seen.damage)
    with (
        pytest.raises(Exception, match="readonly"),
        book._reading() as connection,
    ):
        connection.execute(text("DELETE FROM logs"))
    book.close()
    assert before == path.read_bytes()


def test_another_history(copied: Examined) -> None:
    """A tree of ours that is not the one the partner has is found by its root."""
    hashes = f"zeroblob({INSTITUTIONS} * 32)"
    log_id = f"(SELECT log_id FROM logs WHERE name = '{LOG}')"
    change(copied, f"UPDATE log_tiles SET hashes = {hashes} WHERE log_id = {log_id}")
    assert [(Level.BAD, "FORK", Side.OURS)] == codes(copied, Check.LOGS)


def test_a_tree_that_is_not_whole(copied: Examined) -> None:
    """Missing tiles are our database's fault and nobody's fork."""
    log_id = f"(SELECT log_id FROM logs WHERE name = '{LOG}')"
    change(copied, f"DELETE FROM log_tiles WHERE log_id = {log_id}")
    assert [(Level.BAD, "OWN_TREE_UNREADABLE", Side.OURS)] == codes(copied, Check.LOGS)


def test_fork_and_stall_are_told(copied: Examined) -> None:
    """What the node itself has noted of a log is told."""
    change(copied, f"UPDATE logs SET is_forked = 1 WHERE name = 'deltacare/{THEIRS}/registry'")
    change(copied, f"UPDATE logs SET is_stalled = 1 WHERE name = '{LOG}'")
    assert [(Level.BAD, "LOG_STALLED", Side.OURS), (Level.BAD, "FORK_KNOWN", Side.PARTNER)] == (
        codes(copied, Check.LOGS)
    )


def test_cosignatures_gone(copied: Examined) -> None:
    """Without the partner's cosignatures there is no quorum, and the partner is named."""
    change(copied, f"DELETE FROM cosignatures WHERE witness = 'deltacare/{THEIRS}/witness'")
    assert (Level.BAD, "NO_QUORUM", Side.PARTNER) in codes(copied, Check.COSIGNATURES)


def test_cosignatures_from_the_future(copied: Examined) -> None:
    """What was signed by a clock that is ahead is told, whoever signed it."""
    later = f"cosigned_time = cosigned_time + {3 * 86_400 * 1_000_000}"
    change(copied, f"UPDATE cosignatures SET {later} WHERE witness = 'deltacare/{THEIRS}/witness'")
    found = codes(copied, Check.COSIGNATURES)
    assert {(Level.BAD, "COSIGNATURE_FROM_FUTURE", Side.PARTNER)} == set(found)
    change(copied, f"UPDATE cosignatures SET {later} WHERE witness = 'deltacare/{OURS}/witness'")
    found = codes(copied, Check.COSIGNATURES)
    assert (Level.BAD, "COSIGNATURE_FROM_FUTURE", Side.OURS) in found


def test_a_checkpoint_that_nobody_cosigns(copied: Examined) -> None:
    """A partner that answers and does not cosign our newest checkpoint is told, in time."""
    log_id = f"log_id = (SELECT log_id FROM logs WHERE name = '{LOG}')"
    change(copied, f"DELETE FROM cosignatures WHERE size = {INSTITUTIONS} AND {log_id}")
    first = INSTITUTIONS - 1
    change(copied, f"UPDATE logs SET quorum_size = {first} WHERE {log_id}")
    for minutes, expected in ((5, []), (20, [(Level.WARN, "NOT_COSIGNED", Side.PARTNER)])):
        stored = int((present() - timedelta(minutes=minutes)).timestamp() * 1_000_000)
        change(
            copied,
            f"UPDATE checkpoints SET quorum_time = NULL, stored_time = {stored}"
            f" WHERE size = {INSTITUTIONS} AND {log_id}",
        )
        assert expected == codes(copied, Check.COSIGNATURES)


def test_absent(copied: Examined) -> None:
    """A database that is not there is told from one that cannot be read."""
    (copied.ours / "node.sqlite").unlink()
    assert [(Level.WARN, "DATABASE_ABSENT", Side.OURS)] == codes(copied, Check.DATABASE)


def test_damaged(copied: Examined) -> None:
    """Pages that were overwritten are found; a file that is no database is told as such."""
    path = copied.ours / "node.sqlite"
    data = bytearray(path.read_bytes())
    data[8_192 : len(data) - 8_192] = bytes(len(data) - 16_384)
    path.write_bytes(data)
    assert (Level.BAD, "DATABASE_DAMAGED", Side.OURS) in codes(copied, Check.DATABASE)
    path.write_bytes(b"no database" * 1_000)
    assert (Level.BAD, "DATABASE_DAMAGED", Side.OURS) in codes(copied, Check.DATABASE)


@pytest.mark.parametrize(
    "revision, expected",
    [
        ("0001", (Level.WARN, "DATABASE_OLDER", Side.OURS)),
        ("9999", (Level.BAD, "DATABASE_NEWER", Side.OURS)),
    ],
)
def test_other_versions(copied: Examined, revision: str, expected: tuple[Level, str, Side]) -> None:
    """Tables of an older program are brought up by a start; a newer one's are not touched."""
    change(copied, f"UPDATE alembic_version SET version_num = '{revision}'")
    assert [expected] == codes(copied, Check.DATABASE)


@pytest.mark.postgres
def test_postgresql(postgres_url: str) -> None:
    """A server's database is read, measured and never written; one out of reach is told."""
    database = Database(postgres_url, readers=1)
    database.write_now(upgrade)
    database.close()
    book = Book(postgres_url)
    seen = book.look()
    assert (Access.READ, None) == (seen.access, seen.damage)
    assert seen.size_bytes > 1_000_000
    assert [Level.OK] == [each.level for each in check_database(seen, directory="/n")]
    assert [] == book.logs(make_trust(), now=present())
    with (
        pytest.raises(Exception, match="read-only transaction"),
        book._reading() as connection,
    ):
        connection.execute(text("DELETE FROM logs"))
    book.close()
    gone = Book("postgresql://node:hushed@127.0.0.1:1/delta")
    seen = gone.look()
    assert (Access.UNREACHABLE, "127.0.0.1:1/delta") == (seen.access, seen.place)
    (found,) = check_database(seen, directory="/n")
    assert "hushed" not in str(found)
