"""Tests of CertificationService over four nodes: the check and its cache."""

import asyncio
import re
from datetime import timedelta
from pathlib import Path

from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy import delete, event

from deltacare.ids import LogName
from deltacare.v1 import entry_pb2 as pb
from deltacare.v1.registry_service_pb2 import ListAgreementsRequest
from server.certification.tables import salts
from tests.support.certifying import NAME, institution_certificate, refused, say, verdict
from tests.support.nodes import until
from tests.support.rooms import (
    Rooms,
    certificate_body,
    institution_body,
)

SH, JS, ZJ, AH = "310000", "320000", "330000", "340000"
JS_LOG = LogName.registry(JS)


async def test_question_that_cannot_be_read(alone: Rooms) -> None:
    """A question is an error only if it cannot be read, and then every field is named."""
    future = Timestamp()
    future.FromDatetime(alone.nodes.clock.now() + timedelta(seconds=1))
    error = await refused(
        alone.check(
            JS,
            "x",
            holder_name="\n",
            on_date="22.11.2026",
            known_time=future,
            purpose="for work",
            host="440000",
        )
    )
    assert {"certificate_no", "holder_name", "on_date", "known_time", "purpose", "host"} == {
        violation.field for violation in error.violations
    }
    error = await refused(alone.check(JS, "320000-C1", known_time=Timestamp(seconds=-1)))
    assert ["known_time"] == [violation.field for violation in error.violations]


async def test_answer_says_what_it_rests_on(four: Rooms) -> None:
    """The verdict names rule, entries, logs, day, moment, age and what it counts as."""
    response = await four.check(SH, "320000-C1")
    assert ("VALID", "R22-RECOGNISED", SH) == (verdict(response), response.rule, response.host)
    assert [(JS, 1), (SH, 1), (SH, 0), (JS, 0)] == [
        (entry.log.split("/")[1], entry.index) for entry in response.entries
    ]
    assert [(str(JS_LOG), 2, 2), (str(LogName.registry(SH)), 2, 2)] == [
        (log.log, log.verified_size, log.quorum_size) for log in response.logs
    ]
    assert ("SH_CAREGIVER", "中级") == (response.mapped_scheme, response.mapped_grade)
    assert "2026-11-22" == response.on_date
    assert four.nodes.clock.now() == response.known_time.ToDatetime(four.nodes.clock.now().tzinfo)
    assert response == await four.check(SH, "320000-C1"), "the remembered answer is the same"


async def test_each_node_answers_for_any_member(four: Rooms) -> None:
    """At home it counts as it is; where nobody recognises it, it does not; elsewhere as there."""
    verdicts = {
        (checker, host): (await four.check(checker, "320000-C1", host=host)).rule[:3]
        for checker in (SH, JS, ZJ)
        for host in (SH, JS, ZJ)
    }
    assert {
        (checker, host): {SH: "R22", JS: "R14", ZJ: "R18"}[host] for checker, host in verdicts
    } == verdicts


async def test_unknown(four: Rooms) -> None:
    """Neither a number nor an issuer that does not exist is an error."""
    assert "R05-NOT-FOUND" == (await four.check(SH, "320000-C404")).rule
    response = await four.check(SH, "440000-C1")
    assert ("UNKNOWN", "R01-ISSUER", []) == (verdict(response), response.rule, list(response.logs))


async def test_holder(four: Rooms) -> None:
    """A partner compares the name with the salt that came beside the log; without it, never."""
    assert "VALID" == verdict(await four.check(SH, "320000-C1", holder_name=NAME))
    assert "VALID" == verdict(await four.check(SH, "320000-C1", holder_name="示 例 甲"))
    response = await four.check(SH, "320000-C1", holder_name="示例乙")
    assert ("HOLDER_MISMATCH", "R06-HOLDER") == (verdict(response), response.rule)
    assert "VALID" == verdict(await four.check(SH, "320000-C1")), "a name is not remembered"
    node = four.nodes[SH]
    await node.database.write(lambda connection: connection.execute(delete(salts)))
    assert "HOLDER_MISMATCH" == verdict(await four.check(SH, "320000-C1", holder_name=NAME))
    await four.register(JS, institution_body("320000-1"))
    await four.issue(JS, institution_certificate())
    await four.spread(JS)
    response = await four.check(JS, "320000-S1", holder_name=NAME)
    assert "HOLDER_MISMATCH" == verdict(response)


