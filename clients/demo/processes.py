"""The four nodes as processes: made, started, killed, started again, and stopped whatever happens.

Every node is what a province would run: its own directory, keys, CA and SQLite file, one process,
mTLS on a loopback port. Nothing of the server is imported here; the program is run.
"""

import asyncio
import json
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import IO, Any

from clients.federation.cards import MemberCard
from clients.federation.ceremony import open_base, propose_first
from clients.federation.office import Office, init_office
from clients.federation.repository import install, read_published, write_repository
from clients.sdk.credentials import Profile
from clients.vault import write_new
from deltacare.errors import DeltacareError, Reason, Unavailable
from deltacare.trust import Account, Federation
from deltacare.trust.roles import statement_threshold

__all__ = ["Nodes", "make_nodes"]

_START_S_MAX = 60.0
_STOP_S_MAX = 10.0
_TAIL_BYTES = 4_000
CLIENTS = "clients"
_OPENS_KEYS_FILE = "passphrase"
PUBLISHED_DIRECTORY = "federation"
_OFFICES = "offices"
_PASSPHRASE_BYTES = 24


@dataclass(slots=True, kw_only=True)
class _Process:
    """One running node."""

    process: "subprocess.Popen[bytes]"
    log: IO[bytes]

    def end(self, *, at_once: bool) -> None:
        """Stop it; give it time to drain unless it is to die at once."""
        if self.process.poll() is None:
            if at_once:
                self.process.kill()
            else:
                self.process.terminate()
        try:
            self.process.wait(_STOP_S_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(_STOP_S_MAX)
        if self.process.stdin is not None:
            with suppress(OSError):
                self.process.stdin.close()
        self.log.close()


@dataclass(slots=True, kw_only=True)
class Nodes:
    """The nodes of a demonstration.

    Attributes:
        directory: Working directory; each node has one in it.
        ports: Port of each province's node.
    """

    directory: Path
    ports: Mapping[str, int]
    _running: dict[str, _Process] = field(default_factory=dict)

    def node_directory(self, province: str) -> Path:
        """Return the directory of a province's node."""
        return self.directory / province

    def profile(self, province: str, name: str = "system") -> Profile:
        """Return a client's profile at a province's node."""
        return Profile.load(self.node_directory(province) / CLIENTS, name=name)

    @property
    def published(self) -> Path:
        """The federation's metadata as the four offices published it."""
        return self.directory / PUBLISHED_DIRECTORY

    def trust(self) -> Federation:
        """Return the federation as it was published, verified from its first root."""
        return open_base(read_published(self.published)).federation

    async def start(self, *provinces: str) -> None:
        """Start nodes and wait until each serves.

        Raises:
            Unavailable: If one ends, or does not serve in time; its last words are in the message.
        """
        for province in provinces:
            self._spawn(province)
        await asyncio.gather(*(self._wait(province) for province in provinces))

    def _spawn(self, province: str) -> None:
        assert province not in self._running, "a node runs once"
        log = (self.directory / f"{province}.log").open("ab")
        process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
            [
                sys.executable,
                "-m",
                "clients.cli.child",
                "node",
                "serve",
                str(self.node_directory(province)),
                "--json",
            ],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            start_new_session=True,  # an interrupt at the terminal is ours to hand on
        )
        self._running[province] = _Process(process=process, log=log)

    async def _wait(self, province: str) -> None:
        """Wait until a node accepts connections."""
        clock = asyncio.get_running_loop().time
        end_s = clock() + _START_S_MAX
        running = self._running[province]
        while clock() < end_s:
            if running.process.poll() is not None:
                break
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.ports[province])
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
            return
        raise Unavailable(
            Reason.PEER_UNREACHABLE,
            f"The node of {province} does not serve. Its last words:\n{self._tail(province)}",
        )

    def _tail(self, province: str) -> str:
        with (self.directory / f"{province}.log").open("rb") as log:
            log.seek(0, os.SEEK_END)
            log.seek(max(0, log.tell() - _TAIL_BYTES))
            return log.read().decode(errors="replace")

    def kill(self, province: str) -> None:
        """End a node as a power cut would."""
        self._running.pop(province).end(at_once=True)

    def stop(self) -> None:
        """Stop every node; returns when all are gone."""
        running, self._running = dict(self._running), {}
        for node in running.values():
            if node.process.poll() is None:
                node.process.terminate()
        for node in running.values():
            node.end(at_once=False)


