"""Attention over packed sequences: no padding, and a prefix that many sequences share.

Three ways compute the same: torch's variable-length FlashAttention on a GPU, cuDNN's attention
for large pictures of few sizes there, and one scaled-dot-product call a sequence elsewhere.
`flash_agrees` and `dense_agrees` compare them on the device.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from kb.models.qwen3_vl.elementwise import BFLOAT16_TOLERANCE
from kb.models.qwen3_vl.transfer import to_device

__all__ = ["Layout", "attend", "attend_cached", "attend_last", "dense_agrees", "flash_agrees"]

log = logging.getLogger(__name__)

# Of the self-test: shared prefix, own lengths, whether causal, whether the prefix is known.
_PROBES = (
    (0, (5, 70, 1), True, False),
    (33, (40, 3), True, False),
    (33, (40, 3), True, True),
    (0, (9, 64), False, False),
)


@dataclass(frozen=True)
class Layout:
    """How sequences lie in one row of tokens: a shared prefix first, then each one's own.

    Attributes:
        n_shared: Tokens of the prefix; every sequence sees them. 0 for none.
        lengths: Of the sequences' own parts.
        is_causal: Whether a token sees only what stands before it.
        is_prefix_known: Keys and values begin with the prefix, queries do not: its states
            were computed before.
        is_dense: Whether cuDNN is used, a call a sequence; of sequences that share nothing and
            are not causal.
    """

    n_shared: int
    lengths: tuple[int, ...]
    is_causal: bool
    device: torch.device
    flash: bool
    is_prefix_known: bool = False
    is_dense: bool = False
    _masks: dict[int, Tensor] = field(default_factory=dict, repr=False, compare=False)

    @property
    def n_tokens(self) -> int:
        """Rows of the keys."""
        return self.n_shared + sum(self.lengths)

    @cached_property
    def ends(self) -> tuple[int, ...]:
        """Where each sequence ends in the keys."""
        ends, end = [], self.n_shared
        for length in self.lengths:
            end += length
            ends.append(end)
        return tuple(ends)

    @cached_property
    def last_rows(self) -> Tensor:
        """int64 ``(n_sequences,)``: of the queries, each sequence's last."""
        return to_device(torch.tensor(self.ends) - 1 - self.query_start, self.device)

    @property
    def query_start(self) -> int:
        """The first key's row that has a query."""
        return self.n_shared if self.is_prefix_known else 0

    @property
    def query_lengths(self) -> tuple[int, ...]:
        """Rows of the queries: the prefix, unless it is known, then each sequence's own."""
        has_prefix = self.n_shared > self.query_start
        return (self.n_shared, *self.lengths) if has_prefix else self.lengths

    @cached_property
    def query_bounds(self) -> Tensor:
        """int32 ``(n + 1,)``: cumulative `query_lengths`."""
        return _bounds(self.query_lengths, self.device)

    @cached_property
    def key_bounds(self) -> Tensor:
        """int32 ``(n + 1,)``: likewise of what each sees."""
        if not self.n_shared:
            return self.query_bounds
        seen = [self.n_shared + length for length in self.lengths]
        return _bounds(seen if self.is_prefix_known else [self.n_shared, *seen], self.device)

    @cached_property
    def key_rows(self) -> Tensor | None:
        """int64: for every sequence the rows it sees, the prefix's repeated; None without."""
        if not self.n_shared:
            return None
        shared = torch.arange(self.n_shared)
        rows = [] if self.is_prefix_known else [shared]
        for length, end in zip(self.lengths, self.ends, strict=True):
            rows += [shared, torch.arange(end - length, end)]
        return to_device(torch.cat(rows), self.device)

    def mask(self, length: int, dtype: torch.dtype) -> Tensor:
        """``(length, n_shared + length)``: 0 where a sequence of `length` sees a key, minus
        infinity elsewhere. Made once for all layers."""
        if length not in self._masks:
            hidden = torch.full(
                (length, self.n_shared + length), -torch.inf, dtype=dtype, device=self.device
            )
            self._masks[length] = hidden.triu(self.n_shared + 1)
        return self._masks[length]


def attend(query: Tensor, key: Tensor, value: Tensor, layout: Layout) -> Tensor:
    """Softmax attention of each sequence over itself and the shared prefix.

    Args:
        query: ``(n_tokens, n_heads, head_dim)``, less the prefix where it is known.
        key: ``(n_tokens, n_key_heads, head_dim)``, n_heads a multiple of n_key_heads.
        value: As `key`.

    Returns:
        As `query`.
    """
    if layout.is_dense:
        return _dense(query, key, value, layout)
    if layout.flash:
        return _flash(query, key, value, layout)
    return _one_by_one(query, key, value, layout)


