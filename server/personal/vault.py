"""Values of persons in the node's database, each person under a key of its own.

A person's key is random, 32 bytes, and stands in the row of the person, wrapped under the node's
vault key, which lies outside the database and its backups. A value is sealed with AES-256-GCM under
the person's key. Both are bound to their place: moved to another person or field they do not open.
Destroying the row of a person therefore destroys its values wherever a copy of them is left that
lacks that row. Nothing here is logged, and no error names a value. Who is one person under several
references is found by ``server.personal.persons``.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, delete, insert, select, update

from deltacare.errors import Reason, Refusal
from deltacare.ids import parse_identity_number
from server.log.ports import Entropy, LogTx
from server.personal import tables
from server.personal.persons import Sought, held_by_each, identity_mark, marking_key
from server.personal.rules import P04_HOLDER_ERASED, P05_HELD_BY_ANOTHER, TAG_BYTES
from server.registry.store import chunks

__all__ = ["FIELDS", "VAULT_KEY_BYTES", "Vault", "request_scrub"]

VAULT_KEY_BYTES = 32
FIELDS = ("holder_name", "identity_number", "phone")
"""Fields of ``PersonalValues``, in the order of the contract."""

_KEY_BYTES = 32
_NONCE_BYTES = 12  # NIST SP 800-38D, 8.2
_SCRUB_ID = 1

_alarm = structlog.get_logger("deltacare.alarm")


class Vault:
    """The vault of one province; implements ``server.certification.ports.HolderVault``.

    Args:
        own: the province; part of what keys are bound to.
        key: 32 bytes; kept apart from the database and its backups.
        entropy: draws keys and nonces.
    """

    def __init__(self, own: str, key: bytes, entropy: Entropy) -> None:
        assert len(key) == VAULT_KEY_BYTES, "AES-256 has a key of 32 bytes"
        self._own = own
        self._cipher = AESGCM(key)
        self._marking_key = marking_key(key, own)
        self._entropy = entropy
        self._watchers: list[Callable[[LogTx, Collection[str]], None]] = []

    def on_destroyed(self, watcher: Callable[[LogTx, Collection[str]], None]) -> None:
        """Have a room above undo what it keeps of persons, in the transaction that destroys them.

        Args:
            watcher: gets the transaction and the references of who was destroyed.
        """
        self._watchers.append(watcher)

    # --- Writing ----------------------------------------------------------------------------------

    def put(
        self,
        tx: LogTx,
        subject_ref: str,
        holder_name: str,
        identity_number: str,
        certificate_nos: Sequence[str],
    ) -> bool:
        """Keep name and number of who gets certificates; see the port."""
        number = parse_identity_number(identity_number) if identity_number else ""
        given = {"holder_name": holder_name, "identity_number": number}
        return self.keep(tx, subject_ref, given, certificate_nos)

    def keep(
        self,
        tx: LogTx,
        subject_ref: str,
        given: Mapping[str, str],
        certificate_nos: Iterable[str],
        *,
        request_id: str = "",
    ) -> bool:
        """Keep values of a person, and what it holds.

        Args:
            tx: the transaction.
            subject_ref: the person.
            given: by field; those that are empty leave what is kept.
            certificate_nos: own certificates, added to those known.
            request_id: of the request that held the values, unless that is known otherwise.

        Returns:
            Whether the person was not known before.

        Raises:
            Refusal: P04, P05.
        """
        self._hold(tx.connection, subject_ref, frozenset(certificate_nos))
        key = self._key_of(tx.connection, subject_ref)
        is_new = key is None
        if key is None:
            key = self._entropy.token(_KEY_BYTES)
            self._put_key(tx, subject_ref, key)
        sealed = {
            field: self._seal(AESGCM(key), value.encode(), _value_place(subject_ref, field))
            for field, value in given.items()
            if value
        }
        rows = tables.values
        tx.connection.execute(
            delete(rows).where(rows.c.subject_ref == subject_ref, rows.c.field.in_(sealed))
        )
        if sealed:
            tx.connection.execute(
                insert(rows),
                [
                    {"subject_ref": subject_ref, "field": field, "sealed": data}
                    for field, data in sealed.items()
                ],
            )
        changed: dict[str, object] = {"changed_time": tx.now}
        if "identity_number" in sealed:
            number = given["identity_number"]
            changed["identity_mark"] = identity_mark(self._marking_key, number)
        tx.connection.execute(
            update(tables.persons)
            .where(tables.persons.c.subject_ref == subject_ref)
            .values(**changed)
        )
        if request_id:
            row = {"subject_ref": subject_ref, "request_id": request_id}
            tx.connection.execute(insert(tables.requests), row)
        return is_new

    def _put_key(self, tx: LogTx, subject_ref: str, key: bytes) -> None:
        """Keep the key of a new person."""
        wrapped = self._seal(self._cipher, key, self._key_place(subject_ref))
        tx.connection.execute(
            insert(tables.persons).values(
                subject_ref=subject_ref,
                wrapped_key=wrapped,
                tag=self._entropy.token(TAG_BYTES),
                changed_time=tx.now,
            )
        )

    def _hold(self, connection: Connection, subject_ref: str, numbers: Collection[str]) -> None:
        """Link certificates with a person.

        Raises:
            Refusal: P04, P05.
        """
        fresh = set(numbers)
        for some in chunks(sorted(numbers)):
            erased = self.erased(connection, self._own, some)
            if erased:
                raise P04_HOLDER_ERASED.refusal(min(erased))
            rows = tables.holdings.c
            query = select(rows.certificate_no, rows.subject_ref).where(
                rows.certificate_no.in_(some)
            )
            for number, holder in connection.execute(query):
                if holder != subject_ref:
                    raise P05_HELD_BY_ANOTHER.refusal(number)
                fresh.discard(number)
        if fresh:
            connection.execute(
                insert(tables.holdings),
                [{"certificate_no": each, "subject_ref": subject_ref} for each in sorted(fresh)],
            )

    # --- Reading ----------------------------------------------------------------------------------

    def values_of(
        self, connection: Connection, subject_ref: str, fields: Iterable[str] = FIELDS
    ) -> dict[str, str]:
        """Return what is kept of a person, by field; empty if nothing is."""
        key = self._key_of(connection, subject_ref)
        if key is None:
            return {}
        cipher = AESGCM(key)
        rows = tables.values.c
        query = select(rows.field, rows.sealed).where(
            rows.subject_ref == subject_ref, rows.field.in_(tuple(fields))
        )
        found: dict[str, str] = {}
        for field, sealed in connection.execute(query):
            data = _open(cipher, sealed, _value_place(subject_ref, field))
            if data is None:
                _alarm.error("personal_value_unreadable", field=field)
            else:
                found[field] = data.decode()
        return found

    def values_of_each(
        self, connection: Connection, subject_refs: Collection[str]
    ) -> dict[str, dict[str, str]]:
        """Return name and identity number of persons, of those of whom anything is kept."""
        kept, rows = tables.persons.c, tables.values.c
        found: dict[str, dict[str, str]] = {}
        for some in chunks(subject_refs):
            keys = select(kept.subject_ref, kept.wrapped_key).where(kept.subject_ref.in_(some))
            ciphers = {
                ref: AESGCM(self._opened_key(ref, wrapped))
                for ref, wrapped in connection.execute(keys)
            }
            found.update((ref, {}) for ref in ciphers)
            query = select(rows.subject_ref, rows.field, rows.sealed).where(
                rows.subject_ref.in_(some), rows.field.in_(("holder_name", "identity_number"))
            )
            for ref, field, sealed in connection.execute(query):
                data = _open(ciphers[ref], sealed, _value_place(ref, field))
                if data is None:
                    _alarm.error("personal_value_unreadable", field=field)
                else:
                    found[ref][field] = data.decode()
        return found

    def held_by_each(
        self, connection: Connection, sought: Sequence[Sought]
    ) -> tuple[frozenset[str], ...]:
        """Return what each person is known to hold, by each of its references; see the port."""
        return held_by_each(connection, self._marking_key, sought)

    def holders_of(
        self, connection: Connection, certificate_nos: Collection[str]
    ) -> dict[str, str]:
        """Return who holds own certificates, of those of which it is known."""
        rows = tables.holdings.c
        found: dict[str, str] = {}
        for some in chunks(certificate_nos):
            query = select(rows.certificate_no, rows.subject_ref).where(
                rows.certificate_no.in_(some)
            )
            found.update((number, ref) for number, ref in connection.execute(query))
        return found

    def tags_of(self, connection: Connection, subject_refs: Collection[str]) -> frozenset[bytes]:
        """Return the tags under which an erasure names persons, of those that are kept."""
        rows = tables.persons.c
        found: set[bytes] = set()
        for some in chunks(subject_refs):
            query = select(rows.tag).where(rows.subject_ref.in_(some))
            found.update(bytes(tag) for tag in connection.execute(query).scalars())
        return frozenset(found)

    def is_known(self, connection: Connection, subject_ref: str) -> bool:
        """Whether anything is kept of a person."""
        rows = tables.persons.c
        query = select(rows.subject_ref).where(rows.subject_ref == subject_ref)
        return connection.execute(query).first() is not None

    def holder_of(self, connection: Connection, certificate_no: str) -> str | None:
        """Return the person that holds an own certificate, if that is known."""
        rows = tables.holdings.c
        query = select(rows.subject_ref).where(rows.certificate_no == certificate_no)
        return connection.execute(query).scalar_one_or_none()

    def held_by(self, connection: Connection, subject_ref: str) -> frozenset[str]:
        """Return the certificates that a person holds."""
        rows = tables.holdings.c
        query = select(rows.certificate_no).where(rows.subject_ref == subject_ref)
        return frozenset(connection.execute(query).scalars())

    def name_of(self, connection: Connection, certificate_no: str) -> str | None:
        """Return the holder's name of an own certificate; ``None`` if none is kept."""
        return self._of(connection, certificate_no, "holder_name")

    def identity_of(self, connection: Connection, certificate_no: str) -> str | None:
        """Return the identity number of a holder; ``None`` if none is kept."""
        return self._of(connection, certificate_no, "identity_number")

    def _of(self, connection: Connection, certificate_no: str, field: str) -> str | None:
        holder = self.holder_of(connection, certificate_no)
        if holder is None:
            return None
        return self.values_of(connection, holder, (field,)).get(field)

    @staticmethod
    def erased(connection: Connection, author: str, numbers: Collection[str]) -> frozenset[str]:
        """Return those certificates of an author whose holders were erased."""
        rows = tables.erasures.c
        found: set[str] = set()
        for some in chunks(numbers):
            query = select(rows.certificate_no).where(
                rows.author == author, rows.certificate_no.in_(some)
            )
            found.update(connection.execute(query).scalars())
        return frozenset(found)

    # --- Destroying -------------------------------------------------------------------------------

    def destroy(self, tx: LogTx, subject_refs: Collection[str]) -> None:
        """Destroy persons: values, keys, links, and what their requests could be compared by."""
        refs = tuple(subject_refs)
        if not refs:
            return
        rows = tables.requests.c
        for some in chunks(refs):
            query = select(rows.request_id).where(rows.subject_ref.in_(some))
            tx.blind(tx.connection.execute(query).scalars().all())
        self._destroy_values(tx.connection, refs)
        for table in (tables.persons, tables.holdings, tables.requests):
            for some in chunks(refs):
                tx.connection.execute(delete(table).where(table.c.subject_ref.in_(some)))
        for watcher in self._watchers:
            watcher(tx, refs)
        request_scrub(tx.connection, tx.now)

    def destroy_erased(
        self, tx: LogTx, certificate_nos: Collection[str], tags: Collection[bytes]
    ) -> None:
        """Destroy the persons that hold own certificates, and those of tags."""
        held, kept = tables.holdings.c, tables.persons.c
        found: set[str] = set()
        for some in chunks(certificate_nos):
            query = select(held.subject_ref).where(held.certificate_no.in_(some))
            found.update(tx.connection.execute(query).scalars())
        for few in chunks(tags):
            query = select(kept.subject_ref).where(kept.tag.in_(few))
            found.update(tx.connection.execute(query).scalars())
        self.destroy(tx, found)

    @staticmethod
    def _destroy_values(connection: Connection, subject_refs: Collection[str]) -> None:
        rows = tables.values
        for some in chunks(subject_refs):
            connection.execute(delete(rows).where(rows.c.subject_ref.in_(some)))

    # --- Keys -------------------------------------------------------------------------------------

    def _key_place(self, subject_ref: str) -> bytes:
        """Return what a wrapped key is bound to."""
        return f"deltacare person key\0{self._own}\0{subject_ref}".encode()

    def _key_of(self, connection: Connection, subject_ref: str) -> bytes | None:
        """Return a person's key; ``None`` if there is none.

        Raises:
            Refusal: ``KEY_NOT_IN_FORCE``, if it does not open here: nothing is put over it.
        """
        rows = tables.persons.c
        query = select(rows.wrapped_key).where(rows.subject_ref == subject_ref)
        wrapped = connection.execute(query).scalar_one_or_none()
        return None if wrapped is None else self._opened_key(subject_ref, wrapped)

    def _opened_key(self, subject_ref: str, wrapped: bytes) -> bytes:
        """Return a person's key.

        Raises:
            Refusal: ``KEY_NOT_IN_FORCE``; see ``_key_of``.
        """
        key = _open(self._cipher, wrapped, self._key_place(subject_ref))
        if key is None:
            _alarm.error("person_key_unreadable")
            raise Refusal(
                Reason.KEY_NOT_IN_FORCE,
                "The vault key of this node does not open what is kept of the person.",
            )
        return key

    def _seal(self, cipher: AESGCM, data: bytes, place: bytes) -> bytes:
        nonce = self._entropy.token(_NONCE_BYTES)
        return nonce + cipher.encrypt(nonce, data, place)


def request_scrub(connection: Connection, now: datetime) -> None:
    """Note in a transaction that it destroys something, so that the files are wiped after it."""
    rows = tables.scrubs
    connection.execute(delete(rows))
    connection.execute(insert(rows).values(scrub_id=_SCRUB_ID, requested_time=now))


def _value_place(subject_ref: str, field: str) -> bytes:
    """Return what a sealed value is bound to."""
    return f"deltacare person value\0{subject_ref}\0{field}".encode()


def _open(cipher: AESGCM, sealed: bytes, place: bytes) -> bytes | None:
    """Return what was sealed, ``None`` if it is not of this key and place."""
    try:
        return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place)
    except InvalidTag:
        return None
