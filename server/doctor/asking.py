"""Asks the running node and its partners what the checks need, and gives up on each in seconds.

Partners are called as the node itself calls them, with its own certificate. How a call failed is
sorted here into what it means; what follows from that is judged elsewhere.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from clients.sdk.credentials import Credentials, Profile, node_tls_name
from clients.sdk.node import NodeClient
from clients.sdk.retry import NO_RETRY
from deltacare.errors import DeltacareError, Reason
from deltacare.ids import LogName
from deltacare.tlog.checkpoint import CHECKPOINT_BYTES_MAX, Checkpoint
from deltacare.tlog.note import SignedNote
from deltacare.trust.federation import Trust
from deltacare.v1.federation_service_pb2 import (
    GetTrustStatusRequest,
    GetTrustStatusResponse,
    ListPartnerHealthRequest,
    ListPartnerHealthResponse,
)
from deltacare.v1.log_service_pb2 import GetCheckpointRequest, GetConsistencyProofRequest
from server.doctor.certificates import CertificateSeen, check_certificate
from server.doctor.findings import Level
from server.doctor.logs import HeldLog, ShownLog
from server.doctor.reach import Failure, WayOut

__all__ = ["TIMEOUT_S", "Caller", "NodeAnswer", "PartnerAnswer", "ask_node", "ask_partners"]

TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """With what the node calls its partners.

    Attributes:
        certificate_pem: Its certificate.
        key_pem: The private key, decrypted.
    """

    certificate_pem: bytes
    key_pem: bytes

    def __repr__(self) -> str:
        return "Caller()"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerAnswer:
    """What came of asking a partner.

    Attributes:
        way: Whether and how it was reached.
        certificate_pem: What its server showed; empty if nothing did.
        status: How its trust stands; ``None`` if it did not say.
        asked: Our present when that was asked.
        answered: Our present when that was answered.
        shown: The logs that both hold.
    """

    way: WayOut
    certificate_pem: bytes = b""
    status: GetTrustStatusResponse | None = None
    asked: datetime
    answered: datetime
    shown: tuple[ShownLog, ...] = ()

    @property
    def province(self) -> str:
        """The partner."""
        return self.way.province


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeAnswer:
    """What came of asking our own node.

    Attributes:
        failure: Why it did not answer; ``None`` if it did.
        status: How its trust stands.
        health: How it sees its partners.
    """

    failure: DeltacareError | None
    status: GetTrustStatusResponse | None = None
    health: ListPartnerHealthResponse | None = None


async def ask_node(profile: Profile, *, endpoint: str | None = None) -> NodeAnswer:
    """Ask our own node.

    Args:
        profile: Of an administrator.
        endpoint: ``host:port`` instead of the profile's.
    """
    client = NodeClient(
        endpoint=endpoint or profile.endpoint,
        credentials=profile.credentials,
        timeout_s=TIMEOUT_S,
        retry=NO_RETRY,
    )
    async with client as node:
        try:
            status = await node.federation.GetTrustStatus(GetTrustStatusRequest())
            health = await node.federation.ListPartnerHealth(ListPartnerHealthRequest())
        except DeltacareError as error:
            return NodeAnswer(failure=error)
    return NodeAnswer(failure=None, status=status, health=health)


async def ask_partners(
    trust: Trust,
    *,
    own: str,
    caller: Caller | None,
    held: Sequence[HeldLog],
    root: Callable[[LogName, int], bytes | None],
    clock: Callable[[], datetime],
) -> list[PartnerAnswer]:
    """Ask every partner, all at the same time.

    Args:
        trust: Where they are and whom to take for them.
        own: Our province.
        caller: With what we call; ``None`` if our key cannot be read: then only certificates
            are looked at.
        held: Our logs.
        root: Returns the root of a log of ours at a size that we hold; ``None`` if it cannot be
            read.
        clock: Returns the present instant.
    """
    by_name = {log.log: log for log in held}
    return list(
        await asyncio.gather(
            *(
                _Asking(
                    trust=trust, own=own, province=p, caller=caller, root=root, clock=clock
                ).answer(by_name)
                for p in trust.provinces
                if p != own
            )
        )
    )


class _Asking:
    """The questions to one partner."""

    def __init__(
        self,
        *,
        trust: Trust,
        own: str,
        province: str,
        caller: Caller | None,
        root: Callable[[LogName, int], bytes | None],
        clock: Callable[[], datetime],
    ) -> None:
        self._trust = trust
        self._own = own
        self._province = province
        self._caller = caller
        self._root = root
        self._clock = clock
        self._member = trust.member(province)

    async def answer(self, held: Mapping[LogName, HeldLog]) -> PartnerAnswer:
        """Return what the partner answers.

        1. Its name and port. 2. Its certificate. 3. Who it takes us for. 4. Its logs.
        """
        asked = self._clock()
        # 1. and 2.
        failure, said, certificate = await self._connect()
        if failure is not None or self._caller is None:
            way = self._way(failure, said, asked)
            return PartnerAnswer(
                way=way, certificate_pem=certificate, asked=asked, answered=self._clock()
            )
        client = NodeClient(
            endpoint=self._member.endpoint,
            credentials=Credentials.to_member(
                self._trust,
                province=self._province,
                certificate_pem=self._caller.certificate_pem,
                key_pem=self._caller.key_pem,
            ),
            timeout_s=TIMEOUT_S,
            retry=NO_RETRY,
        )
        async with client as node:
            # 3.
            asked = self._clock()
            try:
                status = await node.federation.GetTrustStatus(GetTrustStatusRequest())
            except DeltacareError as error:
                way = self._way(_failure(error), error.reason.wire, asked)
                return PartnerAnswer(
                    way=way, certificate_pem=certificate, asked=asked, answered=self._clock()
                )
            answered = self._clock()
            # 4.
            shown = await self._show_all(
                node,
                [
                    log
                    for name, log in held.items()
                    if name.may_hold(self._province) and name.may_hold(self._own)
                ],
            )
        return PartnerAnswer(
            way=WayOut(
                province=self._province,
                endpoint=self._member.endpoint,
                failure=None,
                took=answered - asked,
            ),
            certificate_pem=certificate,
            status=status,
            asked=asked,
            answered=answered,
            shown=tuple(shown),
        )

    async def _connect(self) -> tuple[Failure | None, str, bytes]:
        """Look at the partner's certificate; return how that failed, and the certificate."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                der = await _certificate(self._member.endpoint, node_tls_name(self._province))
            certificate = x509.load_der_x509_certificate(der)
        except (OSError, ValueError) as error:
            failure = next(
                (found for kind, found in _FAILURES if isinstance(error, kind)), Failure.SILENT
            )
            return failure, "", b""
        pem = certificate.public_bytes(Encoding.PEM)
        seen = check_certificate(
            CertificateSeen(
                subject=self._province,
                pem=pem,
                issuers_pem=self._member.ca_pem.encode(),
                revoked_serials=self._member.revoked_serials,
                remedy="deltacare node doctor DIR",
            ),
            now=self._clock(),
        )
        # By which clock it is over is not known yet: TLS itself decides about that.
        is_good = seen.level is not Level.BAD or seen.code in _TIME_CODES
        if is_good and _is_node(certificate, node_tls_name(self._province)):
            return None, "", pem
        return Failure.UNTRUSTED, "", pem

    async def _show_all(self, node: NodeClient, held: Sequence[HeldLog]) -> list[ShownLog]:
        """Return the logs as the partner shows them; who stops answering is not asked further."""
        shown: list[ShownLog] = []
        gone: DeltacareError | None = None
        for log in held:
            found = (
                await self._show(node, log)
                if gone is None
                else ShownLog(log=log.log, note=None, refusal=gone)
            )
            if found.refusal is not None and found.refusal.reason in _GONE:
                gone = found.refusal
            shown.append(found)
        return shown

    async def _show(self, node: NodeClient, held: HeldLog) -> ShownLog:
        """Return a log as the partner shows it, with the proof or root that compares it."""
        try:
            answer = await node.log.GetCheckpoint(GetCheckpointRequest(log=str(held.log)))
        except DeltacareError as error:
            is_empty = error.reason is Reason.NOT_FOUND
            return ShownLog(log=held.log, note=None, refusal=None if is_empty else error)
        note = bytes(answer.note)
        try:
            text = SignedNote.from_bytes(note, bytes_max=CHECKPOINT_BYTES_MAX).text
            size = Checkpoint.from_text(text).size
        except DeltacareError:
            return ShownLog(log=held.log, note=note)  # what is wrong with it is said later
        if size <= held.size:
            return ShownLog(log=held.log, note=note, our_root=self._root(held.log, size))
        try:
            proof = await node.log.GetConsistencyProof(
                GetConsistencyProofRequest(log=str(held.log), old_size=held.size, new_size=size)
            )
        except DeltacareError as error:
            return ShownLog(log=held.log, note=note, refusal=error)
        return ShownLog(log=held.log, note=note, proof=tuple(proof.hashes))

    def _way(self, failure: Failure | None, said: str, asked: datetime) -> WayOut:
        return WayOut(
            province=self._province,
            endpoint=self._member.endpoint,
            failure=failure,
            said=said,
            took=self._clock() - asked,
        )


