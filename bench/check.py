"""Checks through mutual TLS against an empty method that passes the same TLS, rights and logging.

A certificate of Jiangsu is checked at Shanghai's node, so that recognition, freshness and quorum
all count. Both methods are called by the same concurrent callers, in turn, several rounds.
"""

import asyncio
import statistics
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from bench.nodes import client, nodes
from clients.demo.processes import Nodes
from clients.demo.scenario import PROVINCES
from clients.sdk.node import NodeClient
from deltacare.v1 import certification_service_pb2 as certification
from deltacare.v1 import entry_pb2 as entry
from deltacare.v1 import registry_service_pb2 as registry
from deltacare.v1.federation_service_pb2 import PingRequest
from deltacare.v1.types_pb2 import Duty

__all__ = ["run"]

HOST, ISSUER = "310000", "320000"
GOAL_RATIO = 0.6
CALLERS = 32
CALLS = 6_000
ROUNDS = 5
CERTIFICATES = 500
WAIT_S = 30
DUTY = Duty(maker="maker-1", reviewer="reviewer-1")


def _id() -> str:
    return str(uuid.uuid4())


def _certificate_no(serial: int) -> str:
    return f"320000-C{serial:06d}"


async def _prepare(running: Nodes) -> None:
    """Agree, declare the equivalence, issue certificates, and wait until they count at the host."""
    async with client(running, HOST) as here, client(running, ISSUER) as there:
        # Nodes write once their partners have confirmed the ends of their logs.
        proposed = await _until(
            lambda: here.registry.ProposeAgreement(
                registry.ProposeAgreementRequest(
                    request_id=_id(),
                    duty=DUTY,
                    agreement=entry.Agreement(
                        agreement_id="310000-A1",
                        parties=["310000", "320000"],
                        scopes=[entry.AGREEMENT_SCOPE_CAREGIVER_QUALIFICATION],
                        from_date="2020-01-01",
                    ),
                )
            ),
            lambda _: True,
        )
        await here.certification.PublishEquivalence(
            certification.PublishEquivalenceRequest(
                request_id=_id(),
                duty=DUTY,
                equivalence=entry.Equivalence(
                    equivalence_id="310000-E1",
                    issuer="320000",
                    scheme="CAREGIVER_LEVEL",
                    grades=["三级"],
                    mapped_scheme="CAREGIVER_LEVEL",
                    mapped_grade="三级",
                    from_date="2020-01-01",
                    agreement_id="310000-A1",
                ),
            )
        )
        await _until(
            lambda: there.registry.AnswerAgreement(
                registry.AnswerAgreementRequest(
                    request_id=_id(),
                    duty=DUTY,
                    answer=entry.AgreementAnswer(
                        agreement_id="310000-A1",
                        version_hash=proposed.version_hash,
                        word=entry.AGREEMENT_WORD_ACCEPTED,
                    ),
                )
            ),
            lambda _: True,
        )
        await there.certification.IssueCertificates(
            certification.IssueCertificatesRequest(
                request_id=_id(),
                duty=DUTY,
                certificates=[
                    certification.NewCertificate(
                        certificate=entry.Certificate(
                            certificate_no=_certificate_no(serial),
                            subject=entry.CERTIFICATE_SUBJECT_CAREGIVER,
                            scheme="CAREGIVER_LEVEL",
                            grade="三级",
                            valid_from_date="2020-01-01",
                            valid_until_date="2099-12-31",
                        ),
                        holder_name=f"样本{serial}",
                    )
                    for serial in range(CERTIFICATES)
                ],
            )
        )
        await _until(
            lambda: here.certification.CheckCertification(
                certification.CheckCertificationRequest(certificate_no=_certificate_no(0))
            ),
            lambda answer: answer.verdict == certification.VERDICT_VALID,
        )


async def _until(call: Callable[[], Awaitable[Any]], is_done: Callable[[Any], bool]) -> Any:  # noqa: ANN401 - any response
    """Repeat a call until its answer is the one that was waited for, and return that."""
    from deltacare.errors import DeltacareError

    deadline = time.monotonic() + WAIT_S
    last: object = None
    while time.monotonic() < deadline:
        try:
            last = await call()
            if is_done(last):
                return last
        except DeltacareError as error:
            last = error
        await asyncio.sleep(0.1)
    raise TimeoutError(f"still not: {last}")


async def _rate(calls: Callable[[int], Awaitable[Any]]) -> float:
    """Return calls a second over all callers."""
    serials = iter(range(CALLS))

    async def caller() -> None:
        for serial in serials:
            await calls(serial)

    start = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    return CALLS / (time.perf_counter() - start)


async def _measure(node: NodeClient) -> list[tuple[float, float]]:
    pings = PingRequest()
    requests = [
        certification.CheckCertificationRequest(certificate_no=_certificate_no(serial))
        for serial in range(CERTIFICATES)
    ]

    async def check(serial: int) -> None:
        answer = await node.certification.CheckCertification(requests[serial % CERTIFICATES])
        assert answer.verdict == certification.VERDICT_VALID, answer

    async def ping(_serial: int) -> None:
        await node.federation.Ping(pings)

    await _rate(check)
    await _rate(ping)
    return [(await _rate(check), await _rate(ping)) for _ in range(ROUNDS)]


def run() -> dict[str, dict[str, Any]]:
    """Measure and return the figure."""
    with nodes(*PROVINCES) as running:

        async def all_of_it() -> list[tuple[float, float]]:
            await _prepare(running)
            async with client(running, HOST) as node:
                return await _measure(node)

        rounds = asyncio.run(all_of_it())
    check = statistics.median(rate for rate, _ in rounds)
    ping = statistics.median(rate for _, rate in rounds)
    ratio = statistics.median(rate / empty for rate, empty in rounds)
    return {
        "check_certification": {
            "value": round(check),
            "unit": "calls/s",
            "ratio": round(ratio, 3),
            "baseline": f"empty method: {ping:,.0f}/s",
            "goal": f"ratio >= {GOAL_RATIO}",
            "met": ratio >= GOAL_RATIO,
        }
    }
