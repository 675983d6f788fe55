"""Words of which one is said in place of another."""

from __future__ import annotations

import pytest

from kb.text.contrasts import is_of_contrary


@pytest.mark.parametrize(
    ("question", "text", "is_contrary"),
    [
        ("What does the red light mean?", "The blue light means that it is ready.", True),
        ("What does the red light mean?", "Red or blue: an error.", False),
        ("What does the red light mean?", "It means that it is ready.", False),
        ("What does the light mean?", "The blue light means that it is ready.", False),
        ("灯亮粉色是什么意思？", "灯亮起蓝灯，表示完成。", True),
        ("紅燈亮是什麼意思？", "红灯亮：缺水。", False),
        ("红灯亮是什么意思？", "红色：缺水。蓝色：完成。", False),
        ("What was sold in 3月?", "十三月没有。4月：12 台", True),
        ("Is it open on Monday?", "It is open on Tuesdays.", False),
        ("Is it open on Monday?", "It opens on Tuesday.", True),
        ("What is the maximum temperature?", "The minimum temperature is 5 °C.", True),
        ("明白空白的黑板吗？", "白色的灯", False),
    ],
)
def test_only_the_contrary_is_said(question: str, text: str, is_contrary: bool) -> None:
    assert is_of_contrary(question, text) is is_contrary
