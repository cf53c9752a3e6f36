"""Writes a row as text, the one time it is written: the ten columns joined, over Arrow columns.

These are the bytes that a line holds of a row, so every way in must come to the same ones.
"""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from settlement.core.columns import COLUMNS, SEPARATOR

__all__ = ["row_texts"]


def row_texts(table: pa.Table) -> Any:  # noqa: ANN401 - pyarrow ships no types
    """Return the ten columns of each row, joined.

    Args:
        table: Has the ten columns as texts and numbers, checked and in their one spelling.
    """
    return pc.binary_join_element_wise(
        *(pc.cast(table[name], pa.string()) for name in COLUMNS), SEPARATOR
    )
