"""Policies: the specification's example, and its rules."""

from datetime import timedelta

import pytest

from deltacare.errors import Refusal
from deltacare.keys import LogSigner
from deltacare.tlog.policy import Policy, Tainted
from tests.deltacare.builders import NOW, PROVINCES, log_signer, witness_signer

LOG = log_signer("deltacare/310000/registry").verifier
SECOND = LogSigner(name=LOG.name, seed=bytes(32)).verifier
WITNESSES = [witness_signer(province).verifier for province in PROVINCES]
W1, W2, W3, W4 = (key.to_text() for key in WITNESSES)

# The structure of the example of https://c2sp.org/tlog-policy, with our test keys.
EXAMPLE = f"""\
# two operators
log {LOG.to_text()} https://log.example/

witness X1 {W1}
\twitness  X2\t{W2} https://x2.example/
group X-witnesses any X1 X2

witness Y1 {W3}
witness Y2 {W4}
group Y-witnesses 2 Y1 Y2

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""


@pytest.mark.parametrize(
    "signed, met",
    [
        ((0, 2, 3), True),
        ((1, 2, 3), True),
        ((0, 1, 2, 3), True),
        ((0, 1, 2), False),
        ((2, 3), False),
        ((), False),
    ],
)
def test_groups_of_groups(signed: tuple[int, ...], met: bool) -> None:  # noqa: FBT001 - a case
    """Any of one operator and all of the other."""
    policy = Policy.from_bytes(EXAMPLE.encode())
    assert met is policy.is_met(WITNESSES[i] for i in signed)


def test_a_policy_reads_back() -> None:
    """What is written is what was read, without comments and addresses."""
    policy = Policy.from_bytes(EXAMPLE.encode())
    assert policy == Policy.from_bytes(policy.to_text().encode())
    assert (LOG,) == policy.logs


@pytest.mark.parametrize("quorum", [0, 1, 3, 4])
def test_a_quorum_of_some(quorum: int) -> None:
    """Any so many of the witnesses suffice, and fewer do not."""
    policy = Policy.of(logs=[LOG], witnesses=WITNESSES, quorum=quorum)
    assert policy == Policy.from_bytes(policy.to_text().encode())
    assert policy.is_met(WITNESSES[:quorum])
    if quorum:
        assert not policy.is_met(WITNESSES[: quorum - 1])


def test_no_quorum_is_always_met() -> None:
    """``quorum none`` asks for nothing, and witnesses may be absent."""
    assert Policy.from_bytes(b"quorum none").is_met([])


@pytest.mark.parametrize(
    "text, said",
    [
        ("", "no quorum"),
        ("quorum none\nquorum none\n", "second quorum"),
        ("quorum W\n", "not defined"),
        (f"quorum W\nwitness W {W1}\n", "not defined"),
        (f"witness W {W1}\nwitness W {W2}\nquorum none\n", "twice"),
        (f"witness V {W1}\nwitness W {W1}\nquorum none\n", "twice"),
        (f"witness none {W1}\nquorum none\n", "cannot name"),
        (f"log {W1}\nquorum none\n", "type 0x04"),
        (f"witness W {LOG.to_text()}\nquorum none\n", "type 0x01"),
        (f"log {LOG.to_text()}\nlog {LOG.to_text()}\nquorum none\n", "twice"),
        (f"log {LOG.to_text()} a b\nquorum none\n", "not a line"),
        (f"witness W {W1}\ngroup G 2 W\nquorum G\n", "threshold"),
        (f"witness W {W1}\ngroup G 0 W\nquorum G\n", "threshold"),
        (f"witness W {W1}\ngroup G 01 W\nquorum G\n", "threshold"),
        (f"witness W {W1}\ngroup G some W\nquorum G\n", "threshold"),
        (f"witness W {W1}\ngroup G any\nquorum G\n", "not a line"),
        (f"witness W {W1}\ngroup G any W W\nquorum G\n", "member once"),
        (f"witness W {W1}\ngroup G any W\ngroup H any W\nquorum H\n", "member once"),
        (f"witness W {W1}\ngroup W any W\nquorum W\n", "twice"),
        ("group G any none\nquorum G\n", "not defined"),
        ("group G any G\nquorum G\n", "not defined"),
        ("trust everyone\n", "not a line"),
        ("quorum none\r\n", "control"),
        ("quorum none\x00\n", "control"),
    ],
)
def test_other_policies_are_refused(text: str, said: str) -> None:
    """Each rule of the specification, with the line that breaks it."""
    with pytest.raises(Refusal, match=said):
        Policy.from_bytes(text.encode())


TIME = "2026-11-22T08:00:00Z"
TAINTS = f"""\
# deltacare: tainted log {SECOND.to_text()} since {TIME}
log {LOG.to_text()}
#\tdeltacare:  tainted witness {W3} since 2026-11-22T16:00:00.5+08:00
witness W {W1}
quorum W
"""


def test_keys_called_bad_stand_in_comments() -> None:
    """They are read with their instants, written again, and trusted with nothing."""
    policy = Policy.from_bytes(TAINTS.encode())
    assert (Tainted(key=SECOND, since=NOW),) == policy.tainted_logs
    since = NOW + timedelta(milliseconds=500)
    assert (Tainted(key=WITNESSES[2], since=since),) == policy.tainted_witnesses
    assert ((LOG,), {"W": WITNESSES[0]}) == (policy.logs, dict(policy.witnesses))
    assert policy == Policy.from_bytes(policy.to_text().encode())
    bare = [line for line in policy.to_text().split("\n") if not line.startswith("#")]
    assert Policy(logs=policy.logs, witnesses=policy.witnesses, quorum="W") == Policy.from_bytes(
        "\n".join(bare).encode()
    )


def test_what_survives_a_bad_key() -> None:
    """A quorum before the instant; where none is asked at least one witness that is known."""
    two = Policy.of(logs=[LOG], witnesses=WITNESSES[:3], quorum=2)
    early, late = NOW - timedelta(seconds=1), NOW
    first, second, _, stranger = WITNESSES
    assert two.survives([(first, early), (second, early)], before=NOW)
    assert not two.survives([(first, early), (second, late)], before=NOW)
    assert not two.survives([(first, early), (stranger, early)], before=NOW)
    none = Policy.of(logs=[LOG], witnesses=WITNESSES[:3], quorum=0)
    assert none.survives([(first, early)], before=NOW)
    assert not none.survives([(first, late), (stranger, early)], before=NOW)
    assert not none.survives([], before=NOW)


@pytest.mark.parametrize(
    "line, said",
    [
        ("# deltacare: taint log {key} since {time}", "does not say"),
        ("# deltacare: tainted log {key}", "does not say"),
        ("# deltacare: tainted log {key} from {time}", "does not say"),
        ("# deltacare: tainted log {key} since {time} or so", "does not say"),
        ("#deltacare: tainted log {key} since {time}", "does not say"),
        ("## deltacare: tainted log {key} since {time}", "does not say"),
        ("# Deltacare: tainted log {key} since {time}", "does not say"),
        ("# deltacare : tainted log {key} since {time}", "does not say"),
        ("# deltacare: tainted log {key} since 2026-11-22", "RFC 3339"),
        ("# deltacare: tainted log {key} since 2026-11-22T08:00:00", "RFC 3339"),
        ("# deltacare: tainted log {key}x since {time}", ""),
        ("# deltacare: tainted witness {key} since {time}", "type 0x01"),
        ("# deltacare: tainted log {log} since {time}", "twice"),
        ("# deltacare: tainted witness {witness} since {time}", "twice"),
    ],
)
def test_a_misspelt_taint_is_refused(line: str, said: str) -> None:
    """It is never passed over like another comment; the line is named."""
    text = line.format(key=SECOND.to_text(), log=LOG.to_text(), witness=W1, time=TIME)
    whole = f"log {LOG.to_text()}\nwitness W {W1}\n{text}\nquorum W\n"
    with pytest.raises(Refusal, match=f"policy line 3.*{said}"):
        Policy.from_bytes(whole.encode())


def test_the_line_is_named() -> None:
    """A person finds the line."""
    with pytest.raises(Refusal, match="policy line 3"):
        Policy.from_bytes(b"# one\n\nwitness\nquorum none\n")


def test_other_bytes_are_refused() -> None:
    """What is no UTF-8, or too much, is refused."""
    with pytest.raises(Refusal, match="UTF-8"):
        Policy.from_bytes(b"\xff\n")
    with pytest.raises(Refusal, match="bytes"):
        Policy.from_bytes(b"#" * 1_000_001)
    lines = "".join(f"log {log_signer(f'x{i}').verifier.to_text()}\n" for i in range(1_001))
    with pytest.raises(Refusal, match="more than"):
        Policy.from_bytes(f"{lines}quorum none\n".encode())
