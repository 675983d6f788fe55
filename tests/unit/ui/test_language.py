"""The language of a person: which one, and that each has his own."""

from __future__ import annotations

import asyncio

import pytest

from ui.language import chosen_language, language_names, languages, ntr, speaking, spoken, tr


@pytest.mark.parametrize(
    ("accepted", "cookies", "language"),
    [
        ("", "", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "", "zh-CN"),
        ("zh", "", "zh-CN"),
        # Traditional Chinese is nearer to simplified than to English.
        ("zh-TW, en;q=0.5", "", "zh-CN"),
        ("en-GB,en;q=0.9,zh-CN;q=0.8", "", "en"),
        ("zh-CN;q=0.1, en;q=0.9", "", "en"),
        ("fr, de;q=0.9", "", "en"),
        ("fr, zh-CN;q=0.3", "", "zh-CN"),
        ("zh-CN;q=0, en;q=0.1", "", "en"),
        ("zh-CN;q=much", "", "en"),
        (";;q=,,=;", "", "en"),
        ("x," * 10_000 + "zh-CN", "", "en"),
        # What was chosen comes first, if it is there.
        ("en", "a=b; kb-language=zh-CN", "zh-CN"),
        ("zh-CN", "kb-language=en", "en"),
        ("zh-CN", "kb-language=../../etc/passwd", "zh-CN"),
        ("zh-CN", "kb-language=xx; other=en", "zh-CN"),
    ],
)
def test_language_is_the_chosen_one_or_the_first_accepted(
    accepted: str, cookies: str, language: str
) -> None:
    assert chosen_language(accepted, cookies) == language


def test_each_language_has_its_own_name() -> None:
    assert languages()[0] == "en"
    assert language_names() == {"en": "English", "zh-CN": "简体中文"}


def test_message_is_said_with_its_values() -> None:
    assert tr("page {n}", n=3) == "page 3"
    assert ntr("{n} file", "{n} files", 1) == "1 file"
    assert ntr("{n} file", "{n} files", 12_000) == "12,000 files"
    with speaking("zh-CN"):
        assert tr("page {n}", n=3) == "第 3 页"
        assert ntr("{n} file", "{n} files", 12_000) == "12,000 个文件"
        assert tr("Nobody has translated this.") == "Nobody has translated this."
        assert tr("") == ""
    # What looks like a name in a value is not one.
    assert tr("Within: {where}", where="{n}") == "Within: {n}"


def test_people_at_the_same_time_are_spoken_to_each_in_his_language() -> None:
    async def person(language: str) -> list[str]:
        heard = []
        with speaking(language):
            for _ in range(20):
                await asyncio.sleep(0)
                heard.append(await asyncio.to_thread(tr, "Library"))
        assert spoken() == "en"
        return heard

    async def both() -> list[list[str]]:
        return await asyncio.gather(person("en"), person("zh-CN"))

    english, chinese = asyncio.run(both())
    assert set(english) == {"Library"}
    assert set(chinese) == {"资料库"}
