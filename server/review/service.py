"""``deltacare.v1.ReviewService``: drafts, from submission to the log or out of the queue."""

import contextlib
import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.message import Message
from sqlalchemy import Connection, Row
from sqlalchemy.exc import IntegrityError

from deltacare.errors import DeltacareError, Reason, Refusal, ViolationCollector
from deltacare.ids import LogName, Principal, parse_request_id
from deltacare.purposes import Purpose
from deltacare.v1.review_service_pb2 import (
    ApproveDraftRequest,
    Draft,
    DraftState,
    GetDraftRequest,
    ListDraftsRequest,
    ListDraftsResponse,
    RejectDraftRequest,
    SubmitDraftRequest,
    WithdrawDraftRequest,
)
from deltacare.v1.types_pb2 import Duty
from server.edge.access_rules import Role
from server.edge.call import Call, Disclosures
from server.registry.fields import read_page_size, read_reason
from server.registry.paging import next_token, read_token
from server.review import rules, store
from server.review.ports import ReviewedMethod
from server.review.redacting import redacted
from server.review.sealing import Sealer
from server.review.sequencing import Reviewed, is_not_waiting, reviewed
from server.review.submitting import Submitted, read_submission, rehearse
from server.store.database import Database

__all__ = ["ReviewServicer", "add_approvals"]

_FOLDER = "drafts/"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PLACE = re.compile(r"([0-9]{1,17}) ([0-9a-f-]{36})")


