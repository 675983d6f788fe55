"""Where a Qwen3-VL model's files are, and whether they are all there. Never downloads.

Whether a file of gigabytes is whole is seen from its header: a safetensors file begins with
the length of a JSON header that says where each tensor ends
(https://huggingface.co/docs/safetensors, "Format"), so a download that broke off is told
from the file's size.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

from kb.errors import ModelLoadError
from kb.quantities import size_text
from kb.qwen3_vl.catalog import KnownModel, find_known_model
from kb.qwen3_vl.record import RECORD_NAME, read_record

__all__ = ["check_model_directory", "find_model_directory"]

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
    known = find_known_model(name_or_path)
    if known is None:
        directory = Path(name_or_path).expanduser()
        if not directory.is_dir():
            raise ModelLoadError(
                f"The model {name_or_path!r} is neither a known name nor a directory. Run "
                "`kb models` for the names, or give the directory that holds its config.json.",
                model_id=name_or_path,
            )
        check_model_directory(directory)
        return directory
    directory = home_models_dir / known.name
    if not directory.is_dir():
        cached = _hub_cache_directory(known)
        if cached is None:
            raise ModelLoadError(
                f"The model {known.name} is not on this machine: neither in {home_models_dir} "
                "nor in the local cache of Hugging Face's client. Run "
                f"`kb models pull {known.name}` ({size_text(known.weights_bytes)}), or set the "
                "model in kb.yaml to the directory that holds it.",
                model_id=known.name,
            )
        directory = cached
    check_model_directory(directory)
    return directory


def check_model_directory(directory: Path) -> None:
    """Look whether all of a Qwen3-VL model is in `directory`, without reading the weights.

    Raises:
        ModelLoadError: It is missing, half-downloaded, of another family, or pickled only.
    """
    if not directory.is_dir():
        raise _refusal(directory, "there is no such directory.")
    if not (directory / "config.json").is_file():
        found = "a download that is not finished" if _is_being_pulled(directory) else "no model"
        raise _refusal(directory, f"it holds {found}: config.json is missing.")
    family = _json(directory / "config.json").get("model_type")
    if family != _FAMILY:
        raise ModelLoadError(
            f"{directory} holds a model of the family {family!r}; expected {_FAMILY!r}. Run "
            "`kb models` for the models that fit, and set one of them, or its directory, in "
            "kb.yaml.",
            model_id=str(directory),
        )
    _check_weights(directory)
    _check_record(directory)
    missing = [name for name in _BESIDE_WEIGHTS if not (directory / name).is_file()]
    if missing:
        raise _refusal(directory, f"missing: {', '.join(missing)}.")


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
        raise _refusal(directory, f"the weights are missing ({_SINGLE} or {_INDEX}).")
    shards: dict[str, set[str]] = {}
    for tensor, shard in (_json(index).get("weight_map") or {}).items():
        shards.setdefault(str(shard), set()).add(tensor)
    if not shards:
        raise _refusal(directory, f"{_INDEX} names no weights.")
    absent = [name for name in sorted(shards) if not (directory / name).is_file()]
    if absent:
        raise _refusal(
            directory, f"{len(absent)} of {len(shards)} weight files are missing: {absent[0]}."
        )
    for name, tensors in sorted(shards.items()):
        strange = tensors - _tensor_names(directory / name)
        if strange:
            raise _refusal(
                directory, f"{name} lacks the tensor {min(strange)} that {_INDEX} says it holds."
            )


def _tensor_names(path: Path) -> set[str]:
    """Names of the tensors in a safetensors file, whose size is the one its header tells."""
    n_bytes = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        n_header = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if len(start) < 8 or (n_header <= _MAX_HEADER_BYTES and 8 + n_header > n_bytes):
            raise _refusal(path.parent, f"{path.name} ends inside its header ({n_bytes} bytes).")
        try:
            if n_header > _MAX_HEADER_BYTES:
                raise ValueError("its header is too long")
            header: dict[str, Any] = json.loads(file.read(n_header))
            header.pop("__metadata__", None)
            ends = [int(tensor["data_offsets"][1]) for tensor in header.values()]
        except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            raise _refusal(path.parent, f"{path.name} is no safetensors file ({error}).") from error
    expected = 8 + n_header + max(ends, default=0)
    if n_bytes != expected:
        what = "half-downloaded" if n_bytes < expected else "damaged"
        raise _refusal(path.parent, f"{path.name} is {what}: {n_bytes:,} of {expected:,} bytes.")
    return set(header)


def _check_record(directory: Path) -> None:
    """Compare sizes with what a pull has written down."""
    record = read_record(directory)
    for file in record.files if record else ():
        path = directory / file.path
        if not path.is_file():
            raise _refusal(directory, f"{file.path} is missing.")
        n_bytes = path.stat().st_size
        if n_bytes != file.size_bytes:
            raise _refusal(
                directory,
                f"{file.path} has {n_bytes:,} bytes, and the pull noted {file.size_bytes:,}.",
            )


def _is_being_pulled(directory: Path) -> bool:
    return (directory / RECORD_NAME).is_file() or any(directory.glob("*.part"))


def _refusal(directory: Path, found: str) -> ModelLoadError:
    known = find_known_model(directory.name)
    remedy = (
        f"`kb models pull {known.name}` gets what is missing" if known else "Copy the model again"
    )
    return ModelLoadError(
        f"The model in {directory} is not whole: {found} {remedy}; or name another directory in "
        "kb.yaml.",
        model_id=str(directory),
    )


def _hub_cache_directory(model: KnownModel) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    for revision in (model.revision, "main"):
        found = try_to_load_from_cache(model.repository, "config.json", revision=revision)
        if isinstance(found, str):
            return Path(found).parent
    return None


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise _refusal(path.parent, f"{path.name} can't be read ({error}).") from error
    if not isinstance(found, dict):
        raise _refusal(path.parent, f"{path.name} holds no JSON object.")
    return found
