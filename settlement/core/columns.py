"""The columns that a night reads, in one place, so that no two rooms spell a field differently.

`COLUMNS` is the contract: the ten columns of a settlement file, in the order in which a line's
bytes hold them. The other schemas are what the expressions are written against: a province is its
two leading digits there, and the direction (home, host) is the single number `pair` of four,
because a small integer joins and sorts in half the time of two texts; the rest of a province's code
is always zeros. The shell converts on the way in and out.

This module reads no file and judges no value.
"""

from types import MappingProxyType
from typing import Final

__all__ = [
    "AGREEMENTS",
    "ASKED",
    "CAREGIVERS",
    "CELLS",
    "CLEARED",
    "CLEARED_REVERSALS",
    "CODE_FACTOR",
    "CODE_TAIL",
    "COLUMNS",
    "DAYS_MAX",
    "ENROLMENTS",
    "FACTS",
    "FIRST_DAY",
    "HISTORY",
    "HOLDS",
    "LINE_KEY",
    "LISTINGS",
    "MONTHS",
    "PAIR_FACTOR",
    "PLAIN_CLEARED",
    "PLAIN_HISTORY",
    "PLAIN_ROW",
    "PLAIN_ROWS",
    "POLICIES",
    "REGISTER_ROW",
    "REVERSED_NUMBERS",
    "ROWS",
    "SEPARATOR",
    "SEQUENCE_MAX",
    "STANDING_MAX",
    "TERMINATOR",
    "codes_of",
    "pair_of",
]

Schema = MappingProxyType[str, str]

COLUMNS: Final = (
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

# What identifies a line; the first three columns of a row.
LINE_KEY: Final = ("settlement_no", "home", "host")

# U+001F sorts before every character that a field may hold, so that joined lines sort as their
# fields do; no field may contain it or the terminator.
SEPARATOR: Final = "\x1f"
TERMINATOR: Final = "\n"

# Home's two leading digits stand before the host's two.
PAIR_FACTOR: Final = 100
CODE_TAIL: Final = "0000"
CODE_FACTOR: Final = 10_000

# What a line is made from. `text` is the ten columns joined by the separator, as a line's bytes
# hold them: whoever reads a row writes it once, and a plain file has it but for the commas.
PLAIN_ROW: Final = Schema(
    {
        "pair": "int16",
        "settlement_no": "string",
        "text": "string",
        "beneficiary_ref": "string",
        "service_month": "string",
        "amount_fen": "int64",
    }
)

# What registers are asked about, beyond that.
REGISTER_ROW: Final = Schema(
    {
        "institution": "string",
        "subsidy_kind": "string",
        "service_days": "int64",
        "caregiver_cert_no": "string",
    }
)

# One side's live rows. `filed_date` is the business date it was filed under (absent in a file),
# `position` its index in the log of its author.
PLAIN_ROWS: Final = Schema({**PLAIN_ROW, "filed_date": "date", "position": "int64"})
ROWS: Final = Schema({**PLAIN_ROWS, **REGISTER_ROW})

# What tells which facts a row can meet.
CELLS: Final = (
    "pair",
    "beneficiary_ref",
    "institution",
    "subsidy_kind",
    "service_month",
    "service_days",
    "caregiver_cert_no",
)

# `side` is `home` or `host`: the side that reversed the number, before it was cleared or after.
REVERSED_NUMBERS: Final = Schema({"side": "string", "pair": "int16", "settlement_no": "string"})

# What was cleared before; `cancelled` once its reversal was cleared as well.
PLAIN_CLEARED: Final = Schema({**PLAIN_ROW, "cancelled": "boolean"})
CLEARED: Final = Schema({**PLAIN_CLEARED, **REGISTER_ROW})

# Reversals of cleared settlements that are not yet cleared themselves.
CLEARED_REVERSALS: Final = Schema(
    {"side": "string", "pair": "int16", "settlement_no": "string", "filed_date": "date"}
)

# Holds in force; `hold_class` is `OVERLAP` or `OVER_BUDGET`.
HOLDS: Final = Schema({"pair": "int16", "settlement_no": "string", "hold_class": "string"})

# One row: a one-sided line filed after `transit_after_date` is in transit; absent, none is.
ASKED: Final = Schema({"transit_after_date": "date"})

# Days are bits: bit 0 is the first of the month.
# `home_division` is empty in the row that says on which days any division of home agrees.
AGREEMENTS: Final = Schema(
    {
        "pair": "int16",
        "home_division": "string",
        "institution": "string",
        "subsidy_kind": "string",
        "service_month": "string",
        "day_mask": "int64",
    }
)

# By direction: a home province can close its listing of an institution to its own elders alone.
LISTINGS: Final = Schema(
    {"pair": "int16", "institution": "string", "service_month": "string", "day_mask": "int64"}
)

# Where a certificate counts depends on where the institution stands.
CAREGIVERS: Final = Schema(
    {
        "host": "int16",
        "institution": "string",
        "caregiver_cert_no": "string",
        "service_month": "string",
        "day_mask": "int64",
    }
)

# The months that any row is of, with their lengths. Days are counted from `FIRST_DAY`.
MONTHS: Final = Schema({"service_month": "string", "first_day": "int64", "days": "int64"})
FIRST_DAY: Final = "1900-01-01"
DAYS_MAX: Final = 2**19 - 1

# Intervals with both ends; where there is none, `until_day` is `DAYS_MAX`. `standing` numbers what
# amounts depend on, from 1: home division, assessment scheme and grade. `sequence` is the place
# among all of the elder's enrolments with that host, at most `SEQUENCE_MAX`.
ENROLMENTS: Final = Schema(
    {
        "pair": "int16",
        "beneficiary_ref": "string",
        "home_division": "string",
        "subsidy_kind": "string",
        "from_day": "int64",
        "until_day": "int64",
        "standing": "int64",
        "sequence": "int64",
    }
)
SEQUENCE_MAX: Final = 4_095
STANDING_MAX: Final = 2**31 - 1

# At most one row a (home, standing, kind, month, days); standing 0 is that of who is not enrolled.
# `entitled_fen` is what the policy comes to for so many days or uses, 0 if it has no rate for the
# standing.
POLICIES: Final = Schema(
    {
        "home": "int16",
        "standing": "int64",
        "subsidy_kind": "string",
        "service_month": "string",
        "service_days": "int64",
        "by_use": "boolean",
        "entitled_fen": "int64",
        "cap_fen": "int64",
        "exclusivity_group": "string",
        "needs_caregiver": "boolean",
    }
)

PLAIN_HISTORY: Final = MappingProxyType(
    {
        "reversed_numbers": REVERSED_NUMBERS,
        "cleared": PLAIN_CLEARED,
        "cleared_reversals": CLEARED_REVERSALS,
        "holds": HOLDS,
    }
)
HISTORY: Final = MappingProxyType({**PLAIN_HISTORY, "cleared": CLEARED})

FACTS: Final = MappingProxyType(
    {
        "agreements": AGREEMENTS,
        "listings": LISTINGS,
        "caregivers": CAREGIVERS,
        "enrolments": ENROLMENTS,
        "policies": POLICIES,
    }
)


def pair_of(home: str, host: str) -> int:
    """Return the number of a direction."""
    return int(home) // CODE_FACTOR * PAIR_FACTOR + int(host) // CODE_FACTOR


def codes_of(pair: int) -> tuple[str, str]:
    """Return home's and the host's code of a direction."""
    home, host = divmod(pair, PAIR_FACTOR)
    return f"{home:02d}{CODE_TAIL}", f"{host:02d}{CODE_TAIL}"
