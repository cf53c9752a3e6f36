"""What is said of nights: which wait and for what, and whose turn it is to propose."""

from clients.cli.nights import agreed_turn, waiting_lines
from clients.language import using_language
from deltacare.v1.clearing_service_pb2 import (
    PAIR_NIGHT_STATE_AGREED,
    PAIR_NIGHT_STATE_WAITING,
    PairNight,
)

A, B, C = "310000", "320000", "330000"


def night(day: str, lower: str, higher: str, *, waiting_for: str = "") -> PairNight:
    """Return a night that is agreed, or waits for something."""
    state = PAIR_NIGHT_STATE_WAITING if waiting_for else PAIR_NIGHT_STATE_AGREED
    return PairNight(
        business_date=day, lower=lower, higher=higher, state=state, waiting_for=waiting_for
    )


def test_the_last_date_on_which_all_agree() -> None:
    """A date on which one pair waits is not it; the turn goes round by date."""
    nights = [night("2026-11-02", *pair) for pair in ((A, B), (A, C), (B, C))]
    nights += [night("2026-11-03", *pair) for pair in ((A, B), (A, C))]
    nights.append(night("2026-11-03", B, C, waiting_for="DUE"))
    found = agreed_turn(nights)
    assert found is not None
    assert "2026-11-02" == found[0]
    nights[-1] = night("2026-11-03", B, C)
    following = agreed_turn(nights)
    assert following is not None
    assert ("2026-11-03", (A, B, C)[((A, B, C).index(found[1]) + 1) % 3]) == following
    assert agreed_turn([night("2026-11-02", A, B, waiting_for="DUE")]) is None


def test_what_waits_is_said_in_words() -> None:
    """Codes are told in the language of the run; one that is not known is shown as it is."""
    log = "deltacare/310000/settlement/320000"
    nights = [
        night("2026-11-02", A, B),
        night("2026-11-03", A, B, waiting_for=f"CLOSE_MISSING {log}"),
        night("2026-11-03", A, C, waiting_for="NEW_CODE x"),
    ]
    assert [
        f"2026-11-03 310000-320000  not closed: {log}",
        "2026-11-03 310000-330000  NEW_CODE x",
    ] == waiting_lines(nights)
    with using_language("zh"):
        assert f"2026-11-03 310000-320000  未日切：{log}" == waiting_lines(nights)[0]
