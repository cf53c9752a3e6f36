"""Small nights for tests: builders of rows and a strategy in which every class collides.

Everything here is made up; the alphabets are tiny so that numbers, claims and groups meet.
"""

import itertools
from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from settlement.night import FACT_SCHEMAS, INPUT_SCHEMAS, Facts, NightInputs, table_of

A, B = "310000", "320000"
CLOSING = date(2025, 4, 10)

Row = dict[str, Any]

MONTHS = ("2024-02", "2025-03")
KINDS = ("BED", "VISIT", "MEAL")


def row(number: str = "S1", **changes: Any) -> Row:
    """Return the ten columns of a row."""
    return {
        "settlement_no": number,
        "home": A,
        "host": B,
        "beneficiary_ref": "b1",
        "institution": f"{B}-1",
        "subsidy_kind": "BED",
        "service_month": "2025-03",
        "service_days": 10,
        "amount_fen": 1_000,
        "caregiver_cert_no": "C1",
        **changes,
    }


_positions = itertools.count(1)


def filed(side: str, number: str = "S1", *, days_ago: int = 9, **changes: Any) -> Row:
    """Return a row that a side filed."""
    return {
        "side": side,
        **row(number, **changes),
        "filed_date": CLOSING - timedelta(days=days_ago),
        "position": next(_positions),
    }


def both(number: str = "S1", *, days_ago: int = 9, **changes: Any) -> list[Row]:
    """Return equal rows of both sides."""
    return [filed(side, number, days_ago=days_ago, **changes) for side in ("home", "host")]


def was_cleared(number: str = "S1", *, cancelled: bool = False, **changes: Any) -> Row:
    """Return a row that was cleared before."""
    return {**row(number, **changes), "cancelled": cancelled}


def of_side(side: str, number: str = "S1", **changes: Any) -> Row:
    """Return the key of something that a side did to a number."""
    return {"side": side, "home": A, "host": B, "settlement_no": number, **changes}


def facts(**changes: list[Row]) -> dict[str, list[Row]]:
    """Return registers under which `row` meets every condition."""
    full = (1 << 31) - 1
    place = {
        "institution": f"{B}-1",
        "subsidy_kind": "BED",
        "service_month": "2025-03",
        "day_mask": full,
    }
    return {
        "agreements": [
            {"home": A, "host": B, "home_division": division, **place}
            for division in ("310101", "")
        ],
        "listings": [
            {
                "home": A,
                "host": B,
                "institution": f"{B}-1",
                "service_month": "2025-03",
                "day_mask": full,
            }
        ],
        "caregivers": [
            {
                "host": B,
                "institution": f"{B}-1",
                "caregiver_cert_no": "C1",
                "service_month": "2025-03",
                "day_mask": full,
            }
        ],
        "enrolments": [enrolment()],
        "policies": grants(policy()),
        **changes,
    }


def enrolment(**changes: Any) -> Row:
    """Return an enrolment that covers every month."""
    return {
        "home": A,
        "host": B,
        "beneficiary_ref": "b1",
        "home_division": "310101",
        "subsidy_kind": "BED",
        "from_date": "2024-01-01",
        "until_date": "",
        "standing": 1,
        "sequence": 0,
        **changes,
    }


def policy(**changes: Any) -> Row:
    """Return a policy that pays any amount of these tests, to whoever is enrolled or not."""
    return {
        "home": A,
        "subsidy_kind": "BED",
        "service_month": "2025-03",
        "unit": "DAY",
        "rate_fen": 1_000,
        "cap_fen": 100_000,
        "exclusivity_group": "",
        "needs_caregiver": True,
        "standings": (0, 1),
        **changes,
    }


def grants(*policies: Row) -> list[Row]:
    """Return what policies grant, by standing and days."""
    names = (
        *("home", "subsidy_kind", "service_month"),
        *("cap_fen", "exclusivity_group", "needs_caregiver"),
    )
    return [
        {
            **{name: each[name] for name in names},
            "standing": standing,
            "service_days": days,
            "by_use": each["unit"] == "USE",
            "entitled_fen": each["rate_fen"] * (1 if each["unit"] == "MONTH" else days),
        }
        for each in policies
        for standing in each["standings"]
        for days in range(1, 32)
    ]


def plain(**changes: Any) -> dict[str, Any]:
    """Return the inputs of a night in plain values; nothing is given but what is named."""
    return {
        "rows": [],
        "reversed_numbers": [],
        "cleared": [],
        "cleared_reversals": [],
        "holds": [],
        "facts": None,
        "business_date": CLOSING,
        **changes,
    }


def to_inputs(night: dict[str, Any]) -> NightInputs:
    """Return plain inputs as tables."""
    known = night["facts"]
    tables = {name: table_of(schema, night[name]) for name, schema in INPUT_SCHEMAS.items()}
    return NightInputs(
        **tables,
        facts=None if known is None else to_facts(known),
        business_date=night["business_date"],
    )


def to_facts(known: dict[str, list[Row]]) -> Facts:
    """Return plain registers as tables."""
    return Facts(**{name: table_of(schema, known[name]) for name, schema in FACT_SCHEMAS.items()})


def _directions() -> st.SearchStrategy[dict[str, str]]:
    return st.sampled_from([{"home": A, "host": B}] * 3 + [{"home": B, "host": A}])


