"""Says in words which rule of the table lets a call in or denies it, and what would be needed.

The same decision that every call gets, and nothing beside it: there is no second table. Nothing
here asks who may know; the table is no secret.
"""

from deltacare.errors import ViolationCollector, invalid_field
from deltacare.ids import Principal, parse_province
from deltacare.purposes import Purpose
from deltacare.v1.federation_service_pb2 import (
    AccessRule as RuleMessage,
)
from deltacare.v1.federation_service_pb2 import (
    BilingualText,
    ExplainAccessRequest,
    ExplainAccessResponse,
)
from server.edge.access_rules import ACCESS_RULES, AccessRule, Role
from server.edge.rights import Rights, find_method

__all__ = ["explain"]


def explain(
    rights: Rights, request: ExplainAccessRequest, *, caller: Principal, node: str
) -> ExplainAccessResponse:
    """Answer ``FederationService.ExplainAccess``.

    Args:
        rights: The node's.
        request: What is asked.
        caller: Who asks, and who is meant where the request does not say.
        node: Province of the node.

    Raises:
        Refusal: ``INVALID_FIELD``, for a method, role, province or purpose that does not exist.
    """
    bad = ViolationCollector()
    role = bad.take(_parse_role, request.role or caller.role) or ""
    province = bad.take(parse_province, request.province or caller.province) or ""
    purpose = bad.take(Purpose.parse, request.purpose, field="purpose") if request.purpose else None
    method = (bad.take(find_method, request.method) or "") if request.method else ""
    bad.raise_if_any()
    meant = Principal(province=province, role=role, opaque_id=caller.opaque_id)
    answer = ExplainAccessResponse(
        method=method, role=role, province=province, purpose=purpose or "", node=node
    )
    if not method:
        answer.others.extend(_message(rule) for rule in rights.rules(meant))
        return answer
    decision = rights.decide(meant, method, purpose)
    answer.allowed = decision.allowed
    answer.rule.CopyFrom(_message(decision.rule))
    answer.why.CopyFrom(BilingualText(zh=decision.why_zh, en=decision.why_en))
    if not decision.allowed:
        answer.others.extend(_message(rule) for rule in ACCESS_RULES if method in rule.methods)
    return answer


def _parse_role(text: str, *, field: str = "role") -> str:
    """Return a role.

    Raises:
        Refusal: ``INVALID_FIELD``, naming all that there are.
    """
    if text in set(Role):
        return text
    raise invalid_field(field, text, "There is no such role.", f"Use one of {', '.join(Role)}.")


def _message(rule: AccessRule) -> RuleMessage:
    """Return a rule as the contract has it."""
    message = RuleMessage(
        rule=rule.code,
        text=BilingualText(zh=rule.zh, en=rule.en),
        organisation=rule.organisation or "",
        roles=sorted(rule.roles),
        purposes=sorted(rule.purposes),
        methods=sorted(rule.methods),
    )
    if rule.record_class is not None:
        message.record_class = rule.record_class.name
        message.record_class_text.CopyFrom(
            BilingualText(zh=rule.record_class.zh, en=rule.record_class.en)
        )
    return message
