"""Writing after a prompt: one most likely token after the other."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from kb.device.scheduler import DeviceScheduler
from kb.models.qwen3_vl.decoder import Decoder, KeyValueCache
from kb.models.qwen3_vl.model import PackedModel
from kb.models.qwen3_vl.sequence import TokenSequence

__all__ = ["Writer"]

log = logging.getLogger(__name__)

_CAPACITY_STEP = 256
_RECORDED_STEP = 2


class Writer:
    """Greedy decoding over a cache of keys and values.

    On a GPU the pass for one token is recorded as a CUDA graph and played: its hundreds of small
    kernels take longer to launch one by one than to run.

    Args:
        model: Of the checkpoint.
        head: ``(n_vocabulary, dim)``: of the language model.
        ends: Tokens that end a text.
    """

    def __init__(self, model: PackedModel, head: Tensor, ends: frozenset[int]) -> None:
        self._model = model
        self._head = head
        self.ends = ends

    def write(
        self, prompt: TokenSequence, max_new_tokens: int, scheduler: DeviceScheduler
    ) -> Iterator[int]:
        """Token ids as they are chosen, `max_new_tokens` at most; the one that ends the text is
        the last.

        Raises:
            InferenceError: A picture of the prompt can't be read.
        """
        n_tokens = len(prompt)
        needed = n_tokens + max_new_tokens
        decoder = self._model.decoder
        cache = decoder.make_cache(-(-needed // _CAPACITY_STEP) * _CAPACITY_STEP)
        with scheduler.turn(is_query=True):
            step = _Step(decoder, self._head, cache, int(prompt.positions.max()) + 1)
            token = step.begin(self._model.read(prompt, cache))
        yield token
        for n_written in range(1, max_new_tokens):
            if token in self.ends:
                return
            with scheduler.turn(is_query=True):
                token = step.next(n_tokens + n_written - 1)
            yield token


class _Step:
    """One token to the next, in tensors that stay where they are."""

    def __init__(self, decoder: Decoder, head: Tensor, cache: KeyValueCache, position: int) -> None:
        self._decoder = decoder
        self._head = head
        self._cache = cache
        device = decoder.device
        self._token = torch.zeros(1, dtype=torch.int64, device=device)
        self._position = torch.full((3, 1), position, dtype=torch.int64, device=device)
        self._n_steps = 0
        self._graph: torch.cuda.CUDAGraph | None = None

    def begin(self, state: Tensor) -> int:
        """The first token, from the state after the prompt."""
        with torch.inference_mode():
            self._choose(state)
        return int(self._token)

    def next(self, n_seen: int) -> int:
        """The token after the last one, which is the one after `n_seen`."""
        self._n_steps += 1
        with torch.inference_mode():
            # The first pass compiles kernels and makes work spaces, which a recording can't.
            if self._n_steps == _RECORDED_STEP and self._decoder.can_record:
                self._graph = self._record()
            if self._graph is None:
                self._run(n_seen)
            else:
                self._graph.replay()
        return int(self._token)

    def _record(self) -> torch.cuda.CUDAGraph | None:
        graph = torch.cuda.CUDAGraph()
        torch.cuda.synchronize()
        try:
            # Other threads may use the device meanwhile.
            with torch.cuda.graph(graph, capture_error_mode="thread_local"):
                self._run(0)
        except RuntimeError as error:
            log.warning("A pass can't be recorded on this GPU, it writes slower without: %s", error)
            return None
        return graph

    def _run(self, n_seen: int) -> None:
        self._choose(self._decoder.write(self._token, self._position, self._cache, n_seen))
        self._position += 1

    def _choose(self, state: Tensor) -> None:
        self._token.copy_(F.linear(state, self._head).argmax(dim=-1))
