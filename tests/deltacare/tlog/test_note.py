"""Signed notes: the specification's example, and strictness."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltacare.errors import PeerFault, Reason
from deltacare.keys import NoteSignature, VerifierKey
from deltacare.tlog.note import NOTE_BYTES_MAX, SignedNote, sign_note, verify_note
from tests.deltacare.builders import log_signer, witness_signer

# https://c2sp.org/signed-note, "Example".
VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
NOTE = (
    "This is an example message.\n\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFX"
    "mRKuwHjG1Yu72IneyaQM=\n"
)
SIGNER = log_signer("example.com/log")
WIDE = "a\N{NO-BREAK SPACE}b"
LINE = sign_note("text\n", SIGNER).to_line()


def test_the_example_of_the_specification() -> None:
    """The published note verifies with the published key, and is written back unchanged."""
    note = SignedNote.from_bytes(NOTE.encode())
    key = VerifierKey.from_text(VKEY)
    assert (key,) == verify_note(note, [key])
    assert "This is an example message.\n" == note.text
    assert NOTE.encode() == note.to_bytes()


@given(st.lists(st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=30)))
def test_a_signed_text_reads_back(lines: list[str]) -> None:
    """Any text without control characters, also with empty lines in it, survives."""
    text = "\n".join(lines) + "\n"
    note = SignedNote(text=text, signatures=(sign_note(text, SIGNER),))
    again = SignedNote.from_bytes(note.to_bytes())
    assert note == again
    assert (SIGNER.verifier,) == verify_note(again, [SIGNER.verifier])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text\n",
        b"text\n\n",
        f"text\n{LINE}".encode(),
        f"text\n\n{LINE}"[:-1].encode(),
        f"text\n\n{LINE}\n".encode(),
        f"text\r\n\n{LINE}".encode(),
        f"te\x00xt\n\n{LINE}".encode(),
        f"te\txt\n\n{LINE}".encode(),
        b"te\xffxt\n\n" + LINE.encode(),
        f"text\n\n{LINE}garbage\n".encode(),
        f"text\n\n{LINE.replace('—', '-')}".encode(),
        f"text\n\n{LINE.replace('— ', '—')}".encode(),
        f"text\n\n{LINE.replace('example.com/log', 'a+b')}".encode(),
        f"text\n\n{LINE.replace('example.com/log', '')}".encode(),
        f"text\n\n{LINE.replace('example.com/log', WIDE)}".encode(),
        f"text\n\n{LINE.replace('=', '')}".encode(),
        f"text\n\n{LINE.replace(chr(10), ' ' + chr(10))}".encode(),
        "text\n\n— a AAAA\n".encode(),
        "text\n\n— a AAAAAA==\n".encode(),
        "text\n\n— a\n".encode(),
    ],
)
def test_malformed_notes_are_refused(data: bytes) -> None:
    """Anything that could be read in two ways, or is cut off, is refused."""
    with pytest.raises(PeerFault) as caught:
        SignedNote.from_bytes(data)
    assert Reason.BAD_SIGNATURE is caught.value.reason


def test_stray_bits_of_base64_are_refused() -> None:
    """One signature has one spelling."""
    tail = LINE.rstrip("\n")
    assert tail.endswith("=")
    last = tail[-2]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    stray = alphabet[alphabet.index(last) | 1]
    assert base64.b64decode(tail[-4:]) == base64.b64decode(tail[-4:-2] + stray + "=")
    with pytest.raises(PeerFault, match="canonical"):
        SignedNote.from_bytes(f"text\n\n{tail[:-2]}{stray}=\n".encode())


def test_a_thousand_signatures_are_refused() -> None:
    """A note with more than a hundred signatures is not looked at further."""
    SignedNote.from_bytes(("text\n\n" + LINE * 100).encode())
    with pytest.raises(PeerFault, match="more than 100"):
        SignedNote.from_bytes(("text\n\n" + LINE * 1_000).encode())


def test_a_huge_note_is_refused() -> None:
    """A note beyond a megabyte is not read."""
    text = "x" * NOTE_BYTES_MAX + "\n\n" + LINE
    with pytest.raises(PeerFault, match="bytes"):
        SignedNote.from_bytes(text.encode())


def test_unknown_signatures_are_ignored() -> None:
    """Lines by others, even under a known name or a known id, do not matter."""
    verifier = SIGNER.verifier
    strangers = (
        NoteSignature(name="stranger", key_id=verifier.key_id, signature=bytes(64)),
        NoteSignature(name=verifier.name, key_id=b"\x00\x00\x00\x01", signature=bytes(64)),
        NoteSignature(name="stranger", key_id=b"\x00\x00\x00\x02", signature=b"x"),
    )
    note = SignedNote(text="text\n", signatures=(*strangers, sign_note("text\n", SIGNER)))
    other = log_signer("example.com/other").verifier
    assert (verifier,) == verify_note(note, [other, verifier])


def test_a_false_signature_of_a_known_key_refuses_the_note() -> None:
    """A good signature beside it does not help."""
    other = log_signer("example.com/other")
    false = NoteSignature(name=other.name, key_id=other.verifier.key_id, signature=bytes(64))
    note = SignedNote(text="text\n", signatures=(sign_note("text\n", SIGNER), false))
    with pytest.raises(PeerFault, match=r"example\.com/other"):
        verify_note(note, [SIGNER.verifier, other.verifier])


def test_a_known_key_signs_once() -> None:
    """Two lines of one key refuse the note, even if both are good."""
    line = sign_note("text\n", SIGNER)
    note = SignedNote(text="text\n", signatures=(line, line))
    with pytest.raises(PeerFault, match="twice"):
        verify_note(note, [SIGNER.verifier])


def test_a_note_without_a_known_signature_is_refused() -> None:
    """Unknown keys, or keys of another type, verify nothing."""
    note = SignedNote(text="text\n", signatures=(sign_note("text\n", SIGNER),))
    for keys in ([], [log_signer("x").verifier], [witness_signer("310000").verifier]):
        with pytest.raises(PeerFault, match="No known key"):
            verify_note(note, keys)


def test_another_text_does_not_verify() -> None:
    """A signature is over the whole text, newline included."""
    note = SignedNote(text="text\n\n", signatures=(sign_note("text\n", SIGNER),))
    with pytest.raises(PeerFault):
        verify_note(note, [SIGNER.verifier])


def test_a_new_line_takes_the_place_of_the_old() -> None:
    """Merging keeps one line for each key, others untouched and in order."""
    old = NoteSignature(name="w", key_id=bytes(4), signature=b"old")
    new = NoteSignature(name="w", key_id=bytes(4), signature=b"new")
    first = sign_note("text\n", SIGNER)
    note = SignedNote(text="text\n", signatures=(first, old)).with_signatures([new])
    assert (first, new) == note.signatures
