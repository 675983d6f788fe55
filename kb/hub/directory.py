"""What a checkpoint's directory says without loading it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from kb.errors import ModelLoadError

__all__ = ["read_json", "text_dim", "weights_fingerprint"]

_SAMPLE_BYTES = 1 << 20
_FAMILY = "qwen3_vl"


def text_dim(directory: Path) -> int:
    """Length of the language model's states.

    Raises:
        ModelLoadError: It is no Qwen3-VL model.
    """
    config = read_json(directory / "config.json")
    if config.get("model_type") != _FAMILY:
        raise ModelLoadError(
            f"{directory} holds a model of the family {config.get('model_type')!r}; this profile "
            f"needs {_FAMILY!r}. See `kb models list` for the models that fit.",
            model_id=str(directory),
        )
    try:
        return int(config["text_config"]["hidden_size"])
    except (KeyError, TypeError, ValueError) as error:
        raise ModelLoadError(
            f"{directory / 'config.json'} gives no text_config.hidden_size. Pull the model again: "
            "`kb models pull`.",
            model_id=str(directory),
        ) from error


def weights_fingerprint(directory: Path) -> str:
    """Tells checkpoints apart without reading gigabytes: sha256, shortened, over the
    configuration and over size, head, middle and end of every safetensors file."""
    digest = hashlib.sha256((directory / "config.json").read_bytes())
    for path in sorted(directory.glob("*.safetensors")):
        n_bytes = path.stat().st_size
        digest.update(f"{path.name}:{n_bytes}".encode())
        with path.open("rb") as file:
            for start in (0, n_bytes // 2, max(0, n_bytes - _SAMPLE_BYTES)):
                file.seek(start)
                digest.update(file.read(_SAMPLE_BYTES))
    return digest.hexdigest()[:16]


def read_json(path: Path) -> dict[str, Any]:
    """A checkpoint's JSON file.

    Raises:
        ModelLoadError: It is missing or damaged.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
        if not isinstance(found, dict):
            raise ValueError(f"it holds no object but {type(found).__name__}")
    except (OSError, ValueError) as error:
        raise ModelLoadError(
            f"{path} can't be read: {error}. Pull the model again (`kb models pull`), or name "
            "another directory.",
            model_id=str(path.parent),
        ) from error
    return found
