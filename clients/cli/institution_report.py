"""What ``deltacare institution import`` tells of a register: counts, defects, disagreements."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from clients.cli.output import answer, print_table, say
from clients.language import tr
from clients.plain import plain

if TYPE_CHECKING:
    from clients.registers.findings import Finding
    from clients.registers.plan import ImportPlan
    from clients.registers.reader import Register
    from deltacare.v1.registry_service_pb2 import Disagreement

__all__ = ["draw_disagreements", "show_report"]

_SHOWN_MAX = 40


def show_report(
    register: "Register",
    plan: "ImportPlan | None",
    counts: Mapping[str, int] | None,
    disagreements: Iterable["Disagreement"],
    path: Path | None,
) -> None:
    """Print what an import found and did, and write it into a file if that was asked for.

    Args:
        register: What was read.
        plan: What was sent, ``None`` if it was only checked.
        counts: What became of that.
        disagreements: What does not fit together.
        path: File for every defect and disagreement.
    """
    from clients.registers.reader import defect_counts
    from clients.registers.report import report_bytes

    findings = (*register.findings, *(plan.findings if plan else ()))
    findings = tuple(sorted(findings, key=lambda found: found.row))
    kept = plan.kept if plan else {}
    gone = plan.gone if plan else ()
    # What is stored leaves out rows too: those of institutions that nobody registered.
    unplaced = {found.row for found in (plan.findings if plan else ()) if found.leaves_out}
    taken = [row for row in register.rows if row.number not in unplaced]
    beds = sum(row.institution.approved_beds for row in taken)
    left_out = register.row_count - len(taken)
    disagreements = list(disagreements)
    if path is not None:
        path.write_bytes(report_bytes(path, findings, disagreements))
    data = {
        "dry_run": plan is None,
        "mapping": register.mapping.name,
        "rows": register.row_count,
        "institutions": len(taken),
        "beds": beds,
        "left_out": left_out,
        **(counts or {}),
        "defects": {defect.value: count for defect, count in defect_counts(findings)},
        "findings": [found.to_plain() for found in findings],
        "kept": {institution_id: sorted(names) for institution_id, names in kept.items()},
        "gone": list(gone),
        "disagreements": [plain(each) for each in disagreements],
        "report": str(path) if path else None,
    }
    lines = [
        tr(
            f"{register.row_count} 行：可用 {len(taken)} 家机构，{beds} 张床位；"
            f"未采用 {left_out} 行",
            f"{register.row_count} rows: {len(taken)} institutions with {beds} beds; "
            f"{left_out} rows left out",
        ),
        *_sent_lines(counts or {}),
    ]
    if kept:
        lines.append(
            tr(
                f"{len(kept)} 家机构有无法识别或已过时的单元格，相应字段保留原有内容",
                f"{len(kept)} institutions have cells that cannot be read or are out of date; what "
                "was stored there stays",
            )
        )
    if gone:
        named = " ".join(gone[:_SHOWN_MAX]) + (" …" if len(gone) > _SHOWN_MAX else "")
        lines.append(
            tr(
                f"名录所涉城市有 {len(gone)} 家机构已不在名录中，登记未动，请核实是否关闭：{named}",
                f"{len(gone)} institutions of the cities in the file are gone from it and stay as "
                f"they are; find out whether they closed: {named}",
            )
        )
    if path is not None:
        lines.append(tr(f"全部问题：{path}", f"Every defect: {path}"))
    if answer(data, lines):
        _draw_findings(findings)
        draw_disagreements(disagreements[:_SHOWN_MAX], len(disagreements))


def _sent_lines(counts: Mapping[str, int]) -> list[str]:
    lines = []
    if counts:
        lines.append(
            tr(
                f"新增 {counts['created']}，更新 {counts['updated']}，未变 {counts['unchanged']}",
                f"{counts['created']} new, {counts['updated']} changed, "
                f"{counts['unchanged']} unchanged",
            )
        )
    if counts.get("claims"):
        said, withdrawn = counts["claims_stated"], counts["claims_withdrawn"]
        parts = [tr(f"登记说法 {said} 条", f"{said} claims stated")]
        if withdrawn:
            parts.append(tr(f"撤回 {withdrawn} 条", f"{withdrawn} withdrawn"))
        same = counts["claims_unchanged"]
        parts.append(tr(f"未变 {same} 条", f"{same} unchanged"))
        lines.append(tr("，", ", ").join(parts))
    return lines


def _draw_findings(findings: tuple["Finding", ...]) -> None:
    from clients.registers.reader import by_rarity, defect_counts

    if not findings:
        return
    print_table(
        [tr("问题", "defect"), tr("数量", "count"), tr("处理办法", "remedy")],
        [
            (
                defect.what
                + (tr("（该行未采用）", " (row left out)") if defect.leaves_out else ""),
                count,
                defect.remedy,
            )
            for defect, count in defect_counts(findings)
        ],
        numbers=(1,),
    )
    print_table(
        [
            tr("行", "row"),
            tr("列", "column"),
            tr("内容", "value"),
            tr("问题", "defect"),
            tr("处理办法", "remedy"),
        ],
        [
            (found.row or "", found.column, found.value, found.defect.what, found.defect.remedy)
            for found in by_rarity(findings)[:_SHOWN_MAX]
        ],
        numbers=(0,),
    )
    if len(findings) > _SHOWN_MAX:
        more = len(findings) - _SHOWN_MAX
        say(tr(f"另有 {more} 处；--report 写出全部。", f"{more} more; --report writes all."))


def draw_disagreements(shown: Iterable["Disagreement"], total: int) -> None:
    """Draw what does not fit together, as a table of those shown and a line for the others."""
    from clients.registers.attribute_words import attribute_name, value_words
    from clients.registers.disagreements import disagreement_words

    shown = list(shown)
    if not shown:
        return
    print_table(
        [
            tr("不一致", "disagreement"),
            tr("机构", "institutions"),
            tr("要素", "attribute"),
            tr("名册所载", "stated"),
            tr("另一说法", "claimed"),
            tr("来源", "source"),
            tr("处理办法", "remedy"),
        ],
        [
            (
                disagreement_words(each)[0],
                " ".join(each.institution_ids),
                attribute_name(each.attribute),
                value_words(each.attribute, each.stated),
                value_words(each.attribute, each.claimed),
                each.source,
                disagreement_words(each)[1],
            )
            for each in shown
        ],
    )
    if total > len(shown):
        more = total - len(shown)
        say(tr(f"另有 {more} 处不一致。", f"{more} more disagreements."))
