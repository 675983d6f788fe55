"""A lean forward pass of BERT sentence encoders on the CPU.

It reads the model's own files and needs neither transformers nor sentence_transformers,
whose imports take several times as long as the model's loading. Speed over plain
sentence-transformers comes from texts sorted by length under a token budget and from
bfloat16 products where the processor has instructions for them; sums, softmax and norms
stay in float32 or are accumulated in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from safetensors import SafetensorError, safe_open
from tokenizers import Tokenizer
from torch import Tensor

from kb.errors import ModelLoadError
from kb.models.encoders.weights import BertSpec
from kb.protocols import Float32Array
from kb.stopping import check

__all__ = ["BertEncoder"]

# A question's products take microseconds each: joining threads after every one costs more,
# and on a busy machine ten times more, than it saves.
ONE_THREAD_TOKENS = 128
MIN_COSINE = 0.999  # of a reduced-precision vector with its float32 one

_PROBES = (
    "How do I reset the device?",
    "Press and hold the power button for ten seconds until the lamp blinks twice.",
    "The quarterly report lists revenue, costs and 37 open positions by region. " * 6,
    "如何重置设备？ naïve café 3.5 V",
)


@dataclass(frozen=True, slots=True)
class _Layer:
    """Weights ``(out, in)`` and biases ``(out,)``; query, key and value are one product."""

    qkv: tuple[Tensor, Tensor]
    attended: tuple[Tensor, Tensor]
    attended_norm: tuple[Tensor, Tensor]
    up: tuple[Tensor, Tensor]
    down: tuple[Tensor, Tensor]
    down_norm: tuple[Tensor, Tensor]

    def in_dtype(self, dtype: torch.dtype) -> _Layer:
        def cast(pair: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
            return pair[0].to(dtype), pair[1].to(dtype)

        return _Layer(
            cast(self.qkv),
            cast(self.attended),
            self.attended_norm,
            cast(self.up),
            cast(self.down),
            self.down_norm,
        )


class BertEncoder:
    """BERT (Devlin et al., 2019) with pooling and L2 normalisation; no state between calls,
    so threads may share it.

    Args:
        directory: A sentence-transformers model directory.
        spec: Of that directory.
        batch_tokens: Tokens of a batch, padding included; one text may go over it.

    Raises:
        ModelLoadError: The files are damaged or do not fit together.
    """

    def __init__(self, directory: Path, spec: BertSpec, batch_tokens: int) -> None:
        self.spec = spec
        self._batch_tokens = batch_tokens
        self._n_threads = torch.get_num_threads()
        try:
            self._tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
            with safe_open(directory / "model.safetensors", "pt") as weights:
                self._load(weights)
        except (SafetensorError, OSError, KeyError, ValueError, RuntimeError) as error:
            raise ModelLoadError(
                f"The text model in {directory} can't be loaded: {error}. Copy or install it "
                "again.",
                model_id=str(directory),
            ) from error
        self._tokenizer.enable_truncation(spec.max_tokens)
        self._tokenizer.no_padding()
        # A text that says [SEP] says five letters; the template's own marks are added after.
        self._tokenizer.encode_special_tokens = True
        self.dtype = torch.float32
        self._use_bfloat16_if_exact()

    def encode(self, texts: Sequence[str]) -> Float32Array:
        """float32 ``(n, dim)``, L2-normalised, in the order of `texts`."""
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        order = sorted(range(len(tokens)), key=lambda i: len(tokens[i]), reverse=True)
        vectors = np.empty((len(tokens), self.spec.dim), np.float32)
        start = 0
        few = sum(map(len, tokens)) <= ONE_THREAD_TOKENS
        with _threads(1 if few else self._n_threads), torch.inference_mode():
            while start < len(order):
                check()
                longest = len(tokens[order[start]])
                batch = order[start : start + max(1, self._batch_tokens // longest)]
                vectors[batch] = self._forward([tokens[i] for i in batch]).numpy()
                start += len(batch)
        return vectors

    def _forward(self, tokens: Sequence[Sequence[int]]) -> Tensor:
        n, longest = len(tokens), max(map(len, tokens))
        lengths = torch.tensor([len(ids) for ids in tokens])
        ids = torch.zeros(n, longest, dtype=torch.long)
        for row, text_ids in enumerate(tokens):
            ids[row, : len(text_ids)] = torch.tensor(text_ids)
        present = torch.arange(longest) < lengths[:, None]
        # A mask costs time even where it hides nothing.
        mask = None if bool(present.all()) else present[:, None, None, :]
        dim, eps = self.spec.dim, self.spec.layer_norm_eps
        x = F.embedding(ids, self._words) + self._positions[:longest]
        x = F.layer_norm(x, (dim,), *self._embedding_norm, eps)
        heads = (n, longest, 3, self.spec.n_heads, dim // self.spec.n_heads)
        for layer in self._layers:
            q, k, v = F.linear(x.to(self.dtype), *layer.qkv).view(heads).permute(2, 0, 3, 1, 4)
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
            y = F.linear(y.transpose(1, 2).reshape(n, longest, dim), *layer.attended)
            x = F.layer_norm(x + y, (dim,), *layer.attended_norm, eps)
            y = F.linear(F.gelu(F.linear(x.to(self.dtype), *layer.up)), *layer.down)
            x = F.layer_norm(x + y, (dim,), *layer.down_norm, eps)
        if self.spec.pooling == "cls":
            pooled = x[:, 0]
        else:
            pooled = (x * present[..., None]).sum(1) / lengths[:, None]
        return F.normalize(pooled)

    def _load(self, weights: Any) -> None:
        names = set(weights.keys())
        prefix = "bert." if "bert.embeddings.LayerNorm.weight" in names else ""

        def tensor(name: str) -> Tensor:
            return weights.get_tensor(prefix + name).float()  # type: ignore[no-any-return]

        def pair(name: str) -> tuple[Tensor, Tensor]:
            return tensor(f"{name}.weight"), tensor(f"{name}.bias")

        self._words = tensor("embeddings.word_embeddings.weight")
        # Sentence encoders have one segment: its embedding is a constant of every position.
        self._positions = (
            tensor("embeddings.position_embeddings.weight")
            + tensor("embeddings.token_type_embeddings.weight")[0]
        )
        self._embedding_norm = pair("embeddings.LayerNorm")
        self._layers = []
        for i in range(self.spec.n_layers):
            at = f"encoder.layer.{i}"
            q, k, v = (pair(f"{at}.attention.self.{part}") for part in ("query", "key", "value"))
            self._layers.append(
                _Layer(
                    qkv=(torch.cat([q[0], k[0], v[0]]), torch.cat([q[1], k[1], v[1]])),
                    attended=pair(f"{at}.attention.output.dense"),
                    attended_norm=pair(f"{at}.attention.output.LayerNorm"),
                    up=pair(f"{at}.intermediate.dense"),
                    down=pair(f"{at}.output.dense"),
                    down_norm=pair(f"{at}.output.LayerNorm"),
                )
            )

    def _use_bfloat16_if_exact(self) -> None:
        """bfloat16 products where the processor has them and they keep the vectors."""
        has = torch.cpu.get_capabilities()
        if not (has.get("avx512_bf16") or has.get("amx_bf16")):
            return
        exact, float32_layers = self.encode(_PROBES), self._layers
        self._layers = [layer.in_dtype(torch.bfloat16) for layer in float32_layers]
        self.dtype = torch.bfloat16
        cosines = (self.encode(_PROBES) * exact).sum(axis=1)
        if not cosines.min() >= MIN_COSINE:  # also where it is not a number
            self._layers, self.dtype = float32_layers, torch.float32


@contextmanager
def _threads(n: int) -> Iterator[None]:
    """`n` threads for what this thread computes; OpenMP keeps the number for each thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)
