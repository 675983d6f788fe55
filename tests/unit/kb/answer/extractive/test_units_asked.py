"""The unit in which a question wants its number."""

from __future__ import annotations

import pytest

from kb.answer.extractive.units_asked import unit_asked


@pytest.mark.parametrize(
    ("question", "said", "beside", "held"),
    [
        ("热水壶的功率是多少瓦？", "热水壶：容量一升", "", False),
        ("热水壶的功率是多少瓦？", "功率：45 瓦，待机 0.8 瓦", "", True),
        ("How many watts does it draw?", "It draws 45 W at most.", "", True),
        ("How many watts does it draw?", "It weighs 30 kg.", "", False),
        ("How many watts does it draw?", "1,200", "Power (W)", True),
        ("How many watts does it draw?", "1,200", "Price", False),
        ("How many watts does it draw?", "30 kg", "Power (W)", False),
        ("How many minutes does it take?", "It takes half an hour.", "", True),
        ("几个月换一次？", "每天使用十二小时\n9.6", "单位：月", True),
        ("How many calories are in the lunch box?", "It costs £5.95.", "", False),
        ("How many calories are in the lunch box?", "It has 540 kcal.", "", True),
        ("一份有多少大卡？", "540", "热量（千卡）", True),
        ("多少度？", "加热到 90 °C", "", True),
        ("How many degrees?", "An angle of 180 degrees.", "", True),
    ],
)
def test_a_number_in_the_unit_that_is_asked_for(
    question: str, said: str, beside: str, held: bool
) -> None:
    unit = unit_asked(question)
    assert unit is not None
    assert unit.is_held(said, beside) is held


@pytest.mark.parametrize("question", ["How many people live there?", "一共多少台？", "How far?"])
def test_no_unit_is_named(question: str) -> None:
    assert unit_asked(question) is None
