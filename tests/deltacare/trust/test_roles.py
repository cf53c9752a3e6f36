"""Tests of the federation's TUF metadata: what counts, and every way in which it does not."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tuf.api.exceptions import UnsignedMetadataError
from tuf.api.metadata import Metadata

from deltacare.errors import DeltacareError, PeerFault, Reason
from deltacare.keys import LogSigner
from deltacare.trust import timestamp_key_name
from deltacare.trust.metadata import BYTES_MAX, kept
from deltacare.trust.roles import (
    HOUR_S,
    Fault,
    Role,
    RootKey,
    check_not_older,
    key_id,
    merge,
    new_root,
    new_snapshot,
    new_targets,
    open_timestamp,
    root_key_name,
    sign,
    signature_of,
    signed_sha256,
    signers,
    signing_key_ids,
    statement_threshold,
    timestamp_bytes,
    timestamp_hour,
    timestamp_threshold,
    verify_root_chain,
    verify_statement,
    verify_timestamp,
    with_signature,
)
from tests.support.federation import PROVINCES, make_trust
from tests.support.metadata import (
    altered,
    make_root,
    make_signed,
    next_federation,
    node_seed,
    office_seed,
    root_key,
    sign_all,
    stamp,
)
from tests.support.ports import START_TIME

Call = Callable[[], Any]


def fault_of(call: Call) -> str:
    """Return which fault of metadata a call finds."""
    with pytest.raises(PeerFault) as caught:
        call()
    assert caught.value.reason is Reason.BAD_METADATA
    return caught.value.details["fault"]


def test_thresholds() -> None:
    """More than two thirds sign statements, more than a third timestamps, never one alone."""
    assert [2, 3, 3, 4, 5, 5] == [statement_threshold(count) for count in range(2, 8)]
    assert [2, 2, 2, 2, 2, 3] == [timestamp_threshold(count) for count in range(2, 8)]


def test_statement_of_three() -> None:
    """What three of four offices signed is the federation."""
    signed = make_signed()
    root = verify_root_chain(signed.roots[0])
    found = verify_statement(root, signed.targets, signed.snapshot, signed.documents)
    assert make_trust() == found
    assert PROVINCES == root.provinces
    assert (3, 2) == (root.statement_threshold, root.timestamp_threshold)
    assert PROVINCES[:3] == signers(root, Role.TARGETS, signed.targets)


def test_tuf_agrees() -> None:
    """The library verifies what we verify, and refuses one signature less."""
    signed = make_signed()
    root: Metadata[Any] = Metadata.from_bytes(signed.roots[0])
    root.verify_delegate("root", root)
    root.verify_delegate("targets", Metadata.from_bytes(signed.targets))
    root.verify_delegate("snapshot", Metadata.from_bytes(signed.snapshot))
    root.verify_delegate("timestamp", Metadata.from_bytes(stamp(signed.snapshot, START_TIME)))
    two = make_signed(signing=PROVINCES[:2])
    with pytest.raises(UnsignedMetadataError):
        root.verify_delegate("targets", Metadata.from_bytes(two.targets))


@pytest.mark.parametrize("name", ["targets", "snapshot"])
def test_two_do_not_make_a_statement(name: str) -> None:
    """Each file needs three; the other one's signatures do not help."""
    signed, two = make_signed(), make_signed(signing=PROVINCES[:2])
    files = {"targets": signed.targets, "snapshot": signed.snapshot, name: getattr(two, name)}
    root = verify_root_chain(signed.roots[0])
    assert "TOO_FEW_SIGNATURES" == fault_of(
        lambda: verify_statement(root, files["targets"], files["snapshot"], signed.documents)
    )


def test_a_stranger_does_not_count() -> None:
    """Signatures by keys that are not in root add nothing, nor does a timestamp key."""
    two = make_signed(signing=PROVINCES[:2])
    targets = sign(sign(two.targets, bytes(range(32))), node_seed("330000"))
    root = verify_root_chain(two.roots[0])
    assert PROVINCES[:2] == signers(root, Role.TARGETS, targets)
    assert "TOO_FEW_SIGNATURES" == fault_of(
        lambda: verify_statement(root, targets, sign_all(two.snapshot), two.documents)
    )


def test_altered_signature_does_not_count() -> None:
    """A signature that does not verify is none."""
    signed = make_signed()
    value = json.loads(signed.targets)
    sig = value["signatures"][0]["sig"]
    value["signatures"][0]["sig"] = ("0" if sig[0] != "0" else "1") + sig[1:]
    targets = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    root = verify_root_chain(signed.roots[0])
    assert 2 == len(signers(root, Role.TARGETS, targets))


