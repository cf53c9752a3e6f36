"""Tests of counting denials: alike ones are one, and there are never too many kinds."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from deltacare.ids import Principal
from deltacare.purposes import Purpose
from server.audit.denials import Denials
from server.edge.audit import Denial

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
METHOD = "/deltacare.v1.LogService/ReadEntries"


def denial(
    opaque_id: str | None = "id-1",
    *,
    role: str = "clerk",
    method: str = METHOD,
    reason: str = "ROLE_NOT_ALLOWED",
    cause: str = "",
    purpose: Purpose | None = None,
) -> Denial:
    """Return a denial; of nobody if there is no id."""
    caller = None
    if opaque_id is not None:
        caller = Principal(province="310000", role=role, opaque_id=opaque_id)
    return Denial(
        caller=caller, method=method, purpose=purpose, rule="E00", reason=reason, cause=cause
    )


def test_alike_ones_are_counted() -> None:
    """Same caller, method and reason: one entry with a count and both ends of its time."""
    denials = Denials()
    for second in range(5):
        denials.add(denial(), NOW + timedelta(seconds=second))
    denials.add(denial("id-2"), NOW)
    denials.add(denial(reason="LOG_NOT_ENTITLED"), NOW)
    first, second, third = denials.take()
    body = first.to_body()
    assert ("310000", "clerk", "id-1", METHOD) == (
        body.province,
        body.role,
        body.principal,
        body.method,
    )
    assert ("E00", "ROLE_NOT_ALLOWED", 5) == (body.rule, body.reason, body.count)
    assert NOW == body.first_time.ToDatetime(tzinfo=UTC)
    assert NOW + timedelta(seconds=4) == body.last_time.ToDatetime(tzinfo=UTC)
    assert ("id-2", 1) == (second.to_body().principal, second.count)
    assert "LOG_NOT_ENTITLED" == third.to_body().reason
    assert 0 == len(denials)


def test_due_after_a_minute() -> None:
    """Nothing is taken before the window is over, all of it after that."""
    denials = Denials()
    assert () == denials.take_due(NOW)
    denials.add(denial(), NOW)
    denials.add(denial("id-2"), NOW + timedelta(seconds=59))
    assert () == denials.take_due(NOW + timedelta(seconds=59))
    assert 2 == len(denials.take_due(NOW + timedelta(seconds=60)))
    assert () == denials.take_due(NOW + timedelta(seconds=120))


def test_what_could_not_be_kept_is_counted_on() -> None:
    """Given back, it meets what came meanwhile."""
    denials = Denials()
    denials.add(denial(), NOW)
    taken = denials.take()
    denials.add(denial(), NOW + timedelta(seconds=9))
    denials.give_back(taken)
    (found,) = denials.take()
    assert (2, NOW, NOW + timedelta(seconds=9)) == (
        found.count,
        found.first_time,
        found.last_time,
    )


def test_nobody_is_counted_by_cause() -> None:
    """Without a principal only the cause is told apart."""
    denials = Denials()
    for number in range(50):
        denials.add(denial(None, method=f"/m/{number}", cause="WRONG_CA"), NOW)
    denials.add(denial(None, cause="EXPIRED"), NOW)
    found = [(each.denial.cause, each.denial.method, each.count) for each in denials.take()]
    assert [("WRONG_CA", "", 50), ("EXPIRED", "", 1)] == found


@given(
    st.lists(
        st.tuples(
            st.integers(0, 30),
            st.integers(0, 5),
            st.sampled_from(["ROLE_NOT_ALLOWED", "WRONG_PROVINCE"]),
            st.sampled_from([None, *Purpose]),
        ),
        max_size=300,
    )
)
def test_kinds_are_bounded_and_none_is_lost(
    calls: list[tuple[int, int, str, Purpose | None]],
) -> None:
    """However callers vary, there are few entries, and their counts add up."""
    denials = Denials(kinds_max=8)
    for caller, method, reason, purpose in calls:
        denials.add(
            denial(
                f"id-{caller}",
                role=f"role-{caller}",
                method=f"/m/{method}",
                reason=reason,
                purpose=purpose,
            ),
            NOW,
        )
    assert len(denials) <= 8 + 2, "beyond the limit one for each reason"
    assert len(calls) == sum(each.count for each in denials.take())
