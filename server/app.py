"""The only place where a node's rooms are put together; nobody else knows more than its own floor.

A node starts from the ground up and stops from the roof down: migrate, open the logs, serve reads,
let partners confirm the ends of its own logs, then write.
"""

import asyncio
import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime

from deltacare.errors import Reason, Refusal
from deltacare.trust import TrustBundle

from clients.sdk.credentials import load_bundle, read_file
from server.certification.projector import CertificationProjector
from server.certification.salts import SaltStore
from server.config import NodeConfig
from server.edge.logging import get_log
from server.edge.rights import Rights
from server.edge.server import EdgeServer, TlsFiles
from server.federation.partners import Partners
from server.federation.service import FederationServicer
from server.keyfiles import NodeKeys
from server.log.logs import Logs
from server.log.settings import LogSettings
from server.registry.projector import RegistryProjector
from server.settlement.projector import SettlementProjector
from server.store.database import Database
from server.store.migrations import upgrade

__all__ = ["Node", "SystemClock", "SystemEntropy", "load_trust", "serve"]

_log = get_log("app")


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present instant, in UTC."""
        return datetime.now(UTC)


class SystemEntropy:
    """The machine's randomness."""

    def token(self, size: int) -> bytes:
        """Return so many unpredictable bytes."""
        return os.urandom(size)


class Node:
    """One province's node: every room of it, wired.

    Args:
        config: Its settings.
        clock: The machine's unless given.
        entropy: The machine's unless given.

    Raises:
        Refusal: If the settings, the bundle and the keys do not fit together.
        PeerFault: If the bundle is not signed by enough of the pinned keys.
    """

    def __init__(
        self,
        config: NodeConfig,
        *,
        clock: SystemClock | None = None,
        entropy: SystemEntropy | None = None,
    ) -> None:
        clock = clock or SystemClock()
        entropy = entropy or SystemEntropy()
        self._config = config
        province = config.province
        trust = load_trust(config)
        keys = NodeKeys.read(config.keys, province=province, provinces=trust.provinces)
        _check_keys(keys, trust, province)
        tls = TlsFiles(
            certificate_pem=read_file(config.certificate, field_name="tls.certificate"),
            key_pem=read_file(config.key, field_name="tls.key"),
        )
        self._database = Database(config.database_url)
        self._partners = Partners(
            province=province,
            trust=trust,
            certificate_pem=tls.certificate_pem,
            key_pem=tls.key_pem,
        )
        salts = SaltStore(keys.salt_key, entropy)
        self.logs = Logs(
            database=self._database,
            trust=trust,
            province=province,
            signers=keys,
            clock=clock,
            entropy=entropy,
            peers=self._partners,
            projectors=(
                RegistryProjector(),
                CertificationProjector(),
                SettlementProjector(trust=trust),
            ),
            attachments=salts,
            settings=LogSettings(
                poll_s=config.poll_interval_s, write_unconfirmed=config.write_unconfirmed
            ),
        )
        self._edge = EdgeServer(
            province=province,
            trust=trust,
            tls=tls,
            limits=config.limits,
            now=clock.now,
            token=entropy.token,
            services={
                "deltacare.v1.FederationService": FederationServicer(
                    province=province, trust=trust, rights=Rights(province), logs=self.logs
                ),
                "deltacare.v1.LogService": self.logs.service,
            },
        )

    async def start(self) -> int:
        """Start every room, from the ground up.

        Returns:
            The port that is served on.
        """
        await self._database.write(upgrade)
        await self.logs.start()
        return await self._edge.start(self._config.listen)

    async def stop(self) -> None:
        """Stop every room, from the roof down."""
        await self._edge.stop()
        await self.logs.stop()
        await self._partners.close()
        self._database.close()


async def serve(config: NodeConfig, *, on_serving: Callable[[int], None]) -> None:
    """Run a node until it is told to stop by SIGTERM or SIGINT, then drain.

    Args:
        config: Its settings.
        on_serving: Called with the port once reads are served.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    node = Node(config)
    try:
        on_serving(await node.start())
        await stopping.wait()
    finally:
        await node.stop()


def load_trust(config: NodeConfig) -> TrustBundle:
    """Return the federation that a node's settings name, verified.

    Raises:
        Refusal: ``INVALID_FIELD``, if a file cannot be read, or the node is no member.
        PeerFault: If the bundle is not signed by enough of the pinned keys.
    """
    lines = read_file(config.bundle_keys, field_name="trust.pinned_keys").decode("utf-8", "replace")
    rows = [line.strip() for line in lines.splitlines()]
    keys = tuple(row for row in rows if row and not row.startswith("#"))
    trust = load_bundle(config.bundle, keys=keys, threshold=config.bundle_threshold)
    trust.member(config.province)
    return trust


def _check_keys(keys: NodeKeys, trust: TrustBundle, province: str) -> None:
    """Refuse to run with keys that the federation does not know: partners would believe nothing.

    Raises:
        Refusal: ``INVALID_FIELD``, naming the keys.
    """
    pairs = [
        *((signer.verifier, trust.log_key(log)) for log, signer in keys.logs.items()),
        (keys.witness.verifier, trust.witness_key(province)),
    ]
    wrong = [own.name for own, stated in pairs if own != stated]
    if wrong:
        raise Refusal(
            Reason.INVALID_FIELD,
            f"The trust bundle states other keys for {', '.join(wrong)}.",
            details={"keys": ", ".join(wrong)},
        )
