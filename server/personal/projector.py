"""Carries out what registry logs say of erased holders, wherever the entry arrives.

Runs in the transaction that stores the entry: at the author with the answer, at partners as they
mirror, on a rebuild, and on a node that was restored from an older backup and takes the entry back:
there the author finds by its tag whoever got the certificate after the backup, or never got one.
It always destroys what is there and remembers what may not come again. Which of the certificates
exist is not asked: an erasure keeps salts out that come later as well.
"""

from collections.abc import Sequence

from sqlalchemy import delete, insert

from deltacare.ids import LogKind, LogName
from server.log.ports import LogTx, Sequenced
from server.personal import rules, tables
from server.personal.ports import CertificateBook
from server.personal.vault import Vault

__all__ = ["ErasureProjector"]


class ErasureProjector:
    """Projects `Erased`; see ``server.log.ports.Projector``.

    Args:
        own: the node's province.
        vault: its vault.
        book: certificates and salts.
    """

    bodies = frozenset({"erased"})

    def __init__(self, *, own: str, vault: Vault, book: CertificateBook) -> None:
        self._own = own
        self._vault = vault
        self._book = book

    def project(self, tx: LogTx, log: LogName, entries: Sequence[Sequenced]) -> None:
        """Destroy what consecutive entries of one log say is erased."""
        for item in entries:
            if log.kind is not LogKind.REGISTRY:
                tx.void(log, item.index, rules.P01_NOT_REGISTRY.code)
                continue
            rule = rules.judge_erased(log.author, item.entry.erased)
            if rule is None:
                self._erase(tx, log, item)
            else:
                tx.void(log, item.index, rule.code)

    def _erase(self, tx: LogTx, log: LogName, item: Sequenced) -> None:
        body = item.entry.erased
        numbers = tuple(body.certificate_nos)
        self._book.erase_salts(tx, log.author, numbers, before_index=item.index)
        if log.author == self._own:
            self._vault.destroy_erased(tx, numbers, body.person_tags)
        fresh = set(numbers) - self._vault.erased(tx.connection, log.author, numbers)
        if fresh:
            tx.connection.execute(
                insert(tables.erasures),
                [
                    {
                        "author": log.author,
                        "certificate_no": number,
                        "log_index": item.index,
                        "reason": body.reason,
                    }
                    for number in sorted(fresh)
                ],
            )

    def forget(self, tx: LogTx, log: LogName) -> None:
        """Delete every row that came from a log; what was destroyed stays so."""
        if log.kind is LogKind.REGISTRY:
            rows = tables.erasures
            tx.connection.execute(delete(rows).where(rows.c.author == log.author))
