"""``deltacare.v1.ClearingService``: nights, lines and differences. Statements have their module."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from deltacare.errors import Reason, Refusal, ViolationCollector
from deltacare.ids import parse_province, parse_request_id
from deltacare.times import parse_date
from deltacare.trust import Trust
from deltacare.v1.clearing_service_pb2 import (
    AnswerStatementRequest,
    AnswerStatementResponse,
    CompareNightsRequest,
    CompareNightsResponse,
    CountLinesRequest,
    CountLinesResponse,
    GetStatementRequest,
    ListLinesRequest,
    ListLinesResponse,
    ListNightLeavesRequest,
    ListNightLeavesResponse,
    ListPairNightsRequest,
    ListPairNightsResponse,
    ListReversalProposalsRequest,
    ListReversalProposalsResponse,
    ListStatementsRequest,
    ListStatementsResponse,
    PairNight,
    PairNightState,
    ProposeStatementRequest,
    ProposeStatementResponse,
    ReversalProposal,
    RunNightRequest,
    RunNightResponse,
    StandingStatement,
)
from server.edge.call import Call
from server.log.ports import LogReader, LogTx, Sequencer, Write
from server.registry.fields import read_page_size
from server.registry.paging import next_token, read_token
from server.settlement import cache, lines
from server.settlement.comparison import NightPeer, compare_nights, no_night
from server.settlement.drawdowns import AdvanceBook
from server.settlement.nights import PairNights
from server.settlement.overlap_look import OverlapLook
from server.settlement.proposed import read_proposals
from server.settlement.requests import check_partner
from server.settlement.results import NightResults, load_results, night_message
from server.settlement.reworked import require_worked
from server.settlement.statement_service import StatementDesk
from server.settlement.statements import Naming, Reach, named_by
from server.store.database import Database
from settlement.core.classes import LineClass

__all__ = ["ClearingServicer", "NightPeer"]

_CARRIED = frozenset(each for each in LineClass if not each.closed)


class ClearingServicer:
    """The service of one province's node.

    Args:
        province: The own one.
        trust: Members and the opening date.
        database: This node's.
        sequencer: Appends to own logs.
        reader: The logs held.
        nights: Runs the pairs' nights.
        peer: The way to partners' leaves.
        advances: What was received of advances.
    """

    def __init__(
        self,
        *,
        province: str,
        trust: Trust,
        database: Database,
        sequencer: Sequencer,
        reader: LogReader,
        nights: PairNights,
        peer: NightPeer,
        advances: AdvanceBook,
    ) -> None:
        self._province = province
        self._trust = trust
        self._database = database
        self._sequencer = sequencer
        self._nights = nights
        partners = tuple(each for each in trust.provinces if each != province)
        self._look = OverlapLook(own=province, partners=partners, reader=reader)
        self._peer = peer
        self._desk = StatementDesk(
            province=province,
            trust=trust,
            database=database,
            sequencer=sequencer,
            reader=reader,
            advances=advances,
        )

    # --- Nights -----------------------------------------------------------------------------------

    async def run_night(self, request: RunNightRequest, call: Call) -> RunNightResponse:
        """Run what is due of every pair, or of one."""
        bad = ViolationCollector()
        request_id = bad.take(parse_request_id, request.request_id, field="request_id") or ""
        if request.partner:
            check_partner(request.partner, self._province, self._trust, bad)
        bad.raise_if_any()
        is_first = await self._is_first(request, request_id, call)
        stated: list[PairNight] = []
        for partner in (request.partner,) if request.partner else self._nights.partners:
            stated += await self._nights.run_due(
                partner, retry_diverged=request.retry_diverged and is_first
            )
        return RunNightResponse(nights=stated)

    async def _is_first(self, request: RunNightRequest, request_id: str, call: Call) -> bool:
        """Whether a request comes for the first time: a repetition makes no further attempt."""
        decided: list[bool] = []

        def decide(_tx: LogTx) -> list[object]:
            decided.append(True)
            return []

        await self._sequencer.submit(
            Write(
                caller=call.caller,
                method=call.method,
                request_id=request_id,
                content=request.SerializeToString(deterministic=True),
                decide=decide,  # type: ignore[arg-type]  # nothing is appended
                answer=lambda _tx, _runs: RunNightResponse(),
            )
        )
        return bool(decided)

    async def list_pair_nights(
        self, request: ListPairNightsRequest, _call: Call
    ) -> ListPairNightsResponse:
        """Return nights of every pair that the logs show, sorted by date and pair."""
        bad = ViolationCollector()
        if request.province:
            bad.take(parse_province, request.province, field="province")
        for field in ("from_date", "until_date"):
            if text := getattr(request, field):
                bad.take(parse_date, text, field=field)
        size = read_page_size(request.page_size, bad)
        asked = (request.province, request.from_date, request.until_date)
        question = "\x1f".join(("nights", *asked)).encode()
        after = read_token(request.page_token, question, bad)
        bad.raise_if_any()
        waiting = await self._waiting_nights(request)
        reach = self._reach()

        def read(connection: Connection) -> tuple[list[PairNight], str]:
            nights = load_results(
                connection,
                reach.permits,
                province=request.province,
                from_date=request.from_date,
                until_date=request.until_date,
            )
            known = {_key(night) for night in nights}
            nights = sorted(
                [*nights, *(night for night, _ in waiting if _key(night) not in known)], key=_key
            )
            rest = [night for night in nights if " ".join(_key(night)) > after]
            token = ""
            if len(rest) > size:
                token = next_token(question, " ".join(_key(rest[size - 1])))
            missing = {_key(night): code for night, code in waiting}
            results = (night.result(night.lower) for night in rest[:size])
            named = named_by(
                connection, reach, [each.leaf_hash for each in results if each is not None]
            )
            return [
                self._message(night, missing.get(_key(night), ""), named) for night in rest[:size]
            ], token

        found, token = await self._database.read(read)
        return ListPairNightsResponse(nights=found, next_page_token=token)

    async def _waiting_nights(
        self, request: ListPairNightsRequest
    ) -> list[tuple[NightResults, str]]:
        """Return the next night of each own pair that waits, with what it waits for."""
        found: list[tuple[NightResults, str]] = []
        for partner in self._nights.partners:
            lower, higher = sorted((self._province, partner))
            if request.province not in ("", lower, higher):
                continue
            business_date, what = await self._nights.waiting_for(partner)
            if (request.from_date and business_date < request.from_date) or (
                request.until_date and business_date > request.until_date
            ):
                continue
            night = NightResults(
                lower=lower, higher=higher, business_date=business_date, by_author={}
            )
            found.append((night, str(what)))
        return found

    def _message(
        self, night: NightResults, missing: str, named: Mapping[bytes, Sequence[Naming]]
    ) -> PairNight:
        """Return a night with what it waits for and the statement that names it."""
        lower, higher = night.result(night.lower), night.result(night.higher)
        if night.state == PairNightState.PAIR_NIGHT_STATE_ONE_SIDED:
            silent = night.higher if higher is None else night.lower
            # What keeps this node from stating its own result says more than that it has not.
            is_own = silent == self._province and missing not in ("", "DUE")
            missing = missing if is_own else f"RESULT_MISSING {silent}"
        elif night.state == PairNightState.PAIR_NIGHT_STATE_DIVERGED:
            missing = "DIGESTS_DIFFER"
        statement_hash = b""
        if lower is not None:
            namings = named.get(lower.leaf_hash, ())
            statement_hash = namings[0].leaf_hash if namings else b""
        return night_message(night, waiting_for=missing, statement_hash=statement_hash)

    def _reach(self) -> Reach:
        return Reach(
            own=self._province,
            positions=self._nights.positions(),
            opening_date=self._trust.opening_date,
        )

    # --- Lines ------------------------------------------------------------------------------------

    async def list_lines(self, request: ListLinesRequest, _call: Call) -> ListLinesResponse:
        """Return a page of the lines of one night."""
        bad = ViolationCollector()
        self._check_night(request.partner, request.business_date, bad)
        for position, each in enumerate(request.classes):
            if not 1 <= each <= len(LineClass):
                bad.note(f"classes[{position}]", each, "It is not a class.")
        size = read_page_size(request.page_size, bad)
        bad.raise_if_any()

        def newest(connection: Connection) -> cache.StoredNight | None:
            require_worked(connection, self._province)
            return cache.newest_attempt(connection, request.partner, request.business_date or None)

        night = await self._database.read(newest)
        if night is None:
            raise no_night()
        wanted = frozenset(LineClass.of_rank(each) for each in request.classes) or _CARRIED
        # The night is part of the question: a page must not go on in the night after it.
        ranks = ",".join(str(each.rank) for each in sorted(wanted, key=lambda each: each.rank))
        question = "\x1f".join(
            ("lines", request.partner, night.business_date, str(night.attempt), ranks)
        ).encode()
        after = read_token(request.page_token, question, bad)
        bad.raise_if_any()
        found = await self._database.read(
            lambda c: lines.read_page(
                c, request.partner, night, classes=wanted, after=after, limit=size
            )
        )
        token = next_token(question, found.last_place) if found.last_place else ""
        return ListLinesResponse(lines=found.lines, next_page_token=token)

    async def count_lines(self, request: CountLinesRequest, _call: Call) -> CountLinesResponse:
        """Return the counts of one night, or of each line's last class over all nights."""
        bad = ViolationCollector()
        self._check_night(request.partner, request.business_date, bad)
        bad.raise_if_any()

        def read(connection: Connection) -> CountLinesResponse:
            require_worked(connection, self._province)
            asked = request.business_date or None
            night = cache.newest_attempt(connection, request.partner, asked)
            if night is None:
                raise no_night()
            count = lines.count_night if asked else lines.count_all
            return CountLinesResponse(counts=count(connection, request.partner, night))

        return await self._database.read(read)

    def _check_night(self, partner: str, business_date: str, bad: ViolationCollector) -> None:
        check_partner(partner, self._province, self._trust, bad)
        if business_date:
            bad.take(parse_date, business_date, field="business_date")

    async def list_night_leaves(
        self, request: ListNightLeavesRequest, call: Call
    ) -> ListNightLeavesResponse:
        """Return, to the peer of the pair, the leaves under the digest of a night."""
        bad = ViolationCollector()
        bad.take(parse_date, request.business_date, field="business_date")
        bad.raise_if_any()
        partner = call.caller.province

        def read(connection: Connection) -> ListNightLeavesResponse:
            night = cache.stored_night(connection, partner, request.business_date, request.attempt)
            if night is None:
                raise no_night()
            if not request.HasField("leaf_index"):
                hashes = lines.leaf_hashes(connection, partner, night)
                return ListNightLeavesResponse(leaf_hashes=hashes)
            content = lines.leaf_content(connection, partner, night, request.leaf_index)
            if content is None:
                raise Refusal(Reason.NOT_FOUND, "The night has no such leaf.")
            return ListNightLeavesResponse(leaf=content)

        return await self._database.read(read)

    async def compare_nights(
        self, request: CompareNightsRequest, _call: Call
    ) -> CompareNightsResponse:
        """Show the first line in which the partner's night differs from the own one."""
        bad = ViolationCollector()
        self._check_night(request.partner, "", bad)
        bad.take(parse_date, request.business_date, field="business_date")
        bad.raise_if_any()
        return await compare_nights(
            self._database,
            self._peer,
            self._reach(),
            partner=request.partner,
            business_date=request.business_date,
        )

    async def list_reversal_proposals(
        self, request: ListReversalProposalsRequest, _call: Call
    ) -> ListReversalProposalsResponse:
        """Return a page of cleared settlements that should be reversed."""
        bad = ViolationCollector()
        check_partner(request.partner, self._province, self._trust, bad)
        size = read_page_size(request.page_size, bad)
        question = f"proposals\x1f{request.partner}".encode()
        after = read_token(request.page_token, question, bad)
        bad.raise_if_any()

        def read(connection: Connection) -> list[ReversalProposal]:
            require_worked(connection, self._province)
            home, _, number = after.partition(" ")
            return read_proposals(
                connection,
                self._province,
                request.partner,
                look=self._look,
                after=(home, number) if after else None,
                limit=size + 1,
            )

        found = await self._database.read(read)
        token = ""
        if len(found) > size:
            last = found[size - 1].record
            token = next_token(question, f"{last.home} {last.settlement_no}")
        return ListReversalProposalsResponse(proposals=found[:size], next_page_token=token)

    # --- Statements -------------------------------------------------------------------------------

    async def propose_statement(
        self, request: ProposeStatementRequest, call: Call
    ) -> ProposeStatementResponse:
        """Propose a statement over the agreed nights of a window."""
        return await self._desk.propose(request, call)

    async def answer_statement(
        self, request: AnswerStatementRequest, call: Call
    ) -> AnswerStatementResponse:
        """Approve or refuse a statement, once and for good."""
        return await self._desk.answer(request, call)

    async def get_statement(self, request: GetStatementRequest, _call: Call) -> StandingStatement:
        """Return a statement with every answer."""
        return await self._desk.get(request)

    async def list_statements(
        self, request: ListStatementsRequest, _call: Call
    ) -> ListStatementsResponse:
        """Return a page of statements, newest first."""
        return await self._desk.list_page(request)


def _key(night: NightResults) -> tuple[str, str, str]:
    return night.business_date, night.lower, night.higher
