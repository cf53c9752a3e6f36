"""Keys called bad after the fact: what was seen before still verifies, what a thief made does not.

The policies are made as ``deltacare log policy`` makes them, from what a node lists then.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from clients.cli.main import main
from clients.logs.policies import listed_policy, listed_verdict_policy
from clients.verify.trusting import Trusting
from deltacare.errors import PeerFault, Reason, Refusal
from deltacare.ids import LogName
from deltacare.keys import LogSigner, VerifierKey
from deltacare.times import format_time
from deltacare.tlog.checkpoint import Checkpoint, SignedCheckpoint
from deltacare.tlog.cosignature import cosign
from deltacare.tlog.note import SignedNote, sign_note
from deltacare.tlog.policy import Policy
from deltacare.trust import Federation, verdict_key_name
from deltacare.v1.federation_service_pb2 import ListMembersResponse
from server.federation import service
from tests.clients.verify.altering import one_byte_off
from tests.deltacare.builders import log_signer, naive_root, witness_signer
from tests.support.evidence import AH, JS, NOW, PROVINCES, SH, ZJ, Logs
from tests.support.federation import make_trust
from tests.support.rotating import later_log_signer, later_witness_signer, with_key, with_taint

LOG = LogName.registry(JS)
BAD = log_signer(str(LOG)).verifier
NEXT = later_log_signer(LOG)
BAD_WITNESS = witness_signer(SH).verifier
SECOND = timedelta(seconds=1)
LATER = NOW + timedelta(hours=1)

# At NOW the witnesses of `Logs` cosign. The instant of a taint is the first that is bad.
SURVIVES, LOST = NOW + timedelta(microseconds=1), NOW


@dataclass(slots=True)
class Told(Logs):
    """Logs whose newest checkpoint of Jiangsu is signed and seen as a test says.

    Attributes:
        signers: Who signs Jiangsu's log.
        seen: When each witness of it cosigns.
    """

    signers: Sequence[LogSigner] = (log_signer(str(LOG)),)
    seen: Mapping[str, datetime] = field(default_factory=lambda: {SH: NOW, ZJ: NOW})

    def checkpoint(
        self, author: str, witnesses: Sequence[str] | None = None, time: datetime = NOW
    ) -> bytes:
        """Return the checkpoint over a log."""
        if author != JS:
            return Logs.checkpoint(self, author, witnesses, time)
        entries = self.entries[author]
        head = Checkpoint(origin=str(LOG), size=len(entries), root=naive_root(entries))
        lines = [cosign(head, witness_signer(p), time=at) for p, at in self.seen.items()]
        lines += [sign_note(head.to_text(), signer) for signer in self.signers[1:]]
        signed = SignedCheckpoint.sign(head, self.signers[0])
        return signed.with_signatures(lines).to_bytes()


def tainted(key: VerifierKey, since: datetime, trust: Federation | None = None) -> Federation:
    """Return the federation after a key was called bad; its successor is stated with it."""
    trust = trust or make_trust()
    if key == BAD:
        trust = with_key(trust, NEXT, from_time=NOW - SECOND)
    elif key == BAD_WITNESS:
        trust = with_key(trust, later_witness_signer(SH), from_time=NOW - SECOND)
    else:
        later = LogSigner(name=key.name, seed=bytes(range(32)))
        trust = with_key(trust, later, from_time=NOW - SECOND)
    return with_taint(trust, key, since)


def write_policies(trust: Federation, directory: Path) -> Path:
    """Write what ``deltacare log policy`` writes of all registries and of the verdicts' keys."""
    members = [service._member(trust, province) for province in PROVINCES]
    listed = ListMembersResponse(members=members, registry_quorum=2)
    directory.mkdir(parents=True, exist_ok=True)
    for province in PROVINCES:
        registry = listed_policy(listed, LogName.registry(province))
        (directory / f"{province}.txt").write_text(registry.to_text(), encoding="utf-8")
        verdicts = listed_verdict_policy(listed, province)
        (directory / f"{province}-verdicts.txt").write_text(verdicts.to_text(), encoding="utf-8")
    return directory


