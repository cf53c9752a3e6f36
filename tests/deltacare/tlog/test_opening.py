"""Whether a checkpoint's signature counts: both sides of every edge of windows and taints."""

from datetime import datetime, timedelta

import pytest

from deltacare.errors import PeerFault, Reason, Refusal
from deltacare.ids import LogName
from deltacare.keys import LogSigner, WitnessSigner
from deltacare.tlog.checkpoint import Checkpoint, SignedCheckpoint
from deltacare.tlog.cosignature import cosign
from deltacare.tlog.note import SignedNote, sign_note
from deltacare.tlog.opening import CLOCK_SKEW_S_MAX, OpenedCheckpoint, cosigners, open_checkpoint
from deltacare.trust import Federation
from tests.support.federation import PROVINCES, log_signer, make_keys, make_trust
from tests.support.ports import START_TIME
from tests.support.rotating import (
    later_log_signer,
    later_witness_signer,
    with_key,
    with_taint,
    with_until,
)

SHANGHAI, JIANGSU, ZHEJIANG, ANHUI = PROVINCES
REGISTRY = LogName.registry(SHANGHAI)
SETTLEMENT = LogName.settlement(SHANGHAI, JIANGSU)
CHANGE = START_TIME
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)

FIRST, LATER = log_signer(REGISTRY), later_log_signer(REGISTRY)


def witness(province: str) -> WitnessSigner:
    """Return the first key of a witness."""
    return make_keys(province).witness


def signed(
    *lines: tuple[WitnessSigner, datetime],
    by: tuple[LogSigner, ...] = (FIRST,),
    log: LogName = REGISTRY,
) -> bytes:
    """Return a checkpoint signed by some keys and witnesses."""
    checkpoint = Checkpoint(origin=str(log), size=7, root=b"r" * 32)
    text = checkpoint.to_text()
    rows = [sign_note(text, signer) for signer in by]
    rows += [cosign(checkpoint, signer, time=time) for signer, time in lines]
    return SignedNote(text=text, signatures=tuple(rows)).to_bytes()


def replaced(*, until: datetime = CHANGE) -> Federation:
    """Return a federation in which the registry's first key ends and another begins at once."""
    federation = with_key(make_trust(), LATER, from_time=CHANGE)
    return with_until(federation, FIRST.verifier, until)


def bad(at: datetime) -> Federation:
    """Return a federation in which the registry's first key was called bad."""
    return with_taint(with_key(make_trust(), LATER, from_time=at), FIRST.verifier, at)


def opened(note: bytes, trust: Federation, now: datetime = CHANGE + HOUR) -> OpenedCheckpoint:
    """Return what opening a note gives."""
    return open_checkpoint(note, log=REGISTRY, trust=trust, now=now)


def names(found: OpenedCheckpoint) -> list[str]:
    """Return who cosigned."""
    return [cosignature.key.name.split("/")[1] for cosignature in found.cosignatures]


def refused(note: bytes, trust: Federation, now: datetime = CHANGE + HOUR) -> Reason:
    """Return why a note is not opened."""
    with pytest.raises(PeerFault) as caught:
        opened(note, trust, now)
    return caught.value.reason


def test_a_key_in_force_needs_nobody() -> None:
    """Up to the last instant of its time, and not from the end on."""
    trust = replaced()
    assert opened(signed(), trust, CHANGE - SECOND).keys[0].key == FIRST.verifier
    assert refused(signed(), trust, CHANGE) is Reason.KEY_NOT_IN_FORCE


def test_a_key_that_is_to_come_does_not_count() -> None:
    """From its first instant on, and not before."""
    trust, note = replaced(), signed(by=(LATER,))
    assert refused(note, trust, CHANGE - SECOND) is Reason.KEY_NOT_IN_FORCE
    assert opened(note, trust, CHANGE).keys[0].key == LATER.verifier


def test_two_keys_side_by_side() -> None:
    """While both are in force either counts; a note with both lines names both."""
    trust = replaced(until=CHANGE + HOUR)
    for by in ((FIRST,), (LATER,), (FIRST, LATER)):
        found = opened(signed(by=by), trust, CHANGE + HOUR / 2)
        assert [term.key for term in found.keys] == [signer.verifier for signer in by]
    # Afterwards the second line carries the first.
    assert opened(signed(by=(FIRST, LATER)), trust, CHANGE + 2 * HOUR).checkpoint.size == 7


