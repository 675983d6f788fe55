"""What can be configured, where a knowledge base keeps its files, and how both are read."""

from kb.config.profile import (
    DEFAULT_PROFILE,
    ChunkingConfig,
    Config,
    Home,
    IngestConfig,
    LimitsConfig,
    OcrConfig,
    RetrieveConfig,
    SoundConfig,
    StoreConfig,
    VideoConfig,
)

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
