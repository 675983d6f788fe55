"""Generators by name: ``generator: ollama/qwen3-vl:2b`` in kb.yaml is a whole section.

The name says which program of this computer serves the model, then how that calls it.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

from kb.errors import ConfigError

__all__ = [
    "LAPTOP",
    "LOCAL_SERVERS",
    "QUOTES",
    "LocalServer",
    "named_generator",
    "served_generator",
]

QUOTES: Final = "quotes"
LAPTOP: Final = "laptop"
_OLLAMA_PORT: Final = 11434
# The default of `RemoteGeneratorConfig.max_length`, and the least that fits its short prompt.
_LONG_TOKENS: Final = 16_384
_LEAST_TOKENS: Final = 2_048
# A model that runs beside the person who asks is often small and slow: it is shown little, and
# what it has not written after minutes is not waited for. A first question loads it.
_SETTINGS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "kind": "remote",
        "timeout_s": 120.0,
        "n_retries": 0,
        "max_length": 4096,
        "max_new_tokens": 512,
        "prompt": "short",
        "answer_limit_s": 300.0,
    }
)


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A program that serves models on the loopback of this computer.

    Attributes:
        key: Begins the names of its models.
        name: As people write it.
        port: Where it listens unless told otherwise.
    """

    key: str
    name: str
    port: int

    @property
    def url(self) -> str:
        """Its address, without a version. Ollama's port is that of ``OLLAMA_HOST``, the variable
        by which it is moved, where that names this computer."""
        port = self.port
        if self.key == "ollama":
            port = _ollama_port(os.environ.get("OLLAMA_HOST", "")) or port
        return f"http://127.0.0.1:{port}"


LOCAL_SERVERS: Final = (
    LocalServer("ollama", "Ollama", _OLLAMA_PORT),
    LocalServer("lmstudio", "LM Studio", 1234),
    LocalServer("llama-server", "llama-server", 8080),
    LocalServer("vllm", "vLLM", 8000),
)


def named_generator(name: str) -> dict[str, Any]:
    """The section that a name stands for.

    Args:
        name: ``quotes``, ``laptop`` for the model of that profile, or a server of
            `LOCAL_SERVERS`, a slash, and a model as it calls it.

    Raises:
        ConfigError: It is neither.
    """
    if name == QUOTES:
        return {"kind": "extractive"}
    if name == LAPTOP:
        return {"kind": "llama"}
    key, _, model = name.partition("/")
    server = next((one for one in LOCAL_SERVERS if one.key == key), None)
    if server is None or not model.strip():
        keys = ", ".join(f"{one.key}/MODEL" for one in LOCAL_SERVERS)
        raise ConfigError(
            f"generator: {name[:200]!r} names no generator. Expected `{QUOTES}`, "
            f"`{LAPTOP}`, one of {keys} (`kb models servers` lists those that are here), or a "
            "section with `kind`."
        )
    return {**_SETTINGS, "url": f"{server.url}/v1", "model": model.strip()}


def served_generator(
    base_url: str, model: str, context_tokens: int | None, *, is_near: bool
) -> dict[str, Any]:
    """The section of a model at an address that somebody gave.

    Args:
        context_tokens: That the model reads; None where that is not known.
        is_near: The server is on this computer, where models are small and slow.

    Raises:
        ConfigError: The model reads too little.
    """
    place = {"url": base_url, "model": model}
    if is_near:
        return {**_SETTINGS, **place}
    section: dict[str, Any] = {"kind": "remote", **place}
    if context_tokens is not None and context_tokens < _LONG_TOKENS:
        if context_tokens < _LEAST_TOKENS:
            raise ConfigError(
                f"{model} reads {context_tokens:,} tokens as it is served, and {_LEAST_TOKENS:,} "
                "are needed for a question and its sources. Serve it with a longer context."
            )
        n_new = min(1024, context_tokens // 4)
        section |= {"max_length": context_tokens, "max_new_tokens": n_new}
        if context_tokens < 2 * _LEAST_TOKENS:
            section |= {"prompt": "short"}
    return section


def _ollama_port(host: str) -> int | None:
    """The port of an ``OLLAMA_HOST`` that is this computer's; None where it names none."""
    host = host.strip()
    try:
        parts = urlsplit(host if "://" in host else f"//{host}")
        port, name = parts.port, parts.hostname or ""
    except ValueError:
        return None
    is_own = name in ("", "localhost")
    if not is_own:
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return None
        is_own = address.is_loopback or address.is_unspecified
    return port if is_own and port else None
