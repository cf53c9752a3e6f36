"""The few Chinese glyphs that a report needs, out of a large font.

Noto Sans SC (SIL Open Font License) is a variable font of 17 MB. It is first cut down to the
characters of the report, and only then set to regular and bold, which is what makes it quick. The
same characters give the same bytes.
"""

import io
from collections.abc import Iterable
from importlib.resources import files
from typing import Final

__all__ = ["BOLD", "REGULAR", "glyphs"]

REGULAR: Final = 400
BOLD: Final = 700

_PACKAGE: Final = "justmytype_intl_cjk"
_PATH: Final = ("fonts", "ofl", "notosanssc", "NotoSansSC[wght].ttf")
_ALWAYS: Final = "".join(map(chr, range(0x20, 0x7F))) + "□…"
# What a page of text needs; positioning and old tables are left behind.
_TABLES_DROPPED: Final = ("GSUB", "GPOS", "GDEF", "BASE", "VORG", "vhea", "vmtx", "DSIG", "MVAR")


def glyphs(text: Iterable[str]) -> dict[int, bytes]:
    """Return a regular and a bold TrueType font that have the characters of some texts.

    Args:
        text: Everything that will be drawn.

    Returns:
        The fonts' bytes by weight, `REGULAR` and `BOLD`.
    """
    from fontTools.subset import (  # type: ignore[import-untyped]  # it ships no types
        Options,
        Subsetter,
    )
    from fontTools.ttLib import TTFont  # type: ignore[import-untyped]  # likewise
    from fontTools.varLib.instancer import (  # type: ignore[import-untyped]  # likewise
        instantiateVariableFont,
    )

    options = Options(
        layout_features=[],
        drop_tables=[*Options().drop_tables, *_TABLES_DROPPED],
        hinting=False,
        name_IDs=[1, 2, 4, 6, 13],
        notdef_outline=True,
        recalc_timestamp=False,
    )
    path = files(_PACKAGE).joinpath(*_PATH)
    with path.open("rb") as stream:
        font = TTFont(io.BytesIO(stream.read()), lazy=True, recalcTimestamp=False)
    subsetter = Subsetter(options)
    subsetter.populate(text="".join(sorted(set(_ALWAYS).union(*text))))
    subsetter.subset(font)
    small = io.BytesIO()
    font.save(small)
    found: dict[int, bytes] = {}
    for weight in (REGULAR, BOLD):
        each = TTFont(io.BytesIO(small.getvalue()), recalcTimestamp=False)
        instantiateVariableFont(each, {"wght": weight}, inplace=True)
        out = io.BytesIO()
        each.save(out)
        found[weight] = out.getvalue()
    return found
