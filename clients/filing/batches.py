"""Files the rows of a file in batches on one stream to the own node.

A batch's request id comes from its content and place, or from an id of the caller's own choice and
its place, so that a run repeated after a crash sends the same requests and files nothing twice.
Which batches were answered is told as they are; nothing is tried again here.
"""

import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from clients.filing.ids import content_id
from deltacare.v1.entry_pb2 import SettlementRecord
from deltacare.v1.policy_service_pb2 import ComputedAmount
from deltacare.v1.settlement_service_pb2 import FieldFault, FileRecordsRequest, FileRecordsResponse

if TYPE_CHECKING:
    from clients.sdk.node import SyncNodeClient
    from deltacare.v1.types_pb2 import Duty
    from settlement.records import SettlementRow

__all__ = [
    "BATCH_MAX",
    "UNANSWERED_MAX",
    "Batch",
    "Outcome",
    "batches_of",
    "file_batches",
    "log_sizes",
    "record_of",
]

BATCH_MAX = 1_000
UNANSWERED_MAX = 8

_NONE: Mapping[int, int] = MappingProxyType({})
_NOT_COMPUTED: Mapping[int, ComputedAmount] = MappingProxyType({})
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

    def is_repeated(self, sizes: Mapping[str, int]) -> bool:
        """Whether an earlier run had filed the batch, and the node gave its first answer again.

        Args:
            sizes: Of the logs, before this run filed anything.
        """
        appended = self.response.appended
        return not self.response.refusal_reason and appended.first_index < sizes.get(
            appended.log, 0
        )

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
    rows: Iterable["SettlementRow"],
    *,
    own: str,
    maker: str,
    reviewer: str,
    once: str | None = None,
    replaces: Mapping[int, int] = _NONE,
    computed: Mapping[int, ComputedAmount] = _NOT_COMPUTED,
) -> tuple[Batch, ...]:
    """Return the batches of a file's rows, by partner in the order of the file.

    Args:
        rows: Each between the own province and another.
        own: The node's province.
        maker: Who answers; part of what a request id stands for.
        reviewer: Who reviewed.
        once: Request id of the caller's choice: batches' ids then come from it and their place, so
            that other content under it is refused; ``None`` lets content decide.
        replaces: For rows of the file, the index of the record that each replaces.
        computed: For rows whose amount the node computed, what it answered.
    """
    by_partner: dict[str, list[SettlementRow]] = {}
    for row in rows:
        by_partner.setdefault(row.host if row.home == own else row.home, []).append(row)
    batches: list[Batch] = []
    for partner, filed in sorted(by_partner.items()):
        for first in range(0, len(filed), BATCH_MAX):
            part = filed[first : first + BATCH_MAX]
            records = tuple(
                record_of(row, replaces.get(row.row), computed.get(row.row)) for row in part
            )
            if once is None:
                content = (record.SerializeToString(deterministic=True) for record in records)
                named = (partner, maker, reviewer, str(first))
                request_id = content_id(*(text.encode() for text in named), *content)
            else:
                request_id = content_id(once.encode(), str(len(batches)).encode())
            batches.append(
                Batch(
                    request_id=request_id,
                    partner=partner,
                    rows=tuple(row.row for row in part),
                    records=records,
                )
            )
    return tuple(batches)


def record_of(
    row: "SettlementRow",
    replaces_index: int | None = None,
    computed: ComputedAmount | None = None,
) -> SettlementRecord:
    """Return the record that a row states.

    Args:
        row: Of a file.
        replaces_index: Index of the record that it replaces, if it does.
        computed: What its amount was computed from, if the node did.
    """
    return SettlementRecord(
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
        replaces_index=replaces_index,
        policy_index=None if computed is None else computed.policy_index,
        computation_version=0 if computed is None else computed.computation_version,
    )


def log_sizes(node: "SyncNodeClient") -> dict[str, int]:
    """Return how large the logs are that a node holds."""
    from deltacare.v1.log_service_pb2 import ListLogsRequest

    return {row.log: row.verified_size for row in node.log.ListLogs(ListLogsRequest()).logs}


def file_batches(
    node: "SyncNodeClient",
    batches: Sequence[Batch],
    duty: "Duty",
    *,
    is_careful: bool = False,
    validate_only: bool = False,
) -> Iterator[Outcome]:
    """File batches on one stream and yield what became of each, as the answers come.

    Args:
        node: The own node.
        batches: In the order in which they are sent.
        duty: Who answers for them.
        is_careful: Whether each waits for the answer to the one before, and none follows a refusal.
        validate_only: Whether it is only asked what stands against them, and nothing is filed.

    Raises:
        DeltacareError: If the stream breaks; batches not answered may or may not be filed, and
            filing them again under the same ids is safe.
    """
    if not batches:
        return
    by_id = {batch.request_id: batch for batch in batches}
    free = threading.Semaphore(1 if is_careful else UNANSWERED_MAX)
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
                validate_only=validate_only,
            )

    try:
        for response in node.settlement.FileRecords(requests()):
            if is_careful and response.refusal_reason:
                stopped.set()
            free.release()
            yield Outcome(batch=by_id[response.request_id], response=response)
    finally:
        stopped.set()
        free.release()
