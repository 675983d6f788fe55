"""Chinese characters taken for others of the same sound."""

from __future__ import annotations

import pytest

from kb.text.spelling_chinese import ChineseSpeller, chinese_words

LIBRARY = "长按电源键恢复出厂设置。空气净化器的滤网每半年清洗一次，传感器的镜头用棉签擦拭。報修電話"


@pytest.fixture
def speller() -> ChineseSpeller:
    made = ChineseSpeller()
    made.add([*chinese_words(LIBRARY), "滤网", "出厂"])
    return made


@pytest.mark.parametrize(
    ("written", "mended"),
    [
        ("虑网最长能用多久？", "滤网最长能用多久？"),
        ("空气净话器怎么清吸", "空气净化器怎么清洗"),
        ("怎么恢复出长设置", "怎么恢复出厂设置"),
        ("传敢器在哪里", "传感器在哪里"),
        ("Breeze 300 的虑网", "Breeze 300 的滤网"),
    ],
)
def test_a_slip_becomes_the_word_of_the_library(
    speller: ChineseSpeller, written: str, mended: str
) -> None:
    assert speller.mend(written) == mended


@pytest.mark.parametrize(
    "question",
    [
        "滤网多久换一次？",
        "濾網多久換一次？",
        # Words themselves, though they sound like some of the library.
        "保修期是多久",
        "上级是谁",
        "我有一个问题",
        "今天天气怎么样",
        "What is the filter?",
        "",
    ],
)
def test_other_questions_stay_as_they_are(speller: ChineseSpeller, question: str) -> None:
    assert speller.mend(question) == question


def test_where_two_words_sound_so_nothing_is_changed() -> None:
    speller = ChineseSpeller()
    speller.add(["滤网", "律网"])
    assert speller.mend("虑网多久换") == "虑网多久换"


def test_without_words_nothing_is_mended() -> None:
    assert ChineseSpeller().mend("虑网") == "虑网"


def test_a_long_text_is_no_question_with_a_slip(speller: ChineseSpeller) -> None:
    text = "虑网" + "，今天天气很好" * 40
    assert speller.mend(text) == text
