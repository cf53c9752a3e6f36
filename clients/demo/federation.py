"""The four nodes as the demonstration talks to them: one client each, and waiting on facts.

Waiting is always for something that a node says, with a limit, never for time to pass.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from clients.demo.scenario import PROVINCES
from clients.filing.ids import content_id
from clients.sdk.node import NodeClient
from deltacare.errors import DeltacareError, Reason, Refusal, Unavailable
from deltacare.ids import LogName
from deltacare.v1.log_service_pb2 import ListLogsRequest
from deltacare.v1.types_pb2 import Appended, Duty

__all__ = ["DemoFailed", "Federation", "until"]

R = TypeVar("R")
T = TypeVar("T")

_WAIT_S_MAX = 60.0
_LOOK_EVERY_S = 0.05


class DemoFailed(DeltacareError):  # noqa: N818  # it says what happened, as its siblings do
    """What the demonstration shows did not come about."""

    def __init__(self, message: str) -> None:
        super().__init__(Reason.INTERNAL, message)


async def until(
    what: str,
    look: Callable[[], Awaitable[T | None]],
    *,
    wait_s_max: float = _WAIT_S_MAX,
    every_s: float = _LOOK_EVERY_S,
) -> T:
    """Return what a look finds, looking again until it finds something.

    Args:
        what: Is waited for; for the message when it does not come.
        look: Returns ``None`` while it is not there.
        wait_s_max: Limit, in seconds.
        every_s: Between two looks, in seconds.

    Raises:
        DemoFailed: If it does not come in time.
    """
    clock = asyncio.get_running_loop().time
    end_s = clock() + wait_s_max
    last = ""
    while clock() < end_s:
        try:
            found = await look()
        except Unavailable as error:
            found, last = None, str(error)
        if found is not None:
            return found
        await asyncio.sleep(every_s)
    raise DemoFailed(f"Waited {wait_s_max:.0f} s in vain for {what}. {last}".rstrip())


@dataclass(slots=True, kw_only=True)
class Federation:
    """The nodes, by province.

    Attributes:
        nodes: A client of each, as its civil-affairs system.
        seed: Of the demonstration; request ids come from it.
        marks: Entries worth a receipt, by name: log and index.
        verdicts: Verdict files, by name.
    """

    nodes: dict[str, NodeClient]
    seed: int
    marks: dict[str, tuple[str, int]] = field(default_factory=dict)
    verdicts: dict[str, bytes] = field(default_factory=dict)
    _sizes: dict[str, int] = field(default_factory=dict)

    def duty(self, province: str, office: str) -> Duty:
        """Return who answers in a province for what an office does: two invented persons."""
        return Duty(maker=f"{office}-maker-{province}", reviewer=f"{office}-reviewer-{province}")

    def request_id(self, *parts: object) -> str:
        """Return the id of a request by what it is for, the same whenever it is sent again."""
        return content_id(str(self.seed).encode(), *(str(part).encode() for part in parts))

    def note(self, *appended: Appended) -> None:
        """Remember how long logs are, to wait until everybody has seen it."""
        for run in appended:
            if run.entry_count:
                end = run.first_index + run.entry_count
                self._sizes[run.log] = max(end, self._sizes.get(run.log, 0))

    def mark(self, name: str, log: str, index: int) -> None:
        """Remember the first entry of a name, to get its receipt in the end."""
        self.marks.setdefault(name, (log, index))

    async def write(self, method: Callable[[R], Awaitable[T]], request: R) -> T:
        """Return the answer to a write, sent again while a node cannot take it."""

        async def look() -> T | None:
            return await method(request)

        return await until("a node to take a write", look)

    async def everybody_holds(self) -> None:
        """Wait until every node holds, under a quorum, what was noted of the logs it may hold."""
        sizes = dict(self._sizes)
        await asyncio.gather(*(self._holds(province, sizes) for province in self.nodes))

    async def _holds(self, province: str, sizes: dict[str, int]) -> None:
        wanted = {log: size for log, size in sizes.items() if LogName.parse(log).may_hold(province)}

        async def look() -> bool | None:
            listed = await self.nodes[province].log.ListLogs(ListLogsRequest())
            held = {row.log: row.quorum_size for row in listed.logs}
            return all(held.get(log, 0) >= size for log, size in wanted.items()) or None

        await until(f"{province} to hold what its partners wrote", look)

    async def each(self, work: Callable[[str], Awaitable[T]]) -> dict[str, T]:
        """Do something for every province at once; the first failure ends all."""
        results = await gather_all(work(province) for province in PROVINCES)
        return dict(zip(PROVINCES, results, strict=True))


async def gather_all(work: Iterable[Awaitable[T]]) -> list[T]:
    """Return all results; on the first failure the others are cancelled and awaited."""
    tasks = [asyncio.ensure_future(item) for item in work]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def is_refused(error: DeltacareError, reason: Reason) -> bool:
    """Return whether a node refused for a reason."""
    return isinstance(error, Refusal) and error.reason is reason
