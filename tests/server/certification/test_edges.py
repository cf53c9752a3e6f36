"""Every rule of recognition from both sides of its edge, by both implementations, and in `docs/`.

``DELTACARE_UPDATE_DOCUMENTS=1`` writes the table into ``docs/recognition-rules.md``.
"""

import itertools
import os
from pathlib import Path

import pytest

from clients.verify.recognition import derive
from clients.verify.said import SaidEntry
from deltacare.v1 import entry_pb2 as pb
from server.certification.verdicts import RULES
from tests.server.certification.edges import EDGES, Edge, Side

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "recognition-rules.md"
SIDES = [
    pytest.param(side, id=f"{edge.rule[:3]} {side.en}")
    for edge in EDGES
    for side in (edge.inside, edge.outside)
]
VERDICTS_ZH = {
    "VALID": "有效",
    "SUSPENDED": "暂停",
    "REVOKED": "撤销",
    "EXPIRED": "过期",
    "NOT_YET_VALID": "未生效",
    "NOT_RECOGNISED_HERE": "本地不予互认",
    "HOLDER_MISMATCH": "人证不符",
    "UNKNOWN": "查无此证",
    "STALE": "数据过旧",
    "FORK": "凭证异常",
}
HEAD = """\
# 互认规则及其边界 · The rules of recognition and their edges

由 `tests/server/certification/edges.py` 生成，请勿手改；测试逐条以节点规则和离线核验程序各算一遍。
规则按编号依次执行，第一条作答者定案。除另有说明外：江苏（320505）签发的护理员三级证书，问
2026-11-22 当日在上海是否有效，上海市与苏州市之间的协议生效，允许时限 86400 秒。R13 各行所问为江苏
一家机构的等级证书，协议涵盖机构标准。

Generated from `tests/server/certification/edges.py`; do not edit. Tests work out every line twice,
by the node's rules and by the offline verifier. Rules run in order of number, and the first that
answers decides. Unless a line says otherwise: a caregiver's 三级 of Jiangsu, issued in 320505,
asked for Shanghai on 2026-11-22, under an agreement of Shanghai and Suzhou in force; a log may be
86,400 seconds old. The lines of R13 ask for the grade of an institution of Jiangsu, under an
agreement about the standards of institutions.
"""


@pytest.mark.parametrize("side", SIDES)
def test_both_implementations_say_what_stands_there(side: Side) -> None:
    """The node's rules and the verifier's give the expected verdict by the expected rule."""
    logs, asked = side.build()
    record = logs.record(asked)
    assert (side.verdict, side.rule) == (record.verdict, record.rule)
    entries = [
        SaidEntry(
            place=each.place,
            leaf=each.leaf,
            entry=pb.Entry.FromString(logs.entries[each.place.log.author][each.place.index]),
        )
        for each in record.said
    ]
    found = derive(record, entries)
    assert (side.verdict, side.rule, record.entries) == (found.verdict, found.rule, found.entries)


def test_every_rule_has_both_sides() -> None:
    """No rule is without an edge, edges stand in the order of the rules, and sides differ."""
    assert [rule.code for rule in RULES] == [code for code, _ in itertools.groupby(_codes())]
    for edge in EDGES:
        assert edge.rule == edge.inside.rule
        assert edge.outside.rule != edge.rule


def _codes() -> list[str]:
    return [edge.rule for edge in EDGES]


def _said(side: Side) -> str:
    return f"**{side.verdict}** {VERDICTS_ZH[side.verdict]} `{side.rule[:3]}`"


def _row(edge: Edge) -> str:
    inside, outside = edge.inside, edge.outside
    return (
        f"| {inside.zh}<br>{inside.en} | {_said(inside)} "
        f"| {outside.zh}<br>{outside.en} | {_said(outside)} |\n"
    )


def document() -> str:
    """Return the document as the edges give it."""
    parts = [HEAD]
    for rule in RULES:
        parts.append(f"\n## {rule.code}\n\n{rule.zh}\n\n{rule.en}\n\n*{rule.source}*\n\n")
        parts.append("| 之内 inside | 结论 verdict | 之外 outside | 结论 verdict |\n")
        parts.append("|---|---|---|---|\n")
        parts += [_row(edge) for edge in EDGES if edge.rule == rule.code]
    return "".join(parts)


def test_the_document_is_what_the_edges_give() -> None:
    """What people read is what was tested, to the letter."""
    if os.environ.get("DELTACARE_UPDATE_DOCUMENTS"):
        DOCUMENT.write_text(document(), encoding="utf-8")
    assert document() == DOCUMENT.read_text(encoding="utf-8")
