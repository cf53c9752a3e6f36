"""Node directories of a small federation on loopback, made as operators and offices make them."""

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from clients.federation.cards import MemberCard
from clients.federation.ceremony import Changes, open_base, propose_first, propose_next
from clients.federation.office import Office, init_office
from clients.federation.proposal import Proposal
from clients.federation.store import TrustStore
from deltacare.times import business_date
from deltacare.trust import Account
from server.setup import init_node
from tests.support.ports import SeededEntropy

__all__ = [
    "PASSPHRASE",
    "Offices",
    "free_ports",
    "make_directories",
    "make_offices",
    "publish",
]

PAIR = ("310000", "320000")
PASSPHRASE = b"correct horse battery staple"
CHEAP = 2**10
"""Of deriving a key from the passphrase, so that tests start many nodes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offices:
    """The offices of a federation, by province.

    Attributes:
        by_province: Each open, ready to sign.
        published: What was published last, by path of a TUF client.
    """

    by_province: Mapping[str, Office]
    published: dict[str, bytes] = field(default_factory=dict)

    def sign(self, proposal: Proposal, *provinces: str) -> Proposal:
        """Return a proposal signed by some, or by all."""
        for province in provinces or tuple(self.by_province):
            files = proposal.to_sign(proposal.judge())
            proposal = proposal.with_signed(self.by_province[province].sign(files))
        return proposal

    def change(self, changes: Changes, *provinces: str, now: datetime) -> dict[str, bytes]:
        """Return the files of a later statement, proposed now and signed by some, or by all."""
        proposal = propose_next(open_base(self.published), changes, now=now)
        self.published.update(self.sign(proposal, *provinces).publish())
        return dict(self.published)


def free_ports(count: int) -> list[int]:
    """Return ports on loopback that nobody used a moment ago."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def make_offices(root: Path, provinces: Sequence[str], *, seed: str = "") -> Offices:
    """Make an office for each province under a directory."""
    found = {}
    for province in provinces:
        directory = root / f"office-{province}"
        init_office(
            directory,
            province=province,
            passphrase=PASSPHRASE,
            entropy=SeededEntropy(f"office{province}{seed}").token,
            cost=CHEAP,
        )
        found[province] = Office.open(directory, PASSPHRASE)
    return Offices(by_province=found)


def publish(directory: Path, files: Mapping[str, bytes]) -> None:
    """Install published files in a node's directory, as a person does."""
    store = TrustStore(directory / "trust")
    store.pin(files["1.root.json"])
    store.add(files)


def make_directories(
    root: Path,
    *,
    provinces: Sequence[str] = PAIR,
    install: bool = True,
    seed: str = "",
    offices: Offices | None = None,
    registry_quorum: int = 1,
    opening_date: date | None = None,
    accounts: Mapping[str, Account] | None = None,
) -> dict[str, Path]:
    """Make a node directory for each province, with a federation that all of them signed.

    The passphrase lies in a file beside the directories,
    which their settings name.

    Args:
        root: where to.
        provinces: the members.
        install: whether each gets what was signed.
        seed: another one makes other keys.
        offices: who signs; made for this if not given.
        registry_quorum: how many partners must cosign a registry log.
        opening_date: the first business date; yesterday if not given.
        accounts: by province, into which others pay; none if not given.
    """
    now = datetime.now(UTC)
    root.mkdir(parents=True, exist_ok=True)
    passphrase_file = root / "passphrase"
    passphrase_file.write_bytes(PASSPHRASE + b"\n")
    passphrase_file.chmod(0o600)
    directories: dict[str, Path] = {}
    for province, port in zip(provinces, free_ports(len(provinces)), strict=True):
        directories[province] = root / province
        init_node(
            root / province,
            province=province,
            partners=[code for code in provinces if code != province],
            endpoint=f"127.0.0.1:{port}",
            listen=f"127.0.0.1:{port}",
            database_url="sqlite:///node.sqlite",
            passphrase=PASSPHRASE,
            passphrase_file=passphrase_file,
            now=now,
            entropy=SeededEntropy(province + seed).token,
            cost=CHEAP,
        )
    offices = offices or make_offices(root / "offices", provinces, seed=seed)
    held = {province: (account,) for province, account in (accounts or {}).items()}
    cards = {province: MemberCard.read(directory) for province, directory in directories.items()}
    proposal = propose_first(
        [office.card for office in offices.by_province.values()],
        [
            replace(card, member=replace(card.member, accounts=held.get(province, ())))
            for province, card in cards.items()
        ],
        name="deltacare test",
        opening_date=opening_date or business_date(now) - timedelta(days=1),
        registry_quorum=registry_quorum,
        now=now,
    )
    offices.published.update(offices.sign(proposal).publish())
    for directory in directories.values():
        if install:
            publish(directory, offices.published)
    return directories
