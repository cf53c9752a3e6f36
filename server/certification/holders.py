"""Compares who shows a certificate with its holder: names here, identity numbers at the issuer.

It fails closed: what cannot be compared does not match. An issuer that cannot be asked is another
matter: of its holder nothing is known, and nothing is said, for a network accuses nobody. What was
asked is neither kept nor logged.
"""

import asyncio
import hmac
from collections.abc import Mapping, Sequence
from contextlib import suppress

from sqlalchemy import Connection

from deltacare.errors import DeltacareError, Reason, Unavailable
from deltacare.ids import LogName
from server.certification.cache import CertificateFacts
from server.certification.facts import Outcome
from server.certification.ports import IdentityComparer
from server.certification.questions import Question
from server.certification.rules import holder_name_digest
from server.certification.salts import SaltStore
from server.certification.values import CertificateHistory
from server.certification.verdicts import R06_HOLDER

__all__ = ["IDENTITY_WAIT_S", "HolderComparison", "matched", "require_compared"]

IDENTITY_WAIT_S = 3.0
"""For so long the issuer is asked about an identity number; a person stands at the counter."""


class HolderComparison:
    """Comparisons of one node.

    Args:
        logs: registry logs of the members, by author.
        salts: to compare names with.
        comparer: to compare identity numbers with; ``None`` if no number can be compared.
    """

    def __init__(
        self,
        *,
        logs: Mapping[str, LogName],
        salts: SaltStore,
        comparer: IdentityComparer | None,
    ) -> None:
        self._logs = logs
        self._salts = salts
        self._comparer = comparer

    def names_match(
        self,
        connection: Connection,
        questions: Sequence[Question],
        about: Mapping[str, CertificateFacts],
    ) -> dict[int, bool]:
        """Return by place whether the holder asked for is the holder; not so if not comparable.

        Questions that ask for no holder are left out.
        """
        asked = {place: each for place, each in enumerate(questions) if each.holder_name}
        comparable: dict[int, CertificateHistory] = {}
        wanted: dict[LogName, set[int]] = {}
        for place, question in asked.items():
            history = about[question.certificate_no].history
            log = self._logs.get(question.issuer)
            if history is not None and log is not None and history.holder_name_digest:
                comparable[place] = history
                wanted.setdefault(log, set()).add(history.index)
        salts = {
            log: self._salts.read_some(connection, log, indexes) for log, indexes in wanted.items()
        }
        matches = dict.fromkeys(asked, False)
        for place, history in comparable.items():
            question = asked[place]
            salt = salts[self._logs[question.issuer]].get(history.index)
            if salt is not None:
                digest = holder_name_digest(salt, question.holder_name)
                matches[place] = hmac.compare_digest(digest, history.holder_name_digest)
        return matches

    async def with_identities(
        self,
        questions: Sequence[Question],
        about: Mapping[str, CertificateFacts],
        names: Mapping[int, bool],
    ) -> Mapping[int, bool | None]:
        """Return by place whether the holder is the one asked for, identity numbers included.

        Issuers are asked while no database is read, and only of a certificate that is there and
        whose name did not already differ. ``None`` where the issuer did not answer in time.

        Args:
            questions: all of them.
            about: the rows about their certificates.
            names: by place, what came of comparing names.
        """
        asked = [place for place, each in enumerate(questions) if each.identity_number]
        if not asked:
            return names
        matches: dict[int, bool | None] = dict(names)
        for place in asked:
            question = questions[place]
            if matches.get(place, True):
                is_known = (
                    question.issuer in self._logs
                    and about[question.certificate_no].history is not None
                )
                matches[place] = await self._is_same(question) if is_known else False
        return matches

    async def _is_same(self, question: Question) -> bool | None:
        """Whether the issuer says that an identity number is the holder's; ``None`` if nothing."""
        if self._comparer is None:
            return None
        with suppress(DeltacareError, TimeoutError):
            async with asyncio.timeout(IDENTITY_WAIT_S):
                return await self._comparer.same(
                    question.certificate_no, question.issuer, question.identity_number
                )
        return None


def matched(matches: Mapping[int, bool | None], place: int) -> bool | None:
    """Return what came of comparing a holder; ``None`` if none was asked for."""
    return bool(matches[place]) if place in matches else None


def require_compared(matches: Mapping[int, bool | None], place: int, outcome: Outcome) -> None:
    """Refuse to call a holder another who could not be compared for want of an answer.

    Verdicts of the rules before, which ask for no holder, stand.

    Raises:
        Unavailable: ``PEER_UNREACHABLE``.
    """
    if outcome.rule is R06_HOLDER and place in matches and matches[place] is None:
        raise Unavailable(
            Reason.PEER_UNREACHABLE,
            "The issuer's node did not compare the identity number now, so nothing is said of the "
            "holder; ask again in a moment, or check by name.",
        )
