"""What is held and why, what overlaps, and the key by which that is found: reads, and one verb.

A hold can be ended once what it was placed for has gone; that is worked out when it is asked, from
the records and claims as they are then, and it is not ended before. A hold that a person placed for
a reason of their own goes when they say so, or with the record.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, and_, or_, select, tuple_

from deltacare.errors import ViolationCollector
from deltacare.ids import LogName, parse_province
from deltacare.overlap import overlap_key_id
from deltacare.trust import Trust
from deltacare.v1.entry_pb2 import Entry, Hold, HoldClass, OverlapKey
from deltacare.v1.settlement_service_pb2 import (
    ListHoldsRequest,
    ListHoldsResponse,
    ListOverlapsRequest,
    ListOverlapsResponse,
    OverlapSettlement,
    PublishOverlapKeyRequest,
    PublishOverlapKeyResponse,
    StandingHold,
    StandingOverlap,
)
from deltacare.v1.types_pb2 import EntryRef
from server.edge.call import Call
from server.log.ports import AppendedRun, LogTx, Sequencer, Write
from server.registry.fields import read_page_size
from server.registry.paging import next_token, read_token
from server.registry.store import chunks
from server.settlement import overlap_tables as tables
from server.settlement import rules
from server.settlement import tables as rows
from server.settlement.overlap_fields import overlap_key_faults
from server.settlement.overlap_keys import OverlapKeys
from server.settlement.overlap_look import Looked, OverlapLook, Person
from server.settlement.overlaps import BY_HOMES, BY_HOSTS, beyond, held_numbers
from server.settlement.requests import appended, check_partner, read_write
from server.settlement.reworked import require_worked
from server.store.database import Database

__all__ = ["Holding", "StillNeeded"]

StillNeeded = Callable[[Connection, str, Collection[str]], Collection[str]]
"""Of settlements with a host that are held under one class, those for which the cause stands."""

Number = tuple[str, str]
"""Host and number of a settlement."""


class Holding:
    """Holds and overlaps of one province.

    Args:
        province: The own one.
        trust: Members.
        database: This node's.
        sequencer: Appends the key.
        look: Reads what overlaps are found by.
        keys: The own keys.
        needed: For each other class of holds, what tells whether its cause stands.
    """

    def __init__(
        self,
        *,
        province: str,
        trust: Trust,
        database: Database,
        sequencer: Sequencer,
        look: OverlapLook,
        keys: OverlapKeys,
        needed: Mapping[HoldClass.ValueType, StillNeeded],
    ) -> None:
        self._province = province
        self._trust = trust
        self._database = database
        self._sequencer = sequencer
        self._look = look
        self._keys = keys
        self._needed = needed

    # --- The key ----------------------------------------------------------------------------------

    async def publish_overlap_key(
        self, request: PublishOverlapKeyRequest, call: Call
    ) -> PublishOverlapKeyResponse:
        """Make a key for overlaps, unless one is there that was never stated, and state it."""
        bad = ViolationCollector()
        request_id = read_write(request, call, bad, duty=request.duty)
        bad.raise_if_any()
        stated = await self._database.read(self._stated_keys)
        public_key = await self._keys.next(stated)
        body = OverlapKey(
            key_id=overlap_key_id(public_key), public_key=public_key, from_year=request.from_year
        )
        for fault in overlap_key_faults(body):
            bad.add(fault)
        bad.raise_if_any()

        def decide(_tx: LogTx) -> list[tuple[LogName, list[Entry]]]:
            duty = request.duty
            entry = Entry(maker=duty.maker, reviewer=duty.reviewer, overlap_key=body)
            return [(LogName.registry(self._province), [entry])]

        def answer(_tx: LogTx, runs: Sequence[AppendedRun]) -> PublishOverlapKeyResponse:
            return PublishOverlapKeyResponse(appended=appended(runs[0]), key=body)

        data = await self._sequencer.submit(
            Write(
                caller=call.caller,
                method=call.method,
                request_id=request_id,
                content=request.SerializeToString(deterministic=True),
                decide=decide,
                answer=answer,
            )
        )
        return PublishOverlapKeyResponse.FromString(data)

    def _stated_keys(self, connection: Connection) -> list[bytes]:
        keys = tables.key.c
        query = select(keys.public_key).where(keys.author == self._province)
        return [bytes(each) for each in connection.execute(query).scalars()]

    # --- Holds ------------------------------------------------------------------------------------

    def still_overlapping(
        self, connection: Connection, partner: str, numbers: Collection[str]
    ) -> frozenset[str]:
        """Return those of some settlements with a host whose days are beyond a month now.

        Args:
            connection: A snapshot, or inside a transaction.
            partner: The host.
            numbers: Of the settlements.
        """
        looked = self._looked(connection, partner, numbers)
        found = {each.settlement_no for each, _ in beyond(looked) if each.host == partner}
        return frozenset(found.intersection(numbers))

    def _looked(self, connection: Connection, partner: str, numbers: Collection[str]) -> Looked:
        """Return what is known of the persons whom some settlements are for."""
        records, refs, elders = rows.record.c, rows.pseudonym.c, tables.elder.c
        persons: set[Person] = set()
        for some in chunks(sorted(numbers)):
            query = (
                select(elders.person_key, records.service_month)
                .join(rows.pseudonym, refs.elder_mac == elders.elder_mac)
                .join(rows.record, records.beneficiary_ref == refs.beneficiary_ref)
                .where(
                    records.author == self._province,
                    records.home == self._province,
                    records.partner == partner,
                    records.settlement_no.in_(some),
                )
                .distinct()
            )
            persons.update((bytes(key), month) for key, month in connection.execute(query))
        return self._look.look(connection, persons)

    def _standing(
        self, connection: Connection, partner: str, numbers: Collection[str]
    ) -> frozenset[str]:
        """Return the settlements that the own province, as home, has an open record of."""
        records, reversals = rows.record.c, rows.reversal.c
        found: set[str] = set()
        for some in chunks(sorted(numbers)):
            withdrawn = select(reversals.settlement_no).where(
                reversals.author == self._province,
                reversals.partner == partner,
                reversals.home == self._province,
                reversals.settlement_no.in_(some),
            )
            query = select(records.settlement_no).where(
                records.author == self._province,
                records.partner == partner,
                records.home == self._province,
                records.settlement_no.in_(some),
                records.void_rule.is_(None),
                records.replaced_idx.is_(None),
                records.closed_date.is_(None),
                records.settlement_no.not_in(withdrawn),
            )
            found.update(connection.execute(query).scalars())
        return frozenset(found)

    async def list_holds(self, request: ListHoldsRequest, _call: Call) -> ListHoldsResponse:
        """Return a page of holds of a pair, both sides'."""
        bad = ViolationCollector()
        check_partner(request.partner, self._province, self._trust, bad)
        size = read_page_size(request.page_size, bad)
        question = f"holds\x1f{request.partner}\x1f{int(request.with_ended)}".encode()
        after = read_token(request.page_token, question, bad)
        bad.raise_if_any()

        def read(connection: Connection) -> tuple[Sequence[Row[Any]], frozenset[int]]:
            holds = rows.hold.c
            pair = (self._province, request.partner)
            query = select(rows.hold).where(holds.author.in_(pair), holds.partner.in_(pair))
            if not request.with_ended:
                query = query.where(holds.end_idx.is_(None))
            if after:
                author, _, index = after.partition(".")
                query = query.where(
                    or_(
                        holds.author > author,
                        and_(holds.author == author, holds.idx > int(index)),
                    )
                )
            ordered = query.order_by(holds.author, holds.idx).limit(size + 1)
            found = connection.execute(ordered).all()
            return found, self._endable(connection, request.partner, found[:size])

        found, endable = await self._database.read(read)
        token = ""
        if len(found) > size:
            last = found[size - 1]
            token = next_token(question, f"{last.author}.{last.idx}")
        return ListHoldsResponse(
            holds=[
                _standing_hold(row, can_end=row.author == self._province and row.idx in endable)
                for row in found[:size]
            ],
            next_page_token=token,
        )

    def _endable(
        self, connection: Connection, partner: str, found: Sequence[Row[Any]]
    ) -> frozenset[int]:
        """Return the places of own standing holds whose cause has gone."""
        own = [row for row in found if row.author == self._province and row.end_idx is None]
        if not own:
            return frozenset()
        # Of a record that is cleared, withdrawn or void there is nothing left to hold.
        open_numbers = self._standing(connection, partner, {row.settlement_no for row in own})
        stands = self.still_overlapping(
            connection,
            partner,
            {row.settlement_no for row in own if row.reason in (BY_HOSTS, BY_HOMES)},
        )
        needed = {
            hold_class: set(
                still(
                    connection,
                    partner,
                    {row.settlement_no for row in own if row.hold_class == hold_class},
                )
            )
            for hold_class, still in self._needed.items()
        }
        endable: set[int] = set()
        for row in own:
            if row.settlement_no not in open_numbers:
                endable.add(row.idx)
            elif row.reason in (BY_HOSTS, BY_HOMES):
                if row.settlement_no not in stands:
                    endable.add(row.idx)
            elif row.hold_class in needed and row.settlement_no not in needed[row.hold_class]:
                endable.add(row.idx)
        return frozenset(endable)

    # --- Overlaps ---------------------------------------------------------------------------------

    async def list_overlaps(
        self, request: ListOverlapsRequest, _call: Call
    ) -> ListOverlapsResponse:
        """Return a page of overlaps as the last close found them."""
        bad = ViolationCollector()
        other_home = bad.take(parse_province, request.other_home, field="other_home") or ""
        if other_home and other_home != self._province:
            check_partner(other_home, self._province, self._trust, bad, field="other_home")
        size = read_page_size(request.page_size, bad)
        question = f"overlaps\x1f{request.other_home}".encode()
        after = read_token(request.page_token, question, bad)
        bad.raise_if_any()

        def read(connection: Connection) -> tuple[list[StandingOverlap], str]:
            require_worked(connection, self._province)
            table = tables.overlap.c
            query = select(tables.overlap).where(table.other_home == other_home)
            if after:
                month, person, group = after.split(" ")
                place = (table.service_month, table.person_key, table.exclusivity_group)
                query = query.where(tuple_(*place) > tuple_(month, bytes.fromhex(person), group))
            ordered = query.order_by(table.service_month, table.person_key, table.exclusivity_group)
            found = connection.execute(ordered.limit(size + 1)).all()
            token = ""
            if len(found) > size:
                last = found[size - 1]
                place_text = (last.service_month, last.person_key.hex(), last.exclusivity_group)
                token = next_token(question, " ".join(place_text))
            return self._overlaps(connection, found[:size]), token

        overlaps, token = await self._database.read(read)
        return ListOverlapsResponse(overlaps=overlaps, next_page_token=token)

    def _overlaps(self, connection: Connection, found: Sequence[Row[Any]]) -> list[StandingOverlap]:
        """Return overlaps with the settlements that count towards them."""
        persons = {(bytes(row.person_key), row.service_month) for row in found}
        looked = self._look.look(connection, persons)
        held = held_numbers(
            connection,
            self._province,
            {
                (each.host, each.settlement_no)
                for services in looked.services.values()
                for each in services
            },
        )
        answers = []
        for row in found:
            cell = (bytes(row.person_key), row.service_month, row.exclusivity_group)
            by_host: dict[str, set[str]] = {}
            settlements: dict[Number, OverlapSettlement] = {}
            for each in looked.services.get(cell, ()):
                by_host.setdefault(each.host, set()).add(each.beneficiary_ref)
                key = (each.host, each.settlement_no)
                settlements[key] = OverlapSettlement(
                    host=each.host,
                    settlement_no=each.settlement_no,
                    service_days=each.days,
                    held=key in held,
                    closed_date=each.closed_date or "",
                )
            answers.append(
                StandingOverlap(
                    beneficiary_refs=[
                        ref for _, refs in sorted(by_host.items()) for ref in sorted(refs)
                    ],
                    service_month=row.service_month,
                    exclusivity_group=row.exclusivity_group,
                    own_days=row.own_days,
                    other_days=row.other_days,
                    settlements=[settlements[key] for key in sorted(settlements)],
                    noticed_date=row.noticed_date,
                )
            )
        return answers


def _standing_hold(row: Row[Any], *, can_end: bool) -> StandingHold:
    return StandingHold(
        hold=Hold(
            settlement_no=row.settlement_no,
            home=row.author,
            host=row.partner,
            hold_class=row.hold_class,
            reason=row.reason,
        ),
        entry=EntryRef(log=str(LogName.settlement(row.author, row.partner)), index=row.idx),
        from_date=row.filed_date,
        ended_date="" if row.end_filed_date is None else rules.day_after(row.end_filed_date),
        can_end=can_end,
    )
