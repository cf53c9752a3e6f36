"""From the bytes of a camt.053 message to the classes of its version, or one clear refusal.

The bytes are held to a size, to no document type and no entity, and to a version that is known,
before anything is built from them; what the classes of that version do not know is refused. Nor do
amounts and days pass that Python reads as numbers and XML Schema does not, such as ``1e3``: what is
money is written one way. What the message says is read in `settlement.bank.camt053`.
"""

import re
import warnings
import xml.sax
from collections.abc import Mapping
from typing import Any, Final

from defusedxml.common import (  # type: ignore[import-untyped]  # ships no types
    DefusedXmlException,
)
from defusedxml.sax import parseString  # type: ignore[import-untyped]  # ships no types
from pyiso20022.camt.camt_053_001_02 import (  # type: ignore[import-untyped]  # ships no types
    camt_053_001_02 as version_02,
)
from pyiso20022.camt.camt_053_001_08 import (  # type: ignore[import-untyped]  # ships no types
    camt_053_001_08 as version_08,
)
from xsdata.exceptions import ConverterWarning, ParserError
from xsdata.formats.dataclass.parsers import XmlParser
from xsdata.formats.dataclass.parsers.config import ParserConfig
from xsdata.formats.dataclass.parsers.handlers import XmlEventHandler

from deltacare.errors import invalid_field

__all__ = ["CAMT053_BYTES_MAX", "open_camt053"]

CAMT053_BYTES_MAX: Final = 16 * 1024 * 1024
"""Of one message: some 20,000 entries; banks split longer ones."""

_DEPTH_MAX = 64  # the schema has 20 levels
_NAMESPACES: Final[Mapping[str, Any]] = {
    "urn:iso:std:iso:20022:tech:xsd:camt.053.001.02": version_02,
    "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08": version_08,
}
_HEAD_BYTES = 200
# Banks write what Chinese systems write; expat reads none of the three.
_CHINESE = re.compile(
    rb"^(<\?xml[^>]{0,100}encoding=[\"'])(gb18030|gbk|gb2312)([\"'])", re.IGNORECASE
)
_AMOUNT = re.compile(r"[+-]?0*([0-9]*)(?:\.([0-9]*))?", re.ASCII)  # of xs:decimal
_DIGITS_MAX, _FRACTION_DIGITS_MAX = 18, 5  # of the schema's amounts
_WHITE = " \t\r\n"  # what XML Schema collapses
_REMEDY = "Give the camt.053 file as the bank's system exported it."

_NOT_ITS_SCHEMA = "It does not follow its schema."
_VALUE_CHARS_MAX = 80


def open_camt053(data: bytes) -> Any:  # noqa: ANN401  # of either version
    """Return the message of some bytes, as the classes of its version have it.

    Raises:
        Refusal: ``INVALID_FIELD``, if it is no such message.
    """
    text = _utf8(data)
    return _parse(text, _namespace(text)).bk_to_cstmr_stmt


class _Head(xml.sax.ContentHandler):
    """Sees every element: remembers the first, how deep they lie, and what is no amount or day."""

    def __init__(self) -> None:
        super().__init__()
        self.namespace: str | None = None
        self.malformed: str | None = None
        self._depth = 0
        self._is_amount = False
        self._text: list[str] = []

    def startElement(self, name: str, attrs: Any) -> None:  # noqa: N802, ANN401  # the base class's
        """Look at an element."""
        if self.namespace is None:
            prefix, colon, _ = name.partition(":")
            self.namespace = attrs.get(f"xmlns:{prefix}" if colon else "xmlns", "")
        self._is_amount = "Ccy" in attrs  # amounts have one, and nothing else has
        self._text = []
        self._depth += 1
        if self._depth > _DEPTH_MAX:
            raise _no_message(f"Elements lie more than {_DEPTH_MAX} deep.")

    def characters(self, content: str) -> None:
        """Take in a part of its text."""
        self._text.append(content)

    def endElement(self, name: str) -> None:  # noqa: N802  # the base class's
        """Leave it."""
        self._depth -= 1
        text = "".join(self._text).strip(_WHITE)
        is_day = name.endswith(("Dt", "DtTm"))
        if (self._is_amount and not _is_amount(text)) or (is_day and not text.isascii()):
            self.malformed = self.malformed or f"{name.rpartition(':')[2]} {text}"
        self._is_amount = False
        self._text = []


def _is_amount(text: str) -> bool:
    """Whether the schema has an amount of these characters."""
    match = _AMOUNT.fullmatch(text)
    if match is None or not any(each.isdigit() for each in text):
        return False
    whole, fraction = match[1], (match[2] or "").rstrip("0")
    return len(fraction) <= _FRACTION_DIGITS_MAX and len(whole + fraction) <= _DIGITS_MAX


def _no_message(text: str, value: str = "") -> Exception:
    return invalid_field("camt.053", value[:_VALUE_CHARS_MAX], text, _REMEDY)


def _utf8(data: bytes) -> bytes:
    """Return the message in an encoding that XML libraries read."""
    if len(data) > CAMT053_BYTES_MAX:
        raise _no_message(
            f"The message has more than {CAMT053_BYTES_MAX:,} bytes; have the bank split it.",
            str(len(data)),
        )
    match = _CHINESE.match(data[:_HEAD_BYTES])
    if match is None:
        return data
    try:
        text = data.decode("gb18030").encode()
    except UnicodeDecodeError as error:
        raise _no_message(f"It is not the GB18030 that it says: byte {error.start}.") from None
    return text[: match.end(1)] + b"UTF-8" + text[match.end(2) :]


def _namespace(data: bytes) -> str:
    """Return the namespace of the root, once no document type and no entity was found."""
    head = _Head()
    try:
        parseString(data, head, forbid_dtd=True)
    except DefusedXmlException:
        raise _no_message("It declares a document type or entities; no bank does.") from None
    except xml.sax.SAXParseException as error:
        where = f"line {error.getLineNumber()}, column {error.getColumnNumber()}"
        raise _no_message(f"It is not XML: {error.getMessage()}, {where}.") from None
    except (ValueError, LookupError):  # an encoding that nobody reads
        raise _no_message("Its encoding cannot be read; have it exported as UTF-8.") from None
    if head.namespace is None or head.namespace not in _NAMESPACES:
        known = ", ".join(each.rpartition(":")[2] for each in _NAMESPACES)
        raise _no_message(f"It is none of {known}.", head.namespace or "no namespace")
    if head.malformed is not None:
        raise _no_message(_NOT_ITS_SCHEMA, head.malformed)
    return head.namespace


def _parse(data: bytes, namespace: str) -> Any:  # noqa: ANN401  # of either version
    config = ParserConfig(fail_on_unknown_properties=True, fail_on_converter_warnings=True)
    parser = XmlParser(config=config, handler=XmlEventHandler)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", ConverterWarning)
            return parser.from_bytes(data, _NAMESPACES[namespace].Document)
    except (ParserError, ConverterWarning, TypeError, ValueError) as error:
        text = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise _no_message(_NOT_ITS_SCHEMA, text) from None
