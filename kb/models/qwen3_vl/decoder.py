"""The language model as an encoder: packed tokens to the state of each sequence's last one.

The weights are those of transformers' ``Qwen3VLTextModel``. Beside packing (see
`kb.models.qwen3_vl.attention`), this forward pass multiplies query, key and value at once, likewise
the two halves of the gated layer, and in the last layer computes the last tokens alone, since
no other state is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from kb.models.qwen3_vl.attention import Layout, attend, attend_cached, attend_last
from kb.models.qwen3_vl.elementwise import apply_rotary_emb, rms_norm
from kb.models.qwen3_vl.kernels import gated_silu, rotate_heads

__all__ = ["Decoder", "KeyValueCache", "Prefix", "Visuals"]

# Keys and values ``(n_shared, n_key_heads, head_dim)`` of a shared prefix, by layer.
Prefix = list[tuple[Tensor, Tensor]]


@dataclass(frozen=True, slots=True)
class Visuals:
    """Tokens of pictures, to be put into the row.

    Attributes:
        rows: int64 ``(n_visual,)``: where they stand.
        tokens: ``(n_visual, dim)``.
        deep: One ``(n_visual, dim)`` for each of the first layers, added to its output
            (DeepStack, Meng et al., 2024).
    """

    rows: Tensor
    tokens: Tensor
    deep: list[Tensor]


@dataclass(frozen=True, slots=True)
class KeyValueCache:
    """Keys and values of what was read and written so far, by layer.

    Attributes:
        keys: ``(capacity, n_key_heads, head_dim)`` each.
        values: As `keys`.
        n_seen: int32 ``(2,)`` on the device: 0 and how many rows are filled.
        one: int32 ``(2,)`` on the device: 0 and 1.
    """

    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]
    n_seen: Tensor
    one: Tensor


@dataclass(frozen=True, slots=True)
class _Layer:
    """Weights as ``(out, in)``."""

    norm: Tensor
    query_key_value: Tensor
    query_norm: Tensor
    key_norm: Tensor
    output: Tensor
    mlp_norm: Tensor
    gate_up: Tensor
    down: Tensor


class Decoder:
    """Packed forward pass.

    Args:
        module: transformers' ``Qwen3VLTextModel``, on its device. Its layers' weights are
            taken out of it to be joined; use it no more.
        flash: Whether `attend` may use FlashAttention.
        kernels: Whether `kb.models.qwen3_vl.kernels` may be used.
    """

    def __init__(self, module: Any, *, flash: bool, kernels: bool = False) -> None:
        config = module.config
        self._flash = flash
        self._kernels = kernels
        self._epsilon: float = config.rms_norm_eps
        self._head_dim: int = config.head_dim
        self._n_heads: int = config.num_attention_heads
        self._n_key_heads: int = config.num_key_value_heads
        self._embedding: Tensor = module.embed_tokens.weight.detach()
        self._norm: Tensor = module.norm.weight.detach()
        self._frequencies: Tensor = module.rotary_emb.inv_freq.float()
        self._axes = _axes(module.rotary_emb.mrope_section, self._head_dim // 2).to(
            self._embedding.device
        )
        self._layers = [_take(layer) for layer in module.layers]

    @property
    def dim(self) -> int:
        """Length of a state."""
        return self._embedding.shape[1]

    @property
    def can_record(self) -> bool:
        """Whether `write` asks the host for nothing, and so may become a CUDA graph."""
        return self._flash

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self._embedding.device

    @torch.inference_mode()
    def forward(
        self,
        token_ids: Tensor,
        positions: Tensor,
        n_shared: int,
        lengths: tuple[int, ...],
        visuals: Visuals | None,
        prefix: Prefix | None = None,
    ) -> Tensor:
        """The state of each sequence's last token after the final norm.

        Args:
            token_ids: int64 ``(n_tokens,)``: the shared prefix, unless `prefix` holds it, then
                each sequence's own.
            positions: int64 ``(3, n_tokens)``.
            n_shared: Tokens of the prefix.
            lengths: Of the sequences' own parts.
            prefix: What an earlier pass left; an empty one is filled by this pass.

        Returns:
            float32 ``(len(lengths), dim)``.
        """
        is_known = bool(prefix)
        layout = Layout(n_shared, lengths, True, self.device, self._flash, is_known)
        hidden = self._shown(token_ids, visuals)
        cosine, sine = self._rotation(positions, hidden.dtype)
        last = len(self._layers) - 1
        for number, layer in enumerate(self._layers):
            known = prefix[number] if prefix and is_known else None
            hidden, key, value = self._layer(
                layer, hidden, cosine, sine, layout, known, is_last=number == last
            )
            if prefix is not None and not is_known:
                prefix.append((key[:n_shared].clone(), value[:n_shared].clone()))
            self._deepen(hidden, visuals, number)
        return self._normed(hidden, self._norm).float()

    def make_cache(self, capacity: int) -> KeyValueCache:
        """An empty one for so many tokens."""
        shape = (capacity, self._n_key_heads, self._head_dim)
        keys, values = (
            tuple(self._embedding.new_empty(shape) for _ in self._layers) for _ in range(2)
        )
        one = torch.arange(2, dtype=torch.int32, device=self.device)
        return KeyValueCache(keys, values, torch.zeros_like(one), one)

    @torch.inference_mode()
    def read(
        self, token_ids: Tensor, positions: Tensor, visuals: Visuals | None, cache: KeyValueCache
    ) -> Tensor:
        """Fill an empty `cache` from a prompt.

        Args:
            token_ids: int64 ``(n_tokens,)``.
            positions: int64 ``(3, n_tokens)``.

        Returns:
            ``(1, dim)``: the last token's state after the final norm.
        """
        n_tokens = len(token_ids)
        layout = Layout(0, (n_tokens,), True, self.device, self._flash)
        hidden = self._shown(token_ids, visuals)
        cosine, sine = self._rotation(positions, hidden.dtype)
        last = len(self._layers) - 1
        for number, layer in enumerate(self._layers):
            hidden, key, value = self._layer(
                layer, hidden, cosine, sine, layout, None, is_last=number == last
            )
            cache.keys[number][:n_tokens] = key
            cache.values[number][:n_tokens] = value
            self._deepen(hidden, visuals, number)
        cache.n_seen[1] = n_tokens
        return self._normed(hidden, self._norm)

    @torch.inference_mode()
    def write(
        self, token_id: Tensor, position: Tensor, cache: KeyValueCache, n_seen: int
    ) -> Tensor:
        """The state after one token more, which joins `cache`.

        Args:
            token_id: int64 ``(1,)``.
            position: int64 ``(3, 1)``.
            n_seen: As `cache` says; where FlashAttention works it is not looked at, so that
                the pass can be recorded once and played for any length.

        Returns:
            ``(1, dim)``, after the final norm.
        """
        hidden = self._embedding[token_id]
        cosine, sine = self._rotation(position, hidden.dtype)
        row = cache.n_seen[1:].long()
        cache.n_seen[1:] += 1
        for number, layer in enumerate(self._layers):
            query, key, value = self._heads(layer, hidden, cosine, sine)
            keys, values = cache.keys[number], cache.values[number]
            keys.index_copy_(0, row, key)
            values.index_copy_(0, row, value)
            attended = attend_cached(
                query, keys, values, (cache.one, cache.n_seen), n_seen + 1, flash=self._flash
            )
            hidden = self._mixed(layer, hidden, attended)
        return self._normed(hidden, self._norm)

    def _shown(self, token_ids: Tensor, visuals: Visuals | None) -> Tensor:
        hidden = self._embedding[token_ids]
        if visuals is not None:
            hidden[visuals.rows] = visuals.tokens.to(hidden.dtype)
        return hidden

    @staticmethod
    def _deepen(hidden: Tensor, visuals: Visuals | None, number: int) -> None:
        """Add what the vision tower has for the output of the layer `number`."""
        if visuals is not None and number < len(visuals.deep):
            hidden[visuals.rows] += visuals.deep[number].to(hidden.dtype)

    def _layer(
        self,
        layer: _Layer,
        hidden: Tensor,
        cosine: Tensor,
        sine: Tensor,
        layout: Layout,
        known: tuple[Tensor, Tensor] | None,
        *,
        is_last: bool,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The layer's output, and the keys and values of all that is seen."""
        query, key, value = self._heads(layer, hidden, cosine, sine, layout, is_last=is_last)
        if is_last:
            hidden = hidden[layout.last_rows]
        if known is not None:
            key, value = torch.cat([known[0], key]), torch.cat([known[1], value])
        attended = (attend_last if is_last else attend)(query, key, value, layout)
        return self._mixed(layer, hidden, attended), key, value

    def _heads(
        self,
        layer: _Layer,
        hidden: Tensor,
        cosine: Tensor,
        sine: Tensor,
        layout: Layout | None = None,
        *,
        is_last: bool = False,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values ``(n, n_heads or n_key_heads, head_dim)``, normalised and
        rotated; where `is_last`, queries of the sequences' last tokens alone."""
        mixed = F.linear(self._normed(hidden, layer.norm), layer.query_key_value)
        heads = mixed.view(len(mixed), -1, self._head_dim)
        n_queries, n_keys = self._n_heads, self._n_key_heads
        if self._kernels:
            norm = (layer.query_norm, layer.key_norm, n_queries, self._epsilon)
            rotate_heads(heads, n_queries + n_keys, cosine, sine, norm)
        query, key, value = torch.split(heads, [n_queries, n_keys, n_keys], dim=1)
        rows = layout.last_rows if layout is not None and is_last else None
        if rows is not None:
            query = query[rows]
        if self._kernels:
            return query, key, value
        key = apply_rotary_emb(self._normed(key, layer.key_norm), cosine, sine)
        if rows is not None:
            cosine, sine = cosine[rows], sine[rows]
        return apply_rotary_emb(self._normed(query, layer.query_norm), cosine, sine), key, value

    def _mixed(self, layer: _Layer, hidden: Tensor, attended: Tensor) -> Tensor:
        """What follows attention in a layer; `hidden` is overwritten."""
        # In place, so that the sum costs no pass over memory.
        hidden.addmm_(attended.reshape(len(hidden), -1), layer.output.T)
        gate_up = F.linear(self._normed(hidden, layer.mlp_norm), layer.gate_up)
        if self._kernels:
            gated = gated_silu(gate_up)
        else:
            gate, up = gate_up.chunk(2, dim=-1)
            gated = F.silu(gate).mul_(up)
        return hidden.addmm_(gated, layer.down.T)

    def _normed(self, states: Tensor, weight: Tensor) -> Tensor:
        return rms_norm(states, weight, self._epsilon)

    def _rotation(self, positions: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Cosine and sine ``(n_tokens, 1, head_dim)`` of interleaved M-RoPE."""
        angles = positions[self._axes].T.float() * self._frequencies
        angles = torch.cat([angles, angles], dim=-1)[:, None]
        return angles.cos().to(dtype), angles.sin().to(dtype)


def _take(layer: Any) -> _Layer:
    """The weights of `layer`, joined; its own are let go, so that memory holds one copy."""
    attention, mlp = layer.self_attn, layer.mlp
    joined = torch.cat(
        [attention.q_proj.weight, attention.k_proj.weight, attention.v_proj.weight]
    ).detach()
    attention.q_proj = attention.k_proj = attention.v_proj = None
    gate_up = torch.cat([mlp.gate_proj.weight, mlp.up_proj.weight]).detach()
    mlp.gate_proj = mlp.up_proj = None
    return _Layer(
        norm=layer.input_layernorm.weight.detach(),
        query_key_value=joined,
        query_norm=attention.q_norm.weight.detach(),
        key_norm=attention.k_norm.weight.detach(),
        output=attention.o_proj.weight.detach(),
        mlp_norm=layer.post_attention_layernorm.weight.detach(),
        gate_up=gate_up,
        down=mlp.down_proj.weight.detach(),
    )


def _axes(sections: list[int], n: int) -> Tensor:
    """For each of `n` frequencies which of time, row and column turns it: rows and columns
    take every third, as far as their sections reach (transformers'
    ``recomposition_frequencies``)."""
    axes = torch.zeros(n, dtype=torch.int64)
    for axis in (1, 2):
        axes[axis : sections[axis] * 3 : 3] = axis
    return axes
