"""Searches bytes for values of a person, in every spelling that a program may have given them."""

import base64
import json
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path

__all__ = ["found_in", "spellings", "spellings_of_bytes"]

_CODES = ("utf-8", "gb18030", "utf-16-le", "utf-16-be")


def spellings(text: str) -> set[bytes]:
    """Return a text in the encodings in use, as it is and normalised, and escaped in JSON."""
    normalised = unicodedata.normalize("NFKC", text).casefold().replace(" ", "")
    found: set[bytes] = set()
    for each in {text, normalised, text.lower(), text.upper()}:
        found |= {each.encode(code) for code in _CODES}
        found.add(json.dumps(each)[1:-1].encode())
        found |= _base64(each.encode())
        found.add(each.encode().hex().encode())
    return found


def spellings_of_bytes(data: bytes) -> set[bytes]:
    """Return bytes as they are, in hexadecimal and in Base64."""
    return {data, data.hex().encode(), data.hex().upper().encode()} | _base64(data)


def _base64(data: bytes) -> set[bytes]:
    """Return what of bytes shows in Base64 wherever they begin, in both alphabets."""
    found: set[bytes] = set()
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + data)
        # Characters at the ends hold bits of neighbours as well.
        inner = text[-(-shift * 8 // 6) : len(data + b"\0" * shift) * 8 // 6]
        found |= {inner, inner.translate(bytes.maketrans(b"+/", b"-_"))}
    return found


def found_in(paths: Iterable[Path], hidden: Mapping[str, set[bytes]]) -> set[tuple[str, str]]:
    """Return which files hold what, by the file's name and the name of the value."""
    found: set[tuple[str, str]] = set()
    for path in paths:
        if path.is_file():
            data = path.read_bytes()
            found |= {
                (path.name, name)
                for name, forms in hidden.items()
                if any(form in data for form in forms)
            }
    return found
