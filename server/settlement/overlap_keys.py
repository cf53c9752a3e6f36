"""The own province's keys for overlaps: X25519, sealed like every key of the node.

One file a key, named by its public part, in the node's vault. Which of them counts for a year is
what the own log states; one that was made and not yet stated is the next to be stated. A private
key never leaves this object: it is asked for tags.
"""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

from clients.vault import Vault, describe
from deltacare.errors import invalid_field
from deltacare.overlap import OVERLAP_KEY_BYTES, OverlapSecret, TagKey, overlap_key_id

__all__ = ["KEY_SUFFIX", "OverlapKeys"]

KEY_SUFFIX = ".x25519"
_PREFIX = "overlap."
_NAME = "overlap"


class OverlapKeys:
    """The keys held.

    Args:
        vault: Opens and writes the files; ``None`` holds keys in memory only, for tests.
        entropy: Returns so many unpredictable bytes.

    Raises:
        Refusal: ``INVALID_FIELD``, naming a file that holds another key than its name says.
    """

    def __init__(self, vault: Vault | None, *, entropy: Callable[[int], bytes]) -> None:
        self._vault = vault
        self._entropy = entropy
        self._held: dict[bytes, OverlapSecret] = {}
        self._making = asyncio.Lock()
        if vault is not None:
            for path in sorted(vault.directory.glob(f"{_PREFIX}*{KEY_SUFFIX}")):
                secret = _read(vault, path)
                self._held[secret.public_key] = secret

    def __repr__(self) -> str:
        return f"OverlapKeys({sorted(each.key_id for each in self._held.values())})"

    def holds(self, public_key: bytes) -> bool:
        """Whether the private part of a key is here."""
        return public_key in self._held

    def agree(
        self, own_public_key: bytes, public_key: bytes, *, own: str, other: str, service_year: int
    ) -> TagKey:
        """Return what makes the tags of two provinces and a year.

        Args:
            own_public_key: Of a key that `holds` knows.
            public_key: The other's.
            own: Own province.
            other: The other one.
            service_year: Year of the months of service.
        """
        secret = self._held[own_public_key]
        return secret.agree(public_key, own=own, other=other, service_year=service_year)

    async def next(self, stated: Iterable[bytes]) -> bytes:
        """Return the public part of a key that was not stated yet, made now if there is none.

        Args:
            stated: Public parts of those that were.
        """
        async with self._making:
            known = set(stated)
            for public_key in self._held:
                if public_key not in known:
                    return public_key
            private_key = self._entropy(OVERLAP_KEY_BYTES)
            secret = OverlapSecret(private_key)
            if self._vault is not None:
                await asyncio.to_thread(self._write, self._vault, secret, private_key)
            self._held[secret.public_key] = secret
            return secret.public_key

    def _write(self, vault: Vault, secret: OverlapSecret, private_key: bytes) -> None:
        vault.write(
            vault.directory / f"{_PREFIX}{secret.key_id}{KEY_SUFFIX}",
            private_key,
            name=_NAME,
            public=secret.public_key.hex(),
            entropy=self._entropy,
        )


def _read(vault: Vault, path: Path) -> OverlapSecret:
    """Return the key of a file that stands where it belongs."""
    public = describe(path).public
    data = vault.read(path, name=_NAME)
    secret = OverlapSecret(data) if len(data) == OVERLAP_KEY_BYTES else None
    if (
        secret is None
        or secret.public_key.hex() != public
        or path.name != f"{_PREFIX}{overlap_key_id(secret.public_key)}{KEY_SUFFIX}"
    ):
        raise invalid_field(
            "keys",
            path,
            "The file does not hold the key that belongs there.",
            "Restore it from the backup of this node.",
        )
    return secret
