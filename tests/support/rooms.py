"""Four nodes with the rooms of registry and certification above their logs, in one process.

```python
async with Rooms.open(tmp_path) as rooms:
    await rooms.registry["310000"].propose_agreement(request, rooms.call("310000"))
    await rooms.spread("310000")
```

What is built here is generated and synthetic; no person or home in it exists.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from deltacare.ids import LogName, Principal
from deltacare.keys import LogSigner
from deltacare.v1 import certification_service_pb2 as cert_pb
from deltacare.v1 import entry_pb2 as pb
from deltacare.v1 import registry_service_pb2 as reg_pb
from deltacare.v1 import supervision_service_pb2 as sup_pb
from deltacare.v1.types_pb2 import Duty
from server.certification.barring import unreached
from server.certification.projector import CertificationProjector
from server.certification.salts import SaltStore
from server.certification.service import CertificationServicer
from server.certification.store import read_histories
from server.credential.projector import CredentialProjector
from server.edge.call import Call
from server.log.ports import Projector
from server.registry.projector import RegistryProjector
from server.registry.service import RegistryServicer
from server.supervision.projector import SupervisionProjector
from server.supervision.service import SupervisionServicer
from tests.support.federation import PROVINCES, make_keys
from tests.support.nodes import FourNodes, Node, request_uuid
from tests.support.ports import SeededEntropy

__all__ = [
    "DUTY",
    "Rooms",
    "VerdictKeys",
    "agreement_body",
    "certificate_body",
    "equivalence_body",
    "institution_body",
    "listing_body",
]

DUTY = Duty(maker="sys-1", reviewer="rev-1")

_requests = count(1_000_000)


def request_id() -> str:
    """Return a request id that was not used yet."""
    return request_uuid(next(_requests))


def institution_body(institution_id: str = "310000-1", **changes: object) -> pb.Institution:
    """Return an institution, synthetic."""
    province = institution_id[:6]
    fields: dict[str, object] = {
        "institution_id": institution_id,
        "name": f"示例养老院{institution_id[7:]}",
        "division_code": f"{province[:2]}0105" if province == "310000" else f"{province[:2]}0102",
        "approved_beds": 100,
        "operation_mode": pb.OPERATION_MODE_PUBLIC_PRIVATE,
        "state": pb.INSTITUTION_STATE_OPERATING,
    }
    return pb.Institution(**{**fields, **changes})  # type: ignore[arg-type]  # a test's own


def listing_body(
    listing_id: str = "310000-L1", *institution_ids: str, **changes: object
) -> pb.Listing:
    """Return a listing, of the first institution unless others are named.

    Its totals are those of institutions as ``institution_body`` makes them.
    """
    listed = institution_ids or ("310000-1",)
    fields: dict[str, object] = {
        "listing_id": listing_id,
        "institution_ids": listed,
        "from_date": "2026-01-01",
        "totals": pb.ControlTotals(
            institution_count=len(listed), city_count=1, approved_beds=100 * len(listed)
        ),
    }
    return pb.Listing(**{**fields, **changes})  # type: ignore[arg-type]  # a test's own


def agreement_body(agreement_id: str = "310000-A1", **changes: object) -> pb.Agreement:
    """Return an agreement of Shanghai and Jiangsu about everything."""
    fields: dict[str, object] = {
        "agreement_id": agreement_id,
        "parties": ("310000", "320000"),
        "scopes": (
            pb.AGREEMENT_SCOPE_INSTITUTION_STANDARD,
            pb.AGREEMENT_SCOPE_CAREGIVER_QUALIFICATION,
            pb.AGREEMENT_SCOPE_SUBSIDY,
        ),
        "subsidy_kinds": ("CARE_BED",),
        "from_date": "2026-01-01",
    }
    return pb.Agreement(**{**fields, **changes})  # type: ignore[arg-type]  # a test's own


def certificate_body(certificate_no: str = "320000-C1", **changes: object) -> pb.Certificate:
    """Return a caregiver's certificate without its digest."""
    fields: dict[str, object] = {
        "certificate_no": certificate_no,
        "subject": pb.CERTIFICATE_SUBJECT_CAREGIVER,
        "scheme": "CAREGIVER_LEVEL",
        "grade": "三级",
        "valid_from_date": "2026-01-01",
        "valid_until_date": "2026-12-31",
    }
    return pb.Certificate(**{**fields, **changes})  # type: ignore[arg-type]  # a test's own