def test_signing_twice_is_once() -> None:
    """A second signature of one key changes no byte, and copies merge in either order."""
    data = make_signed(signing=()).targets
    once = sign(data, office_seed("310000"))
    assert once == sign(once, office_seed("310000"))
    other = sign(data, office_seed("320000"))
    assert merge(once, other) == merge(other, once) == sign(once, office_seed("320000"))
    assert 2 == len(signing_key_ids(merge(once, other)))


def test_merging_changes_neither_copy() -> None:
    """What is remembered of a file is what it says, also after it was merged."""
    targets = make_signed(signing=()).targets
    copies = [sign(targets, office_seed(province)) for province in PROVINCES[:2]]
    merge(*copies)
    assert [1, 1] == [len(signing_key_ids(copy)) for copy in copies]


def test_only_small_files_are_remembered() -> None:
    """A file is judged once, a large one and a refused one as often as it comes."""
    judged: list[int] = []

    @kept
    def judge(data: bytes, most: int) -> int:
        judged.append(len(data))
        if len(data) > most:
            raise ValueError
        return len(data)

    small, large = b"x" * 32_768, b"x" * 32_769
    for data in (small, large):
        assert [len(data)] * 2 == [judge(data, 99_999) for _ in range(2)]
    assert [32_768, 32_769, 32_769] == judged
    for _ in range(2):
        with pytest.raises(ValueError, match=r"^$"):
            judge(small, 1)
    assert [32_768, 32_768] == judged[3:]


def test_copies_that_differ_do_not_merge() -> None:
    """Signatures over another content never come together."""
    first = make_signed(make_trust(registry_quorum=2))
    second = make_signed(make_trust(registry_quorum=1))
    assert "OTHER_CONTENT" == fault_of(lambda: merge(first.targets, second.targets))
    assert "WRONG_ROLE" == fault_of(lambda: merge(first.targets, first.snapshot))


def test_signature_of_another_node() -> None:
    """A signature that came over the wire is taken only if it verifies."""
    data = timestamp_bytes(timestamp_hour(START_TIME), make_signed().snapshot)
    key = root_key("320000").timestamp
    taken = with_signature(data, key=key, signature=signature_of(data, node_seed("320000")))
    assert sign(data, node_seed("320000")) == taken
    with pytest.raises(PeerFault) as caught:
        with_signature(data, key=key, signature=signature_of(data, node_seed("330000")))
    assert caught.value.reason is Reason.BAD_SIGNATURE


# Roots. -----------------------------------------------------------------------------------------


def second_root(by_old: tuple[str, ...], by_new: tuple[str, ...] = ()) -> bytes:
    """Return a root in which 340000 has another key."""
    data = make_root(version=2, replaced=["340000"], signing=by_old)
    return sign_all(data, by_new, generation=2)


def test_a_lost_root_key_is_replaced_by_the_other_three() -> None:
    """Three old keys, which stand in the new root too, suffice for both."""
    root = verify_root_chain(make_root(), [second_root(PROVINCES[:3])])
    assert 2 == root.version
    row = root.key("340000")
    assert row is not None
    assert root_key("340000", 2).root == row.root


@pytest.mark.parametrize(
    "by_old, by_new",
    [
        (PROVINCES[:2], ("340000",)),  # three new keys, two old
        (("310000", "320000", "340000"), ()),  # three old keys, two of them new
        ((), ("340000",)),
    ],
)
def test_root_needs_both(by_old: tuple[str, ...], by_new: tuple[str, ...]) -> None:
    """A new root is signed by enough of the old keys and by enough of its own."""
    data = second_root(by_old, by_new)
    assert "TOO_FEW_SIGNATURES" == fault_of(lambda: verify_root_chain(make_root(), [data]))


def test_roots_follow_each_other() -> None:
    """Neither a gap nor a step back is taken."""
    three = make_root(version=3)
    assert "WRONG_LINK" == fault_of(lambda: verify_root_chain(make_root(), [three]))
    two = make_root(version=2)
    assert 3 == verify_root_chain(make_root(), [two, three]).version
    again = [two, three, make_root(version=1)]
    assert "ROLLED_BACK" == fault_of(lambda: verify_root_chain(make_root(), again))


