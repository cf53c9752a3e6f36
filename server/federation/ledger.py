"""What this node has verified of the federation's metadata, beyond what is in force.

A statement enters once enough provinces signed it and it may follow the one before; that it is
written down does not put it in force, which takes a timestamp (``server.federation.keeper``). The
`TrustStore` verifies and keeps the files; here is what takes a clock or an overview, and a copy in
memory, because every call asks.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from clients.federation.conflict import replace_pending
from clients.federation.store import Statement, TrustStore
from deltacare.errors import PeerFault
from deltacare.trust import Federation
from deltacare.trust.roles import (
    Fault,
    Role,
    Root,
    Timestamp,
    expires_time,
    fault,
    open_snapshot,
    open_timestamp,
    signed_sha256,
    signers,
    verify_timestamp,
)
from deltacare.trust.succession import check_at_node, require_none, require_succession

__all__ = ["NOTICE_RULE", "Known", "TrustLedger"]

NOTICE_RULE = "T13"
"""That new accounts come with notice: what a node that was away cannot ask of what it missed."""

_SNAPSHOT = re.compile(r"([1-9][0-9]{0,9})\.snapshot\.json", re.ASCII)
_ROOT = re.compile(r"([1-9][0-9]{0,9})\.root\.json", re.ASCII)

_alarm = structlog.get_logger("deltacare.alarm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A verified statement.

    Attributes:
        statement: What was signed.
        until_time: From when it counts no more: the first expiry of root, snapshot and targets.
        snapshot: The snapshot's file.
    """

    statement: Statement
    until_time: datetime
    snapshot: bytes = field(repr=False)

    @property
    def version(self) -> int:
        """Of snapshot, targets and federation alike."""
        return self.statement.version

    @property
    def federation(self) -> Federation:
        """What the provinces said."""
        return self.statement.federation

    @property
    def sha256(self) -> str:
        """Of what is signed of the snapshot, in hex."""
        return self.statement.snapshot.signed_sha256


