"""Two home provinces that pay for one person: each sees the other's days, nobody else anything."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import pytest

from clients.vault import Vault
from deltacare.errors import Refusal
from deltacare.ids import LogName
from deltacare.overlap import OverlapSecret
from deltacare.v1 import clearing_service_pb2 as cpb
from deltacare.v1 import entry_pb2 as epb
from deltacare.v1 import settlement_service_pb2 as spb
from deltacare.v1.entry_pb2 import Entry
from server.log.ports import LogTx, Write
from server.settlement import overlap_tables
from server.settlement.closing import DayCloser
from server.settlement.overlap_keys import KEY_SUFFIX, OverlapKeys
from tests.server.settlement.homes import (
    AH,
    GROUP,
    JS,
    SH,
    ZJ,
    close,
    enrol,
    file,
    held,
    holds,
    homes,
    overlaps,
    policy,
    publish_key,
    stated,
)
from tests.server.settlement.test_overlaps_by_host import end_hold, reverse
from tests.server.settlement.world import KIND, MONTH, World, day, entries
from tests.support.federation import seed
from tests.support.persons import identity_number

NUMBER = identity_number(42)
Claim = tuple[bytes, int, str, int]


async def claims(world: World, author: str, partner: str) -> list[Claim]:
    """Return every claim of a log, in order."""
    return [
        (each.tag, each.month, each.exclusivity_group, each.days)
        for body in await stated(world, author, partner, "overlap_claims")
        for each in body.claims
    ]


async def both_homes(world: World, *, days: tuple[int, int] = (20, 20)) -> None:
    """Enrol one person from two homes, and file a record of each on two dates."""
    at_js = await enrol(world, JS, SH, "js-elder", NUMBER)
    at_zj = await enrol(world, ZJ, AH, "zj-elder", NUMBER)
    await file(world, JS, SH, at_js, "S1", days=days[0])
    await close(world, 1)
    await file(world, ZJ, AH, at_zj, "A1", days=days[1])
    await close(world, 2)
    await close(world, 3)


def stored(directory: Path, province: str) -> bytes:
    """Return everything that a node keeps on disk."""
    files = sorted(directory.glob(f"{province}.db*"))
    assert files, "the node has a database"
    return b"".join(path.read_bytes() for path in files)


def holding(directory: Path, secret: bytes) -> list[Path]:
    """Return the files in which some bytes stand, or their hexadecimal digits."""
    files = [path for path in directory.rglob("*") if path.is_file()]
    assert files
    return [
        path
        for path in files
        if secret in (data := path.read_bytes()) or secret.hex().encode() in data
    ]


async def test_both_sides_hold_and_the_hold_ends(tmp_path: Path) -> None:
    """Each home holds its own record, once; when one takes its days back, the other may end it."""
    async with homes(tmp_path) as world:
        await both_homes(world)
        (by_js,) = await holds(world, JS, SH)
        (by_zj,) = await holds(world, ZJ, AH)
        assert ["OVERLAP_WITH_OTHER_HOME"] * 2 == [by_js.hold.reason, by_zj.hold.reason]
        assert ("S1", "A1") == (by_js.hold.settlement_no, by_zj.hold.settlement_no)
        # Who filed later had the other's claim in time; the first hears of it a night later.
        assert (day(3), day(2)) == (by_js.from_date, by_zj.from_date)
        (overlap,) = await overlaps(world, JS, ZJ)
        assert (MONTH, GROUP, 20, 20) == (
            overlap.service_month,
            overlap.exclusivity_group,
            overlap.own_days,
            overlap.other_days,
        )
        assert [("S1", True)] == [(each.settlement_no, each.held) for each in overlap.settlements]
        assert [] == await overlaps(world, JS, JS)
        await close(world, 4)
        assert (1, 1) == (len(await stated(world, JS, SH, "hold")), len(await holds(world, ZJ, AH)))
        # The end: Zhejiang withdraws, its claim goes to nothing, and Jiangsu's hold may end.
        await reverse(world, ZJ, AH, "A1")
        await close(world, 5)
        assert {"S1": True} == await held(world, JS, SH)
        assert {"A1": True} == await held(world, ZJ, AH)
        assert [20, 0] == [each[-1] for each in await claims(world, ZJ, JS)]
        assert [20] == [each[-1] for each in await claims(world, JS, ZJ)]
        await end_hold(world, JS, SH, by_js.entry.index)
        await close(world, 6)
        await close(world, 7)
        assert {} == await held(world, JS, SH)
        assert [] == await overlaps(world, JS, ZJ)


async def test_a_hold_that_was_ended_comes_back_with_the_days(tmp_path: Path) -> None:
    """It ends after the other home withdrew; when that claims as much again, it is held again."""
    async with homes(tmp_path) as world:
        await both_homes(world, days=(20, 12))
        (hold,) = await holds(world, JS, SH)
        with pytest.raises(Refusal, match="S31-HOLD-OVERLAP"):
            await end_hold(world, JS, SH, hold.entry.index)
        await reverse(world, ZJ, AH, "A1")
        await close(world, 4)
        await end_hold(world, JS, SH, hold.entry.index)
        at_zj = await enrol(world, ZJ, SH, "zj-elder", NUMBER)
        await file(world, ZJ, SH, at_zj, "X1", days=12)
        await close(world, 5)
        await close(world, 6)
        assert {"S1": False} == await held(world, JS, SH)


async def test_who_ends_a_hold_knows_what_the_node_holds(tmp_path: Path) -> None:
    """What the other home said last decides, though no own close looked at it yet."""
    async with homes(tmp_path) as world:
        await both_homes(world, days=(20, 12))
        (hold,) = await holds(world, JS, SH)
        await reverse(world, ZJ, AH, "A1")
        await close(world, 4, ZJ)
        assert {"S1": True} == await held(world, JS, SH)
        at_zj = await enrol(world, ZJ, SH, "zj-elder", NUMBER)
        await file(world, ZJ, SH, at_zj, "X1", days=13)
        await close(world, 5, ZJ)
        assert [12, 0, 13] == [each[3] for each in await claims(world, ZJ, JS)]
        with pytest.raises(Refusal, match="S31-HOLD-OVERLAP"):
            await end_hold(world, JS, SH, hold.entry.index)


async def test_days_that_fit_the_month(tmp_path: Path) -> None:
    """Twenty and eleven days are a month: both are claimed, and nothing is held."""
    async with homes(tmp_path) as world:
        await both_homes(world, days=(20, 11))
        assert ([20], [11]) == (
            [each[-1] for each in await claims(world, JS, ZJ)],
            [each[-1] for each in await claims(world, ZJ, JS)],
        )
        assert {} == await held(world, JS, SH) | await held(world, ZJ, AH)


async def proposed(world: World, province: str, partner: str) -> list[tuple[str, str, str, str]]:
    """Return what is proposed for reversal as days paid for twice."""
    answer = await world[province].clearing.list_reversal_proposals(
        cpb.ListReversalProposalsRequest(partner=partner), world.call(province)
    )
    assert {cpb.LINE_CLASS_OVERLAP} >= {each.line_class for each in answer.proposals}
    return [
        (each.record.settlement_no, each.noticed_date, each.owner, each.due_date)
        for each in answer.proposals
    ]


@pytest.mark.slow
async def test_what_was_cleared_before_the_other_claimed(tmp_path: Path) -> None:
    """It is past holding: home alone is told to reverse it, as long as the other claims."""
    async with homes(tmp_path) as world:
        await world.facts(elders=0)
        at_js = await enrol(world, JS, SH, "js-elder", NUMBER)
        at_zj = await enrol(world, ZJ, AH, "zj-elder", NUMBER)
        record = world.record("S1", beneficiary_ref=at_js, service_days=20, amount_fen=200_000)
        await world.both(record)
        await world.all_nights(1)
        assert {"MATCHED": ["S1"]} == await world.classes(1)
        assert [] == await proposed(world, JS, SH)
        await file(world, ZJ, AH, at_zj, "A1", days=20)
        await close(world, 2)
        await close(world, 3)
        assert {} == await held(world, JS, SH)
        assert {"A1": False} == await held(world, ZJ, AH)
        (overlap,) = await overlaps(world, JS, ZJ)
        assert [("S1", False, day(1))] == [
            (each.settlement_no, each.held, each.closed_date) for each in overlap.settlements
        ]
        # Tuesday, and ten days.
        assert [("S1", day(3), JS, day(13))] == await proposed(world, JS, SH)
        for province, partner in ((SH, JS), (ZJ, AH), (AH, ZJ), (JS, ZJ)):
            assert [] == await proposed(world, province, partner)
        await reverse(world, ZJ, AH, "A1")
        await close(world, 4)
        await close(world, 5)
        assert [] == await proposed(world, JS, SH)


async def test_only_what_changed_is_claimed(tmp_path: Path) -> None:
    """A close without news says nothing; a record more says the whole of its month again."""
    async with homes(tmp_path) as world:
        elder = await enrol(world, JS, SH, "js-elder", NUMBER)
        await enrol(world, JS, SH, "nobody-else", identity_number(43))
        unnumbered = await enrol(world, JS, SH, "no-number")
        await file(world, JS, SH, elder, "S1", days=10)
        await file(world, JS, SH, elder, "S2", days=3, service_month="2026-09")
        await file(world, JS, SH, unnumbered, "S3", days=31)
        await close(world, 1)
        first = await claims(world, JS, ZJ)
        assert [(9, GROUP, 3), (10, GROUP, 10)] == [each[1:] for each in first]
        await close(world, 2)
        assert first == await claims(world, JS, ZJ)
        await file(world, JS, SH, elder, "S4", days=2)
        await close(world, 3)
        assert [(10, GROUP, 12)] == [each[1:] for each in (await claims(world, JS, ZJ))[2:]]
        # Filed once more alike, a number claims what it claimed.
        await file(world, JS, SH, elder, "S4", days=2)
        await close(world, 4)
        assert 3 == len(await claims(world, JS, ZJ))
        assert [] == await claims(world, JS, SH), "Shanghai has stated no key"


async def test_tags_and_who_sees_them(
    tmp_path: Path, quiet: Sequence[Mapping[str, object]]
) -> None:
    """A tag is of one pair and year, stands in that pair's logs and databases, and says nothing."""
    async with homes(tmp_path, keys=()) as world:
        for province in (JS, ZJ, AH):
            await publish_key(world, province, from_year=2025)
        for home in (JS, ZJ):
            body = policy(KIND, from_date="2025-01-01")
            await world.registry(home, *entries("subsidy_policy", body))
        at_js = await enrol(world, JS, SH, "js-elder", NUMBER)
        at_zj = await enrol(world, ZJ, AH, "zj-elder", NUMBER)
        await file(world, JS, SH, at_js, "S1", days=20)
        await file(world, JS, SH, at_js, "S2", days=20, service_month="2025-12")
        await file(world, ZJ, AH, at_zj, "A1", days=20)
        await close(world, 1)
        await close(world, 2)
        with_zj = {(each[1], each[0]) for each in await claims(world, JS, ZJ)}
        with_ah = {(each[1], each[0]) for each in await claims(world, JS, AH)}
        of_zj = {(each[1], each[0]) for each in await claims(world, ZJ, JS)}
        (tag,) = {tag for month, tag in with_zj if month == 10}
        assert {(10, tag)} == of_zj, "both compute the same"
        tags = {tag for _, tag in with_zj | with_ah}
        assert 4 == len(tags), "two partners, two years"
        assert {16} == {len(each) for each in tags}
        # Nobody but the pair has it, nobody at all the number.
        kept = {province: stored(tmp_path, province) for province in (SH, JS, ZJ, AH)}
        assert {JS, ZJ} == {province for province, data in kept.items() if tag in data}
        assert set() == {province for province, data in kept.items() if NUMBER.encode() in data}
        assert NUMBER not in str(quiet)
        # The hosts hold the logs of the homes with them, and no claims in those.
        assert [] == await claims(world, JS, SH)
        assert [] == await claims(world, ZJ, SH)