def test_a_pinned_root_signs_itself() -> None:
    """What is pinned must be signed by its own keys, too."""
    unsigned = make_root(signing=PROVINCES[:2])
    assert "TOO_FEW_SIGNATURES" == fault_of(lambda: verify_root_chain(unsigned))


def test_keys_of_root_differ() -> None:
    """No key stands twice, under whatever role or province."""
    rows = [root_key(province) for province in PROVINCES]
    twice = [*rows[:3], replace(rows[3], root=rows[0].root)]
    assert "NOT_CANONICAL" == fault_of(lambda: new_root(twice, version=1, now=START_TIME))
    both = [*rows[:3], replace(rows[3], timestamp=rows[3].root)]
    assert "WRONG_VALUE" == fault_of(lambda: new_root(both, version=1, now=START_TIME))
    assert "WRONG_VALUE" == fault_of(lambda: new_root(rows[:1], version=1, now=START_TIME))
    assert "WRONG_VALUE" == fault_of(lambda: new_root(rows, version=1, now=START_TIME, statement=5))


def test_a_weak_key_is_refused() -> None:
    """A point of small order would let anybody sign."""
    with pytest.raises(DeltacareError):
        RootKey.of("310000", root=b"\x01" + bytes(31), timestamp=bytes(range(32)))


def tampered_root(change: Callable[[dict[str, Any]], None]) -> bytes:
    """Return a root whose signed part was changed before it was signed."""
    value = json.loads(make_root(signing=()))
    change(value["signed"])
    return sign_anyhow(value)


def sign_anyhow(value: dict[str, Any]) -> bytes:
    """Return a file in its canonical spelling with three signatures, whatever it says."""
    from securesystemslib.formats import encode_canonical

    text = encode_canonical(value["signed"])
    assert text is not None
    rows = []
    for province in PROVINCES[:3]:
        signer = LogSigner(name=root_key_name(province), seed=office_seed(province))
        rows.append({"keyid": key_id(signer.verifier), "sig": signer.sign(text.encode()).hex()})
    value["signatures"] = sorted(rows, key=lambda row: row["keyid"])
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def rename_key(signed: dict[str, Any]) -> None:
    """Let one key stand under a second id, as if it were two."""
    old = signed["roles"]["root"]["keyids"][0]
    signed["keys"]["f" * 64] = signed["keys"][old]
    for role in ("root", "targets", "snapshot"):
        ids = signed["roles"][role]["keyids"]
        signed["roles"][role]["keyids"] = sorted([*ids, "f" * 64])


def wrong_id(signed: dict[str, Any]) -> None:
    """Let a key stand under an id that is not its own."""
    old = signed["roles"]["timestamp"]["keyids"][-1]
    signed["keys"]["f" * 64] = signed["keys"].pop(old)
    signed["roles"]["timestamp"]["keyids"][-1] = "f" * 64


def lower_targets(signed: dict[str, Any]) -> None:
    """Let one office alone sign targets."""
    signed["roles"]["targets"] = {**signed["roles"]["targets"], "threshold": 1}


def zero_threshold(signed: dict[str, Any]) -> None:
    """Let nobody sign."""
    for role in ("root", "targets", "snapshot"):
        signed["roles"][role]["threshold"] = 0


def other_scheme(signed: dict[str, Any]) -> None:
    """Let a key be of another scheme."""
    next(iter(signed["keys"].values()))["scheme"] = "ecdsa-sha2-nistp256"


def no_province(signed: dict[str, Any]) -> None:
    """Let a key belong to nobody."""
    next(iter(signed["keys"].values())).pop("x-deltacare-province")


@pytest.mark.parametrize(
    "change, expected",
    [
        (rename_key, "WRONG_VALUE"),
        (wrong_id, "WRONG_VALUE"),
        (lower_targets, "WRONG_VALUE"),
        (zero_threshold, "NOT_CANONICAL"),
        (other_scheme, "NOT_CANONICAL"),
        (no_province, "WRONG_VALUE"),
        (lambda signed: signed.update(consistent_snapshot=False), "WRONG_VALUE"),
        (lambda signed: signed.pop("consistent_snapshot"), "WRONG_VALUE"),
        (lambda signed: signed.update(spec_version="1.0.30"), "WRONG_VALUE"),
        (lambda signed: signed.update(note="x"), "UNKNOWN_FIELD"),
        (lambda signed: signed["roles"].update(mirrors={"keyids": [], "threshold": 1}), None),
        (lambda signed: signed["roles"]["timestamp"].update(note=1), "UNKNOWN_FIELD"),
        (lambda signed: signed["roles"]["timestamp"].update(threshold=True), "WRONG_VALUE"),
        (lambda signed: signed["roles"]["timestamp"]["keyids"].reverse(), "NOT_CANONICAL"),
        (lambda signed: signed["roles"]["timestamp"].update(keyids=["a" * 64] * 2), None),
        (lambda signed: signed["keys"].update({"b" * 64: {}}), "NOT_CANONICAL"),
    ],
)
def test_strange_roots(change: Callable[[dict[str, Any]], None], expected: str | None) -> None:
    """A root that says more, less or other than one key of each kind a province is refused."""
    data = tampered_root(change)
    assert (expected or "NOT_CANONICAL") == fault_of(lambda: verify_root_chain(data))


