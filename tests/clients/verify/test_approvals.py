"""Tests of statement files: keys withdrawn, of others, of other days, other words; and advances."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from deltacare.approvals import ApprovalFault, ApprovalPart, ApprovalSubject, ApprovalWord
from deltacare.evidence import Evidence
from deltacare.tlog.tree import leaf_hash
from deltacare.v1 import entry_pb2 as pb
from settlement.core.net import payment_id
from tests.clients.verify.conftest import Ask, refused
from tests.deltacare.builders import NOW
from tests.support.evidence import AH, JS, SH, Logs
from tests.support.signing import approval, key_body, person

MAKER, CHECKER = "m-320000", "r-320000"
STATEMENT = ApprovalSubject.STATEMENT


def half() -> tuple[Logs, bytes]:
    """Return logs in which Shanghai has approved, and what is left to approve."""
    logs = Logs().settled(answers=(SH,))
    return logs, leaf_hash(logs.entries[SH][2])


def say(logs: Logs, leaf: bytes, *given: pb.Approval, word: int = 1) -> None:
    """Answer for Jiangsu with signatures as given."""
    body = pb.StatementAnswer(statement_hash=leaf, word=word, reason="NO" * (word - 1))  # type: ignore[arg-type]
    body.approvals.extend(given)
    logs.say(JS, maker=MAKER, reviewer=CHECKER, statement_answer=body)


def keys(logs: Logs, *names: str, **changes: str) -> None:
    """State people's keys in Jiangsu's log."""
    for name in names:
        logs.say(JS, approval_key=key_body(person(name), **changes))


def sign(leaf: bytes, name: str = MAKER, part: int = 1, **changes: object) -> pb.Approval:
    """Return a signature of a person of Jiangsu."""
    fields: dict[str, object] = {"province": JS, **changes}
    return approval(person(name), ApprovalPart(part), STATEMENT, leaf, **fields)  # type: ignore[arg-type]


def pair(leaf: bytes, **changes: Any) -> tuple[pb.Approval, pb.Approval]:
    """Return the signatures of Jiangsu's maker and checker."""
    return sign(leaf, **changes), sign(leaf, CHECKER, 2, **changes)


def unknown(logs: Logs, leaf: bytes) -> None:
    say(logs, leaf, *pair(leaf))


def stated_later(logs: Logs, leaf: bytes) -> None:
    keys(logs, MAKER)
    say(logs, leaf, *pair(leaf))
    keys(logs, CHECKER)


def withdrawn(logs: Logs, leaf: bytes) -> None:
    keys(logs, MAKER, CHECKER)
    keys(logs, CHECKER, until_date="2025-12-31")
    say(logs, leaf, *pair(leaf))


def ended(logs: Logs, leaf: bytes) -> None:
    keys(logs, MAKER)
    keys(logs, CHECKER, until_date=(NOW - timedelta(days=1)).date().isoformat())
    say(logs, leaf, *pair(leaf))


def wrong_duty(logs: Logs, leaf: bytes) -> None:
    keys(logs, MAKER, CHECKER)
    say(logs, leaf, sign(leaf, CHECKER, 1), sign(leaf, MAKER, 2))


def same_person(logs: Logs, leaf: bytes) -> None:
    keys(logs, MAKER, CHECKER)
    say(logs, leaf, sign(leaf, MAKER, 1), sign(leaf, MAKER, 2))


def one_alone(logs: Logs, leaf: bytes) -> None:
    keys(logs, MAKER, CHECKER)
    say(logs, leaf, sign(leaf))


def nobody(logs: Logs, leaf: bytes) -> None:
    say(logs, leaf)


def other_hash(logs: Logs, leaf: bytes) -> None:
    keys(logs, MAKER, CHECKER)
    say(logs, leaf, *pair(b"x" * 32))


def other_word(logs: Logs, leaf: bytes) -> None:
    keys(logs, MAKER, CHECKER)
    say(logs, leaf, *pair(leaf, word=ApprovalWord.REFUSED))


def other_province(logs: Logs, leaf: bytes) -> None:
    keys(logs, MAKER, CHECKER)
    say(logs, leaf, *pair(leaf, province=SH))


def lent(logs: Logs, leaf: bytes) -> None:
    keys(logs, MAKER, CHECKER)
    given = sign(leaf, CHECKER, 2)
    given.key_id = person(MAKER).key_id
    say(logs, leaf, sign(leaf), given)


def elsewhere(logs: Logs, leaf: bytes) -> None:
    for name in (MAKER, CHECKER):
        logs.say(AH, approval_key=key_body(person(name)))
    say(logs, leaf, *pair(leaf))


