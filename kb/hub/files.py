"""Where the files of a model of the catalog are, and whether they are all there. Never downloads.

Whether a file of gigabytes is whole is seen from its header: a safetensors file begins with
the length of a JSON header that says where each tensor ends
(https://huggingface.co/docs/safetensors, "Format"), so a download that broke off is told
from the file's size. Damage that keeps the size is found by `kb.hub.check`, and what that
has noted is heeded here.
"""

from __future__ import annotations

import json
import shlex
import struct
from pathlib import Path
from typing import Any

from kb.errors import ModelLoadError
from kb.files import size_bytes
from kb.hub.catalog import GgufModel, KnownModel, PinnedModel, SpeechModel, find_known_model
from kb.hub.gguf import read_gguf
from kb.hub.record import RECORD_NAME, read_damaged, read_record
from kb.text.humanize import size_text

__all__ = [
    "check_model_directory",
    "find_model_directory",
    "is_gguf_directory",
    "is_speech_directory",
    "locate_model",
    "not_whole",
]

_FAMILY = "qwen3_vl"
_INDEX = "model.safetensors.index.json"
_SINGLE = "model.safetensors"
_BESIDE_WEIGHTS = (
    "tokenizer.json",
    "preprocessor_config.json",
    "video_preprocessor_config.json",
)
_PICKLED = ("*.bin", "*.pt", "*.pth", "*.pkl")
_MAX_HEADER_BYTES = 100_000_000  # the format's own cap


def find_model_directory(name_or_path: str, home_models_dir: Path) -> Path:
    """The directory of a whole Qwen3-VL model.

    A name of the catalog is looked for in `home_models_dir`, then in the local cache of
    Hugging Face's client. Anything else is a directory.

    Args:
        name_or_path: ``Qwen3-VL-Embedding-2B``, with or without ``Qwen/``, or a directory.
        home_models_dir: ``Home.models``.

    Raises:
        ModelLoadError: It is missing, half-downloaded, of another family, or pickled only.
    """
    directory = locate_model(name_or_path, home_models_dir)
    check_model_directory(directory, find_known_model(name_or_path))
    return directory


def locate_model(name_or_path: str, home_models_dir: Path) -> Path:
    """Where `find_model_directory` looks, whole or not.

    Raises:
        ModelLoadError: There is no such directory.
    """
    known = find_known_model(name_or_path)
    if known is None:
        directory = Path(name_or_path).expanduser()
        if not directory.is_dir():
            raise ModelLoadError(
                f"The model {name_or_path!r} is neither a known name nor a directory. Run "
                "`kb models` for the names, or give the directory that holds its config.json.",
                model_id=name_or_path,
            )
        return directory
    directory = home_models_dir / known.name
    if directory.is_dir():
        return directory
    cached = _hub_cache_directory(known)
    if cached is None:
        raise ModelLoadError(
            f"The model {known.name} is not on this machine: neither in {home_models_dir} "
            "nor in the local cache of Hugging Face's client. Run "
            f"`kb models pull {known.name}` ({size_text(known.weights_bytes)}), or set the "
            "model in kb.yaml to the directory that holds it.",
            model_id=known.name,
        )
    return cached


def check_model_directory(directory: Path, model: KnownModel | None = None) -> None:
    """Look whether all of a model is in `directory`, without reading the weights.

    Args:
        model: Which it is, where it was asked for by its name.

    Raises:
        ModelLoadError: It is missing, half-downloaded, of another family, or pickled only, or
            `verify_model` has found damage in it.
    """
    try:
        if isinstance(model, GgufModel) or is_gguf_directory(directory):
            _check_pinned(directory, model)
            for path in sorted(directory.glob("*.gguf")):
                read_gguf(path)
            return
        if isinstance(model, SpeechModel) or is_speech_directory(directory):
            _check_pinned(directory, model)
            return
        _check_config(directory)
        _check_weights(directory)
        _check_record(directory)
        missing = [name for name in _BESIDE_WEIGHTS if not (directory / name).is_file()]
        if missing:
            raise _FoundError(f"missing: {', '.join(missing)}.")
    except _FoundError as error:
        raise not_whole(directory, str(error), model) from error


def is_gguf_directory(directory: Path) -> bool:
    """Whether it holds files for llama.cpp, and no checkpoint of transformers."""
    return any(directory.glob("*.gguf")) and not (directory / "config.json").is_file()


def is_speech_directory(directory: Path) -> bool:
    """Whether it holds a Whisper model in the format of CTranslate2."""
    return (directory / "model.bin").is_file() and any(directory.glob("vocabulary.*"))


def _check_pinned(directory: Path, model: KnownModel | None) -> None:
    if not directory.is_dir():
        raise _FoundError("there is no such directory.")
    pinned = model.files if isinstance(model, PinnedModel) else ()
    absent = [file.path for file in pinned if not (directory / file.path).is_file()]
    if absent:
        found = "a download that is not finished" if _is_being_pulled(directory) else "no model"
        raise _FoundError(f"it holds {found}: {absent[0]} is missing.")
    _check_record(directory)


