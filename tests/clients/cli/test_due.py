"""What `settle status` makes of the answers of a node: points, whose they are, and the commands."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest
from click.testing import CliRunner

from clients.cli import due, settle_status
from clients.cli.due import BOTH, Answer, Asker, Point, answers
from clients.cli.due_money import MONEY_TOPICS
from clients.cli.due_records import RECORD_TOPICS
from clients.cli.lines import next_command
from clients.cli.main import main
from clients.language import using_language
from deltacare.errors import Reason, Refusal
from deltacare.v1 import books_service_pb2 as bpb
from deltacare.v1 import clearing_service_pb2 as cpb
from deltacare.v1 import dispute_service_pb2 as dpb
from deltacare.v1 import entry_pb2 as epb
from deltacare.v1 import payment_service_pb2 as ypb
from deltacare.v1 import policy_service_pb2 as ppb
from deltacare.v1 import review_service_pb2 as rpb
from deltacare.v1 import settlement_service_pb2 as spb
from deltacare.v1.federation_service_pb2 import WhoAmIResponse
from deltacare.v1.types_pb2 import EntryRef
from settlement.core.classes import LineClass

OWN, OTHER, THIRD = "320000", "310000", "330000"
NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
TOPICS = (*RECORD_TOPICS, *MONEY_TOPICS)
OWN_LOG = f"deltacare/{OWN}/settlement/{OTHER}"


def closes(last: str = "2026-11-21") -> spb.ListDayClosesResponse:
    """Return how far the logs of the pair are closed."""
    return spb.ListDayClosesResponse(
        opening_date="2026-11-01",
        closes=[
            spb.LogClose(log=f"deltacare/{OTHER}/settlement/{OWN}", last_closed_date=last),
            spb.LogClose(log=OWN_LOG, last_closed_date=last),
        ],
    )


def quiet_answers() -> dict[str, Any]:
    """Return the answers of a node at which nothing waits."""
    return {
        "clearing.ListPairNights": cpb.ListPairNightsResponse(),
        "settlement.ListDayCloses": closes(),
        "review.ListDrafts": rpb.ListDraftsResponse(),
        "settlement.JudgeInbox": spb.JudgeInboxResponse(),
        "clearing.ListLines": cpb.ListLinesResponse(),
        "settlement.ListHolds": spb.ListHoldsResponse(),
        "settlement.ListOverlaps": spb.ListOverlapsResponse(),
        "clearing.ListReversalProposals": cpb.ListReversalProposalsResponse(),
        "settlement.ListClawbacks": spb.ListClawbacksResponse(),
        "dispute.ListDisputes": dpb.ListDisputesResponse(),
        "clearing.ListStatements": cpb.ListStatementsResponse(),
        "payment.ListPayments": ypb.ListPaymentsResponse(),
        "payment.ListAdvances": ypb.ListAdvancesResponse(),
        "policy.ListBudgets": ppb.ListBudgetsResponse(),
        "books.ListMonthCloses": bpb.ListMonthClosesResponse(
            month_closes=[
                bpb.StandingMonthClose(month_close=epb.MonthClose(month="2026-10"), recomputed=True)
            ]
        ),
    }


class FakeNode:
    """A node that answers each call with what it was given; a refusal is raised."""

    def __init__(self, given: Mapping[str, Any], *, role: str, methods: frozenset[str]) -> None:
        who = WhoAmIResponse(province=OWN, role=role, principal="me-1", methods=sorted(methods))
        self.federation = SimpleNamespace(WhoAmI=lambda _request: who)
        for name, answer in given.items():
            service, _, method = name.partition(".")
            if not hasattr(self, service):
                setattr(self, service, SimpleNamespace())
            setattr(getattr(self, service), method, self._answering(answer))

    @staticmethod
    def _answering(answer: Any) -> Any:
        def call(_request: Any) -> Any:
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


ALL_METHODS = frozenset(f"/deltacare.v1.{method}" for topic in TOPICS for method in topic.methods)


def asked(
    *, role: str = "system", methods: frozenset[str] = ALL_METHODS, **changes: Any
) -> dict[str, Answer]:
    """Return what came of every topic by name; changes name calls as `clearing__ListLines`."""
    given = quiet_answers()
    given.update({name.replace("__", "."): answer for name, answer in changes.items()})
    asker = Asker(FakeNode(given, role=role, methods=methods), now=NOW)
    return {each.topic.name: each for each in answers(asker, TOPICS)}


def only(found: Mapping[str, Answer], topic: str) -> Point:
    """Return the one point there is, of one topic."""
    (point,) = (point for each in found.values() for point in each.points)
    assert (point,) == tuple(found[topic].points)
    return point


def night(waiting_for: str = "", day: str = "2026-11-20", **changes: Any) -> cpb.PairNight:
    """Return a night of the pair."""
    found = cpb.PairNight(
        lower=OTHER, higher=OWN, business_date=day, waiting_for=waiting_for, **changes
    )
    if not waiting_for:
        found.state = cpb.PAIR_NIGHT_STATE_AGREED
    return found


def test_nothing_waits() -> None:
    """A quiet node has no points, and nothing is left out."""
    found = asked()
    assert [topic.name for topic in TOPICS] == list(found)
    assert {"": 0} == {each.unknown: len(each.points) for each in found.values()}


def test_what_a_role_may_not_ask_is_said() -> None:
    """A method that the rights do not name is not called; its topic says why it is empty."""
    methods = ALL_METHODS - {"/deltacare.v1.ClearingService/ListLines"}
    found = asked(methods=methods, clearing__ListLines=AssertionError("never called"))
    assert "ROLE_NOT_ALLOWED" == found["DISCREPANCIES"].unknown
    assert found["DISCREPANCIES"].why
    assert {"DISCREPANCIES"} == {name for name, each in found.items() if each.unknown}


def test_what_a_node_does_not_serve_is_said() -> None:
    """An older node fails one topic and no other."""
    missing = Refusal(Reason.UNSUPPORTED_VERSION, "Method not found!")
    found = asked(payment__ListPayments=missing, books__ListMonthCloses=missing)
    assert {"PAYMENTS", "MONTHS"} == {
        name for name, each in found.items() if each.unknown == "NOT_SERVED"
    }
    with pytest.raises(Refusal):
        asked(payment__ListPayments=Refusal(Reason.RATE_LIMITED, "slow down"))


@pytest.mark.parametrize(
    "waiting_for, command, is_due",
    [
        ("DUE", f"deltacare settle run --partner {OTHER}", True),
        (f"RESULT_MISSING {OWN}", f"deltacare settle run --partner {OTHER}", True),
        (f"RESULT_MISSING {OTHER}", "deltacare settle nights --from 2026-11-20", False),
        (f"CLOSE_MISSING {OWN_LOG}", "deltacare settle close-day 2026-11-21", True),
        (
            f"CLOSE_MISSING deltacare/{OTHER}/settlement/{OWN}",
            "deltacare settle nights --from 2026-11-20",
            False,
        ),
        (
            "DIGESTS_DIFFER",
            f"deltacare settle compare --partner {OTHER} --date 2026-11-20",
            True,
        ),
        ("NEW_CODE x", "deltacare settle nights --from 2026-11-20", False),
    ],
)
def test_nights(waiting_for: str, command: str, *, is_due: bool) -> None:
    """What the first night of a pair waits for says whose move it is; nights of others are not."""
    nights = [
        night(waiting_for),
        night(waiting_for, "2026-11-21"),
        cpb.PairNight(lower=OTHER, higher=THIRD, waiting_for="DUE"),
    ]
    answer = cpb.ListPairNightsResponse(nights=nights)
    point = only(asked(clearing__ListPairNights=answer), "NIGHTS")
    assert (command, is_due, 2, "2026-11-20") == (
        point.command,
        point.is_due,
        point.count,
        point.since,
    )


def test_a_date_that_we_have_not_closed() -> None:
    """Yesterday is to be closed, whoever waits for it."""
    point = only(asked(settlement__ListDayCloses=closes("2026-11-19")), "NIGHTS")
    assert ("deltacare settle close-day 2026-11-21", True, "2026-11-19") == (
        point.command,
        point.is_due,
        point.since,
    )


def test_drafts() -> None:
    """One's own wait for others; those of others wait for a reviewer."""
    drafts = [
        rpb.Draft(name="drafts/a", maker="me-1", submitted_time="2026-11-20T01:00:00Z"),
        rpb.Draft(name="drafts/b", maker="you-1", submitted_time="2026-11-21T01:00:00Z"),
        rpb.Draft(name="drafts/c", maker="you-1", refusal="S11"),
    ]
    answer = rpb.ListDraftsResponse(drafts=drafts)
    others, own = asked(review__ListDrafts=answer)["DRAFTS"].points
    assert ("deltacare settle drafts show b", True, 2) == (
        others.command,
        others.is_due,
        others.count,
    )
    assert (False, 1) == (own.is_due, own.count)


