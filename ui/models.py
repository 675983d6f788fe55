"""`kb models`: what the profile computes with, and whether it is here and whole."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Any

from kb.config import Config
from kb.encoders.weights import find_model
from kb.errors import ModelLoadError

__all__ = ["model_table"]


def model_table(config: Config) -> list[dict[str, Any]]:
    """One row a model: ``role, name, ok, size_bytes, note``."""
    return [_dense(config), _ocr(config)]


def _dense(config: Config) -> dict[str, Any]:
    row: dict[str, Any] = {"role": "text encoder", "name": config.encoder.model, "ok": False}
    try:
        found = find_model(config.encoder.model)
    except ModelLoadError as error:
        return {**row, "size_bytes": 0, "note": str(error)}
    size_bytes = sum(path.stat().st_size for path in found.directory.glob("*.safetensors"))
    return {**row, "ok": True, "size_bytes": size_bytes, "note": f"sha256 {found.sha256[:16]}…"}


def _ocr(config: Config) -> dict[str, Any]:
    version = metadata.version("rapidocr")
    files = [Path(str(file.locate())) for file in metadata.files("rapidocr") or ()]
    models = [path for path in files if path.suffix == ".onnx" and path.is_file()]
    return {
        "role": "words in pictures",
        "name": f"RapidOCR {version}",
        "ok": bool(models),
        "size_bytes": sum(path.stat().st_size for path in models),
        "note": "Chinese and English" if config.ingest.ocr.enabled else "switched off",
    }
