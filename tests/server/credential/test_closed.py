"""The phone form of an institution's certificate, once its register says that it is closed."""

from pathlib import Path

from deltacare.credential.offline import check_offline
from deltacare.v1 import entry_pb2 as pb
from tests.support.certifying import institution_certificate
from tests.support.phones import Phones
from tests.support.rooms import Rooms, institution_body

ISSUER = "320000"


async def test_a_bundle_says_who_is_closed(tmp_path: Path) -> None:
    """What no status list shows stands in the bundle, of the closed one alone, until it is back."""
    async with Rooms.open(tmp_path) as rooms:
        phones = Phones(rooms)
        await rooms.register(ISSUER, *(institution_body(f"{ISSUER}-{n}") for n in (1, 2)))
        await rooms.issue(
            ISSUER,
            *(
                institution_certificate(f"{ISSUER}-S{n}", institution_id=f"{ISSUER}-{n}")
                for n in (1, 2)
            ),
        )
        await phones.publish_key(ISSUER)
        await rooms.spread(ISSUER)
        texts = {n: await phones.issue(f"{ISSUER}-S{n}") for n in (1, 2)}

        async def found() -> list[tuple[str, str]]:
            trusted = phones.trusted(await phones.bundle(ISSUER), ISSUER)
            answers = (check_offline(texts[n], trusted, now=phones.now) for n in (1, 2))
            return [(each.verdict, each.rule) for each in answers]

        good = ("VALID", "R14-HOME")
        assert [good] * 2 == await found()
        for state, day, first in (
            (pb.INSTITUTION_STATE_CLOSED, "2026-11-01", ("NOT_RECOGNISED_HERE", "R13-CLOSED")),
            (pb.INSTITUTION_STATE_OPERATING, "2026-11-02", good),
        ):
            body = institution_body(
                f"{ISSUER}-1", state=state, state_date=day, state_reason="STATED"
            )
            await rooms.register(ISSUER, body)
            await rooms.spread(ISSUER)
            assert [first, good] == await found()
