"""From a revocation to REVOKED at every partner, and to the alert of a subscriber at each of them.

Jiangsu revokes certificates one after another at a steady rate while each partner answers up to a
hundred other checks a second and Jiangsu issues further certificates. A revocation's time runs from
the answer to RevokeCertificate (it is durable, and its entry appended) until each partner's node
first answers REVOKED to a check, asked again and again; and until the alert with that verdict has
come in over the stream that a subscriber holds open at that node.
"""

import asyncio
import os
import statistics
import time
from typing import Any

from bench.check import DUTY, ISSUER, _certificate_no, _id, _prepare, _until
from bench.nodes import client, nodes
from clients.demo.processes import Nodes
from clients.demo.scenario import PROVINCES
from clients.sdk.node import NodeClient
from deltacare.v1 import certification_service_pb2 as certification
from deltacare.v1 import entry_pb2 as entry

__all__ = ["run"]

GOAL_P99_S = 1.0
REVOCATIONS = int(os.environ.get("DELTACARE_BENCH_REVOCATIONS", "1000"))
REVOCATIONS_PER_S = 20
CHECKS_PER_S = 100
ISSUED_AT_ONCE = 20
_ISSUE_EVERY_S = 0.25
_ASK_AGAIN_S = 0.025
_WAIT_S = 30.0
_LIST_MAX = 1_000


def _number(serial: int) -> str:
    return f"320000-R{serial:06d}"


def _body(number: str) -> certification.NewCertificate:
    return certification.NewCertificate(
        certificate=entry.Certificate(
            certificate_no=number,
            subject=entry.CERTIFICATE_SUBJECT_CAREGIVER,
            scheme="CAREGIVER_LEVEL",
            grade="三级",
            valid_from_date="2024-01-01",
            valid_until_date="2027-12-31",
        ),
        holder_name="样本",
    )


async def _issue(node: NodeClient, numbers: list[str]) -> None:
    await node.certification.IssueCertificates(
        certification.IssueCertificatesRequest(
            request_id=_id(),
            duty=DUTY,
            certificates=[_body(number) for number in numbers],
        )
    )


class _Measured:
    """When each revocation was appended, seen and told."""

    def __init__(self) -> None:
        self.appended_s: dict[str, float] = {}
        self.seen_s: dict[tuple[str, str], float] = {}
        self.told_s: dict[tuple[str, str], float] = {}


async def _listen(
    node: NodeClient, province: str, measured: _Measured, ready: asyncio.Event
) -> None:
    """Note when alerts come in."""
    async for alert in node.certification.WatchCertificates(
        certification.WatchCertificatesRequest()
    ):
        ready.set()
        for each in alert.certificates:
            if each.verdict.verdict == certification.VERDICT_REVOKED:
                measured.told_s.setdefault((province, each.certificate_no), time.perf_counter())


async def _ask(node: NodeClient, province: str, number: str, measured: _Measured) -> None:
    """Ask a partner until it answers REVOKED."""
    request = certification.CheckCertificationRequest(certificate_no=number)
    end_s = time.perf_counter() + _WAIT_S
    while time.perf_counter() < end_s:
        answer = await node.certification.CheckCertification(request)
        if answer.verdict == certification.VERDICT_REVOKED:
            measured.seen_s[province, number] = time.perf_counter()
            return
        await asyncio.sleep(_ASK_AGAIN_S)


async def _load(partners: dict[str, NodeClient], issuer: NodeClient) -> None:
    """Check everywhere and issue at the issuer, until cancelled."""

    async def checker(node: NodeClient) -> None:
        request = certification.CheckCertificationRequest(certificate_no=_certificate_no(1))
        while True:
            await node.certification.CheckCertification(request)
            await asyncio.sleep(1 / CHECKS_PER_S)

    async def issuing() -> None:
        serial = 0
        while True:
            await _issue(issuer, [f"320000-L{serial + n:08d}" for n in range(ISSUED_AT_ONCE)])
            serial += ISSUED_AT_ONCE
            await asyncio.sleep(_ISSUE_EVERY_S)

    await asyncio.gather(issuing(), *(checker(node) for node in partners.values()))


