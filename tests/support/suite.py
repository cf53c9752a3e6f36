"""Keys of the second suite for the federation of tests: what each member signs with, and states.

Keys follow from labels, so that every run has the same ones. They protect nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from deltacare.ids import own_logs
from deltacare.sm2 import Sm2Signer, Sm2Use
from deltacare.trust import Federation, SuiteTerm, suite_key_names, witness_key_name
from tests.support.federation import KEYS_FROM, PROVINCES, seed

__all__ = ["sm2_signer", "sm2_signers", "sm2_witness", "with_suite_keys", "with_suite_terms"]


def sm2_signer(name: str, use: Sm2Use = Sm2Use.NOTE, number: int = 1) -> Sm2Signer:
    """Return the key of a log."""
    return Sm2Signer(name=name, use=use, seed=seed(f"sm2 {use.name} {name} {number}"))


def sm2_witness(province: str, number: int = 1) -> Sm2Signer:
    """Return the key of a witness."""
    return sm2_signer(witness_key_name(province), Sm2Use.COSIGNATURE, number)


def sm2_signers(province: str, provinces: Sequence[str] = PROVINCES) -> tuple[Sm2Signer, ...]:
    """Return a key for each log of a member and for its witness."""
    uses = suite_key_names(province, provinces)
    assert len(uses) == len(own_logs(province, provinces)) + 1, "each log and the witness"
    return tuple(sm2_signer(name, use) for name, use in uses.items())


def with_suite_keys(
    federation: Federation,
    provinces: Iterable[str] = PROVINCES,
    *,
    from_time: datetime = KEYS_FROM,
) -> Federation:
    """Return a federation of which some members have keys of the second suite for everything."""
    found = federation
    for province in provinces:
        signers = sm2_signers(province, federation.provinces)
        terms = tuple(SuiteTerm(key=each.verifier, from_time=from_time) for each in signers)
        found = with_suite_terms(found, province, terms)
    return found


def with_suite_terms(
    federation: Federation, province: str, terms: tuple[SuiteTerm, ...]
) -> Federation:
    """Return a federation in which a member states some keys of the second suite, and no other."""
    members = tuple(
        replace(member, suite_keys=terms) if member.province == province else member
        for member in federation.members
    )
    return replace(federation, members=members)
