"""Real node processes for benchmarks: made, bundled, served and stopped by the command line.

Every node has a directory of its own under one temporary folder, SQLite and mutual TLS on
loopback. Limits on calls are raised, since a benchmark is one caller that asks for more than any
system would.
"""

import json
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from clients.sdk.credentials import Profile
from clients.sdk.node import NodeClient

__all__ = ["UNLIMITED", "BenchNode", "nodes", "stop"]

UNLIMITED = {"calls_per_s_max": "1000000", "burst_calls_max": "1000000"}
"""Settings for one caller that asks for more than any system would."""

_START_TIMEOUT_S = 30
_DELTACARE = (sys.executable, "-m", "clients.cli.main")


@dataclass(kw_only=True)
class BenchNode:
    """A node of the benchmark; ``process`` is absent while it is stopped."""

    province: str
    directory: Path
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Serve, and return once it answers."""
        with (self.directory / "node.log").open("a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [*_DELTACARE, "--json", "node", "serve", str(self.directory)],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, (self.directory / "node.log").read_text(encoding="utf-8")

    def stop(self) -> None:
        """Let it drain and end."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=_START_TIMEOUT_S)
            self.process = None

    def profile(self, name: str = "system") -> Profile:
        """Return how one of its clients reaches it."""
        return Profile.load(self.directory / "clients", name=name)

    def client(self, name: str = "system") -> NodeClient:
        """Return one of its clients."""
        return NodeClient.of(self.profile(name))


def stop(running: Sequence[BenchNode]) -> None:
    """Stop nodes, in parallel."""
    for node in running:
        if node.process is not None:
            node.process.terminate()
    for node in running:
        node.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _run(*arguments: str) -> dict[str, object]:
    done = subprocess.run(
        [*_DELTACARE, "--json", "node", *arguments], check=True, capture_output=True, text=True
    )
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


@contextmanager
def nodes(
    *provinces: str, opening_date: str, settings: dict[str, str], serving: Sequence[str] = ()
) -> Iterator[dict[str, BenchNode]]:
    """Make a federation of all four provinces and serve some of its nodes.

    Args:
        provinces: Whose nodes are made ready to be served.
        opening_date: First business date of the settlement logs.
        settings: Values to put in place of a setting's line, by the name of the setting.
        serving: Whose nodes are started; all of ``provinces`` by default.
    """
    everyone = ("310000", "320000", "330000", "340000")
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        made = {
            province: BenchNode(province=province, directory=Path(temporary) / province)
            for province in everyone
        }
        stack.callback(lambda: stop(list(made.values())))
        for node in made.values():
            endpoint = f"127.0.0.1:{_free_port()}"
            _run("init", str(node.directory), "--province", node.province, "--endpoint", endpoint)
        cards = [word for node in made.values() for word in ("--member", str(node.directory))]
        keys = [word for node in made.values() for word in ("--sign", str(node.directory))]
        homes = [word for node in made.values() for word in ("--install", str(node.directory))]
        _run("bundle", *cards, *keys, *homes, "--opening-date", opening_date)
        for node in made.values():
            path = node.directory / "node.toml"
            text = path.read_text(encoding="utf-8")
            for name, value in settings.items():
                text, count = re.subn(rf"(?m)^#? ?{name} = .*$", f"{name} = {value}", text, count=1)
                assert count == 1, f"no setting {name}"
            path.write_text(text, encoding="utf-8")
        for province in serving or provinces:
            made[province].start()
        yield {province: made[province] for province in provinces}
