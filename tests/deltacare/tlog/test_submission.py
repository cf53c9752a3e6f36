"""What a log sends a witness: one spelling, nothing believed."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltacare.errors import Reason, Refusal
from deltacare.tlog.checkpoint import CHECKPOINT_BYTES_MAX, Checkpoint, SignedCheckpoint
from deltacare.tlog.submission import SUBMISSION_BYTES_MAX, Submission, origin_hash
from tests.deltacare.builders import log_signer

NAME = "deltacare/310000/registry"
NOTE = SignedCheckpoint.sign(
    Checkpoint(origin=NAME, size=9, root=bytes(32)), log_signer(NAME)
).to_bytes()
LINE = base64.b64encode(bytes(range(32))) + b"\n"


@given(
    old_size=st.integers(0, 2**63 - 1),
    proof=st.lists(st.binary(min_size=32, max_size=32), max_size=63),
)
def test_there_and_back(old_size: int, proof: list[bytes]) -> None:
    """What is written is read, and is the only spelling of it."""
    made = Submission.of(NOTE, old_size=old_size, proof=proof)
    assert made == Submission.from_bytes(made.to_bytes())
    assert NAME == made.origin


def test_the_example_of_the_specification() -> None:
    """Line by line, as it stands there; the signatures are not looked at here."""
    body = (
        "old 20852014\n"
        "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n"
        "jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n"
        "5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n"
        "/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n"
        "\n"
        "example.com/behind-the-sofa\n"
        "20852163\n"
        "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
        "\n"
        "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/"
        "Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    ).encode()
    found = Submission.from_bytes(body)
    assert (20_852_014, 4, "example.com/behind-the-sofa") == (
        found.old_size,
        len(found.proof),
        found.origin,
    )
    assert body == found.to_bytes()


@pytest.mark.parametrize(
    "body, field",
    [
        (b"", "body"),
        (b"old 0\n" + NOTE, "proof[0]"),
        (b"old 0\n\n", "checkpoint"),
        (b"\n\n" + NOTE, "old"),
        (b"Old 0\n\n" + NOTE, "old"),
        (b"old  0\n\n" + NOTE, "old"),
        (b"old 00\n\n" + NOTE, "old"),
        (b"old +1\n\n" + NOTE, "old"),
        (b"old 9223372036854775808\n\n" + NOTE, "old"),
        (b"old 0 \n\n" + NOTE, "old"),
        (b"old 0\r\n\r\n\n\n" + NOTE, "old"),
        ("old ٠\n\n".encode() + NOTE, "body"),
        (b"old 0\n" + LINE * 64 + b"\n" + NOTE, "proof"),
        (b"old 0\n" + LINE[:-2] + b"\n\n" + NOTE, "proof[0]"),
        (b"old 0\n" + LINE + b" " + LINE + b"\n" + NOTE, "proof[1]"),
        (b"old 0\n" + LINE.replace(b"=", b"") + b"\n" + NOTE, "proof[0]"),
        (b"old 0\n" + b"A" * 42 + b"B=\n\n" + NOTE, "proof[0]"),
        (b"old 0\n" + base64.b64encode(bytes(33)) + b"\n\n" + NOTE, "proof[0]"),
        (b"old 0\n\n" + NOTE[:-1], "checkpoint"),
        (b"old 0\n\n" + NOTE + b"\n", "checkpoint"),
        (b"old 0\n\n" + NOTE + b"\xe2\x80\x94 x AAAAAAAA\n" * 1_000, "checkpoint"),
        (b"old 0\n\n" + b"x" * CHECKPOINT_BYTES_MAX + NOTE, "checkpoint"),
        (b"old 0\n\n" + b"x" * SUBMISSION_BYTES_MAX, "body"),
    ],
)
def test_what_is_malformed_is_named(body: bytes, field: str) -> None:
    """Each with its field, and no more than a little of its value."""
    with pytest.raises(Refusal) as caught:
        Submission.from_bytes(body)
    (violation,) = caught.value.violations
    assert (Reason.INVALID_FIELD, field) == (caught.value.reason, violation.field)
    assert len(str(caught.value)) < 300


@given(st.binary(max_size=300))
def test_anything_is_read_or_refused(body: bytes) -> None:
    """No input makes it break otherwise; what is read is written the same."""
    try:
        found = Submission.from_bytes(b"old 1\n" + body)
    except Refusal:
        return
    assert b"old 1\n" + body == found.to_bytes()


def test_the_hash_of_an_origin() -> None:
    """SHA-256 in lower-case hex."""
    expected = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert expected == origin_hash("")
