"""How well edited pictures are found again, and how near unrelated ones come.

``python -m benchmarks.pictures DIR [--json]``: `DIR` holds ``corpus/`` and
``queries.jsonl`` with lines ``{"id", "image", "relevant": [{"source"}]}``; the edit is the
part of an id before its first hyphen.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from kb.index.assets import AssetStore
from kb.models.encoders.picture import SAME_PICTURE_COSINE, PictureDescriptor
from kb.types import Chunk, EncodedImage, FrameRef, ImageRef, Kind, Locator, Modality, Query


def read_picture(path: Path) -> EncodedImage:
    """The file at `path`, a JPEG or PNG."""
    data = path.read_bytes()
    height, width = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape[:2]
    kind = "image/png" if data.startswith(b"\x89PNG") else "image/jpeg"
    return EncodedImage(data, kind, width, height)


def _chunk(image: ImageRef | None, frames: tuple[FrameRef, ...] = ()) -> Chunk:
    modality = Modality.VIDEO if frames else Modality.IMAGE
    return Chunk("0", "0" * 64, 0, Kind.IMAGE, modality, Locator(), image=image, frames=frames)


def measure(folder: Path) -> dict[str, object]:
    """recall@1 over all and by edit, score distributions, and milliseconds a picture."""
    sources = sorted((folder / "corpus").iterdir())
    place = {path.name: i for i, path in enumerate(sources)}
    queries = [json.loads(line) for line in (folder / "queries.jsonl").open(encoding="utf-8")]
    with tempfile.TemporaryDirectory() as assets_folder:
        assets = AssetStore(Path(assets_folder))
        descriptor = PictureDescriptor(assets)
        refs = [assets.put(read_picture(path)) for path in sources]
        started = time.process_time()
        stored = [descriptor.encode_chunk(_chunk(ref)) for ref in refs]
        image_s = time.process_time() - started
        started = time.process_time()
        descriptor.encode_chunk(_chunk(None, tuple(FrameRef(0.0, ref) for ref in refs)))
        frame_s = time.process_time() - started
    rows = np.concatenate(stored)
    starts = np.cumsum([0, *map(len, stored[:-1])])

    right: dict[str, list[bool]] = {}
    true, false = [], []
    query_s = 0.0
    for query in queries:
        picture = read_picture(folder / query["image"])
        started = time.process_time()
        variants = descriptor.encode_query(Query(images=(picture,)))
        query_s += time.process_time() - started
        scores = np.maximum.reduceat((rows @ variants.T).max(axis=1), starts)
        relevant = [place[item["source"]] for item in query["relevant"]]
        true.append(scores[relevant].max())
        false.append(np.delete(scores, relevant).max())
        right.setdefault(query["id"].split("-")[0], []).append(int(scores.argmax()) in relevant)
    return {
        "n_pictures": len(sources),
        "n_queries": len(queries),
        "recall@1": round(float(np.mean([hit for hits in right.values() for hit in hits])), 4),
        "recall@1_by_edit": {edit: round(float(np.mean(hits)), 4) for edit, hits in right.items()},
        "true_cosine_p0_p5_p50": np.percentile(true, [0, 5, 50]).round(3).tolist(),
        "best_false_cosine_p50_p99_p100": np.percentile(false, [50, 99, 100]).round(3).tolist(),
        "same_picture_cosine": SAME_PICTURE_COSINE,
        "true_at_threshold": round(float(np.mean(np.array(true) >= SAME_PICTURE_COSINE)), 4),
        "false_at_threshold": round(float(np.mean(np.array(false) >= SAME_PICTURE_COSINE)), 4),
        "n_rows_per_picture": len(stored[0]),
        "index_ms_per_picture": round(image_s / len(sources) * 1000, 2),
        "index_ms_per_frame": round(frame_s / len(sources) * 1000, 2),
        "query_ms": round(query_s / len(queries) * 1000, 2),
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)  # so that CPU time is time
    figures = measure(arguments.folder)
    if arguments.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:32} {value}")


if __name__ == "__main__":
    main()
