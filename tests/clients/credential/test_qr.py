"""QR codes: drawn, photographed badly, and pictures that mean harm."""

import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image, ImageFilter

from clients.credential.qr import IMAGE_BYTES_MAX, draw_qr, read_qr
from deltacare.errors import Reason, Refusal

TEXT = "eyJhbGciOiJFUzI1NiJ9." + "Aa0-_" * 140 + "~"


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A code as it is drawn."""
    path = tmp_path / "code.png"
    draw_qr(TEXT).write(path, "png")
    return path


def test_drawn_and_read(picture: Path) -> None:
    """PNG and JPEG, rotated, blurred, small, on a transparent ground, and mirrored by a camera."""
    image = Image.open(picture).convert("RGB")
    clear = Image.new("RGBA", image.size, (0, 0, 0, 0))
    dark = Image.open(picture).convert("L").point(lambda value: 255 - value)
    clear.paste((0, 0, 0, 255), mask=dark)
    shapes = {
        "plain.png": image,
        "photo.jpg": image,
        "turned.png": image.rotate(90, expand=True),
        "askew.png": image.rotate(17, expand=True, fillcolor="white"),
        "blurred.jpg": image.filter(ImageFilter.GaussianBlur(1.5)),
        "small.png": image.resize((image.width // 3, image.height // 3)),
        "clear.png": clear,
    }
    for name, each in shapes.items():
        path = picture.with_name(name)
        each.save(path)
        assert TEXT == read_qr(path), name


def test_svg_is_written(tmp_path: Path) -> None:
    """The same code as a drawing that scales."""
    path = tmp_path / "code.svg"
    draw_qr(TEXT).write(path, "svg")
    assert b"<svg" in path.read_bytes()


@pytest.mark.parametrize("size", [100, 700, 1_000, 1_500, 2_300, 2_953])
def test_level_and_version(size: int, tmp_path: Path) -> None:
    """What fits is drawn so that it reads back, with as much correction as a phone still reads."""
    text = ("Aa0-_.~" * 500)[:size]
    code = draw_qr(text)
    code.write(tmp_path / "code.png", "png")
    assert text == read_qr(tmp_path / "code.png")
    assert (code.version <= 27) == (size <= 1_460)


def test_too_long() -> None:
    """One byte more than a code holds is refused with what to leave out."""
    with pytest.raises(Refusal) as caught:
        draw_qr("A" * 2_954)
    assert (Reason.TOO_LARGE, "2954") == (caught.value.reason, caught.value.details["bytes"])


def _png(width: int, height: int, data: bytes) -> bytes:
    """Return a PNG that claims a size."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def test_hostile_pictures(tmp_path: Path, picture: Path) -> None:
    """Huge by its head, huge as a file, cut short, empty, another kind, and no code or two."""
    two = Image.new("RGB", (2_000, 1_000), "white")
    other = tmp_path / "other.png"
    draw_qr("B" * 100).write(other, "png")
    two.paste(Image.open(picture).convert("RGB").resize((900, 900)), (20, 20))
    two.paste(Image.open(other).convert("RGB").resize((900, 900)), (1_050, 20))
    two.save(tmp_path / "two.png")
    Image.new("RGB", (300, 300), "white").save(tmp_path / "white.png")
    Image.open(picture).convert("RGB").save(tmp_path / "code.gif")
    (tmp_path / "bomb.png").write_bytes(_png(60_000, 60_000, zlib.compress(bytes(1_000_000))))
    (tmp_path / "short.png").write_bytes(picture.read_bytes()[:200])
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "large.png").write_bytes(bytes(IMAGE_BYTES_MAX + 1))
    for name in ("two", "white", "bomb", "short", "empty", "large"):
        with pytest.raises(Refusal) as caught:
            read_qr(tmp_path / f"{name}.png")
        assert Reason.INVALID_FIELD is caught.value.reason, name
    with pytest.raises(Refusal):
        read_qr(tmp_path / "code.gif")
