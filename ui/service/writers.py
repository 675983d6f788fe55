"""What can write answers on this computer, and choosing it while the server runs."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from kb import KnowledgeBase, use_generator
from kb.config.choosing import choose_generator
from kb.config.keys import keep_key, kept_key
from kb.config.loading import load_generator
from kb.config.models import GeneratorConfig, LlamaGeneratorConfig, RemoteGeneratorConfig
from kb.config.named import LAPTOP, QUOTES, served_generator
from kb.errors import ConfigError
from kb.masking import masked
from kb.models.remote.connect import ServedModel, address_of, served_models
from kb.models.remote.http import is_this_computer
from kb.models.remote.servers import FoundServer, find_name, find_servers
from ui.language import tr
from ui.service.laptop import Laptop

__all__ = ["ServedModel", "Writers"]

_END_S = 5.0


class Writers:
    """What writes the answers of a knowledge base, and what else could.

    Nothing is looked for before somebody asks for it, and nothing is used before it is chosen: by a
    name, or by an address that the owner of this computer writes.

    Attributes:
        laptop: The model that runs without a server. Once it is got, it writes.
    """

    def __init__(self, knowledge_base: KnowledgeBase) -> None:
        self._kb = knowledge_base
        self._lock = threading.Lock()
        self.laptop = Laptop(knowledge_base.home.models, lambda: self.choose(LAPTOP))

    @property
    def is_writing(self) -> bool:
        """Whether a model writes answers."""
        return self._kb.config.generator.kind != "extractive"

    @property
    def is_laptop(self) -> bool:
        """Whether it is the one that runs without a server, or another file in GGUF."""
        return isinstance(self._kb.config.generator, LlamaGeneratorConfig)

    @property
    def has_quotes(self) -> bool:
        """Whether quotes come before what is written, and what writes can be changed."""
        return self._kb.config.encoder.kind == "text"

    @property
    def shown(self) -> str:
        """What writes now where something does, in a few words."""
        match self._kb.config.generator:
            case RemoteGeneratorConfig(model=model, url=url):
                return tr("{model} at {url}", model=model, url=masked(url))
            case LlamaGeneratorConfig(model=model):
                return tr("{model} on this computer's processor", model=model)
        return tr("a model of the profile")

    @property
    def sent_to(self) -> str:
        """The address of another computer that what is asked and found is sent to, or empty."""
        match self._kb.config.generator:
            case RemoteGeneratorConfig(url=url) if not is_this_computer(url):
                return masked(url)
        return ""

    def found(self) -> tuple[FoundServer, ...]:
        """The model servers that run on this computer."""
        return find_servers()

    def choose(self, name: str) -> None:
        """Have `name` write from the next answer on, and after a new start as well.

        Raises:
            ConfigError: Nothing here has that name, or ``kb.yaml`` can't be written.
            ModelLoadError: Its model is missing or damaged.
        """
        if name not in (QUOTES, LAPTOP):
            name = find_name(name)
        self._use(load_generator(name), name)

    def served(self, url: str, key: str) -> tuple[ServedModel, ...]:
        """The models of an OpenAI-compatible server anywhere.

        Args:
            url: Its address, with or without ``/v1``.
            key: That it wants, ``$NAME`` of the environment, or empty: the one that was kept for
                this address, if any.

        Raises:
            ConfigError: It can't be reached, wants a key, or lists none; in words.
        """
        url = address_of(url)
        return served_models(url, key.strip() or kept_key(self._kb.home, url))

    def choose_served(self, url: str, key: str, model: str) -> None:
        """Have a model that `served` lists write from the next answer on. The key is kept beside
        ``kb.yaml``, in a file of the owner's alone, and goes to this address only.

        Raises:
            ConfigError: As `served`, or it lists no such model.
        """
        found = next((one for one in self.served(url, key) if one.name == model), None)
        url, key = address_of(url), key.strip()
        if found is None:
            raise ConfigError(f"{url} lists {model!r} no more. Connect again, and choose another.")
        is_near = is_this_computer(url)
        section = served_generator(url, model, found.context_tokens, is_near=is_near)
        if key.startswith("$"):
            section["api_key"] = key
        elif key:
            keep_key(self._kb.home, url, key)
        secret = None if key.startswith("$") else kept_key(self._kb.home, url)
        self._use(load_generator({**section, **({"api_key": secret} if secret else {})}), section)

    def _use(self, generator: GeneratorConfig, chosen: str | Mapping[str, Any]) -> None:
        with self._lock:
            former = self._kb.config.generator
            use_generator(self._kb, generator)
            try:
                choose_generator(self._kb.home, chosen)
            except ConfigError:
                use_generator(self._kb, former)
                raise

    def close(self) -> None:
        """Leave off what is being got."""
        self.laptop.cancel()
        self.laptop.wait(_END_S)
