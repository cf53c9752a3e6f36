"""What registry logs say of nights: results, whether they agree, which statement has them.

Works for every pair of the federation, not only the own ones: all four see results, and no line.
The state of a night is worked out from two results here and nowhere else.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from deltacare.ids import LogName
from deltacare.v1.clearing_service_pb2 import PairNight, PairNightState
from deltacare.v1.entry_pb2 import PairResult
from server.registry.store import chunks
from server.settlement import tables

__all__ = [
    "NightResults",
    "QuorumOf",
    "StatedResult",
    "has_stated",
    "load_results",
    "night_message",
    "results_agree",
    "results_by_hash",
    "stated_checkpoints",
]

QuorumOf = Callable[[str], int]
"""For a province, how many entries of its registry log stand under a quorum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedResult:
    """A result as its author stated it.

    Attributes:
        author: One of the pair.
        index: Place in its registry log.
        leaf_hash: Of the entry.
        body: The result.
    """

    author: str
    index: int
    leaf_hash: bytes
    body: PairResult


def results_agree(one: PairResult, other: PairResult) -> bool:
    """Whether two results of one attempt are the same: the lines, and the sums that all net by."""
    return (
        one.digest == other.digest
        and one.lower_pays_fen == other.lower_pays_fen
        and one.higher_pays_fen == other.higher_pays_fen
        and one.rules_version == other.rules_version
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class NightResults:
    """Every result of one pair and date that counts: own ones, and others' under a quorum.

    Attributes:
        lower: The pair's province with the lower code.
        higher: The other.
        business_date: The date.
        by_author: For each author its results by attempt.
    """

    lower: str
    higher: str
    business_date: str
    by_author: Mapping[str, Mapping[int, StatedResult]]

    def newest(self, author: str) -> int:
        """Return the newest attempt of an author, 0 if there is none."""
        return max(self.by_author.get(author, ()), default=0)

    @property
    def attempt(self) -> int:
        """The attempt that stands for the night: the one that agrees, else the newest."""
        agreed = self.agreed_attempt
        return agreed or max(self.newest(self.lower), self.newest(self.higher))

    @property
    def agreed_attempt(self) -> int:
        """The first attempt on which both agree, 0 if there is none."""
        mine, other = (self.by_author.get(each, {}) for each in (self.lower, self.higher))
        agreed = [
            attempt
            for attempt in mine
            if attempt in other and results_agree(mine[attempt].body, other[attempt].body)
        ]
        return min(agreed, default=0)

    def result(self, author: str) -> StatedResult | None:
        """Return an author's result of the attempt that stands."""
        return self.by_author.get(author, {}).get(self.attempt)

    @property
    def state(self) -> PairNightState.ValueType:
        """Where the night stands."""
        if self.agreed_attempt:
            return PairNightState.PAIR_NIGHT_STATE_AGREED
        lower, higher = self.result(self.lower), self.result(self.higher)
        if lower is None and higher is None:
            return PairNightState.PAIR_NIGHT_STATE_WAITING
        if lower is None or higher is None:
            return PairNightState.PAIR_NIGHT_STATE_ONE_SIDED
        return PairNightState.PAIR_NIGHT_STATE_DIVERGED


def _stated(row: Any) -> StatedResult:  # noqa: ANN401 - a row of four columns
    return StatedResult(
        author=row.author,
        index=row.idx,
        leaf_hash=bytes(row.leaf_hash),
        body=PairResult.FromString(bytes(row.body)),
    )


def load_results(
    connection: Connection,
    quorum_of: QuorumOf,
    *,
    province: str = "",
    pair: tuple[str, str] | None = None,
    from_date: str = "",
    until_date: str = "",
) -> list[NightResults]:
    """Return nights of which a result counts, sorted by date and pair.

    Args:
        connection: A snapshot.
        quorum_of: How far each registry log permits.
        province: Only pairs of this province.
        pair: Only this pair, the lower code first.
        from_date: First date; empty does not restrict.
        until_date: Last date; empty does not restrict.
    """
    columns = tables.pair_result.c
    query = select(columns.author, columns.idx, columns.leaf_hash, columns.body)
    if province:
        query = query.where((columns.lower == province) | (columns.higher == province))
    if pair is not None:
        query = query.where(columns.lower == pair[0], columns.higher == pair[1])
    if from_date:
        query = query.where(columns.business_date >= from_date)
    if until_date:
        query = query.where(columns.business_date <= until_date)
    found: dict[tuple[str, str, str], dict[str, dict[int, StatedResult]]] = {}
    for row in connection.execute(query):
        if row.idx >= quorum_of(row.author):
            continue
        stated = _stated(row)
        body = stated.body
        night = found.setdefault((body.business_date, body.lower, body.higher), {})
        night.setdefault(stated.author, {})[body.attempt] = stated
    return [
        NightResults(lower=lower, higher=higher, business_date=business_date, by_author=by_author)
        for (business_date, lower, higher), by_author in sorted(found.items())
    ]


def has_stated(connection: Connection, author: str, body: PairResult) -> bool:
    """Whether a log holds its author's result of an attempt, under a quorum or not."""
    columns = tables.pair_result.c
    query = select(columns.idx).where(
        columns.lower == body.lower,
        columns.higher == body.higher,
        columns.business_date == body.business_date,
        columns.attempt == body.attempt,
        columns.author == author,
    )
    return connection.execute(query).first() is not None


def results_by_hash(
    connection: Connection, quorum_of: QuorumOf, hashes: Iterable[bytes]
) -> dict[bytes, StatedResult]:
    """Return the results that some leaf hashes name; those that do not count are missing."""
    columns = tables.pair_result.c
    found: dict[bytes, StatedResult] = {}
    for some in chunks(hashes):
        query = select(columns.author, columns.idx, columns.leaf_hash, columns.body).where(
            columns.leaf_hash.in_(some)
        )
        for row in connection.execute(query):
            if row.idx < quorum_of(row.author):
                stated = _stated(row)
                found[stated.leaf_hash] = stated
    return found


def stated_checkpoints(connection: Connection, log: LogName, business_date: str) -> list[bytes]:
    """Return what results of a date name as the end of a settlement log, newest attempts first.

    Whoever named them, under a quorum or not: notes prove themselves.
    """
    lower, higher = sorted((log.author, log.partner))
    columns = tables.pair_result.c
    query = (
        select(columns.body)
        .where(
            columns.lower == lower,
            columns.higher == higher,
            columns.business_date == business_date,
        )
        .order_by(columns.attempt.desc(), columns.author)
    )
    bodies = (PairResult.FromString(bytes(body)) for body in connection.execute(query).scalars())
    return [
        body.lower_checkpoint if log.author == lower else body.higher_checkpoint for body in bodies
    ]


def night_message(
    night: NightResults, *, waiting_for: str = "", statement_hash: bytes = b""
) -> PairNight:
    """Return a night as callers see it."""
    message = PairNight(
        lower=night.lower,
        higher=night.higher,
        business_date=night.business_date,
        attempt=night.attempt,
        state=night.state,
        waiting_for=waiting_for,
        statement_hash=statement_hash,
    )
    lower, higher = night.result(night.lower), night.result(night.higher)
    if lower is not None:
        message.lower_result.CopyFrom(lower.body)
        message.lower_result_hash = lower.leaf_hash
    if higher is not None:
        message.higher_result.CopyFrom(higher.body)
        message.higher_result_hash = higher.leaf_hash
    return message
