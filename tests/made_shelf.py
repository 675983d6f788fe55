"""A shelf of made files: a PDF with a turned page, a picture, a clip, a talk, a web page."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pymupdf
from PIL import Image

from kb import Table
from kb.config import Config
from kb.index.assets import AssetStore
from kb.tracks import Track
from kb.types import (
    Box,
    Chunk,
    Document,
    EncodedImage,
    FrameRef,
    ImageRef,
    Kind,
    Locator,
    Modality,
    Span,
)
from ui.service.sheets import Sheet, sheet_of
from ui.service.spoken import SpokenLine, spoken_tracks

PAGE_TEXT = "Hold the power button for ten seconds."
HOSTILE = "Press <b>start</b> & wait. <script>alert(1)</script> It is done."


@dataclass
class MadeShelf:
    """Chunks, documents and files by id."""

    library: Path
    assets: AssetStore
    config: Config = field(default_factory=Config)
    chunks: dict[str, Chunk] = field(default_factory=dict)
    documents: dict[str, Document] = field(default_factory=dict)
    pages: dict[tuple[str, int], ImageRef] = field(default_factory=dict)
    sizes_points: dict[tuple[str, int], tuple[float, float]] = field(default_factory=dict)
    pictures: dict[str, ImageRef] = field(default_factory=dict)
    tables: dict[str, list[Table]] = field(default_factory=dict)

    def chunk(self, chunk_id: str) -> Chunk | None:
        return self.chunks.get(chunk_id)

    def document(self, sha256: str) -> Document | None:
        return self.documents.get(sha256)

    def page_image(self, document_sha256: str, page: int) -> ImageRef | None:
        return self.pages.get((document_sha256, page))

    def page_size_points(self, document_sha256: str, page: int) -> tuple[float, float] | None:
        return self.sizes_points.get((document_sha256, page))

    def n_pages(self, document_sha256: str) -> int:
        return sum(sha256 == document_sha256 for sha256, _ in self.pages)

    def sheet(self, chunk: Chunk, quoted: tuple[int, int]) -> Sheet | None:
        return sheet_of(self.tables.get(chunk.document_sha256, []), chunk.id, quoted)

    def spoken(self, document_sha256: str) -> Mapping[Track, tuple[SpokenLine, ...]]:
        own = (one for one in self.chunks.values() if one.document_sha256 == document_sha256)
        return spoken_tracks(own)

    def asset(self, sha256: str) -> ImageRef | None:
        return self.pictures.get(sha256)

    def asset_path(self, ref: ImageRef) -> Path:
        return self.assets.path(ref)

    def original(self, document_sha256: str) -> Path | None:
        document = self.documents.get(document_sha256)
        path = self.library / document.sources[0][1] if document else None
        return path if path is not None and path.is_file() else None

    def add_file(self, name: str, content: bytes, kind: Kind, media_type: str) -> str:
        (self.library / name).write_bytes(content)
        sha256 = hashlib.sha256(content).hexdigest()
        self.documents[sha256] = Document(
            sha256, kind, media_type, name, len(content), ((self.library, name),), 0
        )
        return sha256

    def add_picture(self, width_px: int, height_px: int, colour: str = "teal") -> ImageRef:
        buffer = io.BytesIO()
        Image.new("RGB", (width_px, height_px), colour).save(buffer, "PNG")
        ref = self.assets.put(EncodedImage(buffer.getvalue(), "image/png", width_px, height_px))
        self.pictures[ref.sha256] = ref
        return ref

    def add_chunk(self, chunk: Chunk) -> None:
        self.chunks[chunk.id] = chunk


def made_shelf(tmp_path: Path) -> MadeShelf:
    """`pdf` (page 2 is turned), `picture`, `clip`, `talk`, `web`: the ids of one chunk of each."""
    library = tmp_path / "library"
    library.mkdir()
    made = MadeShelf(library, AssetStore(tmp_path / "assets"))

    pdf = pymupdf.open()
    pdf.new_page(width=600, height=800)
    pdf.new_page(width=600, height=800).set_rotation(90)
    sha256 = made.add_file("手册 manual.pdf", pdf.tobytes(), Kind.PDF, "application/pdf")
    made.pages[sha256, 1] = made.add_picture(1080, 1440)
    made.pages[sha256, 2] = made.add_picture(1280, 960)
    made.sizes_points |= {(sha256, 1): (600.0, 800.0), (sha256, 2): (800.0, 600.0)}
    line = Locator(page=2, boxes=(Box(80, 60, 400, 75),))
    made.add_chunk(
        Chunk(
            "pdf",
            sha256,
            0,
            Kind.PDF,
            Modality.TEXT,
            Locator(page=2, boxes=(Box(80, 30, 400, 75),)),
            text=f"Reset\n{PAGE_TEXT}",
            title="Manual",
            headings=("Care", "Reset"),
            spans=(
                Span(0, 5, Locator(page=2, boxes=(Box(80, 30, 200, 45),))),
                Span(6, 6 + len(PAGE_TEXT), line),
            ),
        )
    )
    whole = Locator(page=2, boxes=(Box(0, 0, 800, 600),))
    made.add_chunk(
        Chunk("page", sha256, 1, Kind.PDF, Modality.IMAGE, whole, image=made.pages[sha256, 2])
    )

    picture = made.add_picture(640, 480)
    content = made.assets.read(picture)
    sha256 = made.add_file("pump.png", content, Kind.IMAGE, "image/png")
    words = (Span(0, 4, Locator(boxes=(Box(64, 48, 128, 96),))),)
    made.add_chunk(
        Chunk(
            "picture",
            sha256,
            0,
            Kind.IMAGE,
            Modality.IMAGE,
            Locator(),
            text="PUMP 9000",
            spans=words,
            image=picture,
        )
    )

    sha256 = made.add_file("tour.mp4", bytes(range(256)) * 40, Kind.VIDEO, "video/mp4")
    frames = tuple(FrameRef(float(t), made.add_picture(64, 36, f"#0000{t:02x}")) for t in (60, 75))
    made.add_chunk(
        Chunk(
            "clip",
            sha256,
            1,
            Kind.VIDEO,
            Modality.VIDEO,
            Locator(start_s=60, end_s=120),
            text="Fill it.\nSwitch it on.",
            spans=(
                Span(0, 8, Locator(start_s=61, end_s=64)),
                Span(9, 22, Locator(start_s=74, end_s=78)),
            ),
            frames=frames,
        )
    )

    sha256 = made.add_file("talk.mp3", b"ID3" + bytes(500), Kind.AUDIO, "audio/mpeg")
    made.add_chunk(
        Chunk(
            "talk",
            sha256,
            0,
            Kind.AUDIO,
            Modality.TEXT,
            Locator(start_s=3.2, end_s=70.5),
            text=f"Oil it monthly.\n{HOSTILE}",
            title="talk",
            headings=("Speech in English",),
            spans=(
                Span(0, 15, Locator(start_s=3.2, end_s=5.0, anchor="speech:en")),
                Span(
                    16,
                    16 + len(HOSTILE),
                    Locator(start_s=65.0, end_s=70.5, anchor="speech:en"),
                ),
            ),
        )
    )

    html = f"<h1>FAQ</h1><script>alert(1)</script>{HOSTILE}".encode()
    sha256 = made.add_file("faq.html", html, Kind.HTML, "text/html")
    made.add_chunk(
        Chunk(
            "web",
            sha256,
            0,
            Kind.HTML,
            Modality.TEXT,
            Locator(anchor="start"),
            text=HOSTILE,
            title="FAQ <i>1</i>",
            headings=("Starting",),
        )
    )
    return made
