"""Configuration: one YAML file a profile, overridden by the home folder's ``kb.yaml``.

The values come, later ones winning, from ``configs/PROFILE.yaml``, ``HOME/kb.yaml`` and the
command line. An unknown key is an error that names the nearest known one.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from kb.errors import ConfigError

__all__ = [
    "AnswerConfig",
    "ChunkingConfig",
    "Config",
    "EncoderConfig",
    "Home",
    "IngestConfig",
    "OcrConfig",
    "RetrieveConfig",
    "StoreConfig",
    "VideoConfig",
    "available_profiles",
    "load_config",
]

DEFAULT_PROFILE = "starter"
MIB = 1024 * 1024


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EncoderConfig(_Section):
    """The dense text encoder.

    Attributes:
        model: ``all-MiniLM-L6-v2`` or the directory of any sentence-transformers model.
        batch_tokens: Tokens of a batch, padding included.
        threads: CPU threads; 0 lets torch choose.
    """

    model: str = "all-MiniLM-L6-v2"
    batch_tokens: int = Field(default=4096, ge=512)
    threads: int = Field(default=0, ge=0)


class ChunkingConfig(_Section):
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


class OcrConfig(_Section):
    """Reading words in pictures (RapidOCR: Chinese and English)."""

    enabled: bool = True
    min_confidence: float = Field(default=0.5, ge=0.0, le=1.0)


class VideoConfig(_Section):
    """How clips become frames."""

    reader: Literal["auto", "decord", "pyav"] = "auto"
    fps: float = Field(default=1.0, gt=0.0)
    max_frames: int = Field(default=64, ge=1, le=768)
    ocr: bool = True


class IngestConfig(_Section):
    """How files are found and parsed.

    Attributes:
        roots: Folders indexed in place, beside the home's ``library``.
        workers: Parser processes; 0 means one a core.
        time_limit_s: Of parsing one file, before its worker is stopped.
        memory_limit_bytes: Of one worker's address space growth.
        max_file_bytes: Files over it are refused.
        max_image_px: Pixels (width x height) over which a picture is refused.
        pdf_passwords: Tried in turn on encrypted documents.
        poll: Watch by polling, for network drives that send no events.
        ignore: Patterns of names that are passed over.
    """

    roots: tuple[Path, ...] = ()
    chunking: ChunkingConfig = ChunkingConfig()
    ocr: OcrConfig = OcrConfig()
    video: VideoConfig = VideoConfig()
    workers: int = Field(default=0, ge=0)
    time_limit_s: float = Field(default=900.0, gt=0)
    memory_limit_bytes: int = Field(default=4096 * MIB, ge=256 * MIB)
    max_file_bytes: int = Field(default=4096 * MIB, ge=1)
    max_image_px: int = Field(default=200_000_000, ge=1)
    pdf_passwords: tuple[str, ...] = ()
    poll: bool = False
    ignore: tuple[str, ...] = (".*", "~$*", "*.tmp", "*.part", "*.crdownload", "Thumbs.db")


class StoreConfig(_Section):
    """Where vectors live: the embedded Qdrant Edge, or a Qdrant server when `url` is set."""

    url: str | None = None
    api_key: str | None = None
    collection: str = "knowledge_base"
    timeout_s: float = Field(default=30.0, gt=0)
    hnsw_m: int = Field(default=16, ge=4, le=128)
    hnsw_ef_construct: int = Field(default=128, ge=8)
    hnsw_ef: int = Field(default=128, ge=8)
    quantization: Literal["none", "int8"] = "none"
    compact_after_points: int = Field(default=20_000, ge=1)


class RetrieveConfig(_Section):
    """How hits are found.

    Attributes:
        alpha: Weight of the dense list in the fusion; the sparse list has 1 - alpha.
        n_recall: Items of each list.
        n_results: Hits kept after reranking.
    """

    alpha: float = Field(default=0.8, ge=0.0, le=1.0)
    n_recall: int = Field(default=100, ge=1, le=1000)
    n_results: int = Field(default=10, ge=1, le=100)


class AnswerConfig(_Section):
    """How answers are written.

    Attributes:
        max_quotes: Sentences an extractive answer quotes at most.
    """

    max_quotes: int = Field(default=3, ge=1, le=10)


class Config(_Section):
    """A whole profile."""

    profile: str = DEFAULT_PROFILE
    encoder: EncoderConfig = EncoderConfig()
    ingest: IngestConfig = IngestConfig()
    store: StoreConfig = StoreConfig()
    retrieve: RetrieveConfig = RetrieveConfig()
    answer: AnswerConfig = AnswerConfig()


class Home:
    """The folders of one knowledge base.

    Attributes:
        path: The home itself, absolute.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().resolve()

    @classmethod
    def default(cls) -> Home:
        """``$KB_HOME``, else ``./data``."""
        return cls(Path(os.environ.get("KB_HOME") or "data"))

    @property
    def library(self) -> Path:
        """The drop folder."""
        return self.path / "library"

    @property
    def index(self) -> Path:
        """All state; rebuilt from the library by ``kb sync``."""
        return self.path / "index"

    @property
    def ledger(self) -> Path:
        """The SQLite ledger."""
        return self.index / "ledger.sqlite3"

    @property
    def shard(self) -> Path:
        """The embedded store's directory."""
        return self.index / "qdrant"

    @property
    def assets(self) -> Path:
        """Page images, frames and thumbnails by content hash."""
        return self.index / "assets"

    @property
    def config(self) -> Path:
        """The user's overrides."""
        return self.path / "kb.yaml"

    def roots(self, config: Config) -> tuple[Path, ...]:
        """The library and every configured root, absolute, the library first."""
        others = ((self.path / root.expanduser()).resolve() for root in config.ingest.roots)
        return tuple(dict.fromkeys((self.library, *others)))


