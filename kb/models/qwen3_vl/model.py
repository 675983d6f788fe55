"""A checkpoint on its device: sequences in, the state of each one's last token out."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kb.device.scheduler import DeviceScheduler
from kb.errors import InferenceError
from kb.models.qwen3_vl.attention import dense_agrees, flash_agrees
from kb.models.qwen3_vl.decoder import Decoder, KeyValueCache, Prefix, Visuals
from kb.models.qwen3_vl.kernels import kernels_agree
from kb.models.qwen3_vl.normalisation import Normalisation
from kb.models.qwen3_vl.sequence import TokenSequence, Visual
from kb.models.qwen3_vl.transfer import pinned, to_device
from kb.models.qwen3_vl.vision import VisionTower
from kb.protocols import Float32Array
from kb.stopping import check

__all__ = ["PackedModel"]

log = logging.getLogger(__name__)

_BATCHES_AHEAD = 2
_N_READERS = 8
# A prefix's keys stand once for each sequence that sees them. So many rows of keys for each token
# of the budget: of the published models, half a gigabyte at the largest.
_KEYS_A_TOKEN = 8
# On a processor more tokens gain nothing: the products are as fast, and the states in between
# leave the cache.
_MAX_PROCESSOR_TOKENS = 1024


@dataclass(slots=True)
class _Batch:
    """Sequences that are computed at once, by their index in the call."""

    members: list[int]
    pixels: list[Future[Tensor]]


class _Pending:
    """States on their way to the host."""

    def __init__(self, members: list[int], rows: Tensor) -> None:
        self._members = members
        self._event: torch.cuda.Event | None = None
        self._rows = rows
        if rows.is_cuda:
            host = torch.empty(rows.shape, dtype=rows.dtype, pin_memory=True)
            self._rows = host.copy_(rows, non_blocking=True)
            self._event = torch.cuda.Event()  # type: ignore[no-untyped-call]
            self._event.record()

    def into(self, states: Float32Array) -> None:
        """Wait for the device and put the rows where they belong."""
        if self._event is not None:
            self._event.synchronize()
        states[self._members] = self._rows.numpy()


class PackedModel:
    """Runs sequences of any lengths, packed under a budget of tokens.

    The pictures of the next batches are decoded on worker threads meanwhile.

    Args:
        module: transformers' ``Qwen3VLModel``. Its weights are taken out of it.
        normalisation: Of pictures and of clips.
        batch_tokens: Of one forward pass, at most, unless one sequence is longer. It is halved
            when the device's memory does not hold so many, and grows back call by call.

    Attributes:
        decoder: The language model.
        attention: ``flash`` or ``sdpa``.
    """

    def __init__(
        self,
        module: Any,
        normalisation: tuple[Normalisation, Normalisation],
        batch_tokens: int,
    ) -> None:
        text, vision = module.config.text_config, module.config.vision_config
        device = module.device
        head_dim = vision.hidden_size // vision.num_heads
        # FlashAttention computes in half precision alone.
        is_short = module.dtype in (torch.bfloat16, torch.float16)
        flash = (
            is_short
            and flash_agrees(
                text.num_attention_heads, text.num_key_value_heads, text.head_dim, device
            )
            and flash_agrees(vision.num_heads, vision.num_heads, head_dim, device)
        )
        if device.type == "cuda" and is_short and not flash:
            log.warning(
                "FlashAttention over packed sequences does not work on this GPU with this torch; "
                "the slower scaled-dot-product attention is used."
            )
        self.attention = "flash" if flash else "sdpa"
        kernels = is_short and kernels_agree(device)
        self._vision = VisionTower(
            module.visual,
            *normalisation,
            flash=flash,
            kernels=kernels,
            dense=is_short and dense_agrees(vision.num_heads, head_dim, device),
        )
        self.decoder = Decoder(module.language_model, flash=flash, kernels=kernels)
        if device.type == "cpu":
            batch_tokens = min(batch_tokens, _MAX_PROCESSOR_TOKENS)
        self._most_batch_tokens = self._batch_tokens = batch_tokens
        self._readers = ThreadPoolExecutor(_N_READERS, thread_name_prefix="pictures")

    @property
    def dim(self) -> int:
        """Length of a state."""
        return self.decoder.dim

    @torch.inference_mode()
    def read(self, prompt: TokenSequence, cache: KeyValueCache) -> Tensor:
        """Fill `cache` from one prompt; the state ``(1, dim)`` of its last token.

        Raises:
            InferenceError: A picture can't be read.
        """
        futures = self._begin_reading(prompt.visuals)
        visuals = self._seen(
            [future.result() for future in futures],
            prompt.visuals,
            np.flatnonzero(prompt.is_visual),
        )
        device = self.decoder.device
        return self.decoder.read(
            to_device(torch.from_numpy(prompt.token_ids), device),
            to_device(torch.from_numpy(prompt.positions), device),
            visuals,
            cache,
        )

    def last_states(
        self, sequences: Sequence[TokenSequence], scheduler: DeviceScheduler, *, is_query: bool
    ) -> tuple[Float32Array, dict[int, InferenceError]]:
        """The state of each sequence's last token, after the final norm.

        Args:
            scheduler: Of the device.
            is_query: Someone waits for it: it goes before ingest.

        Returns:
            float32 ``(len(sequences), dim)``, and by index what could not be computed; their
            rows are zero. One bad picture spoils no other sequence.

        Raises:
            InferenceError: A picture that all sequences share can't be read.
        """
        states = np.zeros((len(sequences), self.dim), np.float32)
        failed: dict[int, InferenceError] = {}
        # Who took the memory that was short may have let go of it.
        self._batch_tokens = min(self._most_batch_tokens, self._batch_tokens * 9 // 8 + 1)
        todo = self._plan(sequences, list(range(len(sequences))))
        # What all share is the question: its pictures are read once.
        shared = self._begin_reading(_shared_visuals(sequences))
        begun: list[_Batch] = []
        pending: list[_Pending] = []
        prefix: Prefix = []
        while todo or begun:
            check()
            while todo and len(begun) <= _BATCHES_AHEAD:
                begun.append(self._begin(sequences, todo.pop(0)))
            batch = begun.pop(0)
            members, own_pixels = self._decoded(sequences, batch, failed)
            # Without the question nothing can be computed.
            pixels = [*(future.result() for future in shared), *own_pixels]
            if not members:
                continue
            try:
                with scheduler.turn(is_query=is_query):
                    rows, prefix = self._forward([sequences[i] for i in members], pixels, prefix)
                    pending.append(_Pending(members, rows))
                    # One batch stays queued while the next is prepared; a question waits for
                    # no more than that.
                    if len(pending) > 1:
                        pending.pop(0).into(states)
                continue
            except torch.OutOfMemoryError as error:
                # Its traceback holds the tensors of the pass that failed.
                cause = error.with_traceback(None)
            torch.cuda.empty_cache()
            first = sequences[members[0]]
            n_tokens = first.n_shared + sum(len(sequences[i]) - first.n_shared for i in members)
            if len(members) == 1:
                failed[members[0]] = _out_of_memory(n_tokens, cause)
                continue
            self._batch_tokens = max(1, min(self._batch_tokens, n_tokens) // 2)
            log.warning("The device ran out of memory; %d tokens at once.", self._batch_tokens)
            again = [*members, *(i for one in begun for i in one.members), *itertools.chain(*todo)]
            begun = []
            todo = self._plan(sequences, again)
        for last in pending:
            last.into(states)
        return states, failed

    def _plan(self, sequences: Sequence[TokenSequence], indices: list[int]) -> list[list[int]]:
        """Batches of like lengths under the budget, the longest first."""
        batches: list[list[int]] = []
        n_tokens = n_keys = 0
        for index in sorted(indices, key=lambda i: (-len(sequences[i]), i)):
            one = sequences[index]
            own = len(one) - one.n_shared
            if (
                not batches
                or n_tokens + own > self._batch_tokens
                or n_keys + len(one) > _KEYS_A_TOKEN * self._batch_tokens
            ):
                batches.append([])
                n_tokens = n_keys = one.n_shared
            batches[-1].append(index)
            n_tokens += own
            n_keys += len(one)
        return batches

    def _begin(self, sequences: Sequence[TokenSequence], members: list[int]) -> _Batch:
        visuals = [visual for i in members for visual in _own_visuals(sequences[i])]
        return _Batch(members, self._begin_reading(visuals))

    def _begin_reading(self, visuals: Sequence[Visual]) -> list[Future[Tensor]]:
        """Their pixels, uint8 ``(n_frames, height_px, width_px, 3)`` each, on the host."""
        device = self.decoder.device

        def read(visual: Visual) -> Tensor:
            return pinned(torch.from_numpy(visual.read()), device)

        return [self._readers.submit(read, visual) for visual in visuals]

    def _decoded(
        self,
        sequences: Sequence[TokenSequence],
        batch: _Batch,
        failed: dict[int, InferenceError],
    ) -> tuple[list[int], list[Tensor]]:
        """The members whose own pictures could be read, and those pixels in order."""
        futures = iter(batch.pixels)
        pixels: list[Tensor] = []
        members = []
        for index in batch.members:
            own = [next(futures) for _ in _own_visuals(sequences[index])]
            try:
                read = [future.result() for future in own]
            except InferenceError as error:
                failed[index] = error
                continue
            members.append(index)
            pixels += read
        return members, pixels

    def _forward(
        self, members: Sequence[TokenSequence], pixels: list[Tensor], prefix: Prefix
    ) -> tuple[Tensor, Prefix]:
        """States of the members' last tokens, and the prefix that they share for the next batch
        of the same call; `prefix` is what the batch before left, or empty."""
        first = members[0]
        n_shared = first.n_shared
        device = self.decoder.device
        # How much of what all share is computed in this pass.
        n_first = 0 if prefix else n_shared
        ids = np.concatenate(
            [first.token_ids[:n_first], *(m.token_ids[n_shared:] for m in members)]
        )
        positions = np.concatenate(
            [first.positions[:, :n_first], *(m.positions[:, n_shared:] for m in members)], axis=1
        )
        shown = list(() if prefix else first.visuals[: first.n_shared_visuals])
        if prefix:
            pixels = pixels[first.n_shared_visuals :]
        shown += [visual for member in members for visual in _own_visuals(member)]
        visuals = self._seen(pixels, shown, _visual_rows(first, members, n_first))
        # A pass that fails leaves none behind.
        filled = prefix or []
        states = self.decoder.forward(
            to_device(torch.from_numpy(ids), device),
            to_device(torch.from_numpy(positions), device),
            n_shared,
            tuple(len(member) - n_shared for member in members),
            visuals,
            filled if n_shared else None,
        )
        return states, filled

    def _seen(
        self, pixels: Sequence[Tensor], shown: Sequence[Visual], rows: np.ndarray
    ) -> Visuals | None:
        """Tokens of pictures for `rows`; None without pictures."""
        if not shown:
            return None
        tokens, deep = self._vision.forward(
            pixels, [visual.grid for visual in shown], [visual.is_clip for visual in shown]
        )
        return Visuals(to_device(torch.from_numpy(rows), self.decoder.device), tokens, deep)


def _shared_visuals(sequences: Sequence[TokenSequence]) -> tuple[Visual, ...]:
    first = next(iter(sequences), None)
    return first.visuals[: first.n_shared_visuals] if first else ()


def _own_visuals(sequence: TokenSequence) -> tuple[Visual, ...]:
    return sequence.visuals[sequence.n_shared_visuals :]


def _visual_rows(
    first: TokenSequence, members: Sequence[TokenSequence], n_first: int
) -> np.ndarray:
    """int64: the rows of the packed batch that hold pictures' tokens; it begins with `n_first`
    of the shared ones."""
    n_shared = first.n_shared
    masks = [first.is_visual[:n_first], *(member.is_visual[n_shared:] for member in members)]
    return np.flatnonzero(np.concatenate(masks))


def _out_of_memory(n_tokens: int, error: Exception) -> InferenceError:
    failure = InferenceError(
        f"The device's memory does not hold one input of {n_tokens:,} tokens. Close other programs "
        "that use the GPU, or lower `max_length` or the pixel budget in kb.yaml."
    )
    failure.__cause__ = error
    return failure
