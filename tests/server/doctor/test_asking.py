"""Tests of asking partners: how each way of not reaching one is told from the others."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deltacare.errors import Reason, Refusal
from deltacare.trust import Federation as Statement
from deltacare.v1.federation_service_pb2 import GetTrustStatusResponse
from server.certificates import KeyPair, issue_client, issue_node, new_ca
from server.doctor import asking
from server.doctor.asking import Caller, PartnerAnswer, ask_partners
from server.doctor.reach import Failure
from tests.support.federation import PROVINCES, make_trust, principal
from tests.support.tls import Federation, ScriptedFederation, running_edge, serial_of

OURS, THEIRS = "320000", "310000"  # the edge of the tests is Shanghai's


def statement(federation: Federation, endpoint: str, *revoked: str) -> Statement:
    """Return a federation of Shanghai, which answers at an endpoint, and Jiangsu."""
    made = make_trust(
        PROVINCES[:2],
        endpoints={THEIRS: endpoint},
        ca_pem={p: federation.cas[p].certificate_pem.decode() for p in PROVINCES[:2]},
        registry_quorum=1,
    )
    theirs = replace(made.member(THEIRS), revoked_serials=revoked)
    return replace(made, members=(theirs, made.member(OURS)))


async def ask(
    federation: Federation,
    endpoint: str,
    caller: KeyPair | None = None,
    *,
    revoked: tuple[str, ...] = (),
    has_key: bool = True,
) -> PartnerAnswer:
    """Return what comes of asking Shanghai at an endpoint, as Jiangsu."""
    pair = caller or federation.node(OURS)
    (answer,) = await ask_partners(
        statement(federation, endpoint, *revoked),
        own=OURS,
        caller=Caller(certificate_pem=pair.certificate_pem, key_pem=pair.key_pem)
        if has_key
        else None,
        held=(),
        root=lambda _log, _size: b"",
        clock=lambda: datetime.now(UTC),
    )
    return answer


@asynccontextmanager
async def showing(directory: Path, pair: KeyPair) -> AsyncIterator[str]:
    """Serve TLS with a certificate and nothing behind it; yield the endpoint."""
    certificate, key = directory / "shown.crt", directory / "shown.key"
    certificate.write_bytes(pair.certificate_pem)
    key.write_bytes(pair.key_pem)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["h2"])
    server = await asyncio.start_server(
        lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=context
    )
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_reached() -> None:
    """A partner that answers is reached, and its certificate and status are seen."""

    async def get_trust_status(_request: object, _call: object) -> GetTrustStatusResponse:
        return GetTrustStatusResponse(trust_version=7)

    service = ScriptedFederation(get_trust_status=get_trust_status)
    async with running_edge({"deltacare.v1.FederationService": service}) as edge:
        answer = await ask(edge.federation, edge.endpoint)
    assert (None, THEIRS) == (answer.way.failure, answer.province)
    assert answer.status is not None
    assert 7 == answer.status.trust_version
    assert answer.certificate_pem.startswith(b"-----BEGIN CERTIFICATE-----")


async def test_our_certificate_is_refused() -> None:
    """A partner that does not take our certificate is told from one that is not there."""
    async with running_edge({"deltacare.v1.FederationService": ScriptedFederation()}) as edge:
        federation = edge.federation
        strange_ca = new_ca(OURS, now=federation.now)
        strange = issue_node(strange_ca, OURS, hosts=(), now=federation.now)
        over = issue_node(
            federation.cas[OURS],
            OURS,
            hosts=(),
            now=federation.now - timedelta(days=9),
            duration_d=3,
        )
        clerk = issue_client(
            federation.cas[OURS], principal(OURS, "clerk", "c-1"), now=federation.now
        )
        failures = [
            (await ask(federation, edge.endpoint, pair)).way.failure
            for pair in (strange, over, clerk)
        ]
    assert [Failure.UNKNOWN_TO_IT] * 3 == failures


async def test_answers_with_an_error() -> None:
    """A partner that is there and out of order is neither unreachable nor untrusted."""

    async def get_trust_status(_request: object, _call: object) -> GetTrustStatusResponse:
        raise Refusal(Reason.OVERLOADED, "later")

    service = ScriptedFederation(get_trust_status=get_trust_status)
    async with running_edge({"deltacare.v1.FederationService": service}) as edge:
        way = (await ask(edge.federation, edge.endpoint)).way
    assert (Failure.OUT_OF_ORDER, "OVERLOADED") == (way.failure, way.said)


async def test_nothing_serves() -> None:
    """A closed port, a name that leads nowhere."""
    federation = Federation.make()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = f"127.0.0.1:{probe.getsockname()[1]}"
        assert Failure.REFUSED is (await ask(federation, closed)).way.failure
    assert Failure.NAME is (await ask(federation, "no-such-host.invalid:7310")).way.failure


async def test_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that takes the connection and says nothing is given up on."""
    monkeypatch.setattr(asking, "TIMEOUT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        endpoint = f"127.0.0.1:{listening.getsockname()[1]}"
        answer = await ask(Federation.make(), endpoint)
    assert Failure.SILENT is answer.way.failure


async def test_somebody_else(tmp_path: Path) -> None:
    """Another CA, another province's node, or a client of the right CA is not the partner."""
    federation = Federation.make()
    strange_ca = new_ca(THEIRS, now=federation.now)
    caller = principal(THEIRS, "system", "s-1")
    for pair in (
        issue_node(strange_ca, THEIRS, hosts=("127.0.0.1",), now=federation.now),
        federation.node("330000"),
        issue_client(federation.cas[THEIRS], caller, now=federation.now),
    ):
        async with showing(tmp_path, pair) as endpoint:
            answer = await ask(federation, endpoint)
        assert Failure.UNTRUSTED is answer.way.failure
        assert answer.certificate_pem


async def test_certificate_is_over() -> None:
    """An expired certificate is not trusted, and is handed on to be told as such."""
    federation = Federation.make()
    over = issue_node(
        federation.cas[THEIRS],
        THEIRS,
        hosts=("127.0.0.1",),
        now=federation.now - timedelta(days=9),
        duration_d=3,
    )
    async with running_edge({}, federation=federation, node=over) as edge:
        answer = await ask(federation, edge.endpoint)
    assert Failure.UNTRUSTED is answer.way.failure
    assert over.certificate_pem == answer.certificate_pem


async def test_certificate_is_revoked() -> None:
    """What gRPC does not look at is looked at before: a serial that the federation took back."""
    federation = Federation.make()
    node = federation.node(THEIRS)
    services = {"deltacare.v1.FederationService": ScriptedFederation()}
    async with running_edge(services, federation=federation, node=node) as edge:
        answer = await ask(federation, edge.endpoint, revoked=(serial_of(node.certificate_pem),))
    assert Failure.UNTRUSTED is answer.way.failure


async def test_without_a_key(tmp_path: Path) -> None:
    """Without our own key partners are seen and not called, and still told from strangers."""
    async with running_edge({"deltacare.v1.FederationService": ScriptedFederation()}) as edge:
        answer = await ask(edge.federation, edge.endpoint, has_key=False)
    assert (None, None) == (answer.way.failure, answer.status)
    assert answer.certificate_pem
    federation = Federation.make()
    caller = principal(THEIRS, "system", "s-1")
    for pair in (
        issue_node(new_ca(THEIRS, now=federation.now), THEIRS, hosts=(), now=federation.now),
        issue_client(federation.cas[THEIRS], caller, now=federation.now),
    ):
        async with showing(tmp_path, pair) as endpoint:
            answer = await ask(federation, endpoint, has_key=False)
        assert Failure.UNTRUSTED is answer.way.failure
