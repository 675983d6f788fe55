"""The packed forward pass against transformers' own, one input at a time."""

from __future__ import annotations

import gc
import logging
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from made_contents import BROKEN, clip, embedding, picture
from PIL import Image

from kb.content import ClipFrame, Content, Picture
from kb.device.loading import choose_device, load_module
from kb.device.scheduler import DeviceScheduler
from kb.errors import InferenceError
from kb.models.qwen3_vl.model import PackedModel
from kb.models.qwen3_vl.normalisation import read_normalisation
from kb.models.qwen3_vl.sequence import PromptTokenizer, TokenSequence
from kb.pixels import PixelBudget

CPU = torch.device("cpu")
# Of states whose size is about 1: float32 sums in another order.
ROUNDING = 1e-5
CONTENTS = {
    "nothing": Content(),
    "a word": Content("reset"),
    "text": Content("Hold the power button for ten seconds. 如何重置设备？ " * 8),
    "picture": Content(pictures=(picture(150, 64),)),
    "another picture": Content(pictures=(picture(40, 300, seed=4),)),
    "two pictures and text": Content("two", (picture(200, 40, 1), picture(64, 170, 2))),
    "clip": Content(clip=clip(4)),
    "odd clip and text": Content("The light blinks.", clip=clip(3, 64, 200)),
    "all": Content("all of it", (picture(90, 100),), clip(2, 100, 64)),
}


@pytest.fixture(scope="module")
def tokenizer(tiny_qwen3_vl: Path) -> PromptTokenizer:
    return PromptTokenizer(tiny_qwen3_vl, PixelBudget(), 8192)


def packed(directory: Path, batch_tokens: int = 16_384) -> PackedModel:
    module = load_module(directory, CPU, "base")
    return PackedModel(module, read_normalisation(directory), batch_tokens)


@pytest.fixture(scope="module")
def model(tiny_qwen3_vl: Path) -> PackedModel:
    return packed(tiny_qwen3_vl)


@pytest.fixture(scope="module")
def sequences(tokenizer: PromptTokenizer) -> list[TokenSequence]:
    return [embedding(tokenizer, content, "Find the page.") for content in CONTENTS.values()]


@pytest.fixture(scope="module")
def expected(tiny_qwen3_vl: Path, sequences: list[TokenSequence]) -> np.ndarray:
    return np.stack([published_state(tiny_qwen3_vl, sequence) for sequence in sequences])


@cache
def published(directory: Path) -> tuple[Any, Any]:
    """transformers' model and processor."""
    from transformers import AutoProcessor, Qwen3VLModel

    return (
        Qwen3VLModel.from_pretrained(str(directory), local_files_only=True),
        AutoProcessor.from_pretrained(str(directory), local_files_only=True),
    )


def published_state(directory: Path, sequence: TokenSequence) -> np.ndarray:
    """float32 ``(dim,)``: of the last token by ``Qwen3VLModel``, after its own processors."""
    model, processor = published(directory)
    ids = torch.from_numpy(sequence.token_ids)[None]
    given: dict[str, Any] = {
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "mm_token_type_ids": (ids == model.config.image_token_id).int()
        + 2 * (ids == model.config.video_token_id).int(),
    }
    images = [Image.fromarray(one.read()[0]) for one in sequence.visuals if not one.is_clip]
    if images:
        given |= processor.image_processor(images, do_resize=False, return_tensors="pt")
    videos = [
        torch.from_numpy(one.read()).permute(0, 3, 1, 2) for one in sequence.visuals if one.is_clip
    ]
    if videos:
        found = processor.video_processor(
            videos, do_resize=False, do_sample_frames=False, return_tensors="pt"
        )
        given |= {key: found[key] for key in ("pixel_values_videos", "video_grid_thw")}
    with torch.no_grad():
        return np.asarray(model(**given).last_hidden_state[0, -1])


def states(model: PackedModel, sequences: Sequence[TokenSequence]) -> np.ndarray:
    found, failed = model.last_states(sequences, DeviceScheduler(), is_query=False)
    assert not failed
    return found


@pytest.mark.parametrize("place", range(len(CONTENTS)), ids=list(CONTENTS))
def test_alone_it_is_transformers_state(
    place: int, model: PackedModel, sequences: list[TokenSequence], expected: np.ndarray
) -> None:
    found = states(model, [sequences[place]])
    assert found.dtype == np.float32
    assert np.abs(expected[place]).max() > 0.5
    np.testing.assert_allclose(found[0], expected[place], atol=ROUNDING)


def test_packed_it_is_transformers_state(
    model: PackedModel, sequences: list[TokenSequence], expected: np.ndarray
) -> None:
    np.testing.assert_allclose(states(model, sequences), expected, atol=ROUNDING)
    np.testing.assert_allclose(states(model, sequences[::-1])[::-1], expected, atol=ROUNDING)


@pytest.mark.parametrize("batch_tokens", [1, 60, 128, 300, 1000])
def test_the_budget_of_tokens_changes_nothing(
    batch_tokens: int, tiny_qwen3_vl: Path, sequences: list[TokenSequence], expected: np.ndarray
) -> None:
    small = packed(tiny_qwen3_vl, batch_tokens)
    np.testing.assert_allclose(states(small, sequences), expected, atol=ROUNDING)


