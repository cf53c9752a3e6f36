"""What is refused with ``--lang zh`` comes out wholly in Chinese at the commands used most."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from clients.cli.main import main
from clients.demo.processes import Nodes
from clients.demo.scenario import PROVINCES
from deltacare.times import business_date
from tests.support.processes import running_nodes

SH = "310000"
SIGNED = ("--maker", "maker-1", "--reviewer", "reviewer-1")
# Words without which no English sentence gets along.
_ENGLISH = re.compile(r"\b(?:the|is|are|was|has|of|an?|not|to|with|that|it)\b", re.IGNORECASE)


def said(*arguments: str) -> tuple[int, str]:
    """Return exit code and all that a command says in Chinese."""
    result = CliRunner().invoke(main, [*arguments, "--lang", "zh"])
    assert "Traceback" not in result.stderr
    return result.exit_code, result.stdout + result.stderr


def assert_chinese(text: str, given: Sequence[object] = ()) -> None:
    """Hold that a text has Chinese and, but for what was given, no English sentence."""
    rest = text
    for each in sorted(map(str, given), key=len, reverse=True):
        rest = rest.replace(each, "")
    assert [] == _ENGLISH.findall(rest), text
    assert any("\u4e00" <= character <= "\u9fff" for character in text)


@pytest.mark.parametrize(
    "arguments, wanted",
    [
        (("log", "show", "x", "y"), "多出参数：y"),
        (("cert", "check", "310000-C1", "one", "two"), "多出参数：one two"),
        (("log", "show", "--foo"), "没有选项 --foo"),
        (("log", "show", "--inde", "3"), "是否指 --index"),
        (("log", "show", "--index"), "选项 '--index' 须带值。"),
        (("log", "show", "--index", "a"), "“a”不是整数。"),
        (("log", "show", "--index", "-1"), "不在 x>=0 的范围内。"),
        (("log", "show", "--forks=1"), "选项 '--forks' 不带值。"),
        (("cert", "show"), "缺少 'CERTIFICATE_NO'"),
        (("cert", "issue", "310000-C1"), "请用 --maker, --reviewer 写明经办人与复核人"),
        (("settle", "nothing"), "没有命令“nothing”"),
        (("federation", "show", "/nowhere"), "路径 '/nowhere' 不存在。"),
        (("settle", "propose", "--lang", "fr"), "不在可用的值之中"),
    ],
)
def test_a_wrong_command_line(arguments: Sequence[str], wanted: str) -> None:
    """What click says of options, arguments and values."""
    result = CliRunner().invoke(main, list(arguments), env={"DELTACARE_LANG": "zh"})
    assert 2 == result.exit_code
    assert wanted in result.stderr
    assert_chinese(result.stderr, arguments)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """Why, too: the words of the operating system are known."""
    proposal = tmp_path / "p.json"
    proposal.write_text("{}", encoding="utf-8")
    office = tmp_path / "office"
    office.mkdir()
    for arguments, wanted in (
        (("federation", "show", str(proposal)), "应为恰含 format"),
        (("federation", "sign", str(proposal), "--office", str(office)), "应为恰含 format"),
        (("federation", "sign", str(tmp_path), "--office", str(office)), "不是普通文件"),
        (("federation", "show", str(office)), "既不是已公布的目录"),
    ):
        code, text = said(*arguments)
        assert 2 == code
        assert_chinese(text, (proposal, office, tmp_path, "federation"))
        assert wanted in text, text


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Start four nodes, and wait until that of Shanghai takes writes."""
    opening = business_date(datetime.now(UTC)) - timedelta(days=1)
    directory = tmp_path_factory.mktemp("nodes")
    with running_nodes(directory, PROVINCES, opening_date=opening) as made:
        yield made


@pytest.mark.long
def test_what_a_node_refuses(nodes: Nodes) -> None:
    """Of fields, by rules, and what nobody may read."""
    profile = ("--as", str(nodes.node_directory(SH) / "clients"))
    issue = (
        *("cert", "issue", "310000-C2026000001", "--scheme", "CAREGIVER_LEVEL"),
        *("--grade", "三级", "--holder", "样例护理员（非真人）", "--from", "2026-01-01"),
    )
    code, text = said(*issue, "--until", "2027-12-31", *SIGNED, *profile)
    assert 0 == code, text
    directory = nodes.node_directory(SH)
    key, out = directory / "clients" / "system.crt", directory / "maker.json"
    signing = ("--key", str(key), "--out", str(out))  # opened only once there is a statement
    for arguments, wanted in (
        (("cert", "check", "bad/no"), "不是证书编号。 → 请写省级代码、连字符和编号，如"),
        ((*issue, "--until", "2028-12-31", *SIGNED), "C03-REISSUED：该证书编号已签发过。"),
        ((*issue, "--until", "2025-12-31", *SIGNED), "截止日早于起始日。"),
        (("institution", "show", "999999-1"), "不是机构编号。 → 请写省级代码"),
        (("institution", "show", "310000-999"), "任何日志中都没有"),
        (("audit", "list"), "无权"),
        (("log", "show", "deltacare/310000/nothing"), "不是日志名称"),
        (("log", "show", "deltacare/320000/settlement/330000"), "无权在本节点读取"),
        (("agreement", "accept", "310000-A2026-1", *SIGNED), "没有协议"),
        (("settle", "approve", "310000-S2026-1", *signing), "任何日志中都没有 statements/"),
    ):
        code, text = said(*arguments, *profile)
        assert code != 0, arguments
        assert wanted in text, text
        who = ("deltacare", "LOG_NOT_ENTITLED", *profile, *arguments)
        assert_chinese(re.sub(r"谁可以：.*", "", text), who)


@pytest.mark.long
def test_a_log_that_was_altered(nodes: Nodes, tmp_path: Path) -> None:
    """An exported log of which a byte was changed is refused in Chinese."""
    profile = ("--as", str(nodes.node_directory(SH) / "clients"))
    name = "deltacare/310000/registry"
    directory = tmp_path / "log"
    code, text = said("log", "export", name, str(directory), *profile)
    assert 0 == code, text
    bundle = next(each for each in directory.glob("tile/entries/**/*") if each.is_file())
    data = bytearray(bundle.read_bytes())
    data[-1] ^= 1
    bundle.write_bytes(data)
    policy = str(directory / "policy.txt")
    code, text = said("log", "verify", str(directory), "--policy", policy)
    assert 1 == code
    assert f"{name} 的条目算出的根与所签的不符" in text
    assert_chinese(text, (directory, policy))