class ReviewServicer:
    """The service of one province's node.

    Args:
        province: The own one.
        database: This node's.
        sealer: Of requests at rest.
        methods: By full name, everything of ``rules.DRAFTED`` that this node serves.
    """

    def __init__(
        self,
        *,
        province: str,
        database: Database,
        sealer: Sealer,
        methods: Mapping[str, ReviewedMethod],
    ) -> None:
        self._province = province
        self._database = database
        self._sealer = sealer
        self._methods = methods

    # --- Submitting -------------------------------------------------------------------------------

    async def submit_draft(self, submission: SubmitDraftRequest, call: Call) -> Draft:
        """Keep a request until somebody else reviews it.

        1. It can be read, and count and sum are what the file says. 2. Its first submission, if
        this is another, is answered. 3. Not too many wait. 4. It could be filed now. 5. It is kept.
        """
        # 1. It can be read.
        submitted = read_submission(submission, self._methods.get(submission.method), call)
        request_id, maker = submitted.request_id, call.caller.opaque_id
        mac = self._sealer.mac(submission.method, maker, submission.request)
        # 2. and 3. The first submission, and how many wait.
        known = await self._database.read(lambda c: self._known(c, request_id, mac))
        if known is not None:
            return self._draft(known)
        await self._database.read(lambda c: _require_room(c, maker))
        # 4. It could be filed now.
        inner = Call(caller=call.caller, method=submission.method, now=call.now)
        await rehearse(submitted, inner)
        # 5. It is kept.
        columns = self._columns(submission, submitted, call, mac)
        # The same may come twice at once: then the first one's answer follows.
        with contextlib.suppress(IntegrityError):
            await self._database.write(lambda c: self._insert(c, maker, columns))
        row = await self._database.read(lambda c: self._known(c, request_id, mac))
        assert row is not None, "what was kept is there"
        return self._draft(row)

    def _known(self, connection: Connection, request_id: str, mac: bytes) -> Row[Any] | None:
        """Return the draft of a request id, if it is this one.

        Raises:
            Refusal: ``REQUEST_ID_REUSED``, if it is another.
        """
        row = store.find(connection, request_id)
        if row is not None and bytes(row.content_mac) != mac:
            raise Refusal(
                Reason.REQUEST_ID_REUSED,
                "This request id was used before with other content.",
                details={"request_id": request_id},
            )
        return row

    def _columns(
        self, submission: SubmitDraftRequest, submitted: Submitted, call: Call, mac: bytes
    ) -> dict[str, object]:
        data, summary = submission.request, submitted.summary
        is_personal = submitted.drafted.is_personal
        return {
            "request_id": submitted.request_id,
            "method": submission.method,
            "maker": call.caller.opaque_id,
            "submitted_time": call.now,
            "item_count": summary.item_count,
            "sum_fen": summary.sum_fen,
            "partner": summary.partner,
            "content_mac": mac,
            "digest": b"" if is_personal else hashlib.sha256(data).digest(),
            "sealed": self._sealer.seal(submitted.request_id, data),
        }

    @staticmethod
    def _insert(connection: Connection, maker: str, columns: dict[str, object]) -> None:
        if store.find(connection, str(columns["request_id"])) is not None:
            return
        _require_room(connection, maker)
        store.insert_draft(connection, **columns)

    # --- Reading ----------------------------------------------------------------------------------

    async def list_drafts(self, request: ListDraftsRequest, _call: Call) -> ListDraftsResponse:
        """Return a page of drafts without their requests, oldest first."""
        bad = ViolationCollector()
        states = sorted(set(request.states)) or [DraftState.DRAFT_STATE_WAITING]
        for position, state in enumerate(request.states):
            if state not in DraftState.values() or not state:
                bad.note(f"states[{position}]", state, "There is no such state.")
        size = read_page_size(request.page_size, bad)
        question = f"drafts\x1f{states}".encode()
        after = _place(read_token(request.page_token, question, bad))
        bad.raise_if_any()
        rows = await self._database.read(lambda c: store.list_drafts(c, states, after, size + 1))
        next_page = ""
        if len(rows) > size:
            last = rows[size - 1]
            micros = str((last.submitted_time - _EPOCH) // _MICROSECOND)
            next_page = next_token(question, f"{micros} {last.request_id}")
        return ListDraftsResponse(
            drafts=[self._draft(row) for row in rows[:size]], next_page_token=next_page
        )

    async def get_draft(self, request: GetDraftRequest, call: Call) -> Draft:
        """Return a draft with its request."""
        row = await self._find(request.name)
        return self._answer(row, call, with_request=True)

    # --- Reviewing --------------------------------------------------------------------------------

    async def approve_draft(self, request: ApproveDraftRequest, call: Call) -> Draft:
        """File a draft in the names of its maker and of the caller.

        1. The caller may review it, and it waits or was filed. 2. What the caller saw is what was
        submitted. 3. The signatures that the caller adds find their places. 4. The method's own
        handler files it; in the same transaction the draft is marked.
        """
        row = await self._find(request.name)
        # 1. The caller may review it.
        self._require_reviewer(row, call.caller)
        if row.state == DraftState.DRAFT_STATE_FILED:
            return self._answer(row, call)
        rule = rules.review_rule(row.maker, call.caller.opaque_id, row.state)
        if rule is not None:
            raise rule.refusal(row.request_id)
        # 2. What the caller saw.
        data = self._sealer.open(row.request_id, row.sealed)
        if hashlib.sha256(data).digest() != request.digest:
            raise rules.DIGEST_DIFFERS.refusal(row.request_id)
        method = self._methods[row.method]
        filed = method.request_type.FromString(data)
        # 3. The caller's signatures.
        add_approvals(filed, request)
        # 4. It is filed and marked.
        filed.duty.CopyFrom(Duty(maker=row.maker, reviewer=call.caller.opaque_id))  # type: ignore[attr-defined]
        inner = Call(caller=call.caller, method=row.method, now=call.now, disclosures=Disclosures())
        is_personal = rules.DRAFTED[row.method].is_personal
        try:
            with reviewed(Reviewed(request_id=row.request_id, is_personal=is_personal)):
                await method.handler(filed, inner)
        except DeltacareError as error:
            if not is_not_waiting(error):
                await self._note(row.request_id, error)
                raise
            # Somebody else was quicker: that one's answer, if it was filed.
        row = await self._find(request.name)
        if row.state != DraftState.DRAFT_STATE_FILED:
            raise rules.NOT_WAITING.refusal(row.request_id)
        return self._answer(row, call)

    async def _note(self, request_id: str, error: DeltacareError) -> None:
        """Keep why a draft could not be filed, unless that passes by itself."""
        if isinstance(error, Refusal) and not error.retryable:
            text = str(error)[: rules.REFUSAL_CHARS_MAX]
            await self._database.write(lambda c: store.note_refusal(c, request_id, text))

    async def reject_draft(self, request: RejectDraftRequest, call: Call) -> Draft:
        """Send a draft back with a reason."""
        bad = ViolationCollector()
        read_reason(request.reason, "reason", bad)
        bad.raise_if_any()
        row = await self._find(request.name)
        self._require_reviewer(row, call.caller)
        rule = rules.review_rule(row.maker, call.caller.opaque_id, row.state)
        if rule is not None:
            raise rule.refusal(row.request_id)
        state = DraftState.DRAFT_STATE_REJECTED
        return await self._end(row, call, state, reason=request.reason)

    async def withdraw_draft(self, request: WithdrawDraftRequest, call: Call) -> Draft:
        """Take back a draft of the caller's own."""
        row = await self._find(request.name)
        rule = rules.ended_rule(row.maker, call.caller.opaque_id, row.state)
        if rule is not None:
            raise rule.refusal(row.request_id)
        return await self._end(row, call, DraftState.DRAFT_STATE_WITHDRAWN, reason="")

    async def _end(
        self, row: Row[Any], call: Call, state: "DraftState.ValueType", *, reason: str
    ) -> Draft:
        is_withdrawn = state == DraftState.DRAFT_STATE_WITHDRAWN
        is_ended = await self._database.write(
            lambda c: store.end_draft(
                c,
                row.request_id,
                state=int(state),
                reviewer="" if is_withdrawn else call.caller.opaque_id,
                reason=reason,
                is_personal=rules.DRAFTED[row.method].is_personal,
                now=call.now,
            )
        )
        if not is_ended:
            raise rules.NOT_WAITING.refusal(row.request_id)
        return self._draft(await self._find(_FOLDER + row.request_id))

    # --- What all of them need --------------------------------------------------------------------

    async def _find(self, name: str) -> Row[Any]:
        """Return a draft by its resource name.

        Raises:
            Refusal: ``NOT_FOUND``; ``INVALID_FIELD``, if it is no name of a draft.
        """
        request_id = parse_request_id(name.removeprefix(_FOLDER), field="name")
        row = await self._database.read(lambda c: store.find(c, request_id))
        if row is None:
            raise Refusal(
                Reason.NOT_FOUND, "There is no such draft.", details={"name": _FOLDER + request_id}
            )
        return row

    @staticmethod
    def _require_reviewer(row: Row[Any], caller: Principal) -> None:
        """Let only those review who review such things."""
        if caller.role not in rules.DRAFTED[row.method].reviewers:
            raise Refusal(
                Reason.ROLE_NOT_ALLOWED,
                f"The role {caller.role} does not review this.",
                details={"role": caller.role, "method": row.method},
            )

    def _draft(self, row: Row[Any]) -> Draft:
        """Return a draft as lists show it."""
        draft = Draft(
            name=_FOLDER + row.request_id,
            method=row.method,
            maker=row.maker,
            submitted_time=_text(row.submitted_time),
            state=row.state,
            reviewer=row.reviewer,
            reason=row.reason,
            item_count=row.item_count,
            sum_fen=row.sum_fen,
            partner=row.partner,
            digest=row.digest,
            refusal=row.refusal,
        )
        if row.response is not None:
            response = self._methods[row.method].response_type.FromString(row.response)
            if "appended" in response.DESCRIPTOR.fields_by_name:
                draft.appended.CopyFrom(response.appended)  # type: ignore[attr-defined]
        return draft

    def _answer(self, row: Row[Any], call: Call, *, with_request: bool = False) -> Draft:
        """Return a draft with what the caller may see of its request and its answer."""
        draft = self._draft(row)
        is_personal = rules.DRAFTED[row.method].is_personal
        is_told = not is_personal or call.purpose is Purpose.ENROLMENT
        method = self._methods[row.method]
        if with_request and row.sealed is not None:
            data = self._sealer.open(row.request_id, row.sealed)
            if is_told:
                draft.request = data
                draft.digest = hashlib.sha256(data).digest()
            else:
                request = redacted(method.request_type.FromString(data))
                draft.request = request.SerializeToString(deterministic=True)
        if is_told and row.response is not None:
            draft.response = self._response(row, method)
        if is_personal and is_told:
            if draft.request:
                call.disclose_person(row.request_id, ("elder_handle", "identity_number"))
            if draft.response:
                said = draft.appended
                call.disclose(LogName.parse(said.log), said.first_index, said.entry_count)
        return draft

    def _response(self, row: Row[Any], method: ReviewedMethod) -> bytes:
        """Return the method's answer, with what is never kept."""
        if method.complete is None:
            return bytes(row.response)
        response: Message = method.response_type.FromString(row.response)
        # What is never kept follows from whom it was first told.
        told = Principal(province=self._province, role=Role.REVIEWER, opaque_id=row.reviewer)
        method.complete(response, told, row.request_id)
        return response.SerializeToString(deterministic=True)


def _require_room(connection: Connection, maker: str) -> None:
    """Refuse a draft too many.

    Raises:
        Refusal: ``TOO_LARGE``.
    """
    if store.count_waiting(connection, maker) >= rules.DRAFTS_WAITING_MAX:
        raise Refusal(
            Reason.TOO_LARGE,
            f"{rules.DRAFTS_WAITING_MAX:,} drafts of {maker} wait: have them reviewed first.",
            details={"drafts_waiting_max": str(rules.DRAFTS_WAITING_MAX)},
        )


def add_approvals(filed: Message, request: ApproveDraftRequest) -> None:
    """Put each signature of the reviewer behind the maker's.

    Raises:
        Refusal: ``INVALID_FIELD``, if there are more or fewer than things that are signed.
    """
    carriers = list(rules.carriers(filed))
    bad = ViolationCollector()
    if len(carriers) != len(request.approvals):
        bad.note(
            "approvals",
            len(request.approvals),
            f"{len(carriers)} things are signed in it.",
            "Sign each of them, in the order of the request.",
        )
    bad.raise_if_any()
    for carrier, approval in zip(carriers, request.approvals, strict=True):
        carrier.approvals.append(approval)  # type: ignore[attr-defined]  # a carrier has them


def _place(token: str) -> tuple[datetime, str] | None:
    """Return after which draft a page begins; ``None`` for the first page, or if nobody gave it."""
    match = _PLACE.fullmatch(token)
    return None if match is None else (_EPOCH + int(match[1]) * _MICROSECOND, match[2])


def _text(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
