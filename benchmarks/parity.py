"""Largest difference from the published code's outputs, which are float32.

``python -m benchmarks.parity DIR [--device cpu|cuda] [--precision float32|bfloat16] [--json]``.
DIR holds ``checkpoint/``, ``inputs/``, ``golden.json`` (what was given) and ``golden.npz``
(``embeddings``, ``rerank``). Every input is computed alone and in one packed call. The exit
status is 1 when a difference is above 1e-4 in float32, or above 0.1 in bfloat16, which has three
digits; and 2 when DIR can't be compared with.
"""

from __future__ import annotations

import argparse
import json
import sys
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image

from kb.config.models import Qwen3VLEncoderConfig, Qwen3VLRerankerConfig
from kb.content import Content
from kb.device.placement import SharedDevice
from kb.errors import KnowledgeBaseError
from kb.index.assets import AssetStore
from kb.models.encoders.qwen3_vl import Qwen3VLEncoder
from kb.models.rerankers.qwen3_vl import Qwen3VLReranker
from kb.protocols import Float32Array
from kb.types import EncodedImage, Frame, Query

__all__ = ["PARITY", "BadSetError", "Golden", "differences", "read_set"]

PARITY = 1e-4
_ALLOWED = {"float32": PARITY, "bfloat16": 0.1}
_FORMAT = "Expected checkpoint/, inputs/, golden.json and golden.npz, as in shared/parity."
_NUMPY_ERRORS = (OSError, ValueError, EOFError, KeyError, TypeError)
_FPS = 1.0
_MIN_FRAMES, _MAX_FRAMES = 4, 64


