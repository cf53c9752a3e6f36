"""What waits to be dealt with: nothing that could show a lie is pushed out by something else."""

import asyncio
from typing import cast

from deltacare.ids import LogName
from server.log.links import Inbox
from server.log.mirror import Mirror, Outcome
from server.log.offers import Offer
from tests.support.federation import PROVINCES
from tests.support.nodes import until

SHANGHAI, JIANGSU, ZHEJIANG, _ = PROVINCES
LOG = LogName.registry(SHANGHAI)


class _Taken:
    """Stands where the mirror stands, and keeps what reaches it."""

    def __init__(self) -> None:
        self.notes: list[bytes] = []

    async def take(self, offer: Offer) -> Outcome:
        """Keep an offer."""
        self.notes.append(offer.note)
        return Outcome.HELD


async def dealt_with(*offers: Offer) -> list[bytes]:
    """Return the notes that are dealt with when offers wait together, in order."""
    taken = _Taken()
    inbox = Inbox(cast("Mirror", taken), [LOG])
    for offer in offers:
        inbox.put(offer)
    running = asyncio.create_task(inbox.run(LOG))
    await until(lambda: taken.notes and not inbox._waiting[LOG], what="all is dealt with")
    running.cancel()
    return taken.notes


def offer(text: str, size: int, *, lines: int = 1, asks: bool = False, by: str = SHANGHAI) -> Offer:
    """Return an offer of a text with so many signatures."""
    signatures = "".join(f"\N{EM DASH} k{n} AAAA\n" for n in range(lines))
    note = f"{text}\n\n{signatures}".encode()
    return Offer(log=LOG, size=size, note=note, is_asked=asks, province=by)


async def test_a_lie_does_not_hide_behind_the_truth() -> None:
    """Two texts of one size, shown by one member, are both looked at, in whatever order."""
    lie, truth = offer("lie", 1), offer("truth", 1)
    assert await dealt_with(lie, truth) == [lie.note, truth.note]
    assert await dealt_with(truth, lie) == [lie.note, truth.note]
    asking = offer("truth", 1, asks=True)
    assert await dealt_with(asking, lie) == [lie.note, asking.note]
    cosigned = offer("truth", 1, lines=3)
    assert await dealt_with(lie, cosigned) == [lie.note, cosigned.note]


async def test_the_same_text_is_looked_at_once() -> None:
    """With the newest signatures; but one that asks is not replaced by one that does not."""
    bare, cosigned = offer("truth", 2), offer("truth", 2, lines=2)
    assert await dealt_with(bare, cosigned) == [cosigned.note]
    asking = offer("truth", 2, asks=True, lines=3)
    assert await dealt_with(asking, cosigned) == [asking.note]


async def test_what_was_signed_since_is_not_lost_behind_what_asks() -> None:
    """The quorum's note overtakes the author's question, and is still one that asks."""
    asking, cosigned = offer("truth", 2, asks=True), offer("truth", 2, lines=3)
    larger = offer("later", 3)
    assert await dealt_with(asking, cosigned, larger) == [cosigned.note, larger.note]
    inbox = Inbox(cast("Mirror", _Taken()), [LOG])
    inbox.put(asking)
    inbox.put(cosigned)
    (waiting,) = inbox._waiting[LOG].values()
    assert (cosigned.note, True) == (waiting.note, waiting.is_asked)


async def test_plain_heads_are_overtaken() -> None:
    """A larger one covers them; what asks or is cosigned is kept, smallest first."""
    asks, cosigned, newest = offer("a", 2, asks=True), offer("b", 3, lines=2), offer("c", 9)
    plain = [offer("p", size) for size in (1, 4, 8)]
    assert await dealt_with(*plain, newest, cosigned, asks) == [
        asks.note,
        cosigned.note,
        newest.note,
    ]


async def test_a_flood_pushes_out_only_its_own() -> None:
    """What a partner says of a log survives its author's flood of that log."""
    word = offer("another history", 1, lines=2, by=JIANGSU)
    flood = [offer(f"text {n}", 5 + n, asks=True) for n in range(200)]
    notes = await dealt_with(word, *flood)
    assert notes[0] == word.note
    assert notes[-1] == flood[-1].note
    assert len(notes) == 65
