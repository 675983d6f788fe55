"""What can be configured, and where a knowledge base keeps its files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from kb.config.models import (
    EncoderConfig,
    ExtractiveConfig,
    GeneratorConfig,
    LexicalConfig,
    RerankerConfig,
    Section,
    TextEncoderConfig,
)
from kb.files import write_whole

__all__ = [
    "DEFAULT_PROFILE",
    "ChunkingConfig",
    "Config",
    "Home",
    "IngestConfig",
    "LimitsConfig",
    "OcrConfig",
    "RetrieveConfig",
    "SoundConfig",
    "StoreConfig",
    "VideoConfig",
]

DEFAULT_PROFILE = "starter"
MIB = 1024 * 1024


class ChunkingConfig(Section):
    """How text becomes chunks. A preset sets the sizes; explicit sizes win over it."""

    strategy: Literal["fixed", "semantic", "sliding"] = "semantic"
    preset: Literal["technical", "news", "legal"] = "technical"
    chunk_tokens: int | None = Field(default=None, ge=16, le=8192)
    overlap_tokens: int | None = Field(default=None, ge=0)

    @property
    def sizes_tokens(self) -> tuple[int, int]:
        """``(chunk, overlap)`` in tokens."""
        preset = {"technical": (512, 50), "news": (256, 30), "legal": (1024, 100)}
        chunk, overlap = preset[self.preset]
        chunk = self.chunk_tokens if self.chunk_tokens is not None else chunk
        overlap = self.overlap_tokens if self.overlap_tokens is not None else overlap
        return chunk, overlap

    @model_validator(mode="after")
    def _overlap_below_chunk(self) -> ChunkingConfig:
        chunk, overlap = self.sizes_tokens
        if overlap >= chunk:
            raise ValueError(f"overlap_tokens ({overlap}) must be below chunk_tokens ({chunk})")
        return self


class OcrConfig(Section):
    """Reading words in pictures (RapidOCR: Chinese and English)."""

    enabled: bool = True
    min_confidence: float = Field(default=0.5, ge=0.0, le=1.0)


class VideoConfig(Section):
    """How clips become frames."""

    reader: Literal["auto", "decord", "pyav"] = "auto"
    fps: float = Field(default=1.0, gt=0.0)
    max_frames: int = Field(default=64, ge=1, le=768)
    ocr: bool = True


class SoundConfig(Section):
    """How speech becomes text (faster-whisper, of the extra ``sound``).

    Attributes:
        enabled: Whether sound is listened to.
        model: A model of the catalog (`kb models list`), or the directory of another Whisper model
            in the format of CTranslate2.
        time_limit_s: Of listening to one file, beside ``ingest.time_limit_s``. A small file has a
            share of it (see `ingest.limits`).
    """

    enabled: bool = True
    model: str = "faster-whisper-base"
    time_limit_s: float = Field(default=4 * 3600.0, gt=0)


class IngestConfig(Section):
    """How files are found and parsed.

    Attributes:
        roots: Folders indexed in place, beside the home's ``library``.
        workers: Parser processes; 0 means one a core.
        time_limit_s: Of parsing one file, before its worker is stopped. A small file has a share
            of it (see `ingest.limits`).
        memory_limit_bytes: Of one worker's address space growth. Likewise. Linux keeps it; on
            macOS and Windows the time limit alone holds.
        max_file_bytes: Files over it are refused.
        max_image_px: Pixels (width x height) over which a picture is refused.
        pdf_passwords: Tried in turn on encrypted documents.
        follow_links: Follow links that lead out of a root. Without it, whoever can put a link into
            a root can't have what lies elsewhere indexed.
        poll: Watch by polling, for network drives that send no events.
        ignore: Patterns of names that are passed over.
    """

    roots: tuple[Path, ...] = ()
    chunking: ChunkingConfig = ChunkingConfig()
    ocr: OcrConfig = OcrConfig()
    video: VideoConfig = VideoConfig()
    sound: SoundConfig = SoundConfig()
    workers: int = Field(default=0, ge=0)
    time_limit_s: float = Field(default=900.0, gt=0)
    memory_limit_bytes: int = Field(default=4096 * MIB, ge=256 * MIB)
    max_file_bytes: int = Field(default=4096 * MIB, ge=1)
    max_image_px: int = Field(default=200_000_000, ge=1)
    pdf_passwords: tuple[str, ...] = Field(default=(), repr=False)
    follow_links: bool = False
    poll: bool = False
    ignore: tuple[str, ...] = (".*", "~$*", "*.tmp", "*.part", "*.crdownload", "Thumbs.db")


class StoreConfig(Section):
    """Where vectors live: the embedded Qdrant Edge, or a Qdrant server when `url` is set."""

    url: str | None = None
    api_key: str | None = Field(default=None, repr=False)
    collection: str = "knowledge_base"
    timeout_s: float = Field(default=30.0, gt=0)
    hnsw_m: int = Field(default=16, ge=4, le=128)
    hnsw_ef_construct: int = Field(default=128, ge=8)
    hnsw_ef: int = Field(default=128, ge=8)
    quantization: Literal["none", "int8"] = "none"
    compact_after_points: int = Field(default=20_000, ge=1)


class RetrieveConfig(Section):
    """How hits are found.

    Attributes:
        alpha: Weight of the dense list in the fusion; the sparse list has 1 - alpha.
        n_recall: Items of each list.
        n_results: Hits kept after reranking.
    """

    alpha: float = Field(default=0.8, ge=0.0, le=1.0)
    n_recall: int = Field(default=100, ge=1, le=1000)
    n_results: int = Field(default=10, ge=1, le=100)


class LimitsConfig(Section):
    """How much of everything a server takes from those who use it.

    Attributes:
        max_question_chars: Of one question's words.
        max_question_files: Pictures and clips of one question.
        max_question_bytes: A question with its pictures and its clip.
        max_upload_files: Files of one upload.
        max_upload_file_bytes: One file of an upload.
        max_upload_bytes: All files of one upload.
        max_form_fields: Fields of a form that are no files.
        max_requests_per_minute: Of a program's token, or of an address without one, to what is for
            programs.
        max_connections: At once; one address holds half of them at most.
        header_timeout_s: Until a request's headers are here.
        body_timeout_s: Between two pieces of a request's body.
        keep_uploads_s: Until what a page uploaded and did not use is deleted.
    """

    max_question_chars: int = Field(default=8_000, ge=100, le=100_000)
    max_question_files: int = Field(default=16, ge=1, le=100)
    max_question_bytes: int = Field(default=512 * MIB, ge=MIB)
    max_upload_files: int = Field(default=1_000, ge=1, le=10_000)
    max_upload_file_bytes: int = Field(default=2048 * MIB, ge=1)
    max_upload_bytes: int = Field(default=8192 * MIB, ge=1)
    max_form_fields: int = Field(default=100, ge=10, le=1_000)
    max_requests_per_minute: int = Field(default=1_200, ge=1)
    max_connections: int = Field(default=400, ge=10)
    header_timeout_s: float = Field(default=15.0, gt=0)
    body_timeout_s: float = Field(default=60.0, gt=0)
    keep_uploads_s: float = Field(default=6 * 3600.0, ge=60)


class Config(Section):
    """A whole profile."""

    profile: str = DEFAULT_PROFILE
    encoder: EncoderConfig = TextEncoderConfig()
    reranker: RerankerConfig = LexicalConfig()
    generator: GeneratorConfig = ExtractiveConfig()
    ingest: IngestConfig = IngestConfig()
    store: StoreConfig = StoreConfig()
    retrieve: RetrieveConfig = RetrieveConfig()
    limits: LimitsConfig = LimitsConfig()


class Home:
    """The folders of one knowledge base.

    Attributes:
        path: The home itself, absolute.
        models: Where ``kb models pull`` puts models, a directory each.
    """

    def __init__(self, path: Path, models: Path | None = None) -> None:
        self.path = path.expanduser().resolve()
        self.models = models or self.path / "models"

    @classmethod
    def default(cls) -> Home:
        """``$KB_HOME``, else ``./data``."""
        return cls(Path(os.environ.get("KB_HOME") or "data"))

    @property
    def library(self) -> Path:
        """The drop folder."""
        return self.path / "library"

    @property
    def trash(self) -> Path:
        """Files that were deleted from the library, for a while."""
        return self.path / "trash"

    @property
    def passwords(self) -> Path:
        """Passwords of documents that were given in the page."""
        return self.path / "pdf_passwords.json"

    @property
    def keys(self) -> Path:
        """Keys of model servers that were given in the page."""
        return self.path / "server_keys.json"

    @property
    def index(self) -> Path:
        """All state; rebuilt from the library by ``kb sync``."""
        return self.path / "index"

    @property
    def ledger(self) -> Path:
        """The SQLite ledger."""
        return self.index / "ledger.sqlite3"

    @property
    def words(self) -> Path:
        """The words of the library."""
        return self.index / "words.txt"

    @property
    def shard(self) -> Path:
        """The embedded store's directory."""
        return self.index / "qdrant"

    @property
    def assets(self) -> Path:
        """Page images, frames and thumbnails by content hash."""
        return self.index / "assets"

    @property
    def remote_encoder(self) -> Path:
        """Remembers how a remote encoder answered when the index was made."""
        return self.index / "remote_encoder.json"

    @property
    def profile(self) -> Path:
        """Holds the name of the profile that the index was made with."""
        return self.index / "profile"

    def noted_profile(self) -> str | None:
        """What `profile` holds; None before anything is indexed."""
        try:
            return self.profile.read_text("utf-8").strip() or None
        except FileNotFoundError:
            return None

    def note_profile(self, name: str) -> None:
        """Write `profile`."""
        write_whole(self.profile, name + "\n")

    @property
    def config(self) -> Path:
        """The user's overrides."""
        return self.path / "kb.yaml"

    def roots(self, config: Config) -> tuple[Path, ...]:
        """The library and every configured root, absolute, the library first."""
        others = ((self.path / root.expanduser()).resolve() for root in config.ingest.roots)
        return tuple(dict.fromkeys((self.library, *others)))
