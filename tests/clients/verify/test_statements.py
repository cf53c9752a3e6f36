"""Tests of statement files: the sums are the nights' sums, and all parties approved, or refused."""

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from deltacare.evidence import Evidence
from deltacare.tlog.tree import leaf_hash
from deltacare.v1 import entry_pb2 as pb
from tests.clients.verify.altering import one_byte_off
from tests.clients.verify.conftest import Ask, refused
from tests.support.evidence import AH, JS, SH, Logs

SAMPLED_POSITIONS = 120


def changed_statement(change: Callable[[pb.Statement], None]) -> bytes:
    """Return the file of a statement that says something else, approved all the same."""
    logs = Logs().settled(answers=())
    statement = pb.Entry.FromString(logs.entries[SH].pop())
    change(statement.statement)
    leaf = logs.say(SH, statement=statement.statement)
    for author in (SH, JS):
        logs.answered(author, leaf)
    return logs.statement_evidence().to_bytes()


def changed_result(author: str, change: Callable[[pb.PairResult], None]) -> bytes:
    """Return the file of a statement over results of which one side says something else."""
    logs = Logs().settled(answers=())
    statement = pb.Entry.FromString(logs.entries[SH].pop()).statement
    entry = pb.Entry.FromString(logs.entries[author][0])
    before = leaf_hash(logs.entries[author][0])
    change(entry.pair_result)
    logs.entries[author][0] = entry.SerializeToString(deterministic=True)
    hashes = {*statement.pair_result_hashes} - {before} | {leaf_hash(logs.entries[author][0])}
    statement.pair_result_hashes[:] = sorted(hashes)
    leaf = logs.say(SH, statement=statement)
    for party in (SH, JS):
        logs.answered(party, leaf)
    return logs.statement_evidence().to_bytes()


def test_a_statement_verifies(verify: Ask) -> None:
    """Results, sums and approvals each have their step; the hash is what people approved."""
    logs = Logs().settled()
    found, steps = verify(logs.statement_evidence().to_bytes())
    assert ("310000-S2026-1", [SH, JS]) == (
        found.summary["statement_id"],
        found.summary["parties"],
    )
    assert leaf_hash(logs.entries[SH][2]).hex() == found.summary["statement_hash"]
    assert [4, 2] == [len(steps[4].facts["results"]), len(steps[4].facts["nights"])]
    assert {SH: -1_500, JS: 1_500} == steps[5].facts["positions"]
    assert [(SH, "m-310000", "r-310000"), (JS, "m-320000", "r-320000")] == [
        (each["province"], each["maker"], each["reviewer"]) for each in steps[6].facts["answers"]
    ]


def test_altered_bytes_of_a_statement_file_are_refused(verify: Ask) -> None:
    """Sampled positions, every kind of change."""
    data = Logs().settled().statement_evidence().to_bytes()
    sample = random.Random(20261122).sample(range(len(data)), SAMPLED_POSITIONS)
    for changed in one_byte_off(data, sample):
        assert refused(verify, changed).startswith(("BAD_", "NO_QUORUM: "))


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda s: s.payments[0].__setattr__("amount_fen", 1), "The payments"),
        (lambda s: s.positions[0].__setattr__("net_fen", 0), "The positions"),
        (lambda s: s.bilateral[0].__setattr__("amount_fen", 1), "The bilateral"),
        (lambda s: s.payments[0].__setattr__("payee", AH), "The payments"),
        (lambda s: s.ClearField("payments"), "The payments"),
        (lambda s: s.__setattr__("netting", 0), "no netting"),
        (lambda s: s.__setattr__("until_date", "2026-11-03"), "not those of the window"),
        (lambda s: s.__setattr__("until_date", "2036-11-03"), "longer than the results"),
        (lambda s: s.__setattr__("until_date", "2026-11-01"), "not those of the window"),
        (lambda s: s.__setattr__("from_date", "tomorrow"), "not two dates"),
        (lambda s: s.__setattr__("statement_id", "320000-S1"), "not its proposer's"),
        (lambda s: s.pair_result_hashes.pop(), "exactly those"),
    ],
)
def test_a_statement_that_its_nights_do_not_give_is_refused(
    verify: Ask, change: Callable[[pb.Statement], None], said: str
) -> None:
    """Approved by everybody, and still not what the pair results come to."""
    refusal = refused(verify, changed_statement(change))
    assert refusal.startswith("BAD_PROOF: ")
    assert said in refusal


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda r: r.__setattr__("digest", b"x" * 32), "state 2026-11-01 differently"),
        (lambda r: r.__setattr__("lower_pays_fen", 1), "state 2026-11-01 differently"),
        (lambda r: r.__setattr__("attempt", 2), "state 2026-11-01 differently"),
        (lambda r: r.__setattr__("business_date", "2026-11-09"), "one side is missing"),
        (lambda r: r.__setattr__("business_date", "2026-11-02"), "twice"),
        (lambda r: r.__setattr__("lower", AH), "is stated by"),
    ],
)
def test_results_that_do_not_agree_are_refused(
    verify: Ask, change: Callable[[pb.PairResult], None], said: str
) -> None:
    """A night counts only as both its sides state it."""
    refusal = refused(verify, changed_result(JS, change))
    assert refusal.startswith("BAD_PROOF: ")
    assert said in refusal


