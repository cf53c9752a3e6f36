"""Status list tokens: the own ones signed as they are asked for, partners' fetched and kept.

An own token says what the own log says at this moment, so a revocation is in the next answer. It is
signed again when the list changed, or when half of its time to live has passed, and not for every
caller. A partner's token is verified before it is kept, asked for again when it is a minute old or
its log restricted or reinstated something since, and served with its age when the partner is gone.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from deltacare.credential.cwt import to_cwt
from deltacare.credential.jws import SigningKey, VerifyingKey
from deltacare.credential.status_list import (
    LIST_PLACES,
    TTL_S,
    StatusListToken,
    compress_list,
    verified_list,
)
from deltacare.errors import DeltacareError, PeerFault, Reason
from deltacare.ids import LogName
from deltacare.times import business_date
from deltacare.trust import Trust
from server.credential.keys import CredentialKeys
from server.credential.ports import StatusListPeer
from server.credential.status import ListAt, LiveLists
from server.credential.store import (
    PartnerToken,
    issued_count,
    keep_token,
    kept_token,
    key_windows_of,
    restricted_numbers,
)
from server.log.ports import LogReader
from server.store.database import Database

__all__ = ["OwnTokens", "PartnerTokens", "SignedList"]

_SIGN_AGAIN = timedelta(seconds=TTL_S // 2)
_FETCH_AGAIN = timedelta(seconds=TTL_S // 5)
# However fast a partner's log grows, and whatever its token says of itself.
_FETCH_BEHIND = timedelta(seconds=5)
_TIMEOUT_S = 10.0

_log = structlog.get_logger("deltacare.credential")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedList:
    """An own list with its tokens.

    Attributes:
        listed: The list.
        jwt: Its token.
        cwt: The same as CWT.
        signed_time: When they were signed.
        key_id: By which key.
        compressed: The list, ZLIB.
    """

    listed: ListAt
    jwt: str
    cwt: bytes
    signed_time: datetime
    key_id: str
    compressed: bytes


class OwnTokens:
    """Signs the own province's lists.

    Args:
        own: the province.
        trust: the age beyond which a list counts for nothing.
        database: rows of keys.
        lists: what is signed.
        keys: by which.
    """

    def __init__(
        self,
        *,
        own: str,
        trust: Trust,
        database: Database,
        lists: LiveLists,
        keys: CredentialKeys,
    ) -> None:
        self._own = own
        self._trust = trust
        self._database = database
        self._lists = lists
        self._keys = keys
        self._signed: dict[int, SignedList] = {}
        self._lock = asyncio.Lock()

    async def signing_key(self, now: datetime) -> SigningKey:
        """Return the key that signs today.

        Raises:
            Refusal: ``KEY_NOT_IN_FORCE``.
        """
        windows = await self._database.read(
            lambda connection: key_windows_of(connection, self._own)
        )
        return self._keys.signing(windows, business_date(now))

    async def get(self, list_number: int, now: datetime) -> SignedList | None:
        """Return a list signed, ``None`` if there is no such list.

        Raises:
            Refusal: ``KEY_NOT_IN_FORCE``.
        """
        key = await self.signing_key(now)
        current = await self._lists.current(business_date(now))
        if list_number >= len(current):
            return None
        listed = current[list_number]
        async with self._lock:
            before = self._signed.get(list_number)
            is_same = before is not None and before.listed.list_hash == listed.list_hash
            if (
                before is not None
                and is_same
                and before.listed.entry_count == listed.entry_count
                and before.listed.on_date == listed.on_date
                and before.key_id == key.key_id
                and timedelta(0) <= now - before.signed_time < _SIGN_AGAIN
            ):
                return before
            signed = await asyncio.to_thread(
                self._sign, listed, key, now, before.compressed if before and is_same else None
            )
            self._signed[list_number] = signed
            return signed

    def _sign(
        self, listed: ListAt, key: SigningKey, now: datetime, compressed: bytes | None
    ) -> SignedList:
        compressed = compress_list(listed.data) if compressed is None else compressed
        token = StatusListToken(
            issuer=self._own,
            list_number=listed.list_number,
            data=listed.data,
            entry_count=listed.entry_count,
            issued_time=now,
            expires_time=now + timedelta(seconds=self._trust.stale_after_s),
            ttl_s=TTL_S,
            log_size=listed.log_size,
            on_date=listed.on_date,
            key_id=key.key_id,
        )
        return SignedList(
            listed=listed,
            jwt=token.to_jwt(key, compressed),
            cwt=to_cwt(token, key, compressed),
            signed_time=now,
            key_id=key.key_id,
            compressed=compressed,
        )


class PartnerTokens:
    """Fetches and keeps partners' tokens.

    Args:
        database: where they are kept.
        reader: up to where a partner's keys count.
        peer: the way to partners.
    """

    def __init__(self, *, database: Database, reader: LogReader, peer: StatusListPeer) -> None:
        self._database = database
        self._reader = reader
        self._peer = peer
        self._asked_time: dict[tuple[str, int], datetime] = {}

    async def get(self, issuer: str, now: datetime) -> Mapping[int, PartnerToken]:
        """Return the newest tokens of a partner that verify, by number; fetched if that is due.

        A partner that does not answer, or answers with something else, changes nothing.
        """
        position = self._reader.position(LogName.registry(issuer))

        def read(
            connection: Connection,
        ) -> tuple[dict[int, PartnerToken], set[int], int, dict[str, VerifyingKey]]:
            issued = issued_count(connection, issuer)
            lists = -(-issued // LIST_PLACES)
            found = {number: kept_token(connection, issuer, number) for number in range(lists)}
            kept = {number: each for number, each in found.items() if each is not None}
            behind = {
                number
                for number, each in kept.items()
                if restricted_numbers(
                    connection, issuer, verified_list(each.token).log_size, position.size
                )
            }
            windows = key_windows_of(connection, issuer, permit_size=position.quorum_size)
            day = business_date(now)
            keys = {
                each.stated.key_id: VerifyingKey.from_der(each.stated.public_key)
                for each in windows
                if each.covers(day)
            }
            return kept, behind, lists, keys

        kept, behind, lists, keys = await self._database.read(read)
        for number in range(lists):
            before = kept.get(number)
            if before is not None and not self._is_due(issuer, number, before, behind, now):
                continue
            self._asked_time[issuer, number] = now
            fetched = await self._fetch(issuer, number, keys, now)
            if fetched is not None:
                kept[number] = fetched
        return kept

    def _is_due(
        self, issuer: str, number: int, kept: PartnerToken, behind: set[int], now: datetime
    ) -> bool:
        """Whether to ask again for a list that is kept."""
        if not timedelta(0) <= now - kept.fetched_time < _FETCH_AGAIN:
            return True
        asked = max(kept.fetched_time, self._asked_time.get((issuer, number), kept.fetched_time))
        return number in behind and not timedelta(0) <= now - asked < _FETCH_BEHIND

    async def _fetch(
        self, issuer: str, number: int, keys: Mapping[str, VerifyingKey], now: datetime
    ) -> PartnerToken | None:
        """Return a partner's token that was fetched now and verifies."""
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                token = await self._peer.get_status_list(issuer, number)
            opened = await asyncio.to_thread(StatusListToken.open, token, keys)
            if (opened.issuer, opened.list_number) != (issuer, number):
                raise PeerFault(Reason.BAD_SIGNATURE, "The status list is another one.")
        except TimeoutError:
            _log.warning("status_list_not_fetched", issuer=issuer, list=number, reason="TIMEOUT")
            return None
        except DeltacareError as error:
            _log.warning(
                "status_list_not_fetched", issuer=issuer, list=number, reason=error.reason.wire
            )
            return None
        found = PartnerToken(token=token, fetched_time=now)
        await self._database.write(lambda connection: keep_token(connection, issuer, number, found))
        return found
