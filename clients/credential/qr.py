"""QR codes of phone certificates: drawn as PNG or SVG, and read from a picture.

A code holds 2,953 bytes at the lowest level of error correction and 1,273 at the highest. The
highest level that still gives a code which a phone reads well is taken; what fits none is refused,
with what to leave out. A picture is measured before it is unpacked: one that claims to be huge is
refused without being read.
"""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clients.regular_files import read_regular
from deltacare.errors import Reason, Refusal, invalid_field

__all__ = ["IMAGE_BYTES_MAX", "IMAGE_PIXELS_MAX", "DrawnCode", "draw_qr", "read_qr"]

IMAGE_BYTES_MAX = 16 * 1024 * 1024
IMAGE_PIXELS_MAX = 40_000_000
"""A photograph of a good phone; in memory 40 MB, because it is read as grey."""

TEXT_BYTES_MAX = 2_953
"""Version 40 at level L (ISO/IEC 18004, table 7)."""

_LEVELS = ("H", "Q", "M", "L")
# 177 modules cannot be told apart on a phone's screen by every camera; 125 can.
_VERSION_GOOD_MAX = 27
_SCALE = 6
_QUIET_MODULES = 4
_FORMATS = ("PNG", "JPEG")


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnCode:
    """A code that was drawn.

    Attributes:
        version: 1 to 40.
        level: Of error correction, L, M, Q or H.
        text_bytes: How much it holds.
        code: What draws it.
    """

    version: int
    level: str
    text_bytes: int
    code: Any

    def write(self, path: Path, kind: str) -> None:
        """Write the code as ``png`` or ``svg``.

        Raises:
            OSError: If the file cannot be written.
        """
        self.code.save(str(path), kind=kind, scale=_SCALE, border=_QUIET_MODULES)


def draw_qr(text: str) -> DrawnCode:
    """Return a code of a phone certificate.

    Args:
        text: ASCII.

    Raises:
        Refusal: ``TOO_LARGE``, if no code holds it.
    """
    import segno

    data = text.encode("ascii")
    if len(data) > TEXT_BYTES_MAX:
        raise Refusal(
            Reason.TOO_LARGE,
            f"The phone form has {len(data)} bytes and a QR code holds {TEXT_BYTES_MAX}: leave "
            "out the holder's name or the key of the phone.",
            details={"bytes": str(len(data)), "bytes_max": str(TEXT_BYTES_MAX)},
        )
    drawn: list[Any] = []
    for level in _LEVELS:
        try:
            code = segno.make_qr(data, error=level, boost_error=False, mode="byte", encoding=None)
        except segno.DataOverflowError:
            continue
        if int(code.version) <= _VERSION_GOOD_MAX:
            drawn = [code]
            break
        drawn.append(code)
    code = min(drawn, key=lambda each: each.version)
    return DrawnCode(
        version=int(code.version), level=str(code.error), text_bytes=len(data), code=code
    )


def read_qr(path: Path) -> str:
    """Return the text of the one QR code of a picture.

    Args:
        path: PNG or JPEG, upright or not.

    Raises:
        OSError: If it cannot be read.
        Refusal: ``INVALID_FIELD``, if it is no such picture, too large, or has not one QR code.
    """
    import zxingcpp

    image = _open_grey(path)
    # A code drawn small is read better when it is larger; a large one is left as it is.
    found: list[Any] = []
    for factor in (1, 2, 4):
        if factor > 1 and image.width * image.height * factor * factor > IMAGE_PIXELS_MAX:
            break
        scaled = (
            image if factor == 1 else image.resize((image.width * factor, image.height * factor))
        )
        found = [
            each
            for each in zxingcpp.read_barcodes(
                scaled, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
            )
            if each.valid
        ]
        if found:
            break
    texts = {each.text for each in found}
    if len(texts) != 1:
        what = "no QR code" if not texts else "several QR codes"
        raise invalid_field(
            "qr",
            path.name,
            f"The picture shows {what}.",
            "Take it again: one code, sharp, with its white edge.",
        )
    return str(texts.pop())


def _open_grey(path: Path) -> Any:  # noqa: ANN401  # a picture of Pillow
    """Return a picture in grey, having measured it first."""
    import warnings

    from PIL import Image, UnidentifiedImageError

    data = read_regular(path, bytes_max=IMAGE_BYTES_MAX + 1)
    if len(data) > IMAGE_BYTES_MAX:
        raise invalid_field("qr", path.name, f"The picture has more than {IMAGE_BYTES_MAX} bytes.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data), formats=_FORMATS)
            if image.width * image.height > IMAGE_PIXELS_MAX:
                raise invalid_field(
                    "qr", path.name, f"The picture has more than {IMAGE_PIXELS_MAX} pixels."
                )
            return _flat(image).convert("L")
    except (
        UnidentifiedImageError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
        OSError,
        ValueError,
        SyntaxError,
    ):
        raise invalid_field(
            "qr", path.name, "It is no PNG or JPEG that can be read.", "Give a picture of the code."
        ) from None


def _flat(image: Any) -> Any:  # noqa: ANN401  # a picture of Pillow
    """Return a picture on white: what is transparent would turn black and hide the code."""
    from PIL import Image

    if "A" not in image.getbands() and "transparency" not in image.info:
        return image
    with_alpha = image.convert("RGBA")
    white = Image.new("RGBA", with_alpha.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, with_alpha)