async def make_nodes(
    directory: Path,
    provinces: Sequence[str],
    *,
    opening_date: date,
    suite: str | None = None,
    accounts: Mapping[str, Account] | None = None,
) -> Nodes:
    """Initialise the nodes and hold the ceremony that joins them: three of four offices sign.

    Everything private is encrypted under one passphrase, in a file of the working directory that
    goes with the demonstration.

    Args:
        directory: Working directory, empty.
        provinces: Six digits each.
        opening_date: First date that settlement logs close.
        suite: The second suite in which the nodes sign as well; ``None`` for none.
        accounts: By province, into which others pay; none by default.

    Raises:
        DeltacareError: If a command fails; its message is passed on.
    """
    ports = _free_ports(provinces)
    secret = secrets.token_urlsafe(_PASSPHRASE_BYTES).encode()
    write_new(directory / _OPENS_KEYS_FILE, secret, private=True)
    # 1. Each province makes its node.
    await asyncio.gather(
        *(
            _run(
                *("node", "init", str(directory / province), "--province", province),
                *("--endpoint", f"127.0.0.1:{ports[province]}"),
                *("--passphrase-file", str(directory / _OPENS_KEYS_FILE)),
                *(() if suite is None else ("--suite", suite)),
            )
            for province in provinces
        )
    )
    # 2. The offices agree, and every node gets what they signed.
    nodes = Nodes(directory=directory, ports=ports)
    await asyncio.to_thread(_hold_ceremony, nodes, secret, opening_date, accounts or {})
    return nodes


def _hold_ceremony(
    nodes: Nodes, secret: bytes, opening_date: date, accounts: Mapping[str, Account]
) -> None:
    """Make the offices, propose the first statement, sign it, and install it."""
    offices: list[Office] = []
    for province in nodes.ports:
        path = nodes.directory / _OFFICES / province
        init_office(path, province=province, passphrase=secret, entropy=os.urandom)
        offices.append(Office.open(path, secret))
    proposal = propose_first(
        [office.card for office in offices],
        [
            _with_account(MemberCard.read(nodes.node_directory(province)), accounts.get(province))
            for province in nodes.ports
        ],
        opening_date=opening_date,
        now=datetime.now(UTC),
    )
    for office in offices[: statement_threshold(len(offices))]:
        proposal = proposal.with_signed(office.sign(proposal.to_sign(proposal.judge())))
    published = proposal.publish()
    write_repository(nodes.published, published)
    for province in nodes.ports:
        install(nodes.node_directory(province), published)


def _with_account(card: MemberCard, account: Account | None) -> MemberCard:
    """Return what shall be signed of a member, with the account into which others pay."""
    if account is None:
        return card
    return replace(card, member=replace(card.member, accounts=(account,)))


def _free_ports(provinces: Sequence[str]) -> dict[str, int]:
    """Return a free loopback port for each, all held until all are known."""
    sockets = {province: socket.socket() for province in provinces}
    try:
        for held in sockets.values():
            held.bind(("127.0.0.1", 0))
        return {province: held.getsockname()[1] for province, held in sockets.items()}
    finally:
        for held in sockets.values():
            held.close()


async def _run(*arguments: str) -> dict[str, Any]:
    """Run a command of the program and return its JSON."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "clients.cli",
        *arguments,
        "--json",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    if process.returncode:
        raise DeltacareError(
            Reason.INTERNAL,
            f"deltacare {' '.join(arguments[:2])}: {errors.decode(errors='replace').strip()}",
        )
    result: dict[str, Any] = json.loads(output)
    return result
