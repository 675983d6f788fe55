"""Every figure that needs a GPU, in one run, printed as it comes.

``python -m benchmarks.gpu [PARITY_DIR...] [--size 2b] [--device cuda] [--n-rounds N]
[--part NAME...]``. Parts: ``parity`` (float32, then bfloat16, of every PARITY_DIR), ``speed``
(`benchmarks.qwen3_vl`: ours alone, then beside the published way and sentence-transformers) and
``product`` (`benchmarks.gpu_product`: indexing and questions at once, memory that is short, models
that take turns). Each runs in a process of its own, so that one that fails stops no other.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.qwen3_vl_made import SIZES

__all__ = ["commands"]

_PARTS = ("parity", "speed", "product")


def main() -> None:
    """Run the parts; exit with 1 when one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parity_set", nargs="*", type=Path)
    parser.add_argument("--size", choices=tuple(SIZES), default="2b")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda")
    parser.add_argument("--n-rounds", type=int, default=3)
    parser.add_argument("--part", nargs="+", choices=_PARTS, default=_PARTS)
    arguments = parser.parse_args()
    begun, n_failed = time.monotonic(), 0
    for command in commands(
        arguments.part,
        arguments.parity_set,
        arguments.size,
        arguments.device,
        arguments.n_rounds,
    ):
        print(f"\n== {time.monotonic() - begun:.0f} s: {' '.join(command)}\n", flush=True)
        n_failed += subprocess.run([sys.executable, "-m", *command]).returncode != 0
    print(f"\n== {time.monotonic() - begun:.0f} s: {n_failed} failed")
    sys.exit(n_failed > 0)


def commands(
    parts: list[str], parity_sets: list[Path], size: str, device: str, n_rounds: int
) -> list[list[str]]:
    """Modules to run, with their arguments."""
    found = []
    if "parity" in parts:
        found += [
            ["benchmarks.parity", str(path), "--device", device, "--precision", precision]
            for precision in ("float32", "bfloat16")
            for path in parity_sets
        ]
    sized = ["--size", size, "--device", device]
    if "speed" in parts:
        found.append(["benchmarks.qwen3_vl", *sized, "--n-rounds", str(n_rounds)])
    if "product" in parts:
        found.append(["benchmarks.gpu_product", *sized])
    return found


if __name__ == "__main__":
    main()
