"""Words with a picture, asked of a small shelf: what is written on it, its tables, its texts."""

from __future__ import annotations

import made_tables
import pytest

from kb.answer.answerer import Answerer
from kb.answer.extractive.generator import ExtractiveGenerator
from kb.answer.refusal.judge import Judge
from kb.answer.shown.answers import ShownAnswers
from kb.answer.tables.answers import TableAnswers
from kb.config.models import ExtractiveConfig, TextEncoderConfig
from kb.models.encoders.text import SentenceTransformerEncoder
from kb.types import (
    Answer,
    AnswerStatus,
    Chunk,
    EncodedImage,
    Frame,
    Hit,
    Kind,
    Locator,
    Modality,
    Query,
)

_IMAGE = EncodedImage(b"", "image/png", 1, 1)
_PRICES = "Article|Price (EUR)|In stock\nGarnet folding chair|49.00|8\nOpal stool|25.00|5"
_MANUAL = (
    "The Garnet folding chair carries 120 kg. It is made of beech and steel. "
    "Oil the hinges of the Garnet folding chair once a year with a drop of linseed oil."
)
_FERRIES = (
    "The ferry to Oland leaves the north quay at seven. Bicycles travel on the lower deck. "
    "Tickets are sold on board."
)


@pytest.fixture(scope="module")
def generator() -> ExtractiveGenerator:
    judge = Judge(SentenceTransformerEncoder(TextEncoderConfig()))
    return ExtractiveGenerator(ExtractiveConfig(), judge)


def picture(title: str, text: str = "", *, likeness: float = 0.95) -> Hit:
    chunk = Chunk(title, title, 0, Kind.IMAGE, Modality.IMAGE, Locator(), text, title)
    return Hit(chunk, f"photos/{title}.jpg", picture=likeness)


def text_file(title: str, text: str) -> Hit:
    chunk = Chunk(title, title, 0, Kind.TEXT, Modality.TEXT, Locator(), text, title)
    return Hit(chunk, f"{title}.txt", dense=0.6)


def ask(
    generator: ExtractiveGenerator,
    words: str,
    *pictures: Hit,
    is_clip: bool = False,
    is_known: bool = True,
) -> Answer:
    """The answer over the pictures and files that know a chair, or know nothing of it."""
    shelf = made_tables.Shelf()
    if is_known:
        shelf.add(_PRICES, "Price list", source="prices.csv")
    title, text = ("Care of chairs", _MANUAL) if is_known else ("Ferries", _FERRIES)
    files = [*shelf.hits, text_file(title, text), *pictures]

    def search(query: Query) -> list[Hit]:
        return [hit for hit in files if hit.source in (query.filters.sources or (hit.source,))]

    tables = TableAnswers(shelf)
    answerer = Answerer(generator, shelf, tables=tables, shown=ShownAnswers(generator, tables))
    query = (
        Query(text=words, clip=(Frame(0.0, _IMAGE),))
        if is_clip
        else Query(text=words, images=(_IMAGE,))
    )
    *_, answer = answerer.stream(query, [*pictures, *files[:2]], search)
    assert isinstance(answer, Answer)
    return answer


def test_a_table_tells_of_what_is_shown(generator: ExtractiveGenerator) -> None:
    chair = picture("Garnet folding chair")
    answer = ask(generator, "How many of these are in stock?", picture("Wall", likeness=0.4), chair)
    assert answer.text.startswith("In stock: 8 — ")
    assert answer.text.endswith("[1]\n\nThe picture: Garnet folding chair [2]")
    assert [one.source for one in answer.citations] == ["prices.csv", chair.source]
    assert answer.status is AnswerStatus.ANSWERED


def test_a_price_is_asked_for_in_either_language(generator: ExtractiveGenerator) -> None:
    for words in ("How much is this?", "这个多少钱？"):
        answer = ask(generator, words, picture("Garnet folding chair"))
        assert "49.00" in answer.text
        assert "25.00" not in answer.text
        assert len(answer.citations) == 2


def test_a_text_tells_of_what_is_shown(generator: ExtractiveGenerator) -> None:
    answer = ask(generator, "How often should I oil its hinges?", picture("Garnet folding chair"))
    assert "once a year" in answer.text
    assert answer.text.endswith("The picture: Garnet folding chair [2]")


def test_a_clip_is_a_subject_too(generator: ExtractiveGenerator) -> None:
    chair = picture("Garnet folding chair")
    answer = ask(generator, "How many of these are in stock?", chair, is_clip=True)
    assert answer.text.startswith("In stock: 8 — ")
    assert answer.text.endswith("The clip: Garnet folding chair [2]")


def test_what_is_written_on_it_comes_first(generator: ExtractiveGenerator) -> None:
    slip = picture("Slip", "Harbour Shop\nFolding chair 49.00\nTOTAL EUR 74.00\nThank you")
    for words in ("How much did I pay?", "这张小票一共付了多少钱？"):
        answer = ask(generator, words, slip)
        assert "74.00" in answer.text
        assert {one.source for one in answer.citations} == {slip.source}


def test_what_nothing_tells_of_it_is_not_answered(generator: ExtractiveGenerator) -> None:
    chair = picture("Garnet folding chair")
    answer = ask(generator, "Who invented this?", chair, is_known=False)
    assert answer.text == (
        "The closest match is photos/Garnet folding chair.jpg [1], but nothing in the sources"
        " answers this question about it."
    )
    assert answer.status is AnswerStatus.NO_EVIDENCE
    answer = ask(generator, "它是谁发明的？", chair, is_known=False)
    assert answer.text.startswith("最相近的是photos/Garnet folding chair.jpg [1]")
    assert answer.status is AnswerStatus.NO_EVIDENCE


def test_what_and_where_it_is_are_answered_by_the_picture(generator: ExtractiveGenerator) -> None:
    chair = picture("Garnet folding chair")
    for words in ("What is this?", "Where is this?"):
        answer = ask(generator, words, chair)
        assert answer.text == "The closest match is photos/Garnet folding chair.jpg [1]"
        assert answer.status is AnswerStatus.ANSWERED


def test_a_picture_that_is_like_none_is_no_subject(generator: ExtractiveGenerator) -> None:
    answer = ask(generator, "How much is this?", picture("Garnet folding chair", likeness=0.5))
    assert "Garnet folding chair [" not in answer.text
