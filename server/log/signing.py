"""Which of the keys that a node holds signs now: the newest in force that the members stated.

Pure choice over what is held and what is trusted, made anew for every signature, so that a key is
replaced at the instant its successor comes into force and no process is restarted for it. A node
without a key in force signs nothing: it refuses to write rather than write what nobody believes. So
does one whose clock is off by what most partners say; its audit log goes on, of which nobody else
believes a time.
Keys of the second suite are chosen alike, and are never needed.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Protocol, TypeVar

from deltacare.errors import Reason, Refusal
from deltacare.ids import LogKind, LogName
from deltacare.keys import LogSigner, VerifierKey, WitnessSigner
from deltacare.sm2 import Sm2Signer, Sm2VerifierKey
from deltacare.trust import KeyTerm, SuiteTerm, Trust, in_force, witness_key_name
from server.log.settings import Signers

__all__ = ["Signing"]


class _Signer(Protocol):
    @property
    def verifier(self) -> VerifierKey | Sm2VerifierKey:
        """The public half."""
        ...


S = TypeVar("S", bound=_Signer)
T = TypeVar("T", KeyTerm, SuiteTerm)


class Signing:
    """The keys of one node, chosen by what the members stated.

    Args:
        signers: keys held.
        trust: whose windows decide.
        province: this node's.
        is_clock_off: whether this node's clock is known to be wrong now.
    """

    def __init__(
        self,
        signers: Signers,
        trust: Trust,
        province: str,
        *,
        is_clock_off: Callable[[], bool] = lambda: False,
    ) -> None:
        self._signers = signers
        self._trust = trust
        self._province = province
        self._is_clock_off = is_clock_off

    def require_clock(self) -> None:
        """Refuse to sign while the clock is off.

        Raises:
            Refusal: ``STALE``; it passes once the clock is right.
        """
        if self._is_clock_off():
            raise Refusal(
                Reason.STALE,
                "This node's clock differs from those of most partners: nothing is signed until it "
                "is right.",
            )

    def log_signer(self, log: LogName, now: datetime) -> LogSigner:
        """Return the key that signs an own log now.

        Raises:
            Refusal: ``KEY_NOT_IN_FORCE``, if no key that is in force is held; ``STALE``, while the
                clock is off.
        """
        if log.kind is not LogKind.AUDIT:
            self.require_clock()
        found = _newest(self._signers.log_signers(log), self._trust.log_keys(log), now)
        if found is None:
            raise _none_in_force(str(log))
        return found

    def witness(self, now: datetime) -> WitnessSigner:
        """Return the key that cosigns now.

        Raises:
            Refusal: ``KEY_NOT_IN_FORCE``, if no key that is in force is held; ``STALE``, while the
                clock is off.
        """
        self.require_clock()
        found = self.witness_if_any(now)
        if found is None:
            raise _none_in_force(witness_key_name(self._province))
        return found

    def witness_if_any(self, now: datetime) -> WitnessSigner | None:
        """Return the key that cosigns now, ``None`` if none is in force, or the clock is off."""
        if self._is_clock_off():
            return None
        terms = self._trust.witness_keys(self._province)
        return _newest(self._signers.witness_signers, terms, now)

    def log_suite_signer(self, log: LogName, now: datetime) -> Sm2Signer | None:
        """Return the key of the second suite that signs an own log now, ``None`` if none does."""
        return self._suite_signer(str(log), now)

    def witness_suite_signer(self, now: datetime) -> Sm2Signer | None:
        """Return the key of the second suite that cosigns now, ``None`` if none does."""
        return self._suite_signer(witness_key_name(self._province), now)

    def is_own_witness(self, key: VerifierKey) -> bool:
        """Whether a key is one that this node's witness has or ever had, and answers for."""
        terms = self._trust.witness_keys(self._province)
        return any(term.key == key and not term.is_tainted for term in terms)

    def chosen(self, logs: Iterable[LogName], now: datetime) -> tuple[bytes, ...]:
        """Return the ids of the keys that sign now, empty where there is none: to see a change."""
        found = [
            _newest(self._signers.log_signers(log), self._trust.log_keys(log), now) for log in logs
        ]
        suite = [self.log_suite_signer(log, now) for log in logs]
        signers = (*found, self.witness_if_any(now), *suite, self.witness_suite_signer(now))
        return tuple(signer.verifier.key_id if signer is not None else b"" for signer in signers)

    def _suite_signer(self, name: str, now: datetime) -> Sm2Signer | None:
        return _newest(self._signers.suite_signers(name), self._trust.suite_keys(name), now)


def _newest(signers: Iterable[S], terms: Iterable[T], now: datetime) -> S | None:
    held: dict[VerifierKey | Sm2VerifierKey, S] = {signer.verifier: signer for signer in signers}
    return next((held[term.key] for term in in_force(terms, now) if term.key in held), None)


def _none_in_force(name: str) -> Refusal:
    return Refusal(
        Reason.KEY_NOT_IN_FORCE,
        f"This node holds no key of {name} that is in force; its operator installs one.",
        details={"key": name},
    )
