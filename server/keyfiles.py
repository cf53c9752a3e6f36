"""A node's private keys: which it holds, several of one name where one follows another.

One file a key, encrypted (`clients.vault`), its name and public part in clear, so that it can be
listed and a file in the wrong place is noticed. Which of several keys signs at an instant is
decided by what the members stated, not here.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Self

from clients.vault import SealedKey, Vault, describe
from deltacare.errors import DeltacareError, invalid_field
from deltacare.ids import LogKind, LogName
from deltacare.keys import Algorithm, LogSigner, VerifierKey, WitnessSigner
from deltacare.sm2 import Sm2Signer, Sm2Use, Sm2VerifierKey, is_sm2_private_key
from deltacare.trust import key_names, timestamp_key_name, verdict_key_name, witness_key_name

__all__ = [
    "SEED_BYTES",
    "TLS_KEY_FILE",
    "Keyring",
    "all_key_names",
    "key_file",
    "list_keys",
    "list_suite_keys",
    "new_signing_key",
    "new_suite_key",
    "suite_key_file",
]

SEED_BYTES = 32
TLS_KEY_FILE = "tls.key"
TLS_KEY_NAME = "tls"
CA_KEY_NAME = "ca"

_SUITE_SUFFIX = ".sm2.key"
_SECRETS = ("request-mac", "salt", "code", "vault")


def all_key_names(province: str, provinces: Iterable[str]) -> Mapping[str, Algorithm]:
    """Return the names of every signing key of a node, its timestamp's included."""
    return {
        **key_names(province, provinces),
        timestamp_key_name(province): Algorithm.ED25519,
    }


def key_file(key: VerifierKey) -> str:
    """Return the name of a signing key's file."""
    return f"{_stem(key.name)}.{key.key_id.hex()}.key"


def suite_key_file(key: Sm2VerifierKey) -> str:
    """Return the name of the file of a signing key of the second suite."""
    return f"{_stem(key.name)}.{key.key_id.hex()}{_SUITE_SUFFIX}"


