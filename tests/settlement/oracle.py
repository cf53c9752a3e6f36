"""What a night is, once more, in straight-line Python over dictionaries.

Written from the rules alone, with no Ibis, no Arrow and no import from the expressions, so that the
engine has something independent to be compared with. It is slow and meant to be read.
"""

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from typing import Any

US = "\x1f"
COLUMNS = (
    "settlement_no",
    "home",
    "host",
    "beneficiary_ref",
    "institution",
    "subsidy_kind",
    "service_month",
    "service_days",
    "amount_fen",
    "caregiver_cert_no",
)
CLAIM = (
    "home",
    "host",
    "beneficiary_ref",
    "institution",
    "subsidy_kind",
    "service_month",
    "service_days",
    "amount_fen",
)
CLOSED = ("MATCHED", "REVERSED", "DUP_EXACT")

Row = dict[str, Any]
Key = tuple[str, str, str]


@dataclass
class Line:
    """A line under construction."""

    key: Key
    kind: str
    home: list[Row] = field(default_factory=list)
    host: list[Row] = field(default_factory=list)
    line_class: str = ""

    @property
    def open(self) -> bool:
        """Whether no class has applied yet."""
        return not self.line_class

    @property
    def fen(self) -> tuple[int, int]:
        """Sums of both sides."""
        return sum(r["amount_fen"] for r in self.home), sum(r["amount_fen"] for r in self.host)

    def rows(self) -> list[Row]:
        """The rows of both sides."""
        return self.home + self.host

    def text(self) -> bytes:
        """The bytes of the line."""
        parts = [*self.key, self.line_class]
        for rows, fen in zip((self.home, self.host), self.fen, strict=True):
            least = min((ten(row) for row in rows), default=US * 9)
            parts += [str(len(rows)), str(fen), least]
        return (US.join(parts) + "\n").encode()


def ten(row: Row) -> str:
    """Return the ten columns of a row, joined."""
    return US.join(str(row[name]) for name in COLUMNS)


def key_of(row: Row) -> Key:
    """Return the line key of a row."""
    return row["home"], row["host"], row["settlement_no"]


def claim_of(row: Row) -> tuple[Any, ...]:
    """Return what makes two settlements look like one."""
    return tuple(row[name] for name in CLAIM)


