"""Finds the Chinese of a sentence that a node or a library said in English.

Libraries say what is wrong in English, once, for programs and logs. A sentence is known by its
whole English form in the tables of `clients.cli.chinese`; names and numbers are carried over as
they are. What is not known is not translated, never by half: only what another program said or a
person gave (after a colon, in quotation marks) is quoted as it came. Nothing decides by these
texts. The tables are read when one is needed.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

__all__ = ["filled", "in_chinese", "sentence_tables"]

_PLACE = re.compile(r"\{(\d*)\}")
# No name: three words in a row; what begins as sentences do, or is nothing but words.
_WORDS = re.compile(r"\b[A-Za-z][a-z']+ [a-z']+ [a-z']+\b")
_PROSE = re.compile(r"(?:The|An?|Its?|This|That|No|Not) |[\w-]+(?: [a-z]{2,})+$")
_CODE = re.compile(r"([A-Z][A-Z0-9]*(?:[-_][A-Z0-9]+)*): (.+)", re.DOTALL)
_BREACH = re.compile(r"(T[0-9]{2}) (\S+) \((.*?)\): (.+)", re.DOTALL)
_FIELD = re.compile(r"([\w.\[\]/-]+)(?: \('(.*?)'\))?: (.+)", re.DOTALL)
_MAY_NOT = re.compile(
    r"(?:This may not follow what counts|Statement (\d+) may not follow statement (\d+)): (.+)",
    re.DOTALL,
)
_END = re.compile(r"(?<=[.?]) (?=\S)")
_ROLES: Mapping[str, str] = {
    "root": "根（root）",
    "targets": "目标（targets）",
    "snapshot": "快照（snapshot）",
    "timestamp": "时间戳（timestamp）",
    "metadata": "元数据",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """A sentence with places.

    Attributes:
        pieces: Its text between the places.
        zh: The same in Chinese.
    """

    pieces: tuple[str, ...]
    zh: str

    @property
    def quoted(self) -> Sequence[bool]:
        """Whether each place holds what somebody else said or gave: after a colon or a quote."""
        return [piece.endswith((": ", "(", "'")) for piece in self.pieces[:-1]]

    def values(self, text: str) -> Sequence[str] | None:
        """Return what stands in the places of a text, ``None`` if it is another sentence."""
        if not (text.startswith(self.pieces[0]) and text.endswith(self.pieces[-1])):
            return None
        found = re.fullmatch("(.+?)".join(map(re.escape, self.pieces)), text, re.DOTALL)
        return None if found is None else found.groups()


def sentence_tables() -> Mapping[str, Mapping[str, str]]:
    """Return every table by its subject, in the order in which they are looked through."""
    from clients.cli.chinese import (
        approvals,
        books,
        ceremony,
        certificates,
        checking,
        disputes,
        engine,
        evidence,
        filing,
        node,
        overlaps,
        payments,
        personal,
        phones,
        policy,
        proofs,
        recognition,
        registers,
        registry,
        rules,
        settling,
        supervision,
        trust,
        usage,
        values,
    )

    found = (
        values,
        rules,
        certificates,
        checking,
        recognition,
        registers,
        registry,
        settling,
        filing,
        policy,
        approvals,
        payments,
        disputes,
        engine,
        overlaps,
        supervision,
        personal,
        node,
        phones,
        books,
        ceremony,
        trust,
        proofs,
        evidence,
        usage,
    )
    return {module.__name__.rpartition(".")[2]: module.ZH for module in found}


def in_chinese(text: str) -> str | None:
    """Return one sentence or several in Chinese, ``None`` if any of it is not known.

    Args:
        text: As it was said, whole.
    """
    for way in _WAYS:
        found = way(text)
        if found is not None:
            return found
    return None


def filled(zh: str, values: Sequence[str]) -> str:
    """Return a text with its places filled: those with a number by it, the others in order."""
    rest = iter([each for i, each in enumerate(values) if f"{{{i}}}" not in zh])
    return _PLACE.sub(lambda at: values[int(at[1])] if at[1] else next(rest), zh)


def _plain(text: str) -> str | None:
    """Return a sentence that stands in a table as it is."""
    return _sentences().get(text)


def _formed(text: str) -> str | None:
    """Return a sentence with names or numbers in it."""
    for form in _forms():
        values = form.values(text)
        if values is None:
            continue
        said = [in_chinese(each) for each in values]
        if any(
            zh is None and not is_quoted and _is_prose(each)
            for zh, is_quoted, each in zip(said, form.quoted, values, strict=True)
        ):
            continue
        return filled(form.zh, [zh or each for each, zh in zip(values, said, strict=True)])
    return None


def _is_prose(text: str) -> bool:
    """Return whether a text is words of English rather than a name or a number."""
    return _PROSE.match(text) is not None or _WORDS.search(text) is not None


def _coded(text: str) -> str | None:
    """Return a sentence behind the code of a rule or a reason."""
    match = _CODE.fullmatch(text)
    said = None if match is None else in_chinese(match[2])
    return None if match is None or said is None else f"{match[1]}：{said}"


def _of_role(text: str) -> str | None:
    """Return a sentence that begins with the role of a file of metadata."""
    role, _, rest = text.partition(": ")
    said = in_chinese(rest) if role in _ROLES else None
    return None if said is None else f"{_ROLES[role]}：{said}"


def _succession(text: str) -> str | None:
    """Return a sentence that lists breaches of the rules of succession."""
    match = _MAY_NOT.fullmatch(text)
    if match is None:
        return None
    said = [_breach(each) for each in re.split(r"; (?=T[0-9]{2} )", match[3])]
    opening = f"第 {match[1]} 版声明不得接续第 {match[2]} 版" if match[1] else "不得接续现行声明"
    known = [each for each in said if each is not None]
    return f"{opening}：{'；'.join(known)}" if len(known) == len(said) else None


def _breach(text: str) -> str | None:
    """Return one breach, by the rule's own words."""
    match = _BREACH.fullmatch(text)
    if match is None:
        return None
    from deltacare.trust.succession import RULES

    rule, where, value, _ = match.groups()
    return f"{rule} {where}（{value}）：{RULES[rule][0].rstrip('。')}" if rule in RULES else None


