"""What all pairs of a question share is computed in the first batch alone."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from made_contents import picture

from kb.content import Content
from kb.device.loading import load_module
from kb.device.scheduler import DeviceScheduler
from kb.models.qwen3_vl.attention import Layout, attend, attend_last
from kb.models.qwen3_vl.model import PackedModel
from kb.models.qwen3_vl.normalisation import read_normalisation
from kb.models.qwen3_vl.sequence import PromptTokenizer, TokenSequence
from kb.pixels import PixelBudget

CPU = torch.device("cpu")
ROUNDING = 1e-4


@pytest.fixture(scope="module")
def tokenizer(tiny_qwen3_vl: Path) -> PromptTokenizer:
    return PromptTokenizer(tiny_qwen3_vl, PixelBudget(), 8192)


def packed(directory: Path, batch_tokens: int) -> PackedModel:
    module = load_module(directory, CPU, "base")
    return PackedModel(module, read_normalisation(directory), batch_tokens)


def states(model: PackedModel, sequences: Sequence[TokenSequence]) -> np.ndarray:
    found, failed = model.last_states(sequences, DeviceScheduler(), is_query=True)
    assert not failed
    return found


@pytest.mark.parametrize(
    "query",
    [
        Content("Which lamp blinks?"),
        Content("Which?", (picture(128, 96, 0),)),
        Content("", (picture(128, 96, 1),)),
    ],
)
def test_many_batches_give_what_each_pair_alone_gives(
    query: Content, tokenizer: PromptTokenizer, tiny_qwen3_vl: Path
) -> None:
    documents = [
        Content(f"number {n} " * (n + 1), (picture(128, 96, n),) if n % 2 else ()) for n in range(6)
    ]
    pairs = tokenizer.pairs(query, documents, "Find it.")
    assert pairs[0].n_shared > 0
    model = packed(tiny_qwen3_vl, 256)
    counts: list[int] = []
    forward = model.decoder.forward

    def watched(token_ids: torch.Tensor, *rest: Any) -> torch.Tensor:
        counts.append(len(token_ids))
        return forward(token_ids, *rest)

    model.decoder.forward = watched  # type: ignore[method-assign]
    model._batch_tokens = pairs[0].n_shared + 30
    found = states(model, pairs)
    assert len(counts) > 2
    n_own = sum(len(pair) - pair.n_shared for pair in pairs)
    assert sum(counts) == pairs[0].n_shared + n_own
    whole = [replace(pair, n_shared=0, n_shared_visuals=0) for pair in pairs]
    expected = np.concatenate([states(model, [one]) for one in whole])
    np.testing.assert_allclose(found, expected, atol=ROUNDING)


def test_a_long_question_s_keys_are_not_repeated_without_end(
    tokenizer: PromptTokenizer, tiny_qwen3_vl: Path
) -> None:
    pairs = tokenizer.pairs(
        Content("How long does it blink? " * 20), [Content(str(n)) for n in range(60)], "Find it."
    )
    assert pairs[0].n_shared > 300
    model = packed(tiny_qwen3_vl, 1000)
    plan = model._plan(pairs, list(range(len(pairs))))
    assert sorted(index for batch in plan for index in batch) == list(range(len(pairs)))
    n_keys = [pairs[0].n_shared + sum(len(pairs[i]) for i in batch) for batch in plan]
    assert max(n_keys) <= 8 * 1000
    assert len(plan) > 1
    # The same words for all would fit one batch, were it not for their keys.
    assert sum(len(one) - one.n_shared for one in pairs) + pairs[0].n_shared <= 1000


def test_another_question_does_not_find_the_prefix_of_the_one_before(
    tokenizer: PromptTokenizer, tiny_qwen3_vl: Path
) -> None:
    model = packed(tiny_qwen3_vl, 256)
    one = tokenizer.pairs(Content("", (picture(128, 96, 0),)), [Content("a page")], "Find it.")
    # The same tokens, another picture.
    other = tokenizer.pairs(Content("", (picture(128, 96, 1),)), [Content("a page")], "Find it.")
    expected = states(packed(tiny_qwen3_vl, 256), other)
    assert np.abs(states(model, one) - expected).max() > 10 * ROUNDING
    np.testing.assert_allclose(states(model, other), expected, atol=ROUNDING)


def test_two_questions_at_once_keep_their_own_prefixes(
    tokenizer: PromptTokenizer, tiny_qwen3_vl: Path
) -> None:
    model = packed(tiny_qwen3_vl, 256)
    asked = [
        tokenizer.pairs(Content(question), [Content(str(n)) for n in range(12)], "Find it.")
        for question in ("Which lamp blinks?", "Who holds the power button down?")
    ]
    expected = [states(packed(tiny_qwen3_vl, 256), pairs) for pairs in asked]
    # Small batches: the two calls alternate on the device.
    model._most_batch_tokens = model._batch_tokens = max(pairs[0].n_shared for pairs in asked) + 6
    scheduler = DeviceScheduler()
    with ThreadPoolExecutor(2) as threads:
        for _ in range(4):
            calls = [
                threads.submit(model.last_states, pairs, scheduler, is_query=True)
                for pairs in asked
            ]
            for call, wanted in zip(calls, expected, strict=True):
                found, failed = call.result()
                assert not failed
                np.testing.assert_allclose(found, wanted, atol=ROUNDING)


@pytest.mark.parametrize("lengths", [(4, 5), (1,), (3, 1, 3)])
def test_attention_over_a_known_prefix_is_the_rest_of_the_whole(lengths: tuple[int, ...]) -> None:
    n_shared = 3
    whole = Layout(n_shared, lengths, True, CPU, flash=False)
    rest = Layout(n_shared, lengths, True, CPU, flash=False, is_prefix_known=True)
    query, key, value = (torch.randn(whole.n_tokens, heads, 8) for heads in (4, 2, 2))
    expected = attend(query, key, value, whole)[n_shared:]
    torch.testing.assert_close(attend(query[n_shared:], key, value, rest), expected)
    last = query[torch.tensor(whole.ends) - 1]
    torch.testing.assert_close(
        attend_last(last, key, value, rest), attend_last(last, key, value, whole)
    )
    assert rest.query_bounds.tolist() == [n - n_shared for n in (n_shared, *rest.ends)]
    assert whole.key_rows is not None
    assert rest.key_rows is not None
    assert rest.key_rows.tolist() == whole.key_rows.tolist()[n_shared:]
    assert rest.key_bounds.tolist() == [n - n_shared for n in whole.key_bounds.tolist()[1:]]
