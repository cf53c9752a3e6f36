"""Who a client is and whose node it talks to: certificate, key, and the one CA that counts.

A connection to a province's node trusts that province's CA and no other, and asks for the name
that the CA gives to its node alone; a client's certificate of the same CA cannot pass for it.
"""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from clients.regular_files import NotRegular, read_regular
from clients.vault import Vault, require_passphrase
from deltacare.errors import invalid_field
from deltacare.ids import parse_province
from deltacare.trust import Trust

if TYPE_CHECKING:
    import grpc

__all__ = ["Credentials", "Profile", "client_key_name", "node_tls_name", "read_file"]

PROFILE_FILE = "node.json"
CA_FILE = "ca.crt"
FILE_BYTES_MAX = 1_000_000


def node_tls_name(province: str) -> str:
    """Return the DNS name that only the certificate of a province's node carries."""
    return f"{province}.node.deltacare.internal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a client shows, and whom it takes for the node.

    Attributes:
        province: Whose node must answer.
        ca_pem: The CA of that province.
        certificate_pem: The client's certificate.
        key_pem: Its private key.
    """

    province: str
    ca_pem: bytes
    certificate_pem: bytes
    key_pem: bytes = field(repr=False)

    @classmethod
    def load(cls, *, province: str, ca: Path, certificate: Path, key: Path) -> Self:
        """Read credentials from PEM files.

        Raises:
            Refusal: ``INVALID_FIELD``, naming the file that cannot be read.
        """
        return cls(
            province=parse_province(province),
            ca_pem=read_file(ca, field_name="ca"),
            certificate_pem=read_file(certificate, field_name="certificate"),
            key_pem=read_file(key, field_name="key"),
        )

    @classmethod
    def to_member(
        cls, trust: Trust, *, province: str, certificate_pem: bytes, key_pem: bytes
    ) -> Self:
        """Return credentials for a member's node, with the CA that the federation states for it."""
        return cls(
            province=province,
            ca_pem=trust.member(province).ca_pem.encode(),
            certificate_pem=certificate_pem,
            key_pem=key_pem,
        )

    def to_grpc(self) -> "grpc.ChannelCredentials":
        """Return gRPC's form."""
        import grpc

        return grpc.ssl_channel_credentials(
            root_certificates=self.ca_pem,
            private_key=self.key_pem,
            certificate_chain=self.certificate_pem,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How one client reaches its node: what ``deltacare node init`` leaves for it.

    Attributes:
        endpoint: ``host:port`` of the node.
        credentials: Who the client is.
    """

    endpoint: str
    credentials: Credentials

    @classmethod
    def load(cls, directory: Path, *, name: str) -> Self:
        """Read a profile from a directory with ``node.json``, ``ca.crt``, ``NAME.crt``/``.key``.

        A private key that is encrypted is opened with the passphrase that the environment gives,
        or that of the file which ``node.json`` names.

        Args:
            directory: Such as ``clients`` in a node's directory.
            name: Name of the client's certificate, such as ``system``.

        Raises:
            Refusal: ``INVALID_FIELD``, naming the file that is missing or wrong, or the passphrase.
        """
        path = directory / PROFILE_FILE
        remedy = "Give the directory that deltacare node init wrote for clients."
        try:
            value = json.loads(read_file(path, field_name="profile"))
        except ValueError:
            raise invalid_field("profile", path, "The file is not JSON.", remedy) from None
        fields: dict[str, object] = {"passphrase_file": ""}
        fields.update(value if isinstance(value, dict) else {})
        names = ("endpoint", "province", "passphrase_file")
        texts = [text for name in names if isinstance(text := fields.get(name), str)]
        if len(texts) != len(names):
            raise invalid_field("profile", path, "It lacks endpoint or province.", remedy)
        endpoint, province, passphrase_file = texts
        return cls(
            endpoint=endpoint,
            credentials=Credentials(
                province=parse_province(province),
                ca_pem=read_file(directory / CA_FILE, field_name="ca"),
                certificate_pem=read_file(directory / f"{name}.crt", field_name="certificate"),
                key_pem=_key_pem(directory, name, passphrase_file),
            ),
        )


def client_key_name(name: str) -> str:
    """Return the name under which the key of a client's certificate is sealed."""
    return f"client/{name}"


def _key_pem(directory: Path, name: str, passphrase_file: str) -> bytes:
    """Return a client's private key in PEM."""
    path = directory / f"{name}.key"
    data = read_file(path, field_name="key")
    if not data.startswith(b"{"):  # PEM, as other tools write it
        return data
    named = directory / passphrase_file if passphrase_file else None
    vault = Vault.open(directory, require_passphrase(os.environ, named))
    return vault.read(path, name=client_key_name(name))


def read_file(path: Path, *, field_name: str) -> bytes:
    """Return the bytes of a small file.

    Raises:
        Refusal: ``INVALID_FIELD``, naming the file, if it cannot be read, is too large or is none:
            a pipe that nobody writes to would be waited for without end.
    """
    try:
        data = read_regular(path, bytes_max=FILE_BYTES_MAX)
    except NotRegular:
        raise invalid_field(
            field_name, path, "It is not a regular file.", "Give the path of a file."
        ) from None
    except OSError as error:
        raise invalid_field(
            field_name,
            path,
            f"The file cannot be read: {error.strerror or type(error).__name__}.",
            "Check the path and the right to read it.",
        ) from None
    if len(data) > FILE_BYTES_MAX:
        raise invalid_field(field_name, path, f"The file has more than {FILE_BYTES_MAX} bytes.")
    return data
