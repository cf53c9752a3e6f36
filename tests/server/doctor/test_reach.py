"""Tests of reachability's check: both ways, and on which side it is broken."""

from datetime import UTC, datetime, timedelta

import pytest

from server.doctor.findings import Level, Side
from server.doctor.reach import Failure, WayOut, check_stream, check_way_in, check_way_out

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def out(failure: Failure | None) -> WayOut:
    """Return what came of a call to Jiangsu."""
    return WayOut(
        province="320000",
        endpoint="node.js.example:7310",
        failure=failure,
        said="UNAUTHENTICATED",
        took=timedelta(milliseconds=7),
    )


@pytest.mark.parametrize(
    "failure, code, side, remedy",
    [
        (None, "OK", None, ""),
        (Failure.NAME, "PARTNER_NAME_UNKNOWN", Side.NETWORK, "getent hosts node.js.example"),
        (Failure.REFUSED, "PARTNER_NOT_SERVING", Side.PARTNER, "deltacare node serve DIR"),
        (Failure.SILENT, "PARTNER_SILENT", Side.NETWORK, "nc -vz -w 5 node.js.example 7310"),
        (
            Failure.UNTRUSTED,
            "PARTNER_UNTRUSTED",
            Side.PARTNER,
            "deltacare node certificate renew DIR",
        ),
        (
            Failure.UNKNOWN_TO_IT,
            "REFUSED_BY_PARTNER",
            Side.OURS,
            "deltacare node certificate renew /n/310000",
        ),
        (Failure.OUT_OF_ORDER, "PARTNER_OUT_OF_ORDER", Side.PARTNER, "deltacare node doctor DIR"),
    ],
)
def test_way_out(failure: Failure | None, code: str, side: Side | None, remedy: str) -> None:
    """Each failure has its side and its command."""
    found = check_way_out(out(failure), directory="/n/310000")
    assert (code, side, remedy) == (found.code, found.side, found.remedy)
    assert "{" not in found.zh + found.en


def test_every_failure_is_told() -> None:
    """No failure is left without words."""
    codes = {check_way_out(out(each), directory="d").code for each in Failure}
    assert len(Failure) == len(codes)


@pytest.mark.parametrize(
    "heard_min, made_min, is_running, code, side",
    [
        (1, 1, True, "OK", None),
        (10, 1, True, "OK", None),
        (11, 1, True, "NOT_HEARD", Side.NETWORK),
        (11, 11, True, "NOTHING_TO_HEAR", Side.OURS),
        (11, 1, False, "NOTHING_TO_HEAR", Side.OURS),
        (None, 1, True, "NOT_HEARD", Side.NETWORK),
        (None, None, True, "NOTHING_TO_HEAR", Side.OURS),
    ],
)
def test_way_in(
    heard_min: int | None, made_min: int | None, is_running: object, code: str, side: Side | None
) -> None:
    """What a partner holds of our word tells whether it hears us; if we say nothing it is ours."""
    found = check_way_in(
        "320000",
        heard=None if heard_min is None else NOW - timedelta(minutes=heard_min),
        made=None if made_min is None else NOW - timedelta(minutes=made_min),
        is_running=bool(is_running),
        our_endpoint="node.sh.example:7310",
        directory="/n/310000",
        now=NOW,
    )
    assert (code, side) == (found.code, found.side)
    if code == "NOT_HEARD":
        assert "nc -vz -w 5 node.sh.example 7310  # at 320000" == found.remedy


def test_stream() -> None:
    """A partner that answers us and that our node does not follow is told."""

    def checked(*, is_connected: bool, last: datetime | None) -> str | None:
        found = check_stream(
            "320000", is_connected=is_connected, last_contact=last, now=NOW, directory="d"
        )
        return found.en if found is not None else None

    assert checked(is_connected=True, last=None) is None
    assert "(no contact yet)" in (checked(is_connected=False, last=None) or "")
    hour_ago = NOW - timedelta(hours=3)
    assert "(last contact 3 h ago)" in (checked(is_connected=False, last=hour_ago) or "")
    found = check_stream("320000", is_connected=False, last_contact=None, now=NOW, directory="d")
    assert found is not None
    assert (Level.WARN, "STREAM_DOWN", Side.OURS) == (found.level, found.code, found.side)
