"""Tests of checks at a node whose trust is stale: nobody is told VALID by whom nobody confirmed."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from deltacare.v1 import certification_service_pb2 as cert_pb
from tests.support.rooms import Rooms, agreement_body, certificate_body, equivalence_body
from tests.support.unconfirmed import Unconfirmed

SH, JS = "310000", "320000"


async def _known_at(rooms: Rooms, moment: datetime, holder_name: str) -> list[tuple[int, str, int]]:
    """Return what Shanghai's node says of a past moment, asked alone and in a batch."""
    desk, call = rooms.certification[SH], rooms.call(SH, "Check")
    past = cert_pb.CheckCertificationRequest(
        certificate_no="320000-C1", host=SH, holder_name=holder_name
    )
    past.known_time.FromDatetime(moment)
    alone = await desk.check_certification(past, call)
    batch = await desk.batch_check_certifications(
        cert_pb.BatchCheckCertificationsRequest(
            rows=[cert_pb.CheckRow(certificate_no="320000-C1", holder_name=holder_name)],
            known_time=past.known_time,
            host=SH,
        ),
        call,
    )
    return [(each.verdict, each.rule, each.age_s) for each in (alone, batch.rows[0].verdict)]


@pytest.mark.parametrize("holder_name", ["", "示例甲"], ids=["remembered", "asked for the holder"])
async def test_checks_say_stale_with_the_age(tmp_path: Path, holder_name: str) -> None:
    """Own and foreign certificates are STALE for as long as the trust is, also those remembered."""
    async with Rooms.open(tmp_path) as rooms:
        await rooms.agree(agreement_body())
        await rooms.declare(SH, equivalence_body())
        await rooms.issue(JS, certificate_body(), holder_name="示例甲")
        await rooms.spread(SH)
        await rooms.spread(JS)
        trusts = {}
        for province in (SH, JS):
            trusts[province] = Unconfirmed(rooms.nodes.trust)
            rooms.certification[province]._room.checker._trust = trusts[province]  # type: ignore[assignment]  # it has everything

        async def answers() -> list[tuple[int, str, int]]:
            found = []
            for province in (SH, JS):
                answer = await rooms.check(province, "320000-C1", holder_name=holder_name)
                found.append((answer.verdict, answer.rule, answer.age_s))
            return found

        now = rooms.nodes.clock.now()
        good = [
            (cert_pb.VERDICT_VALID, "R22-RECOGNISED", 0),
            (cert_pb.VERDICT_VALID, "R14-HOME", 0),
        ]
        for _ in range(2):
            assert good == [(v, rule, 0) for v, rule, _ in await answers()]
        for trust in trusts.values():
            trust.since = now - timedelta(hours=26)
        stale = (cert_pb.VERDICT_STALE, "R00-TRUST", 26 * 3_600)
        for _ in range(2):
            assert [stale, stale] == await answers()
        # Nobody gets round that by asking what was known a moment ago; alone or in a batch.
        assert [stale, stale] == await _known_at(rooms, now, holder_name)
        # What was known at a moment that was confirmed is not changed by it.
        for trust in trusts.values():
            trust.since = now
        past = await _known_at(rooms, now, holder_name)
        assert [cert_pb.VERDICT_VALID] * 2 == [verdict for verdict, _, _ in past]
        for trust in trusts.values():
            trust.since = None
        assert good == [(v, rule, 0) for v, rule, _ in await answers()]
