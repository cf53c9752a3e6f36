"""Tests of verdict files: they say what follows from their entries, or they are refused."""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from clients.logs.tiles import export_tiles
from clients.verify.trusting import Trusting
from deltacare.errors import DeltacareError
from deltacare.evidence import Evidence, Holder, LogRead, Place, VerdictRecord
from deltacare.ids import LogName
from deltacare.keys import LogSigner
from deltacare.tlog.note import SignedNote, sign_note
from deltacare.trust import verdict_key_name
from deltacare.v1 import entry_pb2 as pb
from tests.clients.verify.altering import one_byte_off
from tests.clients.verify.conftest import Ask, refused
from tests.deltacare.builders import log_signer, seed
from tests.support.evidence import AH, JS, NOW, NUMBER, SH, ZJ, Asked, Logs

SAMPLED_POSITIONS = 150
OPERATING, CLOSED = pb.INSTITUTION_STATE_OPERATING, pb.INSTITUTION_STATE_CLOSED

Change = Callable[[VerdictRecord], VerdictRecord]


def revoked() -> Logs:
    """Return logs in which the certificate is revoked from today on."""
    logs = Logs().recognised()
    logs.say(
        JS,
        certificate_revocation=pb.CertificateRevocation(
            certificate_no=NUMBER, effective_date="2026-11-22", reason="FRAUD"
        ),
    )
    return logs


def lies(change: Change, logs: Logs | None = None) -> bytes:
    """Return the verdict file of a node that signs something else than its rules say."""
    return (logs or Logs().recognised()).verdict_evidence(change=change).to_bytes()


@pytest.mark.parametrize(
    "logs, asked, verdict",
    [
        (Logs().recognised(), Asked(), "VALID"),
        (Logs().recognised(), Asked(holder_matches=True), "VALID"),
        (Logs().recognised(), Asked(holder_matches=False), "HOLDER_MISMATCH"),
        (Logs().recognised(), Asked(host=ZJ), "NOT_RECOGNISED_HERE"),
        (Logs().recognised(), Asked(certificate_no="320000-C9"), "UNKNOWN"),
        (Logs().recognised(), Asked(certificate_no="510000-C9"), "UNKNOWN"),
        (Logs().recognised(), Asked(on_date=date(2027, 1, 1)), "EXPIRED"),
        (revoked(), Asked(), "REVOKED"),
    ],
)
def test_a_verdict_verifies(verify: Ask, logs: Logs, asked: Asked, verdict: str) -> None:
    """Each kind of verdict is borne out by its file; the last step says what is mere word."""
    found, steps = verify(logs.verdict_evidence(asked).to_bytes())
    assert verdict == found.summary["verdict"]
    words = ["unsearched", "holder", "compared", "stated_schemes", "unconfirmed_since"]
    assert words == list(steps[-1].facts)
    holder = {None: "NOT_ASKED", True: "MATCHED", False: "NOT_MATCHED"}[asked.holder_matches]
    assert holder == steps[-1].facts["holder"]


def test_the_steps_name_keys_witnesses_and_sizes(verify: Ask) -> None:
    """A reader sees who signed, how far each log was read, who saw that, and what is word only."""
    _, steps = verify(Logs().recognised().verdict_evidence().to_bytes())
    assert [1, 2, 3, 4, 5] == [step.number for step in steps]
    assert f"deltacare/{SH}/verdicts" == steps[0].facts["keys"][0]["name"]
    assert [(f"deltacare/{p}/registry", 2) for p in (SH, JS)] == [
        (each["log"], each["size"]) for each in steps[1].facts["checkpoints"]
    ]
    assert 4 == len(steps[2].facts["entries"])
    assert ("VALID", "中级") == (steps[3].facts["verdict"], steps[3].facts["mapped_grade"])
    assert [f"deltacare/{p}/registry" for p in (SH, JS)] == steps[4].facts["unsearched"]


def test_altered_bytes_of_a_verdict_file_are_refused(verify: Ask) -> None:
    """Sampled positions, every kind of change."""
    data = Logs().recognised().verdict_evidence().to_bytes()
    sample = random.Random(20261122).sample(range(len(data)), SAMPLED_POSITIONS)
    for changed in one_byte_off(data, sample):
        assert refused(verify, changed).startswith(("BAD_", "NO_QUORUM: "))


