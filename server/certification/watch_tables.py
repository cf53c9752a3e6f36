"""The table of watch lists: which certificates a caller wants to be told of, by institution.

It comes from no log and goes into none: it is backed up with the database, and a rebuild leaves it.
A caller stands here as its opaque id, whatever its role; callers are of the own province alone.
"""

from sqlalchemy import Column, Index, Table

from server.registry.tables import IdText
from server.store.schema import metadata

__all__ = ["watched"]

watched = Table(
    "certification_watched",
    metadata,
    Column("caller", IdText, primary_key=True),
    Column("institution_id", IdText, primary_key=True),
    Column("certificate_no", IdText, primary_key=True),
)
# Who watches a certificate that an entry touches, and which of a caller's certificates they are.
Index("ix_certification_watched_certificate", watched.c.certificate_no, watched.c.caller)
Index("ix_certification_watched_caller", watched.c.caller, watched.c.certificate_no)
