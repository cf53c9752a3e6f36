"""Tests of the checks of logs: one history or two, by hashes; and how old cosignatures are."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from deltacare.errors import Reason, Refusal
from deltacare.ids import LogName
from deltacare.tlog.checkpoint import Checkpoint, SignedCheckpoint
from deltacare.tlog.proof import Node, consistency_proof
from deltacare.tlog.tree import root_of
from server.doctor.findings import Finding, Level, Side
from server.doctor.logs import (
    HeldLog,
    ShownLog,
    check_cosignatures,
    check_history,
    check_own_word,
)
from tests.support.federation import log_signer, make_trust

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
OURS, THEIRS = "310000", "320000"
LOG = LogName.registry(THEIRS)
TRUST = make_trust()


class Nodes:
    """The nodes of a tree, computed from its entries."""

    def __init__(self, entries: Sequence[bytes]) -> None:
        self._entries = entries

    def read_nodes(self, nodes: Sequence[Node], /) -> Sequence[bytes]:
        """Return the hash of each."""
        return [
            root_of(self._entries[node.index << node.level : (node.index + 1) << node.level])
            for node in nodes
        ]


def entries(count: int, tag: str = "e") -> list[bytes]:
    """Return some entries."""
    return [f"{tag}-{number}".encode() for number in range(count)]


def held(size: int, log: LogName = LOG, **changes: object) -> HeldLog:
    """Return a log as we have it."""
    found = HeldLog(
        log=log,
        size=size,
        root=root_of(entries(size)),
        fresh_time=NOW - timedelta(seconds=40),
        is_stalled=False,
        is_forked=False,
        cosigned={},
    )
    return replace(found, **changes)  # type: ignore[arg-type]  # a test's own


def note(leaves: Sequence[bytes], log: LogName = LOG, signer: LogName | None = None) -> bytes:
    """Return a checkpoint over some entries, signed by the log or another one."""
    checkpoint = Checkpoint(origin=str(signer or log), size=len(leaves), root=root_of(leaves))
    return SignedCheckpoint.sign(checkpoint, log_signer(signer or log)).to_bytes()


def shown(leaves: Sequence[bytes], our_size: int, *, log: LogName = LOG) -> ShownLog:
    """Return a log as an honest partner with these entries shows it to us."""
    if len(leaves) > our_size:
        proof = consistency_proof(Nodes(leaves), old_size=our_size, size=len(leaves))
        return ShownLog(log=log, note=note(leaves, log), proof=proof)
    return ShownLog(log=log, note=note(leaves, log), our_root=root_of(entries(len(leaves))))


def compared(ours: HeldLog, theirs: ShownLog) -> Finding:
    """Return the line about a log that Jiangsu shows."""
    return check_history(
        THEIRS, ours, theirs, own=OURS, trust=TRUST, now=NOW, directory="/n/310000"
    )


@pytest.mark.parametrize(
    "our_size, their_size, en",
    [
        (5, 5, "One history of 5."),
        (5, 9, "One history; it is 4 ahead."),
        (9, 5, "One history; it is 4 behind."),
        (0, 7, "One history; it is 7 ahead."),
        (8, 0, "One history; it is 8 behind."),
        (0, 0, "One history of 0."),
        (256, 300, "One history; it is 44 ahead."),
    ],
)
def test_one_history(our_size: int, their_size: int, en: str) -> None:
    """Whoever is ahead, the smaller tree is proven to lie in the larger."""
    found = compared(held(our_size), shown(entries(their_size), our_size))
    assert (Level.OK, en) == (found.level, found.en)


@pytest.mark.parametrize("their_size, code", [(5, "FORK"), (3, "FORK"), (9, "HISTORY_NOT_PROVEN")])
def test_two_histories(their_size: int, code: str) -> None:
    """Another root, or a proof that does not lead from ours, is the author's doing."""
    found = compared(held(5), shown(entries(their_size, "lie"), 5))
    assert (Level.BAD, code, Side.PARTNER, THEIRS) == (
        found.level,
        found.code,
        found.side,
        found.province,
    )
    assert "deltacare log show deltacare/320000/registry --forks" in found.remedy


