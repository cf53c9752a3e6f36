"""Who belongs to the federation, which keys speak for it, and since when.

Import the names from here; the modules below each hold one noun.
"""

from deltacare.trust.federation import (
    FEDERATION_PATH,
    MEMBERS_MAX,
    STALE_AFTER_S_DEFAULT,
    Federation,
    Trust,
    member_path,
    policy_path,
    sm2_policy_path,
)
from deltacare.trust.members import (
    Account,
    Member,
    key_names,
    suite_key_names,
    timestamp_key_name,
    verdict_key_name,
    witness_key_name,
)
from deltacare.trust.policies import log_policy, note_policy, sm2_policy
from deltacare.trust.terms import KeyTerm, SuiteTerm, Term, in_force

__all__ = [
    "FEDERATION_PATH",
    "MEMBERS_MAX",
    "STALE_AFTER_S_DEFAULT",
    "Account",
    "Federation",
    "KeyTerm",
    "Member",
    "SuiteTerm",
    "Term",
    "Trust",
    "in_force",
    "key_names",
    "log_policy",
    "member_path",
    "note_policy",
    "policy_path",
    "sm2_policy",
    "sm2_policy_path",
    "suite_key_names",
    "timestamp_key_name",
    "verdict_key_name",
    "witness_key_name",
]
