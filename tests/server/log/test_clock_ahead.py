"""A witness whose clock was ahead for a while: what it signed then, and how it is made good."""

from datetime import timedelta
from pathlib import Path

import pytest

from deltacare.errors import Reason, Refusal
from deltacare.ids import LogName
from deltacare.tlog.checkpoint import SignedCheckpoint
from deltacare.tlog.cosignature import verify_cosignatures
from tests.support.nodes import FourNodes, institution, record, until
from tests.support.ports import START_TIME, ManualClock

SHANGHAI, ANHUI = "310000", "340000"
PAIR = LogName.settlement(SHANGHAI, ANHUI)
OWN = LogName.registry(ANHUI)
AHEAD = timedelta(days=3)


async def test_a_cosignature_from_the_future_is_made_anew(tmp_path: Path) -> None:
    """Once its clock is right a witness cosigns the same checkpoint again, and all goes on."""
    nodes = FourNodes(tmp_path, provinces=(SHANGHAI, ANHUI))
    author, witness = nodes[SHANGHAI], nodes[ANHUI]
    clock = ManualClock(START_TIME + AHEAD)
    witness._clock = clock
    try:
        await author.start(write_unconfirmed=True)
        await witness.start(write_unconfirmed=True)
        # 1. The author refuses what the witness signs, again and again.
        await author.append(PAIR, [record("S1", home=ANHUI, host=SHANGHAI)], alone=True)
        await witness.append(OWN, [institution("340000-1")])
        calls = nodes.network.calls
        await until(lambda: calls[ANHUI, SHANGHAI, "add_cosignature"] >= 3, what="a refusal")
        assert 0 == author.logs._board.heads[PAIR].quorum_size
        # 2. The clock is set right.
        await witness.stop()
        clock.advance(-AHEAD)
        await witness.start(write_unconfirmed=True)
        await author.has_quorum(PAIR, 1)
        read = witness.logs.reader.quorum_checkpoint
        note = await witness.database.read(lambda c: read(c, PAIR))
        assert note is not None
        signed = SignedCheckpoint.from_bytes(note, nodes.trust.log_keys(PAIR)[0].key)
        found = verify_cosignatures(signed, [nodes.trust.witness_keys(ANHUI)[0].key])
        assert [START_TIME] == [each.time for each in found]
        # 3. What it says of its own log is of the present too.
        own = witness.logs._board.heads[OWN]
        assert START_TIME == own.fresh_time
        await author.holds(OWN, 1)
        await until(
            lambda: author.logs.reader.position(OWN).fresh_time == START_TIME, what="freshness"
        )
        # 4. And the pair goes on.
        await author.append(PAIR, [record("S2", home=ANHUI, host=SHANGHAI)])
        await author.has_quorum(PAIR, 2)
    finally:
        for node in nodes.nodes.values():
            await node.stop()


async def test_nothing_is_signed_while_the_clock_is_known_to_be_wrong(tmp_path: Path) -> None:
    """No write, no cosignature, no word on own logs; once the clock is right, each by itself."""
    nodes = FourNodes(tmp_path, provinces=(SHANGHAI, ANHUI))
    author, witness = nodes[SHANGHAI], nodes[ANHUI]
    try:
        await author.start(write_unconfirmed=True)
        await witness.start(write_unconfirmed=True)
        await witness.append(OWN, [institution("340000-1")])
        await author.holds(OWN, 1)
        witness.is_clock_off = True
        for entry in ("340000-2", "340000-3"):
            with pytest.raises(Refusal) as caught:
                await witness.append(OWN, [institution(entry)])
            assert Reason.STALE is caught.value.reason
        before = nodes.network.calls[ANHUI, SHANGHAI, "add_cosignature"]
        await author.append(PAIR, [record("S1", home=ANHUI, host=SHANGHAI)])
        await witness.holds(PAIR, 1)
        fresh_time = witness.logs._board.heads[OWN].fresh_time
        nodes.clock.advance(timedelta(minutes=5))
        await witness.logs._author.freshen()
        assert fresh_time == witness.logs._board.heads[OWN].fresh_time
        assert before == nodes.network.calls[ANHUI, SHANGHAI, "add_cosignature"]
        # What is told of reads is written still.
        assert 0 == await witness.append(
            LogName.audit(ANHUI), [record("A", home=ANHUI, host=SHANGHAI)]
        )
        witness.is_clock_off = False
        await author.has_quorum(PAIR, 1)
        assert 1 == await witness.append(OWN, [institution("340000-2")])
    finally:
        for node in nodes.nodes.values():
            await node.stop()
