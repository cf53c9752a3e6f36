"""Generates the embedded sample of a register, so that a newcomer needs no file to begin.

Everything here is synthetic and says so: no institution, address or person of the sample exists.
Only the divisions are real, because rules judge by them. The sample has the size of the first
cross-region list of the delta: 57 institutions, 20 cities, 25,698 beds; and the columns of a public
register, so that it is read by the same reader. It depends on its seed and on nothing else.
"""

import csv
import io
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

__all__ = [
    "COLUMNS",
    "SAMPLE_BEDS",
    "SAMPLE_INSTITUTIONS",
    "SEED_DEFAULT",
    "city_of",
    "sample_csv",
    "sample_rows",
    "sample_streets_csv",
]

SAMPLE_INSTITUTIONS = 57
SAMPLE_BEDS = 25_698
SEED_DEFAULT = 20_250_917

COLUMNS = (
    "src_id",
    "province_code",
    "city_code",
    "district_code",
    "district",
    "street_code",
    "street",
    "name",
    "approved_beds",
    "established",
    "operation_mode",
    "address",
    "zipcode",
    "lng",
    "lat",
)

_BEDS_MIN = 60
_MODES = ("民建民营", "公建民营", "公建公营")
_MODE_WEIGHTS = (49, 31, 20)
_FOUNDED_FROM = date(1996, 1, 1)
_FOUNDED_DAYS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A street of a city of the sample, and how many institutions it gets."""

    street_code: str
    city: str
    district: str
    street: str
    institutions: int
    longitude: float
    latitude: float


# Twenty cities; Shanghai counts as one, with three districts.
_PLACES = tuple(
    _Place(
        street_code=code,
        city=city,
        district=district,
        street=street,
        institutions=count,
        longitude=longitude,
        latitude=latitude,
    )
    for code, city, district, street, count, longitude, latitude in (
        ("310104003", "上海市", "徐汇区", "天平路街道", 3, 121.44, 31.20),
        ("310112001", "上海市", "闵行区", "江川路街道", 3, 121.40, 31.01),
        ("310115004", "上海市", "浦东新区", "潍坊新村街道", 3, 121.52, 31.23),
        ("320102002", "南京市", "玄武区", "梅园新村街道", 3, 118.80, 32.05),
        ("320205001", "无锡市", "锡山区", "东亭街道", 3, 120.36, 31.58),
        ("320402001", "常州市", "天宁区", "雕庄街道", 2, 120.02, 31.76),
        ("320508017", "苏州市", "姑苏区", "白洋湾街道", 4, 120.57, 31.34),
        ("320613001", "南通市", "崇川区", "城东街道", 3, 120.86, 32.01),
        ("321002001", "扬州市", "广陵区", "东关街道", 2, 119.44, 32.40),
        ("321102001", "镇江市", "京口区", "正东路街道", 2, 119.46, 32.20),
        ("330102001", "杭州市", "上城区", "清波街道", 4, 120.16, 30.24),
        ("330203001", "宁波市", "海曙区", "南门街道", 3, 121.54, 29.86),
        ("330402007", "嘉兴市", "南湖区", "建设街道", 3, 120.75, 30.76),
        ("330502001", "湖州市", "吴兴区", "月河街道", 3, 120.10, 30.87),
        ("330602001", "绍兴市", "越城区", "塔山街道", 2, 120.58, 29.99),
        ("330902002", "舟山市", "定海区", "昌国街道", 2, 122.11, 30.02),
        ("340104001", "合肥市", "蜀山区", "三里庵街道", 3, 117.26, 31.85),
        ("340202012", "芜湖市", "镜湖区", "方村街道", 2, 118.39, 31.33),
        ("340302001", "蚌埠市", "龙子湖区", "东风街道", 2, 117.38, 32.94),
        ("340503001", "马鞍山市", "花山区", "沙塘路街道", 2, 118.51, 31.70),
        ("340811001", "安庆市", "宜秀区", "大桥街道", 1, 117.06, 30.51),
        ("341004100", "黄山市", "徽州区", "岩寺镇", 2, 118.34, 29.83),
    )
)


def sample_rows(
    *, province: str | None = None, seed: int = SEED_DEFAULT
) -> tuple[dict[str, str], ...]:
    """Return the rows of the sample, sorted by division and number.

    Args:
        province: Six digits, to get only that province's part; ``None`` for all four.
        seed: The same seed gives the same rows.

    Returns:
        Each row by the names in ``COLUMNS``; every value a text, as in a CSV file.
    """
    randomness = random.Random(seed)  # noqa: S311  # a sample, not a secret
    spots = [place for place in _PLACES for _ in range(place.institutions)]
    beds = _shares(randomness, SAMPLE_BEDS, len(spots))
    numbers: dict[str, int] = {}
    rows = []
    for order, (place, approved) in enumerate(zip(spots, beds, strict=True), start=1):
        home = f"{place.street_code[:2]}0000"
        numbers[home] = numbers.get(home, 0) + 1
        rows.append(_row(randomness, place, order, numbers[home], approved))
    return tuple(row for row in rows if province in (None, row["province_code"]))


def city_of(street_code: str) -> str:
    """Return the city of a street of the sample."""
    return next(place.city for place in _PLACES if place.street_code == street_code)


def sample_streets_csv() -> bytes:
    """Return a table of the sample's streets, as it is published of all streets."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("code", "name", "areaCode"))
    writer.writerows((place.street_code, place.street, place.street_code[:6]) for place in _PLACES)
    return text.getvalue().encode("utf-8")


def _row(
    randomness: random.Random, place: _Place, order: int, number: int, beds: int
) -> dict[str, str]:
    founded = _FOUNDED_FROM + timedelta(days=randomness.randrange(_FOUNDED_DAYS))
    return {
        "src_id": str(number),
        "province_code": f"{place.street_code[:2]}0000",
        "city_code": f"{place.street_code[:4]}00",
        "district_code": place.street_code[:6],
        "district": place.district,
        "street_code": place.street_code,
        "street": place.street,
        "name": f"合成样例养老院{order:02d}号（非真实机构）",
        "approved_beds": str(beds),
        "established": founded.isoformat(),
        "operation_mode": randomness.choices(_MODES, _MODE_WEIGHTS)[0],
        "address": f"{place.city}{place.district}合成样例路{order}号（非真实地址）",
        "zipcode": f"{place.street_code[:2]}0{order:03d}",
        "lng": f"{place.longitude + randomness.randrange(-900, 900) / 1e5:.6f}",
        "lat": f"{place.latitude + randomness.randrange(-900, 900) / 1e5:.6f}",
    }


def _shares(randomness: random.Random, total: int, count: int) -> Sequence[int]:
    """Split a total into so many shares of at least the smallest home's beds."""
    # Whole numbers only: the last bit of a float is not the same on every machine.
    weights = [randomness.randrange(1, 21) ** 2 for _ in range(count)]
    free = total - _BEDS_MIN * count
    shares = [_BEDS_MIN + free * weight // sum(weights) for weight in weights]
    for index in range(total - sum(shares)):
        shares[index % count] += 1
    return shares


def sample_csv(rows: Iterable[dict[str, str]]) -> bytes:
    """Return rows as a CSV file in UTF-8 with a BOM, which spreadsheets open as it is."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")
