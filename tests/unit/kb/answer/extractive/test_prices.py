from __future__ import annotations

import pytest

from kb.answer.extractive.prices import is_price_of_many

_ORDER = "| Order | Item | Quantity | Amount (EUR) |\n| A-1 | Bench | 40 | 2760 |"
_ORDER_ZH = "| 订单 | 商品 | 数量 | 金额（元） |\n| 7 | 长凳 | 40 | 2760 |"
_PRICED = "| Item | Quantity | Unit price | Amount |\n| Bench | 40 | 69 | 2760 |"


@pytest.mark.parametrize(
    ("question", "row"),
    [
        ("How much does the bench cost?", _ORDER),
        ("What is the price of the bench?", _ORDER),
        ("How much is the bench?", _ORDER),
        ("长凳多少钱？", _ORDER_ZH),
    ],
)
def test_an_order_of_many_does_not_tell_what_one_costs(question: str, row: str) -> None:
    assert is_price_of_many(question, row)


@pytest.mark.parametrize(
    ("question", "row"),
    [
        ("How much does the bench cost?", _PRICED),
        ("How much is the bench?", "| Item | Price |\n| Bench | 69 |"),
        ("How much did the school pay for the bench?", _ORDER),
        ("What does order A-1 cost?", _ORDER),
        ("长凳一共多少钱？", _ORDER_ZH),
        ("How many benches were ordered?", _ORDER),
    ],
)
def test_a_price_or_what_was_paid_is_told(question: str, row: str) -> None:
    assert not is_price_of_many(question, row)
