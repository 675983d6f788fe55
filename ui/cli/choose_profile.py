"""Which profile answers when the command line names none, and why."""

from __future__ import annotations

from pathlib import Path
from typing import TypeGuard

from kb.config import Home
from kb.config.loading import load_config, own_settings, settled_profile
from kb.config.models import Qwen3VLConfig, Section
from kb.device.precision import weights_bytes
from kb.errors import ModelLoadError
from kb.hub.catalog import find_known_model
from kb.hub.files import find_model_directory
from kb.text.humanize import size_text
from ui.cli.models import gpu_memory

__all__ = ["choose_profile"]

_LOCAL = ("qwen3-vl-8b", "qwen3-vl-2b")  # the larger first
_STARTER = "starter"
# Beside encoder and reranker the device holds what one batch needs; a generator that does not
# fit as well is swapped in.
_WORKING_BYTES = 4_000_000_000


def choose_profile(home: Home) -> tuple[str, str]:
    """``(profile, why)``: what ``kb.yaml`` says or the index was made with; for a new library the
    largest pair of encoder and reranker that is on disk and fits the GPU, else `starter`. Nothing
    is downloaded."""
    own = own_settings(home)
    if "profile" in own:
        return str(own["profile"]), f"as {home.config} says; --profile NAME for once"
    settled = settled_profile(home)
    if settled is not None:
        return settled, (
            "the index was made with it; `kb sync --profile NAME --reembed` changes to another"
        )
    encoder = own.get("encoder")
    if isinstance(encoder, dict) and "kind" in encoder:
        return _STARTER, f"with the models that {home.config} names"
    gpu = gpu_memory()
    if gpu is None:
        return _STARTER, "no GPU was found; --profile NAME or kb.yaml changes it"
    return _for_gpu(home, *gpu)


def _for_gpu(home: Home, name: str, memory_bytes: int) -> tuple[str, str]:
    to_pull = ""
    lacking: list[str] = []
    for profile in _LOCAL:
        config = load_config(home, profile)
        pair = [section for section in (config.encoder, config.reranker) if _is_local(section)]
        if sum(_n_bytes(section.model) for section in pair) + _WORKING_BYTES > memory_bytes:
            continue
        needed = [*pair, *([config.generator] if _is_local(config.generator) else [])]
        absent = [section.model for section in needed if not _is_here(section.model, home)]
        if not absent:
            return profile, f"its models are here and fit {name}; --profile starter needs none"
        if not to_pull or len(absent) < len(lacking):
            to_pull, lacking = profile, absent
    if to_pull:
        what = "its models" if len(lacking) > 1 else f"{lacking[0]}, which is not here"
        return _STARTER, (
            f"{name} has room for {to_pull}: `kb models pull {to_pull}` gets {what}, and "
            f"`kb sync --profile {to_pull} --reembed` then changes to it"
        )
    return _STARTER, f"{name} has {size_text(memory_bytes)}, too little for a pair of models"


def _is_local(section: Section) -> TypeGuard[Qwen3VLConfig]:
    return isinstance(section, Qwen3VLConfig)


def _n_bytes(model: str) -> int:
    known = find_known_model(model)
    return known.weights_bytes if known else weights_bytes(Path(model).expanduser())


def _is_here(model: str, home: Home) -> bool:
    try:
        find_model_directory(model, home.models)
    except ModelLoadError:
        return False
    return True