async def test_the_private_key_is_in_its_file_alone(
    tmp_path: Path, quiet: Sequence[Mapping[str, object]]
) -> None:
    """Sealed under the passphrase: no database, log line or other file has its bytes."""
    async with homes(tmp_path, keys=(ZJ,)) as world:
        drawn: list[bytes] = []

        def entropy(size: int) -> bytes:
            drawn.append(seed(f"drawn {len(drawn)}")[:size])
            return drawn[-1]

        directory = tmp_path / "keys"
        vault = Vault.create(directory, b"a passphrase of nobody", entropy=entropy)
        world.overlap_keys[JS] = OverlapKeys(vault, entropy=entropy)
        world.attach(JS)
        drawn.clear()
        key = await publish_key(world, JS)
        private_key = drawn[0]
        assert OverlapSecret(private_key).public_key == key.public_key
        await both_homes(world)
        assert {"S1": False} == await held(world, JS, SH)
        (path,) = directory.glob(f"*{KEY_SUFFIX}")
        assert f"overlap.{key.key_id}{KEY_SUFFIX}" == path.name
        assert [] == holding(tmp_path, private_key)
        assert private_key.hex() not in str(quiet)
        # Another process reads it back, and makes the same tags.
        again = OverlapKeys(vault, entropy=entropy)
        assert again.holds(key.public_key)
        assert private_key.hex() not in repr(again)


