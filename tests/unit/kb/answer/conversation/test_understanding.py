"""Follow-ups take their subject from what came before; whole questions stay as they are."""

from __future__ import annotations

import pytest

from kb.answer.conversation import Turn, is_dangling, understand

LEDGER = "| Item | In stock |\n| --- | --- |\n| Red mug | 4 [1] |\n| Blue mug | 7 [2] |"


@pytest.mark.parametrize(
    ("before", "asked", "understood"),
    [
        ("How heavy is the pump?", "and how much is it?", "How much is the pump?"),
        ("How heavy is the pump?", "How much?", "How much is the pump?"),
        (
            "How heavy is the pump?",
            "What colour is its lid?",
            "What colour is the lid of the pump?",
        ),
        ("How heavy is the pump?", "What about the compressor?", "How heavy is the compressor?"),
        ("How heavy is the pump?", "And the price?", "What is the price of the pump?"),
        (
            "What was the revenue in Europe in 2023?",
            "and in Chinese markets?",
            "What was the revenue in Chinese markets in 2023?",
        ),
        (
            "What was the revenue in Europe in 2023?",
            "and in 2024?",
            "What was the revenue in Europe in 2024?",
        ),
        ("What does error E07 mean?", "And E12?", "What does error E12 mean?"),
        (
            "How do I reset the Aster 20?",
            "And is the counter erased too?",
            "When I reset the Aster 20, is the counter erased too?",
        ),
        (
            "How do I clean the filter?",
            "How long does it take?",
            "How long does it take to clean the filter?",
        ),
        (
            "How long does the battery of the sensor last?",
            "can it be replaced?",
            "Can the battery of the sensor be replaced?",
        ),
        ("When was the bridge built?", "Who designed it?", "Who designed the bridge?"),
        ("Which river is the longest?", "and the Elbe?", "How long is the Elbe?"),
        ("Who wrote Emma?", "When did she die?", "About Emma: when did she die?"),
        ("微风 20 有多重？", "那个多少钱？", "微风 20多少钱？"),
        ("客厅灯的功率是多少？", "它的价格呢？", "客厅灯的价格是多少？"),
        ("客厅灯的功率是多少？", "台灯呢？", "台灯的功率是多少？"),
        ("客厅灯的功率是多少？", "多少钱？", "客厅灯多少钱？"),
        ("哪个城市的房子最贵？", "那上海呢？", "上海的房子多贵？"),
        ("2023年的营业额是多少？", "2024年呢？", "2024年的营业额是多少？"),
        ("产品在日本的销量是多少？", "在中国呢？", "产品在中国的销量是多少？"),
        ("怎么更换灯泡？", "那保修会失效吗？", "更换灯泡，保修会失效吗？"),
        ("这件衣服能退吗？", "拆了标签也行吗？", "拆了标签能退吗？"),
        # In another language than the question before.
        ("How heavy is the pump?", "那个多少钱？", "the pump多少钱？"),
        ("微风 20 多少钱？", "How heavy is it?", "How heavy is 微风 20?"),
    ],
)
def test_a_follow_up_takes_the_subject_of_the_question_before(
    before: str, asked: str, understood: str
) -> None:
    assert understand(asked, [Turn(before)]) == understood
    # What was understood is whole itself.
    assert understand(understood, [Turn("How tall is the tower?")]) == understood


@pytest.mark.parametrize(
    "asked",
    [
        "What is the warranty of the Aster 20?",
        "And how do I clean the Aster 20?",
        "Which items are below their reorder level?",
        "Is it safe to open the case of the kettle?",
        "How long does it take to charge the lamp?",
        "Is my daughter allowed to use the saw on her own?",
        "How do I get the filter out when it is stuck?",
        "When was the bridge built?",
        "water resistance",
        "怎么更换滤网？",
        "电源线有多长？",
        "那霸在哪里？",
        "什么样的客户可以退货？",
        "",
        "?",
    ],
)
def test_a_whole_question_is_left_as_it_is(asked: str) -> None:
    assert understand(asked, [Turn("How heavy is the pump?"), Turn("微风 20 有多重？")]) == asked


def test_what_was_found_is_the_subject_where_it_was_asked_for() -> None:
    table = Turn("Which mugs are below ten?", LEDGER)
    assert understand("How much do they cost?", [table]) == "How much do Red mug and Blue mug cost?"
    row = Turn("Which order was worth the most?", "A-17 — Total: 900 EUR [1]")
    assert understand("Who placed it?", [row]) == "Who placed A-17?"


def test_a_question_with_a_picture_was_about_what_its_answer_cites() -> None:
    turns = [Turn("", "…", ("Aster kettle",))]
    assert understand("How much is it?", turns) == "How much is Aster kettle?"


def test_the_subject_is_carried_on_over_talk() -> None:
    turns = [Turn("How heavy is the pump?"), Turn("thanks!")]
    assert understand("And how much is it?", turns) == "How much is the pump?"


def test_the_last_subject_counts_and_old_ones_are_forgotten() -> None:
    turns = [Turn("How heavy is the pump?"), Turn("How tall is the tower?")]
    assert understand("How much is it?", turns) == "How much is the tower?"
    assert understand("How much is it?", [turns[0], *[Turn("thanks")] * 10]) == "How much is it?"


@pytest.mark.parametrize(
    "asked",
    ["And how much is it?", "how much?", "What about the pump?", "What does it cost?", "why?",
     "那个多少钱？", "它多重？", "那上海呢？"],
)  # fmt: skip
def test_a_follow_up_to_nothing_is_known(asked: str) -> None:
    assert is_dangling(asked)
    assert understand(asked, []) == asked
    assert understand(asked, [Turn("thanks!")]) == asked


@pytest.mark.parametrize(
    "asked",
    [
        "How heavy is the device?",
        "What will it add to my power bill every year?",
        "How much is the Aster 20?",
        "Who did the work?",
        "机器有多重？",
        "按什么都不动了怎么办？",
        "能放在洗手间里用吗？",
        "这台机器适合多大的房间？",
        "x" * 300,
    ],
)
def test_what_can_be_looked_for_is_no_follow_up_to_nothing(asked: str) -> None:
    assert not is_dangling(asked)
