"""A statement as a node has it, as a workbook for `settle export`; see `clients.reports`."""

from collections.abc import Iterable

from clients.reports.statement import answer_words, statement_document
from deltacare.v1.clearing_service_pb2 import PairNight, StandingStatement

__all__ = ["answer_words", "workbook"]


def workbook(standing: StandingStatement, nights: Iterable[PairNight] = ()) -> bytes:
    """Return a statement as XLSX, in Chinese whatever the run speaks: finance offices file it."""
    from clients.reports.xlsx import workbook as drawn

    return drawn(statement_document(standing, nights))
