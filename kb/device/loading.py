"""Loading a checkpoint onto a device."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import psutil
import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError

from kb.device.precision import Precision, choose_dtype, resident_bytes
from kb.errors import ModelLoadError
from kb.hub.directory import text_dim
from kb.text.humanize import size_text

__all__ = ["choose_device", "load_module"]


def choose_device(name: str) -> torch.device:
    """``auto`` is the first GPU, else the processor.

    Raises:
        ModelLoadError: A GPU is asked for and there is none.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    device = torch.device(name)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ModelLoadError(
            "The configuration asks for a GPU (device: cuda), and torch finds none. Install a "
            "driver, or use the profile `starter`, or set `device: cpu` in kb.yaml (slow)."
        )
    return device


def load_module(
    directory: Path,
    device: torch.device,
    part: Literal["base", "language"],
    precision: Precision = "auto",
) -> Any:
    """transformers' ``Qwen3VLModel`` (base) or ``Qwen3VLForConditionalGeneration``, in
    `choose_dtype` and in evaluation mode.

    Raises:
        ModelLoadError: The files are missing, damaged, or of another family, or the device
            has too little memory.
    """
    from transformers import Qwen3VLForConditionalGeneration, Qwen3VLModel
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    wanted = Qwen3VLModel if part == "base" else Qwen3VLForConditionalGeneration
    text_dim(directory)  # checks the family
    if device.type == "cpu":
        _check_memory(directory, precision)
    try:
        module, info = wanted.from_pretrained(
            str(directory),
            dtype=choose_dtype(directory, device.type, precision),
            local_files_only=True,
            # Each weight goes there by itself; the whole model would fill the host's memory too.
            device_map={"": device},
            use_safetensors=True,
            output_loading_info=True,
        )
        missing = set(info["missing_keys"])
        if missing:
            raise ModelLoadError(
                f"{directory} lacks {len(missing)} weights, among them {min(missing)}. Pull the "
                "model again: `kb models pull`.",
                model_id=str(directory),
            )
        return module.eval()
    except torch.OutOfMemoryError as error:
        raise ModelLoadError(
            f"The device {device} has too little memory for the model in {directory}. Close other "
            "programs that use it, choose a smaller model (`kb models list`), or `device: cpu`.",
            model_id=str(directory),
        ) from error
    except (
        OSError,
        ValueError,
        KeyError,
        RuntimeError,
        SafetensorError,
        StrictDataclassError,
    ) as error:
        raise ModelLoadError(
            f"The model in {directory} can't be loaded: {error}. `kb models check` finds damaged "
            "files.",
            model_id=str(directory),
        ) from error


def _check_memory(directory: Path, precision: Precision) -> None:
    """A GPU says when its memory is full; a processor's system ends the whole program."""
    needed_bytes = resident_bytes(directory, "cpu", precision)
    free_bytes = psutil.virtual_memory().available
    if needed_bytes > free_bytes:
        raise ModelLoadError(
            f"The model in {directory} takes {size_text(needed_bytes)} of memory, and "
            f"{size_text(free_bytes)} is free. Close other programs, choose a smaller model "
            "(`kb models list`), or use the profile `starter`.",
            model_id=str(directory),
        )
