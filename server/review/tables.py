"""The table of drafts: in no log, backed up, and left alone by a rebuild.

The request of a draft is sealed under a key of the node (``server.review.sealing``), because an
enrolment's holds values of a person. Such a request is deleted as soon as its draft no longer
waits; of every other one stays what was approved.
"""

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, Text

from server.registry.tables import IdText
from server.store.schema import BigInt, UtcTime, metadata

__all__ = ["drafts"]

drafts = Table(
    "review_drafts",
    metadata,
    Column("request_id", IdText, primary_key=True),
    Column("method", IdText, nullable=False),
    Column("maker", IdText, nullable=False),
    Column("submitted_time", UtcTime, nullable=False),
    Column("state", Integer, nullable=False),  # deltacare.v1.DraftState
    Column("reviewer", IdText, nullable=False),  # empty while it waits
    Column("reason", Text, nullable=False),
    Column("item_count", Integer, nullable=False),
    Column("sum_fen", BigInt, nullable=False),
    Column("partner", Text, nullable=False),
    # What a repeated submission is compared by: an HMAC under a key of the node.
    Column("content_mac", LargeBinary, nullable=False),
    # Of the request; empty where it holds values of persons: a digest lets guesses be tried.
    Column("digest", LargeBinary, nullable=False),
    Column("sealed", LargeBinary),
    Column("refusal", Text, nullable=False),
    Column("response", LargeBinary),  # as the method answered it, without codes of elders
    Column("ended_time", UtcTime),
    Index("ix_review_drafts_order", "state", "submitted_time"),
    Index("ix_review_drafts_maker", "maker", "state"),
)
