"""From a prompt to token ids, positions and the pictures that fill them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer
from tokenizers.decoders import DecodeStream

from kb.content import Content, Picture
from kb.errors import InferenceError, ModelLoadError, PromptTooLongError
from kb.models.qwen3_vl.prompts import (
    PICTURE_MARK,
    TAIL,
    chat_prompt,
    embedding_prompt,
    rerank_prompt,
)
from kb.pixels import Grid, PixelBudget, UInt8Array, read_clip, read_picture
from kb.text.special_tokens import neutraliser

__all__ = ["PromptTokenizer", "TokenSequence", "Visual"]

Int64Array = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Visual:
    """A picture or clip within a sequence.

    Attributes:
        read: uint8 ``(n_frames, height_px, width_px, 3)``: 1 frame for a picture, two a step
            for a clip.

    `read` raises InferenceError where the picture can't be decoded.
    """

    grid: Grid
    is_clip: bool
    read: Callable[[], UInt8Array]


@dataclass(frozen=True, slots=True)
class TokenSequence:
    """One prompt, ready for the model.

    Attributes:
        token_ids: int64 ``(length,)``; every token of a picture has the pad's id.
        positions: int64 ``(3, length)``: time, row, column (interleaved M-RoPE).
        is_visual: bool ``(length,)``: which tokens are pictures'.
        visuals: In the order of their tokens.
        n_shared: Leading tokens that all sequences of one call have in common; 0 where
            nothing is shared.
        n_shared_visuals: Pictures and clips among them.
    """

    token_ids: Int64Array
    positions: Int64Array
    is_visual: NDArray[np.bool_]
    visuals: tuple[Visual, ...]
    n_shared: int = 0
    n_shared_visuals: int = 0

    def __len__(self) -> int:
        return len(self.token_ids)


class PromptTokenizer:
    """Builds sequences from content.

    Args:
        directory: Of a checkpoint; its ``tokenizer.json`` is read.
        budget: Of pixels and frames.
        max_length: Tokens of a sequence; the text is cut to fit, the template never.

    Raises:
        ModelLoadError: The tokenizer is missing or not one of Qwen3-VL.
    """

    def __init__(self, directory: Path, budget: PixelBudget, max_length: int) -> None:
        try:
            self._tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
        except Exception as error:  # tokenizers raises bare Exception
            raise ModelLoadError(
                f"{directory / 'tokenizer.json'} can't be read: {error}. Pull the model again: "
                "`kb models pull`.",
                model_id=str(directory),
            ) from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        added = self._tokenizer.get_added_tokens_decoder().values()
        self._neutral = neutraliser([token.content for token in added])
        self._budget = budget
        self._max_length = max_length
        self._directory = directory
        self._image_pad = self.token_id("<|image_pad|>")
        self._video_pad = self.token_id("<|video_pad|>")
        self._turn_start = self.token_id("<|im_start|>")
        self._n_tail = len(self._encode(TAIL))

    def embeddings(
        self, items: Sequence[tuple[Content, str]], *, may_cut: bool
    ) -> list[TokenSequence | InferenceError | PromptTooLongError]:
        """The sequences whose last tokens' states are the vectors of contents under their
        instructions, or why there is none: InferenceError where a picture's shape is beyond the
        model, PromptTooLongError where it is over `max_length`.

        Args:
            may_cut: Words over `max_length` are left out: so much less of a document is found,
                and a question would be another one. Instruction and pictures never are.
        """
        thinned = [
            (self._shown(content), self._neutral(instruction)) for content, instruction in items
        ]
        prompts = self._encode_all([embedding_prompt(*one) for one in thinned])
        found: list[TokenSequence | InferenceError | PromptTooLongError] = []
        for (content, _), ids in zip(thinned, prompts, strict=True):
            try:
                found.append(self._embedding(content, ids, may_cut=may_cut))
            except (InferenceError, PromptTooLongError) as error:
                found.append(error)
        return found

    def _embedding(self, content: Content, ids: Int64Array, *, may_cut: bool) -> TokenSequence:
        visuals = self._visuals(content)
        if may_cut:
            ids = self._cut(ids, visuals, self._max_length)
        if (n_tokens := self._n_tokens(ids, visuals)) > self._max_length:
            raise self._too_long(n_tokens, "encoder")
        return self._sequence(ids, visuals)

    def can_show(self, content: Content) -> bool:
        """Whether the shapes of its pictures are within the model's reach."""
        try:
            self._visuals(content)
        except InferenceError:
            return False
        return True

    def pairs(
        self, query: Content, documents: Sequence[Content], instruction: str
    ) -> list[TokenSequence]:
        """One sequence a document, all with the same `n_shared`.

        Raises:
            InferenceError: A picture's shape is beyond the model.
            PromptTooLongError: The question leaves no room for a document.
        """
        query, instruction = self._shown(query), self._neutral(instruction)
        documents = [self._shown(document) for document in documents]
        asked = self._visuals(query)
        sequences = []
        prompts = [rerank_prompt(query, document, instruction) for document in documents]
        encoded = self._encode_all([shared + rest for shared, rest in prompts])
        for document, ids in zip(documents, encoded, strict=True):
            # The published reranker cuts what stands before its last five tokens, and no picture.
            ids = self._cut(ids, asked + self._visuals(document), self._max_length + self._n_tail)
            sequences.append(self._sequence(ids, asked + self._visuals(document)))
        n_shared = self._n_shared(prompts[0][0], asked, sequences) if prompts else 0
        n_asked = len(asked) if n_shared else 0
        return [replace(one, n_shared=n_shared, n_shared_visuals=n_asked) for one in sequences]

    def neutral(self, text: str) -> str:
        """`text` in which the tokenizer finds none of its special tokens: see
        `kb.text.special_tokens`."""
        return self._neutral(text)

    def chat(self, system: str, parts: Sequence[str | Picture]) -> TokenSequence:
        """One turn of the chat template, up to where the model writes. Special tokens in it are
        for the caller to take out (see `neutral`), and so is what is too long (see `count`).

        Raises:
            InferenceError: A picture's shape is beyond the model.
        """
        shown, visuals = [], []
        for part in parts:
            if isinstance(part, Picture):
                visuals.append(_picture(part, self._budget.picture(part.width_px, part.height_px)))
                shown.append(PICTURE_MARK)
            else:
                shown.append(part)
        return self._sequence(self._encode(chat_prompt(system, "".join(shown))), tuple(visuals))

    def text_stream(self) -> Callable[[int], str]:
        """From token ids, one after the other, to the text that each completes; empty where a
        character is not whole yet. Special tokens have none."""
        stream = DecodeStream(skip_special_tokens=True)
        return lambda token_id: stream.step(self._tokenizer, token_id) or ""

    def count(self, text: str) -> int:
        """Tokens of a text."""
        return len(self._encode(text, with_special=False))

    def token_id(self, token: str) -> int:
        """The id of a token that the vocabulary must hold.

        Raises:
            ModelLoadError: It does not.
        """
        found: int | None = self._tokenizer.token_to_id(token)
        if found is None:
            raise ModelLoadError(
                f"The tokenizer in {self._directory} knows no {token!r}: it is not one of "
                "Qwen3-VL. Choose another directory, or pull the model: `kb models pull`.",
                model_id=str(self._directory),
            )
        return found

    def _shown(self, content: Content) -> Content:
        content = content.thinned(self._budget.max_frames)
        return replace(content, text=self._neutral(content.text))

    def _n_shared(
        self, prompt: str, asked: tuple[Visual, ...], sequences: Sequence[TokenSequence]
    ) -> int:
        """How many leading tokens of `prompt` are the same in all sequences: the last ones may
        melt into a document's first word."""
        own = self._expand(self._encode(prompt, with_special=False), asked)[0]
        n_shared = len(own)
        if n_shared > self._max_length:
            raise self._too_long(n_shared, "reranker")
        for sequence in sequences:
            ids = sequence.token_ids[:n_shared]
            differ = np.flatnonzero(ids != own[: len(ids)])
            n_shared = int(differ[0]) if len(differ) else len(ids)
        # A sequence needs a token of its own, and no picture may be split.
        n_shared = min([n_shared, *(len(sequence) - 1 for sequence in sequences)])
        pads = np.flatnonzero(self._is_pad(own))
        return n_shared if not len(pads) or pads[-1] < n_shared else 0

    def _encode(self, text: str, *, with_special: bool = True) -> Int64Array:
        return np.array(self._tokenizer.encode(text, add_special_tokens=with_special).ids, np.int64)

    def _encode_all(self, texts: Sequence[str]) -> list[Int64Array]:
        """On all cores."""
        return [np.array(one.ids, np.int64) for one in self._tokenizer.encode_batch(list(texts))]

    def _is_pad(self, ids: Int64Array) -> NDArray[np.bool_]:
        return np.isin(ids, (self._image_pad, self._video_pad))

    def _visuals(self, content: Content) -> tuple[Visual, ...]:
        visuals = []
        if content.clip:
            frames = [frame.picture for frame in content.clip]
            grid = self._budget.clip(frames[0].width_px, frames[0].height_px, len(frames))
            visuals.append(Visual(grid, True, lambda: read_clip(frames, grid)))
        for picture in content.pictures:
            shape = self._budget.picture(picture.width_px, picture.height_px)
            visuals.append(_picture(picture, shape))
        return tuple(visuals)

    def _cut(self, ids: Int64Array, visuals: tuple[Visual, ...], limit: int) -> Int64Array:
        """`ids` with so many of the last words left out that all fits, as far as that goes."""
        excess = self._n_tokens(ids, visuals) - limit
        if excess <= 0:
            return ids
        end = len(ids) - self._n_tail
        # The words come last: after `user` and a line break, and after the mark that closes the
        # last picture.
        first_word = int(np.flatnonzero(ids[:end] == self._turn_start)[-1]) + 3
        pads = np.flatnonzero(self._is_pad(ids))
        if len(pads):
            first_word = int(pads[-1]) + 2
        return np.concatenate([ids[: max(first_word, end - excess)], ids[end:]])

    def _n_tokens(self, ids: Int64Array, visuals: tuple[Visual, ...]) -> int:
        n_marks = int(self._is_pad(ids).sum())
        return len(ids) - n_marks + sum(visual.grid.n_tokens for visual in visuals)

    def _too_long(self, n_tokens: int, section: str) -> PromptTooLongError:
        return PromptTooLongError(
            f"The input takes {n_tokens:,} tokens with its pictures; the model is set to read "
            f"{self._max_length:,}. Give fewer words, or fewer or smaller pictures, or raise "
            f"`{section}.max_length` in kb.yaml."
        )

    def _sequence(self, ids: Int64Array, visuals: tuple[Visual, ...]) -> TokenSequence:
        expanded, positions = self._expand(ids, visuals)
        return TokenSequence(expanded, positions, self._is_pad(expanded), visuals)

    def _expand(
        self, ids: Int64Array, visuals: tuple[Visual, ...]
    ) -> tuple[Int64Array, Int64Array]:
        """Every mark repeated for its picture's tokens, and the positions ``(3, length)``.

        As ``Qwen3VLModel.get_rope_index`` in transformers: words count up by one in all three,
        a picture's tokens share a time and count rows and columns from there, and what
        follows goes on after the larger of its sides.
        """
        grids = [visual.grid for visual in visuals for _ in range(visual.grid.n_steps)]
        marks = np.flatnonzero(self._is_pad(ids))
        assert len(marks) == len(grids), "a mark for every picture and pair of frames"
        counts = np.ones(len(ids), np.int64)
        counts[marks] = [grid.n_step_tokens for grid in grids]
        pieces: list[Int64Array] = []
        position, start = 0, 0
        for mark, grid in zip(marks, grids, strict=True):
            n_words = int(mark) - start
            pieces.append(np.tile(np.arange(position, position + n_words), (3, 1)))
            position += n_words
            rows, columns = np.divmod(np.arange(grid.n_step_tokens), grid.n_columns)
            pieces.append(np.stack([np.zeros_like(rows), rows, columns]) + position)
            position += max(grid.n_rows, grid.n_columns)
            start = int(mark) + 1
        n_words = len(ids) - start
        pieces.append(np.tile(np.arange(position, position + n_words), (3, 1)))
        return np.repeat(ids, counts), np.concatenate(pieces, axis=1)


def _picture(picture: Picture, grid: Grid) -> Visual:
    return Visual(grid, False, lambda: read_picture(picture, grid))
