"""The numbered rules of people's keys, of approvals and of duties: values in, a rule out.

The rules of keys and approvals look at the author's own log up to the entry and at nothing else, so
what one node calls void is void everywhere. Those of duties cannot make an entry void, because a
province's logs arrive in no common order: they refuse where a province writes.
"""

from collections.abc import Mapping
from types import MappingProxyType

from deltacare.approvals import ApprovalFault, key_is_withdrawn
from deltacare.errors import Reason
from deltacare.v1.entry_pb2 import ApprovalKey
from server.registry.rulebook import Rule

__all__ = [
    "DUTIES_COMBINED",
    "FAULTS",
    "MAKER_COMBINED",
    "RULES",
    "judge_key",
]

_KEY = "deltacare/v1/entry.proto, ApprovalKey"
_APPROVAL = "deltacare/v1/entry.proto, Approval"

_A01_KEY_REUSED = Rule(
    code="A01-KEY-REUSED",
    zh="同一密钥名称不得改指他人或另一把公钥。",
    en="A key's name stands for one person and one public key, and never for another.",
    source=_KEY,
    reason=Reason.ALREADY_EXISTS,
)
_A02_KEY_SHARED = Rule(
    code="A02-KEY-SHARED",
    zh="同一把公钥不得属于两个名称或两个人。",
    en="A public key has one name and belongs to one person.",
    source=_KEY,
    reason=Reason.ALREADY_EXISTS,
)
_A03_KEY_BY_OWNER = Rule(
    code="A03-KEY-BY-OWNER",
    zh="密钥须由持有人以外的两人声明。",
    en="A key is stated by two persons of whom neither is its holder.",
    source=_KEY,
)
_A04_KEY_WITHDRAWN = Rule(
    code="A04-KEY-WITHDRAWN",
    zh="已撤回的密钥不得恢复，应另立新钥。",
    en="A key that was withdrawn does not come back: state another.",
    source=_KEY,
)
_A05_NOT_TWO = Rule(
    code="A05-TWO-SIGNATURES",
    zh="须有经办一份、复核一份签名，各限一份。",
    en="It carries exactly one signature of the maker and one of the checker.",
    source=_APPROVAL,
)
_A06_SAME_PERSON = Rule(
    code="A06-SAME-PERSON",
    zh="经办与复核不得为同一人。",
    en="Maker and checker are not one person.",
    source="Accounting Law, article 25",
)
_A07_OTHER_PERSON = Rule(
    code="A07-OTHER-PERSON",
    zh="签名人须为该条目的经办人与复核人。",
    en="Who signs is who answers for the entry, in the same duty.",
    source=_APPROVAL,
)
_A08_KEY_UNKNOWN = Rule(
    code="A08-KEY-UNKNOWN",
    zh="本方日志此前未声明签名所用的密钥。",
    en="No earlier entry of the author states the key that signed.",
    source=_KEY,
)
_A09_KEY_OF_ANOTHER = Rule(
    code="A09-KEY-OF-ANOTHER",
    zh="签名所用密钥属于他人。",
    en="The key that signed is another person's.",
    source=_KEY,
)
_A10_SIGNED_BY_WITHDRAWN = Rule(
    code="A10-SIGNED-BY-WITHDRAWN",
    zh="签名所用密钥此前已撤回。",
    en="The key that signed was withdrawn before.",
    source=_KEY,
)
_A11_KEY_NOT_IN_TIME = Rule(
    code="A11-KEY-NOT-IN-TIME",
    zh="签名所用密钥在该日无效。",
    en="The key that signed does not hold on the day of the entry.",
    source=_KEY,
)
_A12_BAD_SIGNATURE = Rule(
    code="A12-BAD-SIGNATURE",
    zh="签名与所批准的事项、用语、省份、岗位或签名人不符。",
    en="A signature is not over this thing, word, province, duty and person, or not by its key.",
    source=_APPROVAL,
)
DUTIES_COMBINED = Rule(
    code="S22-DUTIES-COMBINED",
    zh="同一人不得兼任政策制定、审核与付款中的两项",
    en="No principal holds two of policy, review and payment.",
    source="Accounting Law, article 25",
)
MAKER_COMBINED = Rule(
    code="S24-MAKER-COMBINED",
    zh="经办记录者不得制定相关政策或批准相关付款，反之亦然",
    en="Who makes records neither sets their policy nor approves their payment, nor the other way.",
    source="Accounting Law, article 25; design, The night, invariants",
)

RULES: tuple[Rule, ...] = (
    _A01_KEY_REUSED,
    _A02_KEY_SHARED,
    _A03_KEY_BY_OWNER,
    _A04_KEY_WITHDRAWN,
    _A05_NOT_TWO,
    _A06_SAME_PERSON,
    _A07_OTHER_PERSON,
    _A08_KEY_UNKNOWN,
    _A09_KEY_OF_ANOTHER,
    _A10_SIGNED_BY_WITHDRAWN,
    _A11_KEY_NOT_IN_TIME,
    _A12_BAD_SIGNATURE,
)
"""Rules of keys and approvals, in order; those of duties are numbered among settlement's."""

FAULTS: Mapping[ApprovalFault, Rule] = MappingProxyType(
    {
        ApprovalFault.NOT_TWO: _A05_NOT_TWO,
        ApprovalFault.SAME_PERSON: _A06_SAME_PERSON,
        ApprovalFault.OTHER_PERSON: _A07_OTHER_PERSON,
        ApprovalFault.KEY_UNKNOWN: _A08_KEY_UNKNOWN,
        ApprovalFault.KEY_OF_ANOTHER: _A09_KEY_OF_ANOTHER,
        ApprovalFault.KEY_WITHDRAWN: _A10_SIGNED_BY_WITHDRAWN,
        ApprovalFault.KEY_NOT_IN_TIME: _A11_KEY_NOT_IN_TIME,
        ApprovalFault.BAD_SIGNATURE: _A12_BAD_SIGNATURE,
    }
)
"""Which rule each fault of an approval breaks."""


def judge_key(
    body: ApprovalKey,
    *,
    maker: str,
    reviewer: str,
    known: ApprovalKey | None,
    same_public_key: ApprovalKey | None,
) -> Rule | None:
    """Return the rule that a readable key breaks.

    Args:
        body: The key.
        maker: Of the entry.
        reviewer: Of the entry.
        known: What the author said last of a key of this name; ``None`` if nothing.
        same_public_key: A key that the author stated with this public key; ``None`` if none.
    """
    if body.principal in (maker, reviewer):
        return _A03_KEY_BY_OWNER
    if same_public_key is not None and same_public_key.key_id != body.key_id:
        return _A02_KEY_SHARED
    if known is None:
        return None
    if key_is_withdrawn(known):
        return _A04_KEY_WITHDRAWN
    said = (known.principal, known.algorithm, known.public_key)
    return None if said == (body.principal, body.algorithm, body.public_key) else _A01_KEY_REUSED
