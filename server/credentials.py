"""What a node is and whom it believes, as its directory has it: keys, certificate, trust.

Read once at the start, with every fault named, and looked at again while the node runs: a key or a
certificate that is put there is used without a restart. Which of several keys signs is decided by
what the members stated.
"""

import asyncio
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog

from clients.federation.store import TrustStore
from clients.sdk.credentials import read_file
from clients.vault import require_passphrase
from deltacare.errors import DeltacareError, Reason, Refusal
from deltacare.ids import own_logs
from deltacare.keys import VerifierKey
from deltacare.trust import KeyTerm, Trust, verdict_key_name, witness_key_name
from server.config import NodeConfig
from server.edge.tls import CertificateFiles, TlsFiles
from server.federation.room import TrustRoom
from server.keyfiles import Keyring

__all__ = ["NodeCredentials", "Renewals"]

_LOOK_INTERVAL_S = 3.0

_log = structlog.get_logger("deltacare.credentials")
_alarm = structlog.get_logger("deltacare.alarm")


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeCredentials:
    """What a node starts from.

    Attributes:
        keys: Its private keys.
        certificate: What it shows.
        room: Its trust.
    """

    keys: Keyring
    certificate: CertificateFiles
    room: TrustRoom

    @classmethod
    def open(cls, config: NodeConfig, *, now: datetime) -> "NodeCredentials":
        """Read them.

        Args:
            config: The node's settings.
            now: The present instant.

        Raises:
            Refusal: ``INVALID_FIELD``, naming what is missing, damaged or does not fit together.
            PeerFault: ``BAD_METADATA``, if a file of the federation's metadata was altered.
        """
        room = TrustRoom.open(
            TrustStore(config.trust),
            province=config.province,
            seeds=lambda: [signer.seed for signer in keys.timestamp_signers],
            now=now,
        )
        passphrase = require_passphrase(os.environ, config.passphrase_file)
        keys = Keyring.open(config.keys, province=config.province, passphrase=passphrase)
        _check_keys(keys, room.trust, config.province, now)

        def load() -> TlsFiles:
            return TlsFiles(
                certificate_pem=read_file(config.certificate, field_name="tls.certificate"),
                key_pem=keys.tls_key_pem(config.key),
            )

        certificate = CertificateFiles((config.certificate, config.key), load)
        return cls(keys=keys, certificate=certificate, room=room)


class Renewals:
    """Looks every few seconds whether keys or certificate were replaced.

    Args:
        credentials: Of the node.
        on_certificate: Called with a renewed certificate.
    """

    def __init__(
        self, credentials: NodeCredentials, *, on_certificate: Callable[[TlsFiles], None]
    ) -> None:
        self._credentials = credentials
        self._on_certificate = on_certificate
        self._shown = credentials.certificate.current()
        self._directory = credentials.keys.vault.directory
        self._seen = _listing(self._directory)
        self._task: asyncio.Task[None] | None = None
        credentials.room.trust.on_change(self.reload_keys)

    async def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def reload_keys(self) -> None:
        """Read the keys again; what cannot be read leaves what was held."""
        try:
            self._credentials.keys.reload()
        except DeltacareError as error:
            _alarm.error("keys_not_reloaded", reason=error.reason.name, text=error.message)
            return
        _log.info("keys_reloaded")

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_INTERVAL_S)
            self.look()

    def look(self) -> None:
        """Look once."""
        listing = _listing(self._directory)
        if listing != self._seen:
            self._seen = listing
            self.reload_keys()
        shown = self._credentials.certificate.current()
        if shown != self._shown:
            self._shown = shown
            _log.info("certificate_renewed")
            self._on_certificate(shown)


def _listing(directory: Path) -> tuple[tuple[str, int], ...]:
    """Return what tells that a directory of keys has changed."""
    rows = []
    for path in sorted(directory.iterdir()):
        try:
            rows.append((path.name, path.stat().st_mtime_ns))
        except FileNotFoundError:
            continue
    return tuple(rows)


def _check_keys(keys: Keyring, trust: Trust, province: str, now: datetime) -> None:
    """Refuse to run with keys that the federation does not know: partners would believe nothing.

    Raises:
        Refusal: ``KEY_NOT_IN_FORCE``, naming every key that is missing.
    """
    rows: list[tuple[str, Iterable[VerifierKey], Iterable[KeyTerm]]] = [
        (str(log), (s.verifier for s in keys.log_signers(log)), trust.log_keys(log))
        for log in own_logs(province, trust.provinces)
    ]
    witness = (s.verifier for s in keys.witness_signers)
    verdicts = (s.verifier for s in keys.verdict_signers)
    rows.append((witness_key_name(province), witness, trust.witness_keys(province)))
    rows.append((verdict_key_name(province), verdicts, trust.verdict_keys(province)))
    wrong = [name for name, held, terms in rows if not _is_held(held, terms, now)]
    if wrong:
        raise Refusal(
            Reason.KEY_NOT_IN_FORCE,
            "The federation's metadata states other keys than this node holds for "
            f"{', '.join(wrong)}: restore the key files, or have the offices state the new keys "
            "with deltacare federation propose.",
            details={"keys": ", ".join(wrong)},
        )


def _is_held(held: Iterable[VerifierKey], terms: Iterable[KeyTerm], now: datetime) -> bool:
    """Whether a key is held that is or will be in force."""
    known = set(held)
    return any(
        term.key in known
        and not term.is_tainted
        and (term.until_time is None or now < term.until_time)
        for term in terms
    )
