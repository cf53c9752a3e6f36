"""Forks and bad keys in words, for people who must act on them. Messages in, lines out.

What is printed is what the node verified; the notes themselves are in the ``--json`` answer, so
that whoever doubts the node checks the signatures.
"""

from clients.language import tr
from deltacare.errors import DeltacareError
from deltacare.tlog.checkpoint import CHECKPOINT_BYTES_MAX, Checkpoint
from deltacare.tlog.note import SignedNote
from deltacare.v1.log_service_pb2 import Evidence, TouchedEntries

__all__ = ["fork_lines", "touched_lines"]


def fork_lines(evidence: Evidence) -> list[str]:
    """Return a proven fork in words, with both checkpoints, who showed it and when."""
    held, shown = _read(evidence.held_note), _read(evidence.shown_note)
    lines = [
        tr(
            f"{evidence.log}：作者签出了两份互相矛盾的历史。",
            f"{evidence.log}: its author signed two histories that contradict each other.",
        ),
        tr("  甲 ", "  A  ") + _words(held) + tr("；本节点所持", "; held here"),
        tr("  乙 ", "  B  ")
        + _words(shown)
        + tr(
            f"；{evidence.shown_by} 于 {evidence.seen_time} 出示",
            f"; shown by {evidence.shown_by} at {evidence.seen_time}",
        ),
        "  " + _why(evidence, held, shown),
    ]
    both = sorted(_witnesses(evidence.log, held) & _witnesses(evidence.log, shown))
    if both:
        names = ", ".join(both)
        lines.append(tr(f"  两份上都有其联签：{names}", f"  Cosigned both: {names}"))
    lines.append(
        tr(
            "  以此日志为据的核验答 FORK，不据以清算；原文见 --json。",
            "  Checks that rest on this log answer FORK, and nothing is cleared by it; the notes"
            " are in --json.",
        )
    )
    return lines


def touched_lines(row: TouchedEntries) -> list[str]:
    """Return in words what a key that was called bad touched of a log."""
    first, survived, covered, end = (
        row.first_index,
        row.survived_index,
        row.covered_index,
        row.end_index,
    )
    lines = [
        tr(
            f"{row.log}：密钥 {row.key_name}（{row.key_id}）自 {row.tainted_time} 起不再可信，"
            f"涉及第 {first} 至 {end - 1} 条。",
            f"{row.log}: key {row.key_name} ({row.key_id}) is bad since {row.tainted_time}; it"
            f" touched entries {first} to {end - 1}.",
        )
    ]
    if survived > first:
        lines.append(
            tr(
                f"  第 {first} 至 {survived - 1} 条仍然有效：此前已有足数的可信联签。",
                f"  Entries {first} to {survived - 1} survive: a quorum of untainted keys had"
                " cosigned them before.",
            )
        )
    if covered > survived:
        lines.append(
            tr(
                f"  第 {survived} 至 {covered - 1} 条此后已由可信密钥重新签署并足数联签。",
                f"  Entries {survived} to {covered - 1} were signed and cosigned again since.",
            )
        )
    if end > covered:
        lines.append(
            tr(
                f"  第 {covered} 至 {end - 1} 条尚无足数的可信联签，不据以准许任何事项。",
                f"  Entries {covered} to {end - 1} are under no quorum of untainted keys and permit"
                " nothing.",
            )
        )
    return lines


def _read(data: bytes) -> tuple[SignedNote, Checkpoint] | None:
    """Return a note and its checkpoint, ``None`` if it is none."""
    try:
        note = SignedNote.from_bytes(data, bytes_max=CHECKPOINT_BYTES_MAX)
        return note, Checkpoint.from_text(note.text)
    except DeltacareError:
        return None


def _words(read: tuple[SignedNote, Checkpoint] | None) -> str:
    if read is None:
        return tr("无检查点", "no checkpoint")
    _, checkpoint = read
    root = checkpoint.root.hex()
    return tr(f"{checkpoint.size} 条，根 {root}", f"{checkpoint.size} entries, root {root}")


def _why(
    evidence: Evidence,
    held: tuple[SignedNote, Checkpoint] | None,
    shown: tuple[SignedNote, Checkpoint] | None,
) -> str:
    if held is not None and shown is not None and held[1].size == shown[1].size:
        return tr("条数相同而根不同。", "One size, two roots.")
    if evidence.root:
        return tr(
            f"较长一份在较短一份的条数处的根是 {evidence.root.hex()}，并有一致性证明。",
            f"At the size of the shorter the longer one's root is {evidence.root.hex()}, as a"
            " consistency proof shows.",
        )
    return tr(
        "与本节点所持的全部条目不符。", "It does not agree with the entries that are held here."
    )


def _witnesses(log: str, read: tuple[SignedNote, Checkpoint] | None) -> set[str]:
    if read is None:
        return set()
    return {line.name for line in read[0].signatures if line.name != log}
