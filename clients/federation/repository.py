"""Published metadata as plain directories: what an office keeps, and any web server can serve.

The layout is that of a TUF repository with consistent snapshots, so stock clients read it. What is
there stays: publishing again adds the next version.
"""

from collections.abc import Mapping
from pathlib import Path

from clients.federation.files import write_atomic
from clients.federation.incoming import FILES_MAX, VERSIONED
from clients.federation.store import PINNED_FILE, TrustStore
from clients.sdk.credentials import read_file
from deltacare.errors import Reason, Refusal, invalid_field
from deltacare.trust.roles import Role, check_not_older, open_snapshot

__all__ = ["install", "read_published", "trust_store", "write_repository"]

_NODE_TRUST = "trust"


def read_published(path: Path) -> dict[str, bytes]:
    """Return published files, by the paths of a TUF client.

    Args:
        path: A repository's directory, a node's, or its ``trust`` directory.

    Raises:
        Refusal: ``INVALID_FIELD``, if there is nothing.
    """
    store = trust_store(path)
    if store is not None:
        return store.files()
    files = sorted(file for file in path.rglob("*") if file.suffix in {".json", ".txt"})
    if not files or len(files) > FILES_MAX or not (path / "1.root.json").exists():
        raise invalid_field(
            "from",
            path,
            "It is neither a published repository nor a node with the federation's metadata.",
            "Give what federation publish --out wrote, or the directory of a node.",
        )
    left_over = _left_over({file.name: file for file in files if file.parent == path})
    return {
        name: read_file(file, field_name="from")
        for file in files
        if (name := file.relative_to(path).as_posix()) not in left_over
    }


def trust_store(path: Path) -> TrustStore | None:
    """Return what a node trusts, ``None`` if this is no directory of a node.

    Args:
        path: A node's directory, or its ``trust`` directory.
    """
    for folder in (path, path / _NODE_TRUST):
        if (folder / PINNED_FILE).exists():
            return TrustStore(folder)
    return None


def write_repository(path: Path, files: Mapping[str, bytes]) -> None:
    """Add published files to a repository.

    Args:
        path: Its directory; made if need be.
        files: By the paths of a TUF client.

    Raises:
        PeerFault: ``BAD_METADATA``, if it holds another content under a version.
        Refusal: ``ALREADY_EXISTS``, if it holds another document under a name.
    """
    missing: dict[Path, bytes] = {}
    left_over = _left_over({file.name: file for file in path.glob("*.json")})
    for name, data in files.items():
        file = path / name
        if not file.exists() or name in left_over:
            missing[file] = data
        elif name.startswith("targets/"):
            if read_file(file, field_name="out") != data:
                raise Refusal(Reason.ALREADY_EXISTS, f"{file} is another document.")
        else:
            check_not_older(read_file(file, field_name="out"), data)
    # Documents before metadata, snapshots last: what is named is there.
    for file, data in sorted(missing.items(), key=lambda row: _order(row[0])):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(file, data)


def install(directory: Path, files: Mapping[str, bytes]) -> int:
    """Give a node published files, and the first root to pin if it has none.

    Args:
        directory: Of the node.
        files: By the paths of a TUF client.

    Returns:
        The number of the newest statement that it holds now.

    Raises:
        PeerFault: ``BAD_METADATA``.
        Refusal: If it pins another root, or the files lack something.
    """
    store = TrustStore(directory / _NODE_TRUST)
    first = min((name for name in files if name.endswith(".root.json")), key=_number)
    if not store.is_pinned:
        store.pin(files[first])
    return store.add(files).version


def _left_over(files: Mapping[str, Path]) -> frozenset[str]:
    """Return which roots and targets no snapshot leads to: whoever wrote them was stopped halfway.

    The offices may have given that statement up since, so another one may take their place.
    """
    versions = {name: VERSIONED.fullmatch(name) for name in files}
    numbers = {name: (match[2], int(match[1])) for name, match in versions.items() if match}
    newest = max((n for role, n in numbers.values() if role == Role.SNAPSHOT), default=0)
    root = 1
    if newest:
        data = read_file(files[f"{newest}.snapshot.json"], field_name="from")
        root = open_snapshot(data).root_version
    last = {Role.ROOT.value: root, Role.TARGETS.value: newest}
    return frozenset(name for name, (role, n) in numbers.items() if n > last.get(role, n))


def _number(name: str) -> int:
    return int(name.partition(".")[0])


def _order(file: Path) -> tuple[bool, bool, str]:
    return file.name.endswith(".snapshot.json"), file.name.endswith(".targets.json"), file.name
