"""Turns what registry logs say of policies and budgets into rows.

Depends on the entry alone, so that it comes out the same wherever and whenever it is looked at.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from sqlalchemy import delete, insert

from deltacare.ids import LogKind, LogName
from server.approval.duties import DutyKind, note_duties
from server.log.ports import LogTx, Sequenced
from server.policy import fields, rules
from server.policy.tables import budgets, policies

__all__ = ["PolicyProjector"]


def _project_policy(tx: LogTx, author: str, item: Sequenced) -> bool:
    """Store a policy; ``False`` if it cannot be read."""
    body = item.entry.subsidy_policy
    if any(True for _ in fields.policy_faults(body, author, "")):
        return False
    tx.connection.execute(
        insert(policies).values(
            author=author,
            log_index=item.index,
            subsidy_kind=body.subsidy_kind,
            body=body.SerializeToString(deterministic=True),
        )
    )
    return True


def _project_budget(tx: LogTx, author: str, item: Sequenced) -> bool:
    """Store a budget; ``False`` if it cannot be read."""
    body = item.entry.budget
    if any(True for _ in fields.budget_faults(body, author, "")):
        return False
    tx.connection.execute(
        insert(budgets).values(
            author=author,
            log_index=item.index,
            home_division=body.home_division,
            year=body.year,
            subsidy_kind=body.subsidy_kind,
            amount_fen=body.amount_fen,
            document_no=body.document_no,
            document_hash=body.document_hash,
        )
    )
    return True


_HANDLERS: Mapping[str, Callable[[LogTx, str, Sequenced], bool]] = MappingProxyType(
    {"subsidy_policy": _project_policy, "budget": _project_budget}
)


class PolicyProjector:
    """Stores what policies and budgets say; implements the log room's ``Projector``."""

    bodies = frozenset(_HANDLERS)

    def project(self, tx: LogTx, log: LogName, entries: Sequence[Sequenced]) -> None:
        """Judge and store consecutive entries of one log."""
        for item in entries:
            if log.kind is not LogKind.REGISTRY:
                tx.void(log, item.index, rules.NOT_REGISTRY.code)
                continue
            if not _HANDLERS[item.entry.WhichOneof("body") or ""](tx, log.author, item):
                tx.void(log, item.index, rules.UNREADABLE.code)
                continue
            principals = (item.entry.maker, item.entry.reviewer)
            note_duties(tx.connection, log.author, "", principals, DutyKind.POLICY)

    def forget(self, tx: LogTx, log: LogName) -> None:
        """Delete every row that came from a log; who did what is the approval room's to forget."""
        if log.kind is LogKind.REGISTRY:
            for table in (policies, budgets):
                tx.connection.execute(delete(table).where(table.c.author == log.author))
