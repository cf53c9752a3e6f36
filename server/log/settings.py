"""Limits and intervals of the log room, each with its unit."""

from dataclasses import dataclass
from typing import Protocol

from deltacare.ids import LogName
from deltacare.keys import LogSigner, WitnessSigner
from deltacare.sm2 import Sm2Signer

__all__ = ["LogSettings", "Signers"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """How a node runs its logs.

    Attributes:
        queue_max: writes that may wait; beyond it callers are told to come back.
        group_writes_max: writes committed together.
        group_entries_max: entries after which no further write joins a commit.
        write_entries_max: entries of one write.
        refresh_s: age at which positions in memory are compared with the database.
        pace_s: after which a checkpoint without its quorum is overtaken by a newer one.
        freshness_s: between an author's cosignatures of its own newest checkpoints.
        stale_alarm_s: age of a partner's log at which the alarm is raised.
        relay_s: for which news of others' logs is gathered before partners hear it.
        exchange_s: between exchanges with a partner whose stream is up.
        poll_s: between exchanges with a partner whose stream is down, while it answers.
        backoff_s_min: first pause after a partner did not answer; doubles.
        backoff_s_max: longest pause.
        pull_entries_max: mirrored entries stored in one transaction.
        pull_bytes_max: mirrored bytes stored in one transaction.
        write_unconfirmed: an operator's word that own logs are whole, whatever partners say.
    """

    queue_max: int = 1_024
    group_writes_max: int = 64
    group_entries_max: int = 4_096
    write_entries_max: int = 10_000
    refresh_s: float = 0.2
    pace_s: float = 1.0
    freshness_s: float = 60.0
    stale_alarm_s: float = 600.0
    relay_s: float = 0.5
    exchange_s: float = 30.0
    poll_s: float = 3.0
    backoff_s_min: float = 0.2
    backoff_s_max: float = 60.0
    pull_entries_max: int = 8_000
    pull_bytes_max: int = 16 * 1024 * 1024
    write_unconfirmed: bool = False


class Signers(Protocol):
    """The keys that a node holds and may sign its logs with; never shown.

    Of a name there may be several, because keys are replaced while the service runs; which of them
    signs is decided by what the members stated, in ``server.log.signing``.
    """

    def log_signers(self, log: LogName) -> tuple[LogSigner, ...]:
        """Return the keys held of an own log, in no order; empty if there is none."""
        ...

    @property
    def witness_signers(self) -> tuple[WitnessSigner, ...]:
        """The keys held that cosign others' checkpoints, and own ones for freshness."""
        ...

    def suite_signers(self, name: str) -> tuple[Sm2Signer, ...]:
        """Return the keys held of the second suite of an own log or the witness; often none."""
        ...

    @property
    def request_mac_key(self) -> bytes:
        """32 bytes by which the content of repeated requests is compared."""
        ...
