"""One node alone with a vault: issues to persons, bars them, keeps and erases them. Synthetic."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from deltacare.v1 import certification_service_pb2 as cert_pb
from deltacare.v1 import entry_pb2 as pb
from deltacare.v1 import personal_service_pb2 as ppb
from deltacare.v1 import supervision_service_pb2 as sup_pb
from server.certification.barring import barred_still
from server.certification.salts import SaltStore
from server.log.ports import Projector
from server.personal.compare import Comparer
from server.personal.projector import ErasureProjector
from server.personal.service import PersonalServicer
from server.personal.vault import Vault
from tests.support.ports import SeededEntropy
from tests.support.rooms import DUTY, Rooms, certificate_body, request_id
from tests.support.supervising import measure_body

__all__ = ["People"]


class _NoPeers:
    """No partner is asked here."""

    async def compare_identity(
        self, issuer: str, request: ppb.CompareIdentityRequest
    ) -> ppb.CompareIdentityResponse:
        """Never called."""
        raise AssertionError(issuer, request)


class People:
    """The desks of one node that write of persons.

    Args:
        rooms: of which one node is up.
        own: its province.
        vault: of the node.
    """

    def __init__(self, rooms: Rooms, own: str, vault: Vault) -> None:
        self.rooms = rooms
        self.own = own
        self.node = rooms.nodes[own]
        self.vault = vault
        self._desk = rooms.certification[own]
        self._desk._room = replace(self._desk._room, vault=self.vault)
        self._personal = PersonalServicer(
            own=own,
            database=self.node.database,
            sequencer=self.node.logs.sequencer,
            reader=self.node.logs.reader,
            vault=self.vault,
            book=rooms.salts[own],
            comparer=Comparer(
                own=own,
                database=self.node.database,
                vault=self.vault,
                book=rooms.salts[own],
                peers=_NoPeers(),
                clock=rooms.nodes.clock,
            ),
            barred_still=lambda connection, numbers, day: barred_still(
                connection, own, numbers, day
            ),
            on_destroyed=lambda: None,
        )

    @classmethod
    @asynccontextmanager
    async def open(cls, directory: Path, own: str) -> AsyncIterator["People"]:
        """Bring the node up."""
        vault = Vault(own, b"v" * 32, SeededEntropy())

        def eraser(salts: SaltStore) -> list[Projector]:
            return [ErasureProjector(own=own, vault=vault, book=salts)]

        async with Rooms.alone(directory, own, eraser) as rooms:
            yield cls(rooms, own, vault)

    def row(
        self, number: str, name: str, ref: str = "", *, after: str = "", **given: str
    ) -> cert_pb.NewCertificate:
        """Return a certificate to issue.

        Args:
            number: without the province.
            name: of the holder.
            ref: of the holder.
            after: number that it follows, without the province.
            given: further fields.
        """
        body = certificate_body(
            f"{self.own}-{number}", predecessor_no=f"{self.own}-{after}" if after else ""
        )
        return cert_pb.NewCertificate(certificate=body, holder_name=name, subject_ref=ref, **given)

    async def issue(self, *rows: cert_pb.NewCertificate) -> None:
        """Issue certificates in one batch."""
        request = cert_pb.IssueCertificatesRequest(
            request_id=request_id(), duty=DUTY, certificates=rows
        )
        await self._desk.issue_certificates(request, self.rooms.call(self.own, "Issue"))

    def kept(self, ref: str) -> Mapping[str, str]:
        """Return what is kept of a person."""
        return self.node.database.read_now(lambda c: self.vault.values_of(c, ref))

    async def bar(
        self, number: str, *also: str, measure: str = "M1", only_this: str = "", **changes: object
    ) -> sup_pb.TakeMeasureResponse:
        """Ban the holder of certificates, which are named without the province."""
        fields: dict[str, object] = {
            "certificate_no": f"{self.own}-{number}",
            "from_date": "2025-06-01",
        }
        request = sup_pb.TakeMeasureRequest(
            request_id=request_id(),
            duty=DUTY,
            measure=measure_body(f"{self.own}-{measure}", **{**fields, **changes}),
            also_certificate_nos=[f"{self.own}-{each}" for each in also],
            only_this_reason=only_this,
        )
        supervision = self.rooms.supervision[self.own]
        return await supervision.take_measure(request, self.rooms.call(self.own, "Take"))

    async def erase(self, ref: str = "", *numbers: str) -> ppb.ErasePersonalDataResponse:
        """Erase a person, or the holders of certificates."""
        request = ppb.ErasePersonalDataRequest(
            request_id=request_id(),
            duty=DUTY,
            subject_ref=ref,
            certificate_nos=[f"{self.own}-{each}" for each in numbers],
            reason="REQUESTED",
        )
        return await self._personal.erase_personal_data(request, self.rooms.call(self.own, "Erase"))

    async def put(self, ref: str, **values: str) -> ppb.PutPersonalDataResponse:
        """Put values of a person."""
        record = ppb.PersonalRecord(subject_ref=ref, values=ppb.PersonalValues(**values))
        request = ppb.PutPersonalDataRequest(request_id=request_id(), duty=DUTY, records=[record])
        return await self._personal.put_personal_data(request, self.rooms.call(self.own, "Put"))

    def size(self) -> int:
        """Return how many entries the own log has."""
        return self.node.logs.reader.position(self._desk._room.own_log).size

    def standing(self) -> list[pb.Entry]:
        """Return the entries of the own log."""
        size = self.size()
        log = self._desk._room.own_log
        data = self.node.database.read_now(lambda c: self.node.logs.reader.entries(c, log, 0, size))
        return [pb.Entry.FromString(each) for each in data]
