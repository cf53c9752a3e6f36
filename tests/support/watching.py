"""Those who watch certificates, for tests: one that follows a node's stream and breaks off at will.

What is built here is generated and synthetic.
"""

import asyncio
from collections.abc import Iterable

from deltacare.v1 import certification_service_pb2 as pb
from server.certification.service import CertificationServicer
from server.edge.call import Call
from tests.support.nodes import until

__all__ = ["Follower", "put", "rule_of"]


async def put(
    service: CertificationServicer, call: Call, institution_id: str, numbers: Iterable[str]
) -> pb.PutWatchListResponse:
    """Set a watch list."""
    request = pb.PutWatchListRequest(
        list=pb.WatchList(institution_id=institution_id, certificate_nos=numbers)
    )
    return await service.put_watch_list(request, call)


def rule_of(response: pb.CheckCertificationResponse) -> str:
    """Return the name of the rule that decided, without its number."""
    return response.rule.partition("-")[2]


class Follower:
    """Follows the stream of a node, and keeps what it heard and where it stands.

    Attributes:
        alerts: that named an entry, in the order in which they came.
        days: that named a day, likewise.
        cursors: by log, from the last answer that was taken in.
        day: the place in the days, likewise.
    """

    def __init__(self, service: CertificationServicer, call: Call, **fields: object) -> None:
        self.service = service
        self.call = call
        self.alerts: list[pb.CertificateAlert] = []
        self.days: list[pb.CertificateAlert] = []
        self.cursors: dict[str, pb.WatchCursor] = {}
        self.day: pb.WatchDay | None = None
        self._fields = fields
        self._task: asyncio.Task[None] | None = None
        self._is_open = asyncio.Event()

    async def connect(self) -> None:
        """Go on from where it stands, and wait for the first answer."""
        self._is_open.clear()
        self._task = asyncio.create_task(self._follow())
        waiting = asyncio.create_task(self._is_open.wait())
        await asyncio.wait((self._task, waiting), return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._task.done():
            self._task.result()

    async def disconnect(self) -> None:
        """Break off, wherever it is."""
        if self._task is not None:
            task, self._task = self._task, None
            task.cancel()
            await asyncio.wait((task,))

    async def heard(self, count: int) -> list[pb.CertificateAlert]:
        """Wait for so many alerts."""
        task = self._task
        await until(
            lambda: len(self.alerts) >= count or (task is not None and task.done()),
            what=f"{count} alerts, not {len(self.alerts)}",
        )
        if task is not None and task.done():
            task.result()
        return self.alerts

    def told(self) -> list[tuple[str, int, str]]:
        """Return log, index and certificate of all that was heard, in order."""
        return [
            (alert.entry.log, alert.entry.index, each.certificate_no)
            for alert in self.alerts
            for each in alert.certificates
        ]

    async def heard_of(self, day: str) -> list[tuple[str, str, str]]:
        """Wait until a day was told; return day, certificate and rule of all that was heard."""
        task = self._task
        await until(
            lambda: (
                (self.day is not None and self.day.told_date >= day)
                or (task is not None and task.done())
            ),
            what=f"the place behind {day}, not {self.day}",
        )
        if task is not None and task.done():
            task.result()
        return [
            (alert.day, each.certificate_no, rule_of(each.verdict))
            for alert in self.days
            for each in alert.certificates
        ]

    async def _follow(self) -> None:
        fields = {"cursors": self.cursors.values(), "day_cursor": self.day, **self._fields}
        request = pb.WatchCertificatesRequest(**fields)  # type: ignore[arg-type]  # a test's own
        stream = self.service.watch_certificates(request, self.call)
        try:
            async for alert in stream:
                if alert.HasField("entry"):
                    self.alerts.append(alert)
                elif alert.day:
                    self.days.append(alert)
                for cursor in alert.cursors:
                    self.cursors[cursor.log] = cursor
                if alert.HasField("day_cursor"):
                    self.day = alert.day_cursor
                self._is_open.set()
        finally:
            await stream.aclose()  # type: ignore[attr-defined]  # it is a generator
