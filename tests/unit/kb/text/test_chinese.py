"""Chinese names, by jieba's tags."""

from __future__ import annotations

from kb.text.chinese import names, names_person


def test_names_of_places_and_persons() -> None:
    assert names("深圳的天气和上海一样吗？") == ("深圳", "上海")
    assert names("周期是几个月？") == ()
    assert names("哪种颜色表示最差？") == ()


def test_a_traditional_name_is_the_simplified_one() -> None:
    assert names("王小明是誰？") == names("王小明是谁？") == ("王小明",)


def test_english_text_has_none() -> None:
    assert names("Where is Paris?") == ()
    assert not names_person("Written by Maria Lopez.")


def test_a_person() -> None:
    assert names_person("讲师：王小明，2026 年 3 月 27 日")
    assert not names_person("2026 年 3 月 27 日，上海")


def test_of_a_long_text_the_first_characters_are_read() -> None:
    assert names("天" * 3_000 + "，深圳") == ()
