"""Targets for texts that people carry by hand: policies and verifier keys."""

import base64
import hashlib
from collections.abc import Iterator

from deltacare.keys import Algorithm, VerifierKey
from deltacare.sm2 import Sm2Use, Sm2VerifierKey
from deltacare.tlog.policy import Policy, Sm2Policy
from fuzz.inputs import Input, attempt, edits, expect
from fuzz.notes import LOG_KEY, OTHER_KEY, POLICY, WITNESS_KEYS

__all__ = ["policy", "policy_seeds", "vkey", "vkey_seeds"]

_W1, _W2, _W3 = (key.to_text() for key in WITNESS_KEYS)
_GROUPS = f"""# comment
witness a {_W1}
\twitness b  {_W2} https://example.com
witness c {_W3}
group g any a b
group h all g c
quorum h"""
_POLICIES = tuple(
    text.encode()
    for text in (
        POLICY.to_text(),
        f"log {LOG_KEY.to_text()}\nquorum none\n",
        _GROUPS,
        f"witness a {_W1}\nquorum a\nlog {OTHER_KEY.to_text()} https://example.com/log\n",
        f"witness a {_W1}\nwitness b {_W2}\ngroup g 2 a b\nquorum g\nwitness c {_W3}\n",
    )
)
# The base point of SM2's curve: a key whose private half is one.
_BASE_POINT = bytes.fromhex(
    "0432c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7"
    "bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0"
)
_SM2_KEYS = tuple(
    Sm2VerifierKey(name="deltacare/310000/registry", use=use, public_key=_BASE_POINT)
    for use in Sm2Use
)
_VKEYS = (
    *(key.to_text().encode() for key in (LOG_KEY, OTHER_KEY, *WITNESS_KEYS)),
    *(key.to_text().encode() for key in _SM2_KEYS),
)


def policy(data: bytes) -> bool:
    """Read a policy: it means the same written again, and its quorum is that of the text."""
    source = Input(data)
    cosigners = [key for key in WITNESS_KEYS if source.below(2)]
    raw = (
        edits(source.choose(_POLICIES), source, others=_POLICIES)
        if source.below(2)
        else source.rest()
    )
    attempt(lambda: Sm2Policy.from_bytes(raw))
    read = attempt(lambda: Policy.from_bytes(raw))
    if read is None:
        return False
    again = Policy.from_bytes(read.to_text().encode())
    expect(again == read, "a policy means the same written again")
    keys = [key.public_key for key in read.witnesses.values()]
    expect(len(set(keys)) == len(keys), "a witness's key stands there once")
    expected = _is_met(raw.decode(), {key.to_text() for key in cosigners})
    expect(read.is_met(cosigners) == expected, "a quorum is what the text says")
    return True


def _is_met(text: str, cosigned: set[str]) -> bool:
    """Say from the text alone, from the quorum down, whether some vkeys suffice."""
    rows = [line.replace("\t", " ").split(" ") for line in text.split("\n")]
    words = [[word for word in row if word] for row in rows]
    lines = [row for row in words if row and not row[0].startswith("#")]

    def holds(name: str) -> bool:
        for row in lines:
            if row[0] == "witness" and row[1] == name:
                return row[2] in cosigned
            if row[0] == "group" and row[1] == name:
                votes = sum(holds(member) for member in row[3:])
                needed = {"any": 1, "all": len(row) - 3}.get(row[2]) or int(row[2])
                return votes >= needed
        return False

    (quorum,) = [row[1] for row in lines if row[0] == "quorum"]
    return quorum == "none" or holds(quorum)


def policy_seeds() -> Iterator[bytes]:
    """Yield valid policies with each set of cosigners."""
    for i, raw in enumerate(_POLICIES):
        for signed in range(8):
            bits = bytes(signed >> n & 1 for n in range(3))
            yield bits + b"\x01" + bytes((i,))
            yield bits + b"\x00" + raw


def vkey(data: bytes) -> bool:
    """Read a verifier key: one spelling, and an id that is the hash of what it says."""
    source = Input(data)
    raw = edits(source.choose(_VKEYS), source, others=_VKEYS) if source.below(2) else source.rest()
    text = raw.decode("utf-8", "replace")
    first = attempt(lambda: VerifierKey.from_text(text))
    second = attempt(lambda: Sm2VerifierKey.from_text(text))
    expect(first is None or second is None, "a key is of one suite")
    key = first or second
    if key is None:
        return False
    expect(key.to_text() == text, "a key has one spelling")
    name, key_id, encoded = text.split("+", 2)
    material = base64.b64decode(encoded)
    digest = hashlib.sha256(name.encode() + b"\n" + material).digest()
    expect(digest[:4].hex() == key_id, "an id is the hash of the key")
    expect(material.endswith(key.public_key), "a key is what the text holds")
    if first is not None:
        expect(material[0] in list(Algorithm), "a type is known")
        y = int.from_bytes(first.public_key, "little") % 2**255
        expect(1 < y < 2**255 - 20, "a weak key is refused")
    return True


def vkey_seeds() -> Iterator[bytes]:
    """Yield valid keys as they are and as the base of edits."""
    for i, raw in enumerate(_VKEYS):
        yield b"\x00" + raw
        yield bytes((1, i))
