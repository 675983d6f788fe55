"""Checkpoints with random weights and inputs to time them with, made on the spot.

The weights mean nothing; their shapes are the published ones, and their scale keeps states
finite in bfloat16 and different inputs apart.
"""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Literal

import torch
from PIL import Image, ImageDraw
from tokenizers import Tokenizer

from kb.types import EncodedImage
from tests.tiny_qwen3_vl import make_checkpoint

__all__ = [
    "SIZES",
    "Amounts",
    "Dimensions",
    "TextMaker",
    "draw_page",
    "make_sentence_transformers",
    "make_sized_checkpoint",
]

_WORDS = (
    "the device keeps its settings when power fails while a reset of the filter counter "
    "needs both buttons held for ten seconds until the lamp on the front panel blinks green "
    "measured pressure rises with temperature and flow along the boundary layer reports list "
    "revenue costs positions by region and quarter def run self value return None import"
).split()
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt")


@dataclass(frozen=True, slots=True)
class Dimensions:
    """Of a checkpoint: the language model, then the vision tower."""

    hidden: int
    n_layers: int
    n_heads: int
    n_key_heads: int
    head_dim: int
    intermediate: int
    n_vocabulary: int
    tied: bool
    vision_hidden: int
    vision_depth: int
    vision_heads: int
    vision_intermediate: int
    deep_layers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Amounts:
    """How much is run."""

    n_texts: int
    n_pages: int
    n_text_pairs: int
    n_page_pairs: int
    page_px: tuple[int, int]
    text_batch: int
    page_batch: int


# `2b` and `8b` as in config.json of Qwen3-VL-Embedding-2B and -8B; `small` has their
# architecture at a size where matrix products still take most of the time on two cores.
SIZES = {
    "tiny": (
        Dimensions(64, 4, 4, 2, 16, 128, 512, True, 64, 4, 4, 128, (0, 1, 2)),
        Amounts(6, 2, 3, 2, (96, 128), 4, 2),
    ),
    "small": (
        Dimensions(512, 8, 8, 4, 64, 1536, 8192, True, 384, 8, 6, 1536, (1, 3, 5)),
        Amounts(64, 4, 100, 8, (768, 960), 32, 1),
    ),
    "2b": (
        Dimensions(
            2048, 28, 16, 8, 128, 6144, 151_936, True, 1024, 24, 16, 4096, (5, 11, 17)
        ),
        Amounts(512, 64, 100, 100, (1024, 1280), 32, 8),
    ),
    "8b": (
        Dimensions(
            4096, 36, 32, 8, 128, 12_288, 151_936, False, 1152, 27, 16, 4304, (8, 16, 24)
        ),
        Amounts(256, 32, 100, 100, (1024, 1280), 32, 8),
    ),
}  # fmt: skip


def make_sized_checkpoint(
    directory: Path,
    size: Dimensions,
    device: torch.device,
    precision: Literal["float32", "bfloat16"],
    tokenizer: Path | None = None,
) -> Path:
    """Write a whole checkpoint with random weights.

    Args:
        directory: Made anew.
        device: Where the weights are drawn; a GPU is faster.
        tokenizer: A directory whose tokenizer is used instead of a made one.
    """
    from safetensors.torch import save_file
    from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration
    from transformers.utils import logging

    logging.disable_progress_bar()
    make_checkpoint(directory)  # for its tokenizer, chat template and preprocessors
    for name in _TOKENIZER_FILES if tokenizer else ():
        if (tokenizer / name).exists():
            shutil.copy(tokenizer / name, directory / name)
    config = Qwen3VLConfig(**_config(directory, size))
    with torch.device("meta"):
        module = Qwen3VLForConditionalGeneration(config)
    dtype: torch.dtype = getattr(torch, precision)
    generator = torch.Generator(device).manual_seed(0)
    weights = {}
    for name, meta in module.state_dict().items():
        if name == "lm_head.weight" and size.tied:
            continue
        drawn = torch.empty(meta.shape, dtype=dtype, device=device)
        weights[name] = _fill(name, drawn, generator).cpu()
    save_file(weights, directory / "model.safetensors", metadata={"format": "pt"})
    config.dtype = dtype
    config.save_pretrained(directory)
    return directory


