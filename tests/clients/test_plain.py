"""Messages as plain values: numbers stay numbers, hashes hexadecimal, enums names."""

from datetime import UTC, datetime

from clients.plain import enum_name, plain
from deltacare.v1.certification_service_pb2 import (
    VERDICT_REVOKED,
    CheckCertificationResponse,
)
from deltacare.v1.clearing_service_pb2 import LINE_CLASS_MATCHED, Line, LineSide
from deltacare.v1.entry_pb2 import SettlementRecord
from deltacare.v1.types_pb2 import Appended, EntryRef


def test_numbers_bytes_and_absent_fields() -> None:
    """64-bit numbers are numbers, and what is absent is not there."""
    line = Line(
        home="310000",
        line_class=LINE_CLASS_MATCHED,
        home_side=LineSide(
            row_count=1, sum_fen=2**40, record=SettlementRecord(settlement_no="S1", amount_fen=7)
        ),
    )
    shown = plain(line)
    assert ("MATCHED", 2**40, 7) == (
        shown["line_class"],
        shown["home_side"]["sum_fen"],
        shown["home_side"]["record"]["amount_fen"],
    )
    assert "host_side" not in shown
    assert "replaces_index" not in shown["home_side"]["record"]


def test_instants_notes_and_lists() -> None:
    """Instants are RFC 3339, signed notes text, lists of messages lists."""
    response = CheckCertificationResponse(
        verdict=VERDICT_REVOKED, entries=[EntryRef(log="l", index=3)]
    )
    response.known_time.FromDatetime(datetime(2026, 11, 22, 8, tzinfo=UTC))
    shown = plain(response)
    assert ("REVOKED", "2026-11-22T08:00:00Z", [{"log": "l", "index": 3}]) == (
        shown["verdict"],
        shown["known_time"],
        shown["entries"],
    )
    assert "a\n— b\n" == plain(Appended(checkpoint="a\n— b\n".encode()))["checkpoint"]


def test_enum_by_name() -> None:
    """The prefix that repeats the type is left out; a number nobody knows stays a number."""
    response = CheckCertificationResponse(verdict=VERDICT_REVOKED)
    assert "REVOKED" == enum_name(response, "verdict")
    unknown = CheckCertificationResponse.FromString(b"\x08\x63")
    assert "99" == enum_name(unknown, "verdict")
