"""Enrolment codes and pseudonyms: what stands for an elder, and what a node keeps of it.

A code is derived from a key of the node, the request and the place in it, so that a repeated
request gives the same code although the node keeps only the code's HMAC. A pseudonym is random; its
connection to home's own handle of the elder is kept as an HMAC of the handle. Nothing here is in a
log.
"""

import base64
import hashlib
import hmac
import re

__all__ = ["CODE_CHARS", "CodeBook", "normalise_code"]

CODE_CHARS = 16
_CODE_BYTES = 10  # 80 bits are 16 characters of base32
_KEY_BYTES_MIN = 32
_FORM = re.compile("[A-Z2-7]{16}")


def normalise_code(text: str) -> str:
    """Return a code as it was made from how an elder shows it; empty if it is none."""
    code = text.upper().replace("-", "").replace(" ", "")
    return code if _FORM.fullmatch(code) else ""


class CodeBook:
    """Derives codes and digests under one key of the node.

    Args:
        key: At least 32 secret bytes; codes and pseudonyms die with it.
    """

    def __init__(self, key: bytes) -> None:
        assert len(key) >= _KEY_BYTES_MIN, "the key of enrolment codes has at least 32 bytes"
        self._key = key

    def _mac(self, purpose: str, *parts: str) -> bytes:
        message = "\x1f".join(("deltacare/v1", purpose, *parts)).encode()
        return hmac.digest(self._key, message, hashlib.sha256)

    def code(self, caller: str, request_id: str, position: int) -> str:
        """Return the code of one enrolment of a caller's request: 16 characters of base32."""
        mac = self._mac("enrolment-code", caller, request_id, str(position))
        return base64.b32encode(mac[:_CODE_BYTES]).decode()

    def code_mac(self, code: str) -> bytes:
        """Return what is kept of a code."""
        return self._mac("enrolment-code-kept", code)

    def handle_mac(self, elder_handle: str, host: str) -> bytes:
        """Return under what the pseudonym of an elder with one host is kept."""
        return self._mac("elder-handle", host, elder_handle)

    def elder_mac(self, elder_handle: str) -> bytes:
        """Return what stands for an elder, whoever the host is."""
        return self._mac("elder", elder_handle)