async def test_revocation_counts_before_its_quorum_and_issuing_after(four: Rooms) -> None:
    """Cut off from the other witnesses, Shanghai believes a revocation and no certificate."""
    for province in (ZJ, AH):
        four.nodes.network.isolate(province)
    assert "VALID" == verdict(await four.check(SH, "320000-C1"))
    await four.issue(JS, certificate_body("320000-C2"))
    await four.revoke(JS, "320000-C1", "2026-11-22")
    await four.nodes[SH].holds(JS_LOG, 4)
    position = four.nodes[SH].logs.reader.position(JS_LOG)
    assert (4, 2) == (position.size, position.quorum_size)
    assert "REVOKED" == verdict(await four.check(SH, "320000-C1"))
    assert "UNKNOWN" == verdict(await four.check(SH, "320000-C2"))
    assert "VALID" == verdict(await four.check(JS, "320000-C2")), "of its own log a node asks none"
    for province in (ZJ, AH):
        for other in (SH, JS):
            four.nodes.network.heal(province, other)
    await four.nodes[SH].has_quorum(JS_LOG, 4)
    assert "VALID" == verdict(await four.check(SH, "320000-C2"))
    response = await four.check(SH, "320000-C1", on_date="2026-11-21")
    assert "VALID" == verdict(response)


async def test_what_was_known(four: Rooms) -> None:
    """With a past moment the facts of that moment answer, and the answer says their sizes."""
    before = four.nodes.clock.now()
    four.nodes.clock.advance(timedelta(minutes=5))
    await four.revoke(JS, "320000-C1", "2026-11-01")
    await four.spread(JS)
    moment = Timestamp()
    moment.FromDatetime(before)
    response = await four.check(SH, "320000-C1", known_time=moment)
    assert ("VALID", moment) == (verdict(response), response.known_time)
    assert [2, 2] == [log.verified_size for log in response.logs]
    assert "REVOKED" == verdict(await four.check(SH, "320000-C1"))
    moment.FromDatetime(before - timedelta(days=1))
    response = await four.check(SH, "320000-C1", known_time=moment)
    assert "R03-STALE" == response.rule


async def test_stale_is_never_valid(four: Rooms) -> None:
    """Once the issuer is silent for longer than allowed, a remembered answer turns stale."""
    assert "VALID" == verdict(await four.check(SH, "320000-C1"))
    for other in (SH, ZJ, AH):
        four.nodes.network.cut(JS, other)
    four.nodes.clock.advance(timedelta(days=1))
    response = await four.check(SH, "320000-C1", on_date="2026-11-22")
    assert ("VALID", 86_400) == (verdict(response), response.age_s)
    four.nodes.clock.advance(timedelta(microseconds=1))
    response = await four.check(SH, "320000-C1", on_date="2026-11-22")
    assert ("STALE", "R03-STALE", 86_400) == (verdict(response), response.rule, response.age_s)
    response = await four.check(JS, "320000-C1", on_date="2026-11-22")
    assert ("VALID", 0) == (verdict(response), response.age_s)


async def test_recognition_is_suspended_and_resumed(four: Rooms) -> None:
    """A host's word on one certificate changes its own answer and no other's."""
    await say(
        four,
        SH,
        "suspend_recognition",
        suspension=pb.RecognitionSuspension(
            certificate_no="320000-C1", effective_date="2026-11-22", reason="DOUBT"
        ),
    )
    response = await four.check(SH, "320000-C1")
    assert ("R17-RECOGNITION-SUSPENDED", "DOUBT") == (response.rule, response.reason)
    assert "VALID" == verdict(await four.check(JS, "320000-C1"))
    await say(
        four,
        SH,
        "resume_recognition",
        resumption=pb.RecognitionResumption(
            certificate_no="320000-C1", effective_date="2026-11-22", reason="CLEARED"
        ),
    )
    assert "VALID" == verdict(await four.check(SH, "320000-C1"))


