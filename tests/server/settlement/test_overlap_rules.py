"""What lies beyond a month, and the form of what is said of it: values in, verdict out."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltacare.v1.entry_pb2 import OverlapClaim, OverlapClaims
from server.settlement.overlap_fields import claims_faults
from server.settlement.overlap_rules import (
    Service,
    beyond_by_homes,
    beyond_by_hosts,
    cleared_by_homes,
    cleared_by_hosts,
    summed_days,
)

LENGTH = 31

services = st.lists(
    st.builds(
        Service,
        host=st.sampled_from(("310000", "330000", "340000")),
        settlement_no=st.sampled_from("ABCDEF"),
        index=st.integers(0, 30),
        beneficiary_ref=st.sampled_from("rq"),
        filed_date=st.sampled_from(("2026-11-01", "2026-11-02", "2026-11-03")),
        days=st.integers(1, 31),
        closed_date=st.sampled_from((None, None, "2026-11-01")),
    ),
    max_size=8,
    unique_by=lambda each: (each.host, each.index),
)


def by_hand(rows: Sequence[Service]) -> int:
    """Return the days of settlements, each counted once with the most of its rows."""
    keys = {(each.host, each.settlement_no) for each in rows}
    return sum(
        max(each.days for each in rows if (each.host, each.settlement_no) == key) for key in keys
    )


@given(services)
def test_what_is_left_fits_or_nothing_more_can_be_held(rows: list[Service]) -> None:
    """Without what is beyond, the days fit the month, unless what is closed is too much already."""
    assert by_hand(rows) == summed_days(rows)
    beyond = beyond_by_hosts(rows, LENGTH)
    assert all(each.closed_date is None for each in beyond)
    refs = {(each.host, each.beneficiary_ref) for each in rows}
    if len(refs) < 2 or summed_days(rows) <= LENGTH:
        assert () == beyond
        return
    left = [each for each in rows if each not in beyond]
    is_closed_too_much = summed_days([r for r in rows if r.closed_date is not None]) > LENGTH
    assert summed_days(left) <= LENGTH or is_closed_too_much
    assert beyond or all(each.closed_date is not None for each in rows) or is_closed_too_much


@given(services, st.randoms())
def test_the_order_of_rows_does_not_matter(rows: list[Service], shuffling: object) -> None:
    """The same rows are beyond, however they are read."""
    before = set(beyond_by_hosts(rows, LENGTH))
    shuffled = list(rows)
    shuffling.shuffle(shuffled)  # type: ignore[attr-defined]  # a random.Random
    assert before == set(beyond_by_hosts(shuffled, LENGTH))


@given(services, st.integers(0, 62))
def test_between_homes_all_open_records_are_held(rows: list[Service], other_days: int) -> None:
    """If the days of both exceed the month, else none; a home that claims nothing holds nobody."""
    open_rows = tuple(each for each in rows if each.closed_date is None)
    exceeds = other_days > 0 and by_hand(rows) + other_days > LENGTH
    assert (open_rows if exceeds else ()) == beyond_by_homes(rows, other_days, LENGTH)


@given(services)
def test_what_is_closed_beyond_the_month(rows: list[Service]) -> None:
    """Closed rows alone exceed it, over several pseudonyms; without those named they do not."""
    closed = [each for each in rows if each.closed_date is not None]
    found = cleared_by_hosts(rows, LENGTH)
    assert set(found) <= set(closed)
    exceeds = (
        len({(each.host, each.beneficiary_ref) for each in closed}) > 1 and by_hand(closed) > LENGTH
    )
    assert exceeds is bool(found)
    assert not exceeds or by_hand([each for each in closed if each not in found]) <= LENGTH


@given(services, st.integers(0, 62))
def test_what_is_closed_and_claimed_by_another_home(rows: list[Service], other_days: int) -> None:
    """All of it, if its days and the other's exceed the month: what is open is held instead."""
    closed = tuple(each for each in rows if each.closed_date is not None)
    exceeds = other_days > 0 and by_hand(closed) + other_days > LENGTH
    assert (closed if exceeds else ()) == cleared_by_homes(rows, other_days, LENGTH)


def claim(tag: int = 1, *, tag_bytes: bytes = b"", **changes: object) -> OverlapClaim:
    """Return a sound claim, with changes."""
    fields: dict[str, object] = {
        "tag": tag_bytes or bytes([tag] * 16),
        "month": 10,
        "exclusivity_group": "CARE",
        "days": 20,
    }
    return OverlapClaim(**(fields | changes))  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize(
    "claims, year",
    [
        ([], 2026),
        ([claim()], 1999),
        ([claim()], 3000),
        ([claim(days=63)], 2026),
        ([claim(month=0)], 2026),
        ([claim(month=13)], 2026),
        ([claim(tag=1), claim(tag=1)], 2026),
        ([claim(tag=2), claim(tag=1)], 2026),
        ([claim(month=11), claim(month=10)], 2026),
        ([claim(exclusivity_group="")], 2026),
        ([claim(exclusivity_group="a b")], 2026),
        ([OverlapClaim(tag=bytes(15), month=1, exclusivity_group="A", days=1)], 2026),
        ([claim()] * 1_001, 2026),
    ],
)
def test_claims_that_have_not_their_form(claims: list[OverlapClaim], year: int) -> None:
    """They are void; their order is part of the form, so that one set has one spelling."""
    assert list(claims_faults(OverlapClaims(service_year=year, claims=claims)))


def test_claims_that_have() -> None:
    """A thousand of them fit one entry; no days take one back."""
    many = [
        claim(tag_bytes=number.to_bytes(16, "big"), exclusivity_group="G" * 32)
        for number in range(1_000)
    ]
    body = OverlapClaims(service_year=2026, claims=many)
    assert [] == list(claims_faults(body))
    assert len(body.SerializeToString()) < 65_000
    sound = [claim(days=0), claim(month=11), claim(month=11, exclusivity_group="MEAL")]
    assert [] == list(claims_faults(OverlapClaims(service_year=2026, claims=sound)))
