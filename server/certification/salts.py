"""Keeps the salts of name digests, own and partners', sealed under a key of this node.

A salt is what makes a holder's name comparable; without it the digest in the log says nothing. So
salts stand in no log, are sealed at rest, are bound to their place, and can be deleted while the
log stays whole. Once a log says that a holder was erased, no salt of that certificate is taken from
anybody again. Whose salts a peer may be given is for the log room.
"""

import hmac
from collections.abc import Collection, Iterable, Mapping

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, delete, insert, select

from deltacare.ids import LogKind, LogName
from deltacare.v1.entry_pb2 import Certificate
from server.certification.rules import SALT_BYTES, holder_name_digest
from server.certification.tables import certificates
from server.certification.tables import salts as table
from server.log.ports import Entropy, LogTx
from server.personal.tables import erasures
from server.personal.vault import request_scrub
from server.registry.store import chunks

__all__ = ["SALT_KEY_BYTES", "SaltStore"]

SALT_KEY_BYTES = 32
_NONCE_BYTES = 12  # NIST SP 800-38D, 8.2

_alarm = structlog.get_logger("deltacare.alarm")


def _place(log: LogName, index: int) -> bytes:
    """Return what a sealed salt is bound to: moved to another place it does not open."""
    return f"deltacare salt\0{log}\0{index}".encode()


class SaltStore:
    """Salts in the node's database, AES-256-GCM.

    Implements the log room's ``AttachmentStore``, the vault's ``CertificateBook``, and the phone
    certificates' ``NameBook``.

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
        return self._opened(log, connection.execute(query))

    def read_some(
        self, connection: Connection, log: LogName, indexes: Iterable[int]
    ) -> Mapping[int, bytes]:
        """Return the salts of some entries by index, as ``read`` does."""
        if log.kind is not LogKind.REGISTRY:
            return {}
        found: dict[int, bytes] = {}
        for some in chunks(indexes):
            query = select(table.c.log_index, table.c.sealed).where(
                table.c.author == log.author, table.c.log_index.in_(some)
            )
            found |= self._opened(log, connection.execute(query))
        return found

    def _opened(self, log: LogName, rows: Iterable[tuple[int, bytes]]) -> dict[int, bytes]:
        """Return the salts that this node's key opens."""
        found: dict[int, bytes] = {}
        for index, sealed in rows:
            try:
                found[index] = self._cipher.decrypt(
                    sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _place(log, index)
                )
            except InvalidTag:
                _alarm.error("salt_unreadable", log=str(log), index=index)
        return found

    def write(
        self, tx: LogTx, log: LogName, salts: Mapping[int, bytes], *, request_id: str = ""
    ) -> None:
        """Keep salts beside the entries of a log; a later one for an entry replaces the first.

        One that has not 16 bytes is dropped, and so is one whose holder was erased: without it the
        name cannot be compared, and a check that asks for the holder fails closed.

        Args:
            tx: the transaction.
            log: the log.
            salts: by index.
            request_id: of the own request that held the names; what is kept under it is blinded
                when one of them is erased.
        """
        if log.kind is not LogKind.REGISTRY:
            return
        rows = []
        erased = _erased(tx.connection, log.author, salts)
        for index, salt in salts.items():
            if len(salt) == SALT_BYTES and index not in erased:
                nonce = self._entropy.token(_NONCE_BYTES)
                sealed = nonce + self._cipher.encrypt(nonce, salt, _place(log, index))
                row = {"author": log.author, "log_index": index, "sealed": sealed}
                rows.append({**row, "request_id": request_id})
        for some in chunks(row["log_index"] for row in rows):
            tx.connection.execute(
                delete(table).where(table.c.author == log.author, table.c.log_index.in_(some))
            )
        if rows:
            tx.connection.execute(insert(table), rows)

    # --- What the vault asks ----------------------------------------------------------------------

    def places(
        self, connection: Connection, author: str, certificate_nos: Collection[str]
    ) -> Mapping[str, int]:
        """Return where certificates stand in their author's registry log, those that do."""
        found: dict[str, int] = {}
        columns = certificates.c
        for some in chunks(certificate_nos):
            query = select(columns.certificate_no, columns.log_index).where(
                columns.author == author, columns.certificate_no.in_(some)
            )
            found.update(connection.execute(query).all())
        return found

    def same_names(
        self, connection: Connection, author: str, names: Mapping[str, str]
    ) -> Mapping[str, bool]:
        """Return by certificate whether it was issued to a name, of those that can be compared.

        One that is in no log, that has no holder, or whose salt is not held here, is left out.
        """
        log = LogName.registry(author)
        issued: dict[str, tuple[int, bytes]] = {}
        columns = certificates.c
        for some in chunks(names):
            query = select(columns.certificate_no, columns.log_index, columns.body).where(
                columns.author == author, columns.certificate_no.in_(some)
            )
            for number, index, body in connection.execute(query):
                issued[number] = (index, Certificate.FromString(body).holder_name_digest)
        salts = self.read_some(connection, log, [index for index, _ in issued.values()])
        return {
            number: hmac.compare_digest(holder_name_digest(salts[index], names[number]), digest)
            for number, (index, digest) in issued.items()
            if index in salts and digest
        }

    def erase_salts(
        self, tx: LogTx, author: str, certificate_nos: Collection[str], *, before_index: int
    ) -> None:
        """Destroy the salts of certificates, and blind what is kept of requests that named them.

        Salts of entries that are void here go as well: no check ever uses them, and no row says
        whose they are.
        """
        indexes = self.places(tx.connection, author, certificate_nos).values()
        for some in chunks(indexes):
            mine = (table.c.author == author) & table.c.log_index.in_(some)
            query = select(table.c.request_id).where(mine, table.c.request_id != "").distinct()
            tx.blind(tx.connection.execute(query).scalars().all())
            tx.connection.execute(delete(table).where(mine))
        valid = select(certificates.c.log_index).where(
            certificates.c.author == author, certificates.c.log_index == table.c.log_index
        )
        tx.connection.execute(
            delete(table).where(
                table.c.author == author, table.c.log_index < before_index, ~valid.exists()
            )
        )
        request_scrub(tx.connection, tx.now)


def _erased(connection: Connection, author: str, indexes: Iterable[int]) -> frozenset[int]:
    """Return those entries of a registry log whose certificates' holders were erased."""
    found: set[int] = set()
    for some in chunks(indexes):
        query = (
            select(certificates.c.log_index)
            .join(erasures, erasures.c.certificate_no == certificates.c.certificate_no)
            .where(
                certificates.c.author == author,
                erasures.c.author == author,
                certificates.c.log_index.in_(some),
            )
        )
        found.update(connection.execute(query).scalars())
    return frozenset(found)
