"""The trust bundle: signed by enough members, canonical, without contradiction."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from deltacare.errors import PeerFault, Reason, Refusal
from deltacare.ids import LogName, all_logs
from deltacare.keys import LogSigner, WitnessSigner
from deltacare.tlog.note import SignedNote, sign_note
from deltacare.trust import Member, Trust, TrustBundle
from tests.deltacare.builders import PROVINCES, bundle, bundle_signer, log_signer, member

PINNED = [bundle_signer(province).verifier.to_text() for province in PROVINCES]
SIGNERS = [bundle_signer(province) for province in PROVINCES]


def _note(text: str, signers: int = 4) -> bytes:
    """Return any text signed by members."""
    signatures = tuple(sign_note(text, signer) for signer in SIGNERS[:signers])
    return SignedNote(text=text, signatures=signatures).to_bytes()


def test_a_bundle_reads_back() -> None:
    """Signed by three of four pinned members, with a threshold of three."""
    value = bundle()
    data = value.to_note(SIGNERS[:3])
    assert value == TrustBundle.from_note(data, keys=PINNED, threshold=3)


def test_a_bundle_answers_what_rooms_ask() -> None:
    """Members, keys, witnesses and quorum of each log."""
    trust: Trust = bundle()
    assert PROVINCES == trust.provinces
    assert "node-320000.example:7443" == trust.member("320000").endpoint
    assert date(2026, 11, 1) == trust.opening_date
    assert 86_400 == trust.stale_after_s
    for log in all_logs(PROVINCES):
        assert str(log) == trust.log_key(log).name
    registry = LogName.registry("310000")
    settlement = LogName.settlement("340000", "310000")
    assert ("320000", "330000", "340000") == trust.witnesses(registry)
    assert ("310000",) == trust.witnesses(settlement)
    assert (2, 1) == (trust.quorum(registry), trust.quorum(settlement))
    assert "deltacare/330000/witness" == trust.witness_key("330000").name


def test_strangers_are_not_found() -> None:
    """What is no member's has a reason of its own."""
    trust = bundle()
    asks: list[Callable[[], object]] = [
        lambda: trust.member("350000"),
        lambda: trust.witness_key("350000"),
        lambda: trust.log_key(LogName.registry("350000")),
        lambda: trust.quorum(LogName.settlement("310000", "350000")),
        lambda: trust.witnesses(LogName.registry("350000")),
    ]
    for ask in asks:
        with pytest.raises(Refusal) as caught:
            ask()
        assert Reason.NOT_FOUND is caught.value.reason


def test_too_few_signatures_are_no_quorum() -> None:
    """Two of three needed."""
    with pytest.raises(PeerFault) as caught:
        TrustBundle.from_note(bundle().to_note(SIGNERS[:2]), keys=PINNED, threshold=3)
    assert Reason.NO_QUORUM is caught.value.reason


def test_only_pinned_keys_count() -> None:
    """Members that the verifier did not pin do not help."""
    data = bundle().to_note(SIGNERS)
    TrustBundle.from_note(data, keys=PINNED[:2], threshold=2)
    stranger = log_signer("deltacare/350000/bundle").verifier.to_text()
    with pytest.raises(PeerFault) as caught:
        TrustBundle.from_note(data, keys=[PINNED[0], stranger], threshold=2)
    assert Reason.NO_QUORUM is caught.value.reason


def test_one_key_under_two_names_is_not_two_members() -> None:
    """A threshold counts different members: names and keys."""
    twin = LogSigner(name="deltacare/350000/bundle", seed=SIGNERS[0].seed)
    with pytest.raises(Refusal, match="two names"):
        TrustBundle.from_note(b"", keys=[PINNED[0], twin.verifier.to_text()], threshold=2)
    with pytest.raises(Refusal, match="one name"):
        TrustBundle.from_note(b"", keys=[PINNED[0], PINNED[0]], threshold=2)
    with pytest.raises(Refusal, match="threshold"):
        TrustBundle.from_note(b"", keys=PINNED[:1], threshold=2)


def test_a_changed_bundle_does_not_verify() -> None:
    """One digit of an endpoint."""
    data = bundle().to_note(SIGNERS).replace(b":7443", b":7444", 1)
    with pytest.raises(PeerFault) as caught:
        TrustBundle.from_note(data, keys=PINNED, threshold=1)
    assert Reason.BAD_SIGNATURE is caught.value.reason