@pytest.mark.parametrize("batch_tokens", [1, 400, 16_384])
def test_sharing_a_question_changes_nothing(
    batch_tokens: int, tiny_qwen3_vl: Path, tokenizer: PromptTokenizer, model: PackedModel
) -> None:
    query = Content("How do I reset it?", (picture(100, 50, 7),), clip(2))
    pairs = tokenizer.pairs(query, list(CONTENTS.values()), "Find the page.")
    assert pairs[0].n_shared_visuals == 2
    unshared = [replace(pair, n_shared=0, n_shared_visuals=0) for pair in pairs]
    whole = np.concatenate([states(model, [one]) for one in unshared])
    np.testing.assert_allclose(states(packed(tiny_qwen3_vl, batch_tokens), pairs), whole, atol=1e-5)
    np.testing.assert_allclose(whole[3], published_state(tiny_qwen3_vl, pairs[3]), atol=ROUNDING)


def test_batches_keep_to_the_budget(tiny_qwen3_vl: Path, sequences: list[TokenSequence]) -> None:
    model = packed(tiny_qwen3_vl, 200)
    batches: list[list[TokenSequence]] = []
    with wrapped(model, lambda members: batches.append(list(members))):
        states(model, sequences * 3)
    assert sum(len(batch) for batch in batches) == 3 * len(sequences)
    for batch in batches:
        assert len(batch) == 1 or sum(len(one) for one in batch) <= 200
    # Of like lengths, the longest first.
    lengths = [len(one) for batch in batches for one in batch]
    assert lengths == sorted(lengths, reverse=True)


def test_nothing_has_no_states(model: PackedModel) -> None:
    assert states(model, []).shape == (0, model.dim)


class TestBadPictures:
    BAD = (
        Content(pictures=(Picture.of(BROKEN),)),
        Content("with words", (picture(), Picture.of(BROKEN))),
        Content(clip=(*clip(1), ClipFrame(1.0, Picture.of(BROKEN)))),
    )

    @pytest.mark.parametrize("batch_tokens", [1, 150, 16_384])
    def test_one_fails_alone(
        self, batch_tokens: int, tiny_qwen3_vl: Path, tokenizer: PromptTokenizer,
        sequences: list[TokenSequence], expected: np.ndarray,
    ) -> None:  # fmt: skip
        bad = [embedding(tokenizer, one, "Find the page.") for one in self.BAD]
        mixed = [bad[0], *sequences[:4], bad[1], *sequences[4:], bad[2]]
        found, failed = packed(tiny_qwen3_vl, batch_tokens).last_states(
            mixed, DeviceScheduler(), is_query=True
        )
        assert sorted(failed) == [0, 5, len(mixed) - 1]
        for index, error in failed.items():
            assert "could not be decoded" in str(error)
            assert not found[index].any()
        np.testing.assert_allclose(np.delete(found, list(failed), 0), expected, atol=ROUNDING)

    def test_all_fail(self, model: PackedModel, tokenizer: PromptTokenizer) -> None:
        bad = [embedding(tokenizer, one, "x") for one in self.BAD]
        assert sorted(model.last_states(bad, DeviceScheduler(), is_query=True)[1]) == [0, 1, 2]

    def test_a_documents_picture_fails_alone_among_pairs(
        self, model: PackedModel, tokenizer: PromptTokenizer
    ) -> None:
        query, documents = Content("x", (picture(),)), [Content("a"), *self.BAD, Content("b")]
        pairs = tokenizer.pairs(query, documents, "Find it.")
        found, failed = model.last_states(pairs, DeviceScheduler(), is_query=True)
        assert sorted(failed) == [1, 2, 3]
        good = tokenizer.pairs(query, [documents[0], documents[-1]], "Find it.")
        np.testing.assert_allclose(found[[0, -1]], states(model, good), atol=ROUNDING)

    def test_the_questions_picture_fails_all(
        self, model: PackedModel, tokenizer: PromptTokenizer
    ) -> None:
        pairs = tokenizer.pairs(self.BAD[0], [Content("a"), Content("b")], "Find it.")
        with pytest.raises(InferenceError, match="could not be decoded"):
            model.last_states(pairs, DeviceScheduler(), is_query=True)