def test_a_missing_approval_is_named(verify: Ask) -> None:
    """All is proved, and it does not bind: the reason says who is missing."""
    data = Logs().settled(answers=(SH,)).statement_evidence().to_bytes()
    refusal = refused(verify, data)
    assert refusal.startswith("RULE_REFUSED: ")
    assert "The approval of 320000 is missing" in refusal


def test_a_refusal_is_named(verify: Ask) -> None:
    """One party against, and nothing binds."""
    logs = Logs().settled(answers=(SH,))
    logs.answered(JS, leaf_hash(logs.entries[SH][2]), refused=True)
    assert "Refused by 320000" in refused(verify, logs.statement_evidence().to_bytes())


@pytest.mark.parametrize("maker, reviewer", [("a", "A"), ("A", "a")])
def test_one_person_in_two_spellings(verify: Ask, maker: str, reviewer: str) -> None:
    """An id in capital letters is nobody's: what states a key for it binds nobody."""
    logs = Logs().settled(answers=(SH,))
    logs.answered(JS, leaf_hash(logs.entries[SH][2]), maker=maker, reviewer=reviewer)
    refusal = refused(verify, logs.statement_evidence().to_bytes())
    assert "BAD_PROOF: The key key-A in the file cannot be read." == refusal


@pytest.mark.parametrize("maker, reviewer", [("a", "a"), ("a", ""), ("", "a")])
def test_maker_and_reviewer_are_two_persons(verify: Ask, maker: str, reviewer: str) -> None:
    """An approval that one person made and reviewed binds nobody."""
    logs = Logs().settled(answers=(SH,))
    logs.answered(JS, leaf_hash(logs.entries[SH][2]), maker=maker, reviewer=reviewer)
    refusal = refused(verify, logs.statement_evidence().to_bytes())
    assert refusal.startswith("RULE_REFUSED: ")
    assert "320000: maker and reviewer" in refusal


def test_an_answer_counts_once_and_to_this_statement(verify: Ask) -> None:
    """Two answers of one party, one by a stranger, one to another statement: each refused."""
    for author, other in ((SH, False), (AH, False), (JS, True)):
        logs = Logs().settled(answers=(SH,))
        leaf = b"x" * 32 if other else leaf_hash(logs.entries[SH][2])
        logs.answered(author, leaf)
        refusal = refused(verify, logs.statement_evidence().to_bytes())
        assert "is not its one answer to this statement" in refusal


def test_receipts_cannot_be_left_out_or_added(verify: Ask) -> None:
    """A result or the statement itself missing, a result twice, a foreign entry: refused."""
    logs = Logs().settled()
    good = logs.statement_evidence()
    foreign = Logs().recognised().receipt(JS, 0)
    for receipts in (
        good.receipts[1:],
        (good.receipts[0], *good.receipts[2:]),
        (*good.receipts, good.receipts[1]),
        (*good.receipts, foreign),
    ):
        bad = replace(good, receipts=receipts).to_bytes()
        assert refused(verify, bad).startswith("BAD_PROOF: ")


def test_an_entry_that_too_few_saw_is_refused(verify: Ask) -> None:
    """Each receipt answers for itself."""
    logs = Logs().settled()
    good = logs.statement_evidence()
    thin = logs.receipt(JS, 0, logs.checkpoint(JS, [SH]))
    at = next(i for i, each in enumerate(good.receipts) if each.entry == thin.entry)
    receipts = (*good.receipts[:at], thin, *good.receipts[at + 1 :])
    bad = Evidence(kind=good.kind, receipts=receipts)
    assert refused(verify, bad.to_bytes()).startswith("NO_QUORUM: ")
