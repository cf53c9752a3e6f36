"""Makes offline bundles: status lists, keys with receipts, and the node's own word, signed.

Every key needs a checkpoint with a quorum, of own logs too: the file is for people who trust no
node. A list of a partner that is gone goes in with its age, or is left out if there never was one;
then its certificates are `STALE` to whoever checks, and that is right. What the own copy of a log
says against a certificate, and its list does not say, stands beside the list.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import Connection

from deltacare.credential.bundle import BundleContent, BundleKey, BundleList, OfflineBundle
from deltacare.credential.keys import KeyWindow
from deltacare.credential.status_list import verified_list
from deltacare.errors import Reason, Refusal
from deltacare.evidence import EvidenceReceipt
from deltacare.ids import LogName
from deltacare.keys import LogSigner
from deltacare.times import business_date
from deltacare.trust import Trust, in_force, verdict_key_name
from server.certification.evidence import VerdictSigners
from server.credential.answers import NUMBERS_MAX, Answers, coming_days
from server.credential.mirror import Mirror
from server.credential.store import key_windows_of
from server.credential.tokens import OwnTokens, PartnerTokens
from server.log.ports import LogReader
from server.store.database import Database

__all__ = ["Bundles"]

_log = structlog.get_logger("deltacare.credential")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proved:
    """A key with what proves it."""

    issuer: str
    window: KeyWindow
    receipt: EvidenceReceipt


@dataclass(frozen=True, slots=True, kw_only=True)
class _Carried:
    """A status list with what the node says of it."""

    row: BundleList
    token: str


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
        stale_after_s = self._trust.stale_after_s
        hidden: set[str] = set()
        for issuer, found in lists.items():
            hidden |= await self._hidden(issuer, found, now)
        said = await self._answers.make(
            issuers, hidden=hidden, days=coming_days(now, stale_after_s), now=now
        )
        if said.left_out:
            _log.warning("bundle_leaves_out", issuers=sorted(said.left_out))
        # What has no list is stale to whoever checks.
        carried = [
            each for issuer in issuers if issuer not in said.left_out for each in lists[issuer]
        ]
        content = BundleContent(
            host=self._own,
            made_time=now.replace(microsecond=0),
            stale_after_s=stale_after_s,
            trust_version=self._trust.version,
            keys=tuple(
                BundleKey(
                    issuer=each.issuer,
                    key_id=each.window.stated.key_id,
                    from_date=each.window.stated.from_date,
                    until_date=each.window.until_date,
                )
                for each in proved
            ),
            lists=tuple(each.row for each in carried),
            classes=said.classes,
            numbers=said.numbers,
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
        windows = [each for each in key_windows_of(connection, issuer) if not each.is_withdrawn]
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
