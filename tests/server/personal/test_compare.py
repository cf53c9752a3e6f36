"""Tests of comparing identity numbers: here, at a partner, and how often somebody may guess."""

import asyncio
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import cast

import pytest
from sqlalchemy import Connection, insert

from deltacare.errors import DeltacareError, Reason, Refusal, Unavailable
from deltacare.v1.personal_service_pb2 import CompareIdentityRequest, CompareIdentityResponse
from server.personal.compare import WRONG_COMPARISONS_PER_DAY_MAX, Comparer, Guesses
from server.personal.ports import CertificateBook
from server.personal.tables import erasures
from server.personal.vault import Vault
from server.store.database import Database
from tests.server.personal.test_vault import OWN, Tx
from tests.support.persons import NAME, NUMBER, OTHER_NUMBER, identity_number
from tests.support.ports import ManualClock, SeededEntropy

CERTIFICATE, SECOND, UNLINKED, ERASED = ISSUED = tuple(f"{OWN}-C{n}" for n in range(1, 5))
PARTNER = "310000"


class Peers:
    """The vault of a partner: answers, refuses, or never answers."""

    def __init__(self, *, said: bool | DeltacareError | None) -> None:
        self.said = said
        self.asked: list[tuple[str, CompareIdentityRequest]] = []

    async def compare_identity(
        self, issuer: str, request: CompareIdentityRequest
    ) -> CompareIdentityResponse:
        """Do as told."""
        self.asked.append((issuer, request))
        if isinstance(self.said, DeltacareError):
            raise self.said
        if self.said is None:
            await asyncio.Event().wait()
        return CompareIdentityResponse(same=bool(self.said))


class Issued:
    """The certificates of a log, as the comparer asks for them."""

    def places(
        self, _connection: Connection, author: str, certificate_nos: Collection[str]
    ) -> Mapping[str, int]:
        """Return those that were issued."""
        return {n: 0 for n in certificate_nos if author == OWN and n in ISSUED}


def comparer(database: Database, clock: ManualClock, peers: Peers | None = None) -> Comparer:
    """Return a comparer over a vault that holds one person with two certificates, of four issued.

    Of the third nothing is kept, and the holder of the fourth was erased.
    """
    vault = Vault(OWN, b"v" * 32, SeededEntropy())

    def keep(connection: Connection) -> None:
        vault.put(Tx(connection, []), "p-1", NAME, NUMBER.lower(), [CERTIFICATE, SECOND])
        connection.execute(
            insert(erasures).values(
                author=OWN, certificate_no=ERASED, log_index=9, reason="REQUESTED"
            )
        )

    database.write_now(keep)
    return Comparer(
        own=OWN,
        database=database,
        vault=vault,
        book=cast("CertificateBook", Issued()),
        peers=peers or Peers(said=None),
        clock=clock,
        timeout_s=0.05,
    )


async def test_own_certificates_are_compared_here(database: Database) -> None:
    """The number decides, in either case of its last letter; what is not kept is not the same."""
    compare = comparer(database, ManualClock())
    assert await compare.same(CERTIFICATE, OWN, NUMBER) is True
    assert await compare.same(CERTIFICATE, OWN, OTHER_NUMBER) is False
    assert await compare.same(SECOND, OWN, NUMBER) is True
    for number in (UNLINKED, ERASED, f"{OWN}-C9"):
        assert await compare.same(number, OWN, NUMBER) is False


@pytest.mark.parametrize(
    "said, expected",
    [
        (True, True),
        (False, False),
        (None, None),
        (Unavailable(Reason.PEER_UNREACHABLE, "gone"), None),
        (Refusal(Reason.RATE_LIMITED, "too many"), None),
    ],
)
async def test_a_partners_certificate_is_compared_there(
    database: Database, *, said: bool | DeltacareError | None, expected: bool | None
) -> None:
    """The issuer is asked; if it does not answer, or refuses, the number could not be compared."""
    peers = Peers(said=said)
    compare = comparer(database, ManualClock(), peers)
    assert await compare.same(f"{PARTNER}-C1", PARTNER, NUMBER) is expected
    request = CompareIdentityRequest(certificate_no=f"{PARTNER}-C1", identity_number=NUMBER)
    assert [(PARTNER, request)] == peers.asked


