"""What every table shares: the metadata, the naming of constraints and the column types.

Instants are stored as integer microseconds since 1970 in UTC and dates as ISO 8601 text, so that
SQLite and PostgreSQL compare, sort and return them alike.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Integer, MetaData
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

__all__ = ["BigInt", "UtcTime", "metadata"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite keeps rowids and keys smaller when the type says INTEGER; it holds 64 bits anyway.
BigInt = BigInteger().with_variant(Integer(), "sqlite")


class UtcTime(TypeDecorator[datetime]):
    """An aware instant, stored as microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:  # noqa: ANN401, ARG002  # the base class's signature
        """Turn an aware instant into microseconds."""
        if value is None:
            return None
        assert value.tzinfo is not None, "a naive instant has no meaning here"
        return (value - _EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ANN401, ARG002  # the base class's signature
        """Turn microseconds into an aware instant."""
        return None if value is None else _EPOCH + timedelta(microseconds=value)
