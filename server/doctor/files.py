"""What lies in a node's directory: certificates, keys, trust, room on the disk, and who runs it.

Reads only, and never a private key but that of the node's certificate, with which partners are
called. What is missing or damaged is noted for the check that asks for it and stops no other.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from clients.federation.store import Statement, TrustStore
from clients.sdk.credentials import CA_FILE, read_file
from clients.vault import Vault, passphrase_path, require_passphrase
from deltacare.errors import DeltacareError
from deltacare.keys import VerifierKey
from deltacare.trust.forms import Timestamp
from deltacare.trust.members import key_names, timestamp_key_name
from deltacare.trust.roles import expires_time
from deltacare.trust.terms import KeyTerm
from server.config import CONFIG_FILE, NodeConfig, read_config
from server.doctor.asking import Caller
from server.doctor.certificates import CertificateSeen
from server.doctor.keys import KeyFile
from server.doctor.store import Volume
from server.keyfiles import TLS_KEY_NAME, list_keys
from server.lock import LOCK_FILE
from server.setup import CLIENTS_DIRECTORY

__all__ = ["DiskUsage", "Installed", "NodeFiles", "disk_usage"]

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_MODE_BITS = 0o7777
_SEALED = b"{"
_PEM_SEALED = b"-----BEGIN ENCRYPTED PRIVATE KEY-----"


class DiskUsage(Protocol):
    """What is known of a file system: ``shutil.disk_usage``."""

    @property
    def total(self) -> int:
        """Bytes of all."""
        ...

    @property
    def free(self) -> int:
        """Bytes that may still be used."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """The federation's metadata as it lies in a node's directory.

    Attributes:
        statement: The one that counts.
        timestamp: The newest that was accepted; ``None`` if there was none yet.
        expires: By role when it ends.
        newest_version: Of the newest statement, which may be waiting.
    """

    statement: Statement
    timestamp: Timestamp | None
    expires: Mapping[str, datetime]
    newest_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFiles:
    """A node's directory.

    Attributes:
        directory: Where it is.
        config: What its settings say.
    """

    directory: Path
    config: NodeConfig

    @classmethod
    def of(cls, directory: Path) -> "NodeFiles":
        """Return a node's directory, if it is one.

        Raises:
            Refusal: ``INVALID_FIELD``, if its settings cannot be read.
        """
        return cls(directory=directory, config=read_config(directory / CONFIG_FILE))

    def trust(self) -> Installed:
        """Return the federation's metadata, verified from the root that is pinned.

        Raises:
            Refusal: ``INVALID_FIELD``, if nothing is installed.
            PeerFault: ``BAD_METADATA``, if a file was altered.
        """
        store = TrustStore(self.config.trust)
        statement = store.current()
        targets = store.read(f"{statement.version}.targets.json")
        return Installed(
            statement=statement,
            timestamp=store.timestamp(),
            expires={
                "root": statement.root.expires,
                "targets": expires_time(targets),
                "snapshot": statement.snapshot.expires,
            },
            newest_version=store.newest() or statement.version,
        )

    def terms(self, installed: Installed) -> Mapping[str, tuple[KeyTerm, ...]]:
        """Return by name what the federation states of this node's keys, the timestamp's too."""
        federation, root = installed.statement.federation, installed.statement.root
        member = federation.member(self.config.province)
        found = {
            name: member.terms(name)
            for name in key_names(self.config.province, federation.provinces)
        }
        row = root.key(self.config.province)
        if row is not None:
            # It stands in root and has no window.
            name = timestamp_key_name(self.config.province)
            found[name] = (KeyTerm(key=row.timestamp, from_time=_BEGINNING),)
        return found

    def pending(self) -> frozenset[VerifierKey]:
        """Return this node's keys in the statement that is signed and does not count yet.

        Raises:
            PeerFault: ``BAD_METADATA``, if a file was altered.
        """
        statement = TrustStore(self.config.trust).pending()
        if statement is None:
            return frozenset()
        row = statement.root.key(self.config.province)
        member = statement.federation.member(self.config.province)
        keys = {term.key for term in member.keys}
        return frozenset(keys if row is None else {*keys, row.timestamp})

    def held(self) -> Mapping[str, tuple[VerifierKey, ...]]:
        """Return by name the public halves of the signing keys that are here.

        Raises:
            Refusal: ``INVALID_FIELD``, naming a file that is damaged or another's.
        """
        found: dict[str, tuple[VerifierKey, ...]] = {}
        for _, key in list_keys(self.config.keys):
            found[key.name] = (*found.get(key.name, ()), key)
        return found

    def caller(self) -> Caller:
        """Return with what this node calls its partners.

        Raises:
            Refusal: ``INVALID_FIELD``, if a file or the passphrase is missing or wrong.
        """
        passphrase = require_passphrase(os.environ, self.config.passphrase_file)
        vault = Vault.open(self.config.keys, passphrase)
        return Caller(
            certificate_pem=read_file(self.config.certificate, field_name="certificate"),
            key_pem=vault.read(self.config.key, name=TLS_KEY_NAME),
        )

    def certificates(self, installed: Installed | None) -> list[CertificateSeen]:
        """Return the certificates of the node and of its CAs.

        Args:
            installed: Whose statement names the CAs and what is revoked; ``None`` if there is none.
        """
        renew = f"deltacare node certificate renew {self.directory}"
        stated, revoked = self._stated(installed)
        found = [
            CertificateSeen(
                subject=self.config.certificate.name,
                pem=_content(self.config.certificate),
                issuers_pem=stated,
                revoked_serials=revoked,
                remedy=renew,
            )
        ]
        found.extend(
            CertificateSeen(subject=subject, pem=pem, remedy=f"{renew} --new-ca")
            for subject, pem in self.cas()
        )
        return found

    def cas(self) -> list[tuple[str, bytes]]:
        """Return subject and PEM of each CA of the node: those that stand on its card."""
        return list(_each_ca(CA_FILE, _content(self.directory / CA_FILE)))

    def pending_cas(self) -> bytes:
        """Return this node's CAs in the statement that is signed and does not count yet.

        Raises:
            PeerFault: ``BAD_METADATA``, if a file was altered.
        """
        statement = TrustStore(self.config.trust).pending()
        if statement is None:
            return b""
        return statement.federation.member(self.config.province).ca_pem.encode()

    def clients(self, installed: Installed | None) -> list[CertificateSeen]:
        """Return the certificates of the node's clients.

        Args:
            installed: As for `certificates`.
        """
        stated, revoked = self._stated(installed)
        return [
            CertificateSeen(
                subject=f"{CLIENTS_DIRECTORY}/{path.name}",
                pem=_content(path),
                issuers_pem=stated,
                revoked_serials=revoked,
                remedy=f"deltacare node client {self.directory} --role ROLE --name {path.stem}-2",
            )
            for path in sorted((self.directory / CLIENTS_DIRECTORY).glob("*.crt"))
            if path.name != CA_FILE
        ]

    def key_files(self) -> list[KeyFile]:
        """Return what must be readable by nobody else."""
        clients = self.directory / CLIENTS_DIRECTORY
        secret = [
            *self.config.keys.glob("*.key"),
            *self.config.keys.glob("*.es256"),
            *self.config.keys.glob("*.x25519"),
            *self.config.keys.glob("*.secret"),
            *clients.glob("*.key"),
        ]
        passphrase = passphrase_path(os.environ, self.config.passphrase_file)
        open_ = [self.config.directory / CONFIG_FILE, passphrase]
        found = [
            _key_file(path, is_clear=False)
            for path in (self.config.keys, clients, *open_)
            if path is not None and path.exists()
        ]
        found.extend(_key_file(path, is_clear=_is_clear(path)) for path in sorted(secret))
        return found

    def volumes(self, database: Path | None, usage: Callable[[Path], DiskUsage]) -> list[Volume]:
        """Return the file systems that the node writes to, each once.

        Args:
            database: The file of the database; ``None`` if it is a server's.
            usage: Measures a file system.
        """
        parts = {"trust": self.config.trust}
        if database is not None:
            parts = {"database": database.parent, **parts}
        found: dict[int, tuple[list[str], Path]] = {}
        for what, path in parts.items():
            place = path if path.exists() else self.directory
            found.setdefault(place.stat().st_dev, ([], place))[0].append(what)
        volumes = []
        for names, place in found.values():
            measured = usage(place)
            volumes.append(
                Volume(
                    what=", ".join(names),
                    path=place,
                    free_bytes=measured.free,
                    total_bytes=measured.total,
                )
            )
        return volumes

    def holder(self) -> int:
        """Return the process that serves this directory, 0 if none does."""
        try:
            process = int((self.directory / LOCK_FILE).read_text(encoding="ascii").strip())
            os.kill(process, 0)
        except PermissionError:
            return process
        except (OSError, ValueError, OverflowError):
            return 0
        return process

    def _stated(self, installed: Installed | None) -> tuple[bytes, tuple[str, ...]]:
        """Return the CAs that vouch for this node, and the serials that count no more."""
        if installed is None:
            return _content(self.directory / CA_FILE), ()
        member = installed.statement.federation.member(self.config.province)
        return member.ca_pem.encode(), member.revoked_serials


def disk_usage(path: Path) -> DiskUsage:
    """Return what the operating system says of a file system."""
    return shutil.disk_usage(path)


def _each_ca(name: str, pem: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the certificates of a file one by one, with a subject each."""
    end = b"-----END CERTIFICATE-----"
    parts = [part.strip() + b"\n" + end + b"\n" for part in pem.split(end) if part.strip()]
    for number, part in enumerate(parts or [pem], start=1):
        yield (name if len(parts) <= 1 else f"{name} #{number}"), part


def _content(path: Path) -> bytes:
    """Return a file's content, nothing if it cannot be read: no certificate is made of that."""
    try:
        return read_file(path, field_name="certificate")
    except DeltacareError:
        return b""


def _key_file(path: Path, *, is_clear: bool) -> KeyFile:
    mode = path.stat().st_mode
    return KeyFile(path=path, mode=mode & _MODE_BITS, is_directory=path.is_dir(), is_clear=is_clear)


def _is_clear(path: Path) -> bool:
    """Whether a file holds a secret that is not sealed."""
    data = _content(path).lstrip()
    return not data.startswith((_SEALED, _PEM_SEALED))
