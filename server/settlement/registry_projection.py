"""Turns what registry logs say of results of nights and statements into rows.

Each handler depends on its author's log alone. Whether a result has its counterpart, and whether a
statement names results that another one names too, is asked when it matters: logs arrive in no
common order.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date
from types import MappingProxyType

from sqlalchemy import Connection, delete, select

from deltacare.ids import LogName
from deltacare.trust import Trust
from deltacare.v1.entry_pb2 import StatementWord
from server.approval.duties import DutyKind, note_duties
from server.log.ports import LogTx, Sequenced
from server.registry.rulebook import Rule
from server.settlement import fields, netting, rules, store, tables
from server.settlement.overlap_projection import forget_overlap_keys, project_overlap_keys
from server.settlement.statement_answers import statement_approvals_rule

__all__ = ["REGISTRY_HANDLERS", "forget_registry"]

Handler = Callable[[LogTx, LogName, Sequence[Sequenced], Trust], None]


def _note(tx: LogTx, log: LogName, item: Sequenced, kind: DutyKind) -> None:
    """Keep who made and reviewed what a registry log says."""
    principals = (item.entry.maker, item.entry.reviewer)
    note_duties(tx.connection, log.author, "", principals, kind)


def _pair_results(tx: LogTx, log: LogName, run: Sequence[Sequenced], trust: Trust) -> None:
    results = tables.pair_result.c
    for item in run:
        body = item.entry.pair_result
        rule = rules.result_author_rule(log.author, body.lower, body.higher, trust.provinces)
        if rule is None and any(True for _ in fields.pair_result_faults(body)):
            rule = rules.UNREADABLE
        if rule is None:
            stated = select(results.idx).where(
                results.lower == body.lower,
                results.higher == body.higher,
                results.business_date == body.business_date,
                results.attempt == body.attempt,
                results.author == log.author,
            )
            if tx.connection.execute(stated).first() is not None:
                rule = rules.RESULT_EXISTS
        if rule is not None:
            tx.void(log, item.index, rule.code)
            continue
        row = (
            log.author,
            item.index,
            item.leaf_hash,
            body.lower,
            body.higher,
            body.business_date,
            body.attempt,
            body.digest,
            body.SerializeToString(deterministic=True),
        )
        store.insert_rows(tx.connection, tables.pair_result, [row])


def _statements(tx: LogTx, log: LogName, run: Sequence[Sequenced], trust: Trust) -> None:
    statements = tables.statement.c
    for item in run:
        body = item.entry.statement
        entry_time = item.entry.entry_time.ToDatetime(tzinfo=UTC)
        rule: Rule | None = None
        if any(True for _ in netting.statement_faults(body, log.author, trust.provinces, "")):
            rule = rules.UNREADABLE
        elif not netting.is_whole_window(body):
            rule = rules.STATEMENT_WINDOW
        elif netting.contradicts_itself(body):
            rule = rules.STATEMENT_CONTRADICTS_ITSELF
        else:
            taken = select(statements.idx).where(statements.statement_id == body.statement_id)
            if tx.connection.execute(taken).first() is not None:
                rule = rules.STATEMENT_EXISTS
            else:
                rule = rules.turn_rule(
                    date.fromisoformat(body.until_date),
                    log.author,
                    netting.parties_of(body),
                    entry_time,
                )
        if rule is not None:
            tx.void(log, item.index, rule.code)
            continue
        tx.connection.execute(
            tables.statement.insert().values(
                author=log.author,
                idx=item.index,
                leaf_hash=item.leaf_hash,
                statement_id=body.statement_id,
                entry_time=entry_time,
                body=body.SerializeToString(deterministic=True),
            )
        )
        named = [(log.author, item.index, each) for each in body.pair_result_hashes]
        store.insert_rows(tx.connection, tables.statement_result, named)
        drawn = [
            (log.author, item.index, each.advance_hash, each.amount_fen) for each in body.drawdowns
        ]
        store.insert_rows(tx.connection, tables.statement_drawdown, drawn)


def _answers(tx: LogTx, log: LogName, run: Sequence[Sequenced], _trust: Trust) -> None:
    answers = tables.statement_answer.c
    for item in run:
        body = item.entry.statement_answer
        if any(True for _ in fields.answer_faults(body, "")):
            tx.void(log, item.index, rules.UNREADABLE.code)
            continue
        given = select(answers.idx).where(
            answers.statement_hash == body.statement_hash, answers.author == log.author
        )
        rule: Rule | None = rules.STATEMENT_ANSWERED
        if tx.connection.execute(given).first() is None:
            rule = statement_approvals_rule(
                tx.connection, log.author, item.entry, until_index=item.index
            )
        if rule is not None:
            tx.void(log, item.index, rule.code)
            continue
        row = (
            log.author,
            item.index,
            body.statement_hash,
            body.word,
            body.reason,
            item.entry.maker,
            item.entry.reviewer,
            body.SerializeToString(deterministic=True),
        )
        store.insert_rows(tx.connection, tables.statement_answer, [row])
        if body.word == StatementWord.STATEMENT_WORD_APPROVED:
            _note(tx, log, item, DutyKind.PAYMENT)


REGISTRY_HANDLERS: Mapping[str, Handler] = MappingProxyType(
    {
        "overlap_key": project_overlap_keys,
        "pair_result": _pair_results,
        "statement": _statements,
        "statement_answer": _answers,
    }
)

_LOG_TABLES = (
    tables.pair_result,
    tables.statement_result,
    tables.statement_drawdown,
    tables.statement,
    tables.statement_answer,
)


def forget_registry(connection: Connection, author: str) -> None:
    """Delete every row that came from a registry log."""
    forget_overlap_keys(connection, author)
    for table in _LOG_TABLES:
        connection.execute(delete(table).where(table.c.author == author))
