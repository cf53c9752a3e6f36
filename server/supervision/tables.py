"""The tables of the supervision room: inspections, measures, and reports of mending.

Every row carries the index in its author's registry log that brought it, and a measure the index
that lifted it, so that what was known at any size of a log can be asked again.
"""

from sqlalchemy import Boolean, Column, Index, LargeBinary, Table, Text

from server.registry.tables import IdText
from server.store.schema import BigInt, metadata

__all__ = ["inspections", "lifts", "measures", "reports"]

inspections = Table(
    "supervision_inspections",
    metadata,
    Column("inspection_id", IdText, primary_key=True),
    Column("author", IdText, nullable=False),
    Column("log_index", BigInt, nullable=False),
    # Whom it concerned: an institution's id or a certificate's number.
    Column("subject", IdText, nullable=False, index=True),
    # The body as stated: a serialised ``Inspection``.
    Column("body", LargeBinary, nullable=False),
)
Index("ix_supervision_inspections_place", inspections.c.author, inspections.c.log_index)

measures = Table(
    "supervision_measures",
    metadata,
    Column("measure_id", IdText, primary_key=True),
    Column("author", IdText, nullable=False),
    Column("log_index", BigInt, nullable=False),
    # Against whom: an institution's id or a certificate's number.
    Column("subject", IdText, nullable=False, index=True),
    # The body as taken: a serialised ``SupervisionMeasure``.
    Column("body", LargeBinary, nullable=False),
)
Index("ix_supervision_measures_place", measures.c.author, measures.c.log_index)

# What lifted them: one from an earlier day may follow one that bore a wrong day.
lifts = Table(
    "supervision_lifts",
    metadata,
    Column("author", IdText, primary_key=True),
    Column("log_index", BigInt, primary_key=True, autoincrement=False),
    Column("measure_id", IdText, nullable=False, index=True),
    Column("effective_date", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

reports = Table(
    "supervision_reports",
    metadata,
    Column("author", IdText, primary_key=True),
    Column("log_index", BigInt, primary_key=True, autoincrement=False),
    Column("measure_id", IdText, nullable=False, index=True),
    Column("is_accepted", Boolean, nullable=False),
    Column("report_date", Text, nullable=False),
    Column("reason", Text, nullable=False),
)
