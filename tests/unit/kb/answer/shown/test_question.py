from __future__ import annotations

import pytest

from kb.answer.shown.question import points, with_subject, without_naming


@pytest.mark.parametrize(
    ("question", "whole"),
    [
        ("How heavy is this?", "How heavy is the Garnet chair?"),
        ("Is this chair safe for children?", "Is the Garnet chair safe for children?"),
        ("How do I fold its legs?", "How do I fold the Garnet chair's legs?"),
        ("How do I oil this hinge?", "How do I oil the hinge of the Garnet chair?"),
        ("Can I leave this out in the rain?", "Can I leave the Garnet chair out in the rain?"),
        ("This one is loose. What now?", "The Garnet chair is loose. What now?"),
        ("Does the thing in the photo fold?", "Does the Garnet chair fold?"),
        ("What is the warranty?", "What is the warranty of the Garnet chair?"),
        ("How much is this?", "How much does the Garnet chair cost?"),
        ("How long does it take to fold it?", "How long does it take to fold the Garnet chair?"),
        ("这个多重？", "Garnet chair多重？"),
        ("这把椅子怎么折叠？", "Garnet chair椅子怎么折叠？"),
        ("图中的东西能淋雨吗？", "Garnet chair能淋雨吗？"),
        ("它保修几年？", "Garnet chair保修几年？"),
        ("保修几年？", "Garnet chair保修几年？"),
    ],
)
def test_a_name_stands_for_what_is_pointed_at(question: str, whole: str) -> None:
    assert with_subject(question, "Garnet chair") == whole


def test_the_kind_of_thing_is_not_said_twice() -> None:
    assert with_subject("这把折叠椅多重？", "石榴折叠椅") == "石榴折叠椅多重？"


@pytest.mark.parametrize(
    "question",
    [
        "What is this?",
        "What's this thing called?",
        "Who is that?",
        "What kind of bird is this?",
        "Where is this?",
        "Which manual shows this?",
        "What is in the picture?",
        "这是什么？",
        "这款产品叫什么名字？",
        "这张图在哪里？",
        "哪个文件里有这张图",
        "",
    ],
)
def test_what_and_where_it_is_leave_nothing_to_ask(question: str) -> None:
    assert without_naming(question) == ""


@pytest.mark.parametrize(
    ("question", "rest"),
    [
        ("What is this called, and how high is it?", "how high is it?"),
        ("这叫什么，多少钱？", "多少钱？"),
        ("What colour is it?", "What colour is it?"),
        ("Where is this sold?", "Where is this sold?"),
        ("Is it broken? What should I do?", "Is it broken? What should I do?"),
        ("这个怎么用？", "这个怎么用？"),
    ],
)
def test_what_is_asked_beside_it_stays(question: str, rest: str) -> None:
    assert without_naming(question) == rest


def test_words_that_do_not_point() -> None:
    assert points("How long is this?")
    assert points("它多长？")
    assert not points("How long is the ferry?")
    assert not points("渡轮多长？")
