"""The tensors of a BERT encoder, and how they are read from its files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from safetensors import safe_open
from torch import Tensor

from kb.models.encoders.e5_file import E5File, values_of
from kb.models.encoders.weights import BertSpec
from kb.protocols import Float32Array

__all__ = ["BertWeights", "Layer", "read_packed", "read_safetensors"]

_Pair = tuple[Tensor, Tensor]


@dataclass(frozen=True, slots=True)
class Layer:
    """Weights ``(out, in)`` and biases ``(out,)``; query, key and value are one product."""

    qkv: _Pair
    attended: _Pair
    attended_norm: _Pair
    up: _Pair
    down: _Pair
    down_norm: _Pair


@dataclass(frozen=True, slots=True)
class BertWeights:
    """All of them, float32.

    Attributes:
        words: float32 ``(…, dim)`` embeddings of ids ``(…,)``.
        positions: ``(n_positions, dim)``, the embedding of the one token type added.
        embedding_norm: Weight and bias ``(dim,)``, as of the norms of `layers`.
    """

    words: Callable[[Tensor], Tensor]
    positions: Tensor
    embedding_norm: _Pair
    layers: tuple[Layer, ...]


def read_safetensors(path: Path, spec: BertSpec) -> BertWeights:
    """The weights in `path` under the names that transformers gives them.

    Raises:
        SafetensorError, OSError, KeyError: It is damaged, or of another architecture.
    """
    with safe_open(path, "pt") as file:
        prefix = "bert." if "bert.embeddings.LayerNorm.weight" in file.keys() else ""  # noqa: SIM118

        def tensor(name: str) -> Tensor:
            return file.get_tensor(prefix + name).float()  # type: ignore[no-any-return]

        def pair(name: str) -> _Pair:
            return tensor(f"{name}.weight"), tensor(f"{name}.bias")

        def layer(at: str) -> Layer:
            q, k, v = (pair(f"{at}.attention.self.{part}") for part in ("query", "key", "value"))
            return Layer(
                qkv=(torch.cat([q[0], k[0], v[0]]), torch.cat([q[1], k[1], v[1]])),
                attended=pair(f"{at}.attention.output.dense"),
                attended_norm=pair(f"{at}.attention.output.LayerNorm"),
                up=pair(f"{at}.intermediate.dense"),
                down=pair(f"{at}.output.dense"),
                down_norm=pair(f"{at}.output.LayerNorm"),
            )

        table = tensor("embeddings.word_embeddings.weight")
        return BertWeights(
            words=lambda ids: F.embedding(ids, table),
            # Sentence encoders have one segment: its embedding is a constant of every position.
            positions=(
                tensor("embeddings.position_embeddings.weight")
                + tensor("embeddings.token_type_embeddings.weight")[0]
            ),
            embedding_norm=pair("embeddings.LayerNorm"),
            layers=tuple(layer(f"encoder.layer.{i}") for i in range(spec.n_layers)),
        )


def read_packed(file: E5File) -> BertWeights:
    """The weights in `file`, the word embeddings still in four bits: 54 MB instead of 384.

    Raises:
        ValueError: A tensor is missing or has another size than the shape wants.
    """
    dim = file.spec.dim

    def product(name: str, n_out: int, n_in: int) -> _Pair:
        matrix = values_of(file.blocks(f"{name}.w", n_out, n_in))
        return _tensor(matrix), _tensor(file.floats(f"{name}.b", n_out))

    def norm(name: str) -> _Pair:
        return _tensor(file.floats(f"{name}.w", dim)), _tensor(file.floats(f"{name}.b", dim))

    def layer(at: str) -> Layer:
        q, k, v = (product(f"{at}.{part}", dim, dim) for part in "qkv")
        return Layer(
            qkv=(torch.cat([q[0], k[0], v[0]]), torch.cat([q[1], k[1], v[1]])),
            attended=product(f"{at}.ao", dim, dim),
            attended_norm=norm(f"{at}.aln"),
            up=product(f"{at}.fi", file.n_up, dim),
            down=product(f"{at}.fo", dim, file.n_up),
            down_norm=norm(f"{at}.oln"),
        )

    n_positions = file.spec.max_tokens
    positions = file.floats("emb.pos", n_positions * dim).reshape(n_positions, dim)
    types = file.floats("emb.type", file.n_types * dim)
    blocks = file.blocks("emb.word", file.n_words, dim)
    return BertWeights(
        words=lambda ids: torch.from_numpy(values_of(blocks[ids.numpy()])),
        positions=_tensor(positions + types[:dim]),
        embedding_norm=norm("emb.ln"),
        layers=tuple(layer(f"l{i}") for i in range(file.spec.n_layers)),
    )


def _tensor(values: Float32Array) -> Tensor:
    # A copy: torch wants memory that it may write.
    return torch.from_numpy(np.array(values, np.float32))
