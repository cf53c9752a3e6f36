"""The keys of issuers as a node's logs state them, for checks that reach the node."""

from datetime import date
from typing import TYPE_CHECKING

from deltacare.credential.jws import VerifyingKey
from deltacare.credential.keys import KeyStated, key_windows

if TYPE_CHECKING:
    from clients.sdk.node import SyncNodeClient

__all__ = ["KeysOfNode"]


class KeysOfNode:
    """Asks a node; implements ``deltacare.credential.certificate.IssuerKeys``.

    Args:
        node: Trusted, as it is for the check itself.
    """

    def __init__(self, node: "SyncNodeClient") -> None:
        self._node = node

    def key(self, issuer: str, key_id: str, *, on_date: date) -> VerifyingKey | None:
        """Return a key of a province that signs on a day, ``None`` if there is none."""
        from deltacare.v1.credential_service_pb2 import ListCredentialKeysRequest

        request = ListCredentialKeysRequest(province=issuer)
        stated = [
            KeyStated(
                index=each.entry.index,
                key_id=each.key.key_id,
                public_key=each.key.public_key,
                from_date=date.fromisoformat(each.key.from_date),
                until_date=(
                    date.fromisoformat(each.key.until_date) if each.key.until_date else None
                ),
            )
            for each in self._node.credential.ListCredentialKeys(request).keys
            if each.author == issuer
        ]
        for window in key_windows(stated):
            if window.stated.key_id == key_id and window.covers(on_date):
                return VerifyingKey.from_der(window.stated.public_key)
        return None
