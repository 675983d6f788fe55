from __future__ import annotations

from collections.abc import Sequence

import pytest

from kb.generators.cited_text import cited_events
from kb.generators.wording import NOTHING
from kb.protocols import Quote, TextDelta
from kb.text import Language
from kb.types import AnswerStatus, Chunk, FrameRef, Hit, ImageRef, Kind, Locator, Modality

MANUAL = (
    "The device weighs 3 kg. To reset it, hold the power button for ten seconds. "
    "The lamp then blinks twice."
)


def hit(text: str, modality: Modality = Modality.TEXT) -> Hit:
    image = ImageRef("0" * 64, "image/png", 8, 8) if modality is Modality.IMAGE else None
    frames = (FrameRef(0.0, ImageRef("1" * 64, "image/png", 8, 8)),)
    chunk = Chunk(
        id=text[:8],
        document_sha256="d",
        ordinal=0,
        kind=Kind.PDF,
        modality=modality,
        locator=Locator(page=1),
        text=text,
        image=image,
        frames=frames if modality is Modality.VIDEO else (),
    )
    return Hit(chunk, "manual.pdf")


HITS = (
    hit(MANUAL),
    hit("", Modality.IMAGE),
    hit("如需重置设备，请按住电源键十秒。指示灯闪烁两次。"),
)


def write(
    *pieces: str, question: str = "How do I reset it?", shown: Sequence[int] = (0, 1, 2)
) -> tuple[str, list[Quote], AnswerStatus]:
    events = list(cited_events(iter(pieces), question, HITS, shown))
    *rest, status = events
    assert isinstance(status, AnswerStatus)
    seen: set[int] = set()
    for event in rest:
        # A number is bound before the text that names it.
        if isinstance(event, Quote):
            seen.add(event.number)
        elif isinstance(event, TextDelta) and event.text.startswith("["):
            assert int(event.text[1:-1]) in seen
    text = "".join(event.text for event in rest if isinstance(event, TextDelta))
    return text, [event for event in rest if isinstance(event, Quote)], status


def quoted(quote: Quote) -> str:
    return HITS[quote.hit_index].chunk.text[quote.start : quote.end]


def test_a_citation_points_at_the_sentence_that_says_it() -> None:
    text, quotes, status = write("Hold the power button for ten seconds [", "1", "].")
    assert text == "Hold the power button for ten seconds [1]."
    assert [quoted(quote) for quote in quotes] == [
        "To reset it, hold the power button for ten seconds."
    ]
    assert status is AnswerStatus.ANSWERED


def test_each_passage_has_a_number_of_its_own_and_keeps_it() -> None:
    text, quotes, _ = write(
        "It weighs 3 kg [1]. Hold the power button for ten seconds [1]. The weight is 3 kg [1]."
    )
    assert text == (
        "It weighs 3 kg [1]. Hold the power button for ten seconds [2]. The weight is 3 kg [1]."
    )
    assert [quoted(quote)[:10] for quote in quotes] == ["The device", "To reset i"]


def test_chinese_claims_find_their_sentence() -> None:
    text, quotes, _ = write("按住电源键十秒即可重置设备【3】。", question="如何重置？")
    assert text == "按住电源键十秒即可重置设备[1]。"
    assert quoted(quotes[0]) == "如需重置设备，请按住电源键十秒。"


def test_a_picture_is_cited_as_a_whole_and_so_is_text_that_no_sentence_matches() -> None:
    _, quotes, _ = write("It is red [2]. Quite unlike [1].")
    assert (quotes[0].hit_index, quotes[0].start, quotes[0].end) == (1, 0, 0)
    assert quoted(quotes[1]) == MANUAL


def test_numbers_without_a_source_go_and_code_stays() -> None:
    text, quotes, _ = write("a [9] b [1, 7] `x[1]` c[0]", shown=(2,))
    assert text == "a  b [1] `x[1]` c"
    assert [quote.hit_index for quote in quotes] == [2]


@pytest.mark.parametrize("pieces", [("NOT_FOUND",), (" NOT", "_FO", "UND\n"), ("",), ()])
@pytest.mark.parametrize(
    ("question", "language"), [("Why?", Language.ENGLISH), ("为什么？", Language.CHINESE)]
)
def test_nothing_found_is_said_in_the_language_of_the_question(
    pieces: Sequence[str], question: str, language: Language
) -> None:
    assert write(*pieces, question=question) == (NOTHING[language], [], AnswerStatus.NO_EVIDENCE)


def test_an_answer_that_only_begins_alike_is_shown() -> None:
    text, _, status = write("NOT", " every lamp blinks [1].")
    assert text == "NOT every lamp blinks [1]."
    assert status is AnswerStatus.ANSWERED


def test_an_answer_without_a_citation_is_no_evidence() -> None:
    text, quotes, status = write("I know this by heart.")
    assert (text, quotes, status) == ("I know this by heart.", [], AnswerStatus.NO_EVIDENCE)
