"""What a night comes to depends on the logs and on nothing else."""

import random
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest

from deltacare.ids import LogName
from deltacare.v1 import clearing_service_pb2 as cpb
from deltacare.v1 import entry_pb2 as epb
from tests.server.settlement.recompute import recompute_nights
from tests.server.settlement.world import HOME, HOST, World, day, make_record

pytestmark = pytest.mark.long

SEED = 20261122
DATES = 3


def books(seed: int) -> list[tuple[list[epb.SettlementRecord], list[epb.SettlementRecord]]]:
    """Return for each date what home and what the host file, with something of everything."""
    rng = random.Random(seed)
    dates = []
    for number in range(DATES):
        home, host = [], []
        for elder in range(30):
            record = make_record(f"D{number}-{elder}", elder + 30 * number)
            home.append(record)
            other = epb.SettlementRecord()
            other.CopyFrom(record)
            match rng.randrange(6):
                case 0:
                    other.amount_fen -= 1
                case 1:
                    home.append(record)
                case 2:
                    continue
                case 3:
                    other.service_days -= 1
            host.append(other)
        if number:
            again = make_record(f"D{number - 1}-7", 7 + 30 * (number - 1))
            home.append(again)
            host.append(again)
        dates.append((home, host))
    return dates


async def digests(
    directory: Path,
    seed: int,
    *,
    shuffle: int | None = None,
    batch: int = 1_000,
    urls: dict[str, str] | None = None,
    recompute: bool = False,
) -> list[bytes]:
    """File the books, run the nights, and return their digests."""
    async with World.open(directory, urls=urls) as world:
        await world.facts(elders=100)
        found = []
        for number, sides in enumerate(books(seed), start=1):
            for province, records in zip((HOME, HOST), sides, strict=True):
                rows = list(records)
                if shuffle is not None:
                    random.Random(shuffle).shuffle(rows)
                for start in range(0, len(rows), batch):
                    answer = await world.file(province, rows[start : start + batch])
                    assert not answer.refusal_reason, answer
            if number > 1:
                await world.reverse(HOME, f"D{number - 2}-1")
            night = await world.night(number)
            assert cpb.PAIR_NIGHT_STATE_AGREED == night.state
            assert night.lower_result.digest == night.higher_result.digest
            found.append(night.lower_result.digest)
        if recompute:
            for province in (HOME, HOST):
                assert found == await recomputed(world, province)
                await rebuild(world, province)
                assert found == await cached(world, province)
    return found


async def recomputed(world: World, province: str) -> Sequence[bytes]:
    """Return the digests that the logs alone bring forth."""
    node = world[province].node
    nights = await node.database.read(
        lambda c: recompute_nights(
            c,
            reader=node.logs.reader,
            trust=world.nodes.trust,
            pair=(HOME, HOST),
            projectors=node.projectors,
            until_date=date.fromisoformat(day(DATES + 5)),
        )
    )
    assert [day(each) for each in range(1, DATES + 1)] == [
        each.business_date.isoformat() for each in nights
    ]
    return [each.digest for each in nights]


async def rebuild(world: World, province: str) -> None:
    """Rebuild both settlement logs, and run the nights anew."""
    node = world[province].node
    for log in (LogName.settlement(HOME, HOST), LogName.settlement(HOST, HOME)):
        await node.logs.rebuild(log)
    await world.run(province)


async def cached(world: World, province: str) -> list[bytes]:
    """Return the digests of the nights that a node has closed."""
    from sqlalchemy import select

    from server.settlement.tables import night

    query = select(night.c.digest).where(night.c.agreed == 1).order_by(night.c.business_date)
    rows = await world[province].node.database.read(lambda c: c.execute(query).scalars().all())
    return [bytes(each) for each in rows]


@pytest.mark.parametrize("seed", [SEED])
async def test_order_batches_and_rebuild_change_nothing(tmp_path: Path, seed: int) -> None:
    """Shuffled lines in other batches, the logs alone, and a rebuild give the same digests."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    expected = await digests(tmp_path / "a", seed, recompute=True)
    assert DATES == len(set(expected))
    assert expected == await digests(tmp_path / "b", seed, shuffle=seed, batch=7)


@pytest.mark.postgres
@pytest.mark.parametrize("seed", [SEED])
async def test_postgresql_gives_the_same_digests(
    tmp_path: Path, postgres_url: str, seed: int
) -> None:
    """One node on PostgreSQL and the other on SQLite agree, and on what SQLite alone gives."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    expected = await digests(tmp_path / "a", seed)
    assert expected == await digests(tmp_path / "b", seed, urls={HOST: postgres_url})