def test_the_inbox() -> None:
    """What fits is answered; what does not is looked at; each reason is counted."""
    records = [
        spb.JudgedRecord(filed=spb.FiledRecord(filed_date="2026-11-20"), verdict=verdict)
        for verdict in (spb.INBOX_VERDICT_FITS, spb.INBOX_VERDICT_AMOUNT)
    ]
    answer = spb.JudgeInboxResponse(records=records)
    point = only(asked(settlement__JudgeInbox=answer), "INBOX")
    assert (f"deltacare settle answer --partner {OTHER}", 2) == (point.command, point.count)
    assert "AMOUNT 1" in point.text
    answer = spb.JudgeInboxResponse(records=records[1:])
    point = only(asked(settlement__JudgeInbox=answer), "INBOX")
    assert f"deltacare settle inbox --partner {OTHER}" == point.command


def line(
    line_class: LineClass, owner: str, due_date: str = "2026-11-30", number: str = "S1"
) -> cpb.Line:
    """Return an open line of which home, the own province, filed nothing."""
    return cpb.Line(
        home=OWN,
        host=OTHER,
        settlement_no=number,
        line_class=line_class.rank,  # type: ignore[arg-type]  # the enum is by rank
        owner=owner,
        due_date=due_date,
        filed_date="2026-11-10",
    )


