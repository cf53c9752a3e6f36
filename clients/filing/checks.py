"""Holds the rows of a file to what the node will ask of them, before anything is sent.

Forms only, and whose a row is; what stands in the logs the node alone knows.
"""

from collections.abc import Iterable

from settlement.fields import record_is_sound, record_problems
from settlement.findings import Findings
from settlement.records import SettlementRow

__all__ = ["sound_rows"]


def sound_rows(rows: Iterable[SettlementRow], findings: Findings) -> list[SettlementRow]:
    """Return the rows whose fields a node accepts.

    Args:
        rows: As read from a file.
        findings: Takes what is wrong with the others.
    """
    sound = []
    for row in rows:
        if record_is_sound(
            row.host,
            row.settlement_no,
            row.beneficiary_ref,
            row.institution,
            row.subsidy_kind,
            row.service_month,
            row.service_days,
            row.amount_fen,
            row.caregiver_cert_no,
        ):
            sound.append(row)
            continue
        texts = {
            "settlement_no": row.settlement_no,
            "beneficiary_ref": row.beneficiary_ref,
            "institution": row.institution,
            "subsidy_kind": row.subsidy_kind,
            "service_month": row.service_month,
            "caregiver_cert_no": row.caregiver_cert_no,
        }
        for column, value, problem in record_problems(
            row.host, texts, service_days=row.service_days, amount_fen=row.amount_fen
        ):
            findings.note(problem, row=row.row, column=column, value=value)
    return sound
