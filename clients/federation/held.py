"""The files of a ``trust`` directory as they lie there: where each is, and which of them belong.

Nothing is verified here beyond what it takes to find a file: ``clients.federation.store`` does
that, and writes. A snapshot is written last: a root, targets or documents that no snapshot leads to
were left by somebody who was stopped halfway. They are neither returned nor in anybody's way.
"""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from clients.federation.incoming import TARGET, TIMESTAMP_FILE, VERSIONED, not_held
from clients.sdk.credentials import read_file
from deltacare.errors import DeltacareError, PeerFault, invalid_field
from deltacare.trust.roles import Role, open_root, open_snapshot, target_file, target_hashes

__all__ = ["PINNED_FILE", "HeldFiles", "lost"]

PINNED_FILE = "pinned.root.json"

_CLIENT = "client"
_FOLDERS = {Role.ROOT: "roots", Role.SNAPSHOT: "snapshots", Role.TARGETS: "targets"}
_DOCUMENTS = "documents"


class HeldFiles:
    """Finds the files of one ``trust`` directory.

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
        """Return the root files after the pinned one, ascending, up to the newest statement's.

        Those after that were left by somebody who was stopped before the statement itself came: the
        offices may have given it up since, and signed other roots.

        Raises:
            PeerFault: ``BAD_METADATA``, if the pinned root is none.
            Refusal: ``INVALID_FIELD``, if nothing is pinned, one of them was lost, or that
                statement's snapshot is none.
        """
        found: list[bytes] = []
        for version in range(open_root(self.pinned()).version + 1, self._last_root() + 1):
            path = self.path(Role.ROOT, version)
            if not path.is_file():
                raise lost(path)
            found.append(read_file(path, field_name="trust"))
        return tuple(found)

    def versions(self) -> tuple[int, ...]:
        """Return the numbers of the statements held, ascending."""
        folder = self._directory / _FOLDERS[Role.SNAPSHOT]
        names = [VERSIONED.fullmatch(path.name) for path in folder.glob("*.snapshot.json")]
        return tuple(sorted(int(match[1]) for match in names if match is not None))

    def newest(self) -> int | None:
        """Return the number of the newest statement held, ``None`` if there is none."""
        return max(self.versions(), default=None)

    def read(self, path: str) -> bytes:
        """Return a file under the path by which a TUF client asks for it.

        Raises:
            Refusal: ``NOT_FOUND``, if it is not held, or is no such path.
        """
        versioned = VERSIONED.fullmatch(path)
        target = TARGET.fullmatch(path)
        if path == TIMESTAMP_FILE:
            file = self._directory / TIMESTAMP_FILE
        elif versioned is not None and versioned[2] == Role.ROOT.value:
            return self._read_root(int(versioned[1]), path)
        elif versioned is not None:
            file = self.path(Role(versioned[2]), int(versioned[1]))
        elif target is not None:
            file = self.document(target[1])
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
            targets = self.targets(version)
            found[f"{version}.snapshot.json"] = self.read(f"{version}.snapshot.json")
            found[f"{version}.targets.json"] = targets
            for path, data in self.documents(targets).items():
                found[target_file(path, data)] = data
        return found

    def documents(self, targets: bytes) -> dict[str, bytes]:
        """Return the documents that targets name, by path; whether they are those is not asked.

        Raises:
            PeerFault: ``BAD_METADATA``, if the targets are none.
            Refusal: ``INVALID_FIELD``, if one was lost.
        """
        return {
            path: self._read_held(self.document(digest))
            for path, digest in target_hashes(targets).items()
        }

    def targets(self, version: int) -> bytes:
        """Return the targets of a statement that is held.

        Raises:
            Refusal: ``INVALID_FIELD``, if they were lost.
        """
        return self._read_held(self.path(Role.TARGETS, version))

    def path(self, role: Role, version: int) -> Path:
        """Return where a version of a role lies."""
        return self._directory / _FOLDERS[role] / f"{version}.{role}.json"

    def document(self, digest: str) -> Path:
        """Return where a document lies."""
        return self._directory / _DOCUMENTS / digest

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep everybody else from adding to the directory while the block runs.

        A node takes in what partners have while people install into its directory: two statements
        of one version, written at once, would mix. Waits; the lock ends with its holder.
        """
        descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _last_root(self) -> int:
        """Return which root the newest statement belongs to; 0 while there is no statement."""
        newest = self.newest()
        if newest is None:
            return 0
        path = self.path(Role.SNAPSHOT, newest)
        try:
            return open_snapshot(read_file(path, field_name="trust")).root_version
        except PeerFault:
            raise invalid_field(
                "trust",
                path,
                "The file is no snapshot: it is damaged.",
                "Remove it, and install that statement again: "
                "deltacare federation publish … --install.",
            ) from None

    def _read_root(self, version: int, path: str) -> bytes:
        """Return a root that a statement here belongs to, or the pinned one."""
        if not self.is_pinned:
            raise not_held(path)
        pinned = self.pinned()
        first = open_root(pinned).version
        if version == first:
            return pinned
        file = self.path(Role.ROOT, version)
        if not first < version <= self._last_root() or not file.is_file():
            raise not_held(path)
        return read_file(file, field_name="trust")

    def _read_held(self, file: Path) -> bytes:
        if not file.is_file():
            raise lost(file)
        return read_file(file, field_name="trust")


def lost(path: Path) -> DeltacareError:
    """Return the refusal of a file that should be there."""
    return invalid_field(
        "trust",
        path,
        "A file of a statement that is held was lost.",
        "Install that statement again: deltacare federation publish … --install.",
    )