# Forms. -----------------------------------------------------------------------------------------


def spelled(data: bytes, **options: Any) -> bytes:
    """Return the same JSON in another spelling."""
    return json.dumps(json.loads(data), **options).encode()


def with_doubled_field(data: bytes) -> bytes:
    """Return metadata in which a name stands twice."""
    return data.replace(b'"version":1}', b'"version":1,"version":1}')


def with_doubled_signature(data: bytes) -> bytes:
    """Return metadata in which a signature stands twice."""
    value = json.loads(data)
    value["signatures"].append(value["signatures"][0])
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def with_signatures_out_of_order(data: bytes) -> bytes:
    """Return metadata whose signatures stand in another order."""
    value = json.loads(data)
    value["signatures"].reverse()
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def with_signature_field(data: bytes) -> bytes:
    """Return metadata in which a signature says more than it should."""
    value = json.loads(data)
    value["signatures"][0]["note"] = "x"
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def with_upper_case(data: bytes) -> bytes:
    """Return metadata with a signature in upper case."""
    value = json.loads(data)
    value["signatures"][0]["sig"] = value["signatures"][0]["sig"].upper()
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def with_outer_field(data: bytes) -> bytes:
    """Return metadata with a field that nobody signed."""
    value = json.loads(data)
    value["note"] = "x"
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def with_many_signatures(data: bytes) -> bytes:
    """Return metadata with a thousand signatures."""
    value = json.loads(data)
    value["signatures"] = [{"keyid": f"{index:064x}", "sig": "0" * 128} for index in range(1_000)]
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    "change, expected",
    [
        (lambda data: spelled(data, indent=1), "NOT_CANONICAL"),
        (lambda data: data + b"\n", "NOT_CANONICAL"),
        (lambda data: data[:-1], "NOT_CANONICAL"),
        (lambda _: b"", "NOT_CANONICAL"),
        (lambda _: b"[]", "NOT_CANONICAL"),
        (lambda _: b'{"signed":1}', "NOT_CANONICAL"),
        (lambda _: b'{"signatures":[],"signed":{}}', "WRONG_ROLE"),
        (lambda _: b"[" * 100_000, "NOT_CANONICAL"),
        (lambda _: b"\xff", "NOT_CANONICAL"),
        (lambda _: b'{"signed":{"version":NaN}}', "NOT_CANONICAL"),
        (lambda data: altered(data, version=1.0), "NOT_CANONICAL"),
        (lambda data: altered(data, version=True), "WRONG_VALUE"),
        (lambda data: altered(data, version=0), "WRONG_VALUE"),
        (lambda data: altered(data, version=2**53), "WRONG_VALUE"),
        (lambda data: altered(data, version="1"), "WRONG_VALUE"),
        (lambda data: altered(data, expires="2027-1-1T00:00:00Z"), "NOT_CANONICAL"),
        (lambda data: altered(data, expires=7), "NOT_CANONICAL"),
        (lambda data: altered(data, note="x"), "UNKNOWN_FIELD"),
        (lambda data: altered(data, _type="snapshot"), "WRONG_ROLE"),
        (lambda data: altered(data, targets={"a": {"length": 1}}), "NOT_CANONICAL"),
        (
            lambda data: altered(data, targets={"a": {"hashes": {"md5": "0"}, "length": 1}}),
            "WRONG_VALUE",
        ),
        (
            lambda data: altered(
                data, targets={"a": {"hashes": {"sha256": "0" * 64}, "length": True}}
            ),
            "WRONG_VALUE",
        ),
        (
            lambda data: altered(data, delegations={"keys": {}, "roles": []}),
            "UNKNOWN_FIELD",
        ),
        (lambda data: data + b" " * BYTES_MAX[Role.TARGETS], "OVERSIZED"),
        (with_doubled_field, "NOT_CANONICAL"),
        (with_doubled_signature, "NOT_CANONICAL"),
        (with_signatures_out_of_order, "NOT_CANONICAL"),
        (with_signature_field, "UNKNOWN_FIELD"),
        (with_upper_case, "NOT_CANONICAL"),
        (with_outer_field, "UNKNOWN_FIELD"),
        (with_many_signatures, "NOT_CANONICAL"),
    ],
)
def test_forms_of_targets(change: Callable[[bytes], bytes], expected: str) -> None:
    """Every form but one is refused, by its name and before any signature is looked at."""
    signed = make_signed()
    root = verify_root_chain(signed.roots[0])
    data = change(signed.targets)
    assert expected == fault_of(
        lambda: verify_statement(root, data, signed.snapshot, signed.documents)
    )


