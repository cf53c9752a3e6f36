"""The second suite against OpenSSL, both ways: what one signs the other verifies.

OpenSSL's own identity of the signer is empty unless ``distid`` names one; then nothing verifies.
"""

import base64
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from deltacare.errors import PeerFault
from deltacare.sm2 import SM2_ID, Sm2Use
from deltacare.tlog.cosignature import cosigned_message
from tests.deltacare.builders import NOW
from tests.deltacare.sm2_support import LOG, WITNESSES, shown, sm2_signer

pytestmark = pytest.mark.interop

RUN_S_MAX = 60
SIGNER = sm2_signer("deltacare/310000/registry")
DISTID = ("-pkeyopt", f"distid:{SM2_ID.decode()}")

# SubjectPublicKeyInfo and ECPrivateKey on the curve sm2p256v1 (1.2.156.10197.1.301), up to the key.
_SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200")
_EC_PRIVATE = bytes.fromhex("30770201010420")
_EC_BETWEEN = bytes.fromhex("a00a06082a811ccf5501822da144034200")


class OpenSsl:
    """Runs ``openssl pkeyutl`` with the keys of one signer."""

    def __init__(self, folder: Path) -> None:
        tool = shutil.which("openssl")
        assert tool, "install OpenSSL 3 to run this test"
        self.tool = tool
        self.folder = folder
        public_key = SIGNER.verifier.public_key
        (folder / "public.pem").write_text(_pem("PUBLIC KEY", _SPKI + public_key))
        private = _EC_PRIVATE + SIGNER.seed + _EC_BETWEEN + public_key
        (folder / "private.pem").write_text(_pem("EC PRIVATE KEY", private))

    def verifies(self, message: bytes, signature: bytes, *options: str) -> bool:
        """Whether it verifies 64 bytes over a message."""
        halves = (int.from_bytes(part, "big") for part in (signature[:32], signature[32:]))
        (self.folder / "signature").write_bytes(encode_dss_signature(*halves))
        run = self._run(
            message, "-verify", "-pubin", "-inkey", "public.pem", "-sigfile", "signature", *options
        )
        assert b"Signature Verif" in run.stdout, run.stderr
        return run.returncode == 0

    def sign(self, message: bytes, *options: str) -> bytes:
        """Return its signature as 64 bytes."""
        run = self._run(message, "-sign", "-inkey", "private.pem", *options)
        assert run.returncode == 0, run.stderr
        return b"".join(part.to_bytes(32, "big") for part in decode_dss_signature(run.stdout))

    def _run(self, message: bytes, *args: str) -> "subprocess.CompletedProcess[bytes]":
        (self.folder / "message").write_bytes(message)
        return subprocess.run(
            [self.tool, "pkeyutl", "-rawin", "-digest", "sm3", "-in", "message", *args],
            cwd=self.folder,
            capture_output=True,
            check=False,
            timeout=RUN_S_MAX,
        )


def _pem(label: str, der: bytes) -> str:
    return f"-----BEGIN {label}-----\n{base64.encodebytes(der).decode()}-----END {label}-----\n"


@pytest.fixture
def openssl(tmp_path: Path) -> OpenSsl:
    """OpenSSL with the keys of the test's signer."""
    return OpenSsl(tmp_path)


MESSAGES = [b"x", b"message digest", bytes(range(256)) * 40, shown().checkpoint.note.text.encode()]


@pytest.mark.parametrize("message", MESSAGES)
def test_openssl_verifies_what_we_sign(openssl: OpenSsl, message: bytes) -> None:
    """With our identity it verifies; another byte, and it does not: the check can fail."""
    signature = SIGNER.sign(message)
    assert openssl.verifies(message, signature, *DISTID)
    assert not openssl.verifies(message + b"\x00", signature, *DISTID)


@pytest.mark.parametrize("message", MESSAGES)
def test_we_verify_what_openssl_signs(openssl: OpenSsl, message: bytes) -> None:
    """Its signature, made with our identity, is one of the key's."""
    signature = openssl.sign(message, *DISTID)
    SIGNER.verifier.verify(message, signature)
    with pytest.raises(PeerFault):
        SIGNER.verifier.verify(message + b"\x00", signature)


@pytest.mark.parametrize("options", [(), ("-pkeyopt", "distid:1234567812345679")])
def test_another_identity_is_another_signature(openssl: OpenSsl, options: tuple[str, ...]) -> None:
    """The empty identity, which OpenSSL takes unless told, and one digit changed: both refused."""
    message = MESSAGES[1]
    assert not openssl.verifies(message, SIGNER.sign(message), *options)
    signature = openssl.sign(message, *options)
    assert openssl.verifies(message, signature, *options)
    with pytest.raises(PeerFault):
        SIGNER.verifier.verify(message, signature)


def test_openssl_verifies_the_lines_of_a_checkpoint(openssl: OpenSsl) -> None:
    """The log's line over the text, a witness's over the text with its time."""
    checkpoint = shown().checkpoint
    log, witness = sm2_signer(LOG), sm2_signer(WITNESSES[0], Sm2Use.COSIGNATURE)
    cosigned = cosigned_message(checkpoint.note.text, int(NOW.timestamp()))
    for signer, message, skipped in (
        (log, checkpoint.note.text.encode(), 0),
        (witness, cosigned, 8),
    ):
        (line,) = [s for s in checkpoint.note.signatures if signer.verifier.matches(s)]
        public_key = signer.verifier.public_key
        (openssl.folder / "public.pem").write_text(_pem("PUBLIC KEY", _SPKI + public_key))
        assert openssl.verifies(message, line.signature[skipped:], *DISTID)
