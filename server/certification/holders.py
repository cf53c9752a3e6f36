"""Compares who shows a certificate with its holder: names here, identity numbers at the issuer.

It fails closed: what cannot be compared, or not in time, does not match. What was asked is neither
kept nor logged.
"""

import asyncio
import hmac
from collections.abc import Mapping, Sequence
from contextlib import suppress

from sqlalchemy import Connection

from deltacare.errors import DeltacareError
from deltacare.ids import LogName
from server.certification.cache import CertificateFacts
from server.certification.ports import IdentityComparer
from server.certification.questions import Question
from server.certification.rules import holder_name_digest
from server.certification.salts import SaltStore
from server.certification.values import CertificateHistory

__all__ = ["IDENTITY_WAIT_S", "HolderComparison"]

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
    ) -> Mapping[int, bool]:
        """Return by place whether the holder is the one asked for, identity numbers included.

        Issuers are asked while no database is read, and only of a certificate that is there and
        whose name did not already differ. What is not answered in time does not match.

        Args:
            questions: all of them.
            about: the rows about their certificates.
            names: by place, what came of comparing names.
        """
        asked = [place for place, each in enumerate(questions) if each.identity_number]
        if not asked:
            return names
        matches = dict(names)
        for place in asked:
            question = questions[place]
            if matches.get(place, True):
                is_known = about[question.certificate_no].history is not None
                matches[place] = is_known and await self._is_same(question)
        return matches

    async def _is_same(self, question: Question) -> bool:
        """Whether the issuer says in time that an identity number is the holder's."""
        if self._comparer is None or question.issuer not in self._logs:
            return False
        with suppress(DeltacareError, TimeoutError):
            async with asyncio.timeout(IDENTITY_WAIT_S):
                said = await self._comparer.same(
                    question.certificate_no, question.issuer, question.identity_number
                )
                return said is True
        return False