def available_profiles() -> list[str]:
    """Names of the profiles that ship with the project."""
    return sorted(
        entry.name.removesuffix(".yaml")
        for entry in resources.files("configs").iterdir()
        if entry.name.endswith(".yaml")
    )


def load_config(
    home: Home, profile: str | None = None, overrides: Mapping[str, Any] | None = None
) -> Config:
    """The configuration of `home` under `profile`.

    Args:
        profile: Name of a shipped profile; None takes ``profile`` of ``kb.yaml``, else
            `starter`.
        overrides: Nested values that win over the files.

    Raises:
        ConfigError: A file is not YAML, or a key or value is not accepted.
    """
    own = (
        _read_yaml(home.config.read_text("utf-8"), str(home.config)) if home.config.exists() else {}
    )
    name = profile or str(own.get("profile", DEFAULT_PROFILE))
    if name not in available_profiles():
        raise ConfigError(
            f"There is no profile {name!r}. Choose one of: {', '.join(available_profiles())}."
        )
    shipped = resources.files("configs").joinpath(f"{name}.yaml").read_text("utf-8")
    merged = _merge(_merge(_read_yaml(shipped, f"configs/{name}.yaml"), own), overrides or {})
    merged["profile"] = name
    try:
        return Config.model_validate(merged)
    except ValidationError as error:
        raise ConfigError(_explain(error, home)) from error


def _read_yaml(text: str, name: str) -> dict[str, Any]:
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(
            f"{name} is not valid YAML: {error}. Correct it and try again."
        ) from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ConfigError(f"{name} must hold names with values, found {type(value).__name__}.")
    return value


def _merge(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in top.items():
        if isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            merged[key] = _merge(merged[key], value)
        else:
            merged[key] = value
    return merged


def _explain(error: ValidationError, home: Home) -> str:
    lines = []
    for item in error.errors():
        where = ".".join(str(part) for part in item["loc"])
        line = f"{where}: {item['msg']} (found {item['input']!r})"
        if item["type"] == "extra_forbidden":
            known = _known_keys(item["loc"][:-1])
            near = difflib.get_close_matches(str(item["loc"][-1]), known, n=1)
            line = f"{where}: no such setting" + (f"; did you mean {near[0]!r}?" if near else "")
        lines.append(line)
    return f"The configuration is not accepted ({home.config}):\n  " + "\n  ".join(lines)


def _known_keys(path: tuple[int | str, ...]) -> list[str]:
    model: type[BaseModel] = Config
    for part in path:
        found = model.model_fields.get(str(part))
        if found is None or not isinstance(found.annotation, type):
            return []
        model = found.annotation
    return list(model.model_fields)