async def test_equivalence_and_agreement_end(four: Rooms) -> None:
    """Remembered answers notice the end of an equivalence, and of the agreement under it."""
    assert "R22" == (await four.check(SH, "320000-C1")).rule[:3]
    found = await four.registry[SH].list_agreements(ListAgreementsRequest(), four.call(SH))
    version = found.agreements[0].version_hash
    await four.say(JS, "310000-A1", version, accept=False)
    await four.nodes[SH].holds(JS_LOG, 3)
    assert "R21" == (await four.check(SH, "320000-C1")).rule[:3]
    await four.say(JS, "310000-A1", version)
    await four.spread(JS)
    assert "R22" == (await four.check(SH, "320000-C1")).rule[:3]
    await say(
        four,
        SH,
        "end_equivalence",
        end=pb.EquivalenceEnd(
            equivalence_id="310000-E1", effective_date="2026-11-22", reason="REVIEW"
        ),
    )
    assert "R18" == (await four.check(SH, "320000-C1")).rule[:3]
    assert "R22" == (await four.check(SH, "320000-C1", on_date="2026-11-21")).rule[:3]


async def test_another_replica_writes(alone: Rooms, tmp_path: Path) -> None:
    """What a second process writes into the same database is answered after the next refresh."""
    await alone.issue(JS, certificate_body())
    assert "VALID" == verdict(await alone.check(JS, "320000-C1"))
    async with Rooms.alone(tmp_path, JS) as replica:
        await replica.revoke(JS, "320000-C1", "2026-11-22")

    async def answer() -> str:
        return verdict(await alone.check(JS, "320000-C1"))

    async with asyncio.timeout(20):
        while await answer() != "REVOKED":  # noqa: ASYNC110  # nothing tells us
            await asyncio.sleep(0.01)


async def test_hits_read_no_disk(four: Rooms) -> None:
    """A remembered answer reads nothing; an unrelated entry costs one look at what is new."""
    await four.check(SH, "320000-C1")
    read: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        """Keep which tables of the rooms a statement reads, in the order in which it names them."""
        tables = re.findall(
            r"(?:FROM|JOIN) ((?:certification|registry|supervision)_\w+)", statement
        )
        if tables:
            read.append(" ".join(each.partition("_")[2] for each in tables))

    engine = four.nodes[SH].database._read_engine
    event.listen(engine, "before_cursor_execute", note)
    for _ in range(20):
        assert "VALID" == verdict(await four.check(SH, "320000-C1"))
    assert [] == read
    await four.issue(JS, certificate_body("320000-C2"))
    await four.spread(JS)
    for _ in range(20):
        assert "VALID" == verdict(await four.check(SH, "320000-C1"))
    new = [
        "certificates events recognitions",
        "equivalences",
        "equivalence_ends",
        "measures measures reports measures lifts",
        "closings",
        "certificates certificates",  # the lines of those named
        "agreement_words",
    ]
    assert new == read, "what is new of certificates, equivalences, measures, closings, agreements"
    await four.check(SH, "320000-C2")
    first = ["events", "certificates certificates", "measures", "recognitions"]
    assert first == read[len(new) :], "a certificate's words, its line, measures, hosts' words"
    await four.register(JS, institution_body("320000-1"))
    await four.issue(JS, institution_certificate())
    await four.spread(JS)
    read.clear()
    await four.check(SH, "320000-S1")
    assert [*new, *first[:3], "closings", first[3]] == read, "of an institution, what closed it too"


async def test_checks_beside_writes_agree_with_the_log(four: Rooms) -> None:
    """Checks that run while certificates are revoked never go back from REVOKED."""
    numbers = [f"320000-C{n}" for n in range(10, 30)]
    await four.issue(JS, *(certificate_body(number) for number in numbers))
    await four.spread(JS)
    last: dict[str, str] = {}
    done = asyncio.Event()

    async def watch() -> None:
        while not done.is_set():
            for number in numbers:
                found = verdict(await four.check(SH, number))
                assert (last.get(number), found) != ("REVOKED", "VALID")
                last[number] = found
            await asyncio.sleep(0)

    watcher = asyncio.create_task(watch())
    for number in numbers:
        await four.revoke(JS, number, "2026-11-22")
    await until(lambda: watcher.done() or set(last.values()) == {"REVOKED"}, what="all are revoked")
    done.set()
    await watcher
    assert dict.fromkeys(numbers, "REVOKED") == last
