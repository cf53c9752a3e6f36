"""Targets for documents in JSON, and for what arrives over HTTP: membership, evidence, requests.

JSON is edited as JSON, because a reader of documents fails where a value is of another type or
size than it thought, and bytes changed at random hardly ever are still JSON.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from deltacare.evidence.file import Evidence, EvidenceKind, EvidenceReceipt
from deltacare.evidence.verdict import Holder, LogRead, Place, Said, VerdictRecord
from deltacare.ids import LogName
from deltacare.keys import LogSigner, VerifierKey, WitnessSigner
from deltacare.tlog.note import SignedNote
from deltacare.tlog.resource import parse_resource
from deltacare.tlog.submission import Submission
from deltacare.tlog.tile import entries_path, tile_path
from deltacare.trust import Federation, KeyTerm, Member, key_names, verdict_key_name
from deltacare.trust.forms import Root, RootKey, open_file
from deltacare.trust.metadata import Role, sign, signed_sha256
from deltacare.trust.roles import (
    new_root,
    new_snapshot,
    new_targets,
    open_statement,
    timestamp_bytes,
    timestamp_hour,
    verify_root_chain,
    verify_statement,
    verify_timestamp,
)
from fuzz.inputs import Input, attempt, edits, expect
from fuzz.notes import NOTES, RECEIPTS, seed_of

__all__ = [
    "document",
    "evidence",
    "federation",
    "json_seeds",
    "metadata",
    "path",
    "path_seeds",
    "submission",
    "submission_seeds",
    "verdict",
]

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
PROVINCES = ("310000", "320000", "330000", "340000")
CA_PEM = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"

_VALUES: tuple[Callable[[], Any], ...] = (
    lambda: None,
    lambda: True,
    lambda: 0,
    lambda: -1,
    lambda: 1.5,
    lambda: 2**31,
    lambda: 2**53,
    lambda: 10**30,
    lambda: float("inf"),
    lambda: "",
    lambda: "x",
    lambda: "\ud800",
    lambda: "0" * 64,
    lambda: "g" * 700,
    lambda: "2026-11-22T08:00:00Z",
    lambda: "9999-12-31T23:59:59Z",
    lambda: "2026-02-30",
    list,
    dict,
    lambda: [[]],
    lambda: {"": ""},
)


def _places(value: Any) -> list[tuple[Any, Any]]:  # noqa: ANN401 - JSON
    """Return every container with each of its keys."""
    found: list[tuple[Any, Any]] = []
    rows = [value]
    while rows:
        row = rows.pop()
        keys = list(row) if isinstance(row, dict) else range(len(row))
        for key in keys:
            found.append((row, key))
            if isinstance(row[key], dict | list):
                rows.append(row[key])
    return found


def _edited_json(base: bytes, source: Input) -> bytes:
    """Return a JSON document after at most four edits, spelled as the base was."""
    newline = b"\n" if base.endswith(b"\n") else b""
    value = json.loads(base)
    for _ in range(source.below(5)):
        places = _places(value)
        if not places:
            break
        row, key = places[source.below(len(places))]
        kind = source.below(6)
        if kind == 0:
            del row[key]
        elif kind == 1 and isinstance(row, dict):
            row[source.choose(("", "x", "version", "key", "_type"))] = row[key]
        elif kind == 2 and isinstance(row, list):  # noqa: PLR2004 - kinds are numbered
            row.append(row[key])
        elif kind == 3:  # noqa: PLR2004
            other, at = places[source.below(len(places))]
            row[key] = json.loads(json.dumps(other[at])) if at in _keys(other) else None
        elif kind == 4 and isinstance(row[key], str):  # noqa: PLR2004
            row[key] = edits(row[key].encode("utf-8", "replace"), source).decode("utf-8", "replace")
        else:
            row[key] = source.choose(_VALUES)()
    is_plain = bool(newline)
    text = json.dumps(
        value, sort_keys=source.below(16) != 1, separators=(",", ":"), ensure_ascii=not is_plain
    )
    return text.encode("utf-8", "surrogatepass") + newline


def _keys(row: Any) -> list[Any]:  # noqa: ANN401 - JSON
    return list(row) if isinstance(row, dict) else list(range(len(row)))


def _bytes_of(base: bytes, source: Input) -> bytes:
    """Return a document after edits of its JSON or, one time in eight, of its bytes."""
    return edits(base, source) if source.below(8) == 1 else _edited_json(base, source)


def _key(name: str) -> VerifierKey:
    """Return the key of a name, of the type that the name asks for."""
    kind = WitnessSigner if name.endswith("/witness") else LogSigner
    return kind(name=name, seed=seed_of(name)).verifier


def _member(province: str) -> Member:
    names = key_names(province, PROVINCES)
    return Member(
        province=province,
        name_zh=f"省{province}",
        name_en=f"Province {province}",
        endpoint=f"node-{province}.example:7443",
        ca_pem=CA_PEM,
        keys=tuple(
            KeyTerm(key=_key(name), from_time=datetime(2020, 1, 1, tzinfo=UTC)) for name in names
        ),
    )


@lru_cache(maxsize=1)
def federation() -> Federation:
    """Return a federation of four with keys of fixed names."""
    return Federation(
        federation="deltacare fuzz",
        version=1,
        issued_time=NOW,
        opening_date=date(2026, 11, 1),
        members=tuple(_member(province) for province in PROVINCES),
    )


@lru_cache(maxsize=1)
def _documents() -> Mapping[str, bytes]:
    return dict(federation().to_documents())


def document(data: bytes) -> bool:
    """Read the documents of a federation, one of them edited."""
    source = Input(data)
    documents = dict(_documents())
    place = source.choose([p for p in sorted(documents) if p.endswith(".json")])
    documents[place] = _bytes_of(documents[place], source)
    member = attempt(lambda: Member.from_bytes(documents[place]))
    if member is not None:
        expect(member.to_bytes() == documents[place], "a member has one spelling")
    read = attempt(lambda: Federation.from_documents(documents))
    if read is None:
        return False
    expect(dict(read.to_documents()) == documents, "a federation has one spelling")
    return True


@lru_cache(maxsize=1)
def _files() -> Mapping[Role, bytes]:
    """Return metadata of each role, signed by as many as are needed."""
    offices = {p: seed_of(f"{p} root") for p in PROVINCES}
    nodes = {p: seed_of(f"{p} timestamp") for p in PROVINCES}
    rows = [
        RootKey.of(
            p,
            root=LogSigner(name="a", seed=offices[p]).verifier.public_key,
            timestamp=LogSigner(name="a", seed=nodes[p]).verifier.public_key,
        )
        for p in PROVINCES
    ]
    files = {Role.ROOT: new_root(rows, version=1, now=NOW)}
    files[Role.TARGETS] = new_targets(_documents(), version=1, now=NOW)
    files[Role.SNAPSHOT] = new_snapshot(files[Role.TARGETS], root_version=1, now=NOW)
    files[Role.TIMESTAMP] = timestamp_bytes(timestamp_hour(NOW), files[Role.SNAPSHOT])
    for role, data in files.items():
        seeds = nodes if role is Role.TIMESTAMP else offices
        for province in PROVINCES[: 2 if role is Role.TIMESTAMP else 3]:
            data = sign(data, seeds[province])  # noqa: PLW2901 - signed once more
        files[role] = data
    return files


@lru_cache(maxsize=1)
def _root() -> Root:
    return verify_root_chain(_files()[Role.ROOT])


def metadata(data: bytes) -> bool:
    """Read membership metadata, one file edited: what is trusted is what enough members signed."""
    source = Input(data)
    files = dict(_files())
    role = source.choose(list(Role))
    edited = files[role] = _bytes_of(files[role], source)
    attempt(lambda: open_file(edited, source.choose(list(Role))))
    found: object
    if role is Role.ROOT:
        # A root vouches for itself: who pins one has looked at it. One that follows needs more.
        attempt(lambda: verify_root_chain(_files()[role], [edited]))
        return attempt(lambda: verify_root_chain(edited)) is not None
    if role is Role.TIMESTAMP:
        found = attempt(lambda: verify_timestamp(_root(), edited, now=NOW))
    else:
        parts = (_root(), files[Role.TARGETS], files[Role.SNAPSHOT], _documents())
        attempt(lambda: open_statement(*parts))
        found = attempt(lambda: verify_statement(*parts))
    if found is None:
        return False
    expect(signed_sha256(edited) == signed_sha256(_files()[role]), "it is taken as it was signed")
    return True


@lru_cache(maxsize=1)
def _evidences() -> tuple[bytes, ...]:
    receipts = tuple(EvidenceReceipt(proof=raw, entry=entry) for raw, entry in RECEIPTS[:3])
    return tuple(
        each.to_bytes()
        for each in (
            Evidence(kind=EvidenceKind.RECEIPT, receipts=receipts[:1]),
            Evidence(kind=EvidenceKind.STATEMENT, receipts=receipts),
            Evidence(
                kind=EvidenceKind.VERDICT,
                receipts=receipts[1:],
                note=NOTES[0],
                checkpoints=(NOTES[-1],),
            ),
        )
    )


def evidence(data: bytes) -> bool:
    """Read an evidence file: it has one spelling."""
    source = Input(data)
    raw = _bytes_of(source.choose(_evidences()), source)
    read = attempt(lambda: Evidence.from_bytes(raw))
    if read is None:
        return False
    expect(read.to_bytes() == raw, "an evidence file has one spelling")
    return True


@lru_cache(maxsize=1)
def _verdict() -> str:
    """Return the text of a verdict."""
    log = LogName.registry("320000")
    place = Place(log=log, index=7)
    record = VerdictRecord(
        answered_by="310000",
        certificate_no="320000-C1",
        host="310000",
        on_date=date(2026, 11, 22),
        known_time=NOW,
        purpose="WORK",
        holder=Holder.MATCHED,
        compared=("identity_number", "name"),
        verdict="VALID",
        rule="R22-RECOGNISED",
        mapped_scheme="SH_CAREGIVER",
        mapped_grade="中级",
        reason="",
        age_s=3,
        entries=(place,),
        said=(Said(place=place, leaf=bytes(32)),),
        logs=(
            LogRead(
                log=log,
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
    )
    name = verdict_key_name("310000")
    signed = record.to_note(LogSigner(name=name, seed=seed_of(name)))
    return SignedNote.from_bytes(signed).text


def verdict(data: bytes) -> bool:
    """Read what a node signed as its verdict: it has one spelling."""
    source = Input(data)
    *head, line, _ = _verdict().split("\n")
    edited = _bytes_of(line.encode() + b"\n", source).decode("utf-8", "replace")
    text = "\n".join([*head, edited])
    read = attempt(lambda: VerdictRecord.from_text(text))
    if read is None:
        return False
    name = verdict_key_name(read.answered_by)
    again = read.to_note(LogSigner(name=name, seed=seed_of(name)))
    expect(SignedNote.from_bytes(again).text == text, "a verdict has one spelling")
    return True


def submission(data: bytes) -> bool:
    """Read a request to cosign: it has one spelling, and names the log that its note names."""
    source = Input(data)
    base = b"old 1\n" + b"A" * 43 + b"=\n\n" + source.choose(NOTES)
    raw = edits(base, source, others=NOTES) if source.below(2) else source.rest()
    read = attempt(lambda: Submission.from_bytes(raw))
    if read is None:
        return False
    expect(read.to_bytes() == raw, "a request has one spelling")
    note = SignedNote.from_bytes(read.note)
    expect(note.text.startswith(read.origin + "\n"), "a request is for the log its note names")
    return True


def submission_seeds() -> Iterator[bytes]:
    """Yield requests with each note, to edit and as they are."""
    for i, raw in enumerate(NOTES):
        yield bytes((i, 1))
        yield bytes((i, 0)) + b"old 0\n\n" + raw


def path(data: bytes) -> bool:
    """Read the path of a tile: one spelling, which says level, index and width."""
    text = data.decode("utf-8", "replace")
    found = attempt(lambda: parse_resource(text))
    if found is None:
        return False
    spelled = (
        entries_path(found.index, found.width)
        if found.level is None
        else tile_path(found.level, found.index, found.width)
    )
    expect(spelled == text, "a tile has one path")
    return True


def path_seeds() -> Iterator[bytes]:
    """Yield paths of tiles and of bundles."""
    for index in (0, 999, 1_000, 1_234_067, 2**40):
        for width in (1, 255, 256):
            yield entries_path(index, width).encode()
            yield tile_path(index % 7, index, width).encode()


def json_seeds() -> Iterator[bytes]:
    """Yield inputs that leave each document as it is, and that make one edit somewhere."""
    for which in range(6):
        yield bytes((which,))
        for at in range(0, 40, 3):
            yield bytes((which, 0, 1, 0, at)) + bytes((5, at % 21))
            yield bytes((which, 0, 1, at, at % 6, at % 21, 7))
