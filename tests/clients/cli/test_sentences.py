"""Every sentence that the code says to a person has its Chinese: collected from the code itself.

A sentence that is added or reworded anywhere, and not in the tables of `clients.cli.chinese`, fails
here, by the file and line that say it.
"""

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from clients.cli.faults import told
from clients.cli.sentences import filled, in_chinese, sentence_tables
from clients.language import using_language
from server.certification import lifecycle
from server.dispute import rules as dispute_rules
from server.payment import rules as payment_rules
from server.personal import rules as personal_rules
from server.policy import rules as policy_rules
from server.registry import rules as registry_rules
from server.registry.rulebook import Rule
from server.review import rules as review_rules
from server.settlement import rules as settlement_rules
from server.supervision import rules as supervision_rules
from settlement.findings import Problem

ROOT = Path(__file__).parents[3]
SAYING = ("proto/python/deltacare", "server", "settlement", "clients")

# What makes an error or a finding: each text given to one of these is said to somebody.
RAISING = frozenset(
    {
        *("Refusal", "PeerFault", "Unavailable", "DeltacareError", "FieldViolation"),
        *("invalid_field", "note", "bad", "_bad", "_fault", "fault", "wrong", "malformed"),
        *("refusal", "_refused", "_no_proposal", "_too_often", "_not_binding", "_no_card"),
    }
)
IN_BOTH = frozenset({"both", "tr"})

UNREAD = {
    "server/http/": "answers to readers and witnesses over HTTP, programs all of them",
    "server/log/public.py": "answers over HTTP",
    "server/log/submissions.py": "answers to logs that ask for a witness (C2SP tlog-witness)",
    "server/log/floor.py": "answers to logs that ask for a witness (C2SP tlog-witness)",
    "proto/python/deltacare/tlog/submission.py": "what logs send to a witness",
    "clients/demo/": "a demonstration that fails shows a fault of the program, not of its user",
    "proto/python/deltacare/errors.py": "a count of faults, each of which is shown by itself",
}
"""Files whose sentences no person reads who uses the command line, and why."""

COMMENTS = frozenset({"_LIMIT_NOTES"})
"""Tables of comments that are written into settings, not said."""

BUILT = {
    "This may not follow what counts: ": "T01 version (7): The version rises by one.",
    "{} of {} certificates are refused; first: {} ({})": None,  # each is shown by itself
}
"""Sentences that end in a list: with one for it, or nothing if a person is not shown them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One text in the code: where, what, and whether its Chinese stands beside it."""

    place: str
    text: str
    is_paired: bool
    calls: tuple[str, ...]


def form(node: ast.AST) -> str | None:
    """Return a text as it stands in the code, with ``{}`` where it is filled in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if not isinstance(node, ast.JoinedStr):
        return None
    parts = [p.value if isinstance(p, ast.Constant) else "{}" for p in node.values]
    return "".join(map(str, parts))


def is_chinese(text: str) -> bool:
    """Return whether a text has a Chinese character."""
    return any("\u4e00" <= character <= "\u9fff" for character in text)


def holds_chinese(node: ast.AST) -> bool:
    """Return whether a part of the code holds a Chinese text."""
    return any(is_chinese(form(each) or "") for each in ast.walk(node))


def name_of(call: ast.Call) -> str:
    """Return what a call calls, without what stands before the last dot."""
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def texts_of(path: Path) -> Iterator[Said]:
    """Yield every text of a file that is no docstring, no part of another, and not asserted."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    above = {below: node for node in ast.walk(tree) for below in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        text = form(node)
        if text is None or isinstance(above[node], ast.Expr | ast.JoinedStr | ast.FormattedValue):
            continue
        calls: list[str] = []
        is_paired = False
        depth = 0
        at: ast.AST = node
        while at in above and not isinstance(at, ast.stmt):
            below, at = at, above[at]
            if isinstance(at, ast.Call) and below is not at.func:
                calls.append(name_of(at))
            if isinstance(at, ast.Call | ast.Tuple):
                beside = (each for each in ast.iter_child_nodes(at) if each is not below)
                is_paired |= depth < 2 and any(map(holds_chinese, beside))
                depth += 1
        match at:
            case ast.Assert():
                continue
            case (
                ast.Assign(targets=[ast.Name(id=name) | ast.Attribute(attr=name)])
                | ast.AnnAssign(target=ast.Name(id=name))
            ):
                if name in COMMENTS:
                    continue
                is_paired |= name.lower().rpartition("_")[2] == "en"  # its zh stands before it
        place = f"{path.relative_to(ROOT)}:{node.lineno}"  # type: ignore[attr-defined]  # an expression
        yield Said(place=place, text=text, is_paired=is_paired, calls=tuple(calls))


