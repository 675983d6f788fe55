from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence

import pytest

from kb.answer.chat.cited_text import cited_events
from kb.answer.wording import CUT, NOTHING
from kb.errors import InferenceError
from kb.protocols import GeneratorEvent, Quote, TextDelta
from kb.text.terms import Language
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


@pytest.mark.parametrize(
    "pieces",
    [
        ("NOT_FOUND",),
        (" NOT", "_FO", "UND\n"),
        ("NOT_FOUND.",),
        ("**NOT_", "FOUND**"),
        ("`NOT_FOUND`",),
        ("```\nNOT_FOUND\n```",),
        ("“NOT_FOUND”。",),
        ("NOT\\_FOUND",),
        ("NOT_FOUND: ", "The sources do not ", "answer this question."),
        ("NOT_FOUND\n\nThe sources say nothing about it [1].",),
        ("",),
        (),
    ],
)
@pytest.mark.parametrize(
    ("question", "language"), [("Why?", Language.ENGLISH), ("为什么？", Language.CHINESE)]
)
def test_nothing_found_is_said_in_the_language_of_the_question(
    pieces: Sequence[str], question: str, language: Language
) -> None:
    assert write(*pieces, question=question) == (NOTHING[language], [], AnswerStatus.NO_EVIDENCE)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("NOT_FOUND. Die Quellen sagen nichts darüber.", "Die Quellen sagen nichts darüber."),
        ("**NOT_FOUND** – *Die Quellen sagen nichts.*", "Die Quellen sagen nichts."),
        ("NOT_FOUND\nDie Quellen [1][2] sagen nichts [3].", "Die Quellen sagen nichts."),
        ("NOT_FOUND: Les sources ne le disent pas.", "Les sources ne le disent pas."),
        ("NOT_FOUND 資料にはその答えがありません。", "資料にはその答えがありません。"),
        ("NOT_FOUND The sources do not mention the warranty.", NOTHING[Language.ENGLISH]),
    ],
)
def test_in_other_languages_the_model_says_that_nothing_is_found(said: str, shown: str) -> None:
    for pieces in ([said], [*said]):
        found = write(*pieces, question="Wie lange gilt die Garantie?")
        assert found == (shown, [], AnswerStatus.NO_EVIDENCE)


def test_an_answer_that_only_begins_alike_is_shown() -> None:
    text, _, status = write("NOT", " every lamp blinks [1].")
    assert text == "NOT every lamp blinks [1]."
    assert status is AnswerStatus.ANSWERED


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("The lamp blinks [1]. NOT_FOUND", "The lamp blinks [1]."),
        ("The lamp blinks [1].\n\n**NOT_FOUND**.", "The lamp blinks [1]."),
        ("The lamp **blinks** [1] `NOT_FOUND`\n", "The lamp **blinks** [1]"),
        ("It says “blinks [1].” NOT_FOUND", "It says “blinks [1].”"),
        # A word of the answer.
        ("The server answers [1] with NOT_FOUND.", "The server answers [1] with NOT_FOUND."),
        ("It is ERR_NOT_FOUND [1].", "It is ERR_NOT_FOUND [1]."),
        ("Then [1]:\n\n```\nNOT_FOUND\n```", "Then [1]:\n\n```\nNOT_FOUND\n```"),
        # Nothing is cited.
        ("I can not tell NOT_FOUND", "I can not tell"),
    ],
)
def test_the_mark_after_an_answer_is_taken_away(written: str, expected: str) -> None:
    for pieces in ([written], [*written]):
        text, quotes, status = write(*pieces)
        assert text.rstrip() == expected
        assert status is (AnswerStatus.ANSWERED if quotes else AnswerStatus.NO_EVIDENCE)


def test_where_the_question_is_about_the_mark_it_is_a_word() -> None:
    question = "What does NOT_FOUND mean?"
    for written in (
        "NOT_FOUND means that the lamp blinks [1].",
        "It means blinking [1]: NOT_FOUND",
    ):
        for pieces in ([written], [*written]):
            assert write(*pieces, question=question)[0] == written
    assert write("NOT_FOUND.", question=question)[2] is AnswerStatus.NO_EVIDENCE


def test_an_indent_is_code_and_blank_lines_before_it_go() -> None:
    text, _, _ = write("\n \n", "    a[1] = 2\n", "\nas it says [1].")
    assert text == "    a[1] = 2\n\nas it says [1]."


def test_numbers_after_a_stray_backtick_are_bound_or_go() -> None:
    text, quotes, _ = write("I don`t know [9], hold the power button [2", "][1].\n\nSo.")
    assert text == "I don`t know , hold the power button [1][2].\n\nSo."
    assert [quote.hit_index for quote in quotes] == [1, 0]


@pytest.mark.parametrize(("end", "n_quotes"), [("[1", 1), ("[source 1", 1), ("[7", 0)])
def test_a_citation_that_the_text_ends_in(end: str, n_quotes: int) -> None:
    text, quotes, _ = write("Hold the power button ", end)
    assert text == "Hold the power button " + "[1]" * n_quotes
    assert len(quotes) == n_quotes


def test_what_was_written_before_an_error_is_shown() -> None:
    def broken() -> Iterator[str]:
        yield "Hold the `power button [1"
        raise InferenceError("The answer broke off.")

    events: list[GeneratorEvent] = []
    with pytest.raises(InferenceError, match="broke off"):
        events.extend(cited_events(broken(), "How?", HITS, (0, 1, 2)))
    said = "".join(event.text for event in events if isinstance(event, TextDelta))
    assert said == "Hold the `power button [1]\n\n"


@pytest.mark.parametrize(
    ("question", "language"), [("How?", Language.ENGLISH), ("怎么办？", Language.CHINESE)]
)
def test_an_answer_that_was_cut_says_so(question: str, language: Language) -> None:
    def cut() -> Generator[str, None, bool]:
        yield "Hold the power button [1]. Then"
        return True

    *events, status = cited_events(cut(), question, HITS, (0, 1, 2))
    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    assert text == f"Hold the power button [1]. Then\n\n{CUT[language]}"
    assert status is AnswerStatus.ANSWERED


def test_an_answer_without_a_citation_is_no_evidence() -> None:
    text, quotes, status = write("I know this by heart.")
    assert (text, quotes, status) == ("I know this by heart.", [], AnswerStatus.NO_EVIDENCE)
