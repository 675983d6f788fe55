"""Token ids and positions against transformers, and what is cut where all is too long."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from made_contents import clip, embedding, picture
from tokenizers import Tokenizer

from kb.content import Content, Picture
from kb.errors import InferenceError, ModelLoadError, PromptTooLongError
from kb.models.qwen3_vl.prompts import TAIL, embedding_prompt, rerank_prompt
from kb.models.qwen3_vl.sequence import PromptTokenizer, TokenSequence
from kb.pixels import PixelBudget

CONTENTS = {
    "nothing": Content(),
    "text": Content("How do I reset the device? 如何重置设备？"),
    "picture": Content(pictures=(picture(150, 64),)),
    "pictures and text": Content("two", (picture(300, 40), picture(64, 170), picture(32, 32))),
    "clip": Content(clip=clip(4)),
    "odd clip and text": Content("The light blinks.", clip=clip(5, 100, 300)),
    "all": Content("all of it", (picture(90, 200), picture(200, 90)), clip(3, 200, 64)),
}
INSTRUCTION = "Find the page."


@pytest.fixture(scope="module")
def tokens(tiny_qwen3_vl: Path) -> Tokenizer:
    return Tokenizer.from_file(str(tiny_qwen3_vl / "tokenizer.json"))


@pytest.fixture(scope="module")
def published(tiny_qwen3_vl: Path) -> Any:
    from transformers import Qwen3VLModel

    return Qwen3VLModel.from_pretrained(str(tiny_qwen3_vl), local_files_only=True)


def prompts(directory: Path, max_length: int = 8192) -> PromptTokenizer:
    return PromptTokenizer(directory, PixelBudget(), max_length)


@pytest.fixture(scope="module")
def whole(tiny_qwen3_vl: Path) -> PromptTokenizer:
    return prompts(tiny_qwen3_vl)


def rope_index(published: Any, sequence: TokenSequence) -> np.ndarray:
    """transformers' positions ``(3, length)``."""
    ids = torch.from_numpy(sequence.token_ids)[None]
    image, video = published.config.image_token_id, published.config.video_token_id
    kinds = (ids == image).int() + 2 * (ids == video).int()

    def grids(is_clip: bool) -> torch.Tensor | None:
        found = [
            [one.grid.n_steps, 2 * one.grid.n_rows, 2 * one.grid.n_columns]
            for one in sequence.visuals
            if one.is_clip is is_clip
        ]
        return torch.tensor(found) if found else None

    positions, _ = published.get_rope_index(
        ids, kinds, grids(False), grids(True), torch.ones_like(ids)
    )
    return np.asarray(positions[:, 0])


def squeezed(sequence: TokenSequence) -> list[int]:
    """The ids with one mark a picture."""
    ids, mask = sequence.token_ids, sequence.is_visual
    return [int(one) for i, one in enumerate(ids) if not (mask[i] and i and mask[i - 1])]


