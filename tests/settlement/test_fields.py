"""The forms of a record's fields: the fast judgement and the list of problems say the same."""

import random

from settlement.fields import record_is_sound, record_problems

GOOD = {
    "settlement_no": "S1",
    "beneficiary_ref": "0" * 32,
    "institution": "320000-1",
    "subsidy_kind": "CARE_BED",
    "service_month": "2026-10",
    "caregiver_cert_no": "",
}
ODD = ("", " ", "a b", "x" * 65, "310000-1", "320000-1", "0" * 31, "A" * 32, "2026-13", "a\x1fb")


def test_both_judgements_agree() -> None:
    """Over many mixtures of good and odd fields a record is sound if nothing is found."""
    seed = 20261122
    draw = random.Random(seed)
    verdicts = set()
    for _ in range(2_000):
        texts = {
            name: draw.choice(ODD) if draw.random() < 0.1 else value for name, value in GOOD.items()
        }
        days, fen = draw.choice((0, 1, 31, 1_000, 1_001)), draw.choice((-1, 0, 1, 10**12))
        sound = record_is_sound(
            "320000",
            texts["settlement_no"],
            texts["beneficiary_ref"],
            texts["institution"],
            texts["subsidy_kind"],
            texts["service_month"],
            days,
            fen,
            texts["caregiver_cert_no"],
        )
        found = list(record_problems("320000", texts, service_days=days, amount_fen=fen))
        assert sound == (not found), (seed, texts, days, fen)
        verdicts.add(sound)
    assert {True, False} == verdicts


def test_what_may_be_personal_is_not_repeated() -> None:
    """Only the field is named."""
    texts = {**GOOD, "beneficiary_ref": "SAMPLE-PERSON"}
    ((name, value, _),) = record_problems("320000", texts, service_days=1, amount_fen=1)
    assert ("beneficiary_ref", "") == (name, value)
