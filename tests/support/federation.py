"""A federation of four with generated keys: what the members signed, and what each signs with.

Keys follow from labels, so that every run signs the same bytes. They protect nothing.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from deltacare.ids import LogName, Principal, own_logs
from deltacare.keys import LogSigner, WitnessSigner
from deltacare.sm2 import Sm2Signer
from deltacare.trust import Federation, KeyTerm, Member, verdict_key_name, witness_key_name
from tests.support.ports import START_TIME

__all__ = [
    "KEYS_FROM",
    "PROVINCES",
    "MemberKeys",
    "log_signer",
    "make_keys",
    "make_trust",
    "principal",
    "seed",
]

KEYS_FROM = datetime(2020, 1, 1, tzinfo=UTC)
"""From when test keys are in force."""

PROVINCES = ("310000", "320000", "330000", "340000")
"""Shanghai, Jiangsu, Zhejiang, Anhui."""

# Not a certificate: the federation checks the armour only; tests of TLS make real ones.
_CA_PEM = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberKeys:
    """A member's signing keys: ``server.log.settings.Signers``."""

    logs: Mapping[LogName, LogSigner]
    witness: WitnessSigner
    verdicts: LogSigner
    request_mac_key: bytes
    later: tuple[LogSigner | WitnessSigner | Sm2Signer, ...] = ()
    """Keys that came after the first of their names, whatever they are of."""

    def log_signers(self, log: LogName) -> tuple[LogSigner, ...]:
        """Return the keys of a log."""
        later = [s for s in self.later if isinstance(s, LogSigner) and s.name == str(log)]
        return (self.logs[log], *later) if log in self.logs else tuple(later)

    @property
    def witness_signers(self) -> tuple[WitnessSigner, ...]:
        """The keys of the witness."""
        return (self.witness, *(s for s in self.later if isinstance(s, WitnessSigner)))

    def suite_signers(self, name: str) -> tuple[Sm2Signer, ...]:
        """The keys of the second suite of a log or of the witness."""
        return tuple(s for s in self.later if isinstance(s, Sm2Signer) and s.name == name)


def seed(label: str) -> bytes:
    """Return 32 bytes that depend on a label only."""
    return hashlib.sha256(f"deltacare test key {label}".encode()).digest()


def log_signer(log: LogName) -> LogSigner:
    """Return the key of a log: what a lying author would sign with, too."""
    return LogSigner(name=str(log), seed=seed(str(log)))


def make_keys(province: str, provinces: Sequence[str] = PROVINCES) -> MemberKeys:
    """Return the keys of a member."""
    own = own_logs(province, provinces)
    witness = witness_key_name(province)
    verdicts = verdict_key_name(province)
    return MemberKeys(
        logs={log: log_signer(log) for log in own},
        witness=WitnessSigner(name=witness, seed=seed(witness)),
        verdicts=LogSigner(name=verdicts, seed=seed(verdicts)),
        request_mac_key=seed(f"{province}/requests"),
    )


def make_trust(
    provinces: Sequence[str] = PROVINCES,
    *,
    endpoints: Mapping[str, str] | None = None,
    ca_pem: Mapping[str, str] | None = None,
    registry_quorum: int = 2,
    opening_date: date = date(2026, 11, 1),
) -> Federation:
    """Return what the members of a federation signed.

    Args:
        provinces: members, ascending.
        endpoints: by province ``host:port``, where a test listens.
        ca_pem: by province the CA, where a test speaks TLS.
        registry_quorum: partners that must cosign a registry log.
        opening_date: first business date that is closed.
    """
    return Federation(
        federation="deltacare test",
        version=1,
        issued_time=START_TIME,
        opening_date=opening_date,
        registry_quorum=registry_quorum,
        members=tuple(
            _member(
                province,
                provinces,
                (endpoints or {}).get(province, f"node-{province}.example:7443"),
                (ca_pem or {}).get(province, _CA_PEM),
            )
            for province in provinces
        ),
    )


def principal(province: str, role: str = "system", opaque_id: str = "sys-1") -> Principal:
    """Return a caller."""
    return Principal(province=province, role=role, opaque_id=opaque_id)


def _member(province: str, provinces: Sequence[str], endpoint: str, ca_pem: str) -> Member:
    keys = make_keys(province, provinces)
    signers = [*keys.logs.values(), keys.verdicts, keys.witness]
    return Member(
        province=province,
        name_zh=f"省{province}",
        name_en=f"Province {province}",
        endpoint=endpoint,
        ca_pem=ca_pem,
        keys=tuple(KeyTerm(key=signer.verifier, from_time=KEYS_FROM) for signer in signers),
    )
