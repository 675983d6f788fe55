"""Conversations as files."""

from __future__ import annotations

import json

from kb import Conversation
from kb.types import AnswerStatus, Citation, Locator
from ui.service.conversation_export import as_json, as_markdown
from ui.service.turns import Stage, Turn

TALK = Conversation("id", "How loud?", False, 0, 10**9, 2)
TURNS = [
    Turn(
        1,
        "How\nloud?",
        text="**40** dB [1], see the film [2]",
        citations=[
            Citation(1, "a", "deck.pptx", Locator(page=4), "40\ndB"),
            Citation(2, "b", "film.mp4", Locator(start_s=62.0), ""),
        ],
        status=AnswerStatus.ANSWERED,
        stage=Stage.WHOLE,
    ),
    Turn(
        2,
        "",
        attachments=("红灯.png",),
        files=("/secret/path",),
        error="Too large.",
        stage=Stage.WHOLE,
    ),
    Turn(
        3,
        "And it?",
        understood="And the pump?",
        closest=(Citation(1, "c", "pump.md", Locator(), "x"),),
        stage=Stage.WHOLE,
    ),
]


def test_markdown_has_questions_answers_and_what_they_cite() -> None:
    assert as_markdown(TALK, TURNS) == (
        "# How loud?\n\n1970-01-01T00:00:00+00:00\n\n"
        "## How loud?\n\n**40** dB [1], see the film [2]\n\n"
        "- [1] deck.pptx, slide 4: “40 dB”\n- [2] film.mp4, 1:02\n\n"
        "## 红灯.png\n\nNot answered: Too large.\n\n"
        "## And it?\n\nAsked as: And the pump?\n\nNo answer was found in the files.\n"
    )


def test_json_has_the_fields_that_programs_know() -> None:
    made = json.loads(as_json(TALK, TURNS))
    assert (made["id"], made["title"]) == ("id", "How loud?")
    first, second, third = made["turns"]
    assert (first["query"], first["status"]) == ("How\nloud?", "answered")
    assert first["citations"][0]["page"] == 4
    assert first["citations"][1]["start_s"] == 62.0
    assert second["attachments"] == ["红灯.png"]
    assert third["closest_passages"][0]["source"] == "pump.md"
    # Where the server keeps an upload is nobody's.
    assert "/secret/path" not in as_json(TALK, TURNS) + as_markdown(TALK, TURNS)