def test_a_verdict_signed_by_another_province_is_refused(verify: Ask) -> None:
    """Jiangsu's key signs no verdict of Shanghai's, in its own name or in Shanghai's."""
    evidence = Logs().recognised().verdict_evidence()
    text = SignedNote.from_bytes(evidence.note).text
    other = log_signer(verdict_key_name(JS))
    for signer in (other, LogSigner(name=verdict_key_name(SH), seed=other.seed)):
        note = SignedNote(text=text, signatures=(sign_note(text, signer),)).to_bytes()
        forged = replace(evidence, note=note).to_bytes()
        assert refused(verify, forged).startswith("BAD_SIGNATURE: ")


def test_a_logs_key_signs_no_verdict(verify: Ask) -> None:
    """Nor does a text that is no verdict become one: the second line keeps them apart."""
    logs = Logs().recognised()
    evidence = logs.verdict_evidence()
    as_verdict = replace(evidence, note=logs.checkpoint(SH, []))
    assert "NO_QUORUM" not in (said := refused(verify, as_verdict.to_bytes()))
    assert "not a verdict" in said
    text = SignedNote.from_bytes(evidence.note).text.replace("/verdicts", "/registry", 1)
    signer = log_signer(str(LogName.registry(SH)))
    note = SignedNote(text=text, signatures=(sign_note(text, signer),)).to_bytes()
    assert "key for verdicts" in refused(verify, replace(evidence, note=note).to_bytes())


@pytest.mark.parametrize(
    "change",
    [
        lambda r: replace(r, verdict="REVOKED", rule="R07-REVOKED"),
        lambda r: replace(r, rule="R14-HOME"),
        lambda r: replace(r, mapped_grade="高级"),
        lambda r: replace(r, mapped_scheme="SH_OTHER"),
        lambda r: replace(r, reason="FRAUD"),
        lambda r: replace(r, entries=r.entries[:-1]),
        lambda r: replace(r, entries=r.entries[::-1]),
        lambda r: replace(r, on_date=date(2027, 6, 1)),
        lambda r: replace(r, host=ZJ),
        lambda r: replace(r, holder=Holder.NOT_MATCHED),
        lambda r: replace(r, age_s=r.age_s + 1),
        lambda r: replace(r, stale_after_s=1),
        lambda r: replace(r, answered_by=JS),
        lambda r: replace(r, certificate_no="320000-C2"),
        lambda r: replace(r, said=r.said[1:]),
        lambda r: replace(r, logs=r.logs[1:]),
    ],
)
def test_a_verdict_that_its_entries_do_not_give_is_refused(verify: Ask, change: Change) -> None:
    """The node's signature makes nothing true that can be worked out."""
    assert refused(verify, lies(change)).startswith("BAD_PROOF: ")


def test_a_revocation_cannot_be_called_valid(verify: Ask) -> None:
    """A file whose entries hold the revocation cannot say VALID over them."""
    good = Logs().recognised().record(Asked())

    def hide(record: VerdictRecord) -> VerdictRecord:
        return replace(
            record,
            verdict=good.verdict,
            rule=good.rule,
            entries=good.entries,
            mapped_scheme=good.mapped_scheme,
            mapped_grade=good.mapped_grade,
            reason="",
        )

    assert "R07-REVOKED" in refused(verify, lies(hide, revoked()))


def test_more_may_not_be_claimed_than_a_checkpoint_bears_out(verify: Ask) -> None:
    """A quorum beyond the cosigned checkpoint, or a partner's log called one's own."""

    def further(record: VerdictRecord) -> VerdictRecord:
        logs = [replace(each, size=9, quorum_size=9) for each in record.logs]
        return replace(record, logs=tuple(logs))

    def own(record: VerdictRecord) -> VerdictRecord:
        return replace(record, logs=tuple(replace(each, is_own=True) for each in record.logs))

    assert "No checkpoint bears out" in refused(verify, lies(further))
    assert "the node's own" in refused(verify, lies(own))


def test_the_files_parts_are_those_that_were_signed(verify: Ask) -> None:
    """Receipts and checkpoints cannot be left out, doubled, swapped, or of another checkpoint."""
    logs = Logs().recognised()
    good = logs.verdict_evidence()
    logs.say(JS, day_close=pb.DayClose(business_date="2026-11-22"))
    newer = logs.receipt(JS, 0)
    for bad in (
        replace(good, receipts=good.receipts[1:]),
        replace(good, receipts=(*good.receipts, good.receipts[0])),
        replace(good, receipts=good.receipts[::-1]),
        replace(good, receipts=(*good.receipts[:2], newer, good.receipts[3])),
        replace(good, checkpoints=good.checkpoints[1:]),
        replace(good, checkpoints=good.checkpoints[::-1]),
        replace(good, checkpoints=(good.checkpoints[0], logs.checkpoint(JS))),
    ):
        assert refused(verify, bad.to_bytes()).startswith("BAD_PROOF: ")


