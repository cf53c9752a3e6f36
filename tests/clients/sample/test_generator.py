"""The embedded sample: its size, its reproducibility, and that nobody can take it for real."""

from clients.sample.generator import (
    COLUMNS,
    SAMPLE_BEDS,
    SAMPLE_INSTITUTIONS,
    sample_csv,
    sample_rows,
    sample_streets_csv,
)

PROVINCES = ("310000", "320000", "330000", "340000")


def test_size_of_the_first_cross_region_list() -> None:
    """57 institutions in 20 cities with 25,698 beds."""
    rows = sample_rows()
    cities = {row["city_code"] for row in rows}
    beds = sum(int(row["approved_beds"]) for row in rows)
    assert (57, 20, 25_698) == (len(rows), len(cities), beds)
    assert (SAMPLE_INSTITUTIONS, SAMPLE_BEDS) == (len(rows), beds)


def test_parts_make_the_whole() -> None:
    """The four provinces' parts are disjoint, and together the sample."""
    parts = [row for province in PROVINCES for row in sample_rows(province=province)]
    assert sorted(map(str, sample_rows())) == sorted(map(str, parts))
    assert len(parts) == len({(row["province_code"], row["src_id"]) for row in parts})


def test_seed_decides() -> None:
    """One seed, one sample; another seed, another."""
    assert sample_rows(seed=7) == sample_rows(seed=7)
    assert sample_rows(seed=7) != sample_rows(seed=8)


def test_says_that_it_is_synthetic() -> None:
    """Every name and address says so itself."""
    for row in sample_rows():
        assert "非真实" in row["name"]
        assert "非真实" in row["address"]


def test_streets_of_the_sample() -> None:
    """Every street that a row names stands in the table, with its code."""
    table = sample_streets_csv().decode("utf-8").splitlines()
    assert "code,name,areaCode" == table[0]
    wanted = {
        f"{row['street_code']},{row['street']},{row['district_code']}" for row in sample_rows()
    }
    assert wanted == set(table[1:])


def test_csv_opens_in_a_spreadsheet() -> None:
    """The file begins with a byte order mark and the column names."""
    data = sample_csv(sample_rows(province="340000"))
    assert "\ufeff" + ",".join(COLUMNS) == data.decode("utf-8").splitlines()[0]
