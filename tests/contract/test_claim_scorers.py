"""What every ClaimScorer keeps to; see `kb.protocols.ClaimScorer`."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from made_contents import encoded

from kb.answer.claims.lexical import LexicalClaimScorer
from kb.config.models import Qwen3VLRerankerConfig
from kb.content import Content
from kb.device.placement import SharedDevice
from kb.errors import PromptTooLongError
from kb.index.assets import AssetStore
from kb.models.rerankers.claims import CrossEncoderClaimScorer
from kb.models.rerankers.qwen3_vl import Qwen3VLReranker
from kb.protocols import ClaimScorer
from kb.types import Chunk, FrameRef, ImageRef, Kind, Locator, Modality

_TEXTS = (
    "To reset the device, hold the power button for ten seconds.",
    "如需重置设备，请按住电源键十秒。",
    "",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "x" * 20_000,
    "İ\x00\ud7a3 \U0001f600 \u202e",
)
_CLAIMS = ("Hold the power button for ten seconds.", "按住电源键十秒。", "?!…", "not", "7")


@pytest.fixture(scope="module")
def assets(tmp_path_factory: pytest.TempPathFactory) -> AssetStore:
    return AssetStore(tmp_path_factory.mktemp("assets"))


@pytest.fixture(scope="module")
def reranker(tiny_qwen3_vl: Path, assets: AssetStore) -> Qwen3VLReranker:
    config = Qwen3VLRerankerConfig(model="tiny", device="cpu", max_length=512)
    return Qwen3VLReranker(config, tiny_qwen3_vl, assets, SharedDevice.alone())


@pytest.fixture(scope="module", params=["lexical", "qwen3-vl"])
def scorer(
    request: pytest.FixtureRequest, reranker: Qwen3VLReranker, assets: AssetStore
) -> ClaimScorer:
    if request.param == "lexical":
        return LexicalClaimScorer()
    return CrossEncoderClaimScorer(reranker, "tiny@1", assets)


def texts(found: Sequence[str] = _TEXTS) -> list[Chunk]:
    return [
        Chunk(str(i), str(i), 0, Kind.TEXT, Modality.TEXT, Locator(), text)
        for i, text in enumerate(found)
    ]


@pytest.fixture(scope="module")
def shown(assets: AssetStore) -> list[Chunk]:
    """A picture alone, a page with its words, a clip."""
    pages = [assets.put(encoded(64, 96, seed)) for seed in range(3)]
    clip = tuple(FrameRef(float(i), page) for i, page in enumerate(pages))
    return [
        Chunk("p", "p", 0, Kind.IMAGE, Modality.IMAGE, Locator(), image=pages[0]),
        Chunk("q", "q", 0, Kind.PDF, Modality.IMAGE, Locator(), _TEXTS[0], image=pages[1]),
        Chunk("v", "v", 0, Kind.VIDEO, Modality.VIDEO, Locator(), frames=clip),
    ]


@pytest.mark.parametrize("claim", _CLAIMS)
def test_one_score_in_range_a_chunk_or_nan(
    scorer: ClaimScorer, claim: str, shown: list[Chunk]
) -> None:
    scores = scorer.score(claim, [*texts(), *shown])
    assert scores.dtype == np.float32
    assert scores.shape == (len(_TEXTS) + len(shown),)
    # Words can always be judged, pictures not by every scorer.
    assert np.isfinite(scores[: len(_TEXTS)]).all()
    judged = scores[np.isfinite(scores)]
    assert ((judged >= 0) & (judged <= 1)).all()


def test_no_chunks(scorer: ClaimScorer) -> None:
    assert scorer.score(_CLAIMS[0], []).shape == (0,)


def test_each_chunk_is_judged_on_its_own(scorer: ClaimScorer) -> None:
    together = scorer.score(_CLAIMS[0], texts())
    alone = [float(scorer.score(_CLAIMS[0], [chunk])[0]) for chunk in texts()]
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_threads_do_not_disturb_each_other(scorer: ClaimScorer) -> None:
    expected = scorer.score(_CLAIMS[0], texts())
    with ThreadPoolExecutor(4) as pool:
        for scores in pool.map(lambda _: scorer.score(_CLAIMS[0], texts()), range(8)):
            np.testing.assert_allclose(scores, expected, atol=1e-5)


def test_a_claim_beyond_all_length_is_refused_or_scored(scorer: ClaimScorer) -> None:
    try:
        scores = scorer.score("word " * 5000, texts())
    except PromptTooLongError:
        return
    assert np.isfinite(scores).all()


def test_the_fingerprint_names_the_model(scorer: ClaimScorer) -> None:
    assert scorer.fingerprint in ("lexical-claims:1", "tiny@1:claims1")


def test_the_cross_encoder_sees_pages_pictures_and_frames_under_its_own_instruction(
    reranker: Qwen3VLReranker, assets: AssetStore, shown: list[Chunk]
) -> None:
    scores = CrossEncoderClaimScorer(reranker, "tiny@1", assets).score(_CLAIMS[0], shown)
    documents = [Content.of_chunk(chunk, assets) for chunk in shown]
    same = reranker.score(
        Content(text=_CLAIMS[0]), documents, "Judge whether the document supports the claim."
    )
    np.testing.assert_allclose(scores, same, atol=1e-5)
    assert not np.allclose(scores, reranker.score(Content(text=_CLAIMS[0]), documents), atol=1e-5)


def test_a_picture_that_is_gone_refutes_nothing(
    reranker: Qwen3VLReranker, assets: AssetStore
) -> None:
    gone = ImageRef("f" * 64, "image/png", 64, 64)
    lost = Chunk("l", "l", 0, Kind.IMAGE, Modality.IMAGE, Locator(), image=gone)
    scores = CrossEncoderClaimScorer(reranker, "tiny@1", assets).score(
        _CLAIMS[0], [*texts()[:1], lost]
    )
    assert np.isfinite(scores[0])
    assert np.isnan(scores[1])
