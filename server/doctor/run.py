"""The whole examination, from the ground up: gather, then judge, and keep every line.

What cannot be gathered becomes a line itself and stops nothing that does not rest on it: without
trust no partner can be asked, without the node's key partners are seen and not called, without a
running node its directory is still examined.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from clients.sdk.credentials import Profile
from deltacare.errors import DeltacareError
from deltacare.ids import LogName
from server.doctor.asking import (
    TIMEOUT_S,
    Caller,
    NodeAnswer,
    PartnerAnswer,
    ask_node,
    ask_partners,
)
from server.doctor.book import Book
from server.doctor.certificates import check_cas, check_certificate, check_clients
from server.doctor.door import DoorAnswer, ask_door, check_door
from server.doctor.files import DiskUsage, Installed, NodeFiles, disk_usage
from server.doctor.findings import Check, Finding, Level
from server.doctor.judging import Gathered, damaged_key, judge
from server.doctor.keys import check_files, check_keys
from server.doctor.logs import HeldLog
from server.doctor.store import Access, check_database, check_disk
from server.setup import CLIENTS_DIRECTORY

__all__ = ["Report", "examine"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What an examination found.

    Attributes:
        province: Whose node it is.
        is_running: Whether the node answered.
        findings: Every line, in order.
    """

    province: str
    is_running: bool
    findings: tuple[Finding, ...]

    @property
    def worst(self) -> Level:
        """The worst of all lines."""
        return max((finding.level for finding in self.findings), default=Level.OK)


async def examine(
    directory: Path,
    *,
    client: str,
    endpoint: str | None = None,
    clock: Callable[[], datetime],
    usage: Callable[[Path], DiskUsage] = disk_usage,
) -> Report:
    """Examine a node.

    1. Its directory and trust. 2. Its database. 3. Itself, if it runs, and its open door. 4. Its
    partners. 5. Judge.

    Args:
        directory: Of the node.
        client: Name of an administrator's certificate among its clients.
        endpoint: ``host:port`` of the node; ``None`` takes the clients' own setting.
        clock: Returns the present instant.
        usage: Measures a file system.

    Raises:
        Refusal: ``INVALID_FIELD``, if the directory's settings cannot be read.
    """
    # 1.
    files = NodeFiles.of(directory)
    own = files.config.province
    trust, trust_failure = _installed(files)
    # 2.
    book = Book(files.config.database_url)
    try:
        seen = await asyncio.to_thread(book.look)
        held: Sequence[HeldLog] = ()
        if trust is not None and seen.access is Access.READ and not seen.damage:
            held = await asyncio.to_thread(_logs, book, trust, clock())
        # 3.
        node = await _ask_node(directory, client, endpoint)
        door = await _ask_door(files)
        # 4.
        caller, caller_failure = _caller(files)
        answers: Sequence[PartnerAnswer] = ()
        if trust is not None:
            answers = await ask_partners(
                trust.statement.federation,
                own=own,
                caller=caller,
                held=held,
                root=_rooted(book),
                clock=clock,
            )
    finally:
        book.close()
    # 5.
    now = clock()
    findings = [
        *(check_certificate(each, now=now) for each in files.certificates(trust)),
        *_cas(files, trust),
        *check_clients(files.clients(trust), now=now),
        *judge(
            Gathered(
                directory=str(directory),
                own=own,
                holder=files.holder(),
                trust=trust,
                trust_failure=trust_failure,
                caller_failure=caller_failure,
                node=node,
                partners=answers,
                held=held,
            ),
            now=now,
        ),
        *([check_door(door, directory=str(directory))] if door is not None else []),
        *check_files(files.key_files(), directory=directory),
        *_keys(files, trust, now),
        *check_database(seen, directory=str(directory)),
        *(check_disk(volume) for volume in files.volumes(book.path, usage)),
    ]
    order = {check: number for number, check in enumerate(Check)}
    return Report(
        province=own,
        is_running=node.failure is None,
        findings=tuple(sorted(findings, key=lambda finding: order[finding.check])),
    )


def _installed(files: NodeFiles) -> tuple[Installed | None, DeltacareError | None]:
    """Return the installed trust, or why there is none."""
    try:
        return files.trust(), None
    except DeltacareError as error:
        return None, error


def _caller(files: NodeFiles) -> tuple[Caller | None, DeltacareError | None]:
    """Return with what partners are called, or why nothing is."""
    try:
        return files.caller(), None
    except DeltacareError as error:
        return None, error


def _logs(book: Book, trust: Installed, now: datetime) -> Sequence[HeldLog]:
    """Return the logs in the database; none if its tables are older than this program."""
    try:
        return book.logs(trust.statement.federation, now=now)
    except DBAPIError:
        return ()


def _rooted(book: Book) -> Callable[[LogName, int], bytes | None]:
    """Return what reads roots of our trees, nothing where a tree cannot be read."""

    def root(log: LogName, size: int) -> bytes | None:
        try:
            return book.root(log, size)
        except (DeltacareError, DBAPIError):
            return None

    return root


async def _ask_node(directory: Path, client: str, endpoint: str | None) -> NodeAnswer:
    """Ask the running node, as a client of its directory."""
    try:
        profile = Profile.load(directory / CLIENTS_DIRECTORY, name=client)
    except DeltacareError as error:
        return NodeAnswer(failure=error)
    return await ask_node(profile, endpoint=endpoint)


async def _ask_door(files: NodeFiles) -> DoorAnswer | None:
    """Ask the open door, if a process serves this directory: without one there is none."""
    if not files.holder():
        return None
    return await ask_door(files.config.http, own=files.config.province, timeout_s=TIMEOUT_S)


def _cas(files: NodeFiles, trust: Installed | None) -> list[Finding]:
    """Return which of the node's CAs are not stated, as far as the federation can be asked."""
    if trust is None:
        return []
    try:
        pending = files.pending_cas()
    except DeltacareError:  # what waits is damaged: nothing is taken for stated
        pending = b""
    member = trust.statement.federation.member(files.config.province)
    return check_cas(
        files.cas(),
        stated_pem=member.ca_pem.encode(),
        pending_pem=pending,
        directory=str(files.directory),
    )


def _keys(files: NodeFiles, trust: Installed | None, now: datetime) -> list[Finding]:
    """Return how the node's keys are, as far as the federation can be asked."""
    if trust is None:
        return []
    try:
        held = files.held()
    except DeltacareError as error:
        return [damaged_key(error)]
    try:
        pending = files.pending()
    except DeltacareError:  # what waits is damaged: nothing is taken for stated
        pending = frozenset()
    return check_keys(files.terms(trust), held, directory=files.directory, now=now, pending=pending)
