"""Finds what one person holds, also where a caller's system knows the person by several references.

References are one person's if their identity numbers are equal. So that this is found without
opening every value, the row of a person carries a mark of the number: an HMAC under a key that is
made from the node's vault key, so that no guess can be tried without it, and which goes with the
row. No mark leaves this node. What one person is called elsewhere, no node knows.
"""

import hashlib
import hmac
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Connection, select

from server.personal import tables
from server.registry.store import chunks

__all__ = ["MARK_BYTES", "Sought", "held_by_each", "identity_mark", "marking_key"]

MARK_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """A person by whatever of it is known; parts that are empty say nothing.

    Attributes:
        subject_ref: its reference.
        certificate_nos: certificates that it holds.
        identity_number: in canonical form; never shown.
    """

    subject_ref: str = ""
    certificate_nos: frozenset[str] = frozenset()
    identity_number: str = field(default="", repr=False)


def marking_key(vault_key: bytes, own: str) -> bytes:
    """Return the key of marks: one purpose, one key."""
    return hmac.digest(vault_key, f"deltacare identity mark\0{own}".encode(), hashlib.sha256)


def identity_mark(key: bytes, identity_number: str) -> bytes:
    """Return the mark of an identity number in canonical form."""
    return hmac.digest(key, identity_number.encode(), hashlib.sha256)


def held_by_each(
    connection: Connection, key: bytes, sought: Sequence[Sought]
) -> tuple[frozenset[str], ...]:
    """Return what each person is known to hold, by each of its references.

    Args:
        connection: a snapshot.
        key: of marks.
        sought: the persons, of whom perhaps nothing is kept.
    """
    # 1. By which references each is known directly.
    numbers = {number for each in sought for number in each.certificate_nos}
    holders = _pairs(connection, tables.holdings.c.certificate_no, numbers)
    refs = [
        {each.subject_ref} - {""} | {holders[no] for no in each.certificate_nos if no in holders}
        for each in sought
    ]
    # 2. By which others, of the same identity number.
    marks = _marks(connection, {ref for some in refs for ref in some})
    marked = [
        {marks[ref] for ref in some if ref in marks}
        | ({identity_mark(key, each.identity_number)} if each.identity_number else set())
        for each, some in zip(sought, refs, strict=True)
    ]
    same = _marked(connection, {mark for some in marked for mark in some})
    persons = [
        some.union(*(same.get(mark, ()) for mark in own))
        for some, own in zip(refs, marked, strict=True)
    ]
    # 3. What these hold.
    held: dict[str, set[str]] = {}
    every = {ref for some in persons for ref in some}
    for number, ref in _pairs(connection, tables.holdings.c.subject_ref, every).items():
        held.setdefault(ref, set()).add(number)
    return tuple(frozenset().union(*(held.get(ref, ()) for ref in some)) for some in persons)


def _pairs(
    connection: Connection, column: ColumnElement[str], values: Iterable[str]
) -> Mapping[str, str]:
    """Return certificates and their holders, of those with certain values of a column."""
    rows = tables.holdings.c
    found: dict[str, str] = {}
    for some in chunks(values):
        query = select(rows.certificate_no, rows.subject_ref).where(column.in_(some))
        found.update((number, ref) for number, ref in connection.execute(query))
    return found


def _marks(connection: Connection, refs: Collection[str]) -> Mapping[str, bytes]:
    """Return the marks of persons, of those that have one."""
    rows = tables.persons.c
    found: dict[str, bytes] = {}
    for some in chunks(refs):
        query = select(rows.subject_ref, rows.identity_mark).where(
            rows.subject_ref.in_(some), rows.identity_mark.is_not(None)
        )
        found.update((ref, bytes(mark)) for ref, mark in connection.execute(query))
    return found


def _marked(connection: Connection, marks: Collection[bytes]) -> Mapping[bytes, set[str]]:
    """Return the persons that have certain marks."""
    rows = tables.persons.c
    found: dict[bytes, set[str]] = {}
    for some in chunks(marks):
        query = select(rows.identity_mark, rows.subject_ref).where(rows.identity_mark.in_(some))
        for mark, ref in connection.execute(query):
            found.setdefault(bytes(mark), set()).add(ref)
    return found