_GONE = frozenset({Reason.PEER_UNREACHABLE, Reason.DEADLINE_EXCEEDED})
_TIME_CODES = frozenset({"CERTIFICATE_EXPIRED", "CERTIFICATE_NOT_YET_VALID"})

_FAILURES: tuple[tuple[type[Exception], Failure], ...] = (
    (socket.gaierror, Failure.NAME),
    (ConnectionRefusedError, Failure.REFUSED),
    (ssl.SSLError, Failure.UNTRUSTED),
    (OSError, Failure.SILENT),  # a timeout is one
    (ValueError, Failure.UNTRUSTED),
)
"""What it means that a connection failed; the first that fits."""


async def _certificate(endpoint: str, name: str) -> bytes:
    """Return the certificate that a server shows, whatever it is: an expired one is to be seen.

    Args:
        endpoint: ``host:port``.
        name: Whose certificate is asked for.
    """
    host, _, port = endpoint.rpartition(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # without the machine's roots: none is asked
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    _, writer = await asyncio.open_connection(
        host.strip("[]"), int(port), ssl=context, server_hostname=name
    )
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.transport.abort()
    return shown or b""


def _is_node(certificate: x509.Certificate, name: str) -> bool:
    """Whether a certificate carries the name of a node."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return False
    return name in names.value.get_values_for_type(x509.DNSName)


def _failure(error: DeltacareError) -> Failure:
    """Return what it means that a partner refused, whose certificate was seen a moment ago."""
    if error.reason is Reason.PEER_UNREACHABLE:
        # TLS ended the connection: it was its certificate's time, or else ours it did not like.
        is_refused_here = "CERTIFICATE_VERIFY_FAILED" in error.message
        return Failure.UNTRUSTED if is_refused_here else Failure.UNKNOWN_TO_IT
    ours = {Reason.UNAUTHENTICATED, Reason.WRONG_PROVINCE, Reason.ROLE_NOT_ALLOWED}
    return Failure.UNKNOWN_TO_IT if error.reason in ours else Failure.OUT_OF_ORDER
