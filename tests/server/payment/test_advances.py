"""Advances: within terms, paid like a statement, drawn by statements."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from deltacare.errors import Refusal
from deltacare.ids import LogName
from deltacare.v1 import entry_pb2 as epb
from deltacare.v1 import payment_service_pb2 as ppb
from server.payment import store, tables
from server.payment.advances import PaidAdvances
from server.settlement.drawdowns import ReceivedAdvance
from server.settlement.statements import Reach
from tests.server.payment.world import PAYEE, PAYER, THIRD, World
from tests.support.signing import APPROVERS


async def listed(world: World, province: str = PAYEE) -> list[tuple[str, int, int, int]]:
    """Return id, received, drawn and limit of advances as a node has them, a page for each."""
    found: list[ppb.StandingAdvance] = []
    token = ""
    while True:
        page = await world.services[province].list_advances(
            ppb.ListAdvancesRequest(page_size=1, page_token=token), world.call(province)
        )
        found += page.advances
        token = page.next_page_token
        if not token:
            break
    return [
        (each.advance.advance_id, each.received_fen, each.drawn_fen, each.terms.limit_fen)
        for each in found
    ]


async def received(world: World, province: str) -> list[ReceivedAdvance]:
    """Return what statements may draw at a node."""
    reader = world.nodes[province].logs.reader

    def permits(author: str) -> int:
        return reader.position(LogName.registry(author)).quorum_size

    return list(
        await world.nodes[province].database.read(lambda c: PaidAdvances().received(c, permits))
    )


async def test_an_advance_from_terms_to_drawn(tmp_path: Path) -> None:
    """Granted, paid under the id of its hash, received, drawn by a statement that binds."""
    async with World.open(tmp_path) as world:
        await world.terms(500_000)
        advance = await world.grant(f"{PAYER}-A1", 300_000)
        assert [(f"{PAYER}-A1", 0, 0, 500_000)] == await listed(world)
        assert f"DUE {PAYER} ORDER" == await world.state(PAYEE)
        await world.order(world.orders([await world.payment()]))
        await world.report(PAYER, ("B", 300_000, "a"))
        assert [] == await received(world, PAYEE), "the payer's bank alone is no receipt"
        await world.report(PAYEE, ("B", 300_000, "a"))
        assert "PAID  " == await world.state(THIRD)
        (found,) = await received(world, THIRD)
        assert (PAYER, PAYEE, advance, 300_000) == (
            found.payer,
            found.payee,
            found.advance_hash,
            found.received_fen,
        )
        drawdown = epb.Drawdown(payer=PAYER, payee=PAYEE, amount_fen=200_000, advance_hash=advance)
        await world.bind(f"{PAYEE}-S1", 250_000, drawdowns=[drawdown])
        assert [(f"{PAYER}-A1", 300_000, 200_000, 500_000)] == await listed(world, THIRD)
        (due,) = await world.payments(states=[ppb.PAYMENT_STATE_DUE])
        assert 50_000 == due.amount_fen, "what is drawn is not paid again"


async def test_what_went_back_is_not_drawn(tmp_path: Path) -> None:
    """A return takes from what was received at once; a surplus adds nothing."""
    async with World.open(tmp_path) as world:
        await world.terms(500_000)
        await world.grant(f"{PAYER}-A1", 300_000)
        await world.order(world.orders([await world.payment()]))
        await world.report(PAYEE, ("B", 300_000, "a"), ("B", 300_000, "b"))
        assert [300_000] == [each.received_fen for each in await received(world, THIRD)]
        unseen = await world.nodes[THIRD].database.read(
            lambda c: PaidAdvances().received(c, lambda each: 0 if each == PAYEE else 2**62)
        )
        assert [] == unseen, "a receipt waits for its quorum"
        await world.report(PAYEE, ("R", 400_000, "c"))
        assert [200_000] == [each.received_fen for each in await received(world, THIRD)]
        await world.report(PAYEE, ("R", 200_000, "d"))
        assert [] == await received(world, THIRD)


async def test_a_grant_that_is_sent_again_succeeds(tmp_path: Path) -> None:
    """The same advance is answered with its place, whatever the terms are by now."""
    async with World.open(tmp_path) as world:
        await world.terms(500_000)
        first = await world.grant(f"{PAYER}-A1", 300_000)
        await world.terms(1)
        assert first == await world.grant(f"{PAYER}-A1", 300_000)
        assert [(f"{PAYER}-A1", 0, 0, 1)] == await listed(world)
        for changes in ({"amount_fen": 1}, {"payee": THIRD}):
            with pytest.raises(Refusal, match="Z05"):
                await world.grant(f"{PAYER}-A1", 300_000, **changes)


async def test_terms_are_listed_before_anything_is_granted(tmp_path: Path) -> None:
    """The last word on each payee, once, on the first page; others' by their province."""
    async with World.open(tmp_path) as world:
        await world.terms(500_000)
        await world.terms(400_000, floor_fen=100_000)
        await world.terms(300, payee=THIRD)
        await world.settled()

        async def stated(
            province: str, of: str = "", token: str = ""
        ) -> list[tuple[str, str, int]]:
            page = await world.services[province].list_advances(
                ppb.ListAdvancesRequest(province=of, page_size=1, page_token=token),
                world.call(province),
            )
            if page.next_page_token:
                assert [] == await stated(province, of, page.next_page_token)
            return [(each.payer, each.terms.payee, each.terms.limit_fen) for each in page.terms]

        both = [(PAYER, PAYEE, 400_000), (PAYER, THIRD, 300)]
        assert both == await stated(PAYEE)
        assert both == await stated(PAYER, PAYER)
        assert both[1:] == await stated(PAYEE, THIRD)
        await world.grant(f"{PAYER}-A1", 1)
        await world.grant(f"{PAYER}-A2", 1)
        await world.settled()
        assert both == await stated(PAYEE)