@pytest.mark.parametrize("role", list(Role))
def test_sizes_are_limited(role: Role) -> None:
    """A file larger than its role may be is refused unread."""
    signed = make_signed()
    root = verify_root_chain(signed.roots[0])
    data = b" " * (BYTES_MAX[role] + 1)
    assert "OVERSIZED" == fault_of(lambda: signers(root, role, data))


# Links. -----------------------------------------------------------------------------------------


def test_files_of_different_statements() -> None:
    """Three offices signed both, and still they do not go together."""
    first, second = make_signed(), make_signed(next_federation(make_trust()))
    root = verify_root_chain(first.roots[0])
    for targets, snapshot, documents in (
        (first.targets, second.snapshot, first.documents),
        (second.targets, second.snapshot, first.documents),
        (first.targets, first.snapshot, second.documents),
        (first.targets, first.snapshot, {**first.documents, "x.json": b"{}"}),
        (first.targets, first.snapshot, {}),
    ):
        found = fault_of(lambda t=targets, s=snapshot, d=documents: verify_statement(root, t, s, d))
        assert "WRONG_LINK" == found


def test_same_statement_by_other_offices() -> None:
    """Copies signed by different three are one statement: files are bound by what is signed."""
    first = make_signed()
    second = make_signed(signing=PROVINCES[1:])
    root = verify_root_chain(first.roots[0])
    assert first.targets != second.targets
    assert signed_sha256(first.targets) == signed_sha256(second.targets)
    found = verify_statement(root, second.targets, first.snapshot, first.documents)
    assert first.federation == found
    hour = timestamp_hour(START_TIME)
    assert timestamp_bytes(hour, first.snapshot) == timestamp_bytes(hour, second.snapshot)


def test_statement_of_another_root() -> None:
    """A snapshot counts only under the root that it names."""
    roots = (make_root(), make_root(version=2))
    signed = make_signed()
    root = verify_root_chain(roots[0], roots[1:])
    assert "WRONG_LINK" == fault_of(
        lambda: verify_statement(root, signed.targets, signed.snapshot, signed.documents)
    )


def test_members_are_those_of_root() -> None:
    """Three offices cannot state a federation of others than whose keys stand in root."""
    signed = make_signed(make_trust(PROVINCES[:3]))
    root = verify_root_chain(signed.roots[0])
    assert "WRONG_LINK" == fault_of(
        lambda: verify_statement(root, signed.targets, signed.snapshot, signed.documents)
    )


def test_version_of_the_statement() -> None:
    """Metadata and the statement have one number."""
    documents = make_trust().to_documents()
    targets = sign_all(new_targets(documents, version=2, now=START_TIME))
    snapshot = sign_all(new_snapshot(targets, root_version=1, now=START_TIME))
    root = verify_root_chain(make_root())
    assert "WRONG_LINK" == fault_of(lambda: verify_statement(root, targets, snapshot, documents))


# Timestamps. ------------------------------------------------------------------------------------


def test_any_two_nodes_sign_the_same_bytes() -> None:
    """The timestamp of an hour says nothing that a node chooses."""
    snapshot = make_signed().snapshot
    hour = timestamp_hour(START_TIME)
    assert timestamp_bytes(hour, snapshot) == timestamp_bytes(
        timestamp_hour(START_TIME + timedelta(minutes=3)), snapshot
    )
    found = open_timestamp(timestamp_bytes(hour, snapshot))
    assert hour == found.hour
    assert timedelta(hours=25) == found.expires - timedelta(seconds=hour * HOUR_S) - EPOCH