def days_in(month: str) -> int:
    """Return the length of a month."""
    year, number = int(month[:4]), int(month[5:])
    following = date(year + number // 12, number % 12 + 1, 1)
    return (following - date(year, number, 1)).days


def days_set(mask: int) -> set[int]:
    """Return the days of a mask."""
    return {day for day in range(1, 32) if mask >> (day - 1) & 1}


def interval_days(from_date: str, until_date: str, month: str) -> set[int]:
    """Return the days of a month in an interval with both ends; an empty end is none."""
    return {
        day
        for day in range(1, days_in(month) + 1)
        if from_date <= f"{month}-{day:02d}" <= (until_date or "9999-12-31")
    }


def night(  # noqa: C901, PLR0912, PLR0915 - one straight line, to be read beside the rules
    *,
    rows: list[Row],
    reversed_numbers: list[Row],
    cleared: list[Row],
    cleared_reversals: list[Row],
    holds: list[Row],
    facts: dict[str, list[Row]] | None,
    business_date: date | None,
) -> list[Line]:
    """Return every line with its class."""
    lines: list[Line] = []
    numbers: dict[Key, dict[str, list[Row]]] = defaultdict(lambda: {"home": [], "host": []})
    for row in sorted(rows, key=lambda row: row["position"]):
        numbers[key_of(row)][row["side"]].append(row)
    before = {key_of(row): row for row in cleared}
    reversals = {(row["side"], *key_of(row)) for row in reversed_numbers}
    standing = {key: row for key, row in before.items() if not row["cancelled"]}
    # Numbers become lines.
    for key, filed in numbers.items():
        sides = dict(filed)
        earlier = before.get(key)
        by = [side for side in ("home", "host") if (side, *key) in reversals]
        if earlier and by:
            # What was cleared stands until its own reversal is cleared; the rest is withdrawn.
            withdrawn = Line(key, "SETTLEMENT", line_class="REVERSED")
            if "home" in by:
                withdrawn.home, sides["home"] = sides["home"], []
            if "host" in by:
                withdrawn.host, sides["host"] = sides["host"], []
            if withdrawn.rows():
                lines.append(withdrawn)
        home, host = sides["home"], sides["host"]
        texts = [{ten(row) for row in side_rows} for side_rows in (home, host)]
        if by and not earlier:
            everyone = all(side in by for side in ("home", "host") if sides[side])
            line = Line(key, "SETTLEMENT", home, host)
            line.line_class = "REVERSED" if everyone else "REVERSED_ONE_SIDE"
            lines.append(line)
        elif any(len(side) > 1 for side in texts) or (
            earlier and any(side - {ten(earlier)} for side in texts)
        ):
            extra = [earlier] if earlier else []
            lines.append(
                Line(key, "SETTLEMENT", home + extra, host + extra, line_class="DUP_CONFLICT")
            )
        else:
            first = 0 if earlier else 1
            if not earlier:
                lines.append(Line(key, "SETTLEMENT", home[:1], host[:1]))
            lines += [Line(key, "COPY", [row], [], "DUP_EXACT") for row in home[first:]]
            lines += [Line(key, "COPY", [], [row], "DUP_EXACT") for row in host[first:]]
    for key, row in standing.items():
        negated = {**row, "amount_fen": -row["amount_fen"]}
        reversing = {r["side"] for r in cleared_reversals if key_of(r) == key}
        if reversing:
            line = Line(
                key,
                "REVERSAL",
                [negated] if "home" in reversing else [],
                [negated] if "host" in reversing else [],
            )
            line.line_class = "MATCHED" if len(reversing) == 2 else "REVERSED_ONE_SIDE"
            lines.append(line)
    # The same claim under another number.
    claimed: dict[tuple[Any, ...], set[Key]] = defaultdict(set)
    counted = [row for row in rows if (row["side"], *key_of(row)) not in reversals]
    for row in counted + list(standing.values()):
        claimed[claim_of(row)].add(key_of(row))
    for line in lines:
        if line.open and any(len(claimed[claim_of(row)]) > 1 for row in line.rows()):
            line.line_class = "DUP_SEMANTIC"
    # What registers and holds tell.
    held = {(key_of(row), row["hold_class"]) for row in holds}
    if facts is not None:
        judge_rows([line for line in lines if line.open], facts)
        exclusive = over_month([x for x in lines if x.open], list(standing.values()), facts)
    else:
        exclusive = set()
    for line in lines:
        if line.open and ((line.key, "OVERLAP") in held or id(line) in exclusive):
            line.line_class = "OVERLAP"
    if facts is not None:
        above = above_cap([x for x in lines if x.open], list(standing.values()), facts)
        for line in lines:
            if line.open and id(line) in above:
                line.line_class = "OVER_CAP"
    for line in lines:
        if line.open and (line.key, "OVER_BUDGET") in held:
            line.line_class = "OVER_BUDGET"
    # The two sides.
    for line in lines:
        if line.open:
            line.line_class = compare(line, business_date)
    return lines


def compare(line: Line, business_date: date | None) -> str:
    """Return the class of a line against which nothing else stands."""
    if not line.home or not line.host:
        filed = min(row["filed_date"] for row in line.rows())
        if business_date is not None and (business_date - filed).days < 3:
            return "IN_TRANSIT"
        return "HOST_ONLY" if not line.home else "HOME_ONLY"
    home, host = line.home[0], line.host[0]
    if home["amount_fen"] != host["amount_fen"]:
        return "AMOUNT"
    return "MATCHED" if ten(home) == ten(host) else "FIELD"


def standing_of(row: Row, facts: dict[str, list[Row]]) -> int:
    """Return what the deciding enrolment says of the elder; 0 if there is none in the month.

    It is the one that began last before the second of the month; if none had begun, the one that
    began first; of several, the later in the log.
    """
    same = ("home", "host", "beneficiary_ref", "subsidy_kind")
    month = row["service_month"]
    holding = [
        one
        for one in facts["enrolments"]
        if all(one[name] == row[name] for name in same)
        and interval_days(one["from_date"], one["until_date"], month)
    ]
    begun = [one["from_date"] for one in holding if one["from_date"] <= f"{month}-01"]
    if not holding:
        return 0
    first_day = max(begun) if begun else min(one["from_date"] for one in holding)
    deciding = [one for one in holding if one["from_date"] == first_day]
    return int(max(deciding, key=lambda one: (one["sequence"], one["standing"]))["standing"])


def policy_of(row: Row, facts: dict[str, list[Row]]) -> Row | None:
    """Return what home's policy grants for a row's kind, month and days."""
    same = ("home", "subsidy_kind", "service_month", "service_days")
    standing = standing_of(row, facts)
    for policy in facts["policies"]:
        if policy["standing"] == standing and all(policy[name] == row[name] for name in same):
            return policy
    return None


def row_class(row: Row, facts: dict[str, list[Row]]) -> str:  # noqa: C901, PLR0912 - as above
    """Return the first condition that a row does not meet, or nothing."""
    policy = policy_of(row, facts)
    needed = 1 if policy and policy["by_use"] else row["service_days"]
    month = row["service_month"]
    enrolled: set[int] = set()
    divisions: dict[int, set[str]] = defaultdict(set)
    for one in facts["enrolments"]:
        if all(one[name] == row[name] for name in ("home", "host", "beneficiary_ref")):
            days = interval_days(one["from_date"], one["until_date"], month)
            for day in days:
                divisions[day].add(one["home_division"])
            if one["subsidy_kind"] == row["subsidy_kind"]:
                enrolled |= days
    agreed: set[int] = set()
    for one in facts["agreements"]:
        same = ("home", "host", "institution", "subsidy_kind", "service_month")
        if all(one[name] == row[name] for name in same):
            for day in days_set(one["day_mask"]):
                known = divisions.get(day)
                if one["home_division"] in known if known else one["home_division"] == "":
                    agreed.add(day)
    listed: set[int] = set()
    for one in facts["listings"]:
        where = ("home", "host", "institution", "service_month")
        if all(one[name] == row[name] for name in where):
            listed |= days_set(one["day_mask"])
    certified: set[int] = set()
    for one in facts["caregivers"]:
        place = ("host", "institution", "caregiver_cert_no", "service_month")
        if all(one[name] == row[name] for name in place):
            certified |= days_set(one["day_mask"])
    if len(agreed) < needed:
        return "OUT_OF_AGREEMENT"
    if len(listed) < needed:
        return "INSTITUTION_UNLISTED"
    if len(enrolled) < needed:
        return "ELDER_INELIGIBLE"
    if row["caregiver_cert_no"]:
        return "" if len(certified) >= needed else "CAREGIVER_UNCERTIFIED"
    return "CAREGIVER_UNCERTIFIED" if policy and policy["needs_caregiver"] else ""


ROW_CLASSES = (
    "OUT_OF_AGREEMENT",
    "INSTITUTION_UNLISTED",
    "ELDER_INELIGIBLE",
    "CAREGIVER_UNCERTIFIED",
)


def judge_rows(lines: list[Line], facts: dict[str, list[Row]]) -> None:
    """Give each line the first class that a row of it earns."""
    for line in lines:
        found = {row_class(row, facts) for row in line.rows()}
        line.line_class = next((name for name in ROW_CLASSES if name in found), "")


def sums(lines: list[Line], standing: list[Row], group: Any, value: str) -> Any:
    """Return group sums over lines and cleared rows; of a line the larger row counts."""
    total: dict[Any, int] = defaultdict(int)
    for rows in [line.rows() for line in lines] + [[row] for row in standing]:
        by_group: dict[Any, int] = {}
        for row in rows:
            if (name := group(row)) is not None:
                by_group[name] = max(by_group.get(name, 0), row[value])
        for name, largest in by_group.items():
            total[name] += largest
    return total


def over_month(lines: list[Line], standing: list[Row], facts: dict[str, list[Row]]) -> set[int]:
    """Return the lines whose beneficiary has too many days of kinds of one group."""

    def group(row: Row) -> Any:
        policy = policy_of(row, facts)
        if policy is None or not policy["exclusivity_group"]:
            return None
        names = ("home", "host", "beneficiary_ref", "service_month")
        return *(row[name] for name in names), policy["exclusivity_group"]

    total = sums(lines, standing, group, "service_days")
    return {
        id(line)
        for line in lines
        if any(
            (name := group(row)) is not None and total[name] > days_in(row["service_month"])
            for row in line.rows()
        )
    }


def above_cap(lines: list[Line], standing: list[Row], facts: dict[str, list[Row]]) -> set[int]:
    """Return the lines above what is granted or the cap, or without a policy."""

    def group(row: Row) -> Any:
        if policy_of(row, facts) is None:
            return None
        names = ("home", "host", "beneficiary_ref", "subsidy_kind", "service_month")
        return tuple(row[name] for name in names)

    total = sums(lines, standing, group, "amount_fen")
    found: set[int] = set()
    for line in lines:
        for row in line.rows():
            policy = policy_of(row, facts)
            if (
                policy is None
                or row["amount_fen"] > policy["entitled_fen"]
                or total[group(row)] > policy["cap_fen"]
            ):
                found.add(id(line))
    return found


def digest(texts: list[bytes]) -> bytes:
    """Return the digest of lines: RFC 6962 over leaves of 256, written out."""
    ordered = sorted(texts)
    leaves = [
        hashlib.sha256(b"\x00" + b"".join(ordered[start : start + 256])).digest()
        for start in range(0, len(ordered), 256)
    ]

    def root(hashes: list[bytes]) -> bytes:
        if not hashes:
            return hashlib.sha256(b"").digest()
        if len(hashes) == 1:
            return hashes[0]
        split = 1
        while split * 2 < len(hashes):
            split *= 2
        return hashlib.sha256(b"\x01" + root(hashes[:split]) + root(hashes[split:])).digest()

    return root(leaves)
