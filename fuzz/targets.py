"""Every target by name: what it runs and where it begins."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from fuzz import documents, notes, opening, phones, texts, trees

__all__ = ["TARGETS", "Target"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Something that reads bytes from strangers.

    Attributes:
        run: Takes an input and says whether the kernel accepted it; raises `fuzz.inputs.Finding`
            if it accepted or refused wrongly, and anything else if it crashed.
        seeds: Yields inputs to begin with; at least one is accepted.
        length_max: Longest input in bytes.
        is_slow: Whether an input takes milliseconds.
    """

    run: Callable[[bytes], bool]
    seeds: Callable[[], Iterable[bytes]]
    length_max: int = 4_096
    is_slow: bool = False


def _plain() -> Iterable[bytes]:
    """Yield inputs for targets that build what they need from numbers."""
    yield b""
    for i in range(40):
        yield bytes((i, 3 * i % 256, 7 * i % 256, 1)) + bytes(range(i))


TARGETS: Mapping[str, Target] = {
    "note": Target(run=notes.note, seeds=notes.note_seeds, length_max=16_384),
    "checkpoint": Target(run=notes.checkpoint, seeds=notes.note_seeds),
    "cosignature": Target(run=notes.cosignature, seeds=lambda: (s[1:] for s in notes.note_seeds())),
    "receipt": Target(run=notes.receipt, seeds=notes.receipt_seeds, length_max=16_384),
    "suite": Target(run=notes.suite, seeds=_plain, length_max=512),
    "policy": Target(run=texts.policy, seeds=texts.policy_seeds, length_max=16_384),
    "vkey": Target(run=texts.vkey, seeds=texts.vkey_seeds),
    "inclusion": Target(run=trees.inclusion, seeds=trees.proof_seeds),
    "consistency": Target(run=trees.consistency, seeds=trees.proof_seeds),
    "tile": Target(run=trees.tiles, seeds=_plain, length_max=1_024),
    "bundle": Target(run=trees.bundle, seeds=trees.bundle_seeds, length_max=16_384),
    "opening": Target(run=opening.opening, seeds=opening.opening_seeds),
    "metadata": Target(
        run=documents.metadata, seeds=documents.json_seeds, length_max=256, is_slow=True
    ),
    "document": Target(
        run=documents.document, seeds=documents.json_seeds, length_max=256, is_slow=True
    ),
    "evidence": Target(run=documents.evidence, seeds=documents.json_seeds, length_max=512),
    "verdict": Target(run=documents.verdict, seeds=documents.json_seeds, length_max=512),
    "submission": Target(
        run=documents.submission, seeds=documents.submission_seeds, length_max=16_384
    ),
    "path": Target(run=documents.path, seeds=documents.path_seeds, length_max=100),
    "credential": Target(run=phones.credential, seeds=phones.credential_seeds),
    "status-list": Target(run=phones.status_list, seeds=phones.status_list_seeds),
    "cbor": Target(run=phones.cbor_item, seeds=phones.status_list_seeds, length_max=1_024),
    "frontier": Target(run=trees.frontier, seeds=_plain, length_max=512),
}
"""By the name that ``python -m fuzz`` takes."""
