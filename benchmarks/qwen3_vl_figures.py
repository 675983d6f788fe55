"""Ours alone: rates beside the measured matrix rate, latency, memory, generator, profile."""

from __future__ import annotations

import math
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F  # noqa: N812

from benchmarks.qwen3_vl_made import SIZES, Dimensions, TextMaker, draw_page
from benchmarks.qwen3_vl_ours import Ours
from benchmarks.qwen3_vl_published import Item
from kb.answer.chat.prompt import build_chat_prompt
from kb.config.models import Qwen3VLGeneratorConfig
from kb.models.generators.qwen3_vl import Qwen3VLGenerator

__all__ = ["Figures", "matrix_rate"]

_N_TEXT_TOKENS = 512
_N_ROWS = {"cuda": 16_384, "cpu": 2048}
# Wanted of the 2B model on an H200.
_TARGETS = {
    "pages of 1,280 tokens/s": 40.0,
    "texts of 512 tokens/s": 275.0,
    "rerank 100 texts of 512 tokens, s": 0.5,
    "rerank 100 pages of 1,280 tokens, s": 2.5,
}
_AMOUNTS = {"cuda": (64, 512, 100, 64), "cpu": (2, 12, 8, 24)}  # pages, texts, hits, tokens


class Figures:
    """Measures one checkpoint.

    Args:
        root: A directory to write to.
        size: Of `SIZES`.
    """

    def __init__(
        self,
        root: Path,
        checkpoint: Path,
        size: str,
        device: torch.device,
        precision: Literal["float32", "bfloat16"],
    ) -> None:
        self._dimensions: Dimensions = SIZES[size][0]
        self._checkpoint = checkpoint
        self._device = device
        self._precision = precision
        self._page_px = (1024, 1280)
        self._maker = TextMaker(checkpoint)
        self._ours = Ours(root, checkpoint, device, precision)
        self._is_target = size == "2b" and device.type == "cuda"

    def measure(self) -> dict[str, Any]:
        """Figures by name; `profile` maps a kind of batch to its table."""
        n_pages, n_texts, n_hits, n_new_tokens = _AMOUNTS[self._device.type]
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        pages: list[Item] = [draw_page(i, self._page_px) for i in range(n_pages)]
        texts: list[Item] = [self._maker.text(_N_TEXT_TOKENS) for _ in range(n_texts)]
        encode, rerank = self._ours.encoder, self._ours.reranker
        page_chunks, text_chunks = self._ours.chunks(pages), self._ours.chunks(texts)
        page_s = self._seconds(lambda: encode.encode_chunks(page_chunks))
        text_s = self._seconds(lambda: encode.encode_chunks(text_chunks))
        rate = matrix_rate(self._dimensions, self._device, self._precision)
        found: dict[str, Any] = {
            "pages of 1,280 tokens/s": n_pages / page_s,
            "texts of 512 tokens/s": n_texts / text_s,
            "matrix rate, TFLOP/s": rate / 1e12,
            "share of it with pages": n_pages * self._page_flops() / page_s / rate,
            "share of it with texts": n_texts
            * text_flops(self._dimensions, _N_TEXT_TOKENS)
            / text_s
            / rate,
        }
        question, picture = self._maker.text(20), draw_page(-1, self._page_px)
        hits = self._ours.hits([pages[i % n_pages] for i in range(n_hits)])
        for name, asked, documents in (
            ("texts of 512 tokens", question, self._ours.hits(texts[:n_hits])),
            ("pages of 1,280 tokens", picture, hits),
        ):
            query = self._ours.query(asked)
            found[f"rerank {len(documents)} {name}, s"] = self._seconds(
                lambda query=query, documents=documents: rerank.rerank(query, documents)
            )
        for name, asked in (("text", question), ("picture", picture)):
            queries = [self._ours.query(asked)]
            found[f"encode one {name} query, ms"] = 1000 * self._seconds(
                lambda queries=queries: encode.encode_queries(queries), 10
            )
        found["memory, encoder and reranker, GB"] = self._peak_gb()
        first_s, rate_s = self._generator(n_new_tokens)
        found["generator's first token, s"] = first_s
        found["generator's tokens/s"] = rate_s
        found["memory with the generator, GB"] = self._peak_gb()
        found["profile"] = {
            "pages": self._profile(lambda: encode.encode_chunks(page_chunks[:12])),
            "texts": self._profile(lambda: encode.encode_chunks(text_chunks[:32])),
        }
        if self._is_target:
            found["wanted"] = _TARGETS
        return found

    @staticmethod
    def lines(found: dict[str, Any]) -> list[str]:
        """`measure`'s result for people."""
        wanted = found.get("wanted", {})
        lines = []
        for name, value in found.items():
            if isinstance(value, dict):
                continue
            goal = f"   (wanted: {wanted[name]:g})" if name in wanted else ""
            lines.append(f"{name:<42}{value:>12.4g}{goal}")
        for name, table in found["profile"].items():
            lines += ["", f"where the time of {name} goes:", table]
        return lines

    def _seconds(self, call: Callable[[], object], n: int = 3) -> float:
        call()
        seconds = []
        for _ in range(n):
            started = time.perf_counter()
            call()
            self._wait()
            seconds.append(time.perf_counter() - started)
        return statistics.median(seconds)

    def _wait(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize()

    def _peak_gb(self) -> float:
        if self._device.type == "cuda":
            return torch.cuda.max_memory_allocated() / 1e9
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9

    def _page_flops(self) -> float:
        n_tokens = math.prod(self._page_px) // 32**2
        return vision_flops(self._dimensions, n_tokens) + text_flops(self._dimensions, n_tokens)

    def _generator(self, n_new_tokens: int) -> tuple[float, float]:
        """Seconds to the first token of an answer from 2,000 tokens and a picture, and tokens
        a second after it."""
        generator = Qwen3VLGenerator(
            Qwen3VLGeneratorConfig(
                model=str(self._checkpoint),
                device="cuda" if self._device.type == "cuda" else "cpu",
                precision=self._precision,
                max_new_tokens=n_new_tokens,
            ),
            self._checkpoint,
            self._ours.assets,
            self._ours.shared_device,
        )
        with generator._model.loaded() as writer:
            # A model with random weights would end its answer anywhere.
            writer.ends = frozenset()
        written_s: list[float] = []
        page: Sequence[Item] = [draw_page(0, self._page_px)]
        texts = [self._maker.text(256) for _ in range(5)]
        hits = self._ours.hits([*page, *texts])
        query = self._ours.query(self._maker.text(20))
        prompt = build_chat_prompt(
            query,
            hits,
            self._ours.assets,
            max_tokens=8192,
            count_tokens=generator._tokenizer.count,
        )
        for _ in range(2):
            started = time.perf_counter()
            sequence = generator._tokenizer.chat(prompt.system, prompt.parts)
            with generator._model.loaded() as writer:
                written = writer.write(sequence, n_new_tokens, generator._model.scheduler)
                written_s = [time.perf_counter() for _ in written]
        return written_s[0] - started, (n_new_tokens - 1) / (written_s[-1] - written_s[0])

    def _profile(self, call: Callable[[], object]) -> str:
        from torch.profiler import ProfilerActivity, profile

        is_gpu = self._device.type == "cuda"
        activities = [ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * is_gpu
        with profile(activities=activities) as found:
            call()
            self._wait()
        order = "self_cuda_time_total" if is_gpu else "self_cpu_time_total"
        table: str = found.key_averages().table(
            sort_by=order, row_limit=14, max_name_column_width=60
        )
        return table


def matrix_rate(
    size: Dimensions, device: torch.device, precision: Literal["float32", "bfloat16"]
) -> float:
    """FLOP/s of the products of one language layer, nothing else."""
    n_rows = _N_ROWS[device.type]
    dtype: torch.dtype = getattr(torch, precision)
    products = [
        (
            torch.randn(n_rows, n_in, dtype=dtype, device=device),
            torch.randn(n_out, n_in, dtype=dtype, device=device),
        )
        for n_in, n_out in _products(size)
    ]
    n_flops = sum(2 * n_rows * n_in * n_out for n_in, n_out in _products(size))
    seconds = []
    for _ in range(6):
        started = time.perf_counter()
        for rows, weight in products:
            F.linear(rows, weight)
        if device.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - started)
    return n_flops / min(seconds[1:])


def text_flops(size: Dimensions, n_tokens: int) -> float:
    """Of one sequence through the language model, as ours computes it: the last layer's
    queries, keys and values for all tokens, and nothing else of it."""
    products = [2 * n_in * n_out for n_in, n_out in _products(size)]
    attention = 2 * n_tokens * size.n_heads * size.head_dim  # causal: half of the square
    return n_tokens * ((size.n_layers - 1) * (sum(products) + attention) + products[0])


def vision_flops(size: Dimensions, n_tokens: int) -> float:
    """Of one picture through the vision tower."""
    n_patches = 4 * n_tokens
    hidden = size.vision_hidden
    block = 8 * hidden**2 + 4 * hidden * size.vision_intermediate + 4 * n_patches * hidden
    merged = 4 * hidden
    mergers = (1 + len(size.deep_layers)) * 2 * (merged * merged + merged * size.hidden)
    patch = 2 * 3 * 16 * 16 * hidden
    return n_patches * (size.vision_depth * block + patch) + n_tokens * mergers


def _products(size: Dimensions) -> list[tuple[int, int]]:
    queries, keys = size.n_heads * size.head_dim, size.n_key_heads * size.head_dim
    return [
        (size.hidden, queries + 2 * keys),
        (queries, size.hidden),
        (size.hidden, 2 * size.intermediate),
        (size.intermediate, size.hidden),
    ]
