from __future__ import annotations

import re
import unicodedata

import pytest

from kb.text.scripts import CJK_MARKS, CLOSERS, HAN, HANGUL, KANA, NO_ABBREVIATION


@pytest.mark.parametrize(
    ("ranges", "inside", "outside"),
    [
        (HAN, "一龥㐀豈𠀀𰀀", "aあア가。、〇"),
        (KANA, "あアー", "a一가。"),
        (HANGUL, "가힣", "a一あ"),
        (CJK_MARKS, "。、「」，！Ａ⺀", "a一가.,"),
        (CLOSERS, "\"'”’」』）)]】》", "(（「.。a\\"),
    ],
)
def test_what_a_range_holds(ranges: str, inside: str, outside: str) -> None:
    assert re.findall(f"[{ranges}]", inside + outside) == list(inside)


def test_the_ideographs_of_unicode_are_han() -> None:
    ideographs = [
        char
        for char in map(chr, range(0x3400, 0x31350))
        if unicodedata.name(char, "").startswith("CJK UNIFIED IDEOGRAPH")
    ]
    assert len(ideographs) > 90_000
    assert re.fullmatch(f"[{HAN}]+", "".join(ideographs))


@pytest.mark.parametrize("text", ["Dr.", "by J.", "cf.", "Inc.", "e.g.", "see Fig."])
def test_a_full_stop_of_an_abbreviation(text: str) -> None:
    assert not re.search(rf"{NO_ABBREVIATION}\.$", text)


@pytest.mark.parametrize("text", ["done.", "in 1999.", "a bus.", "NASA.", "it is a no."])
def test_a_full_stop_of_a_sentence(text: str) -> None:
    assert re.search(rf"{NO_ABBREVIATION}\.$", text)
