"""A ``trust`` directory: every verified version of the federation's metadata, and which one counts.

Files are added whole statements at a time, after everything was verified from the pinned root, and
never change; only ``timestamp.json`` is replaced, by a newer one. What lies here is verified again
on every read of a value, so that a file altered on disk is found and not believed. Who fetches,
who signs timestamps and what time it is are decided by the caller.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from clients.federation.files import write_atomic
from clients.federation.held import PINNED_FILE, HeldFiles, lost
from clients.federation.incoming import (
    TIMESTAMP_FILE,
    Incoming,
    Statement,
    not_held,
    require_in_time,
    sorted_files,
    verified,
)
from clients.sdk.credentials import read_file
from deltacare.errors import DeltacareError, PeerFault, Reason, Refusal, invalid_field
from deltacare.trust import Federation
from deltacare.trust.roles import (
    Fault,
    Role,
    Root,
    Timestamp,
    check_not_older,
    fault,
    open_root,
    open_snapshot,
    open_timestamp,
    signed_sha256,
    target_hashes,
    timestamp_hour,
    verify_root_chain,
    verify_statement,
    verify_timestamp,
)
from deltacare.trust.succession import require_succession

__all__ = ["ASIDE_FILE", "PINNED_FILE", "TIMESTAMP_FILE", "Statement", "TrustStore"]

ASIDE_FILE = "timestamp.from-the-future.json"


class TrustStore(HeldFiles):
    """Reads and fills one ``trust`` directory.

    Args:
        directory: Where it is; made when something is first written.
    """

    def pin(self, root: bytes) -> None:
        """Trust a root from now on, because people compared its keys by another way.

        Args:
            root: The file, signed by enough of its own keys.

        Raises:
            PeerFault: ``BAD_METADATA``, if it is not.
            Refusal: ``ALREADY_EXISTS``, if another one is pinned: that is replaced by hand only.
        """
        verify_root_chain(root)
        path = self._directory / PINNED_FILE
        if path.exists():
            if signed_sha256(read_file(path, field_name="trust")) != signed_sha256(root):
                raise Refusal(
                    Reason.ALREADY_EXISTS,
                    f"{path} pins another root; it is replaced by hand only.",
                    details={"path": str(path)},
                )
            return
        self._directory.mkdir(parents=True, exist_ok=True)
        write_atomic(path, root)

    def root(self, version: int | None = None) -> Root:
        """Return a root, the newest by default, verified from the pinned one.

        Raises:
            PeerFault: ``BAD_METADATA``.
            Refusal: ``NOT_FOUND``, if it is not held; ``INVALID_FIELD``, if nothing is pinned.
        """
        pinned, chain = self.pinned(), self.roots()
        first = open_root(pinned).version
        last = first + len(chain) if version is None else version
        if not first <= last <= first + len(chain):
            raise not_held(f"{version}.root.json")
        return verify_root_chain(pinned, chain[: last - first])

    def statement(self, version: int) -> Statement:
        """Return a statement, verified from the pinned root.

        Raises:
            PeerFault: ``BAD_METADATA``, if a file was altered.
            Refusal: ``NOT_FOUND``, if it is not held; ``INVALID_FIELD``, naming a file of it that
                was lost.
        """
        snapshot = self.read(f"{version}.snapshot.json")
        targets = self.targets(version)
        documents = self.documents(targets)
        bound = open_snapshot(snapshot)
        root = self.root(bound.root_version)
        return Statement(
            root=root,
            snapshot=bound,
            federation=verify_statement(root, targets, snapshot, documents),
        )

    def timestamp(self) -> Timestamp | None:
        """Return the newest accepted timestamp, ``None`` if there was none yet.

        Its signatures are verified by the root of the statement it names; whether it is expired is
        for whoever has a clock.

        Raises:
            PeerFault: ``BAD_METADATA``, if the file was altered.
            Refusal: ``INVALID_FIELD``, if it is damaged, or the statement it names was lost.
        """
        path = self._directory / TIMESTAMP_FILE
        if not path.exists():
            return None
        data = read_file(path, field_name="trust")
        try:
            named = open_timestamp(data).snapshot_version
        except PeerFault:
            raise invalid_field(
                "trust",
                path,
                "The file is no timestamp: it is damaged.",
                "Remove the file; the running node and a partner make the next one.",
            ) from None
        if named not in self.versions():
            raise lost(self.path(Role.SNAPSHOT, named))
        return self.check_timestamp(data)

    def check_timestamp(self, data: bytes, *, now: datetime | None = None) -> Timestamp:
        """Return what a timestamp says that names a statement held here.

        Args:
            data: The file.
            now: The present instant; ``None`` does not ask whether its hour has come or is over.

        Raises:
            PeerFault: ``BAD_METADATA``, if it does not verify or names another snapshot.
            Refusal: ``NOT_FOUND``, if the statement it names is not held.
        """
        named = open_timestamp(data).snapshot_version
        statement = self.statement(named)
        found = verify_timestamp(statement.root, data, now=now)
        if found.snapshot_sha256 != statement.snapshot.signed_sha256:
            raise fault(
                Fault.WRONG_LINK,
                Role.TIMESTAMP,
                f"It names another snapshot {named} than the one that is held.",
            )
        return found

    def accept_timestamp(self, data: bytes, *, now: datetime) -> Timestamp:
        """Keep a timestamp as the one that counts, unless it is the one that is kept.

        One whose hour has not come, kept while clocks were wrong, holds up no other: it is set
        aside. The statement that it names is still the oldest that may count.

        Args:
            data: The file.
            now: The present instant.

        Raises:
            PeerFault: ``BAD_METADATA``, also if it is older than the one that is kept, or names an
                older snapshot.
            Refusal: ``NOT_FOUND``, if the statement it names is not held.
        """
        found = self.check_timestamp(data, now=now)
        path = self._directory / TIMESTAMP_FILE
        known = self.timestamp()
        if known is not None:
            kept = read_file(path, field_name="trust")
            is_aside = known.hour > timestamp_hour(now) + 1
            if is_aside:
                write_atomic(self._directory / ASIDE_FILE, kept)
            else:
                check_not_older(kept, data)
            if found.snapshot_version < known.snapshot_version:
                raise fault(
                    Fault.ROLLED_BACK,
                    Role.TIMESTAMP,
                    f"It names snapshot {found.snapshot_version}; "
                    f"{known.snapshot_version} counts already.",
                )
            if found.hour == known.hour and not is_aside:
                return known
        write_atomic(path, data)
        return found

    def current(self) -> Statement:
        """Return the statement that counts: the one that the timestamp names.

        Before there is a timestamp it is the newest one held: what people installed.

        Raises:
            PeerFault: ``BAD_METADATA``, if a file was altered.
            Refusal: ``INVALID_FIELD``, if nothing was installed.
        """
        timestamp = self.timestamp()
        version = self.newest() if timestamp is None else timestamp.snapshot_version
        if version is None:
            self.pinned()
            raise invalid_field(
                "trust",
                self._directory,
                "The directory holds no statement of the federation.",
                "Install what the offices published: deltacare federation publish … --install.",
            )
        return self.statement(version)

    def pending(self) -> Statement | None:
        """Return the newest statement if it does not count yet, ``None`` if nothing waits.

        Nodes put it in force with the timestamp of the next full hour.

        Raises:
            PeerFault: ``BAD_METADATA``, if a file was altered.
        """
        timestamp, newest = self.timestamp(), self.newest()
        if timestamp is None or newest is None or newest <= timestamp.snapshot_version:
            return None
        return self.statement(newest)

    def load(self) -> Federation:
        """Return the federation as of the statement that counts.

        Raises:
            PeerFault: ``BAD_METADATA``.
            Refusal: ``INVALID_FIELD``.
        """
        return self.current().federation

    def add(self, files: Mapping[str, bytes], *, now: datetime | None = None) -> Statement:
        """Keep statements and roots that are not held yet, after verifying all of them.

        1. Roots follow the newest one that a statement held belongs to, and are kept if one of the
        new statements belongs to them or a later root. 2. Statements follow the newest one held, in
        order, each by the rules of succession. 3. What is held stays as it is; what of it was lost
        or altered is brought back. Then everything is written, documents first, so that a snapshot
        never stands without what it names.

        Args:
            files: By path of a TUF client: ``N.root.json``, ``N.snapshot.json``,
                ``N.targets.json``, ``targets/….json``. A timestamp among them is not kept; it shows
                what other nodes have seen in time.
            now: The present instant, at a node that is told of it; ``None`` where people install.

        Returns:
            The newest statement held afterwards.

        Raises:
            PeerFault: ``BAD_METADATA``, naming what is wrong; nothing was added.
            Refusal: ``INVALID_FIELD``, if a path is none, or what was signed is no federation;
                ``NOT_FOUND``, if a file is missing.
        """
        self.pinned()
        with self.alone():
            return self._add(files, now=now)

    def replace_after(
        self, version: int, files: Mapping[str, bytes], *, now: datetime | None = None
    ) -> Statement:
        """Give up every statement after one, and add others in their stead; see `add`.

        Raises:
            PeerFault: ``BAD_METADATA``; what is wrong with the others was not looked at before.
            Refusal: ``NOT_FOUND``, if the one is not held, or a file is missing.
        """
        with self.alone():
            self.statement(version)
            # The last first: whatever is left, should this end halfway, stands on what is left.
            for number in reversed(self.versions()):
                if number > version:
                    self.path(Role.SNAPSHOT, number).unlink()
            return self._add(files, now=now)

    def _add(self, files: Mapping[str, bytes], *, now: datetime | None) -> Statement:
        """Do what `add` does, while nobody else adds."""
        given = sorted_files(files)
        self._restore(given)
        # 1. Roots.
        chain = list(self.roots())
        roots = self._new_roots(given, chain)
        # 2. Statements.
        newest = self.newest()
        latest = None if newest is None else self.statement(newest)
        writes: list[tuple[Path, bytes]] = []
        added: list[tuple[Federation | None, Statement]] = []
        for version, snapshot in given.snapshots:
            if newest is not None and version <= newest:
                # 3. What is held.
                if version in self.versions():
                    check_not_older(self.read(f"{version}.snapshot.json"), snapshot)
                continue
            found = verified(given, version, snapshot, [self.pinned(), *chain])
            if latest is not None:
                require_succession(
                    latest.federation,
                    found.federation,
                    root_changed=found.root.version != latest.root.version,
                )
            added.append((None if latest is None else latest.federation, found))
            latest = found
            writes.extend(self._statement_writes(given, version, snapshot))
        if latest is None:
            raise invalid_field("files", "", "They hold no statement of the federation.")
        if now is not None:
            require_in_time(added, files.get(TIMESTAMP_FILE), now)
        named = latest.root.version
        _write([(path, data) for version, path, data in roots if version <= named])
        _write(writes)
        return latest

    def _restore(self, given: Incoming) -> None:
        """Bring back files that were lost or altered, from copies of the same statements.

        A statement is the same if its snapshot is: that names all the rest.
        """
        held = self.versions()
        same: list[tuple[int, bytes]] = []
        for version, snapshot in given.snapshots:
            if version in held:
                kept = self.read(f"{version}.snapshot.json")
                check_not_older(kept, snapshot)
                same.append((version, kept))
        copies = dict(given.roots)
        chain = [self.pinned()]
        for version in range(
            open_root(chain[0]).version + 1,
            max((open_snapshot(kept).root_version for _, kept in same), default=0) + 1,
        ):
            path = self.path(Role.ROOT, version)
            kept = read_file(path, field_name="trust") if path.is_file() else b""
            if not _follows(chain, kept) and version in copies:
                verify_root_chain(chain[0], [*chain[1:], copies[version]])
                kept = copies[version]
                _write([(path, kept)])
            chain.append(kept)
        for version, kept in same:
            try:
                self.statement(version)
            except DeltacareError:
                verified(given, version, kept, chain)
                _write(self._statement_writes(given, version, kept))

    def _new_roots(self, given: Incoming, chain: list[bytes]) -> list[tuple[int, Path, bytes]]:
        """Add the roots that are new to a chain, and return them as they shall be written."""
        writes: list[tuple[int, Path, bytes]] = []
        pinned = self.pinned()
        first = open_root(pinned).version
        for version, data in given.roots:
            held = version - first
            if held < 0:
                continue
            if held <= len(chain):
                check_not_older([pinned, *chain][held], data)
                continue
            chain.append(data)
            verify_root_chain(pinned, chain)
            writes.append((version, self.path(Role.ROOT, version), data))
        return writes

    def _statement_writes(
        self, given: Incoming, version: int, snapshot: bytes
    ) -> Iterable[tuple[Path, bytes]]:
        """Yield the files of a statement, each after those that it names."""
        targets = given.targets[version]
        for digest in sorted(set(target_hashes(targets).values())):
            yield self.document(digest), given.documents[digest]
        yield self.path(Role.TARGETS, version), targets
        yield self.path(Role.SNAPSHOT, version), snapshot


def _write(files: Iterable[tuple[Path, bytes]]) -> None:
    """Write files in their order, except those that are there already."""
    for path, data in files:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != data:
            write_atomic(path, data)


def _follows(chain: Sequence[bytes], root: bytes) -> bool:
    """Whether a root follows others."""
    try:
        verify_root_chain(chain[0], [*chain[1:], root])
    except DeltacareError:
        return False
    return True
