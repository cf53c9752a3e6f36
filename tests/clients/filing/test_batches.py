"""Batches of a file: who they go to, how large, under which ids, and whose row a fault is."""

from clients.filing.batches import BATCH_MAX, Outcome, batches_of
from clients.filing.ids import content_id
from deltacare.v1.settlement_service_pb2 import FieldFault, FileRecordsResponse
from deltacare.v1.types_pb2 import Appended
from settlement.records import SettlementRow

OWN = "310000"


def rows(count: int, *, home: str = OWN, host: str = "320000") -> list[SettlementRow]:
    """Return so many rows between two provinces."""
    return [
        SettlementRow(
            row=index + 2,
            settlement_no=f"S{index}",
            home=home,
            host=host,
            beneficiary_ref=f"{index:032x}",
            institution=f"{host}-1",
            subsidy_kind="CARE_BED",
            service_month="2026-10",
            service_days=10,
            amount_fen=100 + index,
            caregiver_cert_no="",
        )
        for index in range(count)
    ]


def test_partner_is_the_other_province_and_batches_are_bounded() -> None:
    """Rows go to the other province's batches, whichever side the own one is."""
    filed = [*rows(BATCH_MAX + 1), *rows(3, home="330000", host=OWN)]
    batches = batches_of(filed, own=OWN, maker="m", reviewer="r")
    assert [("320000", BATCH_MAX), ("320000", 1), ("330000", 3)] == [
        (batch.partner, len(batch.records)) for batch in batches
    ]


def test_ids_come_from_content_and_place() -> None:
    """The same file gives the same ids again; content, place and people make other ones."""

    def ids(filed: list[SettlementRow], maker: str = "m") -> list[str]:
        made = batches_of(filed, own=OWN, maker=maker, reviewer="r")
        return [batch.request_id for batch in made]

    once = ids(rows(BATCH_MAX * 2))
    assert once == ids(rows(BATCH_MAX * 2))
    assert len(once) == len(set(once))
    assert once[0] != ids(rows(1))[0]
    assert once != ids(rows(BATCH_MAX * 2), maker="n")


def test_fault_names_the_row_of_the_file() -> None:
    """A violation of the third record of a batch is shown at the row that the clerk sees."""
    (batch,) = batches_of(rows(5), own=OWN, maker="m", reviewer="r")
    fault = FieldFault(field="records[2].amount_fen", description="too large")
    outcome = Outcome(
        batch=batch,
        response=FileRecordsResponse(refusal_reason="INVALID_FIELD", faults=[fault]),
    )
    assert [(4, "amount_fen", fault)] == list(outcome.faults())
    assert 0 == outcome.filed_count


def test_ids_from_one_of_the_callers_own() -> None:
    """Under a chosen id only the place counts, so that other content meets the id again."""

    def ids(filed: list[SettlementRow], once: str) -> list[str]:
        made = batches_of(filed, own=OWN, maker="m", reviewer="r", once=once)
        return [batch.request_id for batch in made]

    two = ids(rows(BATCH_MAX * 2), "one")
    assert two[:1] == ids(rows(3, home="330000", host=OWN), "one")
    assert 2 == len(set(two))
    assert not set(two) & set(ids(rows(BATCH_MAX * 2), "two"))


def test_first_answers_are_told_from_repeated_ones() -> None:
    """What stands before the end that the log had is not new."""
    (batch,) = batches_of(rows(2), own=OWN, maker="m", reviewer="r")
    response = FileRecordsResponse(appended=Appended(log="l", first_index=5, entry_count=2))
    outcome = Outcome(batch=batch, response=response)
    assert [False, False, True] == [
        outcome.is_repeated(sizes) for sizes in ({}, {"l": 5}, {"l": 7})
    ]


def test_revisions_name_what_they_replace() -> None:
    """Only the rows that replace something carry an index, 0 among them."""
    (batch,) = batches_of(rows(2), own=OWN, maker="m", reviewer="r", replaces={2: 0})
    assert [True, False] == [each.HasField("replaces_index") for each in batch.records]


def test_content_ids_are_version_8_uuids() -> None:
    """RFC 9562: version 8 and its variant; parts do not run into each other."""
    made = content_id(b"ab", b"c")
    assert "8" == made[14]
    assert made[19] in "89ab"
    assert made != content_id(b"a", b"bc")
