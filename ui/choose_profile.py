"""Which profile a new library begins with, when nobody has said."""

from __future__ import annotations

import shutil

from kb.config import Home
from kb.config_file import load_config
from kb.errors import ModelLoadError
from kb.quantities import size_text
from kb.qwen3_vl.catalog import KnownModel
from kb.qwen3_vl.files import find_model_directory
from ui.models import gpu_memory, models_of_profile

__all__ = ["choose_profile"]

_LOCAL = ("qwen3-vl-8b", "qwen3-vl-2b")  # the larger first
_STARTER = "starter"
# Beside encoder and reranker the device holds what one batch needs; a generator that does not
# fit as well is swapped in.
_WORKING_BYTES = 4_000_000_000


def choose_profile(home: Home) -> tuple[str, str]:
    """``(profile, why)``: the largest pair of encoder and reranker that is on disk and fits the
    GPU, else `starter`. Nothing is downloaded."""
    # torch takes seconds to import, and without a driver there is nothing to ask it.
    gpu = gpu_memory() if shutil.which("nvidia-smi") else None
    if gpu is None:
        return _STARTER, "no GPU was found; --profile NAME or kb.yaml changes it"
    name, memory_bytes = gpu
    to_pull = ""
    for profile in _LOCAL:
        models = models_of_profile(load_config(home, profile))
        n_bytes = sum(model.weights_bytes for model in models[:2]) + _WORKING_BYTES
        if n_bytes > memory_bytes:
            continue
        if all(_is_here(model, home) for model in models):
            return profile, f"its models are here and fit {name}; --profile starter needs none"
        to_pull = to_pull or profile
    if to_pull:
        return _STARTER, (
            f"{name} has room for {to_pull}: `kb models pull {to_pull}` gets its models, then "
            f"`kb up --profile {to_pull}`"
        )
    return _STARTER, f"{name} has {size_text(memory_bytes)}, too little for a pair of models"


def _is_here(model: KnownModel, home: Home) -> bool:
    try:
        find_model_directory(model.name, home.models)
    except ModelLoadError:
        return False
    return True
