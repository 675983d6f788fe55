"""Quotes for questions that compare two things."""

from __future__ import annotations

import pytest

from kb.answer.extractive.compared import is_half_answer
from kb.answer.extractive.question import Question


@pytest.mark.parametrize(
    ("question", "said", "is_half"),
    [
        ("Is the K-20 heavier than the K-10?", "The K-20 follows the K-10.", True),
        ("Is the K-20 heavier than the K-10?", "The K-20 weighs 3 kg.", True),
        ("Is the K-20 heavier than the K-10?", "K-20: 3 kg. K-10: 2 kg.", False),
        ("K-20和K-10哪个声音小？", "型号: K-20; 价格: 300", True),
        ("K-20和K-10哪个更重？", "K-20 重 3 公斤，K-10 重 2 公斤", False),
        (
            "Which is better, the K-20 or the K-10?",
            "Of the K-20 and the K-10 take the first.",
            False,
        ),
        ("How long does the K-20 last?", "Ten years.", False),
        ("What if the water is colder than 5 degrees?", "Drain the pump.", False),
    ],
)
def test_one_of_two_is_half_an_answer(question: str, said: str, is_half: bool) -> None:
    assert is_half_answer(Question.of(question), said) is is_half
