"""Compares the names that are put into the vault with those that certificates were issued to.

The vault's name goes into phone certificates under the node's signature, so one that contradicts
the log is refused before it is kept. What cannot be compared, because its salt is not held here, is
not refused: then the name is in no phone certificate either. No refusal holds a name.
"""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection

from deltacare.errors import FieldViolation, Refusal
from server.personal.ports import CertificateBook
from server.personal.requests import Record
from server.personal.rules import P06_OTHER_NAME
from server.personal.vault import Vault

__all__ = ["NameCheck"]

_REMEDY = (
    "Compare name and certificate number with the paper and correct the wrong one; leave out a "
    "certificate that was issued under an earlier name."
)


class NameCheck:
    """The comparison at one node.

    Args:
        own: the province.
        vault: what is kept already.
        book: to which names certificates were issued.
    """

    def __init__(self, *, own: str, vault: Vault, book: CertificateBook) -> None:
        self._own = own
        self._vault = vault
        self._book = book

    def require(self, connection: Connection, records: Sequence[Record]) -> None:
        """Refuse names that certificates contradict.

        Raises:
            Refusal: P06, with every record that it is about.
        """
        found = [
            (place, self._contradicting(connection, each)) for place, each in enumerate(records)
        ]
        refused = [(place, number) for place, number in found if number]
        if not refused:
            return
        refusal = P06_OTHER_NAME.refusal(refused[0][1])
        raise Refusal(
            refusal.reason,
            refusal.message,
            details=refusal.details,
            violations=[
                FieldViolation(
                    field=f"records[{place}].certificate_nos",
                    value=number,
                    description=f"{P06_OTHER_NAME.code}: {P06_OTHER_NAME.en}",
                    remedy=_REMEDY,
                )
                for place, number in refused
            ],
        )

    def _contradicting(self, connection: Connection, record: Record) -> str:
        """Return a certificate that was issued to another name than a record's, empty if none."""
        name = record.given.get("holder_name", "")
        is_new = bool(name)
        if not name and record.certificate_nos:
            kept = self._vault.values_of(connection, record.subject_ref, ("holder_name",))
            name = kept.get("holder_name", "")
        if not name:
            return ""
        named = self._same(connection, name, record.certificate_nos)
        others = [number for number in sorted(named) if not named[number]]
        if others or named or not is_new:
            return others[0] if others else ""
        # Who changed their name holds certificates under both; one of them has to bear this one.
        held = self._same(connection, name, self._vault.held_by(connection, record.subject_ref))
        return min(held) if held and not any(held.values()) else ""

    def _same(
        self, connection: Connection, name: str, numbers: Iterable[str]
    ) -> Mapping[str, bool]:
        return self._book.same_names(connection, self._own, dict.fromkeys(numbers, name))