def make_sentence_transformers(directory: Path, checkpoint: Path, kind: str) -> Path:
    """`checkpoint` as a model of sentence-transformers: ``embedding`` or ``reranker``.

    The files are those that sentence-transformers' integration of the published models adds.
    """
    directory.mkdir()
    for file in checkpoint.iterdir():
        (directory / file.name).symlink_to(file.resolve())
    output = "last_hidden_state" if kind == "embedding" else "logits"
    method = {"method": "forward", "method_output_name": output}
    modalities = dict.fromkeys(
        ("text", "image", "video", "image+text", "text+video", "image+text+video"), method
    )
    transformer = {
        "transformer_task": "feature-extraction" if kind == "embedding" else "any-to-any",
        "modality_config": {**modalities, "message": {**method, "format": "structured"}},
        "module_output_name": "token_embeddings" if kind == "embedding" else "causal_logits",
        "processing_kwargs": {"chat_template": {"add_generation_prompt": True}},
    }
    _write(directory / "sentence_bert_config.json", transformer)
    package = "sentence_transformers"
    modules = [("", f"{package}.base.modules.transformer.Transformer")]
    if kind == "embedding":
        dim = json.loads((checkpoint / "config.json").read_text())["text_config"]["hidden_size"]
        modules.append(("1_Pooling", f"{package}.sentence_transformer.modules.Pooling"))
        modules.append(("2_Normalize", f"{package}.sentence_transformer.modules.Normalize"))
        _write(
            directory / "1_Pooling/config.json",
            {"embedding_dimension": dim, "pooling_mode": "lasttoken", "include_prompt": True},
        )
        (directory / "2_Normalize").mkdir()
    else:
        tokenizer = Tokenizer.from_file(str(checkpoint / "tokenizer.json"))
        yes, no = tokenizer.token_to_id("yes"), tokenizer.token_to_id("no")
        modules.append(("1_LogitScore", f"{package}.cross_encoder.modules.LogitScore"))
        _write(
            directory / "1_LogitScore/config.json",
            {"true_token_id": yes, "false_token_id": no},
        )
        (directory / "chat_template.jinja").unlink()
        (directory / "chat_template.jinja").write_text(_PAIR_TEMPLATE, "utf-8")
    model_type = "SentenceTransformer" if kind == "embedding" else "CrossEncoder"
    _write(directory / "config_sentence_transformers.json", {"model_type": model_type})
    _write(
        directory / "modules.json",
        [
            {"idx": place, "name": str(place), "path": path, "type": name}
            for place, (path, name) in enumerate(modules)
        ],
    )
    return directory


class TextMaker:
    """Texts of an exact number of tokens."""

    def __init__(self, checkpoint: Path) -> None:
        self._tokenizer = Tokenizer.from_file(str(checkpoint / "tokenizer.json"))
        self._random = random.Random(7)

    def text(self, n_tokens: int) -> str:
        """A text of `n_tokens` tokens."""
        words = " ".join(self._random.choices(_WORDS, k=n_tokens))
        # A word is one token at least.
        offsets = self._tokenizer.encode(words, add_special_tokens=False).offsets
        return words[: offsets[n_tokens - 1][1]]

    def mixed(self, n: int) -> list[str]:
        """`n` texts as questions and chunks are long: log-normal, 20 to 1,024 tokens."""
        lengths = [
            min(1024, max(20, round(self._random.lognormvariate(5.2, 0.9)))) for _ in range(n)
        ]
        return [self.text(length) for length in lengths]