def attend_last(query: Tensor, key: Tensor, value: Tensor, layout: Layout) -> Tensor:
    """Attention of each sequence's last token alone.

    Args:
        query: ``(n_sequences, n_heads, head_dim)``: of the last tokens.
        key: ``(n_tokens, n_key_heads, head_dim)``.
        value: As `key`.

    Returns:
        As `query`.
    """
    if layout.flash:
        return _flash_last(query, key, value, layout)
    shared_key, shared_value = key[: layout.n_shared], value[: layout.n_shared]
    rows = []
    for number, (length, end) in enumerate(zip(layout.lengths, layout.ends, strict=True)):
        seen_key = torch.cat([shared_key, key[end - length : end]])
        seen_value = torch.cat([shared_value, value[end - length : end]])
        rows.append(_sdpa(query[number : number + 1], seen_key, seen_value, None))
    return torch.cat(rows)


def attend_cached(
    query: Tensor,
    keys: Tensor,
    values: Tensor,
    bounds: tuple[Tensor, Tensor],
    n_seen: int,
    *,
    flash: bool,
) -> Tensor:
    """Attention of one token over the first rows of a cache.

    Args:
        query: ``(1, n_heads, head_dim)``.
        keys: ``(capacity, n_key_heads, head_dim)``.
        values: As `keys`.
        bounds: int32 ``(2,)`` each, on the device: 0 and 1, 0 and `n_seen`.
        n_seen: How many rows count; with `flash`, `bounds` alone decides.

    Returns:
        As `query`.
    """
    if flash:
        return _varlen_attn(query, keys, values, *bounds, 1, len(keys))
    return _sdpa(query, keys[:n_seen], values[:n_seen], None)


@torch.inference_mode()
def flash_agrees(n_heads: int, n_key_heads: int, head_dim: int, device: torch.device) -> bool:
    """Whether variable-length FlashAttention works here and gives what the plain way gives, for
    every kind of layout and for last tokens alone. Where it does not, the log says why."""
    if device.type != "cuda":
        return False
    generator = torch.Generator(device).manual_seed(0)
    for n_shared, lengths, is_causal, is_known in _PROBES:
        plain = Layout(n_shared, lengths, is_causal, device, False, is_known)
        flash = Layout(n_shared, lengths, is_causal, device, True, is_known)
        heads = (n_heads, n_key_heads, n_key_heads)
        joined = torch.randn(
            plain.n_tokens, sum(heads), head_dim, generator=generator, device=device
        )
        # Parts of one tensor, as the models have them.
        query, key, value = torch.split(joined.bfloat16(), list(heads), dim=1)
        ends = query[torch.tensor(plain.ends, device=device) - 1]
        query = query[plain.query_start :]
        try:
            pairs = [(attend(query, key, value, one) for one in (plain, flash))]
            if is_causal:
                pairs.append(attend_last(ends, key, value, one) for one in (plain, flash))
                n_seen = plain.n_tokens - 1
                bounds = (_bounds([1], device), _bounds([n_seen], device))
                pairs.append(
                    attend_cached(ends[:1], key, value, bounds, n_seen, flash=way)
                    for way in (False, True)
                )
            for expected, found in pairs:
                worst = float((found.float() - expected.float()).abs().max())
                if not worst <= BFLOAT16_TOLERANCE:
                    log.warning("FlashAttention differs by %.3f from the plain way.", worst)
                    return False
        except (RuntimeError, ImportError, TypeError, AttributeError) as error:
            log.warning("FlashAttention over packed sequences does not work here: %s", error)
            return False
    return True


@torch.inference_mode()
def dense_agrees(n_heads: int, head_dim: int, device: torch.device) -> bool:
    """Whether cuDNN's attention works here and gives what the plain way gives."""
    if device.type != "cuda":
        return False
    generator = torch.Generator(device).manual_seed(0)
    layouts = [Layout(0, (40, 72), False, device, False, is_dense=d) for d in (False, True)]
    joined = torch.randn(112, 3 * n_heads, head_dim, generator=generator, device=device)
    query, key, value = joined.bfloat16().chunk(3, dim=1)
    try:
        expected, found = (attend(query, key, value, layout).float() for layout in layouts)
    except (RuntimeError, TypeError, AttributeError) as error:
        log.info("cuDNN's attention does not work here: %s", error)
        return False
    return float((found - expected).abs().max()) <= BFLOAT16_TOLERANCE


