"""Windows: each date lies in exactly one of each length, and its ends are whole."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from deltacare.v1.entry_pb2 import StatementWindow
from settlement.windows import WindowKind, is_window, window_of

KINDS = st.sampled_from(WindowKind)
DATES = st.dates(min_value=date(2000, 1, 3), max_value=date(2999, 11, 30))


def test_kinds_are_numbered_as_in_the_contract() -> None:
    """A statement names the same windows."""
    assert {f"STATEMENT_WINDOW_{kind.name}": kind.value for kind in WindowKind} == {
        name: number for name, number in StatementWindow.items() if number
    }


def test_examples() -> None:
    """A Sunday, by each length; a leap year's February."""
    day = date(2026, 11, 1)
    assert (day, day) == window_of(WindowKind.DAY, day)
    assert (date(2026, 10, 26), day) == window_of(WindowKind.WEEK, day)
    assert (day, date(2026, 11, 30)) == window_of(WindowKind.MONTH, day)
    assert date(2028, 2, 29) == window_of(WindowKind.MONTH, date(2028, 2, 1))[1]
    assert not is_window(WindowKind.WEEK, day, day + timedelta(days=6))
    assert not is_window(WindowKind.MONTH, day, date(2026, 11, 29))


@given(KINDS, DATES)
def test_windows_follow_each_other(kind: WindowKind, day: date) -> None:
    """Every date of a window is in it alone, and the next one begins on the day after."""
    first, last = window_of(kind, day)
    assert first <= day <= last
    assert is_window(kind, first, last)
    dates = [first + timedelta(days=each) for each in range((last - first).days + 1)]
    assert {(first, last)} == {window_of(kind, each) for each in dates}
    assert last + timedelta(days=1) == window_of(kind, last + timedelta(days=1))[0]
