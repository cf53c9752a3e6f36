"""Whether who is to be certified is the person that this node keeps: asked at the author alone.

A reference stands for one person, and so does a line of certificates. Issuing under a reference
puts name and identity number into the vault, so what contradicts the values kept there is refused
before anything is written (P07), and what follows another holder's certificate likewise (C33): a
measure against one of a line is against all of it. Names are compared as their digests are; a name
that was changed is taken where that is said, and where an identity number is kept, with the same.
What cannot be compared contradicts nothing. No finding holds a value.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from deltacare.ids import parse_identity_number
from deltacare.v1.certification_service_pb2 import NewCertificate
from server.certification.lifecycle import C33_OTHER_HOLDER
from server.certification.ports import HolderVault, NamedCertificates
from server.certification.rules import folded_name
from server.personal.rules import P07_OTHER_PERSON
from server.registry.rulebook import Rule

__all__ = ["Contradiction", "PersonState"]

_NAME_REMEDY = (
    "Use the person's own reference; if the name was changed, say so with name_change_reason and "
    "the identity number; if what is kept is wrong, mend it with deltacare personal put."
)
_NUMBER_REMEDY = (
    "Use the person's own reference; if what is kept is wrong, mend it with deltacare personal put."
)
_PROOF_REMEDY = (
    "Give the identity number: with it alone a changed name is taken where one is kept; what is "
    "kept is mended with deltacare personal put."
)
_LINE_REMEDY = (
    "Name a certificate of the same holder, or none; if the name was changed, say so with "
    "name_change_reason and the identity number."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """What is wrong with a certificate to issue, without a value of the person.

    Attributes:
        rule: that it breaks.
        field: what contradicts, within ``NewCertificate``.
        remedy: what to do.
    """

    rule: Rule
    field: str
    remedy: str


class PersonState:
    """What is kept of the persons of a batch, and what the batch itself adds.

    Lives in one transaction. ``judge`` says what a certificate contradicts, ``apply`` takes in one
    that is to be issued.

    Args:
        connection: of the transaction.
        own: the author.
        issues: the batch, each readable.
        vault: keeps persons; ``None`` if there is none.
        book: to which names certificates were issued.
    """

    def __init__(
        self,
        connection: Connection,
        own: str,
        issues: Sequence[NewCertificate],
        vault: HolderVault | None,
        book: NamedCertificates,
    ) -> None:
        followed = {each.certificate.predecessor_no for each in issues} - {""}
        refs = {each.subject_ref for each in issues} - {""}
        self._holders: dict[str, str] = {}
        self._kept: dict[str, dict[str, str]] = {}
        if vault is not None:
            self._holders = dict(vault.holders_of(connection, followed))
            kept = vault.values_of_each(connection, refs.union(self._holders.values()))
            self._kept = {ref: dict(values) for ref, values in kept.items()}
        self._issued_to: dict[str, str] = {}
        self._other_names = _other_names(
            connection,
            own,
            book,
            {(each.certificate.predecessor_no, each.holder_name) for each in issues},
        )

    def judge(self, new: NewCertificate) -> Contradiction | None:
        """Return the first thing that a certificate contradicts."""
        if not new.holder_name:  # an institution's
            return None
        return self._judge_reference(new) or self._judge_line(new)

    def _judge_reference(self, new: NewCertificate) -> Contradiction | None:
        """Return what contradicts the person that is kept under the reference."""
        kept = self._kept.get(new.subject_ref, {})
        number, known = _number(new), kept.get("identity_number", "")
        if number and known and number != known:
            return _found(P07_OTHER_PERSON, "identity_number", _NUMBER_REMEDY)
        name = kept.get("holder_name", "")
        if not name or folded_name(name) == folded_name(new.holder_name):
            return None
        if not new.name_change_reason:
            return _found(P07_OTHER_PERSON, "holder_name", _NAME_REMEDY)
        if known and not number:
            return _found(P07_OTHER_PERSON, "identity_number", _PROOF_REMEDY)
        return None

    def _judge_line(self, new: NewCertificate) -> Contradiction | None:
        """Return what contradicts the holder of the certificate that it follows."""
        followed = new.certificate.predecessor_no
        holder = self._holders.get(followed, "")
        theirs = self._kept.get(holder, {}).get("identity_number", "")
        given = _number(new)
        own = given or self._kept.get(new.subject_ref, {}).get("identity_number", "")
        is_same_number = bool(own) and own == theirs
        if own and theirs and not is_same_number:
            field = "identity_number" if given else "subject_ref"
            return _found(C33_OTHER_HOLDER, field, _LINE_REMEDY)
        if holder and new.subject_ref and holder != new.subject_ref and not is_same_number:
            return _found(C33_OTHER_HOLDER, "subject_ref", _LINE_REMEDY)
        if not self._is_other_name(followed, new.holder_name):
            return None
        if not new.name_change_reason:
            return _found(C33_OTHER_HOLDER, "holder_name", _LINE_REMEDY)
        if theirs and not is_same_number:
            return _found(C33_OTHER_HOLDER, "identity_number", _PROOF_REMEDY)
        return None

    def _is_other_name(self, number: str, name: str) -> bool:
        """Whether a certificate, of the batch or of the log, was issued to another name."""
        if number in self._issued_to:
            return folded_name(self._issued_to[number]) != folded_name(name)
        return (number, name) in self._other_names

    def apply(self, new: NewCertificate) -> None:
        """Take in a certificate that is to be issued."""
        if not new.holder_name:
            return
        number = new.certificate.certificate_no
        self._issued_to[number] = new.holder_name
        if not new.subject_ref:
            return
        self._holders[number] = new.subject_ref
        kept = self._kept.setdefault(new.subject_ref, {})
        kept["holder_name"] = new.holder_name
        if new.identity_number:
            kept["identity_number"] = _number(new)


def _other_names(
    connection: Connection, own: str, book: NamedCertificates, pairs: set[tuple[str, str]]
) -> frozenset[tuple[str, str]]:
    """Return those pairs of certificate and name where it was issued to another."""
    left = {(number, name) for number, name in pairs if number and name}
    found: set[tuple[str, str]] = set()
    while left:
        turn = dict(left)  # one name of each certificate
        left -= set(turn.items())
        same = book.same_names(connection, own, turn)
        found.update((number, turn[number]) for number, is_same in same.items() if not is_same)
    return frozenset(found)


def _number(new: NewCertificate) -> str:
    """Return the identity number in canonical form; empty if none was given."""
    return parse_identity_number(new.identity_number) if new.identity_number else ""


def _found(rule: Rule, field: str, remedy: str) -> Contradiction:
    return Contradiction(rule=rule, field=field, remedy=remedy)
