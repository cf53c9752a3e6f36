"""What may be submitted for review, by whom, and who may approve it: values in, verdict out.

Only that two persons stand behind what is filed is decided here. Whether what they file is possible
is for the rules of the room that it belongs to, which run when it is submitted and again when it is
approved.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from google.protobuf.message import Message

from deltacare.errors import Reason
from deltacare.v1.review_service_pb2 import DraftState
from server.edge.access_rules import Role
from server.registry.rulebook import Rule

__all__ = [
    "CONTROL_TOTALS",
    "DIGEST_DIFFERS",
    "DRAFTED",
    "DRAFTS_WAITING_MAX",
    "MAKER_APPROVES",
    "NOT_MAKER",
    "NOT_WAITING",
    "REFUSAL_CHARS_MAX",
    "REQUEST_BYTES_MAX",
    "RULES",
    "Drafted",
    "Summary",
    "carriers",
    "ended_rule",
    "review_rule",
    "summary",
]

DRAFTS_WAITING_MAX = 1_000
"""Drafts of one person that may wait at the same time: a million records."""

REQUEST_BYTES_MAX = 3 * 1024 * 1024
"""Bytes of the request of a draft: with what goes with it, it fits into one message."""

REFUSAL_CHARS_MAX = 1_000
"""Characters that are kept of why a draft could not be filed."""

MAKER_APPROVES = Rule(
    code="V01-MAKER-REVIEWS",
    zh="经办人不得复核自己提交的事项",
    en="Nobody reviews what they submitted.",
    source="Accounting Law, article 37; design, The night, invariants",
)
NOT_WAITING = Rule(
    code="V02-NOT-WAITING",
    zh="该事项已不在待复核状态",
    en="The draft does not wait any more.",
    source="contract, review_service.proto",
)
DIGEST_DIFFERS = Rule(
    code="V03-DIGEST-DIFFERS",
    zh="所复核内容的摘要与提交内容不符",
    en="What was reviewed is not what was submitted.",
    source="contract, review_service.proto",
)
NOT_MAKER = Rule(
    code="V04-NOT-MAKER",
    zh="只有经办人可撤回自己提交的事项",
    en="Only who submitted a draft takes it back.",
    source="contract, review_service.proto",
)
CONTROL_TOTALS = Rule(
    code="V05-CONTROL-TOTALS",
    zh="总分核对不符：笔数或金额合计与明细不一致",
    en="Count or sum is not what the file says it holds.",
    source="design, Filing",
    reason=Reason.INVALID_FIELD,
)

RULES = (MAKER_APPROVES, NOT_WAITING, DIGEST_DIFFERS, NOT_MAKER, CONTROL_TOTALS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """Who may submit a request for review, and who may approve it.

    Attributes:
        makers: Roles that submit.
        reviewers: Roles that approve.
        is_personal: Whether its request holds values of persons.
        is_signed: Whether it carries approvals, of which the checker's comes with the review.
    """

    makers: frozenset[Role]
    reviewers: frozenset[Role]
    is_personal: bool = False
    is_signed: bool = False


def _clerks(*, is_personal: bool = False, is_signed: bool = False) -> Drafted:
    return Drafted(
        makers=frozenset({Role.CLERK}),
        reviewers=frozenset({Role.REVIEWER}),
        is_personal=is_personal,
        is_signed=is_signed,
    )


def _payers(*, is_signed: bool = False) -> Drafted:
    return Drafted(
        makers=frozenset({Role.CLERK, Role.PAYER}),
        reviewers=frozenset({Role.REVIEWER, Role.PAYER}),
        is_signed=is_signed,
    )


DRAFTED: Mapping[str, Drafted] = MappingProxyType(
    {
        f"/deltacare.v1.{name}": drafted
        for name, drafted in {
            "PolicyService/PublishSubsidyPolicy": _clerks(),
            "PolicyService/PublishBudget": _clerks(),
            "SettlementService/CreateEnrolments": _clerks(is_personal=True),
            "SettlementService/EndEnrolment": _clerks(),
            "SettlementService/FileRecords": _clerks(),
            "SettlementService/FileReversals": _clerks(),
            "SettlementService/RefuseRecords": _clerks(),
            "SettlementService/PlaceHolds": _clerks(),
            "SettlementService/EndHolds": _clerks(),
            "SettlementService/FileClawbacks": _clerks(is_signed=True),
            "DisputeService/RaiseDisputes": _clerks(),
            "DisputeService/AnswerDisputes": _clerks(),
            "DisputeService/EscalateDispute": _clerks(),
            "DisputeService/CloseDispute": _clerks(),
            "ClearingService/ProposeStatement": _payers(),
            "ClearingService/AnswerStatement": _payers(is_signed=True),
            "PaymentService/SetAdvanceTerms": _payers(),
            "PaymentService/GrantAdvance": _payers(is_signed=True),
            "PaymentService/OrderPayments": _payers(is_signed=True),
            "PaymentService/ReportPayments": _payers(),
            "BooksService/CloseMonth": _payers(),
        }.items()
    }
)
"""Every method that people file by: one makes, another reviews. The full name of each."""


def review_rule(maker: str, reviewer: str, state: int) -> Rule | None:
    """Return the rule against a review, if one stands against it.

    Args:
        maker: Opaque id of who submitted.
        reviewer: Opaque id of who reviews; a principal is the id, whatever role it comes in.
        state: Of the draft.
    """
    if maker == reviewer:
        return MAKER_APPROVES
    return None if state == DraftState.DRAFT_STATE_WAITING else NOT_WAITING


def ended_rule(maker: str, caller: str, state: int) -> Rule | None:
    """Return the rule against taking a draft back, if one stands against it."""
    if maker != caller:
        return NOT_MAKER
    return None if state == DraftState.DRAFT_STATE_WAITING else NOT_WAITING


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a request comes to.

    Attributes:
        partner: Province that it concerns; empty if it names none.
        item_count: How many things it states.
        sum_fen: Sum of the amounts that it states.
    """

    partner: str
    item_count: int
    sum_fen: int


def summary(request: Message) -> Summary:
    """Return what a request comes to: the batch that it holds, or the one thing."""
    partner, items, count = "", [request], 1
    for field, value in request.ListFields():
        if field.name in {"partner", "host"} and isinstance(value, str):
            partner = value
        elif field.message_type is None or field.name == "duty":
            continue
        elif isinstance(value, Message):
            items = [value]
        else:
            items, count = list(value), len(value)
    return Summary(
        partner=partner or _payee(items),
        item_count=count,
        sum_fen=sum(int(getattr(each, "amount_fen", 0)) for each in items),
    )


def _payee(items: list[Message]) -> str:
    """Return whom all of some payments go to, if that is one province."""
    payees = {str(getattr(each, "payee", "")) for each in items}
    return payees.pop() if len(payees) == 1 else ""


def carriers(request: Message) -> Iterator[Message]:
    """Yield each part of a request that carries approvals, in its order."""
    for field, value in request.ListFields():
        if field.message_type is None:
            continue
        for each in (value,) if isinstance(value, Message) else value:
            if "approvals" in each.DESCRIPTOR.fields_by_name:
                yield each
