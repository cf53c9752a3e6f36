"""``deltacare explain`` and ``deltacare audit list`` against a real edge over a real audit log."""

import asyncio
import json
import shlex
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from deltacare.errors import DeltacareError
from deltacare.purposes import PURPOSE_FIELD, Purpose
from deltacare.times import format_time
from deltacare.v1.federation_service_pb2 import (
    ExplainAccessRequest,
    ExplainAccessResponse,
    ListMembersRequest,
    ListMembersResponse,
    WhoAmIRequest,
    WhoAmIResponse,
)
from deltacare.v1.settlement_service_pb2 import (
    ListDayClosesRequest,
    ListDayClosesResponse,
    ListRecordsRequest,
    ListRecordsResponse,
    ResolveEnrolmentRequest,
    ResolveEnrolmentResponse,
)
from server.audit.recorder import AuditRecorder
from server.edge.access_rules import Role
from server.edge.call import Call
from server.edge.explain import explain
from server.edge.rights import Rights
from server.federation import service
from tests.server.audit.support import AUDIT, OWN, PARTNER, SPAN, denial, projectors, recorder
from tests.settlement.nights import row
from tests.settlement.test_records import csv_text
from tests.support.nodes import FourNodes, Node
from tests.support.tls import Edge, Federation, Scripted, ScriptedFederation, running_edge

pytestmark = pytest.mark.long

FEDERATION = "deltacare.v1.FederationService"
SETTLEMENT = "deltacare.v1.SettlementService"
LOG = "deltacare.v1.LogService"


async def run(*arguments: str) -> tuple[int, str]:
    """Return exit code and everything a command said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "clients.cli", *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    answer, complaint = await process.communicate()
    assert b"Traceback" not in complaint
    assert process.returncode is not None
    return process.returncode, (answer + complaint).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Somebody at a terminal, and the node behind it."""

    edge: Edge
    profile: Path
    audit: AuditRecorder
    node: Node

    async def run(self, role: str, *arguments: str) -> tuple[int, str]:
        """Return exit code and everything a command said."""
        pair = self.edge.federation.client(role)
        (self.profile / f"{role}.crt").write_bytes(pair.certificate_pem)
        (self.profile / f"{role}.key").write_bytes(pair.key_pem)
        return await run(*arguments, "--as", f"{self.profile}/{role}")

    async def json(self, role: str, *arguments: str) -> tuple[int, Any]:
        """Return exit code and JSON answer of a command."""
        code, text = await self.run(role, *arguments, "--json", "--lang", "en")
        return code, json.JSONDecoder().raw_decode(text)[0]


@asynccontextmanager
async def desk(directory: Path) -> AsyncIterator[Desk]:
    """Serve a node's log room and audit behind a real edge."""

    async def who(_request: WhoAmIRequest, call: Call) -> WhoAmIResponse:
        return WhoAmIResponse(province=call.caller.province)

    async def explaining(request: ExplainAccessRequest, call: Call) -> ExplainAccessResponse:
        return explain(Rights(OWN), request, caller=call.caller, node=OWN)

    async def resolve(_request: ResolveEnrolmentRequest, call: Call) -> ResolveEnrolmentResponse:
        call.disclose(SPAN, 7, 2)
        return ResolveEnrolmentResponse()

    async def day_closes(_request: ListDayClosesRequest, _call: Call) -> ListDayClosesResponse:
        return ListDayClosesResponse()

    async def records(_request: ListRecordsRequest, _call: Call) -> ListRecordsResponse:
        return ListRecordsResponse()

    async def members(_request: ListMembersRequest, _call: Call) -> ListMembersResponse:
        listed = [service._member(nodes.trust, province) for province in nodes.trust.provinces]
        return ListMembersResponse(members=listed, province=OWN, registry_quorum=2)

    nodes = FourNodes(directory, projectors=projectors)
    node = nodes[OWN]
    await node.start(write_unconfirmed=True)
    federation = Federation.make()
    profile = directory / "clients"
    profile.mkdir()
    (profile / "ca.crt").write_bytes(federation.cas[OWN].certificate_pem)
    log = node.logs.service
    services = {
        FEDERATION: ScriptedFederation(
            who_am_i=who, explain_access=explaining, list_members=members
        ),
        SETTLEMENT: Scripted(
            resolve_enrolment=resolve, list_day_closes=day_closes, list_records=records
        ),
        LOG: Scripted(
            get_checkpoint=log.get_checkpoint,
            list_logs=log.list_logs,
            read_entries=log.read_entries,
        ),
    }
    audit = recorder(node, nodes.clock)
    try:
        async with running_edge(services, federation=federation, audit=audit) as edge:
            text = json.dumps({"endpoint": edge.endpoint, "province": OWN})
            (profile / "node.json").write_text(text, encoding="utf-8")
            yield Desk(edge=edge, profile=profile, audit=audit, node=node)
    finally:
        await node.stop()