async def test_a_partner_without_a_key(tmp_path: Path) -> None:
    """Nothing is claimed until it states one; then everything of its years is."""
    async with homes(tmp_path, keys=(JS,)) as world:
        elder = await enrol(world, JS, SH, "js-elder", NUMBER)
        await file(world, JS, SH, elder, "S1", days=20)
        await file(world, JS, SH, elder, "S0", days=20, service_month="2025-12")
        await close(world, 1)
        assert [] == await claims(world, JS, ZJ)
        await publish_key(world, ZJ)
        await close(world, 2)
        assert [(10, 20)] == [(each[1], each[3]) for each in await claims(world, JS, ZJ)]


@pytest.mark.parametrize(
    "changes",
    [
        {"public_key": bytes(32)},
        {"public_key": b"\x01" + bytes(31)},
        {"public_key": b"short"},
        {"from_year": 1999},
        {"key_id": "a b"},
    ],
)
async def test_a_wrong_key_is_void(tmp_path: Path, changes: dict[str, object]) -> None:
    """A key with which everybody would share one secret, or none, takes no key's place."""
    async with homes(tmp_path, provinces=(SH, JS, ZJ)) as world:
        values = {"public_key": OverlapSecret(seed("wrong")).public_key, "key_id": "k1"}
        body = epb.OverlapKey(**({"from_year": 2026} | values | changes))  # type: ignore[arg-type]
        index = await world.registry(ZJ, *entries("overlap_key", body))
        await world.settled()
        log = LogName.registry(ZJ)
        assert (index, "S04-UNREADABLE") in await world.voids(JS, log)
        elder = await enrol(world, JS, SH, "js-elder", NUMBER)
        await file(world, JS, SH, elder, "S1", days=20)
        await close(world, 1)
        assert [20] == [each[3] for each in await claims(world, JS, ZJ)]


