"""What is kept of a conversation, and what is shown of it."""

from __future__ import annotations

import io
import json
import time

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
from ui.service.turns import Stage, Turn, read_turn
from ui.web.html.turn import past_html, turn_html

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


def read_turns(kept: str) -> list[Turn]:
    """Those of a JSON list of records."""
    turns = [read_turn(json.dumps(one)) for one in json.loads(kept)]
    return [turn for turn in turns if turn is not None]


def test_turn_comes_back_as_it_was(shelf: MadeShelf) -> None:
    turn = whole()
    turn.attach(Query(images=(picture(),), clip=(Frame(0.0, picture("red")),)))
    again = read_turn(turn.record())
    assert again == turn
    before = past_html([turn], shelf.chunks)
    assert past_html([again], shelf.chunks) == before
    assert 'data-view="media/view/pdf?start=' in before
    assert "1 cited sentence checked, 1 weakly supported" in before


def test_a_turn_names_the_conversation_that_it_is_kept_in() -> None:
    turn = Turn(1, "How?", text="Hold")
    assert 'data-conversation="a&quot;b"' in turn_html(turn, {}, 'a"b')
    assert "data-conversation" not in turn_html(turn, {})
    turn.stage = Stage.STOPPED
    assert ">Stopped<" in turn_html(turn, {})


def test_pictures_beyond_the_first_are_told() -> None:
    turn = Turn(1, "")
    turn.attach(Query(images=tuple(picture() for _ in range(10))))
    assert len(turn.pictures) == 8
    assert "and 2 more pictures" in turn_html(turn, {})
    assert len(turn.record()) < 100_000


@pytest.mark.parametrize(
    "record",
    [
        "",
        "nonsense",
        "{}",
        '{"number": "one", "question": ""}',
        '{"number": 1, "question": "?", "pictures": ["https://example.org/a.jpg"]}',
        '{"number": 1, "question": "?", "clip": "data:text/html;base64,AAAA"}',
        f'{{"number": 1, "question": "{"?" * 1_000_000}"}}',
    ],
)
def test_what_nobody_keeps_is_no_turn(record: str) -> None:
    assert read_turn(record) is None


def kept_turn(**values: object) -> str:
    citation = {"number": 1, "chunk_id": "x", "source": "s.md", "locator": {}, "quote": ""}
    return json.dumps(
        {"number": 1, "question": "q", "stage": "whole", "status": "answered"}
        | values
        | {"citations": [citation | dict(one) for one in values.get("citations", [{}])]}  # type: ignore[attr-defined,call-overload]
    )


@pytest.mark.parametrize(
    "values",
    [
        {"text": "[1] " * 1000, "citations": [{"source": "s" * 20_000}]},
        {"text": "[1] " * 5000, "citations": [{"chunk_id": "'" * 20_000}]},
        {"text": "[1] " * 5000, "citations": [{"source": "'" * 200}]},
        {"text": "[1] " * 100_000},
        {"text": "[1] " * 5000, "citations": [{"locator": {"page": int("9" * 4000)}}]},
        {"text": "[7] " * 5000, "citations": [{"number": n} for n in range(2000)]},
        {
            "text": "a [1]. " * 1000,
            "claims": [
                {"text": "a", "start": n, "end": n + 1, "numbers": [int("9" * 4000)]}
                | {"score": None, "is_weak": True}
                for n in range(200)
            ],
        },
        {
            "text": "a" * 50_000,
            "claims": [
                {"text": "a", "start": n, "end": 50_000, "numbers": [1] * 50}
                | {"score": 0.1, "is_weak": True}
                for n in range(2000)
            ],
        },
    ],
    ids=range(8),
)
@pytest.mark.parametrize("n_turns", [1, 20])
def test_html_grows_with_what_is_kept_and_not_with_its_square(
    values: dict[str, object], n_turns: int
) -> None:
    kept = f"[{','.join([kept_turn(**values)] * n_turns)}]"
    begun_s = time.process_time()
    made = past_html(read_turns(kept), {})
    assert len(made) < 20 * len(kept) + 500_000
    assert len(made) < 8_000_000
    assert time.process_time() - begun_s < 5


