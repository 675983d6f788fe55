"""What can write answers on this computer, and choosing it while the server runs."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from kb import KnowledgeBase, use_generator
from kb.config.choosing import choose_generator
from kb.config.loading import load_generator
from kb.config.models import LlamaGeneratorConfig, RemoteGeneratorConfig
from kb.config.named import LAPTOP, QUOTES
from kb.errors import ModelLoadError
from kb.hub.catalog import find_known_model
from kb.hub.files import find_model_directory
from kb.masking import masked
from kb.models.remote.servers import FoundServer, find_name, find_servers

__all__ = ["LaptopModel", "Writers"]


@dataclass(frozen=True, slots=True)
class LaptopModel:
    """The model of the profile `laptop`.

    Attributes:
        size_bytes: On disk, and about as much in memory.
        is_here: Whether it is pulled and whole.
    """

    name: str
    size_bytes: int
    is_here: bool


class Writers:
    """What writes the answers of a knowledge base, and what else could.

    Nothing is looked for before somebody asks for it, and nothing is used before it is chosen: by a
    name, never by an address, so that no page can point the server anywhere.
    """

    def __init__(self, knowledge_base: KnowledgeBase) -> None:
        self._kb = knowledge_base
        self._lock = threading.Lock()

    @property
    def is_writing(self) -> bool:
        """Whether a model writes answers."""
        return self._kb.config.generator.kind != "extractive"

    @property
    def has_quotes(self) -> bool:
        """Whether quotes come before what is written, and what writes can be changed."""
        return self._kb.config.encoder.kind == "text"

    @property
    def shown(self) -> str:
        """What writes now where something does, in a few words."""
        match self._kb.config.generator:
            case RemoteGeneratorConfig(model=model, url=url):
                return f"{model} at {masked(url)}"
            case LlamaGeneratorConfig(model=model):
                return f"{model} on this computer's processor"
        return "a model of the profile"

    def found(self) -> tuple[FoundServer, ...]:
        """The model servers that run on this computer."""
        return find_servers()

    def laptop(self) -> LaptopModel:
        """The model that runs without a server."""
        model = find_known_model(LlamaGeneratorConfig().model)
        assert model is not None
        try:
            find_model_directory(model.name, self._kb.home.models)
        except ModelLoadError:
            return LaptopModel(model.name, model.weights_bytes, is_here=False)
        return LaptopModel(model.name, model.weights_bytes, is_here=True)

    def choose(self, name: str) -> None:
        """Have `name` write from the next answer on, and after a new start as well.

        Raises:
            ConfigError: Nothing here has that name, or ``kb.yaml`` can't be written.
            ModelLoadError: Its model is missing or damaged.
        """
        if name not in (QUOTES, LAPTOP):
            name = find_name(name)
        with self._lock:
            use_generator(self._kb, load_generator(name))
            choose_generator(self._kb.home, name)