def test_discrepancies() -> None:
    """By class and owner, with what is overdue; what is in transit is not due."""
    lines = [
        line(LineClass.AMOUNT, "BOTH", "2026-11-21"),
        line(LineClass.AMOUNT, "BOTH", number="S2"),
        line(LineClass.HOST_ONLY, OWN),
        line(LineClass.OVER_CAP, OTHER),
        line(LineClass.IN_TRANSIT, "BOTH"),
    ]
    found = asked(clearing__ListLines=cpb.ListLinesResponse(lines=lines))
    points = found["DISCREPANCIES"].points
    assert [
        (1, False, f"deltacare settle dispute raise S1 --partner {OTHER} --as-home"),
        (1, False, f"deltacare settle answer --partner {OTHER}"),
        (1, True, f"deltacare settle answer --partner {OTHER}"),
        (2, True, f"deltacare settle discrepancies --partner {OTHER} --class AMOUNT"),
    ] == [(each.count, each.is_due, each.command.partition(" --claim")[0]) for each in points]
    assert "1 overdue" in points[3].text
    not_run = Refusal(Reason.NOT_FOUND, "This node has not run that night.")
    assert () == asked(clearing__ListLines=not_run)["DISCREPANCIES"].points


def test_holds_and_proposals() -> None:
    """Own holds without their reason can end; proposals say how many are ours."""
    holds = [
        spb.StandingHold(
            entry=EntryRef(log=OWN_LOG, index=index),
            from_date="2026-11-10",
            can_end=can_end,
        )
        for index, can_end in ((4, True), (5, False), (6, True))
    ]
    found = asked(settlement__ListHolds=spb.ListHoldsResponse(holds=holds))
    point = only(found, "HOLDS")
    command = f"deltacare settle release --index 4 --index 6 --partner {OTHER} --reason CODE"
    assert (command, 2) == (point.command, point.count)
    proposals = [
        cpb.ReversalProposal(owner=owner, due_date="2026-11-20", noticed_date="2026-11-15")
        for owner in (OWN, OTHER)
    ]
    found = asked(
        clearing__ListReversalProposals=cpb.ListReversalProposalsResponse(proposals=proposals)
    )
    point = only(found, "PROPOSALS")
    assert (2, True, "2026-11-20") == (point.count, point.is_due, point.due_date)
    assert "1 of them by us, 2 overdue" in point.text


