"""Largest difference from the published code's outputs, in float32.

``python -m benchmarks.parity DIR [--json]``. DIR holds ``checkpoint/``, ``inputs/``,
``golden.json`` (what was given) and ``golden.npz`` (``embeddings``, ``rerank``). Every input is
computed alone and in one packed call; the exit status is 1 when a difference is above 1e-4.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from kb.assets import AssetStore
from kb.encoders.qwen3_vl import Qwen3VLEncoder
from kb.model_config import Qwen3VLEncoderConfig, Qwen3VLRerankerConfig
from kb.protocols import Float32Array
from kb.qwen3_vl.content import Content
from kb.qwen3_vl.placement import SharedDevice
from kb.rerankers.qwen3_vl import Qwen3VLReranker
from kb.types import EncodedImage, Frame, Query

__all__ = ["PARITY", "differences", "read_query"]

PARITY = 1e-4
_FPS = 1.0
_MIN_FRAMES, _MAX_FRAMES = 4, 64


def main() -> None:
    """Compare, print, and exit with 1 where a difference is too large."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    found = differences(arguments.directory)
    if arguments.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:>40}  {value:.2e}")
    sys.exit(max(found.values()) > PARITY)


def differences(directory: Path) -> dict[str, float]:
    """Largest absolute difference by what was compared."""
    given = json.loads((directory / "golden.json").read_text("utf-8"))
    golden = np.load(directory / "golden.npz")
    checkpoint, inputs = directory / "checkpoint", directory / "inputs"
    # Nothing is stored: every picture comes with its question.
    assets, device = AssetStore(directory / "none"), SharedDevice.alone()
    encoder = Qwen3VLEncoder(
        Qwen3VLEncoderConfig(model=str(checkpoint), device="cpu", precision="float32"),
        checkpoint,
        assets,
        device,
    )
    queries = [
        read_query(one, inputs, one.get("instruction") or given["embedding_default_instruction"])
        for one in given["embedding_inputs"]
    ]
    expected = golden["embeddings"]
    alone = np.concatenate([encoder.encode_queries([query]) for query in queries])
    packed = encoder.encode_queries(queries)
    result: dict[str, float] = {}
    for n, one in enumerate(given["embedding_inputs"]):
        name = f"embedding of {_kind(one)}"
        for way, vectors in (("alone", alone), ("packed", packed)):
            _note(result, f"{name}, {way}", vectors[n], expected[n])
    reranker = Qwen3VLReranker(
        Qwen3VLRerankerConfig(model=str(checkpoint), device="cpu", precision="float32"),
        checkpoint,
        assets,
        device,
    )
    documents = [_content(one, inputs) for one in given["rerank_documents"]]
    for row, one in enumerate(given["rerank_queries"]):
        query = _content(one, inputs)
        instruction = given["rerank_instruction"]
        together = reranker.score(query, documents, instruction)
        for column, document in enumerate(documents):
            name = f"score of {_kind(one)} × {_kind(given['rerank_documents'][column])}"
            single = reranker.score(query, [document], instruction)
            wanted = golden["rerank"][row, column]
            _note(result, f"{name}, alone", single[0], wanted)
            _note(result, f"{name}, packed", together[column], wanted)
    return result


def read_query(given: Mapping[str, Any], inputs: Path, instruction: str | None = None) -> Query:
    """An entry of ``golden.json``, its files read as the published code samples them."""
    names = given.get("image", [])
    names = [names] if isinstance(names, str) else names
    return Query(
        text=given.get("text", ""),
        images=tuple(_image(inputs / name) for name in names),
        clip=_frames(inputs / given["video"]) if "video" in given else (),
        instruction=instruction,
    )


def _content(given: Mapping[str, Any], inputs: Path) -> Content:
    return Content.of_query(read_query(given, inputs))


def _image(path: Path) -> EncodedImage:
    data = path.read_bytes()
    with Image.open(path) as image:
        return EncodedImage(data, "image/png", image.width, image.height)


def _frames(path: Path) -> tuple[Frame, ...]:
    """An even number of frames, spread over the whole clip (qwen_vl_utils)."""
    import decord

    reader = decord.VideoReader(str(path))
    n_frames, fps = len(reader), reader.get_avg_fps()
    n_wanted = min(max(n_frames / fps * _FPS, _MIN_FRAMES), _MAX_FRAMES, n_frames)
    places = np.linspace(0, n_frames - 1, int(n_wanted) // 2 * 2).round().astype(int).tolist()
    return tuple(
        Frame(place / fps, _png(pixels))
        for place, pixels in zip(places, reader.get_batch(places).asnumpy(), strict=True)
    )


def _png(pixels: np.ndarray) -> EncodedImage:
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return EncodedImage(buffer.getvalue(), "image/png", pixels.shape[1], pixels.shape[0])


def _kind(given: Mapping[str, Any]) -> str:
    return " + ".join(key for key in ("video", "image", "text") if given.get(key)) or "nothing"


def _note(
    result: dict[str, float], name: str, found: Float32Array | float, wanted: Sequence[float]
) -> None:
    result[name] = max(result.get(name, 0.0), float(np.abs(np.asarray(found) - wanted).max()))


if __name__ == "__main__":
    main()
