"""What a node or a library said, in the language of the run.

They say it in English, for programs; `clients.cli.chinese` holds the Chinese of whole sentences.
What is not known there is shown as it came: never half translated.
"""

from clients.cli.sentences import in_chinese
from clients.language import language

__all__ = ["told"]


def told(text: str) -> str:
    """Return sentences in the language of the run, as far as they are known."""
    return text if language() != "zh" else in_chinese(text) or text
