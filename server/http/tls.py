"""TLS for callers without a certificate: the node shows its own, which can be renewed meanwhile.

The standard library reads keys from files only. A key never touches the disk as it is: it is
written encrypted under a passphrase that lives as long as the call.
"""

import os
import secrets
import ssl
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

__all__ = ["ServerTls"]


class ServerTls:
    """What new connections are shown.

    Args:
        certificate_pem: The node's certificate, and the chain behind it.
        key_pem: Its private key, not encrypted.

    Raises:
        ssl.SSLError: If the two do not belong together.
    """

    def __init__(self, *, certificate_pem: bytes, key_pem: bytes) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.options |= ssl.OP_NO_RENEGOTIATION
        self.context.set_alpn_protocols(["http/1.1"])
        self.renew(certificate_pem=certificate_pem, key_pem=key_pem)

    def renew(self, *, certificate_pem: bytes, key_pem: bytes) -> None:
        """Show another certificate from the next handshake on; connections that are up stay.

        Raises:
            ssl.SSLError: If the two do not belong together.
        """
        passphrase = secrets.token_hex(32)
        encrypted = load_pem_private_key(key_pem, password=None).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase.encode())
        )
        with TemporaryDirectory(prefix="deltacare-tls-") as directory:
            certificate_file, key_file = Path(directory) / "crt", Path(directory) / "key"
            certificate_file.write_bytes(certificate_pem)
            descriptor = os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(encrypted)
            # A context that half took what does not fit would serve nobody: try another first.
            for context in (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), self.context):
                context.load_cert_chain(certificate_file, key_file, passphrase)
