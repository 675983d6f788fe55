"""What every Reranker keeps to; see `kb.protocols.Reranker`."""

from __future__ import annotations

import numpy as np
import pytest

from kb.protocols import Reranker
from kb.rerankers.lexical import LexicalReranker
from kb.types import Chunk, EncodedImage, Hit, Kind, Locator, Modality, Query

_TEXTS = (
    "To reset the device, hold the power button for ten seconds.",
    "The device weighs 3 kg.",
    "如需重置设备，请按住电源键十秒。",
    "",
    "fn run_target(&mut self) -> Result<ExitKind, Error>",
    "x" * 20_000,
    "İ\x00\ud7a3 \U0001f600 \u202e",
)
_QUERIES = (
    Query(text="How do I reset the device?"),
    Query(text="如何重置设备？"),
    Query(text="?!…"),
    Query(text="the of and"),
    Query(images=(EncodedImage(b"", "image/png", 1, 1),)),
    Query(text="word " * 3000),
)


@pytest.fixture(params=[LexicalReranker], ids=["lexical"])
def reranker(request: pytest.FixtureRequest) -> Reranker:
    return request.param()


def hits(texts: tuple[str, ...] = _TEXTS) -> list[Hit]:
    return [
        Hit(
            Chunk(
                id=str(i),
                document_sha256=str(i),
                ordinal=0,
                kind=Kind.TEXT,
                modality=Modality.TEXT,
                locator=Locator(),
                text=text,
            ),
            f"{i}.txt",
            fused=0.9 - 0.01 * i,
        )
        for i, text in enumerate(texts)
    ]


@pytest.mark.parametrize("query", _QUERIES, ids=range(len(_QUERIES)))
def test_one_finite_score_a_hit(reranker: Reranker, query: Query) -> None:
    scores = reranker.rerank(query, hits())
    assert scores.dtype == np.float32
    assert scores.shape == (len(_TEXTS),)
    assert np.isfinite(scores).all()


def test_no_hits(reranker: Reranker) -> None:
    assert reranker.rerank(_QUERIES[0], []).shape == (0,)


def test_the_same_question_has_the_same_scores(reranker: Reranker) -> None:
    first, second = (reranker.rerank(_QUERIES[0], hits()) for _ in range(2))
    assert np.array_equal(first, second)


@pytest.mark.parametrize(("query", "relevant"), [(_QUERIES[0], 0), (_QUERIES[1], 2)])
def test_a_chunk_that_answers_is_above_one_that_does_not(
    reranker: Reranker, query: Query, relevant: int
) -> None:
    scores = reranker.rerank(query, hits())
    assert scores[relevant] > scores[3]
