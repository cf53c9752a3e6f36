"""SM2 lines as a node judges them: kept where they verify, left out and told where they do not."""

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from deltacare.ids import LogName
from deltacare.keys import NoteSignature
from deltacare.tlog.checkpoint import Checkpoint, SignedCheckpoint
from deltacare.tlog.note import SignedNote
from deltacare.tlog.suite import cosign_sm2, sign_checkpoint_sm2
from deltacare.tlog.suite_lines import OpenedSuite, open_suite_lines
from deltacare.tlog.tree import EMPTY_ROOT
from deltacare.trust import Federation, SuiteTerm
from tests.support.federation import PROVINCES, log_signer, make_trust
from tests.support.ports import START_TIME
from tests.support.suite import sm2_signer, sm2_witness, with_suite_keys, with_suite_terms

SHANGHAI, JIANGSU, ZHEJIANG, ANHUI = PROVINCES
LOG = LogName.registry(SHANGHAI)
TRUST = with_suite_keys(make_trust(), (SHANGHAI, JIANGSU, ZHEJIANG))
HEAD = Checkpoint(origin=str(LOG), size=0, root=EMPTY_ROOT)
PLAIN = SignedCheckpoint.sign(HEAD, log_signer(LOG))
LOG_LINE = sign_checkpoint_sm2(HEAD, sm2_signer(str(LOG)))
WITNESS_NAME = f"deltacare/{JIANGSU}/witness"


def cosignature(province: str = JIANGSU, time: datetime = START_TIME) -> NoteSignature:
    """Return a witness's SM2 line."""
    return cosign_sm2(HEAD, sm2_witness(province), time=time)


def opened(*lines: NoteSignature, trust: Federation = TRUST) -> OpenedSuite:
    """Return what a node makes of lines under a checkpoint."""
    note = SignedNote(text=PLAIN.note.text, signatures=(*PLAIN.note.signatures, *lines))
    signed = SignedCheckpoint(checkpoint=HEAD, note=note)
    return open_suite_lines(signed, log=LOG, trust=trust, now=START_TIME)


def altered(line: NoteSignature) -> NoteSignature:
    """Return a line with its last byte changed."""
    return replace(line, signature=line.signature[:-1] + bytes([line.signature[-1] ^ 1]))


def test_lines_that_count() -> None:
    """The log's without a time, the witness's with its own; each with its key."""
    witness = cosignature()
    found = opened(LOG_LINE, witness)
    assert () == found.left_out
    assert [(str(LOG), None), (WITNESS_NAME, START_TIME)] == [
        (line.key.name, line.time) for line in found.lines
    ]
    assert [LOG_LINE, witness] == [line.signature for line in found.lines]


def test_unknown_names_are_passed_over() -> None:
    """A member that stated no key, another key of a known name, and the author's own witness."""
    stranger = cosignature(ANHUI)
    other = sign_checkpoint_sm2(HEAD, sm2_signer(str(LOG), number=2))
    own = cosignature(SHANGHAI)
    assert OpenedSuite() == opened(stranger, other, own)
    assert OpenedSuite() == opened(LOG_LINE, cosignature(), trust=make_trust())


@pytest.mark.parametrize(
    "make, name",
    [
        (lambda: (altered(LOG_LINE),), str(LOG)),
        (lambda: (altered(cosignature()),), WITNESS_NAME),
        (lambda: (replace(LOG_LINE, signature=b"short"),), str(LOG)),
        (lambda: (LOG_LINE, LOG_LINE), str(LOG)),
        (lambda: (cosignature(time=START_TIME + timedelta(minutes=6)),), WITNESS_NAME),
    ],
)
def test_lines_that_are_left_out(make: Callable[[], tuple[NoteSignature, ...]], name: str) -> None:
    """Altered, cut off, twice there, from the future; what stands beside them is kept."""
    beside = cosignature(ZHEJIANG)
    found = opened(*make(), beside)
    assert (name,) == found.left_out
    assert [beside] == [line.signature for line in found.lines]


def test_windows() -> None:
    """A log's key that is over may have signed in time; a witness says when; a tainted one never.

    A key whose time is to come has signed nothing.
    """
    term = TRUST.suite_keys(str(LOG))[0]
    witness = TRUST.suite_keys(WITNESS_NAME)[0]
    earlier = START_TIME - timedelta(hours=1)

    def kept(province: str, term: SuiteTerm, line: NoteSignature) -> bool:
        found = opened(line, trust=with_suite_terms(TRUST, province, (term,)))
        assert bool(found.lines) != bool(found.left_out), "kept or told"
        return bool(found.lines)

    line = cosignature()
    assert kept(SHANGHAI, replace(term, until_time=earlier), LOG_LINE)
    assert not kept(SHANGHAI, replace(term, tainted_time=START_TIME), LOG_LINE)
    assert not kept(SHANGHAI, replace(term, from_time=START_TIME + timedelta(hours=1)), LOG_LINE)
    assert not kept(JIANGSU, replace(witness, until_time=earlier), line)
    assert not kept(JIANGSU, replace(witness, tainted_time=START_TIME), line)
    early = cosignature(time=earlier - timedelta(hours=1))
    assert kept(JIANGSU, replace(witness, until_time=earlier), early)


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation that cannot tell says so, and takes no line for good or bad."""
    lines = (LOG_LINE, altered(cosignature()))
    monkeypatch.setitem(sys.modules, "gmssl_pyx", None)
    assert OpenedSuite(is_available=False) == opened(*lines)