def run(
    tmp_path: Path, data: bytes, trust: Federation, *options: str, lang: str = "en"
) -> tuple[int, str, str]:
    """Verify a file by the policies of a federation; return exit code, output and errors."""
    path = tmp_path / "evidence.json"
    path.write_bytes(data)
    policies = write_policies(trust, tmp_path / "policies")
    environ = {"DELTACARE_LANG": lang, "DELTACARE_POLICY": "", "DELTACARE_AS": ""}
    arguments = ["verify", str(path), "--policy", str(policies), *options]
    result = CliRunner().invoke(main, arguments, env=environ)
    return result.exit_code, result.stdout, result.stderr


def verdict(logs: Logs | None = None) -> bytes:
    """Return the verdict file over some logs."""
    return (logs or Told().recognised()).verdict_evidence().to_bytes()


def test_a_verdict_from_before_a_taint_verifies(tmp_path: Path) -> None:
    """A quorum had cosigned what it rests on before the log's key was bad; the steps say so."""
    code, out, err = run(tmp_path, verdict(), tainted(BAD, SURVIVES))
    assert (0, "") == (code, err)
    since = format_time(SURVIVES)
    said = f"key {LOG} ({BAD.key_id.hex()}) was called bad since {since}; it survives"
    assert 1 == out.count(said)
    found = json.loads(run(tmp_path, verdict(), tainted(BAD, SURVIVES), "--json")[1])
    (survived,) = [
        row["survived"]
        for step in found["steps"]
        for row in step.get("checkpoints", ())
        if row["log"] == str(LOG)
    ]
    assert {"name": str(LOG), "id": BAD.key_id.hex(), "since": since} == survived


@pytest.mark.parametrize(
    "seen",
    [
        {SH: LOST, ZJ: LOST},
        {SH: LOST - SECOND, ZJ: LOST},  # one of two in time
        {SH: LATER, ZJ: LATER, AH: LATER},  # what honest witnesses sign for a thief
        {SH: LOST - SECOND},
        {},
    ],
)
def test_a_verdict_that_does_not_survive(seen: dict[str, datetime], tmp_path: Path) -> None:
    """Seen at the instant or later, or by too few before: refused by name, with what to do."""
    logs = Told(seen=seen).recognised()
    code, _, err = run(tmp_path, verdict(logs), tainted(BAD, LOST))
    assert 1 == code
    assert f"({BAD.key_id.hex()}) that its owner declared bad since {format_time(LOST)}" in err
    assert "deltacare cert check --save" in err
    code, _, err = run(tmp_path, verdict(logs), tainted(BAD, LOST), lang="zh")
    assert (1, True) == (code, f"自 {format_time(LOST)} 起失信" in err)
    code, out, _ = run(tmp_path, verdict(logs), tainted(BAD, LOST), "--json")
    error = json.loads(out)["error"]
    assert "KEY_NOT_IN_FORCE" == error["reason"]
    assert format_time(LOST) == error["details"]["since"]


def test_the_successor_signed_too(tmp_path: Path) -> None:
    """Then nothing rests on the bad key, whenever it was seen; its line is told."""
    logs = Told(signers=(log_signer(str(LOG)), NEXT)).recognised()
    code, out, err = run(tmp_path, verdict(logs), tainted(BAD, LOST - timedelta(days=9)))
    assert (0, "") == (code, err)
    said = f"not relied on: the signature by key {LOG} ({BAD.key_id.hex()}), called bad since"
    assert 1 == out.count(said)


def test_a_bad_witness_counts_for_nothing(tmp_path: Path) -> None:
    """Not even before its instant, since a thief writes any time; two others suffice without it."""
    trust = tainted(BAD_WITNESS, LATER)
    receipt = Told().recognised().receipt_evidence(JS, 0).to_bytes()
    code, _, err = run(tmp_path, receipt, trust)
    assert 1 == code
    assert "NO_QUORUM" in err or "Too few" in err
    assert f"{BAD_WITNESS.name} ({BAD_WITNESS.key_id.hex()}), called bad since" in err
    three = Told(seen=dict.fromkeys((SH, ZJ, AH), NOW)).recognised()
    receipt = three.receipt_evidence(JS, 0).to_bytes()
    code, out, err = run(tmp_path, receipt, trust)
    assert (0, "") == (code, err)
    assert "2 witnesses cosigned it" in out
    assert f"not relied on: the signature by key {BAD_WITNESS.name}" in out


