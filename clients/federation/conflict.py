"""Two statements of one version, both signed by enough offices: which one a node gives up.

The one that two nodes put in force counts. Whoever only held the other, and never went by it, loses
nothing by taking the first in its stead; what was in force here is never replaced.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from clients.federation.incoming import TIMESTAMP_FILE, Statement, not_held
from clients.federation.store import TrustStore
from deltacare.trust.roles import Fault, Role, fault

__all__ = ["replace_pending"]


def replace_pending(
    store: TrustStore, files: Mapping[str, bytes], timestamp: bytes, *, now: datetime
) -> Statement:
    """Give up what was never in force for what a timestamp names in its stead.

    Everything is verified apart from what is held, as if the pending statements had never come;
    only then do they make room.

    Args:
        store: Where they are.
        files: What follows the statement in force: roots, statements, documents.
        timestamp: Names one of them.
        now: The present instant.

    Returns:
        The newest statement held afterwards.

    Raises:
        PeerFault: ``BAD_METADATA``; nothing was given up.
        Refusal: ``NOT_FOUND``, if no timestamp was accepted yet, or a file is missing; likewise.
    """
    kept = store.timestamp()
    if kept is None:
        raise not_held(TIMESTAMP_FILE)
    base = store.statement(kept.snapshot_version)
    ground = store.files([base.version])
    for number in range(base.root.version + 1, store.root().version + 1):
        del ground[f"{number}.root.json"]
    given = {**files, TIMESTAMP_FILE: timestamp}
    with TemporaryDirectory(dir=store.directory, prefix=".trial-") as name:
        trial = TrustStore(Path(name))
        trial.pin(store.pinned())
        trial.add(ground)
        trial.add(given, now=now)
        found = trial.check_timestamp(timestamp, now=now)
        if found.snapshot_version <= base.version:
            raise fault(Fault.ROLLED_BACK, Role.TIMESTAMP, "It names no later statement.")
    return store.replace_after(base.version, given, now=now)