def equivalence_body(equivalence_id: str = "310000-E1", **changes: object) -> pb.Equivalence:
    """Return Shanghai's recognition of Jiangsu's caregivers."""
    fields: dict[str, object] = {
        "equivalence_id": equivalence_id,
        "issuer": "320000",
        "scheme": "CAREGIVER_LEVEL",
        "grades": ("三级", "二级"),
        "mapped_scheme": "SH_CAREGIVER",
        "mapped_grade": "中级",
        "from_date": "2026-01-01",
        "agreement_id": "310000-A1",
    }
    return pb.Equivalence(**{**fields, **changes})  # type: ignore[arg-type]  # a test's own


def _projectors(_: str) -> list[Projector]:
    """Return the projectors of a node."""
    return [
        RegistryProjector(),
        SupervisionProjector(),
        CertificationProjector(),
        CredentialProjector(),
    ]


def _salts(turn: str = "") -> dict[str, SaltStore]:
    """Return the salts of every node; those of another turn draw others under the same keys."""
    return {p: SaltStore(bytes(32), SeededEntropy(f"salts {p}{turn}")) for p in PROVINCES}


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictKeys:
    """The keys with which a node signs verdicts."""

    verdict_signers: tuple[LogSigner, ...]


def _databases(directory: Path) -> dict[str, bytes]:
    """Return the databases of nodes that stopped, by province."""
    assert not list(directory.glob("*-wal")), "a node that stopped keeps one file"
    return {province: (directory / f"{province}.db").read_bytes() for province in PROVINCES}


_laid: dict[Callable[["Rooms"], Awaitable[None]], dict[str, bytes]] = {}


