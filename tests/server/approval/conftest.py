"""What the tests of this room share."""

from tests.server.certification.conftest import database, postgres_url, quiet

__all__ = ["database", "postgres_url", "quiet"]
