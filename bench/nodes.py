"""Real node processes for benchmarks, with limits that one busy caller does not reach.

They are made and run as the demonstration runs its nodes: a directory, keys, CA and SQLite
file each, one process each, mutual TLS on loopback.
"""

import asyncio
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from clients.demo.processes import Nodes, make_nodes
from clients.demo.scenario import PROVINCES
from clients.sdk.node import NodeClient
from deltacare.times import business_date

__all__ = ["client", "configure", "nodes", "start"]

_UNLIMITED = {"calls_per_s_max": "1000000", "burst_calls_max": "1000000"}


def client(running: Nodes, province: str) -> NodeClient:
    """Return a client of a node, as its civil-affairs system."""
    return NodeClient.of(running.profile(province))


@contextmanager
def nodes(*provinces: str, write_unconfirmed: bool = False) -> Iterator[Nodes]:
    """Make a federation of all four provinces, serve some of its nodes, and stop them.

    Args:
        provinces: Whose nodes are started.
        write_unconfirmed: Whether nodes write without having asked their partners.
    """
    opening = business_date(datetime.now(UTC)) - timedelta(days=1)
    with tempfile.TemporaryDirectory() as temporary:
        made = asyncio.run(make_nodes(Path(temporary), PROVINCES, opening_date=opening))
        configure(made, provinces, write_unconfirmed=write_unconfirmed)
        try:
            start(made, provinces)
            yield made
        finally:
            made.stop()


def configure(made: Nodes, provinces: Sequence[str], *, write_unconfirmed: bool) -> None:
    """Lift the limits of nodes that do not run yet.

    Args:
        made: The federation.
        provinces: Whose nodes.
        write_unconfirmed: Whether they write without having asked their partners.
    """
    settings = {**_UNLIMITED, "write_unconfirmed": str(write_unconfirmed).lower()}
    for province in provinces:
        _set(made.node_directory(province) / "node.toml", settings)


def start(made: Nodes, provinces: Sequence[str]) -> None:
    """Start nodes and wait until they serve."""
    asyncio.run(made.start(*provinces))


def _set(path: Path, settings: dict[str, str]) -> None:
    """Change settings in a node's configuration."""
    text = path.read_text(encoding="utf-8")
    for name, value in settings.items():
        text, count = re.subn(rf"(?m)^(# )?{name} = .*$", f"{name} = {value}", text)
        assert count == 1, f"no setting {name}"
    path.write_text(text, encoding="utf-8")
