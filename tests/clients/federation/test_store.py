"""Tests of a trust directory: what is taken into it, what counts, and what never goes back."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from clients.federation import store as store_module
from clients.federation.store import TrustStore
from deltacare.errors import DeltacareError, PeerFault, Reason, Refusal
from deltacare.trust.roles import new_snapshot, new_targets, sign
from tests.support.federation import PROVINCES, make_trust
from tests.support.metadata import (
    Signed,
    make_root,
    make_signed,
    next_federation,
    office_seed,
    sign_all,
    stamp,
)
from tests.support.ports import START_TIME

FIRST = make_signed()
SECOND = make_signed(next_federation(make_trust()))


def installed(directory: Path, signed: Signed = FIRST) -> TrustStore:
    """Return a store with a first statement."""
    store = TrustStore(directory / "trust")
    store.pin(signed.roots[0])
    store.add(signed.files())
    return store


def content(store: TrustStore) -> dict[str, bytes]:
    """Return every file of a store."""
    return {
        path.relative_to(store.directory).as_posix(): path.read_bytes()
        for path in store.directory.rglob("*")
        if path.is_file()
    }


def fault_of(call: Callable[[], Any]) -> str:
    """Return the fault, or the reason, for which a call is refused."""
    with pytest.raises(DeltacareError) as caught:
        call()
    return caught.value.details.get("fault", caught.value.reason.name)


def test_installed_statement(tmp_path: Path) -> None:
    """What was installed is the federation, before any timestamp and under its root."""
    store = installed(tmp_path)
    assert FIRST.federation == store.load()
    assert (1, (1,), None) == (store.current().root.version, store.versions(), store.timestamp())
    assert FIRST.files() == store.files()


def test_nothing_installed(tmp_path: Path) -> None:
    """An empty directory says what to do."""
    store = TrustStore(tmp_path / "trust")
    with pytest.raises(Refusal) as caught:
        store.load()
    assert "federation publish" in caught.value.violations[0].remedy
    store.pin(FIRST.roots[0])
    with pytest.raises(Refusal) as caught:
        store.load()
    assert "federation publish" in caught.value.violations[0].remedy


def test_pinned_root_stays(tmp_path: Path) -> None:
    """The same root signed by others is the same, another one is refused."""
    store = installed(tmp_path)
    store.pin(make_root(signing=PROVINCES[1:]))
    assert FIRST.roots[0] == store.pinned()
    assert "ALREADY_EXISTS" == fault_of(
        lambda: store.pin(make_root(now=START_TIME + timedelta(days=1)))
    )
    assert "TOO_FEW_SIGNATURES" == fault_of(
        lambda: TrustStore(tmp_path / "x").pin(make_root(signing=PROVINCES[:2]))
    )


def test_a_candidate_counts_when_a_timestamp_names_it(tmp_path: Path) -> None:
    """A later statement is kept at once and counts from the timestamp on."""
    store = installed(tmp_path)
    store.accept_timestamp(stamp(FIRST.snapshot, START_TIME), now=START_TIME)
    assert 2 == store.add(SECOND.files()).version
    assert (FIRST.federation, 2) == (store.load(), store.newest())
    later = START_TIME + timedelta(hours=1)
    store.accept_timestamp(stamp(SECOND.snapshot, later), now=later)
    assert SECOND.federation == store.load()


@pytest.mark.parametrize(
    "snapshot, hours, expected",
    [
        (FIRST.snapshot, -1, "ROLLED_BACK"),  # an older hour
        (FIRST.snapshot, 1, "ROLLED_BACK"),  # an older snapshot
        (FIRST.snapshot, 0, "OTHER_CONTENT"),  # the same hour, another snapshot
        (SECOND.snapshot, 2, "FROM_THE_FUTURE"),
        (SECOND.snapshot, -25, "EXPIRED"),
    ],
)
def test_timestamps_only_rise(tmp_path: Path, snapshot: bytes, hours: int, expected: str) -> None:
    """Neither hour nor snapshot goes back, whoever signed it."""
    store = installed(tmp_path)
    store.add(SECOND.files())
    store.accept_timestamp(stamp(SECOND.snapshot, START_TIME), now=START_TIME)
    before = content(store)
    data = stamp(snapshot, START_TIME, hours=hours, signing=PROVINCES)
    assert expected == fault_of(lambda: store.accept_timestamp(data, now=START_TIME))
    assert before == content(store)


def test_timestamp_needs_two(tmp_path: Path) -> None:
    """One node alone moves nothing."""
    store = installed(tmp_path)
    one = stamp(FIRST.snapshot, START_TIME, signing=PROVINCES[:1])
    assert "TOO_FEW_SIGNATURES" == fault_of(lambda: store.accept_timestamp(one, now=START_TIME))
    assert store.timestamp() is None


def test_timestamp_of_what_is_not_held(tmp_path: Path) -> None:
    """A timestamp over what is not here is not taken, nor over another of the same number."""
    store = installed(tmp_path)
    data = stamp(SECOND.snapshot, START_TIME)
    assert "NOT_FOUND" == fault_of(lambda: store.accept_timestamp(data, now=START_TIME))
    other = make_signed(make_trust(registry_quorum=1))
    data = stamp(other.snapshot, START_TIME)
    assert "WRONG_LINK" == fault_of(lambda: store.accept_timestamp(data, now=START_TIME))


def test_same_timestamp_by_others(tmp_path: Path) -> None:
    """The timestamp of an hour stays as it is when others signed it too."""
    store = installed(tmp_path)
    store.accept_timestamp(stamp(FIRST.snapshot, START_TIME), now=START_TIME)
    before = content(store)
    again = stamp(FIRST.snapshot, START_TIME, signing=PROVINCES[2:])
    assert store.timestamp() == store.accept_timestamp(again, now=START_TIME)
    assert before == content(store)


def without(files: Mapping[str, bytes], end: str) -> dict[str, bytes]:
    """Return files but those with such an end."""
    return {path: data for path, data in files.items() if not path.endswith(end)}


def skipping() -> Signed:
    """Return a statement that leaves out a number."""
    return make_signed(replace(make_trust(), version=3))


def stranger() -> Signed:
    """Return a statement under another federation's root."""
    later = START_TIME + timedelta(days=1)
    return make_signed(next_federation(make_trust()), roots=[make_root(now=later)])


