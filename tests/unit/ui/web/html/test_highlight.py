"""Marks stand where the words are, and everything is escaped."""

from __future__ import annotations

import html
import re

from kb.types import Chunk, Kind, Locator, Modality
from ui.web.html.highlight import excerpt, mark_range, mark_words, quote_range

EVIL = "\"'><img src=x onerror=alert(1)>"


def chunk(text: str) -> Chunk:
    return Chunk("id", "0" * 64, 0, Kind.TEXT, Modality.TEXT, Locator(), text)


def words_of(markup: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", markup))


def test_mark_words_marks_latin_words_from_their_start_and_no_stopwords() -> None:
    marked = mark_words("Resetting the Device. Preset it.", "how to reset the device")
    assert marked == "<mark>Resetting</mark> the <mark>Device</mark>. Preset it."


def test_mark_words_marks_runs_of_chinese_pairs_as_one() -> None:
    assert mark_words("请按以下步骤重置设备。", "如何重置设备?") == (
        "请按以下步骤<mark>重置设备</mark>。"
    )


def test_mark_words_reads_rare_characters() -> None:
    assert mark_words("長𠮷野家", "𠮷野") == "長<mark>𠮷野</mark>家"


def test_mark_words_parts_english_from_chinese_beside_it() -> None:
    assert mark_words("按reset键", "Reset") == "按<mark>reset</mark>键"


def test_mark_words_reads_traditional_characters_as_simplified() -> None:
    assert mark_words("離職員工", "离职") == "<mark>離職</mark>員工"
    assert mark_words("离职员工", "離職") == "<mark>离职</mark>员工"


def test_mark_words_marks_a_version_whole() -> None:
    marked = mark_words("v3.2.1, 1.2.3 and 3.2.1", "version 3.2.1")
    assert marked == "<mark>v3.2.1</mark>, 1.2.3 and <mark>3.2.1</mark>"


def test_mark_words_marks_one_chinese_character_where_it_is_a_word_of_the_query() -> None:
    assert mark_words("水泵", "水 pump") == "<mark>水</mark>泵"


def test_mark_words_escapes_around_and_inside_marks() -> None:
    marked = mark_words(f"reset{EVIL}", "reset img")
    assert "<img" not in marked
    assert words_of(marked) == f"reset{EVIL}"


def test_mark_words_without_a_query_only_escapes() -> None:
    assert mark_words("a < b", "") == "a &lt; b"


def test_mark_range() -> None:
    assert mark_range("a <b> c", 2, 5) == 'a <mark class="kb-quote">&lt;b&gt;</mark> c'


def test_quote_range_finds_the_quote_or_nothing() -> None:
    assert quote_range(chunk("One. Two."), "Two.") == (5, 9)
    assert quote_range(chunk("One."), "Three.") is None
    assert quote_range(chunk("One."), "") is None


def test_excerpt_of_a_short_text_is_the_text() -> None:
    assert excerpt("One. Two.", "two") == "One. Two."


def test_excerpt_holds_the_place_with_most_words_of_the_query() -> None:
    text = "The oil. " + "Nothing here. " * 60 + "The pump needs oil. " + "Nothing. " * 60
    cut = excerpt(text, "oil pump")
    assert "The pump needs oil." in cut
    assert cut.startswith("… ")
    assert cut.endswith(" …")
