"""Request ids that come from content, so that the same content is done once."""

import hashlib
from uuid import UUID

__all__ = ["content_id"]

_LENGTH_BYTES = 8
_UUID_BYTES = 16


def content_id(*parts: bytes) -> str:
    """Return a UUID that depends on content alone (RFC 9562, version 8).

    Args:
        parts: Hashed each after its length, so that no two lists of parts are the same.
    """
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(_LENGTH_BYTES, "big"))
        digest.update(part)
    raw = bytearray(digest.digest()[:_UUID_BYTES])
    raw[6] = raw[6] & 0x0F | 0x80
    raw[8] = raw[8] & 0x3F | 0x80
    return str(UUID(bytes=bytes(raw)))
