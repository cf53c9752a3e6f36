"""People's keys as rows: what is void, the last word, rebuilds, pages, and who may sign."""

from pathlib import Path

import pytest

from deltacare.approvals import ApprovalAlgorithm, ApprovalPart, ApprovalSubject, ApprovalWord
from deltacare.errors import Reason, Refusal
from deltacare.ids import LogName
from deltacare.v1 import approval_service_pb2 as apb
from deltacare.v1.entry_pb2 import Approval, ApprovalKey
from deltacare.v1.types_pb2 import Duty
from server.approval.duties import DutyKind, note_duties
from server.approval.judging import approvals_rule
from server.approval.projector import ApprovalProjector
from server.approval.rules import FAULTS, RULES
from server.approval.store import key_at
from server.store.database import Database
from tests.server.settlement.world import HOME, HOST, World
from tests.support.ports import START_TIME
from tests.support.projecting import Book
from tests.support.signing import APPROVERS, approval, approvals, key_body, person

LOG = LogName.registry(HOME)
THING = bytes(range(32))
SM2 = ApprovalAlgorithm.SM2


@pytest.fixture
def book(database: Database) -> Book:
    """An empty node."""
    return Book(database, ApprovalProjector())


def test_rules_are_numbered_once_and_said_in_two_languages() -> None:
    """Codes ascend without a gap; every fault of an approval has its rule."""
    assert [f"A{number:02d}" for number in range(1, 13)] == [
        rule.code.partition("-")[0] for rule in RULES
    ]
    assert all(rule.zh and rule.en for rule in RULES)
    assert set(FAULTS.values()) == set(RULES[4:])


def test_what_is_void(book: Book) -> None:
    """Each rule from both sides of its edge; what is void leaves no key."""
    one, two = person("pay-1"), person("pay-2", algorithm=SM2)
    other = person("pay-1", key="key-2")
    book.say(
        HOME,
        key_body(one),  # 0
        key_body(two),  # 1
        key_body(one, until_date="2026-12-31"),  # 2: the same key, with an end
        key_body(one, principal="pay-3"),  # 3: another person's
        key_body(other, key_id=one.key_id),  # 4: another public key
        key_body(one, key_id="key-9"),  # 5: another name
        key_body(one, key_id="key-9", principal="pay-9"),  # 6: shared
        key_body(person("rev-1")),  # 7: stated by its own holder
        key_body(person("sys-1")),  # 8: likewise
        key_body(other, algorithm="RSA"),  # 9
        key_body(other, from_date="soon"),  # 10
        key_body(one, until_date="2025-12-31"),  # 11: withdrawn
        key_body(one),  # 12: does not come back
        key_body(other),  # 13: but the person has another
    )
    assert {
        3: "A01-KEY-REUSED",
        4: "A01-KEY-REUSED",
        5: "A02-KEY-SHARED",
        6: "A02-KEY-SHARED",
        7: "A03-KEY-BY-OWNER",
        8: "A03-KEY-BY-OWNER",
        9: "G02-UNREADABLE",
        10: "G02-UNREADABLE",
        12: "A04-KEY-WITHDRAWN",
    } == book.rules(HOME)
    settlement = LogName.settlement(HOME, HOST)
    book.say(settlement, key_body(person("pay-4")))
    assert "G01-NOT-REGISTRY" == book.voids[settlement, 0]
    # In another province's log the same id is somebody else's.
    book.say(HOST, key_body(one, principal="pay-3"))
    assert {} == book.rules(HOST)


def test_the_last_word_up_to_a_place(book: Book, database: Database) -> None:
    """Each place of the log has its own last word, on a rebuild too."""
    one = person("pay-1")
    book.say(HOME, key_body(one), key_body(one, until_date="2026-06-30"))

    def dates() -> list[str | None]:
        keys = database.read_now(
            lambda c: [key_at(c, HOME, one.key_id, end) for end in (0, 1, 2, None)]
        )
        return [None if key is None else key.until_date for key in keys]

    assert [None, "", "2026-06-30", "2026-06-30"] == dates()
    book.rebuild(HOME)
    assert [None, "", "2026-06-30", "2026-06-30"] == dates()


def test_a_rebuild_forgets_duties_of_its_log_alone(book: Book, database: Database) -> None:
    """Who did what comes back with the log that says it."""
    from sqlalchemy import select

    from server.approval.tables import approval_duty

    database.write_now(lambda c: note_duties(c, HOME, "", ["a"], DutyKind.POLICY))
    database.write_now(lambda c: note_duties(c, HOME, HOST, ["b"], DutyKind.REVIEW))
    database.write_now(lambda c: note_duties(c, HOST, "", ["c"], DutyKind.POLICY))
    book.say(HOME, key_body(person("pay-1")))
    book.rebuild(HOME)
    left = database.read_now(lambda c: c.execute(select(approval_duty.c.principal)).scalars().all())
    assert ["b", "c"] == sorted(left)