def test_overlaps() -> None:
    """Each other home and the own hosts are asked of; what waits says what to do next."""
    overlap = spb.StandingOverlap(
        service_month="2026-10",
        own_days=20,
        other_days=20,
        noticed_date="2026-11-15",
        settlements=[
            spb.OverlapSettlement(host=OTHER, settlement_no="S1", held=True),
            spb.OverlapSettlement(host=OTHER, settlement_no="S2", closed_date="2026-11-10"),
        ],
    )
    # Of what was taken back nothing is left to do, though the next close has still to see it.
    gone = spb.StandingOverlap(service_month="2026-09", noticed_date="2026-11-01")
    given = spb.ListOverlapsResponse(overlaps=[gone, overlap])
    with_other, between_hosts = asked(settlement__ListOverlaps=given)["OVERLAPS"].points
    assert (f"deltacare settle overlaps --with {OTHER}", BOTH, True, "2026-11-15", 1) == (
        with_other.command,
        with_other.owner,
        with_other.is_due,
        with_other.since,
        with_other.count,
    )
    assert "of ours 1 are held, 1 cleared: agree with 310000 whose days count" in with_other.text
    assert (f"deltacare settle overlaps --with {OWN}", OWN) == (
        between_hosts.command,
        between_hosts.owner,
    )
    assert "with several hosts" in between_hosts.text
    found = asked(settlement__ListOverlaps=spb.ListOverlapsResponse(overlaps=[gone]))
    assert () == found["OVERLAPS"].points


def test_clawbacks() -> None:
    """What is demanded of us is due; what we demand waits for the other."""
    rows = [
        spb.StandingClawback(
            clawback=epb.Clawback(settlement_no=number, home=home, host=host, amount_fen=100),
            state=state,
            due_date="2026-11-27",
        )
        for number, home, host, state in (
            ("S1", OTHER, OWN, spb.CLAWBACK_STATE_DEMANDED),
            ("S2", OWN, OTHER, spb.CLAWBACK_STATE_DEMANDED),
            ("S3", OTHER, OWN, spb.CLAWBACK_STATE_RECOVERED),
        )
    ]
    found = asked(settlement__ListClawbacks=spb.ListClawbacksResponse(clawbacks=rows))
    ours, theirs = found["CLAWBACKS"].points
    command = f"deltacare settle reverse S1 --partner {OTHER} --as-host --reason CODE"
    assert (command, True, 1) == (ours.command, ours.is_due, ours.count)
    assert (OTHER, False, 1) == (theirs.owner, theirs.is_due, theirs.count)


def standing(**changes: Any) -> dpb.StandingDispute:
    """Return a dispute that the partner raised."""
    found = dpb.StandingDispute(
        dispute=epb.Dispute(
            dispute_id=f"{OTHER}-D1",
            settlement_no="S1",
            home=OWN,
            host=OTHER,
            claim=epb.DISPUTE_CLAIM_AMOUNT,
        ),
        raised_by=OTHER,
        raised_date="2026-11-20",
        state=dpb.DISPUTE_STATE_RAISED,
        owner=OWN,
        due_date="2026-11-27",
        next_action="ANSWER",
    )
    for name, value in changes.items():
        setattr(found, name, value)
    return found


def test_disputes() -> None:
    """Each with its own command; beyond ten they are counted."""
    answer = dpb.ListDisputesResponse(
        disputes=[
            standing(),
            standing(owner=OTHER, next_action="CLOSE", state=dpb.DISPUTE_STATE_AGREED),
            *(standing() for _ in range(10)),
        ]
    )
    points = asked(dispute__ListDisputes=answer)["DISPUTES"].points
    assert 11 == len(points)
    assert f"deltacare settle dispute answer {OTHER}-D1 --agree|--contest" == points[0].command
    assert [True, False] == [each.is_due for each in points[:2]]
    assert 2 == points[-1].count
    # The other is late: then we may go up.
    late = standing(owner=OTHER, overdue_days=2, raised_by=OWN)
    point = only(asked(dispute__ListDisputes=dpb.ListDisputesResponse(disputes=[late])), "DISPUTES")
    assert (True, True) == (point.is_due, "dispute escalate" in point.command)


