"""Keeps the salts of name digests, own and partners', sealed under a key of this node.

A salt is what makes a holder's name comparable; without it the digest in the log says nothing. So
salts stand in no log, are sealed at rest, are bound to their place, and can be deleted while the
log stays whole. Whose salts a peer may be given is for the log room.
"""

from collections.abc import Mapping

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, delete, insert, select

from deltacare.ids import LogKind, LogName
from server.certification.rules import SALT_BYTES
from server.certification.tables import salts as table
from server.log.ports import Entropy, LogTx
from server.registry.store import chunks

__all__ = ["SALT_KEY_BYTES", "SaltStore"]

SALT_KEY_BYTES = 32
_NONCE_BYTES = 12  # NIST SP 800-38D, 8.2

_alarm = structlog.get_logger("deltacare.alarm")


def _place(log: LogName, index: int) -> bytes:
    """Return what a sealed salt is bound to: moved to another place it does not open."""
    return f"deltacare salt\0{log}\0{index}".encode()


class SaltStore:
    """Salts in the node's database, AES-256-GCM; implements the log room's ``AttachmentStore``.

    Args:
        key: 32 bytes; kept apart from the database and its backups.
        entropy: draws nonces.
    """

    def __init__(self, key: bytes, entropy: Entropy) -> None:
        assert len(key) == SALT_KEY_BYTES, "AES-256 has a key of 32 bytes"
        self._cipher = AESGCM(key)
        self._entropy = entropy

    def read(
        self, connection: Connection, log: LogName, first_index: int, end_index: int
    ) -> Mapping[int, bytes]:
        """Return the salts of a range of entries by index.

        Erased ones are missing, and so are those that this node's key does not open.
        """
        if log.kind is not LogKind.REGISTRY:
            return {}
        query = select(table.c.log_index, table.c.sealed).where(
            table.c.author == log.author,
            table.c.log_index >= first_index,
            table.c.log_index < end_index,
        )
        found: dict[int, bytes] = {}
        for index, sealed in connection.execute(query):
            try:
                found[index] = self._cipher.decrypt(
                    sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _place(log, index)
                )
            except InvalidTag:
                _alarm.error("salt_unreadable", log=str(log), index=index)
        return found

    def write(self, tx: LogTx, log: LogName, salts: Mapping[int, bytes]) -> None:
        """Keep salts beside the entries of a log; a later one for an entry replaces the first.

        One that has not 16 bytes is dropped: without it the name cannot be compared, and a check
        that asks for the holder fails closed.
        """
        if log.kind is not LogKind.REGISTRY:
            return
        rows = []
        for index, salt in salts.items():
            if len(salt) == SALT_BYTES:
                nonce = self._entropy.token(_NONCE_BYTES)
                sealed = nonce + self._cipher.encrypt(nonce, salt, _place(log, index))
                rows.append({"author": log.author, "log_index": index, "sealed": sealed})
        for some in chunks(row["log_index"] for row in rows):
            tx.connection.execute(
                delete(table).where(table.c.author == log.author, table.c.log_index.in_(some))
            )
        if rows:
            tx.connection.execute(insert(table), rows)
