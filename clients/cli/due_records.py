"""What is due of records: nights, drafts, the inbox, discrepancies, holds, reversals, disputes."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any

from clients.cli.due import BOTH, Asker, Point, Rows, Topic
from clients.language import tr
from clients.plain import enum_name

__all__ = ["RECORD_TOPICS"]

_SHOWN_MAX = 10
"""Single things that are named one by one; what is beyond is counted."""


def _least(rows: Rows) -> str:
    """Return what stands before a number that may be larger."""
    return tr("至少 ", "at least ") if rows.has_more else ""


# --- Nights ---------------------------------------------------------------------------------------


def _nights(asker: Asker) -> Iterator[Point]:
    """Yield what the nights of each own pair wait for, and dates that we have not closed."""
    closes = tuple(_closes(asker))
    yield from closes
    for partner in asker.partners:
        pair = tuple(sorted((asker.own, partner)))
        waiting = [
            each for each in asker.nights if (each.lower, each.higher) == pair and each.waiting_for
        ]
        if not waiting:
            continue
        point = _night(asker, partner, waiting)
        # That we have not closed is said once, not of every pair that waits for it.
        if not (closes and point.command == closes[0].command):
            yield point


def _closes(asker: Asker) -> Iterator[Point]:
    from deltacare.ids import LogName
    from deltacare.v1.settlement_service_pb2 import ListDayClosesRequest

    answer = asker.node.settlement.ListDayCloses(ListDayClosesRequest())
    own = [each for each in answer.closes if LogName.parse(each.log).author == asker.own]
    closed = min((each.last_closed_date for each in own), default="")
    if own and closed < asker.yesterday and answer.opening_date <= asker.yesterday:
        first = _after(closed) if closed else answer.opening_date
        days = (date.fromisoformat(asker.yesterday) - date.fromisoformat(first)).days + 1
        more = tr(
            f"（共 {days} 日，最早 {first}；可逐日关闭）",
            f" ({days} dates from {first} on; each can be closed by itself)",
        )
        yield Point(
            text=tr(
                f"本方未日切至 {asker.yesterday}",
                f"We have not closed the dates until {asker.yesterday}",
            )
            + (more if days > 1 else ""),
            since=closed or answer.opening_date,
            owner=asker.own,
            command=f"deltacare settle close-day {asker.yesterday}",
        )


def _after(day: str) -> str:
    """Return the day after one."""
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


def _night(asker: Asker, partner: str, waiting: list[Any]) -> Point:
    from clients.cli.nights import waits

    first = waiting[0]
    code, _, detail = first.waiting_for.partition(" ")
    command, owner = f"deltacare settle nights --from {first.business_date}", partner
    if code == "DUE" or (code == "RESULT_MISSING" and detail == asker.own):
        command, owner = f"deltacare settle run --partner {partner}", asker.own
    elif code == "CLOSE_MISSING" and f"/{asker.own}/settlement" in detail:
        command, owner = f"deltacare settle close-day {asker.yesterday}", asker.own
    elif code == "DIGESTS_DIFFER":
        owner = "BOTH"
        command = f"deltacare settle compare --partner {partner} --date {first.business_date}"
    elif code in {"LOG_STALLED", "TRUST_STALE", "FORK"}:
        command, owner = "deltacare node doctor", asker.own
    words = waits(first.waiting_for)
    return Point(
        text=tr(
            f"与 {partner} 的对账：{len(waiting)} 夜等待；{words}",
            f"nights with {partner}: {len(waiting)} wait; {words}",
        ),
        count=len(waiting),
        since=first.business_date,
        owner=owner,
        is_due=asker.is_ours(owner),
        command=command,
    )


# --- Drafts and the inbox -------------------------------------------------------------------------


def _drafts(asker: Asker) -> Iterator[Point]:
    from deltacare.v1.review_service_pb2 import ListDraftsRequest

    drafts = asker.rows(asker.node.review.ListDrafts, ListDraftsRequest(), "drafts")
    own = [each for each in drafts if each.maker == asker.principal]
    others = [each for each in drafts if each.maker != asker.principal]
    if others:
        name = others[0].name.removeprefix("drafts/")
        refused = sum(bool(each.refusal) for each in others)
        more = tr(f"，其中 {refused} 项曾被拒", f", {refused} of them refused before")
        yield Point(
            text=_least(drafts)
            + tr(f"{len(others)} 项待复核", f"{len(others)} drafts wait for a reviewer")
            + (more if refused else ""),
            count=len(others),
            since=others[0].submitted_time,
            owner=asker.own,
            roles=frozenset({"reviewer", "payer"}),
            command=f"deltacare settle drafts show {name}",
        )
    if own:
        yield Point(
            text=tr(
                f"本人提交的 {len(own)} 项待他人复核", f"{len(own)} of yours wait for a reviewer"
            ),
            count=len(own),
            since=own[0].submitted_time,
            owner=asker.own,
            is_due=False,
            command="deltacare settle drafts list",
        )


def _inbox(asker: Asker) -> Iterator[Point]:
    from deltacare.v1.settlement_service_pb2 import JudgeInboxRequest

    for partner in asker.partners:
        request = JudgeInboxRequest(partner=partner)
        judged = asker.rows(asker.node.settlement.JudgeInbox, request, "records")
        if not len(judged):
            continue
        verdicts = Counter(enum_name(each, "verdict") for each in judged)
        fits = verdicts.pop("FITS", 0)
        rest = ", ".join(f"{name} {count}" for name, count in sorted(verdicts.items()))
        yield Point(
            text=tr(
                f"{partner} 已报、待本方答复 {_least(judged)}{len(judged)} 条，相符 {fits} 条",
                f"{_least(judged)}{len(judged)} records of {partner} wait for our answer, "
                f"{fits} fit",
            )
            + (tr(f"；{rest}", f"; {rest}") if rest else ""),
            count=len(judged),
            since=min(each.filed.filed_date for each in judged),
            owner=asker.own,
            command=f"deltacare settle answer --partner {partner}"
            if fits
            else f"deltacare settle inbox --partner {partner}",
        )


# --- Discrepancies --------------------------------------------------------------------------------


def _discrepancies(asker: Asker) -> Iterator[Point]:
    from clients.cli.lines import line_class, list_lines, next_command, owner_words

    for partner in asker.partners:
        groups: dict[tuple[Any, str], list[Any]] = {}
        lines = list_lines(asker, partner)
        for line in lines:
            groups.setdefault((line_class(line), line.owner), []).append(line)
        for (found, owner), some in sorted(
            groups.items(), key=lambda item: (item[0][0].rank, item[0][1])
        ):
            late = sum(line.due_date < asker.today.isoformat() for line in some)
            words = tr(
                f"与 {partner}：{found.zh}（{found.name}）{_least(lines)}{len(some)} 行，"
                f"归{owner_words(owner)}",
                f"with {partner}: {_least(lines)}{len(some)} {found.name}, whose: "
                f"{owner_words(owner)}",
            )
            overdue = tr(f"，逾期 {late} 行", f", {late} overdue") if late else ""
            yield Point(
                text=words + overdue,
                count=len(some),
                since=min(line.filed_date for line in some),
                due_date=min(line.due_date for line in some),
                owner=owner,
                is_due=asker.is_ours(owner) and found.name != "IN_TRANSIT",
                command=next_command(some[0], asker.own)
                if len(some) == 1
                else f"deltacare settle discrepancies --partner {partner} --class {found.name}",
            )


def _holds(asker: Asker) -> Iterator[Point]:
    from deltacare.ids import LogName
    from deltacare.v1.settlement_service_pb2 import ListHoldsRequest

    for partner in asker.partners:
        request = ListHoldsRequest(partner=partner)
        holds = [
            each
            for each in asker.rows(asker.node.settlement.ListHolds, request, "holds")
            if LogName.parse(each.entry.log).author == asker.own
        ]
        ends = [each for each in holds if each.can_end]
        if not ends:
            continue
        indexes = " ".join(f"--index {each.entry.index}" for each in ends[:_SHOWN_MAX])
        yield Point(
            text=tr(
                f"对 {partner} 的 {len(holds)} 项暂缓中，{len(ends)} 项的理由已不存在，可解除",
                f"of {len(holds)} holds with {partner} {len(ends)} have lost their reason and "
                "can end",
            ),
            count=len(ends),
            since=min(each.from_date for each in ends),
            owner=asker.own,
            command=f"deltacare settle release {indexes} --partner {partner} --reason CODE",
        )


def _overlaps(asker: Asker) -> Iterator[Point]:
    """Yield what is claimed twice: with each other home, and between own hosts."""
    from deltacare.v1.settlement_service_pb2 import ListOverlapsRequest

    for other in (*asker.partners, asker.own):
        request = ListOverlapsRequest(other_home=other)
        listed = asker.rows(asker.node.settlement.ListOverlaps, request, "overlaps")
        found = [each for each in listed if each.settlements]
        if found:
            yield _overlap(asker, other, found, _least(listed))


def _overlap(asker: Asker, other: str, found: list[Any], least: str) -> Point:
    settlements = [one for each in found for one in each.settlements]
    cleared = [one for one in settlements if one.closed_date]
    held = sum(one.held for one in settlements)
    of_hosts = other == asker.own
    what = (
        tr(
            f"{least}{len(found)} 人次在本省各服务地的天数合计超过当月",
            f"{least}{len(found)} elders' days with several hosts exceed the month",
        )
        if of_hosts
        else tr(
            f"{least}{len(found)} 人次在本省与 {other} 的天数合计超过当月",
            f"{least}{len(found)} elders' days here and with {other} exceed the month",
        )
    )
    who = (
        tr("先核定算哪一服务地", "find out which host's days count")
        if of_hosts
        else tr(f"先与 {other} 商定算哪一方", f"agree with {other} whose days count")
    )
    return Point(
        text=tr(
            f"{what}；本方暂缓 {held} 笔，已结清 {len(cleared)} 笔：{who}；"
            "退出的一方冲正，已结清的追回",
            f"{what}; of ours {held} are held, {len(cleared)} cleared: {who}; who gives way "
            "reverses, and demands back what is cleared",
        ),
        count=len(found),
        since=min(each.noticed_date for each in found),
        owner=asker.own if of_hosts else BOTH,
        command=f"deltacare settle overlaps --with {other}",
    )


def _proposals(asker: Asker) -> Iterator[Point]:
    from deltacare.v1.clearing_service_pb2 import ListReversalProposalsRequest

    for partner in asker.partners:
        request = ListReversalProposalsRequest(partner=partner)
        found = asker.rows(asker.node.clearing.ListReversalProposals, request, "proposals")
        ours = [each for each in found if asker.is_ours(each.owner)]
        if not len(found):
            continue
        late = sum(
            bool(each.due_date) and each.due_date < asker.today.isoformat() for each in found
        )
        overdue = tr(f"，逾期 {late} 条", f", {late} overdue") if late else ""
        yield Point(
            text=tr(
                f"与 {partner}：{len(found)} 条已结清的建议冲正，其中归本方 {len(ours)} 条",
                f"with {partner}: {len(found)} cleared settlements should be reversed, "
                f"{len(ours)} of them by us",
            )
            + overdue,
            count=len(found),
            since=min(each.noticed_date for each in found),
            due_date=min((each.due_date for each in found if each.due_date), default=""),
            owner=asker.own if ours else partner,
            is_due=bool(ours),
            command=f"deltacare settle proposals --partner {partner}",
        )


def _clawbacks(asker: Asker) -> Iterator[Point]:
    from deltacare.v1.settlement_service_pb2 import ListClawbacksRequest

    for partner in asker.partners:
        request = ListClawbacksRequest(partner=partner)
        rows = asker.rows(asker.node.settlement.ListClawbacks, request, "clawbacks")
        waiting = [each for each in rows if enum_name(each, "state") == "DEMANDED"]
        yield from _demands(asker, partner, waiting)


def _demands(asker: Asker, partner: str, waiting: Iterable[Any]) -> Iterator[Point]:
    from clients.cli.output import yuan

    for is_host in (True, False):
        some = [each for each in waiting if (each.clawback.host == asker.own) is is_host]
        if not some:
            continue
        sum_yuan = yuan(sum(each.clawback.amount_fen for each in some))
        number = some[0].clawback.settlement_no
        yield Point(
            text=tr(
                f"{partner} 向本方追回 {len(some)} 笔，共 {sum_yuan} 元，待本方冲正或提出差错单",
                f"{partner} demands {len(some)} settlements back, {sum_yuan} yuan: reverse or "
                "dispute them",
            )
            if is_host
            else tr(
                f"向 {partner} 追回 {len(some)} 笔，共 {sum_yuan} 元，待对方答复",
                f"{len(some)} settlements demanded back of {partner}, {sum_yuan} yuan, not "
                "answered yet",
            ),
            count=len(some),
            due_date=min((each.due_date for each in some if each.due_date), default=""),
            owner=asker.own if is_host else partner,
            is_due=is_host,
            command=f"deltacare settle reverse {number} --partner {partner} --as-host --reason CODE"
            if is_host
            else f"deltacare settle clawback list --partner {partner}",
        )


# --- Disputes -------------------------------------------------------------------------------------


def _disputes(asker: Asker) -> Iterator[Point]:
    from clients.cli.disputes import due_words, next_command, owner_words, state_words
    from deltacare.v1.dispute_service_pb2 import ListDisputesRequest

    found = asker.rows(asker.node.dispute.ListDisputes, ListDisputesRequest(), "disputes")
    for each in found.rows[:_SHOWN_MAX]:
        name, number = each.dispute.dispute_id, each.dispute.settlement_no
        due = due_words(each)
        command = next_command(each, asker.own)
        yield Point(
            text=tr(
                f"差错单 {name}（{number}）：{state_words(each)}，"
                f"归{owner_words(each.owner)}，{due}",
                f"dispute {name} ({number}): {state_words(each)}, whose: "
                f"{owner_words(each.owner)}, due {due}",
            ),
            since=each.raised_date,
            due_date=each.due_date,
            owner=each.owner,
            is_due=asker.is_ours(each.owner) or bool(command),
            command=command or f"deltacare settle dispute show {name}",
        )
    left = found.rows[_SHOWN_MAX:]
    if left:
        yield Point(
            text=tr(
                f"另有 {_least(found)}{len(left)} 张差错单",
                f"and {_least(found)}{len(left)} more disputes",
            ),
            count=len(left),
            is_due=any(asker.is_ours(each.owner) for each in left),
            command="deltacare settle dispute list",
        )


RECORD_TOPICS: tuple[Topic, ...] = (
    Topic(
        name="NIGHTS",
        zh="对账",
        en="nights",
        methods=("ClearingService/ListPairNights", "SettlementService/ListDayCloses"),
        read=_nights,
    ),
    Topic(
        name="DRAFTS", zh="待复核", en="drafts", methods=("ReviewService/ListDrafts",), read=_drafts
    ),
    Topic(
        name="INBOX",
        zh="待答复",
        en="inbox",
        methods=("SettlementService/JudgeInbox", "SettlementService/ListDayCloses"),
        read=_inbox,
    ),
    Topic(
        name="DISCREPANCIES",
        zh="差错",
        en="discrepancies",
        methods=("ClearingService/ListLines", "SettlementService/ListDayCloses"),
        read=_discrepancies,
    ),
    Topic(
        name="DISPUTES",
        zh="差错单",
        en="disputes",
        methods=("DisputeService/ListDisputes",),
        read=_disputes,
    ),
    Topic(
        name="HOLDS",
        zh="暂缓",
        en="holds",
        methods=("SettlementService/ListHolds", "SettlementService/ListDayCloses"),
        read=_holds,
    ),
    Topic(
        name="OVERLAPS",
        zh="重复享受",
        en="overlaps",
        methods=("SettlementService/ListOverlaps", "SettlementService/ListDayCloses"),
        read=_overlaps,
    ),
    Topic(
        name="PROPOSALS",
        zh="建议冲正",
        en="reversals proposed",
        methods=("ClearingService/ListReversalProposals", "SettlementService/ListDayCloses"),
        read=_proposals,
    ),
    Topic(
        name="CLAWBACKS",
        zh="追回",
        en="clawbacks",
        methods=("SettlementService/ListClawbacks", "SettlementService/ListDayCloses"),
        read=_clawbacks,
    ),
)
"""In the order in which a clerk goes through them."""
