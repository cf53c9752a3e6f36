"""What the desks of this room share: its parts, and the way from one said thing to one entry.

A desk is the methods of the service about one subject; ``service.py`` puts the desks together.
Rules decide inside the transaction that appends.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from google.protobuf.message import Message

from deltacare.errors import ViolationCollector
from deltacare.ids import LogName
from deltacare.schemes import NATIONAL, widened_field
from deltacare.trust import Trust
from deltacare.v1.entry_pb2 import CertificationScheme, Entry
from server.certification.checker import Checker
from server.certification.evidence import VerdictFiles
from server.certification.lifecycle import judge_scheme
from server.certification.ports import HolderVault
from server.certification.projector import CertificationState
from server.certification.salts import SaltStore
from server.certification.scheme_bodies import scheme_of
from server.edge.call import Call
from server.log.ports import Clock, Entropy, LogReader, LogTx, Sequencer
from server.registry.requests import (
    appended,
    begin_write,
    new_entry,
    require_own,
    submit,
    without_unknown,
)
from server.registry.rulebook import Rule
from server.store.database import Database

__all__ = ["Desk", "Room"]

R = TypeVar("R", bound=Message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """The parts of the room at one province's node.

    Attributes:
        own: the province.
        trust: members, and the age beyond which a log is stale.
        database: rows.
        sequencer: appends to own logs.
        reader: how far each log is held.
        salts: keeps the salts of name digests.
        entropy: draws them.
        clock: the present moment, for what is told long after the call that asked for it.
        checker: answers checks.
        files: makes verdict files.
        vault: keeps who holds a certificate; ``None`` if this node keeps no values of persons.
    """

    own: str
    trust: Trust
    database: Database
    sequencer: Sequencer
    reader: LogReader
    salts: SaltStore
    entropy: Entropy
    clock: Clock
    checker: Checker
    files: VerdictFiles
    vault: HolderVault | None = None

    @property
    def own_log(self) -> LogName:
        """The log that is written to."""
        return LogName.registry(self.own)

    @property
    def members(self) -> frozenset[str]:
        """Provinces of the federation."""
        return frozenset(self.trust.provinces)


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
        response: type[R],
        fill: Callable[[Any], Awaitable[None]] | None = None,
    ) -> R:
        """Append one entry that the rules let pass.

        Args:
            request: of the method.
            call: who calls.
            body: field of the request that holds the body, and field of the entry that takes it.
            read: checks the body.
            response: type of the response; has ``appended``.
            fill: completes the body with what this node knows, before it is checked.
        """
        require_own(call, self._room.own)
        bad = ViolationCollector()
        request_id = begin_write(request.request_id, request.duty, bad)
        said = without_unknown(getattr(request, body[0]))
        if fill is not None:
            await fill(said)
        read(said, f"{body[0]}.", bad)
        bad.raise_if_any()

        def decide(tx: LogTx) -> Sequence[Entry]:
            entry = new_entry(request.duty, **{body[1]: said})
            rule = self._judge(CertificationState(tx.connection, self._room.own, (entry,)), entry)
            if rule is not None:
                raise rule.refusal(_subject(said))
            return (entry,)

        return await submit(
            self._room.sequencer,
            call,
            request,
            request_id,
            log=self._room.own_log,
            decide=decide,
            answer=lambda _, run: response(appended=appended(run)),
            response=response,
        )

    def _judge(self, state: CertificationState, entry: Entry) -> Rule | None:
        """Return the rule that a new entry breaks, by this log or by what the federation states."""
        rule = state.judge(entry)
        if rule is not None or (scheme := state.scheme_of(entry)) is None:
            return rule
        return judge_scheme(scheme, stated=self._room.trust.member(self._room.own).schemes)


def _subject(body: Any) -> str:  # noqa: ANN401  # any body of this room
    """Return the id that a body speaks of; of a scheme that widens, with the field that does."""
    if isinstance(body, CertificationScheme):
        national = NATIONAL.get(body.scheme)
        widened = national and widened_field(scheme_of(body), national)
        return f"{body.scheme}.{widened}" if widened else body.scheme
    for name in ("certificate_no", "equivalence_id"):
        if name in body.DESCRIPTOR.fields_by_name:
            return str(getattr(body, name))
    raise AssertionError("every body of this room names its subject")
