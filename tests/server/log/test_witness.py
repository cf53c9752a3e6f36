"""When this node's witness cosigns, and when it must not."""

import pytest

from deltacare.tlog.checkpoint import Checkpoint
from server.log.witness import Witnessed, may_cosign

ROOT, OTHER = b"r" * 32, b"o" * 32


def known(
    size: int | None = None,
    root: bytes | None = None,
    *,
    held: bytes | None = None,
    is_forked: bool = False,
    is_settled: bool = True,
) -> Witnessed:
    """Return what the witness knows."""
    return Witnessed(
        is_forked=is_forked,
        is_settled=is_settled,
        cosigned_size=size,
        cosigned_root=root,
        held_root=held,
    )


@pytest.mark.parametrize(
    "witnessed, expected",
    [
        (known(), True),
        (known(is_forked=True), False),
        (known(is_settled=False), False),
        (known(4, ROOT, held=ROOT), True),
        (known(4, ROOT, held=OTHER), False),
        (known(4, ROOT), False),
        (known(5, ROOT, held=ROOT), True),
        (known(5, OTHER, held=OTHER), False),
        (known(6, ROOT), False),
    ],
    ids=[
        "first",
        "forked",
        "may have forgotten",
        "grown",
        "grown from another",
        "not held",
        "again",
        "beside",
        "smaller",
    ],
)
def test_a_checkpoint_of_five(witnessed: Witnessed, *, expected: bool) -> None:
    """Each rule of the witness by itself."""
    checkpoint = Checkpoint(origin="deltacare/310000/registry", size=5, root=ROOT)
    assert may_cosign(checkpoint, witnessed) == expected
