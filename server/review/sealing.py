"""Seals the requests of drafts at rest, and compares them without telling what they say.

One purpose, one key: both are made of the node's vault key, which lies outside the database and its
backups. A sealed request is bound to its draft and opens for no other.
"""

import hashlib
import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from deltacare.errors import Reason, Refusal
from server.log.ports import Entropy

__all__ = ["Sealer"]

_NONCE_BYTES = 12  # NIST SP 800-38D, 8.2


class Sealer:
    """Seals for one province's node.

    Args:
        own: The province; part of what the keys are bound to.
        vault_key: 32 bytes.
        entropy: Draws nonces.
    """

    def __init__(self, own: str, vault_key: bytes, entropy: Entropy) -> None:
        self._cipher = AESGCM(_derived(vault_key, "deltacare draft", own))
        self._mac_key = _derived(vault_key, "deltacare draft content", own)
        self._entropy = entropy

    def seal(self, request_id: str, data: bytes) -> bytes:
        """Return a request as it is stored."""
        nonce = self._entropy.token(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, data, request_id.encode())

    def open(self, request_id: str, sealed: bytes) -> bytes:
        """Return what was sealed.

        Raises:
            Refusal: ``KEY_NOT_IN_FORCE``, if this node's vault key does not open it.
        """
        nonce, data = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, data, request_id.encode())
        except InvalidTag:
            raise Refusal(
                Reason.KEY_NOT_IN_FORCE, "The vault key of this node does not open the draft."
            ) from None

    def mac(self, method: str, maker: str, data: bytes) -> bytes:
        """Return what a repeated submission is compared by."""
        content = b"\0".join((method.encode(), maker.encode(), data))
        return hmac.digest(self._mac_key, content, hashlib.sha256)


def _derived(vault_key: bytes, purpose: str, own: str) -> bytes:
    return hmac.digest(vault_key, f"{purpose}\0{own}".encode(), hashlib.sha256)
