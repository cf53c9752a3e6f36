"""Elders enrolled through the service, by home provinces that pay for one group of kinds.

```python
async with homes(tmp_path) as world:
    elder = await enrol(world, JS, SH, "elder-1", NUMBER)
    await file(world, JS, SH, elder, "S1", days=20)
```

Jiangsu and Zhejiang are homes, Shanghai and Anhui hosts, and each is a host of the other's. Nobody
here exists.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from deltacare.purposes import Purpose
from deltacare.v1 import entry_pb2 as epb
from deltacare.v1 import settlement_service_pb2 as spb
from deltacare.v1.entry_pb2 import Entry
from tests.server.settlement.world import DUTY, KIND, MONTH, World, day, entries
from tests.support.federation import PROVINCES

__all__ = [
    "AH",
    "GROUP",
    "JS",
    "SH",
    "ZJ",
    "close",
    "enrol",
    "file",
    "held",
    "holds",
    "homes",
    "overlaps",
    "publish_key",
    "stated",
]

SH, JS, ZJ, AH = PROVINCES
GROUP = "CARE"


@asynccontextmanager
async def homes(
    directory: Path, *, provinces: Sequence[str] = PROVINCES, keys: Sequence[str] = (JS, ZJ)
) -> AsyncIterator[World]:
    """Bring up provinces whose homes have policies, and keys for overlaps."""
    async with World.open(directory, provinces=provinces) as world:
        for home in {JS, ZJ} & set(provinces):
            await world.registry(home, *entries("subsidy_policy", policy(KIND)))
        for province in keys:
            await publish_key(world, province)
        await world.settled()
        yield world


def policy(kind: str, **changes: Any) -> epb.SubsidyPolicy:
    """Return what a home pays for a kind by days."""
    fields: dict[str, Any] = {
        "subsidy_kind": kind,
        "unit": epb.SUBSIDY_UNIT_DAY,
        "rate_fen": 10_000,
        "cap_fen": 310_000,
        "exclusivity_group": GROUP,
        "from_date": "2026-01-01",
    }
    return epb.SubsidyPolicy(**(fields | changes))


async def publish_key(world: World, province: str, *, from_year: int = 2026) -> epb.OverlapKey:
    """Make and state a key for overlaps."""
    answer = await world[province].settlement.publish_overlap_key(
        spb.PublishOverlapKeyRequest(request_id=world.request_id(), duty=DUTY, from_year=from_year),
        world.call(province, "PublishOverlapKey"),
    )
    return answer.key


async def enrol(
    world: World, home: str, host: str, handle: str, number: str = "", *, request_id: str = ""
) -> str:
    """Enrol an elder and return the pseudonym."""
    request = spb.CreateEnrolmentsRequest(
        request_id=request_id or world.request_id(),
        duty=DUTY,
        host=host,
        enrolments=[
            spb.NewEnrolment(
                enrolment=epb.Enrolment(
                    enrolment_id=f"E-{handle}-{host}",
                    home_division=f"{home[:2]}0106",
                    subsidy_kinds=[KIND],
                    from_date="2026-01-01",
                ),
                elder_handle=handle,
                identity_number=number,
            )
        ],
    )
    answer = await world[home].settlement.create_enrolments(
        request, world.call(home, "CreateEnrolments", purpose=Purpose.ENROLMENT)
    )
    return answer.tickets[0].beneficiary_ref


async def file(
    world: World, home: str, host: str, elder: str, number: str, *, days: int, **changes: Any
) -> int:
    """File home's record of an elder and return its place."""
    record = world.record(
        number,
        home=home,
        host=host,
        beneficiary_ref=elder,
        institution=f"{host}-1",
        service_days=days,
        amount_fen=days * 10_000,
        service_month=changes.pop("service_month", MONTH),
        **changes,
    )
    answer = await world.file(home, [record], partner=host)
    assert not answer.refusal_reason, answer
    return answer.appended.first_index


async def close(world: World, number: int, *provinces: str) -> None:
    """Close a date in some provinces, or everywhere, and wait until their partners hold it."""
    from deltacare.ids import LogName

    await world.settled()
    for province in provinces or tuple(world.provinces):
        await world[province].settlement.close_day(
            spb.CloseDayRequest(request_id=world.request_id(), business_date=day(number)),
            world.call(province, "CloseDay"),
        )
    for author in provinces or tuple(world.provinces):
        for other in world.provinces:
            if other != author:
                log = LogName.settlement(author, other)
                size = world[author].node.logs.reader.position(log).size
                for province in (author, other):
                    await world[province].node.has_quorum(log, size)


async def stated(world: World, author: str, partner: str, body: str) -> list[Any]:
    """Return the bodies of one kind in a settlement log, in order."""
    from deltacare.ids import LogName

    node = world[author].node
    log = LogName.settlement(author, partner)
    size = node.logs.reader.position(log).size
    data = await node.database.read(lambda c: node.logs.reader.entries(c, log, 0, size))
    found = [Entry.FromString(each) for each in data]
    return [getattr(each, body) for each in found if each.WhichOneof("body") == body]


async def holds(
    world: World, province: str, partner: str, *, with_ended: bool = False
) -> list[spb.StandingHold]:
    """Return the holds of a pair."""
    answer = await world[province].settlement.list_holds(
        spb.ListHoldsRequest(partner=partner, with_ended=with_ended), world.call(province)
    )
    return list(answer.holds)


async def held(world: World, province: str, partner: str) -> dict[str, bool]:
    """Return the numbers that are held, each with whether the hold can be ended."""
    return {each.hold.settlement_no: each.can_end for each in await holds(world, province, partner)}


async def overlaps(world: World, province: str, other_home: str) -> list[spb.StandingOverlap]:
    """Return the overlaps of a home with another, or between its hosts."""
    answer = await world[province].settlement.list_overlaps(
        spb.ListOverlapsRequest(other_home=other_home), world.call(province)
    )
    return list(answer.overlaps)
