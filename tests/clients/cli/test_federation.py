"""Tests of ``deltacare federation``: what it asks for, says, refuses and leaves."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from clients.cli.main import main
from clients.federation.cards import MemberCard
from clients.federation.ceremony import Changes, open_base, propose_first, propose_next
from clients.federation.office import Office
from clients.federation.store import TrustStore
from deltacare.trust import Account
from server.setup import init_node
from tests.support.federated import CHEAP, PASSPHRASE, Offices, make_offices
from tests.support.ports import START_TIME, SeededEntropy

PAIR = ("310000", "320000")


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Run a command line; return exit code, standard output and standard error."""
    with pytest.raises(SystemExit) as caught:
        main.main(["federation", *map(str, arguments)])
    shown = capsys.readouterr()
    assert isinstance(caught.value.code, int)
    return caught.value.code, shown.out, shown.err


def run_json(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    """Run a command line that succeeds; return its JSON."""
    code, out, err = run(capsys, *arguments, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory with two offices and two nodes; the environment opens them."""
    monkeypatch.setenv("DELTACARE_KEY_PASSPHRASE", PASSPHRASE.decode())
    monkeypatch.delenv("DELTACARE_KEY_PASSPHRASE_FILE", raising=False)
    make_offices(tmp_path, PAIR)
    for province in PAIR:
        init_node(
            tmp_path / province,
            province=province,
            partners=PAIR,
            endpoint="127.0.0.1:1",
            listen="127.0.0.1:1",
            database_url="sqlite:///node.sqlite",
            passphrase=PASSPHRASE,
            now=START_TIME,
            entropy=SeededEntropy(province).token,
            cost=CHEAP,
        )
    return tmp_path


def first(place: Path) -> Sequence[object]:
    """Return the arguments of a first proposal."""
    words: list[object] = ["propose", "--opening-date", "2026-12-01", "--registry-quorum", "1"]
    for province in PAIR:
        words += ["--office-card", place / f"office-{province}", "--member", place / province]
    return [*words, "--out", place / "p.json"]


def published(capsys: pytest.CaptureFixture[str], place: Path) -> Path:
    """Hold the first ceremony and return what was published."""
    run_json(capsys, *first(place))
    for province in PAIR:
        run_json(capsys, "sign", place / "p.json", "--office", place / f"office-{province}")
    run_json(capsys, "publish", place / "p.json", "--out", place / "out")
    return place / "out"


def test_whole_ceremony(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    """Proposed, signed by each, published, installed: as JSON, with who is missing."""
    made = run_json(capsys, *first(place))
    assert (1, 1, True) == (made["version"], made["root_version"], made["root_changed"])
    assert {"root": 2, "old root": 2, "targets": 2, "snapshot": 2} == made["lacking"]
    for province in PAIR:
        office = place / f"office-{province}"
        made = run_json(capsys, "sign", place / "p.json", "--office", office)
        before = (place / "p.json").read_bytes()
        run_json(capsys, "sign", place / "p.json", "--office", office)
        assert before == (place / "p.json").read_bytes()
    assert {} == made["lacking"]
    made = run_json(
        capsys,
        *("publish", place / "p.json", "--out", place / "out"),
        *("--install", place / "310000", "--install", place / "320000"),
    )
    assert [str(place / province) for province in PAIR] == made["installed"]
    for province in PAIR:
        assert PAIR == TrustStore(place / province / "trust").load().provinces
    shown = run_json(capsys, "show", place / "out")
    assert (1, 1, list(PAIR), 10) == (
        shown["version"],
        shown["root_version"],
        shown["provinces"],
        len(shown["keys"]),
    )


def test_a_first_statement_may_name_accounts(
    capsys: pytest.CaptureFixture[str], place: Path
) -> None:
    """Nobody was paid elsewhere before, so an account may count from the first day, or earlier."""
    account = "310000=示例专户,3100000000000001,102290000000,2026-01-01T00:00:00Z"
    code, out, err = run(capsys, *first(place), "--account", account, "--lang", "en")
    assert (0, True) == (code, "3100000000000001" in out), out + err
    for province in PAIR:
        run_json(capsys, "sign", place / "p.json", "--office", place / f"office-{province}")
    words = ("publish", place / "p.json", "--out", place / "out", "--install", place / "310000")
    run_json(capsys, *words)
    member, other = TrustStore(place / "310000" / "trust").load().members
    (held,) = member.accounts
    assert ("示例专户", "3100000000000001", "102290000000") == (
        held.holder,
        held.number,
        held.bank_code,
    )
    assert datetime(2026, 1, 1, tzinfo=UTC) == held.from_time
    assert () == other.accounts


def test_an_account_of_no_member_is_refused(
    capsys: pytest.CaptureFixture[str], place: Path
) -> None:
    """A province without a card has no account."""
    account = "340000=示例专户,3400000000000001,102290000000,2026-01-01T00:00:00Z"
    code, _, err = run(capsys, *first(place), "--account", account, "--lang", "en")
    assert (2, True) == (code, "no such member" in err), err
    assert not (place / "p.json").exists()


@pytest.mark.parametrize(
    "lang, words",
    [
        ("zh", ("这是第一份声明", "尚缺 1 个", "已签 目标 targets：310000")),
        ("en", ("This is the first statement", "1 missing", "Signed targets: 310000")),
    ],
)
def test_both_languages(
    capsys: pytest.CaptureFixture[str], place: Path, lang: str, words: Sequence[str]
) -> None:
    """What is signed, and by whom, is said in the language that was asked for."""
    run_json(capsys, *first(place))
    office = place / "office-310000"
    signed = run(capsys, "sign", place / "p.json", "--office", office, "--lang", lang)
    shown = run(capsys, "show", place / "p.json", "--lang", lang)
    for code, out, _ in (signed, shown):
        assert (0, [True] * 3) == (code, [word in out for word in words])


def test_too_few(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    """What one office signed is not published, and nothing is written."""
    run_json(capsys, *first(place))
    run_json(capsys, "sign", place / "p.json", "--office", place / "office-310000")
    arguments = ("publish", place / "p.json", "--out", place / "out", "--install", place / "310000")
    code, out, _ = run(capsys, *arguments, "--json")
    error = json.loads(out)["error"]
    assert (1, "BAD_METADATA") == (code, error["reason"])
    assert "TOO_FEW_SIGNATURES" == error["details"]["fault"]
    assert not (place / "out").exists()
    assert not (place / "310000" / "trust").exists()


def test_later_statement(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    """Every kind of change comes from an option and is told in words before it is signed."""
    out = published(capsys, place)
    key = next(
        row for row in run_json(capsys, "show", out)["keys"] if row["name"].endswith("/registry")
    )
    code, said, _ = run(
        capsys,
        *("propose", "--from", out, "--out", place / "next.json", "--lang", "zh"),
        *("--revoke-serial", "310000=1F", "--scheme", "320000=care-1"),
        *("--account", "310000=上海市民政局,123456789,102290000000,2999-01-01T00:00:00Z"),
    )
    assert 0 == code
    for word in ("吊销证书 1f", "可颁发 care-1", "上海市民政局 123456789"):
        assert word in said
    for arguments, word in (
        (("--taint", f"{key['key_id']}@2026-11-22T00:00:00Z"), "Add the one that follows"),
        (("--retire", f"{key['key_id']}@2999-01-01T00:00:00Z"), "T09"),
        (("--account", "310000=x,123456789,102290000000,2026-01-01T00:00:00Z"), "T10"),
    ):
        code, _, err = run(
            capsys, "propose", "--from", out, "--out", place / "x.json", "--lang", "en", *arguments
        )
        assert (code in {1, 2}, word in err) == (True, True), err
        assert not (place / "x.json").exists()


@pytest.mark.parametrize(
    "arguments, word",
    [
        (("--opening-date", "2026-12-01"), "--office-card"),
        (("--from", "{out}", "--opening-date", "2026-12-01"), "--replace-root"),
        (("--from", "{out}", "--revoke-serial", "310000"), "310000=…"),
        (("--from", "{out}", "--taint", "00000000"), "0a1b2c3d@"),
        (("--from", "{out}", "--taint", "00000000@soon"), "--taint"),
        (("--from", "{out}", "--taint", "00000000@2026-11-22T00:00:00Z"), "No key"),
        (("--from", "{out}", "--account", "310000=x,y"), "HOLDER,NUMBER,BANKCODE,TIME"),
        (
            ("--from", "{out}", "--account", "310000=x,123456789,ICBC,2999-01-01T00:00:00Z"),
            "--account BANKCODE ICBC: it is 12 digits: the bank's code in the clearing system",
        ),
        (
            ("--from", "{out}", "--account", "310000=x,1,102290000000,2999-01-01T00:00:00Z"),
            "--account NUMBER 1: it is 8 to 32 digits",
        ),
        (("--from", "{out}", "--replace-root", "310000={other}"), "320000"),
        (("--from", "{place}"), "neither"),
        (("--revoke-serial", "310000=1f"), "--from"),
    ],
)
def test_bad_options(
    capsys: pytest.CaptureFixture[str], place: Path, arguments: Sequence[str], word: str
) -> None:
    """What cannot be read is bad input, named with how to write it; nothing is left."""
    out = published(capsys, place)
    names = {"out": out, "place": place, "other": place / "office-320000"}
    words = [word.format_map(names) for word in arguments]
    code, _, err = run(capsys, "propose", *words, "--out", place / "x.json", "--lang", "en")
    assert (2, True) == (code, word in err), err
    assert not (place / "x.json").exists()


def test_a_proposal_is_not_overwritten(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    """A file that stands there may be signed; another name is asked for."""
    run_json(capsys, *first(place))
    before = (place / "p.json").read_bytes()
    code, _, err = run(capsys, *first(place), "--lang", "en")
    assert (2, True) == (code, "exists already" in err)
    assert before == (place / "p.json").read_bytes()


def test_wrong_passphrase(
    capsys: pytest.CaptureFixture[str], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An office that does not open signs nothing, and the passphrase is not told."""
    run_json(capsys, *first(place))
    before = (place / "p.json").read_bytes()
    monkeypatch.setenv("DELTACARE_KEY_PASSPHRASE", "not the passphrase")
    code, out, err = run(capsys, "sign", place / "p.json", "--office", place / "office-310000")
    assert (2, False) == (code, "not the passphrase" in out + err)
    assert before == (place / "p.json").read_bytes()


def test_a_file_that_is_no_proposal(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    """Shown, signed or published: what is no proposal is bad input."""
    path = place / "x.json"
    path.write_text("{}", encoding="utf-8")
    for arguments in (
        ("show", path),
        ("sign", path, "--office", place / "office-310000"),
        ("publish", path),
    ):
        assert 2 == run(capsys, *arguments)[0]


@pytest.mark.parametrize(
    "rule, times, expected_again",
    [("T12", (400, 402), 1), ("T13", (-1, 0.1), 0)],
    ids=["ahead", "backdated"],
)
def test_times_are_compared_with_the_clock(
    capsys: pytest.CaptureFixture[str],
    place: Path,
    rule: str,
    times: tuple[float, float],
    expected_again: int,
) -> None:
    """What a clock that is wrong, or lies, proposed is not signed or published by a right one."""
    now = datetime.now(UTC).replace(microsecond=0)
    offices = Offices(by_province={p: Office.open(place / f"office-{p}", PASSPHRASE) for p in PAIR})
    old = propose_first(
        [office.card for office in offices.by_province.values()],
        [MemberCard.read(place / province) for province in PAIR],
        opening_date=now.date(),
        registry_quorum=1,
        now=now - timedelta(days=3),
    )
    begin = now + timedelta(days=times[1])
    account = Account(holder="x", number="1" * 12, bank_code="2" * 12, from_time=begin)
    new = propose_next(
        open_base(offices.sign(old).publish()),
        Changes(accounts=[("310000", account)]),
        now=now + timedelta(days=times[0]),
    )
    path = place / "new.json"
    path.write_bytes(new.to_bytes())
    office = place / "office-310000"
    code, out, _ = run(capsys, "sign", path, "--office", office, "--json")
    error = json.loads(out)["error"]
    assert (1, "RULE_REFUSED", True) == (code, error["reason"], rule in error["message"])
    assert new.to_bytes() == path.read_bytes()
    path.write_bytes(offices.sign(new).to_bytes())
    code, out, _ = run(capsys, "publish", path, "--out", place / "out", "--json")
    assert (1, rule) == (code, json.loads(out)["error"]["details"]["rules"])
    assert not (place / "out").exists()
    # What was published in time may be given to a new node later; what is ahead never could be.
    code, _, _ = run(capsys, "publish", path, "--out", place / "out", "--again")
    assert expected_again == code