def test_statements() -> None:
    """Ours to answer, others' to answer, and whose turn it is to propose."""
    said = epb.Statement(
        statement_id=f"{OTHER}-S1", from_date="2026-11-01", until_date="2026-11-02"
    )

    def answered(*words: int) -> cpb.StandingStatement:
        return cpb.StandingStatement(
            statement=said,
            statement_hash=bytes(32),
            state=cpb.STATEMENT_STATE_PROPOSED,
            recomputed=True,
            answers=[
                cpb.PartyAnswer(province=province, word=word)  # type: ignore[arg-type]
                for province, word in zip((OTHER, OWN), words, strict=True)
            ],
        )

    for words, is_due in (((1, 0), True), ((0, 1), False)):
        answer = cpb.ListStatementsResponse(statements=[answered(*words)])
        point = only(asked(clearing__ListStatements=answer), "STATEMENTS")
        assert is_due is point.is_due
        wanted = "deltacare settle approve" if is_due else "deltacare settle export"
        assert point.command.startswith(wanted)
    agreed = [night(day=day) for day in ("2026-11-20", "2026-11-21")]
    point = only(
        asked(clearing__ListPairNights=cpb.ListPairNightsResponse(nights=agreed)), "STATEMENTS"
    )
    assert "2026-11-20" == point.since
    is_ours = point.owner == OWN
    assert is_ours is point.is_due
    assert is_ours is ("settle propose" in point.command)
    for each in agreed:
        each.statement_hash = bytes(32)
    found = asked(clearing__ListPairNights=cpb.ListPairNightsResponse(nights=agreed))
    assert () == found["STATEMENTS"].points


OVERPAID = ypb.PAYMENT_STATE_OVERPAID


@pytest.mark.parametrize(
    "payer, owner, action, words, is_due",
    [
        # Only our bank has shown it: we ask it, and the payee looks too.
        (OWN, OTHER, "PAYEE_READ_BANK_STATEMENT", "overpaid by 0.40 yuan: ask the bank", True),
        (OTHER, OWN, "PAYEE_READ_BANK_STATEMENT", "overpaid by 0.40 yuan: read", True),
        (OTHER, OTHER, "ASK_BANK", "overpaid by 0.40 yuan: ask the bank", False),
        # The payee has it.
        (OWN, OTHER, "RETURN_SURPLUS", "overpaid by 0.40 yuan: the payee returns", False),
        (OTHER, OWN, "RETURN_SURPLUS", "overpaid by 0.40 yuan: the payee returns", True),
        # It is on the way back.
        (OWN, OWN, "READ_BANK_STATEMENT", "overpaid by 0.40 yuan: the surplus is on its", True),
    ],
)
def test_an_overpayment_is_said(
    payer: str, owner: str, action: str, words: str, *, is_due: bool
) -> None:
    """Whoever has to act: that too much went is said, and how much, to payer and payee."""
    over = ypb.StandingPayment(
        basis_id="B1",
        payer=payer,
        payee=OTHER if payer == OWN else OWN,
        amount_fen=100,
        debited_fen=140,
        credited_fen=140 if action == "RETURN_SURPLUS" else 0,
        state=OVERPAID,
        owner=owner,
        next_action=action,
    )
    plain = ypb.StandingPayment(
        basis_id="B2",
        payer=payer,
        payee=over.payee,
        amount_fen=100,
        debited_fen=100,
        state=ypb.PAYMENT_STATE_DEBITED,
        owner=owner,
        next_action=action,
    )
    answer = ypb.ListPaymentsResponse(payments=[over, plain])
    points = asked(payment__ListPayments=answer)["PAYMENTS"].points
    (point,) = (each for each in points if "B1" in each.text)
    assert words in point.text
    assert "B2" not in point.text
    assert is_due is point.is_due
    assert point.command.startswith("deltacare settle ")


