"""Packed attention against a dense masked softmax over the whole row."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.attention import varlen

from kb.models.qwen3_vl.attention import Layout, attend, attend_last, flash_agrees

CPU = torch.device("cpu")
HEAD_DIM = 8


def drawn_layouts() -> list[tuple[int, tuple[int, ...], bool]]:
    """``(n_shared, lengths, is_causal)``: corners, then random ones."""
    generator = torch.Generator().manual_seed(0)

    def draw(low: int, high: int) -> int:
        return int(torch.randint(low, high, (), generator=generator))

    corners: list[tuple[int, tuple[int, ...], bool]] = [
        (0, (1,), True),
        (0, (1, 1, 1), True),
        (0, (1,), False),
        (1, (1,), True),
        (1, (1, 1), True),
        (7, (1, 5, 1), True),
        (0, (9, 1), False),
    ]
    random: list[tuple[int, tuple[int, ...], bool]] = []
    for _ in range(25):
        lengths = tuple(draw(1, 12) for _ in range(draw(1, 7)))
        n_shared = draw(0, 2) * draw(1, 15)
        random.append((n_shared, lengths, True))
        random.append((0, lengths, False))
    return corners + random


def dense(query: Tensor, key: Tensor, value: Tensor, layout: Layout) -> Tensor:
    """Every token against every token, in float64, under one mask."""
    owner = torch.zeros(layout.n_tokens, dtype=torch.int64)
    start = layout.n_shared
    for number, length in enumerate(layout.lengths):
        owner[start : start + length] = number + 1
        start += length
    sees = (owner[:, None] == owner[None]) | (owner[None] == 0)
    if not layout.n_shared:
        sees = owner[:, None] == owner[None]
    if layout.is_causal:
        sees = sees & torch.ones_like(sees).tril()
    group = query.shape[1] // key.shape[1]
    key, value = (one.double().repeat_interleave(group, dim=1) for one in (key, value))
    scores = torch.einsum("qhd,khd->hqk", query.double(), key) / HEAD_DIM**0.5
    weights = scores.masked_fill(~sees, -torch.inf).softmax(-1)
    return torch.einsum("hqk,khd->qhd", weights, value).float()


def inputs(n_tokens: int, n_heads: int, n_key_heads: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(n_tokens)
    query, key, value = (
        torch.randn(n_tokens, heads, HEAD_DIM, generator=generator)
        for heads in (n_heads, n_key_heads, n_key_heads)
    )
    return query, key, value


def varlen_reference(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    cu_seq_q: Tensor,
    cu_seq_k: Tensor,
    max_q: int,
    max_k: int,
    *,
    window_size: tuple[int, int] = (-1, -1),
    enable_gqa: bool = False,
) -> Tensor:
    """What torch says of ``varlen_attn``, segment by segment, so that the bookkeeping around the
    GPU's kernel is checked where there is no GPU. A causal window ends with the keys."""
    assert cu_seq_q.dtype == cu_seq_k.dtype == torch.int32
    assert enable_gqa == (query.shape[1] != key.shape[1])
    assert len(cu_seq_q) == len(cu_seq_k)
    assert (int(cu_seq_q[-1]), int(cu_seq_k[-1])) == (len(query), len(key))
    parts = []
    bounds = zip(cu_seq_q.tolist(), cu_seq_q[1:].tolist(), cu_seq_k.tolist(), cu_seq_k[1:].tolist(),
                 strict=False)  # fmt: skip
    for q0, q1, k0, k1 in bounds:
        assert 0 < q1 - q0 <= max_q
        assert 0 < k1 - k0 <= max_k
        mask = torch.ones(q1 - q0, k1 - k0, dtype=torch.bool)
        if window_size == (-1, 0):
            mask = mask.tril(k1 - k0 - (q1 - q0))
        found = torch.nn.functional.scaled_dot_product_attention(
            *(one.transpose(0, 1)[None] for one in (query[q0:q1], key[k0:k1], value[k0:k1])),
            attn_mask=mask,
            enable_gqa=enable_gqa,
        )
        parts.append(found[0].transpose(0, 1))
    return torch.cat(parts)