BAD: dict[str, tuple[Mapping[str, bytes], str]] = {
    "two signatures": (
        make_signed(SECOND.federation, signing=PROVINCES[:2]).files(),
        "TOO_FEW_SIGNATURES",
    ),
    "no targets": (without(SECOND.files(), "targets.json"), "NOT_FOUND"),
    "no document": (without(SECOND.files(), ".federation.json"), "NOT_FOUND"),
    "a number left out": (skipping().files(), "SUCCESSION"),
    "another root": (stranger().files(), "OTHER_CONTENT"),
    "another content": (make_signed(make_trust(registry_quorum=1)).files(), "OTHER_CONTENT"),
    "a path of nothing": ({**SECOND.files(), "../x.json": b""}, "INVALID_FIELD"),
    "an absolute path": ({**SECOND.files(), "/etc/passwd": b""}, "INVALID_FIELD"),
    "a wrong number": (
        {**FIRST.files(), "3.snapshot.json": SECOND.snapshot},
        "WRONG_LINK",
    ),
    "a document of another name": (
        {
            path: data if "federation.json" not in path else data + b" "
            for path, data in SECOND.files().items()
        },
        "WRONG_LINK",
    ),
    "a root by two": (
        {**SECOND.files(), "2.root.json": make_root(version=2, signing=PROVINCES[:2])},
        "TOO_FEW_SIGNATURES",
    ),
    "a root left out": (
        {**SECOND.files(), "3.root.json": make_root(version=3)},
        "WRONG_LINK",
    ),
    "garbage": ({**SECOND.files(), "2.snapshot.json": b"{}"}, "NOT_CANONICAL"),
    "too large": ({**SECOND.files(), "2.snapshot.json": b" " * 70_000}, "OVERSIZED"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_not_taken(tmp_path: Path, name: str) -> None:
    """What does not verify is refused by its name, and nothing of it is written."""
    files, expected = BAD[name]
    store = installed(tmp_path)
    before = content(store)
    assert expected == fault_of(lambda: store.add(files))
    assert before == content(store)


def test_too_many_files(tmp_path: Path) -> None:
    """Nobody fills a disk with names."""
    store = installed(tmp_path)
    files = {f"targets/{index:064x}.a.json": b"" for index in range(5_000)}
    assert "INVALID_FIELD" == fault_of(lambda: store.add(files))


def test_documents_that_nobody_named(tmp_path: Path) -> None:
    """Only what a signed file names is written."""
    store = installed(tmp_path)
    store.add({**SECOND.files(), f"targets/{'0' * 64}.x.json": b"junk"})
    assert not any(b"junk" == data for data in content(store).values())


def test_taken_twice(tmp_path: Path) -> None:
    """What is held stays as it is, even if others signed the copy that came."""
    store = installed(tmp_path)
    before = content(store)
    store.add(FIRST.files())
    store.add(make_signed(signing=PROVINCES[1:]).files())
    assert before == content(store)


def test_several_at_once(tmp_path: Path) -> None:
    """A node that was away takes the statements that it missed, in order."""
    third = make_signed(next_federation(SECOND.federation))
    store = installed(tmp_path)
    assert 3 == store.add({**third.files(), **SECOND.files()}).version
    assert (1, 2, 3) == store.versions()


def test_new_root(tmp_path: Path) -> None:
    """A statement under a new root is verified by the new keys, older ones by the old ones."""
    second_root = make_root(version=2, replaced=["340000"])
    roots = (FIRST.roots[0], second_root)
    second = make_signed(SECOND.federation, roots=roots)
    store = installed(tmp_path)
    found = store.add(second.files())
    assert (2, 2) == (found.root.version, store.root().version)
    assert FIRST.federation == store.statement(1).federation
    # The replaced key signs no more: neither it nor two of the others make a statement.
    third = next_federation(SECOND.federation)
    by_old = make_signed(third, roots=roots, signing=(*PROVINCES[:2], "340000"))
    assert "TOO_FEW_SIGNATURES" == fault_of(lambda: store.add(by_old.files()))
    unsigned = make_signed(third, roots=roots, signing=PROVINCES[:2])
    new = replace(
        unsigned,
        targets=sign(unsigned.targets, office_seed("340000", 2)),
        snapshot=sign(unsigned.snapshot, office_seed("340000", 2)),
    )
    assert 3 == store.add(new.files()).version


def test_altered_on_disk(tmp_path: Path) -> None:
    """A file that somebody changed is found when it is read, and not believed."""
    for name in ("snapshots/1.snapshot.json", "targets/1.targets.json", "pinned.root.json"):
        store = installed(tmp_path / name.replace("/", "-"))
        path = store.directory / name
        path.write_bytes(path.read_bytes().replace(b"2027", b"2028").replace(b"2036", b"2037"))
        assert "TOO_FEW_SIGNATURES" == fault_of(store.load)
    store = installed(tmp_path / "documents")
    for path in (store.directory / "documents").iterdir():
        path.write_bytes(path.read_bytes() + b" ")
    assert "WRONG_LINK" == fault_of(store.load)


def test_served_files(tmp_path: Path) -> None:
    """A TUF client finds each file under its path, and nothing else."""
    store = installed(tmp_path)
    for path, data in FIRST.files().items():
        assert data == store.read(path)
    for path in (
        "2.root.json",
        "timestamp.json",
        "0.root.json",
        "01.root.json",
        "1.mirrors.json",
        "pinned.root.json",
        "../node.toml",
        "targets/../../node.toml",
        f"targets/{'0' * 64}.federation.json",
        "targets/federation.json",
        "",
    ):
        with pytest.raises(Refusal) as caught:
            store.read(path)
        assert caught.value.reason is Reason.NOT_FOUND
    store.accept_timestamp(stamp(FIRST.snapshot, START_TIME), now=START_TIME)
    assert stamp(FIRST.snapshot, START_TIME) == store.read("timestamp.json")


def test_statement_that_is_none(tmp_path: Path) -> None:
    """Three offices that sign a contradiction are refused like anybody."""
    documents = {**SECOND.documents}
    name = "policies/deltacare/310000/registry.txt"
    documents[name] = documents[name].replace(b"quorum-group 2", b"quorum-group 1")
    targets = sign_all(new_targets(documents, version=2, now=START_TIME))
    snapshot = sign_all(new_snapshot(targets, root_version=1, now=START_TIME))
    bad = replace(SECOND, targets=targets, snapshot=snapshot, documents=documents)
    assert SECOND.documents[name] != documents[name]
    with pytest.raises(Refusal) as caught:
        installed(tmp_path).add(bad.files())
    assert name in str(caught.value)


def test_a_crash_between_two_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However far writing came, what counts is whole, and adding again completes it."""
    stop = 0
    is_whole = False
    while not is_whole:
        store = installed(tmp_path / str(stop))
        left = stop

        def failing(path: Path, data: bytes) -> None:
            nonlocal left
            if not left:
                raise OSError
            left -= 1
            path.write_bytes(data)

        with monkeypatch.context() as patch:
            patch.setattr(store_module, "write_atomic", failing)
            with suppress(OSError):
                store.add(SECOND.files())
                is_whole = True
        assert FIRST.federation == store.statement(1).federation
        assert (2 if is_whole else 1) == store.load().version
        assert 2 == store.add(SECOND.files()).version
        stop += 1
    assert stop > 3


NOT_320000 = ("310000", "330000", "340000")
OTHER_ROOT = make_root(version=2, replaced=["320000"], signing=NOT_320000)
UNDER_NEW_ROOT = make_signed(
    SECOND.federation, roots=(FIRST.roots[0], make_root(version=2, replaced=["340000"]))
)
UNDER_OTHER_ROOT = make_signed(
    next_federation(make_trust(), stale_after_s=7_200),
    roots=(FIRST.roots[0], OTHER_ROOT),
    signing=NOT_320000,
)
UNDER_OLD_ROOT = make_signed(next_federation(make_trust(), stale_after_s=7_201))


@pytest.mark.parametrize(
    "other", [UNDER_OTHER_ROOT, UNDER_OLD_ROOT], ids=["another root", "the old root"]
)
def test_given_up_halfway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: Signed) -> None:
    """However far a proposal came that was given up, another one takes its place as if alone."""
    stop = 0
    while True:
        store = installed(tmp_path / str(stop))
        if not add_until(store, UNDER_NEW_ROOT, stop, monkeypatch):
            break
        assert (1, 1) == (store.root().version, store.load().version)
        assert not [path for path in store.files() if path in {"2.root.json", "2.snapshot.json"}]
        with pytest.raises(Refusal):
            store.read("2.root.json")
        # The other one is stopped halfway as well, at every place, and goes on.
        for late in range(stop + 1):
            add_until(store, other, late, monkeypatch)
        found = store.add(other.files())
        assert other.federation == found.federation == TrustStore(store.directory).load()
        assert len(other.roots) == store.root().version
        # Another root change is in nobody's way either.
        if other is UNDER_OLD_ROOT:
            roots = (*other.roots, OTHER_ROOT)
            third = make_signed(next_federation(other.federation), roots=roots, signing=NOT_320000)
            assert (3, 2) == (store.add(third.files()).version, store.root().version)
        stop += 1
    assert stop > 3


def add_until(
    store: TrustStore, signed: Signed, count: int, monkeypatch: pytest.MonkeyPatch
) -> bool:
    """Add a statement, and be killed after some writes; return whether that came to pass."""
    left = count

    def failing(path: Path, data: bytes) -> None:
        nonlocal left
        if not left:
            raise OSError
        left -= 1
        path.write_bytes(data)

    with monkeypatch.context() as patch:
        patch.setattr(store_module, "write_atomic", failing)
        try:
            store.add(signed.files())
        except OSError:
            return True
    return False


def test_a_root_without_a_statement(tmp_path: Path) -> None:
    """A root alone is not kept: what it would let be signed is not known yet."""
    store = installed(tmp_path)
    store.add({**FIRST.files(), "2.root.json": OTHER_ROOT})
    assert not (store.directory / "roots").exists()


@pytest.mark.parametrize("lost", ["documents", "targets", "roots"])
def test_lost_files(tmp_path: Path, lost: str) -> None:
    """Whoever lost files of a statement is told to install it again, and that brings them back."""
    store = installed(tmp_path)
    store.add(UNDER_NEW_ROOT.files())
    before = content(store)
    for path in (store.directory / lost).iterdir():
        path.unlink()
    with pytest.raises(Refusal) as caught:
        store.load()
    (violation,) = caught.value.violations
    assert (Reason.INVALID_FIELD, "trust") == (caught.value.reason, violation.field)
    assert f"{store.directory}/" in violation.value
    assert "publish … --install" in violation.remedy
    store.add({**FIRST.files(), **UNDER_NEW_ROOT.files()})
    assert before == content(store)


def test_altered_documents_are_brought_back(tmp_path: Path) -> None:
    """Installing again also replaces what was altered, and nothing by what was not signed."""
    store = installed(tmp_path)
    before = content(store)
    for path in (store.directory / "documents").iterdir():
        path.write_bytes(b"junk")
    junk = {p: b"junk" if p.startswith("targets/") else d for p, d in FIRST.files().items()}
    assert "WRONG_LINK" == fault_of(lambda: store.add(junk))
    store.add(FIRST.files())
    assert before == content(store)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"[" * 100_000])
def test_timestamp_that_is_none(tmp_path: Path, data: bytes) -> None:
    """A timestamp's file that holds none is named, and what to do about it."""
    store = installed(tmp_path)
    (store.directory / "timestamp.json").write_bytes(data)
    with pytest.raises(Refusal) as caught:
        store.current()
    (violation,) = caught.value.violations
    assert str(store.directory / "timestamp.json") == violation.value
    assert "Remove the file" in violation.remedy


def test_two_write_at_once(tmp_path: Path) -> None:
    """Of two that add another statement of one version at once, one is kept whole."""
    for attempt in range(5):
        first = installed(tmp_path / str(attempt))
        second = TrustStore(first.directory)
        with ThreadPoolExecutor(2) as pool:
            done = [
                pool.submit(store.add, signed.files())
                for store, signed in ((first, SECOND), (second, UNDER_OLD_ROOT))
            ]
        failures = [each.exception() for each in done]
        assert 1 == sum(failure is None for failure in failures)
        assert first.load().version == 2


def test_peer_fault_is_the_peers(tmp_path: Path) -> None:
    """Metadata that does not verify is the fault of who sent it."""
    store = installed(tmp_path)
    with pytest.raises(PeerFault):
        store.add(BAD["two signatures"][0])
