"""This node's signature on the timestamp of an hour: for one snapshot an hour, and never another.

What was signed is written down before the signature leaves, so that a node that was killed, or
whose clock was set back, does not sign a second snapshot for an hour. Two nodes' signatures put a
statement in force; one node's alone are worth nothing.
"""

import json
import re
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from clients.federation.files import write_atomic
from clients.sdk.credentials import read_file
from deltacare.errors import Reason, Refusal, invalid_field
from deltacare.keys import LogSigner
from deltacare.trust import timestamp_key_name
from deltacare.trust.roles import signature_of, timestamp_bytes, timestamp_hour
from server.federation.ledger import Known, TrustLedger

__all__ = ["HourSigner", "SignedHour"]

SIGNED_FILE = "signed-hours.json"
HOURS_KEPT_MAX = 64
"""Hours remembered: more than twice as many as a timestamp lives."""

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedHour:
    """What was signed for an hour.

    Attributes:
        hour: Whole hours since 1970.
        version: Of the snapshot.
        sha256: Of what is signed of it, in hex.
    """

    hour: int
    version: int
    sha256: str


class HourSigner:
    """Signs timestamps for one node.

    Args:
        province: Whose node this is.
        directory: Where it is written down what was signed.
        ledger: What this node has verified.
        seeds: Returns the timestamp keys that the node holds, 32 bytes each.

    Raises:
        Refusal: ``INVALID_FIELD``, if what was written down cannot be read.
    """

    def __init__(
        self,
        *,
        province: str,
        directory: Path,
        ledger: TrustLedger,
        seeds: Callable[[], Iterable[bytes]],
    ) -> None:
        self._province = province
        self._path = directory / SIGNED_FILE
        self._ledger = ledger
        self._seeds = seeds
        self._signed = _read(self._path)
        self._lock = threading.Lock()

    def choice(self, hour: int) -> Known:
        """Return the statement that this node signs for an hour: the one it signed, or the newest.

        Raises:
            Refusal: ``NOT_FOUND``, if what it signed is not held any more.
        """
        signed = self._signed.get(hour)
        return self._ledger.newest if signed is None else self._ledger.known(signed.version)

    def sign(self, *, hour: int, sha256: str, now: datetime) -> bytes:
        """Return this node's signature of an hour's timestamp; waits for the disk, on any thread.

        1. The hour is the present one. 2. Nothing else was signed for it. 3. The snapshot is the
        newest that this node verified. 4. This node has the key that root states.

        Args:
            hour: Whole hours since 1970.
            sha256: Of what is signed of the snapshot, in hex.
            now: The present instant.

        Raises:
            Refusal: ``RULE_REFUSED``, with what this node has in the details; ``KEY_NOT_IN_FORCE``.

        Returns:
            64 bytes.
        """
        with self._lock:
            return self._sign(hour=hour, sha256=sha256, now=now)

    def _sign(self, *, hour: int, sha256: str, now: datetime) -> bytes:
        # 1. The hour.
        present = timestamp_hour(now)
        if hour != present:
            raise _refused(f"Hour {hour} is not the present one.", hour=present)
        # 2. What was signed.
        signed = self._signed.get(hour)
        if signed is not None and signed.sha256 != sha256:
            raise _refused(
                f"Another snapshot was signed for hour {hour}.",
                hour=hour,
                snapshot_version=signed.version,
            )
        # 3. The snapshot.
        known = self.choice(hour)
        if known.sha256 != sha256:
            raise _refused(
                "The snapshot is not the newest known here.", snapshot_version=known.version
            )
        if now >= known.until_time:
            raise _refused("The newest statement has expired.", snapshot_version=known.version)
        # 4. The key.
        seed = self._seed()
        if signed is None:
            self._write(SignedHour(hour=hour, version=known.version, sha256=sha256))
        return signature_of(timestamp_bytes(hour, known.snapshot), seed)

    def _seed(self) -> bytes:
        """Return the key that root states for this node's province."""
        stated = self._ledger.newest_root.key(self._province)
        name = timestamp_key_name(self._province)
        for seed in self._seeds():
            verifier = LogSigner(name=name, seed=seed).verifier
            if stated is not None and verifier.public_key == stated.timestamp.public_key:
                return seed
        raise Refusal(
            Reason.KEY_NOT_IN_FORCE,
            f"This node does not hold the key {name} that root "
            f"{self._ledger.newest_root.version} states.",
            details={"key": name},
        )

    def _write(self, signed: SignedHour) -> None:
        rows = [*self._signed.values(), signed][-HOURS_KEPT_MAX:]
        write_atomic(self._path, _content(rows))
        self._signed = {row.hour: row for row in rows}


def _read(path: Path) -> dict[int, SignedHour]:
    """Return what was signed, by hour, in the order in which it was."""
    if not path.exists():
        return {}
    data = read_file(path, field_name="trust")
    try:
        rows = [
            SignedHour(hour=row["hour"], version=row["version"], sha256=row["sha256"])
            for row in json.loads(data)
        ]
        is_sound = all(_is_sound(row) for row in rows) and _content(rows) == data
    except (ValueError, TypeError, KeyError, RecursionError):
        is_sound = False
    # To skip a row would be to forget what was signed, and to sign something else for its hour.
    if not is_sound or len({row.hour for row in rows}) != len(rows):
        raise invalid_field(
            "trust",
            path,
            "It does not say for which hours this node signed timestamps.",
            "Wait for the next full hour, then remove the file.",
        )
    return {row.hour: row for row in rows}


def _is_sound(row: SignedHour) -> bool:
    """Whether the values of a row are of their form."""
    if type(row.hour) is not int or type(row.version) is not int or type(row.sha256) is not str:
        return False
    return row.hour >= 0 and row.version > 0 and _SHA256.fullmatch(row.sha256) is not None


def _content(rows: Iterable[SignedHour]) -> bytes:
    """Return rows as they are written down: there is one way only."""
    value = [{"hour": r.hour, "sha256": r.sha256, "version": r.version} for r in rows]
    return json.dumps(value).encode() + b"\n"


def _refused(text: str, **details: int) -> Refusal:
    facts = {name: str(value) for name, value in details.items()}
    return Refusal(Reason.RULE_REFUSED, text, details=facts)