def _change(change: Callable[[dict[str, Any]], object]) -> str:
    """Return the canonical text of a changed bundle."""
    value = json.loads(bundle().to_text())
    change(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n"


def _set(*path: Any) -> Callable[[dict[str, Any]], object]:
    """Return a change that sets the value at a path; the last item is the value."""

    def change(value: Any) -> None:
        for step in path[:-2]:
            value = value[step]
        value[path[-2]] = path[-1]

    return change


WITNESS_AS_LOG = WitnessSigner(
    name="deltacare/310000/witness", seed=log_signer("deltacare/310000/registry").seed
)


@pytest.mark.parametrize(
    "change, said",
    [
        (_set("format", "deltacare/trust-bundle/v2"), "format"),
        (_set("version", 0), "version"),
        (_set("version", "1"), "version"),
        (_set("version", True), "version"),
        (_set("federation", ""), "federation"),
        (_set("issued_time", "yesterday"), "issued_time"),
        (_set("opening_date", "2026-11-31"), "opening_date"),
        (_set("registry_quorum", 0), "registry_quorum"),
        (_set("registry_quorum", 4), "registry_quorum"),
        (_set("stale_after_s", 1), "stale_after_s"),
        (_set("stale_after_s", 86_400.0), "stale_after_s"),
        (_set("surplus", 1), "bundle"),
        (lambda v: v.pop("version"), "bundle"),
        (_set("members", {}), "members"),
        (_set("members", []), "members"),
        (lambda v: v["members"].reverse(), "members"),
        (lambda v: v["members"].pop(), "log_keys"),
        (lambda v: v["members"].append(v["members"][0]), "members"),
        (_set("members", [0] * 35), "members"),
        (_set("members", 0, None), r"members\[0\]"),
        (_set("members", 0, "province", "310100"), r"members\[0\].province"),
        (_set("members", 1, "name_zh", "\n"), r"members\[1\].name_zh"),
        (_set("members", 1, "name_en", 7), r"members\[1\].name_en"),
        (_set("members", 2, "endpoint", "host"), r"members\[2\].endpoint"),
        (_set("members", 2, "endpoint", "host:0"), r"members\[2\].endpoint"),
        (_set("members", 2, "endpoint", "host:99999"), r"members\[2\].endpoint"),
        (_set("members", 2, "endpoint", "http://host:1"), r"members\[2\].endpoint"),
        (_set("members", 3, "ca_pem", "none"), r"members\[3\].ca_pem"),
        (_set("members", 0, "log_keys", []), r"members\[0\].log_keys"),
        (
            lambda v: v["members"][0]["log_keys"].pop("deltacare/310000/registry"),
            r"members\[0\].log_keys",
        ),
        (
            _set("members", 0, "log_keys", "deltacare/310000/registry", PINNED[0]),
            "name is not deltacare/310000/registry",
        ),
        (_set("members", 0, "bundle_key", "nonsense"), r"members\[0\].bundle_key"),
        (_set("members", 0, "witness_key", PINNED[0]), "0x04 is needed"),
        (_set("members", 0, "witness_key", WITNESS_AS_LOG.verifier.to_text()), "also that of"),
    ],
)
def test_a_bundle_that_contradicts_itself_is_refused(
    change: Callable[[dict[str, Any]], object], said: str
) -> None:
    """Whoever signed it, it does not come into being, and the field is named."""
    with pytest.raises(PeerFault, match=said):
        TrustBundle.from_note(_note(_change(change)), keys=PINNED, threshold=3)


@pytest.mark.parametrize(
    "text",
    [
        "\n",
        "{}\n",
        "[]\n",
        "nonsense\n",
        "[" * 5_000 + "\n",
        bundle().to_text() + " \n",
        bundle().to_text().replace(",", ", ", 1),
        bundle().to_text().replace("省", "\\u7701", 1),
        bundle().to_text().replace('"version":1', '"version":1,"version":1'),
        bundle().to_text().replace('"version":1', '"version":NaN'),
    ],
)
def test_another_spelling_is_refused(text: str) -> None:
    """A bundle has one spelling, so that its bytes can be compared."""
    with pytest.raises(PeerFault) as caught:
        TrustBundle.from_note(_note(text), keys=PINNED, threshold=3)
    assert Reason.BAD_SIGNATURE is caught.value.reason


def test_every_wrong_field_is_named_at_once() -> None:
    """Who writes a bundle learns of all mistakes."""
    bad = replace(member("310000"), endpoint="host", name_en="")
    others = tuple(member(province) for province in PROVINCES[1:])
    with pytest.raises(Refusal) as caught:
        replace_members(bundle(), (bad, *others))
    assert ["members[0].name_en", "members[0].endpoint"] == [
        violation.field for violation in caught.value.violations
    ]


def replace_members(value: TrustBundle, members: tuple[Member, ...]) -> TrustBundle:
    """Return the bundle with other members."""
    return TrustBundle(
        federation=value.federation,
        version=value.version,
        issued_time=value.issued_time,
        opening_date=value.opening_date,
        members=members,
    )
