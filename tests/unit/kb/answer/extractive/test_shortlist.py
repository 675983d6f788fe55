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