def _dense(query: Tensor, key: Tensor, value: Tensor, layout: Layout) -> Tensor:
    """On Hopper it reaches 1.6 times the rate of torch's FlashAttention 2."""
    parts = []
    for length, end in zip(layout.lengths, layout.ends, strict=True):
        shown = (one[end - length : end].transpose(0, 1)[None] for one in (query, key, value))
        # The operator itself: the context manager that chooses it is global to the process.
        found, *_ = torch.ops.aten._scaled_dot_product_cudnn_attention(*shown, None, False)
        parts.append(found[0].transpose(0, 1))
    return torch.cat(parts)


def _flash(query: Tensor, key: Tensor, value: Tensor, layout: Layout) -> Tensor:
    if layout.key_rows is not None:
        key, value = key[layout.key_rows], value[layout.key_rows]
    queries = layout.query_lengths
    # A causal window is aligned to the end of the keys: own tokens see the whole prefix.
    window = (-1, 0) if layout.is_causal else (-1, -1)
    return _varlen_attn(
        query,
        key,
        value,
        layout.query_bounds,
        layout.key_bounds,
        max(queries),
        layout.n_shared + max(layout.lengths) if layout.n_shared else max(queries),
        window_size=window,
    )


def _flash_last(query: Tensor, key: Tensor, value: Tensor, layout: Layout) -> Tensor:
    bounds = layout.key_bounds
    if layout.key_rows is not None:
        rows = layout.key_rows
        if not layout.is_prefix_known:
            # Without the prefix's own entry, which comes first.
            rows, bounds = rows[layout.n_shared :], bounds[1:] - layout.n_shared
        key, value = key[rows], value[rows]
    return _varlen_attn(
        query,
        key,
        value,
        _bounds([1] * len(layout.lengths), layout.device),
        bounds,
        1,
        layout.n_shared + max(layout.lengths),
    )


def _varlen_attn(query: Tensor, key: Tensor, value: Tensor, *bounds: Any, **window: Any) -> Tensor:
    """torch's, with several heads of queries to one of keys."""
    from torch.nn.attention import varlen

    call: Callable[..., Any] = varlen.varlen_attn
    if _asks_for_groups(call):
        window["enable_gqa"] = query.shape[1] != key.shape[1]
    found = call(query, key, value, *bounds, **window)
    assert isinstance(found, Tensor)
    return found


@cache
def _asks_for_groups(varlen_attn: Callable[..., Any]) -> bool:
    """torch 2.11 takes such heads unasked."""
    return "enable_gqa" in inspect.signature(varlen_attn).parameters


def _one_by_one(query: Tensor, key: Tensor, value: Tensor, layout: Layout) -> Tensor:
    n_shared = layout.n_shared
    parts = []
    if n_shared and not layout.is_prefix_known:
        parts.append(
            _sdpa(query[:n_shared], key[:n_shared], value[:n_shared], None, is_causal=True)
        )
    for length, end in zip(layout.lengths, layout.ends, strict=True):
        own = slice(end - length, end)
        asking = query[own.start - layout.query_start : end - layout.query_start]
        if not n_shared:
            parts.append(_sdpa(asking, key[own], value[own], None, is_causal=layout.is_causal))
            continue
        parts.append(
            _sdpa(
                asking,
                torch.cat([key[:n_shared], key[own]]),
                torch.cat([value[:n_shared], value[own]]),
                layout.mask(length, query.dtype),
            )
        )
    return torch.cat(parts)


def _sdpa(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, *, is_causal: bool = False
) -> Tensor:
    found = F.scaled_dot_product_attention(
        query.transpose(0, 1)[None],
        key.transpose(0, 1)[None],
        value.transpose(0, 1)[None],
        attn_mask=mask,
        is_causal=is_causal,
        enable_gqa=query.shape[1] != key.shape[1],
    )
    return found[0].transpose(0, 1)


def _bounds(lengths: Sequence[int], device: torch.device) -> Tensor:
    bounds = torch.zeros(len(lengths) + 1, dtype=torch.int32)
    bounds[1:] = torch.tensor(lengths, dtype=torch.int32).cumsum(0)
    return to_device(bounds, device)
