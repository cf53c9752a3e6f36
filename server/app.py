"""Where a node is put together; with `server.business`, all that knows more than its own floor.

A node starts from the ground up and stops from the roof down: migrate, open the logs, serve reads,
let partners confirm the ends of its own logs, then write.
"""

import asyncio
import gc
import os
import signal
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from deltacare.errors import Reason, Unavailable
from deltacare.ids import LogName, all_logs
from server.alarms import raise_alarms
from server.approval.projector import ApprovalProjector
from server.audit.projector import AuditProjector
from server.audit.recorder import AuditRecorder
from server.books.projector import BooksProjector
from server.business import Business
from server.certification.projector import CertificationProjector
from server.certification.salts import SaltStore
from server.config import NodeConfig
from server.credential.projector import CredentialProjector
from server.credentials import NodeCredentials, Renewals
from server.dispute.projector import DisputeProjector
from server.edge.logging import get_log
from server.edge.rights import Rights
from server.edge.server import EdgeServer
from server.edge.tls import TlsFiles
from server.federation.keeper import KeeperSettings, TrustKeeper
from server.federation.partners import Partners
from server.federation.service import FederationServicer
from server.federation.stated import StatedHistory
from server.federation.trust_service import TrustService
from server.lock import hold_directory
from server.log.logs import Logs
from server.log.settings import LogSettings
from server.payment.projector import PaymentProjector
from server.personal.projector import ErasureProjector
from server.personal.vault import Vault
from server.policy.projector import PolicyProjector
from server.registry.projector import RegistryProjector
from server.retention import RetentionKeeper
from server.settlement.projector import SettlementProjector
from server.store.database import Database
from server.store.migrations import upgrade
from server.supervision.projector import SupervisionProjector
from settlement.engine import EngineSettings

if TYPE_CHECKING:
    from server.http.server import HttpServer
    from server.http.tls import ServerTls

__all__ = ["Node", "SystemClock", "SystemEntropy", "rebuild", "serve"]

_log = get_log("app")

