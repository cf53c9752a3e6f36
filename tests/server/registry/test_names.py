"""Tests of how names are found: as they stand, in part, in pinyin, by first letters."""

import pytest

from server.registry.names import fold_query, name_fit, name_keys


def fit(query: str, name: str) -> int | None:
    """Return how well a query fits a name."""
    return name_fit(name_keys(name), *fold_query(query))


@pytest.mark.parametrize(
    "query, expected",
    [
        ("徐汇长者照护之家", 0),
        ("徐汇", 1),
        ("照护", 2),
        ("xuhuizhangzhezhaohuzhijia", 3),
        ("xhzzzhzj", 3),
        ("xuhuizhang", 4),
        ("xhz", 4),
        ("zhaohu", 5),
        ("zhao hu", 5),
        ("zhao'hu", 5),
        ("ZHAOHU", 5),
        ("zhaoh", 5),
        ("zhzj", 6),
        # Not at a syllable: that is no way to read the name.
        ("aohu", None),
        ("敬老", None),
        ("yly", None),
        ("%", None),
    ],
)
def test_fit(query: str, expected: int | None) -> None:
    """A whole name comes before its beginning, that before a part, and names before readings."""
    assert expected == fit(query, "徐汇长者照护之家")


@pytest.mark.parametrize("query", ["zzzhzj", "czzhzj", "zhangzhe", "changzhe"])
def test_every_reading_of_a_character_is_found(query: str) -> None:
    """长 is typed zhang or chang, whichever the word wants."""
    assert fit(query, "长者照护之家") is not None


def test_letters_digits_and_marks() -> None:
    """Letters and digits read as they stand, marks not at all, wide forms as narrow ones."""
    assert ("abc养老院(2)", "a'b'c'yang'lao'yuan'2") == (
        name_keys("ＡＢＣ 养老院（2）")[0],
        name_keys("ＡＢＣ 养老院（2）")[1].split(" ")[0],
    )
    assert ("。", "", "") == name_keys("。")


def test_a_u_with_dots_is_typed_as_v() -> None:
    """绿 is lv on a keyboard, lü in print."""
    assert {3} == {fit("lv", "绿"), fit("lü", "绿")}


def test_readings_are_bounded() -> None:
    """A name of characters with many readings keeps so many and no more, the likeliest first."""
    _, pinyin, initials = name_keys("长行乐会" * 50)
    assert (8, 64) == (len(pinyin.split(" ")), len(initials.split(" ")))


def test_odd_names_have_keys() -> None:
    """Rare characters, other scripts, emoji and combining marks are no reason to fail."""
    for name in ("𠮷養老院", "〇②", "e\u0301", "Ωmega 🏠", "ªº", "㐀㐁", "\u3127一"):
        assert name_keys(name)[0]