def test_an_entry_that_no_quorum_saw_is_refused(verify: Ask) -> None:
    """The receipts answer for themselves: one witness too few and the verdict falls."""
    logs = Logs().recognised()
    good = logs.verdict_evidence()
    thin = logs.receipt(JS, 0, logs.checkpoint(JS, [SH]))
    bad = replace(good, receipts=(*good.receipts[:2], thin, good.receipts[3]))
    assert refused(verify, bad.to_bytes()).startswith("NO_QUORUM: ")


def test_a_verdict_of_tomorrow_is_refused(verify: Ask) -> None:
    """What a node says it knew cannot lie ahead."""
    later = NOW + timedelta(hours=1)
    assert "has not come" in refused(verify, lies(lambda r: replace(r, known_time=later)))


def test_a_signed_text_in_another_spelling_is_refused(verify: Ask) -> None:
    """Even the node itself may not spell a verdict in two ways."""
    evidence = Logs().recognised().verdict_evidence()
    name, kind, line, _ = SignedNote.from_bytes(evidence.note).text.split("\n")
    value = json.loads(line)
    spellings = [
        json.dumps(value, ensure_ascii=False, sort_keys=True),
        json.dumps({**value, "more": 1}, ensure_ascii=False, separators=(",", ":"), sort_keys=True),
        line.replace('"age_s":30', '"age_s":30.0'),
        line.replace('"age_s":30', '"age_s":true'),
        line.replace('"age_s":30', '"age_s":-1'),
        line.replace('"age_s":30', '"age_s":30,"age_s":30'),
        line.replace("08:00:00Z", "08:00:00.000000Z", 1),
        line.replace('"VALID"', '"GOOD"'),
        line.replace('"NOT_ASKED"', '"PERHAPS"'),
        line.replace("deltacare/320000/registry", "deltacare/320000/settlement/310000"),
        "[" * 100_000,
    ]
    signer = log_signer(verdict_key_name(SH))
    for spelling in spellings:
        assert spelling != line
        text = f"{name}\n{kind}\n{spelling}\n"
        note = SignedNote(text=text, signatures=(sign_note(text, signer),)).to_bytes()
        bad = replace(evidence, note=note).to_bytes()
        assert refused(verify, bad).startswith("BAD_PROOF: ")


def test_an_unknown_key_of_the_node_is_refused(verify: Ask) -> None:
    """A key that the verifier's policy does not name signs nothing for him."""
    record = Logs().recognised().record(Asked())
    stranger = LogSigner(name=verdict_key_name(SH), seed=seed("another key of Shanghai"))
    bad = replace(Logs().recognised().verdict_evidence(), note=record.to_note(stranger))
    assert refused(verify, bad.to_bytes()).startswith("BAD_SIGNATURE: ")


# Looking for what a verdict does not show.


class _InMemory:
    """Gives a log in memory as an exporter reads it."""

    def __init__(self, logs: Logs, author: str) -> None:
        self._logs = logs
        self._author = author

    def checkpoint(self) -> bytes:
        return self._logs.checkpoint(self._author)

    def entries(self, size: int) -> Iterator[list[bytes]]:
        yield self._logs.entries[self._author][:size]


def exported(logs: Logs, directory: Path, *authors: str) -> Path:
    """Export registry logs as tiles."""
    for author in authors or (SH, JS):
        export_tiles(_InMemory(logs, author), directory / f"deltacare/{author}/registry")
    return directory


def test_the_logs_bear_out_what_the_verdict_does_not_show(tmp_path: Path, verify: Ask) -> None:
    """With the logs at hand nothing of absence rests on the node's word, for later ones too."""
    logs = Logs().recognised()
    evidence = logs.verdict_evidence().to_bytes()
    logs.say(
        JS,
        certificate_revocation=pb.CertificateRevocation(
            certificate_no=NUMBER, effective_date="2026-11-23", reason="LATER"
        ),
    )
    directory = exported(logs, tmp_path / "logs")
    _, steps = verify(evidence, logs=directory)
    assert [(f"deltacare/{p}/registry", 2) for p in (SH, JS)] == [
        (each["log"], each["entries"]) for each in steps[4].facts["searched"]
    ]
    assert [] == steps[5].facts["unsearched"]