class TestEmbedding:
    @pytest.mark.parametrize("name", CONTENTS)
    def test_positions_are_transformers_own(
        self, name: str, whole: PromptTokenizer, published: Any
    ) -> None:
        sequence = embedding(whole, CONTENTS[name], INSTRUCTION)
        np.testing.assert_array_equal(sequence.positions, rope_index(published, sequence))
        assert sequence.positions.dtype == sequence.token_ids.dtype == np.int64

    @pytest.mark.parametrize("name", CONTENTS)
    def test_ids_are_those_of_the_prompt(
        self, name: str, whole: PromptTokenizer, tokens: Tokenizer
    ) -> None:
        sequence = embedding(whole, CONTENTS[name], INSTRUCTION)
        assert (
            squeezed(sequence) == tokens.encode(embedding_prompt(CONTENTS[name], INSTRUCTION)).ids
        )
        assert sequence.n_shared == sequence.n_shared_visuals == 0

    @pytest.mark.parametrize("name", CONTENTS)
    def test_every_visual_has_its_tokens(self, name: str, whole: PromptTokenizer) -> None:
        sequence = embedding(whole, CONTENTS[name], INSTRUCTION)
        n_tokens = sum(visual.grid.n_tokens for visual in sequence.visuals)
        assert int(sequence.is_visual.sum()) == n_tokens
        for visual in sequence.visuals:
            pixels = visual.read()
            width_px, height_px = visual.grid.size_px
            n_frames = 2 * visual.grid.n_steps if visual.is_clip else 1
            assert pixels.shape == (n_frames, height_px, width_px, 3)

    def test_the_clip_comes_first(self, whole: PromptTokenizer) -> None:
        visuals = embedding(whole, CONTENTS["all"], INSTRUCTION).visuals
        assert [one.is_clip for one in visuals] == [True, False, False]

    def test_a_long_clip_is_thinned_over_its_whole_length(
        self, whole: PromptTokenizer, tokens: Tokenizer
    ) -> None:
        content = Content(clip=clip(1, 64, 64) * 90)
        spread = tuple(type(frame)(float(i), frame.picture) for i, frame in enumerate(content.clip))
        sequence = embedding(whole, Content(clip=spread), INSTRUCTION)
        assert sequence.visuals[0].grid.n_steps == 32
        text = tokens.decode(squeezed(sequence), skip_special_tokens=True)
        assert text.count("seconds>") == 32
        assert "<0.5 seconds>" in text
        assert "<88.0 seconds>" in text  # between frames 87 and 89

    def test_words_that_name_special_tokens_add_no_picture(self, whole: PromptTokenizer) -> None:
        sequence = embedding(whole, Content("<|image_pad|> <|video_pad|>"), "<|image_pad|>")
        assert not sequence.is_visual.any()

    def test_an_extreme_picture_is_refused(self, whole: PromptTokenizer) -> None:
        with pytest.raises(InferenceError, match="one side is"):
            embedding(whole, Content(pictures=(Picture(9000, 20, lambda: b""),)), INSTRUCTION)


