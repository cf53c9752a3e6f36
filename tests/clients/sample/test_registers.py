"""Four registers in four shapes: what was sown is found, nothing else, and the totals stay."""

import io
from datetime import date
from pathlib import Path

import openpyxl
import pytest

from clients.registers.disagreements import kind_name, local_disagreements
from clients.registers.files import load_register
from clients.registers.reader import Register
from clients.registers.shipped import find_mapping
from clients.registers.streets import load_streets
from clients.sample.generator import SAMPLE_BEDS, SAMPLE_INSTITUTIONS, sample_streets_csv
from clients.sample.registers import SampleRegister, sample_register, sample_registers

TODAY = date(2026, 11, 22)
PROVINCES = ("310000", "320000", "330000", "340000")


def read(sample: SampleRegister, directory: Path) -> Register:
    """Return a sample's register as the mapping that it names reads it."""
    path = directory / sample.file_name
    path.write_bytes(sample.data)
    streets = directory / "streets.csv"
    streets.write_bytes(sample_streets_csv())
    return load_register(
        path,
        mapping=find_mapping(sample.mapping),
        today=TODAY,
        province=sample.province,
        streets=load_streets(streets),
    )


@pytest.mark.parametrize("province", PROVINCES)
def test_the_report_names_what_was_sown(province: str, tmp_path: Path) -> None:
    """Every defect by its row, and no other; the disagreements likewise."""
    sample = sample_register(province)
    register = read(sample, tmp_path)
    found = sorted((each.row, each.defect.value) for each in register.findings)
    assert sorted((row, defect.value) for row, defect in sample.sown) == found
    apart = [
        (kind_name(each), tuple(each.institution_ids))
        for each in local_disagreements(register, today=TODAY)
    ]
    assert sorted(sample.disagreements) == sorted(apart)


def test_totals_of_the_first_cross_region_list(tmp_path: Path) -> None:
    """57 institutions in 20 cities with 25,698 beds can be taken; defects cost none."""
    registers = [read(sample, tmp_path) for sample in sample_registers()]
    homes = [home for register in registers for home in register.institutions]
    cities = {home.division_code[:4] for home in homes if home.division_code[2:] != "0000"}
    assert (57, 25_698) == (SAMPLE_INSTITUTIONS, SAMPLE_BEDS)
    assert (57, 20, 25_698) == (
        len(homes),
        len(cities),
        sum(home.approved_beds for home in homes),
    )


def test_every_attribute_appears(tmp_path: Path) -> None:
    """Grades, facilities, open beds, sorts of provider, closed ones with successors."""
    for province in PROVINCES[1:]:
        homes = read(sample_register(province), tmp_path).institutions
        (closed,) = (home for home in homes if home.state == 3)
        (heir,) = (home for home in homes if home.institution_id in closed.successor_ids)
        assert (0, True, "MERGED") == (
            closed.approved_beds,
            heir.approved_beds > 0,
            closed.state_reason,
        )
        assert any(home.grades for home in homes)
        assert any(home.medical_facilities for home in homes)
        assert any(home.HasField("open_beds") for home in homes)
        assert len({home.provider_type for home in homes}) > 1


def test_the_same_bytes_on_every_day() -> None:
    """A seed gives the same files, workbooks too; another seed gives others."""
    assert sample_registers(seed=7) == sample_registers(seed=7)
    assert all(
        one.data != other.data
        for one, other in zip(sample_registers(seed=7), sample_registers(seed=8), strict=True)
    )
    assert b"2026-01-01T00:00:00Z" in _core(sample_register("330000").data)


def _core(workbook: bytes) -> bytes:
    """Return what a workbook says of itself."""
    import zipfile

    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        return archive.read("docProps/core.xml")


def test_they_say_that_they_are_synthetic() -> None:
    """In the file itself, whatever its shape."""
    registers = {sample.province: sample.data for sample in sample_registers()}
    assert "非真实" in registers["310000"].decode("utf-8-sig")
    assert "合成样例，非真实数据" in registers["320000"].decode("gb18030")
    book = openpyxl.load_workbook(io.BytesIO(registers["330000"]))
    assert "合成样例，非真实数据" == book["机构名录"]["A2"].value
    assert "合成样例，非真实数据" in registers["340000"].decode("utf-8-sig").splitlines()[0]
