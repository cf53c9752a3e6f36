"""Which facts decide a night: the larger of two pins, and only what a quorum has signed."""

from pathlib import Path

from deltacare.ids import LogName
from deltacare.tlog.checkpoint import SignedCheckpoint
from deltacare.v1 import clearing_service_pb2 as cpb
from deltacare.v1 import entry_pb2 as epb
from tests.server.settlement.world import CERTIFICATE, HOME, HOST, World, day, entries


async def test_the_larger_pin_decides(tmp_path: Path) -> None:
    """A revocation that only one of two closes has seen counts for both nodes."""
    async with World.open(tmp_path) as world:
        await world.facts()
        await world.both(
            world.record("S1", 1, subsidy_kind="CARE_VISIT", caregiver_cert_no=CERTIFICATE)
        )
        await world.close(1, HOME)
        revocation = epb.CertificateRevocation(
            certificate_no=CERTIFICATE, effective_date="2026-10-02", reason="FRAUD"
        )
        await world.registry(HOST, *entries("certificate_revocation", revocation))
        await world.close(1, HOST)
        await world.run()
        assert cpb.PAIR_NIGHT_STATE_AGREED == (await world.pair_night(HOME, 1)).state
        for province in (HOME, HOST):
            assert {"CAREGIVER_UNCERTIFIED": ["S1"]} == await world.classes(1, province)


async def test_what_is_not_pinned_yet_does_not_count(tmp_path: Path) -> None:
    """A fact that comes after both closes changes nothing of their night, whenever it is run."""
    async with World.open(tmp_path) as world:
        await world.facts()
        await world.both(
            world.record("S1", 1, subsidy_kind="CARE_VISIT", caregiver_cert_no=CERTIFICATE)
        )
        await world.close(1)
        revocation = epb.CertificateRevocation(
            certificate_no=CERTIFICATE, effective_date="2026-10-02", reason="FRAUD"
        )
        await world.registry(HOST, *entries("certificate_revocation", revocation))
        await world.settled()
        await world.run()
        assert {"MATCHED": ["S1"]} == await world.classes(1)


async def test_a_pin_without_a_quorum_is_not_believed(tmp_path: Path) -> None:
    """A checkpoint that only its log has signed holds the night up, and is named."""
    async with World.open(tmp_path) as world:
        await world.facts()
        await world.close(1, HOST)
        log = LogName.registry(HOME)
        node = world[HOME].node
        note = await node.database.read(lambda c: node.logs.reader.quorum_checkpoint(c, log))
        assert note is not None
        signed = SignedCheckpoint.from_bytes(note, world.nodes.trust.log_keys(log)[0].key)
        bare = SignedCheckpoint(
            checkpoint=signed.checkpoint,
            note=type(signed.note)(text=signed.note.text, signatures=signed.note.signatures[:1]),
        )
        close = epb.DayClose(business_date=day(1), pins=[bare.to_bytes()], rules_version=1)
        own = LogName.settlement(HOME, HOST)
        index = await node.append(own, entries("day_close", close), alone=True)
        for province in (HOME, HOST):
            await world[province].node.has_quorum(own, index + 1)
        await world.run()
        night = await world.pair_night(HOST, 1)
        assert cpb.PAIR_NIGHT_STATE_WAITING == night.state
        assert f"PIN_NOT_VERIFIED {own}" == night.waiting_for
