"""Shanghai's public register, where it lies beside the project: its totals and genuine defects.

The project does not carry the register; without it these tests are skipped.
"""

from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from clients.registers.disagreements import kind_name, local_disagreements
from clients.registers.files import load_register
from clients.registers.findings import Defect
from clients.registers.reader import Register, defect_counts
from clients.registers.shipped import find_mapping
from clients.registers.streets import load_streets

DATA = Path(__file__).parents[4] / "shared" / "data"
TODAY = date(2026, 11, 22)

pytestmark = pytest.mark.skipif(
    not (DATA / "shanghai_institutions.csv").is_file(), reason="the real register is not here"
)


def read(*, with_streets: bool = True) -> Register:
    """Return the register, with the real table of streets or without."""
    return load_register(
        DATA / "shanghai_institutions.csv",
        mapping=find_mapping("shanghai"),
        today=TODAY,
        province="310000",
        streets=load_streets(DATA / "divisions_streets.csv") if with_streets else None,
    )


def test_totals() -> None:
    """626 institutions, 153,065 beds, 16 districts; modes as published."""
    register = read()
    assert (626, 153_065, 0) == (len(register.rows), register.beds, register.left_out_count)
    homes = register.institutions
    assert 16 == len({home.division_code[:6] for home in homes})
    assert {3: 305, 2: 190, 1: 117, 0: 14} == Counter(home.operation_mode for home in homes)


def test_genuine_defects() -> None:
    """Those that the publication is known to have, and no other kind."""
    assert {
        Defect.BEDS_ZERO: 1,
        Defect.CREDIT_CODE_ABSENT: 1,
        Defect.POSTCODE_MALFORMED: 3,
        Defect.POSTCODE_MISSING: 88,
        Defect.FOUNDING_MISSING: 14,
        Defect.MODE_MISSING: 14,
        Defect.STREET_MISSING: 6,
        Defect.STREET_UNKNOWN: 24,
    } == dict(defect_counts(read().findings))
    assert 24 == dict(defect_counts(read(with_streets=False).findings))[Defect.STREET_WITHOUT_CODE]


def test_disagreements() -> None:
    """Streets that no table knows: misspelt, old or functional names."""
    found = local_disagreements(read(), today=TODAY)
    streets = {each.stated for each in found if kind_name(each) == "STREET_UNKNOWN"}
    assert {
        "华漕禛", "江湾镇", "五角场镇", "菊园新区管委会", "古美路街道", "头桥街道", "长兴乡",
        "嘉定镇", "金山工业区",
    } == streets  # fmt: skip