async def test_a_number_cannot_be_guessed(
    database: Database, quiet: list[dict[str, object]]
) -> None:
    """After so many wrong ones nothing is compared for a day, and no error or line has a number."""
    clock = ManualClock()
    compare = comparer(database, clock)
    guesses = [identity_number(n) for n in range(10, 10 + WRONG_COMPARISONS_PER_DAY_MAX)]
    for _ in range(3):  # right ones do not count
        assert await compare.same_here(CERTIFICATE, NUMBER, caller=PARTNER)
    # All at once, so that none is let through before another is counted.
    at_once = (compare.same_here(CERTIFICATE, each, caller=PARTNER) for each in guesses)
    assert [False] * len(guesses) == await asyncio.gather(*at_once)
    for number in (NUMBER, OTHER_NUMBER):
        with pytest.raises(Refusal) as caught:
            await compare.same_here(CERTIFICATE, number, caller=PARTNER)
        assert Reason.RATE_LIMITED is caught.value.reason
        assert number not in repr((caught.value.message, caught.value.details))
    # Another certificate of the person gives no more guesses; another caller has its own.
    with pytest.raises(Refusal):
        await compare.same_here(SECOND, NUMBER, caller=PARTNER)
    assert await compare.same_here(CERTIFICATE, NUMBER, caller="330000")
    assert not await compare.same_here(UNLINKED, NUMBER, caller=PARTNER)
    assert await compare.same(CERTIFICATE, OWN, NUMBER) is True
    clock.advance(timedelta(days=1))
    assert await compare.same_here(CERTIFICATE, NUMBER, caller=PARTNER)
    assert not any(NUMBER in str(line) for line in quiet)


async def test_a_malformed_number_is_refused_without_repeating_it(database: Database) -> None:
    """It counts as no guess, and stands in no violation."""
    compare = comparer(database, ManualClock())
    wrong = NUMBER[:-1] + ("0" if NUMBER[-1] != "0" else "1")
    with pytest.raises(Refusal) as caught:
        await compare.same_here(CERTIFICATE, wrong, caller=PARTNER)
    assert wrong not in str(caught.value) + str(caught.value.violations)


async def test_certificates_that_do_not_exist_take_no_room(database: Database) -> None:
    """Nobody's number is guessed by them, so they are never refused; those that exist are, alike.

    Of one that exists nobody learns whether a number is kept of its holder: it is refused as well.
    """
    compare = comparer(database, ManualClock())
    for number in (f"{OWN}-C9", ERASED):
        for _ in range(WRONG_COMPARISONS_PER_DAY_MAX + 1):
            assert not await compare.same_here(number, NUMBER, caller=PARTNER)
    for _ in range(WRONG_COMPARISONS_PER_DAY_MAX):
        assert not await compare.same_here(UNLINKED, NUMBER, caller=PARTNER)
    with pytest.raises(Refusal):
        await compare.same_here(UNLINKED, NUMBER, caller=PARTNER)
    assert await compare.same_here(CERTIFICATE, NUMBER, caller=PARTNER)


def test_one_caller_takes_no_room_from_another() -> None:
    """Whoever fills its own table with wrong guesses is refused new ones; others are not."""
    clock = ManualClock()
    guesses = Guesses(persons_max=3)
    for number in range(3):
        guesses.begin("330000", f"p-{number}", clock.now())
    with pytest.raises(Refusal):
        guesses.begin("330000", "p-3", clock.now())
    guesses.begin(PARTNER, "p-3", clock.now())


def test_guesses_are_bounded() -> None:
    """Full of persons, a new one is not let through; after their day they make room."""
    clock = ManualClock()
    guesses = Guesses(per_day_max=1, persons_max=2)
    guesses.begin(PARTNER, "a", clock.now())
    guesses.begin(PARTNER, "b", clock.now())
    with pytest.raises(Refusal):
        guesses.begin(PARTNER, "c", clock.now())
    clock.advance(timedelta(days=1))
    guesses.begin(PARTNER, "c", clock.now())()
    guesses.begin(PARTNER, "c", clock.now())