def test_a_thief_of_both_cannot_date_back(tmp_path: Path) -> None:
    """The log's key survives by untainted witnesses only."""
    both = tainted(BAD_WITNESS, LATER, tainted(BAD, SURVIVES))
    code, _, err = run(tmp_path, verdict(), both)
    assert (1, True) == (code, "declared bad since" in err)
    assert "1 witnesses with untainted keys had cosigned it before" in err
    seen = dict.fromkeys((SH, ZJ, AH), NOW)
    code, _, err = run(tmp_path, verdict(Told(seen=seen).recognised()), both)
    # Shanghai's own log is cosigned by Jiangsu and Zhejiang, who are not concerned.
    assert (0, "") == (code, err)


def test_a_bad_key_of_verdicts(tmp_path: Path) -> None:
    """Nobody cosigns a verdict: nothing says that it is older than the taint."""
    key = log_signer(verdict_key_name(SH)).verifier
    code, _, err = run(tmp_path, verdict(), tainted(key, LATER))
    assert 1 == code
    assert f"({key.key_id.hex()}) that its owner declared bad since" in err


def test_an_older_policy_beside_it_changes_nothing(tmp_path: Path) -> None:
    """What one file calls bad is bad for all of them."""
    write_policies(make_trust(), tmp_path / "policies" / "before")
    assert 1 == run(tmp_path, verdict(), tainted(BAD, LOST))[0]
    assert 0 == run(tmp_path, verdict(), tainted(BAD, SURVIVES))[0]


def test_without_a_quorum_somebody_must_have_seen_it(tmp_path: Path) -> None:
    """``quorum none`` trusts a log by itself; a bad key it does not."""
    path = tmp_path / "policy.txt"
    bad = f"# deltacare: tainted log {BAD.to_text()} since {format_time(SURVIVES)}\n"
    witness = f"witness W {witness_signer(ZJ).verifier.to_text()}\n"
    path.write_text(bad + witness + "quorum none\n", encoding="utf-8")
    trusting = Trusting.read([path], now=NOW, allow_unknown=True)
    found = trusting.checkpoint(Told(seen={ZJ: NOW}).recognised().checkpoint(JS))
    assert found.survived is not None
    assert SURVIVES == found.survived.since
    with pytest.raises(PeerFault) as caught:
        trusting.checkpoint(Told(seen={SH: NOW}).recognised().checkpoint(JS))
    assert Reason.KEY_NOT_IN_FORCE is caught.value.reason


def test_every_altered_byte_of_what_survives_is_refused(tmp_path: Path) -> None:
    """Lines by bad keys too must be as they were signed."""
    trust = tainted(BAD_WITNESS, LATER, tainted(BAD, SURVIVES))
    trusting = Trusting.read([write_policies(trust, tmp_path)], now=NOW)
    logs = Told(seen=dict.fromkeys((SH, ZJ, AH), NOW)).recognised()
    note = logs.checkpoint(JS)
    assert 3 == len(SignedNote.from_bytes(note).signatures) - 1
    trusting.checkpoint(note)
    for changed in one_byte_off(note, range(len(note))):
        with pytest.raises(PeerFault):
            trusting.checkpoint(changed)


def test_a_misspelt_comment_is_refused_with_its_line(tmp_path: Path) -> None:
    """A taint that is not understood must not be passed over."""
    text = Policy(logs=(BAD,)).to_text()
    path = tmp_path / "policy.txt"
    path.write_text("# deltacare: taint log x\n" + text, encoding="utf-8")
    with pytest.raises(Refusal) as caught:
        Trusting.read([path], now=NOW)
    assert ["policy line 1"] == [each.field for each in caught.value.violations]