def draw_page(number: int, size_px: tuple[int, int]) -> EncodedImage:
    """A page of text lines, a table and a chart as JPEG."""
    chance = random.Random(number)
    width, height = size_px
    image = Image.new("RGB", size_px, "white")
    draw = ImageDraw.Draw(image)
    for top in range(20, height * 3 // 5, 16):
        words = " ".join(chance.choices(_WORDS, k=width // 45))
        draw.text((30, top), words, fill=(20, 20, chance.randrange(90)))
    for row in range(6):
        top = height * 3 // 5 + row * height // 40
        draw.rectangle((30, top, width // 2, top + height // 40), outline=(90, 90, 90))
        draw.text((36, top + 4), f"{chance.random():.6f}   {chance.randrange(10**6)}", fill="black")
    for bar in range(8):
        left = width // 2 + 20 + bar * width // 20
        top = height - 20 - chance.randrange(height // 4)
        colour = tuple(chance.randrange(256) for _ in range(3))
        draw.rectangle((left, top, left + width // 25, height - 20), fill=colour)
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=88)
    return EncodedImage(buffer.getvalue(), "image/jpeg", width, height)


# Roles as sentence-transformers gives them to the two halves of a pair.
_PAIR_TEMPLATE = """\
{%- macro shown(role) %}{% for message in messages if message.role == role %}\
{% if message.content is string %}{{ message.content }}{% else %}\
{% for part in message.content %}{% if part.type == 'image' %}\
{{ '<|vision_start|><|image_pad|><|vision_end|>' }}{% else %}{{ part.text }}{% endif %}\
{% endfor %}{% endif %}{% endfor %}{%- endmacro %}\
{{- '<|im_start|>system\\nJudge whether the Document meets the requirements based on the Query \
and the Instruct provided. Note that the answer can only be "yes" or "no".<|im_end|>\\n' -}}
{{- '<|im_start|>user\\n<Instruct>: Given a search query, retrieve relevant candidates that \
answer the query.<Query>:' + shown('query') + '\\n<Document>:' + shown('document') -}}
{{- '<|im_end|>\\n<|im_start|>assistant\\n' -}}
"""


def _config(directory: Path, size: Dimensions) -> dict[str, object]:
    config = json.loads((directory / "config.json").read_text("utf-8"))
    ids = Tokenizer.from_file(str(directory / "tokenizer.json")).token_to_id
    half = size.head_dim // 2
    side = half * 5 // 16  # of the published (24, 20, 20)
    config["text_config"] |= {
        "vocab_size": size.n_vocabulary,
        "hidden_size": size.hidden,
        "intermediate_size": size.intermediate,
        "num_hidden_layers": size.n_layers,
        "num_attention_heads": size.n_heads,
        "num_key_value_heads": size.n_key_heads,
        "head_dim": size.head_dim,
        "tie_word_embeddings": size.tied,
    }
    config["text_config"]["rope_parameters"]["mrope_section"] = [half - 2 * side, side, side]
    config["vision_config"] |= {
        "depth": size.vision_depth,
        "hidden_size": size.vision_hidden,
        "intermediate_size": size.vision_intermediate,
        "num_heads": size.vision_heads,
        "out_hidden_size": size.hidden,
        "deepstack_visual_indexes": list(size.deep_layers),
    }
    for role in ("image", "video"):
        config[f"{role}_token_id"] = ids(f"<|{role}_pad|>")
    for end in ("start", "end"):
        config[f"vision_{end}_token_id"] = ids(f"<|vision_{end}|>")
    return {**config, "tie_word_embeddings": size.tied}


def _fill(name: str, weight: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    if weight.dim() == 1:
        return weight.fill_(1.0 if name.endswith("weight") else 0.0)
    is_table = "embed_tokens" in name or "pos_embed" in name or "lm_head" in name
    # A layer's output keeps the scale of its input. Tables as published models begin: yes and
    # no stay so close that scores are not all 0 or 1.
    scale = 0.02 if is_table else weight[0].numel() ** -0.5
    return weight.normal_(generator=generator).mul_(scale)


def _write(path: Path, value: object) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value, indent=1), "utf-8")
