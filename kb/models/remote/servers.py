"""Model servers that are on this computer already: which run, and what each can do.

They are looked for where they listen by themselves, on the loopback alone, and asked for their
lists; nothing is loaded or used. Each says in its own place what the common list leaves out:
Ollama at ``/api/show`` (`capabilities`; github.com/ollama/ollama, docs/api.md), LM Studio at
``/api/v0/models`` (`type`, `max_context_length`; lmstudio.ai/docs/developer/rest), llama-server at
``/props`` (`modalities`; llama.cpp, tools/server/README.md), vLLM in its list (`max_model_len`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import httpx

from kb.config.named import LOCAL_SERVERS, LocalServer
from kb.errors import ConfigError
from kb.masking import masked
from kb.models.remote.model_list import (
    NoModelListError,
    listed_models,
    read_answer,
    read_json,
)

__all__ = ["FoundModel", "FoundServer", "find_name", "find_servers"]

Json = dict[str, Any]

_CONNECT_S: Final = 0.5
_ANSWER_S: Final = 2.0
_MAX_MODELS: Final = 100


@dataclass(frozen=True, slots=True)
class FoundModel:
    """A model that can write answers.

    Attributes:
        name: What ``generator:`` in kb.yaml takes.
        sees_pictures: None where the server does not say.
        context_tokens: That it reads at most; likewise.
    """

    name: str
    sees_pictures: bool | None = None
    context_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class FoundServer:
    """A server that answers.

    Attributes:
        server: Which one.
        models: Those that can write answers, as it lists them.
        problem: Why it can't be used as it is, with what to do next; or empty.
    """

    server: LocalServer
    models: tuple[FoundModel, ...] = ()
    problem: str = ""


def find_servers(servers: Sequence[LocalServer] = LOCAL_SERVERS) -> tuple[FoundServer, ...]:
    """Those of `servers` that run, in order; within a few seconds, whatever answers there."""
    with ThreadPoolExecutor(len(servers), thread_name_prefix="look") as pool:
        return tuple(found for found in pool.map(_look, servers) if found is not None)


def find_name(name: str, servers: Sequence[LocalServer] = LOCAL_SERVERS) -> str:
    """The whole name of a model that is here.

    Args:
        name: It, or as much of it as says which: a server's key, where that has one model, or a
            model's own name, where one server has it.

    Raises:
        ConfigError: No model is called so, or several are.
    """
    key = name.partition("/")[0]
    asked = next((one for one in servers if one.key == key), None)
    found = find_servers([asked] if asked else servers)
    names = [model.name for one in found for model in one.models]
    if name in names:
        return name
    fitting = [one for one in names if name in (one.partition("/")[0], one.partition("/")[2])]
    # Ollama's `latest` is what it takes where nothing is said.
    fitting = fitting or [
        one
        for one in names
        if name in (short := one.removesuffix(":latest"), short.partition("/")[2])
    ]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise ConfigError(f"{name!r} may be {_listed(fitting)}. Say which.")
    problems = " ".join(one.problem for one in found if one.problem)
    if asked is not None and not found:
        raise ConfigError(
            f"{asked.name} does not answer at {asked.url}. Start it, or choose another of "
            "`kb models servers`."
        )
    raise ConfigError(
        f"No model is called {name!r}. "
        + (problems or f"Here are: {_listed(names) or 'none; start Ollama or LM Studio first'}.")
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)


def _look(server: LocalServer) -> FoundServer | None:
    deadline_s = time.monotonic() + 2 * _ANSWER_S
    timeout = httpx.Timeout(_ANSWER_S, connect=_CONNECT_S)
    # No proxy of the environment leads to this computer, and nobody sends elsewhere from here.
    with httpx.Client(
        base_url=server.url, timeout=timeout, trust_env=False, follow_redirects=False
    ) as http:

        def ask(method: str, path: str, body: Json | None = None) -> Any:
            return _ask(http, method, path, body, deadline_s)

        try:
            listed = _nameable(listed_models(ask("GET", "/v1/models")))
            if not listed:
                return FoundServer(server, problem=_no_models(server))
            models = _READERS[server.key](ask, listed)[:_MAX_MODELS]
        except httpx.HTTPStatusError as error:
            if error.response.status_code not in (401, 403):
                return None
            return FoundServer(server, problem=_wants_key(server))
        except (httpx.HTTPError, NoModelListError):
            return None
    named = [FoundModel(f"{server.key}/{name}", sees, context) for name, sees, context in models]
    return FoundServer(server, tuple(named), "" if named else _no_models(server))


def _no_models(server: LocalServer) -> str:
    return (
        f"{server.name} runs at {server.url} and has no model that writes. Get one in it, such as "
        "a Qwen3-VL 2B or 4B Instruct."
    )


def _wants_key(server: LocalServer) -> str:
    return (
        f"{server.name} at {server.url} wants a key. Write a section into kb.yaml: `generator: "
        f"{{kind: remote, url: {server.url}/v1, model: ITS_NAME, api_key: $NAME}}`, where NAME is "
        "a variable of the environment that holds the key."
    )


def _ask(http: httpx.Client, method: str, path: str, body: Json | None, deadline_s: float) -> Any:
    """The JSON at `path`.

    Raises:
        NoModelListError: It is none.
        httpx.HTTPError: There is no answer, one that does not end, or an error.
    """
    with http.stream(method, path, json=body) as response:
        response.raise_for_status()
        return read_json(read_answer(response, deadline_s))


_Asks = Callable[..., Any]
_Model = tuple[str, bool | None, int | None]


def _nameable(listed: Sequence[Json]) -> list[Json]:
    """Those with a name that a line of kb.yaml can hold."""
    return [one for one in listed if masked(one["id"]) == one["id"]]


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


def _ollama(ask: _Asks, listed: Sequence[Json]) -> list[_Model]:
    found: list[_Model] = []
    for one in listed:
        try:
            told = ask("POST", "/api/show", {"model": one["id"]})
        except (httpx.HTTPError, NoModelListError):
            told = None
        told = told if isinstance(told, dict) else {}
        can = told.get("capabilities")
        if isinstance(can, list) and "completion" not in can:
            continue  # it makes vectors
        about = told.get("model_info")
        lengths = [
            _number(value)
            for key, value in (about if isinstance(about, dict) else {}).items()
            if str(key).endswith(".context_length")
        ]
        sees = "vision" in can if isinstance(can, list) else None
        found.append((one["id"], sees, next(iter(lengths), None)))
    return found


def _lm_studio(ask: _Asks, listed: Sequence[Json]) -> list[_Model]:
    try:
        told = ask("GET", "/api/v0/models")
        about = {one["id"]: one for one in told["data"] if isinstance(one, dict) and "id" in one}
    except (httpx.HTTPError, NoModelListError, KeyError, TypeError):
        about = {}
    found: list[_Model] = []
    for one in listed:
        known: Mapping[str, Any] = about.get(one["id"], {})
        kind = known.get("type")
        if kind == "embeddings":
            continue
        sees = kind == "vlm" if kind in ("vlm", "llm") else None
        found.append((one["id"], sees, _number(known.get("max_context_length"))))
    return found


def _llama_server(ask: _Asks, listed: Sequence[Json]) -> list[_Model]:
    try:
        told = ask("GET", "/props")
    except (httpx.HTTPError, NoModelListError):
        told = None
    told = told if isinstance(told, dict) else {}
    can, settings = told.get("modalities"), told.get("default_generation_settings")
    sees = can.get("vision") if isinstance(can, dict) else None
    length = _number(settings.get("n_ctx")) if isinstance(settings, dict) else None
    return [(one["id"], sees if isinstance(sees, bool) else None, length) for one in listed]


def _vllm(_: _Asks, listed: Sequence[Json]) -> list[_Model]:
    return [(one["id"], None, _number(one.get("max_model_len"))) for one in listed]


_READERS: Final[Mapping[str, Callable[[_Asks, Sequence[Json]], list[_Model]]]] = {
    "ollama": _ollama,
    "lmstudio": _lm_studio,
    "llama-server": _llama_server,
    "vllm": _vllm,
}
