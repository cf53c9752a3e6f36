"""What commands say of nights: their table, what waits and for what, whose turn it is."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from clients.cli.failures import Exit
from clients.cli.output import pages, print_table, yuan
from clients.language import tr
from clients.plain import enum_name

__all__ = [
    "agreed_turn",
    "draw_nights",
    "list_nights",
    "own_partners",
    "verdict",
    "waiting_lines",
    "waits",
]

_STATES = {
    "WAITING": ("等待", "waiting"),
    "ONE_SIDED": ("单方已出", "one side"),
    "AGREED": ("一致", "agreed"),
    "DIVERGED": ("不一致", "diverged"),
}

# What a night waits for; a detail, a log or a province, follows.
_WAITING = {
    "DUE": ("可以运行：settle run", "can be run: settle run"),
    "CLOSE_MISSING": ("未日切：", "not closed: "),
    "CLOSE_NOT_COSIGNED": ("日切未联签：", "close not cosigned yet: "),
    "LOG_STALLED": (
        "日志含本版本不认识的条目：",
        "log holds entries that this version does not know: ",
    ),
    "TRUST_STALE": (
        "联盟元数据已失效，等待其更新；上次确认：",
        "the federation's metadata is stale and must be refreshed first; last confirmed: ",
    ),
    "PIN_NOT_VERIFIED": ("名录日志尚未通过校验：", "registry log not verified yet: "),
    "PIN_NOT_HELD": ("名录日志尚未收全：", "registry log not received yet: "),
    "FORK": ("日志分叉：", "log has forked: "),
    "RESULT_MISSING": ("尚无对方结果：", "no result yet of "),
    "DIGESTS_DIFFER": (
        "两方摘要不同：settle compare",
        "the two digests differ: settle compare",
    ),
}


def list_nights(node: Any, request: Any) -> list[Any]:  # noqa: ANN401  # a client of a node, messages
    """Return every night that a request asks for."""
    found = pages(node.clearing.ListPairNights, request)
    return [night for page in found for night in page.nights]


def own_partners(node: Any) -> list[str]:  # noqa: ANN401  # a client of a node
    """Return the provinces with which the own one keeps settlement logs, sorted."""
    from deltacare.ids import LogName
    from deltacare.v1.federation_service_pb2 import WhoAmIRequest
    from deltacare.v1.settlement_service_pb2 import ListDayClosesRequest

    own = node.federation.WhoAmI(WhoAmIRequest()).province
    closes = node.settlement.ListDayCloses(ListDayClosesRequest()).closes
    logs = [LogName.parse(close.log) for close in closes]
    return sorted(log.partner for log in logs if log.author == own)


def verdict(nights: Sequence[Any]) -> int:
    """Return the exit code of nights: no if one has two results."""
    diverged = any(enum_name(night, "state") == "DIVERGED" for night in nights)
    return Exit.NO if diverged else Exit.YES


def waiting_lines(nights: Sequence[Any]) -> list[str]:
    """Return one line for each night that waits: which, and for what."""
    return [
        f"{night.business_date} {night.lower}-{night.higher}  {waits(night.waiting_for)}"
        for night in nights
        if night.waiting_for
    ]


def waits(text: str) -> str:
    """Return what a night waits for, in words; a code that is not known as it is."""
    code, _, detail = text.partition(" ")
    words = _WAITING.get(code)
    return f"{tr(*words)}{detail}" if words else text


def agreed_turn(nights: Sequence[Any]) -> tuple[str, str] | None:
    """Return the last date on which every pair agrees, and who proposes a window that ends on it.

    Args:
        nights: Of every pair, as a node lists them.
    """
    from settlement.turns import statement_turn

    pairs = {(night.lower, night.higher) for night in nights}
    agreed: dict[str, set[tuple[str, str]]] = {}
    for night in nights:
        if enum_name(night, "state") == "AGREED":
            agreed.setdefault(night.business_date, set()).add((night.lower, night.higher))
    last = max((day for day, found in agreed.items() if found == pairs), default=None)
    if last is None:
        return None
    parties = sorted({province for pair in pairs for province in pair})
    return last, statement_turn(date.fromisoformat(last), parties)


def draw_nights(nights: Sequence[Any]) -> None:
    """Draw a table of nights."""
    print_table(
        [
            tr("业务日", "date"),
            tr("双方", "pair"),
            tr("次", "attempt"),
            tr("状态", "state"),
            tr("低码付高码（元）", "lower pays, yuan"),
            tr("高码付低码（元）", "higher pays, yuan"),
            tr("摘要", "digest"),
        ],
        [_night_row(night) for night in nights],
        numbers=(2, 4, 5),
    )


def _night_row(night: Any) -> list[object]:  # noqa: ANN401  # a message
    result = night.lower_result if night.HasField("lower_result") else night.higher_result
    stated = night.HasField("lower_result") or night.HasField("higher_result")
    return [
        night.business_date,
        f"{night.lower}-{night.higher}",
        night.attempt,
        tr(*_STATES.get(enum_name(night, "state"), ("", ""))),
        yuan(result.lower_pays_fen) if stated else "",
        yuan(result.higher_pays_fen) if stated else "",
        result.digest.hex()[:16] if stated else "",
    ]
