"""What the desks of this room share: its parts, and the way from one said thing to one entry.

A desk is the methods of the service about one subject; ``service.py`` puts the desks together.
Rules decide inside the transaction that appends.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from google.protobuf.message import Message

from deltacare.errors import Refusal, ViolationCollector
from deltacare.ids import LogName
from deltacare.trust import Trust
from deltacare.v1.entry_pb2 import Entry
from server.edge.call import Call
from server.log.ports import AppendedRun, LogReader, LogTx, Sequencer
from server.registry.disagreement_views import DisagreementBook
from server.registry.projector import RegistryState
from server.registry.requests import (
    begin_write,
    new_entry,
    require_own,
    submit,
    without_unknown,
)
from server.registry.rulebook import Rule
from server.registry.values import Reach
from server.store.database import Database

__all__ = ["Desk", "Room"]

R = TypeVar("R", bound=Message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """The parts of the room at one province's node.

    Attributes:
        own: the province.
        trust: members.
        database: rows.
        sequencer: appends to own logs.
        reader: how far each log is held, and when one grows.
        disagreements: what does not fit together, as last worked out.
    """

    own: str
    trust: Trust
    database: Database
    sequencer: Sequencer
    reader: LogReader
    disagreements: DisagreementBook

    @property
    def own_log(self) -> LogName:
        """The log that is written to."""
        return LogName.registry(self.own)

    @property
    def logs(self) -> tuple[LogName, ...]:
        """Registry logs of the members."""
        return tuple(LogName.registry(province) for province in self.trust.provinces)

    @property
    def members(self) -> frozenset[str]:
        """Provinces of the federation."""
        return frozenset(self.trust.provinces)

    async def reaches(self) -> Mapping[str, Reach]:
        """Return up to where each registry log counts now, by author."""
        await self.reader.refresh()
        positions = {log.author: self.reader.position(log) for log in self.logs}
        return {
            author: Reach(restrict_size=position.size, permit_size=position.quorum_size)
            for author, position in positions.items()
        }


class Desk:
    """Methods of the service about one subject.

    Args:
        room: what they work with.
    """

    def __init__(self, room: Room) -> None:
        self._room = room

    async def _say(
        self,
        request: Any,  # noqa: ANN401  # any request with a request id, a duty and one body
        call: Call,
        *,
        body: tuple[str, str],
        read: Callable[[Any, str, ViolationCollector], None],
        answer: Callable[[AppendedRun], Message],
        response: type[R],
    ) -> R:
        """Append one entry that the rules let pass.

        Args:
            request: of the method.
            call: who calls.
            body: field of the request that holds the body, and field of the entry that takes it.
            read: checks the body.
            answer: makes the response.
            response: its type.
        """
        said = without_unknown(getattr(request, body[0]))
        return await self._append(
            request,
            call,
            entry=lambda _: new_entry(request.duty, **{body[1]: said}),
            read=lambda bad: read(said, f"{body[0]}.", bad),
            answer=answer,
            response=response,
        )

    async def _append(
        self,
        request: Any,  # noqa: ANN401  # any request with a request id and a duty
        call: Call,
        *,
        entry: Callable[[datetime], Entry],
        read: Callable[[ViolationCollector], None],
        answer: Callable[[AppendedRun], Message],
        response: type[R],
    ) -> R:
        """Append one entry that the rules let pass; see ``_say``.

        Args:
            request: of the method.
            call: who calls.
            entry: makes it, from the time that it will bear.
            read: checks what is said.
            answer: makes the response.
            response: its type.
        """
        require_own(call, self._room.own)
        bad = ViolationCollector()
        request_id = begin_write(request.request_id, request.duty, bad)
        read(bad)
        bad.raise_if_any()

        def decide(tx: LogTx) -> Sequence[Entry]:
            fresh = entry(tx.now)
            fresh.entry_time.FromDatetime(tx.now)
            state = RegistryState(tx.connection, self._room.own, (fresh,))
            rule = state.judge(fresh, writing=True)
            if rule is not None:
                raise self._refusal(rule, state, fresh)
            return (fresh,)

        return await submit(
            self._room.sequencer,
            call,
            request,
            request_id,
            log=self._room.own_log,
            decide=decide,
            answer=lambda _, run: answer(run),
            response=response,
        )

    def _refusal(self, rule: Rule, state: RegistryState, entry: Entry) -> Refusal:
        """Return the refusal of an entry that breaks a rule."""
        return rule.refusal(state.subject(entry))
