"""Answers checks: gathers the facts of a question, asks the rules, and remembers the answer.

A question about the present is answered from memory where it can be; one about the past, or one
that names a holder, reads the database. Names are compared here, at the checker's own node;
identity numbers at the issuer's, who alone keeps any. Neither is kept nor logged.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy import Connection

from deltacare.divisions import province_of
from deltacare.ids import LogName
from deltacare.times import posix_s
from deltacare.trust import Trust
from deltacare.v1.certification_service_pb2 import VERDICT_STALE, CheckCertificationResponse
from server.certification.cache import (
    CertificateFacts,
    DeclaredFacts,
    Lru,
    StandingVerdict,
)
from server.certification.facts import Facts, LogFacts, Outcome, log_age
from server.certification.holders import HolderComparison, matched, require_compared
from server.certification.ports import IdentityComparer, StatedSchemes
from server.certification.questions import Question
from server.certification.reading import FactsReader, read_certificates, read_declared
from server.certification.rules import check
from server.certification.salts import SaltStore
from server.log.ports import LogReader, Position
from server.store.database import Database

__all__ = ["CERTIFICATES_CACHED_MAX", "VERDICTS_CACHED_MAX", "Answered", "Checker"]

CERTIFICATES_CACHED_MAX = 20_000
VERDICTS_CACHED_MAX = 20_000
# Answers of a batch made before others get a turn: some milliseconds.
_ANSWERS_AT_ONCE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A verdict with what it was made from.

    Attributes:
        facts: what the rules looked at.
        outcome: what they said.
        response: the same as the contract has it.
    """

    facts: Facts
    outcome: Outcome
    response: CheckCertificationResponse


