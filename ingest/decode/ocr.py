"""Words in pictures: RapidOCR (PP-OCR models in its wheel, Chinese and English), cached.

Long, narrow pictures are read as pages (`ingest.decode.strips`); the time and memory of the others
are bounded by their size. Nothing is fetched from the network. What was read is kept on disk
by the picture's bytes, with the confidence of every line, so that another `min_confidence`
reads nothing again.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.cache_uses import CacheUses
from ingest.decode.pictures import PictureOfFile
from ingest.decode.reading_order import Rect, reading_order
from ingest.decode.strips import MIN_LINE_PX, is_strip, strip_pages
from ingest.parsers.base import OcrText
from kb.config import OcrConfig
from kb.errors import InferenceError, ModelLoadError
from kb.files import write_whole
from kb.types import Box, EncodedImage, Locator, Span

__all__ = ["OcrReader"]

VERSION = 2  # Raised when the same picture would give other lines.
# Mean confidence under which a picture may stand on its head and is read turned as well. The
# models' own classifier of turned lines is not used: it also turns lines that were right.
UPSIDE_DOWN_CONFIDENCE = 0.8


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    confidence: float
    rect: Rect  # In pixels of the picture.


class OcrReader:
    """Reads words in pictures; `read_words` serves as `ParseContext.read_words`.

    The models are loaded at the first picture that is not in the cache.

    Attributes:
        uses: Told the document that is read, it notes what of the cache is that document's.

    Args:
        cache: Directory of what was read before; made when needed.
        config: Lines under its `min_confidence` are dropped.
        n_threads: CPU threads of one reader; parsers run several side by side.
    """

    def __init__(self, cache: Path, config: OcrConfig, n_threads: int = 1) -> None:
        self.uses = CacheUses(cache)
        self._cache = cache
        self._config = config
        self._n_threads = n_threads
        self._engine: Any = None
        self._lock = threading.Lock()
        self._version = f"{VERSION}-{metadata.version('rapidocr')}"

    def read_words(self, image: EncodedImage) -> OcrText:
        """The lines of a picture in reading order, each with a box in its pixels.

        Raises:
            ModelLoadError: The models are missing or don't load.
            InferenceError: The picture can't be decoded, or the model fails on it.
        """
        path = self._path(image)
        self.uses.note(path)
        lines = _load(path)
        if lines is None:
            lines = self._read(image) if _holds_a_line(image) else []
            _save(path, lines)
        return _joined([x for x in lines if x.confidence >= self._config.min_confidence])

    def _path(self, image: EncodedImage) -> Path:
        sha256 = hashlib.sha256(image.data).hexdigest()
        return self._cache / sha256[:2] / f"{sha256}-{self._version}.json"

    def _read(self, image: EncodedImage) -> list[_Line]:
        import cv2

        pixels = cv2.imdecode(np.frombuffer(image.data, np.uint8), cv2.IMREAD_COLOR)
        if pixels is None:
            raise InferenceError(
                f"A picture of type {image.media_type} can't be decoded for reading its words.",
                model_id="rapidocr",
            )
        with self._lock:
            if self._engine is None:
                self._engine = _load_engine(self._n_threads)
            try:
                lines = self._lines(pixels)
                if lines and _mean_confidence(lines) < UPSIDE_DOWN_CONFIDENCE:
                    turned = np.ascontiguousarray(pixels[::-1, ::-1])
                    others = _turned_back(self._lines(turned), pixels.shape)
                    lines = max(lines, others, key=_mean_confidence)
            except Exception as error:  # It raises plain Exceptions of its own.
                raise InferenceError(
                    f"Reading the words of a picture of {_own_size(image)} failed: "
                    f"{_last_line(error)}. Save it smaller or in parts and sync again, or switch "
                    "it off with `ingest.ocr.enabled: false` in kb.yaml.",
                    model_id="rapidocr",
                ) from error
        return lines

    def _lines(self, pixels: NDArray[np.uint8]) -> list[_Line]:
        """The lines of a picture in reading order."""
        height, width = pixels.shape[:2]
        if not is_strip(width, height):
            return _ordered(_found(self._engine(pixels), pixels.shape))
        lines: list[_Line] = []
        for page in strip_pages(pixels):
            pieces: dict[int, list[_Line]] = {}
            for line in _found(self._engine(page.pixels), page.pixels.shape):
                n, rect = page.in_strip(line.rect)
                if rect.x1 > rect.x0 and rect.y1 > rect.y0:
                    pieces.setdefault(n, []).append(replace(line, rect=rect))
            for n in sorted(pieces):
                lines += _ordered(pieces[n])
        return lines


def _holds_a_line(image: EncodedImage) -> bool:
    return min(image.width_px, image.height_px) >= MIN_LINE_PX


def _own_size(image: EncodedImage) -> str:
    if isinstance(image, PictureOfFile):
        return f"{image.own_width_px:,} x {image.own_height_px:,} px"
    return f"{image.width_px:,} x {image.height_px:,} px"


def _last_line(error: Exception) -> str:
    """What failed: rapidocr's messages are whole tracebacks, which end with it."""
    lines = str(error).strip().splitlines()
    if not lines:
        return type(error).__name__
    # onnxruntime puts its cause after the name of the node that failed.
    return lines[-1].rpartition("Status Message: ")[2].strip().rstrip(".")