EPOCH = START_TIME - timedelta(seconds=int(START_TIME.timestamp()))


def test_two_of_four_stamp() -> None:
    """Any two nodes make a timestamp, one does not, and offices are no nodes."""
    snapshot = make_signed().snapshot
    root = verify_root_chain(make_root())
    for pair in (PROVINCES[:2], PROVINCES[2:], PROVINCES[::3]):
        data = stamp(snapshot, START_TIME, signing=pair)
        assert 1 == verify_timestamp(root, data, now=START_TIME).snapshot_version
    one = sign_all(stamp(snapshot, START_TIME, signing=PROVINCES[:1]))
    assert "TOO_FEW_SIGNATURES" == fault_of(lambda: verify_timestamp(root, one, now=START_TIME))


@pytest.mark.parametrize("hours, expected", [(1, None), (2, "FROM_THE_FUTURE"), (-24, None)])
def test_hours(hours: int, expected: str | None) -> None:
    """The next hour is taken, for clocks differ; the one after it is not."""
    data = stamp(make_signed().snapshot, START_TIME, hours=hours)
    root = verify_root_chain(make_root())
    if expected is None:
        verify_timestamp(root, data, now=START_TIME)
    else:
        assert expected == fault_of(lambda: verify_timestamp(root, data, now=START_TIME))


def test_expiry() -> None:
    """A timestamp counts for 25 hours from the beginning of its hour, to the second."""
    data = stamp(make_signed().snapshot, START_TIME)
    root = verify_root_chain(make_root())
    ends = open_timestamp(data).expires
    verify_timestamp(root, data, now=ends - timedelta(seconds=1))
    assert "EXPIRED" == fault_of(lambda: verify_timestamp(root, data, now=ends))
    verify_timestamp(root, data)


@pytest.mark.parametrize(
    "changes, expected",
    [
        ({"version": 2**53}, "WRONG_VALUE"),
        ({"version": 2**31 - 1}, "FROM_THE_FUTURE"),
        ({"expires": "2999-01-01T00:00:00Z"}, "WRONG_VALUE"),
        ({"x-deltacare-signed-sha256": "0"}, "WRONG_VALUE"),
        ({"x-deltacare-signed-sha256": None}, "WRONG_VALUE"),
        ({"meta": {"snapshot.json": {"version": 1, "length": 7}}}, "UNKNOWN_FIELD"),
        ({"meta": {"snapshot.json": {"version": True}}}, "WRONG_VALUE"),
        ({"meta": {"snapshot.json": {"version": 1}, "x.json": {"version": 1}}}, "NOT_CANONICAL"),
    ],
)
def test_strange_timestamps(changes: dict[str, Any], expected: str) -> None:
    """Nobody freezes others with a version of 2^53, or says anything beside the hour."""
    data = altered(stamp(make_signed().snapshot, START_TIME), **changes)
    root = verify_root_chain(make_root())
    assert expected == fault_of(lambda: verify_timestamp(root, data, now=START_TIME))


# What may take whose place. ---------------------------------------------------------------------


def test_not_older() -> None:
    """Newer and same are well, older and different are not."""
    first, second = make_signed(), make_signed(next_federation(make_trust()))
    other = make_signed(next_federation(make_trust(), registry_quorum=1))
    check_not_older(first.snapshot, second.snapshot)
    check_not_older(first.snapshot, make_signed(signing=PROVINCES[1:]).snapshot)
    assert "ROLLED_BACK" == fault_of(lambda: check_not_older(second.snapshot, first.snapshot))
    assert "OTHER_CONTENT" == fault_of(lambda: check_not_older(second.snapshot, other.snapshot))
    assert "WRONG_ROLE" == fault_of(lambda: check_not_older(second.snapshot, second.targets))


def test_faults_are_told() -> None:
    """A refusal names role and fault, and holds nothing of the file."""
    with pytest.raises(PeerFault) as caught:
        verify_root_chain(altered(make_root(), note="secret-value"))
    assert {"role": "root", "fault": Fault.UNKNOWN_FIELD.name} == dict(caught.value.details)
    assert "secret-value" not in str(caught.value)


def test_key_names() -> None:
    """The keys in root carry the names that people compare."""
    row = root_key("310000")
    assert ("deltacare/310000/root", timestamp_key_name("310000")) == (
        row.root.name,
        row.timestamp.name,
    )
