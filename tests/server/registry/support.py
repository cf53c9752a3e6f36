"""What the tests of the registry's service share."""

from collections.abc import Awaitable

import pytest

from deltacare.errors import Refusal

__all__ = ["fields_of", "refused"]


async def refused(awaitable: Awaitable[object]) -> Refusal:
    """Return how a call was refused."""
    with pytest.raises(Refusal) as caught:
        await awaitable
    return caught.value


def fields_of(error: Refusal) -> set[str]:
    """Return the fields that a refusal names."""
    return {violation.field for violation in error.violations}