async def test_explain(tmp_path: Path) -> None:
    """Exit 0 allowed, 1 denied, 2 unknown; rule, class, purpose and what would be needed."""
    async with desk(tmp_path) as at:
        code, found = await at.json("clerk", "explain", "ListRecords")
        assert (0, True, "E20") == (code, found["allowed"], found["rule"]["rule"])
        code, found = await at.json("clerk", "explain", "FileRecords")
        assert (1, False, "E00") == (code, found["allowed"], found["rule"]["rule"])
        assert ["E18"] == [rule["rule"] for rule in found["others"]]
        code, found = await at.json(
            "clerk", "explain", "ListNightLeaves", "--role", "peer", "--of", "320000"
        )
        assert (0, "E30") == (code, found["rule"]["rule"])
        placing = ("explain", "ResolveEnrolment", "--purpose", "CARE_PLACEMENT")
        assert 0 == (await at.json("operator", *placing))[0]
        assert 1 == (await at.json("clerk", *placing))[0]
        code, found = await at.json("clerk", "explain", "FileRecord")
        assert (2, "INVALID_FIELD") == (code, found["error"]["reason"])
        assert "FileRecords" in found["error"]["faults"][0]["remedy"]
        assert 2 == (await at.run("clerk", "explain"))[0]
        assert 2 == (await at.run("clerk", "explain", "Ping", "--list"))[0]


async def test_explain_in_words(tmp_path: Path) -> None:
    """Both languages say the rule; a denial shows who may."""
    async with desk(tmp_path) as at:
        code, text = await at.run("clerk", "explain", "FileRecords", "--lang", "zh")
        assert 1 == code
        for part in ("拒绝", "E00", "规则表未列明的，一律拒绝。", "E18", "system", "FileRecords"):
            assert part in text
        code, text = await at.run("operator", "explain", "CheckCertification", "--lang", "en")
        assert 0 == code
        for part in ("allowed", "rule E14", "CERTIFICATION (certificates and recognition)"):
            assert part in text
        code, text = await at.run("administrator", "explain", "--list", "--lang", "en")
        assert 0 == code
        assert [f"E{n:02d}" for n in (1, 3, 4, 31, 32)] == [
            word for word in text.split() if word[:1] == "E" and word[1:].isdigit()
        ]


async def test_audit_list(tmp_path: Path) -> None:
    """What an auditor lists is what happened at the edge; nobody else lists it."""
    async with desk(tmp_path) as at:
        operator = at.edge.client("operator").settlement
        await operator.ResolveEnrolment(
            ResolveEnrolmentRequest(), metadata=((PURPOSE_FIELD, Purpose.CARE_PLACEMENT),)
        )
        for _ in range(3):
            with pytest.raises(DeltacareError):
                await operator.ListRecords(ListRecordsRequest())
        await at.audit.flush()
        code, found = await at.json("auditor", "audit", "list")
        assert (0, str(AUDIT), 2) == (code, found["log"], found["size"])
        disclosure, denial = found["entries"]
        assert ("disclosure", "operator", "CARE_PLACEMENT", "E22") == (
            disclosure["kind"],
            disclosure["role"],
            disclosure["purpose"],
            disclosure["rule"],
        )
        assert [{"log": str(SPAN), "first_index": 7, "entry_count": 2}] == disclosure["spans"]
        assert ("access_denied", 3, "ROLE_NOT_ALLOWED") == (
            denial["kind"],
            denial["count"],
            denial["reason"],
        )
        for option, kinds in (
            ("--denials", ["access_denied"]),
            ("--disclosures", ["disclosure"]),
            ("--limit=1", ["access_denied"]),
            ("--since=2020-01-01", ["disclosure", "access_denied"]),
            ("--since=2999-01-01T00:00:00Z", []),
        ):
            _, found = await at.json("auditor", "audit", "list", option)
            assert kinds == [entry["kind"] for entry in found["entries"]]
        code, text = await at.run("auditor", "audit", "list", "--lang", "zh")
        assert 0 == code
        for part in ("披露", "拒绝", "×3", f"{SPAN}#7+2", "ResolveEnrolment"):
            assert part in text
        for role in ("system", "clerk", "administrator"):
            code, found = await at.json(role, "audit", "list")
            assert 1 == code
            assert found["error"]["reason"] in {"ROLE_NOT_ALLOWED", "LOG_NOT_ENTITLED"}
        for wrong in ("--since=yesterday", "--limit=0"):
            assert 2 == (await at.run("auditor", "audit", "list", wrong))[0]


async def test_denials_bear_the_times_at_which_they_happened(tmp_path: Path) -> None:
    """Not that of the entry, which is written later; and it is said that they come late."""
    async with desk(tmp_path) as at:
        first = at.node._clock.now().replace(microsecond=0)
        last = first + timedelta(seconds=20)
        at.audit.deny(denial("id-1"), first)
        at.audit.deny(denial("id-1"), last)
        at.audit.deny(denial("id-2"), first)
        at.node._clock.advance(timedelta(seconds=50))
        await at.audit.flush()
        written = format_time(at.node._clock.now())
        code, text = await at.run("auditor", "audit", "list", "--lang", "en")
        assert 0 == code
        flat = "".join(text.split())
        assert f"{format_time(first)}-{format_time(last)}" in flat
        assert written[:19] not in flat
        assert "Denials appear within a minute." in text
        code, text = await at.run("auditor", "audit", "list", "--disclosures", "--lang", "en")
        assert (0, False) == (code, "within a minute" in text)
        since = f"--since={format_time(first + timedelta(seconds=10))}"
        _, found = await at.json("auditor", "audit", "list", since)
        assert [2] == [entry["count"] for entry in found["entries"]]


