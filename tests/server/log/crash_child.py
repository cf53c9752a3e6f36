"""Run as a process: append without end and print each answer once it is durable, until killed."""

import asyncio
import sys
from pathlib import Path

from deltacare.ids import LogName
from deltacare.v1.types_pb2 import Appended
from tests.support.nodes import FourNodes, Node, appending, record, request_uuid

LOG = LogName.settlement("310000", "320000")
BATCH = 40


async def _file(node: Node, number: int) -> None:
    entries = [record(f"S{number}-{i}", home="320000", host="310000") for i in range(BATCH)]
    write = appending([(LOG, entries)], request_id=request_uuid(number))
    answer = Appended.FromString(await node.logs.sequencer.submit(write))
    sys.stdout.write(f"answered {number} {answer.first_index} {answer.checkpoint.hex()} .\n")
    sys.stdout.flush()


async def _main(directory: Path) -> None:
    async with FourNodes.solo(directory) as node:
        number = 0
        while True:
            await asyncio.gather(*(_file(node, number + i) for i in range(4)))
            number += 4


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1])))
