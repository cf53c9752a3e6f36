"""From entries to rows: order, what is void, where it stops, and how it is done anew."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import structlog
from sqlalchemy import select

from deltacare.errors import Reason, Refusal
from deltacare.ids import LogName
from deltacare.v1.entry_pb2 import Entry
from server.log import tables
from server.log.ports import LogTx, Sequenced
from server.log.projection import RULE_EMPTY, RULE_ENVELOPE, RULE_UNREADABLE
from tests.support.liars import LyingAuthor
from tests.support.nodes import AnyProjector, FourNodes, institution, record

SHANGHAI, JIANGSU = "310000", "320000"
REGISTRY = LogName.registry(SHANGHAI)
PAIR = (SHANGHAI, JIANGSU)

# An entry of a body that no version of today knows: field 63, an empty message.
UNKNOWN = Entry(maker="sys-1").SerializeToString() + b"\xfa\x03\x00"


async def mirror(nodes: FourNodes, datas: list[bytes]) -> None:
    """Let the second node mirror a log of these bytes."""
    author = LyingAuthor(REGISTRY, datas, takes_cosignatures=True)
    nodes.network.services[SHANGHAI] = author
    await nodes[JIANGSU].start()
    await nodes[JIANGSU].holds(REGISTRY, len(datas))


async def void_rows(nodes: FourNodes) -> list[tuple[int, str]]:
    """Return what the second node holds void."""
    rows = tables.void_entries.c
    query = select(rows.entry_index, rows.rule).order_by(rows.entry_index)
    found = await nodes[JIANGSU].database.read(lambda c: c.execute(query).all())
    return [(row.entry_index, row.rule) for row in found]


def good(number: int) -> bytes:
    """Return the bytes of an entry that is understood."""
    return institution(f"310000-{number}").SerializeToString()


async def test_an_unknown_body_stops_the_projection_not_the_mirror(tmp_path: Path) -> None:
    """The log is held and cosigned to its end; its rows stop before the unknown entry."""
    nodes = FourNodes(tmp_path, provinces=PAIR)
    node = nodes[JIANGSU]
    try:
        await mirror(nodes, [good(0), good(1), UNKNOWN, good(3)])
        await node.has_quorum(REGISTRY, 4)
        position = node.logs.reader.position(REGISTRY)
        assert (position.size, position.stalled) == (4, True)
        (projector,) = node.projectors
        assert projector.seen[REGISTRY] == [(0, "institution"), (1, "institution")]  # type: ignore[attr-defined]
        assert await void_rows(nodes) == []
    finally:
        await node.stop()


async def test_a_version_that_knows_the_body_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """After an upgrade the rest is projected at start, once."""
    projectors = {p: AnyProjector({"institution"}) for p in PAIR}
    nodes = FourNodes(tmp_path, provinces=PAIR, projectors=lambda p: [projectors[p]])
    node = nodes[JIANGSU]
    datas = [good(0), record("S1", home=JIANGSU, host=SHANGHAI).SerializeToString(), good(2)]
    try:
        await mirror(nodes, datas)
        assert node.logs.reader.position(REGISTRY).stalled
        await node.stop()
        newer = AnyProjector()
        node.projectors = [newer]
        await node.start()
        assert not node.logs.reader.position(REGISTRY).stalled
        assert newer.seen[REGISTRY] == [(1, "settlement_record"), (2, "institution")]
    finally:
        await node.stop()


async def test_what_says_nothing_is_void_and_passed_over(tmp_path: Path) -> None:
    """Bytes that are no entry, and an entry without a body, are void by numbered rules."""
    nodes = FourNodes(tmp_path, provinces=PAIR)
    empty = Entry(maker="sys-1").SerializeToString()
    try:
        await mirror(nodes, [good(0), b"\xff\xff", empty, good(3)])
        position = nodes[JIANGSU].logs.reader.position(REGISTRY)
        assert (position.size, position.stalled) == (4, False)
        assert await void_rows(nodes) == [(1, RULE_UNREADABLE), (2, RULE_EMPTY)]
        (projector,) = nodes[JIANGSU].projectors
        assert [index for index, _ in projector.seen[REGISTRY]] == [0, 3]  # type: ignore[attr-defined]
    finally:
        await nodes[JIANGSU].stop()


async def test_projectors_see_entries_in_the_order_of_the_log(tmp_path: Path) -> None:
    """Two rooms that share a log take turns as its entries do, however they are cut."""
    order: list[tuple[str, int]] = []

    class Recording(AnyProjector):
        def __init__(self, name: str, body: str) -> None:
            super().__init__({body})
            self.name = name

        def project(self, tx: LogTx, log: LogName, entries: Sequence[Sequenced]) -> None:
            """Note who was given what."""
            del tx, log
            order.extend((self.name, e.index) for e in entries)

    rooms = [Recording("registry", "institution"), Recording("settlement", "settlement_record")]
    entries = [
        institution("310000-1"),
        record("S1", home=JIANGSU, host=SHANGHAI),
        record("S2", home=JIANGSU, host=SHANGHAI),
        institution("310000-2"),
    ]
    async with FourNodes.solo(tmp_path, projectors=lambda _: rooms) as node:
        await node.append(REGISTRY, entries)
    assert order == [("registry", 0), ("settlement", 1), ("settlement", 2), ("registry", 3)]


async def test_a_rebuild_forgets_and_projects_anew(tmp_path: Path, database_url: str) -> None:
    """Every row of the log comes again, in order, and no other log is touched."""
    other = LogName.settlement(SHANGHAI, JIANGSU)
    projector = AnyProjector()
    options = {"urls": {SHANGHAI: database_url}, "projectors": lambda _: [projector]}
    async with FourNodes.solo(tmp_path, **options) as node:
        for first in (0, 1_500):
            rows = [institution(f"310000-{first + n}") for n in range(1_500)]
            await node.append(REGISTRY, rows)
        await node.append(other, [institution("310000-1")])
        projector.seen[REGISTRY].append((-1, "garbage"))
        await node.logs.rebuild(REGISTRY)
        assert [index for index, _ in projector.seen[REGISTRY]] == list(range(3_000))
        assert len(projector.seen[other]) == 1
        assert await node.append(REGISTRY, [institution("310000-9")]) == 3_000


async def test_a_node_does_not_write_over_entries_it_does_not_know(tmp_path: Path) -> None:
    """An older version started on a newer one's database refuses to append."""
    nodes = FourNodes(tmp_path)
    node = nodes[SHANGHAI]
    try:
        await node.start(write_unconfirmed=True)
        await node.append(REGISTRY, [institution("310000-1")])
        await node.stop()
        node.projectors = [AnyProjector({"settlement_record"})]
        await node.start()
        position = node.logs.reader.position(REGISTRY)
        assert not position.stalled, "what was projected stays projected"
        await node.logs.rebuild(REGISTRY)
        assert node.logs.reader.position(REGISTRY).stalled
        with pytest.raises(Refusal) as caught:
            await node.append(REGISTRY, [record("S1", home=JIANGSU, host=SHANGHAI)])
        assert caught.value.reason is Reason.LOG_STALLED
    finally:
        await node.stop()