@cache
def texts() -> tuple[Said, ...]:
    """Return every text of the code, the tables of Chinese left out."""
    return tuple(
        said
        for folder in SAYING
        for path in sorted((ROOT / folder).rglob("*.py"))
        if "chinese" not in path.parts and not path.stem.endswith(("_pb2", "_pb2_grpc"))
        for said in texts_of(path)
    )


def is_sentence(said: Said) -> bool:
    """Return whether a text is a sentence in English, or is given to what makes an error."""
    text = said.text
    if " " not in text or is_chinese(text) or IN_BOTH & set(said.calls):
        return False
    if not any(map(str.isalpha, text)):
        return False
    if said.calls[:1] and said.calls[0] in RAISING:
        return True
    return text[0] in "{ABCDEFGHIJKLMNOPQRSTUVWXYZ" and text.rstrip()[-1] in ".?:"


def spelled(text: str) -> str:
    """Return a sentence with a name in each of its places."""
    for number in range(text.count("{}")):
        text = text.replace("{}", f"⟨{number}⟩", 1)
    return text


def is_known(text: str) -> bool:
    """Return whether a sentence stands in a table itself, not only in the form of a wider one."""
    if in_chinese(spelled(text)) is None:
        return False
    table = {en for table in sentence_tables().values() for en in table}
    table |= {en for problem in Problem for en in (problem.en, problem.remedy_en)}
    return text in table or text.startswith(tuple(BUILT))


def test_every_sentence_has_its_chinese() -> None:
    """Whatever is refused anywhere is known in Chinese, or has its Chinese beside it."""
    missing = []
    for said in filter(is_sentence, texts()):
        if said.is_paired or said.place.startswith(tuple(UNREAD)):
            continue
        text = said.text
        if text in BUILT:
            if BUILT[text] is None:
                continue
            text += BUILT[text] or ""
        if not is_known(text):
            missing.append(f"{said.place}: {said.text}")
    assert [] == missing


def test_the_collection_sees_what_is_said() -> None:
    """Texts of every kind are found: of calls, variables, conditions; pairs are told apart."""
    found = {said.text: said for said in texts() if is_sentence(said)}
    for text in (
        "It is not 12 digits.",
        "Write it as 2026-11-22T08:00:00Z.",  # a variable
        "Two keys have this id.",  # one of two
        "The entries of {} do not have the root that was signed.",
    ):
        assert not found[text].is_paired
    assert found["The number was issued before."].is_paired
    assert found["The node does not run."].is_paired
    assert 500 < len(found)


def test_what_is_not_read_is_still_there() -> None:
    """Every file that is left out says something, and every reason is given."""
    sentences = [said.place for said in texts() if is_sentence(said)]
    for prefix, why in UNREAD.items():
        assert why
        assert any(place.startswith(prefix) for place in sentences), prefix


ENTRIES = [
    pytest.param(en, zh, id=f"{subject}-{number}")
    for subject, table in sentence_tables().items()
    for number, (en, zh) in enumerate(table.items())
]


@pytest.mark.parametrize("en, zh", ENTRIES)
def test_a_sentence_carries_what_it_names(en: str, zh: str) -> None:
    """Every name and number of the English stands in the Chinese too, which is Chinese."""
    names = [f"⟨{number}⟩" for number in range(en.count("{}"))]
    found = in_chinese(spelled(en))
    assert filled(zh, names) == found
    assert [] == [name for name in names if name not in found]
    if en[-1] == ".":
        assert "。" == zh[-1]