def test_two_histories_of_ours() -> None:
    """If our own log is shown in two histories, we signed both."""
    log = LogName.registry(OURS)
    theirs = shown(entries(5, "lie"), 5, log=log)
    found = compared(held(5, log), theirs)
    assert ("FORK", Side.OURS) == (found.code, found.side)


def test_what_is_not_signed_by_the_log() -> None:
    """A checkpoint that another province signed, or nobody, is no history at all."""
    other = replace(shown(entries(5), 5), note=note(entries(5), signer=LogName.registry("330000")))
    for theirs in (other, replace(other, note=b"not a note"), replace(other, note=b"")):
        found = compared(held(5), theirs)
        assert (Level.BAD, "BAD_SIGNATURE", Side.PARTNER) == (found.level, found.code, found.side)


def test_what_is_not_shown() -> None:
    """A partner that refuses or holds nothing is told; empty on both sides is well."""
    refusal = Refusal(Reason.LOG_NOT_ENTITLED, "no")
    found = compared(held(5), ShownLog(log=LOG, note=None, refusal=refusal))
    assert (Level.WARN, "LOG_NOT_SHOWN") == (found.level, found.code)
    assert "LOG_NOT_ENTITLED" in found.en
    assert "LOG_NOT_MIRRORED" == compared(held(5), ShownLog(log=LOG, note=None)).code
    assert "OK" == compared(held(0), ShownLog(log=LOG, note=None)).code


def test_what_our_node_knows() -> None:
    """A fork and an entry that cannot be read are told even if no partner answers."""
    assert [] == check_own_word(held(5), directory="/n")
    found = check_own_word(held(5, is_forked=True, is_stalled=True), directory="/n")
    assert [("FORK_KNOWN", Side.PARTNER), ("LOG_STALLED", Side.OURS)] == [
        (each.code, each.side) for each in found
    ]


def cosigned(ages_h: dict[str, float]) -> dict[str, datetime]:
    """Return when provinces cosigned."""
    return {province: NOW - timedelta(hours=age) for province, age in ages_h.items()}


@pytest.mark.parametrize(
    "ages_h, code, level, province",
    [
        ({"310000": 1, "330000": 2}, "OK", Level.OK, ""),
        ({"310000": 1, "330000": 11, "340000": 200}, "OK", Level.OK, ""),
        ({"310000": 1}, "NO_QUORUM", Level.BAD, "330000"),
        ({"310000": 1, "330000": 13}, "COSIGNATURES_OLD", Level.WARN, "330000"),
        ({"310000": 1, "330000": 25, "340000": 26}, "COSIGNATURES_OLD", Level.BAD, "330000"),
        # The author's own word counts for no quorum.
        ({"320000": 0, "310000": 0}, "NO_QUORUM", Level.BAD, "330000"),
    ],
)
def test_cosignatures(ages_h: dict[str, float], code: str, level: Level, province: str) -> None:
    """As many witnesses as the quorum, each young enough; the line names who is late."""
    found = check_cosignatures(
        held(5, cosigned=cosigned(ages_h)),
        own=OURS,
        trust=TRUST,
        is_running=True,
        now=NOW,
        directory="/n",
    )
    assert (code, level, province) == (found.code, found.level, found.province)


@pytest.mark.parametrize(
    "ahead, expected",
    [
        (("310000", "330000"), (Level.BAD, "COSIGNATURE_FROM_FUTURE", Side.OURS, "")),
        (("340000", "330000"), (Level.BAD, "COSIGNATURE_FROM_FUTURE", Side.PARTNER, "330000")),
    ],
)
def test_cosignatures_from_the_future(
    ahead: Sequence[str], expected: tuple[Level, str, Side, str]
) -> None:
    """A time that has not come is told before all else, first if it is ours."""
    three_days = timedelta(days=3)
    found = check_cosignatures(
        held(5, cosigned=cosigned({"310000": 1}), ahead=dict.fromkeys(ahead, NOW + three_days)),
        own=OURS,
        trust=TRUST,
        is_running=True,
        now=NOW,
        directory="/n",
    )
    assert expected == (found.level, found.code, found.side, found.province)
    assert "3 d ahead" in found.en