async def test_an_unknown_role_is_told_all_roles(tmp_path: Path) -> None:
    """Not only those spelled alike: whoever asks does not know them."""
    async with desk(tmp_path) as at:
        code, text = await at.run("clerk", "explain", "Ping", "--role", "clark", "--lang", "en")
        assert 2 == code
        assert f"Use one of {', '.join(Role)}." in text
        code, text = await at.run("clerk", "explain", "FileRecord", "--lang", "zh")
        assert 2 == code
        assert "没有这一方法。" in text
        assert "是否指 " in text


async def test_a_clerk_who_files_is_denied_the_filing(tmp_path: Path) -> None:
    """Not what the import asks first; it says the rule, and how to have it explained."""
    async with desk(tmp_path) as at:
        file = tmp_path / "settlements.csv"
        one = row(
            home=OWN,
            host=PARTNER,
            institution=f"{PARTNER}-1",
            beneficiary_ref="0" * 32,
            caregiver_cert_no="",
        )
        file.write_text(csv_text(one), encoding="utf-8")
        filing = ("settle", "import", str(file), "--maker", "m-1", "--reviewer", "r-1")
        code, text = await at.run("clerk", *filing, "--lang", "en")
        assert 1 == code
        assert "The role clerk may not call /deltacare.v1.SettlementService/FileRecords." in text
        assert "Rule E00: What no rule names is denied." in text
        assert "deltacare explain FileRecords --role clerk" in text
        assert "ListLogs" not in text
        code, text = await at.run("clerk", *filing, "--lang", "zh")
        assert 1 == code
        assert "谁可以：deltacare explain FileRecords --role clerk" in text


async def test_the_hint_after_a_denial_works_as_printed(tmp_path: Path) -> None:
    """Also where the directory has a space in its name: whoever copies the line is answered."""
    place = tmp_path / "a place"
    place.mkdir()
    async with desk(place) as at:
        code, text = await at.run(
            "clerk", "audit", "list", f"--node={at.edge.endpoint}", "--lang", "en"
        )
        assert 1 == code
        (hint,) = [line for line in text.splitlines() if "Who may: " in line]
        program, *words = shlex.split(hint.partition("Who may: ")[2])
        assert ("deltacare", "explain") == (program, words[0])
        assert ["--node", at.edge.endpoint, "--as", f"{at.profile}/clerk"] == words[-4:]
        code, text = await run(*words, "--lang", "en")
        assert (1, True) == (code, "denied  /deltacare.v1.LogService/GetCheckpoint" in text), text


async def test_whoever_may_not_list_is_told_who_may(tmp_path: Path) -> None:
    """With the directory that was given: an auditor's certificate lies beside the others."""
    async with desk(tmp_path) as at:
        for language, words in (
            ("zh", "请以稽核身份连接：--as "),
            ("en", "Connect as an auditor: --as "),
        ):
            code, text = await at.run("system", "audit", "list", "--lang", language)
            assert 1 == code
            assert "LOG_NOT_ENTITLED" in text
            assert f"{words}{at.profile}/auditor" in text
            code, text = await at.run("clerk", "audit", "list", "--lang", language)
            assert (1, True) == (code, f"{words}{at.profile}/auditor" in text), text
            code, text = await at.run("system", "log", "show", str(AUDIT), "--lang", language)
            assert (1, True) == (code, f"{words}{at.profile}/auditor" in text), text


async def test_the_audit_log_is_verified_and_exported(tmp_path: Path) -> None:
    """As any log, by its own policy, in which nobody else has to have seen it."""
    async with desk(tmp_path) as at:
        for number in range(3):
            at.audit.deny(denial(f"id-{number}"), at.node._clock.now())
        await at.audit.flush()
        await at.node.logs._author.freshen()
        directory = tmp_path / "audit"
        code, found = await at.json("auditor", "log", "export", str(AUDIT), str(directory))
        assert (0, 3) == (code, found["size"])
        policy = str(directory / "policy.txt")
        code, found_policy = await at.json("auditor", "log", "policy", str(AUDIT))
        assert "quorum none" in found_policy["policy"]
        for source in (str(AUDIT), str(directory)):
            code, verified = await at.json("auditor", "log", "verify", source, "--policy", policy)
            assert (0, 3, found["root"]) == (code, verified["size"], verified["root"])
        code, refused = await at.json("system", "log", "verify", str(AUDIT), "--policy", policy)
        assert (1, "LOG_NOT_ENTITLED") == (code, refused["error"]["reason"])
