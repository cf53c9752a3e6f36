"""Positions, now and at a past moment, and the cosigned checkpoints that rooms above pin."""

from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection

from deltacare.ids import LogName
from deltacare.tlog.checkpoint import SignedCheckpoint
from server.log.ports import Position
from tests.support.nodes import FourNodes, institution, until
from tests.support.ports import START_TIME

SHANGHAI, JIANGSU, ZHEJIANG, ANHUI = "310000", "320000", "330000", "340000"
REGISTRY = LogName.registry(SHANGHAI)
NOTHING = Position(
    size=0, quorum_size=0, quorum_time=None, fresh_time=None, stalled=False, forked=False
)


async def test_of_its_own_log_a_node_asks_neither_quorum_nor_age(
    tmp_path: Path, database_url: str
) -> None:
    """Size and quorum are one; the log is fresh now, and was at every past moment."""
    async with FourNodes.solo(tmp_path, urls={SHANGHAI: database_url}) as node:
        reader = node.logs.reader
        await node.append(REGISTRY, [institution("310000-1")])
        now = node._clock.advance(timedelta(hours=1))
        await node.append(REGISTRY, [institution("310000-2")])
        await reader.refresh()
        before = START_TIME + timedelta(minutes=1)
        past = await node.database.read(lambda c: reader.position_at(c, REGISTRY, before))
        first = START_TIME - timedelta(seconds=1)
        earlier = await node.database.read(lambda c: reader.position_at(c, REGISTRY, first))
        assert reader.position(REGISTRY) == Position(
            size=2, quorum_size=2, quorum_time=now, fresh_time=now, stalled=False, forked=False
        )
        assert past == Position(
            size=1,
            quorum_size=1,
            quorum_time=before,
            fresh_time=before,
            stalled=False,
            forked=False,
        )
        assert earlier.size == 0


async def test_a_log_that_is_not_held_has_no_position(tmp_path: Path) -> None:
    """Nothing is known of what others write for each other."""
    async with FourNodes.solo(tmp_path) as node:
        found = node.logs.reader.position(LogName.settlement(JIANGSU, ZHEJIANG))
    assert found == NOTHING


async def test_the_past_of_a_mirror_can_be_asked(tmp_path: Path) -> None:
    """Size, quorum and freshness are those that were stored at the moment."""
    async with FourNodes.open(tmp_path) as nodes:
        await nodes.confirmed()
        mirror = nodes[ANHUI]
        reader = mirror.logs.reader
        moments = []
        for number in range(3):
            moment = nodes.clock.advance(timedelta(minutes=10))
            await nodes[SHANGHAI].append(REGISTRY, [institution(f"310000-{number}")])
            await nodes[SHANGHAI].logs._author.freshen()
            await mirror.has_quorum(REGISTRY, number + 1)
            await until(
                lambda moment=moment: reader.position(REGISTRY).fresh_time == moment,
                what="freshness",
            )
            moments.append(moment)
        nodes.clock.advance(timedelta(minutes=10))

        def at(connection: Connection) -> list[Position]:
            return [reader.position_at(connection, REGISTRY, moment) for moment in moments]

        found = await mirror.database.read(at)
    assert found == [
        Position(
            size=number + 1,
            quorum_size=number + 1,
            quorum_time=moment,
            fresh_time=moment,
            stalled=False,
            forked=False,
        )
        for number, moment in enumerate(moments)
    ]


async def test_quorum_checkpoints_by_size(tmp_path: Path) -> None:
    """The newest, or the one of a size if it has its quorum; of own logs too."""
    async with FourNodes.open(tmp_path) as nodes:
        await nodes.confirmed()
        author = nodes[SHANGHAI]
        for number in (1, 2):
            await author.append(REGISTRY, [institution(f"310000-{number}")])
            for province in (SHANGHAI, ANHUI):
                await nodes[province].has_quorum(REGISTRY, number)
        for other in (JIANGSU, ZHEJIANG, ANHUI):
            nodes.network.cut(SHANGHAI, other)
        await author.append(REGISTRY, [institution("310000-3")])
        key = nodes.trust.log_keys(REGISTRY)[0].key
        for province in (SHANGHAI, ANHUI):
            reader = nodes[province].logs.reader
            notes = await nodes[province].database.read(
                lambda c, reader=reader: [
                    reader.quorum_checkpoint(c, REGISTRY, size) for size in (None, 1, 2, 3, 9)
                ]
            )
            sizes = [
                None if note is None else SignedCheckpoint.from_bytes(note, key).checkpoint.size
                for note in notes
            ]
            assert sizes == [2, 1, 2, None, None]


async def test_time_never_goes_back_in_a_log(tmp_path: Path) -> None:
    """A clock that is set back does not disturb what was known when."""
    async with FourNodes.solo(tmp_path) as node:
        await node.append(REGISTRY, [institution("310000-1")])
        node._clock.advance(timedelta(hours=-1))
        await node.append(REGISTRY, [institution("310000-2")])
        reader = node.logs.reader
        moment = START_TIME - timedelta(minutes=1)
        found = await node.database.read(lambda c: reader.position_at(c, REGISTRY, moment))
        later = await node.database.read(lambda c: reader.position_at(c, REGISTRY, START_TIME))
    assert (found.size, later.size) == (0, 2)
