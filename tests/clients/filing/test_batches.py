"""Batches of a file: who they go to, how large, under which ids, and whose row a fault is."""

from clients.filing.batches import BATCH_MAX, Outcome, batches_of
from clients.filing.ids import content_id
from deltacare.v1.settlement_service_pb2 import FieldFault, FileRecordsResponse
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


def test_content_ids_are_version_8_uuids() -> None:
    """RFC 9562: version 8 and its variant; parts do not run into each other."""
    made = content_id(b"ab", b"c")
    assert "8" == made[14]
    assert made[19] in "89ab"
    assert made != content_id(b"a", b"bc")
