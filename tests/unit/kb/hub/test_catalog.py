"""The models that are known, and how sizes are told."""

from __future__ import annotations

import pytest
import torch
from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

from kb.hub.catalog import KNOWN_MODELS, Role, find_known_model

# The published config.json files, as far as they decide the number of parameters.
_TEXT = {"head_dim": 128, "num_key_value_heads": 8, "vocab_size": 151_936}
_VISION_300M = {
    "depth": 24,
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "deepstack_visual_indexes": [5, 11, 17],
}
_SIZES = {
    "2B": (
        {"hidden_size": 2048, "num_hidden_layers": 28, "num_attention_heads": 16}
        | {"intermediate_size": 6144},
        _VISION_300M,
        True,
    ),
    "4B": (
        {"hidden_size": 2560, "num_hidden_layers": 36, "num_attention_heads": 32}
        | {"intermediate_size": 9728},
        _VISION_300M,
        True,
    ),
    "8B": (
        {"hidden_size": 4096, "num_hidden_layers": 36, "num_attention_heads": 32}
        | {"intermediate_size": 12_288},
        {"deepstack_visual_indexes": [8, 16, 24]},
        False,
    ),
}


@pytest.mark.parametrize("size", _SIZES)
def test_the_parameters_are_those_of_the_configuration(size: str) -> None:
    text, vision, is_tied = _SIZES[size]
    config = Qwen3VLConfig(
        text_config={**_TEXT, **text},
        vision_config={**vision, "out_hidden_size": text["hidden_size"]},
        tie_word_embeddings=is_tied,
    )
    with torch.device("meta"):
        model = Qwen3VLForConditionalGeneration(config)
    n_whole = sum(parameter.numel() for parameter in model.parameters())
    n_head = model.lm_head.weight.numel()
    for known in KNOWN_MODELS:
        if f"-{size}" in known.name:
            is_headless = known.name == "Qwen3-VL-Embedding-8B"
            assert known.n_parameters == n_whole - n_head * is_headless, known.name
            assert known.dim == text["hidden_size"]


def test_every_model_of_the_issue_is_known_and_pinned() -> None:
    roles = [model.role for model in KNOWN_MODELS]
    assert [roles.count(role) for role in Role] == [2, 2, 4, 1]
    revisions = {model.revision for model in KNOWN_MODELS}
    assert len(revisions) == len(KNOWN_MODELS)
    assert all(len(revision) == 40 and int(revision, 16) for revision in revisions)


@pytest.mark.parametrize(
    "name", ["Qwen3-VL-Reranker-8B", "qwen/qwen3-vl-reranker-8b", "Qwen/Qwen3-VL-Reranker-8B"]
)
def test_a_name_is_found_with_or_without_its_owner(name: str) -> None:
    found = find_known_model(name)
    assert found is not None
    assert found.repository == "Qwen/Qwen3-VL-Reranker-8B"


def test_a_model_of_another_owner_is_found_under_that_owner_alone() -> None:
    found = find_known_model("Systran/faster-whisper-base")
    assert found is find_known_model("faster-whisper-base")
    assert found is not None
    assert found.repository == "Systran/faster-whisper-base"
    assert found.weights_bytes == 147_882_941
    assert find_known_model("Qwen/faster-whisper-base") is None


def test_other_names_are_not_known() -> None:
    assert find_known_model("Qwen2-VL-2B-Instruct") is None
    assert find_known_model("/models/Qwen3-VL-Reranker-8B") is None