async def test_a_key_that_this_node_lacks(
    tmp_path: Path, quiet: Sequence[Mapping[str, object]]
) -> None:
    """Without its file no tag is made and an alarm says so; dates still close."""
    async with homes(tmp_path) as world:
        world.overlap_keys[JS] = OverlapKeys(None, entropy=lambda size: bytes([7]) * size)
        world.attach(JS)
        elder = await enrol(world, JS, SH, "js-elder", NUMBER)
        await file(world, JS, SH, elder, "S1", days=20)
        await close(world, 1)
        assert [] == await claims(world, JS, ZJ)
        assert "overlap_key_missing" in {each["event"] for each in quiet}


async def test_a_key_that_changes_within_the_year(tmp_path: Path) -> None:
    """The old tags are taken back, the same days claimed under new ones, and the holds stand."""
    async with homes(tmp_path) as world:
        await both_homes(world)
        (old,) = {each[0] for each in await claims(world, JS, ZJ)}
        await publish_key(world, ZJ)
        await close(world, 4)
        await close(world, 5)
        await close(world, 6)
        for home, partner in ((JS, ZJ), (ZJ, JS)):
            said = await claims(world, home, partner)
            assert [(old, 20), (old, 0)] == [(each[0], each[3]) for each in said if each[0] == old]
            (new,) = {each[0] for each in said} - {old}
            assert [20] == [each[3] for each in said if each[0] == new]
        assert ({"S1": False}, {"A1": False}) == (
            await held(world, JS, SH),
            await held(world, ZJ, AH),
        )
        assert (1, 1) == (
            len(await stated(world, JS, SH, "hold")),
            len(await stated(world, ZJ, AH, "hold")),
        )