class TrustLedger:
    """The verified roots and statements of a node.

    Args:
        store: Where they are kept.

    Raises:
        PeerFault: ``BAD_METADATA``, if a file that is kept does not verify.
        Refusal: ``INVALID_FIELD``, if nothing was installed yet.
    """

    def __init__(self, store: TrustStore) -> None:
        self._store = store
        self._known: dict[int, Known] = {}
        self._in_force = self.known(store.current().version)
        self._newest = self.known(store.newest() or self._in_force.version)
        self._newest_root = store.root()
        self._is_signed_twice = False

    @property
    def newest_root(self) -> Root:
        """The last root of the chain."""
        return self._newest_root

    @property
    def newest(self) -> Known:
        """The newest statement, in force or not."""
        return self._newest

    @property
    def in_force(self) -> Known:
        """The statement that the accepted timestamp names; the newest while there is none."""
        return self._in_force

    @property
    def is_signed_twice(self) -> bool:
        """Whether another statement of the newest version was seen, signed by enough offices."""
        return self._is_signed_twice

    def settle(self) -> None:
        """Take note that every partner has the same newest statement now."""
        self._is_signed_twice = False

    def known(self, version: int) -> Known:
        """Return a statement that is kept.

        Raises:
            Refusal: ``NOT_FOUND``.
        """
        found = self._known.get(version)
        if found is None:
            found = self._known[version] = self._read(version)
        return found

    def check_timestamp(self, data: bytes, *, now: datetime) -> tuple[Timestamp, Known]:
        """Return a timestamp that may be accepted, and the statement that it puts in force.

        1. Enough nodes signed it by the newest root, its hour has come and is not long over.
        2. It names a statement known here. 3. That is no older than the one in force.

        Raises:
            PeerFault: ``BAD_METADATA``.
            Refusal: ``NOT_FOUND``, if the statement is unknown here.
        """
        # 1. Signatures and hour.
        timestamp = verify_timestamp(self._newest_root, data, now=now)
        # 2. The statement.
        known = self.known(timestamp.snapshot_version)
        if known.sha256 != timestamp.snapshot_sha256:
            raise fault(
                Fault.OTHER_CONTENT,
                Role.TIMESTAMP,
                f"It names another version {known.version} than the one known here.",
                version=known.version,
            )
        # 3. No way back.
        if known.version < self._in_force.version:
            raise fault(
                Fault.ROLLED_BACK,
                Role.TIMESTAMP,
                f"It names version {known.version}; version {self._in_force.version} is in force.",
                version=known.version,
                known=self._in_force.version,
            )
        return timestamp, known

    def put_in_force(self, data: bytes, *, now: datetime) -> Known:
        """Keep a timestamp that was accepted, and return what it puts in force.

        Raises:
            PeerFault: ``BAD_METADATA``.
        """
        self._store.accept_timestamp(data, now=now)
        self._in_force = self.known(open_timestamp(data).snapshot_version)
        return self._in_force

    def offer(self, files: Mapping[str, bytes], *, now: datetime) -> Known:
        """Verify what follows what is known, and keep it; what is known already changes nothing.

        1. Nothing known is stated otherwise, unless a later statement ends that: it may follow what
        is known here, whatever it followed elsewhere. 2. The last statement belongs to the last
        root, and none to an older root than the one before it. 3. The last has not expired.
        4. Signatures, links and the rules of succession, as `TrustStore.add` has them.

        Args:
            files: By path in a repository: roots, snapshots, targets, documents.
            now: The present instant.

        Raises:
            PeerFault: ``BAD_METADATA``; nothing was kept.
            Refusal: ``INVALID_FIELD`` or ``NOT_FOUND``, naming the file that is wrong or missing.

        Returns:
            The newest statement known now.
        """
        # 1. What is known.
        files = self._without_contradiction(files)
        # 2. Roots and statements belong together.
        last_root = max([self._newest_root.version, *_numbers(_ROOT, files)])
        bound = self._newest.statement.root.version
        newer = sorted(n for n in _numbers(_SNAPSHOT, files) if n > self._newest.version)
        for version in newer:
            snapshot = open_snapshot(files[f"{version}.snapshot.json"])
            if snapshot.root_version < bound:
                raise _older_root(snapshot.root_version, bound)
            bound = snapshot.root_version
        if bound != last_root:
            raise fault(
                Fault.WRONG_LINK,
                Role.ROOT,
                f"No statement belongs to the newest root, {last_root}.",
            )
        # 3. Expiry.
        if newer:
            self._require_unexpired(files, newer[-1], now)
        # 4. The rest.
        self._store.add(files, now=now)
        self._reload()
        if newer:
            self._is_signed_twice = False
        return self._newest

    def take_installed(self, *, now: datetime) -> bool:
        """Take in what people installed into the directory since, while the node runs.

        1. Signatures and links from the pinned root, and the rules of succession, again. 2. None
        belongs to an older root than the one before it. 3. None is issued ahead of the clock, and
        the last has not expired. That new accounts come in time was asked where it was published;
        who installs it by hand answers for saying that it was published before.

        Args:
            now: The present instant.

        Returns:
            Whether there was anything.

        Raises:
            PeerFault: ``BAD_METADATA``; nothing was taken in.
            Refusal: ``INVALID_FIELD``, naming a file that was lost or is damaged; likewise.
        """
        before = self._newest
        versions = [number for number in self._store.versions() if number > before.version]
        found: list[Known] = []
        for version in versions:
            # 1. As if it came in now.
            known = self._read(version)
            root = known.statement.root.version
            bound = before.statement.root.version
            require_succession(before.federation, known.federation, root_changed=root != bound)
            # 2. Roots.
            if root < bound:
                raise _older_root(root, bound)
            # 3. Time.
            early = check_at_node(before.federation, known.federation, now=now)
            early = [finding for finding in early if finding.rule != NOTICE_RULE]
            require_none(early, before.federation, known.federation)
            found.append(known)
            before = known
        if found and now >= before.until_time:
            raise fault(Fault.EXPIRED, Role.SNAPSHOT, f"Version {before.version} has expired.")
        if found:
            self._known.update({known.version: known for known in found})
            self._reload()
            self._is_signed_twice = False
        return bool(found)

    def replace(self, files: Mapping[str, bytes], timestamp: bytes, *, now: datetime) -> Known:
        """Take what a timestamp names in place of what only waits here; see `replace_pending`.

        Args:
            files: What follows the statement in force.
            timestamp: Names one of them.
            now: The present instant.

        Raises:
            PeerFault: ``BAD_METADATA``; nothing changed.
            Refusal: ``NOT_FOUND``, naming the file that is missing; likewise.
        """
        given_up = self._newest
        replace_pending(self._store, files, timestamp, now=now)
        in_force = self._in_force.version
        self._known = {n: known for n, known in self._known.items() if n <= in_force}
        self._reload()
        self._is_signed_twice = False
        _alarm.error(
            "trust_pending_replaced",
            given_up=given_up.version,
            given_up_sha256=given_up.sha256,
            newest=self._newest.version,
            newest_sha256=self._newest.sha256,
        )
        return self._newest

    def _read(self, version: int) -> Known:
        statement = self._store.statement(version)
        targets = self._store.read(f"{version}.targets.json")
        return Known(
            statement=statement,
            until_time=min(
                statement.root.expires, statement.snapshot.expires, expires_time(targets)
            ),
            snapshot=self._store.read(f"{version}.snapshot.json"),
        )

    def _reload(self) -> None:
        self._newest = self.known(self._store.newest() or self._newest.version)
        self._newest_root = self._store.root()

    def _require_unexpired(self, files: Mapping[str, bytes], version: int, now: datetime) -> None:
        for path in (f"{version}.snapshot.json", f"{version}.targets.json"):
            if path in files and now >= expires_time(files[path]):
                raise fault(Fault.EXPIRED, Role.SNAPSHOT, f"{path} has expired.")

    def _without_contradiction(self, files: Mapping[str, bytes]) -> Mapping[str, bytes]:
        """Refuse another content under a known version; signed by enough, it is an alarm.

        With a later statement it is only left out: that one ends the contradiction.
        """
        version = self._newest.version
        is_ended = any(number > version for number in _numbers(_SNAPSHOT, files))
        ended: set[str] = set()
        pairs = (
            (Role.ROOT, f"{self._newest_root.version}.root.json", self._newest_root.data),
            (Role.SNAPSHOT, f"{self._newest.version}.snapshot.json", self._newest.snapshot),
        )
        for role, path, known in pairs:
            data = files.get(path)
            if data is None or signed_sha256(data) == signed_sha256(known):
                continue
            signed_by = signers(self._newest_root, role, data)
            is_enough = len(signed_by) >= self._newest_root.statement_threshold
            if is_enough:
                self._is_signed_twice = True
                _alarm.error("trust_signed_twice", path=path, signers=list(signed_by))
            if role is Role.ROOT or not is_enough or not is_ended:
                raise _stated_twice(role, path, signed_by)
            ended = {path, f"{version}.targets.json"}
        return {path: data for path, data in files.items() if path not in ended}


def _older_root(root: int, before: int) -> PeerFault:
    return fault(
        Fault.ROLLED_BACK,
        Role.SNAPSHOT,
        f"It belongs to root {root}, the one before to {before}.",
    )


def _stated_twice(role: Role, path: str, signed_by: tuple[str, ...]) -> PeerFault:
    return fault(
        Fault.OTHER_CONTENT,
        role,
        f"{path} is known with another content.",
        path=path,
        signed=", ".join(signed_by),
    )


def _numbers(form: re.Pattern[str], files: Mapping[str, bytes]) -> list[int]:
    """Return the versions among the paths of some files."""
    return [int(match[1]) for match in map(form.fullmatch, files) if match is not None]
