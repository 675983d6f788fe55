"""The models of a profile: which implementation stands behind each section."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from kb.answer.claims.lexical import LexicalClaimScorer
from kb.answer.extractive.generator import ExtractiveGenerator
from kb.answer.refusal.judge import Judge
from kb.config import Config, Home
from kb.config.models import (
    TOGETHER,
    ExtractiveConfig,
    LexicalConfig,
    LlamaGeneratorConfig,
    Qwen3VLConfig,
    Qwen3VLEncoderConfig,
    Qwen3VLGeneratorConfig,
    Qwen3VLRerankerConfig,
    RemoteConfig,
    RemoteRerankerConfig,
    TextEncoderConfig,
)
from kb.device.cache import ModelCache
from kb.device.hosted import Role, model_key
from kb.device.placement import PlacedModel, Placement, SharedDevice, find_gpu
from kb.device.precision import resident_bytes
from kb.device.scheduler import DeviceScheduler
from kb.device.state import ModelState
from kb.hub.directory import weights_fingerprint
from kb.hub.files import find_model_directory
from kb.index.assets import AssetStore
from kb.masking import masked
from kb.models.encoders.bm25 import Bm25Encoder
from kb.models.encoders.paired import text_encoder
from kb.models.encoders.picture import PictureDescriptor
from kb.models.encoders.qwen3_vl import Qwen3VLEncoder
from kb.models.encoders.remote import RemoteEncoder
from kb.models.encoders.weights import ModelFiles, choose_models
from kb.models.generators.llama import LlamaGenerator
from kb.models.generators.qwen3_vl import Qwen3VLGenerator
from kb.models.generators.remote import RemoteGenerator
from kb.models.rerankers.claims import CrossEncoderClaimScorer
from kb.models.rerankers.lexical import LexicalReranker
from kb.models.rerankers.qwen3_vl import Qwen3VLReranker
from kb.models.rerankers.remote import RemoteReranker
from kb.protocols import ClaimScorer, Encoder, Encoders, Generator, Reranker

__all__ = ["Models"]

_ROLES: tuple[Role, ...] = ("encoder", "reranker", "generator")


class Models:
    """Makes the models of `config`; those on one device share it.

    Attributes:
        placement: The plan by which they do.

    Every method raises ModelLoadError where a model is missing or damaged.
    """

    def __init__(self, home: Home, config: Config, assets: AssetStore) -> None:
        self._home = home
        self._config = config
        self._assets = assets
        self._directories: dict[str, Path] = {}
        self._llama: LlamaGenerator | None = None
        self._text: tuple[ModelFiles, ...] = ()
        self.placement = self._placement()
        self._device = SharedDevice(DeviceScheduler(), ModelCache(self.placement.budget_bytes))

    def encoders(self) -> Encoders:
        """Of words, of pictures, and of both in one space."""
        return Encoders(self._dense(), Bm25Encoder(), PictureDescriptor(self._assets))

    def reranker(self) -> Reranker:
        """Judges hits."""
        config = self._config.reranker
        match config:
            case LexicalConfig():
                return LexicalReranker()
            case Qwen3VLRerankerConfig():
                directory = self._directory(config.model)
                return Qwen3VLReranker(config, directory, self._assets, self._device)
        return RemoteReranker(config, self._assets)

    def claim_scorer(self, reranker: Reranker) -> ClaimScorer:
        """Judges claims with the model of `reranker`, which `reranker()` made."""
        match reranker, self._config.reranker:
            case Qwen3VLReranker(), Qwen3VLRerankerConfig(model=model):
                directory = self._directory(model)
                name = f"qwen3-vl@{weights_fingerprint(directory)}"
                return CrossEncoderClaimScorer(reranker, name, self._assets)
            case RemoteReranker(), RemoteRerankerConfig(model=model, base_url=url):
                return CrossEncoderClaimScorer(reranker, f"{model}@{url}", self._assets)
        return LexicalClaimScorer()

    def quotes(self, encoder: Encoder) -> Generator | None:
        """Answers in quotes, judged with `encoder`, the dense one of the profile: by themselves,
        or before what is written where retrieval is that of `starter`. None where another
        encoder's profile has its answers written."""
        config = self._config.generator
        if isinstance(config, ExtractiveConfig):
            return ExtractiveGenerator(config, Judge(encoder))
        if isinstance(self._config.encoder, TextEncoderConfig):
            return ExtractiveGenerator(ExtractiveConfig(), Judge(encoder))
        return None

    def writer(self) -> Generator | None:
        """Writes answers, whether something answers or not; None where they are quotes."""
        config = self._config.generator
        match config:
            case ExtractiveConfig():
                return None
            case Qwen3VLGeneratorConfig():
                directory = self._directory(config.model)
                return Qwen3VLGenerator(config, directory, self._assets, self._device)
            case LlamaGeneratorConfig():
                self._llama = LlamaGenerator(config, self._gguf(config.model), self._assets)
                return self._llama
        return RemoteGenerator(config, self._assets)

    def states(self) -> tuple[ModelState, ...]:
        """Of encoder, reranker and generator, as they are now."""
        return tuple(self._state(role) for role in _ROLES)

    def _state(self, role: Role) -> ModelState:
        config = getattr(self._config, role)
        match config:
            case Qwen3VLConfig():
                [placed] = [one for one in self.placement.models if one.role == role]
                key = model_key(role, self._directory(config.model))
                is_loaded = key in self._device.cache.loaded()
                where = self.placement.device
                return ModelState(role, config.model, where, placed.n_bytes, is_loaded)
            case LlamaGeneratorConfig():
                assert self._llama is not None
                process = self._llama.process
                name = process.model.stem
                return ModelState(
                    role, name, "the processor", process.size_bytes, process.is_loaded
                )
            case RemoteConfig():
                return ModelState(role, config.model, masked(config.base_url), 0, None)
            case TextEncoderConfig():
                files = self._text_files(config)
                names = (f"{one.name} ({one.form})" if one.form else one.name for one in files)
                n_bytes = sum(one.n_bytes for one in files)
                return ModelState(role, TOGETHER.join(names), "the processor", n_bytes, None)
        return ModelState(role, config.kind, "the processor", 0, None)

    def _dense(self) -> Encoder:
        config = self._config.encoder
        match config:
            case TextEncoderConfig():
                return text_encoder(config, self._text_files(config))
            case Qwen3VLEncoderConfig():
                directory = self._directory(config.model)
                return Qwen3VLEncoder(config, directory, self._assets, self._device)
        return RemoteEncoder(config, self._assets, self._home.remote_encoder)

    def _text_files(self, config: TextEncoderConfig) -> tuple[ModelFiles, ...]:
        # Each look reads all weights, for their digests.
        if not self._text:
            self._text = choose_models(config.model, config.fallback)
        return self._text

    def _directory(self, model: str) -> Path:
        # Each look reads the headers of all weights.
        if model not in self._directories:
            self._directories[model] = find_model_directory(model, self._home.models)
        return self._directories[model]

    def _gguf(self, model: str) -> Path:
        path = Path(model).expanduser()
        return path if path.suffix == ".gguf" and path.is_file() else self._directory(model)

    def _placement(self) -> Placement:
        sections = {
            role: section
            for role in _ROLES
            if (section := getattr(self._config, role)).kind == "qwen3-vl"
        }
        if not sections:
            return Placement.plan((), "cpu")
        wants_gpu = any(section.device != "cpu" for section in sections.values())
        device_type: Literal["cuda", "cpu"] = "cuda" if wants_gpu and find_gpu() else "cpu"
        placed = []
        for role, section in sections.items():
            directory = self._directory(section.model)
            n_bytes = resident_bytes(directory, device_type, section.precision)
            placed.append(PlacedModel(role, directory.name, n_bytes))
        return Placement.plan(placed, device_type)