@pytest.mark.parametrize(
    "times, is_good",
    [
        ((-1, -1), True),
        ((-1,), False),
        ((-1, 0), False),
        ((-1, 1, -3_600), True),
        ((0, 0, 0), False),
    ],
    ids=["quorum in time", "one short", "one too late", "two of three in time", "all too late"],
)
def test_a_key_that_is_over_counts_by_a_quorum_of_its_time(
    times: tuple[int, ...], *, is_good: bool
) -> None:
    """What two partners saw before the end stays good; the end itself is too late."""
    lines = [
        (witness(p), CHANGE + seconds * SECOND)
        for p, seconds in zip((JIANGSU, ZHEJIANG, ANHUI), times, strict=False)
    ]
    note = signed(*lines)
    if is_good:
        assert len(opened(note, replaced()).cosignatures) == len(lines)
    else:
        assert refused(note, replaced()) is Reason.KEY_NOT_IN_FORCE


def test_the_author_s_own_witness_is_in_no_quorum() -> None:
    """It is listed, and counts for nobody."""
    note = signed((witness(SHANGHAI), CHANGE - SECOND), (witness(JIANGSU), CHANGE - SECOND))
    assert refused(note, replaced()) is Reason.KEY_NOT_IN_FORCE
    found = opened(note, make_trust())
    assert names(found) == [SHANGHAI, JIANGSU]
    assert cosigners(found.cosignatures, log=REGISTRY, trust=make_trust()) == {JIANGSU}


def test_a_bad_key_counts_for_what_was_seen_before() -> None:
    """Whatever the present instant: a quorum before the taint, or nothing."""
    trust = bad(CHANGE)
    before = signed((witness(JIANGSU), CHANGE - SECOND), (witness(ANHUI), CHANGE - HOUR))
    at = signed((witness(JIANGSU), CHANGE), (witness(ANHUI), CHANGE - HOUR))
    for now in (CHANGE - SECOND, CHANGE + HOUR, CHANGE + 900 * HOUR):
        assert opened(before, trust, now).checkpoint.size == 7
    assert refused(at, trust) is Reason.KEY_NOT_IN_FORCE
    assert refused(signed(), trust) is Reason.KEY_NOT_IN_FORCE
    # Not even at an instant before: the taint is known now.
    assert refused(signed(), trust, CHANGE - HOUR) is Reason.KEY_NOT_IN_FORCE


def test_a_bad_witness_cannot_date_back() -> None:
    """Its line counts for nothing, whatever time it states: a thief states any."""
    note = signed((witness(JIANGSU), CHANGE - HOUR), (witness(ANHUI), CHANGE - HOUR))
    assert len(opened(note, replaced()).cosignatures) == 2
    trust = with_key(replaced(), later_witness_signer(ANHUI), from_time=CHANGE)
    trust = with_taint(trust, witness(ANHUI).verifier, CHANGE)
    assert refused(note, trust) is Reason.KEY_NOT_IN_FORCE
    found = opened(signed((witness(ANHUI), CHANGE - HOUR)), trust, CHANGE - SECOND)
    assert names(found) == []
    assert found.left_out == ("deltacare/340000/witness",)


def test_a_witness_counts_in_its_own_time_only() -> None:
    """A line that states a time before or after its key's is left out, and named."""
    new = later_witness_signer(ANHUI)
    trust = with_key(make_trust(), new, from_time=CHANGE)
    trust = with_until(trust, witness(ANHUI).verifier, CHANGE)
    cases = [
        (witness(ANHUI), CHANGE - SECOND, True),
        (witness(ANHUI), CHANGE, False),
        (new, CHANGE - SECOND, False),
        (new, CHANGE, True),
    ]
    for signer, time, is_good in cases:
        found = opened(signed((signer, time)), trust)
        assert names(found) == ([ANHUI] if is_good else [])
        assert bool(found.left_out) is not is_good


def test_a_province_with_two_lines_counts_once() -> None:
    """Old and new key of one witness are one partner."""
    new = later_witness_signer(ANHUI)
    trust = with_key(make_trust(), new, from_time=CHANGE - HOUR)
    note = signed((witness(ANHUI), CHANGE), (new, CHANGE))
    found = opened(note, trust)
    assert names(found) == [ANHUI, ANHUI]
    assert cosigners(found.cosignatures, log=REGISTRY, trust=trust) == {ANHUI}


def test_a_time_that_has_not_come() -> None:
    """A partner's clock may be a little ahead, no more."""
    skew = timedelta(seconds=CLOCK_SKEW_S_MAX)
    now = CHANGE
    assert names(opened(signed((witness(ANHUI), now + skew)), make_trust(), now)) == [ANHUI]
    found = opened(signed((witness(ANHUI), now + skew + SECOND)), make_trust(), now)
    assert (names(found), found.left_out) == ([], ("deltacare/340000/witness",))


