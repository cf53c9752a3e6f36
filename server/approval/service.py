"""ApprovalService: people's keys of the own province, and those of every province to read.

Thin: what may be said is in ``rules``. The node keeps no private key of a person; who holds one
signs away from the node, and the node only checks.
"""

from collections.abc import Sequence

from deltacare.approvals import read_approval_key
from deltacare.errors import ViolationCollector
from deltacare.ids import LogName, parse_province
from deltacare.v1.approval_service_pb2 import (
    ListApprovalKeysRequest,
    ListApprovalKeysResponse,
    PublishApprovalKeyRequest,
    PublishApprovalKeyResponse,
)
from deltacare.v1.entry_pb2 import Entry
from server.approval.projector import judge_new_key
from server.approval.store import keys_page
from server.edge.call import Call
from server.log.ports import LogReader, LogTx, Sequencer
from server.registry.fields import read_page_size
from server.registry.paging import next_token, read_token
from server.registry.requests import (
    appended,
    begin_write,
    new_entry,
    require_own,
    submit,
    without_unknown,
)
from server.store.database import Database

__all__ = ["ApprovalServicer"]


class ApprovalServicer:
    """The service at one province's node.

    Args:
        own: The province.
        database: Rows.
        sequencer: Appends to own logs.
        reader: How far each log is held.
    """

    def __init__(
        self, *, own: str, database: Database, sequencer: Sequencer, reader: LogReader
    ) -> None:
        self._own = own
        self._database = database
        self._sequencer = sequencer
        self._reader = reader

    async def publish_approval_key(
        self, request: PublishApprovalKeyRequest, call: Call
    ) -> PublishApprovalKeyResponse:
        """State a person's key, its days, or that it is withdrawn."""
        require_own(call, self._own)
        bad = ViolationCollector()
        request_id = begin_write(request.request_id, request.duty, bad)
        body = without_unknown(request.key)
        read_approval_key(body, "key.", bad)
        bad.raise_if_any()

        def decide(tx: LogTx) -> Sequence[Entry]:
            entry = new_entry(request.duty, approval_key=body)
            rule = judge_new_key(tx.connection, self._own, entry)
            if rule is not None:
                raise rule.refusal(body.key_id)
            return [entry]

        return await submit(
            self._sequencer,
            call,
            request,
            request_id,
            log=LogName.registry(self._own),
            decide=decide,
            answer=lambda _, run: PublishApprovalKeyResponse(appended=appended(run)),
            response=PublishApprovalKeyResponse,
        )

    async def list_approval_keys(
        self, request: ListApprovalKeysRequest, _call: Call
    ) -> ListApprovalKeysResponse:
        """Return a page of keys, the last word on each."""
        bad = ViolationCollector()
        if request.province:
            bad.take(parse_province, request.province, field="province")
        size = read_page_size(request.page_size, bad)
        question = f"approval_keys {request.province}".encode()
        token = read_token(request.page_token, question, bad)
        bad.raise_if_any()
        await self._reader.refresh()
        province, _, key_id = token.partition(" ")
        found = await self._database.read(
            lambda connection: keys_page(connection, request.province, (province, key_id), size + 1)
        )
        page = found[:size]
        last = page[-1] if len(found) > size else None
        return ListApprovalKeysResponse(
            keys=page,
            next_page_token=next_token(question, f"{last.province} {last.key.key_id}")
            if last
            else "",
        )
