"""On what legal basis values of a person are disclosed: a closed list, so that it can be audited.

Articles are those of the Personal Information Protection Law of the People's Republic of China
(中华人民共和国个人信息保护法, in force since 2021-11-01). Whether a basis holds in a case is for
people; this module only names what may be said. Article 13(1)(5), news reporting, has no place in
this business and is left out.
"""

import enum
from difflib import get_close_matches

from deltacare.errors import invalid_field

__all__ = ["LegalBasis"]


class LegalBasis(enum.StrEnum):
    """Why a disclosure is lawful; the name travels."""

    PIPL_13_1 = "PIPL_13_1"
    PIPL_13_2 = "PIPL_13_2"
    PIPL_13_3 = "PIPL_13_3"
    PIPL_13_4 = "PIPL_13_4"
    PIPL_13_6 = "PIPL_13_6"
    PIPL_13_7 = "PIPL_13_7"
    PIPL_34 = "PIPL_34"
    PIPL_45 = "PIPL_45"

    @property
    def zh(self) -> str:
        """What it is, in Chinese, with its article."""
        return _TEXTS[self][0]

    @property
    def en(self) -> str:
        """What it is, in English, with its article."""
        return _TEXTS[self][1]

    @classmethod
    def parse(cls, text: str, *, field: str = "legal_basis") -> "LegalBasis":
        """Return the basis of a code.

        Raises:
            Refusal: ``INVALID_FIELD``, naming those spelled alike, or all. What was given is not
                repeated: it may hold anything.
        """
        try:
            return cls(text)
        except ValueError:
            near = get_close_matches(text.upper()[:64], list(cls), n=3) or list(cls)
            raise invalid_field(
                field, "", "There is no such legal basis.", f"Use one of {', '.join(near)}."
            ) from None


_TEXTS = {
    LegalBasis.PIPL_13_1: (
        "个人同意（个人信息保护法第十三条第一款第一项）",
        "The person consents (Personal Information Protection Law, art. 13(1)(1)).",
    ),
    LegalBasis.PIPL_13_2: (
        "为订立、履行个人作为一方当事人的合同，或依法实施人力资源管理所必需（第十三条第一款第二项）",
        "Needed for a contract with the person or for managing staff by law (art. 13(1)(2)).",
    ),
    LegalBasis.PIPL_13_3: (
        "为履行法定职责或者法定义务所必需（第十三条第一款第三项）",
        "Needed for duties that a statute gives (art. 13(1)(3)).",
    ),
    LegalBasis.PIPL_13_4: (
        "应对突发公共卫生事件，或紧急情况下保护生命健康和财产安全所必需（第十三条第一款第四项）",
        "Needed in an emergency of public health or to protect life and property (art. 13(1)(4)).",
    ),
    LegalBasis.PIPL_13_6: (
        "在合理范围内处理个人自行公开或者其他已经合法公开的信息（第十三条第一款第六项）",
        "The person made it public, or it lawfully is, within reason (art. 13(1)(6)).",
    ),
    LegalBasis.PIPL_13_7: (
        "法律、行政法规规定的其他情形（第十三条第一款第七项）",
        "Another statute or administrative regulation provides for it (art. 13(1)(7)).",
    ),
    LegalBasis.PIPL_34: (
        "国家机关在法定权限和程序内履行法定职责（第三十四条）",
        "A state organ performs its statutory duty within its powers (art. 34).",
    ),
    LegalBasis.PIPL_45: (
        "个人查阅、复制其个人信息（第四十五条）",
        "The person reads or copies what is kept of it (art. 45).",
    ),
}
