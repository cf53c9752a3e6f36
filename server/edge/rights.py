"""Decides by the table of rights whether a caller may call a method, and says which rule decided.

A right lets a call in; whether this caller may say this, or see that log, is for the rooms behind,
and what duties exclude each other for ``server.edge.duties``. Every call asks one dictionary once;
what a denial says is worked out only when there is one.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType

from deltacare.errors import Reason, Refusal, invalid_field
from deltacare.ids import Principal
from deltacare.purposes import PURPOSE_FIELD, Purpose
from server.edge.access_rules import (
    ACCESS_RULES,
    NOT_NAMED,
    AccessRule,
    Organisation,
    RecordClass,
    Role,
)

__all__ = ["METHODS", "Cell", "Decision", "Rights", "Role", "find_method"]

METHODS: tuple[str, ...] = tuple(sorted({name for rule in ACCESS_RULES for name in rule.methods}))
"""Full names of every method that a rule names."""

_NEAR_MAX = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What the table says of one role of one organisation and one method.

    Attributes:
        plain: The rule that lets it in without a purpose, if there is one.
        by_purpose: The rule for each purpose, where the method discloses personal data.
    """

    plain: AccessRule | None
    by_purpose: Mapping[Purpose, AccessRule]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Whether a call is let in.

    Attributes:
        allowed: Whether it is.
        rule: The rule that decided; `NOT_NAMED` if it is not let in.
        purpose: The purpose that counted; ``None`` where the rule asks for none.
        reason: With what it is refused; ``None`` if it is let in.
        why_zh: One sentence, in Chinese.
        why_en: One sentence, in English.
    """

    allowed: bool
    rule: AccessRule
    purpose: Purpose | None
    reason: Reason | None
    why_zh: str
    why_en: str


def _cells(rules: Iterable[AccessRule]) -> Mapping[tuple[str, str, bool], Cell]:
    """Return the table by method, role, and whether the caller is of the own province."""
    plain: dict[tuple[str, str, bool], AccessRule] = {}
    by_purpose: dict[tuple[str, str, bool], dict[Purpose, AccessRule]] = {}
    for rule in rules:
        is_personal = rule.record_class is RecordClass.PERSONAL
        assert bool(rule.purposes) is is_personal, f"{rule.code}: purposes belong to personal data"
        for method in rule.methods:
            for role in rule.roles:
                key = (method, str(role), rule.organisation is Organisation.OWN)
                if not is_personal:
                    assert key not in plain, f"{rule.code}: {key} stands twice"
                    plain[key] = rule
                for purpose in rule.purposes:
                    known = by_purpose.setdefault(key, {})
                    assert purpose not in known, f"{rule.code}: {key} stands twice"
                    known[purpose] = rule
    return MappingProxyType(
        {
            key: Cell(plain=plain.get(key), by_purpose=MappingProxyType(by_purpose.get(key, {})))
            for key in plain.keys() | by_purpose.keys()
        }
    )


_CELLS = _cells(ACCESS_RULES)


class Rights:
    """Says at one province's node who may call what.

    Args:
        province: The province whose node this is.
    """

    def __init__(self, province: str) -> None:
        self._province = province

    def admit(
        self, caller: Principal, method: str, purpose_given: Callable[[], str]
    ) -> tuple[AccessRule, Purpose | None]:
        """Let a caller pass to a method.

        Args:
            caller: From the certificate.
            method: Full name, ``/deltacare.v1.LogService/GetReceipt``.
            purpose_given: Returns the purpose that the caller gave, empty if none; only called
                where one counts.

        Raises:
            Refusal: ``ROLE_NOT_ALLOWED``, naming role and method, and purpose if that is what is
                wrong; ``WRONG_PROVINCE``, if another province's people or systems come here, or a
                peer of the own one; ``INVALID_FIELD``, if a purpose is missing or none.

        Returns:
            The rule that lets it in, and the purpose that counted.
        """
        cell = _CELLS.get((method, caller.role, caller.province == self._province))
        if cell is not None and not cell.by_purpose:
            assert cell.plain is not None, "a cell holds a rule"
            return cell.plain, None
        text = purpose_given() if cell is not None else ""
        purpose = Purpose.parse(text) if text else None
        decision = self.decide(caller, method, purpose)
        if decision.allowed:
            return decision.rule, decision.purpose
        raise self._refusal(caller, method, decision, purpose)

    def decide(self, caller: Principal, method: str, purpose: Purpose | None) -> Decision:
        """Return whether a caller may call a method for a purpose, by which rule, and why.

        Pure: the table decides, and nothing else is asked.

        Args:
            caller: Who would call.
            method: Full name.
            purpose: What it would say why; ``None`` if nothing.
        """
        is_own = caller.province == self._province
        cell = _CELLS.get((method, caller.role, is_own))
        if cell is None:
            return self._unnamed(caller, method, is_own=is_own)
        rule = cell.by_purpose.get(purpose) if purpose is not None else None
        if rule is not None:
            assert purpose is not None, "a rule was found by it"
            return _allowed(rule, purpose)
        if cell.plain is not None:
            # A purpose where none is asked for changes nothing.
            return _allowed(cell.plain, None)
        wanted = ", ".join(sorted(cell.by_purpose))
        if purpose is None:
            return _denied(
                Reason.INVALID_FIELD,
                f"该方法涉及个人信息，须说明目的：{wanted}。",
                f"This method discloses personal data: say why, one of {wanted}.",
            )
        return _denied(
            Reason.ROLE_NOT_ALLOWED,
            f"角色 {caller.role} 不得以 {purpose} 为目的调用该方法；可用目的：{wanted}。",
            f"The role {caller.role} may not call it for {purpose}, only for {wanted}.",
        )

    def _unnamed(self, caller: Principal, method: str, *, is_own: bool) -> Decision:
        """Return why no rule lets a caller in."""
        if (method, caller.role, not is_own) in _CELLS:
            return _denied(
                Reason.WRONG_PROVINCE,
                f"这是 {self._province} 的节点，{caller.province} 的 {caller.role} 无权在此调用。",
                f"This is the node of {self._province}: {caller.role} of {caller.province} has "
                "nothing to ask here.",
            )
        return _denied(
            Reason.ROLE_NOT_ALLOWED,
            f"角色 {caller.role} 无权调用 {method}。",
            f"The role {caller.role} may not call {method}.",
        )

    def _refusal(
        self, caller: Principal, method: str, decision: Decision, purpose: Purpose | None
    ) -> Refusal:
        """Return the refusal of a call that is not let in."""
        assert decision.reason is not None, "what is denied has a reason"
        if decision.reason is Reason.INVALID_FIELD:
            refusal = invalid_field(
                PURPOSE_FIELD, "", "This method discloses personal data.", decision.why_en
            )
            return Refusal(
                refusal.reason,
                refusal.message,
                details={"rule": decision.rule.code, "method": method},
                violations=refusal.violations,
            )
        details = {
            "role": caller.role,
            "method": method,
            "rule": decision.rule.code,
            "text_zh": decision.why_zh,
        }
        if decision.reason is Reason.WRONG_PROVINCE:
            details |= {"province": caller.province, "node": self._province}
        if purpose is not None:
            details["purpose"] = purpose
        message = f"{decision.why_en} Rule {decision.rule.code}: {decision.rule.en}"
        return Refusal(decision.reason, message, details=details)

    def methods(self, caller: Principal) -> tuple[str, ...]:
        """Return the full names of the methods that a caller may call here, sorted.

        Some of them only for a purpose.
        """
        is_own = caller.province == self._province
        return tuple(m for m in METHODS if (m, caller.role, is_own) in _CELLS)

    def rules(self, caller: Principal) -> tuple[AccessRule, ...]:
        """Return the rules that let a caller in here, in the order of their numbers."""
        organisation = (
            Organisation.OWN if caller.province == self._province else Organisation.PARTNER
        )
        return tuple(
            rule
            for rule in ACCESS_RULES
            if rule.organisation is organisation and caller.role in rule.roles
        )


def find_method(name: str) -> str:
    """Return the full name of a method, given in full or by its last part.

    Raises:
        Refusal: ``INVALID_FIELD``, naming those spelled alike.
    """
    if name in METHODS:
        return name
    short = {method.rpartition("/")[2]: method for method in METHODS}
    if name in short:
        return short[name]
    folded = {each.lower(): each for each in short}
    near = get_close_matches(
        name.rpartition("/")[2].lower()[:128], list(folded), n=_NEAR_MAX, cutoff=0.5
    )
    remedy = (
        f"Did you mean {', '.join(folded[each] for each in near)}?"
        if near
        else "deltacare explain --list shows what there is."
    )
    raise invalid_field("method", name, "There is no such method.", remedy)


def _allowed(rule: AccessRule, purpose: Purpose | None) -> Decision:
    return Decision(
        allowed=True,
        rule=rule,
        purpose=purpose,
        reason=None,
        why_zh=rule.zh,
        why_en=rule.en,
    )


def _denied(reason: Reason, why_zh: str, why_en: str) -> Decision:
    return Decision(
        allowed=False, rule=NOT_NAMED, purpose=None, reason=reason, why_zh=why_zh, why_en=why_en
    )