class Breaking(AnyProjector):
    """Writes a row for each institution, and breaks on one of them."""

    def project(self, tx: LogTx, log: LogName, entries: Sequence[Sequenced]) -> None:
        """Void what is understood, so that a row is there to be undone."""
        for item in entries:
            tx.void(log, item.index, "SEEN")
            if item.entry.institution.approved_beds == 13:
                raise OverflowError("an integer too large for SQL")
        super().project(tx, log, entries)


async def test_a_projector_that_breaks_stops_the_projection_not_the_mirror(tmp_path: Path) -> None:
    """What came before the entry is in rows, nothing of it is, and the log is held and cosigned."""
    nodes = FourNodes(tmp_path, provinces=PAIR, projectors=lambda _: [Breaking()])
    node = nodes[JIANGSU]
    bad = institution("310000-2", beds=13).SerializeToString()
    try:
        with structlog.testing.capture_logs() as logs:
            await mirror(nodes, [good(0), good(1), bad, good(3)])
            await node.has_quorum(REGISTRY, 4)
        position = node.logs.reader.position(REGISTRY)
        assert (position.size, position.stalled) == (4, True)
        assert await void_rows(nodes) == [(0, "SEEN"), (1, "SEEN")]
        (alarm,) = [each for each in logs if each["event"] == "projection_broke"]
        assert (alarm["log"], alarm["index"]) == (str(REGISTRY), 2)
        await node.stop()
        node.projectors = [AnyProjector()]
        await node.start()
        assert not node.logs.reader.position(REGISTRY).stalled, "mended, it goes on"
        (mended,) = node.projectors
        assert [index for index, _ in mended.seen[REGISTRY]] == [2, 3]  # type: ignore[attr-defined]
    finally:
        await node.stop()


async def test_an_entry_whose_time_or_people_cannot_be_kept_is_void(tmp_path: Path) -> None:
    """Seconds and nanoseconds out of range, and NUL in a name, are void; the log goes on."""
    nodes = FourNodes(tmp_path, provinces=PAIR)
    bad = [institution("310000-1") for _ in range(6)]
    bad[0].entry_time.seconds = 2**62
    bad[1].entry_time.seconds = -1
    bad[2].entry_time.nanos = -1
    bad[3].entry_time.nanos = 1_000_000_000
    bad[4].maker = "a\0b"
    bad[5].reviewer = "\0"
    datas = [good(0), *(each.SerializeToString() for each in bad), good(7)]
    try:
        await mirror(nodes, datas)
        assert await void_rows(nodes) == [(index, RULE_ENVELOPE) for index in range(1, 7)]
        assert not nodes[JIANGSU].logs.reader.position(REGISTRY).stalled
    finally:
        await nodes[JIANGSU].stop()