class Rooms:
    """The federation, with the services of two rooms at every node.

    Attributes:
        nodes: the nodes below.
        registry: of the nodes that are up, by province.
        supervision: likewise.
        certification: likewise.
    """

    def __init__(
        self, nodes: FourNodes, salts: dict[str, SaltStore], up: Iterable[str] = PROVINCES
    ) -> None:
        up = tuple(up)
        self.nodes = nodes
        self.salts = salts
        self.registry = {p: self._registry(nodes[p]) for p in up}
        self.supervision = {p: self._supervision(nodes[p]) for p in up}
        self.certification = {p: self._certification(nodes[p]) for p in up}

    def _registry(self, node: Node) -> RegistryServicer:
        return RegistryServicer(
            own=node.province,
            trust=self.nodes.trust,
            database=node.database,
            sequencer=node.logs.sequencer,
            reader=node.logs.reader,
        )

    def _supervision(self, node: Node) -> SupervisionServicer:
        return SupervisionServicer(
            own=node.province,
            trust=self.nodes.trust,
            database=node.database,
            sequencer=node.logs.sequencer,
            reader=node.logs.reader,
            certificate_known=lambda connection, number: bool(
                read_histories(connection, (number,))
            ),
            unreached=lambda connection, numbers, first, last: unreached(
                connection,
                node.province,
                self.certification[node.province]._room.vault,
                numbers,
                from_date=first,
                until_date=last,
            ),
        )

    def _certification(self, node: Node) -> CertificationServicer:
        return CertificationServicer(
            own=node.province,
            trust=self.nodes.trust,
            database=node.database,
            sequencer=node.logs.sequencer,
            reader=node.logs.reader,
            salts=self.salts[node.province],
            entropy=SeededEntropy(f"service {node.province}"),
            clock=self.nodes.clock,
            signers=VerdictKeys(verdict_signers=(make_keys(node.province).verdicts,)),
        )

    @classmethod
    @asynccontextmanager
    async def open(cls, directory: Path, **options: object) -> AsyncIterator["Rooms"]:
        """Bring the federation up, every log confirmed; options are those of ``FourNodes``."""
        salts = _salts()
        async with FourNodes.open(
            directory, projectors=_projectors, attachments=salts.__getitem__, **options
        ) as nodes:
            await nodes.confirmed()
            yield cls(nodes, salts)

    @classmethod
    @asynccontextmanager
    async def laid(
        cls, directory: Path, foundation: Callable[["Rooms"], Awaitable[None]]
    ) -> AsyncIterator["Rooms"]:
        """Bring the federation up where a foundation was laid, known everywhere under its quorum.

        The nodes lay it once a process; every federation after that starts again from copies of
        their databases, as nodes do, and takes up to a second less.

        Args:
            directory: of the databases.
            foundation: says through the rooms what every test of it counts on; a function of a
                module, by which the copies are found.
        """
        if foundation not in _laid:
            with TemporaryDirectory() as first:
                async with cls.open(Path(first)) as rooms:
                    await foundation(rooms)
                    for province in PROVINCES:
                        await rooms.spread(province)
                _laid[foundation] = _databases(Path(first))
        for province, data in _laid[foundation].items():
            (directory / f"{province}.db").write_bytes(data)
        salts = _salts(" again")
        async with FourNodes.open(
            directory, projectors=_projectors, attachments=salts.__getitem__
        ) as nodes:
            await nodes.confirmed()
            found = cls(nodes, salts)
            for province in PROVINCES:
                await found.spread(province)
            yield found

    @classmethod
    @asynccontextmanager
    async def alone(
        cls,
        directory: Path,
        province: str,
        more: Callable[[SaltStore], Iterable[Projector]] = lambda _: (),
    ) -> AsyncIterator["Rooms"]:
        """Bring up one node without its partners; it may write all the same.

        Args:
            directory: of its database.
            province: whose node.
            more: returns further projectors, from its salts.
        """
        salts = _salts()
        nodes = FourNodes(
            directory,
            projectors=lambda each: [*_projectors(each), *more(salts[each])],
            attachments=salts.__getitem__,
        )
        try:
            await nodes[province].start(write_unconfirmed=True)
            yield cls(nodes, salts, (province,))
        finally:
            await nodes[province].stop()

    def restarted(self, province: str) -> None:
        """Give a node that came up again its services."""
        self.registry[province] = self._registry(self.nodes[province])
        self.supervision[province] = self._supervision(self.nodes[province])
        self.certification[province] = self._certification(self.nodes[province])

    def call(self, province: str, method: str = "Test") -> Call:
        """Return a call of a province's own system."""
        caller = Principal(province=province, role="system", opaque_id="sys-1")
        now = self.nodes.clock.now()
        return Call(caller=caller, method=f"/deltacare.v1.TestService/{method}", now=now)

    async def spread(self, province: str) -> None:
        """Wait until a registry log is held everywhere as far as it goes, under its quorum."""
        log = LogName.registry(province)
        size = self.nodes[province].logs.reader.position(log).size
        for node in self.nodes.nodes.values():
            await node.holds(log, size)
            await node.has_quorum(log, size)

    # Writes in short form.

    async def register(self, province: str, *bodies: pb.Institution) -> None:
        """State institutions."""
        await self.registry[province].batch_upsert_institutions(
            reg_pb.BatchUpsertInstitutionsRequest(
                request_id=request_id(), duty=DUTY, institutions=bodies
            ),
            self.call(province, "Upsert"),
        )

    async def publish(self, province: str, listing: pb.Listing) -> None:
        """Publish a listing."""
        await self.registry[province].publish_listing(
            reg_pb.PublishListingRequest(request_id=request_id(), duty=DUTY, listing=listing),
            self.call(province, "PublishListing"),
        )

    async def propose(self, province: str, agreement: pb.Agreement) -> bytes:
        """Propose a version, and return its hash."""
        answer = await self.registry[province].propose_agreement(
            reg_pb.ProposeAgreementRequest(request_id=request_id(), duty=DUTY, agreement=agreement),
            self.call(province, "Propose"),
        )
        return answer.version_hash

    async def say(
        self,
        province: str,
        agreement_id: str,
        version_hash: bytes,
        *,
        accept: bool = True,
        ends: str = "",
    ) -> reg_pb.AnswerAgreementResponse:
        """Answer an agreement; an end is from the present day, unless another is named."""
        word = pb.AGREEMENT_WORD_ACCEPTED if accept else pb.AGREEMENT_WORD_ENDED
        answer = pb.AgreementAnswer(
            agreement_id=agreement_id,
            version_hash=version_hash,
            word=word,
            reason="" if accept else "EXPIRED_TERMS",
            effective_date=ends,
        )
        return await self.registry[province].answer_agreement(
            reg_pb.AnswerAgreementRequest(request_id=request_id(), duty=DUTY, answer=answer),
            self.call(province, "Answer"),
        )

    async def agree(self, agreement: pb.Agreement) -> bytes:
        """Propose an agreement and let every other party accept it; return the version's hash."""
        author = agreement.agreement_id[:6]
        version_hash = await self.propose(author, agreement)
        await self.spread(author)
        for other in sorted({f"{party[:2]}0000" for party in agreement.parties} - {author}):
            await self.say(other, agreement.agreement_id, version_hash)
            await self.spread(other)
        return version_hash

    async def issue(
        self, province: str, *bodies: pb.Certificate, holder_name: str = "示例甲"
    ) -> None:
        """Issue certificates, caregivers' to one made-up name."""
        await self.certification[province].issue_certificates(
            cert_pb.IssueCertificatesRequest(
                request_id=request_id(),
                duty=DUTY,
                certificates=[
                    cert_pb.NewCertificate(
                        certificate=body,
                        holder_name=(
                            holder_name if body.subject == pb.CERTIFICATE_SUBJECT_CAREGIVER else ""
                        ),
                    )
                    for body in bodies
                ],
            ),
            self.call(province, "Issue"),
        )

    async def revoke(self, province: str, certificate_no: str, day: str) -> None:
        """Revoke a certificate."""
        await self.certification[province].revoke_certificate(
            cert_pb.RevokeCertificateRequest(
                request_id=request_id(),
                duty=DUTY,
                revocation=pb.CertificateRevocation(
                    certificate_no=certificate_no, effective_date=day, reason="FRAUD"
                ),
            ),
            self.call(province, "Revoke"),
        )

    async def take(self, province: str, measure: pb.SupervisionMeasure) -> None:
        """Take a measure of supervision."""
        await self.supervision[province].take_measure(
            sup_pb.TakeMeasureRequest(request_id=request_id(), duty=DUTY, measure=measure),
            self.call(province, "Take"),
        )

    async def lift(self, province: str, measure_id: str, day: str) -> None:
        """Lift a measure of supervision."""
        await self.supervision[province].lift_measure(
            sup_pb.LiftMeasureRequest(
                request_id=request_id(),
                duty=DUTY,
                lift=pb.MeasureLift(measure_id=measure_id, effective_date=day, reason="MENDED"),
            ),
            self.call(province, "Lift"),
        )

    async def declare(self, province: str, equivalence: pb.Equivalence) -> None:
        """Declare an equivalence."""
        await self.certification[province].publish_equivalence(
            cert_pb.PublishEquivalenceRequest(
                request_id=request_id(), duty=DUTY, equivalence=equivalence
            ),
            self.call(province, "Declare"),
        )

    async def check(
        self, province: str, certificate_no: str, **fields: object
    ) -> cert_pb.CheckCertificationResponse:
        """Check a certificate at a node."""
        request = cert_pb.CheckCertificationRequest(certificate_no=certificate_no, **fields)  # type: ignore[arg-type]  # a test's own
        return await self.certification[province].check_certification(
            request, self.call(province, "Check")
        )
