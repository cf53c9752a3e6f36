"""Finds in a registry log the entries that touch watched certificates, each exactly once.

What touches a certificate: its issuer's words, the issue of one that follows it, a host's words on
recognising it and the issuer's answers, measures against it, another of its line or the institution
it is about, the closing of that institution and its coming back, equivalences that speak of its
issuer, scheme and grade, words on the agreements these rest on, and the erasure of its holder. An
entry that is void left no row and touches nothing.

**When an entry is told of.** What restricts or only adds is told as soon as it is verified, because
from then on it counts. What permits counts only when a quorum has cosigned it; told earlier, its
verdict would show nothing of it and nobody would be told when it begins to count. So each entry is
told of once, at the moment from which it counts. For that a cursor has two indexes: restricting
entries are read from the one up to the verified size, permitting ones from the other up to the
quorum's. Which of the two an entry is follows from its body alone, so none is read by both; and
nothing that waits for its quorum holds up a revocation behind it. Of the own log no quorum is
asked: there both go together, in the order of the log.

An entry may touch more certificates than one answer holds. The cursor then names it and the last
certificate that was told of.

Nothing is kept between two turns but the cursor.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy import Connection

from deltacare.v1.entry_pb2 import Entry
from server.certification.watch_lists import institutions_of
from server.certification.watch_touches import (
    Span,
    Touch,
    numbers_touched,
    touches_in,
)
from server.certification.watch_values import Cursor, Reached, Watcher

__all__ = ["CERTIFICATES_MAX", "Found", "Turn", "read_turn"]

CERTIFICATES_MAX = 1_000
"""Most certificates of one turn, and of one answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An entry that touches watched certificates.

    Attributes:
        index: its place.
        entry: what it says.
        institutions: by certificate, ascending, the institutions on whose lists it stands.
        cursor: where to go on when this was told.
    """

    index: int
    entry: Entry
    institutions: dict[str, tuple[str, ...]]
    cursor: Cursor


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What one look at a log found.

    Attributes:
        found: in the order of the log, at most 1,000 certificates in all.
        cursor: where to go on.
        is_more: whether there may be more right away.
    """

    found: tuple[Found, ...]
    cursor: Cursor
    is_more: bool


def read_turn(
    connection: Connection,
    watcher: Watcher,
    author: str,
    cursor: Cursor,
    reached: Reached,
    *,
    entry_bytes: Callable[[int], bytes],
) -> Turn:
    """Return what touches a watcher's certificates from a cursor on.

    Args:
        connection: a snapshot, that holds at least what was reached.
        watcher: who.
        author: whose registry log.
        cursor: from where.
        reached: up to where.
        entry_bytes: gives an entry of the log.
    """
    if cursor.next_index >= reached.size and cursor.next_permit_index >= reached.quorum_size:
        return Turn(found=(), cursor=cursor, is_more=False)
    # 1. What there is, in order, as far as every source was read.
    span = Span(author=author, cursor=cursor, reached=reached)
    touches, end = touches_in(connection, span, watcher)
    # 2. The certificates of each, until the turn is full.
    found: list[tuple[Touch, list[str], Cursor]] = []
    room = CERTIFICATES_MAX
    is_full = False
    for touch in touches:
        after = cursor.part_told(touch.index, is_permit=touch.is_permit)
        numbers = numbers_touched(connection, watcher, touch, after=after, limit=room + 1)
        is_full = len(numbers) > room
        numbers = numbers[:room]
        room -= len(numbers)
        if not is_full:
            cursor = cursor.up_to(touch.index + 1, reached)
        elif numbers:
            cursor = cursor.within(
                touch.index, numbers[-1], is_permit=touch.is_permit, reached=reached
            )
        if numbers:
            found.append((touch, numbers, cursor))
        if is_full:
            break
    # 3. All of it was told. What was not projected is looked at again.
    if not is_full and end is not None:
        cursor = cursor.up_to(end, reached)
    elif not is_full and not reached.is_stalled:
        cursor = cursor.up_to(reached.size, reached)
    return Turn(
        found=_with_institutions(connection, watcher, found, entry_bytes),
        cursor=cursor,
        is_more=is_full or end is not None,
    )


def _with_institutions(
    connection: Connection,
    watcher: Watcher,
    found: Iterable[tuple[Touch, list[str], Cursor]],
    entry_bytes: Callable[[int], bytes],
) -> tuple[Found, ...]:
    """Return what was found with the lists on which each certificate stands."""
    found = tuple(found)
    numbers_found = {number for _, numbers, _ in found for number in numbers}
    lists = institutions_of(connection, watcher, numbers_found)
    return tuple(
        Found(
            index=touch.index,
            entry=Entry.FromString(entry_bytes(touch.index)),
            institutions={number: lists[number] for number in numbers},
            cursor=cursor,
        )
        for touch, numbers, cursor in found
    )
