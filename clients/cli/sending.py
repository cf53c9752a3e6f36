"""What filing from a file has in common: every row checked, then batches sent, then told.

`settle import` and `settle revise` are made of it. Nothing is sent before the whole file is
checked. What a clerk sends waits for a reviewer; what a system sends is filed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from clients.cli.drafting import submit, submitted_lines
from clients.cli.failures import (
    Exit,
    Fault,
    InputRefused,
    fault_lines,
    fault_plain,
    finding_fault,
    reason_words,
)
from clients.cli.output import answer, progress, say
from clients.language import tr
from clients.plain import plain
from deltacare.errors import Reason, Refusal

if TYPE_CHECKING:
    from clients.cli.connection import Signature
    from clients.filing.batches import Batch, Outcome
    from deltacare.v1.entry_pb2 import SettlementRecord
    from deltacare.v1.policy_service_pb2 import ComputedAmount
    from settlement.records import SettlementRow
    from settlement.stated import StatedTotals

__all__ = [
    "CheckedFile",
    "Sent",
    "check_file",
    "compute",
    "refuse_faults",
    "row_fault",
    "send",
    "tell",
    "validate",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedFile:
    """A settlement file after the check.

    Attributes:
        good: Rows that may be filed.
        faults: What is wrong with the others.
        fault_count: How many faults there are, where not all are listed.
        totals: What the file says that it holds.
        filed_dates: By row, the business date that the file gives.
        empty: Numbers of the rows whose amount the node has to compute.
        computed: By row, what it computed.
    """

    good: list["SettlementRow"]
    faults: list[Fault]
    fault_count: int
    totals: tuple["StatedTotals", ...] = ()
    filed_dates: Mapping[int, str] = field(default_factory=dict)
    empty: frozenset[int] = frozenset()
    computed: Mapping[int, "ComputedAmount"] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Sent:
    """What became of batches; filled while answers come.

    Attributes:
        filed: Records that were appended by this run.
        repeated: Records that an earlier run had filed.
        repeated_rows: The rows of the file that these were.
        refused: What the node has against others.
        drafts: What waits for a reviewer, where a clerk submitted it.
    """

    filed: int = 0
    repeated: int = 0
    repeated_rows: set[int] = field(default_factory=set)
    refused: list[Fault] = field(default_factory=list)
    drafts: list[Any] = field(default_factory=list)


def row_fault(row: int, name: str, value: str, description: str, remedy: str = "") -> Fault:
    """Return what is wrong at a row of the file."""
    from clients.filing.column_words import column_words

    column = column_words(name)
    where = tr(f"第 {row} 行 {column}", f"row {row} {column}").rstrip()
    return Fault(field=where, value=value, description=description, remedy=remedy)


def check_file(file: Path, own: str) -> CheckedFile:
    """Return the rows of a file that may be filed, and everything against the others.

    Args:
        file: CSV or XLSX.
        own: The node's province.
    """
    from clients.filing.checks import sound_rows
    from clients.filing.record_files import read_records

    with progress("检查文件", "checking the file") as bar:
        read = read_records(file)
        bar.advance(len(read.rows))
    findings = read.findings
    sound = sound_rows(read.rows, findings)
    good = [row for row in sound if own in (row.home, row.host)]
    foreign = [row for row in read.rows if own not in (row.home, row.host)]
    faults = [finding_fault(finding) for finding in sorted(findings.listed)]
    faults += [
        row_fault(
            row.row,
            "",
            f"{row.home}, {row.host}",
            tr(f"不涉及本省 {own}", f"It is not between {own} and another province."),
            tr("交由有关省份报送", "Have one of its two provinces file it."),
        )
        for row in foreign
    ]
    return CheckedFile(
        good=good,
        faults=faults,
        fault_count=findings.total + len(foreign),
        totals=read.totals,
        filed_dates=read.filed_dates,
        empty=read.computed_rows,
    )


def compute(
    node: Any,  # noqa: ANN401  # a client of a node
    checked: CheckedFile,
    *,
    earlier: "Sequence[SettlementRecord]" = (),
) -> CheckedFile:
    """Let the node compute the amounts that a file leaves empty.

    Args:
        node: The own node.
        checked: The file.
        earlier: What was filed under its numbers: what was computed of a row is not computed again.

    Returns:
        The file with them; rows for which nothing is paid are among the faults.
    """
    from clients.filing.amounts import REASONS, compute_amounts
    from clients.filing.batches import record_of
    from clients.filing.earlier import computed_before

    empty = [row for row in checked.good if row.row in checked.empty]
    if not empty:
        return checked
    before = computed_before(empty, earlier)
    asked = [row for row in empty if row.row not in before]
    amounts = compute_amounts(node, [record_of(row) for row in asked]) if asked else []
    computed = before | {
        row.row: amount for row, amount in zip(asked, amounts, strict=True) if amount.amount_fen
    }
    faults = [
        row_fault(row.row, "amount_fen", "", tr(*REASONS[amount.reason or "NO_RATE"]))
        for row, amount in zip(asked, amounts, strict=True)
        if not amount.amount_fen
    ]
    return replace(
        checked,
        good=[
            replace(row, amount_fen=computed[row.row].amount_fen) if row.row in computed else row
            for row in checked.good
            if row.row not in checked.empty or row.row in computed
        ],
        faults=[*checked.faults, *faults],
        fault_count=checked.fault_count + len(faults),
        computed=computed,
    )


def refuse_faults(file: Path, faults: Sequence[Fault], fault_count: int) -> None:
    """Refuse a file that is not all good.

    Raises:
        InputRefused: If there is a fault.
    """
    if fault_count:
        raise InputRefused(
            tr(
                f"{file.name} 有 {fault_count} 处问题，未报送任何行；改好后重来，"
                "或用 --only-good 只报送合格的行。",
                f"{file.name}: {fault_count} problems, nothing was filed. Mend them, or use "
                "--only-good to file the good rows.",
            ),
            faults=tuple(faults),
            fault_count=fault_count,
        )


def send(
    node: Any,  # noqa: ANN401  # a client of a node
    batches: Sequence["Batch"],
    signature: "Signature",
) -> Sent:
    """File batches and return what became of them.

    Under a request id of the clerk's own choice each batch waits for the answer to the one before,
    so that an id that stands for another file stops at its first batch.
    """
    from clients.filing.batches import file_batches, log_sizes

    if signature.is_draft:
        return _submit(node, batches)
    sent = Sent()
    total = sum(len(batch.rows) for batch in batches)
    try:
        before = log_sizes(node) if batches else {}
    except Refusal as refusal:
        if refusal.reason is not Reason.ROLE_NOT_ALLOWED:
            raise
        before = {}  # who may not ask this may not file either: let the filing itself be denied
    with progress("报送", "filing", total=total) as bar:
        careful = signature.request_id is not None
        for outcome in file_batches(node, batches, signature.duty, is_careful=careful):
            bar.advance(len(outcome.batch.rows))
            if outcome.is_repeated(before):
                sent.repeated += outcome.filed_count
                sent.repeated_rows.update(outcome.batch.rows)
            else:
                sent.filed += outcome.filed_count
            if outcome.response.refusal_reason == Reason.REQUEST_ID_REUSED.wire:
                sent.refused.append(_reused(outcome.batch))
                continue
            sent.refused += _refused(outcome)
    return sent


def validate(
    node: Any,  # noqa: ANN401  # a client of a node
    batches: Sequence["Batch"],
    signature: "Signature",
) -> Sent:
    """Ask the node what stands against batches, duties included; nothing is filed."""
    from clients.filing.batches import file_batches

    sent = Sent()
    total = sum(len(batch.rows) for batch in batches)
    with progress("预检", "asking the node", total=total) as bar:
        for outcome in file_batches(node, batches, signature.duty, validate_only=True):
            bar.advance(len(outcome.batch.rows))
            sent.refused += _refused(outcome)
    return sent


def _refused(outcome: "Outcome") -> list[Fault]:
    """Return what the node has against a batch, by the rows of the file."""
    return [
        row_fault(row, name, fault.value, reason_words(fault.description), fault.remedy)
        for row, name, fault in outcome.faults()
    ]


def _submit(node: Any, batches: Sequence["Batch"]) -> Sent:  # noqa: ANN401  # a client of a node
    """Submit batches for review, each a draft; what the node has against one stops none."""
    from clients.filing.batches import Outcome
    from deltacare.v1.settlement_service_pb2 import (
        FieldFault,
        FileRecordsRequest,
        FileRecordsResponse,
    )

    sent = Sent()
    total = sum(len(batch.rows) for batch in batches)
    with progress("提交待复核", "submitting for review", total=total) as bar:
        for batch in batches:
            request = FileRecordsRequest(
                request_id=batch.request_id, partner=batch.partner, records=batch.records
            )
            try:
                draft = submit(
                    node,
                    request,
                    control_count=len(batch.records),
                    control_fen=sum(record.amount_fen for record in batch.records),
                )
            except Refusal as refusal:
                if not refusal.violations:
                    raise
                faults = [
                    FieldFault(field=each.field, value=each.value, description=each.description)
                    for each in refusal.violations
                ]
                refused = FileRecordsResponse(refusal_reason=refusal.reason.wire, faults=faults)
                sent.refused += [
                    row_fault(row, name, fault.value, reason_words(fault.description))
                    for row, name, fault in Outcome(batch=batch, response=refused).faults()
                ]
            else:
                sent.drafts.append(draft)
            bar.advance(len(batch.rows))
    return sent


def _reused(batch: "Batch") -> Fault:
    """Return what is wrong if the request id stands for another file."""
    code = Reason.REQUEST_ID_REUSED.wire
    return row_fault(
        batch.rows[0],
        "--request-id",
        "",
        tr(
            f"同一请求号已用于其他内容（{code}），自此行起未报送",
            f"{code}: the id stands for other content; nothing was filed from this row on.",
        ),
        tr("换一个请求号，或不用 --request-id", "Use another id, or leave --request-id out."),
    )


def tell(
    *,
    file: Path,
    good: int,
    faults: Sequence[Fault],
    fault_count: int,
    sent: Sent,
    is_dry_run: bool,
    more: Iterable[tuple[str, int, str]] = (),
    facts: Mapping[str, object] = MappingProxyType({}),
) -> int:
    """Say what was filed and what was not, and return the exit code.

    Args:
        file: The file.
        good: Rows that were good.
        faults: What is wrong with others.
        fault_count: How many faults there are.
        sent: What became of the good rows.
        is_dry_run: Nothing was to be filed.
        more: Further counts: name in JSON, number, words with the number.
        facts: What a program is told beside it.
    """
    more = tuple(more)
    data = {
        "file": file.name,
        "dry_run": is_dry_run,
        "good_rows": good,
        "filed": sent.filed,
        "already_filed": sent.repeated,
        "drafts": [plain(draft) for draft in sent.drafts],
        **{name: count for name, count, _ in more},
        **facts,
        "fault_count": fault_count,
        "faults": [fault_plain(fault) for fault in faults],
        "refused": [fault_plain(fault) for fault in sent.refused],
    }
    parts = [tr(f"合格 {good} 行", f"{good} good rows")]
    if is_dry_run:
        parts.append(tr("未报送（--dry-run）", "nothing filed (--dry-run)"))
    elif sent.drafts:
        parts.append(tr(f"{len(sent.drafts)} 批已提交", f"{len(sent.drafts)} batches submitted"))
    else:
        parts.append(tr(f"本次报送 {sent.filed} 行", f"{sent.filed} filed"))
        if sent.repeated:
            parts.append(
                tr(f"{sent.repeated} 行先前已报送", f"{sent.repeated} had been filed before")
            )
    parts += [words for _, count, words in more if count]
    answer(data, [tr("，", ", ").join(parts), *submitted_lines(sent.drafts)])
    for title, listed, count in (
        (tr("文件问题：", "In the file:"), faults, fault_count),
        (tr("节点拒绝：", "Refused by the node:"), sent.refused, len(sent.refused)),
    ):
        if listed:
            say("\n".join([title, *fault_lines(listed, count)]))
    return Exit.BAD_INPUT if fault_count or sent.refused else Exit.YES
