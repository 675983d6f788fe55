"""Which questions may be English."""

from __future__ import annotations

import pytest

from kb.text.english import may_be_english


@pytest.mark.parametrize(
    "text",
    [
        "How do I reset the device?",
        "price of the filter",
        "who wrote it",
        "reset",
        "E07",
        "42",
        "",
        "thanks!",
        "Offices in LA",
        "What does 微风 mean?",
        "Where is the café of Señor Müller?",
        "Ｗｈａｔ ｉｓ ｔｈｉｓ",
        "what is malum in se",
        "who wrote Der Zauberberg",
        "assert res == answer  # the default",
    ],
)
def test_english_and_words_that_may_be(text: str) -> None:
    assert may_be_english(text)


@pytest.mark.parametrize(
    "text",
    [
        "如何重置设备？",
        "微风 300 reset",
        "《Start from Here》以什么形式发行？",
        "Wie setze ich das Gerät zurück?",
        "Lieferung der Ware",
        "Was kostet das?",
        "Combien coûte le filtre ?",
        "¿Cuántos años dura la garantía?",
        "quanto costa il filtro",
        "hoeveel kost het filter",
        "Когда оплатить счёт?",
        "ランプが緑色になるのはいつ？",
        "كم ثمن التذكرة؟",
        "garantía",
    ],
)
def test_other_languages(text: str) -> None:
    assert not may_be_english(text)


def test_a_long_text_takes_no_long_time() -> None:
    assert may_be_english("the " * 200_000)
    assert not may_be_english("的" * 200_000)