@pytest.mark.parametrize(
    "fault, change",
    [
        (ApprovalFault.KEY_UNKNOWN, unknown),
        (ApprovalFault.KEY_UNKNOWN, stated_later),
        (ApprovalFault.KEY_UNKNOWN, elsewhere),
        (ApprovalFault.KEY_WITHDRAWN, withdrawn),
        (ApprovalFault.KEY_NOT_IN_TIME, ended),
        (ApprovalFault.OTHER_PERSON, wrong_duty),
        (ApprovalFault.SAME_PERSON, same_person),
        (ApprovalFault.NOT_TWO, one_alone),
        (ApprovalFault.NOT_TWO, nobody),
        (ApprovalFault.BAD_SIGNATURE, other_hash),
        (ApprovalFault.BAD_SIGNATURE, other_word),
        (ApprovalFault.BAD_SIGNATURE, other_province),
        (ApprovalFault.KEY_OF_ANOTHER, lent),
    ],
)
def test_signatures_that_do_not_count(
    verify: Ask, fault: ApprovalFault, change: Callable[[Logs, bytes], None]
) -> None:
    """All is proved to stand in the logs, and the statement does not bind: with the reason."""
    logs, leaf = half()
    change(logs, leaf)
    from clients.verify.approving import FAULT_WORDS

    refusal = refused(verify, logs.statement_evidence().to_bytes())
    assert f"RULE_REFUSED: The statement does not bind. 320000: {FAULT_WORDS[fault][1]}." == refusal


def test_a_key_withdrawn_afterwards_has_signed(verify: Ask) -> None:
    """What it signed before stands: an answer is given once, for good."""
    logs, leaf = half()
    logs.answered(JS, leaf)
    keys(logs, CHECKER, until_date="2025-12-31")
    _, steps = verify(logs.statement_evidence().to_bytes())
    assert [f"key-{MAKER}", f"key-{CHECKER}"] == steps[-2].facts["answers"][1]["keys"]


def test_keys_that_cannot_be_read_are_refused(verify: Ask) -> None:
    """A node that keeps the rules would have made it void."""
    logs, leaf = half()
    logs.answered(JS, leaf)
    keys(logs, "other", algorithm="RSA")
    assert "The key key-other in the file cannot be read" in refused(
        verify, logs.statement_evidence().to_bytes()
    )


# --- Advances -------------------------------------------------------------------------------------


def drawn(fen: int = 1_500, received: int = 1_500, **changes: str) -> Logs:
    """Return logs in which the statement draws an advance of Shanghai's that Jiangsu received."""
    logs = Logs().settled(answers=())
    statement = pb.Entry.FromString(logs.entries[SH].pop()).statement
    payee = changes.get("payee", JS)
    advance = logs.say(
        SH, advance=pb.Advance(advance_id="310000-A1", payee=payee, amount_fen=2_000)
    )
    for number, (outcome, booked) in enumerate(((1, received + 100), (2, 100), (1, 0))):
        logs.say(
            JS,
            payment_report=pb.PaymentReport(
                payment_id=payment_id(advance, SH, changes.get("reported", JS)),
                attempt=1,
                outcome=outcome,  # type: ignore[arg-type]  # an enum's number
                amount_fen=booked,
                booking_ref=bytes([number]) * 32,
            ),
        )
    statement.drawdowns.add(payer=SH, payee=JS, amount_fen=fen, advance_hash=advance)
    del statement.payments[:]
    if fen < 1_500:
        statement.payments.add(payer=SH, payee=JS, amount_fen=1_500 - fen)
    leaf = logs.say(SH, statement=statement)
    for author in (SH, JS):
        logs.answered(author, leaf)
    return logs


@pytest.mark.parametrize("fen", [1, 1_000, 1_500])
def test_advances_that_are_drawn(verify: Ask, fen: int) -> None:
    """Payments and drawdowns together are the net; the file shows advance and receipt."""
    _, steps = verify(drawn(fen).statement_evidence().to_bytes())
    (found,) = steps[5].facts["drawdowns"]
    assert str(fen) == str(found["amount_fen"])


@pytest.mark.parametrize(
    "logs, said",
    [
        (lambda: drawn(1_500, 1_499), "More is drawn of 310000-A1 than 320000 received"),
        (lambda: drawn(payee=AH), "310000-A1 is no advance of 310000 to 320000"),
        (lambda: drawn(reported=AH), "More is drawn of 310000-A1"),
        (lambda: drawn(1_501), "draws more of advances than is to be paid"),
    ],
)
def test_advances_that_do_not_cover(verify: Ask, logs: Callable[[], Logs], said: str) -> None:
    """Less received than drawn, another payee, another payment, more than is owed."""
    refusal = refused(verify, logs().statement_evidence().to_bytes())
    assert refusal.startswith("BAD_PROOF: ")
    assert said in refusal


def test_an_advance_left_out_is_missed(verify: Ask) -> None:
    """The statement names it by its leaf hash."""
    good = drawn().statement_evidence()
    rest = tuple(each for each in good.receipts if b"310000-A1" not in each.entry)
    bad = Evidence(kind=good.kind, receipts=rest).to_bytes()
    assert "not exactly those that the statement draws" in refused(verify, bad)


def test_the_first_window_begins_with_the_federation(verify: Ask) -> None:
    """A whole week of which the last day only has nights; two ends that are no week are refused."""

    def week(first: str, last: str) -> bytes:
        logs = Logs().settled(answers=(), days=1)
        statement = pb.Entry.FromString(logs.entries[SH].pop()).statement
        statement.window = pb.STATEMENT_WINDOW_WEEK
        statement.from_date, statement.until_date = first, last
        leaf = logs.say(SH, statement=statement)
        for author in (SH, JS):
            logs.answered(author, leaf)
        return logs.statement_evidence().to_bytes()

    verify(week("2026-10-26", "2026-11-01"))
    assert "not the window that it names" in refused(verify, week("2026-10-27", "2026-11-02"))
    assert "not those of the window" in refused(verify, week("2026-11-02", "2026-11-08"))
