"""``deltacare.v1.DisputeService``: raises, answers, escalates and closes disputes, and shows them.

Thin: fields are checked all at once, then the whole batch against the rules inside the transaction
that appends. What a word would come to is asked of the same fold that everybody reads by, so that
nothing is written that would have no effect.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from google.protobuf.message import Message
from sqlalchemy import Connection

from deltacare.errors import Reason, Refusal, ViolationCollector
from deltacare.ids import LogName
from deltacare.times import business_date
from deltacare.trust import Trust
from deltacare.v1.dispute_service_pb2 import (
    AnswerDisputesRequest,
    AnswerDisputesResponse,
    CloseDisputeRequest,
    CloseDisputeResponse,
    DisputeState,
    EscalateDisputeRequest,
    EscalateDisputeResponse,
    GetDisputeRequest,
    ListDisputesRequest,
    ListDisputesResponse,
    RaiseDisputesRequest,
    RaiseDisputesResponse,
    StandingDispute,
)
from deltacare.v1.entry_pb2 import Entry
from server.dispute.desk import DisputeDesk
from server.dispute.remedies import remedy_missing
from server.dispute.rules import (
    read_answer,
    read_closure,
    read_dispute,
    read_escalation,
)
from server.dispute.states import Raised, State
from server.dispute.store import Reaches, find_raised, page_of_raised, standings
from server.dispute.views import NAME_PREFIX, view
from server.edge.call import Call
from server.log.ports import LogReader, LogTx, Sequencer, Write
from server.registry.fields import parse_numbered_id, read_page_size
from server.registry.paging import next_token, read_token
from server.registry.requests import without_unknown
from server.registry.values import Reach
from server.settlement.requests import appended, check_partner, read_write
from server.store.database import Database

__all__ = ["BATCH_MAX", "DisputeServicer"]

BATCH_MAX = 100
"""Disputes or answers of one request: a person reads each."""

_CHUNK = 500
_ALL = 2**63 - 1  # all that a snapshot holds was verified
_OPEN_STATES = frozenset(State) - {State.CLOSED}

R = TypeVar("R", bound=Message)


class DisputeServicer:
    """The service of one province's node.

    Args:
        province: The own one.
        trust: Members.
        database: Rows.
        sequencer: Appends to own logs.
        reader: How far each log is held.
    """

    def __init__(
        self,
        *,
        province: str,
        trust: Trust,
        database: Database,
        sequencer: Sequencer,
        reader: LogReader,
    ) -> None:
        self._province = province
        self._trust = trust
        self._database = database
        self._sequencer = sequencer
        self._reader = reader

    # --- Words ------------------------------------------------------------------------------------

    async def raise_disputes(
        self, request: RaiseDisputesRequest, call: Call
    ) -> RaiseDisputesResponse:
        """Dispute lines of the pair with a partner."""
        return await self._say(
            request,
            call,
            field="disputes",
            name="dispute",
            bodies=request.disputes,
            read=read_dispute,
            response=RaiseDisputesResponse,
        )

    async def answer_disputes(
        self, request: AnswerDisputesRequest, call: Call
    ) -> AnswerDisputesResponse:
        """Answer disputes of the partner."""
        return await self._say(
            request,
            call,
            field="answers",
            name="dispute_answer",
            bodies=request.answers,
            read=read_answer,
            response=AnswerDisputesResponse,
        )

    async def escalate_dispute(
        self, request: EscalateDisputeRequest, call: Call
    ) -> EscalateDisputeResponse:
        """Take a dispute to the next level."""
        return await self._say(
            request,
            call,
            field="escalation",
            name="dispute_escalation",
            bodies=[request.escalation],
            read=read_escalation,
            response=EscalateDisputeResponse,
        )

    async def close_dispute(self, request: CloseDisputeRequest, call: Call) -> CloseDisputeResponse:
        """Say that a dispute is closed, and how."""
        return await self._say(
            request,
            call,
            field="closure",
            name="dispute_closure",
            bodies=[request.closure],
            read=read_closure,
            response=CloseDisputeResponse,
        )

    async def _say(
        self,
        request: Any,  # noqa: ANN401 - any request with a duty and a partner
        call: Call,
        *,
        field: str,
        name: str,
        bodies: Sequence[Any],
        read: Callable[[Any, str, ViolationCollector], None],
        response: type[R],
    ) -> R:
        """Append what the rules let pass.

        Args:
            request: Of the method.
            call: Who calls.
            field: Of the request that holds what is said.
            name: Of the entry's body.
            bodies: What is said.
            read: Checks one of them.
            response: Type of the response.
        """
        bad = ViolationCollector()
        request_id = read_write(request, call, bad, duty=request.duty)
        check_partner(request.partner, self._province, self._trust, bad)
        if not 1 <= len(bodies) <= BATCH_MAX:
            bad.note(
                field,
                len(bodies),
                f"A batch has 1 to {BATCH_MAX:,} elements.",
                "Send several batches.",
            )
        said = [without_unknown(body) for body in bodies]
        is_batch = field.endswith("s")
        places = [f"{field}[{position}]" if is_batch else field for position in range(len(said))]
        for body, place in zip(said, places, strict=True):
            read(body, f"{place}.", bad)
        bad.raise_if_any()
        log = LogName.settlement(self._province, request.partner)
        duty = request.duty
        entries = [Entry(maker=duty.maker, reviewer=duty.reviewer, **{name: each}) for each in said]

        def decide(tx: LogTx) -> list[tuple[LogName, list[Entry]]]:
            desk = DisputeDesk(
                tx=tx,
                log=log,
                reaches=self._reaches(tx.connection, None),
                entry_time=self._entry_time,
            )
            desk.require(entries, places)
            return [(log, entries)]

        data = await self._sequencer.submit(
            Write(
                caller=call.caller,
                method=call.method,
                request_id=request_id,
                content=request.SerializeToString(deterministic=True),
                decide=decide,
                answer=lambda _tx, runs: response(appended=appended(runs[0])),
            )
        )
        return response.FromString(data)

    # --- Reads ------------------------------------------------------------------------------------

    async def get_dispute(self, request: GetDisputeRequest, call: Call) -> StandingDispute:
        """Return a dispute with its history."""
        bad = ViolationCollector()
        dispute_id = request.name.removeprefix(NAME_PREFIX)
        if dispute_id == request.name:
            bad.note("name", request.name, "It is no dispute.", "Write disputes/ and its number.")
        else:
            bad.take(parse_numbered_id, dispute_id, field="name")
        known_time = _known_time(request, call, bad)
        bad.raise_if_any()
        await self._reader.refresh()

        def read(connection: Connection) -> StandingDispute | None:
            reaches = self._reaches(connection, known_time)
            found = find_raised(connection, [dispute_id], reaches)
            if not found:
                return None
            now = known_time or call.now
            ((_, shown),) = self._views(connection, list(found.values()), reaches, now)
            return shown

        found = await self._database.read(read)
        if found is None:
            raise Refusal(
                Reason.NOT_FOUND,
                "No log states this dispute.",
                details={"dispute_id": dispute_id},
            )
        return found

    async def list_disputes(self, request: ListDisputesRequest, call: Call) -> ListDisputesResponse:
        """Return a page of disputes, oldest first."""
        bad = ViolationCollector()
        if request.partner:
            check_partner(request.partner, self._province, self._trust, bad)
        states = frozenset(request.states)
        for value in sorted(states - set(DisputeState.values()[1:])):
            bad.note("states", value, "It is not a state of a dispute.")
        size = read_page_size(request.page_size, bad)
        known_time = _known_time(request, call, bad)
        question = "\x1f".join(
            (
                "disputes",
                request.partner,
                " ".join(map(str, sorted(states))),
                request.settlement_no,
                "" if known_time is None else known_time.isoformat(),
            )
        ).encode()
        after = _place(read_token(request.page_token, question, bad))
        bad.raise_if_any()
        await self._reader.refresh()
        wanted = {State(each) for each in states} or _OPEN_STATES
        now = known_time or call.now

        def read(connection: Connection) -> tuple[list[tuple[Raised, StandingDispute]], bool]:
            reaches = self._reaches(connection, known_time)
            found: list[tuple[Raised, StandingDispute]] = []
            place = after
            while True:
                rows = page_of_raised(
                    connection,
                    partner=request.partner,
                    settlement_no=request.settlement_no,
                    after=place,
                    limit=_CHUNK,
                )
                known = [
                    row
                    for row in rows
                    if row.index < reaches(row.author, row.partner).restrict_size
                ]
                for each in self._views(connection, known, reaches, now, wanted):
                    if len(found) == size:
                        return found, True
                    found.append(each)
                if len(rows) < _CHUNK:
                    return found, False
                last = rows[-1]
                place = (last.entry_time, last.author, last.partner, last.index)

        found, has_more = await self._database.read(read)
        token = ""
        if has_more:
            last = found[-1][0]
            micros = round(last.entry_time.timestamp() * 1_000_000)
            place = f"{micros} {last.author} {last.partner} {last.index}"
            token = next_token(question, place)
        return ListDisputesResponse(disputes=[shown for _, shown in found], next_page_token=token)

    def _views(
        self,
        connection: Connection,
        disputes: Sequence[Raised],
        reaches: Reaches,
        now: datetime,
        states: Collection[State] = frozenset(State),
    ) -> Iterator[tuple[Raised, StandingDispute]]:
        """Yield some disputes as callers see them, those in other states left out."""
        today = business_date(now)
        for raised, standing in zip(
            disputes, standings(connection, disputes, reaches), strict=True
        ):
            if standing.state not in states:
                continue
            missing: tuple[str, ...] = ()
            if standing.state is State.AGREED:
                missing = remedy_missing(
                    connection, raised, standing.remedy, reaches, self._entry_time
                )
            yield raised, view(raised, standing, missing, today)

    # --- How far logs count -----------------------------------------------------------------------

    def _reaches(self, connection: Connection, known_time: datetime | None) -> Reaches:
        """Return how far each settlement log counts, now or at a past moment."""
        known: dict[LogName, Reach] = {}

        def reach(author: str, partner: str) -> Reach:
            log = LogName.settlement(author, partner)
            if log not in known:
                known[log] = self._reach(connection, log, known_time)
            return known[log]

        return reach

    def _reach(self, connection: Connection, log: LogName, known_time: datetime | None) -> Reach:
        if known_time is not None:
            position = self._reader.position_at(connection, log, known_time)
            return Reach(restrict_size=position.size, permit_size=position.quorum_size)
        if log.author == self._province:
            return Reach(restrict_size=_ALL, permit_size=_ALL)
        return Reach(restrict_size=_ALL, permit_size=self._reader.position(log).quorum_size)

    def _entry_time(self, connection: Connection, log: LogName, index: int) -> datetime:
        """Return when an entry was sequenced."""
        (data,) = self._reader.entries(connection, log, index, index + 1)
        return Entry.FromString(data).entry_time.ToDatetime(tzinfo=UTC)


def _known_time(
    request: GetDisputeRequest | ListDisputesRequest, call: Call, bad: ViolationCollector
) -> datetime | None:
    """Return the moment whose knowledge is asked for; ``None`` for now."""
    if not request.HasField("known_time"):
        return None
    try:
        known_time = request.known_time.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        bad.note("known_time", "", "The moment lies outside 1970 to 2998.")
        return None
    if known_time > call.now:
        bad.note("known_time", known_time.isoformat(), "Nothing is known of the future.")
    return known_time


def _place(token: str) -> tuple[datetime, str, str, int] | None:
    """Return the place that a token names."""
    if not token:
        return None
    micros, author, partner, index = token.split(" ")
    whole, rest = divmod(int(micros), 1_000_000)
    time = datetime.fromtimestamp(whole, tz=UTC).replace(microsecond=rest)
    return time, author, partner, int(index)
