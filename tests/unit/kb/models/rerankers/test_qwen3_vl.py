"""Qwen3VLReranker beyond its contract: against transformers' own head, and what fails alone."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from made_contents import BROKEN, clip, encoded, picture

from kb.config.models import Qwen3VLRerankerConfig
from kb.content import Content, Picture
from kb.device.placement import SharedDevice
from kb.errors import InferenceError, PromptTooLongError
from kb.index.assets import AssetStore
from kb.models.qwen3_vl.prompts import rerank_prompt
from kb.models.rerankers.claims import CrossEncoderClaimScorer
from kb.models.rerankers.qwen3_vl import Qwen3VLReranker
from kb.types import Chunk, Hit, ImageRef, Kind, Locator, Modality, Query

Make = Callable[..., Qwen3VLReranker]

QUERIES = {
    "text": Content("How do I reset the device?"),
    "picture": Content(pictures=(picture(100, 60, 5),)),
    "clip and text": Content("Does it blink?", clip=clip(2)),
}
DOCUMENTS = (
    Content("Hold the power button."),
    Content("!melts"),
    Content(pictures=(picture(60, 100, 6),)),
    Content("words", (picture(64, 64, 7),)),
    Content(clip=clip(3)),
    Content(),
)


@pytest.fixture
def assets(tmp_path: Path) -> AssetStore:
    return AssetStore(tmp_path)


@pytest.fixture
def make(tiny_qwen3_vl: Path, assets: AssetStore) -> Make:
    def made(**settings: object) -> Qwen3VLReranker:
        config = Qwen3VLRerankerConfig.model_validate({"model": "m", "device": "cpu", **settings})
        return Qwen3VLReranker(config, tiny_qwen3_vl, assets, SharedDevice.alone())

    return made


def hit(text: str = "", image: ImageRef | None = None) -> Hit:
    modality = Modality.IMAGE if image else Modality.TEXT
    return Hit(Chunk("0", "0", 0, Kind.IMAGE, modality, Locator(), text, image=image), "a")


@pytest.mark.parametrize("name", QUERIES)
def test_a_score_does_not_depend_on_the_other_documents(name: str, make: Make) -> None:
    reranker = make()
    together = reranker.score(QUERIES[name], DOCUMENTS)
    alone = [reranker.score(QUERIES[name], [document])[0] for document in DOCUMENTS]
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(
        reranker.score(QUERIES[name], DOCUMENTS[::-1])[::-1], together, atol=1e-5
    )
    np.testing.assert_allclose(
        make(batch_tokens=256).score(QUERIES[name], DOCUMENTS), together, atol=1e-5
    )
    assert np.ptp(together) > 0.01


def test_it_is_yes_against_no_of_the_language_head(make: Make, tiny_qwen3_vl: Path) -> None:
    from transformers import AutoTokenizer, Qwen3VLForConditionalGeneration

    model = Qwen3VLForConditionalGeneration.from_pretrained(str(tiny_qwen3_vl))
    tokenizer = AutoTokenizer.from_pretrained(str(tiny_qwen3_vl))
    query, document = Content("How do I reset it?"), Content("Hold the power button.")
    prompt = "".join(rerank_prompt(query, document, "Find it."))
    with torch.no_grad():
        logits = model(**tokenizer(prompt, return_tensors="pt")).logits[0, -1]
    yes, no = tokenizer.convert_tokens_to_ids(["yes", "no"])
    expected = torch.softmax(logits[[yes, no]], 0)[0].item()
    assert make().score(query, [document], "Find it.")[0] == pytest.approx(expected, abs=1e-5)


def test_the_instruction_is_the_querys_or_the_profiles(make: Make) -> None:
    reranker = make(instruction="Find it.")
    hits = [hit("Hold the power button.")]
    named = reranker.rerank(Query("reset", instruction="Find it."), hits)
    plain = reranker.rerank(Query("reset"), hits)
    other = reranker.rerank(Query("reset", instruction="Find something else."), hits)
    assert named[0] == pytest.approx(plain[0], abs=1e-6)
    assert abs(other[0] - plain[0]) > 1e-4


def test_a_hit_that_cannot_be_shown_is_last_and_spoils_no_other(
    make: Make, assets: AssetStore
) -> None:
    broken = assets.put(BROKEN)
    extreme = ImageRef("0" * 64, "image/png", 9000, 20)
    hits = [hit("a", broken), hit("words"), hit("b", extreme), hit("more words")]
    scores = make().rerank(Query("reset"), hits)
    assert scores[[0, 2]].tolist() == [0.0, 0.0]
    expected = make().rerank(Query("reset"), [hits[1], hits[3]])
    np.testing.assert_allclose(scores[[1, 3]], expected, atol=1e-5)


def test_nothing_that_can_be_shown(make: Make, assets: AssetStore) -> None:
    extreme = ImageRef("0" * 64, "image/png", 9000, 20)
    assert make().rerank(Query("x"), [hit("a", extreme)]).tolist() == [0.0]
    assert make().rerank(Query("x"), [hit("a", assets.put(BROKEN))]).tolist() == [0.0]


@pytest.mark.parametrize(
    "query",
    [Content(pictures=(Picture.of(BROKEN),)), Content(pictures=(Picture(9000, 20, bytes),))],
)
def test_a_question_that_cannot_be_shown_is_an_error(make: Make, query: Content) -> None:
    with pytest.raises(InferenceError):
        make().score(query, DOCUMENTS)


def test_a_question_that_leaves_no_room_is_an_error(make: Make) -> None:
    large = Query(images=(encoded(1000, 1000),))
    with pytest.raises(PromptTooLongError, match="max_length"):
        make(max_length=256).rerank(large, [hit("words")])


@pytest.mark.parametrize("scale", [1e6, -1e6])
def test_a_score_of_nought_is_a_judgement(scale: float, make: Make, assets: AssetStore) -> None:
    """A model that is sure may underflow; only what was not shown is not judged."""
    reranker = make()
    with reranker._model.loaded() as (_, direction):
        direction *= np.float32(scale)
    chunks = [hit(text).chunk for text in ("words", "more words", "!")]
    found = CrossEncoderClaimScorer(reranker, "tiny", assets).score("The lamp is green.", chunks)
    assert set(found.tolist()) <= {0.0, 1.0}


@pytest.mark.parametrize("scale", [1e3, -1e3])
def test_a_certain_model_overflows_nothing(scale: float, make: Make) -> None:
    reranker = make()
    with reranker._model.loaded() as (_, direction):
        direction *= np.float32(scale)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = reranker.score(QUERIES["text"], DOCUMENTS)
    assert np.isfinite(scores).all()
    assert ((scores >= 0) & (scores <= 1)).all()
    assert scores.dtype == np.float32


def test_a_document_that_can_t_be_read_is_told_of(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    documents = [Content("words"), Content(pictures=(Picture.of(BROKEN),))]
    with caplog.at_level(logging.WARNING):
        scores = make().score(Content("a question"), documents)
    assert scores[0] > 0
    assert np.isnan(scores[1])
    assert "not judged" in caplog.text
    assert "could not be decoded" in caplog.text
