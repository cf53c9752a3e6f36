"""What a verifier was handed by mistake: another file, or a directory without what it should hold.

Nothing was judged then, so it is not refused as false: the input is wrong, and is said to be so in
both languages. A file that claims to be evidence and is not spelled as such is never this.
"""

from deltacare.errors import Reason, Refusal

__all__ = ["Unusable"]


class Unusable(Refusal):
    """An input of which nothing can be verified, as ``INVALID_FIELD``.

    Args:
        zh: What is wrong and what to give instead, in Chinese.
        en: The same in English.
    """

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(Reason.INVALID_FIELD, en, details={"text_zh": zh})
        self.zh = zh
        self.en = en
