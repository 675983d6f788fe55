"""A quote is shown without the marks of its source, and what was asked for first."""

from __future__ import annotations

import pytest

from kb.answer.extractive.passages import find_passages
from kb.answer.extractive.question import Question
from kb.answer.extractive.rendering import render
from kb.types import Chunk, Hit, Kind, Locator, Modality


def rendered(question: str, text: str, kind: Kind = Kind.TEXT) -> str:
    chunk = Chunk("c", "c", 0, kind, Modality.TEXT, Locator(), text)
    hit = Hit(chunk, "c.md", dense=0.5, fused=1.0)
    asked = Question.of(question)
    return render(find_passages(asked, [hit]).passages[0], asked, hit)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("**Quieter fan.** The fan starts slowly.", "Quieter fan."),
        ("The fan is *not* loud.", "The fan is not loud."),
        ("The fan has [a manual](https://e.x/y).", "The fan has a manual."),
        ("The fan calls __init__ at 2*3*4 turns.", r"The fan calls \_\_init\_\_ at 2\*3\*4 turns."),
    ],
)
def test_marks_of_the_source_are_not_shown(text: str, shown: str) -> None:
    assert rendered("the fan", text).startswith(shown)


def test_the_asked_cell_comes_first() -> None:
    table = "| part | stock | price |\n|---|---|---|\n| Hose | 12 | 9 EUR |\n| Lid | 3 | 4 EUR |"
    assert rendered("price of the hose", table) == "part: Hose; price: 9 EUR; stock: 12"


def test_lines_of_a_page_are_joined() -> None:
    assert rendered("风扇 声音", "风扇的声音\n很轻。") == "风扇的声音很轻。"