def _of_field(text: str) -> str | None:
    """Return what is wrong with a field that is named before it, with its value."""
    match = _FIELD.fullmatch(text)
    said = None if match is None else in_chinese(match[3])
    if match is None or said is None:
        return None
    return f"{match[1]}“{match[2]}”：{said}" if match[2] else f"{match[1]}：{said}"


def _several(text: str) -> str | None:
    """Return several sentences, if every one of them is known."""
    for end in _END.finditer(text):
        first, rest = text[: end.start()], text[end.end() :]
        said = _plain(first) or _formed(first)
        more = None if said is None else in_chinese(rest)
        if said is not None and more is not None:
            return said + more
    return None


# From the most exact to the most general.
_WAYS: tuple[Callable[[str], str | None], ...] = (
    _plain,
    _succession,
    _breach,
    _coded,
    _of_role,
    _formed,
    _of_field,
    _several,
)


@cache
def _sentences() -> Mapping[str, str]:
    """Return all sentences, read once and only if one is looked for."""
    return dict(_rows())


def _rows() -> Iterator[tuple[str, str]]:
    # What is wrong in files has its Chinese beside it; nodes say the same of fields.
    from settlement.findings import Problem

    for problem in Problem:
        yield problem.en, problem.zh
        yield problem.remedy_en, problem.remedy_zh
    for table in sentence_tables().values():
        yield from table.items()


@cache
def _forms() -> Sequence[_Form]:
    """Return all sentences with places; what says more by itself comes first."""
    found = [
        _Form(pieces=tuple(en.split("{}")), zh=zh) for en, zh in _sentences().items() if "{}" in en
    ]
    return sorted(found, key=lambda form: -sum(map(len, form.pieces)))
