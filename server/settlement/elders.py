"""Who stands behind pseudonyms: one elder with several hosts, one person behind several handles.

Home's own handle of an elder is kept as an HMAC; with it stand the pseudonyms of that elder. An
identity number, if home gives one, is a value of a person in the vault of the personal room, under
the handle: it is sealed there, erased by the erasure of that person, and what links it with
pseudonyms and tags goes in the same transaction. It is opened for one purpose, the tags of
``server.settlement.overlaps``, and shown to nobody.
"""

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from server.log.ports import LogTx
from server.personal import tables as personal
from server.personal.vault import Vault
from server.registry.store import chunks
from server.settlement import overlap_tables as tables
from server.settlement import tables as rows

__all__ = ["Elders", "make_due", "make_due_of_records"]

_IDENTITY = "identity_number"


class Elders:
    """The elders whom one province, as home, has enrolled.

    Args:
        vault: Keeps identity numbers.
    """

    def __init__(self, *, vault: Vault) -> None:
        self._vault = vault
        vault.on_destroyed(self._forget)

    def keep(self, tx: LogTx, elder_mac: bytes, handle: str, number: str, request_id: str) -> None:
        """Note an elder, and keep the identity number if one is given.

        Another number than before replaces it; an empty one leaves what is kept.

        Args:
            tx: The transaction of the enrolment.
            elder_mac: HMAC of the handle.
            handle: Home's own handle.
            number: Identity number in canonical form, or empty.
            request_id: Of the request that brought it.

        Raises:
            Refusal: ``KEY_NOT_IN_FORCE``, if the vault does not open here.
        """
        elders = tables.elder.c
        known = tx.connection.execute(
            select(elders.person_key).where(elders.elder_mac == elder_mac)
        ).scalar()
        if known is None:
            known = elder_mac
            tx.connection.execute(
                tables.elder.insert().values(elder_mac=elder_mac, person_key=elder_mac)
            )
        if not number:
            return
        self._vault.keep(tx, handle, {_IDENTITY: number}, (), request_id=request_id)
        kept = personal.persons.c
        mark = tx.connection.execute(
            select(kept.identity_mark).where(kept.subject_ref == handle)
        ).scalar_one()
        if bytes(mark) != bytes(known):
            self._move(tx.connection, (bytes(known),))
            tx.connection.execute(
                update(tables.elder)
                .where(elders.elder_mac == elder_mac)
                .values(person_key=mark, subject_ref=handle)
            )
            make_due(tx.connection, (bytes(known), bytes(mark)))

    def numbers_of(
        self, connection: Connection, person_keys: Collection[bytes]
    ) -> Mapping[bytes, str]:
        """Return the identity numbers of persons, of those of whom one is kept.

        Raises:
            Refusal: ``KEY_NOT_IN_FORCE``, if the vault does not open here.
        """
        elders = tables.elder.c
        refs: dict[str, bytes] = {}
        for some in chunks(person_keys):
            query = select(elders.subject_ref, elders.person_key).where(
                elders.person_key.in_(some), elders.subject_ref.is_not(None)
            )
            refs.update((ref, bytes(key)) for ref, key in connection.execute(query))
        kept = self._vault.values_of_each(connection, refs)
        return {refs[ref]: values[_IDENTITY] for ref, values in kept.items() if _IDENTITY in values}

    def _forget(self, tx: LogTx, subject_refs: Collection[str]) -> None:
        """Undo the links of persons whom the vault has destroyed; their pseudonyms stay."""
        elders = tables.elder.c
        connection = tx.connection
        for some in chunks(subject_refs):
            found = connection.execute(
                select(elders.person_key).where(elders.subject_ref.in_(some)).distinct()
            )
            keys = [bytes(each) for each in found.scalars()]
            if not keys:
                continue
            alone = connection.execute(select(elders.elder_mac).where(elders.subject_ref.in_(some)))
            keys += [bytes(each) for each in alone.scalars()]
            self._move(connection, keys)
            connection.execute(
                update(tables.elder)
                .where(elders.subject_ref.in_(some))
                .values(person_key=elders.elder_mac, subject_ref=None)
            )
            make_due(connection, keys)

    @staticmethod
    def _move(connection: Connection, person_keys: Collection[bytes]) -> None:
        """Leave the tags of persons to nobody, and forget what was found of them."""
        tags, found = tables.tag, tables.overlap
        for some in chunks(person_keys):
            connection.execute(
                update(tags).where(tags.c.person_key.in_(some)).values(person_key=None)
            )
            connection.execute(delete(found).where(found.c.person_key.in_(some)))


def make_due(connection: Connection, person_keys: Collection[bytes]) -> None:
    """Have the next close look at every month of some persons.

    Args:
        connection: Of a transaction.
        person_keys: The persons; only the own province knows pseudonyms of theirs.
    """
    elders, refs, records = tables.elder.c, rows.pseudonym.c, rows.record.c
    insert = sqlite_insert if connection.dialect.name == "sqlite" else postgres_insert
    for some in chunks(person_keys):
        months = (
            select(elders.person_key, records.service_month)
            .join(rows.pseudonym, refs.elder_mac == elders.elder_mac)
            .join(rows.record, records.beneficiary_ref == refs.beneficiary_ref)
            .where(elders.person_key.in_(some), records.author == records.home)
            .distinct()
        )
        connection.execute(
            insert(tables.due)
            .from_select(["person_key", "service_month"], months)
            .on_conflict_do_nothing()
        )


def make_due_of_records(
    connection: Connection, own: str, partner: str, indexes: Collection[int]
) -> None:
    """Have the next close look at every month of the persons of some own records.

    Args:
        connection: Of a transaction.
        own: The own province, as home.
        partner: The host.
        indexes: Places in the own log with it.
    """
    elders, refs, records = tables.elder.c, rows.pseudonym.c, rows.record.c
    for some in chunks(indexes):
        query = (
            select(elders.person_key)
            .join(rows.pseudonym, refs.elder_mac == elders.elder_mac)
            .join(rows.record, records.beneficiary_ref == refs.beneficiary_ref)
            .where(records.author == own, records.partner == partner, records.idx.in_(some))
            .distinct()
        )
        keys = [bytes(each) for each in connection.execute(query).scalars()]
        make_due(connection, keys)