_POSTGRESQL_PORT = 5432


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
        trust_settings: How the trust is refreshed; by the configuration unless given.

    Raises:
        Refusal: If the settings, the federation's metadata and the keys do not fit together.
        PeerFault: If the metadata was altered.
    """

    def __init__(
        self,
        config: NodeConfig,
        *,
        clock: SystemClock | None = None,
        entropy: SystemEntropy | None = None,
        trust_settings: KeeperSettings | None = None,
    ) -> None:
        clock = clock or SystemClock()
        entropy = entropy or SystemEntropy()
        self._config = config
        self._province = province = config.province
        credentials = NodeCredentials.open(config, now=clock.now())
        keys, certificate, room = credentials.keys, credentials.certificate, credentials.room
        self._trust = trust = room.trust
        raise_alarms(
            config,
            certificate_pem=certificate.current().certificate_pem,
            trust=trust,
            now=clock.now(),
        )
        self._database = Database(config.database_url)
        self._partners = Partners(province=province, trust=trust, certificate=certificate)
        self._trust_keeper = TrustKeeper(
            room,
            peers=self._partners,
            clock=clock,
            settings=trust_settings or KeeperSettings(interval_s=config.trust_interval_s),
        )
        self._salts = salts = SaltStore(keys.salt_key, entropy)
        self._vault = vault = Vault(province, keys.vault_key, entropy)
        self.logs = Logs(
            database=self._database,
            trust=trust,
            province=province,
            signers=keys,
            clock=clock,
            entropy=entropy,
            peers=self._partners,
            projectors=(
                AuditProjector(),
                RegistryProjector(),
                SupervisionProjector(),
                ErasureProjector(own=province, vault=vault, book=salts),
                CertificationProjector(),
                CredentialProjector(),
                ApprovalProjector(),
                PolicyProjector(),
                BooksProjector(trust=trust),
                SettlementProjector(trust=trust),
                DisputeProjector(),
                PaymentProjector(),
            ),
            attachments=salts,
            is_clock_off=self._trust_keeper.is_clock_off,
            settings=LogSettings(
                poll_s=config.poll_interval_s, write_unconfirmed=config.write_unconfirmed
            ),
        )
        sequencer, reader = self.logs.sequencer, self.logs.reader
        self._audit = AuditRecorder(
            province=province,
            sequencer=sequencer,
            reader=reader,
            clock=clock,
            entropy=entropy,
            accepted_loss_size=config.audit_accepted_loss_size,
        )
        self._business = Business(
            province=province,
            trust=trust,
            database=self._database,
            sequencer=sequencer,
            rehearser=self.logs.rehearser,
            reader=reader,
            clock=clock,
            entropy=entropy,
            keys=keys,
            partners=self._partners,
            salts=salts,
            vault=vault,
            schemes=StatedHistory(room.ledger),
            close_time=config.close_time,
            engine=EngineSettings(
                name=config.night_engine,
                memory_mb=config.night_memory_mb,
                directory=config.night_directory,
            ),
        )
        self._retention = RetentionKeeper(database=self._database, clock=clock)
        self._edge = EdgeServer(
            province=province,
            trust=trust,
            tls=certificate,
            limits=config.limits,
            audit=self._audit,
            now=clock.now,
            token=entropy.token,
            services={
                "deltacare.v1.FederationService": FederationServicer(
                    province=province,
                    trust=trust,
                    rights=Rights(province),
                    logs=self.logs,
                    metadata=TrustService(room, self._trust_keeper),
                ),
                "deltacare.v1.LogService": self.logs.service,
                **self._business.services,
            },
        )

        self._http_tls = _http_tls(config, certificate.current())
        self._http = _http_server(config, self.logs, self._http_tls)
        self._renewals = Renewals(credentials, on_certificate=self._renew_http)

    async def start(self) -> int:
        """Start every room, from the ground up.

        Returns:
            The port that is served on.

        Raises:
            Unavailable: If the database does not answer.
            OSError: If the address cannot be had.
        """
        await self._prepare_database()
        await self.logs.start()
        await self._audit.start()
        port = await self._edge.start(self._config.listen)
        if self._http is not None and self._config.http.listen is not None:
            await self._http.start(self._config.http.listen)
        await self._trust_keeper.start()
        await self._renewals.start()
        await self._business.start()
        await self._retention.start()
        return port

    def _renew_http(self, shown: TlsFiles) -> None:
        """Show strangers a renewed certificate."""
        if self._http_tls is not None:
            self._http_tls.renew(certificate_pem=shown.certificate_pem, key_pem=shown.key_pem)

    async def rebuild(self, *, on_log: Callable[[], None]) -> Mapping[LogName, int]:
        """Make every projection anew from the logs, and serve nothing meanwhile.

        What is in no log stays: answers to repeated requests, salts, handles of elders.

        Args:
            on_log: Called after each log.

        Returns:
            The entries of each log.

        Raises:
            Unavailable: If the database does not answer.
        """
        await self._prepare_database()
        await self.logs.start()
        held = [log for log in all_logs(self._trust.provinces) if log.may_hold(self._province)]
        for log in held:
            await self.logs.rebuild(log)
            on_log()
        return {log: self.logs.reader.position(log).size for log in held}

    async def _prepare_database(self) -> None:
        """Reach the database and bring its tables to this version."""
        try:
            await asyncio.to_thread(self._database.ping)
        except OperationalError as error:
            where = _database_place(self._config.database_url)
            cause = str(error.orig).strip().splitlines()[-1:]
            raise Unavailable(
                Reason.PEER_UNREACHABLE,
                " ".join([f"The database {where} cannot be reached.", *cause]),
                details={
                    "database": where,
                    "text_zh": "：".join([f"数据库 {where} 无法连接", *cause]),
                },
            ) from error
        await self._database.write(upgrade)

    async def stop(self) -> None:
        """Stop every room, from the roof down."""
        if self._http is not None:
            await self._http.stop()
        await self._edge.stop()
        await self._retention.stop()
        await self._business.stop()
        await self._renewals.stop()
        await self._trust_keeper.stop()
        await self._audit.stop()
        await self.logs.stop()
        await self._partners.close()
        self._database.close()


def _http_tls(config: NodeConfig, shown: TlsFiles) -> "ServerTls | None":
    """Return what strangers are shown, if anything is."""
    if config.http.listen is None or not config.http.is_tls:
        return None
    from server.http.tls import ServerTls

    return ServerTls(certificate_pem=shown.certificate_pem, key_pem=shown.key_pem)


def _http_server(config: NodeConfig, logs: Logs, tls: "ServerTls | None") -> "HttpServer | None":
    """Return what serves strangers, if a node does."""
    if config.http.listen is None:
        return None
    from server.http.server import HttpServer
    from server.http.site import Site

    if tls is None:
        _log.warning("http_is_plain", address=config.http.listen)
    return HttpServer(
        Site(logs=logs.public, witness=logs.submissions), limits=config.http.limits, tls=tls
    )


async def serve(config: NodeConfig, *, on_serving: Callable[[int], None]) -> None:
    """Run a node until it is told to stop by SIGTERM or SIGINT, then drain.

    Args:
        config: Its settings.
        on_serving: Called with the port once reads are served.

    Raises:
        InputRefused: If another process has the node's directory.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    with hold_directory(config.directory):
        node = Node(config)
        try:
            on_serving(await node.start())
            # What a start made stays for as long as the node runs: no need to look at it again.
            gc.collect()
            gc.freeze()
            await stopping.wait()
        finally:
            await node.stop()


async def rebuild(config: NodeConfig, *, on_log: Callable[[], None]) -> Mapping[LogName, int]:
    """Make a stopped node's projections anew from its logs; see `Node.rebuild`.

    Raises:
        InputRefused: If another process has the node's directory.
    """
    with hold_directory(config.directory):
        node = Node(config)
        try:
            return await node.rebuild(on_log=on_log)
        finally:
            await node.stop()


def _database_place(url: str) -> str:
    """Return where a database is, without the password: host and port, or a file."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return parsed.database or url
    # A URL without a host means the local socket of the driver's own default.
    return f"{parsed.host or 'localhost'}:{parsed.port or _POSTGRESQL_PORT}/{parsed.database or ''}"
