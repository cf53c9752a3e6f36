"""The numbered rules of policies and budgets: values in, verdict out.

What makes an entry void looks at the entry alone. That a budget is smaller than what was granted
under it already is refused where it is written: what was granted stands in other logs.
"""

from deltacare.errors import Reason
from server.registry.rulebook import Rule

__all__ = ["BUDGET_GRANTED", "NOT_REGISTRY", "RULES", "UNREADABLE"]

NOT_REGISTRY = Rule(
    code="Y01-NOT-REGISTRY",
    zh="补贴政策与预算只在登记日志中声明",
    en="Policies and budgets are stated in registry logs only.",
    source="design, Logs",
)
UNREADABLE = Rule(
    code="Y02-UNREADABLE",
    zh="政策或预算的要素格式不符合约定",
    en="A field of a policy or budget does not have the form that the contract gives it.",
    source="contract, entry.proto",
    reason=Reason.INVALID_FIELD,
)
BUDGET_GRANTED = Rule(
    code="Y03-BUDGET-GRANTED",
    zh="预算不得少于已占用与已支用之和",
    en="A budget is not less than what is reserved and consumed under it already.",
    source="Budget Law, article 13",
)

RULES = (NOT_REGISTRY, UNREADABLE, BUDGET_GRANTED)
