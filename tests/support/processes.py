"""Node processes for tests of commands: the demonstration's, made without its commands.

Making keys by commands, under a passphrase that is dear to try, takes longer than what most tests
of running nodes look at; the demonstration is tested with all of that. Here the directories are
made in this process, under a cheap one, and from then on everything is what a province runs.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from click.testing import CliRunner

from clients.cli.main import main
from clients.demo.processes import Nodes
from clients.federation.repository import write_repository
from clients.sdk.credentials import Profile
from deltacare.trust import Account
from tests.support.federated import make_directories, make_offices

__all__ = ["running_nodes"]

_READY_S_MAX = 60.0
_LOOK_EVERY_S = 0.1


@contextmanager
def running_nodes(
    directory: Path,
    provinces: Sequence[str],
    *,
    opening_date: date,
    accounts: Mapping[str, Account] | None = None,
    before: Callable[[Nodes], None] = lambda _: None,
) -> Iterator[Nodes]:
    """Start a process for each province, and end them.

    Args:
        directory: Empty.
        provinces: The members.
        opening_date: The first business date.
        accounts: By province, into which others pay; none if not given.
        before: Called when the directories are there and nothing runs.

    Yields:
        The nodes, once all of them serve and take writes.
    """
    offices = make_offices(directory / "offices", provinces)
    made = make_directories(
        directory,
        provinces=provinces,
        offices=offices,
        registry_quorum=2,
        opening_date=opening_date,
        accounts=accounts,
    )
    ends = {
        each: Profile.load(path / "clients", name="system").endpoint for each, path in made.items()
    }
    ports = {each: int(end.rpartition(":")[2]) for each, end in ends.items()}
    nodes = Nodes(directory=directory, ports=ports)
    write_repository(nodes.published, offices.published)
    before(nodes)
    try:
        asyncio.run(nodes.start(*provinces))
        for province in provinces:
            status = ["node", "status", str(nodes.node_directory(province)), "--json"]
            end_s = time.monotonic() + _READY_S_MAX
            while CliRunner().invoke(main, status).exit_code:
                assert time.monotonic() < end_s, f"{province} is ready"
                time.sleep(_LOOK_EVERY_S)  # what starts needs the processor
        yield nodes
    finally:
        nodes.stop()
