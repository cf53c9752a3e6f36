"""Makes offline bundles: status lists, keys with receipts, and the node's own word, signed.

Every key needs a checkpoint with a quorum, of own logs too: the file is for people who trust no
node. A list of a partner that is gone goes in with its age, or is left out if there never was one;
then its certificates are `STALE` to whoever checks, and that is right. What the own copy of a log
says against a certificate, and its list does not say, stands beside the list.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import structlog
from sqlalchemy import Connection

from deltacare.credential.bundle import (
    BUNDLE_BYTES_MAX,
    KEYS_OF_ISSUER_MAX,
    BundleContent,
    BundleKey,
    BundleList,
    OfflineBundle,
    json_bytes,
)
from deltacare.credential.keys import KeyWindow
from deltacare.credential.status_list import verified_list
from deltacare.errors import Reason, Refusal
from deltacare.evidence import EvidenceReceipt
from deltacare.ids import LogName
from deltacare.keys import LogSigner
from deltacare.times import business_date
from deltacare.trust import Trust, in_force, verdict_key_name
from server.certification.evidence import VerdictSigners
from server.credential.answers import NUMBERS_MAX, Answers, Said, coming_days
from server.credential.mirror import Mirror
from server.credential.packing import Part, fit
from server.credential.store import key_windows_of
from server.credential.tokens import OwnTokens, PartnerTokens
from server.log.ports import LogReader
from server.store.database import Database

__all__ = ["Bundles"]

# The names of the file's parts, the host's own values and note, and who is left out.
_FRAME_BYTES = 8 * 1024

_log = structlog.get_logger("deltacare.credential")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proved:
    """A key with what proves it."""

    issuer: str
    window: KeyWindow
    receipt: EvidenceReceipt

    @property
    def row(self) -> BundleKey:
        """The key as a bundle carries it."""
        return BundleKey(
            issuer=self.issuer,
            key_id=self.window.stated.key_id,
            from_date=self.window.stated.from_date,
            until_date=self.window.until_date,
        )

    @property
    def size_bytes(self) -> int:
        """What it takes of a file."""
        return json_bytes(self.row) + json_bytes(self.receipt)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Carried:
    """A status list with what the node says of it."""

    row: BundleList
    token: str

    @property
    def size_bytes(self) -> int:
        """What it takes of a file."""
        return json_bytes(self.row) + len(self.token) + 3  # two quotes and a comma


class Bundles:
    """Makes the bundles of one node.

    Args:
        own: its province.
        trust: members, ages, and the keys of this node.
        database: rows.
        reader: entries and receipts.
        signers: gives the keys held for verdicts.
        answers: what is recognised.
        mirror: what logs restrict and lists do not show.
        tokens: own status lists.
        partners: those of the others.
    """

    def __init__(
        self,
        *,
        own: str,
        trust: Trust,
        database: Database,
        reader: LogReader,
        signers: VerdictSigners,
        answers: Answers,
        mirror: Mirror,
        tokens: OwnTokens,
        partners: PartnerTokens,
    ) -> None:
        self._own = own
        self._trust = trust
        self._database = database
        self._reader = reader
        self._signers = signers
        self._answers = answers
        self._mirror = mirror
        self._tokens = tokens
        self._partners = partners

    async def make(self, issuers: Sequence[str], now: datetime) -> bytes:
        """Return a bundle.

        Args:
            issuers: members whose certificates are to be checked.
            now: the moment of the call.

        Raises:
            Refusal: ``KEY_NOT_IN_FORCE``, if no key for verdicts is held that is in force.
        """
        signer = self._signer(now)
        # 1. Keys, before lists: a list by a key that came later is left to the next bundle.
        proved = await self._database.read(
            lambda connection: [
                each for issuer in issuers for each in self._prove(connection, issuer)
            ]
        )
        # 2. Lists.
        lists = {issuer: await self._lists_of(issuer, now) for issuer in issuers}
        # 3. What is recognised here, and what logs restrict and these lists do not show.
        hidden = {issuer: await self._hidden(issuer, found, now) for issuer, found in lists.items()}
        days = coming_days(now, self._trust.stale_after_s)
        said = await self._answers.make(hidden, days=days, now=now)
        # 4. As much of it as a message carries: what is left out is stale to whoever checks.
        return await asyncio.to_thread(
            self._pack, proved=proved, lists=lists, said=said, days=days, now=now, signer=signer
        )

    def _pack(
        self,
        *,
        proved: Sequence[_Proved],
        lists: Mapping[str, Sequence[_Carried]],
        said: Mapping[str, Said],
        days: Sequence[date],
        now: datetime,
        signer: LogSigner,
    ) -> bytes:
        """Return the signed file; a large one takes a while, so others are served meanwhile."""
        taken = _FRAME_BYTES + sum(each.size_bytes for each in proved)
        fitted = fit(
            (
                Part(
                    issuer=issuer,
                    lists_bytes=sum(each.size_bytes for each in found),
                    said=said[issuer],
                    days=days,
                )
                for issuer, found in lists.items()
            ),
            free_bytes=BUNDLE_BYTES_MAX - taken,
        )
        left_out = sorted(lists.keys() - fitted.keys())
        kinds = [kind for each in fitted.values() for kind in each.stale_kinds]
        if left_out or kinds:
            issuers = sorted({kind.issuer for kind in kinds})
            _log.warning("bundle_leaves_out", issuers=left_out, kinds_of=issuers, kinds=len(kinds))
        carried = [each for issuer in lists if issuer in fitted for each in lists[issuer]]
        content = BundleContent(
            host=self._own,
            made_time=now.replace(microsecond=0),
            stale_after_s=self._trust.stale_after_s,
            trust_version=self._trust.version,
            keys=tuple(each.row for each in proved),
            lists=tuple(each.row for each in carried),
            classes=tuple(row for each in fitted.values() for row in each.classes),
            numbers=tuple(row for each in fitted.values() for row in each.numbers),
            left_out=tuple(left_out),
        )
        return OfflineBundle.signed(
            content,
            signer,
            tokens=tuple(each.token for each in carried),
            receipts=tuple(each.receipt for each in proved),
        ).to_bytes()

    async def _hidden(
        self, issuer: str, lists: Sequence[_Carried], now: datetime
    ) -> frozenset[str]:
        """Return certificates that may not count although these lists show them as good."""
        if not lists:
            return frozenset()
        shown = await asyncio.to_thread(
            lambda: {each.row.list_number: verified_list(each.token).data for each in lists}
        )
        return await self._mirror.hidden(issuer, shown, business_date(now), numbers_max=NUMBERS_MAX)

    async def _lists_of(self, issuer: str, now: datetime) -> Sequence[_Carried]:
        """Return an issuer's lists."""
        if issuer != self._own:
            kept = await self._partners.get(issuer, now)
            return [
                _carried(issuer, number, each.token, each.fetched_time)
                for number, each in sorted(kept.items())
            ]
        found: list[_Carried] = []
        try:
            while (signed := await self._tokens.get(len(found), now)) is not None:
                found.append(_carried(issuer, len(found), signed.jwt, signed.signed_time))
        except Refusal as refusal:
            # A province that issues no phone certificates can check those of others.
            if refusal.reason is not Reason.KEY_NOT_IN_FORCE:
                raise
        return found

    def _prove(self, connection: Connection, issuer: str) -> list[_Proved]:
        """Return the keys of an issuer that a quorum has seen, with receipts."""
        log = LogName.registry(issuer)
        stated = [each for each in key_windows_of(connection, issuer) if not each.is_withdrawn]
        windows = sorted(stated, key=lambda each: each.stated.index)[-KEYS_OF_ISSUER_MAX:]
        found = []
        for window in windows:
            index = window.stated.index
            receipts = self._reader.receipts(connection, log, (index,))
            if receipts is None:
                continue
            (entry,) = self._reader.entries(connection, log, index, index + 1)
            found.append(
                _Proved(
                    issuer=issuer,
                    window=window,
                    receipt=EvidenceReceipt(proof=receipts[1][0], entry=entry),
                )
            )
        return found

    def _signer(self, now: datetime) -> LogSigner:
        """Return the newest key that the members stated for this node and that is held."""
        held = {signer.verifier: signer for signer in self._signers.verdict_signers}
        for term in in_force(self._trust.verdict_keys(self._own), now):
            if term.key in held:
                return held[term.key]
        raise Refusal(
            Reason.KEY_NOT_IN_FORCE,
            "This node holds no key for verdicts that is in force; its operator installs one.",
            details={"key": verdict_key_name(self._own)},
        )


def _carried(issuer: str, number: int, token: str, fetched_time: datetime) -> _Carried:
    """Return a list as a bundle carries it; the file has whole seconds."""
    row = BundleList(
        issuer=issuer,
        list_number=number,
        token_sha256=hashlib.sha256(token.encode()).hexdigest(),
        fetched_time=fetched_time.replace(microsecond=0),
    )
    return _Carried(row=row, token=token)
