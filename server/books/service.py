"""``deltacare.v1.BooksService``: the journal, its balances, and months that close for good."""

from bisect import bisect_right
from collections.abc import Sequence

from deltacare.errors import Refusal, ViolationCollector
from deltacare.ids import LogName
from deltacare.times import ServiceMonth, business_date, parse_date
from deltacare.trust import Trust
from deltacare.v1 import books_service_pb2 as bpb
from deltacare.v1.entry_pb2 import Entry, MonthClose
from deltacare.v1.types_pb2 import EntryRef
from server.books import rules, store, views
from server.books.keeper import Books, BooksKeeper
from server.edge.call import Call
from server.edge.duties import check_duty
from server.log.ports import LogReader, LogTx, Sequencer
from server.registry.fields import read_page_size
from server.registry.paging import next_token, read_token
from server.registry.requests import appended, begin_write, new_entry, require_own, submit
from server.store.database import Database
from settlement.books.balances import month_books, trial_balance

__all__ = ["BooksServicer"]


class BooksServicer:
    """The service of one province's node.

    Args:
        province: The own one.
        trust: Members and the opening date.
        database: This node's.
        sequencer: Appends to the own registry log.
        reader: Of the logs held.
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
        self._log = LogName.registry(province)
        self._trust = trust
        self._sequencer = sequencer
        self.keeper = BooksKeeper(province=province, trust=trust, database=database, reader=reader)

    # --- Reading ----------------------------------------------------------------------------------

    async def list_journal(
        self, request: bpb.ListJournalRequest, _call: Call
    ) -> bpb.ListJournalResponse:
        """Return a page of the journal."""
        bad = ViolationCollector()
        for field in ("from_date", "until_date"):
            if text := getattr(request, field):
                bad.take(parse_date, text, field=field)
        size = read_page_size(request.page_size, bad)
        question = f"journal\x1f{request.from_date}\x1f{request.until_date}".encode()
        after = read_token(request.page_token, question, bad)
        bad.raise_if_any()
        books = await self.keeper.current()
        lines = [
            line
            for line in books.lines
            if line.book_date >= request.from_date
            and (not request.until_date or line.book_date <= request.until_date)
        ]
        places = ["\x1f".join(_place(line.place)) for line in lines]
        first = bisect_right(places, after) if after else 0
        page = lines[first : first + size]
        token = ""
        if first + size < len(lines):
            token = next_token(question, places[first + size - 1])
        return bpb.ListJournalResponse(
            lines=map(views.line_message, page),
            next_page_token=token,
            log_ends=views.log_ends(books.log_ends),
        )

    async def get_trial_balance(
        self, request: bpb.GetTrialBalanceRequest, call: Call
    ) -> bpb.TrialBalance:
        """Return the balance of every account at the end of a day."""
        bad = ViolationCollector()
        if request.on_date:
            bad.take(parse_date, request.on_date, field="on_date")
        bad.raise_if_any()
        day = request.on_date or business_date(call.now).isoformat()
        books = await self.keeper.current()
        return views.balance_message(trial_balance(books.lines, day), books.log_ends)

    async def list_month_closes(
        self, request: bpb.ListMonthClosesRequest, _call: Call
    ) -> bpb.ListMonthClosesResponse:
        """Return closed months, and whether the books still give what was stated."""
        bad = ViolationCollector()
        size = read_page_size(request.page_size, bad)
        question = b"month closes"
        after = read_token(request.page_token, question, bad)
        bad.raise_if_any()
        books = await self.keeper.current()
        found = [each for each in books.closes if each.body.month > after]
        token = next_token(question, found[size - 1].body.month) if len(found) > size else ""
        return bpb.ListMonthClosesResponse(
            month_closes=[
                bpb.StandingMonthClose(
                    month_close=each.body,
                    entry=EntryRef(log=str(self._log), index=each.index),
                    recomputed=self._stated(books, each.body.month, each.body.log_ends)
                    == each.body,
                )
                for each in found[:size]
            ],
            next_page_token=token,
        )

    def _stated(self, books: Books, month: str, ends: Sequence[object]) -> MonthClose:
        """Return what the books give of a month, as it is stated."""
        last_date = ServiceMonth.parse(month).last_date.isoformat()
        found = month_books(books.lines, month, last_date)
        return MonthClose(
            month=month,
            journal_hash=found.journal_hash,
            line_count=found.line_count,
            trial_balance_hash=found.trial_balance_hash,
            log_ends=ends,  # type: ignore[arg-type]  # as stated
        )

    # --- Closing ----------------------------------------------------------------------------------

    async def close_month(
        self, request: bpb.CloseMonthRequest, call: Call
    ) -> bpb.CloseMonthResponse:
        """Close the next month, once and for good.

        1. The month can be read, and its nights are agreed with every partner. 2. Its books agree
        with themselves. 3. In the transaction: it is the next one, and has ended.
        """
        require_own(call, self._province)
        bad = ViolationCollector()
        request_id = begin_write(request.request_id, request.duty, bad)
        month = bad.take(ServiceMonth.parse, request.month, field="month")
        check_duty(call.caller, request)
        bad.raise_if_any()
        assert month is not None, "a month that cannot be read was refused"
        books = await self.keeper.until(month)
        body = self._stated(books, request.month, views.log_ends(books.log_ends))
        missing = self._missing_nights(month, books)

        def decide(tx: LogTx) -> Sequence[Entry]:
            before = store.last_close(tx.connection, self._province)
            rule = rules.close_rule(
                body, first_month=self.keeper.first_month, before=before, entry_time=tx.now
            )
            if rule is not None:
                raise rule.refusal(self._subject(request.month, before))
            if missing:
                raise _nights_refusal(request.month, missing)
            if books.findings:
                first = books.findings[0]
                raise rules.B06_BOOKS_DISAGREE.refusal(f"{first.code} {first.subject}")
            return [new_entry(request.duty, month_close=body)]

        return await submit(
            self._sequencer,
            call,
            request,
            request_id,
            log=self._log,
            decide=decide,
            answer=lambda _, run: bpb.CloseMonthResponse(appended=appended(run), month_close=body),
            response=bpb.CloseMonthResponse,
        )

    def _subject(self, month: str, before: rules.ClosedBefore | None) -> str:
        """Return a month, and which one may be closed."""
        following = (
            self.keeper.first_month
            if before is None
            else str(ServiceMonth.parse(before.month).next())
        )
        return month if month == following else f"{month}; {following}"

    def _missing_nights(self, month: ServiceMonth, books: Books) -> list[str]:
        """Return the nights of a month that are not agreed and taken in, by date and pair."""
        first = max(month.first_date, self._trust.opening_date)
        found = []
        for partner in self.keeper.partners:
            lower, higher = sorted((self._province, partner))
            for number in range(first.day, month.days + 1):
                day = f"{month}-{number:02d}"
                if (partner, day) not in books.agreed:
                    found.append(f"{day} {lower}-{higher}")
        return sorted(found)


def _place(place: tuple[str, str, str, int, str, str, str]) -> list[str]:
    """Return the parts of a line's place, so that they sort as texts as the line does."""
    return [f"{each:020d}" if isinstance(each, int) else each for each in place]


def _nights_refusal(month: str, missing: Sequence[str]) -> Refusal:
    """Return the refusal of a month with nights that are not agreed: the first, and how many."""
    return rules.B05_NIGHT_NOT_AGREED.refusal(f"{month}: {missing[0]} (1/{len(missing)})")
