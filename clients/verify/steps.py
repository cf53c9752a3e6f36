"""What a verification did, step by step, so that a reader can follow it and a program can read it.

A step is made once it has succeeded; what fails raises, and the steps before it stand.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from clients.language import tr
from clients.verify.seen import ProvedEntry, SeenCheckpoint
from deltacare.keys import NoteSignature, VerifierKey
from deltacare.sm2 import Sm2VerifierKey
from deltacare.times import format_time
from deltacare.tlog.policy import Tainted

__all__ = [
    "Step",
    "Steps",
    "checkpoint_facts",
    "checkpoint_lines",
    "key_facts",
    "key_words",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step that succeeded.

    Attributes:
        number: From 1.
        title: What was checked, in the language of the run.
        lines: What it relied on.
        facts: The same for a program.
    """

    number: int
    title: str
    lines: tuple[str, ...]
    facts: Mapping[str, Any]

    def plain(self) -> dict[str, Any]:
        """Return the step for JSON."""
        return {"step": self.number, "title": self.title, **self.facts}


@dataclass(slots=True)
class Steps:
    """Gathers the steps of one verification; used once."""

    taken: list[Step] = field(default_factory=list)

    def add(self, zh: str, en: str, *lines: str, **facts: object) -> None:
        """Note a step that succeeded."""
        step = Step(number=len(self.taken) + 1, title=tr(zh, en), lines=lines, facts=facts)
        self.taken.append(step)

    def add_receipt(self, proved: ProvedEntry) -> None:
        """Note the steps of one receipt: who signed, who saw it, that the entry is in it."""
        add_checkpoint(self, proved.seen)
        size = proved.seen.checkpoint.size
        self.add(
            f"条目在树中：第 {proved.index} 条，{proved.proof_hashes} 个哈希的包含证明",
            f"Entry #{proved.index} is in the tree, by a proof of length {proved.proof_hashes}",
            tr(f"叶哈希 {proved.leaf.hex()}", f"leaf hash {proved.leaf.hex()}"),
            *(
                [
                    tr(
                        f"另有 {proved.extra_bytes} 字节无人签署，未采信",
                        f"{proved.extra_bytes} further bytes are signed by nobody: not relied on",
                    )
                ]
                if proved.extra_bytes
                else []
            ),
            index=proved.index,
            size=size,
            leaf=proved.leaf.hex(),
            proof_hashes=proved.proof_hashes,
        )


def add_checkpoint(steps: Steps, seen: SeenCheckpoint) -> None:
    """Note the steps of a checkpoint: the log's signature and the witnesses'."""
    checkpoint = seen.checkpoint
    steps.add(
        f"日志 {checkpoint.origin} 签署了 {checkpoint.size} 条的检查点",
        f"The log {checkpoint.origin} signed a checkpoint over {checkpoint.size} entries",
        *(key_words(key) for key in seen.keys),
        *_survived_words(seen),
        log=checkpoint.origin,
        size=checkpoint.size,
        root=checkpoint.root.hex(),
        keys=[key_facts(key) for key in seen.keys],
        survived=_survived_facts(seen),
    )
    count = len(seen.cosignatures)
    steps.add(
        f"{count} 个见证方联签，{'符合策略' if seen.is_demanded else '策略未要求联签'}",
        f"{count} witnesses cosigned it, "
        + ("as the policy demands" if seen.is_demanded else "the policy demands no cosignature"),
        *(
            f"{key_words(each.key)}{tr('，', ', ')}{format_time(each.time)}"
            for each in seen.cosignatures
        ),
        *_sm2_words(seen),
        *_bad_words(seen),
        *_ignored_words(seen.ignored),
        cosignatures=[
            {**key_facts(each.key), "time": format_time(each.time)} for each in seen.cosignatures
        ],
        sm2=_sm2_facts(seen),
        bad=[_bad_facts(each) for each in seen.bad],
        ignored=[{"name": each.name, "id": each.key_id.hex()} for each in seen.ignored],
        policies=list(seen.policies),
    )


