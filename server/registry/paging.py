"""Page tokens: where the next page begins, bound to the question it belongs to.

A token holds the last id of a page and a digest of the question, so that a page never mixes two
questions and rows that come or go between pages move none of the others. It is no secret and no
right.
"""

import base64
import binascii
import hashlib

from deltacare.errors import ViolationCollector

__all__ = ["next_token", "read_token"]

_DIGEST_BYTES = 8
_TOKEN_CHARS_MAX = 512
_ID_CHARS_MAX = 200


def _digest(question: bytes) -> bytes:
    return hashlib.sha256(b"deltacare page\0" + question).digest()[:_DIGEST_BYTES]


def next_token(question: bytes, last_id: str) -> str:
    """Return the token of the page that follows.

    Args:
        question: what was asked, without the size and token of the page, as stable bytes.
        last_id: id of the last row given.
    """
    return base64.urlsafe_b64encode(_digest(question) + last_id.encode()).decode().rstrip("=")


def read_token(token: str, question: bytes, bad: ViolationCollector) -> str:
    """Return the id after which a page begins; empty for the first page."""
    if not token:
        return ""
    raw = b""
    if len(token) <= _TOKEN_CHARS_MAX and token.isascii():
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except binascii.Error:
            raw = b""
    last_id = raw[_DIGEST_BYTES:]
    good = (
        raw[:_DIGEST_BYTES] == _digest(question)
        and 0 < len(last_id) <= _ID_CHARS_MAX
        and last_id.isascii()
    )
    if not good:
        bad.note(
            "page_token",
            token,
            "It is not a token of this question.",
            "Leave it empty to begin again.",
        )
        return ""
    return last_id.decode("ascii")
