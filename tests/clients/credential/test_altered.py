"""Files and texts altered in every place: what did not count never counts afterwards.

Some places, drawn from a seed, in the ordinary tests; every place in the slow ones.
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from deltacare.credential.bundle import OfflineBundle
from deltacare.credential.offline import check_offline
from deltacare.errors import PeerFault
from tests.clients.credential.conftest import HOST, ISSUER, Gate
from tests.support.federation import make_keys
from tests.support.rooms import certificate_body

SEED = 20_261_122
PLACES_AT_ONCE = 60
LATER = f"{ISSUER}-C2"
# Of a phone form and around it: base64url, what parts it, and what looks like nothing.
CHARACTERS = (
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~=+/ \n\0\u200b\u0410"
)

ALTERATIONS: dict[str, Callable[[bytes, int, random.Random], bytes]] = {
    "bit": lambda data, at, chance: _with(data, at, data[at] ^ 1 << chance.randrange(8)),
    "byte": lambda data, at, _: _with(data, at, data[at] ^ 0xFF),
    "cut": lambda data, at, _: data[:at],
    "left out": lambda data, at, _: data[:at] + data[at + 1 :],
    "twice": lambda data, at, _: data[:at] + data[at : at + 1] + data[at:],
}


def _with(data: bytes, at: int, byte: int) -> bytes:
    return data[:at] + bytes((byte,)) + data[at + 1 :]


async def revoked_bundles(gate: Gate) -> list[tuple[str, bytes]]:
    """Return phone forms with bundles that say REVOKED: by the list, and beside a list."""
    phones = gate.phones
    by_list = (gate.whole, gate.revoked.read_bytes())
    await phones.rooms.issue(ISSUER, certificate_body(LATER))
    await phones.rooms.spread(ISSUER)
    text = await phones.issue(LATER)
    phones.rooms.nodes.clock.advance(timedelta(seconds=61))
    await phones.bundle(HOST)  # the list that is kept
    await phones.rooms.revoke(ISSUER, LATER, "2026-01-01")
    await phones.rooms.spread(ISSUER)
    beside = (text, await phones.bundle(HOST))
    for each in (by_list, beside):
        assert "REVOKED" == phones.check(*each).verdict
    assert LATER in {each.certificate_no for each in phones.trusted(beside[1]).content.numbers}
    return [by_list, beside]


def verdict(gate: Gate, text: str, data: bytes) -> str:
    """Return what a gate says; nothing but a peer's fault may come of any bytes."""
    try:
        return gate.phones.check(text, data).verdict
    except PeerFault:
        return "FAULT"


async def alter(gate: Gate, places: Callable[[bytes], Iterable[int]]) -> None:
    """Alter bundles in places."""
    chance = random.Random(SEED)
    for text, data in await revoked_bundles(gate):
        for at in places(data):
            for name, altered in ALTERATIONS.items():
                found = verdict(gate, text, altered(data, at, chance))
                assert "VALID" != found, (name, at)


async def test_bundle_in_some_places(gate_of_nodes: Gate) -> None:
    """In places drawn from a seed, at both ends, and wherever it speaks of one certificate."""
    chance = random.Random(SEED)

    def places(data: bytes) -> list[int]:
        size, first = len(data), data.index(b'"numbers":')
        spoken = range(first, data.index(b"]", first))
        return [0, size - 1, *spoken, *chance.sample(range(size), PLACES_AT_ONCE)]

    await alter(gate_of_nodes, places)


@pytest.mark.long
async def test_bundle_in_every_place(gate_of_nodes: Gate) -> None:
    """In every byte."""
    await alter(gate_of_nodes, lambda data: range(len(data)))


async def test_content_that_its_own_node_signed_badly(gate: Gate) -> None:
    """An issuer that is no province is a fault of the bundle, whoever signed it."""
    bundle = OfflineBundle.from_bytes(gate.bundle.read_bytes())
    content = bundle.content
    for name in ("keys", "lists", "classes"):
        for issuer in ("", "x", "3200000", "320000\n"):
            rows = tuple(replace(each, issuer=issuer) for each in getattr(content, name))
            data = OfflineBundle.signed(
                replace(content, **{name: rows}),  # type: ignore[arg-type]  # a field of these rows
                make_keys(HOST).verdicts,
                tokens=bundle.tokens,
                receipts=bundle.receipts,
            ).to_bytes()
            assert "FAULT" == verdict(gate, gate.whole, data), (name, issuer)


def judged(gate: Gate, choose: Callable[[str], Iterable[str]]) -> set[str]:
    """Alter a valid phone form in every place, and return the verdicts."""
    bundle = gate.phones.trusted(gate.bundle.read_bytes())
    now = gate.phones.now
    assert "VALID" == check_offline(gate.whole, bundle, now=now).verdict
    found = set()
    for at, before in enumerate(gate.whole):
        for other in choose(before):
            text = gate.whole[:at] + other + gate.whole[at + 1 :]
            found.add(said := check_offline(text, bundle, now=now).verdict)
            assert "VALID" != said, (at, before, other)
    return found


async def test_phone_form_with_some_characters(gate: Gate) -> None:
    """Every character of it left out or exchanged for one drawn from a seed."""
    chance = random.Random(SEED)
    found = judged(gate, lambda before: ["", chance.choice(CHARACTERS.replace(before, ""))])
    assert {"BAD_SIGNATURE"} == found


@pytest.mark.long
async def test_phone_form_with_every_character(gate: Gate) -> None:
    """Every character of it exchanged for every other."""
    found = judged(gate, lambda before: CHARACTERS.replace(before, ""))
    assert {"BAD_SIGNATURE"} == found
