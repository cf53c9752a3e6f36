"""Which language a run speaks, and that both are always there."""

import pytest

from clients.language import both, choose_language, language, pick, tr, using_language


@pytest.mark.parametrize(
    "arguments, environ, expected",
    [
        (["settle", "--lang", "zh"], {}, "zh"),
        (["--lang=en", "cert"], {"LANG": "zh_CN.UTF-8"}, "en"),
        ([], {"LANG": "zh_CN.UTF-8"}, "zh"),
        ([], {"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ([], {"LC_MESSAGES": "zh_TW", "LANG": "en_GB"}, "zh"),
        ([], {"DELTACARE_LANG": "zh", "LC_ALL": "en_US"}, "zh"),
        ([], {}, "en"),
        (["--lang"], {}, "en"),
        (["--lang", "fr"], {}, "en"),
    ],
)
def test_choice(arguments: list[str], environ: dict[str, str], expected: str) -> None:
    """The option wins, then our variable, then the POSIX order of locale variables."""
    assert expected == choose_language(arguments, environ)


def test_texts_follow_the_language_of_the_run() -> None:
    """A pair shows its half inside the block, and the language before it comes back."""
    pair = both("日切", "day close")
    with using_language("zh"):
        assert ("日切", "日切", "zh") == (pick(pair), tr("日切", "day close"), language())
    assert ("day close", "en") == (pick(pair), language())


def test_any_other_text_stays() -> None:
    """A text that is no pair is shown as it is."""
    assert "310000" == pick("310000")
