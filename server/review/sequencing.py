"""The sequencer that every room above the log writes with: it knows whether a draft is behind it.

A draft is checked and filed by the very handler that takes a system's call. That handler asks its
sequencer to append; here it turns out whether the write is a call's own, a rehearsal of a draft
that is being submitted, or a draft that was approved. The mark that a draft was filed is made in
the transaction that appends its entries, so that there is no moment between the two.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

from google.protobuf.message import Message

from deltacare.errors import DeltacareError
from deltacare.ids import LogName
from deltacare.v1.entry_pb2 import Entry
from server.log.ports import AppendedRun, LogTx, Rehearser, Sequencer, Write
from server.review import rules, store

__all__ = ["ReviewSequencer", "Reviewed", "is_not_waiting", "reviewed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """What the writes of the running handler are for.

    Attributes:
        request_id: Of the draft that was approved; empty for a rehearsal.
        is_personal: Whether the draft's request holds values of persons.
    """

    request_id: str = ""
    is_personal: bool = False


_REVIEWED: ContextVar[Reviewed | None] = ContextVar("reviewed", default=None)


@contextmanager
def reviewed(what: Reviewed) -> Iterator[None]:
    """Run a handler for a draft."""
    token = _REVIEWED.set(what)
    try:
        yield
    finally:
        _REVIEWED.reset(token)


class ReviewSequencer:
    """Takes writes of calls, of rehearsals and of drafts: a ``server.log.ports.Sequencer``.

    Args:
        sequencer: Appends.
        rehearser: Does so and undoes it.
    """

    def __init__(self, sequencer: Sequencer, rehearser: Rehearser) -> None:
        self._sequencer = sequencer
        self._rehearser = rehearser

    async def submit(self, write: Write) -> bytes:
        """Return the serialised answer once it is durable; see the port."""
        what = _REVIEWED.get()
        if what is None:
            return await self._sequencer.submit(write)
        if not what.request_id:
            return await self._rehearser.rehearse(write)
        return await self._sequencer.submit(_filing(write, what))


def _filing(write: Write, what: Reviewed) -> Write:
    """Return the write of an approved draft, which appends only while it waits, and marks it."""
    assert write.request_id == what.request_id, "a draft is filed under its own id"

    def decide(tx: LogTx) -> Sequence[tuple[LogName, Iterable[Entry]]]:
        if not store.lock_waiting(tx.connection, what.request_id):
            raise rules.NOT_WAITING.refusal(what.request_id)
        return write.decide(tx)

    def answer(tx: LogTx, runs: Sequence[AppendedRun]) -> Message:
        message = write.answer(tx, runs)
        store.mark_filed(
            tx.connection,
            what.request_id,
            reviewer=write.caller.opaque_id,
            response=message.SerializeToString(deterministic=True),
            is_personal=what.is_personal,
            now=tx.now,
        )
        return message

    return replace(write, decide=decide, answer=answer, is_draft=True)


def is_not_waiting(error: DeltacareError) -> bool:
    """Whether a write was refused because its draft does not wait any more."""
    return error.details.get("rule") == rules.NOT_WAITING.code
