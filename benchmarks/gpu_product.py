"""The product on one device with Qwen3-VL of true shapes and random weights, end to end.

``python -m benchmarks.gpu_product [--size 2b] [--device cuda] [--n-texts 300] [--n-pages 64]``.
Files are indexed by a whole sync; questions are asked while nothing else runs and while a sync
does; a batch that memory does not hold is halved until it fits; three models take turns where two
have room. Words of the answers mean nothing; vectors are compared with those of a quiet run.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Literal

__all__ = ["main"]


def main() -> None:
    """Measure and print, step by step."""
    # Here, not above: the processes that read files import this module anew when they start, and
    # would wait for torch, which `kb` spares them.
    import torch

    from benchmarks.gpu_product_steps import ask_and_index, run_short_of_memory, take_turns
    from benchmarks.qwen3_vl_made import SIZES, make_sized_checkpoint

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=tuple(SIZES), default="2b")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda")
    parser.add_argument("--n-texts", type=int, default=300)
    parser.add_argument("--n-pages", type=int, default=64)
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    precision: Literal["float32", "bfloat16"] = "bfloat16" if device.type == "cuda" else "float32"
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "the processor"
    print(f"{arguments.size} in {precision} on {name}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        checkpoint = make_sized_checkpoint(
            root / "model", SIZES[arguments.size][0], device, precision
        )
        n_texts, n_pages = arguments.n_texts, arguments.n_pages
        ask_and_index(root, checkpoint, device, precision, n_texts, n_pages)
        if device.type == "cuda":
            run_short_of_memory(root, checkpoint, device, precision, n_pages)
        take_turns(root, checkpoint, device, precision)


if __name__ == "__main__":
    main()
