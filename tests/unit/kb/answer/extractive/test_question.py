"""What is told of a question by its words."""

from __future__ import annotations

import pytest

from kb.answer.extractive.question import Question


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Where does Maria Lopez live?", ("maria", "lopez")),
        ("Does it work with HomeKit?", ("homekit",)),
        ("洗衣机显示F13一般是什么引起的？", ("f13",)),
        ("三维X光机是什么时候装的？", ()),
        ("My tooth is out and I'm thirsty. When may I drink?", ()),
    ],
)
def test_names_are_told_from_other_words(text: str, names: tuple[str, ...]) -> None:
    assert Question.of(text).names == names