def former_varlen_reference(
    query: Tensor, key: Tensor, *others: Any, window_size: tuple[int, int] = (-1, -1)
) -> Tensor:
    """As in torch 2.11, which takes no `enable_gqa`."""
    is_grouped = query.shape[1] != key.shape[1]
    return varlen_reference(query, key, *others, window_size=window_size, enable_gqa=is_grouped)


@pytest.mark.parametrize("way", ["plain", "flash", "flash of torch 2.11"])
@pytest.mark.parametrize(("n_heads", "n_key_heads"), [(4, 4), (4, 2), (6, 1)])
@pytest.mark.parametrize(("n_shared", "lengths", "is_causal"), drawn_layouts())
def test_each_sequence_sees_itself_and_the_prefix(
    n_shared: int,
    lengths: tuple[int, ...],
    is_causal: bool,
    n_heads: int,
    n_key_heads: int,
    way: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    is_former = way == "flash of torch 2.11"
    reference = former_varlen_reference if is_former else varlen_reference
    monkeypatch.setattr(varlen, "varlen_attn", reference)
    layout = Layout(n_shared, lengths, is_causal, CPU, flash=way != "plain")
    query, key, value = inputs(layout.n_tokens, n_heads, n_key_heads)
    expected = dense(query, key, value, layout)
    found = attend(query, key, value, layout)
    torch.testing.assert_close(found, expected, atol=2e-6, rtol=1e-5)
    if is_causal:
        ends = torch.tensor(layout.ends) - 1
        last = attend_last(query[ends], key, value, layout)
        torch.testing.assert_close(last, expected[ends], atol=2e-6, rtol=1e-5)


def test_another_sequence_changes_nothing() -> None:
    layout = Layout(3, (4, 5), True, CPU, flash=False)
    query, key, value = inputs(layout.n_tokens, 4, 2)
    before = attend(query, key, value, layout)
    key[7:], value[7:] = 9.0, -9.0
    after = attend(query, key, value, layout)
    assert torch.equal(before[:7], after[:7])
    assert not torch.equal(before[7:], after[7:])


def test_where_sequences_lie() -> None:
    layout = Layout(2, (3, 1), True, CPU, flash=False)
    assert layout.n_tokens == 6
    assert layout.ends == (5, 6)
    assert layout.query_bounds.tolist() == [0, 2, 5, 6]
    assert layout.key_bounds.tolist() == [0, 2, 7, 10]
    assert layout.key_rows is not None
    assert layout.key_rows.tolist() == [0, 1, 0, 1, 2, 3, 4, 0, 1, 5]


def test_there_is_no_flash_attention_on_the_processor() -> None:
    assert not flash_agrees(4, 2, 16, CPU)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
class TestGpu:
    def test_both_ways_agree(self) -> None:
        cuda = torch.device("cuda")
        assert flash_agrees(16, 8, 128, cuda)
        assert flash_agrees(16, 16, 64, cuda)

    def test_flash_is_dense_to_rounding(self) -> None:
        cuda = torch.device("cuda")
        generator = torch.Generator().manual_seed(1)
        for n_shared, lengths, is_causal in drawn_layouts():
            layout = Layout(n_shared, lengths, is_causal, cuda, flash=True)
            query, key, value = (
                torch.randn(layout.n_tokens, heads, 64, generator=generator).bfloat16()
                for heads in (4, 2, 2)
            )
            plain = Layout(n_shared, lengths, is_causal, CPU, flash=False)
            expected = attend(query.float(), key.float(), value.float(), plain)
            query, key, value = query.to(cuda), key.to(cuda), value.to(cuda)
            found = attend(query, key, value, layout).float().cpu()
            torch.testing.assert_close(found, expected, atol=3e-2, rtol=3e-2)
            if is_causal:
                ends = torch.tensor(layout.ends) - 1
                last = attend_last(query[ends.to(cuda)], key, value, layout).float().cpu()
                torch.testing.assert_close(last, expected[ends], atol=3e-2, rtol=3e-2)
