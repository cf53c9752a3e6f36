"""Which checkpoint is out for cosigning: the newest, one at a time, but day closes in order."""

import pytest

from server.log.pacing import Asked, Pace, next_asked

PACE_S = 1.0


def pace(head: int, quorum: int, *due: int) -> Pace:
    """Return what there is to choose from."""
    return Pace(head_size=head, quorum_size=quorum, due_sizes=due, pace_s=PACE_S)


def out(size: int) -> Asked:
    """Return a checkpoint that went out at second 10."""
    return Asked(size=size, since_s=10.0)


@pytest.mark.parametrize(
    "known, asked, now_s, expected",
    [
        (pace(0, 0), None, 10.0, None),
        (pace(5, 5), out(5), 10.0, None),
        (pace(5, 0), None, 10.0, out(5)),
        (pace(9, 0), out(5), 10.5, out(5)),
        (pace(9, 5), out(5), 10.5, Asked(size=9, since_s=10.5)),
        (pace(9, 0), out(5), 11.0, Asked(size=9, since_s=11.0)),
        (pace(5, 0), out(5), 99.0, out(5)),
        (pace(9, 0, 7), out(5), 10.1, Asked(size=7, since_s=10.1)),
        (pace(9, 0, 7, 8), out(7), 99.0, out(7)),
        (pace(9, 7, 8), out(7), 10.2, Asked(size=8, since_s=10.2)),
        (pace(9, 8), out(8), 10.3, Asked(size=9, since_s=10.3)),
    ],
    ids=[
        "nothing signed",
        "newest has its quorum",
        "first",
        "one at a time",
        "quorum makes way",
        "time makes way",
        "still the newest",
        "a close comes first",
        "a close is not overtaken",
        "the next close",
        "after the closes the newest",
    ],
)
def test_what_is_out(
    known: Pace, asked: Asked | None, now_s: float, expected: Asked | None
) -> None:
    """Each rule of pacing by itself."""
    assert next_asked(known, asked, now_s) == expected


def test_closes_are_never_skipped() -> None:
    """Whatever arrives in between, what goes out grows and holds every close."""
    due, sizes, asked, quorum = [3, 6, 7], [], None, 0
    for step in range(40):
        head = min(10, 1 + step)
        waiting = [size for size in due if quorum < size <= head]
        asked = next_asked(pace(head, quorum, *waiting), asked, float(step))
        if asked is None:
            continue
        if not sizes or sizes[-1] != asked.size:
            sizes.append(asked.size)
        if step % 3 == 2:
            quorum = max(quorum, asked.size)
    assert sizes == sorted(sizes)
    assert set(due) <= set(sizes)
