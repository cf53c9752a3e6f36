"""Column types that mean the same on both databases."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy.dialects import postgresql, sqlite

from server.store.schema import BigInt, UtcTime

INSTANT = datetime(2026, 11, 22, 8, 0, 0, 123_456, tzinfo=UTC)


@pytest.mark.parametrize("dialect", [sqlite.dialect(), postgresql.dialect()])
def test_an_instant_is_microseconds(dialect: object) -> None:
    """Any zone goes in, UTC comes out, to the microsecond."""
    time = UtcTime()
    local = INSTANT.astimezone(timezone(timedelta(hours=8)))
    stored = time.process_bind_param(local, dialect)  # type: ignore[arg-type]
    assert stored == 1_795_334_400_123_456
    assert time.process_result_value(stored, dialect) == INSTANT  # type: ignore[arg-type]
    assert time.process_bind_param(None, dialect) is None  # type: ignore[arg-type]
    assert time.process_result_value(None, dialect) is None  # type: ignore[arg-type]


def test_a_naive_instant_is_our_mistake() -> None:
    """Nothing is guessed about a zone."""
    with pytest.raises(AssertionError):
        UtcTime().process_bind_param(INSTANT.replace(tzinfo=None), sqlite.dialect())


def test_integers_hold_64_bits() -> None:
    """BIGINT where it is needed, INTEGER where that is the key."""
    assert BigInt.compile(postgresql.dialect()) == "BIGINT"
    assert BigInt.compile(sqlite.dialect()) == "INTEGER"
