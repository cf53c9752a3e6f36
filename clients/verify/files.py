"""Reads what a verifier was handed: an evidence file, or a bare receipt with its entry beside it.

The only module here that opens the files under test. Sizes are limited before anything is parsed.
"""

from dataclasses import dataclass
from pathlib import Path

from clients.regular_files import NotRegular, read_regular
from clients.verify.receipt import verify_receipt
from clients.verify.statement import verify_statement
from clients.verify.steps import Steps
from clients.verify.trusting import Trusting
from clients.verify.unusable import Unusable
from clients.verify.verdict import verify_verdict
from deltacare.errors import PeerFault, Reason
from deltacare.evidence import EVIDENCE_BYTES_MAX, Evidence, EvidenceKind, EvidenceReceipt
from deltacare.evidence.file import ENTRY_BYTES_MAX, claims_evidence
from deltacare.tlog.receipt import RECEIPT_BYTES_MAX

__all__ = ["PROOF_SUFFIX", "Verified", "read_evidence", "verify_file"]

PROOF_SUFFIX = ".tlog-proof"
ENTRY_SUFFIX = ".entry"
EVIDENCE_SUFFIX = ".evidence.json"

_PROOF_HEADER = b"c2sp.org/tlog-proof@v1\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What a file was found to be evidence of.

    Attributes:
        kind: Of what.
        summary: Facts for a program.
    """

    kind: EvidenceKind
    summary: dict[str, object]


def read_evidence(path: Path) -> Evidence:
    """Read an evidence file; of a bare tlog-proof also the ``.entry`` beside it.

    Raises:
        OSError: If a file cannot be read.
        PeerFault: ``BAD_PROOF``, if it claims to be evidence and is not, or is too large.
        NotRegular: If one is no file.
        Unusable: If it does not even claim to be.
    """
    data = _read(path, EVIDENCE_BYTES_MAX)
    if path.suffix != PROOF_SUFFIX and not data.startswith(_PROOF_HEADER):
        if not claims_evidence(data):
            raise _no_evidence(path)
        return Evidence.from_bytes(data)
    if len(data) > RECEIPT_BYTES_MAX:
        raise _too_large(path, RECEIPT_BYTES_MAX)
    entry = _read(path.with_suffix(ENTRY_SUFFIX), ENTRY_BYTES_MAX)
    receipt = EvidenceReceipt(proof=data, entry=entry)
    return Evidence(kind=EvidenceKind.RECEIPT, receipts=(receipt,))


def verify_file(
    path: Path, trusting: Trusting, steps: Steps, *, logs: Path | None = None
) -> Verified:
    """Verify a file by a verifier's own policies.

    Args:
        path: The file.
        trusting: The policies.
        steps: Takes what was done, also when it fails in the end.
        logs: Exported logs, to look for what a verdict does not show.

    Raises:
        OSError: If a file cannot be read.
        DeltacareError: What it is refused for.
        Unusable: If the file is no evidence, ``logs`` holds no log, or one of these is no file.
    """
    try:
        return _verified(path, trusting, steps, logs)
    except NotRegular as error:
        raise Unusable(error.zh, error.en) from None


def _verified(path: Path, trusting: Trusting, steps: Steps, logs: Path | None) -> Verified:
    evidence = read_evidence(path)
    match evidence.kind:
        case EvidenceKind.RECEIPT:
            found = verify_receipt(evidence.receipts[0], trusting, steps)
            where = found.proved
            summary: dict[str, object] = {
                "log": where.log,
                "index": where.index,
                "leaf": where.leaf.hex(),
            }
        case EvidenceKind.VERDICT:
            record = verify_verdict(evidence, trusting, steps, logs=logs).record
            summary = {
                "verdict": record.verdict,
                "rule": record.rule,
                "certificate_no": record.certificate_no,
                "host": record.host,
                "on_date": record.on_date.isoformat(),
                "answered_by": record.answered_by,
            }
        case EvidenceKind.STATEMENT:
            statement = verify_statement(evidence, trusting, steps)
            summary = {
                "statement_id": statement.statement.statement_id,
                "statement_hash": statement.leaf.hex(),
                "parties": list(statement.parties),
            }
    return Verified(kind=evidence.kind, summary=summary)


def _read(path: Path, bytes_max: int) -> bytes:
    data = read_regular(path, bytes_max=bytes_max)
    if len(data) > bytes_max:
        raise _too_large(path, bytes_max)
    return data


def _too_large(path: Path, bytes_max: int) -> PeerFault:
    return PeerFault(Reason.BAD_PROOF, f"{path.name} has more than {bytes_max} bytes.")


def _no_evidence(path: Path) -> Unusable:
    """Return what is said of another file; names the one that is meant if it is beside it."""
    suffix = PROOF_SUFFIX if path.suffix == ENTRY_SUFFIX else EVIDENCE_SUFFIX
    beside = path.with_name(path.name.removesuffix(path.suffix) + suffix)
    zh, en = f"{path.name} 不是证据文件。", f"{path.name} is no evidence file."
    if beside.is_file():
        return Unusable(f"{zh}请核验其旁的 {beside}。", f"{en} Verify {beside} beside it.")
    return Unusable(
        f"{zh}清算单以 X{EVIDENCE_SUFFIX} 核验，条目以 X{PROOF_SUFFIX} 及其 X{ENTRY_SUFFIX}，"
        "结论以 deltacare cert check --save 所存的文件。",
        f"{en} Statements are verified by X{EVIDENCE_SUFFIX}, entries by X{PROOF_SUFFIX} with its "
        f"X{ENTRY_SUFFIX}, verdicts by what deltacare cert check --save wrote.",
    )