def test_payments_advances_budgets_months() -> None:
    """By what is next and who does it; below the floor; nearly spent; the next month to close."""
    payments = [
        ypb.StandingPayment(
            basis_id="B1", payer=OWN, payee=OTHER, amount_fen=100, owner=owner, next_action=action
        )
        for owner, action in ((OWN, "ORDER"), (OTHER, "PAYEE_READ_BANK_STATEMENT"), ("", ""))
    ]
    answer = ypb.ListPaymentsResponse(payments=payments)
    order, wait = asked(payment__ListPayments=answer)["PAYMENTS"].points
    command = "deltacare settle pay order --execution-date DATE --key FILE --basis B1"
    assert (command, True) == (order.command, order.is_due)
    assert (OTHER, False) == (wait.owner, wait.is_due)

    def advance(received: int, drawn: int) -> ypb.ListAdvancesResponse:
        row = ypb.StandingAdvance(
            payer=OWN,
            advance=epb.Advance(payee=OTHER, amount_fen=1_000),
            received_fen=received,
            drawn_fen=drawn,
            terms=epb.AdvanceTerms(limit_fen=2_000, floor_fen=500),
        )
        return ypb.ListAdvancesResponse(advances=[row])

    assert only(asked(payment__ListAdvances=advance(1_000, 600)), "ADVANCES").is_due
    for received, drawn in ((1_000, 500), (0, 0)):
        assert () == asked(payment__ListAdvances=advance(received, drawn))["ADVANCES"].points
    # Terms alone are terms: nothing was granted yet. Another's are its own to keep.
    for payer, floor, expected in ((OWN, 500, 1), (OWN, 0, 0), (OTHER, 500, 0)):
        said = epb.AdvanceTerms(payee=THIRD, limit_fen=2_000, floor_fen=floor)
        bare = ypb.ListAdvancesResponse(terms=[ypb.StandingTerms(payer=payer, terms=said)])
        assert expected == len(asked(payment__ListAdvances=bare)["ADVANCES"].points)

    def budget(spent: int, held: int = 0) -> ppb.ListBudgetsResponse:
        row = ppb.StandingBudget(
            budget=epb.Budget(home_division="320106", year=2026, amount_fen=1_000),
            reserved_fen=spent,
            held_fen=held,
        )
        return ppb.ListBudgetsResponse(budgets=[row])

    assert () == asked(policy__ListBudgets=budget(899))["BUDGETS"].points
    assert not only(asked(policy__ListBudgets=budget(900)), "BUDGETS").is_due
    assert only(asked(policy__ListBudgets=budget(100, held=5)), "BUDGETS").is_due

    def months(*rows: tuple[str, bool]) -> bpb.ListMonthClosesResponse:
        return bpb.ListMonthClosesResponse(
            month_closes=[
                bpb.StandingMonthClose(
                    month_close=epb.MonthClose(month=month), recomputed=recomputed
                )
                for month, recomputed in rows
            ]
        )

    point = only(asked(books__ListMonthCloses=months(("2026-08", True))), "MONTHS")
    assert ("deltacare settle books close-month 2026-09", "2026-10-01") == (
        point.command,
        point.since,
    )
    # While a night of the month is open, the books cannot be closed; a later night keeps nobody.
    for day, command, is_due in (
        ("2026-09-30", "settle nights --from 2026-09-30", False),
        ("2026-10-01", "settle books close-month 2026-09", True),
    ):
        nights = cpb.PairNight(lower=OTHER, higher=THIRD, business_date="2026-09-01")
        found = asked(
            books__ListMonthCloses=months(("2026-08", True)),
            clearing__ListPairNights=cpb.ListPairNightsResponse(
                nights=[nights, night(f"CLOSE_MISSING {OWN_LOG}", day)]
            ),
        )
        (point,) = found["MONTHS"].points
        assert (f"deltacare {command}", is_due) == (point.command, point.is_due)
    altered = asked(books__ListMonthCloses=months(("2026-10", False)))
    assert "deltacare settle books months" == only(altered, "MONTHS").command
    assert () == asked(books__ListMonthCloses=months())["MONTHS"].points


# --- Commands -------------------------------------------------------------------------------------


def named_commands() -> set[str]:
    """Return every command that a point or a line can name, without its options."""
    folder = Path(due.__file__).parent
    found = set()
    for name in ("due_records", "due_money", "lines", "disputes"):
        text = (folder / f"{name}.py").read_text(encoding="utf-8")
        found |= set(
            re.findall(r'"(?:deltacare )?((?:settle|node|agreement|listing) [a-z][^"]*)"', text)
        )
    return found


