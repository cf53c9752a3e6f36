"""Files the rows of a file in batches on one stream to the own node.

A batch's request id comes from its content and place, so that a run repeated after a crash sends
the same requests and files nothing twice. Which batches were answered is told as they are; nothing
is tried again here.
"""

import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clients.filing.ids import content_id
from deltacare.v1.entry_pb2 import SettlementRecord
from deltacare.v1.settlement_service_pb2 import FieldFault, FileRecordsRequest, FileRecordsResponse

if TYPE_CHECKING:
    from clients.sdk.node import SyncNodeClient
    from deltacare.v1.types_pb2 import Duty
    from settlement.records import SettlementRow

__all__ = ["BATCH_MAX", "UNANSWERED_MAX", "Batch", "Outcome", "batches_of", "file_batches"]

BATCH_MAX = 1_000
UNANSWERED_MAX = 8

_FIELD = re.compile(r"records\[(\d+)\]\.?(.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Records of one request.

    Attributes:
        request_id: From content and place.
        partner: The other province.
        rows: Row numbers of the file, in order.
        records: In the same order.
    """

    request_id: str
    partner: str
    rows: tuple[int, ...]
    records: tuple[SettlementRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a batch.

    Attributes:
        batch: The batch.
        response: The node's answer.
    """

    batch: Batch
    response: FileRecordsResponse

    @property
    def filed_count(self) -> int:
        """Records that are in the log because of it."""
        return 0 if self.response.refusal_reason else len(self.batch.records)

    def faults(self) -> Iterator[tuple[int, str, FieldFault]]:
        """Yield row of the file, field, and what the node has against it."""
        if not self.response.refusal_reason:
            return
        for fault in self.response.faults:
            match = _FIELD.fullmatch(fault.field)
            if match and int(match[1]) < len(self.batch.rows):
                yield self.batch.rows[int(match[1])], match[2], fault
            else:
                yield self.batch.rows[0], fault.field, fault
        if not self.response.faults:
            yield (
                self.batch.rows[0],
                "",
                FieldFault(description=self.response.refusal_reason),
            )


def batches_of(
    rows: Iterable["SettlementRow"], *, own: str, maker: str, reviewer: str
) -> tuple[Batch, ...]:
    """Return the batches of a file's rows, by partner in the order of the file.

    Args:
        rows: Each between the own province and another.
        own: The node's province.
        maker: Who answers; part of what a request id stands for.
        reviewer: Who reviewed.
    """
    by_partner: dict[str, list[SettlementRow]] = {}
    for row in rows:
        by_partner.setdefault(row.host if row.home == own else row.home, []).append(row)
    return tuple(
        _batch(filed[first : first + BATCH_MAX], partner, first, maker, reviewer)
        for partner, filed in sorted(by_partner.items())
        for first in range(0, len(filed), BATCH_MAX)
    )


def _batch(
    rows: Sequence["SettlementRow"], partner: str, first: int, maker: str, reviewer: str
) -> Batch:
    records = tuple(
        SettlementRecord(
            settlement_no=row.settlement_no,
            home=row.home,
            host=row.host,
            beneficiary_ref=row.beneficiary_ref,
            institution=row.institution,
            subsidy_kind=row.subsidy_kind,
            service_month=row.service_month,
            service_days=row.service_days,
            amount_fen=row.amount_fen,
            caregiver_cert_no=row.caregiver_cert_no,
        )
        for row in rows
    )
    content = (record.SerializeToString(deterministic=True) for record in records)
    return Batch(
        request_id=content_id(
            partner.encode(), maker.encode(), reviewer.encode(), str(first).encode(), *content
        ),
        partner=partner,
        rows=tuple(row.row for row in rows),
        records=records,
    )


def file_batches(
    node: "SyncNodeClient", batches: Sequence[Batch], duty: "Duty"
) -> Iterator[Outcome]:
    """File batches on one stream and yield what became of each, as the answers come.

    Args:
        node: The own node.
        batches: In the order in which they are sent.
        duty: Who answers for them.

    Raises:
        DeltacareError: If the stream breaks; batches not answered may or may not be filed, and
            filing them again under the same ids is safe.
    """
    if not batches:
        return
    by_id = {batch.request_id: batch for batch in batches}
    free = threading.Semaphore(UNANSWERED_MAX)
    stopped = threading.Event()

    def requests() -> Iterator[FileRecordsRequest]:
        for batch in batches:
            free.acquire()
            if stopped.is_set():
                return
            yield FileRecordsRequest(
                request_id=batch.request_id,
                duty=duty,
                partner=batch.partner,
                records=batch.records,
            )

    try:
        for response in node.settlement.FileRecords(requests()):
            free.release()
            yield Outcome(batch=by_id[response.request_id], response=response)
    finally:
        stopped.set()
        free.release()
