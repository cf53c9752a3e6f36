"""Run as a process: disclose without end and print each disclosure once it may be made."""

import asyncio
import sys
from pathlib import Path

from tests.server.audit.support import OWN, disclosing, projectors, recorder
from tests.support.nodes import FourNodes


async def _main(directory: Path) -> None:
    nodes = FourNodes(directory, projectors=projectors)
    await nodes[OWN].start(write_unconfirmed=True)
    audit = recorder(nodes[OWN], nodes.clock)

    async def disclose(number: int) -> None:
        await audit.disclose(disclosing(number, nodes.clock))
        sys.stdout.write(f"disclosed {number} .\n")
        sys.stdout.flush()

    number = 0
    while True:
        await asyncio.gather(*(disclose(number + offset) for offset in range(5)))
        number += 5


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1])))