async def test_a_number_that_is_put_right(tmp_path: Path) -> None:
    """The wrong person's tag is taken back and the right one's claimed."""
    async with homes(tmp_path) as world:
        elder = await enrol(world, JS, SH, "js-elder", identity_number(41))
        await file(world, JS, SH, elder, "S1", days=20)
        await close(world, 1)
        assert elder != await enrol(world, JS, AH, "js-elder", NUMBER)
        await close(world, 2)
        wrong, *rest = await claims(world, JS, ZJ)
        assert sorted([(wrong[0], 0), (next(each[0] for each in rest if each[3]), 20)]) == sorted(
            (each[0], each[3]) for each in rest
        )


async def test_a_person_who_is_erased(tmp_path: Path) -> None:
    """What links it with tags goes with it, and what was claimed is taken back; days stay days."""
    async with homes(tmp_path) as world:
        await both_homes(world)
        await destroy(world, JS, "js-elder")
        tags = overlap_tables.tag
        node = world[JS].node
        owners = await node.database.read(
            lambda c: [row.person_key for row in c.execute(tags.select())]
        )
        assert {None} == set(owners)
        await close(world, 4)
        await close(world, 5)
        assert [20, 0] == [each[3] for each in await claims(world, JS, ZJ)]
        assert {"S1": True} == await held(world, JS, SH)
        assert {"A1": True} == await held(world, ZJ, AH)
        # Between hosts the handle still tells who the elder is.
        again = await enrol(world, JS, AH, "js-elder")
        await file(world, JS, AH, again, "A9", days=20)
        await close(world, 6)
        assert {"A9": False} == await held(world, JS, AH)


async def destroy(world: World, province: str, subject_ref: str) -> None:
    """Destroy a person, as the entry of an erasure does."""

    def decide(tx: LogTx) -> list[tuple[LogName, list[Entry]]]:
        world.vaults[province].destroy(tx, [subject_ref])
        return []

    await world[province].node.logs.sequencer.submit(
        Write(
            caller=world.call(province).caller,
            method="/test/Destroy",
            request_id=world.request_id(),
            content=b"",
            decide=decide,
            answer=lambda _tx, _runs: spb.ListHoldsResponse(),
        )
    )


class Failing:
    """A `server.settlement.closing.Stating` that breaks some times."""

    def __init__(self) -> None:
        self.times = 0

    def entries(self, tx: LogTx, day: date) -> Mapping[LogName, Sequence[Entry]]:
        """Break, or say nothing."""
        del tx, day
        if self.times:
            self.times -= 1
            raise RuntimeError("the node dies here")
        return {}


async def test_a_close_that_dies_says_nothing_and_a_repeated_one_nothing_twice(
    tmp_path: Path,
) -> None:
    """Claims, holds and what the node notes of them stand in the transaction that closes."""
    async with homes(tmp_path) as world:
        await both_homes(world)
        other = await enrol(world, JS, SH, "other", identity_number(9))
        await file(world, JS, SH, other, "S9", days=4)
        closer: DayCloser = world[JS].settlement.closer
        failing = Failing()
        failing.times = 1
        closer._stating = (*closer._stating, failing)
        before = await claims(world, JS, ZJ)
        with pytest.raises(Exception, match=r"dies|internal|INTERNAL"):
            await close(world, 4, JS)
        assert before == await claims(world, JS, ZJ)
        await close(world, 4, JS)
        after = await claims(world, JS, ZJ)
        assert [(10, GROUP, 4)] == [each[1:] for each in after[len(before) :]]
        await close(world, 5, JS)
        assert after == await claims(world, JS, ZJ)


async def test_a_revision_that_came_too_late_claims_nothing(tmp_path: Path) -> None:
    """A night that is run late makes it void: the days of the cleared record are claimed again."""
    async with homes(tmp_path) as world:
        await world.facts(elders=0)
        elder = await enrol(world, JS, SH, "js-elder", NUMBER)
        record = world.record("S1", beneficiary_ref=elder, service_days=20, amount_fen=200_000)
        answer = await world.file(JS, [record])
        await world.file(SH, [record], partner=JS)
        await close(world, 1)
        # The night of the first date has not run: nobody knows yet that the record is cleared.
        place = answer.appended.first_index
        await file(world, JS, SH, elder, "S1", days=31, replaces_index=place)
        await close(world, 2)
        assert [20, 31] == [each[3] for each in await claims(world, JS, ZJ)]
        await world.run()
        assert {"MATCHED": ["S1"]} == await world.classes(1)
        await close(world, 3)
        assert [20, 31, 20] == [each[3] for each in await claims(world, JS, ZJ)]
