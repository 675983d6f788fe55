from __future__ import annotations

import pytest

from ui.web.welcome import as_question


@pytest.mark.parametrize(
    ("heading", "title", "question"),
    [
        ("Static electricity", "Field test report", "What does “Static electricity” say?"),
        ("What we repaired", "Release notes", "What does “What we repaired” say?"),
        ("What is in the box", "User manual", "What is in the box?"),
        ("Why does it smell?", "FAQ", "Why does it smell?"),
        ("滤网多久更换？", "常见问题", "滤网多久更换？"),
        ("恢复出厂设置", "使用说明书", "《恢复出厂设置》讲了什么？"),
        ("Wi-Fi", "微风 300 空气净化器使用说明书", "《Wi-Fi》讲了什么？"),
    ],
)
def test_heading_becomes_a_question_in_its_language(
    heading: str, title: str, question: str
) -> None:
    assert as_question(heading, title) == question
