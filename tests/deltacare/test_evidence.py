"""Tests of the evidence file and of what a node signs of a verdict: one spelling, and limits."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from deltacare.errors import PeerFault, Reason
from deltacare.evidence import (
    RECEIPTS_MAX,
    Evidence,
    EvidenceKind,
    EvidenceReceipt,
    Holder,
    LogRead,
    Place,
    Said,
    VerdictRecord,
)
from deltacare.ids import LogName
from deltacare.tlog.note import SignedNote, verify_note
from deltacare.trust import verdict_key_name
from deltacare.v1.certification_service_pb2 import Verdict
from tests.deltacare.builders import NOW, log_signer

SH, JS = LogName.registry("310000"), LogName.registry("320000")
RECEIPT = EvidenceReceipt(proof="proof — with a dash\n".encode(), entry=b"\x00entry\xff")

RECORD = VerdictRecord(
    answered_by="310000",
    certificate_no="320000-C1",
    host="310000",
    on_date=date(2026, 11, 22),
    known_time=datetime(2026, 11, 22, 8, 0, 0, 250, tzinfo=UTC),
    purpose="WORK",
    holder=Holder.MATCHED,
    compared=("identity_number", "name"),
    verdict="VALID",
    rule="R22-RECOGNISED",
    mapped_scheme="SH_CAREGIVER",
    mapped_grade='中级 "quoted" \u2028',
    reason="",
    age_s=3,
    entries=(Place(log=JS, index=7),),
    said=(Said(place=Place(log=JS, index=7), leaf=bytes(range(32))),),
    logs=(
        LogRead(
            log=JS,
            size=9,
            quorum_size=8,
            fresh_time=NOW,
            is_stalled=False,
            is_forked=False,
            is_own=False,
            is_used=True,
            checkpoint=(8, bytes(32)),
        ),
    ),
    stale_after_s=86_400,
    trust_version=2,
    stated_schemes=("CAREGIVER_LEVEL", "GB_T_37276"),
    unconfirmed_since=datetime(2026, 11, 22, 7, 0, tzinfo=UTC),
)


def verdict_file() -> Evidence:
    """Return a verdict file whose parts need not verify."""
    return Evidence(
        kind=EvidenceKind.VERDICT,
        receipts=(RECEIPT,),
        note=RECORD.to_note(log_signer(verdict_key_name("310000"))),
        checkpoints=(b"checkpoint\n",),
    )


def refused(data: bytes) -> str:
    """Return what is said of a file that is not taken."""
    with pytest.raises(PeerFault) as caught:
        Evidence.from_bytes(data)
    assert Reason.BAD_PROOF is caught.value.reason
    return caught.value.message


def spelled(value: Any) -> bytes:  # JSON of any shape
    """Return a value in the one spelling."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode() + b"\n"


@pytest.mark.parametrize(
    "evidence",
    [
        Evidence(kind=EvidenceKind.RECEIPT, receipts=(RECEIPT,)),
        Evidence(kind=EvidenceKind.STATEMENT, receipts=(RECEIPT, RECEIPT)),
        Evidence(kind=EvidenceKind.VERDICT, receipts=(), note=b"n\n"),
        verdict_file(),
    ],
)
def test_a_file_is_read_as_it_was_written(evidence: Evidence) -> None:
    """Of every kind."""
    assert evidence == Evidence.from_bytes(evidence.to_bytes())


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v.update(more=1),
        lambda v: v.pop("receipts"),
        lambda v: v.update(format="deltacare/evidence/v2"),
        lambda v: v.update(kind="opinion"),
        lambda v: v.update(kind=["receipt"]),
        lambda v: v.update(note="n"),
        lambda v: v.update(receipts=[]),
        lambda v: v.update(receipts={}),
        lambda v: v.update(receipts=v["receipts"] * 2),
        lambda v: v["receipts"][0].update(more=1),
        lambda v: v["receipts"][0].pop("entry"),
        lambda v: v["receipts"][0].update(entry=1),
        lambda v: v["receipts"][0].update(entry="AB="),
        lambda v: v["receipts"][0].update(entry="AB=="),
        lambda v: v["receipts"][0].update(entry="QUI=\n"),
        lambda v: v["receipts"][0].update(entry=base64.b64encode(bytes(65_536)).decode()),
        lambda v: v["receipts"][0].update(proof="x" * 300_000),
        lambda v: v["receipts"][0].update(proof=True),
    ],
)
def test_what_is_not_exactly_such_a_file_is_refused(
    change: Callable[[dict[str, Any]], object],
) -> None:
    """Unknown or missing fields, other types, base64 in another spelling, too much of it."""
    value = json.loads(Evidence(kind=EvidenceKind.RECEIPT, receipts=(RECEIPT,)).to_bytes())
    change(value)
    refused(spelled(value))


