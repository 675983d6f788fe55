"""Speed of the Qwen3-VL encoder and reranker beside the published code's way and
sentence-transformers: one run, the same random weights, the same inputs, in turns.

``python -m benchmarks.qwen3_vl [--size small|2b|8b] [--device cpu|cuda]
[--precision float32|bfloat16] [--tokenizer DIR] [--part NAME...] [--n-rounds N] [--json]``.
The precision is float32 on a processor and bfloat16 on a GPU, unless it is given. Parts:
``texts``, ``pages``, ``text-pairs``,
``page-pairs`` compare; ``figures`` are ours alone (see `benchmarks.qwen3_vl_figures`).
That all ways compute the same is checked before they are timed: in float32 a cosine of 0.9999
and scores within 0.001; in bfloat16, whose rounding differs by batch, 0.99 and 0.05. Decoding
and resizing of pictures counts for all. Medians; speed is not asserted.

Of the project's packages it needs pydantic, snowballstemmer, psutil and pillow beside torch,
transformers and accelerate, and runs from torch 2.11 and transformers 5.17 on.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from benchmarks.qwen3_vl_figures import Figures
from benchmarks.qwen3_vl_made import (
    SIZES,
    TextMaker,
    draw_page,
    make_sentence_transformers,
    make_sized_checkpoint,
)
from benchmarks.qwen3_vl_ours import Ours
from benchmarks.qwen3_vl_published import (
    Item,
    PublishedEmbedder,
    PublishedReranker,
    SentenceTransformersEmbedder,
    SentenceTransformersReranker,
)
from kb.protocols import Float32Array

__all__ = ["compare"]

# How many times the speed of the published way is wanted.
_TARGETS = {"texts": 3.0, "pages": 1.5, "text-pairs": 5.0, "page-pairs": 4.0}
_PARTS = (*_TARGETS, "figures")
_OURS, _PUBLISHED, _LIBRARY = "ours", "published", "sentence-transformers"

Way = Callable[[], Float32Array]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=tuple(SIZES), default="small")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--precision", choices=("float32", "bfloat16"))
    parser.add_argument("--tokenizer", type=Path, help="directory with a tokenizer.json")
    parser.add_argument("--part", nargs="+", choices=_PARTS, default=_PARTS)
    parser.add_argument("--n-rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    precision = arguments.precision or ("bfloat16" if device.type == "cuda" else "float32")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        dimensions, _ = SIZES[arguments.size]
        checkpoint = make_sized_checkpoint(
            root / "model", dimensions, device, precision, arguments.tokenizer
        )
        found: dict[str, Any] = {
            "size": arguments.size,
            "device": _device_name(device),
            "precision": precision,
            "torch": torch.__version__,
            "n_threads": torch.get_num_threads(),
        }
        if "figures" in arguments.part:
            # First: nothing else is in memory yet.
            found["figures"] = Figures(
                root, checkpoint, arguments.size, device, precision
            ).measure()
        parts = [part for part in arguments.part if part != "figures"]
        if parts:
            found |= compare(
                root, checkpoint, arguments.size, device, precision, parts, arguments.n_rounds
            )
    print(json.dumps(found) if arguments.json else _table(found))


def compare(
    root: Path,
    checkpoint: Path,
    size: str,
    device: torch.device,
    precision: Literal["float32", "bfloat16"],
    parts: Sequence[str],
    n_rounds: int,
) -> dict[str, Any]:
    """Seconds of each way by part, ratios and differences.

    Raises:
        AssertionError: Two ways compute different things.
    """
    amounts = SIZES[size][1]
    maker = TextMaker(checkpoint)
    ours = Ours(root, checkpoint, device, precision)
    result: dict[str, Any] = {"parts": {}, "left_out": []}

    def library(kind: str) -> Any:
        try:
            import sentence_transformers  # noqa: F401
        except ImportError:
            return None
        directory = root / f"sentence-transformers-{kind}"
        if not directory.exists():
            make_sentence_transformers(directory, checkpoint, kind)
        way = SentenceTransformersEmbedder if kind == "embedding" else SentenceTransformersReranker
        return lambda batch: way(directory, device, batch)

    def measure(part: str, n: int, ways: dict[str, Way], *, are_scores: bool) -> None:
        outputs = {name: way() for name, way in ways.items()}  # warms up, too
        differences = _differences(outputs, precision, are_scores=are_scores)
        seconds = _in_turns(ways, device, n_rounds)
        result["parts"][part] = {
            "n": n,
            "target": _TARGETS[part],
            "seconds": seconds,
            "ratios": {
                name: value / seconds[_OURS] for name, value in seconds.items() if name != _OURS
            },
            "differences": differences,
        }

    make_embedder, make_reranker = library("embedding"), library("reranker")
    if make_embedder is None:
        result["left_out"].append("sentence-transformers: not installed here")
    for part in parts:
        is_text = part.startswith("text")
        batch = amounts.text_batch if is_text else amounts.page_batch
        n = {
            "texts": amounts.n_texts,
            "pages": amounts.n_pages,
            "text-pairs": amounts.n_text_pairs,
            "page-pairs": amounts.n_page_pairs,
        }[part]
        items: list[Item] = [
            *(maker.mixed(n) if is_text else (draw_page(i, amounts.page_px) for i in range(n)))
        ]
        ways: dict[str, Way]
        if part in ("texts", "pages"):
            chunks = ours.chunks(items)
            published = PublishedEmbedder(checkpoint, device, batch)
            ways = {
                _OURS: lambda chunks=chunks: ours.encoder.encode_chunks(chunks),
                _PUBLISHED: lambda items=items, way=published: way(items),
            }
            if make_embedder is not None:
                way = make_embedder(batch)
                ways[_LIBRARY] = lambda items=items, way=way: way(items)
        else:
            query = maker.text(20) if is_text else draw_page(-1, amounts.page_px)
            asked, hits = ours.query(query), ours.hits(items)
            judge = PublishedReranker(checkpoint, device)
            ways = {
                _OURS: lambda asked=asked, hits=hits: ours.reranker.rerank(asked, hits),
                _PUBLISHED: lambda q=query, items=items, way=judge: way(q, items),
            }
            if make_reranker is not None:
                way = make_reranker(batch)
                ways[_LIBRARY] = lambda q=query, items=items, way=way: way(q, items)
        measure(part, n, ways, are_scores=part.endswith("pairs"))
        print(part, result["parts"][part]["seconds"], file=sys.stderr)
    return result


def _differences(
    outputs: dict[str, Float32Array], precision: str, *, are_scores: bool
) -> dict[str, float]:
    """1 - the least cosine, or the largest difference of scores, from ours."""
    ours = outputs[_OURS]
    if precision == "bfloat16":
        allowed = 5e-2 if are_scores else 1e-2
    else:
        allowed = 1e-3 if are_scores else 1e-4
    found = {}
    for name, output in outputs.items():
        if name == _OURS:
            continue
        apart = np.abs(ours - output) if are_scores else 1 - (ours * output).sum(axis=1)
        found[name] = float(max(apart.max(), 0.0))
        assert found[name] < allowed, f"{name} computes something else: {found[name]:.2e}"
    return found


def _in_turns(ways: dict[str, Way], device: torch.device, n_rounds: int) -> dict[str, float]:
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(n_rounds):
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            if device.type == "cuda":
                torch.cuda.synchronize()
            seconds[name].append(time.perf_counter() - started)
    return {name: statistics.median(values) for name, values in seconds.items()}


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def _table(found: dict[str, Any]) -> str:
    lines = [
        "{size} in {precision} on {device}, torch {torch}, {n_threads} threads".format(**found),
        "",
    ]
    if "parts" in found:
        lines.append(
            f"{'part':<12}{'n':>5}{'ours s':>10}{'publ. s':>10}{'s-t s':>10}"
            f"{'x publ.':>9}{'wanted':>8}{'x s-t':>8}{'wanted':>8}   largest difference"
        )
    for part, row in found.get("parts", {}).items():
        seconds, ratios = row["seconds"], row["ratios"]
        library_s, library = seconds.get(_LIBRARY), ratios.get(_LIBRARY)
        lines.append(
            f"{part:<12}{row['n']:>5}{seconds[_OURS]:>10.3f}{seconds[_PUBLISHED]:>10.3f}"
            f"{'-' if library_s is None else f'{library_s:.3f}':>10}"
            f"{ratios[_PUBLISHED]:>9.2f}{row['target']:>8.1f}"
            f"{'-' if library is None else f'{library:.2f}':>8}{1.0:>8.1f}"
            f"   {max(row['differences'].values()):.1e}"
        )
    lines += [f"left out: {reason}" for reason in found.get("left_out", ())]
    if "figures" in found:
        lines += ["", *Figures.lines(found["figures"])]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