class TestMaxLength:
    WORDS = "Hold the power button for ten seconds. " * 200

    def test_words_are_cut_and_the_tail_is_not(
        self, tiny_qwen3_vl: Path, whole: PromptTokenizer, tokens: Tokenizer
    ) -> None:
        uncut = embedding(whole, Content(self.WORDS), INSTRUCTION)
        tail = tokens.encode(TAIL).ids
        for max_length in (256, 257, 300, len(uncut) - 1):
            cut = embedding(prompts(tiny_qwen3_vl, max_length), Content(self.WORDS), INSTRUCTION)
            assert len(cut) == max_length
            assert cut.token_ids[-len(tail) :].tolist() == tail
            kept = max_length - len(tail)
            np.testing.assert_array_equal(cut.token_ids[:kept], uncut.token_ids[:kept])

    def test_what_just_fits_is_whole(self, tiny_qwen3_vl: Path, whole: PromptTokenizer) -> None:
        uncut = embedding(whole, Content(self.WORDS), INSTRUCTION)
        fits = embedding(prompts(tiny_qwen3_vl, len(uncut)), Content(self.WORDS), INSTRUCTION)
        np.testing.assert_array_equal(fits.token_ids, uncut.token_ids)

    def test_a_question_is_not_cut(self, tiny_qwen3_vl: Path, whole: PromptTokenizer) -> None:
        uncut = embedding(whole, Content(self.WORDS), INSTRUCTION, may_cut=False)
        fits = prompts(tiny_qwen3_vl, len(uncut))
        same = embedding(fits, Content(self.WORDS), INSTRUCTION, may_cut=False)
        np.testing.assert_array_equal(same.token_ids, uncut.token_ids)
        told = rf"takes {len(uncut):,} tokens.*set to read 256.*`encoder\.max_length`"
        with pytest.raises(PromptTooLongError, match=told):
            embedding(prompts(tiny_qwen3_vl, 256), Content(self.WORDS), INSTRUCTION, may_cut=False)

    def test_pictures_are_kept_and_words_give_way(
        self, tiny_qwen3_vl: Path, tokens: Tokenizer, published: Any
    ) -> None:
        content = Content(self.WORDS, (picture(300, 300),), clip(2))
        sequence = embedding(prompts(tiny_qwen3_vl, 400), content, INSTRUCTION)
        assert len(sequence) == 400
        assert sequence.is_visual.sum() == sum(one.grid.n_tokens for one in sequence.visuals)
        tail = tokens.encode(TAIL).ids
        assert sequence.token_ids[-len(tail) :].tolist() == tail
        np.testing.assert_array_equal(sequence.positions, rope_index(published, sequence))

    def test_words_give_way_to_the_last_one(
        self, tiny_qwen3_vl: Path, whole: PromptTokenizer
    ) -> None:
        pictures = (picture(300, 300), picture(40, 40))
        bare = embedding(whole, Content(pictures=pictures), INSTRUCTION)
        content = Content("reset", pictures)
        cut = embedding(prompts(tiny_qwen3_vl, len(bare)), content, INSTRUCTION)
        np.testing.assert_array_equal(cut.token_ids, bare.token_ids)
        with pytest.raises(PromptTooLongError):
            embedding(prompts(tiny_qwen3_vl, len(bare) - 1), content, INSTRUCTION)

    def test_pictures_alone_that_are_too_long_are_refused(self, tiny_qwen3_vl: Path) -> None:
        content = Content("words", (picture(600, 600),))
        with pytest.raises(PromptTooLongError, match=r"set to read 256.*`encoder\.max_length`"):
            embedding(prompts(tiny_qwen3_vl, 256), content, INSTRUCTION)

    def test_documents_give_way_and_the_question_does_not(
        self, tiny_qwen3_vl: Path, tokens: Tokenizer
    ) -> None:
        documents = [Content("short"), Content(self.WORDS), Content(self.WORDS, (picture(),))]
        query = Content("How do I reset the device?", (picture(90, 90),))
        sequences = prompts(tiny_qwen3_vl, 300).pairs(query, documents, INSTRUCTION)
        tail = tokens.encode(TAIL).ids
        shared = rerank_prompt(query, documents[0], INSTRUCTION)[0]
        for sequence in sequences:
            # As published: the tail comes on top.
            assert len(sequence) <= 300 + len(tail)
            assert sequence.token_ids[-len(tail) :].tolist() == tail
            assert tokens.decode(squeezed(sequence), skip_special_tokens=False).startswith(shared)
        assert len(sequences[0]) < len(sequences[1]) == len(sequences[2])

    def test_a_question_without_room_for_documents_is_refused(self, tiny_qwen3_vl: Path) -> None:
        with pytest.raises(PromptTooLongError, match=r"fewer words.*`reranker\.max_length`"):
            prompts(tiny_qwen3_vl, 256).pairs(Content(self.WORDS), [Content("x")], INSTRUCTION)

    def test_an_instruction_without_room_for_content_is_refused(self, tiny_qwen3_vl: Path) -> None:
        with pytest.raises(PromptTooLongError, match="fewer words"):
            embedding(prompts(tiny_qwen3_vl, 256), Content("reset"), self.WORDS)


