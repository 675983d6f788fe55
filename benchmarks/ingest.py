"""Pages a second of the PDF parser, beside the bare cost on the same cores in the same run.

The bare cost of a page is PyMuPDF's `get_text`, one rendering at the size of the page image,
and one JPEG by the same encoder and quality. Both sides take turns, document by document,
so that whatever else the machine does falls on both.

    python -m benchmarks.ingest [--json] [--rounds N] [PDF …]
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import pymupdf
from PIL import Image

from ingest.parsers.base import ParseContext
from ingest.parsers.pdf.pages import JPEG_QUALITY, MAX_HEIGHT_PX, MAX_WIDTH_PX
from ingest.parsers.pdf.parser import PdfParser
from kb.config import IngestConfig
from kb.types import Kind, Modality, Source

TARGET_RATIO = 1.5
REPOSITORY = Path(__file__).parents[1]


def main() -> None:
    """Print the ratio and the rates; exit with 1 where the target is missed."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("pdf", nargs="*", type=Path)
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--rounds", type=int, default=5)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "made.pdf"
        made.write_bytes(make_pdf())
        paths = options.pdf or [
            *sorted((REPOSITORY.parent / "shared" / "files" / "pdf").glob("*.pdf")),
            *sorted((REPOSITORY / "data" / "samples").rglob("*.pdf")),
            made,
        ]
        documents = [measure(path, options.rounds) for path in paths]
    bare_s = sum(document["bare_s"] for document in documents)
    parse_s = sum(document["parse_s"] for document in documents)
    n_pages = sum(document["n_pages"] for document in documents)
    result = {
        "documents": documents,
        "n_pages": n_pages,
        "pages_per_s": round(n_pages / parse_s, 1),
        "bare_pages_per_s": round(n_pages / bare_s, 1),
        "ratio": round(parse_s / bare_s, 3),
        "target_ratio": TARGET_RATIO,
    }
    if options.json:
        print(json.dumps(result))
    else:
        for document in documents:
            print(
                f"{document['file']:40} {document['n_pages']:4} pages  "
                f"{document['pages_per_s']:7.1f} pages/s  bare {document['bare_pages_per_s']:7.1f}"
                f"  ratio {document['ratio']:.2f}"
            )
        print(
            f"All: {result['pages_per_s']} pages/s, bare {result['bare_pages_per_s']} pages/s, "
            f"ratio {result['ratio']} (target: at most {TARGET_RATIO})"
        )
    sys.exit(0 if parse_s <= TARGET_RATIO * bare_s else 1)


def measure(path: Path, n_rounds: int) -> dict[str, float | str]:
    """Median seconds of `n_rounds` turns of each side on one document, one core each."""
    source = Source(
        path.parent, path.name, "application/pdf", Kind.PDF, "0" * 64, path.stat().st_size, 0
    )
    n_pages = bare(path)  # Also warms the caches of both.
    parse(source)
    bare_s: list[float] = []
    parse_s: list[float] = []
    for _ in range(n_rounds):
        bare_s.append(seconds(lambda: bare(path)))
        parse_s.append(seconds(lambda: parse(source)))
    return {
        "file": path.name,
        "n_pages": n_pages,
        "bare_s": median(bare_s),
        "parse_s": median(parse_s),
        "bare_pages_per_s": round(n_pages / median(bare_s), 1),
        "pages_per_s": round(n_pages / median(parse_s), 1),
        "ratio": round(median(parse_s) / median(bare_s), 3),
    }


def seconds(call: Callable[[], int]) -> float:
    """CPU seconds of a call: both sides use one thread, and waiting for others' work on
    a shared machine is not theirs."""
    start = time.process_time()
    call()
    return time.process_time() - start


def bare(path: Path) -> int:
    """Text, rendering and JPEG of every page; the number of pages."""
    with pymupdf.open(path) as document:
        for page in document:
            page.get_text()
            zoom = min(MAX_WIDTH_PX / page.rect.width, MAX_HEIGHT_PX / page.rect.height)
            pixmap = page.get_pixmap(matrix=pymupdf.Matrix(zoom, zoom), alpha=False)
            Image.frombuffer(
                "RGB", (pixmap.width, pixmap.height), pixmap.samples_mv, "raw", "RGB", 0, 1
            ).save(io.BytesIO(), "JPEG", quality=JPEG_QUALITY)
        return int(document.page_count)


def parse(source: Source) -> int:
    """Every segment of the parser, without OCR; the number of page images."""
    context = ParseContext(IngestConfig(), None, lambda _: None)
    segments = PdfParser().parse(source, context)
    return sum(segment.modality is Modality.IMAGE for segment in segments)


def make_pdf(n_pages: int = 20) -> bytes:
    """A text document with headings and prose on A4, a table on every fifth page."""
    prose = (
        "The valve opens when the pressure in the upper chamber rises over the set value, and "
        "it closes again as soon as the level has fallen. Check the seal once a month. "
    )
    document = pymupdf.open()
    for number in range(n_pages):
        page = document.new_page(width=595, height=842)
        page.insert_text((72, 40), "Operating manual", fontsize=9)
        page.insert_text((72, 90), f"{number + 1} Chapter on valves", fontsize=18)
        page.insert_textbox((72, 110, 523, 560), prose * 14, fontsize=10.5)
        if number % 5 == 0:
            for row in range(6):
                y = 580 + 24 * row
                page.draw_line((72, y), (523, y))
                for column in range(4):
                    if row < 5:
                        page.insert_text((80 + 113 * column, y + 16), f"value {row * column}")
        page.insert_text((290, 820), str(number + 1), fontsize=9)
    return bytes(document.tobytes(deflate=True))


if __name__ == "__main__":
    main()
