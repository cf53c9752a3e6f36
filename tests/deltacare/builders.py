"""Small builders for the kernel's tests: seeded keys, a naive tree and stores in memory."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime

from deltacare.ids import own_logs
from deltacare.keys import LogSigner, WitnessSigner
from deltacare.tlog.proof import Node
from deltacare.tlog.tile import Tile
from deltacare.trust import Federation, KeyTerm, Member, verdict_key_name, witness_key_name

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
KEYS_FROM = datetime(2020, 1, 1, tzinfo=UTC)
PROVINCES = ("310000", "320000", "330000", "340000")

# Not a certificate: the kernel checks the armour only, and nothing is signed with it.
CA_PEM = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"


def seed(label: str) -> bytes:
    """Return 32 bytes that depend on a label only."""
    return hashlib.sha256(f"deltacare test key {label}".encode()).digest()


def log_signer(name: str) -> LogSigner:
    """Return the test key of a log."""
    return LogSigner(name=name, seed=seed(name))


def witness_signer(province: str) -> WitnessSigner:
    """Return the test key of a witness."""
    name = witness_key_name(province)
    return WitnessSigner(name=name, seed=seed(name))


def member(province: str, provinces: Sequence[str] = PROVINCES) -> Member:
    """Return a member with test keys that have been in force since ever."""
    names = [*(str(log) for log in own_logs(province, provinces)), verdict_key_name(province)]
    keys = [log_signer(name).verifier for name in names]
    return Member(
        province=province,
        name_zh=f"省{province}",
        name_en=f"Province {province}",
        endpoint=f"node-{province}.example:7443",
        ca_pem=CA_PEM,
        keys=tuple(
            KeyTerm(key=key, from_time=KEYS_FROM)
            for key in [*keys, witness_signer(province).verifier]
        ),
    )


def federation() -> Federation:
    """Return a federation of four with test keys."""
    return Federation(
        federation="deltacare test",
        version=1,
        issued_time=NOW,
        opening_date=date(2026, 11, 1),
        members=tuple(member(province) for province in PROVINCES),
    )


def naive_root(entries: Sequence[bytes]) -> bytes:
    """Return MTH(D[n]) as RFC 6962 section 2.1 writes it."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    split = naive_split(len(entries))
    left, right = naive_root(entries[:split]), naive_root(entries[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def naive_split(size: int) -> int:
    """Return the largest power of two smaller than a size."""
    split = 1
    while split * 2 < size:
        split *= 2
    return split


def naive_path(index: int, entries: Sequence[bytes]) -> list[bytes]:
    """Return PATH(m, D[n]) as RFC 6962 section 2.1.1 writes it."""
    if len(entries) == 1:
        return []
    split = naive_split(len(entries))
    if index < split:
        return [*naive_path(index, entries[:split]), naive_root(entries[split:])]
    return [*naive_path(index - split, entries[split:]), naive_root(entries[:split])]


def naive_subproof(old: int, entries: Sequence[bytes], *, known: bool = True) -> list[bytes]:
    """Return SUBPROOF(m, D[n], b) as RFC 6962 section 2.1.2 writes it."""
    if old == len(entries):
        return [] if known else [naive_root(entries)]
    split = naive_split(len(entries))
    if old <= split:
        return [
            *naive_subproof(old, entries[:split], known=known),
            naive_root(entries[split:]),
        ]
    return [
        *naive_subproof(old - split, entries[split:], known=False),
        naive_root(entries[:split]),
    ]


class EntriesReader:
    """Reads nodes by hashing the entries anew."""

    def __init__(self, entries: Sequence[bytes]) -> None:
        self.entries = entries

    def read_nodes(self, nodes: Sequence[Node], /) -> list[bytes]:
        """Return the hash of each complete subtree."""
        found = []
        for node in nodes:
            start, end = node.index << node.level, (node.index + 1) << node.level
            assert end <= len(self.entries)
            found.append(naive_root(self.entries[start:end]))
        return found


class TileStore:
    """Keeps the newest tile of each place."""

    def __init__(self) -> None:
        self.tiles: dict[tuple[int, int], bytes] = {}

    def write(self, tiles: Sequence[Tile]) -> None:
        """Upsert tiles."""
        for tile in tiles:
            self.tiles[tile.level, tile.index] = tile.data

    def read_tile(self, level: int, index: int, width: int, /) -> bytes:
        """Return a tile; perhaps longer than asked."""
        del width
        return self.tiles[level, index]
