"""Tests of following alerts: cursors kept after what was handled, reconnecting, refusals."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from clients.checking.following import Cursors, follow
from clients.checking.words import announced, remedy
from deltacare.errors import DeltacareError, Reason, Refusal, Unavailable
from deltacare.v1 import certification_service_pb2 as pb

LOG = "deltacare/320000/registry"


def alert(index: int) -> pb.CertificateAlert:
    """Return an alert about an entry."""
    made = pb.CertificateAlert(
        cursors=[pb.WatchCursor(log=LOG, next_index=index + 1, next_permit_index=index)]
    )
    made.entry.log, made.entry.index = LOG, index
    return made


class Node:
    """A node that tells of so many entries, a few a connection, from the cursor it is given."""

    def __init__(self, size: int, *, breaks_after: Sequence[int], end: DeltacareError) -> None:
        self.certification = self
        self.starts: list[int] = []
        self._size = size
        self._breaks = list(breaks_after)
        self._end = end

    def WatchCertificates(  # noqa: N802  # the method's name
        self, request: pb.WatchCertificatesRequest
    ) -> Iterator[pb.CertificateAlert]:
        """Tell, and break off."""
        start = request.cursors[0].next_index if request.cursors else 0
        self.starts.append(start)
        if not self._breaks:
            raise self._end
        for index in range(start, min(self._size, start + self._breaks.pop(0))):
            yield alert(index)
        raise Unavailable(Reason.PEER_UNREACHABLE, "It went away.")


def test_each_is_handed_on_once_across_breaks(tmp_path: Path) -> None:
    """Broken off again and again, even by the death of the follower, each alert comes once."""
    path = tmp_path / "cursors.json"
    end = Refusal(Reason.ROLE_NOT_ALLOWED, "Enough.")
    node = Node(9, breaks_after=[2, 0, 3, 4], end=end)
    heard: list[int] = []
    rests: list[float] = []
    for _ in range(2):  # the first dies while it handles the fourth
        alerts = follow(
            node,
            Cursors.load(path),
            institution_id="",
            host="",
            on_away=lambda _error, _rest_s: None,
            rest=rests.append,
        )
        with suppress(Refusal):
            for each in alerts:
                if each.entry.index == 3 and len(heard) == 3:
                    heard.append(-1)
                    break
                heard.append(each.entry.index)
    assert [0, 1, 2, -1, 3, 4, 5, 6] == heard[:8]
    assert [0, 2, 2, 3] == node.starts[:4]
    assert rests[0] < rests[1]


@pytest.mark.parametrize("text", ["", "{}", '{"format": "other", "cursors": []}', "[1]"])
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    """A file that holds no cursors is refused and left alone."""
    path = tmp_path / "cursors.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Refusal):
        Cursors.load(path)
    assert text == path.read_text(encoding="utf-8")


def test_what_a_kill_left_is_cleared(tmp_path: Path) -> None:
    """A file half written long ago goes; one of another writer, and of another name, stays."""
    path = tmp_path / "cur[so]rs.json"
    long_ago, now, other = (
        tmp_path / name
        for name in (".cur[so]rs.json.abcd_123", ".cur[so]rs.json.efgh_456", ".other.abcd_123")
    )
    for each in (long_ago, now, other):
        each.write_text("{", encoding="utf-8")
    for each in (long_ago, other):
        os.utime(each, (1, 1))
    Cursors.load(path).take(alert(1))
    assert {path.name, now.name, other.name} == {each.name for each in tmp_path.iterdir()}


def test_places_of_a_new_list_never_move_a_follower_on(tmp_path: Path) -> None:
    """Each place is the earlier one; a log that was not followed begins at the list's."""
    path = tmp_path / "cursors.json"
    behind = pb.WatchCursor(log=LOG, next_index=5, next_permit_index=9, after_certificate_no="b")
    Cursors.load(path).take(pb.CertificateAlert(cursors=[behind]))
    assert Cursors.load(path).day is None
    ahead = pb.WatchCursor(log=LOG, next_index=7, next_permit_index=8)
    other = pb.WatchCursor(log="deltacare/330000/registry", next_index=3, next_permit_index=3)
    day = pb.WatchDay(told_date="2026-11-22")
    Cursors.load(path).hold(pb.PutWatchListResponse(cursors=[ahead, other], day_cursor=day))
    wanted = pb.WatchCursor(log=LOG, next_index=5, next_permit_index=8, after_certificate_no="b")
    assert {LOG: wanted, other.log: other} == Cursors.load(path).of_log
    assert day == Cursors.load(path).day


