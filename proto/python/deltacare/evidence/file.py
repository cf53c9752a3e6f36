"""The evidence file: receipts, and for a verdict what the answering node signed, in one JSON.

The receipts inside are plain C2SP tlog-proof texts with their entries, so that tools that are not
ours check them; a signed verdict is a C2SP note. The file itself proves nothing and is trusted for
nothing: no key, no quorum and no time is taken from it unverified.
"""

import base64
import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from deltacare.evidence.reading import (
    bad,
    read_canonical,
    read_list,
    require,
    require_bytes,
    require_fields,
)
from deltacare.tlog.checkpoint import CHECKPOINT_BYTES_MAX
from deltacare.tlog.note import NOTE_BYTES_MAX
from deltacare.tlog.receipt import RECEIPT_BYTES_MAX
from deltacare.trust.documents import canonical

__all__ = [
    "EVIDENCE_BYTES_MAX",
    "RECEIPTS_MAX",
    "Evidence",
    "EvidenceKind",
    "EvidenceReceipt",
    "claims_evidence",
]

# A statement names at most 1,000 results; with proofs each takes a few kilobytes.
EVIDENCE_BYTES_MAX = 16 * 1024 * 1024
RECEIPTS_MAX = 2_000
CHECKPOINTS_MAX = 16
ENTRY_BYTES_MAX = 65_535

_FORMAT = "deltacare/evidence/v1"


class EvidenceKind(enum.StrEnum):
    """What a file is evidence of."""

    RECEIPT = "receipt"
    VERDICT = "verdict"
    STATEMENT = "statement"


_FIELDS: Mapping[EvidenceKind, tuple[str, ...]] = {
    EvidenceKind.RECEIPT: ("format", "kind", "receipts"),
    EvidenceKind.VERDICT: ("checkpoints", "format", "kind", "note", "receipts"),
    EvidenceKind.STATEMENT: ("format", "kind", "receipts"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceReceipt:
    """A receipt with its entry, as received: nothing of it is verified yet.

    Attributes:
        proof: C2SP tlog-proof text.
        entry: The exact bytes of the entry.
    """

    proof: bytes
    entry: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """An evidence file, as received: nothing in it is verified yet.

    Attributes:
        kind: What it is evidence of.
        receipts: Of the entries it rests on. A receipt's has one; a statement's begins with that of
            the statement; a verdict's stand in the order in which the signed verdict names them.
        note: For a verdict the signed note, else empty.
        checkpoints: For a verdict the cosigned checkpoints of the logs that were read, in the order
            in which the signed verdict names the logs.
    """

    kind: EvidenceKind
    receipts: tuple[EvidenceReceipt, ...]
    note: bytes = b""
    checkpoints: tuple[bytes, ...] = ()

    def to_bytes(self) -> bytes:
        """Return the file's bytes."""
        value: dict[str, Any] = {
            "format": _FORMAT,
            "kind": self.kind.value,
            "receipts": [
                {
                    "entry": base64.b64encode(each.entry).decode("ascii"),
                    "proof": each.proof.decode("utf-8"),
                }
                for each in self.receipts
            ],
        }
        if self.kind is EvidenceKind.VERDICT:
            value["note"] = self.note.decode("utf-8")
            value["checkpoints"] = [each.decode("utf-8") for each in self.checkpoints]
        return canonical(value)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return what a file holds.

        Raises:
            PeerFault: ``BAD_PROOF``, if it is not exactly such a file.
        """
        # 1. Size and spelling.
        if len(data) > EVIDENCE_BYTES_MAX:
            raise bad(f"The file has more than {EVIDENCE_BYTES_MAX} bytes.")
        value = read_canonical(data, "evidence file")
        # 2. The format.
        if not isinstance(value, dict) or value.get("format") != _FORMAT:
            raise bad(f"This is not an evidence file ({_FORMAT}).")
        kinds = {kind.value: kind for kind in EvidenceKind}
        name = value.get("kind")
        if not isinstance(name, str) or name not in kinds:
            raise bad("kind is not receipt, verdict or statement.")
        kind = kinds[name]
        fields = require_fields(value, _FIELDS[kind], "The file")
        # 3. Receipts.
        rows = read_list(fields["receipts"], "receipts", items_max=RECEIPTS_MAX)
        receipts = tuple(_read_receipt(row, f"receipts[{i}]") for i, row in enumerate(rows))
        if kind is EvidenceKind.RECEIPT and len(receipts) != 1:
            raise bad("A receipt's file holds one receipt.")
        if kind is EvidenceKind.STATEMENT and not receipts:
            raise bad("A statement's file begins with the statement's receipt.")
        if kind is not EvidenceKind.VERDICT:
            return cls(kind=kind, receipts=receipts)
        # 4. What the node signed, and how far the logs were.
        notes = read_list(fields["checkpoints"], "checkpoints", items_max=CHECKPOINTS_MAX)
        return cls(
            kind=kind,
            receipts=receipts,
            note=_text(fields["note"], "note", bytes_max=NOTE_BYTES_MAX),
            checkpoints=tuple(
                _text(each, f"checkpoints[{i}]", bytes_max=CHECKPOINT_BYTES_MAX)
                for i, each in enumerate(notes)
            ),
        )


def claims_evidence(data: bytes) -> bool:
    """Whether bytes say of themselves that they are evidence, however much of them was altered.

    Two marks are looked for, so that one altered byte never makes evidence something else.
    """
    head = _FORMAT.rpartition("/")[0].encode()
    return head in data or b'"receipts":' in data


def _read_receipt(value: object, where: str) -> EvidenceReceipt:
    fields = require_fields(value, ("entry", "proof"), where)
    entry = require_bytes(fields["entry"], f"{where}.entry")
    if len(entry) > ENTRY_BYTES_MAX:
        raise bad(f"{where}.entry has more than {ENTRY_BYTES_MAX} bytes.")
    proof = _text(fields["proof"], f"{where}.proof", bytes_max=RECEIPT_BYTES_MAX)
    return EvidenceReceipt(proof=proof, entry=entry)


def _text(value: object, where: str, *, bytes_max: int) -> bytes:
    """Return the bytes of a text; one with half a surrogate pair has none."""
    try:
        data = require(value, str, where).encode()
    except UnicodeEncodeError:
        raise bad(f"{where} is not a text in UTF-8.") from None
    if len(data) > bytes_max:
        raise bad(f"{where} has more than {bytes_max} bytes.")
    return data
