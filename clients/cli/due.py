"""What is due: points of one page, asked of a node with the rights of whoever asks.

A topic asks the listing calls of the contract, page by page up to a limit, and answers with points:
what waits, since when, for whom, and the command that is next. What a role may not ask is left out
and said; so is what a node does not serve. Nothing is decided here that a node has not said.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any

from clients.language import tr
from deltacare.errors import DeltacareError, Reason
from deltacare.times import business_date

__all__ = ["BOTH", "FINANCE", "PAYMENT", "POLICY", "Answer", "Asker", "Point", "Topic", "answers"]

PAGE_SIZE = 1_000
PAGES_MAX = 10
"""Pages that are read of one list: beyond ten thousand rows a count is a least one."""

NIGHT_DAYS = 366
"""Days back from which nights are asked for: some two thousand rows of four provinces."""

BOTH = "BOTH"

FINANCE = frozenset({"system", "clerk", "reviewer"})
"""Roles that file, review and dispute."""
PAYMENT = frozenset({"system", "payer"})
"""Roles that pay."""
POLICY = frozenset({"system"})
"""Roles that set policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One thing that waits.

    Attributes:
        text: What, in the language of the run.
        count: How many of it.
        since: Day from which it waits; empty if that is not known.
        due_date: Last day to act; empty if there is none.
        owner: Province whose move it is, or ``BOTH``; empty if nobody's.
        is_due: Whether the own province has to act.
        roles: Who of it does that; empty where it is another province's move.
        command: The exact next command.
    """

    text: str
    command: str
    count: int = 1
    since: str = ""
    due_date: str = ""
    owner: str = ""
    is_due: bool = True
    roles: frozenset[str] = FINANCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What a list had: some rows, and whether there are more than were read."""

    rows: Sequence[Any]
    has_more: bool

    def __iter__(self) -> Iterator[Any]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


class Asker:
    """Whoever asks, and the node that is asked.

    Args:
        node: A client of it.
        now: The present instant; the machine's unless given.

    Attributes:
        own: The province of node and caller.
        role: Of the caller.
        principal: Opaque id of the caller.
        today: Business date.
    """

    def __init__(self, node: Any, *, now: datetime | None = None) -> None:  # noqa: ANN401  # a client of a node
        from deltacare.v1.federation_service_pb2 import WhoAmIRequest

        who = node.federation.WhoAmI(WhoAmIRequest())
        self.node = node
        self.own: str = who.province
        self.role: str = who.role
        self.principal: str = who.principal
        self.today: date = business_date(now or datetime.now(UTC))
        self._methods = frozenset(who.methods)

    def may(self, method: str) -> bool:
        """Whether the role may call a method: ``ClearingService/ListLines``."""
        return f"/deltacare.v1.{method}" in self._methods

    @property
    def yesterday(self) -> str:
        """The last date that can be closed."""
        return (self.today - timedelta(days=1)).isoformat()

    @cached_property
    def partners(self) -> Sequence[str]:
        """The provinces with which the own one keeps settlement logs."""
        from clients.cli.nights import own_partners

        return own_partners(self.node)

    @cached_property
    def nights(self) -> Sequence[Any]:
        """Every night of the last year that the logs show, of every pair."""
        from deltacare.v1.clearing_service_pb2 import ListPairNightsRequest

        # They come oldest first: without a first date the newest would be cut off in time.
        first = self.today - timedelta(days=NIGHT_DAYS)
        request = ListPairNightsRequest(from_date=first.isoformat())
        return self.rows(self.node.clearing.ListPairNights, request, "nights").rows

    def rows(self, call: Callable[[Any], Any], request: Any, name: str) -> Rows:  # noqa: ANN401  # a message
        """Return the rows of a list, of ten pages at most.

        Args:
            call: The method.
            request: Has ``page_size`` and ``page_token``.
            name: Field of the rows in an answer.
        """
        request.page_size = PAGE_SIZE
        found: list[Any] = []
        for _ in range(PAGES_MAX):
            page = call(request)
            found += getattr(page, name)
            if not page.next_page_token:
                return Rows(rows=found, has_more=False)
            request.page_token = page.next_page_token
        return Rows(rows=found, has_more=True)

    def is_ours(self, owner: str) -> bool:
        """Whether an owner is the own province, alone or with another."""
        return owner in {self.own, BOTH}


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A kind of thing that can be due.

    Attributes:
        name: Its code.
        zh: Its name in Chinese.
        en: Its name in English.
        methods: What has to be asked: ``ClearingService/ListLines``.
        read: Yields its points.
    """

    name: str
    zh: str
    en: str
    methods: tuple[str, ...]
    read: Callable[[Asker], Iterable[Point]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of asking about a topic.

    Attributes:
        topic: Which.
        points: What waits.
        unknown: Why nothing is known: ``ROLE_NOT_ALLOWED`` or ``NOT_SERVED``; empty if it is.
    """

    topic: Topic
    points: Sequence[Point] = field(default=())
    unknown: str = ""

    @property
    def why(self) -> str:
        """Why nothing is known, for a person."""
        return {
            "ROLE_NOT_ALLOWED": tr("您的角色无权查询", "Your role may not ask of"),
            "NOT_SERVED": tr("节点尚不提供", "The node does not serve yet"),
        }.get(self.unknown, "")


def answers(asker: Asker, topics: Iterable[Topic]) -> Iterator[Answer]:
    """Yield what came of each topic; what cannot be asked is said and ends nothing."""
    for topic in topics:
        if not all(map(asker.may, topic.methods)):
            yield Answer(topic=topic, unknown="ROLE_NOT_ALLOWED")
            continue
        try:
            yield Answer(topic=topic, points=tuple(topic.read(asker)))
        except DeltacareError as error:
            unknown = {
                Reason.UNSUPPORTED_VERSION: "NOT_SERVED",
                Reason.ROLE_NOT_ALLOWED: "ROLE_NOT_ALLOWED",
            }.get(error.reason)
            if unknown is None:
                raise
            yield Answer(topic=topic, unknown=unknown)
