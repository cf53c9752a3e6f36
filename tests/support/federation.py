"""A federation of four with generated keys: the trust bundle, and what each member signs with.

Keys follow from labels, so that every run signs the same bytes. They protect nothing.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from deltacare.ids import LogName, Principal, all_logs
from deltacare.keys import LogSigner, WitnessSigner
from deltacare.trust import Member, TrustBundle, bundle_key_name, witness_key_name
from tests.support.ports import START_TIME

__all__ = ["PROVINCES", "MemberKeys", "log_signer", "make_keys", "make_trust", "principal", "seed"]

PROVINCES = ("310000", "320000", "330000", "340000")
"""Shanghai, Jiangsu, Zhejiang, Anhui."""

# Not a certificate: the bundle checks the armour only; tests of TLS make real ones.
_CA_PEM = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberKeys:
    """A member's signing keys: ``server.log.settings.Signers``."""

    logs: Mapping[LogName, LogSigner]
    witness: WitnessSigner
    request_mac_key: bytes


def seed(label: str) -> bytes:
    """Return 32 bytes that depend on a label only."""
    return hashlib.sha256(f"deltacare test key {label}".encode()).digest()


def log_signer(log: LogName) -> LogSigner:
    """Return the key of a log: what a lying author would sign with, too."""
    return LogSigner(name=str(log), seed=seed(str(log)))


def make_keys(province: str, provinces: Sequence[str] = PROVINCES) -> MemberKeys:
    """Return the keys of a member."""
    own = [log for log in all_logs(provinces) if log.author == province]
    witness = witness_key_name(province)
    return MemberKeys(
        logs={log: log_signer(log) for log in own},
        witness=WitnessSigner(name=witness, seed=seed(witness)),
        request_mac_key=seed(f"{province}/requests"),
    )


def make_trust(
    provinces: Sequence[str] = PROVINCES,
    *,
    endpoints: Mapping[str, str] | None = None,
    ca_pem: Mapping[str, str] | None = None,
    registry_quorum: int = 2,
    opening_date: date = date(2026, 11, 1),
) -> TrustBundle:
    """Return the bundle that the members of a federation trust.

    Args:
        provinces: members, ascending.
        endpoints: by province ``host:port``, where a test listens.
        ca_pem: by province the CA, where a test speaks TLS.
        registry_quorum: partners that must cosign a registry log.
        opening_date: first business date that is closed.
    """
    return TrustBundle(
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
    bundle = LogSigner(name=bundle_key_name(province), seed=seed(bundle_key_name(province)))
    return Member(
        province=province,
        name_zh=f"省{province}",
        name_en=f"Province {province}",
        endpoint=endpoint,
        ca_pem=ca_pem,
        log_keys={str(log): signer.verifier.to_text() for log, signer in keys.logs.items()},
        witness_key=keys.witness.verifier.to_text(),
        bundle_key=bundle.verifier.to_text(),
    )