def test_a_future_quorum_does_not_keep_an_old_key_alive() -> None:
    """Lines that are left out are in no quorum of the key's time either."""
    trust = replaced(until=CHANGE + 10 * HOUR)
    lines = [(witness(p), CHANGE + 9 * HOUR) for p in (JIANGSU, ANHUI)]
    assert refused(signed(*lines), with_taint(trust, FIRST.verifier, CHANGE + 10 * HOUR), CHANGE)
    assert opened(signed(*lines), trust, CHANGE + 9 * HOUR)


def test_a_stranger_s_line_is_ignored() -> None:
    """Lines by unknown keys say nothing, also in a known name."""
    stranger = WitnessSigner(name="deltacare/340000/witness", seed=b"x" * 32)
    other = LogSigner(name=str(REGISTRY), seed=b"y" * 32)
    found = opened(signed((stranger, CHANGE), by=(FIRST, other)), make_trust())
    assert names(found) == []
    assert [term.key for term in found.keys] == [FIRST.verifier]
    assert refused(signed(by=(other,)), make_trust()) is Reason.BAD_SIGNATURE


def test_a_line_that_is_false_is_left_out_or_refuses() -> None:
    """Anybody can put a false witness line there; a false line of the log itself refuses all."""
    good = SignedNote.from_bytes(signed((witness(ANHUI), CHANGE)))
    log_line, cosigned = good.signatures
    broken = type(cosigned)(
        name=cosigned.name, key_id=cosigned.key_id, signature=cosigned.signature[:-1] + b"\0"
    )
    note = SignedNote(text=good.text, signatures=(log_line, broken)).to_bytes()
    assert opened(note, make_trust()).left_out == ("deltacare/340000/witness",)
    twice = SignedNote(text=good.text, signatures=(log_line, cosigned, cosigned)).to_bytes()
    assert names(opened(twice, make_trust())) == []
    false = type(log_line)(
        name=log_line.name, key_id=log_line.key_id, signature=bytes(len(log_line.signature))
    )
    for rows in ((false,), (false, log_line)):
        note = SignedNote(text=good.text, signatures=rows).to_bytes()
        assert refused(note, make_trust()) is Reason.BAD_SIGNATURE


def test_another_log_s_key() -> None:
    """A partner's key for another province's log, and a log that nobody writes."""
    foreign = log_signer(LogName.registry(JIANGSU))
    text = Checkpoint(origin=str(REGISTRY), size=7, root=b"r" * 32).to_text()
    line = sign_note(text, foreign)
    note = SignedNote(text=text, signatures=(line,)).to_bytes()
    assert refused(note, make_trust()) is Reason.BAD_SIGNATURE
    # Signed in the right name, over the text of another log.
    text = Checkpoint(origin=str(SETTLEMENT), size=7, root=b"r" * 32).to_text()
    note = SignedNote(text=text, signatures=(sign_note(text, FIRST),)).to_bytes()
    assert refused(note, make_trust()) is Reason.BAD_SIGNATURE
    unknown = LogName.registry("440000")
    with pytest.raises(Refusal) as caught:
        open_checkpoint(signed(), log=unknown, trust=make_trust(), now=CHANGE)
    assert caught.value.reason is Reason.NOT_FOUND


def test_a_settlement_log_needs_its_partner() -> None:
    """One partner is the quorum there; a third province is none of its witnesses."""
    first = log_signer(SETTLEMENT)
    trust = with_key(make_trust(), later_log_signer(SETTLEMENT), from_time=CHANGE)
    trust = with_until(trust, first.verifier, CHANGE)
    for province, is_good in ((JIANGSU, True), (ANHUI, False)):
        note = signed((witness(province), CHANGE - SECOND), by=(first,), log=SETTLEMENT)
        if is_good:
            assert open_checkpoint(note, log=SETTLEMENT, trust=trust, now=CHANGE + HOUR)
            continue
        with pytest.raises(PeerFault) as caught:
            open_checkpoint(note, log=SETTLEMENT, trust=trust, now=CHANGE + HOUR)
        assert caught.value.reason is Reason.KEY_NOT_IN_FORCE


def test_several_keys_of_one_log_are_read_together() -> None:
    """`SignedCheckpoint.from_bytes` takes whichever of them signed."""
    keys = (FIRST.verifier, LATER.verifier)
    for by in ((FIRST,), (LATER,), (LATER, FIRST)):
        assert SignedCheckpoint.from_bytes(signed(by=by), *keys).checkpoint.size == 7
    with pytest.raises(PeerFault):
        SignedCheckpoint.from_bytes(signed(by=(LATER,)), FIRST.verifier)
