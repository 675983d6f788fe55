"""In which numbers a model computes, and how much memory its weights take so."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from safetensors import SafetensorError, safe_open

if TYPE_CHECKING:
    import torch

__all__ = ["Precision", "choose_dtype", "resident_bytes", "weights_bytes"]

Precision = Literal["auto", "float32", "bfloat16"]

# Processors that multiply bfloat16: elsewhere torch does it in software.
_CAPABILITIES = ("amx_bf16", "avx512_bf16")
_SAFETENSORS_BFLOAT16 = "BF16"


def choose_dtype(directory: Path, device_type: str, precision: Precision) -> torch.dtype:
    """What a checkpoint computes in on a ``cuda`` or ``cpu`` device.

    ``auto`` is bfloat16 on a GPU, and on a processor that multiplies it where the weights are
    stored so, as the published ones are: half the memory and several times the speed. Else it
    is float32.
    """
    import torch

    if precision != "auto":
        return torch.float32 if precision == "float32" else torch.bfloat16
    if device_type == "cuda":
        return torch.bfloat16
    capabilities = torch.cpu.get_capabilities()
    can_multiply = any(capabilities.get(name) for name in _CAPABILITIES)
    return torch.bfloat16 if can_multiply and _is_stored_short(directory) else torch.float32


def weights_bytes(directory: Path) -> int:
    """Of a checkpoint's weights, as they are stored."""
    return sum(path.stat().st_size for path in directory.glob("*.safetensors"))


def resident_bytes(directory: Path, device_type: str, precision: Precision) -> int:
    """Of a checkpoint's weights, as they lie in the device's memory."""
    stored_size = 2 if _is_stored_short(directory) else 4
    size = choose_dtype(directory, device_type, precision).itemsize
    return weights_bytes(directory) * size // stored_size


def _is_stored_short(directory: Path) -> bool:
    for path in sorted(directory.glob("*.safetensors")):
        try:
            with safe_open(path, "np") as file:
                for name in file.keys():  # noqa: SIM118
                    return bool(file.get_slice(name).get_dtype() == _SAFETENSORS_BFLOAT16)
        except (OSError, SafetensorError):
            return False  # loading says what is wrong
    return False
