"""Run as a process: four nodes, an open door at one whose witness is settled, until killed.

What the killed process leaves is that node's database; the others are only there to settle it.
"""

import asyncio
import sys
from pathlib import Path

from deltacare.ids import LogName
from tests.support.http import open_door
from tests.support.nodes import FourNodes

WITNESS = "320000"
LOG = LogName.registry("310000")


async def _main(directory: Path) -> None:
    async with FourNodes.open(directory) as nodes, open_door(nodes[WITNESS]) as door:
        await nodes.confirmed()
        await door.settled(LOG)
        sys.stdout.write(f"port {door.port} .\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1])))
