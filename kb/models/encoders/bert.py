"""A lean forward pass of BERT sentence encoders on the CPU.

It reads the model's own files and needs neither transformers nor sentence_transformers,
whose imports take several times as long as the model's loading. Speed over plain
sentence-transformers comes from texts sorted by length under a token budget and from
bfloat16 products where the processor has instructions for them; sums, softmax and norms
stay in float32 or are accumulated in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from safetensors import SafetensorError
from tokenizers import Tokenizer
from torch import Tensor

from kb.errors import ModelLoadError
from kb.models.encoders.bert_weights import BertWeights, Layer, read_packed, read_safetensors
from kb.models.encoders.e5_file import E5File
from kb.models.encoders.recipes import Recipe
from kb.models.encoders.unigram import UnigramTokenizer
from kb.models.encoders.weights import BertSpec, ModelFiles
from kb.protocols import Float32Array
from kb.stopping import check

__all__ = ["BertEncoder", "load_bert"]

Tokenize = Callable[[Sequence[str]], list[list[int]]]

# A question's products take microseconds each: joining threads after every one costs more,
# and on a busy machine ten times more, than it saves.
ONE_THREAD_TOKENS = 128
MAX_WINDOWS = 32  # of a text: the largest chunk that can be configured, in any script
_TINY = 1e-12  # keeps a division by the norm of nothing from failing
MIN_COSINE = 0.999  # of a reduced-precision vector with its float32 one

_PROBES = (
    "How do I reset the device?",
    "Press and hold the power button for ten seconds until the lamp blinks twice.",
    "The quarterly report lists revenue, costs and 37 open positions by region. " * 6,
    "如何重置设备？ naïve café 3.5 V",
)


class BertEncoder:
    """BERT (Devlin et al., 2019) with pooling and L2 normalisation; no state between calls,
    so threads may share it.

    Args:
        spec: Shape of the network.
        weights: float32.
        tokenize: Ids of each text, whatever its length, with the marks around.
        batch_tokens: Tokens of a batch, padding included; one text may go over it.
        in_windows: Whether a text longer than the network reads is read in windows, whose
            tokens are pooled together; otherwise its end is not read. Of mean pooling only.
    """

    def __init__(
        self,
        spec: BertSpec,
        weights: BertWeights,
        tokenize: Tokenize,
        *,
        batch_tokens: int,
        in_windows: bool = False,
    ) -> None:
        self.spec = spec
        self._tokenize = tokenize
        self._batch_tokens = batch_tokens
        self._in_windows = in_windows
        self._n_threads = torch.get_num_threads()
        self._weights = weights
        self._layers = weights.layers
        self.dtype = torch.float32
        self._use_bfloat16_if_exact()

    def encode(self, texts: Sequence[str]) -> Float32Array:
        """float32 ``(n, dim)``, L2-normalised, in the order of `texts`."""
        owners, windows = self._windows(texts)
        order = sorted(range(len(windows)), key=lambda i: len(windows[i]), reverse=True)
        sums = np.zeros((len(texts), self.spec.dim), np.float32)
        start = 0
        few = sum(map(len, windows)) <= ONE_THREAD_TOKENS
        with _threads(1 if few else self._n_threads), torch.inference_mode():
            while start < len(order):
                check()
                longest = len(windows[order[start]])
                batch = order[start : start + max(1, self._batch_tokens // longest)]
                pooled = self._forward([windows[i] for i in batch]).numpy()
                np.add.at(sums, [owners[i] for i in batch], pooled)
                start += len(batch)
        sums /= np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), _TINY)
        return sums

    def _windows(self, texts: Sequence[str]) -> tuple[list[int], list[list[int]]]:
        """What is read at once, each with its marks, and the index of the text it is of."""
        room = self.spec.max_tokens - 2
        owners: list[int] = []
        windows: list[list[int]] = []
        for index, (first, *content, last) in enumerate(self._tokenize(texts)):
            n = min(max(1, -(-len(content) // room)), MAX_WINDOWS if self._in_windows else 1)
            # Of equal length: a rest of few words would be read without what it goes on from.
            size = min(room, -(-len(content) // n))
            owners += [index] * n
            windows += [[first, *content[i * size : (i + 1) * size], last] for i in range(n)]
        return owners, windows

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
        x = self._weights.words(ids) + self._weights.positions[:longest]
        x = F.layer_norm(x, (dim,), *self._weights.embedding_norm, eps)
        heads = (n, longest, 3, self.spec.n_heads, dim // self.spec.n_heads)
        for layer in self._layers:
            q, k, v = F.linear(x.to(self.dtype), *layer.qkv).view(heads).permute(2, 0, 3, 1, 4)
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
            y = F.linear(y.transpose(1, 2).reshape(n, longest, dim), *layer.attended)
            x = F.layer_norm(x + y, (dim,), *layer.attended_norm, eps)
            y = F.linear(F.gelu(F.linear(x.to(self.dtype), *layer.up)), *layer.down)
            x = F.layer_norm(x + y, (dim,), *layer.down_norm, eps)
        if self.spec.pooling == "cls":
            return x[:, 0]
        # The sum points where the mean does, and those of a text's windows add up to its own.
        return (x * present[..., None]).sum(1)

    def _use_bfloat16_if_exact(self) -> None:
        """bfloat16 products where the processor has them and they keep the vectors."""
        has = torch.cpu.get_capabilities()
        if not (has.get("avx512_bf16") or has.get("amx_bf16")):
            return
        exact, float32_layers = self._probe(), self._layers
        self._layers = tuple(_in_dtype(layer, torch.bfloat16) for layer in float32_layers)
        self.dtype = torch.bfloat16
        cosines = (self._probe() * exact).sum(axis=1)
        if not cosines.min() >= MIN_COSINE:  # also where it is not a number
            self._layers, self.dtype = float32_layers, torch.float32

    def _probe(self) -> Float32Array:
        """float32 ``(n, dim)`` of the probes, each for itself: padding would take most of it."""
        return np.concatenate([self.encode([text]) for text in _PROBES])


def load_bert(files: ModelFiles, spec: BertSpec, recipe: Recipe, batch_tokens: int) -> BertEncoder:
    """The encoder of `files`, which `spec` was read from.

    Raises:
        ModelLoadError: The files are damaged or do not fit together.
    """
    try:
        tokenize: Tokenize
        if files.packed is not None:
            file = E5File(files.packed)
            weights, tokenize = read_packed(file), UnigramTokenizer(file.vocabulary())
        else:
            weights = read_safetensors(files.directory / "model.safetensors", spec)
            n_read = MAX_WINDOWS * spec.max_tokens if recipe.in_windows else spec.max_tokens
            tokenize = _published_tokenizer(files.directory / "tokenizer.json", n_read)
        return BertEncoder(
            spec, weights, tokenize, batch_tokens=batch_tokens, in_windows=recipe.in_windows
        )
    except (SafetensorError, OSError, KeyError, ValueError, RuntimeError) as error:
        raise ModelLoadError(
            f"The text model in {files.directory} can't be loaded: {error}. Copy or install it "
            "again.",
            model_id=str(files.directory),
        ) from error


def _published_tokenizer(path: Path, max_tokens: int) -> Tokenize:
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.enable_truncation(max_tokens)
    tokenizer.no_padding()
    # A text that says [SEP] says five letters; the template's own marks are added after.
    tokenizer.encode_special_tokens = True
    return lambda texts: [encoding.ids for encoding in tokenizer.encode_batch(list(texts))]


def _in_dtype(layer: Layer, dtype: torch.dtype) -> Layer:
    def cast(pair: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        return pair[0].to(dtype), pair[1].to(dtype)

    return replace(
        layer,
        qkv=cast(layer.qkv),
        attended=cast(layer.attended),
        up=cast(layer.up),
        down=cast(layer.down),
    )


@contextmanager
def _threads(n: int) -> Iterator[None]:
    """`n` threads for what this thread computes; OpenMP keeps the number for each thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)
