"""What a GGUF file says of itself, and whether it is all there; nothing of it is computed with.

Source: github.com/ggml-org/ggml, docs/gguf.md (version 3). llama.cpp says of a file that it can't
load little more than that, and a file of gigabytes whose end is missing is better told from its
header.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from kb.errors import ModelLoadError

__all__ = ["GgufHeader", "find_gguf", "memory_bytes", "read_gguf"]

_MAGIC: Final = b"GGUF"
_VERSIONS: Final = (2, 3)
_ALIGNMENT: Final = 32
_STRING, _ARRAY = 8, 9
# By type number: format of struct.
_SCALARS: Final = {
    0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q",
    12: "<d",
}  # fmt: skip
# By type number: values and bytes of a block, of the types that published files have.
_BLOCKS: Final = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 30: (1, 2),
}  # fmt: skip
# No published file comes near these; what does is none.
_MAX_ENTRIES: Final = 100_000
_MAX_TENSORS: Final = 100_000
_MAX_ITEMS: Final = 10_000_000
_MAX_STRING_BYTES: Final = 16 * 1024 * 1024
# Beside weights, keys and values: llama.cpp, its buffers, and those of a picture.
_WORKING_BYTES: Final = 400_000_000
_VISION_BYTES: Final = 500_000_000


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """The metadata of a file.

    Attributes:
        architecture: ``qwen3vl``, ``gemma3``; of a vision part ``clip``.
        values: Single values by name; lists are left out.
        size_bytes: Of the file.
    """

    architecture: str
    values: Mapping[str, Any]
    size_bytes: int

    def number(self, name: str, default: int = 0) -> int:
        """A number of the architecture's own, by its name without the architecture."""
        value = self.values.get(f"{self.architecture}.{name}")
        return value if isinstance(value, int) and value > 0 else default

    def cache_bytes(self, n_tokens: int) -> int:
        """Of keys and values in 16 bits for `n_tokens`."""
        n_heads = self.number("attention.head_count", 1)
        width = self.number("embedding_length") // n_heads
        n_values = self.number("attention.key_length", width) + self.number(
            "attention.value_length", width
        )
        n_kv_heads = self.number("attention.head_count_kv", n_heads)
        return 2 * n_tokens * self.number("block_count", 1) * n_kv_heads * n_values


def memory_bytes(files_bytes: int, cache_bytes: int, *, has_vision: bool) -> int:
    """Of memory that a model takes while it writes, about.

    Args:
        files_bytes: Of the model's files, its vision part among them.
        cache_bytes: Of keys and values, as of `GgufHeader.cache_bytes`.
    """
    return files_bytes + cache_bytes + _WORKING_BYTES + (_VISION_BYTES if has_vision else 0)


def read_gguf(path: Path) -> GgufHeader:
    """The header of the file at `path`, whose length is the one that it tells.

    Raises:
        ModelLoadError: It is missing, no GGUF file, or not whole.
    """
    try:
        with path.open("rb") as file:
            return _read(file, os.fstat(file.fileno()).st_size)
    except _FoundError as error:
        raise ModelLoadError(
            f"{path} can't be used: {error}. Get it again, with `kb models pull` if it came so.",
            model_id=str(path),
        ) from error
    except OSError as error:
        raise ModelLoadError(
            f"{path} can't be read ({error.strerror or error}). Pull the model again with "
            "`kb models pull`, or correct generator.model in kb.yaml.",
            model_id=str(path),
        ) from error


def find_gguf(place: Path) -> tuple[Path, Path | None]:
    """The file of a model that writes, and the one of its vision part, where there is one.

    Args:
        place: The model's file, or the folder of both; that of the vision part begins with
            ``mmproj``, as published.

    Raises:
        ModelLoadError: There is none.
    """
    folder = place if place.is_dir() else place.parent
    found = sorted(folder.glob("*.gguf")) if folder.is_dir() else []
    vision = [path for path in found if path.name.casefold().startswith("mmproj")]
    models = [path for path in found if path not in vision]
    if place.is_file():
        models = [place]
    if not models:
        raise ModelLoadError(
            f"There is no model in {place}: expected a file *.gguf. Run `kb models pull laptop`, "
            "or correct generator.model in kb.yaml.",
            model_id=str(place),
        )
    return models[0], vision[0] if vision else None


class _FoundError(Exception):
    """What is wrong with a file."""


def _read(file: BinaryIO, n_bytes: int) -> GgufHeader:
    if file.read(4) != _MAGIC:
        raise _FoundError("it is no GGUF file")
    version = _scalar(file, "<I")
    if version not in _VERSIONS:
        raise _FoundError(f"it is of version {version} of the format, expected {_VERSIONS}")
    n_tensors, n_entries = _scalar(file, "<Q"), _scalar(file, "<Q")
    if n_tensors > _MAX_TENSORS or n_entries > _MAX_ENTRIES:
        raise _FoundError("its header is damaged")
    values: dict[str, Any] = {}
    for _ in range(n_entries):
        name, kind = _string(file), _scalar(file, "<I")
        value = _value(file, kind)
        if value is not None:
            values[name] = value
    end = 0
    for _ in range(n_tensors):
        _string(file)
        n_dimensions = _scalar(file, "<I")
        if n_dimensions > 8:
            raise _FoundError("its header is damaged")
        n_values = 1
        for _ in range(n_dimensions):
            n_values *= _scalar(file, "<Q")
        kind, offset = _scalar(file, "<I"), _scalar(file, "<Q")
        block, block_bytes = _BLOCKS.get(kind, (1, 0))
        end = max(end, offset + n_values // block * block_bytes)
    alignment = values.get("general.alignment", _ALIGNMENT)
    if not isinstance(alignment, int) or alignment < 1:
        raise _FoundError("its header is damaged")
    expected = -(-file.tell() // alignment) * alignment + end
    if n_bytes < expected:
        raise _FoundError(f"it is not whole, {n_bytes:,} of {expected:,} bytes")
    return GgufHeader(str(values.get("general.architecture", "")), values, n_bytes)


def _value(file: BinaryIO, kind: int) -> Any:
    """A value; None for a list, which is passed over."""
    if kind == _STRING:
        return _string(file)
    if kind != _ARRAY:
        if kind not in _SCALARS:
            raise _FoundError("its header is damaged")
        return _scalar(file, _SCALARS[kind])
    item, n_items = _scalar(file, "<I"), _scalar(file, "<Q")
    if n_items > _MAX_ITEMS or (item != _STRING and item not in _SCALARS):
        raise _FoundError("its header is damaged")
    if item == _STRING:
        for _ in range(n_items):
            _skip_string(file)
    else:
        file.seek(n_items * struct.calcsize(_SCALARS[item]), os.SEEK_CUR)
    return None


def _scalar(file: BinaryIO, form: str) -> Any:
    n_bytes = struct.calcsize(form)
    data = file.read(n_bytes)
    if len(data) < n_bytes:
        raise _FoundError("it ends inside its header")
    return struct.unpack(form, data)[0]


def _string_bytes(file: BinaryIO) -> int:
    n_bytes: int = _scalar(file, "<Q")
    if n_bytes > _MAX_STRING_BYTES:
        raise _FoundError("its header is damaged")
    return n_bytes


def _string(file: BinaryIO) -> str:
    n_bytes = _string_bytes(file)
    data = file.read(n_bytes)
    if len(data) < n_bytes:
        raise _FoundError("it ends inside its header")
    return data.decode("utf-8", "replace")


def _skip_string(file: BinaryIO) -> None:
    file.seek(_string_bytes(file), os.SEEK_CUR)
