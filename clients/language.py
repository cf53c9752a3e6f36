"""Chinese or English, chosen once a run, so that every text stands where it is used, in both.

A text is written as a pair. ``both`` keeps the pair where a library wants one string before the
language is known (help texts); ``tr`` picks at once. Codes, field names and numbers are the same
in both languages and are not translated.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

__all__ = ["LANGUAGES", "both", "choose_language", "language", "pick", "tr", "using_language"]

LANGUAGES: Final = ("zh", "en")
_SEPARATOR = "\x1f"  # stands in no text that people write

_chosen: ContextVar[str] = ContextVar("deltacare_language", default="en")


def language() -> str:
    """Return the language of this run: ``zh`` or ``en``."""
    return _chosen.get()


def both(zh: str, en: str) -> str:
    """Return a text in both languages, to be shown by ``pick``."""
    return f"{zh}{_SEPARATOR}{en}"


def pick(text: str) -> str:
    """Return the part of a ``both`` text in the language of this run; any other text as it is."""
    zh, separator, en = text.partition(_SEPARATOR)
    return tr(zh, en) if separator else text


def tr(zh: str, en: str) -> str:
    """Return the text in the language of this run."""
    return zh if _chosen.get() == "zh" else en


def choose_language(arguments: Sequence[str], environ: Mapping[str, str]) -> str:
    """Return the language that a command line and an environment ask for.

    ``--lang`` wins, then ``DELTACARE_LANG``, then the POSIX order of locale variables. What asks
    for neither is English.

    Args:
        arguments: The command line without the program's name.
        environ: The environment.
    """
    for index, argument in enumerate(arguments):
        value = argument.removeprefix("--lang=")
        if argument == "--lang" and index + 1 < len(arguments):
            value = arguments[index + 1]
        if value in LANGUAGES and value != argument:
            return value
    for name in ("DELTACARE_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = environ.get(name, "")
        if value:
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


@contextmanager
def using_language(name: str) -> Iterator[None]:
    """Show every text in one language while the block runs."""
    assert name in LANGUAGES, "there are two languages"
    token = _chosen.set(name)
    try:
        # A terminal or pipe that cannot encode Chinese shows escapes instead of failing.
        for stream in (sys.stdout, sys.stderr):
            reconfigure = getattr(stream, "reconfigure", None)
            if reconfigure is not None:
                reconfigure(errors="backslashreplace")
        yield
    finally:
        _chosen.reset(token)
