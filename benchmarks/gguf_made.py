"""A GGUF of a published shape with random weights, in the mix of types that is published.

What it writes means nothing; its size and its work are those of the published file: Q4_K, with
token embeddings and half of `ffn_down` and `attn_v` in Q6_K (llama.cpp's Q4_K_M), and the vision
part in Q8_0.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray

from benchmarks.qwen3_vl_made import Dimensions
from tests.made_gguf import add_tokenizer

__all__ = ["make_language_part", "make_vision_part"]

_Q4_K = gguf.GGMLQuantizationType.Q4_K
_Q6_K = gguf.GGMLQuantizationType.Q6_K
_Q8_0 = gguf.GGMLQuantizationType.Q8_0
_SCALE = np.frombuffer(np.float16(2e-4).tobytes(), np.uint8)


class _Maker:
    """Adds tensors with random weights to a file."""

    def __init__(self, path: Path, architecture: str) -> None:
        self.writer: Any = gguf.GGUFWriter(path, architecture)
        self._random = np.random.default_rng(0)

    def matrix(self, name: str, n_rows: int, n_columns: int, kind: Any) -> None:
        """In blocks of `kind`, whose scales are small and whose other bits are random."""
        n_values, n_bytes = gguf.GGML_QUANT_SIZES[kind]
        data = self._random.integers(0, 256, (n_rows, n_columns // n_values, n_bytes), np.uint8)
        scale_at = n_bytes - 2 if kind is _Q6_K else 0
        data[:, :, scale_at : scale_at + 2] = _SCALE
        if kind is _Q4_K:
            data[:, :, 2:4] = _SCALE  # of the minima
        self.writer.add_tensor(name, data.reshape(n_rows, -1), raw_dtype=kind)

    def vector(self, name: str, n: int, value: float = 0.0) -> None:
        """In float32."""
        self.floats(name, np.full(n, value, np.float32))

    def floats(self, name: str, values: NDArray[np.float32]) -> None:
        """As they are."""
        self.writer.add_tensor(name, values)

    def drawn(self, *shape: int) -> NDArray[np.float32]:
        """Small random numbers."""
        return (self._random.standard_normal(shape) * 0.02).astype(np.float32)

    def close(self) -> None:
        """Write the file."""
        self.writer.write_header_to_file()
        self.writer.write_kv_data_to_file()
        self.writer.write_tensors_to_file()
        self.writer.close()


def make_language_part(path: Path, size: Dimensions, tokenizer: Path, template: str) -> Path:
    """The language model of `size`, tied, at `path`.

    Args:
        tokenizer: A checkpoint whose tokenizer is used; what it lacks is filled up.
        template: Of a chat, in Jinja.
    """
    made = _Maker(path, "qwen3vl")
    writer = made.writer
    writer.add_block_count(size.n_layers)
    writer.add_context_length(262_144)
    writer.add_embedding_length(size.hidden)
    writer.add_feed_forward_length(size.intermediate)
    writer.add_head_count(size.n_heads)
    writer.add_head_count_kv(size.n_key_heads)
    writer.add_key_length(size.head_dim)
    writer.add_value_length(size.head_dim)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(5_000_000.0)
    half = size.head_dim // 2
    across = half * 5 // 16  # 24, 20 and 20 of 64, as published
    writer.add_rope_dimension_sections([half - 2 * across, across, across, 0])
    writer.add_num_deepstack_layers(len(size.deep_layers))
    add_tokenizer(writer, tokenizer, template, size.n_vocabulary)
    made.matrix("token_embd.weight", size.n_vocabulary, size.hidden, _Q6_K)
    made.vector("output_norm.weight", size.hidden, 1.0)
    n_query, n_key = size.n_heads * size.head_dim, size.n_key_heads * size.head_dim
    for layer in range(size.n_layers):
        block = f"blk.{layer}"
        # llama.cpp's `use_more_bits`: the first and last eighths, and every third between.
        eighth = size.n_layers // 8
        is_wide = not eighth <= layer < 7 * eighth or (layer - eighth) % 3 == 2
        wide = _Q6_K if is_wide else _Q4_K
        for name in ("attn_norm", "ffn_norm"):
            made.vector(f"{block}.{name}.weight", size.hidden, 1.0)
        for name in ("attn_q_norm", "attn_k_norm"):
            made.vector(f"{block}.{name}.weight", size.head_dim, 1.0)
        made.matrix(f"{block}.attn_q.weight", n_query, size.hidden, _Q4_K)
        made.matrix(f"{block}.attn_k.weight", n_key, size.hidden, _Q4_K)
        made.matrix(f"{block}.attn_v.weight", n_key, size.hidden, wide)
        made.matrix(f"{block}.attn_output.weight", size.hidden, n_query, _Q4_K)
        made.matrix(f"{block}.ffn_gate.weight", size.intermediate, size.hidden, _Q4_K)
        made.matrix(f"{block}.ffn_up.weight", size.intermediate, size.hidden, _Q4_K)
        made.matrix(f"{block}.ffn_down.weight", size.hidden, size.intermediate, wide)
    made.close()
    return path


def make_vision_part(path: Path, size: Dimensions) -> Path:
    """The vision tower of `size` at `path`, which begins with ``mmproj``."""
    made = _Maker(path, "clip")
    writer = made.writer
    writer.add_type(gguf.GGUFType.MMPROJ)
    writer.add_clip_has_vision_encoder(True)
    writer.add_clip_projector_type(gguf.VisionProjectorType.QWEN3VL)
    writer.add_vision_projection_dim(size.hidden)
    writer.add_vision_image_size(768)
    writer.add_vision_patch_size(16)
    writer.add_vision_embedding_length(size.vision_hidden)
    writer.add_vision_feed_forward_length(size.vision_intermediate)
    writer.add_vision_block_count(size.vision_depth)
    writer.add_vision_head_count(size.vision_heads)
    writer.add_vision_attention_layernorm_eps(1e-6)
    writer.add_vision_spatial_merge_size(2)
    writer.add_vision_use_gelu(True)
    writer.add_vision_image_mean([0.5] * 3)
    writer.add_vision_image_std([0.5] * 3)
    writer.add_vision_is_deepstack_layers(
        [layer in size.deep_layers for layer in range(size.vision_depth)]
    )
    width = size.vision_hidden

    def linear(name: str, n_out: int, n_in: int) -> None:
        made.matrix(f"{name}.weight", n_out, n_in, _Q8_0)
        made.vector(f"{name}.bias", n_out)

    def norm(name: str, n: int) -> None:
        made.vector(f"{name}.weight", n, 1.0)
        made.vector(f"{name}.bias", n)

    for name in ("v.patch_embd.weight", "v.patch_embd.weight.1"):
        made.floats(name, made.drawn(width, 3, 16, 16))
    made.vector("v.patch_embd.bias", width)
    made.floats("v.position_embd.weight", made.drawn(2304, width))
    for layer in range(size.vision_depth):
        block = f"v.blk.{layer}"
        norm(f"{block}.ln1", width)
        norm(f"{block}.ln2", width)
        linear(f"{block}.attn_qkv", 3 * width, width)
        linear(f"{block}.attn_out", width, width)
        linear(f"{block}.ffn_up", size.vision_intermediate, width)
        linear(f"{block}.ffn_down", width, size.vision_intermediate)
    norm("v.post_ln", width)
    linear("mm.0", 4 * width, 4 * width)
    linear("mm.2", size.hidden, 4 * width)
    for layer in size.deep_layers:
        norm(f"v.deepstack.{layer}.norm", 4 * width)
        linear(f"v.deepstack.{layer}.fc1", 4 * width, 4 * width)
        linear(f"v.deepstack.{layer}.fc2", size.hidden, 4 * width)
    made.close()
    return path
