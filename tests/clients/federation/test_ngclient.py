"""The store as a repository: python-tuf's own client takes what is served from it, and no more."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tuf.api.exceptions import BadVersionNumberError, DownloadHTTPError, RepositoryError
from tuf.ngclient import Updater
from tuf.ngclient.fetcher import FetcherInterface

from clients.federation.store import TrustStore
from deltacare.errors import Refusal
from tests.support.federation import make_trust
from tests.support.metadata import make_root, make_signed, next_federation, stamp

NOW = datetime.now(UTC)
ROOTS = (make_root(now=NOW), make_root(version=2, replaced=["340000"], now=NOW))
FIRST = make_signed(now=NOW, roots=ROOTS[:1])
SECOND = make_signed(next_federation(make_trust()), now=NOW, roots=ROOTS)
BASE = "trust://node/"


class StoreFetcher(FetcherInterface):
    """Fetches from a store as a node serves it, and roots only up to a version."""

    def __init__(self, store: TrustStore, *, root_version_max: int) -> None:
        self._store = store
        self._root_version_max = root_version_max

    def _fetch(self, url: str) -> Iterator[bytes]:
        path = url.removeprefix(BASE)
        version, _, kind = path.partition(".")
        try:
            if kind == "root.json" and int(version) > self._root_version_max:
                raise DownloadHTTPError(path, 404)
            data = self._store.read(path)
        except Refusal as error:
            raise DownloadHTTPError(path, 404) from error
        yield data


def updated(store: TrustStore, *, root_version_max: int = 2) -> Updater:
    """Return an updater that has refreshed from a store."""
    store.client_directory.mkdir(exist_ok=True)
    updater = Updater(
        metadata_dir=str(store.client_directory),
        metadata_base_url=BASE,
        target_dir=str(store.client_directory),
        target_base_url=f"{BASE}targets/",
        fetcher=StoreFetcher(store, root_version_max=root_version_max),
        bootstrap=store.pinned(),
    )
    updater.refresh()
    return updater


@pytest.fixture
def store(tmp_path: Path) -> TrustStore:
    """Return a store with the first statement and its timestamp."""
    store = TrustStore(tmp_path / "trust")
    store.pin(FIRST.roots[0])
    store.add(FIRST.files())
    store.accept_timestamp(stamp(FIRST.snapshot, NOW, hours=-1), now=NOW)
    return store


def test_client_reads_the_store(store: TrustStore) -> None:
    """Every document comes under its target path, byte for byte."""
    updater = updated(store)
    for path, data in FIRST.documents.items():
        info = updater.get_targetinfo(path)
        assert info is not None
        assert data == Path(updater.download_target(info)).read_bytes()


def test_a_new_root_waits_for_its_statement(store: TrustStore) -> None:
    """Under a root that is newer than the present snapshot that may count no more: roots wait."""
    updated(store, root_version_max=1)
    store.add(SECOND.files())
    updated(store, root_version_max=1)
    store.accept_timestamp(stamp(SECOND.snapshot, NOW), now=NOW)
    updated(store, root_version_max=store.current().snapshot.root_version)
    assert SECOND.federation == store.load()


def test_client_refuses_what_the_store_refuses(store: TrustStore) -> None:
    """An older hour is refused by the client, too, should it ever stand on disk."""
    updated(store)
    (store.directory / "timestamp.json").write_bytes(stamp(FIRST.snapshot, NOW, hours=-2))
    with pytest.raises(BadVersionNumberError):
        updated(store)
    (store.directory / "timestamp.json").write_bytes(
        stamp(FIRST.snapshot, NOW, signing=("310000",))
    )
    with pytest.raises(RepositoryError):
        updated(store)