def main() -> None:
    """Compare, print, and exit with 1 where a difference is too large."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--precision", choices=tuple(_ALLOWED), default="float32")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    try:
        found = differences(arguments.directory, arguments.device, arguments.precision)
    except (BadSetError, KnowledgeBaseError) as error:
        print(f"parity: {error}", file=sys.stderr)
        sys.exit(2)
    if arguments.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:>40}  {value:.2e}")
    # Not >: what is no number is no parity.
    sys.exit(not all(value <= _ALLOWED[arguments.precision] for value in found.values()))


class BadSetError(Exception):
    """A directory is not of the format that is compared with; the message says why."""


def differences(
    directory: Path,
    device_name: Literal["cpu", "cuda"] = "cpu",
    precision: Literal["float32", "bfloat16"] = "float32",
) -> dict[str, float]:
    """Largest absolute difference by what was compared.

    Raises:
        BadSetError: `directory` is not of the format.
        ModelLoadError: Its checkpoint can't be loaded.
    """
    golden = read_set(directory)
    # Nothing is stored: every picture comes with its question.
    assets, device = AssetStore(directory / "none"), SharedDevice.alone()
    checkpoint = directory / "checkpoint"
    encoder = Qwen3VLEncoder(
        Qwen3VLEncoderConfig(model=str(checkpoint), device=device_name, precision=precision),
        checkpoint,
        assets,
        device,
    )
    if golden.embeddings.shape[1] != encoder.dim:
        raise BadSetError(
            f"{directory / 'golden.npz'} holds vectors of {golden.embeddings.shape[1]} numbers; "
            f"the checkpoint gives {encoder.dim}. Expected both of one model."
        )
    alone = np.concatenate([encoder.encode_queries([query]) for query in golden.inputs])
    packed = encoder.encode_queries(golden.inputs)
    result: dict[str, float] = {}
    for n, query in enumerate(golden.inputs):
        name = f"embedding of {_kind(query)}"
        for way, vectors in (("alone", alone), ("packed", packed)):
            _note(result, f"{name}, {way}", vectors[n], golden.embeddings[n])
    reranker = Qwen3VLReranker(
        Qwen3VLRerankerConfig(model=str(checkpoint), device=device_name, precision=precision),
        checkpoint,
        assets,
        device,
    )
    documents = [Content.of_query(document) for document in golden.documents]
    for row, asked in enumerate(golden.queries):
        query = Content.of_query(asked)
        together = reranker.score(query, documents, golden.rerank_instruction)
        for column, document in enumerate(documents):
            name = f"score of {_kind(asked)} × {_kind(golden.documents[column])}"
            single = reranker.score(query, [document], golden.rerank_instruction)
            wanted = golden.rerank[row, column]
            _note(result, f"{name}, alone", single[0], wanted)
            _note(result, f"{name}, packed", together[column], wanted)
    return result


@dataclass(frozen=True, slots=True)
class Golden:
    """What was given and what came out: ``embeddings`` a row an input, ``rerank`` a row a query
    and a column a document."""

    inputs: list[Query]
    queries: list[Query]
    documents: list[Query]
    rerank_instruction: str
    embeddings: np.ndarray
    rerank: np.ndarray


def read_set(directory: Path) -> Golden:
    """What `directory` holds beside its checkpoint.

    Raises:
        BadSetError: It is not of the format.
    """
    if not directory.is_dir():
        raise BadSetError(f"There is no directory {directory}. {_FORMAT}")
    path = directory / "golden.json"
    try:
        given = json.loads(path.read_text("utf-8"))
        default = given["embedding_default_instruction"]
        inputs = [(one, one.get("instruction") or default) for one in given["embedding_inputs"]]
        queries = [(one, None) for one in given["rerank_queries"]]
        documents = [(one, None) for one in given["rerank_documents"]]
        rerank_instruction = str(given["rerank_instruction"])
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadSetError(f"{path} can't be read ({error!r}). {_FORMAT}") from error
    if not (inputs and queries and documents):
        raise BadSetError(f"{path} gives no inputs, or no queries and documents. {_FORMAT}")
    path = directory / "golden.npz"
    try:
        # numpy leaves a file of its own open when it is no archive.
        with path.open("rb") as file, np.load(file) as arrays:
            embeddings, rerank = arrays["embeddings"], arrays["rerank"]
    except (*_NUMPY_ERRORS, zipfile.BadZipFile, zlib.error) as error:
        raise BadSetError(
            f"{path} can't be read ({error}). It is cut short, or no archive of numpy: copy it "
            f"again. {_FORMAT}"
        ) from error
    shape = (len(queries), len(documents))
    if embeddings.ndim != 2 or len(embeddings) != len(inputs) or rerank.shape != shape:
        raise BadSetError(
            f"{path} holds embeddings {embeddings.shape} and rerank {rerank.shape}; expected "
            f"({len(inputs)}, dim) and {shape} by golden.json. {_FORMAT}"
        )
    read = [
        [_read_query(one, directory / "inputs", instruction) for one, instruction in group]
        for group in (inputs, queries, documents)
    ]
    return Golden(read[0], read[1], read[2], rerank_instruction, embeddings, rerank)


def _read_query(given: Mapping[str, Any], inputs: Path, instruction: str | None) -> Query:
    """An entry of ``golden.json``, its files read as the published code samples them."""
    try:
        names = given.get("image", [])
        names = [names] if isinstance(names, str) else names
        return Query(
            text=given.get("text", ""),
            images=tuple(_image(inputs / name) for name in names),
            clip=_frames(inputs / given["video"]) if "video" in given else (),
            instruction=instruction,
        )
    # decord raises RuntimeErrors of its own.
    except (OSError, ValueError, TypeError, AttributeError, RuntimeError) as error:
        raise BadSetError(f"The input {given!r} can't be read from {inputs}: {error}") from error


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


def _kind(query: Query) -> str:
    shown = {"video": query.clip, "image": query.images, "text": query.text}
    return " + ".join(name for name, value in shown.items() if value) or "nothing"


def _note(
    result: dict[str, float], name: str, found: Float32Array | float, wanted: Sequence[float]
) -> None:
    difference = float(np.abs(np.asarray(found) - wanted).max())
    # Unlike max() it keeps what is no number.
    before = result.get(name, 0.0)
    result[name] = float(np.maximum(before, difference))


if __name__ == "__main__":
    main()
