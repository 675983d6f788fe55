from __future__ import annotations

import pytest

from kb.answer.shown.fits import may_be_answer, total_asked


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("How much does the chair cost?", "EUR 49.00"),
        ("How much does the chair cost?", "Chair; price: 49"),
        ("石榴椅多少钱？", "售价 49 元"),
        ("How heavy is the chair?", "4.2 kg"),
        ("How heavy is the chair?", "Weight: four"),
        ("How far does the chair reach?", "up to 3 m"),
        ("石榴椅多重？", "4 公斤"),
        ("Why does the chair squeak?", "Its screws are loose."),
    ],
)
def test_what_may_answer(question: str, said: str) -> None:
    assert may_be_answer(question, said)


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("How much does the chair cost?", "In stock: 341"),
        ("石榴椅多少钱？", "容量一升"),
        ("How far does the chair reach?", "18.4 ℃"),
        ("How heavy is the chair?", "In stock: 341"),
    ],
)
def test_what_measures_something_else_does_not(question: str, said: str) -> None:
    assert not may_be_answer(question, said)


def test_what_was_paid_is_the_total() -> None:
    assert total_asked("How much did I pay?", "Bread 2.10\nSUM 4.20") == "What is the total?"
    assert total_asked("这张小票一共付了多少钱？", "Bread 2.10") == "What is the total?"
    assert total_asked("How much did I pay?", "面包 2.10\n合计 4.20") == "合计是多少？"
    assert total_asked("Where did I pay?", "Bread 2.10") == ""
    assert total_asked("How long is it?", "Bread 2.10") == ""