def not_whole(directory: Path, found: str, model: KnownModel | None = None) -> ModelLoadError:
    """What to say of a model that `found` is wrong with."""
    known = find_known_model(directory.name)
    if model is not None:
        remedy = f"`kb models pull {model.name}` gets it whole"
    elif known is not None:
        # It was asked for by its directory: there it must come again.
        to = shlex.quote(str(directory.parent))
        remedy = f"`kb models pull {known.name} --to {to}` gets it whole"
    else:
        remedy = "Copy the model again"
    return ModelLoadError(
        f"The model in {directory} is not whole: {found} {remedy}; or name another directory in "
        "kb.yaml.",
        model_id=str(directory),
    )


class _FoundError(Exception):
    """What is wrong with a directory."""


def _check_config(directory: Path) -> None:
    if not directory.is_dir():
        raise _FoundError("there is no such directory.")
    if not (directory / "config.json").is_file():
        found = "a download that is not finished" if _is_being_pulled(directory) else "no model"
        raise _FoundError(f"it holds {found}: config.json is missing.")
    config = _json(directory / "config.json")
    family, text = config.get("model_type"), config.get("text_config")
    if family != _FAMILY:
        raise ModelLoadError(
            f"{directory} holds a model of the family {family!r}; expected {_FAMILY!r}. Run "
            "`kb models` for the models that fit, and set one of them, or its directory, in "
            "kb.yaml.",
            model_id=str(directory),
        )
    if not isinstance(text, dict) or not isinstance(text.get("hidden_size"), int):
        raise _FoundError("config.json gives no text_config.hidden_size.")


def _check_weights(directory: Path) -> None:
    index = directory / _INDEX
    if not index.is_file():
        if (directory / _SINGLE).is_file():
            _tensor_names(directory / _SINGLE)
            return
        if any(next(directory.glob(pattern), None) for pattern in _PICKLED):
            raise ModelLoadError(
                f"The model in {directory} has pickled weights only. They are not loaded, "
                "since they can run code; expected *.safetensors. Get the model in that format "
                "with `kb models pull`.",
                model_id=str(directory),
            )
        raise _FoundError(f"the weights are missing ({_SINGLE} or {_INDEX}).")
    shards: dict[str, set[str]] = {}
    for tensor, shard in (_json(index).get("weight_map") or {}).items():
        shards.setdefault(str(shard), set()).add(tensor)
    if not shards:
        raise _FoundError(f"{_INDEX} names no weights.")
    absent = [name for name in sorted(shards) if not (directory / name).is_file()]
    if absent:
        raise _FoundError(f"{len(absent)} of {len(shards)} weight files are missing: {absent[0]}.")
    for name, tensors in sorted(shards.items()):
        strange = tensors - _tensor_names(directory / name)
        if strange:
            raise _FoundError(
                f"{name} lacks the tensor {min(strange)} that {_INDEX} says it holds."
            )


def _tensor_names(path: Path) -> set[str]:
    """Names of the tensors in a safetensors file, whose size is the one its header tells."""
    n_bytes = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        n_header = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if len(start) < 8 or (n_header <= _MAX_HEADER_BYTES and 8 + n_header > n_bytes):
            raise _FoundError(f"{path.name} ends inside its header ({n_bytes} bytes).")
        try:
            if n_header > _MAX_HEADER_BYTES:
                raise ValueError("its header is too long")
            header: dict[str, Any] = json.loads(file.read(n_header))
            header.pop("__metadata__", None)
            ends = [int(tensor["data_offsets"][1]) for tensor in header.values()]
        except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            raise _FoundError(f"{path.name} is no safetensors file ({error}).") from error
    expected = 8 + n_header + max(ends, default=0)
    if n_bytes != expected:
        what = "half-downloaded" if n_bytes < expected else "damaged"
        raise _FoundError(f"{path.name} is {what}: {n_bytes:,} of {expected:,} bytes.")
    return set(header)


def _check_record(directory: Path) -> None:
    """Compare sizes with what a pull has written down, and heed what `verify_model` has."""
    record = read_record(directory)
    for file in record.files if record else ():
        path = directory / file.path
        n_bytes = size_bytes(path)
        if n_bytes is None:
            raise _FoundError(f"{file.path} is missing.")
        if n_bytes != file.size_bytes:
            raise _FoundError(
                f"{file.path} has {n_bytes:,} bytes, and the pull noted {file.size_bytes:,}.",
            )
    if damaged := read_damaged(directory):
        raise _FoundError(f"`kb models check` has found damage in {', '.join(sorted(damaged))}.")


def _is_being_pulled(directory: Path) -> bool:
    return (directory / RECORD_NAME).is_file() or any(directory.glob("*.part"))


def _hub_cache_directory(model: KnownModel) -> Path | None:
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    name = repo_folder_name(repo_id=model.repository, repo_type="model")
    cached = Path(constants.HF_HUB_CACHE) / name
    revisions = [model.revision]
    if (cached / "refs" / "main").is_file():
        revisions.append((cached / "refs" / "main").read_text("utf-8").strip())
    found = [cached / "snapshots" / revision for revision in revisions]
    # A download that broke off may have left a directory without it.
    found.sort(key=lambda directory: not (directory / "config.json").is_file())
    return next((directory for directory in found if directory.is_dir()), None)


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise _FoundError(f"{path.name} can't be read ({error}).") from error
    if not isinstance(found, dict):
        raise _FoundError(f"{path.name} holds no JSON object.")
    return found