@pytest.mark.parametrize("text", sorted(named_commands()))
def test_every_command_that_is_named_is_there(text: str) -> None:
    """A clerk can paste what is said: groups, command and options are all known."""
    at: click.Command = main
    words = shlex.split(text)
    while words and isinstance(at, click.Group):
        found = at.get_command(click.Context(at), words.pop(0))
        assert found is not None, text
        at = found
    assert not isinstance(at, click.Group), text
    known = {name for each in at.params for name in (*each.opts, *each.secondary_opts)}
    wanted = {each for word in words for each in word.split("|") if each.startswith("--")}
    assert wanted <= known, text


@pytest.mark.parametrize("found", [each for each in LineClass if not each.closed])
def test_every_class_has_a_command(found: LineClass) -> None:
    """Whoever has to act is told how; whoever waits may dispute."""
    for owner in (OWN, OTHER, "BOTH"):
        command = next_command(line(found, owner), OWN)
        assert command.startswith("deltacare ")
        assert "{" not in command


def test_points_in_chinese() -> None:
    """The page is in the language of the run."""
    with using_language("zh"):
        point = only(asked(settlement__ListDayCloses=closes("2026-11-19")), "NIGHTS")
    assert "本方未日切至 2026-11-21（共 2 日，最早 2026-11-20；可逐日关闭）" == point.text
    with using_language("zh"):
        point = only(asked(settlement__ListDayCloses=closes("2026-11-20")), "NIGHTS")
    assert "本方未日切至 2026-11-21" == point.text


def test_both_are_said_in_words() -> None:
    """Who does it is no code, in either language, where it is not ours alone."""
    lines = [line(LineClass.IN_TRANSIT, "BOTH")]
    answer = cpb.ListLinesResponse(lines=lines)
    for lang, words in (("zh", "双方"), ("en", "both")):
        _, text = page(*("--lang", lang, "--topic", "discrepancies"), clearing__ListLines=answer)
        assert "BOTH" not in text
        assert re.search(rf"{words} +│$", text, re.MULTILINE)


# --- The page -------------------------------------------------------------------------------------


@contextmanager
def fake_connection(node: FakeNode) -> Iterator[None]:
    """Let commands reach a fake node."""

    class _Opened:
        def open(self) -> AbstractContextManager[FakeNode]:
            return nullcontext(node)

    callback = settle_status.status.callback
    assert callback is not None
    inner = callback.__wrapped__  # type: ignore[attr-defined]  # what `connected` wraps
    settle_status.status.callback = lambda **options: inner(
        connection=_Opened(),
        **{name: options[name] for name in ("names", "due_only")},
    )
    try:
        yield
    finally:
        settle_status.status.callback = callback


def page(*arguments: str, **changes: Any) -> tuple[int, str]:
    """Return exit code and text of the page of a node at which something waits."""
    given = quiet_answers()
    # The page reads the machine's clock: what is closed is closed for long.
    given["settlement.ListDayCloses"] = closes("2999-12-30")
    month = bpb.StandingMonthClose(month_close=epb.MonthClose(month="2999-11"), recomputed=True)
    given["books.ListMonthCloses"] = bpb.ListMonthClosesResponse(month_closes=[month])
    given.update({name.replace("__", "."): answer for name, answer in changes.items()})
    with fake_connection(FakeNode(given, role="payer", methods=ALL_METHODS)):
        result = CliRunner().invoke(main, ["settle", "status", *arguments])
    return result.exit_code, result.stdout


def test_the_page_tells_who_and_by_what_command() -> None:
    """Commands stand whole on lines of their own; what is not the caller's to do is said."""
    code, text = page("--lang", "en")
    assert 0 == code
    assert "0 things are due by us" in text
    closing = closes("2026-11-19")
    missing = Refusal(Reason.UNSUPPORTED_VERSION, "Method not found!")
    code, text = page(
        "--lang", "en", settlement__ListDayCloses=closing, payment__ListPayments=missing
    )
    assert 1 == code
    assert re.search(r"^   1  deltacare settle close-day \S+$", text, re.MULTILINE)
    assert "clerk, reviewer" in text
    assert "The node does not serve yet: payments" in text
    assert "1 things are due by us, 0 of them can be done by you." in text
    code, text = page("--lang", "en", "--topic", "holds", settlement__ListDayCloses=closing)
    assert (0, False) == (code, "close-day" in text)
    code, text = page("--json", settlement__ListDayCloses=closing)
    assert (1, 1) == (json.loads(text)["due_count"], code)