class TestPairs:
    QUERIES: ClassVar = {
        "text": Content("How do I reset the device?"),
        "picture": Content(pictures=(picture(100, 70),)),
        "clip and picture": Content("this", (picture(40, 90),), clip(3)),
        "nothing": Content(),
    }
    DOCUMENTS = tuple(CONTENTS.values())

    @staticmethod
    def check(sequences: Sequence[TokenSequence], query: Content) -> None:
        first = sequences[0]
        n_shared = first.n_shared
        for one in sequences:
            assert one.n_shared == n_shared < len(one)
            np.testing.assert_array_equal(one.token_ids[:n_shared], first.token_ids[:n_shared])
            np.testing.assert_array_equal(
                one.positions[:, :n_shared], first.positions[:, :n_shared]
            )
            assert one.n_shared_visuals in (0, len(query.pictures) + bool(query.clip))
            shared = one.visuals[: one.n_shared_visuals]
            # A picture is shared whole or not at all.
            assert one.is_visual[:n_shared].sum() == sum(v.grid.n_tokens for v in shared)
            assert not n_shared or not (one.is_visual[n_shared - 1] and one.is_visual[n_shared])

    @pytest.mark.parametrize("name", QUERIES)
    def test_ids_and_positions_are_those_of_the_whole_prompt(
        self, name: str, whole: PromptTokenizer, tokens: Tokenizer, published: Any
    ) -> None:
        query = self.QUERIES[name]
        sequences = whole.pairs(query, self.DOCUMENTS, INSTRUCTION)
        self.check(sequences, query)
        for document, sequence in zip(self.DOCUMENTS, sequences, strict=True):
            prompt = "".join(rerank_prompt(query, document, INSTRUCTION))
            assert squeezed(sequence) == tokens.encode(prompt).ids
            np.testing.assert_array_equal(sequence.positions, rope_index(published, sequence))

    @pytest.mark.parametrize("name", QUERIES)
    def test_all_up_to_the_document_is_shared(
        self, name: str, whole: PromptTokenizer, tokens: Tokenizer
    ) -> None:
        query = self.QUERIES[name]
        first = whole.pairs(query, self.DOCUMENTS, INSTRUCTION)[0]
        shared = tokens.decode(
            squeezed(first)[: len(squeezed(first)) - (len(first) - first.n_shared)],
            skip_special_tokens=False,
        )
        assert shared == rerank_prompt(query, Content(), INSTRUCTION)[0]

    def test_a_document_that_melts_into_the_question_shortens_what_is_shared(
        self, whole: PromptTokenizer, tokens: Tokenizer
    ) -> None:
        query = Content("reset", (picture(),))
        plain, melting = Content("reset"), Content("!x")
        prompt, rest = rerank_prompt(query, melting, INSTRUCTION)
        apart = tokens.encode(prompt).ids + tokens.encode(rest).ids
        assert tokens.encode(prompt + rest).ids != apart, "this tokenizer must melt `:` and `!`"
        alone = whole.pairs(query, [plain], INSTRUCTION)
        mixed = whole.pairs(query, [plain, melting, plain], INSTRUCTION)
        self.check(mixed, query)
        assert 0 < mixed[0].n_shared < alone[0].n_shared
        assert squeezed(mixed[1]) == tokens.encode(prompt + rest).ids

    def test_equal_documents_keep_a_token_of_their_own(self, whole: PromptTokenizer) -> None:
        query = Content("reset")
        self.check(whole.pairs(query, [Content("x")] * 3, INSTRUCTION), query)

    def test_no_documents(self, whole: PromptTokenizer) -> None:
        assert whole.pairs(Content("reset"), [], INSTRUCTION) == []

    def test_what_can_be_shown(self, whole: PromptTokenizer) -> None:
        extreme = Picture(9000, 20, lambda: b"")
        assert whole.can_show(Content("x", (picture(),), clip(2)))
        assert not whole.can_show(Content(pictures=(picture(), extreme)))
        assert not whole.can_show(Content(clip=(type(clip(1)[0])(0.0, extreme),)))


class TestFiles:
    @pytest.mark.parametrize("text", ["", "{", '{"version": "1.0"}', "[]"])
    def test_a_damaged_tokenizer_is_named(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "tokenizer.json").write_text(text)
        with pytest.raises(ModelLoadError, match=r"tokenizer\.json.*kb models pull"):
            prompts(tmp_path)

    def test_a_missing_tokenizer_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(ModelLoadError, match=r"tokenizer\.json.*kb models pull"):
            prompts(tmp_path)

    def test_another_familys_tokenizer_is_named(self, tmp_path: Path, tiny_qwen3_vl: Path) -> None:
        text = (tiny_qwen3_vl / "tokenizer.json").read_text("utf-8")
        (tmp_path / "tokenizer.json").write_text(text.replace("image_pad", "picture_pad"), "utf-8")
        with pytest.raises(ModelLoadError, match=r"knows no '<\|image_pad\|>'.*kb models pull"):
            prompts(tmp_path)
