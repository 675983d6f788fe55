"""What the browser keeps of a conversation, and what is shown of it."""

from __future__ import annotations

import html
import io
import json
import re

import pytest
from made_shelf import MadeShelf
from PIL import Image

from kb.types import (
    Answer,
    AnswerStatus,
    Citation,
    Claim,
    EncodedImage,
    Frame,
    Locator,
    Query,
)
from ui.turn_html import past_html, turn_html
from ui.turns import Stage, Turn, read_turns

EVIL = '<img src=x onerror="alert(1)">'
PDF = Citation(1, "pdf", "手册 manual.pdf", Locator(page=2), "Hold the power button")


def picture(colour: str = "teal") -> EncodedImage:
    buffer = io.BytesIO()
    Image.new("RGB", (640, 320), colour).save(buffer, "PNG")
    return EncodedImage(buffer.getvalue(), "image/png", 640, 320)


def whole(**values: object) -> Turn:
    answer = Answer(
        Query(),
        "Hold it. [1]",
        AnswerStatus.ANSWERED,
        (PDF,),
        (),
        {},
        1500.0,
        claims=(Claim("Hold it.", 0, 12, (1,), 0.2, is_weak=True),),
    )
    turn = Turn(**({"number": 3, "question": "How?", "citations": [PDF]} | values))  # type: ignore[arg-type]
    turn.answered(answer)
    turn.stage = Stage.WHOLE
    return turn


def record_of(markup: str) -> str:
    found = re.search(r'data-record="([^"]*)"', markup)
    assert found is not None
    return html.unescape(found[1])


def test_turn_comes_back_from_the_page_as_it_was(shelf: MadeShelf) -> None:
    turn = whole()
    turn.attach(Query(images=(picture(),), clip=(Frame(0.0, picture("red")),)))
    record = record_of(turn_html(turn, shelf.chunks))
    (again,) = read_turns(f"[{record}]")
    assert again == turn
    before = turn_html(turn, shelf.chunks, is_past=True)
    assert past_html([again], shelf.chunks).endswith(before)
    assert 'data-view="media/view/pdf?start=' in before
    assert "1 cited sentence checked, 1 weakly supported" in before


def test_record_comes_when_a_turn_begins_and_when_it_ends() -> None:
    turn = Turn(1, "How?")
    assert json.loads(record_of(turn_html(turn, {}))) == {"number": 1, "question": "How?"}
    turn.text = "Hold"
    assert "data-record" not in turn_html(turn, {})
    turn.stage = Stage.STOPPED
    stopped = turn_html(turn, {})
    assert json.loads(record_of(stopped))["text"] == "Hold"
    assert ">Stopped<" in stopped
    assert "data-record" not in past_html([turn], {})


def test_pictures_beyond_the_first_are_told() -> None:
    turn = Turn(1, "")
    turn.attach(Query(images=tuple(picture() for _ in range(10))))
    assert len(turn.pictures) == 8
    assert "and 2 more pictures" in turn_html(turn, {})
    assert len(turn.record()) < 100_000


@pytest.mark.parametrize(
    "kept",
    [
        None,
        "",
        "nonsense",
        "{}",
        '[{"number": "one", "question": ""}]',
        '[{"number": 1, "question": "?", "pictures": ["https://example.org/a.jpg"]}]',
        '[{"number": 1, "question": "?", "clip": "data:text/html;base64,AAAA"}]',
        f'[{{"number": 1, "question": "{"?" * 1_000_000}"}}]',
    ],
)
def test_what_no_page_keeps_is_no_conversation(kept: str | None) -> None:
    assert read_turns(kept) == []


def test_everything_that_is_kept_is_escaped() -> None:
    citation = Citation(1, EVIL, EVIL, Locator(), EVIL)
    turn = whole(question=EVIL, citations=[citation], error=EVIL)
    turn.text = f"{EVIL} [1]"
    turn.claims = (Claim(EVIL, 0, 5, (1,), None, is_weak=None),)
    turn.check_error = EVIL
    (again,) = read_turns(f"[{turn.record()}]")
    for made in (turn_html(again, {}), past_html([again], {})):
        assert "<img" not in made


def test_citation_of_what_is_gone_says_so() -> None:
    made = past_html([whole()], {})
    assert made.count("emoved or changed since") == 3  # The card, and the number's two labels.
    assert 'data-view="media/view/pdf"' in made
    assert "Hold the power button" in made
    assert "manual.pdf" in made


def test_turn_cut_off_can_be_asked_again() -> None:
    cut_off = Turn(1, 'Who is "X"?')
    made = past_html([cut_off], {})
    assert 'data-ask="Who is &quot;X&quot;?"' in made
    assert 'aria-busy="false"' in made
    # The picture itself is not kept.
    cut_off.attach(Query(images=(picture(),)))
    assert "data-ask" not in past_html([cut_off], {})
    # The turn that is being answered is not cut off.
    assert "data-ask" not in turn_html(Turn(1, "Who?"), {})


def test_earlier_turns_that_are_gone_are_told() -> None:
    assert "kb-left-out" not in past_html([Turn(1, "?")], {})
    assert "2 earlier questions are no longer kept" in past_html([whole()], {})
    assert past_html([], {}) == ""