class TestOutOfMemory:
    """The device is a processor that holds so many tokens and no more."""

    @pytest.mark.parametrize("capacity", [340, 400, 700])
    def test_batches_shrink_and_all_results_come(
        self, capacity: int, tiny_qwen3_vl: Path, sequences: list[TokenSequence],
        expected: np.ndarray, caplog: pytest.LogCaptureFixture,
    ) -> None:  # fmt: skip
        assert max(len(one) for one in sequences) <= capacity < sum(len(one) for one in sequences)
        model = packed(tiny_qwen3_vl)
        scheduler = DeviceScheduler()
        with limited(model, capacity), caplog.at_level(logging.WARNING):
            found, failed = model.last_states(sequences, scheduler, is_query=False)
            assert not failed
            np.testing.assert_allclose(found, expected, atol=ROUNDING)
            n_warnings = len(caplog.records)
            assert n_warnings >= 1
            # It has learnt: the next call does not run into the wall again.
            states(model, sequences)
            assert len(caplog.records) == n_warnings
        with scheduler.turn(is_query=False):
            pass  # the turn was given back

    def test_it_tries_larger_batches_again(
        self, tiny_qwen3_vl: Path, sequences: list[TokenSequence], expected: np.ndarray
    ) -> None:
        model = packed(tiny_qwen3_vl, 1000)
        with limited(model, 340):
            states(model, sequences)
        assert model._batch_tokens <= 340
        for _ in range(20):
            np.testing.assert_allclose(states(model, sequences), expected, atol=ROUNDING)
        assert model._batch_tokens == 1000

    def test_pairs_shrink_by_what_is_computed_not_by_what_is_shared(
        self, tiny_qwen3_vl: Path, tokenizer: PromptTokenizer, caplog: pytest.LogCaptureFixture
    ) -> None:
        query = Content("Hold the power button. " * 20)
        pairs = tokenizer.pairs(query, [Content(f"number {i}") for i in range(20)], "Find it.")
        model = packed(tiny_qwen3_vl)
        n_tokens = pairs[0].n_shared + sum(len(one) - one.n_shared for one in pairs)
        with limited(model, n_tokens - 1), caplog.at_level(logging.WARNING):
            found = states(model, pairs)
        assert len(caplog.records) == 1
        np.testing.assert_allclose(found, states(model, pairs), atol=ROUNDING)

    def test_one_that_is_too_large_alone_is_named(
        self, tiny_qwen3_vl: Path, sequences: list[TokenSequence], expected: np.ndarray
    ) -> None:
        longest = int(np.argmax([len(one) for one in sequences]))
        n_tokens = len(sequences[longest])
        model = packed(tiny_qwen3_vl)
        with limited(model, n_tokens - 1):
            found, failed = model.last_states(sequences, DeviceScheduler(), is_query=False)
        assert list(failed) == [longest]
        assert f"one input of {n_tokens:,} tokens" in str(failed[longest])
        assert "max_length" in str(failed[longest])
        rest = np.delete(found, longest, 0)
        np.testing.assert_allclose(rest, np.delete(expected, longest, 0), atol=ROUNDING)

    def test_a_failed_pass_is_let_go(
        self, tiny_qwen3_vl: Path, sequences: list[TokenSequence]
    ) -> None:
        model = packed(tiny_qwen3_vl)
        held: list[weakref.ref[torch.Tensor]] = []

        def fail(*_: object) -> torch.Tensor:
            # What a real pass has allocated when the memory ends.
            hidden = torch.zeros(10)
            held.append(weakref.ref(hidden))
            raise torch.OutOfMemoryError(f"no room for {len(hidden)}")

        model._forward = fail  # type: ignore[method-assign]
        gc.disable()
        try:
            _, failed = model.last_states(sequences[:2], DeviceScheduler(), is_query=False)
            assert sorted(failed) == [0, 1]
            assert [one() for one in held] == [None] * len(held)
        finally:
            gc.enable()
        assert isinstance(failed[0].__cause__, torch.OutOfMemoryError)


@contextmanager
def wrapped(
    model: PackedModel, before: Callable[[Sequence[TokenSequence]], None]
) -> Iterator[None]:
    """`model`, calling `before` with the members of each batch."""
    forward = model._forward

    def watched(members: Sequence[TokenSequence], *rest: Any) -> Any:
        before(members)
        return forward(members, *rest)

    model._forward = watched  # type: ignore[method-assign]
    yield
    del model._forward


def limited(model: PackedModel, capacity: int) -> AbstractContextManager[None]:
    """`model` on a device that runs out of memory over so many tokens."""

    def check(members: Sequence[TokenSequence]) -> None:
        shared = members[0].n_shared
        if shared + sum(len(one) - shared for one in members) > capacity:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    return wrapped(model, check)


def test_a_model_that_is_done_with_is_let_go_at_once(
    tiny_qwen3_vl: Path, sequences: list[TokenSequence]
) -> None:
    model = packed(tiny_qwen3_vl)
    states(model, sequences)
    weights = [
        weakref.ref(model.decoder._layers[0].down),
        weakref.ref(model._vision._module),
    ]
    gc.disable()
    try:
        del model
        assert [one() for one in weights] == [None, None]
    finally:
        gc.enable()


def test_many_sizes_of_pictures(tokenizer: PromptTokenizer, model: PackedModel) -> None:
    many = [
        embedding(tokenizer, Content(pictures=(picture(32 * n, 64),)), "x") for n in range(2, 24)
    ]
    first, again = states(model, many), states(model, many[::-1])[::-1]
    np.testing.assert_allclose(first, again, atol=ROUNDING)
    assert len(model._vision._places) == 16


def test_the_processor_is_chosen_where_there_is_no_gpu() -> None:
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    assert choose_device("auto").type == expected
    assert choose_device("cpu") == CPU
