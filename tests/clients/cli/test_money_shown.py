"""What tables of statements and advances say of a node's answers, without a node."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace
from typing import Any

import click
import pytest
from click.testing import CliRunner

from clients.cli import settle_advance, settle_statement
from clients.cli.main import main
from deltacare.v1 import clearing_service_pb2 as cpb
from deltacare.v1 import entry_pb2 as epb
from deltacare.v1 import payment_service_pb2 as ypb

OWN, OTHER, THIRD = "320000", "310000", "330000"


@contextmanager
def answering(command: click.Command, **services: Any) -> Iterator[None]:
    """Let a command reach a node that answers what it was given."""
    callback = command.callback
    assert callback is not None
    inner = callback.__wrapped__  # type: ignore[attr-defined]  # what `connected` wraps
    connection = SimpleNamespace(open=lambda: nullcontext(SimpleNamespace(**services)))
    own = ("province",)
    command.callback = lambda **options: inner(
        connection=connection, **{name: options[name] for name in own if name in options}
    )
    try:
        yield
    finally:
        command.callback = callback


def said(*arguments: str) -> str:
    """Return what a command prints."""
    result = CliRunner(env={"COLUMNS": "200"}).invoke(main, [*arguments, "--lang", "en"])
    assert 0 == result.exit_code, result.stderr
    return result.stdout


@pytest.mark.parametrize(
    "state, waits",
    [
        (cpb.STATEMENT_STATE_PROPOSED, THIRD),
        (cpb.STATEMENT_STATE_VOID, ""),
        (cpb.STATEMENT_STATE_BINDING, ""),
    ],
)
def test_a_refused_statement_waits_for_nobody(state: cpb.StatementState, waits: str) -> None:
    """Whoever has not answered is asked no more once one has refused."""
    standing = cpb.StandingStatement(
        statement=epb.Statement(statement_id=f"{OWN}-S1"),
        state=state,
        answers=[
            cpb.PartyAnswer(province=province, word=word)  # type: ignore[arg-type]
            for province, word in ((OWN, 1), (OTHER, 2), (THIRD, 0))
        ],
    )
    answer = cpb.ListStatementsResponse(statements=[standing])
    clearing = SimpleNamespace(ListStatements=lambda _request: answer)
    with answering(settle_statement.statements, clearing=clearing):
        (row,) = (each for each in said("settle", "statements").splitlines() if "-S1" in each)
    cells = [each.strip() for each in row.split("│")]
    assert [OWN, OTHER, waits] == cells[5:8]


def test_terms_are_shown_before_anything_is_granted() -> None:
    """A limit stands in the table, and is below its floor; once with what was granted."""
    terms = epb.AdvanceTerms(payee=OTHER, limit_fen=200_000, floor_fen=50_000)
    stated = ypb.StandingTerms(payer=OWN, terms=terms)
    advance = ypb.StandingAdvance(
        payer=OWN,
        advance=epb.Advance(advance_id=f"{OWN}-A1", payee=OTHER, amount_fen=100_000),
        terms=terms,
    )
    for advances, name, lines in (([], "(none granted)", 1), ([advance], f"{OWN}-A1", 0)):
        answer = ypb.ListAdvancesResponse(advances=advances, terms=[stated])
        payment = SimpleNamespace(ListAdvances=lambda _request, answer=answer: answer)
        with answering(settle_advance.list_, payment=payment):
            text = said("settle", "advance", "list")
            found = json.loads(said("settle", "advance", "list", "--json"))
        (row,) = (each for each in text.splitlines() if "2,000.00" in each)
        cells = [each.strip() for each in row.split("│")]
        assert (name, OWN, OTHER) == tuple(cells[1:4])
        assert lines == text.count("grant another")
        assert [OTHER] == [each["terms"]["payee"] for each in found["terms"]]
