"""A federation of four nodes with a million certificates, made once for all that need it.

Every certificate is an entry: each province's node issues a quarter by IssueCertificates, in
batches of a thousand, names digested and salted; the other nodes mirror, prove, project and cosign
them. Nothing is written beside the nodes. The nodes are stopped afterwards and their directory is
kept until the benchmarks end, so that each benchmark starts them as an operator would.

``DELTACARE_BENCH_CERTIFICATES`` makes fewer, to see that the benchmarks run.
"""

import asyncio
import atexit
import os
import shutil
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from bench.check import DUTY, _id, _until
from bench.nodes import client, configure
from clients.demo.processes import Nodes, make_nodes
from clients.demo.scenario import PROVINCES
from deltacare.times import business_date
from deltacare.v1 import certification_service_pb2 as certification
from deltacare.v1 import entry_pb2 as entry
from deltacare.v1 import log_service_pb2 as log
from deltacare.v1 import registry_service_pb2 as registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clients.sdk.node import NodeClient

__all__ = ["CERTIFICATES", "HOST", "number", "serving"]

CERTIFICATES = int(os.environ.get("DELTACARE_BENCH_CERTIFICATES", "1000000"))
HOST = "310000"
_BATCH = 1_000
_BATCHES_AT_ONCE = 4
_WAIT_S = 3_600


def number(serial: int) -> str:
    """Return the number of a certificate; they go round the four provinces."""
    return f"{PROVINCES[serial % len(PROVINCES)]}-C{serial:09d}"


@contextmanager
def serving() -> "Iterator[Nodes]":
    """Serve the loaded federation, and stop it."""
    made = _made()
    try:
        asyncio.run(made.start(*PROVINCES))
        yield made
    finally:
        made.stop()


@cache
def _made() -> Nodes:
    """Make the federation and load it, once a process."""
    directory = Path(tempfile.mkdtemp(prefix="deltacare-bench-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    opening = business_date(datetime.now(UTC)) - timedelta(days=1)
    made = asyncio.run(make_nodes(directory, PROVINCES, opening_date=opening))
    configure(made, PROVINCES, write_unconfirmed=False)
    started_s = time.perf_counter()
    try:
        asyncio.run(made.start(*PROVINCES))
        asyncio.run(_load(made))
    finally:
        made.stop()
    print(
        f"… loaded {CERTIFICATES:,} certificates in {time.perf_counter() - started_s:,.0f} s",
        file=sys.stderr,
    )
    return made


async def _load(made: Nodes) -> None:
    """Agree, declare equivalences, and let every province issue its quarter."""
    clients = {province: client(made, province) for province in PROVINCES}
    try:
        host = clients[HOST]
        for partner in PROVINCES[1:]:
            await _recognise(host, clients[partner], partner)
        await asyncio.gather(*(_issue(clients[province], province) for province in PROVINCES))
        await asyncio.gather(*(_spread(node, clients) for node in clients.values()))
    finally:
        for node in clients.values():
            await node.close()


async def _recognise(host: "NodeClient", issuer: "NodeClient", province: str) -> None:
    """Let the host recognise what another province issues."""
    agreement_id = f"{HOST}-A{province}"
    proposed = await _until(
        lambda: host.registry.ProposeAgreement(
            registry.ProposeAgreementRequest(
                request_id=_id(),
                duty=DUTY,
                agreement=entry.Agreement(
                    agreement_id=agreement_id,
                    parties=[HOST, province],
                    scopes=[entry.AGREEMENT_SCOPE_CAREGIVER_QUALIFICATION],
                    from_date="2020-01-01",
                ),
            )
        ),
        lambda _: True,
    )
    await host.certification.PublishEquivalence(
        certification.PublishEquivalenceRequest(
            request_id=_id(),
            duty=DUTY,
            equivalence=entry.Equivalence(
                equivalence_id=f"{HOST}-E{province}",
                issuer=province,
                scheme="CAREGIVER_LEVEL",
                grades=["三级"],
                mapped_scheme="CAREGIVER_LEVEL",
                mapped_grade="三级",
                from_date="2020-01-01",
                agreement_id=agreement_id,
            ),
        )
    )
    await _until(
        lambda: issuer.registry.AnswerAgreement(
            registry.AnswerAgreementRequest(
                request_id=_id(),
                duty=DUTY,
                answer=entry.AgreementAnswer(
                    agreement_id=agreement_id,
                    version_hash=proposed.version_hash,
                    word=entry.AGREEMENT_WORD_ACCEPTED,
                ),
            )
        ),
        lambda _: True,
    )


async def _issue(node: "NodeClient", province: str) -> None:
    """Issue a province's quarter, a few batches at a time."""
    mine = range(PROVINCES.index(province), CERTIFICATES, len(PROVINCES))
    starts = iter(range(0, len(mine), _BATCH))

    async def issuer() -> None:
        for start in starts:
            request = certification.IssueCertificatesRequest(
                request_id=_id(),
                duty=DUTY,
                certificates=[
                    certification.NewCertificate(
                        certificate=entry.Certificate(
                            certificate_no=number(serial),
                            subject=entry.CERTIFICATE_SUBJECT_CAREGIVER,
                            scheme="CAREGIVER_LEVEL",
                            grade="三级",
                            valid_from_date="2024-01-01",
                            valid_until_date="2027-12-31",
                        ),
                        holder_name=f"样本{serial}",
                    )
                    for serial in mine[start : start + _BATCH]
                ],
            )
            await _until(
                lambda request=request: node.certification.IssueCertificates(request),  # type: ignore[misc]
                lambda _: True,
            )

    await asyncio.gather(*(issuer() for _ in range(_BATCHES_AT_ONCE)))


async def _spread(node: "NodeClient", clients: "dict[str, NodeClient]") -> None:
    """Wait until a node holds every registry log as far as its author does, under a quorum."""
    end_s = time.monotonic() + _WAIT_S
    while time.monotonic() < end_s:
        wanted = {}
        for province, author in clients.items():
            name = f"deltacare/{province}/registry"
            sizes = {
                each.log: each for each in (await author.log.ListLogs(log.ListLogsRequest())).logs
            }
            wanted[name] = sizes[name].verified_size
        held = {each.log: each for each in (await node.log.ListLogs(log.ListLogsRequest())).logs}
        if all(held[name].quorum_size >= size for name, size in wanted.items()):
            return
        await asyncio.sleep(0.5)
    message = "the certificates did not spread"
    raise TimeoutError(message)