@pytest.mark.parametrize(
    "log, minutes, is_running, expected",
    [
        (LogName.registry(OURS), 9, 1, ("OK", Level.OK, "")),
        (LogName.registry(OURS), 11, 1, ("NOT_COSIGNED", Level.WARN, "330000")),
        (LogName.registry(OURS), 61, 1, ("NOT_COSIGNED", Level.BAD, "330000")),
        (LogName.registry(OURS), 61, 0, ("OK", Level.OK, "")),
        # What a partner's log waits for is its author's to find out.
        (LOG, 61, 1, ("OK", Level.OK, "")),
    ],
)
def test_a_checkpoint_that_waits(
    log: LogName, minutes: int, is_running: int, expected: tuple[str, Level, str]
) -> None:
    """Old cosignatures are young enough, and still nobody cosigns the newest checkpoint."""
    young = cosigned({"310000": 1, "320000": 1, "330000": 1, "340000": 1})
    found = check_cosignatures(
        held(
            5,
            log,
            cosigned=young,
            waiting_time=NOW - timedelta(minutes=minutes),
            lacking=("330000",),
        ),
        own=OURS,
        trust=TRUST,
        is_running=bool(is_running),
        now=NOW,
        directory="/n",
    )
    assert expected == (found.code, found.level, found.province)


@pytest.mark.parametrize(
    "log, fresh_h, is_running, expected",
    [
        (LOG, 1, True, (Level.WARN, "LOG_SILENT", Side.PARTNER)),
        (LOG, 25, True, (Level.BAD, "LOG_SILENT", Side.PARTNER)),
        (LOG, None, True, (Level.BAD, "LOG_SILENT", Side.PARTNER)),
        (LOG, 1, None, (Level.WARN, "LOG_SILENT", Side.OURS)),
        (LogName.registry(OURS), 1, True, (Level.WARN, "LOG_SILENT", Side.OURS)),
    ],
)
def test_silence(
    log: LogName,
    fresh_h: float | None,
    is_running: object,
    expected: tuple[Level, str, Side],
) -> None:
    """An author that does not vouch for its log is told, and whose turn it is."""
    fresh = None if fresh_h is None else NOW - timedelta(hours=fresh_h)
    found = check_cosignatures(
        held(5, log, fresh_time=fresh),
        own=OURS,
        trust=TRUST,
        is_running=bool(is_running),
        now=NOW,
        directory="/n",
    )
    assert expected == (found.level, found.code, found.side)


def test_logs_without_a_quorum() -> None:
    """An audit log needs no witness, a settlement log one."""
    audit = held(5, LogName.audit(OURS))
    pair = held(5, LogName.settlement(THEIRS, OURS), cosigned=cosigned({OURS: 1}))
    alone = held(5, LogName.settlement(THEIRS, OURS))
    codes = [
        check_cosignatures(
            each, own=OURS, trust=TRUST, is_running=True, now=NOW, directory="/n"
        ).code
        for each in (audit, pair, alone, held(0))
    ]
    assert ["OK", "OK", "NO_QUORUM", "OK"] == codes


def test_our_own_lateness() -> None:
    """A quorum that lacks nobody but us is ours to mend."""
    found = check_cosignatures(
        held(5, LogName.settlement(THEIRS, OURS)),
        own=OURS,
        trust=TRUST,
        is_running=True,
        now=NOW,
        directory="/n",
    )
    assert ("NO_QUORUM", Side.OURS, "") == (found.code, found.side, found.province)