def _stem(name: str) -> str:
    stem = name.rpartition("/")[2]
    if stem in {"witness", "verdicts", "timestamp"}:
        return stem
    log = LogName.parse(name)
    partner = f"-{log.partner}" if log.kind is LogKind.SETTLEMENT else ""
    return f"log-{log.kind.value}{partner}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """What was read at one time."""

    signers: Mapping[str, tuple[LogSigner | WitnessSigner, ...]] = field(repr=False)
    suite: Mapping[str, tuple[Sm2Signer, ...]] = field(repr=False)
    secrets: Mapping[str, bytes] = field(repr=False)


class Keyring:
    """Every private key of a node, read again when told so; never shown.

    Satisfies ``server.log.settings.Signers``.

    Args:
        vault: Opens the files.
        province: Whose node it is.

    Raises:
        Refusal: ``INVALID_FIELD``, naming the file that is missing, damaged, or another's;
            ``SUITE_NOT_AVAILABLE``, if there are keys of the second suite and this installation
            lacks it.
    """

    def __init__(self, vault: Vault, *, province: str) -> None:
        self._vault = vault
        self._province = province
        self._held = self._read()

    @classmethod
    def open(cls, directory: Path, *, province: str, passphrase: bytes) -> Self:
        """Read the keys of a directory.

        Raises:
            Refusal: ``INVALID_FIELD``, also if the passphrase is another.
        """
        return cls(Vault.open(directory, passphrase), province=province)

    @classmethod
    def generate(
        cls,
        vault: Vault,
        *,
        province: str,
        provinces: Iterable[str],
        entropy: Callable[[int], bytes],
    ) -> Self:
        """Make a new node's keys: one of each name, and its secrets.

        Args:
            vault: Where to.
            province: Whose node it is.
            provinces: Every member.
            entropy: Returns so many unpredictable bytes.

        Raises:
            Refusal: ``ALREADY_EXISTS``, if a secret is there.
        """
        for name in all_key_names(province, provinces):
            new_signing_key(vault, name, entropy=entropy)
        for name in _SECRETS:
            vault.write(
                vault.directory / f"{name}.secret", entropy(SEED_BYTES), name=name, entropy=entropy
            )
        return cls(vault, province=province)

    def reload(self) -> None:
        """Read the keys again; if one cannot be read, what was held stays and it raises."""
        self._held = self._read()

    def __repr__(self) -> str:
        return f"Keyring({self._vault.directory})"

    @property
    def vault(self) -> Vault:
        """What opens the files."""
        return self._vault

    def log_signers(self, log: LogName) -> tuple[LogSigner, ...]:
        """Return the keys held of an own log; empty if there is none."""
        return self._of(str(log))

    @property
    def witness_signers(self) -> tuple[WitnessSigner, ...]:
        """The keys held that cosign."""
        found = self._held.signers.get(witness_key_name(self._province), ())
        return tuple(signer for signer in found if isinstance(signer, WitnessSigner))

    @property
    def verdict_signers(self) -> tuple[LogSigner, ...]:
        """The keys held that sign verdicts."""
        return self._of(verdict_key_name(self._province))

    @property
    def timestamp_signers(self) -> tuple[LogSigner, ...]:
        """The keys held that sign the federation's timestamp."""
        return self._of(timestamp_key_name(self._province))

    def suite_signers(self, name: str) -> tuple[Sm2Signer, ...]:
        """Return the keys held of the second suite of a log or of the witness; often none."""
        return self._held.suite.get(name, ())

    @property
    def request_mac_key(self) -> bytes:
        """32 bytes; compares the content of repeated requests."""
        return self._held.secrets["request-mac"]

    @property
    def salt_key(self) -> bytes:
        """32 bytes; encrypts what may be erased."""
        return self._held.secrets["salt"]

    @property
    def code_key(self) -> bytes:
        """32 bytes; enrolment codes are derived from it."""
        return self._held.secrets["code"]

    @property
    def vault_key(self) -> bytes:
        """32 bytes; wraps the keys of persons whose values are kept."""
        return self._held.secrets["vault"]

    def tls_key_pem(self, path: Path) -> bytes:
        """Return the private key of the node's certificate, in PEM.

        Args:
            path: The file that the settings name.

        Raises:
            Refusal: ``INVALID_FIELD``, naming the file.
        """
        return self._vault.read(path, name=TLS_KEY_NAME)

    def _of(self, name: str) -> tuple[LogSigner, ...]:
        found = self._held.signers.get(name, ())
        return tuple(signer for signer in found if isinstance(signer, LogSigner))

    def _read(self) -> _Held:
        """Read every file of the directory."""
        signers: dict[str, tuple[LogSigner | WitnessSigner, ...]] = {}
        for path, key in list_keys(self._vault.directory):
            if key.name.split("/")[1] != self._province:
                raise _misplaced(path)
            signers[key.name] = (*signers.get(key.name, ()), _read_signer(self._vault, path, key))
        suite: dict[str, tuple[Sm2Signer, ...]] = {}
        for path, sm2 in list_suite_keys(self._vault.directory):
            if sm2.name.split("/")[1] != self._province:
                raise _misplaced(path)
            suite[sm2.name] = (*suite.get(sm2.name, ()), _read_suite(self._vault, path, sm2))
        secrets = {}
        for name in _SECRETS:
            path = self._vault.directory / f"{name}.secret"
            secrets[name] = self._vault.read(path, name=name)
            if len(secrets[name]) != SEED_BYTES:
                raise _misplaced(path)
        return _Held(
            signers=MappingProxyType(signers),
            suite=MappingProxyType(suite),
            secrets=MappingProxyType(secrets),
        )


def new_signing_key(vault: Vault, name: str, *, entropy: Callable[[int], bytes]) -> VerifierKey:
    """Make one more key of a name and return its public part.

    Args:
        vault: Where to.
        name: Of a log, of the witness, of verdicts or of the timestamp.
        entropy: Returns so many unpredictable bytes.
    """
    seed = entropy(SEED_BYTES)
    kind = WitnessSigner if name.endswith("/witness") else LogSigner
    key = kind(name=name, seed=seed).verifier
    vault.write(
        vault.directory / key_file(key), seed, name=name, public=key.to_text(), entropy=entropy
    )
    return key


