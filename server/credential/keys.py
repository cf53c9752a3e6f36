"""The own province's keys for phone certificates: P-256, sealed like every key of the node.

One file a key, named by its thumbprint, in the node's vault. Which of them signs on a day is what
the own log states; a key that was made and not yet stated signs nothing and is the next to be
stated. A private key never leaves this object.
"""

import asyncio
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path

from clients.vault import Vault, describe
from deltacare.credential.jws import SigningKey
from deltacare.credential.keys import KeyWindow
from deltacare.errors import Reason, Refusal, invalid_field

__all__ = ["KEY_SUFFIX", "CredentialKeys"]

KEY_SUFFIX = ".es256"
_SECRET_BYTES = 32
_PREFIX = "credential."
_NAME = "credential"


class CredentialKeys:
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
        self._held: dict[str, SigningKey] = {}
        self._making = asyncio.Lock()
        if vault is not None:
            for path in sorted(vault.directory.glob(f"{_PREFIX}*{KEY_SUFFIX}")):
                key = _read(vault, path)
                self._held[key.key_id] = key

    def __repr__(self) -> str:
        return f"CredentialKeys({sorted(self._held)})"

    def signing(self, windows: Iterable[KeyWindow], day: date) -> SigningKey:
        """Return the key that signs on a day: the newest that was stated and is held.

        Args:
            windows: what the own log states.
            day: today.

        Raises:
            Refusal: ``KEY_NOT_IN_FORCE``.
        """
        stated = [each for each in windows if each.covers(day)]
        for window in sorted(
            stated, key=lambda each: (each.stated.from_date, each.stated.index), reverse=True
        ):
            key = self._held.get(window.stated.key_id)
            if key is not None:
                return key
        raise Refusal(
            Reason.KEY_NOT_IN_FORCE,
            "No key for phone certificates that this node holds is stated for today: state one "
            "with deltacare cert phone-key.",
            details={"date": day.isoformat()},
        )

    async def next(self, stated: Iterable[str]) -> SigningKey:
        """Return a key that was not stated yet, made now if there is none.

        Args:
            stated: ids of those that were.
        """
        async with self._making:
            known = set(stated)
            for key_id, key in self._held.items():
                if key_id not in known:
                    return key
            key = _draw(self._entropy)
            await asyncio.to_thread(self._write, key)
            self._held[key.key_id] = key
            return key

    def _write(self, key: SigningKey) -> None:
        if self._vault is not None:
            self._vault.write(
                self._vault.directory / f"{_PREFIX}{key.key_id}{KEY_SUFFIX}",
                key.secret,
                name=_NAME,
                public=key.key_id,
                entropy=self._entropy,
            )


def _draw(entropy: Callable[[int], bytes]) -> SigningKey:
    """Return a key drawn at random."""
    while True:
        try:
            return SigningKey.from_secret(entropy(_SECRET_BYTES))
        except ValueError:
            continue


def _read(vault: Vault, path: Path) -> SigningKey:
    """Return the key of a file that stands where it belongs."""
    public = describe(path).public
    try:
        key = SigningKey.from_secret(vault.read(path, name=_NAME))
    except ValueError:
        key = None
    if key is None or key.key_id != public or path.name != f"{_PREFIX}{public}{KEY_SUFFIX}":
        raise invalid_field(
            "keys",
            path,
            "The file does not hold the key that belongs there.",
            "Restore it from the backup of this node.",
        )
    return key
