"""Verifies a statement file: that every party approved it, and that its sums are the nights' sums.

Nothing is taken from the statement that can be worked out: its flows, positions and payments are
computed anew from the pair results it names, and each of these is stated twice, by both sides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from clients.language import tr
from clients.plain import plain
from clients.verify.approving import (
    FAULT_WORDS,
    KeyBook,
    keys_of,
    signature_fault,
    signature_lines,
)
from clients.verify.drawing import require_received
from clients.verify.receipt import VerifiedEntry, prove, verify_receipt
from clients.verify.steps import Steps, checkpoint_facts, checkpoint_lines
from clients.verify.trusting import Trusting
from clients.verify.words import body_of
from deltacare.errors import PeerFault, Reason, Refusal
from deltacare.evidence import Evidence
from deltacare.ids import LogName, are_two_persons
from deltacare.money import format_yuan
from deltacare.v1.entry_pb2 import Netting, PairResult, Statement, StatementWord
from settlement.core import net
from settlement.windows import WindowKind, is_window

__all__ = ["VerifiedStatement", "require_sums", "verify_statement"]

_PAIR = 2
_MONTH_DAYS_MAX = 31
_BODIES = ("pair_result", "statement_answer", "approval_key", "advance", "payment_report")


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedStatement:
    """A statement that binds.

    Attributes:
        statement: What was approved.
        leaf: Its leaf hash.
        parties: Who approved it.
    """

    statement: Statement
    leaf: bytes
    parties: tuple[str, ...]


def verify_statement(evidence: Evidence, trusting: Trusting, steps: Steps) -> VerifiedStatement:
    """Verify a statement file.

    1. The statement stands in its proposer's log. 2. Each pair result it names is there, stated
    alike by both sides, for every date of its window. 3. Flows, positions and payments follow from
    them, less the advances that are drawn, which were received. 4. Every party approved this very
    statement by the signatures of two persons, with keys that its log had stated.

    Args:
        evidence: As received.
        trusting: The verifier's policies.
        steps: Takes what was done.

    Raises:
        PeerFault: ``BAD_PROOF``, ``BAD_SIGNATURE`` or ``NO_QUORUM``.
        Refusal: ``RULE_REFUSED``, if all is proved and the statement does not bind.
    """
    # 1. The statement.
    first = verify_receipt(evidence.receipts[0], trusting, steps)
    name, statement = body_of(first.entry)
    if name != "statement":
        raise _bad("The first receipt is not that of a statement.")
    author = _author(first)
    if statement.statement_id[:6] != author:
        raise _bad(f"{statement.statement_id} stands in the log of {author}, not its proposer's.")
    others = [prove(receipt, trusting) for receipt in evidence.receipts[1:]]
    by_body: dict[str, list[VerifiedEntry]] = {name: [] for name in _BODIES}
    for each in others:
        if body_of(each.entry)[0] not in by_body:
            raise _bad("The file holds an entry on which a statement does not rest.")
        by_body[body_of(each.entry)[0]].append(each)
    results, answers = by_body["pair_result"], by_body["statement_answer"]
    # 2. The results.
    nights = _nights(statement, results)
    checkpoints = {each.proved.seen.checkpoint: each.proved.seen for each in others}
    steps.add(
        f"{len(results)} 个对账结果均有回执，双方所述一致，共 {len(nights)} 夜",
        f"{len(results)} pair results are proved; both sides state the same, {len(nights)} nights",
        *(_night_words(night) for night in nights),
        results=[{"leaf": each.proved.leaf.hex(), **_place(each)} for each in results],
        nights=[plain(night) for night in nights],
    )
    # 3. The money.
    require_sums(statement, nights)
    require_received(statement, by_body["advance"], by_body["payment_report"], _author)
    steps.add(
        "流量、净额与付款由对账结果重新算得，与清算单相同",
        "Flows, positions and payments were computed anew and are the statement's",
        *(
            tr(
                f"{flow.payer} 付 {flow.payee} {format_yuan(flow.amount_fen)} 元",
                f"{flow.payer} pays {flow.payee} {format_yuan(flow.amount_fen)} yuan",
            )
            for flow in statement.payments
        ),
        *(
            tr(
                f"{each.payer} 以预付金抵付 {each.payee} {format_yuan(each.amount_fen)} 元",
                f"{each.payer} draws {format_yuan(each.amount_fen)} yuan that {each.payee} holds",
            )
            for each in statement.drawdowns
        ),
        positions={each.province: each.net_fen for each in statement.positions},
        payments=[plain(flow) for flow in statement.payments],
        drawdowns=[plain(each) for each in statement.drawdowns],
        netting=Netting.Name(statement.netting).removeprefix("NETTING_"),
    )
    # 4. The answers.
    keys = keys_of(by_body["approval_key"], _author)
    parties = _require_binding(first, statement, answers, keys)
    steps.add(
        f"{len(parties)} 方均已由两人签名批准摘要为 {first.proved.leaf.hex()} 的这份清算单",
        f"All {len(parties)} parties approved the statement with hash {first.proved.leaf.hex()}, "
        "each by the signatures of two persons",
        *(signature_lines(each, _author(each)) for each in answers),
        statement_hash=first.proved.leaf.hex(),
        answers=[
            {
                "province": _author(each),
                "maker": each.entry.maker,
                "reviewer": each.entry.reviewer,
                "keys": sorted(a.key_id for a in body_of(each.entry)[1].approvals),
                **_place(each),
            }
            for each in answers
        ],
    )
    steps.add(
        f"以上依据 {len(checkpoints)} 个检查点",
        f"All this rests on {len(checkpoints)} checkpoints",
        *(line for seen in checkpoints.values() for line in checkpoint_lines(seen)),
        checkpoints=[checkpoint_facts(seen) for seen in checkpoints.values()],
    )
    return VerifiedStatement(statement=statement, leaf=first.proved.leaf, parties=parties)


def _nights(statement: Statement, results: Sequence[VerifiedEntry]) -> list[PairResult]:
    """Return what both sides state of each night that a statement names.

    Raises:
        PeerFault: ``BAD_PROOF``.
    """
    # 2a. Exactly those that it names, each once.
    named = list(statement.pair_result_hashes)
    if len(set(named)) != len(named) or sorted(e.proved.leaf for e in results) != sorted(named):
        raise _bad("The pair results are not exactly those that the statement names.")
    by_night: dict[tuple[str, str, str], dict[str, PairResult]] = {}
    for each in results:
        body = body_of(each.entry)[1]
        author = _author(each)
        if author not in (body.lower, body.higher) or body.lower >= body.higher:
            raise _bad(f"A result of {body.lower} and {body.higher} is stated by {author}.")
        sides = by_night.setdefault((body.business_date, body.lower, body.higher), {})
        if author in sides:
            raise _bad(f"{author} states {body.business_date} twice.")
        sides[author] = body
    # 2b. Both sides, alike. Their checkpoints may differ in the witnesses' lines.
    nights = []
    for (day, lower, higher), sides in sorted(by_night.items()):
        if len(sides) != _PAIR:
            raise _bad(f"Of the night {day} of {lower} and {higher} one side is missing.")
        one, other = (_stated(sides[side]) for side in (lower, higher))
        if one != other:
            raise _bad(f"The two sides of {lower} and {higher} state {day} differently.")
        nights.append(sides[lower])
    # 2c. Every date of the window.
    _require_dates(statement, nights)
    return nights


def _require_dates(statement: Statement, nights: Sequence[PairResult]) -> None:
    """Refuse a statement that leaves a night of its window out.

    Where the window is a named one, its first days may lie before the federation's opening date:
    then the nights of all pairs begin on one later date.

    Raises:
        PeerFault: ``BAD_PROOF``.
    """
    days = _dates(statement)
    begins = min((night.business_date for night in nights), default="")
    if statement.window and begins in days:
        days = days[days.index(begins) :]
    for lower, higher in {(night.lower, night.higher) for night in nights}:
        stated = {n.business_date for n in nights if (n.lower, n.higher) == (lower, higher)}
        if stated != set(days):
            missing = ", ".join(sorted(stated ^ set(days))[:5])
            raise _bad(f"The nights of {lower} and {higher} are not those of the window: {missing}")


def _stated(result: PairResult) -> tuple[object, ...]:
    """Return what two sides must state alike."""
    return (
        result.attempt,
        result.digest,
        result.lower_pays_fen,
        result.higher_pays_fen,
        result.rules_version,
    )


def _dates(statement: Statement) -> list[str]:
    try:
        first = date.fromisoformat(statement.from_date)
        last = date.fromisoformat(statement.until_date)
    except ValueError:
        raise _bad("The window of the statement is not two dates.") from None
    count = (last - first).days + 1
    room = len(statement.pair_result_hashes) + (_MONTH_DAYS_MAX if statement.window else 0)
    if not 0 < count <= room:
        raise _bad("The window of the statement is longer than the results it names.")
    if statement.window not in (0, *(kind.value for kind in WindowKind)) or (
        statement.window and not is_window(WindowKind(statement.window), first, last)
    ):
        raise _bad("The dates of the statement are not the window that it names.")
    return [(first + timedelta(days=each)).isoformat() for each in range(count)]


def require_sums(statement: Statement, nights: Sequence[PairResult]) -> None:
    """Refuse a statement whose money is not that of its nights.

    Raises:
        PeerFault: ``BAD_PROOF``.
    """
    matrix = net.bilateral(
        flow
        for night in nights
        for flow in (
            (night.lower, night.higher, night.lower_pays_fen),
            (night.higher, night.lower, night.higher_pays_fen),
        )
    )
    positions = net.positions(matrix)
    if statement.netting == Netting.NETTING_MULTILATERAL:
        payments = net.multilateral(positions)
    elif statement.netting == Netting.NETTING_BILATERAL:
        payments = net.bilateral_net(matrix)
    else:
        raise _bad("The statement says no netting that this version knows.")
    due = {(p.payer, p.payee): p.fen for p in payments}
    for each in statement.drawdowns:
        pair = (each.payer, each.payee)
        due[pair] = due.get(pair, 0) - each.amount_fen
        if each.amount_fen <= 0 or due[pair] < 0:
            raise _bad("The statement draws more of advances than is to be paid.")
    stated = {
        "bilateral": [((f.payer, f.payee), f.amount_fen) for f in statement.bilateral],
        "positions": [(p.province, p.net_fen) for p in statement.positions],
        "payments": [(f.payer, f.payee, f.amount_fen) for f in statement.payments],
    }
    computed = {
        "bilateral": list(matrix.items()),
        "positions": list(positions.items()),
        "payments": [(*pair, fen) for pair, fen in sorted(due.items()) if fen],
    }
    for name, found in computed.items():
        if stated[name] != found:
            raise _bad(f"The {name} of the statement are not those of the nights it names.")


def _require_binding(
    first: VerifiedEntry,
    statement: Statement,
    answers: Sequence[VerifiedEntry],
    keys: KeyBook,
) -> tuple[str, ...]:
    """Return the parties, all of whom approved.

    Raises:
        PeerFault: ``BAD_PROOF``, if an answer is not to this statement, or not its author's.
        Refusal: ``RULE_REFUSED``, naming who refused, or is missing, or whose signatures do not
            count, and why.
    """
    parties = sorted({each for f in statement.bilateral for each in (f.payer, f.payee)})
    given: dict[str, Any] = {}
    for each in answers:
        author, body = _author(each), body_of(each.entry)[1]
        if body.statement_hash != first.proved.leaf or author not in parties or author in given:
            raise _bad(f"An answer of {author} is not its one answer to this statement.")
        given[author] = body.word
    # 4a. Maker and checker.
    for each in (first, *answers):
        maker, reviewer = each.entry.maker, each.entry.reviewer
        if not are_two_persons(maker, reviewer):
            raise _not_binding(
                f"{_author(each)}: maker and reviewer are not two persons.", {"who": _author(each)}
            )
    # 4b. Two persons' signatures, with keys that stood before.
    for each in answers:
        fault = signature_fault(each, _author(each), first.proved.leaf, keys)
        if fault is not None:
            zh, en = FAULT_WORDS[fault]
            raise _not_binding(
                f"{_author(each)}: {en}.",
                {
                    "who": _author(each),
                    "fault": fault.name,
                    "text_zh": f"清算单不生效。{_author(each)}：{zh}。",
                },
            )
    # 4c. Every party, and none against.
    refused = [p for p, word in given.items() if word != StatementWord.STATEMENT_WORD_APPROVED]
    if refused:
        raise _not_binding(f"Refused by {', '.join(refused)}.", {"refused": " ".join(refused)})
    missing = [each for each in parties if each not in given]
    if missing:
        raise _not_binding(
            f"The approval of {', '.join(missing)} is missing.", {"missing": " ".join(missing)}
        )
    return tuple(parties)


def _author(each: VerifiedEntry) -> str:
    """Return the province whose registry log an entry stands in.

    Raises:
        PeerFault: ``BAD_PROOF``, if it stands in another log.
    """
    try:
        log = LogName.parse(each.proved.log)
    except Refusal:
        log = None
    if log is None or log != LogName.registry(log.author):
        raise _bad(f"An entry stands in {each.proved.log}, not in a registry log.")
    return log.author


def _place(each: VerifiedEntry) -> Mapping[str, Any]:
    return {"log": each.proved.log, "index": each.proved.index}


def _night_words(night: PairResult) -> str:
    lower, higher = format_yuan(night.lower_pays_fen), format_yuan(night.higher_pays_fen)
    return tr(
        f"{night.business_date} {night.lower} 应付 {lower} 元，{night.higher} 应付 {higher} 元",
        f"{night.business_date} {night.lower} pays {lower}, {night.higher} pays {higher} yuan",
    )


def _not_binding(message: str, details: Mapping[str, str]) -> Refusal:
    return Refusal(Reason.RULE_REFUSED, f"The statement does not bind. {message}", details=details)


def _bad(message: str) -> PeerFault:
    return PeerFault(Reason.BAD_PROOF, message)
