"""Names of divisions as they are shown: of the kernel's table first, then of the cities."""

from datetime import UTC, datetime

from clients import division_names
from clients.division_names import division_name
from deltacare.divisions import CHANGES, Validity
from deltacare.times import business_date


def test_names() -> None:
    """Provinces, what was abolished, cities and Shanghai's districts; others have none."""
    assert ["江苏", "苏州市", "徐汇区", ""] == [
        division_name(code) for code in ("320000", "320500", "310104", "320102")
    ]
    assert "南汇区" == division_name("310119")


def test_the_table_is_whole() -> None:
    """16 districts, and 13, 11 and 16 cities; none of them is abolished."""
    names = division_names._NAMES
    counts = {province: sum(code.startswith(province) for code in names) for province in
              ("31", "32", "33", "34")}  # fmt: skip
    assert {"31": 16, "32": 13, "33": 11, "34": 16} == counts
    today = business_date(datetime.now(UTC))
    assert not [code for code in names if CHANGES.validity(code, today) is Validity.ABOLISHED]
    assert len(names) == len(set(names.values()))
