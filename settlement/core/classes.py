"""The classes of a line in order of precedence, and what follows from each: one table.

A line has exactly one class, the first that applies, so the order of the members is the rule. The
table also holds what a finance clerk needs next: whether the line is closed, whether it is netted,
what to do, whose move it is and within how many calendar days. Nothing is computed here.
"""

import enum
from typing import Final

__all__ = ["ALPHABETICAL", "TRANSIT_DAYS", "Actor", "LineClass"]

# A one-sided line is in transit while the date being closed is less than this many calendar days
# after the date it was filed under: the partner has that long before it counts as a discrepancy.
TRANSIT_DAYS: Final = 3

_NOTHING_ZH = "无需处理"
_NOTHING_EN = "Nothing to do."


class Actor(enum.Enum):
    """Whose move it is."""

    NOBODY = "nobody"
    HOME = "home"
    HOST = "host"
    BOTH = "both"


class LineClass(enum.Enum):
    """The class of a line; the value is its name on the wire.

    Attributes:
        rank: Precedence, from 1: the lowest that applies is the class.
        zh: Name in Chinese.
        en: Name in English.
        closed: Whether the line is done with; every other line is carried to the next night.
        netted: Whether its amount enters the netting.
        actor: Whose move it is.
        deadline_days: Calendar days from the date under which the line was first filed, of a line
            of one side from the end of its transit; 0 where nothing is to be done. Whoever makes
            a date of it moves one that falls on a day off to the next working day.
        action_zh: What to do next, in Chinese.
        action_en: What to do next, in English.
    """

    REVERSED = (
        1, "已冲正", "reversed", True, False, Actor.NOBODY, 0, _NOTHING_ZH, _NOTHING_EN,
    )  # fmt: skip
    REVERSED_ONE_SIDE = (
        2, "单方冲正", "reversed by one side", False, False, Actor.BOTH, 5,
        "未冲正一方核实后提交冲正；冲正有误的，双方冲正后以新编号重新报送",
        (
            "The side that has not reversed it files its reversal; if the first reversal was a "
            "mistake, both then file the settlement again under a new number."
        ),
    )  # fmt: skip
    DUP_CONFLICT = (
        3, "同号异文", "same number, different content", False, False, Actor.BOTH, 5,
        "报送方将不一致的记录修订为与本方其他记录或已清算记录一致；或由各报送方冲正该编号，以新编号重新报送",
        (
            "The side that filed differing rows revises them to equal its others, or the cleared "
            "one; or every side that filed the number reverses it, and the settlement is filed "
            "again under a new one."
        ),
    )  # fmt: skip
    DUP_EXACT = (
        4, "完全重复", "exact copy", True, False, Actor.NOBODY, 0, _NOTHING_ZH, _NOTHING_EN,
    )  # fmt: skip
    DUP_SEMANTIC = (
        5, "疑似重复", "suspected duplicate", False, False, Actor.HOST, 10,
        "服务地核实是否重复报送，重复的由各报送方冲正；确属两次服务的，双方修订未清算一条的要素",
        (
            "The host checks whether one service was filed twice; whoever filed the surplus "
            "reverses it. If there were two, both revise what tells them apart in one that is not "
            "cleared."
        ),
    )  # fmt: skip
    OUT_OF_AGREEMENT = (
        6, "协议外", "outside any agreement", False, False, Actor.BOTH, 10,
        "双方核对合作协议的地区、项目与起止日期；不属协议范围的，予以冲正",
        (
            "Both compare divisions, kinds and dates with the agreement; what it does not cover is "
            "reversed."
        ),
    )  # fmt: skip
    INSTITUTION_UNLISTED = (
        7, "机构未列名", "institution not listed", False, False, Actor.HOST, 10,
        "服务地核对异地养老机构名单、监管措施与机构关闭日期，补列名、待措施解除、更正登记或冲正",
        (
            "The host lists the institution for those days, or waits until the measure that closes "
            "it is lifted, or corrects the day on which it closed, or reverses."
        ),
    )  # fmt: skip
    ELDER_INELIGIBLE = (
        8, "资格无效", "elder not enrolled", False, False, Actor.HOME, 10,
        "户籍地核对异地备案的项目与起止日期，补备案；或说明拒绝理由，由各报送方冲正",
        (
            "Home corrects the enrolment for those days; or refuses the record, and whoever filed "
            "it reverses."
        ),
    )  # fmt: skip
    CAREGIVER_UNCERTIFIED = (
        9, "护理员无有效资格", "caregiver without a valid certificate", False, False,
        Actor.HOST, 10,
        "服务地核对护理员证书编号及服务当月的有效性，修订或冲正",
        "The host corrects the certificate number, or reverses.",
    )  # fmt: skip
    OVERLAP = (
        10, "重复享受", "paid for elsewhere in the same days", False, False, Actor.HOME, 10,
        "户籍地核实同月其他待遇及服务天数，无误的解除暂缓；有误的由双方修订或冲正",
        (
            "Home checks what else was paid for those days, and ends its hold if nothing was; "
            "else both revise or reverse."
        ),
    )  # fmt: skip
    OVER_CAP = (
        11, "超标准", "above rate or cap", False, False, Actor.HOST, 10,
        "服务地按户籍地标准核减金额并修订，户籍地相应修订",
        "The host reduces the amount to home's rate and cap and revises; home follows.",
    )  # fmt: skip
    OVER_BUDGET = (
        12, "超预算", "budget spent", False, False, Actor.HOME, 30,
        "户籍地落实预算后解除暂缓；或说明理由，由各报送方冲正",
        (
            "Home finds the budget and ends the hold; or gives a reason, and whoever filed it "
            "reverses."
        ),
    )  # fmt: skip
    IN_TRANSIT = (
        13, "在途", "in transit", False, False, Actor.BOTH, TRANSIT_DAYS,
        "等待对方报送",
        "Wait for the other side to file.",
    )  # fmt: skip
    HOME_ONLY = (
        14, "单边账（户籍地有）", "filed by home only", False, False, Actor.HOST, 5,
        "服务地核实后补报，户籍地误报的予以冲正",
        "The host files its record, or home reverses its own.",
    )  # fmt: skip
    HOST_ONLY = (
        15, "单边账（服务地有）", "filed by the host only", False, False, Actor.HOME, 5,
        "户籍地核实后补报或说明拒绝理由，服务地误报的予以冲正",
        "Home files its record or refuses with a reason; or the host reverses its own.",
    )  # fmt: skip
    AMOUNT = (
        16, "金额不一致", "amounts differ", False, False, Actor.BOTH, 5,
        "双方核对金额，有误一方修订",
        "Both compare the amount; the side that is wrong revises.",
    )  # fmt: skip
    FIELD = (
        17, "要素不一致", "fields differ", False, False, Actor.BOTH, 5,
        "双方核对不一致的要素，有误一方修订",
        "Both compare the fields that differ; the side that is wrong revises.",
    )  # fmt: skip
    MATCHED = (
        18, "对平", "matched", True, True, Actor.NOBODY, 0, _NOTHING_ZH, _NOTHING_EN,
    )  # fmt: skip

    def __init__(  # noqa: PLR0917 - a row of the table
        self,
        rank: int,
        zh: str,
        en: str,
        closed: bool,  # noqa: FBT001 - a row of the table
        netted: bool,  # noqa: FBT001 - a row of the table
        actor: Actor,
        deadline_days: int,
        action_zh: str,
        action_en: str,
    ) -> None:
        self.rank = rank
        self.zh = zh
        self.en = en
        self.closed = closed
        self.netted = netted
        self.actor = actor
        self.deadline_days = deadline_days
        self.action_zh = action_zh
        self.action_en = action_en

    def __repr__(self) -> str:
        return f"LineClass.{self.name}"

    @classmethod
    def of_rank(cls, rank: int) -> "LineClass":
        """Return the class of a rank."""
        return _BY_RANK[rank]


_BY_RANK: Final = {member.rank: member for member in LineClass}

# A line's bytes hold the class by name, so lines of one number sort by the name, not by the rank.
ALPHABETICAL: Final = tuple(sorted(LineClass, key=lambda member: member.name))
