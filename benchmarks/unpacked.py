"""multilingual-e5-small as a sentence-transformers directory, made from its four bits."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from kb.models.encoders.e5_file import E5File, values_of

__all__ = ["unpack"]

_PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


def unpack(packed: Path, directory: Path) -> None:
    """Write the model in `packed` to `directory`, in float32, as its makers publish it.

    Texts are not normalised by its tokenizer, which matters to other scripts than Latin.
    """
    file = E5File(packed)
    dim, n_up = file.spec.dim, file.n_up
    shapes = {"fi": (n_up, dim), "fo": (dim, n_up)}
    tensors = {
        "embeddings.word_embeddings.weight": values_of(file.blocks("emb.word", file.n_words, dim)),
        "embeddings.position_embeddings.weight": file.floats(
            "emb.pos", file.spec.max_tokens * dim
        ).reshape(-1, dim),
        "embeddings.token_type_embeddings.weight": file.floats(
            "emb.type", file.n_types * dim
        ).reshape(-1, dim),
        "embeddings.LayerNorm.weight": file.floats("emb.ln.w", dim),
        "embeddings.LayerNorm.bias": file.floats("emb.ln.b", dim),
    }
    for layer in range(file.spec.n_layers):
        for short, name in _PARTS.items():
            at = f"encoder.layer.{layer}.{name}"
            n_out, n_in = shapes.get(short, (dim, dim))
            tensors[f"{at}.bias"] = file.floats(f"l{layer}.{short}.b", n_out)
            tensors[f"{at}.weight"] = (
                file.floats(f"l{layer}.{short}.w", dim)
                if short in ("aln", "oln")
                else values_of(file.blocks(f"l{layer}.{short}.w", n_out, n_in))
            )
    directory.mkdir(parents=True)
    copies = {name: np.ascontiguousarray(values) for name, values in tensors.items()}
    save_file(copies, directory / "model.safetensors", {"format": "pt"})
    _write_tokenizer(file, directory)
    config = {
        "model_type": "bert",
        "architectures": ["BertModel"],
        "hidden_size": dim,
        "intermediate_size": n_up,
        "num_hidden_layers": file.spec.n_layers,
        "num_attention_heads": file.spec.n_heads,
        "layer_norm_eps": file.spec.layer_norm_eps,
        "max_position_embeddings": file.spec.max_tokens,
        "type_vocab_size": file.n_types,
        "vocab_size": file.n_words,
        "hidden_act": "gelu",
        "pad_token_id": 0,
    }
    kinds = ("Transformer", "Pooling", "Normalize")
    modules = [
        {"idx": i, "name": str(i), "path": f"{i}_{kind}" if i else "", "type": f"{_MODULES}.{kind}"}
        for i, kind in enumerate(kinds)
    ]
    pooling = {"word_embedding_dimension": dim, "pooling_mode_mean_tokens": True}
    for name, content in (
        ("config.json", config),
        ("modules.json", modules),
        ("sentence_bert_config.json", {"max_seq_length": file.spec.max_tokens}),
        ("1_Pooling/config.json", pooling),
    ):
        (directory / name).parent.mkdir(exist_ok=True)
        (directory / name).write_text(json.dumps(content), "utf-8")
    (directory / "2_Normalize").mkdir()


_MODULES = "sentence_transformers.models"


def _write_tokenizer(file: E5File, directory: Path) -> None:
    vocabulary = file.vocabulary()
    scored = list(zip(vocabulary.pieces, vocabulary.scores, strict=True))
    tokenizer = Tokenizer(models.Unigram(scored, vocabulary.unknown, byte_fallback=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace("\u2581", "always")
    begin, end = (vocabulary.pieces[number] for number in (vocabulary.begin, vocabulary.end))
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A {end}",
        special_tokens=[(begin, vocabulary.begin), (end, vocabulary.end)],
    )
    tokenizer.save(str(directory / "tokenizer.json"))
    marks = {"bos_token": begin, "eos_token": end, "pad_token": "<pad>", "unk_token": "<unk>"}
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 512} | marks
    (directory / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")