def rule_of(
    database: Database, given: list[Approval], until_index: int | None, **changes: object
) -> str | None:
    """Return the rule that stands against an approval by two of Jiangsu."""
    fields: dict[str, object] = {
        "subject": ApprovalSubject.ADVANCE,
        "subject_hash": THING,
        "word": ApprovalWord.APPROVED,
        "approvals": given,
        "maker": APPROVERS.maker,
        "reviewer": APPROVERS.reviewer,
        "entry_time": START_TIME,
        "until_index": until_index,
        **changes,
    }
    found = database.read_now(
        lambda c: approvals_rule(c, HOME, **fields)  # type: ignore[arg-type]  # a test's own
    )
    return None if found is None else found.code


def test_keys_count_that_stand_before(book: Book, database: Database) -> None:
    """A key counts from its entry on, until it is withdrawn; what was signed before stands."""
    given = approvals(APPROVERS, ApprovalSubject.ADVANCE, THING, province=HOME)
    one, two = person("pay-1"), person("pay-2")
    book.say(HOME, key_body(one), key_body(two), key_body(two, until_date="2025-12-31"))
    assert "A08-KEY-UNKNOWN" == rule_of(database, given, 1)
    assert rule_of(database, given, 2) is None
    assert "A10-SIGNED-BY-WITHDRAWN" == rule_of(database, given, 3)
    assert "A10-SIGNED-BY-WITHDRAWN" == rule_of(database, given, None)


def test_each_rule_of_an_approval(book: Book, database: Database) -> None:
    """One change to an approval that counts, one rule."""
    given = approvals(APPROVERS, ApprovalSubject.ADVANCE, THING, province=HOME)
    names = ("pay-1", "pay-2", "pay-3")
    book.say(HOME, *(key_body(person(name)) for name in names))
    book.say(HOME, key_body(person("pay-4", key="later"), from_date="2027-01-01"))
    assert rule_of(database, given, None) is None
    third = approval(
        person("pay-3"), ApprovalPart.CHECKER, ApprovalSubject.ADVANCE, THING, province=HOME
    )
    early = approval(
        person("pay-4", key="later"),
        ApprovalPart.CHECKER,
        ApprovalSubject.ADVANCE,
        THING,
        province=HOME,
    )
    lent = Approval()
    lent.CopyFrom(given[1])
    lent.key_id = "key-pay-3"
    assert [
        "A05-TWO-SIGNATURES",
        "A06-SAME-PERSON",
        "A07-OTHER-PERSON",
        "A09-KEY-OF-ANOTHER",
        "A11-KEY-NOT-IN-TIME",
        "A12-BAD-SIGNATURE",
        "A12-BAD-SIGNATURE",
    ] == [
        rule_of(database, given[:1], None),
        rule_of(database, given, None, reviewer="pay-1"),
        rule_of(database, [given[0], third], None),
        rule_of(database, [given[0], lent], None),
        rule_of(database, [given[0], early], None, reviewer="pay-4"),
        rule_of(database, given, None, subject=ApprovalSubject.CLAWBACK),
        rule_of(database, given, None, word=ApprovalWord.REFUSED),
    ]


async def test_keys_are_stated_and_listed(tmp_path: Path) -> None:
    """By two who are not its holder; every node lists the last word, a page at a time."""
    async with World.open(tmp_path) as world:

        async def publish(key: ApprovalKey, maker: str = "adm-1", own: str = HOME) -> None:
            await world[HOME].approval.publish_approval_key(
                apb.PublishApprovalKeyRequest(
                    request_id=world.request_id(),
                    duty=Duty(maker=maker, reviewer="adm-2"),
                    key=key,
                ),
                world.call(own, "PublishApprovalKey"),
            )

        one, two = person("pay-1"), person("pay-2", algorithm=SM2)
        await publish(key_body(one))
        await publish(key_body(two))
        await publish(key_body(one, until_date="2026-12-31"))
        for refused, maker in ((key_body(person("pay-3")), "pay-3"), (key_body(two), "pay-2")):
            with pytest.raises(Refusal, match="A03") as caught:
                await publish(refused, maker)
            assert Reason.RULE_REFUSED is caught.value.reason
        with pytest.raises(Refusal, match="A01"):
            await publish(key_body(one, principal="pay-9"))
        with pytest.raises(Refusal, match=r"key\.public_key") as caught:
            await publish(key_body(person("pay-5"), algorithm="SM2", from_date="x"))
        assert ["key.public_key", "key.from_date"] == [e.field for e in caught.value.violations]
        with pytest.raises(Refusal) as caught:
            await publish(key_body(one), own=HOST)
        assert Reason.WRONG_PROVINCE is caught.value.reason
        await world.settled()
        found, token = [], ""
        while True:
            page = await world[HOST].approval.list_approval_keys(
                apb.ListApprovalKeysRequest(province=HOME, page_size=1, page_token=token),
                world.call(HOST),
            )
            found += list(page.keys)
            token = page.next_page_token
            if not token:
                break
        assert [(HOME, "key-pay-1", "2026-12-31", 2), (HOME, "key-pay-2", "", 1)] == [
            (each.province, each.key.key_id, each.key.until_date, each.entry.index)
            for each in found
        ]
        others = await world[HOST].approval.list_approval_keys(
            apb.ListApprovalKeysRequest(province=HOST), world.call(HOST)
        )
        assert [] == list(others.keys)