async def test_the_limit_holds(tmp_path: Path) -> None:
    """Granted less drawn never exceeds the last terms; without terms nothing is granted."""
    async with World.open(tmp_path) as world:
        with pytest.raises(Refusal, match="Z06"):
            await world.grant(f"{PAYER}-A1", 100)
        await world.terms(500_000, from_date="2026-12-01")
        with pytest.raises(Refusal, match="Z06"):
            await world.grant(f"{PAYER}-A1", 100)
        await world.terms(500_000)
        with pytest.raises(Refusal, match="Z07"):
            await world.grant(f"{PAYER}-A1", 500_001)
        advance = await world.grant(f"{PAYER}-A1", 300_000)
        with pytest.raises(Refusal, match="Z05"):
            await world.grant(f"{PAYER}-A1", 1)
        with pytest.raises(Refusal, match="Z26"):
            await world.grant(f"{PAYER}-A2", 200_001)
        await world.grant(f"{PAYER}-A3", 200_000)
        # What a binding statement draws makes room; what a proposed one would draw does not.
        drawdown = epb.Drawdown(payer=PAYER, payee=PAYEE, amount_fen=100_000, advance_hash=advance)
        await world.state_statement(f"{PAYEE}-S1", 100_000, drawdowns=[drawdown])
        await world.settled()
        with pytest.raises(Refusal, match="Z26"):
            await world.grant(f"{PAYER}-A4", 1)
        await world.bind(f"{PAYEE}-S2", 100_000, drawdowns=[drawdown])
        await world.grant(f"{PAYER}-A5", 100_000)
        await world.terms(1)
        with pytest.raises(Refusal, match="Z07"):
            await world.grant(f"{PAYER}-A6", 2)


async def test_advances_are_signed_and_ones_own(tmp_path: Path) -> None:
    """The signatures are over this advance; its number is the author's; nobody pays itself."""
    async with World.open(tmp_path) as world:
        await world.terms(500_000)
        with pytest.raises(Refusal, match="A12"):
            await world.grant(f"{PAYER}-A1", 100, amount_fen=101)
        with pytest.raises(Refusal, match="Z04"):
            await world.grant(f"{PAYEE}-A1", 100)
        with pytest.raises(Refusal, match="Z03"):
            await world.terms(500_000, payee=PAYER)
        with pytest.raises(Refusal, match="no member"):
            await world.terms(500_000, payee="340000")
        with pytest.raises(Refusal, match="floor_fen"):
            await world.terms(5, floor_fen=6)


async def test_void_advances_are_void_everywhere(tmp_path: Path) -> None:
    """What its author's own log does not bear is no advance anywhere, and pays nothing."""
    async with World.open(tmp_path) as world:
        who = {"maker": APPROVERS.maker, "reviewer": APPROVERS.reviewer}
        body = epb.Advance(advance_id=f"{PAYER}-A1", payee=PAYEE, amount_fen=100)
        await world.append(PAYER, epb.Entry(**who, advance=body))
        terms = epb.AdvanceTerms(payee=PAYEE, limit_fen=500, from_date="2026-01-01")
        await world.append(PAYER, epb.Entry(**who, advance_terms=terms))
        await world.append(PAYER, epb.Entry(**who, advance=body))
        await world.settled()
        for province in (PAYER, PAYEE):
            assert ["Z06-NO-TERMS", "A05-TWO-SIGNATURES"] == await world.voids(province)
            assert [] == await listed(world, province)
            assert [] == await world.payments(province)


async def test_a_partner_waits_for_the_quorum(tmp_path: Path) -> None:
    """What only its author and a mirror have seen is no advance at a partner, but is at home."""
    async with World.open(tmp_path) as world:
        await world.terms(500_000)
        await world.grant(f"{PAYER}-A1", 300_000)
        log = LogName.registry(PAYER)
        position = replace(world.nodes[PAYEE].logs.reader.position(log), quorum_size=0)

        def reach(own: str) -> Reach:
            return Reach(
                own=own, positions={log: position}, opening_date=world.nodes.trust.opening_date
            )

        for own, expected in ((PAYEE, []), (PAYER, [f"{PAYER}-A1"])):
            found = await world.nodes[PAYEE].database.read(
                lambda c, own=own: [each.basis_id for each in store.bases(c, reach(own))]  # type: ignore[misc]  # bound now
            )
            assert expected == found
            page = await world.nodes[PAYEE].database.read(
                lambda c, own=own: store.advances_page(  # type: ignore[misc]  # bound now
                    c, reach(own), province="", after=None, limit=10
                )
            )
            assert expected == [each.advance.advance_id for each in page]


async def test_a_rebuild_brings_the_same(tmp_path: Path) -> None:
    """Rows of a log are deleted and made anew from it, to the last byte."""
    async with World.open(tmp_path) as world:
        await world.terms(500_000)
        await world.grant(f"{PAYER}-A1", 300_000)
        await world.order(world.orders([await world.payment()]))
        await world.report(PAYER, ("B", 300_000, "a"))

        def rows(connection: Connection) -> list[tuple[object, ...]]:
            found = []
            for table in (tables.terms, tables.advance, tables.order, tables.report):
                found += [tuple(row) for row in connection.execute(select(table))]
            return found

        node = world.nodes[PAYEE]
        before = await node.database.read(rows)
        assert 4 == len(before)
        await node.logs.rebuild(LogName.registry(PAYER))
        assert before == await node.database.read(rows)
