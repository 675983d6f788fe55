"""Which passages are looked at closely."""

from __future__ import annotations

from kb.answer.extractive.passages import find_passages
from kb.answer.extractive.question import Question
from kb.answer.extractive.shortlist import shortlist
from kb.types import Chunk, Hit, Kind, Locator, Modality


def hit(number: int, text: str, dense: float | None) -> Hit:
    chunk = Chunk(str(number), str(number), 0, Kind.TEXT, Modality.TEXT, Locator(), text)
    return Hit(chunk, f"{number}.txt", dense=dense, fused=dense or 0.0)


def test_those_of_the_nearest_hits_are_looked_at_without_a_word_of_the_question() -> None:
    question = Question.of("Which kettle boils fastest?")
    lines = ["The kettle has a lid.", "Each kettle is of steel.", "A kettle is cleaned by hand."]
    hits = [
        hit(0, " ".join(f"{line[:-1]}, part {n}." for n in range(5) for line in lines), 0.2),
        hit(1, " ".join(f"Water needs {n} minutes there." for n in range(2, 12)), 0.9),
        hit(2, " ".join(f"Tea draws for {n} minutes here." for n in range(2, 12)), 0.8),
        hit(3, " ".join(f"Milk froths in {n} minutes." for n in range(2, 12)), None),
    ]
    chosen = shortlist(find_passages(question, hits).passages, hits)
    n_of = [sum(one.hit_index == index for one in chosen) for index in range(4)]
    assert n_of[0] >= 3
    assert n_of[1] >= 6
    assert n_of[2] >= 3
    assert n_of[3] == 0
    assert len(chosen) <= 20


def test_what_only_repeats_the_question_is_not() -> None:
    question = Question.of("Which kettle boils fastest?")
    hits = [hit(0, "Kettle boils fastest. The Duo boils in two minutes.", 0.9)]
    chosen = shortlist(find_passages(question, hits).passages, hits)
    assert not any(one.is_echo for one in chosen)
    assert chosen


def test_the_label_of_a_value_that_the_question_gives_is_no_answer() -> None:
    slip = "Customer: Old Mill Bakery\nWork: hinge replaced\nFitter: Ruth Oakes"
    hits = [hit(0, slip, 0.9)]
    asked = find_passages(Question.of("Who did the repair for Old Mill Bakery?"), hits).passages
    echoes = [slip[one.start : one.end] for one in asked if one.is_echo]
    assert "Customer: Old Mill Bakery" in echoes
    assert not any("Ruth Oakes" in one for one in echoes)
    meant = find_passages(Question.of("What does Old Mill Bakery mean?"), hits).passages
    assert not any(one.is_echo for one in meant)


def test_a_numbered_heading_heads_what_follows() -> None:
    text = "5.2 急停后复位\n顺时针旋转按钮，等十秒，再按绿色键。\n5.3 清洁\n每周用湿布擦一次。"
    passages = find_passages(Question.of("急停后怎么复位"), [hit(0, text, 0.9)]).passages
    said = [text[one.start : one.end] for one in passages]
    assert "5.2 急停后复位" not in said
    assert said[0].startswith("顺时针")
