"""Looks for what a verdict file does not show: entries of a whole exported log about its question.

A verdict's signature is the node's word that nothing else was said. With the log itself, as a
directory of C2SP tiles from whomever, a verifier need not take that word: the log must have the
root that the verdict was read under, and then every entry below the verdict's size is looked at.
What is found is for `clients.verify.verdict` to judge. An entry that was void where it stands is
found too; a log of a node that keeps the rules holds none.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from clients.logs.source import TilesDirectory, claimed_size
from clients.verify.said import SaidEntry, bears_on, line_of
from clients.verify.seen import SeenCheckpoint
from clients.verify.trusting import Trusting
from deltacare.errors import PeerFault, Reason
from deltacare.evidence import LogRead, Place, VerdictRecord
from deltacare.tlog.tree import Frontier, leaf_hash, leaf_hashes
from deltacare.v1.entry_pb2 import INSTITUTION_STATE_CLOSED, Entry

__all__ = ["Searched", "search_log"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """A log that was looked through.

    Attributes:
        seen: The checkpoint of the directory.
        looked_at: Entries below the verdict's size.
        found: Those among them that may bear on the question, also those that the verdict names.
    """

    seen: SeenCheckpoint
    looked_at: int
    found: tuple[SaidEntry, ...]


def search_log(
    directory: Path, read: LogRead, record: VerdictRecord, trusting: Trusting
) -> Searched:
    """Look through a log for what a verdict does not show.

    1. Its checkpoint satisfies the policy; lines by keys that no policy names are ignored, as
    signed-note says, for the directory is no file under test and nothing rests on them. 2. It is
    at least as long as the verdict's checkpoint, and had that very root at that size: it is the
    same history. 3. Its entries have the root that is signed. 4. Below the size that the verdict
    was read under, each entry that the verdict names stands where it says; what else may bear on
    the question is gathered.

    Args:
        directory: The log, as tiles.
        read: How far the answering node read it.
        record: The verdict.
        trusting: The verifier's policies.

    Raises:
        OSError: If the directory cannot be read.
        PeerFault: ``BAD_PROOF``, ``FORK`` or as for a checkpoint.
    """
    # 1. Who signed it.
    source = TilesDirectory(directory)
    note = source.checkpoint()
    seen = replace(trusting, allow_unknown=True).checkpoint(note)
    if seen.checkpoint.origin != str(read.log):
        raise _bad(f"{directory} holds {seen.checkpoint.origin}, not {read.log}.")
    known_size, known_root = read.checkpoint or (0, Frontier.empty().root)
    if seen.checkpoint.size < max(known_size, read.size):
        raise _bad(
            f"{directory} has {seen.checkpoint.size} entries, and the verdict was read under "
            f"{max(known_size, read.size)}: export it again."
        )
    # 2. to 4. Entry by entry.
    named = {said.place.index: said.leaf for said in record.said if said.place.log == read.log}
    frontier = Frontier.empty()
    gathered = _Gathered(record)
    for first, run in _runs(source, claimed_size(note), stop=known_size):
        for offset, data in enumerate(run[: max(read.size - first, 0)]):
            place = Place(log=read.log, index=first + offset)
            if named.get(place.index, leaf := leaf_hash(data)) != leaf:
                raise _bad(f"The log has another entry at {place}.")
            gathered.take(place, leaf, data)
        frontier = frontier.append(leaf_hashes(run))
        if frontier.size == known_size and frontier.root != known_root:
            raise PeerFault(
                Reason.FORK,
                f"{directory} is another history of {read.log} than the verdict was read under.",
                details={"log": str(read.log), "size": str(known_size)},
            )
    if (frontier.size, frontier.root) != (seen.checkpoint.size, seen.checkpoint.root):
        raise _bad(f"The entries in {directory} do not have the root that was signed.")
    return Searched(seen=seen, looked_at=read.size, found=gathered.found())


class _Gathered:
    """What of a log may bear on the question.

    Args:
        record: The question.
    """

    def __init__(self, record: VerdictRecord) -> None:
        self._record = record
        self._found: list[SaidEntry] = []
        # Certificates that follow others: which of them are of the line that is asked about is
        # known when all were seen, so of each there is kept what shows it, and the bytes.
        self._followers: dict[str, tuple[str, Place, bytes]] = {}
        # Likewise what was stated of institutions, from the first statement that closes one.
        self._closed: dict[str, list[tuple[Place, bytes]]] = {}

    def take(self, place: Place, leaf: bytes, data: bytes) -> None:
        """Keep an entry, if it may bear on the question."""
        said = _read(place, leaf, data)
        if said is None or not bears_on(self._record, said, None, None, None):
            return
        body = said.body
        if said.name == "institution":
            if body.state == INSTITUTION_STATE_CLOSED or body.institution_id in self._closed:
                self._closed.setdefault(body.institution_id, []).append((place, data))
        elif said.name != "certificate" or body.certificate_no == self._record.certificate_no:
            self._found.append(said)
        elif body.predecessor_no:
            # A number is issued once; another is void.
            self._followers.setdefault(body.certificate_no, (body.predecessor_no, place, data))

    def found(self) -> tuple[SaidEntry, ...]:
        """Return what was kept, of others what is of the same line or institution, by place."""
        own = [each.body for each in self._found if each.name == "certificate"]
        follows = [(each.certificate_no, each.predecessor_no) for each in own]
        follows += [(number, before) for number, (before, _, _) in self._followers.items()]
        found = list(self._found)
        for number in line_of(self._record.certificate_no, follows) & self._followers.keys():
            _, place, data = self._followers[number]
            said = _read(place, leaf_hash(data), data)
            if said is not None:
                found.append(said)
        for institution_id in {each.institution_id for each in own}:
            for place, data in self._closed.get(institution_id, ()):
                said = _read(place, leaf_hash(data), data)
                if said is not None:
                    found.append(said)
        return tuple(sorted(found, key=lambda each: each.place))


def _runs(source: TilesDirectory, size: int, *, stop: int) -> Iterator[tuple[int, Sequence[bytes]]]:
    """Yield entries in runs with the index of each one's first; one run ends at a given size."""
    first = 0
    for run in source.entries(size):
        cut = stop - first
        parts = (run[:cut], run[cut:]) if 0 < cut < len(run) else (run,)
        for part in parts:
            yield first, part
            first += len(part)


def _read(place: Place, leaf: bytes, data: bytes) -> SaidEntry | None:
    """Return what an entry says, ``None`` if this version cannot read it."""
    from google.protobuf.message import DecodeError

    try:
        entry = Entry.FromString(data)
    except DecodeError:
        return None
    if entry.WhichOneof("body") is None:
        return None
    return SaidEntry(place=place, leaf=leaf, entry=entry)


def _bad(message: str) -> PeerFault:
    return PeerFault(Reason.BAD_PROOF, message)
