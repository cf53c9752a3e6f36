"""What people read to each other by telephone: one digest of a card, one of each CA.

A card is not signed, so whoever carries it could exchange a CA or a key on it. Its digest covers
all that an office takes from it; windows, accounts, schemes and revocations are the offices' own
and stay outside, so that a card has the same digest before and after it was stated. Nothing here
decides whether two digests were compared.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator

from deltacare.keys import VerifierKey
from deltacare.trust import Member
from deltacare.trust.documents import canonical

__all__ = ["ca_fingerprints", "card_sha256", "spaced"]

_FORMAT = "deltacare/card-digest/v1"
_GROUP_CHARS = 8
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)


def card_sha256(member: Member, timestamp: VerifierKey) -> str:
    """Return the digest of what a card says of a node, in hex.

    Args:
        member: As the card or a statement has it.
        timestamp: The key with which the node signs the federation's timestamp.
    """
    data = canonical(
        {
            "format": _FORMAT,
            "province": member.province,
            "name_zh": member.name_zh,
            "name_en": member.name_en,
            "endpoint": member.endpoint,
            "ca_pem": member.ca_pem,
            "keys": sorted(term.key.to_text() for term in member.keys),
            "suite_keys": sorted(term.key.to_text() for term in member.suite_keys),
            "timestamp_key": timestamp.to_text(),
        }
    )
    return hashlib.sha256(data).hexdigest()


def ca_fingerprints(pem: str) -> tuple[str, ...]:
    """Return SHA-256 of each certificate in DER, in hex, as they stand.

    Args:
        pem: Certificates; of one that is no base64 the text itself is digested.
    """
    return tuple(_digests(pem))


def spaced(digest: str) -> str:
    """Return a digest in groups of eight, as it is read aloud."""
    return " ".join(
        digest[start : start + _GROUP_CHARS] for start in range(0, len(digest), _GROUP_CHARS)
    )


def _digests(pem: str) -> Iterator[str]:
    for match in _PEM.finditer(pem):
        try:
            der = base64.b64decode(match[1])
        except binascii.Error:
            der = match[1].encode()
        yield hashlib.sha256(der).hexdigest()