@pytest.mark.parametrize(
    "asked",
    [
        Asked(certificate_no="510000-C1"),
        Asked(unconfirmed_since=NOW - timedelta(days=2)),
    ],
)
def test_a_verdict_that_rests_on_no_log_needs_none(
    tmp_path: Path, verify: Ask, asked: Asked
) -> None:
    """Of an issuer that is no member there is no log to look into, wherever it is looked for."""
    evidence = Logs().recognised().verdict_evidence(asked).to_bytes()
    logs = tmp_path / "logs"
    logs.mkdir()
    found, steps = verify(evidence, logs=logs)
    assert "deltacare/" not in str(steps[4].facts)
    assert ([], []) == (steps[4].facts["searched"], steps[5].facts["unsearched"])
    assert found.summary["rule"] in ("R00-TRUST", "R01-ISSUER")


def test_a_verdict_of_before_the_equivalence_verifies(tmp_path: Path, verify: Ask) -> None:
    """The agreement was known and nothing spoke of it: with the logs at hand and without."""
    logs = Logs().recognised()
    logs.later[SH] = 1
    evidence = logs.verdict_evidence().to_bytes()
    for more in ({}, {"logs": exported(logs, tmp_path / "logs")}):
        found, _ = verify(evidence, **more)
        assert "R18-NO-EQUIVALENCE" == found.summary["rule"]


def test_an_exported_log_may_bear_lines_of_keys_unknown_here(tmp_path: Path, verify: Ask) -> None:
    """A node exports its author's own witness line as well, which no policy of that log names."""
    logs = Logs().recognised()
    evidence = logs.verdict_evidence(Asked(host=JS)).to_bytes()
    policies = logs.write_policies(tmp_path / "all")
    own = [policies / "verdicts.txt", policies / f"deltacare/{JS}/registry.txt"]
    directory = exported(logs, tmp_path / "logs", JS)
    note = logs.checkpoint(JS, [SH, ZJ, JS])
    (directory / f"deltacare/{JS}/registry/checkpoint").write_bytes(note)
    _, steps = verify(evidence, Trusting.read(own, now=NOW), logs=directory)
    assert [f"deltacare/{JS}/registry"] == [each["log"] for each in steps[4].facts["searched"]]
    (directory / f"deltacare/{JS}/registry/checkpoint").write_bytes(logs.checkpoint(JS, [SH]))
    by = Trusting.read(own, now=NOW)
    assert refused(verify, evidence, by, logs=directory).startswith("NO_QUORUM: ")


@pytest.mark.parametrize("follows", ["320000-C2", ""])
def test_a_ban_by_another_certificate_is_found(tmp_path: Path, verify: Ask, follows: str) -> None:
    """The logs show what follows what: a ban of a follower's follower is one of the holder."""
    logs = Logs().recognised()
    for number, before in (("320000-C2", NUMBER), ("320000-C3", follows), ("320000-C4", "")):
        logs.say(
            JS,
            certificate=pb.Certificate(
                certificate_no=number,
                subject=pb.CERTIFICATE_SUBJECT_CAREGIVER,
                scheme="CAREGIVER_LEVEL",
                grade="二级",
                valid_from_date="2026-01-01",
                valid_until_date="2026-12-31",
                predecessor_no=before,
            ),
        )
    honest = logs.record(Asked())
    logs.say(
        JS,
        supervision_measure=pb.SupervisionMeasure(
            measure_id=f"{JS}-M1",
            kind=pb.MEASURE_KIND_BAN,
            certificate_no="320000-C3",
            from_date="2026-11-01",
            reason="ABUSE",
        ),
    )

    def hide(record: VerdictRecord) -> VerdictRecord:
        used = {each.log: each.is_used for each in honest.logs}
        return replace(
            honest,
            logs=tuple(
                replace(
                    each,
                    is_used=used[each.log],
                    checkpoint=_head(logs, each.log.author) if used[each.log] else None,
                )
                for each in record.logs
            ),
        )

    data = logs.verdict_evidence(change=hide).to_bytes()
    found, _ = verify(data)
    assert "VALID" == found.summary["verdict"]
    directory = exported(logs, tmp_path / "logs")
    if follows == "320000-C2":
        assert "R12-BARRED" in refused(verify, data, logs=directory)
    else:
        verify(data, logs=directory)


