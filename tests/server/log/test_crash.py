"""A node that is killed between writes: what was answered is there, and nothing is half there."""

import subprocess
import sys
from pathlib import Path

import pytest

from deltacare.ids import LogName
from deltacare.tlog.checkpoint import SignedCheckpoint
from deltacare.tlog.tree import root_of
from deltacare.v1.entry_pb2 import Entry
from deltacare.v1.types_pb2 import Appended
from tests.support.nodes import FourNodes, appending, record, request_uuid

LOG = LogName.settlement("310000", "320000")
BATCH = 40
ROOT = Path(__file__).parents[3]


@pytest.mark.slow
async def test_what_was_answered_survives_a_kill(tmp_path: Path) -> None:
    """SIGKILL at five moments: every answer stands, every batch is whole, repeats repeat."""
    answered: dict[int, tuple[int, bytes]] = {}
    for kill_after in (3, 9, 17, 4, 11):
        directory = tmp_path / str(kill_after)
        directory.mkdir()
        answered = _run_and_kill(directory, kill_after)
        async with FourNodes.solo(directory) as node:
            size = node.logs.reader.position(LOG).size
            read = node.logs.reader.entries
            datas = await node.database.read(lambda c, read=read, n=size: read(c, LOG, 0, n))
            rows = [Entry.FromString(data).settlement_record.settlement_no for data in datas]
            assert size % BATCH == 0
            for number, (first, note) in answered.items():
                batch = [f"S{number}-{i}" for i in range(BATCH)]
                assert rows[first : first + BATCH] == batch
                signed = SignedCheckpoint.from_bytes(note, node._trust.log_keys(LOG)[0].key)
                assert signed.checkpoint.root == root_of(datas[: signed.checkpoint.size])
            number, (first, note) = next(iter(answered.items()))
            entries = [record(f"S{number}-{i}", home="320000", host="310000") for i in range(BATCH)]
            repeat = appending([(LOG, entries)], request_id=request_uuid(number))
            answer = Appended.FromString(await node.logs.sequencer.submit(repeat))
            assert (answer.first_index, answer.checkpoint) == (first, note)
            assert node.logs.reader.position(LOG).size == size


def _run_and_kill(directory: Path, kill_after: int) -> dict[int, tuple[int, bytes]]:
    """Return what a child answered before it was killed in the middle of its work."""
    child = Path(__file__).with_name("crash_child.py")
    answered: dict[int, tuple[int, bytes]] = {}
    process = subprocess.Popen(
        [sys.executable, str(child), str(directory)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            answered.update(_parse(line))
            if len(answered) == kill_after:
                break
    finally:
        process.kill()
        rest, _ = process.communicate()
    for line in rest.splitlines():
        answered.update(_parse(line))
    return answered


def _parse(line: str) -> dict[int, tuple[int, bytes]]:
    """Return the answer that a whole line of the child states, if it states one."""
    match line.split():
        case ["answered", number, first, note, "."]:
            return {int(number): (int(first), bytes.fromhex(note))}
        case _:
            return {}
