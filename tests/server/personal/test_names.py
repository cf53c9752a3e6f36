"""A name in the vault is one that the person's certificates were issued to."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deltacare.errors import DeltacareError, Reason
from deltacare.v1 import personal_service_pb2 as pb
from server.certification.barring import barred_still
from server.certification.salts import SaltStore
from server.personal.compare import Comparer
from server.personal.service import PersonalServicer
from server.personal.vault import Vault
from tests.support.persons import NAME, PHONE
from tests.support.ports import SeededEntropy
from tests.support.rooms import DUTY, Rooms, certificate_body, request_id

OWN = "320000"
ONE, TWO = f"{OWN}-C1", f"{OWN}-C2"
OTHER = "虚构样本·乙某某"


class _NoPeers:
    """No partner is asked here."""

    async def compare_identity(
        self, issuer: str, request: pb.CompareIdentityRequest
    ) -> pb.CompareIdentityResponse:
        """Never called."""
        raise AssertionError(issuer, request)


class Desk:
    """The vault of one node that issued a certificate to each of two names."""

    def __init__(self, rooms: Rooms) -> None:
        self.rooms = rooms
        self.vault = Vault(OWN, b"v" * 32, SeededEntropy())
        self.service = self.opened(rooms.salts[OWN])

    def opened(self, salts: SaltStore) -> PersonalServicer:
        """Return the service over what salts a node can open."""
        node = self.rooms.nodes[OWN]
        return PersonalServicer(
            own=OWN,
            database=node.database,
            sequencer=node.logs.sequencer,
            reader=node.logs.reader,
            vault=self.vault,
            book=salts,
            comparer=Comparer(
                own=OWN,
                database=node.database,
                vault=self.vault,
                book=salts,
                peers=_NoPeers(),
                clock=self.rooms.nodes.clock,
            ),
            barred_still=lambda connection, numbers, day: barred_still(
                connection, OWN, numbers, day
            ),
            on_destroyed=lambda: None,
        )

    async def put(self, *records: pb.PersonalRecord) -> pb.PutPersonalDataResponse:
        """Put values."""
        request = pb.PutPersonalDataRequest(request_id=request_id(), duty=DUTY, records=records)
        return await self.service.put_personal_data(request, self.rooms.call(OWN, "Put"))

    def kept(self, ref: str) -> dict[str, str]:
        """Return what is kept of a person."""
        node = self.rooms.nodes[OWN]
        return node.database.read_now(lambda c: self.vault.values_of(c, ref))


def person(ref: str, name: str, *numbers: str, phone: str = "") -> pb.PersonalRecord:
    """Return a person to put."""
    values = pb.PersonalValues(holder_name=name, phone=phone)
    return pb.PersonalRecord(subject_ref=ref, values=values, certificate_nos=numbers)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """One node alone."""
    async with Rooms.alone(tmp_path, OWN) as rooms:
        await rooms.issue(OWN, certificate_body(ONE), holder_name=NAME)
        await rooms.issue(OWN, certificate_body(TWO), holder_name=OTHER)
        yield Desk(rooms)


async def test_a_name_that_the_certificate_contradicts_is_refused(desk: Desk) -> None:
    """By record, rule, certificate and remedy, without the name; nothing of the batch is kept."""
    with pytest.raises(DeltacareError) as caught:
        await desk.put(person("p-1", NAME, ONE), person("p-2", NAME, TWO))
    (violation,) = caught.value.violations
    assert (Reason.RULE_REFUSED, "P06-OTHER-NAME", "records[1].certificate_nos", TWO) == (
        caught.value.reason,
        caught.value.details["rule"],
        violation.field,
        violation.value,
    )
    assert violation.remedy
    assert NAME not in f"{caught.value} {violation} {caught.value.details}"
    assert ({}, {}) == (desk.kept("p-1"), desk.kept("p-2"))
    assert 1 == (await desk.put(person("p-1", f" {NAME}", ONE))).created_count, "spaces are none"


async def test_names_and_certificates_that_come_apart(desk: Desk) -> None:
    """A new name for who holds a certificate, and a certificate for who has another name."""
    await desk.put(person("p-1", NAME, ONE), person("p-2", OTHER))
    for record in (person("p-1", OTHER), person("p-2", "", ONE, phone=PHONE)):
        with pytest.raises(DeltacareError) as caught:
            await desk.put(record)
        assert "P06-OTHER-NAME" == caught.value.details["rule"]
    assert {"holder_name": NAME} == desk.kept("p-1")
    await desk.put(person("p-2", "", TWO, phone=PHONE), person("p-3", "虚构样本·丙某某"))
    assert OTHER == desk.kept("p-2")["holder_name"]


async def test_who_changed_their_name(desk: Desk) -> None:
    """Holds a certificate under each; either name stands, a third does not."""
    await desk.put(person("p-1", NAME, ONE))
    with pytest.raises(DeltacareError):
        await desk.put(person("p-1", OTHER, ONE, TWO))
    await desk.put(person("p-1", OTHER, TWO))
    await desk.put(person("p-1", OTHER, phone=PHONE))
    with pytest.raises(DeltacareError):
        await desk.put(person("p-1", "虚构样本·丙某某"))


async def test_what_cannot_be_compared_is_kept(desk: Desk) -> None:
    """Without the salt nothing says that the name is wrong; no phone certificate shows it."""
    salts = SaltStore(b"\1" * 32, SeededEntropy())
    desk.service = desk.opened(salts)
    await desk.put(person("p-2", NAME, TWO))
    assert {"holder_name": NAME} == desk.kept("p-2")
    database = desk.rooms.nodes[OWN].database
    assert {} == database.read_now(lambda c: salts.same_names(c, OWN, {TWO: NAME}))