def test_every_sentence_is_still_said() -> None:
    """A sentence that was reworded where it is said would silently be English again."""
    spoken = {said.text for said in texts()}
    spoken |= {text.replace("evidence file", "{}", 1) for text in spoken}
    assert [] == [
        en
        for subject, table in sentence_tables().items()
        for en in table
        if subject != "usage"  # click says these
        and en not in spoken
        and en.replace("evidence file", "{}", 1) not in spoken
    ]


def test_no_sentence_stands_twice() -> None:
    """One sentence has one Chinese."""
    count = Counter(en for table in sentence_tables().values() for en in table)
    assert {} == {en: number for en, number in count.items() if number > 1}


@pytest.mark.parametrize(
    "module, more_than",
    [
        (registry_rules, 10),
        (lifecycle, 10),
        (settlement_rules, 10),
        (supervision_rules, 10),
        (personal_rules, 4),
        (dispute_rules, 10),
        (review_rules, 4),
        (payment_rules, 10),
        (policy_rules, 2),
    ],
)
def test_rules_in_their_own_chinese(module: object, more_than: int) -> None:
    """A rule in a list of faults says what it says where it refuses a whole call."""
    rules = [each for each in vars(module).values() if isinstance(each, Rule)]
    assert more_than < len(rules)
    for rule in rules:
        said = rule.zh.rstrip("。").replace(",", "，")
        assert f"{rule.code}：{said}。" == in_chinese(f"{rule.code}: {rule.en}"), rule.code


def test_what_nodes_say_of_fields_as_of_files() -> None:
    """Problems of files, which nodes use too, are told by their own Chinese."""
    for problem in Problem:
        assert None is not in_chinese(problem.en)
        assert None is not in_chinese(problem.remedy_en)


@pytest.mark.parametrize(
    "text, wanted",
    [
        (
            "This is no such card. office.format: It is not deltacare/office/v1.",
            "这不是所要的卡。office.format：不是 deltacare/office/v1。",
        ),
        (
            "root: It is signed by 1 of the 2 that root 1 demands.",
            "根（root）：第 1 版根要求 2 家签署，现只有 1 家。",
        ),
        (
            "Statement 3 may not follow statement 2: T01 version (3): The version rises by one.",
            "第 3 版声明不得接续第 2 版：T01 version（3）：版本号恰好加一",
        ),
        (
            (
                "This may not follow what counts: T01 version (3): The version rises by one.; "
                "T11 x (1f): A revoked serial number stays revoked."
            ),
            (
                "不得接续现行声明：T01 version（3）：版本号恰好加一；"
                "T11 x（1f）：已吊销的证书序列号不得恢复"
            ),
        ),
        (
            "from_date ('soon'): This is not a date. Write 2026-11-22.",
            "from_date“soon”：不是日期。请写成 2026-11-22。",
        ),
        (
            "The file is not TOML: Expected '=' after a key in a key/value pair.",
            "文件不是 TOML：Expected '=' after a key in a key/value pair。",
        ),
    ],
)
def test_sentences_that_hold_others(text: str, wanted: str) -> None:
    """What is put together of known sentences is known."""
    assert wanted == in_chinese(text)


@pytest.mark.parametrize(
    "text",
    [
        "Nobody foresaw this sentence here.",
        "It is empty. Nobody foresaw this sentence here.",
        "Nobody foresaw that the thing here has expired.",
        "The moon has expired.",
        "It is not 13 digits.",
        "root: Nobody foresaw this sentence here.",
        "S02-WRONG-PAIR: Nobody foresaw this sentence here.",
    ],
)
def test_nothing_is_translated_by_half(text: str) -> None:
    """What is not known whole is shown as it came; in English everything is."""
    assert None is in_chinese(text)
    with using_language("zh"):
        assert text == told(text)
    with using_language("en"):
        assert "It is empty." == told("It is empty.")
