"""Keys that are replaced while nodes run: a trust that is moved on, and key rings that grow.

```python
trust = MovableTrust(make_trust())
keys = KeyRing("310000")
later = later_log_signer(LogName.registry("310000"))
keys.add(later)
trust.current = with_key(trust.current, later, from_time=clock.now())
```
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime

from deltacare.ids import LogName
from deltacare.keys import LogSigner, VerifierKey, WitnessSigner
from deltacare.sm2 import Sm2Signer
from deltacare.trust import Federation, KeyTerm, Member, SuiteTerm, witness_key_name
from tests.support.federation import make_keys, seed

__all__ = [
    "KeyRing",
    "MovableTrust",
    "later_log_signer",
    "later_witness_signer",
    "with_key",
    "with_taint",
    "with_until",
]


class MovableTrust:
    """A ``deltacare.trust.Trust`` that says what the current federation says.

    Attributes:
        current: the federation; set another, and every node follows.
    """

    def __init__(self, current: Federation) -> None:
        self.current = current

    @property
    def version(self) -> int:
        """See ``Trust``."""
        return self.current.version

    @property
    def provinces(self) -> tuple[str, ...]:
        """See ``Trust``."""
        return self.current.provinces

    @property
    def opening_date(self) -> date:
        """See ``Trust``."""
        return self.current.opening_date

    @property
    def stale_after_s(self) -> int:
        """See ``Trust``."""
        return self.current.stale_after_s

    @property
    def cosignature_age_max_s(self) -> int:
        """See ``Trust``."""
        return self.current.cosignature_age_max_s

    def stale_since(self, now: datetime) -> datetime | None:
        """See ``Trust``."""
        return self.current.stale_since(now)

    def member(self, province: str) -> Member:
        """See ``Trust``."""
        return self.current.member(province)

    def log_keys(self, log: LogName) -> tuple[KeyTerm, ...]:
        """See ``Trust``."""
        return self.current.log_keys(log)

    def witness_keys(self, province: str) -> tuple[KeyTerm, ...]:
        """See ``Trust``."""
        return self.current.witness_keys(province)

    def verdict_keys(self, province: str) -> tuple[KeyTerm, ...]:
        """See ``Trust``."""
        return self.current.verdict_keys(province)

    def suite_keys(self, name: str) -> tuple[SuiteTerm, ...]:
        """See ``Trust``."""
        return self.current.suite_keys(name)

    def witnesses(self, log: LogName) -> tuple[str, ...]:
        """See ``Trust``."""
        return self.current.witnesses(log)

    def quorum(self, log: LogName) -> int:
        """See ``Trust``."""
        return self.current.quorum(log)


class KeyRing:
    """The keys that a node holds: ``server.log.settings.Signers``; more can be added.

    Args:
        province: whose.
    """

    def __init__(self, province: str) -> None:
        self._keys = make_keys(province)

    def add(self, signer: LogSigner | WitnessSigner | Sm2Signer) -> None:
        """Install a key."""
        self._keys = replace(self._keys, later=(*self._keys.later, signer))

    def log_signers(self, log: LogName) -> tuple[LogSigner, ...]:
        """See ``Signers``."""
        return self._keys.log_signers(log)

    @property
    def witness_signers(self) -> tuple[WitnessSigner, ...]:
        """See ``Signers``."""
        return self._keys.witness_signers

    def suite_signers(self, name: str) -> tuple[Sm2Signer, ...]:
        """See ``Signers``."""
        return self._keys.suite_signers(name)

    @property
    def request_mac_key(self) -> bytes:
        """See ``Signers``."""
        return self._keys.request_mac_key


def later_log_signer(log: LogName, number: int = 2) -> LogSigner:
    """Return another key of a log."""
    return LogSigner(name=str(log), seed=seed(f"{log} {number}"))


def later_witness_signer(province: str, number: int = 2) -> WitnessSigner:
    """Return another key of a witness."""
    name = witness_key_name(province)
    return WitnessSigner(name=name, seed=seed(f"{name} {number}"))


def with_key(
    federation: Federation, signer: LogSigner | WitnessSigner, *, from_time: datetime
) -> Federation:
    """Return the next version, in which a key came into force."""
    term = KeyTerm(key=signer.verifier, from_time=from_time)
    return _changed(federation, signer.verifier, lambda keys: (*keys, term))


def with_until(federation: Federation, key: VerifierKey, until_time: datetime) -> Federation:
    """Return the next version, in which a key's time ends."""
    return _changed(federation, key, _each(key, lambda t: replace(t, until_time=until_time)))


def with_taint(federation: Federation, key: VerifierKey, tainted_time: datetime) -> Federation:
    """Return the next version, in which a key is called bad."""
    return _changed(federation, key, _each(key, lambda t: replace(t, tainted_time=tainted_time)))


def _each(
    key: VerifierKey, change: Callable[[KeyTerm], KeyTerm]
) -> Callable[[tuple[KeyTerm, ...]], tuple[KeyTerm, ...]]:
    return lambda terms: tuple(change(term) if term.key == key else term for term in terms)


def _changed(
    federation: Federation,
    key: VerifierKey,
    change: Callable[[tuple[KeyTerm, ...]], tuple[KeyTerm, ...]],
) -> Federation:
    author = key.name.split("/")[1]
    members = tuple(
        replace(member, keys=change(member.keys)) if member.province == author else member
        for member in federation.members
    )
    return replace(federation, version=federation.version + 1, members=members)
