"""Tests of the one snapshot that a node signs for an hour."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from deltacare.errors import Reason, Refusal
from deltacare.v1 import federation_service_pb2 as pb
from server.federation.hours import HOURS_KEPT_MAX
from tests.server.federation.support import HOUR, SH, ask, events
from tests.support.trusts import FourTrusts, timestamp_seed


async def test_signs_one_snapshot_an_hour(tmp_path: Path) -> None:
    """A node signs the present hour for one snapshot only, also after it was restarted."""
    nodes = FourTrusts(tmp_path)
    first = nodes[SH].room.ledger.newest.sha256
    hour = nodes.hour
    assert len(await ask(nodes, SH, hour, first)) == 64
    for wrong in (hour - 1, hour + 1, 0, 2**53):
        with pytest.raises(Refusal) as caught:
            await ask(nodes, SH, wrong, first)
        assert (caught.value.reason, caught.value.details) == (
            Reason.RULE_REFUSED,
            {"hour": str(hour)},
        )
    with pytest.raises(Refusal) as caught:
        await ask(nodes, SH, hour, "00" * 32)
    assert caught.value.details["snapshot_version"] == "1"
    await nodes[SH].publish(nodes.next_statement())
    second = nodes[SH].room.ledger.newest.sha256
    for _ in range(2):
        with pytest.raises(Refusal) as caught:
            await ask(nodes, SH, hour, second, 2)
        assert caught.value.details == {"hour": str(hour), "snapshot_version": "1"}
        assert await ask(nodes, SH, hour, first) == await ask(nodes, SH, hour, first)
        nodes[SH].stop()
        nodes[SH].start()
    nodes.advance(HOUR)
    assert len(await ask(nodes, SH, hour + 1, second, 2)) == 64
    with pytest.raises(Refusal):
        await ask(nodes, SH, hour + 1, first)


ROW = {"hour": 1, "sha256": "00" * 32, "version": 1}


NO_SIGNED_HOURS = (
    "",
    "[" * 100_000,
    "null",
    "{}",
    '{"a": 1}',
    '[{"a": 1}]',
    "[1]",
    json.dumps([{**ROW, "more": 1}]),
    json.dumps([{**ROW, "hour": "1"}]),
    json.dumps([{**ROW, "hour": True}]),
    json.dumps([{**ROW, "hour": 1.5}]),
    json.dumps([{**ROW, "hour": -1}]),
    json.dumps([{**ROW, "version": 0}]),
    json.dumps([{**ROW, "sha256": "00"}]),
    json.dumps([{**ROW, "sha256": 0}]),
    json.dumps([ROW, {**ROW, "version": 2}]),
    json.dumps([ROW] * 2),
    json.dumps([ROW]).replace('"hour"', '"hour": 2, "hour"'),
    json.dumps([ROW]).replace("1}", "1" * 5_000 + "}"),
)


async def test_signed_hours_that_are_damaged(tmp_path: Path) -> None:
    """A node that cannot read what it signed names the file, and does not go on as if nothing."""
    nodes = FourTrusts(tmp_path)
    path = nodes[SH].directory / "signed-hours.json"
    for value in NO_SIGNED_HOURS:
        path.write_text(f"{value}\n")
        with pytest.raises(Refusal) as caught:
            nodes[SH].start()
        (violation,) = caught.value.violations
        assert (str(path), "trust") == (violation.value, violation.field)
        assert "remove the file" in violation.remedy
    path.write_text(json.dumps([ROW]) + "\n")
    nodes[SH].start()
    assert len(await ask(nodes, SH, nodes.hour, nodes[SH].room.ledger.newest.sha256)) == 64
    nodes[SH].start()


async def test_bad_requests(tmp_path: Path) -> None:
    """What is no hash, path or statement is refused by its name."""
    nodes = FourTrusts(tmp_path)
    for sha256 in ("", "00", "00" * 33):
        with pytest.raises(Refusal) as caught:
            await ask(nodes, SH, nodes.hour, sha256)
        assert caught.value.violations[0].field == "snapshot_sha256"
    node = nodes[SH]
    for path in ("", "x" * 201):
        with pytest.raises(Refusal) as caught:
            await node.service.get_trust_file(pb.GetTrustFileRequest(path=path), node.call())
        assert caught.value.violations[0].field == "path"
    for path in ("2.root.json", "timestamp.json", "../../etc/passwd", "targets/../1.root.json"):
        with pytest.raises(Refusal) as caught:
            await node.service.get_trust_file(pb.GetTrustFileRequest(path=path), node.call())
        assert caught.value.reason is Reason.NOT_FOUND
    for files in ({}, {"a": b""}, {"x" * 201: b""}, {f"{n}.root.json": b"" for n in range(257)}):
        with pytest.raises(Refusal) as caught:
            await node.publish(files)
        assert caught.value.reason is Reason.INVALID_FIELD


async def test_clock_set_back_and_forth(tmp_path: Path) -> None:
    """What was signed for an hour is remembered over any number of hours that a clock can jump."""
    nodes = FourTrusts(tmp_path)
    first = nodes[SH].room.ledger.newest.sha256
    hour = nodes.hour
    await ask(nodes, SH, hour, first)
    nodes.advance(timedelta(days=400))
    with pytest.raises(Refusal):
        await ask(nodes, SH, nodes.hour, first)
    nodes.advance(-timedelta(days=400))
    await nodes[SH].publish(nodes.next_statement())
    second = nodes[SH].room.ledger.newest.sha256
    with pytest.raises(Refusal):
        await ask(nodes, SH, hour, second, 2)
    for _ in range(HOURS_KEPT_MAX - 1):
        nodes.advance(HOUR)
        await ask(nodes, SH, nodes.hour, second, 2)
    nodes.advance(-HOUR * (HOURS_KEPT_MAX - 1))
    with pytest.raises(Refusal):
        await ask(nodes, SH, hour, second, 2)


async def test_key_that_root_does_not_state(tmp_path: Path) -> None:
    """A node without the key that root states for it signs nothing and says so."""
    nodes = FourTrusts(tmp_path)
    nodes[SH].seeds = [timestamp_seed(SH, 2)]
    with pytest.raises(Refusal) as caught:
        await ask(nodes, SH, nodes.hour, nodes[SH].room.ledger.newest.sha256)
    assert caught.value.reason is Reason.KEY_NOT_IN_FORCE
    with capture_logs() as logs:
        await nodes.rounds()
    assert events(logs, "trust_not_signed")[0]["reason"] == "KEY_NOT_IN_FORCE"
    # The others go on, and it takes theirs.
    assert nodes.hours == [nodes.hour] * 4
