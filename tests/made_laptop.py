"""The model of the profile `laptop`, tiny: what the catalog names, served as the hubs serve it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from made_gguf import write_text_part
from made_models import HubServer

from kb.hub import catalog
from kb.hub.catalog import GgufModel, KnownModel, PinnedFile

__all__ = ["MODEL", "VARIABLE", "catalog_of", "catalog_of_environment", "hub_of", "laptop_files"]

VARIABLE = "KB_TESTS_LAPTOP_FILES"
MODEL = next(one for one in catalog.KNOWN_MODELS if isinstance(one, GgufModel))


def laptop_files(checkpoint: Path, folder: Path) -> dict[str, bytes]:
    """Name and content of a file in GGUF that can be loaded and writes nonsense, as the catalog
    names it."""
    name = MODEL.files[0].path
    return {name: write_text_part(checkpoint, folder / name).read_bytes()}


def hub_of(files: Mapping[str, bytes]) -> HubServer:
    """Both hubs, with the files at the pinned commit."""
    return HubServer({MODEL.revision: dict(files)})


def catalog_of(files: Mapping[str, bytes]) -> tuple[KnownModel, ...]:
    """The catalog, with sizes and digests of `files`."""
    pinned = [
        PinnedFile(name, len(content), hashlib.sha256(content).hexdigest())
        for name, content in files.items()
    ]
    return _with_files(pinned)


def catalog_of_environment() -> tuple[KnownModel, ...]:
    """The same in another process: names, sizes and digests are in `VARIABLE`."""
    return _with_files([PinnedFile(*one) for one in json.loads(os.environ[VARIABLE])])


def _with_files(pinned: list[PinnedFile]) -> tuple[KnownModel, ...]:
    tiny = replace(MODEL, files=tuple(pinned), token_bytes=0)
    return tuple(tiny if one is MODEL else one for one in catalog.KNOWN_MODELS)
