"""A tiny Qwen3-VL checkpoint with random weights, complete enough for transformers to load,
generate with and serve: what it computes means nothing and is the same every time."""

from __future__ import annotations

import json
from pathlib import Path

__all__ = ["SPECIAL_TOKENS", "make_checkpoint"]

SPECIAL_TOKENS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
)

_VOCABULARY_SIZE = 512
# How Qwen2's tokenizer cuts text before it joins bytes.
_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
# What is often seen becomes one token. `:!` comes before `>:`, so that the end of
# `<Document>:` melts into a document that begins with an exclamation mark.
_WORDS = (
    [":!"] * 400
    + ["yes", "no", "system", "user", "assistant", ">:"] * 200
    + ["seconds", "Document", "Query", "Instruct"] * 100
    + "Represent the user's input. Judge whether the Document meets the requirements based on "
    "the Query and the Instruct provided. Note that the answer can only be. Hold the power "
    "button for ten seconds to reset the device. Retrieve images or text relevant to the "
    "user's query. 如何重置设备？长按电源键十秒。".split()
    * 8
)
_CHAT_TEMPLATE = """\
{%- for message in messages %}
{{- '<|im_start|>' + message.role + '\\n' }}
{%- if message.content is string %}
{{- message.content }}
{%- else %}
{%- for part in message.content %}
{%- if part.type in ('image', 'image_url') %}
{{- '<|vision_start|><|image_pad|><|vision_end|>' }}
{%- elif part.type == 'video' %}
{{- '<|vision_start|><|video_pad|><|vision_end|>' }}
{%- else %}
{{- part.text }}
{%- endif %}
{%- endfor %}
{%- endif %}
{{- '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""
_PICTURES = {
    "image_processor_type": "Qwen2VLImageProcessor",
    "processor_class": "Qwen3VLProcessor",
    "patch_size": 16,
    "temporal_patch_size": 2,
    "merge_size": 2,
    "size": {"longest_edge": 1_843_200, "shortest_edge": 4096},
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
}
_CLIPS = {
    "video_processor_type": "Qwen3VLVideoProcessor",
    "processor_class": "Qwen3VLProcessor",
    "patch_size": 16,
    "temporal_patch_size": 2,
    "merge_size": 2,
    "fps": 1,
    "size": {"longest_edge": 786_432, "shortest_edge": 131_072},
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
}


def make_checkpoint(
    directory: Path, *, seed: int = 0, hidden_size: int = 64, head_size: int = 16
) -> Path:
    """Write a whole checkpoint into `directory`, which is made, and return it. `hidden_size` is
    the length of a vector; `head_size` that of each head of attention, a multiple of 8."""
    directory.mkdir(parents=True, exist_ok=True)
    ids = _write_tokenizer(directory)
    _write_model(directory, ids, seed, hidden_size, head_size)
    (directory / "chat_template.jinja").write_text(_CHAT_TEMPLATE, "utf-8")
    _write_json(directory / "preprocessor_config.json", _PICTURES)
    _write_json(directory / "video_preprocessor_config.json", _CLIPS)
    return directory


def _write_tokenizer(directory: Path) -> dict[str, int]:
    from tokenizers import (
        AddedToken,
        Regex,
        Tokenizer,
        decoders,
        models,
        normalizers,
        pre_tokenizers,
        trainers,
    )

    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        _WORDS,
        trainers.BpeTrainer(
            vocab_size=_VOCABULARY_SIZE,
            special_tokens=[
                AddedToken(token, normalized=False, special=True) for token in SPECIAL_TOKENS
            ],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    tokenizer.save(str(directory / "tokenizer.json"))
    _write_json(
        directory / "tokenizer_config.json",
        {
            "tokenizer_class": "Qwen2Tokenizer",
            "processor_class": "Qwen3VLProcessor",
            "model_max_length": 32_768,
            "bos_token": None,
            "eos_token": "<|im_end|>",
            "pad_token": "<|endoftext|>",
            "unk_token": None,
            "clean_up_tokenization_spaces": False,
            "additional_special_tokens": list(SPECIAL_TOKENS),
        },
    )
    return {token: tokenizer.token_to_id(token) for token in SPECIAL_TOKENS}


def _write_model(
    directory: Path, ids: dict[str, int], seed: int, hidden_size: int, head_size: int
) -> None:
    import torch
    from transformers import GenerationConfig, Qwen3VLConfig, Qwen3VLForConditionalGeneration

    config = Qwen3VLConfig(
        text_config={
            "vocab_size": _VOCABULARY_SIZE,
            "hidden_size": hidden_size,
            "intermediate_size": 128,
            "num_hidden_layers": 4,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": head_size,
            "max_position_embeddings": 32_768,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 5_000_000.0,
                "mrope_interleaved": True,
                "mrope_section": [head_size // 4, head_size // 8, head_size // 8],
            },
            "tie_word_embeddings": True,
        },
        vision_config={
            "depth": 4,
            "hidden_size": 4 * head_size,
            "intermediate_size": 128,
            "num_heads": 4,
            "patch_size": 16,
            "num_position_embeddings": 2304,
            "out_hidden_size": hidden_size,
            "deepstack_visual_indexes": [0, 1, 2],
        },
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=True,
    )
    model = Qwen3VLForConditionalGeneration(config)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            # Larger than a new model's, norms and biases too: every part must show.
            noise = torch.randn(weight.shape, generator=generator) * 0.15
            is_norm = "norm" in name and name.endswith("weight")
            weight.copy_(1 + noise if is_norm else noise)
    model.generation_config = GenerationConfig(
        eos_token_id=[ids["<|im_end|>"], ids["<|endoftext|>"]],
        pad_token_id=ids["<|endoftext|>"],
    )
    model.save_pretrained(directory)


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1), "utf-8")
