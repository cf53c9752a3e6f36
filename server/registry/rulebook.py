"""What a numbered rule is, so that every room states its rules in one form.

A rule has a code that travels, its text for people in Chinese and English, its source, and the
reason with which a write that breaks it is refused. What a rule asks is code beside it, not here.
"""

from dataclasses import dataclass

from deltacare.errors import Reason, Refusal

__all__ = ["Rule"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One numbered rule.

    Attributes:
        code: number and name, such as ``G05-LISTING-TAKEN``; never changes its meaning.
        zh: the rule in Chinese.
        en: the rule in English.
        source: where it comes from.
        reason: with what a write is refused that breaks it.
    """

    code: str
    zh: str
    en: str
    source: str
    reason: Reason = Reason.RULE_REFUSED

    def __str__(self) -> str:
        return self.code

    def refusal(self, subject: str) -> Refusal:
        """Return the refusal of a write.

        Args:
            subject: what was written about: an id, never personal data.
        """
        return Refusal(
            self.reason,
            f"{self.code}: {self.en} ({subject})",
            details={"rule": self.code, "subject": subject, "text_zh": self.zh},
        )