def new_suite_key(
    vault: Vault, name: str, use: Sm2Use, *, entropy: Callable[[int], bytes]
) -> Sm2VerifierKey:
    """Make a key of the second suite and return its public part.

    Args:
        vault: Where to.
        name: Of a log or of the witness.
        use: What it signs.
        entropy: Returns so many unpredictable bytes.

    Raises:
        Refusal: ``SUITE_NOT_AVAILABLE``, if this installation lacks the suite.
    """
    seed = entropy(SEED_BYTES)
    while not is_sm2_private_key(seed):  # one in 2^32 is none
        seed = entropy(SEED_BYTES)
    key = Sm2Signer(name=name, use=use, seed=seed).verifier
    path = vault.directory / suite_key_file(key)
    vault.write(path, seed, name=name, public=key.to_text(), entropy=entropy)
    return key


def list_keys(directory: Path) -> tuple[tuple[Path, VerifierKey], ...]:
    """Return the signing keys of a directory by name; no passphrase is needed.

    Raises:
        Refusal: ``INVALID_FIELD``, naming a file that holds another key than its name says.
    """
    found: list[tuple[Path, VerifierKey]] = []
    for path in sorted(directory.glob("*.key")):
        if path.name.endswith(_SUITE_SUFFIX):
            continue
        sealed = describe(path)
        if sealed.name in {TLS_KEY_NAME, CA_KEY_NAME}:
            continue
        found.append((path, _public(path, sealed)))
    return tuple(sorted(found, key=lambda row: (row[1].name, row[0].name)))


def list_suite_keys(directory: Path) -> tuple[tuple[Path, Sm2VerifierKey], ...]:
    """Return the keys of the second suite of a directory by name; no passphrase is needed.

    Raises:
        Refusal: ``INVALID_FIELD``, naming a file that holds another key than its name says.
    """
    found: list[tuple[Path, Sm2VerifierKey]] = []
    for path in sorted(directory.glob(f"*{_SUITE_SUFFIX}")):
        sealed = describe(path)
        try:
            key = Sm2VerifierKey.from_text(sealed.public)
            expected = suite_key_file(key)
        except DeltacareError:
            raise _misplaced(path) from None
        if key.name != sealed.name or path.name != expected:
            raise _misplaced(path)
        found.append((path, key))
    return tuple(sorted(found, key=lambda row: (row[1].name, row[0].name)))


def _read_suite(vault: Vault, path: Path, key: Sm2VerifierKey) -> Sm2Signer:
    """Read a key of the second suite whose public part is known."""
    seed = vault.read(path, name=key.name)
    if not is_sm2_private_key(seed):
        raise _misplaced(path)
    signer = Sm2Signer(name=key.name, use=key.use, seed=seed)
    if signer.verifier != key:
        raise _misplaced(path)
    return signer


def _public(path: Path, sealed: SealedKey) -> VerifierKey:
    """Return the public part of a signing key that stands where it belongs."""
    try:
        key = VerifierKey.from_text(sealed.public)
        expected = key_file(key)
    except DeltacareError:
        raise _misplaced(path) from None
    if key.name != sealed.name or path.name != expected:
        raise _misplaced(path)
    return key


def _read_signer(vault: Vault, path: Path, key: VerifierKey) -> LogSigner | WitnessSigner:
    """Read a signing key whose public part is known."""
    seed = vault.read(path, name=key.name)
    if len(seed) != SEED_BYTES:
        raise _misplaced(path)
    kind = WitnessSigner if key.algorithm is Algorithm.COSIGNATURE_V1 else LogSigner
    signer = kind(name=key.name, seed=seed)
    if signer.verifier != key:
        raise _misplaced(path)
    return signer


def _misplaced(path: Path) -> DeltacareError:
    """Return the refusal of a key file; never with anything of its content."""
    return invalid_field(
        "keys",
        path,
        "The file does not hold the key that belongs there.",
        "Restore it from the backup of this node.",
    )
