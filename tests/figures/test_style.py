"""The house style: nothing global moves, text stays text, Chinese has a face."""

import matplotlib
import matplotlib.font_manager as fm
import pytest

from qstats.figures import style
from qstats.figures.style import clean_text, font_families, house_style, shorten, text_width, wrap
from qstats.figures.words import _WORDS, word


def test_settings_are_back_after_the_block() -> None:
    before = dict(matplotlib.rcParams)
    with pytest.raises(ZeroDivisionError), house_style():
        assert matplotlib.rcParams["svg.fonttype"] == "none"
        raise ZeroDivisionError
    assert dict(matplotlib.rcParams) == before


def test_families_are_installed_ones() -> None:
    assert set(font_families()) <= set(fm.get_font_names())


def test_fonts_newer_than_the_list_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    added: list[str] = []
    monkeypatch.setattr(
        style.fm, "findSystemFonts", lambda: ["/f/DejaVuSans.ttf", "/f/NotoSansCJK-Regular.ttc", "/f/msyh.ttc"]
    )
    monkeypatch.setattr(style.fm.fontManager, "addfont", added.append)
    monkeypatch.setattr(style.fm, "get_font_names", lambda: ["DejaVu Sans", *(["Microsoft YaHei"] if added else [])])
    style._scan_for_cjk.cache_clear()
    assert font_families() == ["DejaVu Sans", "Microsoft YaHei"]
    assert added == ["/f/NotoSansCJK-Regular.ttc", "/f/msyh.ttc"]
    style._scan_for_cjk.cache_clear()


def test_an_unreadable_font_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(path: str) -> None:
        raise RuntimeError(path)

    monkeypatch.setattr(style.fm, "findSystemFonts", lambda: ["/f/simhei.ttf"])
    monkeypatch.setattr(style.fm.fontManager, "addfont", broken)
    monkeypatch.setattr(style.fm, "get_font_names", lambda: ["DejaVu Sans"])
    style._scan_for_cjk.cache_clear()
    assert font_families() == ["DejaVu Sans"]
    style._scan_for_cjk.cache_clear()


def test_text_is_one_line_that_xml_accepts() -> None:
    assert clean_text("a\x00b\nc\td\u2028e \ud800 \ufffe") == "a b c d e \ufffd \ufffd"


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("配送", 4), ("e\u0301", 1), ("", 0)])
def test_width_counts_chinese_double(text: str, width: int) -> None:
    assert text_width(text) == width


@pytest.mark.parametrize("text", ["late delivery of the parcel", "配送延迟与包装破损的投诉", "x" * 50, "a", ""])
@pytest.mark.parametrize("width", [5, 9, 20])
def test_short_and_wrapped_text_fits(text: str, width: int) -> None:
    assert text_width(shorten(text, width)) <= width
    lines = wrap(text, width).split("\n")
    assert len(lines) <= 2
    assert all(text_width(line) <= width for line in lines)
    if text_width(text) <= width:
        assert wrap(text, width) == text


def test_words_exist_in_both_languages_with_the_same_gaps() -> None:
    from string import Formatter

    for key, (en, zh) in _WORDS.items():
        assert en and zh, key
        gaps = [{name for _, name, _, _ in Formatter().parse(text) if name} for text in (en, zh)]
        assert gaps[0] == gaps[1], key
    assert word("a user's own name", "zh") == "a user's own name"
