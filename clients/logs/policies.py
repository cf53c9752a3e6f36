"""The witness policy of a log, from what a node lists of the members.

A policy made so says what that node says; whoever does not trust it compares the keys with the
members, or takes the policy from the signed metadata.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from deltacare.errors import invalid_field
from deltacare.ids import LogKind, LogName
from deltacare.keys import VerifierKey
from deltacare.sm2 import Sm2VerifierKey
from deltacare.tlog.policy import Policy, Sm2Policy
from deltacare.trust import (
    KeyTerm,
    SuiteTerm,
    Trust,
    log_policy,
    note_policy,
    sm2_policy,
    verdict_key_name,
    witness_key_name,
)

if TYPE_CHECKING:
    from deltacare.v1.federation_service_pb2 import ListMembersResponse, MemberKey

__all__ = ["listed_policy", "listed_sm2_policy", "listed_verdict_policy"]


def listed_policy(listed: "ListMembersResponse", log: LogName) -> Policy:
    """Return what a node lists of a log: its keys, its witnesses', its quorum.

    Args:
        listed: The members, as the node lists them.
        log: A log of a member.

    Raises:
        Refusal: ``INVALID_FIELD``, if the node lists no key of that log.
    """
    trust = _Listed(listed)
    if not trust.log_keys(log):
        raise invalid_field("log", log, "This is not a log of the federation.")
    # It has the four answers that a policy is made of.
    return log_policy(cast("Trust", trust), log)


def listed_sm2_policy(listed: "ListMembersResponse", log: LogName) -> Sm2Policy:
    """Return what a node lists of a log's keys of the second suite.

    Args:
        listed: The members, as the node lists them.
        log: A log of a member.

    Raises:
        Refusal: ``INVALID_FIELD``, if too few members have such keys for it.
    """
    found = sm2_policy(cast("Trust", _Listed(listed)), log)
    if found is None:
        raise invalid_field(
            "log",
            log,
            "Its author, or too many of its witnesses, have no key of SM2.",
            "Make keys with deltacare node keys new --suite sm2, and have them stated.",
        )
    return found


def listed_verdict_policy(listed: "ListMembersResponse", province: str) -> Policy:
    """Return what a node lists of the keys with which a member's node signs verdicts.

    A verdict has no witnesses of its own; the logs that it rests on have, by their own policies.

    Args:
        listed: The members, as the node lists them.
        province: Whose node.

    Raises:
        Refusal: ``INVALID_FIELD``, if the node lists no such key.
    """
    name = verdict_key_name(province)
    terms = [term for member in listed.members for term in _terms(member.keys)]
    policy = note_policy(term for term in terms if term.key.name == name)
    if not policy.log_keys:
        raise invalid_field("log", name, "This member has no key for verdicts.")
    return policy


class _Listed:
    """The part of ``deltacare.trust.Trust`` that policies are made of."""

    def __init__(self, listed: "ListMembersResponse") -> None:
        self._suite: dict[str, tuple[SuiteTerm, ...]] = {}
        self._registry_quorum = listed.registry_quorum
        self._terms: dict[str, tuple[KeyTerm, ...]] = {}
        self._provinces = tuple(member.province for member in listed.members)
        for member in listed.members:
            for term in _terms(member.keys):
                self._terms[term.key.name] = (*self._terms.get(term.key.name, ()), term)
            for sm2 in _suite_terms(member.suite_keys):
                self._suite[sm2.key.name] = (*self._suite.get(sm2.key.name, ()), sm2)

    def log_keys(self, log: LogName) -> tuple[KeyTerm, ...]:
        """Return the keys of a log."""
        return self._terms.get(str(log), ())

    def witness_keys(self, province: str) -> tuple[KeyTerm, ...]:
        """Return the keys with which a member cosigns."""
        return self._terms.get(witness_key_name(province), ())

    def suite_keys(self, name: str) -> tuple[SuiteTerm, ...]:
        """Return the keys of the second suite of a log or witness."""
        return self._suite.get(name, ())

    def witnesses(self, log: LogName) -> tuple[str, ...]:
        """Return the members whose cosignatures count for a log."""
        return tuple(p for p in self._provinces if p != log.author and log.may_hold(p))

    def quorum(self, log: LogName) -> int:
        """Return how many of them must have cosigned; none of an audit log, which nobody holds."""
        if log.kind is LogKind.REGISTRY:
            return self._registry_quorum
        return 0 if log.kind is LogKind.AUDIT else 1


def _terms(keys: "Iterable[MemberKey]") -> Iterable[KeyTerm]:
    """Yield the keys of a member with their windows."""
    for each in keys:
        yield KeyTerm(
            key=VerifierKey.from_text(each.key, field_name="keys"),
            from_time=each.from_time.ToDatetime(tzinfo=UTC),
            until_time=_instant(each, "until_time"),
            tainted_time=_instant(each, "tainted_time"),
        )


def _suite_terms(keys: "Iterable[MemberKey]") -> Iterable[SuiteTerm]:
    """Yield the keys of a member of the second suite with their windows."""
    for each in keys:
        yield SuiteTerm(
            key=Sm2VerifierKey.from_text(each.key, field_name="suite_keys"),
            from_time=each.from_time.ToDatetime(tzinfo=UTC),
            until_time=_instant(each, "until_time"),
            tainted_time=_instant(each, "tainted_time"),
        )


def _instant(each: "MemberKey", name: str) -> datetime | None:
    if not each.HasField(name):  # type: ignore[arg-type]  # one of the two optional ones
        return None
    found: datetime = getattr(each, name).ToDatetime(tzinfo=UTC)
    return found