async def _watch_all(
    partners: dict[str, NodeClient], issuer: NodeClient, measured: _Measured
) -> list["asyncio.Task[None]"]:
    """Issue what will be revoked, watch it at every partner, and return the listeners."""
    numbers = [_number(serial) for serial in range(REVOCATIONS)]
    for start in range(0, REVOCATIONS, _LIST_MAX):
        await _issue(issuer, numbers[start : start + _LIST_MAX])
    listeners = []
    for province, node in partners.items():
        for start in range(0, REVOCATIONS, _LIST_MAX):
            await node.certification.PutWatchList(
                certification.PutWatchListRequest(
                    list=certification.WatchList(
                        institution_id=f"{province}-{start + 1}",
                        certificate_nos=numbers[start : start + _LIST_MAX],
                    )
                )
            )
        # Until the last is under a quorum: only then can a partner know it.
        await _until(
            lambda node=node: node.certification.CheckCertification(  # type: ignore[misc]
                certification.CheckCertificationRequest(certificate_no=numbers[-1])
            ),
            lambda answer: answer.verdict != certification.VERDICT_UNKNOWN,
        )
        ready = asyncio.Event()
        listeners.append(asyncio.create_task(_listen(node, province, measured, ready)))
        # The first answer, which says where watching begins.
        await asyncio.wait_for(ready.wait(), _WAIT_S)
    return listeners


async def _measure(running: Nodes) -> _Measured:
    await _prepare(running)
    measured = _Measured()
    issuer = client(running, ISSUER)
    partners = {p: client(running, p) for p in PROVINCES if p != ISSUER}
    tasks = await _watch_all(partners, issuer, measured)
    tasks.append(asyncio.create_task(_load(partners, issuer)))
    asking: list[asyncio.Task[None]] = []
    begun_s = time.perf_counter()
    try:
        for serial in range(REVOCATIONS):
            await asyncio.sleep(
                max(0.0, begun_s + serial / REVOCATIONS_PER_S - time.perf_counter())
            )
            number = _number(serial)
            await issuer.certification.RevokeCertificate(
                certification.RevokeCertificateRequest(
                    request_id=_id(),
                    duty=DUTY,
                    revocation=entry.CertificateRevocation(
                        certificate_no=number, effective_date="2024-01-01", reason="FRAUD"
                    ),
                )
            )
            measured.appended_s[number] = time.perf_counter()
            asking += [
                asyncio.create_task(_ask(node, province, number, measured))
                for province, node in partners.items()
            ]
        await asyncio.gather(*asking)
        await _until(
            lambda: asyncio.sleep(0, len(measured.told_s)),
            lambda told: told == len(partners) * REVOCATIONS,
        )
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for node in (issuer, *partners.values()):
            await node.close()
    return measured


def _figure(measured: _Measured, times: dict[tuple[str, str], float]) -> dict[str, Any]:
    """Return the p99 over every revocation at its slowest partner."""
    slowest = {
        number: max(
            times.get((province, number), float("inf")) - appended_s
            for province in PROVINCES
            if province != ISSUER
        )
        for number, appended_s in measured.appended_s.items()
    }
    taken = sorted(max(0.0, each) for each in slowest.values())
    p99 = taken[min(len(taken) - 1, len(taken) * 99 // 100)]
    return {
        "value": round(p99 * 1_000, 1),
        "unit": "ms p99",
        "ratio": None,
        "baseline": f"p50 {statistics.median(taken) * 1_000:.1f} ms, {len(taken):,} of them",
        "goal": f"< {GOAL_P99_S:.0f} s",
        "met": p99 < GOAL_P99_S,
    }


def run() -> dict[str, dict[str, Any]]:
    """Measure and return the figures."""
    with nodes(*PROVINCES) as running:
        measured = asyncio.run(_measure(running))
    return {
        "revocation to REVOKED at every partner": _figure(measured, measured.seen_s),
        "revocation to the alert at every partner": _figure(measured, measured.told_s),
    }
