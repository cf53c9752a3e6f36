"""Checks a roster for ``deltacare cert check --roster``: file in, file out, the counts said."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from clients.checking.words import VERDICT_NAMES
from clients.cli.connection import Connection
from clients.cli.failures import Exit, InputRefused
from clients.cli.kept_files import VERDICT_SUFFIX, keep_file, require_free_folder
from clients.cli.output import answer, progress, require_folder, say
from clients.language import tr

if TYPE_CHECKING:
    from clients.checking.roster import Roster
    from clients.checking.run import Asked, RowResult
    from clients.sdk.node import SyncNodeClient

__all__ = ["check_roster"]

_SUFFIXES = (".xlsx", ".csv")
_LISTED_MAX = 20


def check_roster(
    connection: Connection,
    *,
    roster: Path,
    out: Path,
    evidence_dir: Path | None,
    asked: "Asked",
    with_names: bool,
) -> int:
    """Check every row of a roster, and write it with the verdicts.

    Args:
        connection: To the node that answers.
        roster: The file.
        out: Where the verdicts go.
        evidence_dir: Where a verdict file for each row goes, if anywhere.
        asked: What is the same for all rows.
        with_names: Whether holders are compared, where the roster has a column of names.

    Returns:
        0 only if every row is valid.

    Raises:
        InputRefused: If the files cannot be what they are named for.
    """
    from clients.checking.roster import read_roster
    from clients.checking.run import check_rows, counts
    from clients.checking.sheet import write_results
    from clients.cli.sentences import in_chinese

    if out.suffix.lower() not in _SUFFIXES:
        raise InputRefused(
            tr(
                f"结果文件 {out.name} 应以 .xlsx 或 .csv 结尾。",
                f"{out.name}: the verdicts go to a file that ends in .xlsx or .csv.",
            )
        )
    require_folder(out)
    if out.exists() and out.samefile(roster):
        raise InputRefused(
            tr(
                "结果文件不能就是花名册本身；请另起文件名。",
                "The verdicts cannot take the place of the roster; name another file.",
            )
        )
    if evidence_dir is not None:
        require_free_folder(evidence_dir)
    read = read_roster(roster, needs_names=with_names)
    if not with_names:
        read = replace(read, rows=tuple(replace(row, holder_name="") for row in read.rows))
    with connection.open() as node:
        with progress("核验", "checking", total=len(read.rows)) as bar:
            results = check_rows(
                node, read.rows, asked, in_chinese=in_chinese, on_batch=bar.advance
            )
        kept = 0
        if evidence_dir is not None:
            kept = _keep_files(node, results, asked, evidence_dir)
    counted = counts(results)
    write_results(out, read, results, counted)
    return _tell(read, results, counted, out=out, kept=kept if evidence_dir else None)


def _keep_files(
    node: "SyncNodeClient", results: list["RowResult"], asked: "Asked", directory: Path
) -> int:
    """Write a verdict file for each row that has a verdict, and return how many were written.

    A row whose file cannot be made yet, because something waits for its cosignatures, is named.
    """
    from clients.checking.run import NOT_ASKED, verdict_file
    from deltacare.errors import DeltacareError, Reason

    directory.mkdir(parents=True, exist_ok=True)
    rows = [result for result in results if result.verdict != NOT_ASKED]
    kept = 0
    with progress("取结论文件", "getting verdict files", total=len(rows)) as bar:
        for result in rows:
            try:
                verdict, data = verdict_file(node, result.row, asked)
            except DeltacareError as error:
                if error.reason is not Reason.NO_QUORUM:
                    raise
                say(
                    tr(
                        f"第 {result.row.number} 行：联签尚未足数，结论文件请稍后再取。",
                        f"row {result.row.number}: its verdict file waits for cosignatures; "
                        "ask again in a moment.",
                    )
                )
            else:
                if verdict != result.verdict:
                    say(
                        tr(
                            f"第 {result.row.number} 行：结论在此期间变为 {verdict}，请重新核验。",
                            f"row {result.row.number}: the verdict has become {verdict} "
                            "meanwhile; check again.",
                        )
                    )
                name = f"{result.row.number:06d}-{result.row.certificate_no}{VERDICT_SUFFIX}"
                keep_file(directory / name, data)
                kept += 1
            bar.advance()
    return kept


def _tell(
    read: "Roster",
    results: list["RowResult"],
    counted: dict[str, int],
    *,
    out: Path,
    kept: int | None,
) -> int:
    """Say the counts, and return the exit code."""
    total = len(results)
    valid = counted.get("VALID", 0)
    noted = [result for result in results if result.faults]
    lines = [
        tr(f"共 {total} 行，有效 {valid} 行", f"{total} rows, {valid} valid"),
        *(
            f"  {name}  {tr(*VERDICT_NAMES.get(name, ('未核验', 'could not be read')))}  {count}"
            for name, count in counted.items()
        ),
    ]
    if read.sheet:
        lines.append(tr(f"所读工作表：{read.sheet}", f"sheet read: {read.sheet}"))
    lines += [
        tr(f"第 {result.row.number} 行：", f"row {result.row.number}: ")
        + tr("；", " ").join(tr(zh, en) for zh, en in result.faults)
        for result in noted[:_LISTED_MAX]
    ]
    if len(noted) > _LISTED_MAX:
        lines.append(
            tr(
                f"另有 {len(noted) - _LISTED_MAX} 行有问题，见结果文件。",
                f"{len(noted) - _LISTED_MAX} more rows have findings: see the file.",
            )
        )
    lines.append(tr(f"结果已写入 {out}", f"Written to {out}"))
    if kept is not None:
        lines.append(tr(f"结论文件 {kept} 份", f"{kept} verdict files"))
    data = {
        "file": out.name,
        "rows": total,
        "counts": counted,
        "sheet": read.sheet,
        "findings": [
            {
                "row": result.row.number,
                "zh": [zh for zh, _ in result.faults],
                "en": [en for _, en in result.faults],
            }
            for result in noted
        ],
        "verdict_files": kept,
    }
    answer(data, lines)
    return Exit.YES if valid == total else Exit.NO