def test_a_file_has_one_spelling() -> None:
    """Spaces, order, doubled names, escapes and a missing newline are alterations."""
    data = Evidence(kind=EvidenceKind.RECEIPT, receipts=(RECEIPT,)).to_bytes()
    value = json.loads(data)
    others = [
        data[:-1],
        data + b"\n",
        data.replace(b'"kind":', b'"kind": '),
        data.replace(b'{"format"', b'{"kind":"receipt","format"', 1),
        data.replace("—".encode(), b"\\u2014"),
        json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()[::-1],
        b"\xef\xbb\xbf" + data,
        data.replace(b"proof ", b"\xff\xfe ", 1),
        spelled(value).replace(b"dash", b"\\ud800", 1),
        b"[" * 200_000,
        b"",
        b"null\n",
        b"[]\n",
    ]
    for other in others:
        assert other != data
        refused(other)


def test_lists_have_limits() -> None:
    """More receipts or checkpoints than any verdict or statement needs are not looked at."""
    many = Evidence(kind=EvidenceKind.STATEMENT, receipts=(RECEIPT,) * (RECEIPTS_MAX + 1))
    assert "receipts has more than 2000 items" in refused(many.to_bytes())
    noted = replace(verdict_file(), checkpoints=(b"c\n",) * 17)
    assert "checkpoints has more than 16 items" in refused(noted.to_bytes())


def test_a_verdict_is_signed_as_a_note() -> None:
    """The text begins with the key's name, and reads back as it was stated."""
    signer = log_signer(verdict_key_name("310000"))
    note = SignedNote.from_bytes(RECORD.to_note(signer))
    assert (signer.verifier,) == verify_note(note, [signer.verifier])
    assert ["deltacare/310000/verdicts", "deltacare/verdict/v1"] == note.text.split("\n")[:2]
    assert RECORD == VerdictRecord.from_text(note.text)


@pytest.mark.parametrize(
    "old, new",
    [
        ("deltacare/310000/verdicts\n", "deltacare/310000/registry\n"),
        ("deltacare/310000/verdicts\n", "deltacare/31/verdicts\n"),
        ("deltacare/310000/verdicts\n", "verdicts\n"),
        ("deltacare/verdict/v1", "deltacare/verdict/v2"),
        ('"VALID"', '"INVALID"'),
        ('"VALID"', '"UNSPECIFIED"'),
        ('"MATCHED"', '"MAYBE"'),
        ('"age_s":3', '"age_s":9223372036854775808'),
        ('"age_s":3', '"age_s":null'),
        ('"forked":false', '"forked":0'),
        ('"2026-11-22"', '"2026-11-32"'),
        ('"2026-11-22T08:00:00.000250Z"', '"2026-11-22T16:00:00.000250+08:00"'),
        ('"2026-11-22T08:00:00Z"', '"now"'),
        ('"320000-C1"', '"C1"'),
        ('"host":"310000"', '"host":"31"'),
        ('"leaf":"00', '"leaf":"0'),
        ('"leaf":"00', '"leaf":"0G'),
        ('"purpose":"WORK"', f'"purpose":"{"W" * 300}"'),
        ("deltacare/320000/registry", "deltacare/320000/settlement/310000"),
        ("deltacare/320000/registry", "elsewhere"),
        ('"said":[', '"said":[{},'),
        ("}\n", "}\n\n"),
    ],
)
def test_a_text_that_is_no_verdict_is_refused(old: str, new: str) -> None:
    """Even under a good signature, and always as BAD_PROOF."""
    text = SignedNote.from_bytes(RECORD.to_note(log_signer(verdict_key_name("310000")))).text
    assert old in text
    with pytest.raises(PeerFault) as caught:
        VerdictRecord.from_text(text.replace(old, new))
    assert Reason.BAD_PROOF is caught.value.reason


def test_every_verdict_of_the_contract_is_known() -> None:
    """What a node can answer it can also sign."""
    names = {name.removeprefix("VERDICT_") for name in Verdict.keys()} - {"UNSPECIFIED"}  # noqa: SIM118  # an enum
    signer = log_signer(verdict_key_name("310000"))
    for name in names:
        record = replace(RECORD, verdict=name)
        assert record == VerdictRecord.from_text(SignedNote.from_bytes(record.to_note(signer)).text)
    assert 12 == len(names)


def test_places_stand_once_and_in_order() -> None:
    """What is named twice could be counted twice."""
    said, log = RECORD.said[0], RECORD.logs[0]
    signer = log_signer(verdict_key_name("310000"))
    for record in (replace(RECORD, said=(said, said)), replace(RECORD, logs=(log, log))):
        with pytest.raises(PeerFault):
            VerdictRecord.from_text(SignedNote.from_bytes(record.to_note(signer)).text)
