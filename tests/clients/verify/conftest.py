"""What the tests of verification share: policies of four provinces, and how to ask."""

from collections.abc import Callable
from pathlib import Path

import pytest

from clients.verify.files import Verified, verify_file
from clients.verify.steps import Step, Steps
from clients.verify.trusting import Trusting
from deltacare.errors import DeltacareError
from tests.support.evidence import NOW, Logs

__all__ = ["Ask", "refused", "trusting", "verify"]

Ask = Callable[..., tuple[Verified, list[Step]]]


@pytest.fixture
def trusting(tmp_path: Path) -> Trusting:
    """Return a verifier who trusts the four provinces' logs with their quorum."""
    return Trusting.read([Logs().write_policies(tmp_path / "policies")], now=NOW)


@pytest.fixture
def verify(tmp_path: Path, trusting: Trusting) -> Ask:
    """Return how to verify the bytes of a file."""

    def ask(data: bytes, by: Trusting = trusting, **options: object) -> tuple[Verified, list[Step]]:
        path = tmp_path / "evidence.json"
        path.write_bytes(data)
        steps = Steps()
        return verify_file(path, by, steps, **options), steps.taken  # type: ignore[arg-type]

    return ask


def refused(ask: Ask, data: bytes, *args: object, **options: object) -> str:
    """Return the reason for which a file is refused, and what is said."""
    with pytest.raises(DeltacareError) as caught:
        ask(data, *args, **options)
    return f"{caught.value.reason.wire}: {caught.value.message}"
