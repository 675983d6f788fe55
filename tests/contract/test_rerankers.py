"""What every Reranker keeps to; see `kb.protocols.Reranker`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from made_contents import encoded

from kb.config.models import Qwen3VLRerankerConfig
from kb.device.placement import SharedDevice
from kb.errors import PromptTooLongError
from kb.index.assets import AssetStore
from kb.models.rerankers.lexical import LexicalReranker
from kb.models.rerankers.qwen3_vl import Qwen3VLReranker
from kb.protocols import Reranker
from kb.types import Chunk, FrameRef, Hit, Kind, Locator, Modality, Query

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
    Query(images=(encoded(40, 90),)),
    Query(text="word " * 3000),
)


@pytest.fixture(scope="module")
def assets(tmp_path_factory: pytest.TempPathFactory) -> AssetStore:
    return AssetStore(tmp_path_factory.mktemp("assets"))


@pytest.fixture(scope="module", params=["lexical", "qwen3-vl"])
def reranker(request: pytest.FixtureRequest, tiny_qwen3_vl: Path, assets: AssetStore) -> Reranker:
    if request.param == "lexical":
        return LexicalReranker()
    config = Qwen3VLRerankerConfig(model="tiny", device="cpu", max_length=512)
    return Qwen3VLReranker(config, tiny_qwen3_vl, assets, SharedDevice.alone())


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


@pytest.fixture(scope="module")
def shown(assets: AssetStore) -> list[Hit]:
    """A picture alone, a page with its words, a clip."""
    pages = [assets.put(encoded(64, 96, seed)) for seed in range(3)]
    clip = tuple(FrameRef(float(i), page) for i, page in enumerate(pages))
    return [
        Hit(Chunk("p", "p", 0, Kind.IMAGE, Modality.IMAGE, Locator(), image=pages[0]), "p.png"),
        Hit(
            Chunk("q", "q", 0, Kind.PDF, Modality.IMAGE, Locator(), _TEXTS[0], image=pages[1]),
            "q.pdf",
        ),
        Hit(Chunk("v", "v", 0, Kind.VIDEO, Modality.VIDEO, Locator(), frames=clip), "v.mp4"),
    ]


@pytest.mark.parametrize("query", _QUERIES, ids=range(len(_QUERIES)))
def test_one_finite_score_a_hit(reranker: Reranker, query: Query, shown: list[Hit]) -> None:
    found = [*hits(), *shown]
    try:
        scores = reranker.rerank(query, found)
    except PromptTooLongError:
        # A model with a bounded context may refuse a question, never a document.
        assert len(query.text) > 10_000
        return
    assert scores.dtype == np.float32
    assert scores.shape == (len(found),)
    assert np.isfinite(scores).all()


def test_no_hits(reranker: Reranker) -> None:
    assert reranker.rerank(_QUERIES[0], []).shape == (0,)


def test_the_same_question_has_the_same_scores(reranker: Reranker) -> None:
    first, second = (reranker.rerank(_QUERIES[0], hits()) for _ in range(2))
    assert np.array_equal(first, second)


def test_threads_do_not_disturb_each_other(reranker: Reranker, shown: list[Hit]) -> None:
    found = [*hits(), *shown]
    expected = reranker.rerank(_QUERIES[0], found)
    with ThreadPoolExecutor(4) as pool:
        for scores in pool.map(lambda _: reranker.rerank(_QUERIES[0], found), range(8)):
            np.testing.assert_allclose(scores, expected, atol=1e-5)


@pytest.mark.parametrize(("query", "relevant"), [(_QUERIES[0], 0), (_QUERIES[1], 2)])
def test_a_chunk_that_answers_is_above_one_that_does_not(query: Query, relevant: int) -> None:
    # Not asked of the tiny model, whose weights are random.
    scores = LexicalReranker().rerank(query, hits())
    assert scores[relevant] > scores[3]