@pytest.mark.parametrize("closed", ["320000-1", "320000-2"])
def test_a_closing_that_was_left_out_is_found(tmp_path: Path, verify: Ask, closed: str) -> None:
    """The logs show that the institution is closed; another's closing changes nothing."""
    logs = Logs().recognised()
    issued = pb.Entry.FromString(logs.entries[JS][0])
    issued.certificate.institution_id = "320000-1"
    logs.entries[JS][0] = issued.SerializeToString(deterministic=True)
    logs.say(JS, institution=pb.Institution(institution_id="320000-1", state=OPERATING))
    honest = logs.record(Asked())
    logs.say(JS, institution=pb.Institution(institution_id=closed, state=CLOSED))

    def hide(record: VerdictRecord) -> VerdictRecord:
        return replace(honest, logs=_as_used(logs, honest, record))

    data = logs.verdict_evidence(change=hide).to_bytes()
    found, _ = verify(data)
    assert "VALID" == found.summary["verdict"]
    directory = exported(logs, tmp_path / "logs")
    if closed == "320000-1":
        assert "R13-CLOSED" in refused(verify, data, logs=directory)
    else:
        verify(data, logs=directory)


def test_a_revocation_that_was_left_out_is_found(tmp_path: Path, verify: Ask) -> None:
    """A node that hides an entry is believed without the logs, and found out with them."""
    logs = revoked()
    good = Logs().recognised().record(Asked())

    def hide(record: VerdictRecord) -> VerdictRecord:
        kept = tuple(
            each for each in record.said if each.place != Place(log=LogName.registry(JS), index=2)
        )
        used = {each.log: each.is_used for each in good.logs}
        named = {each.log: each for each in logs.record(Asked(host=SH)).logs}
        return replace(
            good,
            said=tuple(sorted({*good.said, *kept}, key=lambda each: each.place)),
            logs=tuple(
                replace(
                    named[each.log],
                    is_used=used[each.log],
                    checkpoint=_head(logs, each.log.author) if used[each.log] else None,
                )
                for each in record.logs
            ),
        )

    data = logs.verdict_evidence(change=hide).to_bytes()
    found, _ = verify(data)
    assert "VALID" == found.summary["verdict"]
    directory = exported(logs, tmp_path / "logs")
    assert "R07-REVOKED" in refused(verify, data, logs=directory)


def _as_used(logs: Logs, honest: VerdictRecord, record: VerdictRecord) -> tuple[LogRead, ...]:
    """Return how far logs were read, under the newest checkpoints of those that were used."""
    used = {each.log: each.is_used for each in honest.logs}
    return tuple(
        replace(
            each,
            is_used=used[each.log],
            checkpoint=_head(logs, each.log.author) if used[each.log] else None,
        )
        for each in record.logs
    )


def _head(logs: Logs, author: str) -> tuple[int, bytes]:
    from tests.deltacare.builders import naive_root

    return len(logs.entries[author]), naive_root(logs.entries[author])


def test_another_history_of_a_log_is_refused(tmp_path: Path, verify: Ask) -> None:
    """A log that is as long and differs is a fork, and is called one."""
    logs, other = Logs().recognised(), Logs().recognised()
    logs.say(JS, day_close=pb.DayClose(business_date="2026-11-21"))
    other.say(JS, day_close=pb.DayClose(business_date="2026-11-22"))
    directory = exported(other, tmp_path / "logs", JS)
    data = logs.verdict_evidence().to_bytes()
    assert refused(verify, data, logs=directory).startswith("FORK: ")


def test_a_log_that_is_too_short_is_refused(tmp_path: Path, verify: Ask) -> None:
    """An export from before the verdict says nothing of it."""
    logs = Logs().recognised()
    data = logs.verdict_evidence().to_bytes()
    del logs.entries[JS][-1]
    directory = exported(logs, tmp_path / "logs", JS)
    assert "export it again" in refused(verify, data, logs=directory)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "holds none of the logs" in refused(verify, data, logs=empty)


def test_evidence_is_nobodys_to_reuse(verify: Ask, trusting: Trusting) -> None:
    """A file of one kind does not pass as another."""
    verdict = Logs().recognised().verdict_evidence().to_bytes()
    for kind in ("receipt", "statement"):
        changed = verdict.replace(b'"kind":"verdict"', f'"kind":"{kind}"'.encode())
        assert refused(verify, changed).startswith("BAD_PROOF: ")
    with pytest.raises(DeltacareError):
        Evidence.from_bytes(b"{}\n")
    assert trusting.now == NOW
    assert AH in Logs().entries
