"""Evidence files: what a receipt, a verdict or a statement rests on, in one file that outlives us.

`file` is the container, `verdict` what a node signs of a verdict. Nothing here is verified against
anybody's keys: whoever holds a file does that by a policy of his own.
"""

from deltacare.evidence.file import (
    EVIDENCE_BYTES_MAX,
    RECEIPTS_MAX,
    Evidence,
    EvidenceKind,
    EvidenceReceipt,
)
from deltacare.evidence.verdict import (
    Holder,
    LogRead,
    Place,
    Said,
    VerdictRecord,
)

__all__ = [
    "EVIDENCE_BYTES_MAX",
    "RECEIPTS_MAX",
    "Evidence",
    "EvidenceKind",
    "EvidenceReceipt",
    "Holder",
    "LogRead",
    "Place",
    "Said",
    "VerdictRecord",
]