def checkpoint_lines(seen: SeenCheckpoint) -> tuple[str, ...]:
    """Return one line each about a checkpoint and those who saw it."""
    checkpoint = seen.checkpoint
    return (
        tr(
            f"{checkpoint.origin}：{checkpoint.size} 条，",
            f"{checkpoint.origin}: {checkpoint.size} entries, ",
        )
        + ", ".join(key_words(key) for key in seen.keys),
        *(
            "  "
            + tr("联签 ", "cosigned by ")
            + f"{key_words(each.key)}{tr('，', ', ')}{format_time(each.time)}"
            for each in seen.cosignatures
        ),
        *(f"  {line}" for line in (*_survived_words(seen), *_sm2_words(seen), *_bad_words(seen))),
        *(f"  {line}" for line in _ignored_words(seen.ignored)),
    )


def checkpoint_facts(seen: SeenCheckpoint) -> dict[str, Any]:
    """Return a checkpoint and those who saw it for a program."""
    return {
        "log": seen.checkpoint.origin,
        "size": seen.checkpoint.size,
        "root": seen.checkpoint.root.hex(),
        "keys": [key_facts(key) for key in seen.keys],
        "cosignatures": [
            {**key_facts(each.key), "time": format_time(each.time)} for each in seen.cosignatures
        ],
        "sm2": _sm2_facts(seen),
        "survived": _survived_facts(seen),
        "bad": [_bad_facts(each) for each in seen.bad],
    }


def key_words(key: VerifierKey | Sm2VerifierKey) -> str:
    """Return a key by name and id, as people compare them."""
    return tr(f"密钥 {key.name}（{key.key_id.hex()}）", f"key {key.name} ({key.key_id.hex()})")


def key_facts(key: VerifierKey | Sm2VerifierKey) -> dict[str, str]:
    """Return a key by name and id for a program."""
    return {"name": key.name, "id": key.key_id.hex()}


def _sm2_words(seen: SeenCheckpoint) -> list[str]:
    return [
        f"SM2 {line.key.name} ({line.key.key_id.hex()})"
        + ("" if line.time is None else tr("，", ", ") + format_time(line.time))
        for line in seen.sm2
    ]


def _sm2_facts(seen: SeenCheckpoint) -> list[dict[str, str]]:
    return [
        {
            "name": line.key.name,
            "id": line.key.key_id.hex(),
            **({} if line.time is None else {"time": format_time(line.time)}),
        }
        for line in seen.sm2
    ]


def _survived_words(seen: SeenCheckpoint) -> list[str]:
    """Return that a checkpoint rests on a key called bad, and why it counts."""
    if seen.survived is None:
        return []
    key, since = key_words(seen.survived.key), format_time(seen.survived.since)
    early = sum(each.time < seen.survived.since for each in seen.cosignatures)
    return [
        tr(
            f"{key}自 {since} 起失信；此前已有 {early} 个未失信的见证方联签，故仍然有效",
            f"{key} was called bad since {since}; it survives: {early} untainted witnesses had "
            "cosigned it before",
        )
    ]


def _survived_facts(seen: SeenCheckpoint) -> dict[str, str] | None:
    return None if seen.survived is None else _bad_facts(seen.survived)


def _bad_words(seen: SeenCheckpoint) -> list[str]:
    return [
        tr(
            f"未采信：{key_words(each.key)} 的签名，该密钥自 {format_time(each.since)} 起失信",
            f"not relied on: the signature by {key_words(each.key)}, called bad since "
            f"{format_time(each.since)}",
        )
        for each in seen.bad
    ]


def _bad_facts(bad: Tainted[VerifierKey] | Tainted[Sm2VerifierKey]) -> dict[str, str]:
    return {**key_facts(bad.key), "since": format_time(bad.since)}


def _ignored_words(ignored: tuple[NoteSignature, ...]) -> list[str]:
    return [
        tr(
            f"未采信：未知密钥 {each.name}（{each.key_id.hex()}）的签名",
            f"not relied on: a signature by the unknown key {each.name} ({each.key_id.hex()})",
        )
        for each in ignored
    ]
