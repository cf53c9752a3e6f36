"""Node directories of a small federation on loopback, made as an operator makes them."""

import socket
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deltacare.times import business_date
from server.setup import init_node, install_bundle, make_bundle, read_card, read_signer
from tests.support.ports import SeededEntropy

__all__ = ["free_ports", "make_directories"]

PAIR = ("310000", "320000")


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


def make_directories(
    root: Path, *, provinces: Sequence[str] = PAIR, install: bool = True, seed: str = ""
) -> dict[str, Path]:
    """Make a node directory for each province, with a bundle that all of them signed.

    Yesterday is the first business date.

    Args:
        root: where to.
        provinces: the members.
        install: whether each gets the bundle.
        seed: another one makes other keys.
    """
    now = datetime.now(UTC)
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
            now=now,
            entropy=SeededEntropy(province + seed).token,
        )
    cards = [read_card(directory) for directory in directories.values()]
    note = make_bundle(
        cards,
        [read_signer(directory) for directory in directories.values()],
        federation="deltacare test",
        version=1,
        opening_date=business_date(now) - timedelta(days=1),
        registry_quorum=1,
        threshold=len(provinces),
        now=now,
    )
    for directory in directories.values():
        path = directory / "node.toml"
        text = path.read_text(encoding="utf-8")
        text = text.replace("threshold = 3", f"threshold = {len(provinces)}")
        path.write_text(text, encoding="utf-8")
        if install:
            install_bundle(directory, note, [card.bundle_key for card in cards])
    return directories