@st.composite
def _rows(draw: st.DrawFn) -> Row:
    """Draw the ten columns; the first choice of each is by far the commonest."""

    def mostly(*values: Any) -> Any:
        return draw(st.sampled_from([values[0]] * (4 * len(values)) + list(values)))

    direction = draw(_directions())
    return {
        **row(draw(st.sampled_from([f"S{n}" for n in range(7)]))),
        **direction,
        "beneficiary_ref": draw(st.sampled_from(["b1", "b2", "b3"])),
        "institution": f"{direction['host']}-{mostly(1, 2)}",
        "subsidy_kind": draw(st.sampled_from(KINDS)),
        "service_month": mostly("2025-03", "2024-02"),
        "service_days": draw(st.sampled_from([1, 5, 10, 29, 31])),
        "amount_fen": draw(st.sampled_from([900, 1_000, 20_000])),
        "caregiver_cert_no": draw(st.sampled_from(["C1", "C2", ""])),
    }


@st.composite
def _registers(draw: st.DrawFn, rows: list[Row]) -> dict[str, list[Row]]:
    """Draw registers about what the rows name, with holes."""
    masks = st.sampled_from([(1 << 31) - 1] * 6 + [0b11111, (1 << 28) - 1, 0])

    def cells(*names: str) -> list[Row]:
        seen = {tuple(r[name] for name in names): {name: r[name] for name in names} for r in rows}
        kept = draw(st.lists(st.integers(0, 9), min_size=len(seen), max_size=len(seen)))
        return [cell for cell, dice in zip(seen.values(), kept, strict=True) if dice]

    divisions = ("101", "102")
    place = ("home", "host", "institution", "subsidy_kind", "service_month")
    agreements = [
        {**cell, "home_division": division, "day_mask": draw(masks)}
        for cell in cells(*place)
        for division in ("", *(cell["home"][:3] + tail for tail in divisions))
        if draw(st.integers(0, 9))
    ]
    dates = st.sampled_from(["2024-01-01"] * 4 + ["2024-02-10", "2025-03-01", "2025-03-28"])
    ends = st.sampled_from([""] * 4 + ["2024-02-29", "2025-03-05", "2025-03-31", "2024-01-31"])
    enrolments = [
        {
            **cell,
            "home_division": cell["home"][:3] + draw(st.sampled_from(divisions)),
            "from_date": draw(dates),
            "until_date": draw(ends),
            "standing": draw(st.sampled_from([1, 2, 2**31 - 1])),
            "sequence": sequence,
        }
        for cell in cells("home", "host", "beneficiary_ref", "subsidy_kind")
        for sequence in range(draw(st.integers(1, 3)))
    ]
    policies = grants(
        *(
            {
                **cell,
                "unit": draw(st.sampled_from(["DAY", "MONTH", "USE"])),
                "rate_fen": draw(st.sampled_from([0, 100, 1_000, 50_000])),
                "cap_fen": draw(st.sampled_from([1_500, 45_000, 10**9])),
                "exclusivity_group": draw(st.sampled_from(["", "G", "G", "H"])),
                "needs_caregiver": draw(st.booleans()),
                "standings": standings,
            }
            for cell in cells("home", "subsidy_kind", "service_month")
            for standings in ((0, 1), (2,), (2**31 - 1,))
            if draw(st.integers(0, 9))
        )
    )
    return {
        "agreements": agreements,
        "listings": [
            {**cell, "day_mask": draw(masks)}
            for cell in cells("home", "host", "institution", "service_month")
        ],
        "caregivers": [
            {**cell, "day_mask": draw(masks)}
            for cell in cells("host", "institution", "caregiver_cert_no", "service_month")
            if cell["caregiver_cert_no"]
        ],
        "enrolments": enrolments,
        "policies": policies,
    }


@st.composite
def nights(draw: st.DrawFn) -> dict[str, Any]:
    """Draw the plain inputs of a night."""
    rows: list[Row] = []
    positions = itertools.count()
    for base in draw(st.lists(_rows(), max_size=9)):
        # Usually both sides file the same; copies and differences are drawn on top.
        for side in draw(
            st.sampled_from([["home", "host"]] * 5 + [["home"], ["host"], ["home", "home", "host"]])
        ):
            changes: Row = draw(
                st.sampled_from(
                    [{}] * 8
                    + [{"amount_fen": 901}, {"caregiver_cert_no": "C9"}, {"service_days": 2}]
                )
            )
            rows.append(
                {
                    "side": side,
                    **base,
                    **changes,
                    "filed_date": CLOSING - timedelta(days=draw(st.integers(0, 5))),
                    "position": next(positions),
                }
            )
    cleared = {
        (one["home"], one["host"], one["settlement_no"]): {**one, "cancelled": draw(st.booleans())}
        for one in draw(st.lists(_rows(), max_size=3))
    }
    for one in draw(st.lists(st.sampled_from(rows), max_size=1)) if rows else []:
        copy = {name: one[name] for name in row()}
        cleared[one["home"], one["host"], one["settlement_no"]] = {**copy, "cancelled": False}
    known = [{name: one[name] for name in row()} for one in rows] + list(cleared.values())

    def keys(source: list[Row], size: int) -> list[Row]:
        if not source:
            return []
        return [
            {name: one[name] for name in ("home", "host", "settlement_no")}
            for one in draw(st.lists(st.sampled_from(source), max_size=size))
        ]

    sides = st.sampled_from(["home", "host"])
    return plain(
        rows=rows,
        cleared=list(cleared.values()),
        reversed_numbers=[{"side": draw(sides), **key} for key in keys(rows, 3)],
        cleared_reversals=[
            {"side": draw(sides), **key, "filed_date": CLOSING}
            for key in keys(list(cleared.values()), 3)
        ],
        holds=[
            {**key, "hold_class": draw(st.sampled_from(["OVERLAP", "OVER_BUDGET"]))}
            for key in keys(rows, 2)
        ],
        facts=draw(st.none() | _registers(known)),
        business_date=draw(st.sampled_from([CLOSING, CLOSING, None])),
    )
