"""The TUF client workflow over gRPC: `tuf.ngclient` decides whether a timestamp is accepted.

Its updater asks for files by path. What never changes under its path is taken from this node's own
verified files first, and from the partner only if it is not there; the timestamp is the one that
was looked at already (``server.federation.keeper``), so that an hour that has not come is refused
before it could be remembered. What the updater trusts lies in a directory of its own and survives
restarts: versions only rise.

Source: The Update Framework specification 1.0.31, section 5.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from tuf.api.exceptions import DownloadError, DownloadHTTPError, RepositoryError
from tuf.ngclient.config import UpdaterConfig
from tuf.ngclient.fetcher import FetcherInterface
from tuf.ngclient.updater import Updater

from clients.federation.store import ASIDE_FILE, TIMESTAMP_FILE
from deltacare.errors import DeltacareError, PeerFault, Reason
from deltacare.trust import FEDERATION_PATH
from deltacare.trust.metadata import BYTES_MAX
from deltacare.trust.roles import Fault, Role, fault, open_timestamp, timestamp_hour

__all__ = ["Read", "accept_timestamp"]

Read = Callable[[str], bytes]
"""Returns a file by its path in a repository; ``NOT_FOUND`` if it is not there."""

_URL = "https://federation.invalid/"
_TARGETS_URL = f"{_URL}targets/"
_NOT_FOUND_CODE = 404
_ROOTS_MAX = 256


class _Files(FetcherInterface):
    """Gives the updater its files.

    Args:
        timestamp: The one to be accepted.
        sources: Asked one after the other.
    """

    def __init__(self, timestamp: bytes, sources: tuple[Read, ...]) -> None:
        self._timestamp = timestamp
        self._sources = sources

    def _fetch(self, url: str) -> Iterator[bytes]:
        path = url.removeprefix(_URL)
        if path == TIMESTAMP_FILE:
            return iter((self._timestamp,))
        for read in self._sources:
            try:
                return iter((read(path),))
            except DeltacareError as error:
                if error.reason is not Reason.NOT_FOUND:
                    raise DownloadError(str(error)) from error
        raise DownloadHTTPError(f"{path} is not there", _NOT_FOUND_CODE)


def accept_timestamp(
    data: bytes,
    *,
    pinned: bytes,
    directory: Path,
    sources: tuple[Read, ...],
    now: datetime,
) -> None:
    """Let the TUF client accept a timestamp and everything that it puts in force.

    Blocks: call it on a thread of its own, and one at a time for a directory.

    Args:
        data: The timestamp's file.
        pinned: The root that people compared.
        directory: Where the client keeps what it trusts.
        sources: Where the other files are read.
        now: The present instant.

    Raises:
        PeerFault: ``BAD_METADATA``, if the client refuses it.
        Unavailable: ``PEER_UNREACHABLE``, if a file could not be fetched.
    """
    hour = open_timestamp(data).hour
    _set_aside(directory, now)
    targets = directory / "targets"
    targets.mkdir(parents=True, exist_ok=True)
    config = UpdaterConfig(
        max_root_rotations=_ROOTS_MAX,
        max_delegations=1,
        root_max_length=BYTES_MAX[Role.ROOT],
        timestamp_max_length=BYTES_MAX[Role.TIMESTAMP],
        snapshot_max_length=BYTES_MAX[Role.SNAPSHOT],
        targets_max_length=BYTES_MAX[Role.TARGETS],
    )
    try:
        updater = Updater(
            metadata_dir=str(directory),
            metadata_base_url=_URL,
            target_dir=str(targets),
            target_base_url=_TARGETS_URL,
            fetcher=_Files(data, sources),
            config=config,
            bootstrap=pinned,
        )
        # The node's clock decides, as for everything else; by default it would be the machine's.
        updater._trusted_set.reference_time = now  # noqa: SLF001  # tuf has no other way
        updater.refresh()
        _check_hour(directory, hour)
        _fetch_federation(updater)
    except (RepositoryError, DownloadError) as error:
        raise fault(
            Fault.WRONG_LINK,
            Role.TIMESTAMP,
            f"The TUF client does not accept it: {type(error).__name__}.",
            client=type(error).__name__,
            cause=str(error)[:300],
        ) from error


def _set_aside(directory: Path, now: datetime) -> None:
    """Have the client forget a timestamp of an hour that has not come: it would take no other."""
    path = directory / TIMESTAMP_FILE
    # What is missing, or cannot be read, the client does without.
    with suppress(FileNotFoundError, PeerFault):
        if open_timestamp(path.read_bytes()).hour > timestamp_hour(now) + 1:
            path.replace(directory / ASIDE_FILE)


def _check_hour(directory: Path, hour: int) -> None:
    """Refuse a timestamp that the client let pass because it knows one of the same hour."""
    trusted = open_timestamp((directory / TIMESTAMP_FILE).read_bytes()).hour
    if trusted != hour:
        raise fault(
            Fault.ROLLED_BACK, Role.TIMESTAMP, f"It is of hour {hour}, hour {trusted} is known."
        )


def _fetch_federation(updater: Updater) -> None:
    """Fetch the statement through the client, which compares its length and hash."""
    found = updater.get_targetinfo(FEDERATION_PATH)
    if found is None:
        raise PeerFault(Reason.BAD_METADATA, "The targets hold no federation.")
    if updater.find_cached_target(found) is None:
        updater.download_target(found)
