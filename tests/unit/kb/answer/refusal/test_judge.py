"""What answers is told from what is only about the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from kb.answer.extractive.passages import find_passages
from kb.answer.extractive.question import Question
from kb.answer.refusal.features import is_held as held
from kb.answer.refusal.gate import GatedGenerator
from kb.answer.refusal.judge import Judge
from kb.answer.refusal.nearness import Nearness
from kb.config.models import TextEncoderConfig
from kb.models.encoders.text import SentenceTransformerEncoder
from kb.protocols import GeneratorEvent, Quote, Relevance, TextDelta
from kb.text.sentences import UnitKind
from kb.types import AnswerStatus, Chunk, Hit, ImageRef, Kind, Locator, Modality, Query

PARAGRAPH = (
    "The Duo 300 is a small kettle of brushed steel. It boils a litre of water in four minutes. "
    "The lid opens by the button on its handle. Error E07 means that the water has boiled away."
)


@pytest.fixture(scope="module")
def encoder() -> SentenceTransformerEncoder:
    return SentenceTransformerEncoder(TextEncoderConfig())


@pytest.fixture(scope="module")
def judge(encoder: SentenceTransformerEncoder) -> Judge:
    return Judge(encoder)


def hits(encoder: SentenceTransformerEncoder, question: str, *texts: str) -> list[Hit]:
    chunks = [
        Chunk(str(n), str(n), 0, Kind.TEXT, Modality.TEXT, Locator(), text)
        for n, text in enumerate(texts)
    ]
    asked = encoder.encode_queries([Query(text=question)])[0]
    cosines = encoder.encode_chunks(chunks) @ asked
    found = [
        Hit(chunk, f"{chunk.id}.txt", dense=float(cosine), fused=float(cosine))
        for chunk, cosine in zip(chunks, cosines, strict=True)
    ]
    return sorted(found, key=lambda hit: -hit.fused)


OTHERS = (
    "The ferry leaves the quay at seven and returns at noon. It carries no cars.",
    "Wool keeps its warmth when it is wet. It is washed by hand and dried flat.",
)


@pytest.mark.parametrize(
    ("question", "is_answered"),
    [
        ("How long does the Duo 300 need to boil a litre of water?", True),
        ("How long does the Duo 500 need to boil a litre of water?", False),
        ("What does error E07 mean?", True),
        ("What does error E19 mean?", False),
        ("Does the Duo 300 work with Apple HomeKit?", False),
        ("Who designed the Sydney Opera House?", False),
    ],
)
def test_a_subject_that_is_absent_is_not_answered(
    encoder: SentenceTransformerEncoder, judge: Judge, question: str, is_answered: bool
) -> None:
    judged = judge.judge(question, hits(encoder, question, PARAGRAPH, *OTHERS))
    assert judged.is_answered is is_answered
    probabilities = [one.probability for one in judged.scored]
    assert probabilities == sorted(probabilities, reverse=True)


def test_what_only_repeats_the_question_is_no_answer(
    encoder: SentenceTransformerEncoder, judge: Judge
) -> None:
    question = "Why does it rattle at full speed?"
    found = hits(encoder, question, "Rattle at full speed.\n\nThe bearing was dry.")
    judged = judge.judge(question, found)
    assert all("Rattle" not in _said(found, one.passage) for one in judged.scored)


def _said(found: list[Hit], passage: object) -> str:
    return found[passage.hit_index].chunk.text[passage.start : passage.end]  # type: ignore[attr-defined]


def test_an_amount_is_not_answered_without_one(
    encoder: SentenceTransformerEncoder, judge: Judge
) -> None:
    question = "How many kettles were sold in 2025?"
    judged = judge.judge(question, hits(encoder, question, "Kettles sold by quarter, 2025"))
    assert not judged.scored


def test_a_record_of_another_product_does_not_answer(
    encoder: SentenceTransformerEncoder, judge: Judge
) -> None:
    records = (
        "code: W02\nproduct: Lark\nwhat to do: new battery of 5 V\n"
        "code: E01\nproduct: Duo 300\nwhat to do: call us"
    )
    question = "What battery does the Duo 300 take?"
    (found,) = hits(encoder, question, records)
    found = replace(found, chunk=replace(found.chunk, kind=Kind.DATA))
    judged = judge.judge(question, [found])
    assert not any("Lark" in _said([found], one.passage) for one in judged.scored)


def test_the_one_date_on_a_picture_with_all_names_is_its_date(
    encoder: SentenceTransformerEncoder, judge: Judge
) -> None:
    question = "On what date was the Rose Garden purchase made?"
    words = "ROSE GARDEN\n5 Hill Road\n18 May 2026\nNo. 2051\nTotal 7.50"
    (found,) = hits(encoder, question, words)
    receipt = replace(found, chunk=replace(found.chunk, modality=Modality.IMAGE))
    judged = judge.judge(question, [receipt])
    assert judged.is_answered
    assert "18 May 2026" in _said([receipt], judged.scored[0].passage)
    other = judge.judge("On what date was the Blue Garden purchase made?", [receipt])
    assert not other.is_answered


def test_no_hits(judge: Judge) -> None:
    judged = judge.judge("Who?", [])
    assert (judged.probability, judged.is_answered) == (0.0, False)


class Narrow:
    """The same encoder with cosines from .8 on, as those of other models lie."""

    def __init__(self, encoder: SentenceTransformerEncoder) -> None:
        self._encoder = encoder
        self.dim, self.fingerprint = encoder.dim + 1, "narrow"
        self.accepts = encoder.accepts

    def encode_queries(self, queries: list[Query]) -> np.ndarray:
        return self._narrowed(self._encoder.encode_queries(queries))

    def encode_chunks(self, chunks: list[Chunk]) -> np.ndarray:
        return self._narrowed(self._encoder.encode_chunks(chunks))

    def _narrowed(self, rows: np.ndarray) -> np.ndarray:
        shared = np.full((len(rows), 1), np.sqrt(0.8), np.float32)
        return np.hstack([rows * np.sqrt(0.2), shared]).astype(np.float32)


def test_nearness_is_the_same_where_cosines_are_narrow(encoder: SentenceTransformerEncoder) -> None:
    chunks = [hit.chunk for hit in hits(encoder, "", PARAGRAPH, *OTHERS)]
    wide = Nearness(encoder).to("How fast does the kettle boil?").of(chunks)
    narrow = Nearness(Narrow(encoder)).to("How fast does the kettle boil?").of(chunks)
    assert narrow == pytest.approx(wide, abs=0.05)
    assert max(wide) > 3


class Writer:
    """A generator that notes that it was asked."""

    def __init__(self) -> None:
        self.n_asked = 0

    def stream(self, query: Query, hits: object) -> Iterator[GeneratorEvent]:
        self.n_asked += 1
        yield Quote(1, 0, 0, 3)
        yield TextDelta("Four minutes [1].")
        yield AnswerStatus.ANSWERED


class TestGate:
    def test_nothing_is_written_from_nothing(
        self, encoder: SentenceTransformerEncoder, judge: Judge
    ) -> None:
        writer = Writer()
        question = "What does error E19 mean?"
        found = hits(encoder, question, PARAGRAPH, *OTHERS)
        relevance, text, status = GatedGenerator(writer, judge).stream(Query(question), found)
        assert writer.n_asked == 0
        assert isinstance(relevance, Relevance)
        assert relevance.closest
        assert text == TextDelta("Nothing in the sources answers this question.")
        assert status is AnswerStatus.NO_EVIDENCE

    def test_what_is_answered_is_written(
        self, encoder: SentenceTransformerEncoder, judge: Judge
    ) -> None:
        writer = Writer()
        question = "How long does the Duo 300 need to boil a litre of water?"
        found = hits(encoder, question, PARAGRAPH, *OTHERS)
        events = list(GatedGenerator(writer, judge).stream(Query(question), found))
        assert writer.n_asked == 1
        assert isinstance(events[0], Relevance)
        assert events[-1] is AnswerStatus.ANSWERED

    def test_pictures_without_words_are_for_the_writer_to_judge(
        self, encoder: SentenceTransformerEncoder, judge: Judge
    ) -> None:
        writer = Writer()
        photo = Chunk(
            "p", "p", 0, Kind.IMAGE, Modality.IMAGE, Locator(), image=ImageRef("0", "x", 1, 1)
        )
        events = list(
            GatedGenerator(writer, judge).stream(
                Query("What colour is the car?"), [Hit(photo, "p")]
            )
        )
        assert writer.n_asked == 1
        assert events[-1] is AnswerStatus.ANSWERED


@pytest.mark.parametrize(
    ("question", "table", "is_held"),
    [
        ("How long is the course?", "| Course | Minutes |\n| --- | --- |\n| Felt | 95 |", True),
        ("How long is the course?", "| Course | Fee |\n| --- | --- |\n| Felt | 9 |", False),
        ("这台多重", "| 项目 | QX-30 |\n| --- | --- |\n| 整机重量（千克） | 84 |", True),
        ("毡帽要多少度电", "| 项目 | 用电（千瓦时） |\n| --- | --- |\n| 毡帽 | 3.5 |", True),
    ],
)  # fmt: skip
def test_the_unit_of_a_number_may_stand_in_the_head_of_its_table(
    question: str, table: str, is_held: bool
) -> None:
    chunk = Chunk("0", "0", 0, Kind.OFFICE, Modality.TEXT, Locator(), table)
    hit = Hit(chunk, "table.xlsx", fused=1.0, dense=1.0)
    asked = Question.of(question)
    rows = [one for one in find_passages(asked, [hit]).passages if one.kind is UnitKind.ROW]
    assert rows
    assert any(held(asked, row, hit) is True for row in rows) is is_held
