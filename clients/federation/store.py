"""A ``trust`` directory: every verified version of the federation's metadata, and which one counts.

Files are added whole statements at a time, after everything was verified from the pinned root, and
never change; only ``timestamp.json`` is replaced, by a newer one. What lies here is verified again
on every read of a value, so that a file altered on disk is found and not believed. Who fetches,
who signs timestamps and what time it is are decided by the caller.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from clients.federation.files import write_atomic
from clients.federation.incoming import (
    TARGET,
    TIMESTAMP_FILE,
    VERSIONED,
    Incoming,
    Statement,
    not_held,
    require_in_time,
    sorted_files,
    verified,
)
from clients.sdk.credentials import read_file
from deltacare.errors import Reason, Refusal, invalid_field
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
    target_file,
    target_hashes,
    timestamp_hour,
    verify_root_chain,
    verify_statement,
    verify_timestamp,
)
from deltacare.trust.succession import require_succession

__all__ = ["ASIDE_FILE", "PINNED_FILE", "TIMESTAMP_FILE", "Statement", "TrustStore"]

PINNED_FILE = "pinned.root.json"
ASIDE_FILE = "timestamp.from-the-future.json"

_CLIENT = "client"
_FOLDERS = {Role.ROOT: "roots", Role.SNAPSHOT: "snapshots", Role.TARGETS: "targets"}
_DOCUMENTS = "documents"


class TrustStore:
    """Reads and fills one ``trust`` directory.

    Args:
        directory: Where it is; made when something is first written.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @property
    def directory(self) -> Path:
        """Where it is."""
        return self._directory

    @property
    def client_directory(self) -> Path:
        """The directory that ``tuf.ngclient.Updater`` keeps for itself."""
        return self._directory / _CLIENT

    @property
    def is_pinned(self) -> bool:
        """Whether there is a root to begin with."""
        return (self._directory / PINNED_FILE).exists()

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

    def pinned(self) -> bytes:
        """Return the root that everything is verified from.

        Raises:
            Refusal: ``INVALID_FIELD``, if none was installed.
        """
        path = self._directory / PINNED_FILE
        if not path.exists():
            raise invalid_field(
                "trust",
                path,
                "The node has no root of the federation yet.",
                "Install what the offices published: deltacare federation publish … --install.",
            )
        return read_file(path, field_name="trust")

    def roots(self) -> tuple[bytes, ...]:
        """Return the root files that follow the pinned one, ascending, without a gap."""
        version = open_root(self.pinned()).version
        found: list[bytes] = []
        while (path := self._path(Role.ROOT, version + len(found) + 1)).exists():
            found.append(read_file(path, field_name="trust"))
        return tuple(found)

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

    def versions(self) -> tuple[int, ...]:
        """Return the numbers of the statements held, ascending."""
        folder = self._directory / _FOLDERS[Role.SNAPSHOT]
        names = [VERSIONED.fullmatch(path.name) for path in folder.glob("*.snapshot.json")]
        return tuple(sorted(int(match[1]) for match in names if match is not None))

    def newest(self) -> int | None:
        """Return the number of the newest statement held, ``None`` if there is none."""
        return max(self.versions(), default=None)

    def statement(self, version: int) -> Statement:
        """Return a statement, verified from the pinned root.

        Raises:
            PeerFault: ``BAD_METADATA``, if a file was altered.
            Refusal: ``NOT_FOUND``, if it is not held.
        """
        snapshot = self.read(f"{version}.snapshot.json")
        targets = self.read(f"{version}.targets.json")
        documents = {
            path: self._read_document(digest, path)
            for path, digest in target_hashes(targets).items()
        }
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
        """
        path = self._directory / TIMESTAMP_FILE
        if not path.exists():
            return None
        data = read_file(path, field_name="trust")
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

        1. Roots follow the newest one held. 2. Statements follow the newest one held, in order,
        each by the rules of succession. 3. What is held stays as it is. Then everything is written,
        documents first, so that a snapshot never stands without what it names.

        Args:
            files: By path of a TUF client: ``N.root.json``, ``N.snapshot.json``,
                ``N.targets.json``, ``targets/….json``. A timestamp among them is not kept; it shows
                what other nodes have seen in time.
            now: The present instant, at a node that is told of it; ``None`` where people install.

        Returns:
            The newest statement held afterwards.

        Raises:
            PeerFault: ``BAD_METADATA``, naming what is wrong; nothing was written.
            Refusal: ``INVALID_FIELD``, if a path is none, or what was signed is no federation;
                ``NOT_FOUND``, if a file is missing.
        """
        given = sorted_files(files)
        # 1. Roots.
        chain = list(self.roots())
        writes = self._new_roots(given, chain)
        # 2. Statements.
        newest = self.newest()
        latest = None if newest is None else self.statement(newest)
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
        for path, data in writes:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists() or path.read_bytes() != data:
                write_atomic(path, data)
        return latest

    def discard_after(self, version: int) -> None:
        """Give up every statement after one, and the roots that came with them.

        Raises:
            Refusal: ``NOT_FOUND``, if it is not held.
        """
        root = self.statement(version).root.version
        # The last first: whatever is left, should this end halfway, stands on what is left.
        for number in reversed(self.versions()):
            if number > version:
                self._path(Role.SNAPSHOT, number).unlink()
        for number in range(self.root().version, root, -1):
            self._path(Role.ROOT, number).unlink()

    def read(self, path: str) -> bytes:
        """Return a file under the path by which a TUF client asks for it.

        Raises:
            Refusal: ``NOT_FOUND``, if it is not held, or is no such path.
        """
        versioned = VERSIONED.fullmatch(path)
        target = TARGET.fullmatch(path)
        if path == TIMESTAMP_FILE:
            file = self._directory / TIMESTAMP_FILE
        elif versioned is not None:
            file = self._path(Role(versioned[2]), int(versioned[1]))
            if not file.exists() and versioned[2] == Role.ROOT.value and self.is_pinned:
                pinned = self.pinned()
                if open_root(pinned).version == int(versioned[1]):
                    return pinned
        elif target is not None:
            file = self._directory / _DOCUMENTS / target[1]
        else:
            raise not_held(path)
        if not file.is_file():
            raise not_held(path)
        return read_file(file, field_name="trust")

    def files(self, versions: Iterable[int] | None = None) -> dict[str, bytes]:
        """Return what another node needs of statements held: roots, and each with its documents.

        Args:
            versions: Of statements; all by default.
        """
        first = open_root(self.pinned())
        found = {f"{first.version}.root.json": self.pinned()}
        for number, data in enumerate(self.roots(), start=first.version + 1):
            found[f"{number}.root.json"] = data
        for version in self.versions() if versions is None else versions:
            targets = self.read(f"{version}.targets.json")
            found[f"{version}.snapshot.json"] = self.read(f"{version}.snapshot.json")
            found[f"{version}.targets.json"] = targets
            for path, digest in target_hashes(targets).items():
                data = self._read_document(digest, path)
                found[target_file(path, data)] = data
        return found

    def _path(self, role: Role, version: int) -> Path:
        return self._directory / _FOLDERS[role] / f"{version}.{role}.json"

    def _read_document(self, digest: str, path: str) -> bytes:
        file = self._directory / _DOCUMENTS / digest
        if not file.is_file():
            raise not_held(path)
        return read_file(file, field_name="trust")

    def _new_roots(self, given: Incoming, chain: list[bytes]) -> list[tuple[Path, bytes]]:
        """Add the roots that are new to a chain, and return them as they shall be written."""
        writes: list[tuple[Path, bytes]] = []
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
            writes.append((self._path(Role.ROOT, version), data))
        return writes

    def _statement_writes(
        self, given: Incoming, version: int, snapshot: bytes
    ) -> Iterable[tuple[Path, bytes]]:
        """Yield the files of a statement, each after those that it names."""
        targets = given.targets[version]
        for digest in sorted(set(target_hashes(targets).values())):
            yield self._directory / _DOCUMENTS / digest, given.documents[digest]
        yield self._path(Role.TARGETS, version), targets
        yield self._path(Role.SNAPSHOT, version), snapshot