@pytest.mark.parametrize(
    "held, given, kept",
    [
        (("2026-11-20", "", ""), ("2026-11-22", "", ""), 0),
        (("2026-11-22", "", ""), ("2026-11-20", "", ""), 1),
        (("2026-11-20", "2026-11-21", "b"), ("2026-11-22", "", ""), 0),
        (("2026-11-20", "2026-11-21", "b"), ("2026-11-20", "", ""), 1),
    ],
)
def test_the_day_of_a_new_list_never_moves_a_follower_on(
    tmp_path: Path, held: tuple[str, str, str], given: tuple[str, str, str], kept: int
) -> None:
    """The earlier place in the days is kept, also between answers about one day."""
    path = tmp_path / "cursors.json"
    days = [
        pb.WatchDay(told_date=told, next_date=following, after_certificate_no=after)
        for told, following, after in (held, given)
    ]
    Cursors.load(path).take(pb.CertificateAlert(day_cursor=days[0]))
    Cursors.load(path).hold(pb.PutWatchListResponse(day_cursor=days[1]))
    assert days[kept] == Cursors.load(path).day


def test_a_day_is_resumed_behind_what_was_handled(tmp_path: Path) -> None:
    """The request names the last place in the days whose answer was handled, also by another."""
    path = tmp_path / "cursors.json"
    places = [
        pb.WatchDay(told_date="2026-11-22"),
        pb.WatchDay(told_date="2026-11-22", next_date="2026-11-23", after_certificate_no="b"),
        pb.WatchDay(told_date="2026-11-23"),
    ]
    asked: list[pb.WatchDay | None] = []

    class Days:
        """A node that tells of the days from a place on, one answer a connection."""

        def WatchCertificates(  # noqa: N802  # the method's name
            self, request: pb.WatchCertificatesRequest
        ) -> Iterator[pb.CertificateAlert]:
            """Tell, and break off."""
            is_named = request.HasField("day_cursor")
            asked.append(request.day_cursor if is_named else None)
            place = places.index(request.day_cursor) + 1 if is_named else 0
            if place == len(places) or len(asked) > 9:
                raise Refusal(Reason.ROLE_NOT_ALLOWED, "Enough.")
            yield pb.CertificateAlert(day_cursor=places[place])
            raise Unavailable(Reason.PEER_UNREACHABLE, "It went away.")

    class Node:
        """The node."""

        certification = Days()

    for _ in range(2):  # the first dies while it handles the second answer
        alerts = follow(
            Node(),
            Cursors.load(path),
            institution_id="",
            host="",
            on_away=lambda _error, _rest_s: None,
            rest=lambda _rest_s: None,
        )
        with suppress(Refusal):
            for each in alerts:
                if each.day_cursor == places[1] and len(asked) == 2:
                    break
    assert [None, places[0], places[0], places[1], places[2]] == asked


@pytest.mark.parametrize("day", ['"2026-11-22"', "{}", "[]", '{"told_date": "2026-11-22"}'])
def test_a_file_with_another_day_is_refused(tmp_path: Path, day: str) -> None:
    """A place in the days that cannot be read is not taken for none."""
    path = tmp_path / "cursors.json"
    text = '{"format": "deltacare/watch-cursors/v1", "cursors": [], "day": %s}'
    path.write_text(text % day, encoding="utf-8")
    with pytest.raises(Refusal):
        Cursors.load(path)


def test_what_is_to_come_is_no_leave_to_work_on() -> None:
    """A restriction that begins later names its day in both languages, and what to do then."""
    found = announced("REVOKED", "R07-REVOKED", "2027-04-01")
    assert all("2027-04-01" in said for said in found)
    assert all(said in found[place] for place, said in enumerate(("撤销", "revoked")))
    assert all(found[place].endswith(remedy("R07-REVOKED")[place]) for place in (0, 1))