@pytest.mark.parametrize(
    "locator",
    [{"start_s": 1e400}, {"start_s": -1e400, "end_s": 1.0}, {"start_s": 1.0, "end_s": 1e308}],
    ids=str,
)
def test_no_place_of_a_citation_is_an_error(locator: dict[str, float]) -> None:
    kept = f"[{kept_turn(text='[1]', citations=[{'locator': locator}])}]"
    assert past_html(read_turns(kept), {})


def test_an_answer_of_every_bracket_is_shown_without_marks() -> None:
    claim = {"text": "a", "start": 0, "end": 4, "numbers": [1], "score": 0.1, "is_weak": True}
    text = "".join(chr(code) for code in range(0x2E02, 0x2E0E))
    assert text in past_html(read_turns(f"[{kept_turn(text=text, claims=[claim])}]"), {})


def test_everything_that_is_kept_is_escaped() -> None:
    citation = Citation(1, EVIL, EVIL, Locator(), EVIL)
    turn = whole(question=EVIL, citations=[citation], error=EVIL)
    turn.text = f"{EVIL} [1]"
    turn.claims = (Claim(EVIL, 0, 5, (1,), None, is_weak=None),)
    turn.check_error = EVIL
    again = read_turn(turn.record())
    assert again is not None
    for made in (turn_html(again, {}), past_html([again], {})):
        assert "<img" not in made


def test_citation_of_what_is_gone_says_so() -> None:
    made = past_html([whole()], {})
    assert made.count("emoved or changed since") == 3  # The card, and the number's two labels.
    assert 'data-view="media/view/pdf"' in made
    assert "Hold the power button" in made
    assert "manual.pdf" in made


def test_turn_cut_off_can_be_asked_again() -> None:
    made = past_html([Turn(1, 'Who is "X"?')], {})
    assert "before this was answered" in made
    assert 'data-again="1"' in made
    assert 'aria-busy="false"' in made
    # One that another page asks now is not cut off, nor is that which this page asks.
    assert "Another page is asking this now" in past_html([Turn(1, "Who?")], {}, running={1})
    assert "data-again" not in past_html([Turn(1, "Who?")], {}, running={1})
    assert "data-again" not in turn_html(Turn(1, "Who?"), {})


def test_an_answer_is_copied_without_its_numbers_and_with_its_sources() -> None:
    turn = whole()
    turn.text = 'Of **1245** [1], "x" [7].'
    made = past_html([turn], {})
    assert 'data-copy-text="Of **1245**, &#34;x&#34; [7]."' in made
    assert "[7].\n\n- [1] 手册 manual.pdf, page 2: “Hold the power button”" in made
    turn.citations = []
    assert "Copy with sources" not in past_html([turn], {})
    assert "data-copy-text" not in past_html([Turn(1, "?", error="Too large.")], {})


def test_a_long_question_is_text_and_no_heading() -> None:
    assert "kb-long" not in turn_html(Turn(1, "x" * 160), {})
    assert "kb-long" in turn_html(Turn(1, "x" * 161), {})


def test_earlier_turns_that_are_gone_are_told() -> None:
    assert "kb-left-out" not in past_html([Turn(1, "?")], {})
    assert "2 earlier questions are not shown" in past_html([whole()], {})
    assert past_html([], {}) == ""


def test_how_a_follow_up_was_understood_is_kept_shown_and_can_be_edited() -> None:
    turn = Turn(1, "And <b>?", understood="How heavy is <b>?", text="9 kg", stage=Stage.WHOLE)
    kept = read_turn(turn.record())
    assert kept is not None
    shown = past_html([kept], {})
    assert "Asked as: How heavy is &lt;b&gt;? " in shown
    assert 'data-edit="How heavy is &lt;b&gt;?"' in shown
    assert (kept.earlier.query, kept.earlier.understood) == ("And <b>?", "How heavy is <b>?")
    assert "Asked as" not in turn_html(Turn(1, "How heavy?"), {})


def test_talk_says_nothing_of_files() -> None:
    turn = Turn(1, "thanks", text="You're welcome.", status=AnswerStatus.NO_EVIDENCE)
    assert "Try other words" in past_html([turn], {})
    turn.is_from_files = False
    assert "kb-foot" not in past_html([turn], {})
