from __future__ import annotations

import re

import pytest

from kb.config import AnswerConfig
from kb.generators.extractive import ExtractiveGenerator
from kb.protocols import Quote, TextDelta
from kb.types import AnswerStatus, Chunk, EncodedImage, Hit, Kind, Locator, Modality, Query

_IMAGE = EncodedImage(b"", "image/png", 1, 1)
_FILLER = (
    "The colours are grey and white. A box holds the charger, a cable and this leaflet. "
    "The lamp shines in the dark for about an hour."
)


def hit(
    text: str,
    source: str = "m.txt",
    *,
    headings: tuple[str, ...] = (),
    dense: float | None = 0.6,
    picture: float | None = None,
    locator: Locator | None = None,
    time_s: float | None = None,
) -> Hit:
    chunk = Chunk(
        id=source + text[:8],
        document_sha256=source,
        ordinal=0,
        kind=Kind.TEXT,
        modality=Modality.TEXT,
        locator=locator or Locator(),
        text=text,
        headings=headings,
    )
    return Hit(chunk, source, dense=dense, picture=picture, time_s=time_s)


def ask(
    question: str, *hits: Hit, n: int = 3, images: int = 0
) -> tuple[str, list[str], AnswerStatus]:
    """The text, the quoted words by number, and the status."""
    query = Query(text=question, images=(_IMAGE,) * images)
    events = list(ExtractiveGenerator(AnswerConfig(max_quotes=n)).stream(query, hits))
    status = events[-1]
    assert isinstance(status, AnswerStatus)
    bound: dict[int, str] = {}
    text = ""
    for event in events[:-1]:
        if isinstance(event, Quote):
            bound[event.number] = hits[event.hit_index].chunk.text[event.start : event.end]
        else:
            assert isinstance(event, TextDelta)
            text += event.text
            named = {int(number) for number in re.findall(r"(?<!\\)\[(\d+)\]", text)}
            assert named <= set(bound), "a number before its quote"
    assert list(bound) == list(range(1, len(bound) + 1))
    return text, list(bound.values()), status


def test_the_sentence_that_answers_with_its_citation() -> None:
    manual = hit("The battery lasts ten hours.\nIt charges within two hours. " + _FILLER)
    text, quotes, status = ask("How long does the battery last?", manual, hit(_FILLER, "b.txt"))
    assert text.startswith("The battery lasts ten hours. [1]")
    assert quotes[0] == "The battery lasts ten hours."
    assert status is AnswerStatus.ANSWERED


def test_the_steps_of_a_list_belong_together_where_the_question_asks_how() -> None:
    steps = "To reset the device:\n1. Open the lid.\n2. Hold RESET for 5 s.\n3. Close the lid."
    text, quotes, _ = ask("How do I reset the device?", hit(f"{_FILLER}\n\n{steps}\n\nEnd."))
    assert quotes[0] == steps
    assert "Close the lid." in text.split("[1]")[0]


def test_a_heading_says_what_the_sentence_below_is_about() -> None:
    manual = hit("# Warranty\nIt is two years from the day of purchase.\n\n# Colours\nGrey, white.")
    _, quotes, _ = ask("What is the warranty?", manual, hit(_FILLER, "b.txt"))
    assert quotes[0] == "It is two years from the day of purchase."


def test_the_answer_of_a_faq_and_not_its_question() -> None:
    faq = hit("Where is the serial number?\nOn the back, under the battery.\n\n" + _FILLER)
    _, quotes, _ = ask("Where is the serial number?", faq, hit(_FILLER, "b.txt"))
    assert quotes[0] == "On the back, under the battery."


def test_a_row_of_a_table_is_read_with_its_header() -> None:
    table = hit("| Part | Price |\n|---|---|\n| Lid | 3 EUR |\n| Hose | 9 EUR |\n")
    text, quotes, _ = ask("What is the price of the hose?", table, hit(_FILLER, "b.txt"), n=1)
    assert text == "Part: Hose; Price: 9 EUR [1]"
    assert quotes == ["| Hose | 9 EUR |"]


def test_chinese_question_chinese_answer() -> None:
    both = (
        hit("To reset the device hold the power button.", "en.txt", dense=None),
        hit("本机重约三公斤。重置设备时请按住电源键十秒。外壳为灰色。", "zh.txt", dense=None),
    )
    text, quotes, status = ask("如何重置设备？", *both)
    assert quotes[0] == "重置设备时请按住电源键十秒。"
    assert text.startswith("重置设备")
    assert status is AnswerStatus.ANSWERED


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("Who won the cup in 1954?", "Nothing in the sources answers"),
        ("谁赢得了一九五四年的世界杯？", "资料中没有找到"),
    ],
)
def test_nothing_answers(question: str, words: str) -> None:
    text, quotes, status = ask(question, hit(_FILLER, dense=0.05), hit("外壳为灰色。", dense=0.05))
    assert status is AnswerStatus.NO_EVIDENCE
    assert words in text
    assert quotes == []


def test_a_cosine_of_chinese_is_no_evidence() -> None:
    _, _, status = ask("谁赢得了世界杯决赛？", hit("外壳为灰色。世界各地有售。", dense=0.9))
    assert status is AnswerStatus.NO_EVIDENCE


def test_no_hits() -> None:
    assert ask("How do I reset the device?")[2] is AnswerStatus.NO_EVIDENCE


def test_the_same_sentence_is_quoted_once() -> None:
    copies = [hit("The battery lasts ten hours. " + _FILLER, f"{i}.txt") for i in range(4)]
    _, quotes, _ = ask("How long does the battery last?", *copies)
    assert quotes.count("The battery lasts ten hours.") == 1


def test_no_more_quotes_than_configured() -> None:
    many = [hit(f"The battery of model {i} lasts {i} hours.", f"{i}.txt") for i in range(2, 8)]
    assert len(ask("How long does the battery last?", *many, n=2)[1]) <= 2


def test_text_of_documents_is_shown_as_written() -> None:
    evil = hit("The **battery** <img src=x> lasts [7] ten hours. " + _FILLER)
    text, _, _ = ask("How long does the battery last?", evil)
    assert r"\*\*battery\*\* \<img src=x\> lasts \[7\] ten hours" in text


def test_a_picture_is_named_with_its_place() -> None:
    clip = hit("", "v_1.mp4", picture=0.97, locator=Locator(start_s=64, end_s=128), time_s=75)
    other = hit("", "o.png", picture=0.5)
    text, quotes, status = ask("", other, clip, images=1)
    assert text == "The closest match is v_1.mp4 at 1:15 [1]"
    assert quotes == [""]
    assert status is AnswerStatus.ANSWERED


def test_a_picture_that_is_nowhere() -> None:
    text, _, status = ask("", hit("", "o.png", picture=0.5), images=1)
    assert status is AnswerStatus.NO_EVIDENCE
    assert "No picture" in text


def test_words_with_a_picture_fall_back_on_the_picture() -> None:
    page = hit("", "m.pdf", picture=0.95, locator=Locator(page=3), dense=None)
    text, _, status = ask("这是什么？", page, images=1)
    assert text == "最相近的是m.pdf 第 3 页 [1]"
    assert status is AnswerStatus.ANSWERED