def _load_engine(n_threads: int) -> Any:
    spec = find_spec("rapidocr")
    if spec is None or spec.origin is None:
        raise ModelLoadError(
            "The package rapidocr is not installed. Install it, or set `ingest.ocr.enabled: "
            "false` in kb.yaml.",
            model_id="rapidocr",
        )
    models = Path(spec.origin).parent / "models"
    paths = {task: sorted(models.glob(f"*_{task}_*.onnx")) for task in ("det", "rec")}
    # With a missing file rapidocr would go to the network.
    if missing := [task for task, found in paths.items() if not found]:
        raise ModelLoadError(
            f"rapidocr's models ({', '.join(missing)}) are not in {models}. Reinstall the package "
            "rapidocr, or set `ingest.ocr.enabled: false` in kb.yaml.",
            model_id="rapidocr",
        )
    # Imported late: it takes most of a second, and most files need no OCR.
    from rapidocr import RapidOCR

    try:
        return RapidOCR(
            params={
                "Global.log_level": "critical",
                "Global.text_score": 0.0,
                "Global.use_cls": False,
                "Det.model_path": str(paths["det"][0]),
                "Rec.model_path": str(paths["rec"][0]),
                "EngineConfig.onnxruntime.intra_op_num_threads": n_threads,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )
    except Exception as error:
        raise ModelLoadError(
            f"rapidocr's models in {models} don't load: {error}. Reinstall the package rapidocr.",
            model_id="rapidocr",
        ) from error


def _found(output: Any, shape: tuple[int, ...]) -> list[_Line]:
    """The lines of a RapidOCR result."""
    if output.txts is None or output.boxes is None:
        return []
    height, width = shape[:2]
    lines: list[_Line] = []
    for text, confidence, corners in zip(output.txts, output.scores, output.boxes, strict=True):
        words = " ".join(text.split())
        xs = np.clip(corners[:, 0], 0, width).tolist()
        ys = np.clip(corners[:, 1], 0, height).tolist()
        rect = Rect(min(xs), min(ys), max(xs), max(ys))
        if words and rect.x1 > rect.x0 and rect.y1 > rect.y0:
            lines.append(_Line(words, round(float(confidence), 4), rect))
    return lines


def _ordered(lines: Sequence[_Line]) -> list[_Line]:
    order = reading_order([line.rect for line in lines], [len(line.text) for line in lines])
    return [lines[i] for region in order for row in region for i in row]


def _turned_back(lines: Sequence[_Line], shape: tuple[int, ...]) -> list[_Line]:
    """Lines of a picture that was turned by half a turn, at their places before it."""
    height, width = shape[:2]
    return [
        _Line(
            line.text,
            line.confidence,
            Rect(
                width - line.rect.x1,
                height - line.rect.y1,
                width - line.rect.x0,
                height - line.rect.y0,
            ),
        )
        for line in lines
    ]


def _mean_confidence(lines: Sequence[_Line]) -> float:
    n_chars = sum(len(line.text) for line in lines)
    return sum(line.confidence * len(line.text) for line in lines) / n_chars if n_chars else 0.0


def _joined(lines: Sequence[_Line]) -> OcrText:
    text = ""
    spans: list[Span] = []
    for line in lines:
        text += "\n" if text else ""
        start = len(text)
        text += line.text
        spans.append(Span(start, len(text), Locator(boxes=(Box(*line.rect),))))
    return OcrText(text, tuple(spans))


def _load(path: Path) -> list[_Line] | None:
    """What was read before; None where nothing was, or the file is not whole."""
    try:
        items = json.loads(path.read_text("utf-8"))
        return [_Line(text, confidence, Rect(*rect)) for text, confidence, rect in items]
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _save(path: Path, lines: Sequence[_Line]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps([[x.text, x.confidence, list(x.rect)] for x in lines]))