class Checker:
    """Checks of one node.

    Args:
        own: its province.
        trust: members, and the age beyond which a log is stale.
        database: its rows.
        reader: how far it holds each log.
        salts: to compare names with.
        comparer: to compare identity numbers with; ``None`` if no number can be compared.
        schemes: what the federation stated; ``None`` asks ``trust`` alone, which knows the present.
        certificates_max: most certificates whose facts are kept in memory.
        verdicts_max: most verdicts kept in memory.
    """

    def __init__(
        self,
        *,
        own: str,
        trust: Trust,
        database: Database,
        reader: LogReader,
        salts: SaltStore,
        comparer: IdentityComparer | None = None,
        schemes: StatedSchemes | None = None,
        certificates_max: int = CERTIFICATES_CACHED_MAX,
        verdicts_max: int = VERDICTS_CACHED_MAX,
    ) -> None:
        self._own = own
        self._trust = trust
        self._database = database
        self._reader = reader
        self._schemes = schemes
        self._logs = {province: LogName.registry(province) for province in trust.provinces}
        self._holders = HolderComparison(logs=self._logs, salts=salts, comparer=comparer)
        self._own_log = self._logs[own]
        self._facts = FactsReader(
            database=database, reader=reader, logs=self._logs, certificates_max=certificates_max
        )
        self._verdicts_max = verdicts_max
        self._verdicts: Lru[tuple[str, str, str], StandingVerdict] = Lru(verdicts_max)
        self._trust_version = trust.version

    def remembered(
        self, certificate_no: str, host: str, on_date: str, now: datetime
    ) -> CheckCertificationResponse | None:
        """Return a verdict that still stands, ``None`` if there is none.

        The caller has refreshed the reader. Touches no disk.

        Args:
            certificate_no: as it was asked for before.
            host: division where it should count.
            on_date: ISO 8601.
            now: the moment of the question.
        """
        trust = self._trust
        if trust.version != self._trust_version:
            self._trust_version = trust.version
            self._verdicts = Lru(self._verdicts_max)
        if trust.stale_since(now) is not None:
            return None
        found = self._verdicts.get((certificate_no, host, on_date))
        if found is None or (found.expires_time is not None and now > found.expires_time):
            return None
        position_of = self._reader.position
        own = found.own
        for log, then in found.used:
            position = position_of(log)
            if (
                position.size != then.size
                or position.quorum_size != then.quorum_size
                or position.stalled != then.stalled
                or position.forked != then.forked
                or (log is not own and position.fresh_time != then.fresh_time)
                or (log is not own and position.quorum_time != then.quorum_time)
            ):
                return None
        response = CheckCertificationResponse()
        response.CopyFrom(found.response)
        issuer_fresh = None
        if found.used and found.used[0][0] is not own:
            issuer_fresh = self._current_time(found.used[0][1], now)
        _put_moment(response.known_time, now)
        if issuer_fresh is not None:
            age_s = (now - issuer_fresh) // _SECOND
            if age_s > 0:
                response.age_s = age_s
        return response

    def _current_time(self, position: Position, now: datetime) -> datetime | None:
        """Return the instant as of which a log is known to be current.

        That of the author's word; or, if the quorum's is older than members agreed on, of that.
        """
        if position.quorum_time is None:
            return position.fresh_time
        oldest = now - timedelta(seconds=self._trust.cosignature_age_max_s)
        is_young = position.quorum_time >= oldest
        return position.fresh_time if is_young else self._oldest_time(position)

    def _oldest_time(self, position: Position) -> datetime | None:
        """Return the older of the author's and the quorum's word.

        Both in the measure of ``stale_after_s``: the quorum's may have another age.
        """
        if position.fresh_time is None or position.quorum_time is None:
            return position.fresh_time
        trust = self._trust
        shorter = timedelta(seconds=trust.stale_after_s - trust.cosignature_age_max_s)
        return min(position.fresh_time, position.quorum_time - shorter)

    async def answer(self, question: Question, now: datetime) -> Answered:
        """Return the verdict on a question; the caller has refreshed the reader."""
        return (await self.answer_many((question,), now))[0]

    async def answer_many(self, questions: Sequence[Question], now: datetime) -> list[Answered]:
        """Return the verdicts on questions, all as of one moment, read in a few statements.

        The caller has refreshed the reader. Others are served between some questions and the next.

        Args:
            questions: all with the same ``known_time``.
            now: the present moment.

        Raises:
            Unavailable: ``PEER_UNREACHABLE``, if a verdict turns on a comparison that the issuer
                could not be asked for.
        """
        known_time = questions[0].known_time if questions else None
        assert all(each.known_time == known_time for each in questions), "of one moment"
        if known_time is not None:
            return await self._answer_past(questions, known_time, now)
        # 1. How far each log is held: what is read later may hold more, and the rules cut it off.
        positions = {province: self._reader.position(log) for province, log in self._logs.items()}
        # 2. The facts, from memory or from a snapshot taken after that.
        numbers = dict.fromkeys(question.certificate_no for question in questions)
        about, declared = await self._facts.at(numbers, positions)
        # 3. The holders.
        names: Mapping[int, bool] = {}
        if any(question.holder_name for question in questions):
            names = await self._database.read(
                lambda connection: self._holders.names_match(connection, questions, about)
            )
        matches = await self._holders.with_identities(questions, about, names)
        # 4. The rules.
        unconfirmed_since = self._trust.stale_since(now)
        answers = []
        for place, question in enumerate(questions):
            if place % _ANSWERS_AT_ONCE == _ANSWERS_AT_ONCE - 1:
                await asyncio.sleep(0)
            facts = self._gather(
                question,
                known_time=now,
                positions=positions,
                about=about[question.certificate_no],
                declared=declared,
                matches=matched(matches, place),
                unconfirmed_since=unconfirmed_since,
            )
            outcome = check(facts)
            require_compared(matches, place, outcome)
            response = self._response(facts, outcome)
            if place not in matches and facts.unconfirmed_since is None:
                self._remember(facts, outcome, positions, response)
            answers.append(Answered(facts=facts, outcome=outcome, response=response))
        return answers

    def judge(self, facts: Facts) -> Answered:
        """Return what the rules say of facts that the caller changed; it is not remembered."""
        outcome = check(facts)
        return Answered(facts=facts, outcome=outcome, response=self._response(facts, outcome))

    async def _answer_past(
        self, questions: Sequence[Question], known_time: datetime, now: datetime
    ) -> list[Answered]:
        """Answer from what was known at a past moment, all in one snapshot."""
        unconfirmed_since = self._unconfirmed_at(known_time, now)

        def read(connection: Connection) -> tuple[list[Answered], dict[str, CertificateFacts]]:
            positions = {
                province: self._reader.position_at(connection, log, known_time)
                for province, log in self._logs.items()
            }
            about = read_certificates(connection, {each.certificate_no for each in questions})
            declared = read_declared(connection)
            matches = self._holders.names_match(connection, questions, about)
            answers = []
            for place, question in enumerate(questions):
                facts = self._gather(
                    question,
                    known_time=known_time,
                    positions=positions,
                    about=about[question.certificate_no],
                    declared=declared,
                    matches=matches.get(place),
                    unconfirmed_since=unconfirmed_since,
                )
                outcome = check(facts)
                response = self._response(facts, outcome)
                answers.append(Answered(facts=facts, outcome=outcome, response=response))
            return answers, about

        answers, about = await self._database.read(read)
        names = {
            place: each.facts.holder_matches
            for place, each in enumerate(answers)
            if each.facts.holder_matches is not None
        }
        matches = await self._holders.with_identities(questions, about, names)
        for place in matches:
            facts = replace(answers[place].facts, holder_matches=matched(matches, place))
            outcome = check(facts)
            require_compared(matches, place, outcome)
            response = self._response(facts, outcome)
            answers[place] = Answered(facts=facts, outcome=outcome, response=response)
        return answers

    def _unconfirmed_at(self, known_time: datetime, now: datetime) -> datetime | None:
        """Return since when nobody had confirmed the membership at a past moment.

        A moment up to the last confirmation was confirmed, by that one or by one before it; a later
        one is as stale as it was for those who asked then.
        """
        since = self._trust.stale_since(now)
        if since is None or known_time <= since:
            return None
        return self._trust.stale_since(known_time)

    def _gather(
        self,
        question: Question,
        *,
        known_time: datetime,
        positions: Mapping[str, Position],
        about: CertificateFacts,
        declared: DeclaredFacts,
        matches: bool | None,
        unconfirmed_since: datetime | None = None,
    ) -> Facts:
        """Put together what the rules may look at."""
        host = province_of(question.host)
        return Facts(
            certificate_no=question.certificate_no,
            issuer=question.issuer,
            host=question.host,
            on_date=question.on_date,
            known_time=known_time,
            stale_after=timedelta(seconds=self._trust.stale_after_s),
            logs={
                province: LogFacts(
                    size=position.size,
                    quorum_size=position.quorum_size,
                    fresh_time=self._current_time(position, known_time),
                    is_stalled=position.stalled,
                    is_forked=position.forked,
                    is_own=province == self._own,
                )
                for province, position in positions.items()
            },
            certificate=about.history,
            recognitions=about.recognitions.get(host, ()),
            equivalences=declared.equivalences.get(host, ()),
            agreements=declared.agreements,
            holder_matches=matches,
            compared=question.compared,
            measures=about.measures,
            closings=about.closings,
            stated_schemes=self._stated_schemes(question.issuer, known_time),
            unconfirmed_since=unconfirmed_since,
        )

    def _stated_schemes(self, issuer: str, known_time: datetime) -> frozenset[str]:
        """Return the schemes that the federation lets a member issue under; none stand for any."""
        if issuer not in self._logs:
            return frozenset()
        if self._schemes is not None:
            return self._schemes.at(issuer, known_time)
        return frozenset(self._trust.member(issuer).schemes)

    def _response(self, facts: Facts, outcome: Outcome) -> CheckCertificationResponse:
        """Return an outcome as the contract has it."""
        response = CheckCertificationResponse(
            verdict=outcome.verdict,
            rule=outcome.rule.code,
            on_date=facts.on_date.isoformat(),
            mapped_scheme=outcome.mapped_scheme,
            mapped_grade=outcome.mapped_grade,
            reason=outcome.reason,
            host=facts.host,
        )
        for province, index in outcome.entries:
            response.entries.add(log=str(self._logs[province]), index=index)
        for province in outcome.used:
            log = facts.logs[province]
            response.logs.add(
                log=str(self._logs[province]),
                verified_size=log.size,
                quorum_size=log.quorum_size,
            )
        _put_moment(response.known_time, facts.known_time)
        issuer = facts.logs.get(facts.issuer)
        if facts.unconfirmed_since is not None:
            response.age_s = (facts.known_time - facts.unconfirmed_since) // _SECOND
        elif issuer is not None:
            response.age_s = log_age(issuer, facts.known_time) // _SECOND
        return response

    def _remember(
        self,
        facts: Facts,
        outcome: Outcome,
        positions: Mapping[str, Position],
        response: CheckCertificationResponse,
    ) -> None:
        """Keep a verdict for as long as nothing that it rests on changes."""
        kept = CheckCertificationResponse()
        kept.CopyFrom(response)
        kept.ClearField("known_time")
        kept.ClearField("age_s")
        # What is stale stays stale until a log changes; the rest until the first grows too old.
        fresh = [
            self._oldest_time(positions[province])
            for province in outcome.used
            if province != self._own and outcome.verdict != VERDICT_STALE
        ]
        expires = min((time for time in fresh if time is not None), default=None)
        key = (facts.certificate_no, facts.host, kept.on_date)
        self._verdicts.put(
            key,
            StandingVerdict(
                response=kept,
                used=tuple((self._logs[p], positions[p]) for p in outcome.used),
                own=self._own_log,
                expires_time=None if expires is None else expires + facts.stale_after,
            ),
        )


_SECOND = timedelta(seconds=1)


def _put_moment(field: Timestamp, moment: datetime) -> None:
    """Write an instant into a field, without the detours of ``FromDatetime``."""
    field.seconds = posix_s(moment)
    field.nanos = moment.microsecond * 1_000
