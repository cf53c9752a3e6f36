"""A province's system in JavaScript: @grpc/grpc-js and the ``.proto`` files, nothing of ours."""

import asyncio
import json
import os
import subprocess
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import google.api
import pytest

from clients.demo.processes import Nodes
from clients.demo.run import Options, Outcome, run_demo
from deltacare.times import business_date
from server.config import CONFIG_FILE, read_config
from server.setup import add_client, client_pkcs8

ROOT = Path(__file__).resolve().parents[2]
CLIENT = Path(__file__).parent / "grpc" / "client.js"
COMMON = Path(next(iter(google.api.__path__))).parents[1]
RECORDS = 400
TIMEOUT_S = 60

pytestmark = pytest.mark.interop


class _Quiet:
    """Shows nothing."""

    def stage(
        self, _zh: str, _en: str, *, total: int | None = None
    ) -> AbstractContextManager[Callable[[int], None]]:
        del total
        return nullcontext(lambda _count: None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What the client printed, and what it was asked."""

    answer: dict[str, Any]
    report: dict[str, Any]
    batches: list[dict[str, Any]]


def _record(serial: int, amount_fen: int) -> dict[str, Any]:
    return {
        "settlement_no": f"js-{serial}",
        "home": "320000",
        "host": "310000",
        "beneficiary_ref": f"{serial:032x}",
        "institution": "310000-1",
        "subsidy_kind": "CARE_BED",
        "service_month": "2026-10",
        "service_days": 10,
        "amount_fen": amount_fen,
    }


def _batch(*records: dict[str, Any]) -> dict[str, Any]:
    return {
        "request_id": str(uuid.uuid4()),
        "duty": {"maker": "js-maker", "reviewer": "js-reviewer"},
        "partner": "320000",
        "records": list(records),
    }


def _run(nodes: Nodes, outcome: Outcome, batches: list[dict[str, Any]]) -> dict[str, Any]:
    """Run the client against Shanghai's node, as its system."""
    directory = nodes.node_directory("310000")
    clients = directory / "clients"
    passphrase = read_config(directory / CONFIG_FILE).passphrase_file
    assert passphrase is not None
    add_client(
        directory,
        role="system",
        name="js",
        opaque_id="js-system",
        now=datetime.now(UTC),
        environ={},
        entropy=os.urandom,
    )
    valid = next(v for v in outcome.report["verdicts"] if v["verdict"] == "VALID")
    task = {
        "proto": str(ROOT / "proto"),
        "common": str(COMMON),
        "ca": str(clients / "ca.crt"),
        "certificate": str(clients / "js.crt"),
        "key": client_pkcs8(directory, name="js", environ={}).decode(),
        "passphrase": passphrase.read_text(encoding="utf-8").strip(),
        "endpoint": nodes.profile("310000").endpoint,
        "check": {"certificate_no": valid["certificate"]},
        "batches": batches,
        "statement": f"statements/{outcome.report['statement']['id']}",
    }
    done = subprocess.run(
        ["node", str(CLIENT)],
        input=json.dumps(task),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> _Seen:
    """Run a small demonstration and, before its nodes stop, the client."""
    good, bad = _batch(_record(1, 45_000), _record(2, 9_000)), _batch(_record(3, 1), _record(4, -5))
    batches = [good, bad, good]
    answers: list[dict[str, Any]] = []

    async def visit(nodes: Nodes, outcome: Outcome) -> None:
        answers.append(await asyncio.to_thread(_run, nodes, outcome, batches))

    options = Options(
        work=tmp_path_factory.mktemp("work"),
        today=business_date(datetime.now(UTC)),
        register=None,
        records=RECORDS,
        seed=7,
        out=None,
        stop_node=None,
    )
    outcome = asyncio.run(run_demo(options, _Quiet(), visit=visit))
    return _Seen(answer=answers[0], report=dict(outcome.report), batches=batches)


def test_checks_a_certificate(seen: _Seen) -> None:
    """The verdict comes with its rule and the logs that it rests on."""
    check = seen.answer["check"]
    assert "VERDICT_VALID" == check["verdict"]
    assert check["rule"]
    assert check["logs"]


def test_files_batches(seen: _Seen) -> None:
    """A good batch is durable, a bad one is refused whole by field, a repetition answered alike."""
    good, bad, again = seen.answer["filed"]
    assert 2 == good["appended"]["entry_count"]
    assert "deltacare/310000/settlement/320000" == good["appended"]["log"]
    assert ["records[1].amount_fen"] == [fault["field"] for fault in bad["faults"]]
    assert bad["appended"] is None
    assert good == again


def test_reads_the_statement(seen: _Seen) -> None:
    """The statement is binding, nets to zero, and is the one that the demonstration reported."""
    statement = seen.answer["statement"]
    assert "STATEMENT_STATE_BINDING" == statement["state"]
    net = {p["province"]: int(p["net_fen"]) for p in statement["statement"]["positions"]}
    assert seen.report["net"] == net
    assert 0 == sum(net.values())


def test_is_refused_with_every_fault(seen: _Seen) -> None:
    """A malformed request is INVALID_ARGUMENT (3)."""
    assert 3 == seen.answer["refused"]["code"]
